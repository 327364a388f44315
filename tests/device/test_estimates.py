"""The tracker: what counts correct, what forces predict, what is learned, and where it all ends.

Numbers are those of one tick of a sled with whole numbers (exact.py): a force in mN, changing the
speed for a tick, shows as the same number in ACCELERATION_q14 and RESIDUAL_q14.
"""

import pytest

from tests.device.whole_numbers import ZERO_RAW, COUNT_um, WholeTick

FORCE_mN = 32_000
MOST_ERROR_q10 = 3_584_000  # 3.5 mm
MOST_UNEXPLAINED_q17 = 2_621_440  # 20 m/s^2
SLOW_q10 = 100 << 10


def tracked(driven: WholeTick, *names: str) -> list[int]:
    return [driven.get(name) for name in names]


@pytest.mark.parametrize("sign", [1, -1])
def test_at_rest_an_eighth_of_the_error_corrects_the_way_and_a_128th_the_speed(sign: int) -> None:
    driven = WholeTick()
    error_q10 = sign * 944_064 + COUNT_um * 1024
    driven.move(1, TRACK_ERROR_um_q10=sign * (944_064 + SLOW_q10), VELOCITY_mm_per_s_q10=sign * SLOW_q10)
    assert driven.get("TRACK_ERROR_um_q10") == error_q10 * 7 // 8
    assert driven.get("VELOCITY_mm_per_s_q10") == sign * SLOW_q10 + error_q10 // 128


