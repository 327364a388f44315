"""Bus and temperature: when a reading is a fault, how long it must last, how a hot motor folds back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import guard, layout
from protocol.codes import fault_names

FOLD_cC, TOO_HOT_cC = 8_500, 10_000
NEVER = [-1] * len(guard.LASTING)


def shows(bus_mV: int = 48_000, temperature_cC: int = 2_500, fold_bus_q10: int = 1024) -> list[str]:
    return fault_names(guard.slow_faults(bus_mV, 40_000, 56_500, fold_bus_q10, temperature_cC, TOO_HOT_cC))


def test_readings_within_their_limits_are_no_fault() -> None:
    assert shows() == []


@pytest.mark.parametrize(("fold_q10", "faults"), [(512, []), (511, ["BUS_HIGH"]), (0, ["BUS_HIGH"])])
def test_a_bus_that_takes_more_than_half_of_the_brake_is_too_high(fold_q10: int, faults: list[str]) -> None:
    assert shows(fold_bus_q10=fold_q10) == faults
    assert shows(bus_mV=39_999, fold_bus_q10=fold_q10) == [*faults, "BUS_LOW"]


@pytest.mark.parametrize(
    ("temperature_cC", "faults"),
    [(-3_000, []), (-3_001, ["TEMPERATURE_SENSOR"]), (-5_000, ["TEMPERATURE_SENSOR"]), (10_000, [])],
)
def test_colder_than_any_weather_is_a_sensor_that_is_not_there(
    temperature_cC: int, faults: list[str]
) -> None:
    assert shows(temperature_cC=temperature_cC) == faults


# How long.

LASTS_ticks = {
    layout.FAULT_BUS_HIGH: 3,
    layout.FAULT_BUS_LOW: 20,
    layout.FAULT_TOO_HOT: 100,
    layout.FAULT_TEMPERATURE_SENSOR: 100,
    layout.FAULT_BUS_SENSOR: 2_000,
}
EACH = pytest.mark.parametrize(("number", "ticks"), LASTS_ticks.items())


def test_each_slow_fault_has_a_time_to_last() -> None:
    assert dict(guard.LASTING) == LASTS_ticks and len(guard.LASTING) == len(LASTS_ticks)


@EACH
@pytest.mark.parametrize("first", [0, 1, 5_000])
def test_a_fault_counts_once_it_has_shown_so_long_without_a_break(
    number: int, ticks: int, first: int
) -> None:
    since = list(NEVER)
    bit = 1 << number
    assert guard.lasting(bit, first, since) == 0
    assert sorted(since) == sorted([*NEVER[1:], first])
    assert guard.lasting(bit, first + ticks - 1, since) == 0
    assert guard.lasting(bit, first + ticks, since) == bit
    assert guard.lasting(bit, first + 10 * ticks, since) == bit


@EACH
def test_a_break_begins_the_time_anew(number: int, ticks: int) -> None:
    since = list(NEVER)
    bit = 1 << number
    guard.lasting(bit, 10, since)
    assert guard.lasting(0, 10 + ticks, since) == 0
    assert since == NEVER
    assert guard.lasting(bit, 11 + ticks, since) == 0
    assert guard.lasting(bit, 10 + 2 * ticks, since) == 0
    assert guard.lasting(bit, 11 + 2 * ticks, since) == bit


def test_each_fault_lasts_for_itself() -> None:
    since = list(NEVER)
    low, hot = 1 << layout.FAULT_BUS_LOW, 1 << layout.FAULT_TOO_HOT
    guard.lasting(low | hot, 0, since)
    assert guard.lasting(low | hot, 20, since) == low
    assert guard.lasting(hot, 99, since) == 0
    assert guard.lasting(low | hot, 100, since) == hot
    assert guard.lasting(low | hot, 120, since) == low | hot


def test_a_fault_that_is_not_in_the_table_is_not_passed_on() -> None:
    since = list(NEVER)
    for now in (0, 100_000):
        assert guard.lasting(1 << layout.FAULT_ESTOP, now, since) == 0


# The motor's temperature.


def allowed(temperature_cC: int, before_q10: int = 1024) -> int:
    return guard.hot_fold_q10(temperature_cC, FOLD_cC, TOO_HOT_cC, before_q10)


@pytest.mark.parametrize(
    ("temperature_cC", "part_q10"),
    [
        (2_500, 1024),
        (8_500, 1024),
        (8_501, 1023),
        (8_875, 768),
        (9_250, 512),
        (9_999, 0),
        (9_998, 1),
        (10_000, 0),
        (10_001, 0),
        (14_000, 0),
    ],
)
def test_the_brake_is_allowed_less_from_the_fold_on_and_nothing_too_hot(
    temperature_cC: int, part_q10: int
) -> None:
    assert allowed(temperature_cC) == part_q10


@pytest.mark.parametrize(
    ("before_q10", "after_q10"),
    [(495, 495), (496, 512), (497, 497), (511, 511), (512, 512), (513, 512), (0, 512), (1024, 512)],
)
def test_noise_of_the_reading_does_not_raise_what_is_allowed(before_q10: int, after_q10: int) -> None:
    expected = 512 if before_q10 <= 496 else after_q10
    assert allowed(9_250, before_q10) == expected


def test_a_cool_motor_is_allowed_all_however_little_is_missing() -> None:
    for before in (1_009, 1_020, 1_023):
        assert allowed(8_500, before) == 1024
    assert allowed(8_501, 1_020) == 1_020


@pytest.mark.parametrize("fold_cC", [10_000, 10_001, 15_000])
def test_a_fold_at_or_over_the_limit_is_no_fold(fold_cC: int) -> None:
    assert guard.hot_fold_q10(9_999, fold_cC, TOO_HOT_cC, 1024) == 1024
    assert guard.hot_fold_q10(10_000, fold_cC, TOO_HOT_cC, 1024) == 0


@given(
    temperature_cC=st.integers(-5_000, 20_000),
    fold_cC=st.integers(3_000, 15_000),
    too_hot_cC=st.integers(3_000, 15_000),
    before_q10=st.integers(0, 1024),
)
def test_what_is_allowed_is_a_part_of_the_brake(
    temperature_cC: int, fold_cC: int, too_hot_cC: int, before_q10: int
) -> None:
    part = guard.hot_fold_q10(temperature_cC, fold_cC, too_hot_cC, before_q10)
    assert 0 <= part <= 1024
    assert part == 0 or temperature_cC < too_hot_cC
