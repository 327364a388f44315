"""Scenarios: TOML files that say who pulls, what the host does, what breaks and what must be seen.

The format is described in sim/scenarios/README.md. Reading checks everything, so that what was read can
be run: whatever is wrong raises ScenarioError with file, table and key.
"""

import os
import re
import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from math import inf
from typing import Any, NamedTuple

from protocol import settings, units
from sim.faults import table as faults
from sim.people import athlete
from sim.people import events as athlete_events
from sim.people.bodies import ATHLETES
from sim.rig import RigConfig, check
from sim.scenario import expectation, tables
from sim.scenario.dialogues import COMMANDS, Command
from sim.scenario.expectation import Expect
from sim.scenario.tables import TOP_KEYS, NoScenarioError, ScenarioError, Table
from sim.world import parameters

#: From the words of a load, the body mass in kg and a surface to the load of one direction in wire units.
#: Raises ValueError for words that are none and for a surface that is none, needed or not. The simulator
#: knows no words itself: its caller brings this.
Loads = Callable[[str, float | None, str | None], dict[str, int]]

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios")
DURATION_MAX_s = 86_400.0
LEASE_MIN_s, LEASE_MAX_s = 0.1, 10.0  #: what the firmware takes
_HELD, _LEASED = 0, 1
_DO = "do"

#: What can happen to the sled beside the athlete's own events, with a sentence for people.
EVENTS = {
    "touch": "a hand on the hitch: force_N (positive pulls, negative pushes) for for_s seconds",
    "press": "somebody presses the button `button`, up or down, for for_s seconds",
}

#: What an athlete can be doing, with a sentence for people.
STATES = {
    athlete.STAND_BY: "waits for the sled to be armed",
    athlete.GRIP: "takes hold, then begins",
    athlete.GO: "walks a length",
    athlete.TURN: "turns, or rests, between two lengths",
    athlete.ASIDE: "has let go on the way, and waits",
    athlete.HOLD: "has dug in on the way, hitch in hand",
    athlete.SHOVE: "presses the sled back with the hands",
    athlete.DONE: "has gone all lengths",
    athlete.GAVE_UP: "pushed in vain for too long",
    "nobody": "there is no athlete",
}

_GROUPS = tuple(
    name for name, default in RigConfig._field_defaults.items() if type(default) in parameters.FACTS
)
_TOP = (*TOP_KEYS, "athlete", *_GROUPS, "command", "event", "fault", "expect")
_GUESSES = 3


class Event(NamedTuple):
    """Something that happens to the sled, or that the athlete does."""

    at_s: float
    do: str  #: a name of `EVENTS` or an event of the athlete
    values: dict[str, Any]
    words: str


class Break(NamedTuple):
    """Something that breaks, by its name in `sim.faults.table.FAULTS`."""

    at_s: float
    name: str
    for_s: float  #: inf: to the end
    values: dict[str, float]
    words: str


class Scenario(NamedTuple):
    """A scenario as it was read."""

    name: str
    about: str
    duration_s: float
    config: RigConfig
    may_inject: str  #: why the brake may put energy into the sled here; empty: it may not
    commands: tuple[Command, ...]
    events: tuple[Event, ...]
    breaks: tuple[Break, ...]
    expects: tuple[Expect, ...]
    surface: str | None = None
    written: tuple[dict[str, Any], ...] = ()  #: the commands as the file has them


def names() -> list[str]:
    """The built-in scenarios."""
    found = []
    for folder, _, files in os.walk(FOLDER):
        place = os.path.relpath(folder, FOLDER).replace(os.sep, "/")
        prefix = "" if place == "." else place + "/"
        found += [prefix + file.removesuffix(".toml") for file in files if file.endswith(".toml")]
    return sorted(found, key=lambda name: (name.count("/"), name))


def find(name_or_file: str) -> str:
    """Path of a built-in scenario, or of a file. Raises NoScenarioError with the nearest names."""
    if name_or_file in (builtin := names()):
        return os.path.join(FOLDER, *name_or_file.split("/")) + ".toml"
    if os.path.isfile(name_or_file):
        return name_or_file
    if os.path.isdir(name_or_file):
        raise NoScenarioError(f"{name_or_file!r} is a folder, not a scenario")
    plain = name_or_file.replace(os.sep, "/")
    folders = {name.rpartition("/")[0] for name in builtin}
    is_file = plain.endswith(".toml") or plain.rpartition("/")[0] not in folders
    found = f"there is no scenario {name_or_file!r}"
    if is_file:
        folder = os.path.dirname(os.path.abspath(name_or_file))
        found = f"there is no file {name_or_file!r} (looked in {folder})"
    guesses = [repr(name) for name in _guesses(plain.removesuffix(".toml"), builtin)]
    if not guesses:
        raise NoScenarioError(found)
    raise NoScenarioError(f"{found}; near it {'is' if len(guesses) == 1 else 'are'} {', '.join(guesses)}")


