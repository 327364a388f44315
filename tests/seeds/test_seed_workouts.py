"""The built-in workouts: complete rows whose numbers agree with each other and with the facts."""

import re
import tomllib
from pathlib import Path

import pytest

SEEDS = Path(__file__).parents[2] / "seeds"
WORKOUTS = tomllib.loads((SEEDS / "workouts.toml").read_text(encoding="utf-8"))
FOOT_m = 0.3048

TYPES = {
    "name": str,
    "sets": int,
    "rounds": int,
    "lengths": int,
    "first": str,
    "load": str,
    "lane_m": float,
    "rest_s": int,
    "ends": str,
    "fact": list,
}
OPTIONAL_TYPES = {
    "duration_s": int,
    "distance_m": float,
    "sets_min": int,
    "sessions_per_week": int,
    "assumption": str,
}


every_workout = pytest.mark.parametrize("workout", WORKOUTS)


def test_the_workouts_of_the_method_are_built_in() -> None:
    assert set(WORKOUTS) == {"up_and_back", "warmup", "finisher", "daily", "pull_only"}


@every_workout
def test_a_workout_has_the_documented_keys_and_types(workout: str) -> None:
    row = WORKOUTS[workout]
    assert set(TYPES) <= set(row) <= set(TYPES | OPTIONAL_TYPES)
    for key, value in row.items():
        assert type(value) is (TYPES | OPTIONAL_TYPES)[key], key


@every_workout
def test_a_round_is_one_length_up_and_one_back(workout: str) -> None:
    assert WORKOUTS[workout]["lengths"] == 2 * WORKOUTS[workout]["rounds"]


@every_workout
def test_a_set_has_exactly_the_end_it_names(workout: str) -> None:
    row = WORKOUTS[workout]
    assert ("duration_s" in row) == (row["ends"] == "duration")
    assert ("distance_m" in row) == (row["ends"] == "distance")
    assert (row["lengths"] == 0) == (row["ends"] == "distance")
    assert row["ends"] in {"lengths", "duration", "distance"}
    assert row.get("duration_s", 1) > 0 and row.get("distance_m", 1.0) > 0


@every_workout
def test_the_lane_is_one_that_fits_a_gym(workout: str) -> None:
    assert 30 * FOOT_m <= WORKOUTS[workout]["lane_m"] <= 60 * FOOT_m
    assert WORKOUTS[workout]["lane_m"] == 15.0


@every_workout
def test_sets_and_rests_agree(workout: str) -> None:
    row = WORKOUTS[workout]
    assert 1 <= row.get("sets_min", 1) <= row["sets"]
    assert (row["rest_s"] > 0) == (row["sets"] > 1)


@every_workout
def test_the_load_is_a_share_of_body_weight_and_at_most_half(workout: str) -> None:
    percent = re.fullmatch(r"(\d+)%bw", WORKOUTS[workout]["load"])
    assert percent and 0 < int(percent[1]) <= 50


@every_workout
def test_the_first_direction_is_push_or_pull(workout: str) -> None:
    assert WORKOUTS[workout]["first"] in {"push", "pull"}


def test_up_and_back_is_eight_rounds_at_half_body_weight_beginning_with_a_push() -> None:
    row = WORKOUTS["up_and_back"]
    assert (row["sets"], row["rounds"], row["lengths"]) == (1, 8, 16)
    assert (row["first"], row["load"], row["ends"]) == ("push", "50%bw", "lengths")


def test_the_finisher_is_two_or_three_sets_of_eight_rounds() -> None:
    row = WORKOUTS["finisher"]
    assert (row["sets_min"], row["sets"], row["rounds"]) == (2, 3, 8)


def test_the_warmup_lasts_about_two_minutes_at_a_backward_walk() -> None:
    row = WORKOUTS["warmup"]
    assert 90 <= row["duration_s"] <= 150
    assert 0.5 <= row["lengths"] * row["lane_m"] / row["duration_s"] <= 1.5


def test_daily_is_meant_for_every_day() -> None:
    assert WORKOUTS["daily"]["sessions_per_week"] == 7


def test_pull_only_begins_with_a_pull_and_goes_further_than_any_gym_lane() -> None:
    row = WORKOUTS["pull_only"]
    assert row["first"] == "pull" and row["distance_m"] > 60 * FOOT_m
