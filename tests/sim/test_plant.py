"""The plant against closed forms, its energy balance, and a brake that can only take."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.world.driver import SignedDriver
from sim.world.parameters import Driver, Sled
from sim.world.plant import HANDLES, SLACK, TETHER, Plant

SLED = Sled()
BREAKAWAY_N = SLED.rolling_N * SLED.breakaway_ratio

forces = st.floats(-700.0, 700.0, allow_nan=False)
brakes = st.floats(0.0, 900.0)


def unexplained_J(plant: Plant, kinetic_before_J: float = 0.0) -> float:
    return plant.athlete_J - (plant.kinetic_J - kinetic_before_J) - plant.friction_J - plant.brake_J


@pytest.mark.parametrize("speed", [0.1, 1.0, -4.0])
def test_a_free_sled_coasts_as_far_and_as_long_as_the_closed_form(speed):
    plant = Plant(SLED)
    plant.v_m_per_s = speed
    ticks = 0
    while plant.v_m_per_s:
        plant.advance(0.0)
        ticks += 1
    f0, f1, m = SLED.rolling_N, SLED.rolling_N_s_per_m, SLED.mass_kg
    growth = math.log(1 + f1 * abs(speed) / f0)
    assert abs(plant.x_m) == pytest.approx(m / f1 * (abs(speed) - f0 / f1 * growth), rel=1e-4)
    assert ticks * 0.001 == pytest.approx(m / f1 * growth, abs=0.001)
    assert math.copysign(1, plant.x_m) == math.copysign(1, speed)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_standing_sled_moves_just_above_breakaway_and_not_at_it(sign):
    plant = Plant(SLED)
    plant.touch_N = sign * BREAKAWAY_N
    for _ in range(100):
        plant.advance(0.0)
    assert (plant.x_m, plant.v_m_per_s) == (0.0, 0.0)
    plant.touch_N = sign * BREAKAWAY_N * 1.000001
    plant.advance(0.0)
    assert plant.v_m_per_s * sign > 0
    # Once it moves, less than breakaway keeps it going.
    plant.touch_N = sign * 0.5 * (BREAKAWAY_N + SLED.rolling_N)
    for _ in range(100):
        plant.advance(0.0)
    assert plant.v_m_per_s * sign > 0.0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_brake_that_holds_at_rest_only_adds_to_the_threshold(sign):
    plant = Plant(SLED, crawl_N_s_per_m=None)
    plant.touch_N = sign * (BREAKAWAY_N + 200.0)
    for _ in range(100):
        plant.advance(200.0)
    assert plant.v_m_per_s == 0.0
    plant.touch_N *= 1.000001
    plant.advance(200.0)
    assert plant.v_m_per_s * sign > 0.0


def test_a_brake_with_shorted_phases_holds_nothing_at_rest():
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    plant.touch_N = BREAKAWAY_N * 1.000001
    plant.advance(800.0)
    assert plant.v_m_per_s > 0.0


def test_speed_settles_where_a_viscous_brake_and_friction_balance_the_force():
    plant = Plant(SLED, crawl_N_s_per_m=None)
    plant.touch_N = 150.0
    for _ in range(20_000):
        plant.advance(100.0 * abs(plant.v_m_per_s))
    terminal = (150.0 - SLED.rolling_N) / (100.0 + SLED.rolling_N_s_per_m)
    assert plant.v_m_per_s == pytest.approx(terminal, rel=1e-6)


def test_the_brake_reaches_its_command_only_above_the_crawl():
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    plant.touch_N = 300.0
    for _ in range(5000):
        plant.advance(800.0)
    terminal = (300.0 - SLED.rolling_N) / (4200.0 + SLED.rolling_N_s_per_m)
    assert plant.v_m_per_s == pytest.approx(terminal, rel=1e-6)


def test_at_a_crawl_the_speed_decays_with_the_closed_forms_time_constant():
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    plant.v_m_per_s = v0 = 0.15
    for _ in range(10):
        plant.advance(800.0)
    slope = 4200.0 + SLED.rolling_N_s_per_m
    rest = SLED.rolling_N / slope
    expected = (v0 + rest) * math.exp(-slope * 0.010 / SLED.mass_kg) - rest
    assert plant.v_m_per_s == pytest.approx(expected, rel=0.001)


@given(st.lists(st.tuples(forces, brakes), min_size=1, max_size=60), st.sampled_from([None, 500.0, 4200.0]))
def test_work_is_motion_and_heat_and_nothing_else(inputs, crawl):
    plant = Plant(SLED, crawl_N_s_per_m=crawl)
    handled_J = 0.0
    for force, brake in inputs:
        plant.touch_N = force
        before = (plant.brake_J, plant.friction_J)
        for _ in range(5):
            plant.advance(brake)
        assert plant.brake_J >= before[0]
        assert plant.friction_J >= before[1]
        handled_J += abs(plant.athlete_J) + plant.kinetic_J
    assert abs(unexplained_J(plant)) <= 1e-9 * (1.0 + handled_J)
    assert plant.injected_J == 0.0


@given(
    st.floats(-8.0, 8.0),
    st.lists(brakes, min_size=1, max_size=200),
    st.sampled_from([None, 500.0, 4200.0]),
    st.floats(0.0, 300.0),
)
def test_the_brake_never_reverses_the_sled(speed, commands, crawl, shove):
    plant = Plant(SLED, crawl_N_s_per_m=crawl)
    plant.v_m_per_s = speed
    heading = math.copysign(1.0, speed)
    plant.touch_N = heading * shove  # onward, so nothing but the brake could turn it
    for brake in commands:
        plant.advance(brake)
        assert plant.v_m_per_s * heading >= 0.0


@given(st.floats(-2.0, 2.0), st.lists(brakes, min_size=1, max_size=100))
def test_an_untouched_sled_only_gets_slower(speed, commands):
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    plant.v_m_per_s = speed
    for brake in commands:
        before = abs(plant.v_m_per_s)
        plant.advance(brake)
        assert abs(plant.v_m_per_s) <= before


@given(
    st.sampled_from([TETHER, HANDLES]),
    st.floats(-0.05, 0.05),
    st.floats(-2.0, 2.0),
    st.floats(-2.0, 2.0),
    st.floats(-500.0, 500.0),
)
def test_a_tether_only_pulls_and_handles_only_push(hitch, stretch, v, body_v, propulsion):
    plant = Plant(SLED)
    plant.hitch = hitch
    plant.body_x_m = stretch
    plant.v_m_per_s = v
    plant.body_v_m_per_s = body_v
    plant.propulsion_N = propulsion
    before_J = plant.kinetic_J
    for _ in range(100):
        plant.advance(50.0)
        assert plant.hitch_N * hitch >= 0.0
    assert abs(unexplained_J(plant, before_J)) <= 1e-9 * (1.0 + before_J + abs(plant.athlete_J))


def test_a_slack_hitch_carries_nothing():
    plant = Plant(SLED)
    plant.hitch = SLACK
    plant.body_x_m, plant.propulsion_N = 0.5, 300.0
    plant.advance(0.0)
    assert plant.hitch_N == 0.0 and plant.v_m_per_s == 0.0


def test_two_substeps_are_enough_for_the_stiffest_hitch():
    ends = []
    for substeps in (2, 64):
        plant = Plant(SLED, crawl_N_s_per_m=4200.0, substeps=substeps)
        plant.hitch = HANDLES
        for n in range(4000):
            pulse = 6.0 * (n % 500) / 500 * (1 - (n % 500) / 500)
            plant.propulsion_N = -160.0 * pulse
            plant.advance(120.0)
        ends.append((plant.x_m, plant.v_m_per_s, plant.athlete_J))
    assert ends[0] == pytest.approx(ends[1], rel=0.002)


def test_a_driver_that_keeps_its_sign_for_4_ms_drives_the_sled():
    """The failing case that brake mode and the firmware's impulse budget exist for."""
    plant = Plant(SLED)
    driver = SignedDriver(Driver())
    plant.touch_N = 60.0  # a person leans on it
    reversals = 0
    for _ in range(8000):
        before = plant.v_m_per_s
        driver.tick(2000, 1, before)
        plant.advance(driver.brake_N, driver.signed_N)
        reversals += before > 0.0 > plant.v_m_per_s
    assert plant.injected_J > 10.0 and reversals > 100
    assert abs(unexplained_J(plant)) < 1e-6


