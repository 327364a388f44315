"""No intermediate of the tick leaves 31 bits, whatever the inputs, loads and settings."""

from collections.abc import Callable, MutableSequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sled import settings as firmware_settings
from device.sled import tick as firmware
from protocol.codes import fault_mask
from protocol.settings import SETTINGS
from seeds.traces.make_stimulus import INPUTS, LOAD_RANGES
from tests.runtimes.checked import Checked, CheckedWords, OutOfRange
from tests.runtimes.replay import set_words
from tests.runtimes.stimulus import read_stimulus, word

RING_WORDS = firmware.SAMPLE_WORDS * firmware.RING_SAMPLES

#: Ticks, counts in each, what is permitted, and words to set before with their values.
Stretch = tuple[int, int, int, list[tuple[int, int]]]


def between(low: int, high: int) -> st.SearchStrategy[int]:
    """Ends first: an overflow lives there."""
    return st.sampled_from([high, low]) | st.integers(low, high)


A_SETTING = st.sampled_from(SETTINGS).flatmap(
    lambda row: st.tuples(st.just(firmware.SETTINGS_AT + row.number), between(row.minimum, row.maximum))
)
ALL_SETTINGS = st.tuples(*(between(row.minimum, row.maximum) for row in SETTINGS))
LOAD = st.tuples(*(between(low, high) for low, high in LOAD_RANGES))
OTHER_INPUT = st.sampled_from([name for name in INPUTS if name != "COUNTS"]).flatmap(
    lambda name: st.tuples(st.just(word(name)), between(*INPUTS[name]))
)
#: Where earlier ticks or the main loop may have left a word: words, and their ends.
START = st.fixed_dictionaries(
    {
        "COUNTS": between(*INPUTS["COUNTS"]),
        "POSITION_um": between(-(2**29), 2**29 - 1),
        "TRAVEL_um": between(0, 200_000_000),
        "DIRECTION": st.sampled_from([1, -1]),
        "VELOCITY_mm_per_s_q10": st.just(0) | between(-30_000 * 1024, 30_000 * 1024),
        "TRACK_ERROR_um_q10": st.just(0) | between(-0x0FFF_FFFF, 0x0FFF_FFFF),
        "BRAKE_mN": between(0, 1_000_000),
        "LEVEL_mN": between(0, 1_000_000),
        "CEILING_mN": between(0, 1_000_000),
        "OFFSET_mN": st.just(0) | between(-1_000_000, 1_000_000),
        "UNEXPLAINED_q17": st.just(0) | between(-(2**27), 2**27),
        "RESIDUAL_q14": st.just(0) | between(-(2**24), 2**24),
        "MOVING_TICKS": st.sampled_from([0, 40]),
        "SUSPECT_TICKS": between(0, 700),
        "DISAGREE_TICKS": between(0, 59),
        "MORE_TICKS": between(0, 29),
        "DRIVEN_TICKS": between(0, 119),
        "DROPOUTS": between(0, 699),
        "FROZEN_TICKS": st.just(0) | between(0, 249),
        "ZERO_TICKS": between(0, 1_000),
        "TRIM_END_TICKS": between(0, 1_999),
        "LATE_us_SUM": between(0, 6_000),
        "PATH_COUNTS": between(0, 2**29 - 1),
        "FOLD_BUS_q10": st.just(1024) | between(0, 1024),
        "FOLD_HOT_q10": st.just(1024) | between(0, 1024),
        "HOT_ALLOWED_q10": st.just(1024) | between(0, 1024),
        "TRIM_mN_q10": between(-100_000 * 1024, 100_000 * 1024),
        "INJECTED_64nJ": between(0, 15_625_000),
        "SILENT_TICKS": between(0, 500),
        "LEASED": st.sampled_from([0, 1]),
        "LEASE_LEFT_ticks": between(0, 30),
        "RAMP_MASK": st.sampled_from([0, fault_mask("ramp")]),
        "RING_AT": st.sampled_from([0, RING_WORDS - 5 * firmware.SAMPLE_WORDS]),
    }
)
POKES = {
    "FAULTS_CLEAR": 1,
    "LEASE_LEFT_ticks": 3,
    "MAIN_LEFT_ticks": 0,
    "FORCE_MAX_mN": 0,
    "BRAKE_mN": 800_000,
    "HOT_ALLOWED_q10": 1_023,
    "LATE_us": 1_500,
}
A_POKE = st.sampled_from([(word(name), value) for name, value in POKES.items()])
PERMITS = [firmware.PERMIT_RAISE, firmware.PERMIT_RAISE, firmware.PERMIT_RAMP, firmware.PERMIT_DROP]
STRETCH = st.tuples(
    st.integers(1, 12),  # ticks
    st.integers(-500, 500) | st.sampled_from([0, 1, -1, 500, -500]),  # counts in each
    st.sampled_from(PERMITS),
    st.lists(A_SETTING | OTHER_INPUT | A_POKE, max_size=3),
)


