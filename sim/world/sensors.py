"""What the firmware can know of the world: encoder counts and load-cell steps.

Noise is built from random bits with exact arithmetic only (no logarithm or cosine), so that the same
seed gives the same readings on every machine.
"""

from bisect import bisect
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from math import sqrt
from operator import sub
from random import Random

from sim.world.parameters import Sensors as SensorParameters
from sim.world.plant import TICK_s

PI = 3.141592653589793
COUNTS_WRAP = 2**29  #: the counter runs from -COUNTS_WRAP to COUNTS_WRAP - 1

#: Load cell: 12 bits of ADC over +-1000 N, and two more from the readings that each tick sums.
CELL_STEP_N = 2000.0 / 65536
CELL_ZERO = 32768
CELL_MAX = 16 * 4095
CELL_READINGS = 4  # as many as the board takes in each tick
PAGE_BITS = 10
PAGE_STEPS = 1 << PAGE_BITS
WIDE_CODES = (511, 1535, 2559, 3583)  #: RP2040, erratum E11

BUS_FULL_SCALE_mV = 72_600  #: of the 12-bit converter, behind a 22:1 divider
#: 12-bit readings of the NTC at -20, -10, ... 130 degrees C: the board's table, taken for the NTC itself.
NTC_READINGS = (3741, 3496, 3157, 2739, 2278, 1825, 1419, 1082, 816, 613, 462, 350, 267, 206, 160, 126)


def bus_reading_mV(bus_V: float) -> int:
    """What the firmware gets for this voltage: in steps of the converter, clipped at its ends."""
    code = int(bus_V * (4096_000 / BUS_FULL_SCALE_mV))
    return (0 if code < 0 else 4095 if code > 4095 else code) * BUS_FULL_SCALE_mV // 4096


def _ntc_cC(code: int) -> int:
    """Straight lines through the table, the first and the last on to the ends."""
    last = len(NTC_READINGS) - 1
    n = next((n for n in range(1, last) if code >= NTC_READINGS[n]), last)
    high, low = NTC_READINGS[n - 1], NTC_READINGS[n]
    return (n - 1) * 1000 - 2000 + (high - code) * 1000 // (high - low)


#: What the firmware can get for a temperature, in rising order: one for each code of the converter.
NTC_cC = tuple(_ntc_cC(code) for code in range(4095, -1, -1))


def temperature_reading_cC(temperature_C: float) -> int:
    """What the firmware gets for this temperature: the next step below, clipped at the table's ends."""
    return NTC_cC[max(bisect(NTC_cC, temperature_C * 100.0) - 1, 0)]


class Normal:
    """Standard normal numbers: binomial over 256 bits, smoothed by a uniform number."""

    __slots__ = ("_bits", "_uniform")

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self._bits = random.getrandbits
        self._uniform = random.random

    def draw(self) -> float:
        """One number; mean 0, variance 1, never beyond 16.1."""
        # Variance of the bits 64, of the uniform number 1/12: together 8.0052^2.
        return (self._bits(256).bit_count() - 128.5 + self._uniform()) * 0.1249187


