"""Host time of every sample, from all the readings of the device's clock that a recording holds.

The fit of each moment is that of the readings around it: a minute before and a minute after, so that
host time follows a crystal that warms up. Where there are no readings, the log times stand.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from host.clock import ClockFit

_AROUND = 60  # readings to either side of a moment


class Timing(NamedTuple):
    """How well the device's clock is known during one boot; None where it was never read."""

    readings: int
    offset_s: float | None  #: the host's clock when the device's showed 0
    drift_ppm: float | None
    uncertainty_s: float | None


def fitted_ns(
    readings: Sequence[Mapping[str, Any]], period_s: float, device_s: np.ndarray[Any, np.dtype[np.float64]]
) -> tuple[np.ndarray[Any, np.dtype[np.int64]] | None, Timing]:
    """Time of day in ns since 1970 at each of `device_s`, from fields of /clock; None without a reading."""
    fit = ClockFit()
    waiting: list[float] = []  # device times of readings that have no knot yet
    knots: list[tuple[float, float]] = []
    zero_ns = 0
    for each in readings:
        zero_ns = zero_ns or each["wall_ns"] - each["received_ns"]
        now_s = each["sample_index"] * period_s + each["since_tick_us"] / 1e6
        if fit.add(each["sent_ns"] / 1e9, each["received_ns"] / 1e9, now_s):
            waiting.append(now_s)
        while len(waiting) > _AROUND:
            knots.append((waiting[0], fit.host_s(waiting.pop(0))))
    if not fit.count:
        return None, Timing(0, None, None, None)
    knots += [(moment_s, fit.host_s(moment_s)) for moment_s in waiting]
    timing = Timing(fit.count, fit.host_s(0.0), fit.drift_ppm, fit.uncertainty_s)
    x, y = np.array(knots).T
    slope = 1.0 / (1.0 + fit.drift_ppm / 1e6)
    host_s = np.interp(device_s, x, y)
    host_s = np.where(device_s < x[0], y[0] + (device_s - x[0]) * slope, host_s)
    host_s = np.where(device_s > x[-1], y[-1] + (device_s - x[-1]) * slope, host_s)
    return np.round(host_s * 1e9).astype(np.int64) + zero_ns, timing
