"""The words that the tick need not divide for: each is what its settings say, in its own unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import settings, tick
from protocol.settings import SETTINGS

ONE_q26 = 2**26


def derived(**given_settings: int) -> list[int]:
    s = [0] * tick.STATE_WORDS
    settings.take_defaults(s)
    for setting in SETTINGS:
        if setting.name in given_settings:
            s[tick.SETTINGS_AT + setting.number] = given_settings[setting.name]
    settings.derive(s)
    return s


def test_defaults_are_those_of_the_table_and_are_derived_too() -> None:
    s = [-7] * tick.STATE_WORDS
    settings.take_defaults(s)
    ours = [s[tick.SETTINGS_AT + setting.number] for setting in SETTINGS]
    assert ours == [setting.default for setting in SETTINGS]
    assert s[tick.RAISE_STEP_mN] == 180 and s[tick.CAP_mN_PER_mm_per_s] == 1_200


@pytest.mark.parametrize("mass_g", [15_000, 30_001, 60_000])
@pytest.mark.parametrize("in_flight_ticks", [1, 4, 20])
def test_a_force_costs_the_sled_speed_and_never_too_little_of_it(mass_g: int, in_flight_ticks: int) -> None:
    s = derived(bare_mass_g=mass_g, in_flight_ticks=in_flight_ticks)
    assert s[tick.INVERSE_MASS_q26] == ONE_q26 // mass_g
    for word, ticks in [
        (tick.DRAG_WINDOW_q26, in_flight_ticks + tick.WINDOW_TICKS / 2),
        (tick.DRAG_AT_ONCE_q26, in_flight_ticks + 0.5),
    ]:
        assert 0 < s[word] - ONE_q26 * ticks / mass_g <= 1


@pytest.mark.parametrize(
    ("uN", "q10"), [(30_518, 31_250), (-30_518, -31_250), (31_250, 32_000), (0, 0), (1, 1)]
)
def test_a_step_of_the_cell_in_mN_is_rounded_to_the_nearest_1024th(uN: int, q10: int) -> None:
    assert derived(cell_uN_per_raw=uN)[tick.CELL_mN_q10_PER_RAW] == q10


@given(st.integers(-31_999, 32_000))  # one step further it is one less: the product stays within 31 bits
def test_a_step_of_the_cell_is_never_off_by_more_than_half_a_1024th(uN: int) -> None:
    assert abs(derived(cell_uN_per_raw=uN)[tick.CELL_mN_q10_PER_RAW] - uN * 1.024) <= 0.5


def test_rates_a_second_become_steps_of_a_tick() -> None:
    s = derived(raise_mN_per_s=123_999, fall_mN_per_s=456_000, slew_mN_per_s=7_890_123)
    assert (s[tick.RAISE_STEP_mN], s[tick.FALL_STEP_mN], s[tick.SLEW_STEP_mN]) == (123, 456, 7_890)


def test_the_fade_stops_the_sled_in_its_ticks() -> None:
    assert derived(bare_mass_g=30_000, fade_ticks=8)[tick.FADE_GAIN] == 3_750
    assert derived(bare_mass_g=20_005, fade_ticks=6)[tick.FADE_GAIN] == 3_334


@pytest.mark.parametrize(
    ("force_max", "full_scale", "most"),
    [(700_000, 800_000, 700_000), (900_000, 800_000, 800_000), (800_000, 800_000, 800_000)],
)
def test_the_brake_makes_the_lesser_of_greatest_force_and_full_scale(
    force_max: int, full_scale: int, most: int
) -> None:
    assert derived(force_max_mN=force_max, brake_full_scale_mN=full_scale)[tick.BRAKE_MOST_mN] == most


@pytest.mark.parametrize("full_scale", [400_000, 800_000, 1_000_000])
def test_full_scale_is_the_whole_duty(full_scale: int) -> None:
    per_16_mN = derived(brake_full_scale_mN=full_scale)[tick.DUTY_q21_PER_mN]
    assert per_16_mN == tick.DUTY_MAX * 2**17 // (full_scale // 16)


@pytest.mark.parametrize(
    ("high_mV", "fold_mV", "over_mV"),
    [
        (56_500, 55_600, 900),
        (56_500, 56_489, 11),
        (56_500, 56_490, 10),
        (56_500, 56_491, 10),
        (40_000, 60_000, 10),
    ],
)
def test_the_brake_fades_from_the_fold_of_the_bus_to_its_limit_or_over_10_mV(
    high_mV: int, fold_mV: int, over_mV: int
) -> None:
    s = derived(bus_high_mV=high_mV, bus_fold_mV=fold_mV)
    assert s[tick.BUS_FOLD_q20_PER_mV] == 2**20 // over_mV


def test_the_caps_gain_is_told_for_each_mm_per_s() -> None:
    assert derived(cap_gain_mN_s_per_m=1_234_567)[tick.CAP_mN_PER_mm_per_s] == 1_234
