"""Whether the loop of tracker, law, driver, hitch and athlete swings: the sled set rolling at the load's own
speed, knocked, and looked at once the knock should have died away."""

from typing import NamedTuple

from device.sled import settings, tick
from sim.rig import Rig, RigConfig
from sim.world import parameters
from sim.world.driver import Driver
from sim.world.plant import HANDLES, SLACK, TETHER, Plant
from tests.safety.shoves import Trial, load

SWINGS = 0.03  #: of force or speed, above 5 Hz: more does not count as steady
_KNOCK_N, _KNOCK_TICKS = 150.0, 20
_SETTLE_TICKS, _DECAY_TICKS, _LOOK_TICKS = 600, 1000, 700
_MEAN_TICKS = 200  # a mean over as many keeps what is below 5 Hz
_PACE_LAG_TICKS = 80


class Hitch(NamedTuple):
    """What joins a steady athlete to the sled; `SLACK`: a hand, without any mass of its own."""

    side: int
    N_per_m: float = 0.0
    N_s_per_m: float = 0.0


HAND = Hitch(SLACK)
SOFT = Hitch(TETHER, 5_000.0, 150.0)
STRAP = Hitch(TETHER, 25_000.0, 500.0)
STIFF = Hitch(TETHER, 60_000.0, 400.0)  #: a sixth of critical
GRIPS = Hitch(HANDLES, 100_000.0, 1_000.0)


class Sled(NamedTuple):
    """Truth, and what the settings say of it."""

    mass_kg: float = 30.0
    believed: float = 1.0  #: mass in the settings over true mass
    brake: float = 1.0  #: force over what was commanded
    lag_s: float = 0.003


class SteadyAthlete:
    """Pulls with one force; with `holds_N_s_per_m` rather at one pace."""

    def __init__(self, force_N: float, pace_m_per_s: float, hitch: Hitch, holds_N_s_per_m: float) -> None:
        self.force_N = force_N
        self.knock_N = 0.0
        self._pace_m_per_s = pace_m_per_s
        self._way = -1 if hitch.side == HANDLES else 1
        self._is_hand = hitch.side == SLACK
        self._holds_N_s_per_m = holds_N_s_per_m
        self._slow_m_per_s = 0.0

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Feet on the ground, or a hand on the sled."""
        missing = self._pace_m_per_s - plant.body_v_m_per_s * self._way
        self._slow_m_per_s += (missing - self._slow_m_per_s) / _PACE_LAG_TICKS
        force_N = max(0.0, self.force_N + self._holds_N_s_per_m * self._slow_m_per_s)
        plant.propulsion_N = 0.0 if self._is_hand else self._way * force_N
        plant.touch_N = self._way * (self.knock_N + (force_N if self._is_hand else 0.0))


def rolling_rig(
    words: dict[str, int],
    speed_m_per_s: float,
    force_N: float,
    sled: Sled,
    hitch: Hitch,
    holds_N_s_per_m: float = 0.0,
    cap_gain_N_s_per_m: float | None = None,
) -> tuple[Rig, SteadyAthlete]:
    """A sled that rolls with that load at that speed, pulled with that force; no limit of guard applies."""
    truth = parameters.Sled(mass_kg=sled.mass_kg)
    if hitch.side == TETHER:
        truth = truth._replace(tether_N_per_m=hitch.N_per_m, tether_N_s_per_m=hitch.N_s_per_m)
    elif hitch.side == HANDLES:
        truth = truth._replace(handle_N_per_m=hitch.N_per_m, handle_N_s_per_m=hitch.N_s_per_m)
    driver = parameters.Driver(full_scale_N=800.0 * sled.brake, lag_s=sled.lag_s)
    rig = Trial(load(), config=RigConfig(sled=truth, driver=driver), driver_kind=Driver).rig
    way = -1 if hitch.side == HANDLES else 1
    s, plant = rig.board.s, rig.plant
    s[tick.BARE_MASS_g] = round(sled.mass_kg * sled.believed * 1000)
    if cap_gain_N_s_per_m is not None:
        s[tick.CAP_GAIN_mN_s_per_m] = round(cap_gain_N_s_per_m * 1000)
    settings.derive(s)
    for at, word in enumerate(words.values()):
        s[tick.PULL + at] = s[tick.PUSH + at] = word
    plant.v_m_per_s = plant.body_v_m_per_s = way * speed_m_per_s
    plant.hitch = hitch.side
    plant.body_x_m = plant.x_m + (way * force_N / hitch.N_per_m if hitch.N_per_m else 0.0)
    s[tick.VELOCITY_mm_per_s_q10] = round(way * speed_m_per_s * 1000 * 1024)
    s[tick.DIRECTION] = s[tick.HEADING] = way
    s[tick.ZERO_TICKS] = 0
    s[tick.BRAKE_mN] = s[tick.BRAKE_FELT_mN] = max(0, round((force_N - 11.0) * 1000))
    rig.driver.force_N = s[tick.BRAKE_mN] / 1000
    athlete = SteadyAthlete(force_N, speed_m_per_s, hitch, holds_N_s_per_m)
    rig.person = athlete
    return rig, athlete


def swing(rig: Rig, athlete: SteadyAthlete) -> float:
    """What of force and speed still swings faster than 5 Hz, a second after a knock, as a part of their mean.

    The worse of the brake's force and the speed.
    """
    rig.step(_SETTLE_TICKS)
    athlete.knock_N = _KNOCK_N
    rig.step(_KNOCK_TICKS)
    athlete.knock_N = 0.0
    rig.step(_DECAY_TICKS)
    forces_N, speeds_m_per_s = [], []
    for _ in range(_LOOK_TICKS):
        rig.step(1)
        forces_N.append(rig.plant.brake_N)
        speeds_m_per_s.append(abs(rig.plant.v_m_per_s))
    assert rig.board.s[tick.FAULTS] == 0
    return max(_ripple(forces_N), _ripple(speeds_m_per_s))


def _ripple(values: list[float]) -> float:
    """Half of the range around the running mean, over the whole mean."""
    half = _MEAN_TICKS // 2
    apart = [
        values[n] - sum(values[n - half : n + half]) / _MEAN_TICKS for n in range(half, len(values) - half)
    ]
    return (max(apart) - min(apart)) / 2 / (sum(values) / len(values))
