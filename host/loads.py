"""The words for a load (`50%bw`, `40kg+cap:1.2m/s`, `hill:8%`) and the terms of the one law they stand for.

    F = force + inertia*a + viscous*v + quadratic*v^2 + stiffness*x, and a speed cap

Parsing knows no athlete, surface or device; `resolve` works out SI terms from them. A sled of total
mass m on friction mu asks mu*m*g and is felt as the inertia m; a hill asks m*g*sin(slope) of the
athlete's own mass and adds no inertia.
"""

import re
from collections.abc import Mapping
from math import atan, isfinite, sin
from typing import Any, NamedTuple

from host.errors import LoadError
from host.measures import KG_PER_LB, NUMBER, plain_minus
from protocol.quantities import QUANTITIES
from protocol.units import load_from_si, to_si

G_m_per_s2 = 9.80665
_AUTO = re.compile(r"auto(?![a-z])")
_WIRE_FORCE_MAX_N = to_si("force_mN", QUANTITIES["force_mN"].maximum)


class Load(NamedTuple):
    """Terms of the law for one direction, SI units; no speed cap is None."""

    force_N: float = 0.0
    inertia_kg: float = 0.0
    viscous_N_s_per_m: float = 0.0
    quadratic_N_s2_per_m2: float = 0.0
    stiffness_N_per_m: float = 0.0
    speed_cap_m_per_s: float | None = None


class Term(NamedTuple):
    """One part of a load as it was typed: a kind of `KINDS` and its number (0 where it has none)."""

    kind: str
    value: float = 0.0


class Kind(NamedTuple):
    """How a kind is written and which numbers make sense for it."""

    prefix: str  #: word before the colon, empty where the unit alone tells the kind
    unit: str
    minimum: float
    maximum: float
    example: str


KINDS: dict[str, Kind] = {
    "bodyweight": Kind("", "%bw", 0.1, 300, "50%bw"),
    "mass": Kind("", "kg", 0.1, 500, "40kg"),
    "pounds": Kind("", "lb", 0.2, 1100, "90lb"),
    "force": Kind("", "N", 0.1, 1000, "130N"),
    "hill": Kind("hill", "%", 0.1, 100, "hill:8%"),
    "band": Kind("band", "N/m", 0.1, 500, "band:60N/m"),
    # The presets know the highest level; here only what no preset can mean.
    "fluid": Kind("fluid", "", 0.1, 1000, "fluid:12"),
    "magnetic": Kind("magnetic", "", 0.1, 1000, "magnetic:35"),
    "cap": Kind("cap", "m/s", 0.05, 10, "cap:1.2m/s"),
    "deadmill": Kind("deadmill", "", 0, 0, "deadmill"),
    "walk": Kind("walk", "", 0, 0, "walk"),
}
EXAMPLES = ", ".join(kind.example for kind in KINDS.values())

_WORDS = {kind.prefix: name for name, kind in KINDS.items() if kind.prefix}
_WITHOUT_NUMBER = ("deadmill", "walk")
_UNITS = {kind.unit.lower(): name for name, kind in KINDS.items() if not kind.prefix} | {"lbs": "pounds"}
_MASSES = ("bodyweight", "mass", "pounds")

