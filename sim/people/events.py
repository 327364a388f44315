"""What can happen to an athlete on the way, by name: one list for scenarios and for tests."""

from collections.abc import Mapping
from typing import NamedTuple


class Value(NamedTuple):
    """One number of an event."""

    name: str  #: with its unit, such as force_N
    default: float
    minimum: float
    maximum: float


class Event(NamedTuple):
    """Something an athlete does that is not part of a steady length."""

    name: str
    sentence: str
    values: tuple[Value, ...]
    needs_steps: bool = True  #: waits until the athlete walks


class Happening(NamedTuple):
    """An event as it really came."""

    time_s: float
    name: str
    values: Mapping[str, float]


EVENTS: dict[str, Event] = {
    event.name: event
    for event in (
        Event(
            "stumble",
            "A step fails: no force for for_s; the other foot then catches it, hard and early.",
            (Value("for_s", 0.4, 0.1, 1.5),),
        ),
        Event(
            "let_go",
            "The athlete lets go of the hitch at once, stands aside for for_s, and takes hold again.",
            (Value("for_s", 3.0, 0.5, 60.0),),
        ),
        Event(
            "stop",
            "The athlete digs in, stands within 0.2 s of a walk, and holds on for for_s. Strap and straight"
            " arms carry one way only, so the sled itself is stopped by its brake.",
            (Value("for_s", 1.5, 0.2, 30.0),),
        ),
        Event(
            "shove_back",
            "The hands press the sled against its way with force_N for for_s: on its frame in a pull, by the"
            " grips in a push. The feet are dug in, so the body's mass takes no part.",
            (Value("force_N", 200.0, 20.0, 400.0), Value("for_s", 0.3, 0.05, 2.0)),
        ),
        Event(
            "rest",
            "The athlete pauses for for_s: longer at the next turn, or with right_now = 1 where the sled is.",
            (Value("for_s", 30.0, 1.0, 600.0), Value("right_now", 0.0, 0.0, 1.0)),
            needs_steps=False,
        ),
        Event(
            "pace",
            "From now on the athlete wants the body's own pace times factor.",
            (Value("factor", 0.7, 0.3, 2.0),),
            needs_steps=False,
        ),
        Event(
            "sprint",
            "The athlete goes all out for for_s, or until the lane's end is near.",
            (Value("for_s", 4.0, 0.5, 30.0),),
        ),
    )
}


def complete(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """All values of an event, defaults where none is given. Raises ValueError naming what is known."""
    if name not in EVENTS:
        raise ValueError(f"there is no event {name!r}; known are: {', '.join(sorted(EVENTS))}")
    known = {value.name: value for value in EVENTS[name].values}
    for given, number in values.items():
        if given not in known:
            raise ValueError(f"event {name} has no {given!r}; it takes {', '.join(known)}")
        value = known[given]
        if not value.minimum <= number <= value.maximum:
            raise ValueError(
                f"{given} of {name} must be from {value.minimum:g} to {value.maximum:g}, not {number:g}"
            )
    return {value.name: float(values.get(value.name, value.default)) for value in known.values()}
