"""Counts become way: what is believed, how it adds up, where it wraps."""

import pytest

from tests.device.whole_numbers import COUNT_um, WholeTick

WRAP = 2**29


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "counts, late_us, believed",
    [
        (150, 0, True),
        (151, 0, False),
        (151, 499, False),
        (151, 500, True),
        (500, 500, True),
        (501, 500, False),
    ],
)
def test_more_counts_than_a_wheel_turns_in_a_tick_are_a_fault_and_not_believed(
    sign: int, counts: int, late_us: int, believed: bool
) -> None:
    driven = WholeTick()
    driven.put(PATH_COUNTS=7)
    assert driven.move(sign * counts, LATE_us=late_us, PERMIT=0) == ([] if believed else ["ENCODER_JUMP"])
    moved = counts if believed else 0
    assert driven.get("PATH_COUNTS") == 7 + moved
    assert driven.get("POSITION_um") == sign * moved * COUNT_um
    assert driven.get("WINDOW_COUNTS") == sign * moved
    assert driven.move(0, LATE_us=0) == ([] if believed else ["ENCODER_JUMP"])
    assert driven.get("PATH_COUNTS") == 7 + moved, "the next tick goes on from where the wheel is now"


@pytest.mark.parametrize("late_us", [0, 500])
@pytest.mark.parametrize("before, now, moved", [(WRAP - 10, -WRAP + 10, 20), (-WRAP + 10, WRAP - 10, -20)])
def test_the_count_goes_on_over_its_wrap(before: int, now: int, moved: int, late_us: int) -> None:
    driven = WholeTick()
    assert driven.after(LAST_COUNTS=before, COUNTS=now, LATE_us=late_us, PERMIT=0) == []
    assert driven.get("POSITION_um") == moved * COUNT_um


@pytest.mark.parametrize(
    "before, now", [(0, WRAP - 1), (0, -WRAP), (-10, WRAP - 10), (10, -WRAP + 10), (9, -WRAP)]
)
def test_half_the_range_is_a_jump_and_no_wrap(before: int, now: int) -> None:
    driven = WholeTick()
    assert driven.after(LAST_COUNTS=before, COUNTS=now, PERMIT=0) == ["ENCODER_JUMP"]
    assert driven.get("POSITION_um") == 0


def test_before_the_first_tick_nothing_is_known_of_the_wheel() -> None:
    driven = WholeTick()
    assert driven.move(5000, SAMPLE_INDEX=0) == []
    assert (driven.get("POSITION_um"), driven.get("LAST_COUNTS")) == (0, 5000)


@pytest.mark.parametrize("counts, position_um, rest_q10", [(1, 127, 541), (-1, -126, 435), (0, 0, 1000)])
def test_parts_of_a_micrometre_are_kept_for_the_next_tick(
    counts: int, position_um: int, rest_q10: int
) -> None:
    driven = WholeTick(um_per_1024_counts=129_589)
    driven.move(counts, POSITION_um_q10=1000)
    assert (driven.get("POSITION_um"), driven.get("POSITION_um_q10")) == (position_um, rest_q10)


@pytest.mark.parametrize(
    "before_um, counts, after_um",
    [
        (WRAP - 129, 1, WRAP - 1),
        (WRAP - 128, 1, -WRAP),
        (WRAP - 1, 1, -WRAP + 127),
        (-WRAP + 128, -1, -WRAP),
        (-WRAP + 127, -1, WRAP - 1),
        (-WRAP, -1, WRAP - 128),
    ],
)
def test_the_position_wraps_at_half_a_kilometre(before_um: int, counts: int, after_um: int) -> None:
    driven = WholeTick()
    driven.move(counts, POSITION_um=before_um)
    assert driven.get("POSITION_um") == after_um


@pytest.mark.parametrize(
    "before, counts, path",
    [(5, 3, 8), (5, -3, 8), (5, 0, 5), (WRAP - 1, 1, 0), (WRAP - 2, -3, 1), (WRAP - 2, 1, WRAP - 1)],
)
def test_the_path_counts_both_ways_and_begins_anew_after_68_km(before: int, counts: int, path: int) -> None:
    driven = WholeTick()
    driven.move(counts, PATH_COUNTS=before)
    assert driven.get("PATH_COUNTS") == path


def test_the_window_holds_the_counts_of_the_last_8_ticks() -> None:
    driven = WholeTick()
    moves = [1, -2, 3, 5, -8, 13, 7, -6, 4, 11, -9, 2, 10, 0, -3, 12, 6, 1]
    for n, counts in enumerate(moves, 1):
        driven.move(counts)
        assert driven.get("WINDOW_COUNTS") == sum(moves[max(0, n - 8) : n])
        assert driven.get("WINDOW_AT") == (n + 1) % 8


def test_a_speed_seen_in_counts_is_certain_only_to_a_count_over_the_window() -> None:
    driven = WholeTick(fade_ticks=8)
    driven.set_load(600_000)
    driven.after(
        VELOCITY_mm_per_s_q10=150 << 10,
        TRACK_ERROR_um_q10=150 << 10,
        WINDOW_COUNTS=10,
        BRAKE_mN=0,
        SLEW_STEP_mN=1_000_000,
        CEILING_mN=800_000,
    )
    speed = (driven.get("VELOCITY_mm_per_s_q10") + 512) >> 10
    # 1 mm/s for what friction may take in the window, 16 mm/s for a count of it.
    assert driven.get("BRAKE_mN") == (speed - 1 - 16) * (16_384 // 8)
