"""The athlete alone, on a sled whose brake makes half a body weight on turf: gait, lengths, manners."""

import itertools
import statistics

import pytest

from sim.people.athlete import DONE, GAVE_UP, GO, GRIP, STAND_BY, Athlete, ScriptedForce, smooth
from sim.people.bodies import ATHLETES, Body
from sim.world.parameters import Sled
from sim.world.plant import HANDLES, SLACK, TETHER, Plant
from tests.sim.walking import Walk, half_weight_N

BRAKE_N = half_weight_N(Body())


@pytest.fixture(scope="module", params=ATHLETES)
def walk(request):
    walk = Walk(Athlete(ATHLETES[request.param], seed=3, lane_m=15.0, lengths=6))
    walk.run(300.0, DONE, GAVE_UP)
    return walk


def steady_strides(walk, length):
    """Ticks at which each left step of the steady part of a length begins."""
    begin, end = length.start_s + 3.0, length.end_s - 2.5
    return [int(s.time_s * 1000) for s in walk.athlete.steps if s.side == "L" and begin < s.time_s < end]


def test_a_workout_alternates_and_ends_where_the_lane_ends(walk):
    lengths = walk.athlete.lengths
    assert walk.athlete.state == DONE
    assert [length.number for length in lengths] == [1, 2, 3, 4, 5, 6]
    assert [length.direction for length in lengths] == [HANDLES, TETHER] * 3
    for length in lengths:
        assert length.end_m == pytest.approx(-15.0 if length.direction == HANDLES else 0.0, abs=0.15)
        assert abs(length.end_m - length.start_m) == pytest.approx(15.0, abs=0.3)
    for before, after in zip(lengths, list(lengths)[1:], strict=False):
        assert after.start_m == before.end_m
        pause = walk.athlete.body.turn_s
        assert 0.85 * pause < after.start_s - before.end_s < 1.6 * pause


def test_steady_speed_is_the_pace_and_ripples_by_5_to_16_percent_in_each_stride(walk):
    body = walk.athlete.body
    for length in walk.athlete.lengths:
        strides = steady_strides(walk, length)
        ripples = []
        speeds = [abs(v) for v in walk.speeds[strides[0] : strides[-1]]]
        pace = body.pace_pull_m_per_s if length.direction == TETHER else body.pace_push_m_per_s
        assert statistics.fmean(speeds) == pytest.approx(pace, rel=0.06)
        for a, b in itertools.pairwise(strides):
            stride = [abs(v) for v in walk.speeds[a:b]]
            ripples.append((max(stride) - min(stride)) / statistics.fmean(stride))
        assert 0.05 < statistics.fmean(ripples) < 0.16


def whole_steps(walk):
    return [step for step in walk.athlete.steps if not step.mark]


def symmetry(steps, name):
    """(left - right) over their mean."""
    left = statistics.fmean(getattr(step, name) for step in steps if step.side == "L")
    right = statistics.fmean(getattr(step, name) for step in steps if step.side == "R")
    return 2 * (left - right) / (left + right)


def test_steps_alternate_with_the_bodys_cadence_variability_and_symmetry(walk):
    body = walk.athlete.body
    assert all(a.side != b.side for a, b in itertools.pairwise(walk.athlete.steps))
    for length in walk.athlete.lengths:
        steps = [s for s in walk.athlete.steps if length.start_s <= s.time_s < length.end_s]
        assert len(steps) == length.steps == length.left_steps + length.right_steps
        for a, b in itertools.pairwise(steps):
            assert a.time_s + a.duration_s == pytest.approx(b.time_s, abs=1e-9)
        assert {step.mark for step in steps[:-1]} == {""} and steps[-1].mark == "cut"
        assert steps[-1].time_s + steps[-1].duration_s == length.end_s
    steps = whole_steps(walk)
    assert 1 / statistics.fmean(s.duration_s for s in steps) == pytest.approx(body.steps_per_s, rel=0.02)
    for side in "LR":
        times = [step.duration_s for step in steps if step.side == side]
        cv = statistics.stdev(times) / statistics.fmean(times)
        assert cv == pytest.approx(body.step_time_cv * (1 + body.tired_cv * 0.05), rel=0.25)
    assert symmetry(steps, "duration_s") == pytest.approx(body.step_time_asymmetry, abs=0.025)
    assert symmetry(steps, "drive_Ns") == pytest.approx(body.asymmetry, abs=0.06)


