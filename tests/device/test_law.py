"""The law's formula and the scale of each of its terms, against the same formula in SI units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import tick
from protocol.settings import SETTINGS
from tests.device.motion import DrivenTick

SPEEDS = st.floats(0.3, 5.0)
SIGNS = st.sampled_from((1, -1))


def law_N(driven: DrivenTick, velocity_m_per_s: float) -> float:
    """Mean of the law's force once estimates have settled."""
    driven.already_rolling(velocity_m_per_s)
    driven.roll(100, velocity_m_per_s)
    return driven.mean(tick.LAW_mN, 100, velocity_m_per_s) / 1000


@given(force_N=st.floats(0, 700), velocity=SPEEDS, sign=SIGNS)
def test_constant_force_is_the_same_at_every_speed(force_N: float, velocity: float, sign: int) -> None:
    driven = DrivenTick()
    driven.set_load(round(force_N * 1000))
    assert law_N(driven, sign * velocity) == pytest.approx(force_N, abs=0.001)


@given(viscous=st.floats(0, 150), velocity=SPEEDS, sign=SIGNS)
def test_viscous_term_is_b_times_speed(viscous: float, velocity: float, sign: int) -> None:
    driven = DrivenTick()
    driven.set_load(0, 0, round(viscous * 1000))
    assert law_N(driven, sign * velocity) == pytest.approx(viscous * velocity, rel=0.003, abs=0.1)


@given(quadratic=st.floats(0, 30), velocity=SPEEDS, sign=SIGNS)
def test_quadratic_term_is_c_times_speed_squared(quadratic: float, velocity: float, sign: int) -> None:
    driven = DrivenTick()
    driven.set_load(0, 0, 0, round(quadratic * 1000))
    assert law_N(driven, sign * velocity) == pytest.approx(quadratic * velocity**2, rel=0.006, abs=0.1)


@given(stiffness=st.floats(1, 200), distance_m=st.floats(0.2, 2.0), sign=SIGNS)
def test_band_grows_with_the_way_since_the_reversal(stiffness: float, distance_m: float, sign: int) -> None:
    driven = DrivenTick()
    driven.roll(200, -sign * 1.0)  # the other way first, so that there is a reversal to count from
    turn_m = driven.position_m
    driven.set_load(0, 0, 0, 0, round(stiffness * 1000))
    driven.roll(round(distance_m * 1000), sign * 1.0)
    way_m = abs(driven.position_m - turn_m)
    assert driven.s[tick.LAW_mN] / 1000 == pytest.approx(stiffness * way_m, rel=0.01, abs=0.3)


@given(mass_kg=st.floats(5, 300), acceleration=st.floats(0.3, 2.0), sign=SIGNS)
def test_inertia_term_is_m_times_acceleration(mass_kg: float, acceleration: float, sign: int) -> None:
    driven = DrivenTick()
    driven.set_load(0, round(mass_kg * 1000))
    driven.roll(500, 0, sign * acceleration)
    start = driven.position_m
    total = 0
    for n in range(1, 501):
        t = n / 1000
        driven.step(start + sign * (acceleration * 0.5 * t + acceleration * t * t / 2))
        total += driven.s[tick.LAW_mN]
    assert total / 500_000 == pytest.approx(mass_kg * acceleration, rel=0.02, abs=0.3)


@given(cap=st.floats(0.5, 2.0), over=st.floats(0.005, 0.4), sign=SIGNS)
def test_speed_cap_holds_back_only_above_the_cap(cap: float, over: float, sign: int) -> None:
    gain = 500.0  # N s/m
    knee = 0.064  # m/s: up to there the slope grows, from nothing
    above = gain * over**2 / (2 * knee) if over < knee else gain * (over - knee / 2)
    driven = DrivenTick(cap_gain_mN_s_per_m=round(gain * 1000))
    driven.set_load(20_000, 0, 0, 0, 0, round(cap * 1000))
    assert law_N(driven, sign * (cap - 0.05)) == pytest.approx(20.0, abs=0.001)
    assert law_N(driven, sign * (cap + over)) == pytest.approx(20 + above, rel=0.01, abs=0.5)