_PLUS = re.compile(r"(?<![0-9.]e)\+")  # not the sign of an exponent


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a load as typed. Raises LoadError, in words, for whatever is not one."""
    cleaned = plain_minus(text).strip().lower()
    if not cleaned:
        raise LoadError("no load was given", "host set-load 50%bw")
    terms = tuple(_parse_term(part.strip(), text) for part in _PLUS.split(cleaned))
    kinds = [term.kind for term in terms]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise LoadError(f"'{text}' names {kind} twice", f"host set-load {KINDS[kind].example}")
    if "walk" in kinds and set(kinds) - {"walk", "cap"}:
        raise LoadError(f"'{text}': walk is no load at all and cannot be added to one", "host set-load walk")
    return terms


def _parse_term(part: str, text: str) -> Term:
    if _AUTO.match(part):
        raise LoadError(
            f"'{plain_minus(text)}' needs a program that keeps adjusting the load, which comes later; "
            "a fixed load with a speed cap is near it",
            "host set-load 50%bw+cap:0.8m/s",
        )
    found = NUMBER.match(part)
    if found:
        return _parse_quantity(found[0], part[found.end() :].strip(), plain_minus(text))
    word, colon, rest = (piece.strip() for piece in part.partition(":"))
    if word not in _WORDS:
        raise LoadError(
            f"'{plain_minus(text)}' is not a load; loads look like {EXAMPLES}", "host set-load 50%bw"
        )
    kind = KINDS[_WORDS[word]]
    if word in _WITHOUT_NUMBER:
        if colon:
            raise LoadError(f"'{plain_minus(text)}': {word} takes no number", f"host set-load {word}")
        return Term(word)
    found = NUMBER.match(rest)
    if not found or rest[found.end() :].strip() != kind.unit.lower():
        raise LoadError(
            f"'{plain_minus(text)}' does not say how much: {word} is written like {kind.example}",
            f"host set-load {kind.example}",
        )
    return Term(word, _checked(word, found[0], plain_minus(text)))


def _parse_quantity(number: str, unit: str, text: str) -> Term:
    if unit.startswith(","):
        raise LoadError(f"'{text}': decimals are written with a point", "host set-load 62.5%bw")
    if unit == "%vdec":
        raise LoadError(
            f"'{text}' needs an athlete's load-velocity profile, which comes later; "
            "a share of body weight is near it",
            "host set-load 50%bw",
        )
    if unit in _UNITS:
        return Term(_UNITS[unit], _checked(_UNITS[unit], number, text))
    if not isfinite(float(number)):
        raise LoadError(f"'{text}' is not a finite number", "host set-load 50%bw")
    shown = number if float(number) > 0 else "50"
    if not unit:
        raise LoadError(
            f"'{text}' has no unit: percent of body weight, kilograms, pounds or newtons?",
            f"host set-load {shown}%bw (or {shown}kg, {shown}lb, {shown}N)",
        )
    if unit == "%":
        raise LoadError(
            f"'{text}' does not say percent of what", f"host set-load {shown}%bw (or hill:{shown}%)"
        )
    raise LoadError(
        f"'{text}' has the unknown unit '{unit}'; loads look like {EXAMPLES}", "host set-load 50%bw"
    )


def _checked(name: str, number: str, text: str) -> float:
    """The number of a term of kind `name`. Raises LoadError unless it is finite, positive and sensible."""
    kind = KINDS[name]
    value = float(number)
    hint = f"host set-load {kind.example}"
    if not isfinite(value):
        raise LoadError(f"'{text}' is not a finite number", hint)
    if value < 0:
        raise LoadError(f"'{text}' is negative: a sled only ever resists", hint)
    if value == 0:
        raise LoadError(f"'{text}' is no load", "host set-load walk")
    if not kind.minimum <= value <= kind.maximum:
        raise LoadError(
            f"'{text}' is out of range: {kind.prefix or 'this load'} goes from "
            f"{kind.minimum:g} to {kind.maximum:g}{kind.unit}",
            hint,
        )
    return value


def format_terms(terms: tuple[Term, ...]) -> str:
    """The terms as they are typed; `parse` returns the same terms from it."""
    return "+".join(_format_term(term) for term in terms)


def _format_term(term: Term) -> str:
    kind = KINDS[term.kind]
    if term.kind in _WITHOUT_NUMBER:
        return kind.prefix
    number = repr(float(term.value)).removesuffix(".0")
    return f"{kind.prefix}:{number}{kind.unit}" if kind.prefix else f"{number}{kind.unit}"


def needs_body_mass(terms: tuple[Term, ...]) -> bool:
    """Whether these terms mean nothing without the athlete's body mass."""
    return any(term.kind in ("bodyweight", "hill") for term in terms)


