"""The simulator's own athletes under the same controllers: whether the fixture's figures are those of people.

Their feet decide the force and nobody the speed, so each controller is walked under at a speed of its own.
"""

from typing import NamedTuple

from bench.force_measure import Law, Steady, TICK_s, law_on_motion, steady
from bench.force_runs import (
    ROLLING_N,
    SKID_FRICTION,
    Recording,
    ROLLING_N_s_per_m,
    Scene,
    run_ours,
    run_plain,
    skid_sled,
)
from sim.people.athlete import Athlete
from sim.people.bodies import ATHLETES
from sim.world.parameters import GRAVITY_m_per_s2

_LANE_m = 60.0
_LENGTH_s = 16.0
_FROM_s = 8.0  # gripped for 2 s, at pace, and the trim has learned
_INERTIA_MIN_kg, _INERTIA_MAX_kg = 15.0, 45.0


class Walk(NamedTuple):
    """One athlete, way and load."""

    athlete: str
    direction: int
    load: str
    law: Law

    @property
    def pace_m_per_s(self) -> float:
        """What the athlete finds comfortable."""
        body = ATHLETES[self.athlete]
        return body.pace_pull_m_per_s if self.direction > 0 else body.pace_push_m_per_s

    @property
    def nominal_N(self) -> float:
        """The law at that pace."""
        return self.law.at(self.pace_m_per_s)


class Walked(NamedTuple):
    """What was felt."""

    walk: Walk
    controller: str
    speed_m_per_s: float
    ripple: float  #: rms of the speed around its mean, of it
    steady: Steady


def walks() -> list[Walk]:
    """Half of body weight for everybody, both ways; and two loads without a mass to feel."""
    found = []
    for name, body in ATHLETES.items():
        plates_kg = 0.5 * body.body_mass_kg
        inertia_kg = min(max(plates_kg, _INERTIA_MIN_kg), _INERTIA_MAX_kg)
        law = Law(SKID_FRICTION * plates_kg * GRAVITY_m_per_s2, inertia_kg)
        found += [Walk(name, direction, "50%bw", law) for direction in (1, -1)]
    found.append(Walk("recreational", 1, "130N", Law(130.0, _INERTIA_MIN_kg)))
    found.append(Walk("sprinter", 1, "200N", Law(200.0, _INERTIA_MIN_kg)))
    return found


def _record(walk: Walk, controller: str) -> Recording:
    body = ATHLETES[walk.athlete]
    person = Athlete(body, 1, _LANE_m, 1, is_pull_first=walk.direction > 0)
    scene = Scene(body_mass_kg=body.body_mass_kg)
    direction = walk.direction
    if controller == "ours":
        return run_ours(scene, person, direction, [(0.0, walk.law)], _LENGTH_s)
    force_N, pace = walk.nominal_N, walk.pace_m_per_s
    if controller == "fixed":
        return run_plain(scene, person, direction, lambda v, now_s: force_N, _LENGTH_s)
    if controller == "magnetic":
        slope = (force_N - ROLLING_N - ROLLING_N_s_per_m * pace) / pace
        return run_plain(
            scene, person, direction, lambda v, now_s: slope * max(v, 0.0), _LENGTH_s, through_driver=False
        )
    return run_plain(
        scene,
        person,
        direction,
        lambda v, now_s: 0.0,
        _LENGTH_s,
        through_driver=False,
        sled=skid_sled(force_N),
    )


def measure(walk: Walk, controllers: tuple[str, ...]) -> list[Walked]:
    """That walk under each of them."""
    found = []
    begin = round(_FROM_s / TICK_s)
    for controller in controllers:
        recording = _record(walk, controller)
        law_N = law_on_motion(walk.law, recording.v_m_per_s, recording.x_m)
        v = recording.v_m_per_s[begin:]
        speed = sum(v) / len(v)
        ripple = (sum((each - speed) ** 2 for each in v) / len(v)) ** 0.5
        beside = steady(recording.felt_N[begin:], law_N[begin:])
        found.append(Walked(walk, controller, speed, ripple / speed, beside))
    return found


def show(found: list[Walked]) -> None:
    """One line for each walk, the controllers side by side: speed, mean error, ripple."""
    controllers = list(dict.fromkeys(each.controller for each in found))
    print("\nThe simulator's athletes: speed and its rms ripple; mean and rms ripple error of the force")
    print(f"{'':<31}" + "".join(f"|{name:^25}" for name in controllers))
    print(f"{'':<31}" + f"|{'m/s':>6}{'%':>5}{'mean %':>7}{'rms %':>7}" * len(controllers))
    for walk in dict.fromkeys(each.walk for each in found):
        way = "pull" if walk.direction > 0 else "push"
        line = f"{walk.athlete}, {way} {walk.load} {walk.nominal_N:.0f} N"
        cells = ""
        for each in (each for each in found if each.walk == walk):
            mean = 100 * each.steady.mean_error_N / each.steady.law_N
            ripple = 100 * each.steady.ripple_part
            cells += f"|{each.speed_m_per_s:>6.2f}{100 * each.ripple:>5.1f}{mean:>7.1f}{ripple:>7.1f}"
        print(f"{line:<31}{cells}")
