"""The demo ends by itself and says why, whatever becomes of the athlete or the sled."""

from collections.abc import Iterator
from typing import Any

import pytest

from host.commands.demo import watch
from host.errors import BadValue, Refused
from host.lengths import LengthFinder
from host.loading import set_held, work_out
from host.progress import Show
from host.session import Session
from host.telemetry import Sample, Telemetry
from host.transport import open_port
from tests.host.command_line import Host


class Lines(Show):
    """Collects the lines, and does something once the sled moves."""

    def __init__(self, lengths: int, when_moving: Any = lambda: None) -> None:
        self.lines: list[str] = []
        super().__init__(lengths, self.lines.append)
        self._when_moving = when_moving

    def now(self, sample: Sample | None, finder: LengthFinder) -> None:
        if sample is not None and abs(sample.velocity_m_per_s) > 0.5:
            self._when_moving()


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(open_port("sim://?athlete=recreational&lengths=2&lane_m=3"), "sim://") as opened:
        opened.hello()
        request = work_out("40kg")
        set_held(opened, request.load, request.load)
        yield opened


def watched(session: Session, lengths: int, show: Show) -> LengthFinder:
    telemetry = Telemetry(session)
    telemetry.start()
    finder = LengthFinder()
    watch(session, telemetry, finder, lengths, show)
    return finder


def test_it_ends_soon_after_the_last_length(session: Session) -> None:
    lines = Lines(2)
    finder = watched(session, 2, lines)
    assert len(finder.lengths) == len(lines.lines) == 2
    assert finder.total.end_s is not None and session.now() < finder.total.end_s + 6


def test_an_athlete_who_stops_early_is_an_error_and_not_an_endless_wait(session: Session) -> None:
    with pytest.raises(BadValue, match="stood still for 30 s after 2 of 3 lengths"):
        watched(session, 3, Lines(3))


def test_a_fault_on_the_way_is_named(session: Session) -> None:
    rig: Any = getattr(session.port, "rig", None)

    def press_the_emergency_stop() -> None:
        rig.switches = 1

    with pytest.raises(Refused, match="emergency stop is pressed"):
        watched(session, 2, Lines(2, press_the_emergency_stop))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--athlete", "nobody"), "no athlete 'nobody'; known are"),
        (("--athlete", "recreational&seed=7"), "no athlete 'recreational&seed=7'"),
        (("--seed", "-1"), "seed must be from 0"),
        (("--bodyweight", "250kg"), "body_mass_kg must be from 30 to 200"),
    ],
)
def test_what_cannot_be_simulated_is_said_without_the_inner_address(
    host: Host, words: tuple[str, ...], reason: str
) -> None:
    answer = host("--json", "demo", *words).answer
    assert answer["code"] == 2 and reason in answer["error"] and "sim:" not in answer["error"]
    assert answer["hint"] == "host demo --help"


def test_a_summary_that_cannot_be_written_is_known_before_the_workout(host: Host) -> None:
    (host.folder / "taken").mkdir()
    outcome = host("demo", "--rounds", "1", "--lane", "3m", "--out", "taken")
    assert (outcome.code, outcome.stdout) == (2, "") and "cannot write 'taken'" in outcome.stderr


@pytest.mark.parametrize(
    ("rounds", "title"), [("1", "1 time up and back: 2"), ("2", "2 times up and back: 4")]
)
def test_the_title_counts_the_rounds_that_are_gone(host: Host, rounds: str, title: str) -> None:
    words = ("--bodyweight", "176.37lb", "--rounds", rounds, "--lane", "3m")
    first = host("demo", *words).stdout.splitlines()[0]
    assert first.startswith(title) and first.endswith("body mass 80.0001 kg"), first
