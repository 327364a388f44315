"""What the brake has to make, and what takes from it: fold-back of bus and motor, slew, the last check."""

import pytest

from device.sled import tick
from tests.device.exact import NO_LIMIT, ExactTick
from tests.runtimes.checked import CheckedWords

SIGNS = pytest.mark.parametrize("sign", [1, -1])
SLEW = 5_000  # mN in a tick


def resisting(sign: int = 1, force_mN: int = 200_000, **settings: int) -> ExactTick:
    """Has been doing so for long."""
    exact = ExactTick(sign, **settings)
    exact.load(force_mN)
    exact.braking(force_mN)
    return exact


def test_a_steady_load_is_the_brakes_alone() -> None:
    exact = resisting()
    assert exact.one() == NO_LIMIT
    assert exact[tick.BRAKE_mN] == exact[tick.LEVEL_mN] == 200_000


@SIGNS
def test_the_brake_makes_what_friction_inertia_and_trim_do_not(sign: int) -> None:
    exact = resisting(sign, 200_000, rolling_mN=10_000, rolling_mN_s_per_m=2_000)
    exact.acceleration_q14 = 12_000
    exact[tick.TRIM_mN_q10 + exact.side] = 3_000 * 1024
    exact[tick.TRIM_mN_q10 + 1 - exact.side] = -9_000 * 1024
    exact[tick.TRIM_MAX_mN] = 30_000
    made = 200_000 - 10_000 - 4_000 - 30_000 * 12_000 / 16_384 + 3_000
    exact.braking(round(made))
    exact.one()
    assert exact[tick.BRAKE_mN] == pytest.approx(made, abs=60)
    exact.acceleration_q14 = -12_000
    made += 2 * 30_000 * 12_000 / 16_384
    exact.braking(round(made))
    exact.one()
    assert exact[tick.BRAKE_mN] == pytest.approx(made, abs=60)


@SIGNS
def test_in_a_ramp_the_ceiling_stands_over_the_law_without_the_offset_of_a_new_load(sign: int) -> None:
    exact = resisting(sign, 200_000)
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact[tick.OFFSET_mN + exact.side] = -50_000
    exact.one()
    assert exact[tick.LEVEL_mN] == 150_000
    assert exact[tick.BRAKE_mN] == 200_000 - 401


@pytest.mark.parametrize(
    ("load", "brake", "limits"),
    [(10_001, 1, NO_LIMIT), (10_000, 0, NO_LIMIT), (9_999, 0, {"own_friction"}), (0, 0, {"own_friction"})],
)
def test_a_brake_cannot_make_the_sled_lighter_than_its_friction(
    load: int, brake: int, limits: set[str]
) -> None:
    exact = resisting(1, load, rolling_mN=10_000)
    exact.braking(brake)
    assert exact.one() == limits
    assert exact[tick.BRAKE_mN] == brake


def test_a_brake_that_friction_spares_is_nothing_and_does_not_fall_further() -> None:
    exact = resisting(1, 0, rolling_mN=100_000)
    assert exact.one() == {"own_friction"}
    assert exact[tick.BRAKE_mN] == 0


# Bus: from bus_fold_mV (55.6 V) down to nothing at bus_high_mV (56.5 V).


@pytest.mark.parametrize(
    ("bus_mV", "part_q10"),
    [
        (55_600, 1024),
        (55_601, 1023),
        (55_825, 769),
        (56_050, 513),
        (56_275, 257),
        (56_500, 1),
        (56_501, 0),
        (65_600, 0),
        (70_000, 0),
    ],
)
def test_a_full_bus_weakens_the_brake_at_once(bus_mV: int, part_q10: int) -> None:
    exact = resisting()
    exact[tick.BUS_mV] = bus_mV
    limits = exact.one()
    assert exact[tick.FOLD_BUS_q10] == part_q10
    assert exact[tick.BRAKE_mN] == pytest.approx(200_000 * part_q10 / 1024, abs=16)
    assert limits == ({"bus"} if part_q10 < 1024 else NO_LIMIT)


