"""Steps and cadence from the ripple that each stride leaves on the sled's speed.

The ripple is the speed at 100 Hz, smoothed over 0.07 s, less its mean over the 0.81 s around the same
moment, which removes any steady change of pace. A step is an upward crossing after a real trough;
steps come at 1.4 to 4.2 per second, and none within 0.6 of the usual step time of another.
"""

from collections import deque
from collections.abc import Collection

RATE_Hz = 100
DELAY_s = 0.40  #: a step is recognised this much after it was made

_WINDOW = 81
_SMOOTH = 7
_MIDDLE = _WINDOW // 2
_MOVING_m_per_s = 0.1
_TROUGH_SHARE = 0.3  # of the usual depth
_TROUGH_MIN_m_per_s = 0.006  # several times the quantum of the speed on the wire
_SHORTEST_s = 0.16
LONGEST_s = 1.0
_REFRACTORY = 0.6
_USUAL_STEPS = 7
_TEMPO_STEPS = 3
_NEAR = 0.3


class StepFinder:
    """Feed it speed (m/s, never negative) at `RATE_Hz`; it tells when steps were made and their tempo."""

    def __init__(self) -> None:
        self._speeds: deque[float] = deque([0.0] * _WINDOW, maxlen=_WINDOW)
        self._depths_m_per_s: deque[float] = deque(maxlen=_USUAL_STEPS)
        self._trough_m_per_s = 0.0
        self._last_s: float | None = None
        self._intervals_s: deque[float] = deque(maxlen=_USUAL_STEPS)

    def feed(self, time_s: float, speed_m_per_s: float) -> float | None:
        """The time of a step that is now certain, `DELAY_s` ago; None where there was none."""
        speeds = self._speeds
        speeds.append(speed_m_per_s)
        mean = sum(speeds) / _WINDOW
        near = sum(speeds[at] for at in range(_MIDDLE - _SMOOTH // 2, _MIDDLE + _SMOOTH // 2 + 1)) / _SMOOTH
        ripple = near - mean
        self._trough_m_per_s = min(self._trough_m_per_s, ripple)
        if ripple <= 0:
            return None
        depth, self._trough_m_per_s = -self._trough_m_per_s, 0.0
        if depth < _TROUGH_MIN_m_per_s or near < _MOVING_m_per_s:
            return None
        usual = _median(self._depths_m_per_s) if self._depths_m_per_s else 0.0
        self._depths_m_per_s.append(depth)
        return self._step(time_s - DELAY_s) if depth >= _TROUGH_SHARE * usual else None

    def _step(self, made_s: float) -> float | None:
        since_s = LONGEST_s + 1 if self._last_s is None else made_s - self._last_s
        if since_s < max(_SHORTEST_s, _REFRACTORY * self._usual_s()):
            return None
        if since_s <= LONGEST_s:
            self._intervals_s.append(since_s)
        else:
            self._intervals_s.clear()  # a new start has its own tempo
        self._last_s = made_s
        return made_s

    def cadence_per_min(self) -> float | None:
        """Steps per minute over the last few steps; None before there are three intervals."""
        return tempo_per_min(self._intervals_s)

    def _usual_s(self) -> float:
        """Usual step time; 0 until there are enough, as one missed step must not set the tempo."""
        return _median(self._intervals_s) if len(self._intervals_s) >= _TEMPO_STEPS else 0.0


def tempo_per_min(intervals_s: Collection[float]) -> float | None:
    """Steps per minute from the times between steps; None from fewer than three.

    The mean of those near their median: finer than the median, and a missed step does not count.
    """
    if len(intervals_s) < _TEMPO_STEPS:
        return None
    median_s = _median(intervals_s)
    near_s = [interval_s for interval_s in intervals_s if abs(interval_s - median_s) < _NEAR * median_s]
    return 60 * len(near_s) / sum(near_s)


def _median(values: Collection[float]) -> float:
    """One of the values: the lower of the middle two where their number is even."""
    return sorted(values)[(len(values) - 1) // 2]
