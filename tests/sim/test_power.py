"""Where the brake's energy goes: every joule has an account, and each part keeps its limits."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sim.world.driver import Driver as BrakeDriver
from sim.world.driver import SignedDriver
from sim.world.parameters import Driver, Power, Sensors, Sled, perturbed
from sim.world.plant import HANDLES, SLACK, TETHER, Plant
from sim.world.power import Supply
from sim.world.sensors import bus_reading_mV, temperature_reading_cC
from tests.sim.closed_forms import supplied

POWER = Power()


def at(state_of_charge: float) -> Power:
    return POWER._replace(state_of_charge=state_of_charge)


class World(RuleBasedStateMachine):
    """Somebody tugs at a sled while its parts break: the energies agree all the time."""

    @initialize(
        kind=st.sampled_from([BrakeDriver, SignedDriver]),
        seed=st.integers(0, 2**20),
        state_of_charge=st.floats(0.0, 1.0),
        speed=st.floats(-5.0, 5.0),
    )
    def start(self, kind, seed, state_of_charge, speed):
        random = Random(seed)
        parameters = perturbed(Driver(), 0.4, random)
        power = perturbed(POWER, 0.3, random)._replace(state_of_charge=state_of_charge)
        self.plant = Plant(
            perturbed(Sled(), 0.4, random), 60.0 + 40.0 * random.random(), parameters.crawl_N_s_per_m
        )
        self.plant.v_m_per_s = self.plant.body_v_m_per_s = speed
        self.start_J = self.plant.kinetic_J
        self.driver = kind(parameters)
        self.supply = Supply(power, Sensors(), seed)
        self.may_inject = kind is SignedDriver

    @rule(
        force_N=st.floats(-800.0, 800.0),
        propulsion_N=st.floats(-600.0, 600.0),
        hitch=st.sampled_from([SLACK, TETHER, HANDLES]),
        command=st.integers(0, 4095),
        updates=st.integers(1, 20),
    )
    def go_on(self, force_N, propulsion_N, hitch, command, updates):
        plant = self.plant
        if hitch and hitch != plant.hitch:
            plant.body_x_m, plant.body_v_m_per_s = plant.x_m, plant.v_m_per_s
        plant.hitch, plant.touch_N, plant.propulsion_N = hitch, force_N, propulsion_N
        for _ in range(updates):
            cells_J, was_refusing = self.supply.battery_J, self.supply.charge_A == 0.0
            for _ in range(10):
                self.driver.tick(command, 1, plant.v_m_per_s)
                plant.advance(self.driver.brake_N, self.driver.signed_N)
            self.supply.update(plant, self.driver, 10)
            if was_refusing:
                assert self.supply.battery_J <= cells_J

    @rule(
        stuck_N=st.one_of(st.none(), st.floats(0.0, 900.0)),
        strength=st.floats(0.0, 1.0),
        wrong=st.booleans(),
        broken=st.booleans(),
        dead=st.booleans(),
    )
    def break_the_driver(self, stuck_N, strength, wrong, broken, dead):
        driver = self.driver
        driver.stuck_N, driver.strength, driver.is_wrong_signed = stuck_N, strength, wrong
        driver.is_broken, driver.is_dead = broken, dead
        self.may_inject |= wrong

    @rule(
        refusing=st.booleans(),
        chopper_dead=st.booleans(),
        sag_V=st.floats(0.0, 20.0),
        state_of_charge=st.floats(0.0, 1.0),
    )
    def break_the_supply(self, refusing, chopper_dead, sag_V, state_of_charge):
        supply = self.supply
        supply.is_refusing, supply.is_chopper_dead = refusing, chopper_dead
        supply.sag_V, supply.state_of_charge = sag_V, state_of_charge

    @invariant()
    def nothing_is_lost(self):
        plant, supply = self.plant, self.supply
        moved_J = plant.kinetic_J - self.start_J
        allowed_J = 0.001 + 1e-6 * (abs(plant.athlete_J) + plant.kinetic_J + abs(plant.brake_J))
        assert abs(plant.athlete_J - moved_J - plant.friction_J - plant.brake_J) <= allowed_J
        assert abs(plant.brake_J - supply.booked_J) <= allowed_J
        heat = supply.heat
        assert abs(supply.copper_J - heat.stored_J - heat.lost_J) <= allowed_J
        assert self.may_inject or plant.injected_J == 0.0

    @invariant()
    def what_only_heats_only_grows_and_the_bus_has_a_voltage(self):
        supply = self.supply
        assert min(supply.copper_J, supply.battery_heat_J, supply.chopper_J, supply.electronics_J) >= 0.0
        assert supply.bus_V > 0.0
        assert supply.chopper_C >= POWER.ambient_C - 20.0


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


powers = st.fixed_dictionaries(
    {
        "state_of_charge": st.floats(0.0, 1.0),
        "battery_ohm": st.floats(0.02, 0.2),
        "charge_A": st.floats(1.0, 60.0),
        "bus_F": st.floats(0.001, 0.05),
        "chopper_ohm": st.floats(0.4, 4.0),
        "chopper_start_V": st.floats(54.6, 56.0),
        "chopper_end_V": st.floats(56.1, 62.0),
    }
).map(lambda drawn: Power(**drawn))


@settings(max_examples=200)
@given(powers, st.lists(st.floats(-20_000.0, 100_000.0), min_size=1, max_size=5), st.booleans())
def test_no_power_is_too_much_for_the_accounts(power, watts, refuses):
    plant, driver = Plant(Sled()), BrakeDriver(Driver())
    supply = Supply(power, Sensors(), seed=1)
    supply.is_refusing = refuses
    for each in watts:
        plant.brake_J += each * 0.01
        supply.update(plant, driver, 10)
        assert supply.booked_J == pytest.approx(plant.brake_J, abs=1e-6, rel=1e-9)
        assert supply.bus_V > 0.0


def test_a_full_battery_takes_no_current():
    supply = supplied(at(1.0), 400.0, 2.0)
    assert supply.battery_J <= 0.0 and supply.state_of_charge <= 1.0
    assert supply.chopper_J == pytest.approx((400.0 - POWER.idle_W) * 2.0, rel=0.01)


def test_a_battery_takes_less_and_less_as_it_fills():
    currents = []
    for state_of_charge in (0.5, 0.8, 0.85, 0.9, 0.95, 1.0):
        currents.append(Supply(at(state_of_charge), Sensors(), 1).charge_A)
    assert currents == pytest.approx([20.0, 20.0, 15.0, 10.0, 5.0, 0.0])
    supply = Supply(POWER, Sensors(), 1)
    supply.state_of_charge = 1.05
    assert supply.charge_A == 0.0


def test_a_battery_with_room_takes_all_and_the_chopper_rests():
    supply = supplied(at(0.5), 400.0, 10.0)
    assert supply.chopper_J == 0.0 and supply.chopper_C == POWER.ambient_C
    assert supply.battery_J + supply.battery_heat_J == pytest.approx(3830.0, rel=0.005)


def test_charge_is_current_over_time():
    supply = supplied(at(0.5), 400.0, 60.0)
    assert supply.state_of_charge - 0.5 == pytest.approx(supply.battery_J / 49.0 / 36_000.0, rel=0.01)


def test_an_idle_supply_drains_the_battery():
    supply = supplied(POWER, 0.0, 100.0)
    assert supply.electronics_J == pytest.approx(1700.0)
    assert supply.battery_J == pytest.approx(-1700.0, rel=0.001)
    assert supply.state_of_charge < 0.5


def test_with_battery_and_chopper_out_the_bus_rises_until_the_driver_trips():
    driver, plant = BrakeDriver(Driver()), Plant(Sled(), crawl_N_s_per_m=4200.0)
    supply = Supply(at(1.0), Sensors(), 1)
    supply.is_chopper_dead = True
    for n in range(200):
        driver.tick(2000, 1, 2.0)
        plant.v_m_per_s = 2.0
        plant.advance(driver.brake_N)
        if n % 10 == 9:
            supply.update(plant, driver, 10)
        if driver.is_tripped:
            break
    assert driver.is_tripped and Driver().overvoltage_V < supply.bus_V < 65.0
    driver.tick(2000, 1, 2.0)
    assert driver.brake_N == 0.0


def test_the_chopper_keeps_a_full_battery_from_tripping_the_driver():
    driver, plant = BrakeDriver(Driver()), Plant(Sled(), crawl_N_s_per_m=4200.0)
    supply = Supply(at(1.0), Sensors(), 1)
    for n in range(3000):
        driver.tick(2500, 1, 3.0)
        plant.v_m_per_s = 3.0
        plant.advance(driver.brake_N)
        if n % 10 == 9:
            supply.update(plant, driver, 10)
        assert not driver.is_tripped
    assert supply.chopper_J > 3000.0 and supply.bus_V < 56.5
    assert supply.chopper_C > POWER.ambient_C + 5.0


def test_a_sagging_battery_lowers_the_bus_and_trips_the_driver():
    supply = supplied(POWER, 0.0, 0.1)
    before = supply.bus_V
    supply.sag_V = 5.0
    driver, plant = BrakeDriver(Driver()), Plant(Sled())
    for _ in range(5):
        supply.update(plant, driver, 10)
    assert before - supply.bus_V == pytest.approx(5.0, abs=0.1) and not driver.is_tripped
    supply.sag_V = 15.0
    for _ in range(5):
        supply.update(plant, driver, 10)
    assert driver.is_tripped


def test_shorted_phases_at_a_crawl_give_the_bus_nothing():
    plant, driver = Plant(Sled(), crawl_N_s_per_m=4200.0), BrakeDriver(Driver())
    supply = Supply(POWER, Sensors(), 1)
    for n in range(500):
        plant.v_m_per_s = 0.05
        plant.advance(800.0)
        if n % 10 == 9:
            supply.update(plant, driver, 10)
    assert plant.brake_J == pytest.approx(supply.copper_J, rel=1e-6)
    assert supply.battery_J < 0.0


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_a_driver_that_drives_draws_from_the_battery(speed):
    plant, driver = Plant(Sled(), crawl_N_s_per_m=4200.0), BrakeDriver(Driver())
    supply = Supply(POWER._replace(ambient_C=25.0), Sensors(), 1)
    for n in range(1000):
        plant.v_m_per_s = speed
        plant.touch_N = -300.0
        plant.advance(0.0, 300.0)
        if n % 10 == 9:
            supply.update(plant, driver, 10)
    copper_J = 300.0**2 / 4200.0
    assert supply.copper_J == pytest.approx(copper_J, rel=0.01)
    drawn_J = 300.0 * speed + copper_J + POWER.idle_W
    assert -(supply.battery_J + supply.battery_heat_J) == pytest.approx(drawn_J, rel=0.01)


def test_the_readings_are_those_of_bus_and_winding():
    supply = Supply(POWER, Sensors(bus_noise_V=0.0, temperature_noise_C=0.0), 1)
    supply.winding_C, supply.heat.case_C = 81.25, 30.0
    assert supply.bus_mV() == bus_reading_mV(supply.bus_V) == pytest.approx(supply.bus_V * 1000, abs=18)
    assert supply.temperature_cC() == temperature_reading_cC(81.25) == pytest.approx(8125, abs=10)
    assert supply.winding_C == 81.25


def test_the_open_voltage_rises_from_empty_to_full_and_goes_on_beyond_the_ends():
    volts = [Supply(at(n / 100), Sensors(), 1).open_V for n in range(101)]
    assert volts[0] == 13 * 3.0 and volts[100] == pytest.approx(13 * 4.2)
    assert all(a < b for a, b in pairwise(volts))
    supply = Supply(at(0.0), Sensors(), 1)
    for state_of_charge, expected in ((-0.15, 39.0 - 13 * 0.675), (1.05, 54.6 + 13 * 0.05)):
        supply.state_of_charge = state_of_charge
        assert supply.open_V == pytest.approx(expected)
