"""Between wire units (integers) and SI (floats), by the one table of quantities. Pure functions.

Counts and codes are the same on both sides. A load's speed cap of 0 means no cap: in SI it is None.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from protocol.quantities import QUANTITIES

LOAD_FIELDS = (
    "force_mN",
    "inertia_g",
    "viscous_mN_s_per_m",
    "quadratic_mN_s2_per_m2",
    "stiffness_mN_per_m",
    "speed_cap_mm_per_s",
)

_CAP = "speed_cap_mm_per_s"


def si_name(name: str) -> str:
    """Name on the host of a wire quantity: `force_mN` -> `force_N`. Raises ValueError if unknown."""
    if name not in QUANTITIES:
        raise ValueError(f"there is no quantity named {name!r}")
    return QUANTITIES[name].si_name


def to_si(name: str, value: int) -> float:
    """Wire value of quantity `name` in SI units. Raises ValueError for an unknown quantity."""
    si_name(name)
    scale = QUANTITIES[name].scale
    if scale == 1:
        return value
    # Scales are one over a whole number: dividing by that number rounds once, so 129400 mN is 129.4 N.
    return value / round(1 / scale)


def from_si(name: str, value: float) -> int:
    """SI value as the nearest wire value of quantity `name`.

    Raises ValueError for an unknown quantity, for NaN or infinity, and outside the quantity's range.
    """
    shown = si_name(name)
    quantity = QUANTITIES[name]
    if not isfinite(value):
        raise ValueError(f"{shown} must be a finite number, not {value}")
    wire = round(value) if quantity.scale == 1 else round(value * round(1 / quantity.scale))
    if not quantity.minimum <= wire <= quantity.maximum:
        lowest, highest = to_si(name, quantity.minimum), to_si(name, quantity.maximum)
        raise ValueError(f"{shown} = {value:g} is outside {lowest:g} to {highest:g}")
    return wire


def load_to_si(load: Mapping[str, int]) -> dict[str, Any]:
    """A load of the wire in SI, names and values; no speed cap is None.

    Raises ValueError for an unknown field.
    """
    converted: dict[str, Any] = {si_name(name): to_si(name, value) for name, value in load.items()}
    if load.get(_CAP) == 0:
        converted[si_name(_CAP)] = None
    return converted


def load_from_si(load: Mapping[str, float | None]) -> dict[str, int]:
    """A load in SI as the wire carries it; parts that are not named are zero, and so is a cap of None.

    Raises ValueError for a value out of range, an unknown part, and a cap that would round to no cap.
    """
    names = {si_name(name): name for name in LOAD_FIELDS}
    converted = dict.fromkeys(LOAD_FIELDS, 0)
    for shown, value in load.items():
        if shown not in names:
            raise ValueError(f"a load has no part named {shown!r}")
        if value is None:
            if names[shown] != _CAP:
                raise ValueError(f"{shown} needs a number")
            continue
        converted[names[shown]] = from_si(names[shown], value)
        if names[shown] == _CAP and converted[_CAP] == 0:
            raise ValueError(f"{shown} = {value:g} would mean no cap; the lowest is {to_si(_CAP, 1):g}")
    return converted
