"""A person at the hitch: grips, pushes or pulls a length in steps, turns, and goes on.

A model of assumptions (see `sim.parameters`): steady effort learned from the load as a slow PI on the
pace, bounded by a force-velocity line, made into steps by parabolic pulses. Truth is kept beside it.
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

from sim.bodies import Body
from sim.plant import HANDLES, SLACK, TETHER, Plant, TICK_s
from sim.sensors import Normal

STAND_BY = "stand-by"  # waits for the driver's ENABLE
GRIP = "grip"  # takes hold, then begins
GO = "go"
TURN = "turn"
DONE = "done"
GAVE_UP = "gave up"

_KEPT = 100_000  # steps and lengths remembered
_GRIP_s = 2.0
_LET_GO_s = 1.0  # without ENABLE for this long, a person stops
_FREE_LENGTHS = 2**30
_CONTROL_TICKS = 2  # effort changes no faster than this
_CONTROL_s = _CONTROL_TICKS * TICK_s
_GAIN_N_s_per_m_kg = 2.2  # effort per body mass and missing pace: assumption, settles in about 1 s
_LEARN_N_per_m_kg = 1.6
_SLACK_m = 0.01
_PROGRESS_m = 0.05
_NEAR_m = 0.04  # so close to the end of the lane counts as there


class Step(NamedTuple):
    """The foot begins to drive at `time_s`."""

    time_s: float
    side: str  #: "L" or "R"


class Length(NamedTuple):
    """One way along the lane, as it really was. Forces and work are those at the hitch."""

    number: int  #: from 1
    direction: int  #: TETHER (pull, +x) or HANDLES (push, -x)
    start_s: float
    end_s: float  #: let go
    start_m: float
    end_m: float  #: where the sled came to rest, or was taken up again
    mean_force_N: float  #: over the time of the length, always positive
    work_J: float
    steps: int


class Person(Protocol):
    """Whoever acts on the plant's inputs, once before each tick."""

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None: ...


class ScriptedForce:
    """A hand on the hitch: force in N as a function of time in s. For shoves, reversals, sudden stops."""

    def __init__(self, force_N: Callable[[float], float]) -> None:
        self._force_N = force_N

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Put the script's force on the hitch."""
        plant.touch_N = self._force_N(now_s)


def smooth(part: float) -> float:
    """0 to 1 without a jerk, for `part` from 0 to 1; flat outside."""
    if part <= 0.0:
        return 0.0
    if part >= 1.0:
        return 1.0
    return part * part * (3.0 - 2.0 * part)


