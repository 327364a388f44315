"""What happens to an athlete on the way, and what a change of the load does to one."""

import statistics

import pytest

from sim.people.athlete import ASIDE, DONE, GAVE_UP, GO, HOLD, SHOVE, STAND_BY, TURN, Athlete
from sim.people.bodies import ATHLETES, Body
from sim.people.events import EVENTS, complete
from sim.world.plant import HANDLES, SLACK, TETHER
from tests.sim.walking import Walk

PULL_AND_PUSH = pytest.mark.parametrize("is_pull", [True, False], ids=["pull", "push"])


def walking(is_pull=False, body=Body(), lane_m=15.0, seconds=6.0, lengths=2):  # noqa: B008 - immutable
    """An athlete in the middle of a first length."""
    walk = Walk(Athlete(body, seed=3, lane_m=lane_m, lengths=lengths, is_pull_first=is_pull))
    walk.run(seconds)
    assert walk.athlete.state == GO
    return walk


def forward(walk, seconds):
    """Mean speed over the last `seconds`, in the direction of the walk."""
    return abs(statistics.fmean(walk.speeds[-round(seconds * 1000) :]))


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("kind", ATHLETES)
def test_after_every_event_the_workout_goes_on_to_its_end(kind, name):
    walk = Walk(Athlete(ATHLETES[kind], seed=5, lane_m=9.0, lengths=2, is_pull_first=True))
    walk.athlete.do(name, 4.5)
    walk.run(150.0, DONE, GAVE_UP)
    assert walk.athlete.state == DONE and walk.athlete.waiting == ()
    assert [happening.name for happening in walk.athlete.happened] == [name]
    assert 4.5 <= walk.athlete.happened[0].time_s < 4.6
    first, second = walk.athlete.lengths
    assert first.end_m == pytest.approx(9.0, abs=0.2) and second.end_m == pytest.approx(0.0, abs=0.2)
    assert first.direction == TETHER and second.direction == HANDLES
    plant = walk.plant
    assert first.work_J + second.work_J == pytest.approx(plant.athlete_J, abs=1e-6)
    assert plant.athlete_J == pytest.approx(plant.friction_J + plant.brake_J + plant.kinetic_J, abs=1e-6)


@PULL_AND_PUSH
def test_a_stumble_takes_the_force_away_and_one_hard_step_catches_it(is_pull):
    walk = walking(is_pull)
    before = forward(walk, 1.0)
    walk.athlete.do("stumble", walk.now_s, for_s=0.4)
    walk.run(0.012)
    fell = walk.now_s
    while walk.now_s < fell + 0.39:
        walk.tick()
        assert walk.plant.propulsion_N == 0.0
    assert abs(walk.plant.v_m_per_s) < 0.75 * before
    walk.run(3.0)
    steps = list(walk.athlete.steps)
    at = next(n for n, step in enumerate(steps) if step.mark == "stumble")
    common = statistics.median(step.peak_N for step in steps[at - 3 : at])
    stumble, recovery, after = steps[at : at + 3]
    assert stumble.time_s + stumble.duration_s == pytest.approx(fell + 0.4, abs=0.011)
    assert recovery.mark == "recovery" and after.mark == ""
    assert recovery.peak_N > 1.3 * common
    assert stumble.side != recovery.side != after.side
    assert forward(walk, 1.0) == pytest.approx(before, rel=0.15)


@PULL_AND_PUSH
def test_who_lets_go_does_so_at_once_and_takes_hold_again(is_pull):
    walk = walking(is_pull)
    walk.athlete.do("let_go", walk.now_s, for_s=3.0)
    walk.run(0.01)
    assert walk.athlete.state == ASIDE and walk.plant.hitch == SLACK and walk.plant.propulsion_N == 0.0
    let_go = walk.now_s
    walk.run(20.0, GO)
    assert walk.now_s - let_go == pytest.approx(3.0, abs=0.02)
    assert walk.plant.hitch == (TETHER if is_pull else HANDLES)
    walk.run(60.0, TURN)
    walk.run(5.0, GO)
    assert walk.athlete.lengths[0].walked_s == pytest.approx(
        walk.athlete.lengths[0].end_s - walk.athlete.lengths[0].start_s - 3.0, abs=0.05
    )


