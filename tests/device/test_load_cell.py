"""The load cell: its ends, a reading that stands still, a leap; and which force is believed meanwhile."""

import pytest

from tests.device.whole_numbers import RAW_mN, WholeTick

LAST_TICK_BUT_ONE = 248


@pytest.mark.parametrize(
    "raw, is_railed", [(0, 1), (63, 1), (64, 0), (32_768, 0), (65_471, 0), (65_472, 1), (65_535, 1)]
)
def test_the_last_64_steps_at_either_end_are_not_believed(raw: int, is_railed: int) -> None:
    driven = WholeTick()
    assert driven.after(CELL_RAW=raw, BELIEVED_TOW_mN=5008) == []
    assert driven.get("RAILED_TICKS") == is_railed
    tow_mN = (raw - 32_768) * RAW_mN
    assert driven.get("TOW_mN") == tow_mN, "what is shown is what was measured"
    assert driven.get("BELIEVED_TOW_mN") == (5008 if is_railed else tow_mN)


@pytest.mark.parametrize(
    "before, now, latched", [(48, 49, []), (49, 50, ["CELL_RAILED"]), (50, 50, ["CELL_RAILED"])]
)
def test_50_ticks_at_an_end_are_a_fault(before: int, now: int, latched: list[str]) -> None:
    driven = WholeTick()
    assert driven.after(CELL_RAW=65_500, LAST_RAW=65_501, RAILED_TICKS=before) == latched
    assert driven.get("RAILED_TICKS") == now
    driven.after(CELL_RAW=40_000)
    assert driven.get("RAILED_TICKS") == 0


@pytest.mark.parametrize(
    "before, now, latched", [(248, 249, []), (249, 250, ["CELL_FROZEN"]), (250, 250, ["CELL_FROZEN"])]
)
def test_a_quarter_second_of_the_same_reading_is_a_fault(before: int, now: int, latched: list[str]) -> None:
    driven = WholeTick()
    driven.put(LAST_RAW=33_000, FROZEN_TICKS=before)
    assert driven.after(CELL_RAW=33_000) == latched
    assert driven.get("FROZEN_TICKS") == now
    for other in (33_001, 32_999):
        driven.after(CELL_RAW=other, FROZEN_TICKS=7)
        assert (driven.get("FROZEN_TICKS"), driven.get("LAST_RAW")) == (0, other)


def test_with_the_brake_off_or_at_an_end_a_frozen_cell_is_no_fault_of_its_own() -> None:
    driven = WholeTick()
    assert driven.after(CELL_RAW=33_000, LAST_RAW=33_000, FROZEN_TICKS=250, PERMIT=0) == []
    driven = WholeTick()
    assert driven.after(CELL_RAW=65_500, LAST_RAW=65_500, FROZEN_TICKS=250) == []


@pytest.mark.parametrize("quarter", range(4))
@pytest.mark.parametrize(
    "raw, is_wide", [(8_175, False), (8_176, True), (8_192, True), (8_207, True), (8_208, False)]
)
def test_a_reading_in_one_of_the_converters_four_wide_codes_may_stand_still(
    quarter: int, raw: int, is_wide: bool
) -> None:
    raw += quarter * 16_384
    driven = WholeTick()
    assert driven.after(CELL_RAW=raw, LAST_RAW=raw, FROZEN_TICKS=249) == ([] if is_wide else ["CELL_FROZEN"])
    driven = WholeTick()
    driven.after(CELL_RAW=raw, LAST_RAW=raw, CELL_STEP_mN=50_000)
    leap_mN = 0 if is_wide else 50_000
    assert driven.get("BELIEVED_TOW_mN") == driven.get("TOW_mN") - leap_mN


@pytest.mark.parametrize(
    "zero, raw, steps",
    [
        (32_768, 32_769, 1),
        (32_768, 33_000, 232),
        (100, 32_867, 32_767),
        (100, 32_868, 32_767),
        (100, 65_000, 32_767),
        (65_000, 32_233, -32_767),
        (65_000, 32_232, -32_768),
        (65_000, 32_231, -32_767),
        (65_000, 1_000, -32_767),
    ],
)
def test_the_force_is_steps_from_zero_within_what_the_scale_can_carry(
    zero: int, raw: int, steps: int
) -> None:
    driven = WholeTick(cell_zero_raw=zero)
    driven.after(CELL_RAW=raw, LAST_RAW=0, FROZEN_TICKS=0)
    assert driven.get("TOW_mN") == steps * RAW_mN


def test_the_step_of_the_last_reading_is_measured_from_the_force_believed_before() -> None:
    driven = WholeTick()
    driven.after(CELL_RAW=33_768, LAST_RAW=1, BELIEVED_TOW_mN=5000)
    assert driven.get("CELL_STEP_mN") == 16_000 - 5000
    driven.after(CELL_RAW=33_768, BELIEVED_TOW_mN=-70_000)
    assert driven.get("CELL_STEP_mN") == 11_000, "a reading that stands still is no new step"


@pytest.mark.parametrize(
    "step_mN, frozen_before, is_undone",
    [
        (40_001, 0, True),
        (40_000, 0, False),
        (-40_001, 0, True),
        (-40_000, 0, False),
        (40_001, LAST_TICK_BUT_ONE, True),
        (40_001, LAST_TICK_BUT_ONE + 1, False),
    ],
)
def test_a_leap_of_more_than_40_N_that_then_stands_still_is_not_believed(
    step_mN: int, frozen_before: int, is_undone: bool
) -> None:
    driven = WholeTick()
    driven.after(CELL_RAW=33_768, LAST_RAW=33_768, FROZEN_TICKS=frozen_before, CELL_STEP_mN=step_mN)
    assert driven.get("BELIEVED_TOW_mN") == 16_000 - (step_mN if is_undone else 0)


def test_a_leap_is_believed_in_its_first_tick_and_at_an_end_never() -> None:
    driven = WholeTick()
    driven.after(CELL_RAW=40_000, LAST_RAW=1, BELIEVED_TOW_mN=0)
    assert driven.get("BELIEVED_TOW_mN") == 7_232 * RAW_mN
    driven.after(CELL_RAW=65_535, LAST_RAW=65_535, CELL_STEP_mN=90_000, BELIEVED_TOW_mN=7)
    assert driven.get("BELIEVED_TOW_mN") == 7
