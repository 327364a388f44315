"""A new load, and the envelope: what may change in a tick, for each permission and direction, to the mN."""

import pytest

from device.sled import tick
from tests.device.exact import NO_LIMIT, ExactTick

SIGNS = pytest.mark.parametrize("sign", [1, -1])
RAISE, FALL = 180, 400  # mN in a tick


def offsets(exact: ExactTick) -> tuple[int, int]:
    """Of the present direction, and of the other."""
    return exact[tick.OFFSET_mN + exact.side], exact[tick.OFFSET_mN + 1 - exact.side]


def resisting(sign: int, force_mN: int, other_mN: int = 0, **settings: int) -> ExactTick:
    """Has been doing so for long."""
    exact = ExactTick(sign, **settings)
    exact.load(force_mN)
    exact.load(other_mN, at=exact.other_at)
    exact[tick.LEVEL_mN] = force_mN
    exact.braking(force_mN)
    return exact


def send(exact: ExactTick, here: tuple[int, ...], there: tuple[int, ...]) -> set[str]:
    exact.send(*((here, there) if exact.sign > 0 else (there, here)))
    return exact.one()


@pytest.mark.parametrize("at", range(2 * tick.LOAD_WORDS))
def test_every_word_of_a_new_load_is_taken_and_is_a_change(at: int) -> None:
    exact = ExactTick()
    words = [50_000, 30_000, 1_000, 100, 1_000, 2_500, 40_000, 31_000, 2_000, 200, 2_000, 2_600]
    exact.load(*words[:6])
    exact.load(*words[6:], at=tick.PUSH)
    exact[tick.LEVEL_mN] = 70_000  # wherever it was: a change goes on from there
    words[at] -= 100
    exact.send(tuple(words[:6]), tuple(words[6:]))
    limits = exact.one()
    assert list(exact.s[tick.PULL : tick.PULL + 12]) == words
    assert list(exact.s[tick.NEXT_PULL : tick.NEXT_PULL + 12]) == words, "what was sent stays as it is"
    assert exact[tick.LOAD_PENDING] == 0
    assert "ramp" in limits and exact[tick.OFFSET_mN] == 70_000 - exact[tick.LAW_mN] - FALL


@SIGNS
@pytest.mark.parametrize("ceiling", [800_000, 20_000])
def test_the_same_load_sent_again_changes_nothing(sign: int, ceiling: int) -> None:
    exact = resisting(sign, 100_000, 60_000)
    exact[tick.CEILING_mN] = ceiling
    exact[tick.LEVEL_mN] = 80_000
    exact[tick.OFFSET_mN + exact.side], exact[tick.OFFSET_mN + 1 - exact.side] = 5_000, 7_000
    send(exact, (100_000,), (60_000,))
    assert offsets(exact) == (5_000 - FALL, 7_000 - FALL)


def test_a_load_that_was_not_sent_is_not_taken() -> None:
    exact = resisting(1, 100_000)
    exact.send((300_000,), (300_000,))
    exact[tick.LOAD_PENDING] = 0
    assert exact.one() == NO_LIMIT
    assert (exact[tick.PULL], exact[tick.PUSH], exact[tick.LEVEL_mN]) == (100_000, 0, 100_000)


@SIGNS
def test_a_heavier_load_begins_at_the_present_level_and_rises_by_the_raise_rate(sign: int) -> None:
    exact = resisting(sign, 100_000)
    assert send(exact, (100_500,), (0,)) == {"ramp"}
    for level, limits in [(100_360, {"ramp"}), (100_500, NO_LIMIT), (100_500, NO_LIMIT)]:
        assert exact.one() == limits
        assert exact[tick.LEVEL_mN] == level


@SIGNS
def test_a_heavier_load_arrives_exactly(sign: int) -> None:
    exact = resisting(sign, 100_000)
    send(exact, (100_360,), (0,))
    assert exact[tick.LEVEL_mN] == 100_180
    assert exact.one() == NO_LIMIT and exact[tick.LEVEL_mN] == 100_360


@SIGNS
def test_a_lighter_load_begins_at_the_present_level_and_falls_by_the_fall_rate(sign: int) -> None:
    exact = resisting(sign, 100_000)
    assert send(exact, (99_000,), (0,)) == {"ramp"}
    assert exact[tick.LEVEL_mN] == 99_600
    for level, limits in [(99_200, {"ramp"}), (99_000, NO_LIMIT), (99_000, NO_LIMIT)]:
        assert exact.one() == limits
        assert exact[tick.LEVEL_mN] == level


@SIGNS
@pytest.mark.parametrize(
    ("before", "after", "offset"),
    [(60_000, 90_000, -30_000 + RAISE), (90_000, 60_000, 30_000 - FALL), (60_000, 60_000, 0)],
)
def test_the_other_directions_load_changes_as_slowly_although_it_does_not_act(
    sign: int, before: int, after: int, offset: int
) -> None:
    exact = resisting(sign, 100_000, before)
    limits = send(exact, (101_000,), (after,))
    assert offsets(exact) == (-1_000 + RAISE, offset)
    assert limits == {"ramp"} and exact[tick.LEVEL_mN] == 100_180, "its own offset, not the other's"
    send(exact, (102_000,), (after + 5_000,))
    assert offsets(exact)[1] == (offset - 5_000 + RAISE if offset <= 0 else offset - 5_000 - FALL)


