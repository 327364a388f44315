"""Work above the critical power tires, rest refreshes, and a tired body is weaker, slower, less even."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.people.athlete import DONE, GAVE_UP, Athlete
from sim.people.bodies import ATHLETES, Body
from sim.people.fatigue import Fatigue
from tests.sim.walking import Walk

HEAVY_N = 250.0


def test_the_reserve_falls_by_the_work_above_the_critical_power():
    fatigue = Fatigue(critical_W=200.0, reserve_J=15_000.0)
    fatigue.spend(200.0, 600.0)
    assert fatigue.freshness == 1.0
    for _ in range(100):
        fatigue.spend(260.0, 0.5)
    assert fatigue.freshness == pytest.approx(1.0 - 60.0 * 50.0 / 15_000.0)
    fatigue.spend(1_000.0, 60.0)
    assert fatigue.freshness == 0.0


def test_rest_refills_the_reserve_as_the_differential_equation_does():
    fatigue = Fatigue(critical_W=200.0, reserve_J=15_000.0)
    fatigue.spend(1_000.0, 60.0)
    fatigue.spend(50.0, 60.0)
    # dW/dt = (CP - P) (W0 - W) / W0 from an empty reserve.
    assert fatigue.freshness == pytest.approx(1.0 - math.exp(-150.0 * 60.0 / 15_000.0), abs=0.005)
    fatigue.spend(0.0, 3600.0)
    assert fatigue.freshness == 1.0


@given(
    st.lists(st.tuples(st.floats(0.0, 3_000.0), st.floats(0.0, 400.0)), max_size=20),
    st.floats(30.0, 600.0),
    st.floats(1_000.0, 50_000.0),
    st.floats(50.0, 3_000.0),
)
def test_freshness_stays_between_nothing_and_all_and_strength_follows(spells, critical_W, reserve_J, most_W):
    fatigue = Fatigue(critical_W, reserve_J)
    for power_W, time_s in spells:
        before = fatigue.freshness
        fatigue.spend(power_W, time_s)
        assert 0.0 <= fatigue.freshness <= 1.0
        # A rest of no time to speak of may round down by one bit.
        assert fatigue.freshness >= before - 1e-12 if power_W <= critical_W else fatigue.freshness <= before
        # The power of the line is never below the critical one, nor above that of the fresh body.
        power_now_W = fatigue.strength(most_W) * most_W
        assert min(critical_W, most_W) - 1e-6 <= power_now_W <= most_W + 1e-6


def tired_walk(kind="recreational", seconds=150.0, **changes):
    """A long lane under a load that cannot be kept up."""
    body = ATHLETES[kind]._replace(**changes)
    walk = Walk(Athlete(body, seed=2, lane_m=400.0, lengths=1, is_pull_first=True), HEAVY_N)
    walk.run(seconds, DONE, GAVE_UP)
    return walk


def test_who_works_above_the_critical_power_slows_down_to_it():
    walk = tired_walk(reserve_J_per_kg=60.0)
    body = walk.athlete.body
    early = statistics.fmean(walk.speeds[5_000:15_000])
    late = statistics.fmean(walk.speeds[-20_000:])
    # The reserve empties at first, and then lasts as the pace sinks to what can be kept up.
    assert walk.athlete.freshness < 0.5
    assert late < 0.9 * early
    critical_W = body.critical_W_per_kg * body.body_mass_kg
    assert early * (HEAVY_N + 12.0) > 1.15 * critical_W
    assert late * (HEAVY_N + 12.0) == pytest.approx(critical_W, rel=0.08)
    assert walk.athlete.state != GAVE_UP


def test_who_is_tired_steps_less_evenly():
    fresh = Walk(Athlete(Body(tired_cv=3.0), seed=2, lane_m=400.0, lengths=1, is_pull_first=True), 60.0)
    fresh.run(150.0, DONE, GAVE_UP)
    tired = tired_walk(tired_cv=3.0)

    def late_cv(walk):
        times = [step.duration_s for step in walk.athlete.steps if step.time_s > 60.0]
        return statistics.stdev(times) / statistics.fmean(times)

    assert fresh.athlete.freshness == 1.0
    assert late_cv(tired) > 1.5 * late_cv(fresh)


def test_a_rest_between_two_lengths_refreshes():
    def freshness(rest_s):
        walk = Walk(Athlete(Body(), seed=2, lane_m=60.0, lengths=2, is_pull_first=True), HEAVY_N)
        walk.athlete.do("rest", 0.0, for_s=rest_s)
        walk.run(600.0, DONE, GAVE_UP)
        return [length.freshness for length in walk.athlete.lengths]

    short, long = freshness(1.0), freshness(120.0)
    assert short[0] == long[0] < 0.85
    assert short[1] < short[0]
    assert long[1] > short[1] + 0.06


def test_who_does_not_slow_down_is_made_to_by_failing_strength():
    body = Body(critical_W_per_kg=0.8, reserve_J_per_kg=30.0, tired_pace=0.0)
    walk = Walk(Athlete(body, seed=2, lane_m=400.0, lengths=1, is_pull_first=True), HEAVY_N)
    walk.run(8.0)
    assert statistics.fmean(walk.speeds[6_000:]) > 0.8
    walk.run(100.0)
    late = statistics.fmean(walk.speeds[-20_000:])
    assert late * (HEAVY_N + 11.5) == pytest.approx(0.8 * 80.0, rel=0.1)


def test_what_is_too_heavy_even_when_fresh_makes_the_athlete_give_up():
    walk = Walk(Athlete(Body(), seed=2, is_pull_first=True), 1000.0, holds_at_rest=True)
    walk.run(12.0, GAVE_UP)
    assert walk.athlete.state == GAVE_UP and walk.plant.hitch == 0


def test_half_a_body_weight_for_16_lengths_leaves_the_trained_fresh():
    for kind in ("recreational", "strong"):
        walk = Walk(Athlete(ATHLETES[kind], seed=2, lane_m=15.0, lengths=16))
        walk.run(400.0, DONE)
        assert walk.athlete.lengths[-1].freshness > 0.95
