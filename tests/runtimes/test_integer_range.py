"""No intermediate of the tick leaves 31 bits, whatever the inputs, loads and settings."""

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
#: Where earlier ticks may have left what only grows: words, and their ends.
START = st.fixed_dictionaries(
    {
        "COUNTS": between(*INPUTS["COUNTS"]),
        "POSITION_um": between(-(2**29), 2**29 - 1),
        "TRAVEL_um": between(0, 200_000_000),
        "CEILING_mN": between(0, 1_000_000),
        "TRIM_mN_q10": between(-100_000 * 1024, 100_000 * 1024),
        "INJECTED_64nJ": between(0, 15_625_000),
    }
)
STRETCH = st.tuples(
    st.integers(1, 12),  # ticks
    st.integers(-500, 500) | st.sampled_from([0, 1, -1, 500, -500]),  # counts in each
    st.sampled_from(
        [firmware.PERMIT_RAISE, firmware.PERMIT_RAISE, firmware.PERMIT_RAMP, firmware.PERMIT_DROP]
    ),
    st.lists(A_SETTING | OTHER_INPUT, max_size=3),
)


def test_the_stimulus_stays_within_31_bits() -> None:
    s = CheckedWords(firmware.STATE_WORDS)
    ring = CheckedWords(RING_WORDS)
    stimulus = read_stimulus()
    at = 0
    while at < len(stimulus):
        at = set_words(stimulus, at, s)
        firmware.tick(s, ring)


@settings(max_examples=400)
@given(ALL_SETTINGS, LOAD, LOAD, START, st.lists(STRETCH, min_size=2, max_size=12))
def test_no_inputs_loads_or_settings_make_an_intermediate_leave_31_bits(
    values: tuple[int, ...],
    pull: tuple[int, ...],
    push: tuple[int, ...],
    start: dict[str, int],
    stretches: list[tuple[int, int, int, list[tuple[int, int]]]],
) -> None:
    s = CheckedWords(firmware.STATE_WORDS)
    ring = CheckedWords(RING_WORDS)
    s[firmware.DIRECTION] = 1
    s[firmware.CELL_RAW] = 32_768
    s[firmware.DROP_MASK] = fault_mask("drop")
    s[firmware.FOLD_BUS_q10] = s[firmware.FOLD_HOT_q10] = s[firmware.HOT_ALLOWED_q10] = 1024
    words = [0] * firmware.STATE_WORDS
    words[firmware.SETTINGS_AT : firmware.SETTINGS_AT + len(values)] = values
    firmware_settings.derive(words)
    for number in range(firmware.SETTINGS_AT, firmware.STATE_WORDS):
        s[number] = words[number]
    for number, (for_pull, for_push) in enumerate(zip(pull, push, strict=True)):
        s[firmware.NEXT_PULL + number] = for_pull
        s[firmware.NEXT_PUSH + number] = for_push
    s[firmware.LOAD_PENDING] = 1
    for name, value in start.items():
        s[word(name)] = value
    s[firmware.TRAVEL_PEAK_um] = s[firmware.TRAVEL_um]
    counts = int(start["COUNTS"])
    for ticks, step, permit, words in stretches:
        for number, value in words:
            s[number] = value
        s[firmware.PERMIT] = permit
        for _ in range(ticks):
            counts = (counts + step + 2**29) % 2**30 - 2**29
            s[firmware.COUNTS] = counts
            s[firmware.MAIN_LEFT_ticks] = 5
            firmware.tick(s, ring)


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