def needs_friction(terms: tuple[Term, ...]) -> bool:
    """Whether these terms are a sled's mass, which means nothing without a surface."""
    return any(term.kind in _MASSES for term in terms)


def needs_presets(terms: tuple[Term, ...]) -> bool:
    """Whether these terms are machines whose figures are kept as data."""
    return any(term.kind in ("deadmill", "fluid", "magnetic") for term in terms)


def sled_mass_kg(terms: tuple[Term, ...], body_mass_kg: float | None) -> float | None:
    """Total mass of the sled these terms stand for, or None if they stand for none."""
    masses = [_sled_mass_kg(term, body_mass_kg) for term in terms if term.kind in _MASSES]
    return sum(masses) if masses else None


def _sled_mass_kg(term: Term, body_mass_kg: float | None) -> float:
    if term.kind == "bodyweight":
        return term.value / 100 * _known(body_mass_kg, term)
    return term.value * KG_PER_LB if term.kind == "pounds" else term.value


def _known(body_mass_kg: float | None, term: Term) -> float:
    if body_mass_kg is None:
        text = _format_term(term)
        raise LoadError(
            f"'{text}' needs a body mass, and none is known",
            f"host set-load {text} --bodyweight 80kg (or once: host athlete --bodyweight 80kg)",
        )
    return body_mass_kg


def resolve(
    terms: tuple[Term, ...],
    body_mass_kg: float | None = None,
    friction: float | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Load:
    """The terms worked out in SI units.

    `friction` is the surface's kinetic coefficient, `presets` the tables of seeds/loads.toml; each is
    needed only by the terms that need it. Raises LoadError where it is missing, where a level is
    beyond its preset, and where the sum is more than any sled can be told. A force is brought to the
    greatest there is a number for, more than any sled can brake: the device limits it and says so.
    """
    total = dict.fromkeys(Load._fields[:5], 0.0)
    cap: float | None = None
    for term in terms:
        if term.kind in _MASSES:
            mass_kg = _sled_mass_kg(term, body_mass_kg)
            if friction is None:
                raise LoadError(f"'{_format_term(term)}' needs a surface", "host athlete --surface turf")
            total["force_N"] += friction * mass_kg * G_m_per_s2
            total["inertia_kg"] += mass_kg
        elif term.kind == "force":
            total["force_N"] += term.value
        elif term.kind == "hill":
            total["force_N"] += _known(body_mass_kg, term) * G_m_per_s2 * sin(atan(term.value / 100))
        elif term.kind == "band":
            total["stiffness_N_per_m"] += term.value
        elif term.kind == "cap":
            cap = term.value
        elif term.kind != "walk":
            for name, value in _preset(term, presets or {}).items():
                total[name] += value
    total["force_N"] = min(total["force_N"], _WIRE_FORCE_MAX_N)
    load = Load(**total, speed_cap_m_per_s=cap)
    try:
        load_from_si(load._asdict())
    except ValueError as error:
        raise LoadError(
            f"'{format_terms(terms)}' is more than a sled can be told: {error}", "host set-load 50%bw"
        ) from None
    return load


def _preset(term: Term, presets: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Terms of the law of a named machine at its level."""
    row = presets.get(term.kind)
    if row is None:
        raise LoadError(f"'{term.kind}' has no figures in seeds/loads.toml", "host set-load 50%bw")
    lowest, highest = row.get("level_min", 0), row.get("level_max", 0)
    if term.kind not in _WITHOUT_NUMBER and not lowest <= term.value <= highest:
        raise LoadError(
            f"'{_format_term(term)}' is out of range: {term.kind} goes from {lowest:g} to {highest:g}",
            f"host set-load {KINDS[term.kind].example}",
        )
    found = {}
    for name in Load._fields[:5]:
        if name in row:
            found[name] = float(row[name])
        if f"{name}_per_level" in row:
            found[name] = float(row[f"{name}_per_level"]) * term.value
    return found
