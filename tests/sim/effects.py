"""Marks and readings for the tests of what each named fault breaks."""

import itertools

from device.sled import tick as firmware
from sim.rig import Rig

COVERED: set[str] = set()


def effect(*names: str):
    """Marks the test that looks at the effect of these faults."""

    def mark(test):
        COVERED.update(names)
        return test

    return mark


def readings(rig: Rig, word: int, reading: str, ticks: int) -> tuple[list[int], list[int]]:
    """What the sensor says and what the firmware gets, tick by tick."""
    raw: list[int] = []

    def tap(value: int) -> int:
        raw.append(value)
        return value

    rig.filters[reading].insert(0, tap)
    got = []
    for _ in range(ticks):
        rig.step(1)
        got.append(rig.board.s[word])
    rig.filters[reading].remove(tap)
    return raw, got


def counts(rig: Rig, ticks: int) -> tuple[list[int], list[int]]:
    return readings(rig, firmware.COUNTS, "counts", ticks)


def cell(rig: Rig, ticks: int) -> tuple[list[int], list[int]]:
    return readings(rig, firmware.CELL_RAW, "cell", ticks)


def moves(values: list[int]) -> list[int]:
    return [after - before for before, after in itertools.pairwise(values)]
