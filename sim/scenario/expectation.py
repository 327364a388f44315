"""What a scenario expects to be seen: the kinds of `[[expect]]` and their keys. `verdict` judges them.

Each table names exactly one thing to look at, then when, and how it compares. With `not_yet` it must
fail today: for what the firmware does not do yet, with the sentence that says so.
"""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from protocol import codes
from sim.people.lengths import Length
from sim.scenario.scripted_host import FIGURES
from sim.scenario.tables import Table, known
from sim.truth import Moment, Truth

STATISTICS = ("max", "min", "mean", "first", "last", "rms", "peak", "change", "share")
SAMPLE_QUANTITIES = ("position_m", "velocity_m_per_s", "tow_force_N", "law_force_N", "brake_force_N")
LENGTH_VALUES = (
    *(name for name in Length._fields if name not in ("number", "direction")),
    "duration_s",
    "distance_m",
)
TOTALS = tuple(
    name
    for name in dir(Truth)
    if Truth.__annotations__.get(name) is float or isinstance(getattr(Truth, name), property)
)
BOUNDS = ("at_most", "at_least", "exactly", "about", "within", "within_percent")

_FAULTS = [fault.name for fault in codes.FAULTS]
_RESULTS = [result.name for result in codes.RESULTS]
NO_ANSWER = "NONE"  #: instead of a result: nothing came back


class Expect(NamedTuple):
    """One expectation: a kind of `KINDS`, the values of its keys, and why it cannot hold yet, if so."""

    number: int  #: from 1, in the order of the file
    kind: str
    values: dict[str, Any]
    words: str  #: as it was written, for people
    note: str  #: what it means, for people
    not_yet: str  #: empty: it must hold


class Kind(NamedTuple):
    """How one kind is read, and its sentence for people."""

    sentence: str
    read: Callable[[Table], dict[str, Any]]


def _moment(table: Table) -> dict[str, Any]:
    return {"at_s": table.number("at_s", inf, 0.0)}


def _reaction(table: Table) -> dict[str, Any]:
    return {"after_s": table.number("after_s", 0.0, 0.0), "within_s": table.number("within_s", inf, 0.0)}


def _span(table: Table) -> dict[str, Any]:
    from_s = table.number("from_s", 0.0, 0.0)
    to_s = table.number("to_s", inf, 0.0)
    if to_s <= from_s:
        raise table.error(f"to_s must be later than from_s ({from_s:g}), not {to_s:g}")
    return {"from_s": from_s, "to_s": to_s}


def _bounds(table: Table, default: dict[str, float] | None = None) -> dict[str, float]:
    """How the measured value compares. Without any, `default`."""
    found = {name: table.number(name) for name in BOUNDS if table.has(name)}
    if not found and default is not None:
        return default
    around = [name for name in ("within", "within_percent") if name in found]
    if ("about" in found) != bool(around) or len(around) == 2:
        raise table.error(
            "about goes with one of within and within_percent: about = 130, within = 5, or "
            "about = 60, within_percent = 3"
        )
    if around and found[around[0]] < 0.0:
        raise table.error(f"{around[0]} must be 0 or more, not {found[around[0]]:g}")
    if "within_percent" in found:
        found["within"] = abs(found["about"]) * found.pop("within_percent") / 100.0
    if not found:
        raise table.error("it compares with nothing: give at_most, at_least, exactly, or about and within")
    return found


def _fault(table: Table) -> dict[str, Any]:
    return {"fault": table.text("fault", choices=_FAULTS), **_reaction(table)}


def _reported(table: Table) -> dict[str, Any]:
    return {"reported": table.text("reported", choices=_FAULTS), **_reaction(table)}


def _faults(table: Table) -> dict[str, Any]:
    return {"faults": table.names("faults", _FAULTS), **_moment(table)}


def _faults_seen(table: Table) -> dict[str, Any]:
    return {"faults_seen": table.names("faults_seen", _FAULTS)}


def _mode(table: Table) -> dict[str, Any]:
    mode = {"mode": table.text("mode", choices=[mode.name for mode in codes.MODES])}
    if table.has("after_s") or table.has("within_s"):
        return {**mode, **_reaction(table)}
    return {**mode, **_moment(table)}


