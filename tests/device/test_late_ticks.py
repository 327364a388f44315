"""A tick that comes late counts for the periods it missed; late again and again is a fault."""

import pytest

from device.sled import tick
from tests.device.whole_numbers import WholeTick


@pytest.mark.parametrize(
    "late_us, periods",
    [(0, 1), (499, 1), (500, 2), (999, 2), (1499, 2), (1500, 3), (2499, 3), (5499, 6), (5500, 7)],
)
def test_a_late_tick_stands_for_as_many_periods_as_it_missed(late_us: int, periods: int) -> None:
    driven = WholeTick()
    driven.after(LATE_us=late_us, LEASED=1, LEASE_LEFT_ticks=50)
    assert driven.get("MAIN_LEFT_ticks") == 100 - periods
    assert driven.get("LEASE_LEFT_ticks") == 50 - periods


@pytest.mark.parametrize("late_us, total_us", [(0, 950), (200, 950), (201, 1201), (700, 1700)])
def test_lateness_of_more_than_a_fifth_of_a_period_adds_up_and_each_punctual_tick_forgets_50_us(
    late_us: int, total_us: int
) -> None:
    driven = WholeTick()
    assert driven.after(LATE_us=late_us, LATE_us_SUM=1000) == []
    assert driven.get("LATE_us_SUM") == total_us


def test_what_is_forgotten_does_not_become_a_credit() -> None:
    driven = WholeTick()
    driven.after(LATE_us_SUM=1)
    assert driven.get("LATE_us_SUM") <= 0
    for _ in range(3):
        driven.after()
    assert driven.get("LATE_us_SUM") == -49
    driven.after(LATE_us_SUM=0)
    assert driven.get("LATE_us_SUM") == 0


@pytest.mark.parametrize(
    "before_us, latched", [(5500, []), (5501, ["TICK_OVERRUN"]), (6000, ["TICK_OVERRUN"])]
)
def test_more_than_6_ms_in_all_is_a_fault(before_us: int, latched: list[str]) -> None:
    driven = WholeTick()
    assert driven.after(LATE_us=500, LATE_us_SUM=before_us) == latched
    assert driven.get("LATE_us_SUM") == 6000


def test_with_the_brake_off_lateness_is_neither_counted_nor_forgotten() -> None:
    driven = WholeTick()
    assert driven.after(LATE_us=5000, LATE_us_SUM=5900, PERMIT=0) == []
    assert driven.get("LATE_us_SUM") == 5900
    assert driven.get("MAIN_LEFT_ticks") == 100 - 6


COUNTERS = ("LATE_us_SUM", "DROPOUTS", "TRIM_END_TICKS", "DISAGREE_TICKS", "MORE_TICKS", "DRIVEN_TICKS")


def test_clearing_forgets_faults_and_what_was_counted_towards_them_and_looks_again() -> None:
    driven = WholeTick()
    driven.put(**dict.fromkeys(COUNTERS, 20), FAULTS=0xFF)
    assert driven.after(FAULTS_CLEAR=1, SWITCHES=2) == ["DRIVER"]
    assert [driven.get(name) for name in (*COUNTERS, "FAULTS_CLEAR")] == [0] * 7


def test_without_clearing_faults_and_counters_stay() -> None:
    driven = WholeTick()
    driven.put(**dict.fromkeys(COUNTERS, 20), FAULTS=1 << 4)
    assert driven.after() == ["ENCODER_SILENT"]
    assert [driven.get(name) for name in COUNTERS[1:]] == [20] * 5


def test_words_of_the_state_block_follow_each_other_without_gap_or_overlap() -> None:
    names = list(vars(tick))
    names = names[names.index("COUNTS") : names.index("STATE_WORDS") + 1]
    wide = {
        "OFFSET_mN": 2,
        "TRIM_mN_q10": 2,
        "WINDOW": 8,
        "PULL": 6,
        "PUSH": 6,
        "NEXT_PULL": 6,
        "NEXT_PUSH": 6,
    }
    at = 0
    for name in names:
        if name == "LOAD_WORDS":
            assert getattr(tick, name) == 6
            continue
        assert getattr(tick, name) == at, name
        at += 0 if name in ("DERIVED_AT", "SETTINGS_AT") else wide.get(name, 1)
