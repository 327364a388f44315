"""The surfaces: friction that was published or owns up to being assumed, and one default."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.quantities import QUANTITIES

SEEDS = Path(__file__).parents[2] / "seeds"
SURFACES = tomllib.loads((SEEDS / "surfaces.toml").read_text(encoding="utf-8"))
REQUIRED = {"name", "friction", "aliases", "measured", "source"}
OPTIONAL = {"default", "uncertainty", "range", "static_friction", "reason"}
WORD = re.compile(r"[a-z0-9][a-z0-9_]*")
GRAVITY_m_per_s2 = 9.80665


@pytest.mark.parametrize("surface", SURFACES)
def test_a_surface_has_the_documented_keys_and_types(surface: str) -> None:
    row = SURFACES[surface]
    assert set(row) >= REQUIRED and set(row) <= REQUIRED | OPTIONAL
    assert all(isinstance(row[key], str) and row[key].strip() for key in ("name", "measured", "source"))
    assert isinstance(row["friction"], float) and isinstance(row["aliases"], list)


@pytest.mark.parametrize("surface", SURFACES)
def test_friction_lies_within_its_range_and_within_what_was_published(surface: str) -> None:
    row = SURFACES[surface]
    low, high = row.get("range", [row["friction"]] * 2)
    assert 0.21 <= low <= row["friction"] <= high <= 0.58
    assert 0 < row.get("uncertainty", 0.01) < 0.1
    assert row.get("static_friction", 1.0) > row["friction"]


@pytest.mark.parametrize("surface", SURFACES)
def test_a_source_is_a_publication_or_an_assumption_with_its_reason(surface: str) -> None:
    row = SURFACES[surface]
    if row["source"] == "assumption":
        assert row["reason"].strip()
    else:
        assert re.search(r"\(\d{4}\)", row["source"]) and "reason" not in row


def test_turf_is_the_only_default_and_has_the_published_friction() -> None:
    assert [name for name, row in SURFACES.items() if row.get("default")] == ["turf"]
    assert SURFACES["turf"]["friction"] == 0.33


def test_every_word_for_a_surface_names_only_one() -> None:
    words = [word for name, row in SURFACES.items() for word in (name, *row["aliases"])]
    assert len(set(words)) == len(words)
    assert all(WORD.fullmatch(word) for word in words)


@given(st.sampled_from(sorted(SURFACES)), st.floats(20, 170), st.floats(1, 100))
def test_any_share_of_any_body_mass_fits_the_wire(surface: str, body_mass_kg: float, percent: float) -> None:
    sled_mass_kg = body_mass_kg * percent / 100
    force_N = SURFACES[surface]["friction"] * sled_mass_kg * GRAVITY_m_per_s2
    force, inertia = QUANTITIES["force_mN"], QUANTITIES["inertia_g"]
    assert 0 < force_N / force.scale <= force.maximum
    assert 0 < sled_mass_kg / inertia.scale <= inertia.maximum
