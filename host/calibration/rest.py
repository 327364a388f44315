"""The load cell of a sled at rest: the reading with nothing on it, or with a known force."""

from math import sqrt
from typing import NamedTuple

import numpy as np

from host.calibration.estimate import Estimate, block_means, mean_of_blocks
from host.calibration.recording import Recording

_BLOCK_s = 0.5
#: The converter's four wide codes bend its scale by up to 4.5 of its codes of 0.488 N (RP2040,
#: erratum E11; device/README.md). Where on that curve a force lies cannot be known from one weight.
CONVERTER_N = 4.5 * 0.488


class Rest(NamedTuple):
    """What a while at rest showed."""

    force_N: Estimate  #: mean reading
    spread_N: float  #: between the least and the greatest mean of half a second
    travel_m: float  #: way of the wheel, forth and back


def at_rest(recording: Recording) -> Rest:
    """Mean reading and how much it, and the wheel, moved. Raises ValueError if it is under 1 s."""
    block = round(_BLOCK_s / recording.period_s)
    means = block_means(recording.tow_force_N, block)
    return Rest(
        mean_of_blocks(recording.tow_force_N, block),
        float(np.ptp(means)),
        float(np.ptp(recording.position_m)),
    )


def zero_raw(reading_N: Estimate, old_raw: int, old_uN_per_raw: int) -> tuple[int, Estimate]:
    """The setting that makes this reading none, and the force that then is left over.

    Its error holds the rounding to a whole step too. The setting may be out of its range.
    """
    step_N = old_uN_per_raw * 1e-6
    exact = old_raw + reading_N.value / step_N
    new = round(exact)
    left = reading_N._replace(value=(exact - new) * step_N)
    return new, left.blurred(abs(step_N) / sqrt(12))


def span_uN_per_raw(reading_N: Estimate, force_N: float, old_uN_per_raw: int) -> Estimate:
    """The setting that makes this reading `force_N`, as an exact number. Raises ValueError for no reading.

    Beside the noise, its error is that of a converter whose scale is bent: equally likely anywhere
    within `CONVERTER_N`.
    """
    if reading_N.value == 0:
        raise ValueError("the reading is nothing")
    ratio = force_N / reading_N.value
    blurred = reading_N.blurred(CONVERTER_N / sqrt(3))
    # To first order the relative errors of reading and ratio are the same.
    relative = blurred.standard_error / abs(reading_N.value)
    return Estimate(old_uN_per_raw * ratio, abs(old_uN_per_raw * ratio) * relative, reading_N.freedom)