def test_a_slack_tether_carries_nothing_however_fast_it_tightens():
    plant = Plant(SLED)
    plant.hitch = TETHER
    plant.body_x_m, plant.body_v_m_per_s = -0.05, 2.0
    for _ in range(20):
        plant.advance(0.0)
        assert plant.hitch_N == 0.0 and plant.body_x_m < 0.0
    for _ in range(10):
        plant.advance(0.0)
    assert plant.hitch_N > 100.0


def test_a_driver_with_a_sign_heats_copper_at_rest_too():
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    for _ in range(100):
        plant.advance(0.0, 10.0)  # less than breakaway
    assert plant.v_m_per_s == 0.0 and plant.brake_J == 0.0
    assert plant.copper_J == pytest.approx(10.0**2 / 4200.0 * 0.1)


def test_copper_loss_is_force_squared_over_the_crawl_gain():
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    for _ in range(1000):
        plant.v_m_per_s = 2.0
        plant.advance(300.0)
    assert plant.copper_J == pytest.approx(300.0**2 / 4200.0)


def test_the_crawl_gain_may_change_while_the_sled_crawls():
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    plant.touch_N = 300.0
    for gain in (4200.0, 3000.0):
        plant.crawl_N_s_per_m = gain
        for _ in range(1000):
            plant.advance(800.0)
        terminal = (300.0 - SLED.rolling_N) / (gain + SLED.rolling_N_s_per_m)
        assert plant.v_m_per_s == pytest.approx(terminal, rel=1e-6)
    assert plant.cold_crawl_N_s_per_m == 4200.0