def test_after_a_full_bus_the_brake_comes_back_a_1024th_in_a_tick() -> None:
    exact = resisting()
    exact.tow_mN = 200_000
    exact[tick.FOLD_BUS_q10] = 1021
    for part, limits in [(1022, {"bus"}), (1023, {"bus"}), (1024, NO_LIMIT), (1024, NO_LIMIT)]:
        assert exact.one() == limits
        assert exact[tick.FOLD_BUS_q10] == part
        assert exact[tick.BRAKE_mN] == pytest.approx(200_000 * part / 1024, abs=16)


@pytest.mark.parametrize(("before", "after"), [(500, 501), (510, 511), (512, 513), (513, 513), (600, 513)])
def test_while_the_bus_is_full_the_lesser_part_counts(before: int, after: int) -> None:
    exact = resisting()
    exact.braking(100_000)
    exact[tick.BUS_mV] = 56_050
    exact[tick.FOLD_BUS_q10] = before
    exact.one()
    assert exact[tick.FOLD_BUS_q10] == after


@pytest.mark.parametrize("over_mV", [10_000, 10_001, 18_500, 23_500])
def test_a_fold_of_10_mV_at_a_bus_far_too_high_stays_within_31_bits(over_mV: int) -> None:
    exact = resisting(1, 200_000, bus_fold_mV=56_500)
    exact.one()
    words = CheckedWords(tick.STATE_WORDS)
    for at, word in enumerate(exact.s[: tick.STATE_WORDS]):
        words[at] = word
    words[tick.BUS_mV] = 56_500 + over_mV
    tick.tick(words, exact.ring)
    assert (words[tick.FOLD_BUS_q10], words[tick.BRAKE_mN]) == (0, 0)


# Motor: the main loop says how much is allowed.


