"""Reads a `sim://` address: `sim://?seed=7&athlete=recreational&lengths=16`. Errors list what is known."""

from collections.abc import Callable
from typing import Any

from sim.bodies import ATHLETES
from sim.rig import Rig, RigConfig, check

SCHEME = "sim://"

_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "seed": (int, "a whole number from 0 to 2**40 - 1"),
    "athlete": (str, "one of " + ", ".join(sorted(ATHLETES)) + "; without it nobody touches the sled"),
    "lengths": (int, "how many lengths, 1 or more; without it the athlete goes on for ever"),
    "lane_m": (float, "length of the lane, 2 to 1000"),
    "body_mass_kg": (float, "30 to 200"),
    "first": (str, "push or pull"),
    "perturb": (float, "0 to 0.5: how far each parameter may be off"),
}


def known_parameters() -> str:
    """The parameters of an address, for people."""
    return "; ".join(f"{name} ({meaning})" for name, (_, meaning) in _READERS.items())


def parse(address: str) -> RigConfig:
    """The simulation that an address names. Raises ValueError saying what is wrong and what is known."""
    if not address.lower().startswith(SCHEME):
        raise ValueError(f"{address!r} does not begin with {SCHEME}")
    place, _, query = address[len(SCHEME) :].partition("?")
    if place.strip("/"):
        raise ValueError(f"{address!r} names a place; write {SCHEME} or {SCHEME}?name=value&name=value")
    values: dict[str, Any] = {}
    for part in query.split("&"):
        if not part:
            continue
        name, _, text = part.partition("=")
        if name not in _READERS:
            raise ValueError(f"{SCHEME} has no parameter {name!r}; known are: {known_parameters()}")
        if name in values:
            raise ValueError(f"{SCHEME} parameter {name} is given twice")
        read, meaning = _READERS[name]
        try:
            values[name] = read(text)
        except ValueError:
            raise ValueError(f"{SCHEME} parameter {name} must be {meaning}, not {text!r}") from None
    config = RigConfig(**values)
    check(config)
    return config


def rig_from(address: str) -> Rig:
    """A new sled as the address describes it. Raises ValueError as `parse` does."""
    return Rig(parse(address))
