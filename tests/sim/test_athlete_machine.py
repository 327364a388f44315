"""Anything may happen to an athlete, in any order: the mechanics stay sound and the workout ends."""

import itertools
import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sim.people.athlete import DONE, GAVE_UP, GO, HOLD, SHOVE, Athlete
from sim.people.bodies import ATHLETES
from sim.people.events import EVENTS
from sim.world.plant import HANDLES, SLACK, TETHER
from tests.sim.walking import Walk, half_weight_N

LONGEST_s = 6.0  # of what an event is asked to last, so that tests stay short


@st.composite
def asked(draw):
    name = draw(st.sampled_from(sorted(EVENTS)))
    values = {
        value.name: draw(st.floats(value.minimum, min(value.maximum, LONGEST_s)))
        for value in EVENTS[name].values
        if value.name != "force_N" and draw(st.booleans())
    }
    if name == "shove_back":
        values["force_N"] = draw(st.floats(20.0, 400.0))
    return name, values


class AnyWorkout(RuleBasedStateMachine):
    """One athlete on one sled; the rules are what the world does to them."""

    @initialize(
        kind=st.sampled_from(sorted(ATHLETES)),
        seed=st.integers(0, 2**40),
        is_pull=st.booleans(),
        holds_at_rest=st.booleans(),
        lengths=st.integers(1, 3),
    )
    def begin(self, kind, seed, is_pull, holds_at_rest, lengths):
        body = ATHLETES[kind]
        athlete = Athlete(body, seed, lane_m=5.0, lengths=lengths, is_pull_first=is_pull)
        self.walk = Walk(athlete, holds_at_rest=holds_at_rest)
        self.wanted = lengths
        self.asked = 0
        strongest = 1.0 + 0.5 * abs(body.asymmetry)
        strongest /= 1.0 - 0.5 * abs(body.step_time_asymmetry)
        peak = max(1.0, 1.0 - body.pulse_depth + 1.5 * body.pulse_depth / body.drive_part)
        self.most_N = {
            TETHER: body.body_mass_kg * body.pull_N_per_kg * strongest * peak,
            HANDLES: body.body_mass_kg * body.push_N_per_kg * strongest * peak,
        }
        self.brace_N = body.body_mass_kg * body.brace_N_per_kg

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0, 9.0]))
    def pass_time(self, seconds):
        self.go_on(seconds)

    def go_on(self, seconds):
        for _ in range(round(seconds * 1000)):
            self.walk.tick()
            self.check()

    def check(self):
        athlete, plant = self.walk.athlete, self.walk.plant
        state, hitch, propulsion_N = athlete.state, plant.hitch, plant.propulsion_N
        # A NaN fails every comparison.
        assert abs(plant.v_m_per_s) < 12.0 and abs(plant.x_m) < 100.0 and abs(plant.hitch_N) < 6000.0
        if state == GO:
            assert hitch in (TETHER, HANDLES) and athlete.side in ("L", "R")
            assert abs(propulsion_N) <= min(self.most_N[hitch], self.brace_N) + 1e-6
            assert 0.0 <= athlete.phase < 1.0
        elif state == HOLD:
            assert hitch in (TETHER, HANDLES) and abs(propulsion_N) <= self.brace_N
        else:
            assert hitch == SLACK and propulsion_N == 0.0 and athlete.side == "" and athlete.phase == 0.0
        assert plant.touch_N == 0.0 or (state == SHOVE and abs(plant.touch_N) <= 400.0)

    @rule(brake_N=st.sampled_from([0.0, 20.0, 60.0, 118.0, 200.0, 320.0, 1500.0]))
    def brake(self, brake_N):
        self.walk.brake_N = brake_N

    @rule()
    def jam(self):
        """Long enough for the athlete to give up, where the brake holds at rest."""
        brake_N = self.walk.brake_N
        self.walk.brake_N = 1500.0
        self.go_on(9.5)
        self.walk.brake_N = brake_N

    @rule(is_enabled=st.booleans())
    def enable(self, is_enabled):
        self.walk.is_enabled = is_enabled

    @rule(event=asked(), seconds=st.floats(0.0, 0.5))
    @precondition(lambda self: len(self.walk.athlete.waiting) < 3)
    def happen(self, event, seconds):
        name, values = event
        self.walk.athlete.do(name, self.walk.now_s, **values)
        self.asked += 1
        self.go_on(seconds)

    @invariant()
    def energy_books_close(self):
        plant = self.walk.plant
        unexplained_J = plant.athlete_J - plant.kinetic_J - plant.friction_J - plant.brake_J
        assert abs(unexplained_J) < 1e-6
        assert plant.injected_J == 0.0 and plant.copper_J >= 0.0

    @invariant()
    def nothing_asked_for_is_lost(self):
        athlete = self.walk.athlete
        assert len(athlete.waiting) + len(athlete.happened) == self.asked
        times = [happening.time_s for happening in athlete.happened]
        assert times == sorted(times)

    @invariant()
    def steps_alternate_and_are_whole(self):
        steps = self.walk.athlete.steps
        for a, b in itertools.pairwise(steps):
            assert a.side != b.side
            assert a.time_s + a.duration_s <= b.time_s + 1e-9
            assert (a.mark == "stumble") == (b.mark == "recovery") or a.mark == "stumble" or b.mark == "cut"
        for step in steps:
            assert step.mark in ("", "stumble", "recovery", "cut") and step.duration_s > 0.0
            assert all(map(math.isfinite, (step.drive_Ns, step.hitch_Ns, step.work_J, step.way_m)))
            # Strap and arms carry one way only.
            assert step.hitch_Ns >= 0.0 and step.peak_N >= 0.0

    @invariant()
    def lengths_are_in_order(self):
        athlete = self.walk.athlete
        lengths = list(athlete.lengths)
        assert [length.number for length in lengths] == list(range(1, len(lengths) + 1))
        for a, b in itertools.pairwise(lengths):
            assert a.direction == -b.direction and a.end_s < b.start_s
        for length in lengths:
            assert length.start_s < length.end_s <= self.walk.now_s and 0.0 <= length.freshness <= 1.0
            assert 0.0 < length.walked_s <= length.end_s - length.start_s + 1e-9
            assert length.steps == sum(length.start_s <= s.time_s < length.end_s for s in athlete.steps)
            assert length.peak_force_N >= length.mean_force_N >= 0.0

    def teardown(self):
        """With an ordinary load again, everybody gets to the end who has not given up."""
        if not hasattr(self, "walk"):
            return
        walk = self.walk
        walk.is_enabled = True
        walk.brake_N = 0.7 * half_weight_N(walk.athlete.body)
        for _ in range(200):
            self.go_on(1.0)
            if walk.athlete.state in (DONE, GAVE_UP):
                break
        assert walk.athlete.state in (DONE, GAVE_UP)
        self.go_on(0.5)
        if walk.athlete.state == DONE:
            assert len(walk.athlete.lengths) == self.wanted
        self.energy_books_close()
        self.steps_alternate_and_are_whole()
        self.lengths_are_in_order()


TestAnyWorkout = AnyWorkout.TestCase
TestAnyWorkout.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