@PULL_AND_PUSH
def test_who_stops_stands_within_200_ms_and_holds_on(is_pull):
    walk = walking(is_pull)
    walk.athlete.do("stop", walk.now_s, for_s=2.0)
    walk.run(0.01)
    hardest = 0.0
    for n in range(1900):
        assert walk.athlete.state == HOLD and walk.plant.hitch == (TETHER if is_pull else HANDLES)
        hardest = max(hardest, abs(walk.plant.propulsion_N))
        walk.tick()
        assert n < 200 or abs(walk.plant.body_v_m_per_s) < 0.1
    assert hardest == pytest.approx(Body().brace_N_per_kg * 80.0)
    assert walk.plant.v_m_per_s == 0.0
    walk.run(0.1, GO)
    assert walk.athlete.state == GO


@PULL_AND_PUSH
def test_a_shove_back_reverses_the_sled_and_no_more_than_arms_can(is_pull):
    walk = walking(is_pull)
    way = 1 if is_pull else -1
    walk.athlete.do("shove_back", walk.now_s, force_N=300.0, for_s=0.4)
    walk.run(0.01)
    forces, speeds = [], []
    while walk.athlete.state == SHOVE:
        forces.append(-way * walk.plant.hitch_N)
        assert walk.plant.hitch == SLACK and walk.plant.propulsion_N == 0.0
        walk.tick()
        speeds.append(-way * walk.plant.v_m_per_s)
    assert max(forces) == pytest.approx(300.0) and len(forces) == pytest.approx(400, abs=11)
    assert min(speeds[:30]) < -0.8 and max(speeds) > 0.3
    assert walk.plant.touch_N == 0.0
    weak = walking(is_pull, Body(push_N_per_kg=2.0, pull_N_per_kg=4.0))
    weak.athlete.do("shove_back", weak.now_s, force_N=400.0, for_s=0.4)
    hardest = 0.0
    while not weak.athlete.happened or weak.athlete.state == SHOVE:
        weak.tick()
        hardest = max(hardest, abs(weak.plant.touch_N))
    assert hardest == pytest.approx(160.0)


def test_a_shove_leaves_the_hand_of_somebody_else_where_it_is():
    walk = walking()
    walk.plant.touch_N = 25.0
    walk.athlete.do("shove_back", walk.now_s)
    walk.run(0.2)
    assert walk.plant.touch_N == 225.0
    walk.run(0.3)
    assert walk.plant.touch_N == 25.0


def test_a_rest_lengthens_the_next_turn_or_comes_right_now():
    walk = walking()
    walk.athlete.do("rest", walk.now_s, for_s=10.0)
    walk.run(1.0)
    assert walk.athlete.state == GO and [h.name for h in walk.athlete.happened] == ["rest"]
    walk.run(60.0, DONE)
    first, second = walk.athlete.lengths
    assert second.start_s - first.end_s == pytest.approx(12.0, abs=0.5)
    last = walking(lengths=1)
    last.athlete.do("rest", last.now_s, for_s=60.0)
    last.run(30.0, DONE)
    assert last.athlete.state == DONE
    walk = walking()
    walk.athlete.do("rest", walk.now_s, for_s=10.0, right_now=1.0)
    walk.run(0.1)
    rested = walk.now_s
    assert walk.athlete.state == ASIDE
    walk.run(60.0, GO)
    assert walk.now_s - rested == pytest.approx(10.0, abs=0.2)


