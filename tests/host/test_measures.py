"""Masses and lengths are typed with their unit, and sensible ones only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadValue
from host.measures import parse_body_mass_kg, parse_lane_m, plain_minus, shielded


def test_pounds_and_feet_are_understood() -> None:
    assert parse_body_mass_kg("176lb") == pytest.approx(79.832, abs=0.001)
    assert parse_body_mass_kg(" 80 KG ") == 80
    assert parse_lane_m("50ft") == pytest.approx(15.24)
    assert parse_lane_m("15m") == 15


@pytest.mark.parametrize("text", ["80", "", "kg", "-80kg", "nankg", "infkg", "800kg", "9kg", "80N", "8e9kg"])
def test_what_is_no_body_mass_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="body mass"):
        parse_body_mass_kg(text)


@pytest.mark.parametrize("text", ["15", "-15m", "1m", "nanm", "2km", "1e9ft"])
def test_what_is_no_lane_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="lane"):
        parse_lane_m(text)


@given(st.text())
def test_shielding_a_word_from_the_option_parser_changes_nothing_but_its_minus(word: str) -> None:
    assert plain_minus(shielded(word)) == plain_minus(word)
    assert not shielded("-3kg").startswith("-")
    assert shielded("--push") == "--push" and shielded("-x") == "-x"