@pytest.mark.parametrize(
    ("fold", "allowed", "after"),
    [
        (1024, 1024, 1024),
        (1024, 1023, 1023),
        (1024, 1022, 1022),
        (1024, 500, 1022),
        (502, 500, 500),
        (501, 500, 500),
        (500, 500, 500),
        (499, 500, 500),
        (498, 500, 499),
        (400, 500, 401),
        (1, 0, 0),
        (1023, 1024, 1024),
        (1022, 1024, 1023),
    ],
)
def test_a_hot_motor_weakens_the_brake_slowly_and_gives_it_back_half_as_fast(
    fold: int, allowed: int, after: int
) -> None:
    exact = resisting()
    exact.braking(200_000 * after // 1024)
    exact[tick.FOLD_HOT_q10], exact[tick.HOT_ALLOWED_q10] = fold, allowed
    limits = exact.one()
    assert exact[tick.FOLD_HOT_q10] == after
    assert exact[tick.BRAKE_mN] == pytest.approx(200_000 * after / 1024, abs=16)
    assert limits == ({"temperature"} if fold < 1024 or allowed < 1024 else NO_LIMIT)


# Ceiling and slew.


@SIGNS
def test_the_brake_stays_under_the_ceiling(sign: int) -> None:
    exact = resisting(sign, 200_000)
    exact.acceleration_q14 = -30_000  # the brake would have to make 55 N more
    exact[tick.CEILING_mN] = 220_000 - 180
    assert exact.one() == {"slew"}, "the level is under it"
    assert exact[tick.BRAKE_mN] == 205_000
    exact.braking(219_000)
    assert exact.one() == NO_LIMIT
    assert exact[tick.BRAKE_mN] == exact[tick.CEILING_mN] == 220_180


@pytest.mark.parametrize(
    ("last", "brake", "limits"),
    [
        (200_000 - SLEW, 200_000, NO_LIMIT),
        (200_000 - SLEW - 1, 199_999, {"slew"}),
        (100_000, 105_000, {"slew"}),
        (200_000 + 4 * SLEW, 200_000, NO_LIMIT),
        (200_000 + 4 * SLEW + 1, 200_001, {"slew"}),
        (300_000, 280_000, {"slew"}),
    ],
)
def test_the_brake_rises_by_5_N_in_a_tick_and_falls_by_20(last: int, brake: int, limits: set[str]) -> None:
    exact = resisting()
    exact.braking(last)
    assert exact.one() == limits
    assert exact[tick.BRAKE_mN] == brake


def test_a_fall_for_the_bus_is_not_slowed() -> None:
    exact = resisting()
    exact[tick.BUS_mV] = 56_500
    assert exact.one() == {"bus"}
    assert exact[tick.BRAKE_mN] == 12_500 // 64
    exact = resisting(1, 100_000)
    exact.braking(200_000)
    exact[tick.FOLD_BUS_q10] = 1022
    assert exact.one() == {"bus"}
    assert exact[tick.BRAKE_mN] < 100_000


def test_a_slowed_fall_does_not_leave_the_brake_over_the_ceiling() -> None:
    exact = resisting(1, 200_000)
    exact.braking(300_000)
    exact[tick.CEILING_mN] = 250_000
    assert exact.one() == {"slew"}
    assert exact[tick.BRAKE_mN] == 250_180


# The last check.


@pytest.mark.parametrize("full_scale", [400_000, 600_000])
def test_no_command_is_more_than_the_driver_can_make(full_scale: int) -> None:
    exact = resisting(1, full_scale, brake_full_scale_mN=full_scale)
    assert exact.one() == NO_LIMIT
    exact.load(full_scale + 1)
    assert exact.one() == {"force_max"}
    assert exact[tick.BRAKE_mN] == full_scale


@SIGNS
def test_no_command_is_more_than_the_greatest_force_whatever_friction_would_spare(sign: int) -> None:
    exact = resisting(sign, 300_000, force_max_mN=300_000)
    exact[tick.TRIM_mN_q10 + exact.side] = 1_024
    assert exact.one() == NO_LIMIT, "the ceiling is there already"
    assert exact[tick.BRAKE_mN] == 300_000


@pytest.mark.parametrize(
    ("brake", "full_scale"), [(0, 800_000), (100_000, 800_000), (400_000, 400_000), (123_456, 650_000)]
)
def test_duty_is_the_share_of_the_full_scale(brake: int, full_scale: int) -> None:
    exact = resisting(1, brake, brake_full_scale_mN=full_scale)
    exact.one()
    assert exact[tick.BRAKE_mN] == brake
    assert exact[tick.DUTY] == round(tick.DUTY_MAX * (brake // 16 * 16) / full_scale)


@pytest.mark.parametrize(
    ("peak", "brake", "after"),
    [
        (320_000, 200_000, 310_000),
        (206_452, 200_000, 200_001),
        (206_451, 200_000, 200_000),
        (0, 200_000, 200_000),
    ],
)
def test_the_peak_is_the_greatest_command_forgotten_by_a_32nd_in_a_tick(
    peak: int, brake: int, after: int
) -> None:
    exact = resisting(1, brake)
    exact[tick.BRAKE_PEAK_mN] = peak
    exact.one()
    assert exact[tick.BRAKE_PEAK_mN] == after


def test_the_driver_is_on_while_a_load_may_be_there() -> None:
    exact = resisting()
    exact.one()
    assert exact[tick.ENABLE] == 1
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact.one()
    assert (exact[tick.ENABLE], exact[tick.RAMP_DONE]) == (1, 0)
    exact[tick.PERMIT] = tick.PERMIT_DROP
    exact.one()
    assert (exact[tick.ENABLE], exact[tick.RAMP_DONE], exact[tick.BRAKE_mN]) == (0, 0, 0)
    exact[tick.PERMIT] = tick.PERMIT_RAISE
    exact[tick.FORCE_MAX_mN] = 0
    exact.one()
    assert (exact[tick.CEILING_mN], exact[tick.ENABLE]) == (0, 1), "raising from nothing is not a ramp's end"
