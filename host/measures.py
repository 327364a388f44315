"""Masses and lengths as people type them: a number with its unit, never without."""

import re

from host.errors import BadValue

KG_PER_LB = 0.45359237
M_PER_FT = 0.3048

#: A number at the beginning of lower-case text; nan and inf are numbers that are then refused as such.
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?(?:nan|inf(?:inity)?)")

BODY_MASS_MIN_kg = 10.0
BODY_MASS_MAX_kg = 300.0
_LANE_MIN_m = 2.0
_LANE_MAX_m = 1000.0
_PULL_MIN_N = 20.0
_PULL_MAX_N = 1000.0
_G_m_per_s2 = 9.80665
_TYPOGRAPHIC_MINUS = "\N{MINUS SIGN}"


def plain_minus(text: str) -> str:
    """The text with a typographic minus as the one of the keyboard."""
    return text.replace(_TYPOGRAPHIC_MINUS, "-")


def shielded(argument: str) -> str:
    """An argument such as `-3kg` so that no option parser takes it for an option; `plain_minus` undoes it."""
    if argument[:1] == "-" and NUMBER.match(argument.lower()):
        return _TYPOGRAPHIC_MINUS + argument[1:]
    return argument


def split(text: str) -> tuple[float, str] | None:
    """Number and lower-case unit of what was typed, or None if it does not begin with a number."""
    cleaned = plain_minus(text).strip().lower()
    found = NUMBER.match(cleaned)
    return (float(found[0]), cleaned[found.end() :].strip()) if found else None


def parse_body_mass_kg(text: str) -> float:
    """Body mass typed as `80kg` or `176lb`, in kilograms. Raises BadValue for anything else."""
    shown = plain_minus(text).strip()
    number, unit = split(text) or (0.0, "")
    if unit not in ("kg", "lb", "lbs"):
        raise BadValue(
            f"'{shown}' is not a body mass; write it with kg or lb", "host athlete --bodyweight 80kg"
        )
    mass_kg = number * (1 if unit == "kg" else KG_PER_LB)
    if not BODY_MASS_MIN_kg <= mass_kg <= BODY_MASS_MAX_kg:  # false for nan as well
        raise BadValue(
            f"'{shown}' is not a person's body mass; {BODY_MASS_MIN_kg:g} to {BODY_MASS_MAX_kg:g} kg",
            "host athlete --bodyweight 80kg",
        )
    return mass_kg


def parse_lane_m(text: str) -> float:
    """Length of a lane typed as `15m` or `50ft`, in metres. Raises BadValue for anything else."""
    shown = plain_minus(text).strip()
    number, unit = split(text) or (0.0, "")
    if unit not in ("m", "ft"):
        raise BadValue(
            f"'{shown}' is not the length of a lane; write it with m or ft", "host demo --lane 15m"
        )
    lane_m = number * (1 if unit == "m" else M_PER_FT)
    if not _LANE_MIN_m <= lane_m <= _LANE_MAX_m:
        raise BadValue(f"'{shown}' is no lane; {_LANE_MIN_m:g} to {_LANE_MAX_m:g} m", "host demo --lane 15m")
    return lane_m


def parse_known_force_N(text: str) -> float:
    """A force typed as `200N`, or as the mass that hangs, `20kg` or `45lb`, in newtons.

    Raises BadValue for anything else, and for what is too little or too much for the load cell.
    """
    shown = plain_minus(text).strip()
    number, unit = split(text) or (0.0, "")
    factors = {"n": 1.0, "kg": _G_m_per_s2, "lb": KG_PER_LB * _G_m_per_s2, "lbs": KG_PER_LB * _G_m_per_s2}
    hint = "host calibrate span --mass 20kg"
    if unit not in factors:
        raise BadValue(f"'{shown}' is not a force; write it with N, kg or lb", hint)
    force_N = number * factors[unit]
    if not _PULL_MIN_N <= force_N <= _PULL_MAX_N:  # false for nan as well
        raise BadValue(f"'{shown}' is outside {_PULL_MIN_N:g} to {_PULL_MAX_N:g} N", hint)
    return force_N
