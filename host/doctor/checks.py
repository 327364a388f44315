"""One line of `host doctor`: measured, expected, verdict; and what to do where it is not as expected."""

from collections.abc import Iterable
from typing import Any, NamedTuple

OK = "ok"
LOOK = "look"  #: unusual, and worth a look
WRONG = "wrong"
SKIPPED = "skipped"  #: could not be judged now

VERDICTS = (OK, LOOK, WRONG, SKIPPED)


class Check(NamedTuple):
    """One thing that was looked at. `value` is the number behind `measured`, where it is one."""

    group: str
    name: str
    measured: str
    expected: str
    verdict: str
    hint: str = ""
    value: float | None = None


class Range(NamedTuple):
    """Where a number is as it should be, and where it is at least possible; ends included."""

    low: float
    high: float
    low_limit: float
    high_limit: float

    def verdict(self, value: float) -> str:
        if self.low <= value <= self.high:
            return OK
        return LOOK if self.low_limit <= value <= self.high_limit else WRONG


def fields(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """For --json."""
    return [{**check._asdict(), "hint": _hint(check)} for check in checks]


def lines(checks: Iterable[Check]) -> list[str]:
    """For people: groups under their names, columns beneath each other."""
    rows = list(checks)
    name_letters = max((len(row.name) for row in rows), default=0)
    measured_letters = min(max((len(row.measured) for row in rows), default=0), 44)
    out: list[str] = []
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            out += [*([""] if out else []), group]
        out.append(
            f"  {row.verdict:<8}{row.name:<{name_letters}}  {row.measured:<{measured_letters}}"
            f"  should be: {row.expected}"
        )
        if _hint(row):
            out.append(f"          try: {row.hint}")
    return out


def _hint(check: Check) -> str | None:
    """What to do, where there is something to do."""
    return check.hint or None if check.verdict in (LOOK, WRONG) else None
