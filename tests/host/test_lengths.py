"""Lengths, work and cadence from telemetry, against signals of known truth and the simulator's truth."""

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.lengths import PULL, PUSH, Length, LengthFinder, TURN_m
from host.loading import set_held
from host.loads import Load
from host.session import Session
from host.steps import RATE_Hz, StepFinder, tempo_per_min
from host.telemetry import Lost, Sample, Telemetry
from host.transport import open_port

TICK_s = 0.001


class Track:
    """Makes samples of a sled that is moved as told, and keeps the truth of work and way."""

    def __init__(self, force_N: float, noise_m_per_s: float = 0.0) -> None:
        self.samples: list[Sample] = []
        self.work_J = 0.0
        self._x_m = 0.0
        self._force_N = force_N
        self._random = Random(7)
        self._noise_m_per_s = noise_m_per_s

    def _tick(self, v_m_per_s: float) -> None:
        step_m = v_m_per_s * TICK_s
        self._x_m += step_m
        force_N = math.copysign(self._force_N, v_m_per_s) if v_m_per_s else 0.0
        self.work_J += force_N * step_m
        shown_m_per_s = round(v_m_per_s + self._random.gauss(0, self._noise_m_per_s), 3)
        at = len(self.samples)
        shown_m = round(self._x_m, 6)
        self.samples.append(
            Sample(at, at * TICK_s, shown_m, shown_m_per_s, force_N, self._force_N, 0.0, v_m_per_s < 0, 2, 0)
        )

    def rest(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_s)):
            self._tick(0.0)

    def go(self, way_m: float, speed_m_per_s: float, steps_per_s: float = 2.0, ripple: float = 0.0) -> None:
        """One way with soft ends, `ripple` a part of the speed; negative is a push."""
        start_m, begun = self._x_m, len(self.samples)
        sign = math.copysign(1.0, way_m)
        while (left_m := abs(way_m) - abs(self._x_m - start_m)) > 1e-4:
            now_s = (len(self.samples) - begun) * TICK_s
            soft = min(1.0, 0.05 + now_s / 0.8, 0.02 + math.sqrt(2 * 0.8 * left_m) / speed_m_per_s)
            wave = 1 + ripple * math.sin(2 * math.pi * steps_per_s * now_s)
            self._tick(sign * min(speed_m_per_s * soft * wave, left_m / TICK_s))


def found_in(items: list[Any]) -> LengthFinder:
    finder = LengthFinder(TICK_s)
    for item in items:
        finder.feed(item)
    finder.finish()
    return finder


@settings(max_examples=25)
@given(
    st.integers(1, 4),
    st.floats(3, 12),
    st.floats(0.6, 1.6),
    st.floats(1.4, 4.0),
    st.floats(0.05, 0.16),
    st.sampled_from([1, -1]),
    st.floats(0, 0.005),
)
def test_lengths_way_work_and_cadence_are_those_that_were_gone(
    count: int, lane_m: float, speed: float, steps_per_s: float, ripple: float, sign: int, noise: float
) -> None:
    track = Track(130.0, noise)
    for number in range(count):
        track.rest(1.5)
        track.go(sign * (-1) ** number * lane_m, speed, steps_per_s, ripple)
    track.rest(1.0)
    finder = found_in(track.samples)
    assert [length.direction for length in finder.lengths] == [
        PULL if sign * (-1) ** number > 0 else PUSH for number in range(count)
    ]
    for length in finder.lengths:
        assert length.distance_m == pytest.approx(lane_m, abs=0.03)
        assert length.mean_force_N == pytest.approx(130.0, rel=0.01)
        # A walk of a few seconds gives few steps to tell the tempo from.
        if steps_per_s * lane_m / speed > 10:
            assert length.cadence_per_min == pytest.approx(60 * steps_per_s, rel=0.04)
            # Steps may hide in the 1.8 s of setting off and slowing down, and none may be invented.
            assert steps_per_s * (length.moving_s - 1.8) - 1 <= length.steps
            assert length.steps <= steps_per_s * length.moving_s + 1
    assert sum(length.work_J for length in finder.lengths) == pytest.approx(track.work_J, rel=0.01)
    assert sum(finder.total.work_J) == pytest.approx(track.work_J, rel=0.01)


def test_rocking_slack_and_a_shove_back_are_no_lengths() -> None:
    track = Track(100.0)
    for way_m in (0.4, -0.5, 0.3):
        track.go(way_m, 0.5)
    assert found_in(track.samples).lengths == []
    track.go(6.0, 1.0)
    track.go(-(TURN_m - 0.1), 0.8)
    track.go(5.0, 1.0)
    (length,) = found_in(track.samples).lengths
    assert length.direction == PULL
    assert length.distance_m == pytest.approx(0.2 - 0.0 + 6.0 - (TURN_m - 0.1) + 5.0, abs=0.35)


def test_a_length_is_told_as_soon_as_its_turn_is_certain() -> None:
    track = Track(100.0)
    track.go(5.0, 1.0)
    turned_at = len(track.samples)
    track.go(-5.0, 1.0)
    finder = LengthFinder(TICK_s)
    told_at = next(at for at, sample in enumerate(track.samples) if finder.feed(sample))
    assert turned_at < told_at < turned_at + 1500
    assert (finder.number, finder.direction) == (2, PUSH)


def test_pulling_only_has_no_length_limit_and_rests_do_not_end_it() -> None:
    track = Track(100.0)
    for _ in range(3):
        track.go(20.0, 1.5)
        track.rest(3.0)
    (length,) = found_in(track.samples).lengths
    assert length.distance_m == pytest.approx(60.0, abs=0.05)
    assert length.moving_s == pytest.approx(60 / 1.5, rel=0.1)


