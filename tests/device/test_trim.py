"""The trim: what the load cell says is missing, how fast it is learned, when, how much, and its end."""

import pytest

from device.sled import layout, tick
from tests.device.exact import NO_LIMIT, ExactTick

SIGNS = pytest.mark.parametrize("sign", [1, -1])
MOST_mN = 30_000
MOST_q10 = MOST_mN * 1024


def steady(sign: int = 1, force_mN: int = 100_000, felt_mN: int = 100_000, trim_mN: float = 0.0) -> ExactTick:
    """Resists with the trim as it is; the load cell feels something else, perhaps."""
    exact = ExactTick(sign)
    exact.load(force_mN)
    exact.tow_mN = felt_mN
    exact[tick.TRIM_mN_q10 + exact.side] = round(trim_mN * 1024)
    exact.braking(force_mN + round(trim_mN))
    return exact


def trim_q10(exact: ExactTick) -> int:
    assert exact[tick.TRIM_mN_q10 + 1 - exact.side] == 0, "the other direction has its own"
    return exact[tick.TRIM_mN_q10 + exact.side]


@SIGNS
@pytest.mark.parametrize(
    ("felt_mN", "learned"),
    [
        (100_000, 0),
        (99_000, 1_000),
        (101_000, -1_000),
        (80_000, 20_000),
        (79_500, 20_000),
        (40_000, 20_000),
        (120_000, -20_000),
        (120_500, -20_000),
        (160_000, -20_000),
        (-50_000, 20_000),
    ],
)
def test_a_1024th_of_what_is_missing_is_learned_in_a_tick_of_20_N_at_most(
    sign: int, felt_mN: int, learned: int
) -> None:
    exact = steady(sign, felt_mN=felt_mN)
    assert exact.one() == NO_LIMIT
    assert trim_q10(exact) == learned
    assert exact[tick.TRIM_END_TICKS] == 0
    exact.one()
    assert trim_q10(exact) == 2 * learned


@pytest.mark.parametrize(("speed", "learns"), [(150, False), (151, True), (152, True)])
def test_it_learns_above_150_mm_per_s_only(speed: int, learns: bool) -> None:
    exact = steady(1, 10_000, 5_000)
    exact.speed_mm_per_s = speed
    assert exact.one() == NO_LIMIT
    assert (trim_q10(exact) == 5_000) == learns


@pytest.mark.parametrize(("force", "learned"), [(0, 0), (1, -4_999), (2, -4_998)])
def test_it_learns_under_a_load_only(force: int, learned: int) -> None:
    exact = steady(1, force, 5_000)
    assert exact.one() == NO_LIMIT
    assert trim_q10(exact) == learned


def test_it_learns_only_while_the_load_may_be_raised() -> None:
    for permit in (tick.PERMIT_DROP, tick.PERMIT_RAMP):
        exact = steady(felt_mN=90_000)
        exact[tick.PERMIT] = permit
        exact[tick.FAULTS] = 0
        exact.one()
        assert trim_q10(exact) == 0


def test_a_ramp_that_reaches_the_load_exactly_still_learns_nothing() -> None:
    exact = steady(1, 100_000, 90_000)
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact.braking(150_000)
    exact.one()
    assert trim_q10(exact) == 0


@pytest.mark.parametrize("limit", ["ramp", "speed_cap", "bus", "temperature", "own_friction"])
def test_under_a_limit_it_learns_nothing(limit: str) -> None:
    exact = steady(felt_mN=90_000)
    if limit == "ramp":
        exact[tick.OFFSET_mN] = -5_000
    if limit == "speed_cap":
        exact.load(100_000, 0, 0, 0, 0, 1_990)
    if limit == "bus":
        exact[tick.FOLD_BUS_q10] = 1_000
    if limit == "temperature":
        exact[tick.HOT_ALLOWED_q10] = 1_000
    if limit == "own_friction":
        exact[tick.ROLLING_mN] = 110_000
    assert limit in exact.one()
    assert trim_q10(exact) == 0


def test_while_the_slew_limits_it_learns() -> None:
    exact = steady(felt_mN=90_000)
    exact.braking(80_000)
    assert exact.one() == {"slew"}
    assert trim_q10(exact) == 10_000


