"""The four figures of the force benchmark beside signals whose figures are known on paper."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.force_measure import (
    FORCE_MAX_N,
    SMOOTH_TICKS,
    Law,
    TICK_s,
    change,
    fit_ripple,
    law_on_motion,
    smoothed,
    steady,
    transient_N,
    whole_periods,
)

FORCES = st.floats(20.0, 600.0)
STEPS_PER_S = st.floats(1.6, 4.2)
PHASES = st.floats(0.0, 2 * math.pi)
TICKS = 3000


def wave(size: float, per_s: float, phase: float, ticks: int = TICKS) -> list[float]:
    return [size * math.sin(2 * math.pi * per_s * n * TICK_s + phase) for n in range(ticks)]


@given(
    st.builds(Law, FORCES, st.floats(0, 45), st.floats(0, 80), st.floats(0, 20), st.floats(0, 50)),
    st.floats(0.1, 5.0),
    st.floats(-2.0, 2.0),
)
def test_the_law_is_that_of_the_motion_in_the_middle_of_each_tick(law: Law, v: float, a: float) -> None:
    ticks = range(50)
    speeds = [v + a * n * TICK_s for n in ticks]
    way = [v * n * TICK_s + a * (n * TICK_s) ** 2 / 2 for n in ticks]
    found = law_on_motion(law, speeds, way)
    assert len(found) == 49
    middle = v + a * 10.5 * TICK_s
    x = 0.5 * (way[10] + way[11])
    force = law.force_N + law.inertia_kg * a + law.viscous_N_s_per_m * middle
    force += law.quadratic_N_s2_per_m2 * middle**2 + law.stiffness_N_per_m * x
    assert found[10] == pytest.approx(min(max(force, 0.0), FORCE_MAX_N), abs=1e-6)


def test_the_law_never_pushes_and_ends_at_the_greatest_force() -> None:
    assert Law(50.0, 30.0).at(1.0, -2.0) == 0.0
    assert Law(500.0, 45.0).at(1.0, 20.0) == FORCE_MAX_N


@given(FORCES, st.floats(0, 100), STEPS_PER_S, PHASES)
def test_a_force_that_is_the_law_has_no_error(force: float, size: float, per_s: float, phase: float) -> None:
    law = [force + each for each in wave(size, per_s, phase)]
    found = steady(law, law)
    assert (found.mean_error_N, found.ripple_N) == (0.0, 0.0)
    assert found.mean_is_met and found.ripple_is_met


@given(FORCES, st.floats(1, 100), STEPS_PER_S, PHASES, st.floats(0.001, 0.05), st.floats(-20, 20))
def test_a_known_lag_and_offset_give_their_known_errors(
    force: float, size: float, per_s: float, phase: float, lag_s: float, offset: float
) -> None:
    """First order: e = offset - A j w T / (1 + j w T), whose rms is A w T / sqrt(2 + 2 (w T)^2)."""
    wt = 2 * math.pi * per_s * lag_s
    whole = whole_periods(TICKS, per_s)
    law = [force + each for each in wave(size, per_s, phase, whole)]
    late = wave(size / math.hypot(1, wt), per_s, phase - math.atan(wt), whole)
    found = steady([force + offset + each for each in late], law)
    # A period is no whole number of ticks: what is left over is less than half a tick of the wave.
    slack = size * per_s * TICK_s
    assert found.mean_error_N == pytest.approx(offset, abs=slack)
    assert found.ripple_N == pytest.approx(size * wt / math.hypot(1, wt) / math.sqrt(2), abs=slack)


@pytest.mark.parametrize(
    ("law_N", "error_N", "is_met"),
    [(50.0, 0.99, True), (50.0, -1.01, False), (300.0, -2.9, True), (300.0, 3.1, False)],
)
def test_the_mean_is_met_within_one_percent_or_one_newton(law_N: float, error_N: float, is_met: bool) -> None:
    assert steady([law_N + error_N] * 10, [law_N] * 10).mean_is_met is is_met


def test_nothing_is_measured_of_nothing() -> None:
    with pytest.raises(ValueError, match="one at least"):
        steady([], [])
    with pytest.raises(ValueError, match="as many"):
        steady([1.0], [1.0, 2.0])


@given(STEPS_PER_S, st.integers(1000, 5000))
def test_whole_periods_are_whole_to_half_a_tick(per_s: float, ticks: int) -> None:
    found = whole_periods(ticks, per_s)
    periods = found * TICK_s * per_s
    assert abs(periods - round(periods)) <= 0.5 * TICK_s * per_s + 1e-9
    assert ticks - 1 / (per_s * TICK_s) - 1 < found <= ticks + 1


def test_without_steps_everything_counts() -> None:
    assert whole_periods(1234, 0.0) == 1234
    assert fit_ripple([1.0, 2.0], 0, 2, 0.0).at(7) == 0.0


@settings(max_examples=20)
@given(STEPS_PER_S, PHASES, st.floats(1, 30), st.floats(-5, 5), st.floats(0, 10))
def test_ripple_that_stays_is_no_transient(
    per_s: float, phase: float, size: float, offset: float, second: float
) -> None:
    errors = [
        offset + one + two
        for one, two in zip(wave(size, per_s, phase), wave(second, 2 * per_s, 1.0), strict=True)
    ]
    whole = whole_periods(2400, per_s)
    ripple = fit_ripple(errors, TICKS - whole, TICKS, per_s)
    left = transient_N(errors, ripple)
    assert max(abs(each - offset) for each in left) < 0.02 * (size + second) + 0.01


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=200))
def test_smoothing_keeps_the_place_and_the_size(values: list[float]) -> None:
    left = smoothed(values, 10)
    assert len(left) == len(values)
    assert min(values) - 1e-9 <= min(left) and max(left) <= max(values) + 1e-9
    line = [float(n) for n in range(100)]
    assert all(each == pytest.approx(n - 0.5) for n, each in list(enumerate(smoothed(line, 10)))[5:95])


@given(st.floats(30, 500), st.sampled_from((1, -1)), st.floats(60, 600))
def test_an_exact_ramp_settles_when_it_enters_the_band(step: float, sign: int, law_N: float) -> None:
    rate = 180.0
    ramp_s = step / rate
    errors = [-sign * max(step - rate * n * TICK_s, 0.0) for n in range(5000)]
    found = change(smoothed(errors), law_N, sign * step, ramp_s)
    band = max(0.03 * law_N, 2.0)
    enters_s = max(ramp_s - band / rate, 0.0)
    assert found.settle_s == pytest.approx(enters_s, abs=0.006)  # the mean rounds the ramp's corner off
    assert found.overshoot_part == 0.0 and found.settle_is_met and found.overshoot_is_met


@given(st.floats(0.02, 0.3), st.floats(50, 300), STEPS_PER_S, PHASES)
@settings(max_examples=20)
def test_a_first_order_lag_settles_when_its_formula_says(
    lag_s: float, step: float, per_s: float, phase: float
) -> None:
    """|e| = step exp(-t / T) falls to the band at t = T ln(step / band), whatever ripple lies over it."""
    errors = [
        each - step * math.exp(-n * TICK_s / lag_s) for n, each in enumerate(wave(10.0, per_s, phase, 6000))
    ]
    whole = whole_periods(2400, per_s)
    left = transient_N(errors, fit_ripple(errors, 6000 - whole, 6000, per_s))
    found = change(left, 100.0, step, 0.0)
    assert found.settle_s == pytest.approx(lag_s * math.log(step / 3.0), abs=0.012)
    assert found.overshoot_part < 0.002


@given(st.floats(0.3, 0.9), st.sampled_from((1, -1)))
def test_overshoot_is_that_of_the_second_order(damping: float, sign: int) -> None:
    """exp(-pi z / sqrt(1 - z^2)) of the step, in the direction of the step only."""
    w, wd = 10.0, 10.0 * math.sqrt(1 - damping**2)
    errors = []
    for n in range(5000):
        t = n * TICK_s
        fall = math.exp(-damping * w * t)
        errors.append(-sign * 100.0 * fall * (math.cos(wd * t) + damping * w / wd * math.sin(wd * t)))
    found = change(smoothed(errors), 200.0, sign * 100.0, 0.0)
    exact = math.exp(-math.pi * damping / math.sqrt(1 - damping**2))
    assert found.overshoot_part == pytest.approx(exact, abs=0.01)
    assert change(smoothed(errors), 200.0, -sign * 100.0, 0.0).overshoot_part == pytest.approx(1.0, abs=0.03)


def test_an_error_that_stays_never_settles_and_both_overshoots_are_told_apart() -> None:
    found = change([4.0] * 100, 100.0, 50.0, 0.1, settled_N=4.0)
    assert math.isinf(found.settle_s) and not found.settle_is_met
    assert (found.overshoot_part, found.overshoot_settled_part) == (0.08, 0.0)


def test_the_window_of_the_mean_is_short_beside_the_allowance() -> None:
    assert SMOOTH_TICKS * TICK_s / 2 < 0.05 / 2