def _limit(table: Table) -> dict[str, Any]:
    names = [limit.name for limit in codes.LIMITS[:12]]
    bounds = _bounds(table, {"at_least": 0.001})
    return {"limit": table.text("limit", choices=names), **_span(table), **bounds}


def _values(name: str, choices: tuple[str, ...]) -> Callable[[Table], dict[str, Any]]:
    def read(table: Table) -> dict[str, Any]:
        statistic = table.text("statistic", "last", STATISTICS)
        found: dict[str, Any] = {name: table.text(name, choices=choices), "statistic": statistic}
        if statistic == "share":
            found["at_least_share"] = table.number("at_least_share", None, 0.0, 1.0)
        elif table.has("at_least_share"):
            raise table.error(
                'at_least_share goes with statistic = "share": of the moments within the bounds'
            )
        return {**found, **_span(table), **_bounds(table)}

    return read


def _compared(name: str, choices: tuple[str, ...]) -> Callable[[Table], dict[str, Any]]:
    def read(table: Table) -> dict[str, Any]:
        return {name: table.text(name, choices=choices), **_bounds(table)}

    return read


def _count(name: str) -> Callable[[Table], dict[str, Any]]:
    return lambda table: {name: table.whole(name)}


def _state(table: Table) -> dict[str, Any]:
    return {"state": table.text("state"), **_moment(table)}


def _reset(table: Table) -> dict[str, Any]:
    return {"reset": table.text("reset", choices=[each.name for each in codes.RESETS]), **_reaction(table)}


def _answer(table: Table) -> dict[str, Any]:
    return {
        "answer": table.text("answer", choices=[*_RESULTS, NO_ANSWER]),
        "command": table.whole("command", None, 1),
    }


#: By the key that names the thing.
KINDS: dict[str, Kind] = {
    "fault": Kind("the firmware latches this fault, within_s seconds of after_s", _fault),
    "faults": Kind("exactly these faults are latched, at_s or at the end", _faults),
    "faults_seen": Kind("exactly these faults were latched at any time", _faults_seen),
    "mode": Kind("the firmware's mode at_s or at the end; or reached within_s of after_s", _mode),
    "limit": Kind("share of samples that this limit shaped, from_s to to_s", _limit),
    "quantity": Kind(
        "a statistic of the truth, from_s to to_s; with share, at_least_share of its moments in the bounds",
        _values("quantity", Moment._fields),
    ),
    "sample": Kind(
        "a statistic of what the sled measured, as quantity", _values("sample", SAMPLE_QUANTITIES)
    ),
    "total": Kind("a sum of the truth at the end", _compared("total", TOTALS)),
    "lengths": Kind("how many lengths the athlete finished", _count("lengths")),
    "each_length": Kind("a value of every finished length", _compared("each_length", LENGTH_VALUES)),
    "state": Kind("what the athlete does, at_s or at the end", _state),
    "reset": Kind("the controller restarted for this cause, within_s of after_s", _reset),
    "resets": Kind("how often the controller restarted", _count("resets")),
    "reported": Kind("the host was told of this fault, within_s of after_s", _reported),
    "answer": Kind("the result of [[command]] number `command`, NONE for no answer", _answer),
    "samples_lost": Kind("how many samples were declared lost", _count("samples_lost")),
    "host": Kind("a count that the host kept", _compared("host", FIGURES)),
}


def read(table: Table, number: int) -> Expect:
    """The expectation in a table. Raises ScenarioError naming what is wrong and what is known."""
    chosen = [name for name in KINDS if table.has(name)]
    if len(chosen) != 1:
        if chosen:
            raise table.error(f"it expects several things, {' and '.join(chosen)}: one [[expect]] for each")
        first = next(iter(table.given()), "")
        raise table.error(f"it does not say what is expected; {known(KINDS, first)}")
    kind = chosen[0]
    values = KINDS[kind].read(table)
    not_yet = table.text("not_yet", "")
    note = table.text("note", "")
    table.finish()
    words = ", ".join(
        f"{name} = {_word(table.any(name))}" for name in table.given() if name not in ("not_yet", "note")
    )
    return Expect(number, kind, values, words, note, not_yet)


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
