"""The sled never moves the athlete: what the brake can put in, with a driver that would let it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.rig import RigConfig
from sim.world.parameters import Driver, Sled
from tests.safety.shoves import LOADS, PUSHES, Push, run, run_naive

# The promise is 0.5 J when shoved back at up to 400 N, by the worst driver: SignedDriver holds sign and
# command for 4 ms. Measured over 1200 runs: at most 0.023 J; 0.10 J over 300 without the impulse budget, 9 J
# without the fade as well. The test is held between, so that it fails when either is gone.
INJECTED_MAX_J = 0.03
INJECTED_MISMATCHED_MAX_J = 0.05  # a sled that is not what its settings say


@settings(max_examples=200)
@given(load=LOADS, pushes=PUSHES)
def test_shoves_and_reversals_inject_next_to_nothing(load: dict[str, int], pushes: list[Push]) -> None:
    outcome = run(load, pushes)
    assert outcome.injected_J <= INJECTED_MAX_J
    assert outcome.lowest_brake_mN == 0
    assert outcome.highest_step_mN <= 2000
    assert not outcome.passivity_fault


@settings(max_examples=40)
@given(
    load=LOADS,
    pushes=PUSHES,
    mass=st.floats(0.9, 1.1),
    friction=st.floats(0.7, 1.3),
    scale=st.floats(0.9, 1.1),
)
def test_passivity_holds_on_a_sled_that_differs_from_its_settings(
    load: dict[str, int], pushes: list[Push], mass: float, friction: float, scale: float
) -> None:
    sled = Sled(mass_kg=30.0 * mass, rolling_N=11.2 * friction)
    driver = Driver()._replace(full_scale_N=Driver().full_scale_N * scale)
    assert run(load, pushes, RigConfig(sled=sled, driver=driver)).injected_J <= INJECTED_MISMATCHED_MAX_J


@pytest.mark.parametrize("load_N", [130.0, 400.0])
def test_the_naive_sign_law_fails_the_same_harness(load_N: float) -> None:
    shoves = [Push(-350.0, 0.4), Push(load_N + 50, 0.5)] * 4
    load = dict.fromkeys(
        ("viscous_mN_s_per_m", "quadratic_mN_s2_per_m2", "stiffness_mN_per_m", "speed_cap_mm_per_s"), 0
    )
    load |= {"force_mN": round(load_N * 1000), "inertia_g": 30_000}
    assert run_naive(load_N, shoves) > 1.0
    assert run(load, shoves).injected_J <= INJECTED_MAX_J
