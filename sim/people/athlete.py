"""A person at the hitch: grips, pushes or pulls a length in steps, turns, and goes on.

A model of assumptions (see `bodies`): `effort` finds the force for the wanted pace, `gait` makes steps
of it, `events` names what else may happen. Truth is kept beside it.
"""

import math
from collections import deque
from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

from sim.people.bodies import Body
from sim.people.effort import CONTROL_TICKS, CONTROL_s, Effort
from sim.people.events import EVENTS, Happening, complete
from sim.people.gait import WALK_TICKS, Gait, Step
from sim.people.lengths import Count, Length
from sim.world.plant import HANDLES, SLACK, TETHER, Plant

STAND_BY = "stand-by"  # waits for the driver's ENABLE
GRIP = "grip"  # takes hold, then begins
GO = "go"
TURN = "turn"
ASIDE = "aside"  # has let go on the way, and waits
HOLD = "hold"  # has dug in on the way, hitch in hand
SHOVE = "shove"  # presses the sled back with the hands
DONE = "done"
GAVE_UP = "gave up"

_KEPT = 100_000  # steps, lengths and events remembered
_GRIP_s = 2.0
_LET_GO_s = 1.0  # without ENABLE for this long, a person stops
_FREE_LENGTHS = 2**30
_SLACK_m = 0.01
_PROGRESS_m = 0.05
_NEAR_m = 0.04  # so close to the end of the lane counts as there
_DIG_IN_s = 0.05  # time constant of standing still: assumption
_PRESS_s = 0.05  # until the hands press fully: assumption
_AFTER_SHOVE_s = 0.5
_FELT_PART = 0.98  # of what was felt of the sled's resistance 10 ms ago that still counts: assumption
_TRUSTED_PART = 0.8  # of the sled's own slowing, which leaves time to react: assumption
_SLOWEST_m_per_s2 = 0.1  # a sled that slows down less is not waited for


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


class _Asked(NamedTuple):
    """An event that has not come yet."""

    from_s: float
    name: str
    values: dict[str, float]


