"""The load grammar: what can be typed, what it stands for, and what is refused in which words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import presets
from host.errors import LoadError
from host.loads import KINDS, Load, Term, format_terms, parse, resolve, sled_mass_kg
from protocol.units import load_from_si

LOADS = presets.read("loads")
TURF = 0.33


def worked_out(text: str, body_mass_kg: float | None = 80.0) -> Load:
    return resolve(parse(text), body_mass_kg, TURF, LOADS)


def test_half_body_weight_of_80_kg_on_turf_is_the_example_of_the_design() -> None:
    load = worked_out("50%bw")
    assert load.force_N == pytest.approx(129.448, abs=0.001)
    assert load == Load(force_N=load.force_N, inertia_kg=40.0)
    assert sled_mass_kg(parse("50%bw"), 80.0) == 40.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("40kg", Load(force_N=0.33 * 40 * 9.80665, inertia_kg=40)),
        ("90lb", Load(force_N=0.33 * 90 * 0.45359237 * 9.80665, inertia_kg=90 * 0.45359237)),
        ("130N", Load(force_N=130)),
        ("hill:8%", Load(force_N=80 * 9.80665 * math.sin(math.atan(0.08)))),
        ("band:60N/m", Load(stiffness_N_per_m=60)),
        ("fluid:12", Load(quadratic_N_s2_per_m2=60)),
        ("magnetic:35", Load(viscous_N_s_per_m=70)),
        ("deadmill", Load(force_N=80, viscous_N_s_per_m=20, inertia_kg=30)),
        ("cap:1.2m/s", Load(speed_cap_m_per_s=1.2)),
        ("walk", Load()),
        ("130N+cap:1.2m/s", Load(force_N=130, speed_cap_m_per_s=1.2)),
        ("100N+band:60N/m+fluid:2", Load(force_N=100, stiffness_N_per_m=60, quadratic_N_s2_per_m2=10)),
        (" 130 n + CAP:1.2 M/S ", Load(force_N=130, speed_cap_m_per_s=1.2)),
        ("1.3e+2N", Load(force_N=130)),
    ],
)
def test_each_load_of_the_design_stands_for_its_terms_of_the_law(text: str, expected: Load) -> None:
    assert worked_out(text) == pytest.approx(expected)


def test_a_hill_adds_no_inertia_and_needs_no_surface() -> None:
    load = resolve(parse("hill:8%"), 80.0)
    assert load.inertia_kg == 0 and load.force_N == pytest.approx(62.56, abs=0.01)


REFUSED = {
    "50": "no unit",
    "50%": "percent of what",
    "-3kg": "negative",
    "-3": "no unit",
    "nan": "finite",
    "nankg": "finite",
    "inf": "finite",
    "-infN": "finite",
    "1e9N": "out of range",
    "1e999kg": "finite",
    "0kg": "no load",
    "501kg": "out of range",
    "50%bw%": "unknown unit",
    "50stone": "unknown unit",
    "62,5%bw": "point",
    "": "no load was given",
    "+": "is not a load",
    "50%bw+": "is not a load",
    "sled": "is not a load",
    "hill": "how much",
    "hill:8": "how much",
    "hill:-8%": "negative",
    "band:60N": "how much",
    "cap:0.001m/s": "out of range",
    "walk:3": "takes no number",
    "cap:1m/s+cap:2m/s": "twice",
    "walk+50%bw": "walk",
    "auto@0.8m/s": "comes later",
    "auto@0.8m/s+cap:1m/s": "comes later",
    "auto": "comes later",
    "autobahn": "is not a load",
    "50%vdec": "comes later",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_load_is_refused_in_words_with_a_command_that_works(text: str) -> None:
    with pytest.raises(LoadError) as caught:
        parse(text)
    assert REFUSED[text] in caught.value.sentence
    assert caught.value.code == 2
    words = caught.value.hint.split(" (")[0].split()
    assert words[:2] == ["host", "set-load"]
    parse(words[2])


@pytest.mark.parametrize("text", ["fluid:21", "magnetic:101"])
def test_a_level_beyond_its_preset_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(LoadError, match="goes from 0 to"):
        worked_out(text)


@pytest.mark.parametrize("text", ["50%bw", "hill:8%", "130N+hill:8%"])
def test_a_load_that_needs_a_body_mass_says_so_when_none_is_known(text: str) -> None:
    with pytest.raises(LoadError, match="needs a body mass") as caught:
        worked_out(text, body_mass_kg=None)
    assert "--bodyweight" in caught.value.hint


@pytest.mark.parametrize(("text", "inertia_kg"), [("400kg", 400), ("900N+400kg", 400), ("1000N+50%bw", 40)])
def test_a_force_beyond_the_wire_is_the_greatest_there_is_a_number_for(text: str, inertia_kg: float) -> None:
    assert worked_out(text) == Load(force_N=1000, inertia_kg=inertia_kg)


def test_a_sum_beyond_the_wire_that_is_no_force_is_refused_not_wrapped() -> None:
    with pytest.raises(LoadError, match="more than a sled can be told"):
        worked_out("500kg+1100lb")


def numbers_of(kind: str) -> st.SearchStrategy[float]:
    row = KINDS[kind]
    return st.floats(row.minimum, row.maximum) if row.maximum else st.just(0.0)


TERMS = st.one_of([st.builds(Term, st.just(kind), numbers_of(kind)) for kind in KINDS if kind != "walk"])
SUMS = st.one_of(
    st.lists(TERMS, min_size=1, max_size=4, unique_by=lambda term: term.kind).map(tuple),
    st.builds(lambda cap: (Term("walk"), Term("cap", cap)), numbers_of("cap")),
)


@given(SUMS)
def test_what_is_written_out_is_read_back_the_same(terms: tuple[Term, ...]) -> None:
    assert parse(format_terms(terms)) == terms


@given(st.one_of(st.text(), st.text("0123456789.+-e%bwkglbN:/ms naif@", max_size=16)))
def test_any_text_is_a_load_within_the_wires_range_or_a_load_error(text: str) -> None:
    try:
        load = worked_out(text)
    except LoadError as error:
        assert error.sentence and error.hint
        return
    assert all(math.isfinite(value) and value >= 0 for value in load if value is not None)
    load_from_si(load._asdict())


@given(st.floats(0.1, 150), st.floats(0.1, 150), st.floats(30, 200))
def test_more_of_the_body_weight_is_never_less_load(low: float, high: float, mass_kg: float) -> None:
    low, high = sorted((low, high))
    light, heavy = (worked_out(f"{share!r}%bw", mass_kg) for share in (low, high))
    assert light.force_N <= heavy.force_N and light.inertia_kg <= heavy.inertia_kg


@given(st.floats(0.1, 300))
def test_kilograms_and_body_weight_agree(mass_kg: float) -> None:
    assert worked_out(f"{mass_kg!r}kg") == pytest.approx(worked_out("100%bw", mass_kg))


def test_an_alias_of_a_surface_is_the_surface() -> None:
    assert presets.surface("Gym-Turf") == presets.surface("turf") == presets.surface(None)
    assert presets.surface("turf").friction == TURF


def test_an_unknown_surface_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(Exception, match="there is no surface 'ice'; known are turf") as caught:
        presets.surface("ice")
    assert getattr(caught.value, "code", None) == 2


def test_every_surface_works_out() -> None:
    for name in presets.read("surfaces"):
        assert resolve(parse("50%bw"), 80.0, presets.surface(name).friction).force_N > 0
