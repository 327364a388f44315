"""What a scenario's host can be told, and the messages each of it takes, one after the other.

A dialogue yields a message to send and gets its answer, or None where none came in time; it yields a
time in s to wait for. It returns the last outcome, or None.
"""

from collections.abc import Generator
from typing import Any, NamedTuple

from protocol import codes, settings, units, wire

_ARM_AGAIN_s = 0.05  #: while the load before is still coming down
_ARM_TRIES = 30

_RESULTS = {code.number: code.name for code in codes.RESULTS}
_ARMED = tuple(code.number for code in codes.MODES if code.name in ("ARMED", "LOADING"))
_SETTINGS = {setting.name: setting.number for setting in settings.SETTINGS}

#: The names of what a host can be told, with a sentence for people.
COMMANDS = {
    "set-load": "arm if need be, then set the load of both directions: held, or leased with lease_s",
    "arm": "arm only",
    "stop": "lower the load and release the brake",
    "drop": "release the brake at once",
    "clear": "clear faults whose cause is gone",
    "status": "ask for the status",
    "set": "change a setting of the device until its next reset: setting, value",
    "reboot": "reset the controller",
    "silence": "send nothing for for_s, heartbeats included; what comes is still read",
}


class Command(NamedTuple):
    """What the host is told to do at a time; `do` is a name of `COMMANDS`."""

    number: int  #: from 1, in the order of the file
    at_s: float
    do: str
    fields: dict[str, Any]
    words: str  #: as it was written, for people


class Outcome(NamedTuple):
    """What a device answered to a command."""

    result: str  #: the result's name
    limited: str  #: what a limit made of it, for people; empty without


Dialogue = Generator[tuple[str, dict[str, Any]] | float, wire.Received | None, Outcome | None]


def result_of(reply: wire.Received) -> str:
    """Name of the result in an answer; a STATUS has none and is OK."""
    return _RESULTS.get(reply.fields.get("result", 0), "UNKNOWN")


def outcome_of(reply: wire.Received) -> Outcome:
    """The result, and what a limit made of the command."""
    result = result_of(reply)
    if result != "LIMITED":
        return Outcome(result, "")
    if reply.name != "LOAD_REPLY":
        return Outcome(result, f"to {reply.fields['setting_value']}")
    names = ", ".join(codes.limit_names(reply.fields["limits"])) or "nothing that has a name"
    pull, push = _load_words(reply.fields["pull"]), _load_words(reply.fields["push"])
    both = f"pull and push {pull}" if pull == push else f"pull {pull}; push {push}"
    return Outcome(result, f"by {names} ({both})")


def _load_words(load: dict[str, int]) -> str:
    """`60.0 N, feels 18.5 kg`, and whatever else the load has."""
    si = units.load_to_si(load)
    words = [f"{si.pop('force_N'):.1f} N", f"feels {si.pop('inertia_kg'):.1f} kg"]
    return ", ".join([*words, *(f"{name} {value:g}" for name, value in si.items() if value)])


def dialogue(command: Command) -> Dialogue:
    """The messages of a command; silence has none."""
    do, fields = command.do, command.fields
    if do == "set-load":
        return _set_load(fields)
    if do == "set":
        number, value = _SETTINGS[fields["setting"]], fields["value"]
        return _one("SET_SETTING", {"setting": number, "setting_value": value})
    if do in ("stop", "drop"):
        return _one("STOP", {"stop_kind": int(do == "drop")})
    names = {"arm": "ARM", "clear": "CLEAR_FAULT", "status": "GET_STATUS", "reboot": "REBOOT"}
    return _one(names[do], {})


def _one(name: str, fields: dict[str, Any]) -> Dialogue:
    reply = yield name, fields
    return None if reply is None else outcome_of(reply)


def _set_load(fields: dict[str, Any]) -> Dialogue:
    status = yield "GET_STATUS", {}
    if status is None:
        return None
    if status.fields["mode"] not in _ARMED:
        outcome = Outcome("RAMPING_DOWN", "")
        for _ in range(_ARM_TRIES):
            reply = yield "ARM", {}
            if reply is None:
                return None
            outcome = outcome_of(reply)
            if outcome.result != "RAMPING_DOWN":
                break
            yield _ARM_AGAIN_s
        if outcome.result != "OK":
            return outcome
    reply = yield "SET_LOAD", fields
    return None if reply is None else outcome_of(reply)
