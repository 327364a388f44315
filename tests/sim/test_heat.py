"""Winding and case: heat is stored or lost, hot copper resists more, blocked cooling lets it rise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.world.driver import Driver as BrakeDriver
from sim.world.heat import Heat
from sim.world.parameters import Driver, Power, Sensors, Sled
from sim.world.plant import Plant
from sim.world.power import Supply

POWER = Power()


@given(st.lists(st.tuples(st.floats(0.0, 500.0), st.floats(0.0, 2.0)), min_size=1, max_size=30))
def test_copper_loss_is_stored_or_lost(phases):
    heat = Heat(POWER)
    copper_J = 0.0
    for watts, cooling in phases:
        heat.cooling = cooling
        for _ in range(50):
            heat.warm(watts * 0.01, 0.01)
            copper_J += watts * 0.01
    assert heat.stored_J + heat.lost_J == pytest.approx(copper_J, rel=1e-9, abs=1e-6)
    assert heat.lost_J >= 0.0


def test_the_winding_warms_first_and_the_case_follows():
    heat = Heat(POWER)
    for _ in range(1000):
        heat.warm(1.0, 0.01)
    assert heat.winding_C - POWER.ambient_C == pytest.approx(100.0 * 10 / 120 * 0.87, rel=0.02)
    assert POWER.ambient_C < heat.case_C < heat.winding_C
    for _ in range(30_000):
        heat.warm(0.0, 0.01)
    assert heat.winding_C == pytest.approx(heat.case_C, abs=0.05)


def test_blocked_cooling_loses_nothing():
    heat = Heat(POWER)
    heat.cooling = 0.0
    for _ in range(100_000):
        heat.warm(1.0, 0.01)
    assert heat.lost_J == 0.0
    assert heat.case_C - POWER.ambient_C == pytest.approx(100_000.0 / 3120.0, rel=0.05)


def test_hot_copper_resists_by_its_temperature_coefficient():
    heat = Heat(POWER)
    for winding_C, ratio in ((25.0, 1.0), (125.0, 1.393), (-10.0, 0.86245)):
        heat.winding_C = winding_C
        assert heat.resistance_ratio == pytest.approx(ratio)


def braked_at(winding_C: float, speed: float) -> Plant:
    """A second of 400 N at that speed, by a sled whose windings have that temperature."""
    plant, driver = Plant(Sled(), crawl_N_s_per_m=4200.0), BrakeDriver(Driver())
    supply = Supply(POWER, Sensors(), 1)
    for n in range(1000):
        if n % 10 == 0:
            supply.winding_C = winding_C
            supply.update(plant, driver, 10)
        plant.v_m_per_s = speed
        plant.advance(400.0)
    return plant


def test_a_hot_winding_loses_more_and_brakes_less_at_a_crawl():
    ratio = 1.0 + 0.00393 * 100.0
    cold, hot = braked_at(25.0, 2.0), braked_at(125.0, 2.0)
    assert hot.copper_J / cold.copper_J == pytest.approx(ratio, rel=0.001)
    assert hot.brake_J == pytest.approx(cold.brake_J)
    cold, hot = braked_at(25.0, 0.02), braked_at(125.0, 0.02)
    assert cold.brake_J / hot.brake_J == pytest.approx(ratio, rel=0.05)
