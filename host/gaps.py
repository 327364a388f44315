"""When to ask again for which missing samples: soon, several at once, and never in a storm.

Each request has a timer of its own, from the measured round trip and longer each time. The device sends
what it is asked for in order, so a later piece that comes tells at once that an earlier one was lost.
"""

from collections.abc import Callable, Iterable, Iterator

_FIRST_WAIT_s = 0.1  #: until the first round trip is measured
_SERVICE_s = 0.03  #: what the device may take beyond the round trip: live samples go first
_WAIT_MAX_s = 0.25
_COUNT_MAX = 0xFFFF

Range = tuple[int, int]


class _Asked:
    """One request under way, and what of it may still come."""

    def __init__(self, first: int, end: int, number: int, since: int, command_id: int, now_s: float) -> None:
        self.first = first
        self.end = end
        self.number = number  # in the order of asking
        self.since = since  # of the first request for this, which may be answered yet
        self.command_id = command_id
        self.asked_s = now_s
        self.wait_s = self.due_s = 0.0

    def meets(self, first: int, end: int) -> bool:
        return self.first < end and first < self.end


class Gaps:
    """`send(first, count)` asks the device and returns the request's id; it keeps `ranges_max` of them."""

    def __init__(self, send: Callable[[int, int], int], ranges_max: int) -> None:
        self._send = send
        self._ranges_max = ranges_max
        self._asked: list[_Asked] = []
        self._number = 0
        self._trip_s: float | None = None  # smoothed, and how far it strays
        self._stray_s = 0.0

    @property
    def _wait_s(self) -> float:
        if self._trip_s is None:
            return _FIRST_WAIT_s
        return min(self._trip_s + 4 * self._stray_s + _SERVICE_s, _WAIT_MAX_s)

    def ask(self, missing: list[Range], now_s: float) -> None:
        """Ask for all of it that nobody has been asked for in time, oldest first."""
        if not missing:
            self._asked.clear()
            return
        wanted = [asked for asked in self._asked if any(asked.meets(*each) for each in missing)]
        late = [asked for asked in wanted if asked.due_s <= now_s]
        self._asked = [asked for asked in wanted if asked.due_s > now_s]
        for first, end in _without(missing, tuple(self._asked)):
            if len(self._asked) >= self._ranges_max:
                return
            self._ask_for(first, min(end, first + _COUNT_MAX), late, now_s)

    def _ask_for(self, first: int, end: int, late: list[_Asked], now_s: float) -> None:
        self._number += 1
        before = next((asked for asked in late if asked.meets(first, end)), None)
        since = self._number if before is None else before.since
        asked = _Asked(first, end, self._number, since, self._send(first, end - first), now_s)
        asked.wait_s = self._wait_s if before is None else min(2 * before.wait_s, _WAIT_MAX_s)
        asked.due_s = now_s + asked.wait_s
        self._asked.append(asked)

    def came(self, first: int, end: int, now_s: float) -> None:
        """These samples have come, or were declared lost, not as the newest."""
        served = [asked for asked in self._asked if asked.meets(first, end)]
        if not served:
            return
        still = []
        for asked in self._asked:
            if asked in served:
                asked.first = end  # the device sends a range in order: what came before is here, or lost
            elif asked.first < first and asked.number < served[0].since:
                continue  # its turn has passed
            asked.due_s = max(asked.due_s, now_s + asked.wait_s)
            if asked.first < asked.end:
                still.append(asked)
        self._asked = still

    def answered(self, command_id: int, now_s: float) -> None:
        """The device has replied to a request: it knows now, or asks to be asked later."""
        for asked in self._asked:
            if asked.command_id == command_id:
                self._measure(now_s - asked.asked_s)
                asked.due_s = now_s + asked.wait_s

    def _measure(self, trip_s: float) -> None:
        """Smoothed as TCP's timer is (RFC 6298)."""
        if self._trip_s is None:
            self._trip_s, self._stray_s = trip_s, trip_s / 2
        else:
            self._stray_s += (abs(trip_s - self._trip_s) - self._stray_s) / 4
            self._trip_s += (trip_s - self._trip_s) / 8


def _without(missing: list[Range], asked: Iterable[_Asked]) -> Iterator[Range]:
    """Parts of the missing ranges that nobody is asked for."""
    taken = sorted((each.first, each.end) for each in asked)
    for first, end in missing:
        at = first
        for start, stop in taken:
            if stop > at and start < end:
                if start > at:
                    yield at, start
                at = stop
        if at < end:
            yield at, end
