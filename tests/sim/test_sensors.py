"""Sensors: what of the truth reaches the firmware, and with which errors."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.driver import Driver
from sim.parameters import Driver as DriverParameters
from sim.parameters import Power, Sensors, Sled
from sim.plant import Plant
from sim.sensors import CELL_STEP_N, CELL_ZERO, COUNTS_WRAP, Encoder, LoadCell, Normal, Supply

COUNT_m = 2 * math.pi * 0.0825 / 4096


@given(st.floats(-60_000.0, 60_000.0), st.floats(-100.0, 100.0))
def test_the_encoder_floors_to_whole_counts_since_it_started(x, start):
    encoder = Encoder(Sensors())
    encoder.restart(start)
    counts = encoder.counts(x)
    # Both ends are floored to the wheel's own counts, so the way is right to one count.
    assert abs(counts * COUNT_m - (x - start)) < COUNT_m * 1.001


def test_one_more_count_means_one_more_count_of_way():
    encoder = Encoder(Sensors())
    for n in (-3, -1, 0, 1, 2, 4096):
        assert encoder.counts((n + 0.001) * COUNT_m) == n
        assert encoder.counts((n + 0.999) * COUNT_m) == n


@pytest.mark.parametrize("extra", [-2, -1, 0, 1])
def test_the_encoder_wraps_at_2_to_the_29(extra):
    encoder = Encoder(Sensors())
    counts = encoder.counts((COUNTS_WRAP + extra + 0.5) * COUNT_m)
    assert counts == (COUNTS_WRAP + extra if extra < 0 else extra - COUNTS_WRAP)


def test_noise_is_normal_enough():
    draw = Normal(5).draw
    numbers = [draw() for _ in range(40_000)]
    assert statistics.fmean(numbers) == pytest.approx(0.0, abs=0.02)
    assert statistics.pstdev(numbers) == pytest.approx(1.0, abs=0.015)
    beyond = sum(abs(number) > 1.96 for number in numbers) / len(numbers)
    assert beyond == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("force", [-400.0, 0.0, 130.0])
def test_the_load_cell_has_its_scale_its_offset_and_its_noise(force):
    cell = LoadCell(Sensors(cell_scale=0.98, cell_offset_N=7.0, cell_noise_N=0.5), seed=1)
    readings = [(cell.raw(force) - CELL_ZERO) * CELL_STEP_N for _ in range(5000)]
    assert statistics.fmean(readings) == pytest.approx(0.98 * force + 7.0, abs=0.05)
    assert statistics.pstdev(readings) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(("force", "rail"), [(1100.0, 65535), (-1100.0, 0)])
def test_the_load_cell_rails_beyond_its_range(force, rail):
    assert LoadCell(Sensors(), seed=1).raw(force) == rail


def braking(force_N: float, speed: float, seconds: float, power: Power | None = None) -> tuple[Supply, Plant]:
    plant = Plant(Sled(), crawl_N_s_per_m=4200.0)
    supply = Supply(power or Power(), Sensors(), seed=1)
    for _ in range(int(seconds * 100)):
        for _ in range(10):
            plant.v_m_per_s = speed
            plant.advance(force_N)
        supply.update(plant, Driver(DriverParameters()), 10)
    return supply, plant


def test_braking_power_less_copper_loss_raises_the_bus():
    supply, _ = braking(400.0, 2.0, 0.5)
    power = Power()
    regenerated_W = 400.0 * 2.0 - 400.0**2 / 4200.0
    expected = power.battery_V + power.battery_ohm * (regenerated_W / supply.bus_V - power.idle_A)
    assert supply.bus_V == pytest.approx(expected, abs=0.02)
    assert supply.bus_mV() == pytest.approx(supply.bus_V * 1000, abs=200)


def test_shorted_phases_at_a_crawl_give_the_bus_nothing():
    supply, _ = braking(800.0, 0.05, 0.5)
    assert supply.bus_V == pytest.approx(Power().battery_V - Power().battery_ohm * Power().idle_A, abs=0.001)


def test_copper_loss_heats_the_motors_towards_the_thermal_steady_state():
    power = Power(heat_J_per_K=1000.0, cooling_K_per_W=0.1)
    supply, plant = braking(400.0, 1.0, 60.0, power)
    loss_W = 400.0**2 / 4200.0
    assert plant.copper_J == pytest.approx(loss_W * 60.0, rel=0.001)
    rise = loss_W * power.cooling_K_per_W * (1 - math.exp(-60.0 / 100.0))
    assert supply.winding_C - power.ambient_C == pytest.approx(rise, rel=0.001)
    assert supply.temperature_cC() == pytest.approx(supply.winding_C * 100, abs=100)
