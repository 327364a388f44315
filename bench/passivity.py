"""Energy that the brake puts into the sled: over a workout, and over drawn shoves and reversals.

With the driver that the design asks for, in brake mode, and with one that holds its sign for 4 ms.
"""

from unittest import mock

from hypothesis import given, settings

from bench.report import line
from device.sled import tick
from protocol import wire
from sim.rig import Rig, RigConfig
from sim.world.driver import Driver, SignedDriver
from tests.safety.shoves import LOADS, MISMATCHES, SHOVES, Act, load, naive_tick, run
from tests.safety.test_passivity import acts

_DRIVERS = {"brake mode": Driver, "holds its sign": SignedDriver}
_RUNS = 120
_WORKOUT_LENGTHS = 16
_GIVE_UP_TICKS = 600_000


def over_a_workout_J(driver_kind: type[Driver]) -> tuple[float, float]:
    """Energy injected, and the athlete's work, in 8 times up and back at half of 80 kg on turf."""
    is_signed = driver_kind is SignedDriver
    rig = Rig(RigConfig(athlete="recreational", lengths=_WORKOUT_LENGTHS, signed_driver=is_signed))
    half_body_weight = load(129_400, 40_000)
    fields = {"hold": 0, "lease_ms": 0, "pull": half_body_weight, "push": half_body_weight}
    rig.write(wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0}))
    rig.write(wire.encode("ARM", {"command_id": 1}))
    rig.write(wire.encode("SET_LOAD", {"command_id": 2} | fields))
    while len(rig.truth.lengths) < _WORKOUT_LENGTHS and rig.ticks < _GIVE_UP_TICKS:
        rig.step(1000)
    assert len(rig.truth.lengths) == _WORKOUT_LENGTHS and not rig.board.s[tick.FAULTS]
    return rig.truth.injected_J, rig.truth.athlete_J


def drawn_J(driver_kind: type[Driver]) -> list[float]:
    """Energy injected in each of the drawn runs, in order of size."""
    found: list[float] = []

    @settings(max_examples=_RUNS, derandomize=True, database=None, deadline=None)
    @given(pull=LOADS, push=LOADS, config=MISMATCHES, shoves=acts(SHOVES))
    def collect(pull: dict[str, int], push: dict[str, int], config: RigConfig, shoves: list[Act]) -> None:
        found.append(run(pull, shoves, config, driver_kind, push).injected_J)

    collect()
    return sorted(found)


def measure() -> None:
    """The naive law F * sign(v) in the same harness is the line to compare with."""
    for name, kind in _DRIVERS.items():
        injected_J, work_J = over_a_workout_J(kind)
        line(f"8 times up and back, driver {name}", f"{injected_J:.6f} J", f"of {work_J:.0f} J of work")
    for name, kind in _DRIVERS.items():
        found = drawn_J(kind)
        line(
            f"{len(found)} drawn runs with shoves, driver {name}",
            f"{found[-1]:.4f} J",
            f"the most; median {found[len(found) // 2]:.6f} J",
        )
    shoves = [Act(-350.0, 0.4), Act(450.0, 0.5)] * 4
    ours_J = run(load(400_000), shoves).injected_J
    with mock.patch.object(tick, "tick", naive_tick):
        naive_J = run(load(400_000), shoves).injected_J
    line("8 shoves at 400 N, driver holds its sign", f"{ours_J:.4f} J", "1.0 x")
    line("the same under F * sign(v)", f"{naive_J:.4f} J", f"{naive_J / ours_J:.0f} x" if ours_J else "")
