"""Rolling friction from coasting down: m dv/dt = -(F0 + b v), fitted to position, never to speed.

Integrated twice, with s the way since the run began and S its integral over time, the equation is

    s(t) = c0 + c1 t - (F0/m) t^2/2 - (b/m) S(t)

which is linear in everything unknown and needs no derivative. The encoder's position is exact to
0.13 mm, its integral far better. White noise of the force would be fitted only some 20 % better by the
increments of speed, and the encoder's own noise far worse.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from host.calibration.estimate import Array, Estimate, jackknife
from host.calibration.recording import Recording, runs_of, smoothed

#: Slower than this, the sled sticks and slips, and one count of the encoder is a long time.
SLOWEST_m_per_s = 0.15
_FREE_N = 2.0  # mean tow force over `_WINDOW_s` of a sled that nobody touches
_WINDOW_s = 0.1
_SETTLE_s = 0.2  # after the last touch
_SHORTEST_s = 1.0
_DROP_m_per_s = 0.2  # a run must slow down by so much
RUNS_MIN = 3
_SIDE_MIN = 2  # runs each way, to tell the floor's slope from friction


class Roll(NamedTuple):
    """One stretch that the sled rolled by itself."""

    direction: int  #: 1 with the hitch side in front, -1 the other way
    time_s: Array  #: from 0 on, equally spaced
    way_m: Array  #: along the direction, from 0 on
    first_m_per_s: float
    last_m_per_s: float

    @property
    def length_m(self) -> float:
        return float(self.way_m[-1])


class Friction(NamedTuple):
    """Rolling friction `rolling_N + slope_N_s_per_m * speed`, and what it was found from."""

    rolling_N: Estimate
    slope_N_s_per_m: Estimate
    floor_N: Estimate | None  #: the floor's part of the force, positive where it falls towards +x
    runs: int
    length_m: float
    slowest_m_per_s: float
    fastest_m_per_s: float
    residual_m: float  #: rms of the way that the fit leaves over
    covariance: Array  #: of rolling_N and slope_N_s_per_m

    def at(self, speed_m_per_s: float) -> Estimate:
        """Rolling friction at that speed; N."""
        at = np.array([1.0, speed_m_per_s])
        value = self.rolling_N.value + self.slope_N_s_per_m.value * speed_m_per_s
        return Estimate(value, sqrt(float(at @ self.covariance @ at)), self.rolling_N.freedom)


def find_rolls(recording: Recording) -> list[Roll]:
    """The stretches of a gapless recording that the sled rolled freely, in order.

    No brake and no tow force, the speed falling from its highest to the floor, one direction.
    """
    speed = np.abs(recording.velocity_m_per_s)
    period_s = recording.period_s
    free = (
        (np.abs(smoothed(recording.tow_force_N, round(_WINDOW_s / period_s))) < _FREE_N)
        & (recording.brake_force_N == 0.0)
        & (speed > SLOWEST_m_per_s)
    )
    rolls = []
    for first, end in runs_of(free):
        # Also when it was touched so softly that the cell did not tell: it cannot gain speed by itself.
        first += round(_SETTLE_s / period_s)
        first += int(np.argmax(speed[first:end])) if first < end else 0
        if (end - first) * period_s < _SHORTEST_s or speed[first] - speed[end - 1] < _DROP_m_per_s:
            continue
        direction = 1 if recording.velocity_m_per_s[first] > 0 else -1
        way = (recording.position_m[first:end] - recording.position_m[first]) * direction
        time_s: Array = np.arange(end - first, dtype=np.float64) * period_s
        rolls.append(Roll(direction, time_s, way, float(speed[first]), float(speed[end - 1])))
    return rolls


class _Reduced(NamedTuple):
    """One run's equations for what all runs share, after its own start and speed are taken out."""

    matrix: Array  #: columns F0/m, b/m, floor/m
    right: Array
    left_over: float  #: sum of squares that no choice of the shared unknowns can explain
    weight: float


def _reduced(roll: Roll) -> _Reduced:
    t, s = roll.time_s, roll.way_m
    period_s = float(t[1] - t[0])
    # Trapezes: as exact as the curve is straight from sample to sample.
    integral = np.concatenate(([0.0], np.cumsum(0.5 * (s[1:] + s[:-1])))) * period_s
    fall = -0.5 * t * t
    columns = np.column_stack([np.ones_like(t), t, fall, -integral, -roll.direction * fall, s])
    # The lever on F0 grows with the square of the time, and so long runs would outweigh all others.
    # Divided by it, each second counts alike, which is right for what mostly disturbs: uneven ground.
    weight = float(t[-1]) ** -2
    upper = np.linalg.qr(columns * weight).R
    return _Reduced(upper[2:5, 2:5], upper[2:5, 5], float(upper[5, 5]) ** 2, weight)


def fit(rolls: list[Roll], mass_kg: float) -> Friction:
    """Friction of a sled of that mass, common to all runs, its error from the scatter between them.

    With runs both ways the floor's slope is told from friction; with runs one way it is part of it.
    A growth with speed that comes out negative is taken as none. Raises ValueError for fewer than
    `RUNS_MIN` runs.
    """
    if len(rolls) < RUNS_MIN:
        raise ValueError(f"{len(rolls)} runs are too few; {RUNS_MIN} at least")
    reduced = [_reduced(roll) for roll in rolls]
    forward = sum(roll.direction > 0 for roll in rolls)
    has_floor = min(forward, len(rolls) - forward) >= _SIDE_MIN

    def solve(numbers: list[int], used: list[int]) -> Array:
        matrix = np.vstack([reduced[n].matrix for n in numbers])[:, used]
        right = np.concatenate([reduced[n].right for n in numbers])
        # Columns of like size, so that none is taken for nothing.
        size = np.linalg.norm(matrix, axis=0)
        found = np.zeros(3)
        found[used] = np.linalg.lstsq(matrix / size, right, rcond=None)[0] / size
        return found * mass_kg

    used = [0, 1, 2] if has_floor else [0, 1]
    if solve(list(range(len(rolls))), used)[1] < 0:
        used.remove(1)
    values, covariance = jackknife(len(rolls), lambda numbers: solve(numbers, used))
    freedom = len(rolls) - (2 if has_floor else 1)
    found = [
        Estimate(float(v), sqrt(float(c)), freedom)
        for v, c in zip(values, covariance.diagonal(), strict=True)
    ]
    squares = sum(
        (float(np.sum((one.matrix @ values / mass_kg - one.right) ** 2)) + one.left_over) / one.weight**2
        for one in reduced
    )
    return Friction(
        rolling_N=found[0],
        slope_N_s_per_m=found[1],
        floor_N=found[2] if has_floor else None,
        runs=len(rolls),
        length_m=sum(roll.length_m for roll in rolls),
        slowest_m_per_s=min(roll.last_m_per_s for roll in rolls),
        fastest_m_per_s=max(roll.first_m_per_s for roll in rolls),
        residual_m=sqrt(squares / sum(len(roll.time_s) for roll in rolls)),
        covariance=covariance[:2, :2],
    )