@PULL_AND_PUSH
def test_pace_changes_speed_and_cadence_until_it_is_changed_again(is_pull):
    walk = walking(is_pull, lane_m=100.0)
    before = forward(walk, 1.0)
    walk.athlete.do("pace", walk.now_s, factor=0.7)
    walk.run(6.0)
    assert forward(walk, 3.0) == pytest.approx(0.7 * before, rel=0.06)
    late = [step.duration_s for step in walk.athlete.steps if step.time_s > walk.now_s - 4.0]
    assert 1 / statistics.fmean(late) == pytest.approx(0.85 * Body().steps_per_s, rel=0.05)
    walk.athlete.do("pace", walk.now_s, factor=1.0)
    walk.run(6.0)
    assert forward(walk, 3.0) == pytest.approx(before, rel=0.06)


@PULL_AND_PUSH
def test_a_sprint_is_all_the_body_can_do_and_ends(is_pull):
    body = ATHLETES["strong"]
    walk = walking(is_pull, body, lane_m=100.0)
    before = forward(walk, 1.0)
    walk.athlete.do("sprint", walk.now_s, for_s=8.0)
    walk.run(8.0)
    fast = forward(walk, 0.6)
    force = walk.brake_N + 11.2 + 1.1 * fast
    fresh = walk.athlete.freshness
    stall, top = (
        (body.pull_N_per_kg, body.top_pull_m_per_s)
        if is_pull
        else (body.push_N_per_kg, body.top_push_m_per_s)
    )
    stall *= body.body_mass_kg
    floor = body.critical_W_per_kg * body.body_mass_kg / (0.25 * stall * top)
    assert fast > 1.8 * before and fresh < 0.97
    # At the end speed hardly rises: the force-velocity line, as tired as it is, is used up by the load.
    assert stall * (floor + (1 - floor) * fresh) * (1 - fast / top) == pytest.approx(force, rel=0.15)
    late = [step.duration_s for step in walk.athlete.steps if step.time_s > walk.now_s - 4.0]
    assert 1 / statistics.fmean(late) == pytest.approx(body.sprint_steps_per_s, rel=0.05)
    walk.run(6.0)
    assert forward(walk, 2.0) == pytest.approx(before, rel=0.15)


def test_an_event_waits_until_the_athlete_walks_and_says_when_it_came():
    walk = Walk(Athlete(Body(), seed=3, lane_m=4.0, lengths=1))
    walk.athlete.do("stumble", 0.5)
    walk.athlete.do("pace", 0.0, factor=0.9)
    walk.run(1.9)
    assert walk.athlete.waiting == ("stumble",)
    assert [h.name for h in walk.athlete.happened] == ["pace"]
    walk.run(0.3)
    assert walk.athlete.waiting == () and walk.athlete.happened[1].time_s == pytest.approx(2.02, abs=0.02)
    walk.run(60.0, DONE)
    walk.athlete.do("let_go", walk.now_s)
    walk.run(3.0)
    assert walk.athlete.state == DONE and walk.athlete.waiting == ("let_go",)


def test_who_loses_the_load_in_the_middle_of_an_event_lets_go():
    for name in ("stop", "shove_back", "let_go"):
        walk = walking()
        walk.athlete.do(name, walk.now_s, for_s=2.0)
        walk.run(0.3)
        walk.is_enabled = False
        walk.run(1.2)
        assert walk.athlete.state == STAND_BY and walk.plant.hitch == SLACK and walk.plant.touch_N == 0.0
        walk.is_enabled = True
        walk.run(90.0, DONE)
        assert [length.number for length in walk.athlete.lengths] == [1, 2]


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("faint", {}, "no event 'faint'; known are: let_go, pace, rest, shove_back, sprint, stop, stumble"),
        ("stumble", {"force_N": 3.0}, "stumble has no 'force_N'; it takes for_s"),
        ("shove_back", {"speed": 3.0}, "it takes force_N, for_s"),
        ("shove_back", {"force_N": 900.0}, "force_N of shove_back must be from 20 to 400, not 900"),
        ("rest", {"for_s": float("nan")}, "for_s of rest must be from 1 to 600, not nan"),
    ],
)
def test_what_cannot_happen_is_refused_with_what_can(name, values, words):
    athlete = Athlete(Body(), seed=1)
    with pytest.raises(ValueError, match=words):
        athlete.do(name, 0.0, **values)
    assert athlete.waiting == ()


