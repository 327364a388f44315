"""The device's clock in the host's: a line through the pongs, robust and with an honest uncertainty.

The device read its clock between question and answer, so each pong is an interval that holds the truth,
whatever the delays. The line is a regression on the intervals' middles, each weighted by its width; the
drift's prior is a crystal's. Device time is sample index times period plus the time since that tick.
"""

from collections import deque
from typing import NamedTuple

_PONGS = 120  # about two minutes: longer, and a crystal that warms up is no line
_DRIFT_MAX = 500e-6  # of a crystal against a host whose clock is being set
_RESOLUTION_s = 1e-4  # no interval is narrower than what happens around the two readings of a clock
_TRIPS = 10  # the shortest of so many last round trips is what the link can do
_SLOW_TRIPS = 8.0  # a round trip of so many of that says nothing worth having
_AGREED = 4  # so many pongs in a row that contradict the line, but not each other, begin a new one


class _Pong(NamedTuple):
    device_s: float
    host_s: float  # middle between question and answer
    half_s: float  # the truth is at most so far from it

    @property
    def weight(self) -> float:
        return 1.0 / (self.half_s * self.half_s)


class ClockFit:
    """Host time of device time, from the first pong on with the nominal period."""

    def __init__(self) -> None:
        self._pongs: deque[_Pong] = deque(maxlen=_PONGS)
        self._trips_s: deque[float] = deque(maxlen=_TRIPS)
        self._rejected: deque[_Pong] = deque(maxlen=2 * _AGREED)
        self._weight = self._spread = 0.0  # sums of weights, and of weighted squares about the middle
        self._device_s = self._host_s = 0.0  # the line's middle
        self._slope = 0.0  # host time per device time, less 1

    @property
    def count(self) -> int:
        """Pongs that the line goes through."""
        return len(self._pongs)

    @property
    def drift_ppm(self) -> float:
        """By how much the device's clock is faster than the host's."""
        return (1.0 / (1.0 + self._slope) - 1.0) * 1e6

    @property
    def uncertainty_s(self) -> float:
        """How far `host_s` may be off at the newest pong; infinite before the first."""
        return self.uncertainty_at_s(self._pongs[-1].device_s) if self._pongs else float("inf")

    def uncertainty_at_s(self, device_s: float) -> float:
        """How far `host_s(device_s)` may be off: more, the farther it is from the pongs.

        No statistics but a bound: each pong at the end of its interval that moves the line most, and the
        greatest drift where the pongs do not tell the drift yet. Raises ValueError before the first pong.
        """
        self._check()
        away_s = device_s - self._device_s
        stiffness = self._spread + 1.0 / _DRIFT_MAX**2
        moved_s = sum(
            pong.weight
            * pong.half_s
            * abs(1.0 / self._weight + away_s * (pong.device_s - self._device_s) / stiffness)
            for pong in self._pongs
        )
        return moved_s + abs(away_s) * _DRIFT_MAX * (1.0 - self._spread / stiffness)

    def host_s(self, device_s: float) -> float:
        """Host time when the device's clock showed `device_s`. Raises ValueError before the first pong."""
        self._check()
        return self._host_s + (device_s - self._device_s) * (1.0 + self._slope)

    def device_s(self, host_s: float) -> float:
        """What the device's clock shows at `host_s`. Raises ValueError before the first pong."""
        self._check()
        return self._device_s + (host_s - self._host_s) / (1.0 + self._slope)

    def add(self, sent_s: float, received_s: float, device_s: float) -> bool:
        """Take a pong; False where it is not believed.

        Several in a row that contradict the line and agree with each other replace it: the device's
        clock has stood still, or the line began with a bad one.
        """
        trip_s = received_s - sent_s
        self._trips_s.append(trip_s)
        pong = _Pong(device_s, (sent_s + received_s) / 2, max(trip_s / 2, _RESOLUTION_s))
        if trip_s > _SLOW_TRIPS * max(min(self._trips_s), _RESOLUTION_s):
            return False
        if self._pongs and not self._agrees(pong):
            return self._contradicted(pong)
        self._rejected.clear()
        self._pongs.append(pong)
        self._fit()
        return True

    def _agrees(self, pong: _Pong) -> bool:
        off_s = abs(pong.host_s - self.host_s(pong.device_s))
        return off_s <= pong.half_s + self.uncertainty_at_s(pong.device_s)

    def _contradicted(self, pong: _Pong) -> bool:
        agreed = [other for other in self._rejected if _agree(pong, other)]
        self._rejected.append(pong)
        if len(agreed) + 1 < _AGREED:
            return False
        self._rejected.clear()
        self._pongs = deque([*agreed, pong], maxlen=_PONGS)
        self._fit()
        return True

    def _fit(self) -> None:
        pongs = self._pongs
        self._weight = sum(pong.weight for pong in pongs)
        self._device_s = sum(pong.weight * pong.device_s for pong in pongs) / self._weight
        self._host_s = sum(pong.weight * pong.host_s for pong in pongs) / self._weight
        self._spread = covered = 0.0
        for pong in pongs:
            away_s = pong.device_s - self._device_s
            self._spread += pong.weight * away_s * away_s
            covered += pong.weight * away_s * (pong.host_s - self._host_s - away_s)
        self._slope = covered / (self._spread + 1.0 / _DRIFT_MAX**2)

    def _check(self) -> None:
        if not self._pongs:
            raise ValueError("the device's clock has not been read yet")


def _agree(one: _Pong, other: _Pong) -> bool:
    apart_s = abs((one.host_s - other.host_s) - (one.device_s - other.device_s))
    return apart_s <= one.half_s + other.half_s + _DRIFT_MAX * abs(one.device_s - other.device_s)
