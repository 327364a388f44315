"""Facts of the method that only the whole system can show: host, firmware and simulated sled together.

Forces are the simulator's truth at the hitch, at the athlete's pace, without the first and last seconds
of a length; the load cell in between is a little wrong, as a real one is.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import presets
from host.loading import set_held, work_out
from host.loads import Load
from host.session import Session
from host.transport import open_port
from protocol.units import load_from_si
from sim.people.athlete import DONE
from sim.rig import Rig, RigConfig
from tests.host.command_line import Host
from tests.sim.hosting import set_load

STEP_ticks = 10
SETTING_OFF_s = 3.5
SLOWING_s = 2.0
BARE_MASS_kg = 30.0


def felt_N(force_N: float, athlete: str = "recreational") -> list[float]:
    """Mean tow force that an athlete feels in each of two lengths, a push and a pull."""
    rig = Rig(RigConfig(athlete=athlete, lengths=2, lane_m=12.0))
    wire_load = load_from_si(Load(force_N=force_N, inertia_kg=BARE_MASS_kg)._asdict())
    rig.write(set_load(**wire_load))
    tow_N = []
    while rig.athlete.state != DONE and rig.ticks < 200_000:
        rig.step(STEP_ticks)
        rig.read(1 << 20)
        tow_N.append(abs(rig.truth.tow_N))
    return [
        statistics.fmean(tow_N[at(length.start_s + SETTING_OFF_s) : at(length.end_s - SLOWING_s)])
        for length in rig.truth.lengths
    ]


def at(time_s: float) -> int:
    """Place in the record of that moment."""
    return round(time_s * 1000) // STEP_ticks


@pytest.mark.parametrize("force_N", [15.0, 20.0, 30.0, 60.0])
def test_a_small_load_is_felt_to_about_a_newton(force_N: float) -> None:
    assert felt_N(force_N) == pytest.approx([force_N, force_N], abs=1.2)


def test_one_newton_more_is_felt_as_one_newton_more() -> None:
    less, more = felt_N(20.0), felt_N(21.0)
    assert [high - low for low, high in zip(less, more, strict=True)] == pytest.approx([1.0, 1.0], abs=0.1)


def test_a_heavy_load_is_felt_to_two_percent() -> None:
    assert felt_N(400.0, "strong") == pytest.approx([400.0, 400.0], rel=0.02)


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(open_port("sim://"), "sim://") as opened:
        opened.hello()
        yield opened


@pytest.mark.parametrize("name", presets.read("workouts"))
def test_a_sled_takes_the_load_of_every_built_in_workout_unlimited(name: str, session: Session) -> None:
    request = work_out(presets.workout(name)["load"], "80kg", "turf")
    applied = set_held(session, request.load, request.load)
    assert applied.limited_by == []
    assert applied.pull.force_N == pytest.approx(request.load.force_N, abs=0.001)
    assert applied.push == applied.pull


def test_walking_is_the_sleds_own_friction_and_is_reported_as_such(session: Session) -> None:
    request = work_out("walk")
    applied = set_held(session, request.load, request.load)
    assert request.load == Load()
    assert "own_friction" in applied.limited_by
    assert applied.pull.force_N == 10.0


def test_eight_times_up_and_back_is_counted_as_sixteen_lengths_half_of_them_pulled(tmp_path: Path) -> None:
    workout = presets.workout("up_and_back")
    answer = Host(tmp_path)("--json", "demo", "--lane", "4m").answer
    directions = [length["direction"] for length in answer["each_length"]]
    assert answer["lengths"] == workout["lengths"] == 16
    assert directions == [workout["first"], "pull"] * workout["rounds"]
    assert answer["mean_pull_force_N"] == pytest.approx(129.4, rel=0.02)
    assert answer["mean_push_force_N"] == pytest.approx(129.4, rel=0.02)
    assert answer["pull_share_of_distance"] == pytest.approx(0.5, abs=0.02)
    assert answer["pull_share_of_work"] == pytest.approx(0.5, abs=0.03)
