"""Reads the stimulus and the golden checks under seeds/traces, which name words, not their numbers.

So a new layout of the state block changes no line of the stimulus. See seeds/traces/README.md.
"""

import csv
from array import array
from pathlib import Path
from typing import NamedTuple

from device.sled import tick as firmware

TRACES = Path(__file__).resolve().parents[2] / "seeds" / "traces"
STIMULUS = TRACES / "stimulus.csv"
GOLDEN = TRACES / "golden.csv"

#: A golden check is kept for every so many ticks, and for the last one.
CHECK_EVERY_TICKS = 250

#: Constants of the tick module that are not words of its state block.
_NOT_WORDS = {
    "TICKS_PER_s",
    "RING_SAMPLES",
    "SAMPLE_WORDS",
    "DUTY_MAX",
    "WINDOW_TICKS",
    "PERMIT_DROP",
    "PERMIT_RAMP",
    "PERMIT_RAISE",
    "LOAD_WORDS",
    "SETTINGS_AT",
    "DERIVED_AT",
    "STATE_WORDS",
}

WORDS: dict[str, int] = {
    name: value
    for name, value in vars(firmware).items()
    if isinstance(value, int) and name not in _NOT_WORDS and not name.startswith("_")
}


class Golden(NamedTuple):
    """What the state block was after one tick, as a check over all ticks so far."""

    ticks: int
    check: int


def word(name: str) -> int:
    """Number of a word by name; `PULL+2` is the word two after PULL. Raises KeyError."""
    base, _, offset = name.partition("+")
    return WORDS[base] + int(offset or 0)


def word_name(number: int) -> str:
    """Name of a word by number, for messages."""
    base = max((value, name) for name, value in WORDS.items() if value <= number)
    return base[1] if base[0] == number else f"{base[1]}+{number - base[0]}"


def read_stimulus(path: Path = STIMULUS) -> array:
    """The stimulus as the array('i') of `replay`; an empty cell leaves its word as it was."""
    stimulus = array("i")
    with path.open(encoding="ascii", newline="") as file:
        rows = csv.reader(file)
        inputs = [word(name) for name in next(rows)[:-1]]
        for row in rows:
            values = [(number, int(cell)) for number, cell in zip(inputs, row, strict=False) if cell]
            for poke in row[-1].split():
                name, _, value = poke.partition("=")
                values.append((word(name), int(value)))
            stimulus.append(len(values))
            for number, value in values:
                stimulus.append(number)
                stimulus.append(value)
    return stimulus


def read_golden(path: Path = GOLDEN) -> list[Golden]:
    """The golden checks, in the order of ticks."""
    with path.open(encoding="ascii", newline="") as file:
        return [Golden(int(row["ticks"]), int(row["check"], 16)) for row in csv.DictReader(file)]