def _guesses(given: str, builtin: list[str]) -> list[str]:
    """The built-in scenarios that may be meant, the nearest first: the last part of a path counts most."""
    last = {name.rpartition("/")[2]: name for name in reversed(builtin)}
    words = given.lower().replace("-", "_")
    part = words.rpartition("/")[2]
    if part in last:
        return [last[part]]
    near = [last[each] for each in get_close_matches(part, last, _GUESSES)]
    near += get_close_matches(words, builtin, _GUESSES)
    return list(dict.fromkeys(near))[:_GUESSES]


def load(name_or_file: str, loads: Loads | None = None) -> Scenario:
    """Read a scenario by name or file. Without `loads` its commands can be read but not run.

    Raises ScenarioError naming file, table and key.
    """
    path = find(name_or_file)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise ScenarioError(f"cannot read {path}: {error.strerror}") from None
    return parse(data, name_or_file, loads)


def parse(data: bytes, name: str, loads: Loads | None = None) -> Scenario:
    """The scenario in the text of a TOML file. Raises ScenarioError as `load` does."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: it is not UTF-8 text (byte {error.start})") from None
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError, so is a huge number
        raise ScenarioError(f"{name}: it is not TOML: {error}{_quotes(text, str(error))}") from None
    top = Table(name, "", document)
    top.only(_TOP)
    about = top.text("about")
    duration_s = top.number("duration_s", None, 0.1, DURATION_MAX_s)
    surface = top.text("surface", "") or None
    if surface is not None and loads is not None:
        _checked(top, lambda: loads("walk", None, surface))
    may_inject = top.text("may_inject", "")
    config = _config(top)
    body_mass_kg = config.body_mass_kg or (config.body.body_mass_kg if config.body else None)
    commands = [
        _command(table, number, loads, body_mass_kg, surface)
        for number, table in enumerate(top.array("command"), 1)
    ]
    scenario = Scenario(
        name,
        about,
        duration_s,
        config,
        may_inject,
        tuple(commands),
        tuple(_event(table, config.body is not None) for table in top.array("event")),
        tuple(_break(table) for table in top.array("fault")),
        tuple(expectation.read(table, number) for number, table in enumerate(top.array("expect"), 1)),
        surface,
        tuple(document.get("command", ())),
    )
    _check_times(top, scenario)
    return scenario


def _quotes(text: str, error: str) -> str:
    """What is most often wrong with a line that is not TOML: a bare word."""
    place = re.search(r"at line (\d+)", error)
    line = text.splitlines()[int(place[1]) - 1] if place else ""
    return "; words need quotes" if re.search(r"=\s*[\d.]*[A-Za-z%][^\"']*$", line) else ""


def _check_times(top: Table, scenario: Scenario) -> None:
    """Nothing may be written that never comes to pass."""
    late: tuple[tuple[str, tuple[Any, ...], str], ...] = (
        ("command", scenario.commands, "at_s"),
        ("event", scenario.events, "at_s"),
        ("fault", scenario.breaks, "at_s"),
    )
    for kind, rows, key in late:
        for number, row in enumerate(rows, 1):
            if row.at_s >= scenario.duration_s:
                raise top.error(
                    f"[[{kind}]] {number}: {key} = {row.at_s:g} is after the end (duration_s = "
                    f"{scenario.duration_s:g})"
                )
    for expect in scenario.expects:
        for key in ("at_s", "after_s", "from_s", "to_s"):
            if scenario.duration_s < expect.values.get(key, 0.0) < inf:
                raise top.error(
                    f"[[expect]] {expect.number}: {key} = {expect.values[key]:g} is after the end "
                    f"(duration_s = {scenario.duration_s:g})"
                )
        state = expect.values.get("state", "nobody")
        if state not in STATES:
            raise top.error(
                f"[[expect]] {expect.number}: state has no {state!r}; {tables.known(STATES, state)}"
            )
        command = expect.values.get("command", 0)
        if command > len(scenario.commands):
            raise top.error(
                f"[[expect]] {expect.number}: there is no [[command]] {command}, only "
                f"{len(scenario.commands)}"
            )


def _config(top: Table) -> RigConfig:
    """Who and what is simulated."""
    wishes: dict[str, Any] = {
        "seed": top.whole("seed", 1),
        "perturb": top.number("perturb", 0.0, 0.0, 0.5),
        "signed_driver": top.flag("signed_driver"),
    }
    if top.has("athlete"):
        table = top.inner("athlete")
        kind = table.text("kind", choices=ATHLETES)
        wishes["athlete"] = kind
        body = _overridden(table.inner("body"), ATHLETES[kind])
        if table.has("body_mass_kg"):
            body = body._replace(body_mass_kg=table.number("body_mass_kg"))
        wishes["body"] = body
        if table.has("lengths"):
            wishes["lengths"] = table.whole("lengths", None, 1)
        wishes["lane_m"] = table.number("lane_m", 15.0)
        wishes["first"] = table.text("first", "push", ("push", "pull"))
        table.finish()
        _checked(table, lambda: parameters.check(body))
    for name in _GROUPS:
        wishes[name] = _overridden(top.inner(name), RigConfig._field_defaults[name])
    config = RigConfig(**wishes)
    _checked(top, lambda: check(config))
    return config


def _checked(table: Table, look: Callable[[], object]) -> None:
    try:
        look()
    except ValueError as error:
        raise table.error(str(error)) from None


def _overridden(table: Table, group: Any) -> Any:
    """The parameters of `group` with those that the table gives."""
    facts = parameters.FACTS[type(group)]
    changes: dict[str, Any] = {}
    for name in group._fields:
        if not table.has(name):
            continue
        if name in facts:
            changes[name] = table.number(name, None, facts[name].minimum, facts[name].maximum)
        elif isinstance(getattr(group, name), bool):
            if not isinstance(table.any(name), bool):
                raise table.error(f"{name} must be true or false")
            changes[name] = table.any(name)
        else:
            changes[name] = table.number(name)
    table.finish()
    return group._replace(**changes)


def _command(
    table: Table, number: int, loads: Loads | None, body_mass_kg: float | None, surface: str | None
) -> Command:
    at_s = table.number("at_s", None, 0.0)
    do = table.text(_DO, choices=COMMANDS)
    fields: dict[str, Any] = {}
    if do == "set-load":
        pull = _load(table, "load", loads, body_mass_kg, surface)
        push = _load(table, "push", loads, body_mass_kg, surface) if table.has("push") else pull
        lease_s = table.number("lease_s", None, LEASE_MIN_s, LEASE_MAX_s) if table.has("lease_s") else 0.0
        fields = {
            "hold": _LEASED if lease_s else _HELD,
            "lease_ms": int(lease_s * 1000 + 0.5),
            "pull": pull,
            "push": push,
        }
    elif do == "set":
        known = {setting.name: setting for setting in settings.SETTINGS}
        name = table.text("setting", choices=known)
        fields = {"setting": name, "value": table.whole("value", None, -(2**30), 2**30 - 1)}
    elif do == "silence":
        fields = {"for_s": table.number("for_s", DURATION_MAX_s, 0.001)}
    table.finish()
    return Command(number, at_s, do, fields, _words(table))


def _load(
    table: Table, name: str, loads: Loads | None, body_mass_kg: float | None, surface: str | None
) -> dict[str, int]:
    value = table.any(name)
    if isinstance(value, dict):
        inner = table.inner(name)
        load = {part: inner.number(part) for part in map(units.si_name, units.LOAD_FIELDS) if inner.has(part)}
        inner.finish()
        try:
            return units.load_from_si(load)
        except ValueError as error:
            raise inner.error(str(error)) from None
    words = table.text(name)
    if loads is None:
        return units.load_from_si({})
    try:
        return loads(words, body_mass_kg, surface)
    except ValueError as error:
        raise table.error(f"{name}: {error}") from None


def _event(table: Table, has_athlete: bool) -> Event:
    at_s = table.number("at_s", None, 0.0)
    known = {**EVENTS, **athlete_events.EVENTS}
    do = table.text(_DO, choices=known)
    values: dict[str, Any] = {}
    if do == "touch":
        values = {
            "force_N": table.number("force_N", None, -2000.0, 2000.0),
            "for_s": table.number("for_s", None, 0.001, DURATION_MAX_s),
        }
    elif do == "press":
        values = {
            "button": table.text("button", choices=("up", "down")),
            "for_s": table.number("for_s", 0.2, 0.001, DURATION_MAX_s),
        }
    else:
        if not has_athlete:
            raise table.error(f"{do} is something an athlete does, and there is none: give [athlete] kind")
        values = _event_values(table, do)
    table.finish()
    return Event(at_s, do, values, _words(table))


def _event_values(table: Table, do: str) -> dict[str, float]:
    """The values of an athlete's event, checked by the event's own row."""
    found: dict[str, float] = {}
    for value in athlete_events.EVENTS[do].values:
        if table.has(value.name):
            found[value.name] = table.number(value.name, None, value.minimum, value.maximum)
    return found


def _break(table: Table) -> Break:
    if _DO in table.given():
        raise table.error("it is named by name =, not by do =")
    at_s = table.number("at_s", None, 0.0)
    name = table.text("name", choices=faults.FAULTS)
    for_s = table.number("for_s", inf, 0.001)
    values = {}
    value = faults.FAULTS[name].value
    if value is not None and table.has(value.name):
        values[value.name] = table.number(value.name, None, value.minimum, value.maximum)
    table.finish()
    return Break(at_s, name, for_s, values, _words(table))


def _words(table: Table) -> str:
    """A row of the file in one line: what is done, then its values."""
    shown: list[str] = []
    for key in table.given():
        value = table.any(key)
        if key in ("do", "name"):
            shown.insert(0, str(value))
        elif isinstance(value, dict):
            shown.append(f"{key} " + " ".join(f"{part} {number:g}" for part, number in value.items()))
        elif key != "at_s":
            shown.append(f"{key} {value:g}" if isinstance(value, int | float) else f"{key} {value}")
    return ", ".join(shown)
