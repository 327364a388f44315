"""Encoder and load cell against each other and against the command: each just below and at its limit.

`residual` is the force that nothing explains, along the motion; `peak` the greatest brake of the last ticks.
"""

import pytest

from protocol.codes import fault_names
from tests.device.whole_numbers import ZERO_RAW, WholeTick

BOTH_WAYS = pytest.mark.parametrize("sign", [1, -1])


def watched(sign: int, residual_mN: int, inertia_mN: int = 0, peak_mN: int = 0, **words: int) -> WholeTick:
    """A tick under suspicion, in steady acceleration, with no brake now."""
    driven = WholeTick(
        **{name: words.pop(name) for name in list(words) if name.islower() or name[0].islower()}
    )
    driven.in_motion(
        inertia_mN - residual_mN,
        residual_mN,
        sign,
        **{
            "ACCELERATION_q14": sign * inertia_mN,
            "BRAKE_PEAK_mN": peak_mN,
            "SUSPECT_TICKS": 5,
        }
        | words,
    )
    return driven


def driving(
    sign: int = 1,
    beyond_mN: int = 20_016,
    along_mN: int = 0,
    felt_mN: int = 40_000,
    peak_mN: int = 40_000,
    **words: int,
) -> WholeTick:
    """As `watched`: what drives the sled on is `beyond_mN` more than brake and friction could have given."""
    rolling_mN = 16_000
    driven = WholeTick(rolling_mN=rolling_mN)
    driven.in_motion(
        along_mN,
        beyond_mN + peak_mN + rolling_mN,
        sign,
        **{"BRAKE_mN": felt_mN, "BRAKE_FELT_mN": felt_mN, "BRAKE_PEAK_mN": peak_mN, "SUSPECT_TICKS": 5}
        | words,
    )
    return driven


def latched(driven: WholeTick) -> list[str]:
    return fault_names(driven.get("FAULTS"))


@pytest.mark.parametrize("before, now", [(0, 1), (998, 999), (999, 1000), (1000, 1000)])
def test_ticks_without_a_count_are_counted_to_1000_and_a_count_ends_them(before: int, now: int) -> None:
    driven = WholeTick()
    driven.after(ZERO_TICKS=before)
    assert driven.get("ZERO_TICKS") == now
    driven.move(1, STILL_TICKS=9, SILENT_TICKS=9)
    assert [driven.get(name) for name in ("ZERO_TICKS", "STILL_TICKS", "SILENT_TICKS")] == [0, 0, 0]


@BOTH_WAYS
@pytest.mark.parametrize(
    "speed, before, now",
    [(0, 7, 8), (9, 7, 8), (10, 7, 0), (0, 0x0FFF_FFFE, 0x0FFF_FFFF), (0, 0x0FFF_FFFF, 0x0FFF_FFFF)],
)
def test_a_sled_below_1_cm_per_s_stands_still(sign: int, speed: int, before: int, now: int) -> None:
    driven = WholeTick()
    velocity_q10 = sign * speed << 10
    driven.after(VELOCITY_mm_per_s_q10=velocity_q10, TRACK_ERROR_um_q10=velocity_q10, STILL_TICKS=before)
    assert driven.get("STILL_TICKS") == now


@BOTH_WAYS
@pytest.mark.parametrize(
    "zeros, speed, permit, is_silent",
    [
        (4, 500, 2, False),
        (4, 501, 2, True),
        (4, 501, 1, True),
        (4, 501, 0, False),
        (3, 3000, 2, False),
        (100, 20, 2, False),
        (100, 21, 2, True),
    ],
)
def test_four_ticks_and_2_mm_without_a_count_are_a_silent_encoder(
    sign: int, zeros: int, speed: int, permit: int, is_silent: bool
) -> None:
    driven = WholeTick()
    velocity_q10 = sign * speed << 10
    words = {"VELOCITY_mm_per_s_q10": velocity_q10, "TRACK_ERROR_um_q10": velocity_q10}
    assert driven.after(ZERO_TICKS=zeros - 1, PERMIT=permit, **words) == (
        ["ENCODER_SILENT"] if is_silent else []
    )


