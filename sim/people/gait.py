"""Steps: one pulse of the ground's force for each, left and right in turn, and the truth of every one.

A foot's pulse is a parabola over `drive_part` of the step; over the rest, double support in walking or
flight in running, the force is at its least. The mean over a step is the effort times its strength,
but at no instant do the feet press harder than `brace_N_per_kg`.
"""

from collections.abc import Callable
from typing import NamedTuple

from sim.people.bodies import Body
from sim.world.plant import Plant, TICK_s
from sim.world.sensors import Normal

WALK_TICKS = 2  #: `Gait.walk` is called so often
_WALK_s = WALK_TICKS * TICK_s

STUMBLE = "stumble"  # marks of a step
RECOVERY = "recovery"
CUT = "cut"

_RECOVERY_STRENGTH = 1.6  # assumption: of the step that catches a stumble
_RECOVERY_TIME = 0.75  # assumption: it comes early
_SLOWEST_PER_s = 1.0
_FASTEST_PER_s = 4.2


class Step(NamedTuple):
    """One step, from where the foot begins to drive to where the other one does."""

    time_s: float  #: begin
    side: str  #: "L" or "R"
    duration_s: float
    way_m: float  #: of the sled, in the direction of the length
    drive_Ns: float  #: impulse of the ground on the body, forward
    hitch_Ns: float  #: impulse at the hitch; load and sled even it out
    peak_N: float  #: greatest force at the hitch
    work_J: float  #: at the hitch
    peak_W: float  #: greatest power at the hitch
    mark: str  #: "", or what was wrong with it: "stumble", its "recovery", or "cut" when the hitch was let go

    @property
    def mean_force_N(self) -> float:
        """At the hitch."""
        return self.hitch_Ns / self.duration_s


