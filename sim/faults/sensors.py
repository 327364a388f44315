"""What can break about encoder, load cell, bus voltage and temperature, as the firmware reads them."""

from collections.abc import Callable

from sim.faults.breaking import End, Fault, Value, nothing, put, random_of, read_through, seed_of
from sim.rig import Rig
from sim.world.sensors import CELL_MAX, CELL_STEP_N, CELL_ZERO, COUNTS_WRAP, Normal, NTC_cC

_FROZEN_EVERY_TICKS = 100
_CELL_OUT_EVERY_TICKS = 200
_CELL_STEPS = 4  # the board's, of the 16 bits


def _wrapped(counts: int) -> int:
    return ((counts + COUNTS_WRAP) & (2 * COUNTS_WRAP - 1)) - COUNTS_WRAP


def _shift(rig: Rig, counts: int) -> None:
    """The counter goes on from so many more."""
    rig.encoder.shift(counts)


class _Edges:
    """The way from the encoder's edges to the count: what is lost on it never comes back.

    One filter for all such faults, so that they can be mended in any order: each changes the counts
    moved in a tick. When the last is mended the counter goes on from where it then is.
    """

    def __init__(self) -> None:
        self.changes: dict[object, Callable[[int], int]] = {}
        self._seen: int | None = None
        self._shown = 0

    @property
    def lost(self) -> int:
        """Counts that the firmware's count is off by."""
        return 0 if self._seen is None else self._shown - self._seen

    def __call__(self, counts: int) -> int:
        if self._seen is None:
            self._seen = self._shown = counts
        moved = _wrapped(counts - self._seen)
        self._seen = counts
        for change in self.changes.values():
            moved = change(moved)
        self._shown = _wrapped(self._shown + moved)
        return self._shown


def _edges(rig: Rig, change: Callable[[int], int]) -> End:
    """Let `change` make of the counts moved in a tick what is counted."""
    filters = rig.filters["counts"]
    edges = next((each for each in filters if isinstance(each, _Edges)), None)
    if edges is None:
        edges = _Edges()
        filters.insert(0, edges)
    mine = object()
    edges.changes[mine] = change

    def end() -> None:
        if edges.changes.pop(mine, None) is not None and not edges.changes:
            filters.remove(edges)
            _shift(rig, edges.lost)

    return end


def _encoder_stuck(rig: Rig, _: float) -> End:
    return _edges(rig, lambda moved: 0)


def _encoder_reversed(rig: Rig, _: float) -> End:
    return _edges(rig, lambda moved: -moved)


def _encoder_jump(rig: Rig, counts: float) -> End:
    _shift(rig, int(counts))
    return nothing


def _encoder_noise(rig: Rig, counts: float) -> End:
    draw = random_of(rig).random
    width = 2 * int(counts) + 1

    def noisy(reading: int) -> int:
        return _wrapped(reading + int(draw() * width) - int(counts))

    return read_through(rig, "counts", noisy)


def _encoder_dropout(rig: Rig, ms: float) -> End:
    frozen_ticks = int(ms)
    calls = kept = 0

    def frozen(reading: int) -> int:
        nonlocal calls, kept
        if calls % _FROZEN_EVERY_TICKS == 0:
            kept = reading
        calls += 1
        return kept if (calls - 1) % _FROZEN_EVERY_TICKS < frozen_ticks else reading

    return read_through(rig, "counts", frozen)


def _encoder_lost_edges(rig: Rig, part: float) -> End:
    return put(rig, "encoder", "lost_edges", part)