@BOTH_WAYS
@pytest.mark.parametrize(
    "force_mN, permit, before, now",
    [
        (200_000, 2, 7, 0),
        (200_016, 2, 7, 8),
        (200_016, 0, 7, 0),
        (200_016, 2, 498, 499),
        (200_016, 2, 499, 500),
        (200_016, 2, 500, 500),
    ],
)
def test_half_a_second_of_more_than_200_N_without_a_count_is_a_silent_encoder(
    sign: int, force_mN: int, permit: int, before: int, now: int
) -> None:
    driven = WholeTick()
    raw = ZERO_RAW + sign * force_mN // 16
    found = driven.after(CELL_RAW=raw, LAST_RAW=0, SILENT_TICKS=before, PERMIT=permit)
    assert driven.get("SILENT_TICKS") == now
    assert found == (["ENCODER_SILENT"] if now == 500 else [])


@pytest.mark.parametrize(
    "before_q14, residual_q14, is_suspect",
    [
        (9362, 8191, False),
        (9363, 8192, True),
        (-9362, -8192, False),
        (-9363, -8193, True),
        (-90_000, -78_750, True),
    ],
)
def test_half_a_metre_per_s2_that_nothing_explains_is_looked_at_for_700_ticks(
    before_q14: int, residual_q14: int, is_suspect: bool
) -> None:
    driven = WholeTick()
    driven.after(RESIDUAL_q14=before_q14)
    assert driven.get("RESIDUAL_q14") == residual_q14
    assert driven.get("SUSPECT_TICKS") == (699 if is_suspect else 0)


def test_the_residual_is_judged_along_the_motion() -> None:
    driven = WholeTick()
    driven.in_motion(sign=-1, residual_mN=-8192)
    assert driven.get("SUSPECT_TICKS") == 0, "8192 against the motion"
    driven.in_motion(sign=-1, RESIDUAL_q14=-9361)
    assert driven.get("SUSPECT_TICKS") == 0, "8191 along the motion"
    driven.in_motion(sign=-1, residual_mN=8192)
    assert driven.get("SUSPECT_TICKS") == 699


@pytest.mark.parametrize("before, is_suspect", [(10, False), (11, True), (12, False)])
def test_a_reading_that_stands_for_12_ticks_is_looked_at(before: int, is_suspect: bool) -> None:
    driven = WholeTick()
    driven.after(CELL_RAW=33_000, LAST_RAW=33_000, FROZEN_TICKS=before)
    assert driven.get("SUSPECT_TICKS") == (699 if is_suspect else 0)


COUNTERS = ("DISAGREE_TICKS", "MORE_TICKS", "DRIVEN_TICKS", "DROPOUTS")


@pytest.mark.parametrize("suspect, before, now", [(5, 9, 8), (5, 1, 0), (5, 0, 0), (1, 9, 8), (0, 9, 9)])
def test_under_suspicion_and_only_then_every_tick_forgets_one(suspect: int, before: int, now: int) -> None:
    driven = WholeTick()
    driven.after(SUSPECT_TICKS=suspect, **dict.fromkeys(COUNTERS, before))
    assert driven.get("SUSPECT_TICKS") == max(0, suspect - 1)
    assert [driven.get(name) for name in COUNTERS] == [now] * 4


