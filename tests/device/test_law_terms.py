"""The law term by term, in one tick with given estimates: each to a thousandth, with its bounds."""

import pytest

from device.sled import tick
from tests.device.exact import NO_LIMIT, ExactTick

SIGNS = pytest.mark.parametrize("sign", [1, -1])


def law_mN(exact: ExactTick) -> int:
    exact.one()
    return exact[tick.LAW_mN]


@SIGNS
def test_each_direction_has_a_load_of_its_own(sign: int) -> None:
    exact = ExactTick(sign)
    exact.load(123_456, at=exact.load_at)
    exact.load(7, at=exact.other_at)
    assert law_mN(exact) == 123_456


@SIGNS
@pytest.mark.parametrize(("mass_g", "q14"), [(32_000, 30_000), (45_000, 15_000), (64_000, -8_190)])
def test_inertia_is_mass_times_acceleration(sign: int, mass_g: int, q14: int) -> None:
    exact = ExactTick(sign)
    exact.load(300_000, mass_g)
    exact.acceleration_q14 = q14
    assert law_mN(exact) == pytest.approx(300_000 + mass_g * q14 / 16_384, abs=40)


def test_speed_in_metres_is_exact_to_a_1024th_and_never_more() -> None:
    exact = ExactTick(1, overspeed_mm_per_s=15_000)
    exact.speed_before_mm_per_s = 3_333
    for speed in [0, 1, 1_000, *range(5_000, 10_001, 7), 10_000]:
        exact.speed_mm_per_s = speed
        exact.one()
        assert 0 <= speed * 1.024 - exact[tick.SPEED_m_per_s_q10] < 1.135


