"""Samples of one boot in order: whatever the link repeats, drops or reorders, each index comes out once.

Pure bookkeeping on whole batches: it knows no session and no time, and looks at no single sample.
"""

from bisect import insort
from collections.abc import Iterator
from typing import NamedTuple

from protocol import layout, wire

_BYTES = layout.SAMPLE_BYTES
#: A sample this many rings back is overwritten for certain, and so is every frame that carried it.
_PASSED_RINGS = 2


class Batch(NamedTuple):
    """Samples of consecutive ticks, as on the wire; each index comes once, in order, or is Lost."""

    boot_id: int
    sample_index: int  #: of the first
    samples: wire.Samples


class Lost(NamedTuple):
    """Samples that will never come."""

    sample_index: int  #: the first of them
    sample_count: int


class _Piece(NamedTuple):
    first: int
    end: int
    raw: bytes | None  # None: declared lost


class Order:
    """What came of one boot, from sample `first` on; `ring_samples` is what the device remembers."""

    def __init__(self, boot_id: int, first: int, ring_samples: int) -> None:
        self.boot_id = boot_id
        self.next = first  #: the index that is given out next
        self.end = first  #: one past the newest index heard of
        self.duplicates = 0  #: samples that came again and were dropped
        self._ring_samples = ring_samples
        self._held: list[_Piece] = []  # beyond a gap, by index; they never overlap

    def take(self, first: int, samples: wire.Samples) -> list[Batch | Lost]:
        """Samples that have come; gives out what is now without a gap before it."""
        end = first + len(samples)
        self.end = max(self.end, end)
        if first == self.next and not self._held:  # nearly always
            self.next = end
            return [Batch(self.boot_id, first, samples)] if end > first else []
        self.duplicates += len(samples)
        for start, stop in list(self._free(first, end)):
            self.duplicates -= stop - start
            raw = samples.raw[(start - first) * _BYTES : (stop - first) * _BYTES]
            insort(self._held, _Piece(start, stop, raw))
        return self._release()

    def lose(self, first: int, end: int) -> list[Batch | Lost]:
        """Samples that will not come, but for those that have; gives out what waited for them."""
        self.end = max(self.end, end)
        for start, stop in list(self._free(first, end)):
            insort(self._held, _Piece(start, stop, None))
        return self._release()

    def missing(self) -> list[tuple[int, int]]:
        """Ranges heard of that neither came nor are lost, oldest first."""
        return list(self._free(self.next, self.end)) if self.next < self.end else []

    def _free(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Parts of a range that are still to come."""
        at = max(first, self.next)
        for piece in self._held:
            if piece.first >= end:
                break
            if piece.end > at:
                if piece.first > at:
                    yield at, piece.first
                at = piece.end
        if at < end:
            yield at, end

    def _release(self) -> list[Batch | Lost]:
        passed = self.end - _PASSED_RINGS * self._ring_samples
        if self.next < passed:  # nobody declared it, but it cannot exist any more
            for start, stop in list(self._free(self.next, passed)):
                insort(self._held, _Piece(start, stop, None))
        found: list[Batch | Lost] = []
        released = 0
        for first, end, raw in self._held:
            if first != self.next:
                break
            released += 1
            self.next = end
            last = found[-1] if found else None
            if raw is not None:
                found.append(Batch(self.boot_id, first, wire.Samples(raw)))
            elif isinstance(last, Lost):
                found[-1] = Lost(last.sample_index, end - last.sample_index)
            else:
                found.append(Lost(first, end - first))
        del self._held[:released]
        return found