@BOTH_WAYS
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    "inertia_mN, peak_mN, most_mN",
    [
        (0, 0, 60_000),
        (8_000, 8_000, 64_000),
        (-8_000, 8_000, 64_000),
        (-8_000, 8_063, 64_000),
        (0, 64_000, 76_000),
        (64_000, 0, 76_000),
    ],
)
def test_60_N_and_a_quarter_of_inertia_and_brake_may_stay_unexplained(
    sign: int, side: int, inertia_mN: int, peak_mN: int, most_mN: int
) -> None:
    assert watched(sign, side * most_mN, inertia_mN, peak_mN).get("DISAGREE_TICKS") == 0
    assert watched(sign, side * (most_mN + 16), inertia_mN, peak_mN).get("DISAGREE_TICKS") == 2


@BOTH_WAYS
@pytest.mark.parametrize("side", [1, -1])
def test_what_stays_unexplained_counts_as_20_m_per_s2_at_most(sign: int, side: int) -> None:
    driven = watched(sign, side * 400_000, disagree_mN=327_680)
    assert driven.get("DISAGREE_TICKS") == 0
    assert driven.get("MORE_TICKS") == (2 if side < 0 else 0)
    assert watched(sign, side * 400_000, disagree_mN=327_679).get("DISAGREE_TICKS") == 2


@pytest.mark.parametrize("before, now", [(5, 6), (58, 59), (59, 60), (60, 60)])
def test_cell_disagrees_when_60_ticks_more_did_than_half_as_many_did_not(before: int, now: int) -> None:
    driven = watched(1, 80_000, DISAGREE_TICKS=before)
    assert driven.get("DISAGREE_TICKS") == now
    assert latched(driven) == (["CELL_DISAGREES"] if now == 60 else [])


@BOTH_WAYS
@pytest.mark.parametrize(
    "inertia_mN, peak_mN, most_mN",
    [(0, 0, 120_000), (0, 63, 120_000), (8_000, 8_000, 124_000), (-8_000, 8_000, 124_000)],
)
def test_120_N_more_resistance_than_commanded_counts_towards_a_stuck_force(
    sign: int, inertia_mN: int, peak_mN: int, most_mN: int
) -> None:
    assert watched(sign, -most_mN, inertia_mN, peak_mN).get("MORE_TICKS") == 0
    assert watched(sign, -most_mN - 16, inertia_mN, peak_mN).get("MORE_TICKS") == 2
    assert watched(sign, most_mN + 16, inertia_mN, peak_mN).get("MORE_TICKS") == 0


@pytest.mark.parametrize("before, now", [(5, 6), (28, 29), (29, 30), (30, 30)])
def test_force_is_stuck_after_30_such_ticks(before: int, now: int) -> None:
    driven = watched(1, -160_000, MORE_TICKS=before)
    assert driven.get("MORE_TICKS") == now
    assert latched(driven) == (["FORCE_STUCK"] if now == 30 else [])


NOT_JUDGED = {
    "brake off": {"PERMIT": 0},
    "not long in motion": {"MOVING_TICKS": 38},
    "cell at its end": {"CELL_RAW": 65_500},
    "cell standing still": {"CELL_RAW": 33_000, "LAST_RAW": 33_000, "FROZEN_TICKS": 12},
    "encoder silent": {"FAULTS": 1 << 4},
    "encoder jumped": {"FAULTS": 1 << 5},
    "cell railed": {"FAULTS": 1 << 6},
    "cell frozen": {"FAULTS": 1 << 7},
}
JUDGED = {
    "in a ramp down": {"PERMIT": 1},
    "40 ticks in motion": {"MOVING_TICKS": 39},
    "cell still for 12 ticks": {"CELL_RAW": 33_000, "LAST_RAW": 33_000, "FROZEN_TICKS": 11},
    "another fault": {"FAULTS": 1 << 8 | 0xF},
}


@pytest.mark.parametrize("words", NOT_JUDGED.values(), ids=NOT_JUDGED)
def test_forces_are_not_compared_where_a_sensor_says_nothing(words: dict[str, int]) -> None:
    driven = watched(1, -160_000, **words, **dict.fromkeys(COUNTERS, 9), CELL_STEP_mN=90_000)
    assert [driven.get(name) for name in COUNTERS] == [8] * 4


