"""The samples of one boot as a host collects them: each index once, received or declared lost."""

from array import array
from bisect import bisect_right

from protocol import wire

_AGAIN_s = 0.1  #: a resend that brought nothing new for this long is asked for again
_RESEND_MAX = 500  # samples of one request, so that live samples are not held up for long

_Values = tuple[int, ...]


class Samples:
    """Samples in order of index, wire units, by column; what is beyond a gap waits for it to be filled."""

    def __init__(self, boot_id: int) -> None:
        self.boot_id = boot_id
        self.index = array("i")
        self.columns = {name: array("i") for name in wire.SAMPLE_FIELDS}
        self.next = 0  #: the first index that is neither here nor lost
        self.end = 0  #: one past the newest index heard of
        self.lost = 0  #: declared lost by the device
        self.duplicates = 0
        self.contradicted = 0  #: declared lost, and came all the same
        self._lost_from = array("i")  # the ranges declared lost, in order: first and one past the last
        self._lost_to = array("i")
        self._waiting: dict[int, _Values | None] = {}  # None: declared lost
        self._asked_s = 0.0
        self._asked_end = 0

    def take(self, first: int, samples: list[_Values]) -> None:
        """Samples that came, `first` the index of the first."""
        if first == self.next and not self._waiting:  # nearly always
            self._append(first, samples)
            self.next = first + len(samples)
        else:
            for index, values in enumerate(samples, first):
                self.contradicted += self._is_lost(index)
                if index < self.next or self._waiting.get(index) is not None:
                    self.duplicates += 1
                else:
                    self._waiting[index] = values
            self._release()
        self.end = max(self.end, first + len(samples))

    def declare_lost(self, first: int, end: int) -> None:
        """The device said that these will never come; those that came already stay."""
        self.end = max(self.end, end)
        for index in range(max(first, self.next), end):
            self._waiting.setdefault(index, None)
        self._release()

    def gap(self, now_s: float) -> tuple[int, int] | None:
        """First index and number of samples to ask for again now, if any."""
        if self.next >= self.end or (self.next < self._asked_end and now_s - self._asked_s < _AGAIN_s):
            return None
        end = self.next
        while end < self.end and end not in self._waiting and end - self.next < _RESEND_MAX:
            end += 1
        self._asked_s, self._asked_end = now_s, end
        return self.next, end - self.next

    def _append(self, first: int, samples: list[_Values]) -> None:
        self.index.extend(range(first, first + len(samples)))
        for column, values in zip(self.columns.values(), zip(*samples, strict=True), strict=False):
            column.extend(values)

    def _release(self) -> None:
        while self.next in self._waiting:
            values = self._waiting.pop(self.next)
            if values is None:
                self._write_off(self.next)
            else:
                self._append(self.next, [values])
            self.next += 1

    def _write_off(self, index: int) -> None:
        self.lost += 1
        if self._lost_to and self._lost_to[-1] == index:
            self._lost_to[-1] += 1
        else:
            self._lost_from.append(index)
            self._lost_to.append(index + 1)

    def _is_lost(self, index: int) -> bool:
        """Whether the device has declared that this one will never come."""
        if index >= self.next:
            return index in self._waiting and self._waiting[index] is None
        place = bisect_right(self._lost_from, index) - 1
        return place >= 0 and index < self._lost_to[place]