def with_words(ticks: int, step: int, permit: int = firmware.PERMIT_RAISE, **words: int) -> Stretch:
    """A stretch under load that begins with these words."""
    words |= {
        "CEILING_mN": 1_000_000,
        "FAULTS_CLEAR": int("FAULTS" not in words),
        "SWITCHES": 0,
        "LATE_us": 0,
        "OFFSET_mN": 0,
    }
    words |= {"FOLD_BUS_q10": 1024, "FOLD_HOT_q10": 1024, "HOT_ALLOWED_q10": 1024, "BUS_mV": 0}
    return ticks, step, permit, [(word(name), value) for name, value in words.items()]


#: As in use: steady, with a load that is soon there, whatever the cell says.
STEADY = st.builds(
    lambda ticks, step, force_mN, raw, trim: with_words(
        ticks,
        step,
        VELOCITY_mm_per_s_q10=step * 129_589,
        **{
            "PULL": force_mN,
            "PUSH": force_mN,
            "CELL_RAW": raw,
            "BRAKE_mN": max(0, force_mN - 11_000 + trim // 1024),
        },
        **{"TRACK_ERROR_um_q10": 0, "ACCELERATION_q14": 0, "LEASED": 0},
        **{"UNEXPLAINED_q17": 0, "RESIDUAL_q14": 0, "MOVING_TICKS": 0, "FAULTS_MAIN": 0},
        **{"TRIM_mN_q10": trim, "TRIM_mN_q10+1": trim, "TRIM_END_TICKS": 1_999},
    ),
    st.integers(15, 40),
    st.integers(4, 20) | st.integers(-20, -4),
    st.integers(20_000, 60_000),
    st.sampled_from([0, 32_768, 65_000]),
    st.sampled_from([-100_000 * 1024, 0, 100_000 * 1024]),
)
#: The last tick before a doubt becomes a fault.
JUDGED = st.builds(
    lambda step, residual, leap_mN: with_words(
        3,
        step,
        VELOCITY_mm_per_s_q10=step * 129_589,
        **{"TRACK_ERROR_um_q10": 0, "UNEXPLAINED_q17": 0, "RESIDUAL_q14": residual, "MOVING_TICKS": 40},
        **{"DISAGREE_TICKS": 59, "MORE_TICKS": 29, "DRIVEN_TICKS": 119, "DROPOUTS": 699},
        **{"FROZEN_TICKS": 11, "CELL_STEP_mN": leap_mN, "CELL_RAW": 30_000, "LAST_RAW": 30_000},
        **{"BRAKE_FELT_mN": 60_000, "BRAKE_PEAK_mN": 60_000, "BRAKE_mN": 60_000, "FAULTS": 0},
        **{"WINDOW_COUNTS": 8 * step} | {f"WINDOW+{at}": step for at in range(8)},
    ),
    st.integers(4, 20) | st.integers(-20, -4),
    st.integers(-(2**23), 2**23),
    st.sampled_from([-90_000, 90_000]),
)
#: Steady at 60 N for long, felt as its own mass, with a trim that has come to its end and is not enough.
TRIMMED = st.builds(
    lambda step, sign: with_words(
        2,
        step,
        VELOCITY_mm_per_s_q10=step * 129_589,
        **{"TRACK_ERROR_um_q10": 0, "UNEXPLAINED_q17": 0, "RESIDUAL_q14": 0, "ACCELERATION_q14": 0},
        **{f"{way}+{at}": 0 for way in ("PULL", "PUSH") for at in range(2, 6)},
        **{"PULL": 60_000, "PUSH": 60_000, "PULL+1": 30_000, "PUSH+1": 30_000, "LEASED": 0, "FAULTS": 0},
        **{"BRAKE_mN": 49_000 + sign * 30_000, "BRAKE_FELT_mN": 49_000 + sign * 30_000, "BRAKE_PEAK_mN": 0},
        **{"TRIM_mN_q10": sign * 30_720_000, "TRIM_mN_q10+1": sign * 30_720_000, "TRIM_END_TICKS": 1_999},
        **{"CELL_RAW": 32_768 + (1 if step > 0 else -1) * (60_000 - sign * 10_000) * 1000 // 30_518},
        **{"WINDOW_COUNTS": 8 * step} | {f"WINDOW+{at}": step for at in range(8)},
    ),
    st.sampled_from([-9, -8, 8, 9]),
    st.sampled_from([-1, 1]),
)
STUCK = st.builds(lambda: with_words(3, 0, CELL_RAW=30_000, LAST_RAW=30_000, FROZEN_TICKS=249))
#: More brake than the driver has; and thrown back as far as counts can say.
HARD = st.builds(
    lambda step: with_words(
        3, step, PULL=1_000_000, PUSH=1_000_000, BRAKE_mN=900_000, BRAKE_FULL_SCALE_mN=400_000
    ),
    st.sampled_from([40, -40]),
)
THROWN = st.builds(
    lambda sign: with_words(
        2,
        500 * sign,
        firmware.PERMIT_DROP,
        HEADING=-sign,
        um_PER_1024_COUNTS=160_000,
        ENCODER_JUMP_counts=500,
    ),
    st.sampled_from([1, -1]),
)
USUAL_SETTINGS = st.just(tuple(row.default for row in SETTINGS))
DRIVES = (
    USUAL_SETTINGS | ALL_SETTINGS,
    LOAD,
    LOAD,
    START,
    st.lists(STRETCH | STEADY | TRIMMED | JUDGED | STUCK | HARD | THROWN, min_size=2, max_size=8),
)


def derive(s: MutableSequence[int]) -> None:
    """What follows from the settings, worked out in plain integers: the main loop does it."""
    plain = [int(value) for value in s]
    firmware_settings.derive(plain)
    for number in range(firmware.DERIVED_AT, firmware.SETTINGS_AT):
        s[number] = plain[number]


def drive(
    tick: Callable[..., int],
    s: MutableSequence[int],
    ring: MutableSequence[int],
    values: tuple[int, ...],
    pull: tuple[int, ...],
    push: tuple[int, ...],
    start: dict[str, int],
    stretches: list[Stretch],
) -> None:
    """Run the tick over a drawn start and drawn stretches."""
    s[firmware.CELL_RAW] = 32_768
    s[firmware.HEADING] = start["DIRECTION"]
    s[firmware.DROP_MASK] = fault_mask("drop")
    for number, value in enumerate(values):
        s[firmware.SETTINGS_AT + number] = value
    derive(s)
    for number, (for_pull, for_push) in enumerate(zip(pull, push, strict=True)):
        s[firmware.NEXT_PULL + number] = for_pull
        s[firmware.NEXT_PUSH + number] = for_push
    s[firmware.LOAD_PENDING] = 1
    for name, value in start.items():
        s[word(name)] = value
    s[firmware.TRAVEL_PEAK_um] = s[firmware.TRAVEL_um]
    counts = int(start["COUNTS"])
    for ticks, step, permit, words in stretches:
        s[firmware.PERMIT] = permit
        s[firmware.MAIN_LEFT_ticks] = 100
        for number, value in words:
            s[number] = value
        derive(s)
        for _ in range(ticks):
            counts = (counts + step + 2**29) % 2**30 - 2**29
            s[firmware.COUNTS] = counts
            tick(s, ring)


def test_the_stimulus_stays_within_31_bits() -> None:
    s = CheckedWords(firmware.STATE_WORDS)
    ring = CheckedWords(RING_WORDS)
    stimulus = read_stimulus()
    at = 0
    while at < len(stimulus):
        at = set_words(stimulus, at, s)
        firmware.tick(s, ring)


@settings(max_examples=300)
@given(*DRIVES)
def test_no_inputs_loads_or_settings_make_an_intermediate_leave_31_bits(
    values: tuple[int, ...],
    pull: tuple[int, ...],
    push: tuple[int, ...],
    start: dict[str, int],
    stretches: list[Stretch],
) -> None:
    s = CheckedWords(firmware.STATE_WORDS)
    drive(firmware.tick, s, CheckedWords(RING_WORDS), values, pull, push, start, stretches)


def test_a_checked_integer_refuses_what_a_register_would_wrap() -> None:
    large = Checked(2**29)
    assert large + (2**29 - 1) == 2**30 - 1
    for overflow in (
        lambda: large + large,
        lambda: 4 * large,
        lambda: -large - large - 1,
        lambda: 1 << Checked(30),
    ):
        with pytest.raises(OutOfRange):
            overflow()
    words = CheckedWords(1)
    with pytest.raises(OutOfRange):
        words[0] = 2**30
