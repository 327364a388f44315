"""A sled that is pulled, pushed, shoved back and let go at will, and how much energy its brake puts in.

The driver is `SignedDriver`, the wrong kind: it keeps the sign of the velocity for a whole period. The
right kind cannot inject energy at all, so it would hide what the firmware commands.
"""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from hypothesis import strategies as st

from device.sled import tick
from protocol import wire
from sim.people.athlete import ScriptedForce
from sim.rig import Rig, RigConfig
from sim.world.driver import Driver, SignedDriver


class Push(NamedTuple):
    """A constant force of the athlete on the sled, N, for so long."""

    force_N: float
    time_s: float


class Outcome(NamedTuple):
    injected_J: float
    lowest_brake_mN: int
    highest_step_mN: int  #: greatest rise of the command in one tick
    passivity_fault: bool


#: Reversals and shoves of up to 400 N, after one pull that brings the sled to speed under its load.
PUSHES = st.lists(st.builds(Push, st.floats(-400, 400), st.floats(0.03, 0.8)), min_size=1, max_size=8)
LOADS = st.fixed_dictionaries(
    {
        "force_mN": st.integers(20_000, 600_000),
        "inertia_g": st.integers(15_000, 45_000),
        "viscous_mN_s_per_m": st.sampled_from((0, 0, 50_000, 200_000)),
        "quadratic_mN_s2_per_m2": st.sampled_from((0, 0, 20_000)),
        "stiffness_mN_per_m": st.sampled_from((0, 0, 100_000, 500_000)),
        "speed_cap_mm_per_s": st.sampled_from((0, 0, 500, 1_000)),
    }
)


def script(pushes: list[Push], load_N: float) -> tuple[Callable[[float], float], float]:
    """The athlete's force over time, and its whole length in s."""
    whole = [Push(load_N + 80.0, 1.0), *pushes, Push(0.0, 0.5)]
    ends = list(accumulate(push.time_s for push in whole))

    def force_N(now_s: float) -> float:
        return whole[min(bisect_right(ends, now_s), len(whole) - 1)].force_N

    return force_N, ends[-1]


def loaded_rig(load: dict[str, int], config: RigConfig, driver_kind: type[Driver]) -> Rig:
    """A rig that is armed, with that held load and its envelope open."""
    rig = Rig(config._replace(signed_driver=driver_kind is SignedDriver))
    rig.write(wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0}))
    rig.write(wire.encode("ARM", {"command_id": 1}))
    rig.write(
        wire.encode("SET_LOAD", {"command_id": 2, "hold": 0, "lease_ms": 0, "pull": load, "push": load})
    )
    rig.step(10)
    assert rig.app.mode == 1
    rig.board.s[tick.CEILING_mN] = rig.board.s[tick.FORCE_MAX_mN]
    return rig


def run(
    load: dict[str, int],
    pushes: list[Push],
    config: RigConfig = RigConfig(),  # noqa: B008 - immutable
    driver_kind: type[Driver] = SignedDriver,
) -> Outcome:
    """Pull, then do `pushes` to the sled, under the firmware as it is."""
    rig = loaded_rig(load, config, driver_kind)
    force_N, length_s = script(pushes, load["force_mN"] / 1000)
    start = rig.ticks
    rig.person = ScriptedForce(lambda now_s: force_N(now_s - start / 1000))
    s = rig.board.s
    lowest = highest = 0
    last = s[tick.BRAKE_mN]
    for _ in range(round(length_s * 1000)):
        rig.step(1)
        brake = s[tick.BRAKE_mN]
        lowest = min(lowest, brake)
        highest = max(highest, brake - last)
        last = brake
    return Outcome(rig.truth.injected_J, lowest, highest, bool(s[tick.FAULTS] & 4))


def run_naive(load_N: float, pushes: list[Push], seed: int = 1) -> float:
    """The same sled under F * sign(v), v the difference of two encoder readings. Returns the J injected."""
    rig = Rig(RigConfig(seed=seed, signed_driver=True))
    plant, driver = rig.plant, rig.driver
    force_N, length_s = script(pushes, load_N)
    command = round(load_N / 800.0 * 4095)
    last = rig.encoder.counts(plant.x_m)
    velocity = 0.0
    for n in range(round(length_s * 1000)):
        counts = rig.encoder.counts(plant.x_m)
        # The usual remedy for noise, a low-pass of about 10 ms, is what makes the sign late.
        velocity += (counts - last - velocity) / 10
        last = counts
        driver.tick(command if abs(velocity) > 0.01 else 0, 1, velocity)
        plant.touch_N = force_N(n / 1000)
        plant.advance(driver.brake_N, driver.signed_N)
    return plant.injected_J
