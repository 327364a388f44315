"""The cases of the force benchmark: who walks how, on which sled, under which load and which one before it.

Spread evenly over their ranges without chance: the same list on every run.
"""

import math
import tomllib
from pathlib import Path
from typing import NamedTuple

from bench.force_measure import Law, TICK_s, whole_periods
from bench.force_runs import ROLLING_N, Motion, ROLLING_N_s_per_m, Scene
from protocol.settings import SETTINGS
from sim.world.parameters import GRAVITY_m_per_s2, Sled

_PRESETS = tomllib.loads((Path(__file__).parents[1] / "seeds/loads.toml").read_text(encoding="utf-8"))
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
RAISE_N_per_s = _DEFAULTS["raise_mN_per_s"] / 1e3
FALL_N_per_s = _DEFAULTS["fall_mN_per_s"] / 1e3

POWER_MAX_W = 1800.0  #: no athlete makes more: Cross et al. 2017, 17.7 W/kg at 100 kg
HOT_C, COLD_C = 75.0, 22.0
FRICTION = (0.7, 1.0, 1.3)  #: the sled's rolling friction, of what the firmware believes
PHASES = (0.0, 1 / 3, 2 / 3)  #: of the stride, at the moment of the new load

_READY_s = 3.0  # at speed and under the first load, before the new one: the trim has learned by then
_TRIM_s = 3.0  # after the ramp: three time constants of the trim from the load cell
_WINDOW_s = 2.4  # then measured, in whole strides


class Case(NamedTuple):
    """One run. Loads `before` and `after` it changes; everything else stays."""

    number: int
    kind: str  #: of load
    group: str  #: "spread" or "hard": 16 % at 4.2 Hz
    before: Law
    after: Law
    motion: Motion  #: with `phase_at_s` at the change
    body_mass_kg: float
    friction: float
    winding_C: float

    @property
    def scene(self) -> Scene:
        sled = Sled(rolling_N=ROLLING_N * self.friction, rolling_N_s_per_m=ROLLING_N_s_per_m * self.friction)
        return Scene(sled, self.body_mass_kg, self.winding_C, self.number + 1)

    @property
    def change_s(self) -> float:
        """When the new load is set."""
        return self.motion.phase_at_s

    @property
    def window_s(self) -> float:
        """How long is measured, to the end of the run: whole strides, whole ticks."""
        return whole_periods(round(_WINDOW_s / TICK_s), self.motion.per_s) * TICK_s

    @property
    def length_s(self) -> float:
        """All of the run, whole ticks."""
        return round(self.change_s + self.ramp_s + _TRIM_s + _WINDOW_s, 3)

    @property
    def middle_m(self) -> float:
        """Way of the sled in the middle of what is measured, nearly."""
        return self.way_m(self.length_s - self.window_s / 2)

    def way_m(self, now_s: float) -> float:
        """Way of the sled, without its ripple."""
        return self.motion.speed_m_per_s * (now_s - self.motion.start_s / 2)

    @property
    def nominal_N(self) -> float:
        """The law at the nominal speed, in the middle of what is measured."""
        return self.after.at(self.motion.speed_m_per_s, 0.0, self.middle_m)

    @property
    def nominal_before_N(self) -> float:
        """The law before, at the moment of the change."""
        return self.before.at(self.motion.speed_m_per_s, 0.0, self.way_m(self.change_s))

    @property
    def step_N(self) -> float:
        """By how much the new load changes the law."""
        after_N = self.after.at(self.motion.speed_m_per_s, 0.0, self.way_m(self.change_s))
        return after_N - self.nominal_before_N

    @property
    def ramp_s(self) -> float:
        """What the ramp alone takes."""
        return abs(self.step_N) / (RAISE_N_per_s if self.step_N > 0 else FALL_N_per_s)


def _part(n: int, prime: int) -> float:
    """Evenly spread over 0 to 1: multiples of the root of a prime."""
    return (0.5 + n * math.sqrt(prime)) % 1.0


def _steps_per_s(speed_m_per_s: float, part: float) -> float:
    """Cadence from the range that is walked or run at this speed."""
    if speed_m_per_s < 0.5:
        return 1.6 + 0.8 * part
    if speed_m_per_s < 1.6:
        return 1.6 + 1.4 * part
    return 2.6 + 1.6 * part


def _scaled(law: Law, kind: str, by: float) -> Law:
    """A lighter or heavier load of the same kind."""
    if kind == "band":
        return law._replace(stiffness_N_per_m=law.stiffness_N_per_m * by)
    if kind == "fluid":
        return law._replace(quadratic_N_s2_per_m2=law.quadratic_N_s2_per_m2 * by)
    if kind == "magnetic":
        return law._replace(viscous_N_s_per_m=law.viscous_N_s_per_m * by)
    if kind == "sled":
        inertia_kg = min(max(law.inertia_kg * by, 15.0), 45.0)
        return law._replace(force_N=law.force_N * by, inertia_kg=inertia_kg)
    return law._replace(force_N=law.force_N * by)


