"""What a fault is, and the few ways of breaking something so that it can be mended in any order.

Several faults may hold the same thing at once: the one begun last counts, and what was found
before the first comes back when the last of them is mended. Mending twice does no harm.
"""

from collections.abc import Callable
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sim.rig import Filter, Rig

End = Callable[[], None]


class Value(NamedTuple):
    """The one number of a fault."""

    name: str  #: with its unit, such as force_N
    default: float
    minimum: float
    maximum: float


class Fault(NamedTuple):
    """One thing that breaks. Exactly one of the last two says what the present firmware does with it."""

    name: str
    group: str  #: sensor, driver, power, heat, switch, time or link
    sentence: str  #: for people
    begin: Callable[[Rig, float], End]  #: makes it so; the result mends it
    value: Value | None = None
    shows: str = ""  #: fault of `protocol.codes` that the firmware latches at the default value under load
    expected: str = ""  #: why nothing needs to be latched, and what happens instead


_HELD: WeakKeyDictionary[Rig, dict[str, dict[object, Any]]] = WeakKeyDictionary()
_FOUND: WeakKeyDictionary[Rig, dict[str, Any]] = WeakKeyDictionary()
_SEEDED: WeakKeyDictionary[Rig, tuple[int, int]] = WeakKeyDictionary()  # last tick, and how often in it


def hold(rig: Rig, what: str, value: Any, settle: Callable[[list[Any]], None]) -> End:
    """Hold `value` for `what`. `settle` is told all values now held for it, the last begun last."""
    held = _HELD.setdefault(rig, {}).setdefault(what, {})
    mine = object()
    held[mine] = value
    settle(list(held.values()))

    def end() -> None:
        if mine in held:
            del held[mine]
            settle(list(held.values()))

    return end


def put(rig: Rig, part: str, attribute: str, value: Any) -> End:
    """Give an attribute of a part of the rig (`driver`, `supply.heat` ...) another value."""
    what = f"{part}.{attribute}"
    owner = attrgetter(part)(rig)
    found = _FOUND.setdefault(rig, {})
    if not _HELD.get(rig, {}).get(what):
        found[what] = getattr(owner, attribute)

    def settle(values: list[Any]) -> None:
        setattr(owner, attribute, values[-1] if values else found[what])

    return hold(rig, what, value, settle)


def puts(part: str, attribute: str) -> Callable[[Rig, float], End]:
    """For the table: gives the attribute the fault's own number."""
    return lambda rig, value: put(rig, part, attribute, value)


def puts_fixed(part: str, attribute: str, value: Any) -> Callable[[Rig, float], End]:
    """For the table: gives the attribute this value; the fault has no number."""
    return lambda rig, _: put(rig, part, attribute, value)


def read_through(rig: Rig, reading: str, change: Filter) -> End:
    """Let `change` make of a sensor's reading what the firmware gets."""
    filters = rig.filters[reading]
    filters.append(change)

    def end() -> None:
        if change in filters:
            filters.remove(change)

    return end


def repeat(rig: Rig, every_ticks: int, begin: Callable[[Rig], End]) -> End:
    """Begin now, and every so many ticks again; what is begun each time is mended before the next."""
    ends: list[End] = []
    is_on = True

    def again(rig: Rig) -> None:
        if is_on:
            while ends:
                ends.pop()()
            ends.append(begin(rig))
            rig.schedule(rig.ticks + every_ticks, again)

    def end() -> None:
        nonlocal is_on
        is_on = False
        while ends:
            ends.pop()()

    again(rig)
    return end


def together(*ends: End) -> End:
    """Mend all of them."""

    def end() -> None:
        for each in ends:
            each()

    return end


def nothing() -> None:
    """Mends what is over by itself."""


def seed_of(rig: Rig) -> int:
    """Seed of what a fault that begins now draws: none of the rig's own, and another one each time."""
    last, times = _SEEDED.get(rig, (-1, 0))
    number = times if last == rig.ticks else 0
    _SEEDED[rig] = rig.ticks, number + 1
    return (((number << 64) + rig.ticks) << 48) + rig.config.seed * 8 + 6


def random_of(rig: Rig) -> Random:
    """Random numbers for a fault that begins now."""
    return Random(seed_of(rig))
