"""The physics agrees with what can be solved on paper, to 0.5 % and mostly far better."""

import pytest

from tests.sim.closed_forms import (
    CLOSED_FORMS,
    POWER,
    capacitor_V,
    charging_bus_V,
    coast_down_m,
    eigenvalues_per_s,
    shared_bus_V,
    steady_winding_K,
)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_the_simulated_physics_agrees_with_its_closed_form(name):
    simulated, exact = CLOSED_FORMS[name]()
    assert simulated == pytest.approx(exact, rel=0.005)


@pytest.mark.parametrize("speed", [0.1, 0.5, 4.0, 8.0])
def test_the_sled_coasts_as_far_as_the_closed_form_from_any_speed(speed):
    simulated, exact = coast_down_m(speed)
    assert simulated == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("watts", [-2000.0, -400.0, 0.0, 100.0, 900.0])
def test_the_bus_stands_where_the_batterys_resistance_puts_it(watts):
    simulated, exact = charging_bus_V(watts)
    assert simulated == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("watts", [1100.0, 2000.0, 3000.0])
def test_battery_and_chopper_share_what_comes(watts):
    simulated, exact = shared_bus_V(watts)
    assert simulated == pytest.approx(exact, abs=1e-3)
    assert exact > POWER.chopper_start_V


@pytest.mark.parametrize("watts", [17.0, 17.5, 60.0])
def test_a_capacitor_alone_keeps_all_that_comes(watts):
    simulated, exact = capacitor_V(watts)
    assert simulated == pytest.approx(exact, rel=1e-9)


def test_the_two_thermal_time_constants_lie_far_apart():
    fast, slow = eigenvalues_per_s()
    assert 30.0 < 1 / fast < 40.0 and 1100.0 < 1 / slow < 1400.0


@pytest.mark.parametrize("watts", [5.0, 200.0])
def test_the_steady_temperature_is_loss_times_thermal_resistance(watts):
    simulated, exact = steady_winding_K(watts)
    assert simulated == pytest.approx(exact, rel=1e-4)