class Gait:
    """Steps of one body. `steps_per_s` and `step_time_cv` hold from the next step on."""

    __slots__ = (
        "_base_N",
        "_brace_N",
        "_direction",
        "_drive_sum_N",
        "_effort_N",
        "_from_J",
        "_from_m",
        "_from_s",
        "_gain",
        "_half_strength",
        "_half_time",
        "_hitch_sum_N",
        "_least",
        "_most_N",
        "_next_is_left",
        "_normal",
        "_on_step",
        "_peak_N",
        "_peak_W",
        "_per_s",
        "_sharpness",
        "_strength",
        "_swing_N",
        "_until_s",
        "mark",
        "phase",
        "side",
        "step_time_cv",
        "steps_per_s",
    )

    def __init__(self, body: Body, seed: int, is_left_first: bool, on_step: Callable[[Step], None]) -> None:
        """`on_step` is given each step once it has ended."""
        self.steps_per_s = body.steps_per_s
        self.step_time_cv = body.step_time_cv
        self.phase = 0.0  #: part of the present step that has passed, 0 to 1; 0 while not stepping
        self.side = ""  #: "L" or "R"; empty while not stepping
        self.mark = ""  #: of the present step
        self._normal = Normal(seed).draw
        self._on_step = on_step
        self._half_time = 0.5 * body.step_time_asymmetry
        self._half_strength = 0.5 * body.asymmetry
        self._sharpness = 1.0 / body.drive_part
        # 6 u (1 - u) has mean 1 over u from 0 to 1; over the step u runs `sharpness` times as fast.
        self._gain = 6.0 * body.pulse_depth * self._sharpness
        self._least = 1.0 - body.pulse_depth
        self._brace_N = body.brace_N_per_kg * body.body_mass_kg
        self._direction = 1
        self._strength = 1.0
        self._effort_N = self._most_N = self._base_N = self._swing_N = 0.0
        self._from_s = self._until_s = self._per_s = 0.0
        self._from_m = self._from_J = 0.0
        self._hitch_sum_N = self._drive_sum_N = self._peak_N = self._peak_W = 0.0
        self._next_is_left = is_left_first

    def start(self, plant: Plant, now_s: float, direction: int) -> None:
        """From standing: the first step begins now, with no effort yet."""
        self._direction = direction
        self._effort_N = self._most_N = 0.0
        self._until_s = now_s
        self.mark = ""
        self._begin(plant)

    def stop(self, plant: Plant, now_s: float) -> None:
        """No more steps; the present one is cut off."""
        if not self.side:
            return
        if now_s > self._from_s:
            self._until_s = now_s
            self.mark = self.mark or CUT
            self._end(plant)
        else:
            self._next_is_left = self.side == "L"
        self.side = self.mark = ""
        self.phase = 0.0

    def stumble(self, now_s: float, for_s: float) -> None:
        """The present step fails: no force for so long, then the other foot catches it."""
        self.mark = STUMBLE
        self._strength = 0.0
        self._until_s = now_s + for_s
        self._per_s = 1.0 / (self._until_s - self._from_s)
        self.drive(self._effort_N, self._most_N)

    def drive(self, effort_N: float, most_N: float) -> None:
        """Mean force of the steps from now on, negative to slow down; no recovery goes beyond `most_N`."""
        self._effort_N = effort_N
        self._most_N = most_N
        force_N = effort_N * self._strength
        if self.mark == RECOVERY and force_N > most_N:
            force_N = most_N
        force_N *= self._direction
        if effort_N > 0.0:
            self._base_N = force_N * self._least
            self._swing_N = force_N * self._gain
        else:
            self._base_N = force_N
            self._swing_N = 0.0

    def walk(self, plant: Plant, now_s: float) -> None:
        """Set the propulsion for the next `WALK_TICKS`. The force at the hitch is sampled here too."""
        part = (now_s - self._from_s) * self._per_s
        if part >= 1.0:
            self._end(plant)
            self._begin(plant)
            part = (now_s - self._from_s) * self._per_s
        self.phase = part
        rise = part * self._sharpness
        force_N = self._base_N
        if rise < 1.0:
            force_N += self._swing_N * rise * (1.0 - rise)
        brace_N = self._brace_N
        if force_N > brace_N:
            force_N = brace_N
        elif force_N < -brace_N:
            force_N = -brace_N
        plant.propulsion_N = force_N
        self._drive_sum_N += force_N
        hitch_N = plant.hitch_N
        self._hitch_sum_N += hitch_N
        hitch_N *= self._direction
        if hitch_N > self._peak_N:
            self._peak_N = hitch_N
        power_W = hitch_N * plant.v_m_per_s * self._direction
        if power_W > self._peak_W:
            self._peak_W = power_W

    def _begin(self, plant: Plant) -> None:
        """The next step begins where the one before ended, not when this call happens to come."""
        sign = 1.0 if self._next_is_left else -1.0
        self.side = "L" if self._next_is_left else "R"
        self._next_is_left = not self._next_is_left
        spread = 1.0 + self.step_time_cv * self._normal()
        spread = 0.5 if spread < 0.5 else 1.5 if spread > 1.5 else spread
        steps_per_s = self.steps_per_s
        if steps_per_s < _SLOWEST_PER_s:
            steps_per_s = _SLOWEST_PER_s
        elif steps_per_s > _FASTEST_PER_s:
            steps_per_s = _FASTEST_PER_s
        longer = 1.0 + sign * self._half_time
        duration_s = spread * longer / steps_per_s
        # The asymmetry is one of impulses: force times time.
        self._strength = (1.0 + sign * self._half_strength) / longer
        if self.mark == STUMBLE:
            self.mark = RECOVERY
            self._strength *= _RECOVERY_STRENGTH
            duration_s *= _RECOVERY_TIME
        else:
            self.mark = ""
        self._from_s = self._until_s
        self._until_s += duration_s
        self._per_s = 1.0 / duration_s
        self._from_m = plant.x_m
        self._from_J = plant.athlete_J
        self._hitch_sum_N = self._drive_sum_N = self._peak_N = self._peak_W = 0.0
        self.drive(self._effort_N, self._most_N)

    def _end(self, plant: Plant) -> None:
        direction = self._direction
        self._on_step(
            Step(
                self._from_s,
                self.side,
                self._until_s - self._from_s,
                (plant.x_m - self._from_m) * direction,
                self._drive_sum_N * direction * _WALK_s,
                self._hitch_sum_N * direction * _WALK_s,
                self._peak_N,
                plant.athlete_J - self._from_J,
                self._peak_W,
                self.mark,
            )
        )
