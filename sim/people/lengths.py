"""The truth of each length of the lane, summed from its steps."""

from typing import NamedTuple

from sim.people.gait import Step
from sim.world.plant import Plant


class Length(NamedTuple):
    """One way along the lane, as it really was. Forces, power and work are those at the hitch.

    Speed, power and peaks are over the time of walking: pauses within a length do not count.
    """

    number: int  #: from 1
    direction: int  #: TETHER (pull, +x) or HANDLES (push, -x)
    start_s: float
    end_s: float  #: let go
    start_m: float
    end_m: float  #: where the sled came to rest, or was taken up again
    mean_force_N: float  #: work over the way, as the host and the monitor tell it; 0 without a way
    work_J: float  #: of everything the athlete did from start to end
    steps: int
    peak_force_N: float
    mean_power_W: float
    peak_power_W: float
    mean_speed_m_per_s: float  #: of the sled
    walked_s: float
    left_steps: int
    right_steps: int
    freshness: float  #: part of the athlete's reserve left at the end, 0 to 1


_WAY_MIN_m = 0.01  # below, work over the way says nothing


class Count:
    """A length under way: add its steps, then `close` it where the sled comes to rest."""

    def __init__(self, plant: Plant, now_s: float) -> None:
        self._start_s = now_s
        self._start_m = plant.x_m
        self._start_J = plant.athlete_J
        self._sides = {"L": 0, "R": 0}
        self._walked_s = self._way_m = self._steps_J = 0.0
        self._peak_N = self._peak_W = 0.0

    def add(self, step: Step) -> None:
        """A step of this length has ended."""
        self._sides[step.side] += 1
        self._walked_s += step.duration_s
        self._way_m += step.way_m
        self._steps_J += step.work_J
        self._peak_N = max(self._peak_N, step.peak_N)
        self._peak_W = max(self._peak_W, step.peak_W)

    def close(self, plant: Plant, number: int, direction: int, end_s: float, freshness: float) -> Length:
        """The length as it was; let go at `end_s`."""
        time_s = self._walked_s or 1.0  # without a step all sums are 0
        work_J = plant.athlete_J - self._start_J
        way_m = abs(plant.x_m - self._start_m)
        return Length(
            number,
            direction,
            self._start_s,
            end_s,
            self._start_m,
            plant.x_m,
            work_J / way_m if way_m >= _WAY_MIN_m else 0.0,
            work_J,
            self._sides["L"] + self._sides["R"],
            self._peak_N,
            self._steps_J / time_s,
            self._peak_W,
            self._way_m / time_s,
            self._walked_s,
            self._sides["L"],
            self._sides["R"],
            freshness,
        )