def _loads() -> list[tuple[str, Law, float, float]]:
    """Kind, law, nominal speed, and the body mass it asks for (0: any)."""
    found: list[tuple[str, Law, float, float]] = []
    speeds = (0.1, 0.2, 0.35, 0.6, 1.0, 1.4, 2.2, 3.5, 5.0)
    masses_kg = (15.0, 22.5, 30.0, 37.5, 45.0)
    for n, force_N in enumerate((20.0, 35.0, 60.0, 100.0, 150.0, 220.0, 320.0, 450.0, 600.0)):
        for i, speed in enumerate(speeds):
            found.append(("force", Law(force_N), speed, 0.0))
            found.append(("sled", Law(force_N, masses_kg[(n + 2 * i) % 5]), speed, 0.0))
            found.append(("sled", Law(force_N, masses_kg[(n + 2 * i + 2) % 5]), speed, 0.0))
    deadmill = _PRESETS["deadmill"]
    belt = Law(deadmill["force_N"], deadmill["inertia_kg"], deadmill["viscous_N_s_per_m"])
    paddle = _PRESETS["fluid"]["quadratic_N_s2_per_m2_per_level"]
    magnet = _PRESETS["magnetic"]["viscous_N_s_per_m_per_level"]
    for n, speed in enumerate((0.2, 0.35, 0.6, 0.8, 1.0, 1.2, 1.6, 2.2, 3.0, 4.0)):
        found.append(("deadmill", belt, speed, 0.0))
        band_N_per_m = min((150.0, 250.0, 350.0)[n % 3] / (7.0 * speed), 240.0)
        found.append(("band", Law(stiffness_N_per_m=band_N_per_m), speed, 0.0))
        # What grows with speed is no load at a crawl.
        brisk = round(0.5 + 0.8 * speed, 2)
        found.append(("fluid", Law(quadratic_N_s2_per_m2=paddle * (6, 10, 13)[n % 3]), brisk, 0.0))
        found.append(("magnetic", Law(viscous_N_s_per_m=magnet * (20, 35, 80)[n % 3]), brisk, 0.0))
        mass_kg = 50.0 + 7.0 * n
        slope = math.atan((0.03, 0.08, 0.15)[n % 3])
        found.append(("hill", Law(mass_kg * GRAVITY_m_per_s2 * math.sin(slope)), speed, mass_kg))
    return found


def _case(number: int, kind: str, group: str, law: Law, speed: float, mass_kg: float) -> Case:
    """Everything that the load does not say, spread by the number."""
    direction = 1 if _part(number, 2) < 0.5 else -1
    if group == "hard":
        ripple, per_s = 0.16, 4.2
    else:
        ripple, per_s = 0.05 + 0.11 * _part(number, 3), _steps_per_s(speed, _part(number, 5))
        # An athlete who only ever pulls makes no more ripple than this; but 5 % in any case.
        start_x_m = 6.0 * speed
        swing = law.at(speed, 0.0, start_x_m) / ((law.inertia_kg or 15.0) * 2 * math.pi * per_s * speed)
        ripple = max(0.05, min(ripple, 0.8 * swing))
    winding_C = HOT_C if _part(number, 7) < 0.4 else COLD_C
    friction = FRICTION[int(3 * _part(number, 11))]
    phase = PHASES[int(3 * _part(number, 13))]
    is_raised = _part(number, 17) < 0.6
    # At least 20 N away, so that 3 % of the step is more than the brake's own step of 0.2 N.
    nominal_N = max(law.at(speed, 0.0, 6.0 * speed), 1.0)
    by = 0.5 if is_raised else 1.5
    if kind == "band":
        by = 0.25 if is_raised else 2.0  # little of it is stretched when it is changed
    elif is_raised and nominal_N < 40.0:
        by = 1.0 + 25.0 / nominal_N
    elif not is_raised:
        by = max(by, 1.0 + 20.0 / nominal_N)
        if by * nominal_N > 780.0:
            by = 0.7
    before = _scaled(law, kind, by)
    mass_kg = mass_kg or 50.0 + 70.0 * _part(number, 19)
    motion = Motion(speed, ripple, per_s, 2 * math.pi * phase, 0.0, 1.0 + speed / 2, direction)
    first_N = before.at(speed, 0.0, 4.0 * speed)
    change_s = round(max(motion.start_s, first_N / RAISE_N_per_s + 0.3) + _READY_s, 3)
    motion = motion._replace(phase_at_s=change_s)
    return Case(number, kind, group, before, law, motion, mass_kg, friction, winding_C)


def cases() -> list[Case]:
    """All of them, in a fixed order."""
    found: list[Case] = []
    for kind, law, speed, mass_kg in _loads():
        if law.at(speed, 0.0, 6.0 * speed) * speed <= POWER_MAX_W:
            found.append(_case(len(found), kind, "spread", law, speed, mass_kg))
    for force_N in (100.0, 200.0, 400.0):
        for inertia_kg in (15.0, 30.0, 45.0):
            for speed in (0.3, 0.6, 1.0):
                law = Law(force_N, inertia_kg)
                found.append(_case(len(found), "sled", "hard", law, speed, 0.0))
    return found
