"""The kinds of athlete: who they are, and that each walks as its values say."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.people.athlete import DONE, Athlete
from sim.people.bodies import ABOUT, ATHLETES, BODY_FACTS, Body
from sim.people.effort import CONTROL_s, Effort
from sim.people.gait import WALK_TICKS, Gait
from sim.world import parameters
from sim.world.parameters import Sled
from sim.world.plant import HANDLES, TETHER, Plant
from tests.sim.walking import Walk


def test_every_kind_of_athlete_is_described():
    assert set(ABOUT) == set(ATHLETES)
    assert all(20 < len(sentence) < 110 and sentence.endswith(".") for sentence in ABOUT.values())
    assert ATHLETES["recreational"] == Body()


def test_a_source_is_named_or_the_value_is_marked_as_assumption():
    named = ("assumption", "Cross", "Cahill", "walking", "user")
    assert all(any(word in fact.source for word in named) for fact in BODY_FACTS.values())


def test_the_kinds_differ_in_what_makes_them_hard_on_a_controller():
    usual, old, fast, lame = (ATHLETES[n] for n in ("recreational", "elderly", "sprinter", "limping"))
    assert fast.steps_per_s == 4.2 == max(body.steps_per_s for body in ATHLETES.values())
    assert old.steps_per_s == 1.6 == min(body.steps_per_s for body in ATHLETES.values())
    assert old.step_time_cv > 1.5 * usual.step_time_cv and old.drive_part < lame.drive_part < 1.0
    assert old.reaction_s > usual.reaction_s > fast.reaction_s
    assert lame.asymmetry >= 0.2 and lame.step_time_asymmetry >= 0.15
    assert usual.step_time_asymmetry == 0.0


def run(body, **changes):
    walk = Walk(Athlete(body._replace(step_time_cv=0.0, **changes), seed=4, lane_m=40.0, lengths=1))
    walk.run(120.0, DONE)
    assert walk.athlete.state == DONE
    return walk


def test_a_shorter_drive_leaves_a_longer_valley_between_steps():
    def valley(drive_part):
        """Part of the time at which propulsion is at the least of its step."""
        walk = Walk(Athlete(Body(step_time_cv=0.0, asymmetry=0.0, drive_part=drive_part), seed=4))
        walk.run(8.0)
        forces = []
        for _ in range(2000):
            walk.tick()
            forces.append(abs(walk.plant.propulsion_N))
        low = min(forces) + 0.1 * (max(forces) - min(forces))
        return sum(force < low for force in forces) / len(forces)

    assert valley(0.7) > valley(1.0) + 0.2


@pytest.mark.parametrize("depth", [0.2, 0.8])
def test_a_deeper_pulse_ripples_more(depth):
    def ripple(depth):
        walk = run(Body(), pulse_depth=depth)
        speeds = [abs(v) for v in walk.speeds[8_000:16_000]]
        return statistics.stdev(speeds)

    assert ripple(depth + 0.4) > 1.3 * ripple(depth)


@pytest.mark.parametrize("body", ATHLETES.values(), ids=ATHLETES)
def test_steady_effort_drives_with_the_bodys_mean_cadence_and_symmetry(body):
    steps = []
    plant = Plant(Sled())
    gait = Gait(body._replace(step_time_cv=0.0), 1, True, steps.append)
    gait.start(plant, 0.0, HANDLES)
    gait.drive(100.0, 150.0)
    for tick in range(0, 60_000, WALK_TICKS):
        gait.walk(plant, tick * 0.001)

    def mean(name, side):
        return statistics.fmean(getattr(step, name) for step in steps[2:] if step.side in side)

    def symmetry(name):
        return (mean(name, "L") - mean(name, "R")) / mean(name, "LR")

    assert symmetry("drive_Ns") == pytest.approx(body.asymmetry, abs=0.005)
    assert symmetry("duration_s") == pytest.approx(body.step_time_asymmetry, abs=0.001)
    assert 1 / mean("duration_s", "LR") == pytest.approx(body.steps_per_s, rel=0.003)
    assert mean("drive_Ns", "LR") * body.steps_per_s == pytest.approx(100.0, rel=0.005)


def test_letting_go_before_a_step_has_begun_leaves_no_step_and_the_same_foot_next():
    steps = []
    plant = Plant(Sled())
    gait = Gait(Body(), 1, True, steps.append)
    gait.start(plant, 1.0, TETHER)
    gait.stop(plant, 1.0)
    assert gait.side == "" and not steps
    gait.start(plant, 2.0, TETHER)
    assert gait.side == "L"


@given(st.sampled_from(sorted(ATHLETES)), st.booleans(), st.data())
def test_effort_stays_within_what_the_body_can_do_at_its_speed(kind, is_pull, data):
    body = ATHLETES[kind]
    effort = Effort(body)
    effort.face(is_pull)
    top = body.top_pull_m_per_s if is_pull else body.top_push_m_per_s
    stall = body.body_mass_kg * (body.pull_N_per_kg if is_pull else body.push_N_per_kg)
    before = 0.0
    for _ in range(data.draw(st.integers(1, 6))):
        speed = data.draw(st.floats(-3.0, 8.0))
        wanted = data.draw(st.floats(0.0, 3.0))
        is_all_out = data.draw(st.booleans())
        for _ in range(data.draw(st.integers(1, 150))):
            force = effort.next(speed, wanted, is_all_out)
            most = stall * min(1.0, max(0.0, 1.0 - speed / top))
            assert -0.3 * stall - 1e-9 <= force <= most + 1e-9
            assert effort.most_N == pytest.approx(most)
            fastest = body.effort_N_per_s_kg * body.body_mass_kg * CONTROL_s
            assert force - before <= fastest + 1e-9
            assert before - force <= fastest + 1e-9 or force == pytest.approx(most)
            before = force


def test_cadence_stays_what_legs_can_do():
    for wanted, real in ((0.2, 1.0), (9.0, 4.2), (2.0, 2.0)):
        steps = []
        gait = Gait(Body(step_time_cv=0.0), 1, True, steps.append)
        gait.steps_per_s = wanted
        plant = Plant(Sled())
        gait.start(plant, 0.0, TETHER)
        for tick in range(0, 4_000, WALK_TICKS):
            gait.walk(plant, tick * 0.001)
        assert steps[0].duration_s == pytest.approx(1 / real)


def test_no_step_is_shorter_than_half_or_longer_than_half_as_much_again():
    steps = []
    gait = Gait(Body(step_time_cv=1.0), 1, True, steps.append)
    plant = Plant(Sled())
    gait.start(plant, 0.0, TETHER)
    for tick in range(0, 60_000, WALK_TICKS):
        gait.walk(plant, tick * 0.001)
    parts = [step.duration_s * Body().steps_per_s for step in steps]
    assert min(parts) == pytest.approx(0.5) and max(parts) == pytest.approx(1.5)


def test_a_step_is_even_when_it_slows_and_early_and_bounded_when_it_recovers():
    steps, forces = [], []
    gait = Gait(Body(step_time_cv=0.0, asymmetry=0.0), 1, True, steps.append)
    plant = Plant(Sled())
    gait.start(plant, 0.0, TETHER)
    gait.drive(-30.0, 100.0)
    for tick in range(0, 600, WALK_TICKS):
        gait.walk(plant, tick * 0.001)
        assert plant.propulsion_N == -30.0
    gait.drive(90.0, 100.0)
    gait.stumble(0.6, 0.2)
    for tick in range(600, 2_000, WALK_TICKS):
        gait.walk(plant, tick * 0.001)
        forces.append((gait.mark, plant.propulsion_N))
    assert {force for mark, force in forces if mark == "stumble"} == {0.0}
    # 1.6 times the effort would be 144 N, but the body makes 100 N at most, 1.4 times that at the peak.
    assert max(force for mark, force in forces if mark == "recovery") == pytest.approx(140.0, rel=0.001)
    assert [step.mark for step in steps] == ["", "stumble", "recovery", ""]
    assert steps[2].duration_s == pytest.approx(0.75 * steps[3].duration_s)


@pytest.mark.parametrize("kind", sorted(ATHLETES))
def test_no_foot_presses_harder_than_the_body_can_brace_whatever_the_step(kind):
    body = ATHLETES[kind]
    most_N = body.brace_N_per_kg * body.body_mass_kg
    plant = Plant(Sled(), body.body_mass_kg)
    gait = Gait(body, 3, True, lambda step: None)
    gait.start(plant, 0.0, HANDLES)
    forces_N = []
    for n in range(3000):
        gait.drive((-1.0 if n > 2000 else 1.0) * 1.2 * most_N, 1.2 * most_N)
        gait.walk(plant, n * 0.002)
        forces_N.append(plant.propulsion_N)
    assert min(forces_N) == -most_N and max(forces_N) == most_N


def test_every_value_of_a_body_has_a_range_and_what_is_outside_cannot_be_simulated():
    assert set(BODY_FACTS) == set(Body._fields)
    for body in ATHLETES.values():
        parameters.check(body)
    for name, fact in BODY_FACTS.items():
        for value in (fact.minimum - 1.0, fact.maximum + 1.0, float("nan")):
            with pytest.raises(ValueError, match=f"^{name} must be from"):
                parameters.check(Body()._replace(**{name: value}))


@pytest.mark.parametrize("kind", sorted(ATHLETES))
@pytest.mark.parametrize("brake_N", [8.0, 20.0])
def test_a_light_sled_is_slowed_in_time_and_does_not_roll_far_beyond_the_lanes_end(kind, brake_N):
    walk = Walk(Athlete(ATHLETES[kind], seed=3, lane_m=6.0, lengths=2), brake_N=brake_N)
    walk.run(120.0, DONE)
    assert walk.athlete.state == DONE
    push, pull = walk.athlete.lengths
    assert -0.1 < -push.end_m - 6.0 < 0.5 and -0.1 < pull.end_m < 0.5