@SIGNS
def test_changes_of_the_other_directions_load_add_up(sign: int) -> None:
    exact = resisting(sign, 100_000, 60_000)
    send(exact, (100_000,), (90_000,))
    send(exact, (100_000,), (95_000,))
    assert offsets(exact)[1] == -35_000 + 2 * RAISE
    assert offsets(exact)[0] == 0, "the load here is the same"


@SIGNS
@pytest.mark.parametrize(
    ("ceiling", "offset"), [(20_000, -40_000), (59_000, -1_000), (60_000, 0), (90_000, 0)]
)
def test_after_arming_the_other_directions_load_too_comes_up_from_the_ceiling(
    sign: int, ceiling: int, offset: int
) -> None:
    exact = ExactTick(sign)
    exact[tick.CEILING_mN] = ceiling
    exact.load(60_000, at=exact.other_at)
    send(exact, (70_000,), (60_000,))
    assert offsets(exact)[1] == min(0, offset + RAISE)


@SIGNS
def test_a_level_stays_between_nothing_and_the_greatest_force_whatever_its_offset(sign: int) -> None:
    exact = resisting(sign, 100_000, force_max_mN=300_000)
    exact[tick.OFFSET_mN + exact.side] = 250_000
    exact.one()
    assert exact[tick.LEVEL_mN] == 300_000
    exact[tick.OFFSET_mN + exact.side] = 200_400
    exact.one()
    assert exact[tick.LEVEL_mN] == 300_000
    exact[tick.OFFSET_mN + exact.side] = 200_399
    exact.one()
    assert exact[tick.LEVEL_mN] == 299_999
    exact[tick.OFFSET_mN + exact.side] = -150_000
    exact.one()
    assert exact[tick.LEVEL_mN] == 0
    exact[tick.OFFSET_mN + exact.side] = -100_000 - RAISE + 1
    exact.one()
    assert exact[tick.LEVEL_mN] == 1


@SIGNS
@pytest.mark.parametrize(
    ("permit", "falling", "rising"),
    [
        (tick.PERMIT_RAISE, 10_000 - FALL, -10_000 + RAISE),
        (tick.PERMIT_RAMP, 10_000 - FALL, -10_000),
        (tick.PERMIT_DROP, 0, 0),
    ],
)
def test_an_offset_falls_in_a_ramp_too_but_nothing_rises_there(
    sign: int, permit: int, falling: int, rising: int
) -> None:
    for here in (0, 1):
        exact = resisting(sign, 100_000)
        exact[tick.PERMIT] = permit
        exact[tick.OFFSET_mN + here], exact[tick.OFFSET_mN + 1 - here] = 10_000, -10_000
        exact.one()
        found = (exact[tick.OFFSET_mN + here], exact[tick.OFFSET_mN + 1 - here])
        assert found == (falling, rising)


@pytest.mark.parametrize(
    ("offset", "after"),
    [(FALL, 0), (FALL + 1, 1), (1, 0), (-1, 0), (-RAISE, 0), (-RAISE + 1, 0), (-RAISE - 1, -1), (0, 0)],
)
@pytest.mark.parametrize("side", [0, 1])
def test_an_offset_ends_at_nothing(offset: int, after: int, side: int) -> None:
    exact = resisting(1, 100_000)
    exact[tick.OFFSET_mN + side] = offset
    limits = exact.one()
    assert exact[tick.OFFSET_mN + side] == after
    assert ("ramp" in limits) == (after != 0 and side == 0)
    assert exact[tick.LEVEL_mN] == 100_000 + (after if side == 0 else 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0, RAISE),
        (1_000, 1_180),
        (299_819, 299_999),
        (299_820, 300_000),
        (299_900, 300_000),
        (300_000, 300_000),
    ],
)
def test_after_arming_the_ceiling_rises_by_the_raise_rate_to_the_greatest_force(
    before: int, after: int
) -> None:
    exact = ExactTick(force_max_mN=300_000)
    exact.load(250_000)
    exact[tick.CEILING_mN] = before
    exact[tick.RAMP_TICKS], exact[tick.RAMP_DONE] = 17, 1
    limits = exact.one()
    assert exact[tick.CEILING_mN] == after
    assert exact[tick.LEVEL_mN] == min(after, 250_000)
    assert ("ramp" in limits) == (after < 250_000)
    assert (exact[tick.RAMP_TICKS], exact[tick.RAMP_DONE]) == (0, 0)


def test_a_level_at_the_ceiling_is_not_limited_by_it() -> None:
    exact = resisting(1, 50_000)
    exact[tick.CEILING_mN] = 50_000 - RAISE
    assert exact.one() == NO_LIMIT
    exact[tick.CEILING_mN] = 50_000 - RAISE - 1
    assert exact.one() == {"ramp"}