def test_every_event_has_a_sentence_and_defaults_within_their_range():
    for name, event in EVENTS.items():
        assert event.name == name and event.sentence.endswith(".")
        for value in event.values:
            assert value.minimum <= value.default <= value.maximum
            assert value.name.endswith(("_s", "_N", "factor", "right_now"))
        assert complete(name, {}) == {value.name: value.default for value in event.values}


@PULL_AND_PUSH
@pytest.mark.parametrize("kind", ATHLETES)
def test_a_lost_load_lurches_the_body_by_force_times_reaction_time_over_mass(kind, is_pull):
    body = ATHLETES[kind]
    jumps = []
    for part in (0.0, 0.3, 0.6):  # of a step, so that its own ripple cancels out
        walks = [walking(is_pull, body, lane_m=40.0) for _ in range(2)]
        for walk in walks:
            walk.run(part / body.steps_per_s)
        brake_N = walks[0].brake_N
        walks[1].brake_N = 0.0
        for walk in walks:
            walk.run(body.reaction_s)
        jumps.append(abs(walks[1].plant.body_v_m_per_s) - abs(walks[0].plant.body_v_m_per_s))
    # Nothing is known of it yet: the whole force goes into body and sled.
    expected = brake_N * body.reaction_s / (body.body_mass_kg + 30.0)
    assert statistics.fmean(jumps) == pytest.approx(expected, rel=0.12)
    most = max(abs(v) for v in walks[1].speeds)
    walks[1].run(8.0)
    most = max(most, *(abs(v) for v in walks[1].speeds))
    pace = body.pace_pull_m_per_s if is_pull else body.pace_push_m_per_s
    assert forward(walks[1], 2.0) == pytest.approx(pace, rel=0.12)
    assert most < pace + 4 * expected + 0.3


def test_effort_answers_a_load_step_late_and_no_faster_than_a_body_can():
    def efforts(body):
        """Propulsion with the load taken away at 6 s, less that without, by ms from then on."""
        walks = [walking(body=body, lane_m=40.0) for _ in range(2)]
        walks[1].brake_N = 0.0
        difference = []
        for _ in range(700):
            for walk in walks:
                walk.tick()
            difference.append(abs(walks[0].plant.propulsion_N) - abs(walks[1].plant.propulsion_N))
        return difference

    body = Body(pulse_depth=0.0, asymmetry=0.0, step_time_cv=0.0)
    late = efforts(body)
    begins = next(n for n, value in enumerate(late) if abs(value) > 3.0)
    assert 0.22 <= begins / 1000 < 0.30
    slow = efforts(body._replace(effort_N_per_s_kg=2.0))
    rises = [b - a for a, b in zip(slow, slow[20:], strict=False)]
    assert max(rises) == pytest.approx(2.0 * 80.0 * 0.02, rel=0.5)
    assert max(b - a for a, b in zip(late, late[20:], strict=False)) > 1.5 * max(rises)


def test_a_second_stumble_prolongs_the_first_and_is_caught_once():
    walk = walking()
    walk.athlete.do("stumble", walk.now_s, for_s=0.4)
    walk.athlete.do("stumble", walk.now_s + 0.2, for_s=0.4)
    walk.run(3.0)
    marks = [step.mark for step in walk.athlete.steps if step.mark]
    assert marks == ["stumble", "recovery"]
    assert next(s for s in walk.athlete.steps if s.mark).duration_s > 0.6