def test_braking_by_the_athlete_is_measured_and_taken_off_the_work() -> None:
    track = Track(100.0)
    track.go(4.0, 1.0)
    held_back = [
        sample._replace(tow_force_N=-50.0) if 2.0 < sample.position_m < 3.0 else sample
        for sample in track.samples
    ]
    (length,) = found_in(held_back).lengths
    assert length.braking_J == pytest.approx(-50.0, abs=1.0)
    assert length.work_J == pytest.approx(300.0 - 50.0, abs=3.0)


@settings(max_examples=10)
@given(st.integers(500, 3000), st.integers(1, 1500))
def test_lost_samples_change_neither_count_nor_way_and_are_counted(first: int, count: int) -> None:
    items: list[Sample | Lost] = list(STEADY.samples)
    items[first : first + count] = [Lost(first, count)]
    finder = found_in(items)
    assert [length.direction for length in finder.lengths] == [PULL, PUSH]
    assert [length.distance_m for length in finder.lengths] == pytest.approx([5.0, 5.0], abs=0.02)
    assert finder.samples_lost == count
    hole_m = STEADY.samples[first + count].position_m - STEADY.samples[first - 1].position_m
    assert sum(finder.total.work_J) == pytest.approx(STEADY.work_J - 100.0 * hole_m, rel=0.001)


STEADY = Track(100.0)
STEADY.go(5.0, 1.0)
STEADY.go(-5.0, 1.0)


def test_a_sled_that_stands_has_neither_lengths_nor_cadence() -> None:
    track = Track(0.0, noise_m_per_s=0.002)
    track.rest(5.0)
    finder = found_in(track.samples)
    assert finder.lengths == [] and finder.cadence_per_min is None and finder.total.steps == 0


def test_an_even_pace_has_no_steps() -> None:
    track = Track(100.0, noise_m_per_s=0.001)
    track.go(20.0, 1.0)
    (length,) = found_in(track.samples).lengths
    assert length.steps <= 1 and length.cadence_per_min is None


@pytest.mark.parametrize("second", [0.03, 0.06])
@pytest.mark.parametrize("shift", [0.0, 0.9, 1.8, 2.7, 3.6, 4.5, 5.4])
def test_two_bumps_in_one_step_are_one_step(second: float, shift: float) -> None:
    finder = StepFinder()
    found = []
    for at in range(2000):
        phase = 2 * math.pi * 1.6 * at / RATE_Hz
        ripple = 0.05 * math.sin(phase) + second * math.sin(2 * phase + shift)
        found.append(finder.feed(at / RATE_Hz, 1 + ripple))
    assert finder.cadence_per_min() == pytest.approx(96, rel=0.02)
    assert len([step_s for step_s in found if step_s is not None]) == pytest.approx(32, abs=3)


@given(st.lists(st.floats(0.2, 1.0), min_size=3, max_size=30), st.integers(0, 3))
def test_a_missed_step_does_not_change_the_tempo(intervals_s: list[float], missed: int) -> None:
    steady = [0.5] * 20
    assert tempo_per_min(steady + [1.0] * missed) == pytest.approx(120)
    tempo = tempo_per_min(intervals_s)
    assert tempo is not None and 60 / max(intervals_s) <= tempo * 1.0001
    assert tempo <= 60 / min(intervals_s) * 1.0001
    assert tempo_per_min(intervals_s[:2]) is None


@pytest.fixture(scope="module", params=["recreational", "strong"])
def simulated(request: pytest.FixtureRequest) -> Iterator[tuple[list[Length], Any]]:
    port: Any = open_port(f"sim://?athlete={request.param}&lengths=3&lane_m=10&seed=11")
    with Session(port, "sim://") as session:
        session.hello()
        load = Load(force_N=129.4, inertia_kg=40.0)
        set_held(session, load, load)
        telemetry = Telemetry(session)
        telemetry.start()
        finder = LengthFinder()
        while port.rig.truth.state != "done":
            for item in telemetry.run(1.0):
                finder.feed(item)
        for item in telemetry.finish():
            finder.feed(item)
        finder.finish()
        yield finder.lengths, port.rig.truth


def test_lengths_agree_with_what_the_simulated_athlete_really_did(
    simulated: tuple[list[Length], Any],
) -> None:
    lengths, truth = simulated
    assert [length.direction for length in lengths] == [PUSH, PULL, PUSH]
    for length, real in zip(lengths, truth.lengths, strict=True):
        assert length.distance_m == pytest.approx(abs(real.end_m - real.start_m), abs=0.05)
        assert length.mean_force_N == pytest.approx(real.work_J / abs(real.end_m - real.start_m), rel=0.02)
        assert length.work_J == pytest.approx(real.work_J, rel=0.02)
        assert length.start_s >= real.start_s and length.end_s <= real.end_s + 1.0


def test_cadence_agrees_with_the_simulated_athletes_steps(simulated: tuple[list[Length], Any]) -> None:
    lengths, truth = simulated
    for length, real in zip(lengths, truth.lengths, strict=True):
        times_s = [step.time_s for step in truth.steps if real.start_s <= step.time_s <= real.end_s]
        assert length.cadence_per_min == pytest.approx(
            60 * (len(times_s) - 1) / (times_s[-1] - times_s[0]), rel=0.03
        )
        # Those of the start and of the end are lost in the change of pace.
        at_pace = [time_s for time_s in times_s if real.start_s + 2.0 < time_s < real.end_s - 1.0]
        assert len(at_pace) <= length.steps <= real.steps
