"""What is measured of a felt force: four figures beside a law, from samples of each tick. No simulator.

Forces and speeds are along the direction of travel. A sample of force and law is the mean over one tick;
the law is evaluated on the motion that really was, never on an estimate of it.

Settling and overshoot look at `transient_N`: felt force minus law, less the ripple error that stays for
ever (harmonics of the gait, fitted where all has settled), in the mean over 40 ms around each sample.
Ringing of the tether cancels in it as far as it is motion, because the law sees the same acceleration;
what noise is left is averaged, and a mean centred on its sample delays nothing.
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from protocol.settings import SETTINGS

TICK_s = 0.001
FORCE_MAX_N = next(row.default for row in SETTINGS if row.name == "force_max_mN") / 1e3
SMOOTH_TICKS = 40
HARMONICS = 3

MEAN_PART, MEAN_N = 0.01, 1.0  #: the aims: mean within either of these
RIPPLE_PART = 0.03  #: rms, of the load
BAND_PART, BAND_N = 0.03, 2.0  #: settled is whatever stays within either of these
SETTLE_s = 0.050  #: after the ramp's own time
OVERSHOOT_PART = 0.03  #: of the step


class Law(NamedTuple):
    """Terms of the one law, SI units."""

    force_N: float = 0.0
    inertia_kg: float = 0.0
    viscous_N_s_per_m: float = 0.0
    quadratic_N_s2_per_m2: float = 0.0
    stiffness_N_per_m: float = 0.0

    def at(self, v_m_per_s: float, a_m_per_s2: float = 0.0, x_m: float = 0.0) -> float:
        """Tow force in N, 0 to `FORCE_MAX_N`; `x_m` since the last reversal."""
        force_N = (
            self.force_N
            + self.inertia_kg * a_m_per_s2
            + (self.viscous_N_s_per_m + self.quadratic_N_s2_per_m2 * v_m_per_s) * v_m_per_s
            + self.stiffness_N_per_m * x_m
        )
        return min(max(force_N, 0.0), FORCE_MAX_N)


class Steady(NamedTuple):
    """Felt force beside the law, in whole strides of steady motion."""

    law_N: float  #: mean
    mean_error_N: float
    ripple_N: float  #: rms of felt minus law, mean removed

    @property
    def mean_part(self) -> float:
        """Mean error over the load."""
        return abs(self.mean_error_N) / self.law_N if self.law_N else math.inf

    @property
    def ripple_part(self) -> float:
        """RMS ripple error over the load."""
        return self.ripple_N / self.law_N if self.law_N else math.inf

    @property
    def mean_is_met(self) -> bool:
        return abs(self.mean_error_N) <= max(MEAN_PART * self.law_N, MEAN_N)

    @property
    def ripple_is_met(self) -> bool:
        return self.ripple_part <= RIPPLE_PART


class Change(NamedTuple):
    """How the force followed a new load."""

    settle_s: float  #: since the load was set; infinite if it never stays within the band
    ramp_s: float  #: what the ramp alone takes
    overshoot_part: float  #: beyond the law, of the step
    overshoot_settled_part: float  #: beyond where the force comes to rest, of the step

    @property
    def excess_s(self) -> float:
        """Time to settle beyond the ramp's own."""
        return self.settle_s - self.ramp_s

    @property
    def settle_is_met(self) -> bool:
        return self.excess_s <= SETTLE_s

    @property
    def overshoot_is_met(self) -> bool:
        return self.overshoot_part <= OVERSHOOT_PART


def law_on_motion(law: Law, v_m_per_s: Sequence[float], x_m: Sequence[float]) -> list[float]:
    """The law in each tick; `v` and `x` are those at its begin, so there is one more of them."""
    at = law.at
    return [
        at(0.5 * (v0 + v1), (v1 - v0) / TICK_s, 0.5 * (x0 + x1))
        for v0, v1, x0, x1 in zip(v_m_per_s, v_m_per_s[1:], x_m, x_m[1:], strict=False)
    ]


