"""Lengths, turns, work and cadence from telemetry alone, as it streams in.

A turn is a way back of more than `TURN_m` from the furthest point; what came after that point already
belongs to the next length. The sign tells the direction: +x pull, -x push. Work is tow force times
way, summed over every sample; mean forces are over the time in which the sled moves that way.
"""

from typing import NamedTuple

from host.steps import LONGEST_s, RATE_Hz, StepFinder, tempo_per_min
from host.telemetry import Lost, Sample

TURN_m = 0.75  #: rocking, slack and a shove back stay below this
MOVING_m_per_s = 0.1

PULL, PUSH = "pull", "push"


class Length(NamedTuple):
    """One way from turn to turn. Times are the device's; force and work are positive along the way."""

    number: int
    direction: str
    start_s: float
    end_s: float
    distance_m: float
    moving_s: float
    mean_force_N: float
    mean_law_N: float
    mean_speed_m_per_s: float
    top_speed_m_per_s: float
    work_J: float  #: all of it, braking taken off
    braking_J: float  #: taken out of the sled by the athlete, not positive
    steps: int
    cadence_per_min: float | None


class Tally:
    """Sums over a stretch of samples; two stretches can be joined."""

    __slots__ = (
        "braking_J",
        "end_s",
        "force_N",
        "intervals_s",
        "law_N",
        "limited",
        "moved",
        "samples",
        "start_s",
        "steps",
        "top_m_per_s",
        "way_m",
        "work_J",
    )

    def __init__(self) -> None:
        self.samples = self.steps = 0
        self.start_s: float | None = None  # first and last moment of motion
        self.end_s: float | None = None
        self.moved = [0, 0]  # samples in motion; here and below [pull, push]
        self.force_N = [0.0, 0.0]
        self.law_N = [0.0, 0.0]
        self.way_m = [0.0, 0.0]
        self.work_J = [0.0, 0.0]
        self.braking_J = [0.0, 0.0]
        self.top_m_per_s = 0.0
        self.limited: dict[int, int] = {}  # samples in motion by the bits of what limited them
        self.intervals_s: list[float] = []

    def add(self, later: "Tally") -> None:
        """Join the stretch that follows this one."""
        self.samples += later.samples
        self.steps += later.steps
        self.start_s = later.start_s if self.start_s is None else self.start_s
        self.end_s = self.end_s if later.end_s is None else later.end_s
        for way in (0, 1):
            self.moved[way] += later.moved[way]
            self.force_N[way] += later.force_N[way]
            self.law_N[way] += later.law_N[way]
            self.way_m[way] += later.way_m[way]
            self.work_J[way] += later.work_J[way]
            self.braking_J[way] += later.braking_J[way]
        self.top_m_per_s = max(self.top_m_per_s, later.top_m_per_s)
        for limits, count in later.limited.items():
            self.limited[limits] = self.limited.get(limits, 0) + count
        self.intervals_s += later.intervals_s

    def mean_force_N(self, direction: str) -> float | None:
        """Measured tow force along the motion, mean over the time of motion; None without motion."""
        way = int(direction == PUSH)
        return self.force_N[way] / self.moved[way] if self.moved[way] else None

    def mean_law_N(self, direction: str) -> float | None:
        """What the law asked for at the same moments."""
        way = int(direction == PUSH)
        return self.law_N[way] / self.moved[way] if self.moved[way] else None