class Encoder:
    """Quadrature counter: floor of the way over the way per count; starts at 0 where the sled stands.

    `counts(x_m)` gives the counts since `restart`, wrapping. The rig calls it each tick, so without a
    fault it does nothing else. Fault: `lost_edges`, the part of the edges that are missed.
    """

    __slots__ = (
        "_counts_per_m",
        "_counts_per_turn",
        "_index_origin",
        "_last",
        "_lost_edges",
        "_origin",
        "_random",
        "counts",
    )

    counts: Callable[[float], int]

    def __init__(self, parameters: SensorParameters, seed: int = 0) -> None:
        self._counts_per_turn = int(parameters.counts_per_turn)
        self._counts_per_m = parameters.counts_per_turn / (2.0 * PI * parameters.wheel_radius_m)
        self._random = Random(seed).random
        self._origin = self._index_origin = 0
        self._last: int | None = None
        self._lost_edges = 0.0
        self.counts = self._all_counts

    def restart(self, x_m: float) -> None:
        """The counter begins at zero here, as after a reset of the controller."""
        self._origin = self._index_origin = int(x_m * self._counts_per_m // 1.0)

    @property
    def lost_edges(self) -> float:
        """Part of the edges that are missed, 0 to 1. The count stays off by what was missed."""
        return self._lost_edges

    @lost_edges.setter
    def lost_edges(self, value: float) -> None:
        self._lost_edges = value
        self._last = None
        self.counts = self._fewer_counts if value else self._all_counts

    def shift(self, counts: int) -> None:
        """From here on so many more are counted."""
        self._origin -= counts

    def index_counts(self, x_m: float) -> int:
        """What a latch on the index pulse holds: the count at the last whole turn of the wheel, below `x_m`.

        One turn apart they differ by `counts_per_turn`, unless edges were lost. The firmware has no such
        latch; this is for finding what it cannot see.
        """
        edges = int(x_m * self._counts_per_m // 1.0)
        origin = self._index_origin if self._lost_edges else self._origin
        return self._wrapped(edges - edges % self._counts_per_turn - origin)

    @staticmethod
    def _wrapped(counts: int) -> int:
        return ((counts + COUNTS_WRAP) & (2 * COUNTS_WRAP - 1)) - COUNTS_WRAP

    def _all_counts(self, x_m: float) -> int:
        counts = int(x_m * self._counts_per_m // 1.0) - self._origin
        return ((counts + COUNTS_WRAP) & (2 * COUNTS_WRAP - 1)) - COUNTS_WRAP

    def _fewer_counts(self, x_m: float) -> int:
        """The counts when some of the edges since the last call are missed: so many as are due, and the
        rest of one by lot."""
        edges = int(x_m * self._counts_per_m // 1.0)
        last = edges if self._last is None else self._last
        self._last = edges
        missed = int(abs(edges - last) * self._lost_edges + self._random())
        if edges != last:
            self._origin += missed if edges > last else -missed
            if edges // self._counts_per_turn != last // self._counts_per_turn:
                self._index_origin = self._origin
        return self._wrapped(edges - self._origin)


def _code_end(code: int, wide_steps: int) -> int:
    """Sixteenth of a code of input behind the last that reads as `code`."""
    plain_steps = 65536 - len(WIDE_CODES) * wide_steps  # of all codes but the wide ones together
    plain_codes = 4096 - len(WIDE_CODES)
    wide = sum(code >= one for one in WIDE_CODES)
    # The middle of a code, not its edge, stands for its value: half a code down.
    return (code + 1 - wide) * plain_steps // plain_codes + wide * wide_steps - 8


def _codes(first: int, last: int, wide_steps: int) -> list[int]:
    """The reading of each sixteenth of a code of input, `first` to before `last`; it clips at the rails."""
    codes = [0] * min(max(-first, 0), last - first)
    # Wide codes shift the others by less than so many.
    code = max((first + len(codes)) // 16 - 64, 0)
    while len(codes) < last - first and code < 4095:
        codes += [code] * min(_code_end(code, wide_steps) - first - len(codes), last - first - len(codes))
        code += 1
    return codes + [4095] * (last - first - len(codes))


def converted(spread: int, wide_steps: int, page: int) -> list[int]:
    """Mean of 12-bit readings of a steady input, in 16 bits, for a page of sixteenths of a code of input.

    Each reading carries noise of its own: a sum of four uniform numbers over `spread` sixteenths of a
    code. `wide_steps` is the width of the four wide codes in the same unit; the rest are narrower for
    it, since the ends of the scale stay where they are. Whole numbers only, so it is the same on every
    machine. Page by page, since a sled at rest reads one page and the whole takes longer than a command.
    """
    first = page * PAGE_STEPS - 2 * (spread - 1)
    readings = _codes(first, first + PAGE_STEPS + 4 * (spread - 1), wide_steps)
    # Four running means, one for each of the uniform numbers; each takes `spread` - 1 off the length.
    for _ in range(4):
        sums = [0, *accumulate(readings)]
        readings = list(map(sub, sums[spread:], sums))
    scale = spread**4
    return [16 * total // scale for total in readings]


@lru_cache(maxsize=1024)
def _summed(spread: int, wide_steps: int, page: int) -> list[int]:
    """`converted` in the board's steps: the sum of `CELL_READINGS` readings leaves two of the 16 bits 0."""
    return [(reading + 2) & ~3 for reading in converted(spread, wide_steps, page)]


class LoadCell:
    """Signed force between athlete's frame and sled, tension positive, as the sum of a few ADC readings.

    Cell: scale, bend, creep. Amplifier: offset, drift, noise. Converter: noise, wide codes, rails.
    `raw` is called once for each tick. `offset_N`, the present error at no force, and
    `drift_N_per_s`, with which it moves, may be set at any time.
    """

    __slots__ = (
        "_bend_per_N",
        "_converter",
        "_creep",
        "_creep_N",
        "_creep_rate",
        "_draw",
        "_least",
        "_most",
        "_noise",
        "_pages",
        "_steps_per_N",
        "_zero",
        "drift_N_per_s",
        "offset_N",
    )

    def __init__(self, parameters: SensorParameters, seed: int) -> None:
        self.offset_N = parameters.cell_offset_N
        self.drift_N_per_s = parameters.cell_drift_N_per_s
        self._steps_per_N = parameters.cell_scale / CELL_STEP_N
        self._bend_per_N = parameters.cell_bend / 1000.0
        self._creep = parameters.cell_creep
        self._creep_rate = TICK_s / parameters.cell_creep_s
        self._creep_N = 0.0
        # A uniform number over n steps has the variance (n^2 - 1) / 12, four of them (n^2 - 1) / 3.
        noise_steps = 16.0 * parameters.adc_noise_codes
        spread = int(sqrt(3.0 * noise_steps * noise_steps + 1.0) + 0.5)
        self._converter = (spread, int(16.0 * parameters.adc_wide_codes + 0.5))
        self._pages: dict[int, list[int]] = {}
        # A page more, so that no place is negative; and rounded.
        self._zero = CELL_ZERO + PAGE_STEPS + 0.5
        self._least = PAGE_STEPS - 2.0 * spread  # here and beyond all readings clip
        self._most = PAGE_STEPS + 65536.0 + 2.0 * spread
        # What the mean leaves of the converter's noise and of its rounding, as if it were the amplifier's.
        slow = parameters.cell_noise_N / CELL_STEP_N
        left = (noise_steps * noise_steps + 256.0 / 12.0) / CELL_READINGS
        self._noise = sqrt(slow * slow + left)
        self._draw = Normal(seed).draw

    def raw(self, force_N: float) -> int:
        """Steps 0 to CELL_MAX, after one more tick with this force."""
        creep_N = self._creep_N
        self._creep_N = creep_N + (force_N * self._creep - creep_N) * self._creep_rate
        offset_N = self.offset_N = self.offset_N + self.drift_N_per_s * TICK_s
        at = (
            (force_N + creep_N + self._bend_per_N * force_N * force_N) * self._steps_per_N
            + offset_N / CELL_STEP_N
            + self._noise * self._draw()
            + self._zero
        )
        place = int(self._least if at < self._least else at if at < self._most else self._most)
        page = self._pages.get(place >> PAGE_BITS)
        if page is None:
            page = self._pages[place >> PAGE_BITS] = _summed(*self._converter, (place >> PAGE_BITS) - 1)
        return page[place & PAGE_STEPS - 1]
