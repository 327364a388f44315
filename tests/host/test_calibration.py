"""The arithmetic of calibration, on made-up recordings whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.calibration import braking, coasting
from host.calibration.estimate import Estimate, jackknife, mean_of_blocks, student
from host.calibration.recording import recordings, runs_of, smoothed
from host.calibration.rest import CONVERTER_N, at_rest, span_uN_per_raw, zero_raw
from host.telemetry import Sample
from tests.host.coasts import PERIOD_s, Truth, recording, roll, uneven_roll, way

TRUTHS = st.builds(
    Truth,
    mass_kg=st.floats(20, 60),
    rolling_N=st.floats(4, 40),
    slope_N_s_per_m=st.floats(0.01, 5),
    floor_N=st.just(0.0),
)
SPEEDS = st.lists(st.floats(1.2, 2.5), min_size=4, max_size=8)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (3, 3.182), (10, 2.228), (20, 2.086), (21, 2.080), (30, 2.042), (60, 2.000), (1000, 1.962)],
)
def test_the_interval_is_students(freedom: int, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, abs=0.002)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30))
def test_leaving_one_out_of_a_mean_gives_the_textbook_error(values: list[float]) -> None:
    numbers = np.array(values)
    whole, covariance = jackknife(len(values), lambda chosen: np.array([numbers[chosen].mean()]))
    assert whole[0] == pytest.approx(numbers.mean(), abs=1e-9)
    assert covariance[0, 0] == pytest.approx(numbers.var(ddof=1) / len(values), rel=1e-6, abs=1e-9)


def test_a_slow_wander_widens_the_error_of_a_mean() -> None:
    random = np.random.default_rng(1)
    white = random.normal(0, 0.5, 10_000)
    wander = np.repeat(random.normal(0, 0.5, 20), 500)
    assert mean_of_blocks(white, 500).standard_error == pytest.approx(0.005, rel=0.5)
    assert mean_of_blocks(white + wander, 500).standard_error > 0.05


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9))
def test_stretches_and_running_means_are_what_they_are_called(mask: list[bool], width: int) -> None:
    flags = np.array(mask, dtype=bool)
    rebuilt = np.zeros(len(mask), dtype=bool)
    for first, end in runs_of(flags):
        assert flags[first:end].all() and end > first
        rebuilt[first:end] = True
    assert (rebuilt == flags).all()
    if mask:
        assert len(smoothed(flags.astype(float), width)) == len(mask)
        assert smoothed(np.full(len(mask), 3.0), width) == pytest.approx(3.0)


def test_a_missing_sample_begins_a_new_recording() -> None:
    def sample(index: int) -> Sample:
        return Sample(index, index * 1e-3, index * 1e-4, 0.1, 0.0, 0.0, 0.0, False, 0, 0)

    pieces = recordings([sample(index) for index in (5, 6, 7, 9, 10, 20)], PERIOD_s)
    assert [len(piece.position_m) for piece in pieces] == [3, 2, 1]
    assert recordings([], PERIOD_s) == []


# Rest: zero and span.


@given(st.floats(-300, 300), st.sampled_from([30_518, 29_000, -30_518]), st.integers(20_000, 45_000))
def test_the_new_zero_leaves_less_than_half_a_step(reading_N: float, span: int, old: int) -> None:
    new, left = zero_raw(Estimate(reading_N, 0.0, 19), old, span)
    raw = old + reading_N / (span * 1e-6)
    assert abs((raw - new) * span * 1e-6) <= 0.5 * abs(span) * 1e-6 + 1e-9
    assert left.value == pytest.approx((raw - new) * span * 1e-6, abs=1e-6)
    assert left.standard_error == pytest.approx(0.0305 / 12**0.5, rel=0.06)


@given(st.floats(20, 900), st.floats(0.95, 1.05), st.sampled_from([1, -1]))
def test_the_new_span_makes_the_reading_the_force(force_N: float, scale: float, sign: int) -> None:
    reading = Estimate(force_N * scale * sign, 0.01, 19)
    new = span_uN_per_raw(reading, force_N, 30_518)
    assert reading.value / 30_518 * new.value == pytest.approx(force_N)
    # What the converter may be bent by is most of the error, and the less the more hangs.
    assert new.standard_error / abs(new.value) == pytest.approx(
        CONVERTER_N / 3**0.5 / (force_N * scale), rel=0.01
    )


def test_rest_tells_the_reading_its_wander_and_the_wheels_way() -> None:
    n = np.arange(10_000)
    rest = at_rest(recording(np.where(n < 6000, 0.0, 0.002), 3.0 + np.where(n < 5000, 0.0, 2.0)))
    assert rest.force_N.value == pytest.approx(4.0)
    assert rest.spread_N == pytest.approx(2.0) and rest.travel_m == pytest.approx(0.002, abs=2e-4)


# Coasting.


@settings(max_examples=30, deadline=None)
@given(TRUTHS, SPEEDS, st.floats(-0.05, 0.05))
def test_friction_is_found_from_position_alone(truth: Truth, speeds: list[float], start_m: float) -> None:
    rolls = [roll(truth, (-1) ** n, v0, start_m * n) for n, v0 in enumerate(speeds)]
    found = coasting.fit(rolls, truth.mass_kg)
    assert found.rolling_N.value == pytest.approx(truth.rolling_N, rel=0.01)
    assert found.slope_N_s_per_m.value == pytest.approx(
        truth.slope_N_s_per_m, abs=0.02 + 0.01 * truth.rolling_N
    )
    for speed in (0.3, 1.0):
        assert found.at(speed).value == pytest.approx(
            truth.rolling_N + truth.slope_N_s_per_m * speed, rel=0.005
        )
    assert found.residual_m < 0.000_06 and found.runs == len(speeds)


@pytest.mark.parametrize("floor_N", [-0.8, 0.5])
def test_runs_both_ways_tell_the_floor_from_friction_and_runs_one_way_do_not(floor_N: float) -> None:
    truth = Truth(floor_N=floor_N)
    speeds = (1.4, 1.6, 1.8, 2.0)
    both = coasting.fit([roll(truth, d, v0) for d in (1, -1) for v0 in speeds], truth.mass_kg)
    assert both.rolling_N.value == pytest.approx(11.2, rel=0.003)
    assert both.floor_N is not None and both.floor_N.value == pytest.approx(floor_N, abs=0.02)
    one = coasting.fit([roll(truth, 1, v0) for v0 in speeds], truth.mass_kg)
    assert one.floor_N is None
    assert one.rolling_N.value == pytest.approx(11.2 - floor_N, rel=0.003)


def test_a_growth_that_comes_out_negative_is_none() -> None:
    truth = Truth(slope_N_s_per_m=0.0)
    random = np.random.default_rng(5)
    sets = [[uneven_roll(truth, (-1) ** n, 1.8, random) for n in range(6)] for _ in range(5)]
    slopes = [coasting.fit(rolls, truth.mass_kg).slope_N_s_per_m for rolls in sets]
    assert min(slope.value for slope in slopes) == 0.0 < max(slope.value for slope in slopes)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = Truth()
    random = np.random.default_rng(11)
    covered = []
    for _ in range(50):
        rolls = [uneven_roll(truth, (-1) ** n, random.uniform(1.2, 2.0), random) for n in range(6)]
        found = coasting.fit(rolls, truth.mass_kg)
        at_1 = found.at(1.0)
        covered.append(abs(at_1.value - 12.3) < at_1.half_width)
        assert at_1.half_width < 1.2
    assert 0.86 <= np.mean(covered) <= 1.0 and not all(covered)


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="2 runs are too few"):
        coasting.fit([roll(Truth(), 1, 1.5)] * 2, 30.0)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([1, -1]), st.floats(1.0, 2.2), st.floats(60, 200), st.integers(0, 2**32 - 1))
def test_a_stretch_is_found_only_where_nobody_touches_the_sled(
    direction: int, v0: float, shove_N: float, seed: int
) -> None:
    truth = Truth()
    gain = (shove_N - 13.0) / truth.mass_kg
    shove_s = np.arange(int(v0 / gain / PERIOD_s)) * PERIOD_s
    shoved = 0.5 * gain * shove_s**2
    _, rolled = way(truth, direction, v0, 0.001)
    position = np.concatenate(
        (np.zeros(500), shoved, shoved[-1] + rolled, np.full(500, shoved[-1] + rolled[-1]))
    )
    tow = np.zeros(len(position))
    tow[500 : 500 + len(shoved)] = shove_N * direction
    tow += np.random.default_rng(seed).normal(0, 0.5, len(tow))
    (found,) = coasting.find_rolls(recording(position * direction, tow))
    assert found.direction == direction
    assert found.first_m_per_s < v0 and found.last_m_per_s == pytest.approx(0.15, abs=0.005)
    assert found.length_m < rolled[-1]
    braked = recording(position * direction, tow, 5.0)
    assert coasting.find_rolls(braked) == []
    leaned_on = recording(position * direction, tow + 4.0)
    assert coasting.find_rolls(leaned_on) == []


# Braking.

OWN = braking.Own(30.0, 11.2, 1.1)


def pulled(
    scale: float, command_N: float, direction: int, pace: float, random: np.random.Generator
) -> braking.Recording:
    """Ten seconds at a pace with a ripple of 1.75 steps a second, and what the cell reads of it."""
    t = np.arange(10_000) * PERIOD_s
    ripple, omega = 0.12 * pace, 3.5 * np.pi
    phase = random.uniform(0, 6)
    velocity = pace + ripple * np.sin(omega * t + phase)
    position = pace * t - ripple / omega * np.cos(omega * t + phase)
    acceleration = ripple * omega * np.cos(omega * t + phase)
    tow = scale * command_N + 30.0 * acceleration + 11.2 + 1.1 * velocity + random.normal(0, 0.5, len(t))
    return recording(position * direction, tow * direction, command_N)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.8, 1.2), st.sampled_from([1, -1]), st.floats(0.5, 1.5), st.integers(0, 2**32 - 1))
def test_the_brakes_scale_is_found_through_the_sleds_own_forces(
    scale: float, direction: int, pace: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    loads = [
        braking.find_pulls(pulled(scale, command_N, direction, pace, random), OWN)
        for command_N in (60.0, 140.0, 220.0, 290.0)
    ]
    assert min(len(pulls) for pulls in loads) >= 8
    found = braking.fit(loads)
    assert found.scale.value == pytest.approx(scale, rel=0.003)
    assert found.loads == 4 and found.residual_N < 0.5


def test_standing_creeping_and_unbraked_motion_tell_nothing_of_the_brake() -> None:
    random = np.random.default_rng(2)
    assert braking.find_pulls(pulled(1.0, 100.0, 1, 0.3, random), OWN) == []
    assert braking.find_pulls(pulled(1.0, 10.0, 1, 1.0, random), OWN) == []


def test_loads_that_disagree_widen_the_interval() -> None:
    def load(command_N: float, brake_N: float) -> list[braking.Pull]:
        return [braking.Pull(command_N, brake_N, 1.0)] * 8

    agreed = braking.fit([load(100, 101), load(200, 202), load(300, 303)])
    assert agreed.scale.value == pytest.approx(1.01) and agreed.scale.half_width < 1e-6
    bent = braking.fit([load(100, 101), load(200, 206), load(300, 297)])
    assert bent.scale.half_width > 0.03
    with pytest.raises(ValueError, match="2 loads are too few"):
        braking.fit([load(100, 101), load(200, 202), []])
