"""Reads one table of a scenario key by key; whatever is wrong is told with file, table and key.

Values are checked here and nowhere later, so that a scenario which was read can be run.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from math import inf
from typing import Any

#: Keys above the first table of a file.
TOP_KEYS = ("about", "duration_s", "seed", "surface", "perturb", "signed_driver", "may_inject")
#: Keys that are times of a scenario, wherever they stand: whole milliseconds.
_TIMES = ("at_s", "from_s", "to_s", "after_s", "within_s", "for_s", "lease_s", "duration_s")
_WHOLE_MAX = 2**40 - 1


class ScenarioError(ValueError):
    """A scenario that cannot be meant: file, table and its number, what is wrong, what is known."""


class NoScenarioError(ScenarioError):
    """There is no scenario of that name, built in or as a file."""


def known(names: Iterable[str], given: str = "") -> str:
    """The names that exist, the nearest to `given` first: for the end of an error."""
    listed = sorted(names)
    near = get_close_matches(given.lower(), {name.lower(): name for name in listed}, 1) if given else []
    guess = next((name for name in listed if near and name.lower() == near[0]), "")
    return (f"did you mean {guess!r}? " if guess else "") + (
        f"Known are: {', '.join(listed)}" if listed else "None are known"
    )


class Table:
    """A table under reading. Each method takes one key; `finish` refuses those that nobody took."""

    def __init__(self, file: str, place: str, data: object) -> None:
        """`place` is the table within the file, such as `[[command]] 2`; empty at its top."""
        self._file = file
        self._place = place
        self._taken: dict[str, None] = {}
        if not isinstance(data, dict):
            raise self.error(f"it must be a table of keys and values, not {_shown(data)}")
        self._data: dict[str, Any] = data

    def error(self, text: str) -> ScenarioError:
        """An error in this table."""
        return ScenarioError(
            f"{self._file}: {self._place}: {text}" if self._place else f"{self._file}: {text}"
        )

    def has(self, name: str) -> bool:
        """Whether the key is given; it then counts as known."""
        self._taken[name] = None
        return name in self._data

    def given(self) -> list[str]:
        """The keys that are given, in the order of the file."""
        return list(self._data)

    def any(self, name: str) -> Any:
        """The value as TOML has it, None without."""
        return self._data[name] if self.has(name) else None

    def number(
        self, name: str, default: float | None = None, minimum: float = -inf, maximum: float = inf
    ) -> float:
        """A finite number from `minimum` to `maximum`; needed unless there is a default."""
        if default is not None and not self.has(name):
            return default
        value = self._needed(name, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{name} must be a number, not {_shown(value)}")
        if not minimum <= value <= maximum or not -inf < value < inf or abs(value) > 1e15:
            raise self.error(f"{name} must be {_span(minimum, maximum)}, not {_shown(value)}")
        if name in _TIMES and abs(value * 1000 - round(value * 1000)) > 1e-6 * max(1.0, abs(value)):
            raise self.error(f"{name} must be whole milliseconds, such as {value:.3f}, not {_shown(value)}")
        return float(value)

    def whole(
        self, name: str, default: int | None = None, minimum: int = 0, maximum: int = _WHOLE_MAX
    ) -> int:
        """A whole number from `minimum` to `maximum`; needed unless there is a default."""
        value = self._needed(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"{name} must be a whole number, not {_shown(value)}")
        if not minimum <= value <= maximum:
            span = _span(minimum, inf if maximum == _WHOLE_MAX and value < minimum else maximum)
            raise self.error(f"{name} must be {span}, not {_shown(value)}")
        return value

    def text(self, name: str, default: str | None = None, choices: Iterable[str] | None = None) -> str:
        """Words that are not empty, one of `choices` if there are any; needed unless there is a default."""
        value = self._needed(name, default)
        if not isinstance(value, str) or not (value.strip() or value == default):
            raise self.error(f"{name} must be words in quotes, not {_shown(value)}")
        if choices is not None and value not in (options := list(choices)):
            raise self.error(f"{name} has no {value!r}; {known(options, value)}")
        return value

    def flag(self, name: str) -> bool:
        """true or false; false without it."""
        value = self._data[name] if self.has(name) else False
        if not isinstance(value, bool):
            raise self.error(f"{name} must be true or false, not {_shown(value)}")
        return value

    def names(self, name: str, choices: Iterable[str]) -> tuple[str, ...]:
        """A list of names, each one of `choices`."""
        value = self._needed(name, None)
        if not isinstance(value, list):
            raise self.error(f'{name} must be a list such as [] or ["..."], not {_shown(value)}')
        options = list(choices)
        for each in value:
            if not isinstance(each, str) or each not in options:
                raise self.error(
                    f"{name} has no {_shown(each)}; {known(options, each if isinstance(each, str) else '')}"
                )
        return tuple(sorted(set(value), key=options.index))

    def inner(self, name: str) -> "Table":
        """The table within; an empty one if it is not given."""
        data = self._data[name] if self.has(name) else {}
        return Table(self._file, f"{self._place}: {name}" if self._place else f"[{name}]", data)

    def array(self, name: str) -> list["Table"]:
        """The tables `[[name]]`, each with its number from 1."""
        data = self._data[name] if self.has(name) else []
        if not isinstance(data, list):
            raise self.error(f"{name} must be written [[{name}]], one for each, not {_shown(data)}")
        return [Table(self._file, f"[[{name}]] {number}", each) for number, each in enumerate(data, 1)]

    def only(self, names: Iterable[str]) -> None:
        """Refuses every key but `names`, before any of them is read."""
        options = list(names)
        for name in self._data:
            if name not in options:
                if self._place and name in TOP_KEYS:
                    raise self.error(f"{name!r} belongs above the first table")
                raise self.error(f"there is no key {name!r} here; {known(options, name)}")

    def finish(self) -> None:
        """Refuses keys that nobody asked for."""
        self.only(self._taken)

    def _needed(self, name: str, default: Any) -> Any:
        if self.has(name):
            return self._data[name]
        if default is not None:
            return default
        strangers = [key for key in self._data if key not in self._taken]
        near = get_close_matches(name, strangers, 1, 0.5)
        raise self.error(f"{name} is missing" + (f"; is {near[0]!r} meant for it?" if near else ""))


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _span(minimum: float, maximum: float) -> str:
    if minimum == -inf and maximum == inf:
        return "a finite number"
    if maximum == inf:
        return f"{minimum:g} or more"
    if minimum == -inf:
        return f"{maximum:g} or less"
    return f"from {minimum:g} to {maximum:g}"