def test_the_truth_of_steps_adds_up_to_that_of_the_length(walk):
    for length in walk.athlete.lengths:
        steps = [s for s in walk.athlete.steps if length.start_s <= s.time_s < length.end_s]
        impulse_Ns = sum(step.mean_force_N * step.duration_s for step in steps)
        way_m = abs(length.end_m - length.start_m)
        assert length.mean_force_N == pytest.approx(length.work_J / way_m, rel=1e-9)
        assert length.walked_s == pytest.approx(length.end_s - length.start_s, abs=1e-9)
        # What the ground gives goes through the hitch; the body stood at first, and is slow at the end.
        left_Ns = sum(step.drive_Ns for step in steps) - impulse_Ns
        assert -0.1 < left_Ns / walk.athlete.body.body_mass_kg < 0.7
        assert length.peak_force_N == max(step.peak_N for step in steps) > length.mean_force_N
        assert length.peak_power_W == max(step.peak_W for step in steps) > length.mean_power_W
        assert sum(step.work_J for step in steps) == pytest.approx(length.work_J, rel=1e-6)
        assert length.mean_power_W == pytest.approx(length.work_J / length.walked_s, rel=1e-6)
        assert sum(step.way_m for step in steps) == pytest.approx(length.mean_speed_m_per_s * length.walked_s)
        assert length.mean_speed_m_per_s * length.walked_s == pytest.approx(15.0, abs=0.6)


def test_the_truth_of_a_step_is_what_happened_in_its_time():
    walk = Walk(Athlete(Body(), seed=2, lane_m=15.0, lengths=1))
    hitch_N, drive_N = [], []
    while walk.athlete.state != DONE:
        walk.tick()
        hitch_N.append(-walk.plant.hitch_N)
        drive_N.append(-walk.plant.propulsion_N)
    for step in walk.athlete.steps:
        begin, end = round(step.time_s * 1000), round((step.time_s + step.duration_s) * 1000)
        assert step.hitch_Ns == pytest.approx(sum(hitch_N[begin:end]) / 1000, rel=0.02, abs=0.5)
        assert step.drive_Ns == pytest.approx(sum(drive_N[begin:end]) / 1000, rel=0.02, abs=0.5)
        assert step.peak_N == pytest.approx(max(hitch_N[begin:end]), rel=0.05)


def test_side_and_phase_are_those_of_the_present_step():
    walk = Walk(Athlete(Body(), seed=2, lane_m=15.0, lengths=1))
    seen = []
    while walk.athlete.state != DONE:
        walk.tick()
        athlete = walk.athlete
        assert 0.0 <= athlete.phase < 1.0 and (athlete.side != "") == (athlete.state == GO)
        if athlete.side and (not seen or seen[-1] != athlete.side):
            assert athlete.phase < 0.01
            seen.append(athlete.side)
    assert seen == [step.side for step in walk.athlete.steps]


def test_the_left_step_is_stronger_by_the_asymmetry():
    for asymmetry in (0.2, -0.2):
        walk = Walk(Athlete(Body(asymmetry=asymmetry, step_time_cv=0.0), seed=4, lane_m=60.0, lengths=1))
        walk.run(70.0, DONE)
        gains = {"L": [], "R": []}
        steps = [s for s in walk.athlete.steps if 6.0 < s.time_s < 45.0]
        for a, b in itertools.pairwise(steps):
            at = walk.speeds[int(a.time_s * 1000)], walk.speeds[int(b.time_s * 1000)]
            gains[a.side].append(abs(at[1]) - abs(at[0]))
        difference = statistics.fmean(gains["L"]) - statistics.fmean(gains["R"])
        assert difference * asymmetry > 0 and abs(difference) > 0.005


def test_truth_of_force_and_work_fits_the_sled(walk):
    assert sum(length.work_J for length in walk.athlete.lengths) == pytest.approx(
        walk.plant.friction_J + walk.plant.brake_J, rel=0.001
    )
    for length in walk.athlete.lengths:
        assert length.mean_force_N == pytest.approx(walk.brake_N + 11.8, rel=0.015)


