"""Lengths, work and losses of a recording, while it is made and when it is read again: the same sums.

Where the sled restarted, time goes on after the pause and the way from where the sled was: nobody
measured what happened between.
"""

from collections.abc import Mapping
from typing import Any

from host.batches import Batch, Lost
from host.lengths import LengthFinder
from host.samples import Sample, SampleReader
from host.summary import length_fields, summary_fields

VERSION = 1  #: of what `fields` holds; a recording with another one is summed up anew


class Totals:
    """Feed it everything in order."""

    def __init__(self, period_s: float) -> None:
        self.finder = LengthFinder(period_s)
        self.samples = 0
        self.lost = 0
        self.restarts = 0
        self.last: Sample | None = None
        self._period_s = period_s
        self._reader = SampleReader(period_s)
        self._later_s = self._further_m = 0.0  # since the last restart

    def take(self, batch: Batch) -> None:
        """Samples of consecutive ticks."""
        self.samples += len(batch.samples)
        for sample in self._reader.read(batch):
            if self.restarts:
                sample = sample._replace(
                    time_s=sample.time_s + self._later_s, position_m=sample.position_m + self._further_m
                )
            self.finder.feed(sample)
            self.last = sample

    def lose(self, count: int) -> None:
        """So many samples will never come."""
        self.lost += count
        self.finder.feed(Lost(0, count))

    def restart(self, away_s: float) -> None:
        """Another boot, whose indices and positions begin anew."""
        self.restarts += 1
        self.finder.feed(Lost(0, 0))  # no work is known across the pause
        self._reader = SampleReader(self._period_s)
        if self.last is not None:
            self._later_s = self.last.time_s + away_s
            self._further_m = self.last.position_m

    def fields(self) -> dict[str, Any]:
        """The sums and every length, rounded for reading. Ends the length under way."""
        self.finder.finish()
        return {
            "version": VERSION,
            **summary_fields(self.finder, self),
            "restarts": self.restarts,
            "each_length": [length_fields(length) for length in self.finder.lengths],
        }


def is_current(fields: Mapping[str, Any]) -> bool:
    """Whether these sums were made as they are made now."""
    return fields.get("version") == VERSION
