"""Reads a `sim://` address: `sim://?seed=7&athlete=recreational&lengths=16`. Errors list what is known."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sim.people.bodies import ATHLETES
from sim.people.helpers import HELPERS
from sim.rig import Rig, RigConfig, check

if TYPE_CHECKING:  # a sled without a scenario starts without reading what scenarios need
    from sim.scenario.reading import Scenario
    from sim.scenario.running import Note

SCHEME = "sim://"
_SCENARIO = "scenario"

_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "seed": (int, "a whole number from 0 to 2**40 - 1"),
    "athlete": (
        str,
        "one of " + ", ".join(sorted(ATHLETES | HELPERS)) + "; without it nobody touches the sled",
    ),
    "lengths": (int, "how many lengths, 1 or more; without it the athlete goes on for ever"),
    "lane_m": (float, "length of the lane, 2 to 1000"),
    "body_mass_kg": (float, "30 to 200"),
    "first": (str, "push or pull"),
    "perturb": (float, "0 to 0.5: how far each parameter may be off"),
    _SCENARIO: (str, "name or file: its sled, athlete, events and faults; what else is given counts more"),
}


def known_parameters() -> str:
    """The parameters of an address, for people."""
    return "; ".join(f"{name} ({meaning})" for name, (_, meaning) in _READERS.items())


def parse(address: str) -> RigConfig:
    """The simulation that an address names. Raises ValueError saying what is wrong and what is known."""
    return config_of(*_read(address))


def rig_from(address: str) -> Rig:
    """A new sled as the address describes it. Raises ValueError as `parse` does."""
    scenario, wishes = _read(address)
    return rig_of(scenario, wishes)


def rig_of(scenario: "Scenario | None", wishes: dict[str, Any], note: "Note | None" = None) -> Rig:
    """A new sled with the scenario's events and faults; `wishes`, by the names of an address, count more.

    The scenario's commands are the caller's business. `note` gets each line of a scenario's time line.
    Raises ValueError saying what cannot be simulated.
    """
    rig = Rig(config_of(scenario, wishes))
    if scenario is not None:
        from sim.scenario.running import schedule
        from sim.scenario.telling import Telling

        schedule(rig, scenario, note)
        if note is not None:
            rig.trace = Telling(note)
    return rig


def config_of(scenario: "Scenario | None", wishes: dict[str, Any]) -> RigConfig:
    """The scenario's config with `wishes` put over it. Raises ValueError saying what cannot be."""
    config = RigConfig() if scenario is None else scenario.config
    if "athlete" in wishes:
        config = config._replace(body=None)  # another person, not that one's body
    config = config._replace(**wishes)
    check(config)
    return config


def _read(address: str) -> "tuple[Scenario | None, dict[str, Any]]":
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
            values[name] = read(unquote(text))
        except ValueError:
            raise ValueError(f"{SCHEME} parameter {name} must be {meaning}, not {text!r}") from None
    if _SCENARIO not in values:
        return None, values
    from sim.scenario.reading import load

    return load(values.pop(_SCENARIO)), values