def test_speed_rises_and_falls_without_a_jerk(walk):
    ticks = round(1000 / walk.athlete.body.steps_per_s)
    smoothed = [sum(walk.speeds[n : n + ticks]) / ticks for n in range(0, len(walk.speeds) - ticks, 20)]
    steps = [abs(b - a) / 0.02 for a, b in itertools.pairwise(smoothed)]
    assert max(steps) < 3.5  # m/s^2, averaged over a step
    assert smooth(-1) == 0 and smooth(0.5) == 0.5 and smooth(2) == 1


def test_nobody_moves_before_enable_and_everybody_2_s_after_it():
    walk = Walk(Athlete(Body(), seed=1))
    walk.is_enabled = False
    walk.run(5.0)
    assert walk.athlete.state == STAND_BY and walk.plant.athlete_J == 0.0
    walk.is_enabled = True
    walk.run(1.9)
    assert walk.athlete.state == GRIP and walk.plant.athlete_J == 0.0
    walk.run(1.0)
    assert walk.athlete.state == GO and walk.plant.v_m_per_s < 0.0


def test_a_length_begins_softly():
    walk = Walk(Athlete(Body(), seed=1))
    walk.run(2.1, GO)
    pushes = []
    for _ in range(400):
        walk.run(0.001)
        pushes.append(abs(walk.plant.propulsion_N))
    assert max(pushes[:100]) < 30.0 and max(pushes[:200]) < 80.0
    walk.run(3.0)
    assert abs(walk.plant.v_m_per_s) > 0.8


def test_who_could_not_keep_pace_does_not_rush_off_when_the_load_eases():
    walk = Walk(Athlete(Body(), seed=1, lane_m=200.0), brake_N=370.0)
    walk.run(25.0)
    slow = abs(statistics.fmean(walk.speeds[-3000:]))
    assert slow < 0.5 * Body().pace_push_m_per_s
    walk.brake_N = BRAKE_N
    walk.run(8.0)
    assert abs(statistics.fmean(walk.speeds[-2000:])) < 1.25 * Body().pace_push_m_per_s


def test_who_loses_the_load_stops_and_goes_on_when_it_is_back():
    walk = Walk(Athlete(Body(), seed=1, lane_m=15.0, lengths=2))
    walk.run(8.0)
    walk.is_enabled = False
    walk.run(8.0)
    assert walk.athlete.state == STAND_BY and walk.plant.v_m_per_s == 0.0
    stopped_m = walk.plant.x_m
    assert -15.0 < stopped_m < -3.0
    walk.is_enabled = True
    walk.run(60.0, DONE)
    first = walk.athlete.lengths[0]
    assert first.number == 1 and first.start_m == 0.0 and first.end_m == pytest.approx(-15.0, abs=0.15)


def test_who_cannot_move_the_sled_gives_up():
    walk = Walk(Athlete(Body(), seed=1))
    walk.plant = Plant(Sled(rolling_N=600.0))
    walk.run(30.0, GAVE_UP)
    assert walk.athlete.state == GAVE_UP
    assert walk.plant.x_m == 0.0 and walk.plant.hitch == SLACK


def test_effort_never_leaves_the_force_velocity_line():
    body = Body(pace_push_m_per_s=2.4)
    walk = Walk(Athlete(body, seed=1, lane_m=200.0), brake_N=330.0)
    walk.run(25.0)
    # The mean force that can be kept up at the speed reached is what the line allows there.
    speed = abs(statistics.fmean(walk.speeds[15_000:]))
    most = body.body_mass_kg * body.push_N_per_kg * (1 - speed / body.top_push_m_per_s)
    assert speed < 1.5
    assert 330.0 + 11.2 + 1.1 * speed == pytest.approx(most, rel=0.05)


def test_a_script_is_a_force_in_time():
    plant = Plant(Sled())
    person = ScriptedForce(lambda t: 100.0 if t < 0.1 else -50.0)
    person.act(plant, 0.05, False)
    assert plant.touch_N == 100.0
    person.act(plant, 0.15, False)
    assert plant.touch_N == -50.0


def test_two_seeds_walk_differently_and_one_seed_the_same():
    def trace(seed):
        walk = Walk(Athlete(Body(), seed=seed))
        walk.run(10.0)
        return walk.speeds

    assert trace(5) == trace(5)
    assert trace(5) != trace(6)