@pytest.mark.parametrize("words", JUDGED.values(), ids=JUDGED)
def test_forces_are_compared_from_the_first_moment_they_can_be(words: dict[str, int]) -> None:
    driven = watched(1, -160_000, **words)
    assert (driven.get("DISAGREE_TICKS"), driven.get("MORE_TICKS"), driven.get("DRIVEN_TICKS")) == (2, 2, 0)


@BOTH_WAYS
@pytest.mark.parametrize(
    "words, counted",
    [
        ({}, 2),
        ({"beyond_mN": 20_000}, 0),
        ({"felt_mN": 20_000}, 0),
        ({"felt_mN": 20_001}, 2),
        ({"peak_mN": 160_000, "beyond_mN": 40_000}, 0),
        ({"peak_mN": 160_000, "beyond_mN": 40_016}, 2),
        ({"along_mN": -20_000}, 0),
        ({"along_mN": -19_984}, 2),
        ({"beyond_mN": 50_000, "along_mN": 60_000}, 2),
        ({"beyond_mN": 50_016, "along_mN": 60_000}, 8),
        ({"beyond_mN": 60_000, "along_mN": 40_000}, 2),
        ({"beyond_mN": 60_000, "along_mN": 40_016}, 8),
        ({"beyond_mN": 50_001, "along_mN": 60_000, "peak_mN": 40_015}, 8),
        ({"beyond_mN": 60_001, "along_mN": 40_000, "peak_mN": 40_015}, 8),
    ],
    ids=str,
)
def test_a_brake_that_drives_counts_by_how_sure_and_how_hard_it_is(
    sign: int, words: dict[str, int], counted: int
) -> None:
    assert driving(sign, **words).get("DRIVEN_TICKS") == counted


def test_a_millinewton_less_than_20_N_of_pushing_back_does_not_hide_it() -> None:
    for force_mN, counted in ((-20_000, 0), (-19_999, 2)):
        driven = driving(CELL_mN_q10_PER_RAW=1024, CELL_RAW=ZERO_RAW + force_mN)
        assert driven.get("DRIVEN_TICKS") == counted


@pytest.mark.parametrize(
    "before, along_mN, now",
    [(118, 0, 119), (119, 0, 120), (120, 0, 120), (112, 60_000, 119), (113, 60_000, 120)],
)
def test_it_is_a_fault_after_120_such_ticks(before: int, along_mN: int, now: int) -> None:
    driven = driving(1, 60_000, along_mN, DRIVEN_TICKS=before)
    assert driven.get("DRIVEN_TICKS") == now
    assert latched(driven) == (["PASSIVITY"] if now == 120 else [])


@pytest.mark.parametrize(
    "step_mN, frozen_before, counted",
    [
        (40_000, 11, 0),
        (40_001, 11, 400),
        (-40_000, 11, 0),
        (-40_001, 11, 400),
        (40_001, 10, 0),
        (40_001, 12, 0),
    ],
)
def test_a_leap_that_stands_for_12_ticks_is_a_dropout(step_mN: int, frozen_before: int, counted: int) -> None:
    driven = WholeTick()
    driven.in_motion(LAST_RAW=ZERO_RAW, FROZEN_TICKS=frozen_before, CELL_STEP_mN=step_mN, SUSPECT_TICKS=5)
    assert driven.get("DROPOUTS") == counted


@pytest.mark.parametrize("before, now", [(300, 699), (301, 700), (700, 700)])
def test_the_third_dropout_within_a_second_is_a_fault(before: int, now: int) -> None:
    driven = WholeTick()
    driven.in_motion(LAST_RAW=ZERO_RAW, FROZEN_TICKS=11, CELL_STEP_mN=90_000, DROPOUTS=before)
    assert driven.get("DROPOUTS") == now
    assert latched(driven) == (["CELL_FROZEN"] if now == 700 else [])
