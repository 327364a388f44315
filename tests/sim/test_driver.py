"""The brake-mode driver: quantised, gated, saturated, lagging; and how it breaks on request."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.driver import COMMAND_MAX, SignedDriver, decay
from sim.driver import Driver as BrakeDriver
from sim.parameters import Driver

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
        driver.tick(0, 0, -1.0)
        assert driver.signed_N < 0.0 and driver.force_N > before
    driver.tick(0, 0, -1.0)
    assert driver.signed_N > 0.0 and driver.force_N < PARAMETERS.full_scale_N


def test_a_stuck_driver_holds_its_force_without_command_or_enable():
    driver = BrakeDriver(PARAMETERS)
    driver.stuck_N = 300.0
    driver.tick(0, 0, 1.0)
    assert driver.brake_N == driver.force_N == 300.0