def test_all_that_a_brake_takes_at_a_crawl_is_copper_loss():
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    plant.v_m_per_s = 0.1
    while plant.v_m_per_s:
        plant.advance(800.0)
    assert plant.copper_J == pytest.approx(plant.brake_J, rel=1e-12) and plant.brake_J > 0.1


@pytest.mark.parametrize("v_m_per_s", [1.0, -1.0])
def test_the_brake_force_of_a_tick_is_the_one_that_acted_less_at_a_crawl_and_none_at_rest(v_m_per_s):
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    acted_N = []
    plant.v_m_per_s = v_m_per_s
    while plant.v_m_per_s:
        before = plant.v_m_per_s
        plant.advance(300.0)
        acted_N.append(plant.brake_N)
        lost_N = SLED.mass_kg * abs(plant.v_m_per_s - before) / 0.001
        rolling_N = SLED.rolling_N + SLED.rolling_N_s_per_m * abs(plant.v_m_per_s + before) / 2
        if plant.v_m_per_s:
            assert plant.brake_N == pytest.approx(lost_N - rolling_N, rel=1e-3)
    assert acted_N[0] == pytest.approx(300.0) and 0.0 < acted_N[-1] < 100.0
    plant.advance(300.0)
    assert plant.brake_N == 0.0


@pytest.mark.parametrize("signed_N", [200.0, -200.0])
def test_the_force_of_a_driver_with_a_sign_counts_whichever_way_it_acts(signed_N):
    plant = Plant(SLED, crawl_N_s_per_m=4200.0)
    plant.v_m_per_s = 1.0
    plant.advance(0.0, signed_N)
    assert plant.brake_N == pytest.approx(200.0)