def test_law_never_asks_for_more_than_the_greatest_force() -> None:
    driven = DrivenTick(force_max_mN=300_000)
    driven.set_load(250_000, 0, 100_000)
    assert law_N(driven, 2.0) == 300.0


def test_pull_and_push_have_their_own_load() -> None:
    driven = DrivenTick()
    driven.s[tick.PULL] = 100_000
    driven.s[tick.PUSH] = 40_000
    assert law_N(driven, 1.0) == 100.0
    assert law_N(driven, -1.0) == 40.0


@given(velocity=st.floats(0.02, 10.0), sign=SIGNS)
def test_velocity_estimate_is_unbiased_from_crawl_to_sprint(velocity: float, sign: int) -> None:
    driven = DrivenTick(overspeed_mm_per_s=15_000)
    driven.already_rolling(sign * velocity)
    driven.roll(100, sign * velocity)
    estimate = driven.mean(tick.VELOCITY_mm_per_s_q10, 500, sign * velocity) / 1024
    assert estimate == pytest.approx(sign * velocity * 1000, rel=0.002, abs=1.0)


@given(metres=st.floats(-5, 5))
def test_position_follows_the_wheel_to_a_fifth_of_a_millimetre(metres: float) -> None:
    driven = DrivenTick()
    ticks = 1 + round(abs(metres) * 500)
    driven.roll(ticks, metres / ticks * 1000)
    assert driven.s[tick.POSITION_um] == pytest.approx(metres * 1e6, abs=200 + abs(metres))


@given(force_N=st.floats(-900, 900))
def test_tow_force_is_read_in_newtons_with_its_sign(force_N: float) -> None:
    driven = DrivenTick()
    driven.tow_force_N = force_N
    driven.step(0.0)
    assert driven.s[tick.TOW_mN] / 1000 == pytest.approx(force_N, abs=0.05)


@given(force_N=st.floats(40, 700), velocity=st.floats(0.8, 3.0), sign=SIGNS)
def test_brake_makes_the_law_less_the_sleds_own_friction(force_N: float, velocity: float, sign: int) -> None:
    driven = DrivenTick()
    driven.set_load(round(force_N * 1000), driven.s[tick.BARE_MASS_g])
    driven.already_rolling(sign * velocity)
    driven.roll(400, sign * velocity)
    rolling_N = 10.0 + 1.0 * velocity
    assert driven.mean(tick.BRAKE_mN, 200, sign * velocity) / 1000 == pytest.approx(
        force_N - rolling_N, rel=0.005, abs=0.3
    )


@given(force_N=st.floats(50, 700))
def test_driver_command_is_the_share_of_its_full_scale(force_N: float) -> None:
    driven = DrivenTick(rolling_mN=0, rolling_mN_s_per_m=0, trim_max_mN=0)
    driven.set_load(round(force_N * 1000), 30_000)
    driven.already_rolling(1.0)
    driven.roll(400, 1.0)
    assert driven.mean(tick.DUTY, 200, 1.0) / tick.DUTY_MAX * 800 == pytest.approx(force_N, abs=0.2)


@pytest.mark.parametrize("missing_N", [8.0, -8.0])
def test_trim_makes_up_for_a_misjudged_friction_and_stays_bounded(missing_N: float) -> None:
    driven = DrivenTick(trim_max_mN=5_000)
    driven.set_load(100_000, 30_000)
    driven.already_rolling(1.0)
    driven.roll(600, 1.0)
    driven.tow_force_N = 100.0 - missing_N
    driven.roll(4000, 1.0)
    assert driven.s[tick.TRIM_mN_q10] / 1024 == (5_000 if missing_N > 0 else -5_000)


def test_settings_words_stand_in_the_order_of_the_settings_table() -> None:
    words = {name.lower(): value for name, value in vars(tick).items() if isinstance(value, int)}
    for setting in SETTINGS:
        assert words[setting.name.lower()] == tick.SETTINGS_AT + setting.number, setting.name
    assert tick.SETTINGS_AT + len(SETTINGS) == tick.DROP_MASK