def _cell(rig: Rig, change: Callable[[int], float]) -> End:
    def changed(raw: int) -> int:
        value = int((change(raw) + 0.5 * _CELL_STEPS) // _CELL_STEPS) * _CELL_STEPS
        return 0 if value < 0 else CELL_MAX if value > CELL_MAX else value

    return read_through(rig, "cell", changed)


def _stuck(rig: Rig, reading: str) -> End:
    """The first reading from now on is the last one."""
    kept: list[int] = []

    def stuck(value: int) -> int:
        if not kept:
            kept.append(value)
        return kept[0]

    return read_through(rig, reading, stuck)


def _cell_stuck(rig: Rig, _: float) -> End:
    return _stuck(rig, "cell")


def _cell_rail_high(rig: Rig, _: float) -> End:
    return _cell(rig, lambda raw: CELL_MAX)


def _cell_rail_low(rig: Rig, _: float) -> End:
    return _cell(rig, lambda raw: 0)


def _cell_dropout(rig: Rig, ms: float) -> End:
    calls = 0

    def out(raw: int) -> int:
        nonlocal calls
        calls += 1
        return CELL_ZERO if (calls - 1) % _CELL_OUT_EVERY_TICKS < int(ms) else raw

    return read_through(rig, "cell", out)


def _cell_jump(rig: Rig, force_N: float) -> End:
    return _cell(rig, lambda raw: raw + force_N / CELL_STEP_N)


def _cell_noise(rig: Rig, rms_N: float) -> End:
    draw = Normal(seed_of(rig)).draw
    return _cell(rig, lambda raw: raw + rms_N / CELL_STEP_N * draw())


def _cell_reversed(rig: Rig, _: float) -> End:
    return _cell(rig, lambda raw: 2 * CELL_ZERO - raw)


def _cell_scale(rig: Rig, part: float) -> End:
    return _cell(rig, lambda raw: CELL_ZERO + part * (raw - CELL_ZERO))


def _cell_drift(rig: Rig, N_per_s: float) -> End:
    return put(rig, "cell", "drift_N_per_s", N_per_s)


def _ntc_open(rig: Rig, _: float) -> End:
    return read_through(rig, "temperature", lambda cC: NTC_cC[0])


def _ntc_short(rig: Rig, _: float) -> End:
    return read_through(rig, "temperature", lambda cC: NTC_cC[-1])


def _bus_sensor_stuck(rig: Rig, _: float) -> End:
    return _stuck(rig, "bus")


SENSOR_FAULTS = (
    Fault(
        "encoder_stuck",
        "sensor",
        "The encoder does not count any more.",
        _encoder_stuck,
        shows="ENCODER_SILENT",
    ),
    Fault(
        "encoder_jump",
        "sensor",
        "The encoder's count jumps once, and stays wrong by so much.",
        _encoder_jump,
        Value("counts", 400, -100_000, 100_000),
        shows="ENCODER_JUMP",
    ),
    Fault(
        "encoder_noise",
        "sensor",
        "The encoder's count flutters by up to so much to both sides.",
        _encoder_noise,
        Value("counts", 3, 1, 1000),
        expected="Nothing: the speed estimate takes a mean; the force flutters by 2 N.",
    ),
    Fault(
        "encoder_reversed",
        "sensor",
        "The encoder counts the wrong way round.",
        _encoder_reversed,
        shows="ENCODER_JUMP",
    ),
    Fault(
        "encoder_lost_edges",
        "sensor",
        "The encoder misses this part of its edges.",
        _encoder_lost_edges,
        Value("part", 0.05, 0, 1),
        expected="Nothing: to every other sensor this is a sled that goes a little slower; way and speed"
        " are short by that part.",
    ),
    Fault(
        "encoder_dropout",
        "sensor",
        "The encoder's count freezes for so long, ten times a second, then is right again.",
        _encoder_dropout,
        Value("ms", 30, 1, 99),
        shows="ENCODER_SILENT",
    ),
    Fault(
        "cell_stuck",
        "sensor",
        "The load cell's reading stays where it is.",
        _cell_stuck,
        shows="CELL_FROZEN",
    ),
    Fault(
        "cell_rail_high",
        "sensor",
        "The load cell reads the upper end of its range.",
        _cell_rail_high,
        shows="CELL_RAILED",
    ),
    Fault(
        "cell_rail_low",
        "sensor",
        "The load cell reads the lower end of its range.",
        _cell_rail_low,
        shows="CELL_RAILED",
    ),
    Fault(
        "cell_dropout",
        "sensor",
        "The load cell reads nothing for so long, five times a second.",
        _cell_dropout,
        Value("ms", 20, 1, 199),
        shows="CELL_FROZEN",
    ),
    Fault(
        "cell_jump",
        "sensor",
        "The load cell reads so much more than it should.",
        _cell_jump,
        Value("force_N", 60, -2000, 2000),
        shows="CELL_DISAGREES",
    ),
    Fault(
        "cell_noise",
        "sensor",
        "The load cell's reading is noisy, this much rms.",
        _cell_noise,
        Value("rms_N", 20, 0.1, 500),
        expected="Nothing: the trim takes a mean over a second, and the load stays as it was.",
    ),
    Fault(
        "cell_reversed",
        "sensor",
        "The load cell reads push for pull and pull for push.",
        _cell_reversed,
        shows="CELL_DISAGREES",
    ),
    Fault(
        "cell_scale",
        "sensor",
        "The load cell reads this many times the true force.",
        _cell_scale,
        Value("part", 0.7, 0, 3),
        shows="CELL_DISAGREES",
    ),
    Fault(
        "cell_drift",
        "sensor",
        "The load cell's zero drifts by so much each second.",
        _cell_drift,
        Value("N_per_s", 2, -100, 100),
        shows="CELL_DISAGREES",
    ),
    Fault(
        "ntc_open",
        "sensor",
        "The temperature sensor's wire is broken.",
        _ntc_open,
        shows="TEMPERATURE_SENSOR",
    ),
    Fault("ntc_short", "sensor", "The temperature sensor's wires touch.", _ntc_short, shows="TOO_HOT"),
    Fault(
        "bus_sensor_stuck",
        "sensor",
        "The reading of the bus voltage stays where it is.",
        _bus_sensor_stuck,
        shows="BUS_SENSOR",
    ),
)
