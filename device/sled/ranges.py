"""Ranges of sample numbers that are still to be sent: in order, apart from each other. Allocates nothing."""

from array import array

try:
    from micropython import const
except ImportError:  # CPython
    from .cpython import const

RANGES_MAX = const(8)


class Ranges:
    """Up to 8 ranges; `first[0]` to before `end[0]` is the lowest of `count`."""

    def __init__(self):
        self.first = array("i", bytearray(4 * RANGES_MAX))
        self.end = array("i", bytearray(4 * RANGES_MAX))
        self.count = 0

    def add(self, first, end):
        """Put in `first` to before `end`, one with all it overlaps or touches. False: full, as before."""
        if first >= end:
            return True
        firsts = self.first
        ends = self.end
        count = self.count
        at = 0
        while at < count and ends[at] < first:
            at += 1
        behind = at  # the first that stays behind the new one
        while behind < count and firsts[behind] <= end:
            first = min(first, firsts[behind])
            end = max(end, ends[behind])
            behind += 1
        if behind == at:
            if count == RANGES_MAX:
                return False
            while at < count:  # from the last on, to make room
                firsts[count] = firsts[count - 1]
                ends[count] = ends[count - 1]
                count -= 1
            self.count += 1
        else:
            self._close(at + 1, behind)
        firsts[at] = first
        ends[at] = end
        return True

    def cut(self, first):
        """The lowest range begins at `first` now; with nothing left of it, the next one is the lowest."""
        if first < self.end[0]:
            self.first[0] = first
        else:
            self._close(0, 1)

    def _close(self, at, behind):
        """Take out the ranges from `at` to before `behind`."""
        gone = behind - at
        while behind < self.count:
            self.first[behind - gone] = self.first[behind]
            self.end[behind - gone] = self.end[behind]
            behind += 1
        self.count -= gone
