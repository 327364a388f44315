"""The force benchmark on the simulated plant: the motion is the case's, known brakes err as formulas say."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import force
from bench.force_cases import FRICTION, POWER_MAX_W, cases
from bench.force_measure import Law, Steady, TICK_s, law_on_motion, steady, whole_periods
from bench.force_runs import Motion, Recording, Scene, Walker, run_ours, run_plain, skid_sled, wire_load
from protocol.quantities import QUANTITIES
from sim.world.parameters import Sled

SLED = Sled(rolling_N=10.0, rolling_N_s_per_m=1.0)
SCENE = Scene(SLED)
LENGTH_s = 5.0
CASES = cases()
MOTIONS = st.builds(
    Motion,
    st.floats(0.2, 2.0),
    st.floats(0.05, 0.12),
    st.floats(1.6, 3.0),
    st.floats(0.0, 2 * math.pi),
    st.just(0.0),
    st.just(1.0),
    direction=st.sampled_from((1, -1)),
)


def beside(law: Law, recording: Recording, motion: Motion) -> Steady:
    """Over the last whole strides."""
    whole = whole_periods(2400, motion.per_s)
    law_N = law_on_motion(law, recording.v_m_per_s, recording.x_m)
    return steady(recording.felt_N[-whole:], law_N[-whole:])


def swing_m_per_s2(motion: Motion) -> float:
    """Rms of the acceleration."""
    return motion.speed_m_per_s * motion.ripple * 2 * math.pi * motion.per_s / math.sqrt(2)


@settings(max_examples=8, deadline=None)
@given(MOTIONS, st.floats(10, 300), st.floats(50, 120))
def test_the_sled_moves_as_the_case_says(motion: Motion, more_N: float, mass_kg: float) -> None:
    force_N = more_N + 1.5 * SLED.mass_kg * swing_m_per_s2(motion)  # the tether stays tight
    walker = Walker(motion, mass_kg)
    recording = run_plain(SCENE, walker, motion.direction, lambda v, now_s: force_N, LENGTH_s)
    off = [abs(v - motion.speed_at(n * TICK_s)) for n, v in enumerate(recording.v_m_per_s)][2000:]
    assert max(off) < 0.04 * motion.ripple * motion.speed_m_per_s + 0.001


def test_the_walker_pulls_by_the_tether_and_pushes_on_the_handles_with_2_kN_at_most() -> None:
    for direction in (1, -1):
        walker = Walker(Motion(1.0, 0.1, 2.0, direction=direction), 80.0)
        recording = run_plain(SCENE, walker, direction, lambda v, now_s: 2500.0, 2.0)
        assert min(recording.felt_N) >= 0.0 and recording.x_m[-1] > 0.0
        assert max(recording.felt_N) < 2100.0


@settings(max_examples=6, deadline=None)
@given(MOTIONS, st.sampled_from((15.0, 30.0, 45.0)))
def test_an_ideal_brake_has_no_error(motion: Motion, inertia_kg: float) -> None:
    law = Law(250.0, inertia_kg, 20.0)

    def brake(v: float, now_s: float) -> float:
        a = (motion.speed_at(now_s + TICK_s) - motion.speed_at(now_s)) / TICK_s
        own_N = SLED.mass_kg * a + SLED.rolling_N + SLED.rolling_N_s_per_m * v
        return max(law.at(v, a) - own_N, 0.0)

    recording = run_plain(
        SCENE, Walker(motion, 80.0), motion.direction, brake, LENGTH_s, through_driver=False
    )
    found = beside(law, recording, motion)
    # What the sled's acceleration is off the wanted one by (under 4 %), times the difference of the masses.
    assert abs(found.mean_error_N) < 0.2
    assert found.ripple_N < 0.04 * abs(SLED.mass_kg - inertia_kg) * swing_m_per_s2(motion) + 0.1


@settings(max_examples=6, deadline=None)
@given(MOTIONS, st.sampled_from((15.0, 45.0)), st.integers(5, 30))
def test_a_brake_that_is_late_errs_by_twice_the_sine_of_half_the_delay(
    motion: Motion, inertia_kg: float, late_ticks: int
) -> None:
    law = Law(250.0, inertia_kg)

    def brake(v: float, now_s: float) -> float:
        at_s = now_s - late_ticks * TICK_s
        a = (motion.speed_at(at_s + TICK_s) - motion.speed_at(at_s)) / TICK_s
        return 250.0 + (inertia_kg - SLED.mass_kg) * a - SLED.rolling_N - SLED.rolling_N_s_per_m * v

    recording = run_plain(
        SCENE, Walker(motion, 80.0), motion.direction, brake, LENGTH_s, through_driver=False
    )
    size = abs(inertia_kg - SLED.mass_kg) * swing_m_per_s2(motion)
    exact = size * 2 * math.sin(math.pi * motion.per_s * late_ticks * TICK_s)
    assert beside(law, recording, motion).ripple_N == pytest.approx(exact, abs=0.04 * size + 0.1)


@settings(max_examples=6, deadline=None)
@given(MOTIONS)
def test_a_constant_brake_errs_by_friction_and_by_the_difference_of_the_masses(motion: Motion) -> None:
    recording = run_plain(
        SCENE, Walker(motion, 80.0), motion.direction, lambda v, now_s: 200.0, LENGTH_s, through_driver=False
    )
    found = beside(Law(200.0, 15.0), recording, motion)
    assert found.mean_error_N == pytest.approx(10.0 + motion.speed_m_per_s, abs=0.3)
    assert found.ripple_N == pytest.approx(15.0 * swing_m_per_s2(motion), rel=0.04)


def test_a_skid_sled_is_a_sled_law_of_its_own_mass() -> None:
    motion = Motion(1.0, 0.08, 2.0)
    sled = skid_sled(130.0)
    recording = run_plain(
        SCENE, Walker(motion, 80.0), 1, lambda v, now_s: 0.0, LENGTH_s, through_driver=False, sled=sled
    )
    found = beside(Law(130.0, sled.mass_kg), recording, motion)
    assert abs(found.mean_error_N) < 0.01 and found.ripple_N < 0.1


def test_the_firmware_answers_with_the_load_that_holds_and_names_its_limits() -> None:
    motion = Motion(1.0, 0.05, 2.0)
    recording = run_ours(SCENE, Walker(motion, 80.0), 1, [(0.0, Law(100.0)), (2.0, Law(130.0))], 3.0)
    assert recording.held == Law(130.0, 20.0)
    assert recording.faults == ()
    assert any(limits & 32 for limits in recording.limits[2000:])  # on its way to the new load
    assert len(recording.limits) == 3000


def test_what_no_brake_can_do_is_named() -> None:
    def limit(law: Law, motion: Motion, crawl_N_s_per_m: float = 4200.0) -> str:
        recording = Recording()
        for n in range(3000):
            recording.v_m_per_s.append(motion.speed_at(10.0 + n * TICK_s))
            recording.x_m.append(0.0)
        recording.crawl_N_s_per_m = crawl_N_s_per_m
        law_N = law_on_motion(law, recording.v_m_per_s, recording.x_m)
        case = CASES[0]._replace(friction=1.0, motion=motion)
        return force.best(case, recording, law_N, 500).limit

    slow, brisk = Motion(0.1, 0.05, 2.0), Motion(1.0, 0.1, 2.0)
    assert limit(Law(200.0, 30.0), brisk) == ""
    assert limit(Law(500.0, 30.0), slow) == "crawl"
    assert limit(Law(400.0, 30.0), slow) == ""
    assert limit(Law(400.0, 30.0), slow, 3500.0) == "crawl"  # hot
    assert limit(Law(9.0), brisk) == "own friction"
    assert limit(Law(25.0, 15.0), brisk) == "own friction"  # the sled's own mass is too much
    assert limit(Law(30.0, 30.0), brisk) == "slack"


def test_a_perfect_brake_behind_the_lag_of_the_driver_is_late_by_about_4_ms() -> None:
    motion = Motion(1.0, 0.1, 3.0)
    case = CASES[0]._replace(friction=1.0, motion=motion)
    recording = Recording()
    for n in range(4000):
        recording.v_m_per_s.append(motion.speed_at(10.0 + n * TICK_s))
        recording.x_m.append(0.0)
    recording.crawl_N_s_per_m = 4200.0
    law_N = law_on_motion(Law(200.0, 15.0), recording.v_m_per_s, recording.x_m)
    late = force.best(case, recording, law_N, 1000).late
    exact = 15.0 * swing_m_per_s2(motion) * 2 * math.sin(math.pi * 3.0 * 0.004)
    assert late.ripple_N == pytest.approx(exact, rel=0.2)


def test_the_cases_span_what_they_should() -> None:
    assert {case.kind for case in CASES} == {"force", "sled", "deadmill", "band", "fluid", "magnetic", "hill"}
    for kind in {case.kind for case in CASES}:
        assert {case.motion.direction for case in CASES if case.kind == kind} == {1, -1}
    forces = [case.after.force_N for case in CASES if case.kind in ("force", "sled")]
    assert (min(forces), max(forces)) == (20.0, 600.0)
    assert {case.friction for case in CASES} == set(FRICTION)
    assert len({case.motion.phase_rad for case in CASES}) == 3
    assert len({case.winding_C for case in CASES}) == 2
    speeds = [case.motion.speed_m_per_s for case in CASES]
    assert (min(speeds), max(speeds)) == (0.1, 5.0)
    assert min(case.body_mass_kg for case in CASES) < 55 and max(case.body_mass_kg for case in CASES) > 115
    assert any(case.motion.ripple == 0.16 and case.motion.per_s == 4.2 for case in CASES)
    assert {case.number: case for case in CASES} == dict(enumerate(CASES)) and cases() == CASES


@pytest.mark.parametrize("kind", sorted({case.kind for case in CASES}))
def test_a_case_is_within_reach_of_wire_and_athlete(kind: str) -> None:
    for case in CASES:
        if case.kind != kind:
            continue
        for law in (case.before, case.after):
            for name, value in wire_load(law).items():
                assert QUANTITIES[name].minimum <= value <= QUANTITIES[name].maximum, case
        assert 0.05 <= case.motion.ripple <= 0.16 and 1.6 <= case.motion.per_s <= 4.2
        assert 50 <= case.body_mass_kg <= 120
        assert case.nominal_N * case.motion.speed_m_per_s < 1.3 * POWER_MAX_W
        assert abs(case.step_N) > 9.0, case
        assert case.change_s > case.motion.start_s and case.length_s < 18.0


def test_the_same_case_gives_the_same_figures_again() -> None:
    assert force.measure(CASES[40]) == force.measure(CASES[40])


def test_a_word_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert force.main(["fast"]) == 2
    assert "quick" in capsys.readouterr().err