def steady(felt_N: Sequence[float], law_N: Sequence[float]) -> Steady:
    """Mean and ripple error over these samples. Raises ValueError where there are none."""
    if not felt_N or len(felt_N) != len(law_N):
        raise ValueError("as many samples of the felt force as of the law are needed, and one at least")
    errors = [felt - law for felt, law in zip(felt_N, law_N, strict=True)]
    mean_N = math.fsum(errors) / len(errors)
    ripple_N = math.sqrt(math.fsum((error - mean_N) ** 2 for error in errors) / len(errors))
    return Steady(math.fsum(law_N) / len(law_N), mean_N, ripple_N)


class Ripple(NamedTuple):
    """Sine and cosine parts of the harmonics of one frequency, over the time of a sample's number."""

    rad_per_tick: float
    parts: tuple[tuple[float, float], ...]

    def at(self, tick: int) -> float:
        """Its value in that tick."""
        total = 0.0
        for n, (sine, cosine) in enumerate(self.parts, 1):
            angle = n * self.rad_per_tick * tick
            total += sine * math.sin(angle) + cosine * math.cos(angle)
        return total


def fit_ripple(errors_N: Sequence[float], begin: int, end: int, per_s: float) -> Ripple:
    """Harmonics of `per_s` in samples `begin` to `end`, which should be whole periods: then sums of products
    with sine and cosine are the least squares. A frequency of 0 has none."""
    if not per_s:
        return Ripple(0.0, ())
    rad = 2.0 * math.pi * per_s * TICK_s
    mean_N = math.fsum(errors_N[begin:end]) / (end - begin)
    parts = []
    for n in range(1, HARMONICS + 1):
        sine = cosine = 0.0
        for tick in range(begin, end):
            error = errors_N[tick] - mean_N
            sine += error * math.sin(n * rad * tick)
            cosine += error * math.cos(n * rad * tick)
        parts.append((2.0 * sine / (end - begin), 2.0 * cosine / (end - begin)))
    return Ripple(rad, tuple(parts))


def smoothed(values: Sequence[float], ticks: int = SMOOTH_TICKS) -> list[float]:
    """Mean over `ticks` around each value; at the ends over what there is."""
    sums = [0.0, *accumulate(values)]
    half = ticks // 2
    last = len(values)
    found = []
    for n in range(last):
        begin = n - half if n > half else 0
        end = n + half if n + half < last else last
        found.append((sums[end] - sums[begin]) / (end - begin))
    return found


def whole_periods(ticks: int, per_s: float) -> int:
    """The most ticks, up to `ticks`, that are nearest to whole periods."""
    if not per_s:
        return ticks
    periods = int(ticks * TICK_s * per_s)
    return round(periods / (per_s * TICK_s)) if periods else ticks


def transient_N(errors_N: Sequence[float], ripple: Ripple) -> list[float]:
    """Felt force minus law without the ripple error that stays, smoothed."""
    return smoothed([error - ripple.at(tick) for tick, error in enumerate(errors_N)])


def change(
    transient: Sequence[float], law_N: float, step_N: float, ramp_s: float, settled_N: float = 0.0
) -> Change:
    """How the force followed a step of the law by `step_N` to `law_N`; samples from the moment it was set.

    `settled_N` is the error that stays. Both overshoots are in the direction of the step.
    """
    band_N = max(BAND_PART * law_N, BAND_N)
    outside = [tick for tick, error in enumerate(transient) if abs(error) > band_N]
    settle_s = (outside[-1] + 1) * TICK_s if outside else 0.0
    if outside and outside[-1] == len(transient) - 1:
        settle_s = math.inf
    beyond_N = max(transient) if step_N > 0 else -min(transient)
    sign = 1.0 if step_N > 0 else -1.0
    size_N = abs(step_N)
    return Change(
        settle_s, ramp_s, max(beyond_N, 0.0) / size_N, max(beyond_N - sign * settled_N, 0.0) / size_N
    )
