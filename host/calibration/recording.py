"""Telemetry as arrays, in pieces without a gap."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from host.calibration.estimate import Array
from host.telemetry import Sample


class Recording(NamedTuple):
    """Consecutive samples, one array per quantity, SI units."""

    period_s: float
    position_m: Array
    velocity_m_per_s: Array
    tow_force_N: Array
    brake_force_N: Array

    @property
    def duration_s(self) -> float:
        """From the first sample to the last."""
        return (len(self.position_m) - 1) * self.period_s

    def part(self, first: int, end: int) -> "Recording":
        """The samples from `first` to before `end`."""
        chosen = slice(first, end)
        return Recording(
            self.period_s,
            self.position_m[chosen],
            self.velocity_m_per_s[chosen],
            self.tow_force_N[chosen],
            self.brake_force_N[chosen],
        )


def recordings(samples: Sequence[Sample], period_s: float) -> list[Recording]:
    """The samples as arrays; a new recording begins wherever one is missing."""
    if not samples:
        return []
    index = np.array([sample.sample_index for sample in samples])
    whole = Recording(
        period_s,
        np.array([sample.position_m for sample in samples]),
        np.array([sample.velocity_m_per_s for sample in samples]),
        np.array([sample.tow_force_N for sample in samples]),
        np.array([sample.brake_force_N for sample in samples]),
    )
    ends = [*(np.flatnonzero(np.diff(index) != 1) + 1).tolist(), len(samples)]
    return [whole.part(first, end) for first, end in zip([0, *ends[:-1]], ends, strict=True)]


def runs_of(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of each stretch of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def smoothed(values: Array, width: int) -> Array:
    """Running mean over `width` values around each; the ends repeat their outermost value."""
    before = width // 2
    padded = np.pad(values, (before, width - 1 - before), mode="edge")
    sums = np.concatenate(([0.0], np.cumsum(padded)))
    mean: Array = (sums[width:] - sums[:-width]) / width
    return mean