@pytest.mark.parametrize(("brake", "step"), [(100_000, 401), (400_000, 401), (401_000, 402), (700_000, 701)])
def test_a_ramp_takes_the_fall_rate_or_all_within_a_second(brake: int, step: int) -> None:
    exact = resisting(1, 750_000)
    exact.braking(brake)
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    for n in (1, 2, 3):
        assert "ramp" in exact.one()
        assert exact[tick.BRAKE_mN] == exact[tick.LEVEL_mN] == exact[tick.CEILING_mN] == brake - n * step
        assert exact[tick.RAMP_TICKS] == n


def test_a_ramp_counts_ticks_that_were_missed() -> None:
    exact = resisting(1, 200_000)
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact.one()
    exact.speed_mm_per_s = 2_000
    exact.moved_counts = 48
    exact.one(late_us=2_000)  # three periods
    assert (exact[tick.RAMP_TICKS], exact[tick.CEILING_mN]) == (4, 200_000 - 4 * 401)


@pytest.mark.parametrize(("brake", "after"), [(402, 1), (401, 0), (400, 0), (0, 0)])
def test_a_ramp_ends_at_nothing(brake: int, after: int) -> None:
    exact = resisting(1, 200_000)
    exact.braking(brake)
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact.one()
    assert exact[tick.CEILING_mN] == exact[tick.BRAKE_mN] == after
    assert (exact[tick.RAMP_DONE], exact[tick.ENABLE]) == ((1, 0) if after == 0 else (0, 1))


@pytest.mark.parametrize(("ticks", "ceiling"), [(998, 99_599), (999, 99_599), (1_000, 0), (1_500, 0)])
def test_a_ramp_ends_after_a_second_whatever_is_left(ticks: int, ceiling: int) -> None:
    exact = resisting(1, 200_000)
    exact.braking(100_000)
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact[tick.RAMP_TICKS], exact[tick.RAMP_STEP_mN] = ticks, 401
    exact.one()
    assert exact[tick.CEILING_mN] == ceiling
    assert exact[tick.RAMP_TICKS] == ticks + 1
    assert exact[tick.RAMP_STEP_mN] == 401, "set at its beginning alone"


@pytest.mark.parametrize(("ticks", "after"), [(1_999, 2_000), (2_000, 2_000)])
def test_a_ramp_long_over_is_not_counted_further(ticks: int, after: int) -> None:
    exact = ExactTick()
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact[tick.RAMP_TICKS] = ticks
    exact.one()
    assert exact[tick.RAMP_TICKS] == after


@SIGNS
def test_a_drop_takes_all_at_once_and_forgets_what_was_under_way(sign: int) -> None:
    exact = resisting(sign, 200_000)
    exact[tick.PERMIT] = tick.PERMIT_DROP
    exact[tick.OFFSET_mN], exact[tick.OFFSET_mN + 1] = 5_000, -5_000
    limits = exact.one()
    words = (tick.CEILING_mN, tick.LEVEL_mN, tick.BRAKE_mN, tick.ENABLE, tick.DUTY)
    assert [exact[word] for word in words] == [0] * 5
    assert "ramp" in limits
    assert (exact[tick.OFFSET_mN], exact[tick.OFFSET_mN + 1]) == (0, 0)


def test_dropped_the_load_is_nothing_and_less_than_the_sleds_own_friction() -> None:
    exact = resisting(1, 200_000, rolling_mN=10_000)
    exact.braking(0)
    exact[tick.PERMIT] = tick.PERMIT_DROP
    assert exact.one() == {"ramp", "own_friction"}


@SIGNS
def test_an_offset_of_the_other_direction_alone_goes_too_however_hot_the_motor(sign: int) -> None:
    exact = resisting(sign, 100_000)
    exact[tick.HOT_ALLOWED_q10] = 0
    exact[tick.OFFSET_mN + 1 - exact.side] = 10_000
    exact.one()
    assert offsets(exact) == (0, 10_000 - FALL)


@pytest.mark.parametrize("trim_q10", [500_000, -500_000])
def test_only_offsets_go_to_nothing_and_not_the_trim(trim_q10: int) -> None:
    exact = resisting(1, 100_000)
    exact[tick.OFFSET_mN] = 10_000
    exact[tick.TRIM_mN_q10], exact[tick.TRIM_mN_q10 + 1] = trim_q10, trim_q10
    exact.one()
    assert (exact[tick.TRIM_mN_q10], exact[tick.TRIM_mN_q10 + 1]) == (trim_q10, trim_q10)


@SIGNS
def test_while_a_new_load_comes_up_the_brake_makes_the_level_and_not_the_law(sign: int) -> None:
    exact = resisting(sign, 200_000)
    exact[tick.OFFSET_mN + exact.side] = -50_000
    exact.braking(150_000 + RAISE)
    assert exact.one() == {"ramp"}
    assert exact[tick.BRAKE_mN] == 150_000 + RAISE
