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
