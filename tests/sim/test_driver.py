"""The brake-mode driver: quantised, gated, saturated, lagging; and how it breaks on request."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.world.driver import COMMAND_MAX, SignedDriver, decay
from sim.world.driver import Driver as BrakeDriver
from sim.world.parameters import Driver

PARAMETERS = Driver()


@given(st.floats(0.0, 2.0))
def test_decay_is_the_exponential(exponent):
    assert decay(exponent) == pytest.approx(math.exp(-exponent), rel=1e-14)


def test_the_force_follows_a_step_as_a_first_order_lag():
    driver = BrakeDriver(PARAMETERS)
    full, lag = PARAMETERS.full_scale_N, PARAMETERS.lag_s
    impulse = 0.0
    for n in range(1, 21):
        driver.tick(COMMAND_MAX, 1, 1.0)
        impulse += driver.brake_N * 0.001
        t = n * 0.001
        assert driver.force_N == pytest.approx(full * (1 - math.exp(-t / lag)), rel=1e-12)
        assert impulse == pytest.approx(full * (t - lag * (1 - math.exp(-t / lag))), rel=1e-12)


@given(st.integers(-(2**31), 2**31 - 1))
def test_the_command_is_twelve_bits_and_saturates(command):
    driver = BrakeDriver(PARAMETERS)
    for _ in range(100):
        driver.tick(command, 1, 1.0)
    steps = driver.force_N / (PARAMETERS.full_scale_N / 4095)
    assert steps == pytest.approx(min(max(command, 0), 4095), abs=1e-6)


def test_without_enable_the_force_dies_away_whatever_the_command():
    driver = BrakeDriver(PARAMETERS)
    for _ in range(50):
        driver.tick(4095, 1, 1.0)
    for _ in range(30):
        driver.tick(4095, 0, 1.0)
    assert driver.force_N == pytest.approx(PARAMETERS.full_scale_N * math.exp(-10), rel=1e-3)


@pytest.mark.parametrize("speed", [1.0, -1.0, 0.0])
def test_brake_mode_has_no_sign_of_its_own(speed):
    driver = BrakeDriver(PARAMETERS)
    driver.tick(4095, 1, speed)
    assert driver.brake_N > 0.0 and driver.signed_N == 0.0


@pytest.mark.parametrize(("speed", "sign"), [(1.0, 1), (-1.0, -1), (0.0, 0)])
def test_a_wrong_signed_driver_drives_and_a_signed_one_opposes_what_was(speed, sign):
    broken = BrakeDriver(PARAMETERS)
    broken.is_wrong_signed = True
    naive = SignedDriver(PARAMETERS)
    for driver, expected in ((broken, sign), (naive, -sign)):
        driver.tick(4095, 1, speed)
        assert driver.brake_N == 0.0
        assert math.copysign(1, driver.signed_N) * (driver.signed_N != 0) == expected


def test_a_signed_driver_keeps_sign_and_command_until_the_next_command():
    driver = SignedDriver(PARAMETERS)
    driver.tick(4095, 1, 1.0)
    before = driver.force_N
    for _ in range(SignedDriver.HOLD_TICKS - 1):
        driver.tick(0, 1, -1.0)
        assert driver.signed_N < 0.0 and driver.force_N > before
    driver.tick(0, 1, -1.0)
    assert driver.signed_N > 0.0 and driver.force_N < PARAMETERS.full_scale_N


@pytest.mark.parametrize("held_ticks", range(1, SignedDriver.HOLD_TICKS + 1))
def test_enable_takes_the_force_off_at_once_also_between_two_commands_of_a_signed_driver(held_ticks):
    driver = SignedDriver(PARAMETERS)
    commanded(driver, 40 + held_ticks)
    before_N = driver.force_N
    driver.tick(4095, 0, 1.0)
    assert driver.force_N == pytest.approx(before_N * math.exp(-0.001 / PARAMETERS.lag_s), rel=1e-9)


@pytest.mark.parametrize("speed", [1.0, -1.0])
def test_a_signed_driver_that_is_wrong_about_its_sign_drives_as_hard_as_it_would_brake(speed):
    right, wrong = SignedDriver(PARAMETERS), SignedDriver(PARAMETERS)
    wrong.is_wrong_signed = True
    for _ in range(20):
        right.tick(4095, 1, speed)
        wrong.tick(4095, 1, speed)
    assert wrong.signed_N == -right.signed_N != 0.0 and wrong.brake_N == 0.0


def test_a_stuck_command_holds_its_force_until_enable_or_a_trip_takes_it_off():
    driver = BrakeDriver(PARAMETERS)
    driver.stuck_command_N = 300.0
    for command in (0, 4095):
        for _ in range(60):
            driver.tick(command, 1, 1.0)
        assert driver.force_N == pytest.approx(300.0)
    for _ in range(60):
        driver.tick(4095, 0, 1.0)
    assert driver.force_N == pytest.approx(0.0, abs=1e-3)
    commanded(driver)
    driver.watch(60.0, 10)
    assert commanded(driver) == 0.0


def test_a_stuck_driver_holds_its_force_without_command_or_enable():
    driver = BrakeDriver(PARAMETERS)
    driver.stuck_N = 300.0
    driver.tick(0, 0, 1.0)
    assert driver.brake_N == driver.force_N == 300.0


def commanded(driver: BrakeDriver, ticks: int = 50) -> float:
    """Its force after so long at full command."""
    for _ in range(ticks):
        driver.tick(4095, 1, 1.0)
    return abs(driver.brake_N + driver.signed_N)


@pytest.mark.parametrize("kind", [BrakeDriver, SignedDriver])
@pytest.mark.parametrize("bus_V", [57.1, 35.9, 80.0, 0.0])
def test_a_bus_out_of_its_limits_trips_the_driver_and_takes_all_force(kind, bus_V):
    driver = kind(PARAMETERS)
    assert commanded(driver) > 800.0
    driver.watch(bus_V, 10)
    assert driver.is_tripped
    assert commanded(driver, 4) == 0.0
    driver.stuck_N = 300.0
    assert commanded(driver, 4) == 0.0 and driver.force_N == 0.0


@pytest.mark.parametrize("bus_V", [36.1, 48.0, 56.9])
def test_a_bus_within_its_limits_trips_nothing(bus_V):
    driver = BrakeDriver(PARAMETERS)
    for _ in range(100):
        driver.watch(bus_V, 10)
    assert not driver.is_tripped


@pytest.mark.parametrize(("bad_V", "near_V", "good_V"), [(57.1, 56.5, 55.9), (35.9, 36.5, 37.1)])
def test_a_trip_ends_after_its_time_and_only_well_within_the_limits(bad_V, near_V, good_V):
    driver = BrakeDriver(PARAMETERS)
    driver.watch(bad_V, 10)
    for _ in range(100):
        driver.watch(near_V, 10)
    assert driver.is_tripped  # long over its time, but too near
    driver.watch(good_V, 10)
    assert not driver.is_tripped
    driver.watch(bad_V, 10)
    looks = 0
    while driver.is_tripped:
        driver.watch(good_V, 10)
        looks += 1
    assert looks * 0.010 == pytest.approx(PARAMETERS.trip_s, abs=0.011)
    assert commanded(driver) > 800.0


def test_a_broken_driver_shows_it_and_stays_without_force_until_mended():
    driver = BrakeDriver(PARAMETERS)
    driver.is_broken = True
    for _ in range(200):
        driver.watch(48.0, 10)
    assert driver.is_tripped and commanded(driver) == 0.0
    driver.is_broken = False
    driver.watch(48.0, 10)
    assert not driver.is_tripped and commanded(driver) > 800.0


def test_a_dead_driver_has_no_force_and_does_not_say_so():
    driver = BrakeDriver(PARAMETERS)
    commanded(driver)
    driver.is_dead = True
    driver.watch(48.0, 10)
    assert commanded(driver, 1) == 0.0 and not driver.is_tripped
    driver.is_dead = False
    assert commanded(driver) > 800.0


def test_a_weak_driver_makes_its_part_of_the_force():
    driver = BrakeDriver(PARAMETERS)
    driver.strength = 0.25
    assert commanded(driver) == pytest.approx(0.25 * PARAMETERS.full_scale_N, rel=1e-6)
