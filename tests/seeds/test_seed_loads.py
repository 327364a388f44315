"""The named loads: documented keys, terms the wire can carry, and forces that people can move."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.quantities import QUANTITIES

SEEDS = Path(__file__).parents[2] / "seeds"
LOADS = tomllib.loads((SEEDS / "loads.toml").read_text(encoding="utf-8"))
TEXT = {"fact", "source", "assumption"}
WIRE = {quantity.si_name: quantity for name, quantity in QUANTITIES.items() if name != "tow_force_dN"}

#: Half the body weight of an 88 kg athlete on the grippiest ground: a heavy drag, still for walking.
WALKING_FORCE_MAX_N = 250


def steady_force_N(row: dict, level: float, velocity_m_per_s: float) -> float:
    """Tow force of one row at constant speed, level 1 where it has no levels."""
    return (
        row.get("force_N", 0.0)
        + row.get("viscous_N_s_per_m", 0.0) * velocity_m_per_s
        + row.get("viscous_N_s_per_m_per_level", 0.0) * level * velocity_m_per_s
        + row.get("quadratic_N_s2_per_m2_per_level", 0.0) * level * velocity_m_per_s**2
    )


def test_the_loads_that_need_figures_are_there() -> None:
    assert set(LOADS["deadmill"]) == TEXT | {"force_N", "viscous_N_s_per_m", "inertia_kg"}
    assert set(LOADS["fluid"]) == TEXT | {"quadratic_N_s2_per_m2_per_level", "level_min", "level_max"}
    assert set(LOADS["magnetic"]) == TEXT | {"viscous_N_s_per_m_per_level", "level_min", "level_max"}
    assert set(LOADS) == {"deadmill", "fluid", "magnetic"}


@pytest.mark.parametrize("load", LOADS)
def test_a_load_says_where_its_figures_come_from(load: str) -> None:
    assert LOADS[load]["source"].strip() and LOADS[load]["assumption"].strip() and LOADS[load]["fact"]


@pytest.mark.parametrize("load", LOADS)
def test_every_term_fits_the_wire_up_to_the_highest_level(load: str) -> None:
    row = LOADS[load]
    assert row.get("level_min", 0) < row.get("level_max", 1)
    terms = {key for key in row if "_N" in key or key.endswith("_kg")}
    assert terms
    for key in terms:
        quantity = WIRE[key.removesuffix("_per_level")]
        level = row["level_max"] if key.endswith("_per_level") else 1
        assert type(row[key]) is float
        assert 0 < row[key] * level / quantity.scale <= quantity.maximum, key


@given(st.sampled_from(sorted(LOADS)), st.floats(0, 1), st.floats(0, 1), st.floats(0, 2.5), st.floats(0, 2.5))
def test_a_higher_level_or_speed_never_feels_lighter(
    load: str, low: float, high: float, slow_m_per_s: float, fast_m_per_s: float
) -> None:
    row = LOADS[load]
    low, high = (row.get("level_max", 1) * share for share in sorted((low, high)))
    slow_m_per_s, fast_m_per_s = sorted((slow_m_per_s, fast_m_per_s))
    assert 0 <= steady_force_N(row, low, slow_m_per_s) <= steady_force_N(row, high, fast_m_per_s)


@pytest.mark.parametrize("load", LOADS)
def test_the_highest_level_can_be_moved_at_a_walk(load: str) -> None:
    force_N = steady_force_N(LOADS[load], LOADS[load].get("level_max", 1), 1.0)
    assert 20 < force_N <= WALKING_FORCE_MAX_N


@pytest.mark.parametrize(
    ("load", "level", "velocity_m_per_s", "force_N"),
    [("deadmill", 1, 1.0, 100), ("fluid", 12, 1.0, 60), ("fluid", 10, 1.6, 128), ("magnetic", 35, 1.0, 70)],
)
def test_the_figures_are_the_ones_the_reasoning_arrives_at(
    load: str, level: int, velocity_m_per_s: float, force_N: float
) -> None:
    assert steady_force_N(LOADS[load], level, velocity_m_per_s) == pytest.approx(force_N)


def test_a_switched_off_treadmill_lies_between_a_free_running_belt_and_half_body_weight() -> None:
    oxygen_mL_per_kg_min = (5.9 - 3.4) * 3.5
    climb_m_per_s = oxygen_mL_per_kg_min / 1.8 / 60
    free_belt_N = 80 * 9.80665 * climb_m_per_s / 1.34
    half_body_weight_N = 0.33 * 40 * 9.80665
    assert free_belt_N == pytest.approx(47, abs=1)
    assert free_belt_N < steady_force_N(LOADS["deadmill"], 1, 1.34) < half_body_weight_N