class Athlete:
    """Walks `lengths` lengths of `lane_m` (None: for ever), the first a pull or a push, then in turns.

    `steps`, `lengths` and `happened` are the truth so far; a step is written down when it ends.
    """

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
        self.happened: deque[Happening] = deque(maxlen=_KEPT)
        self._asked: list[_Asked] = []
        self._random = Random(seed)
        self._effort = Effort(body)
        self._spent_s = 0.0  # fatigue is accounted for until then
        self._gait = Gait(body, seed + 1, self._random.random() >= 0.5, self._stepped)
        self._walk = self._gait.walk
        self._lane_m = lane_m
        self._wanted = _FREE_LENGTHS if lengths is None else lengths
        self._direction = TETHER if is_pull_first else HANDLES
        self._done = 0  # lengths finished
        self._origin_m = self._end_m = 0.0
        self._is_begun = False  # the present length has been gripped once already
        self._count: Count | None = None  # of the present length, or of one that is not written down yet
        self._since_s = 0.0  # when the present state began
        self._pause_s = _GRIP_s
        self._rest_s = 0.0  # added to the next turn
        self._shove_N = self._touch_N = 0.0
        self._sprint_until_s = 0.0
        self._pace_factor = 1.0
        self._dark_s = 0.0  # time without ENABLE
        self._reached_m = self._progress_s = 0.0  # least way left so far, and since when
        self._felt_J = self._felt_m = 0.0  # taken from the sled of late, and its path
        self._taken_J = self._was_m = 0.0  # the sums at the last look
        self._ticks = 0
        self._let_go_s = 0.0

    @property
    def phase(self) -> float:
        """Part of the present step that has passed, 0 to 1; 0 while not stepping."""
        return self._gait.phase

    @property
    def side(self) -> str:
        """Foot of the present step, "L" or "R"; empty while not stepping."""
        return self._gait.side

    @property
    def freshness(self) -> float:
        """Part of the reserve that is left, 0 to 1, as of the last step."""
        return self._effort.freshness

    @property
    def waiting(self) -> tuple[str, ...]:
        """Names of the events that were asked for and have not happened."""
        return tuple(asked.name for asked in self._asked)

    def do(self, name: str, now_s: float, **values: float) -> None:
        """Let an event of `EVENTS` happen at `now_s`, or as soon after it as the athlete walks.

        It is in `happened` once it has come, and in `waiting` until then: for ever, if the athlete is
        done. Raises ValueError naming what is known.
        """
        self._asked.append(_Asked(now_s, name, complete(name, values)))

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Look at the sled, then set hitch and propulsion for the next tick."""
        ticks = self._ticks = self._ticks + 1
        if ticks % WALK_TICKS:
            return
        state = self.state
        if state is GO:
            self._walk(plant, now_s)
        if ticks % CONTROL_TICKS:
            return
        if is_enabled:
            self._dark_s = 0.0
        else:
            self._dark_s += CONTROL_s
        if self._asked:
            self._attend(plant, now_s)
            state = self.state
        if state is GO:
            self._go(plant, now_s)
        elif state is STAND_BY:
            if is_enabled:
                self._enter(GRIP, now_s, _GRIP_s)
        elif state is not DONE and state is not GAVE_UP:
            self._wait(plant, now_s)

    def _enter(self, state: str, now_s: float, pause_s: float = 0.0) -> None:
        self.state = state
        self._since_s = now_s
        self._pause_s = pause_s

    def _attend(self, plant: Plant, now_s: float) -> None:
        """Let the first event happen that can happen now."""
        state = self.state
        if state is DONE or state is GAVE_UP:
            return
        for asked in self._asked:
            needs_steps = EVENTS[asked.name].needs_steps or asked.values.get("right_now", 0.0) >= 0.5
            if asked.from_s <= now_s and (state is GO or not needs_steps):
                self._asked.remove(asked)
                self.happened.append(Happening(now_s, asked.name, asked.values))
                self._happen(plant, now_s, asked.name, asked.values)
                return

    def _happen(self, plant: Plant, now_s: float, name: str, values: dict[str, float]) -> None:
        for_s = values.get("for_s", 0.0)
        if name == "pace":
            self._pace_factor = values["factor"]
            self._ready()
        elif name == "sprint":
            self._sprint_until_s = now_s + for_s
        elif name == "stumble":
            self._gait.stumble(now_s, for_s)
        elif name == "stop":
            self._gait.stop(plant, now_s)
            self._enter(HOLD, now_s, for_s)
        elif name == "shove_back":
            self._shove_N = values["force_N"]
            self._let_go(plant, now_s)
            self._enter(SHOVE, now_s, for_s)
        elif name == "rest" and values["right_now"] < 0.5:
            self._rest_s += for_s
        else:  # let_go, or a rest right now
            self._let_go(plant, now_s)
            self._enter(ASIDE, now_s, for_s)

    def _stepped(self, step: Step) -> None:
        """A step has ended: write it down, and tire by its work."""
        self.steps.append(step)
        if self._count is not None:
            self._count.add(step)
        self._effort.tire(step.work_J / step.duration_s, step.duration_s)
        self._spent_s = step.time_s + step.duration_s
        self._ready()

    def _ready(self) -> None:
        """What the body can do and wants from here on, as tired as it is now."""
        body = self.body
        gait = self._gait
        self._effort.face(self._direction > 0)
        gait.step_time_cv = body.step_time_cv * (1.0 + body.tired_cv * (1.0 - self._effort.freshness))
        if self._spent_s < self._sprint_until_s:
            gait.steps_per_s = body.sprint_steps_per_s
        else:
            # Half of another pace comes from cadence, half from longer steps (as in Laufer 2005).
            gait.steps_per_s = body.steps_per_s * (0.5 + 0.5 * self._pace_factor)

    def _begin(self, plant: Plant, now_s: float) -> None:
        """Take hold where the sled stands, and start the length, or go on with an interrupted one."""
        direction = self._direction
        if not self._is_begun:
            self._is_begun = True
            # Both ends of the lane stay where they are, however far the sled rolled on.
            if self._done == 0:
                self._origin_m = plant.x_m
            self._end_m = self._origin_m + (direction * self._lane_m if self._done % 2 == 0 else 0.0)
            self._count = Count(plant, now_s)
        self._felt_J = self._felt_m = 0.0
        self._taken_J = plant.brake_J + plant.friction_J
        self._was_m = plant.x_m
        plant.hitch = direction
        plant.body_x_m = plant.x_m - direction * _SLACK_m
        plant.body_v_m_per_s = 0.0
        self._reached_m = (self._end_m - plant.x_m) * direction
        self._progress_s = now_s
        self._effort.start()
        self._effort.tire(0.0, now_s - self._spent_s)
        self._spent_s = now_s
        self._ready()
        self._gait.start(plant, now_s, direction)
        self._enter(GO, now_s)

    def _let_go(self, plant: Plant, now_s: float) -> None:
        self._gait.stop(plant, now_s)
        plant.hitch = SLACK
        plant.propulsion_N = 0.0
        self._touch(plant, 0.0)
        self._let_go_s = now_s

    def _touch(self, plant: Plant, force_N: float) -> None:
        """The hands' own part of the force that hands put on the sled."""
        touch_N = plant.touch_N + force_N - self._touch_N
        plant.touch_N = touch_N if abs(touch_N) > 1e-9 else 0.0
        self._touch_N = force_N

    def _close_length(self, plant: Plant) -> None:
        """Write down a finished length, once the sled has come to rest."""
        if self._count is None or self._is_begun:
            return
        self.lengths.append(
            self._count.close(plant, self._done, -self._direction, self._let_go_s, self._effort.freshness)
        )
        self._count = None

    def _wait(self, plant: Plant, now_s: float) -> None:
        """Not walking; begins once the pause is over and the sled at rest."""
        state = self.state
        if self._dark_s > _LET_GO_s:
            if state is HOLD or state is SHOVE:
                self._let_go(plant, now_s)
            self._close_length(plant)
            self._enter(STAND_BY, now_s)
            return
        if state is TURN and self._done < self._wanted:
            self._pause_s += self._rest_s
            self._rest_s = 0.0
        passed_s = now_s - self._since_s
        if state is SHOVE:
            self._press(plant, now_s, passed_s)
        elif passed_s >= self._pause_s and plant.v_m_per_s == 0.0:
            self._close_length(plant)
            if self._done >= self._wanted:
                self._enter(DONE, now_s)
            else:
                self._begin(plant, now_s)
        elif state is HOLD:
            self._dig_in(plant)

    def _dig_in(self, plant: Plant) -> None:
        """Feet against whatever moves the body, as hard as they can."""
        body = self.body
        force_N = -plant.body_v_m_per_s * body.body_mass_kg / _DIG_IN_s
        most_N = body.brace_N_per_kg * body.body_mass_kg
        plant.propulsion_N = -most_N if force_N < -most_N else most_N if force_N > most_N else force_N

    def _press(self, plant: Plant, now_s: float, passed_s: float) -> None:
        """Hands on the sled, against the length's direction, no harder than arms and legs can push."""
        if passed_s >= self._pause_s:
            self._touch(plant, 0.0)
            self._enter(ASIDE, now_s, _AFTER_SHOVE_s)
            return
        body = self.body
        back = -self._direction
        speed = plant.v_m_per_s * back
        most_N = body.push_N_per_kg * body.body_mass_kg * (1.0 - max(0.0, speed) / body.top_push_m_per_s)
        force_N = max(0.0, min(self._shove_N * smooth(passed_s / _PRESS_s), most_N))
        self._touch(plant, back * force_N)

    def _go(self, plant: Plant, now_s: float) -> None:
        """Decide how hard the next steps are, or that the length ends here."""
        body = self.body
        effort = self._effort
        direction = self._direction
        left_m = (self._end_m - plant.x_m) * direction

        # Where it ends: at the end of the lane, when the load vanishes, or when nothing helps.
        if left_m <= _NEAR_m:
            self._let_go(plant, now_s)
            self._done += 1
            self._is_begun = False
            self._direction = -direction
            self._enter(TURN, now_s, body.turn_s * (0.9 + 0.2 * self._random.random()))
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
        speed = plant.body_v_m_per_s * direction
        pace = effort.cruise_m_per_s * self._pace_factor * smooth((now_s - self._since_s) / body.onset_s)
        slow = math.sqrt(2.0 * self._slowing_m_per_s2(plant) * left_m)
        if pace > slow:
            pace = slow
        if now_s < self._sprint_until_s and speed >= slow:
            self._sprint_until_s = now_s
        force_N = effort.next(speed, pace, now_s < self._sprint_until_s)
        self._gait.drive(force_N, effort.most_N)

    def _slowing_m_per_s2(self, plant: Plant) -> float:
        """How fast body and sled slow down: strap and arms carry one way only, so the sled does by what
        brake and friction take from it, as felt of late."""
        taken_J = plant.brake_J + plant.friction_J
        x_m = plant.x_m
        felt_J = self._felt_J = self._felt_J * _FELT_PART + taken_J - self._taken_J
        felt_m = self._felt_m = self._felt_m * _FELT_PART + abs(x_m - self._was_m)
        self._taken_J = taken_J
        self._was_m = x_m
        own = self.body.slowing_m_per_s2
        moved_kg_m = felt_m * plant.sled.mass_kg
        felt_J *= _TRUSTED_PART
        if felt_J >= own * moved_kg_m or not moved_kg_m:
            return own
        return max(felt_J / moved_kg_m, _SLOWEST_m_per_s2)