def test_the_law_is_that_of_10_m_per_s_beyond_it() -> None:
    faster = [ExactTick(1, speed, overspeed_mm_per_s=15_000) for speed in (10_000, 10_001, 12_000)]
    for exact in faster:
        exact.load(0, 0, 16_000)
    assert [law_mN(exact) for exact in faster] == [16_000 * 10_239 // 1024] * 3


@SIGNS
@pytest.mark.parametrize(("b", "speed"), [(160_000, 1_000), (100_000, 4_000), (40_000, 9_000), (32, 9_000)])
def test_viscous_force_is_b_times_speed(sign: int, b: int, speed: int) -> None:
    exact = ExactTick(sign, speed)
    exact.load(0, 0, b)
    assert law_mN(exact) == pytest.approx(b * speed / 1000, rel=0.001, abs=1)


@SIGNS
@pytest.mark.parametrize(("c", "speed"), [(20_000, 2_000), (5_000, 8_000), (1_000, 500), (1, 9_000)])
def test_quadratic_force_is_c_times_speed_squared_and_adds_to_b(sign: int, c: int, speed: int) -> None:
    for b in (16_000, 0):
        exact = ExactTick(sign, speed)
        exact.load(0, 0, b, c)
        expected = b * speed / 1000 + c * (speed / 1000) ** 2
        assert law_mN(exact) == pytest.approx(expected, rel=0.002, abs=150)


@pytest.mark.parametrize(
    ("b", "c", "slope"),
    [
        (900_000, 200_000, 900_000 + 200_000 * 511 // 1024),  # just within
        (999_968, 62, 999_968 + 30),
        (900_000, 400_000, 1_000_000),
        (999_984, 40_000, 1_000_000),
    ],
)
def test_the_slope_of_b_and_c_stays_within_1000_N_s_per_m(b: int, c: int, slope: int) -> None:
    exact = ExactTick(1, 500, force_max_mN=1_000_000)
    exact.load(0, 0, b, c)
    assert law_mN(exact) == slope // 16 * 511 // 64


@SIGNS
@pytest.mark.parametrize(
    ("k", "travel_um"), [(100_000, 2_000_000), (12_300, 10_000_000), (500_000, 1_234_000)]
)
def test_a_band_is_k_times_the_way(sign: int, k: int, travel_um: int) -> None:
    exact = ExactTick(sign, 2_000)
    exact.load(50_000, 0, 0, 0, k)
    exact[tick.TRAVEL_um] = exact[tick.TRAVEL_PEAK_um] = travel_um - 2_000
    assert law_mN(exact) == 50_000 + k // 100 * (travel_um // 1000) // 10


def test_a_band_begins_with_one_step_of_its_stiffness() -> None:
    exact = ExactTick()
    exact.load(0, 0, 0, 0, 1)
    exact[tick.TRAVEL_um] = exact[tick.TRAVEL_PEAK_um] = 100_000_000
    assert law_mN(exact) == 0, "100 mN/m is the finest"
    exact.load(0, 0, 0, 0, 100)
    assert law_mN(exact) == pytest.approx(10_000, abs=1)


@SIGNS
@pytest.mark.parametrize(
    ("over_mm_per_s", "above_mN"),
    [
        (0, 0),
        (1, 0),  # a parabola: 8 * 8 / 1024 of an eighth
        (16, 16 * 16 * 8 // 128 * 1000 // 8),
        (32, 8 * 1000),
        (63, (504 * 504 // 1024) * 1000 // 8),
        (64, 32 * 1000),
        (65, 33 * 1000),
        (100, 68 * 1000),
        (500, 468 * 1000),
        (9_000, 8_968 * 1000),
    ],
)
def test_over_its_cap_the_speed_costs_the_gain_after_a_knee_of_64_mm_per_s(
    sign: int, over_mm_per_s: int, above_mN: int
) -> None:
    exact = ExactTick(sign, 700 + over_mm_per_s, overspeed_mm_per_s=15_000)
    exact.s[tick.FORCE_MAX_mN] = exact.s[tick.CEILING_mN] = 20_000_000
    exact[tick.CAP_mN_PER_mm_per_s] = 1000
    exact.load(20_000, 0, 0, 0, 0, 700)
    limits = exact.one()
    assert exact[tick.LAW_mN] == 20_000 + above_mN
    assert ("speed_cap" in limits) == (over_mm_per_s > 0)


def test_over_its_cap_by_more_than_10_m_per_s_costs_no_more() -> None:
    found = []
    for over in (9_999, 10_000, 10_001, 12_000):
        exact = ExactTick(1, 1_000 + over, overspeed_mm_per_s=15_000)
        exact.s[tick.FORCE_MAX_mN] = exact.s[tick.CEILING_mN] = 20_000_000
        exact[tick.CAP_mN_PER_mm_per_s] = 1000
        exact.load(0, 0, 0, 0, 0, 1_000)
        found.append(law_mN(exact))
    assert found == [9_967_000, 9_968_000, 9_968_000, 9_968_000]


@pytest.mark.parametrize("cap", [0, 1])
def test_a_cap_of_nothing_is_no_cap(cap: int) -> None:
    exact = ExactTick(1, 2_000)
    exact.load(20_000, 0, 0, 0, 0, cap)
    assert ("speed_cap" in exact.one()) == (cap > 0)
    assert (exact[tick.LAW_mN] > 20_000) == (cap > 0)


@pytest.mark.parametrize(
    ("force", "law", "limits"),
    [(300_000, 300_000, NO_LIMIT), (300_001, 300_000, {"force_max"}), (299_999, 299_999, NO_LIMIT)],
)
def test_the_law_ends_at_the_greatest_force(force: int, law: int, limits: set[str]) -> None:
    exact = ExactTick(force_max_mN=300_000)
    exact.braking(300_000)
    exact.load(force)
    assert exact.one() == limits
    assert exact[tick.LAW_mN] == law


def test_a_law_below_nothing_is_nothing_and_takes_from_the_brake_what_it_would_push() -> None:
    exact = ExactTick()
    exact.acceleration_q14 = -30_000  # 55 N of a sled of 30 kg, let go
    exact.load(20_000, 32_000)  # asks for 20 - 59 N
    exact.braking(16_000)
    limits = exact.one()
    short = 20_000 - 32_000 * 30_000 / 16_384
    assert exact[tick.LAW_mN] == 0
    assert exact[tick.BRAKE_mN] == pytest.approx(30_000 * 30_000 / 16_384 + short, abs=80)
    assert limits == NO_LIMIT