@pytest.mark.parametrize("window, is_moving", [(0, False), (2, False), (-2, False), (3, True), (-3, True)])
def test_forces_count_only_while_the_wheel_turns(window: int, is_moving: bool) -> None:
    driven = WholeTick()
    words = {"UNEXPLAINED_q17": 128_000, "RESIDUAL_q14": 8000, "ACCELERATION_q14": 0, "MOVING_TICKS": 5}
    driven.in_motion(FORCE_mN, WINDOW_COUNTS=window, **words)
    if is_moving:
        # 32 N and what 1 m/s each second needs without a known force.
        assert tracked(driven, *words) == [128_000, 8000 + (16_000 - 8000) // 8, 48_000 // 4, 6]
        assert driven.get("VELOCITY_mm_per_s_q10") == (2000 << 10) + 48_000 // 16
    else:
        assert tracked(driven, *words) == [0, 7000, 0, 0]
        assert driven.get("VELOCITY_mm_per_s_q10") == 2000 << 10


def test_at_rest_the_acceleration_is_what_the_counts_say() -> None:
    driven = WholeTick()
    driven.after(TRACK_ERROR_um_q10=128_000, ACCELERATION_q14=4000)
    assert driven.get("ACCELERATION_q14") == 4000 + (16_000 - 4000) // 4


@pytest.mark.parametrize("sign", [1, -1])
def test_in_motion_an_8192th_of_the_error_is_learned_as_a_force_of_its_own(sign: int) -> None:
    driven = WholeTick()
    velocity_q10 = sign * 2000 << 10
    error_q10 = sign * 65_536
    driven.in_motion(
        sign=sign, TRACK_ERROR_um_q10=velocity_q10 + error_q10, UNEXPLAINED_q17=sign * 12_800, RESIDUAL_q14=0
    )
    learned_q17 = sign * (12_800 + 1024)
    assert driven.get("UNEXPLAINED_q17") == learned_q17
    assert driven.get("TRACK_ERROR_um_q10") == error_q10 * 7 // 8
    assert driven.get("VELOCITY_mm_per_s_q10") == velocity_q10 + sign * 512 + learned_q17 // 128
    assert driven.get("RESIDUAL_q14") == (learned_q17 // 128 + sign * 512) * 16 // 8


@pytest.mark.parametrize(
    "velocity_q10, sign", [(1, 1), (2000 << 10, 1), (0, -1), (-1, -1), (-2000 << 10, -1)]
)
def test_brake_and_friction_act_against_the_motion_and_the_tow_force_as_it_is(
    velocity_q10: int, sign: int
) -> None:
    driven = WholeTick(rolling_mN=16_000, rolling_mN_s_per_m=8_000)
    driven.in_motion(
        VELOCITY_mm_per_s_q10=velocity_q10,
        TRACK_ERROR_um_q10=velocity_q10,
        CELL_RAW=ZERO_RAW + 20_000,
        SPEED_m_per_s_q10=2048,
        BRAKE_mN=64_001,
        BRAKE_FELT_mN=64_001,
    )
    force_mN = 320_000 - sign * (64_001 + 16_000 + 2 * 8_000)
    assert driven.get("VELOCITY_mm_per_s_q10") == velocity_q10 + force_mN // 16


def test_friction_that_grows_by_16_mN_for_a_metre_per_second_takes_16_mN_at_that_speed() -> None:
    driven = WholeTick(rolling_mN_s_per_m=16)
    driven.in_motion(160, SPEED_m_per_s_q10=1024)
    assert driven.get("VELOCITY_mm_per_s_q10") == (2000 << 10) + (160 - 16) // 16


@pytest.mark.parametrize("late_us, felt_mN", [(0, 4000), (500, 4000), (1499, 4000), (1500, 10_000)])
def test_the_brake_is_felt_a_quarter_more_each_tick_and_after_three_periods_wholly(
    late_us: int, felt_mN: int
) -> None:
    driven = WholeTick()
    driven.after(BRAKE_mN=10_000, BRAKE_FELT_mN=2000, LATE_us=late_us)
    assert driven.get("BRAKE_FELT_mN") == felt_mN


@pytest.mark.parametrize(
    "late_us, periods", [(0, 1), (500, 2), (1500, 3), (5500, 7), (6500, 8), (7500, 8), (90_000, 8)]
)
def test_a_late_tick_predicts_for_all_its_periods_but_at_most_eight(late_us: int, periods: int) -> None:
    driven = WholeTick()
    driven.in_motion(
        FORCE_mN,
        VELOCITY_mm_per_s_q10=SLOW_q10,
        TRACK_ERROR_um_q10=periods * SLOW_q10 + 12_800,
        LATE_us=late_us,
        MOVING_TICKS=30,
    )
    assert driven.get("TRACK_ERROR_um_q10") == 11_200
    assert driven.get("VELOCITY_mm_per_s_q10") == SLOW_q10 + 100 + periods * (FORCE_mN // 16 + 1)
    assert driven.get("MOVING_TICKS") == (31 if periods == 1 else 0), "forces of a late tick are not compared"


@pytest.mark.parametrize("before, now", [(0, 1), (38, 39), (39, 40), (40, 40)])
def test_ticks_in_motion_are_counted_to_40(before: int, now: int) -> None:
    driven = WholeTick()
    driven.in_motion(MOVING_TICKS=before)
    assert driven.get("MOVING_TICKS") == now


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("permit", [0, 2])
@pytest.mark.parametrize("counts, code", [(1, "ENCODER_JUMP"), (-1, "ENCODER_JUMP"), (0, "ENCODER_SILENT")])
@pytest.mark.parametrize("beyond_q10", [0, 1, 100_000])
def test_counts_3_5_mm_from_where_the_forces_had_the_sled_are_a_fault(
    sign: int, permit: int, counts: int, code: str, beyond_q10: int
) -> None:
    driven = WholeTick()
    error_q10 = sign * (MOST_ERROR_q10 + beyond_q10)
    latched = driven.move(counts, TRACK_ERROR_um_q10=error_q10 - counts * COUNT_um * 1024, PERMIT=permit)
    assert latched == ([code] if beyond_q10 and permit else [])
    assert driven.get("TRACK_ERROR_um_q10") == sign * MOST_ERROR_q10 * 7 // 8
    assert driven.get("VELOCITY_mm_per_s_q10") == sign * 28_000


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("beyond", [0, 1])
def test_only_beyond_that_error_are_the_estimates_bounded(sign: int, beyond: int) -> None:
    driven = WholeTick()
    velocity_q10 = sign * 31_000 << 10
    driven.in_motion(
        sign=sign,
        VELOCITY_mm_per_s_q10=velocity_q10,
        TRACK_ERROR_um_q10=velocity_q10 + sign * (MOST_ERROR_q10 + beyond),
        UNEXPLAINED_q17=sign * 3_000_000,
        PERMIT=0,
    )
    unexplained_q17 = sign * ((MOST_UNEXPLAINED_q17 if beyond else 3_000_000) + 56_000)
    speed_q10 = (30_000 if beyond else 31_000) << 10
    assert driven.get("UNEXPLAINED_q17") == unexplained_q17
    assert driven.get("VELOCITY_mm_per_s_q10") == sign * (speed_q10 + 28_000) + unexplained_q17 // 128


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "speed_q10, bounded_q10, unexplained_q17",
    [
        (100 << 10, 100 << 10, 1280),
        (30_719_999, 30_719_999, MOST_UNEXPLAINED_q17),
        (30_720_000, 30_720_000, 1280),
        (30_720_001, 30_720_000, 1280),
    ],
)
def test_estimates_within_20_m_per_s2_and_30_m_per_s_stay_as_they_are(
    sign: int, speed_q10: int, bounded_q10: int, unexplained_q17: int
) -> None:
    driven = WholeTick()
    driven.in_motion(
        sign=sign,
        VELOCITY_mm_per_s_q10=sign * speed_q10,
        TRACK_ERROR_um_q10=sign * (speed_q10 + MOST_ERROR_q10 + 1),
        UNEXPLAINED_q17=sign * unexplained_q17,
    )
    unexplained_q17 += 56_000
    assert driven.get("UNEXPLAINED_q17") == sign * unexplained_q17
    change_q10 = sign * unexplained_q17 // 128
    assert driven.get("VELOCITY_mm_per_s_q10") == sign * (bounded_q10 + 28_000) + change_q10


@pytest.mark.parametrize(
    "velocity_q10, latched, heading",
    [
        (9_216_511, [], 1),
        (9_216_512, ["OVERSPEED"], 1),
        (-9_216_512, [], -1),
        (-9_216_513, ["OVERSPEED"], -1),
        (0, [], 1),
        (-512, [], 1),
        (-513, [], -1),
    ],
)
def test_speed_is_rounded_to_mm_per_s_and_more_than_9_m_per_s_is_a_fault(
    velocity_q10: int, latched: list[str], heading: int
) -> None:
    driven = WholeTick()
    words = {"VELOCITY_mm_per_s_q10": velocity_q10, "TRACK_ERROR_um_q10": velocity_q10, "ZERO_TICKS": 0}
    assert driven.after(**words) == latched
    assert driven.get("HEADING") == heading


@pytest.mark.parametrize(
    "sign, before_q14, law_mN",
    [
        (1, 699_050, 524_287 >> 3),
        (1, 699_051, 524_287 >> 3),
        (1, 800_000, 524_287 >> 3),
        (-1, -699_050, 65_536),
        (-1, -800_000, 65_536),
        (1, 80_000, 7_500),
        (-1, -80_000, 7_500),
        (-1, -80_009, 7_500),
        (1, -80_000, 0),
    ],
)
def test_the_law_feels_at_most_32_m_per_s2_and_along_the_motion(
    sign: int, before_q14: int, law_mN: int
) -> None:
    driven = WholeTick()
    driven.set_load(0, 2048)
    driven.in_motion(sign=sign, ACCELERATION_q14=before_q14)
    assert driven.get("LAW_mN") == law_mN


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "before_q14, inertia_mN",
    [(800, 600), (8_000, 6_000), (-80_000, -60_000), (-699_052, -524_288), (-800_000, -524_288)],
)
def test_the_brake_leaves_to_inertia_and_friction_what_they_make(
    sign: int, before_q14: int, inertia_mN: int
) -> None:
    driven = WholeTick(rolling_mN=16_000, rolling_mN_s_per_m=8_000)
    driven.set_load(100_000)
    driven.in_motion(
        16_000 + 16_000,
        sign=sign,
        VELOCITY_mm_per_s_q10=sign * 5120 << 10,
        TRACK_ERROR_um_q10=sign * 5120 << 10,
        WINDOW_COUNTS=sign * 320,
        ACCELERATION_q14=sign * before_q14,
        SPEED_m_per_s_q10=2048,
        SLEW_STEP_mN=1_000_000,
    )
    assert driven.get("BRAKE_mN") == 100_000 - inertia_mN - 32_000


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    "travel_um, peak_um, step, travel_after_um, peak_after_um, turns",
    [
        (1000, 1000, 1, 1128, 1128, False),
        (1000, 1050, 1, 1128, 1128, False),
        (1000, 2000, 1, 1128, 2000, False),
        (1000, 1000, -1, 872, 1000, False),
        (5128, 20_000, -1, 5000, 20_000, False),
        (5127, 20_000, -1, 15_001, 15_001, True),
        (199_999_872, 199_999_872, 1, 200_000_000, 200_000_000, False),
        (199_999_900, 199_999_900, 1, 200_000_000, 200_000_000, False),
        (199_999_900, 200_000_100, 1, 200_000_000, 200_000_072, False),
    ],
)
def test_way_counts_from_the_reversal_and_more_than_15_mm_back_is_one(
    direction: int,
    travel_um: int,
    peak_um: int,
    step: int,
    travel_after_um: int,
    peak_after_um: int,
    turns: bool,
) -> None:
    driven = WholeTick()
    driven.move(
        direction * step, DIRECTION=direction, TRAVEL_um=travel_um, TRAVEL_PEAK_um=peak_um, INJECTED_64nJ=77
    )
    assert tracked(driven, "TRAVEL_um", "TRAVEL_PEAK_um") == [travel_after_um, peak_after_um]
    assert driven.get("DIRECTION") == (-direction if turns else direction)
    assert driven.get("INJECTED_64nJ") == (0 if turns else 77)