class LengthFinder:
    """Feed it every sample and loss in order; it returns each length once its turn is certain."""

    def __init__(self, sample_period_s: float = 0.001) -> None:
        self.lengths: list[Length] = []
        self.total = Tally()
        self.samples_lost = 0
        self._period_s = sample_period_s
        self._block_size = max(1, round(1 / (RATE_Hz * sample_period_s)))
        self._block = Tally()
        self._block_speed = 0.0
        self._previous: Sample | None = None
        self._steps = StepFinder()
        self._last_step_s: float | None = None
        self._sure = Tally()  # up to the furthest point
        self._since = Tally()  # beyond it
        self._direction = 0  # of the present length; 0 before any
        self._from_m = 0.0
        self._far_m = 0.0  # the furthest point; before any direction, the highest
        self._low_m = 0.0  # before any direction, the lowest
        self._is_placed = False

    def feed(self, item: Sample | Lost) -> Length | None:
        """The length that this sample brought to its end, or None."""
        if isinstance(item, Lost):
            self.samples_lost += item.sample_count
            self._previous = None  # no work is known across a hole; the way is, from the positions
            return None
        block = self._block
        previous = self._previous
        self._previous = item
        velocity = item.velocity_m_per_s
        way = 0 if velocity >= 0 else 1
        speed = velocity if way == 0 else -velocity
        if speed >= MOVING_m_per_s:
            if block.start_s is None:
                block.start_s = item.time_s
            block.end_s = item.time_s
            block.moved[way] += 1
            block.force_N[way] += item.tow_force_N if way == 0 else -item.tow_force_N
            block.law_N[way] += item.law_force_N
            if speed > block.top_m_per_s:
                block.top_m_per_s = speed
            if item.limits:
                block.limited[item.limits] = block.limited.get(item.limits, 0) + 1
        if previous is not None:
            step_m = item.position_m - previous.position_m
            if step_m:
                towards = 0 if step_m > 0 else 1
                work_J = 0.5 * (item.tow_force_N + previous.tow_force_N) * step_m
                block.way_m[towards] += abs(step_m)
                block.work_J[towards] += work_J
                if work_J < 0:
                    block.braking_J[towards] += work_J
        block.samples += 1
        self._block_speed += speed
        if block.samples >= self._block_size:
            return self._end_block(item)
        return None

    def finish(self) -> Length | None:
        """The length under way, if it is one; nothing is fed afterwards."""
        self.total.add(self._block)
        self._sure.add(self._since)
        self._sure.add(self._block)
        return self._close() if self._direction else None

    @property
    def direction(self) -> str | None:
        """Of the length under way; None before the first."""
        return None if self._direction == 0 else PULL if self._direction > 0 else PUSH

    @property
    def number(self) -> int:
        """Of the length under way, 0 before the first."""
        return len(self.lengths) + (self._direction != 0)

    @property
    def cadence_per_min(self) -> float | None:
        """Steps per minute just now; None before it can be told."""
        return self._steps.cadence_per_min()

    def _end_block(self, item: Sample) -> Length | None:
        block = self._block
        speed = self._block_speed / block.samples
        self._block, self._block_speed = Tally(), 0.0
        step_s = self._steps.feed(item.time_s, speed)
        if step_s is not None:
            block.steps = 1
            last_s, self._last_step_s = self._last_step_s, step_s
            if last_s is not None and step_s - last_s <= LONGEST_s:
                block.intervals_s.append(step_s - last_s)
        self.total.add(block)
        self._since.add(block)
        return self._place(item.position_m)

    def _place(self, x_m: float) -> Length | None:
        """Where the sled is now decides whether it goes on, has turned, or has begun at all."""
        if not self._is_placed:
            self._is_placed = True
            self._far_m = self._low_m = self._from_m = x_m
        if self._direction == 0:
            self._far_m, self._low_m = max(self._far_m, x_m), min(self._low_m, x_m)
            if x_m - self._low_m > TURN_m or self._far_m - x_m > TURN_m:
                self._direction = 1 if x_m - self._low_m > TURN_m else -1
                self._from_m = self._low_m if self._direction > 0 else self._far_m
                self._far_m = x_m
                self._join()
            return None
        if (x_m - self._far_m) * self._direction >= 0:
            self._far_m = x_m
            self._join()
            return None
        if (self._far_m - x_m) * self._direction <= TURN_m:
            return None
        length = self._close()
        self._direction = -self._direction
        self._from_m, self._far_m = self._far_m, x_m
        self._join()
        return length

    def _join(self) -> None:
        self._sure.add(self._since)
        self._since = Tally()

    def _close(self) -> Length:
        tally, self._sure = self._sure, Tally()
        direction = PULL if self._direction > 0 else PUSH
        way = int(direction == PUSH)
        moving_s = tally.moved[way] * self._period_s
        distance_m = abs(self._far_m - self._from_m)
        length = Length(
            number=len(self.lengths) + 1,
            direction=direction,
            start_s=tally.start_s or 0.0,
            end_s=tally.end_s or 0.0,
            distance_m=distance_m,
            moving_s=moving_s,
            mean_force_N=tally.mean_force_N(direction) or 0.0,
            mean_law_N=tally.mean_law_N(direction) or 0.0,
            mean_speed_m_per_s=distance_m / moving_s if moving_s else 0.0,
            top_speed_m_per_s=tally.top_m_per_s,
            work_J=sum(tally.work_J),
            braking_J=sum(tally.braking_J),
            steps=tally.steps,
            cadence_per_min=tempo_per_min(tally.intervals_s),
        )
        self.lengths.append(length)
        return length
