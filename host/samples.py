"""Single samples in SI units, for whoever looks at each one; bulk readers take `protocol.bulk` instead."""

from collections.abc import Iterator
from typing import NamedTuple

from host.batches import Batch
from protocol import codes, units, wire

_WRAP_um = 2**30


class Sample(NamedTuple):
    """One tick of the device, SI units; pull is positive, push negative, tension positive."""

    sample_index: int
    time_s: float  #: device time, index times period; after a restart it goes on
    position_m: float
    velocity_m_per_s: float
    tow_force_N: float
    law_force_N: float
    brake_force_N: float
    is_push: bool
    mode: int
    limits: int


class SampleReader:
    """Turns the batches of one boot, in order, into samples; the position goes on where the wire's wraps.

    `time_s` and `position_m` are where the boot begins, for one that goes on after another.
    """

    def __init__(self, sample_period_s: float, time_s: float = 0.0, position_m: float = 0.0) -> None:
        self._period_s = sample_period_s
        self._time_s = time_s
        self._position_m = position_m
        self._turns = 0  # whole wraps of the position
        self._last_um: int | None = None
        scales = [units.to_si(name, 1) for name in wire.SAMPLE_FIELDS]
        self._velocity_scale, self._tow_scale, self._law_scale, self._brake_scale = scales[1:5]

    def read(self, batch: Batch) -> Iterator[Sample]:
        """Its samples."""
        for index, values in enumerate(batch.samples, batch.sample_index):
            yield self._in_si(index, values)

    def _in_si(self, index: int, values: tuple[int, ...]) -> Sample:
        position_um, velocity, tow, law, brake, flags = values
        last_um = self._last_um
        if last_um is not None:
            if position_um - last_um > _WRAP_um // 2:
                self._turns -= 1
            elif last_um - position_um > _WRAP_um // 2:
                self._turns += 1
        self._last_um = position_um
        return Sample(
            index,
            self._time_s + index * self._period_s,
            self._position_m + (position_um + self._turns * _WRAP_um) / 1_000_000,
            velocity * self._velocity_scale,
            tow * self._tow_scale,
            law * self._law_scale,
            brake * self._brake_scale,
            bool(flags >> codes.SAMPLE_PUSH_BIT & 1),
            flags >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK,
            flags >> codes.SAMPLE_LIMITS_SHIFT,
        )