class Athlete:
    """Walks `lengths` lengths of `lane_m` (None: for ever), the first a pull or a push, then in turns."""

    def __init__(
        self,
        body: Body,
        seed: int,
        lane_m: float = 15.0,
        lengths: int | None = None,
        is_pull_first: bool = False,
    ) -> None:
        self.body = body
        self.state = STAND_BY
        self.steps: deque[Step] = deque(maxlen=_KEPT)
        self.lengths: deque[Length] = deque(maxlen=_KEPT)
        self._random = Random(seed)
        self._normal = Normal(seed + 1).draw
        self._lane_m = lane_m
        self._wanted = _FREE_LENGTHS if lengths is None else lengths
        self._direction = TETHER if is_pull_first else HANDLES
        self._done = 0  # lengths finished
        self._origin_m = self._end_m = 0.0
        self._is_begun = False  # the present length has been gripped once already
        self._since_s = 0.0  # when the present state began
        self._pause_s = _GRIP_s
        self._dark_s = 0.0  # time without ENABLE
        self._reached_m = self._progress_s = 0.0  # least way left so far, and since when
        self._effort_N = 0.0
        self._is_left = self._random.random() < 0.5
        self._step_from_s = self._step_until_s = 0.0
        self._strength = 1.0
        self._phase = 0.0
        self._calls = 0
        self._start_s = self._let_go_s = self._start_m = self._start_J = self._force_sum_N = 0.0
        self._force_calls = self._length_steps = 0

    @property
    def phase(self) -> float:
        """Part of the present step that has passed, 0 to 1; 0 while not stepping."""
        return self._phase

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Look at the sled, then set hitch and propulsion for the next tick."""
        if self.state is GO:
            self._force_sum_N += plant.hitch_N
            self._force_calls += 1
        self._calls += 1
        if self._calls % _CONTROL_TICKS:
            return
        if is_enabled:
            self._dark_s = 0.0
        else:
            self._dark_s += _CONTROL_s
        state = self.state
        if state is GO:
            self._go(plant, now_s)
        elif state is STAND_BY:
            if is_enabled:
                self._enter(GRIP, now_s)
                self._pause_s = _GRIP_s
        elif state is GRIP or state is TURN:
            if not is_enabled and self._dark_s > _LET_GO_s:
                self._close_length(plant)
                self._enter(STAND_BY, now_s)
            elif now_s - self._since_s >= self._pause_s and plant.v_m_per_s == 0.0:
                self._close_length(plant)
                if self._done >= self._wanted:
                    self._enter(DONE, now_s)
                else:
                    self._begin(plant, now_s)

    def _enter(self, state: str, now_s: float) -> None:
        self.state = state
        self._since_s = now_s

    def _begin(self, plant: Plant, now_s: float) -> None:
        """Take hold where the sled stands, and start the length, or go on with an interrupted one."""
        direction = self._direction
        if not self._is_begun:
            self._is_begun = True
            # Both ends of the lane stay where they are, however far the sled rolled on.
            if self._done == 0:
                self._origin_m = plant.x_m
            self._end_m = self._origin_m + (direction * self._lane_m if self._done % 2 == 0 else 0.0)
            self._start_s = now_s
            self._start_m = plant.x_m
            self._start_J = plant.athlete_J
            self._force_sum_N = 0.0
            self._force_calls = self._length_steps = 0
        plant.hitch = direction
        plant.body_x_m = plant.x_m - direction * _SLACK_m
        plant.body_v_m_per_s = 0.0
        self._reached_m = (self._end_m - plant.x_m) * direction
        self._progress_s = now_s
        self._effort_N *= 0.8  # remembers the load of the length before
        self._step_until_s = now_s
        self._enter(GO, now_s)

    def _let_go(self, plant: Plant, now_s: float) -> None:
        plant.hitch = SLACK
        plant.propulsion_N = 0.0
        self._phase = 0.0
        self._let_go_s = now_s

    def _close_length(self, plant: Plant) -> None:
        """Write down a finished length, once the sled has come to rest."""
        if self._length_steps == 0 or self._is_begun:
            return
        self.lengths.append(
            Length(
                self._done,
                -self._direction,
                self._start_s,
                self._let_go_s,
                self._start_m,
                plant.x_m,
                abs(self._force_sum_N) / self._force_calls,
                plant.athlete_J - self._start_J,
                self._length_steps,
            )
        )
        self._length_steps = 0

    def _go(self, plant: Plant, now_s: float) -> None:
        body = self.body
        direction = self._direction
        is_pull = direction > 0
        left_m = (self._end_m - plant.x_m) * direction
        speed = plant.body_v_m_per_s * direction

        # Where it ends: at the end of the lane, when the load vanishes, or when nothing helps.
        if left_m <= _NEAR_m:
            self._let_go(plant, now_s)
            self._done += 1
            self._is_begun = False
            self._direction = -direction
            self._pause_s = body.turn_s * (0.9 + 0.2 * self._random.random())
            self._enter(TURN, now_s)
            return
        if self._dark_s > _LET_GO_s:
            self._let_go(plant, now_s)
            self._enter(STAND_BY, now_s)
            return
        if left_m < self._reached_m - _PROGRESS_m:
            self._reached_m = left_m
            self._progress_s = now_s
        elif now_s - self._progress_s > body.patience_s:
            self._let_go(plant, now_s)
            self._enter(GAVE_UP, now_s)
            return

        # The pace wanted now: smooth onset, and slow enough to stop at the end.
        pace = body.pace_pull_m_per_s if is_pull else body.pace_push_m_per_s
        pace *= smooth((now_s - self._since_s) / body.onset_s)
        slow = (2.0 * body.slowing_m_per_s2 * left_m) ** 0.5
        if pace > slow:
            pace = slow

        # Effort: what the load seems to need, within what a body of this mass can do at this speed.
        mass = body.body_mass_kg
        top = body.top_pull_m_per_s if is_pull else body.top_push_m_per_s
        most = mass * (body.pull_N_per_kg if is_pull else body.push_N_per_kg) * (1.0 - speed / top)
        if most < 0.0:
            most = 0.0
        missing = pace - speed
        effort = self._effort_N + _LEARN_N_per_m_kg * mass * missing * _CONTROL_s
        if effort > most:
            effort = most
        elif effort < 0.0:
            effort = 0.0
        self._effort_N = effort
        effort += _GAIN_N_s_per_m_kg * mass * missing
        if effort > most:
            effort = most
        elif effort < -0.3 * most:
            effort = -0.3 * most

        # Steps: one parabolic pulse of mean 1 each, shallower by `pulse_depth`.
        if now_s >= self._step_until_s:
            self._step(now_s)
        part = self._phase = (now_s - self._step_from_s) / (self._step_until_s - self._step_from_s)
        depth = body.pulse_depth if effort > 0.0 else 0.0
        pulse = 1.0 + depth * (6.0 * part * (1.0 - part) - 1.0)
        plant.propulsion_N = direction * effort * pulse * self._strength

    def _step(self, now_s: float) -> None:
        body = self.body
        self._is_left = not self._is_left
        self._strength = 1.0 + (0.5 if self._is_left else -0.5) * body.asymmetry
        spread = 1.0 + body.step_time_cv * self._normal()
        spread = 0.5 if spread < 0.5 else 1.5 if spread > 1.5 else spread
        # The step begins when the one before ended, not when this call happens to come.
        self._step_from_s = self._step_until_s
        self._step_until_s += spread / body.steps_per_s
        self._length_steps += 1
        self.steps.append(Step(self._step_from_s, "L" if self._is_left else "R"))
