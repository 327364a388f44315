"""The newest samples of one boot of the sled, by index, for clients that read at their own pace."""

from bisect import bisect_right
from typing import NamedTuple

from protocol import codes, layout

_LOST_MAX = 0xFFFF  # samples of one SAMPLES_LOST


class Piece(NamedTuple):
    """Some consecutive samples, or `raw` None where they are lost."""

    sample_index: int
    sample_count: int
    raw: bytes | None


class Ring:
    """Keeps `sample_count` samples from index `first` on. Not for several threads at once."""

    def __init__(self, boot_id: int, first: int, sample_count: int) -> None:
        self.boot_id = boot_id
        self.end = first  #: one past the newest
        self._first = first
        self._sample_count = sample_count
        self._raw = bytearray(sample_count * layout.SAMPLE_BYTES)
        self._lost: list[tuple[int, int]] = []  # first and end of each gap that is not overwritten yet

    @property
    def oldest(self) -> int:
        """Index of the oldest sample that is still kept."""
        return max(self._first, self.end - self._sample_count)

    @property
    def mode(self) -> int:
        """What the sled did at the newest sample, as a number of `codes.MODES`."""
        at = self.end % self._sample_count * layout.SAMPLE_BYTES or len(self._raw)
        flags = int.from_bytes(self._raw[at - 2 : at], "little")  # the last field of a sample
        return flags >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK

    def add(self, raw: bytes) -> None:
        """The samples that come next."""
        size = layout.SAMPLE_BYTES
        for at in range(0, len(raw), size * self._sample_count):
            piece = raw[at : at + size * self._sample_count]
            start = self.end % self._sample_count * size
            head = piece[: len(self._raw) - start]
            self._raw[start : start + len(head)] = head
            self._raw[: len(piece) - len(head)] = piece[len(head) :]
            self.end += len(piece) // size
        self._forget()

    def lose(self, sample_count: int) -> None:
        """So many that come next are lost."""
        self._lost.append((self.end, self.end + sample_count))
        self.end += sample_count
        self._forget()

    def _forget(self) -> None:
        del self._lost[: self._gap(self.oldest)]

    def _gap(self, index: int) -> int:
        """Which of the gaps is the first that does not end before `index`."""
        return bisect_right(self._lost, index, key=lambda gap: gap[1])

    def read(self, index: int, end: int, count_max: int) -> Piece | None:
        """The first piece of what is in [index, end), None where there is nothing yet.

        What was overwritten before it was read is lost.
        """
        end = min(end, self.end)
        if index >= end:
            return None
        if index < self.oldest:
            return Piece(index, min(end, self.oldest, index + _LOST_MAX) - index, None)
        gap = self._gap(index)
        if gap < len(self._lost):
            first_lost, end_lost = self._lost[gap]
            if index >= first_lost:
                return Piece(index, min(end, end_lost, index + _LOST_MAX) - index, None)
            end = min(end, first_lost)
        start = index % self._sample_count
        count = min(end - index, count_max, self._sample_count - start)
        at = start * layout.SAMPLE_BYTES
        return Piece(index, count, bytes(self._raw[at : at + count * layout.SAMPLE_BYTES]))