@SIGNS
@pytest.mark.parametrize(
    ("before_q10", "felt_mN", "after_q10"),
    [
        (MOST_q10 - 10_000, 90_000, MOST_q10),
        (MOST_q10 - 9_000, 90_000, MOST_q10),
        (MOST_q10, 90_000, MOST_q10),
        (MOST_q10, 110_000, MOST_q10 - 10_000),
        (10_000 - MOST_q10, 110_000, -MOST_q10),
        (9_000 - MOST_q10, 110_000, -MOST_q10),
        (-MOST_q10, 110_000, -MOST_q10),
        (-MOST_q10, 90_000, 10_000 - MOST_q10),
    ],
)
def test_it_stays_within_its_greatest_either_way(
    sign: int, before_q10: int, felt_mN: int, after_q10: int
) -> None:
    exact = steady(sign, felt_mN=felt_mN, trim_mN=before_q10 / 1024)
    exact.one()
    assert trim_q10(exact) == after_q10


# At its end for long: cell or brake are not what the settings say.


def at_the_end(sign: int, force_mN: int, missing_mN: int, way: int, counted: int = 100) -> ExactTick:
    """Trim at its greatest (`way` 1) or least (-1), and still so much missing that way."""
    exact = steady(sign, force_mN, force_mN - way * missing_mN, way * MOST_mN)
    exact[tick.TRIM_END_TICKS] = counted
    return exact


@SIGNS
@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize(
    ("force_mN", "missing_mN", "counted"),
    [
        # 5 N for loads up to 140 N ...
        (100_000, 5_000, 99),
        (100_000, 5_125, 101),
        (140_000, 5_000, 99),
        (140_000, 5_125, 101),
        # ... beyond, a quarter of the load less the trim.
        (200_000, 20_000, 99),
        (200_000, 20_125, 101),
        (199_500, 19_875, 99),
        (199_500, 20_000, 101),
        (100_000, 60_000, 101),
    ],
)
def test_what_the_trim_cannot_make_up_is_counted_and_otherwise_forgotten(
    sign: int, way: int, force_mN: int, missing_mN: int, counted: int
) -> None:
    exact = at_the_end(sign, force_mN, missing_mN, way)
    assert exact.one() == NO_LIMIT
    assert exact[tick.TRIM_END_TICKS] == counted
    assert trim_q10(exact) == way * MOST_q10


@pytest.mark.parametrize("way", [1, -1])
def test_a_trim_that_just_reaches_its_end_is_not_counted(way: int) -> None:
    exact = steady(1, 100_000, 100_000 - way * 10_000, way * (MOST_q10 - 10_000) / 1024)
    exact.one()
    assert (trim_q10(exact), exact[tick.TRIM_END_TICKS]) == (way * MOST_q10, 0)


def test_the_count_does_not_go_below_nothing() -> None:
    for counted, after in [(2, 1), (1, 0), (0, 0)]:
        exact = at_the_end(1, 100_000, 2_000, 1, counted)
        exact.one()
        assert exact[tick.TRIM_END_TICKS] == after


def test_while_the_slew_limits_it_is_not_counted() -> None:
    exact = at_the_end(1, 100_000, 10_000, 1)
    exact.braking(100_000)
    assert exact.one() == {"slew"}
    assert exact[tick.TRIM_END_TICKS] == 99


def test_within_its_bounds_the_count_stays() -> None:
    exact = steady(felt_mN=90_000)
    exact[tick.TRIM_END_TICKS] = 100
    exact.one()
    assert exact[tick.TRIM_END_TICKS] == 100


@pytest.mark.parametrize(
    ("before", "after", "faults"),
    [
        (1_997, 1_998, []),
        (1_998, 1_999, []),
        (1_999, 2_000, ["CELL_DISAGREES"]),
        (2_000, 2_000, ["CELL_DISAGREES"]),
    ],
)
def test_two_seconds_at_its_end_are_a_fault(before: int, after: int, faults: list[str]) -> None:
    exact = at_the_end(1, 100_000, 10_000, 1, before)
    exact.one()
    assert exact[tick.TRIM_END_TICKS] == after
    assert exact.faults == faults


def test_the_fault_of_the_trim_adds_to_those_that_are_there() -> None:
    exact = at_the_end(1, 100_000, 10_000, 1, 1_999)
    exact[tick.FAULTS] = 1 << layout.FAULT_OVERSPEED
    exact[tick.RAMP_MASK] = exact[tick.DROP_MASK] = 0
    exact.one()
    assert exact.faults == ["CELL_DISAGREES", "OVERSPEED"]


def test_a_trim_of_nothing_allowed_is_none() -> None:
    exact = steady(felt_mN=110_000)
    exact[tick.TRIM_MAX_mN] = 0
    exact.one()
    assert trim_q10(exact) == 0
