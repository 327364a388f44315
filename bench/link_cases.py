"""Links of the benchmark: what is wrong all the time, and what comes at random moments and goes again."""

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from bench.link_truth import Judge, WrittenRig
from sim.faults import table as faults
from sim.rig import Action, Rig

_FIRST_TICK = 3000
_PAUSE_TICKS = (4000, 10_000)  # between two disturbances: each is to be recovered from by itself


class Case(NamedTuple):
    """One link."""

    name: str
    steady: Mapping[str, float] = {}  #: faults of the cable, and the part of bits or packets they concern
    outage: str = ""  #: what comes and goes: dark, unplug, power, stall
    for_s: tuple[float, float] = (0.0, 0.0)  #: how long, from and to


CASES = (
    Case("clean"),
    Case("bit errors 1e-5", {"link_bit_flips": 1e-5}),
    Case("bit errors 1e-4", {"link_bit_flips": 1e-4}),
    Case("bit errors 1e-4, drops 2 %", {"link_bit_flips": 1e-4, "link_drops": 0.02}),
    Case("bit errors 1e-4, drops 10 %", {"link_bit_flips": 1e-4, "link_drops": 0.1}),
    Case("duplicates 5 %", {"link_duplicates": 0.05}),
    Case("swaps 5 %", {"link_swaps": 0.05}),
    Case("dark 2 s", {}, "dark", (2.0, 2.0)),
    Case("dark 6 s", {}, "dark", (6.0, 6.0)),
    Case("unplugged 2 s", {}, "unplug", (2.0, 2.0)),
    Case("unplugged 6 s", {}, "unplug", (6.0, 6.0)),
    Case("unplugged with its power, 2 s", {}, "power", (2.0, 2.0)),
    Case("reader stalls 1 to 5 s", {}, "stall", (1.0, 5.0)),
    Case(
        "all of it",
        {"link_bit_flips": 1e-4, "link_drops": 0.1, "link_duplicates": 0.05, "link_swaps": 0.05},
        "any",
        (0.1, 5.0),
    ),
)


def outages(case: Case, random: Random, ticks: int) -> list[tuple[str, int, int]]:
    """What comes when, and how many ticks it lasts; the last has time to be recovered from."""
    found = []
    at = _FIRST_TICK
    while case.outage:
        lasts = round(random.uniform(*case.for_s) * 1000)
        if at + lasts + _PAUSE_TICKS[0] > ticks:
            break
        kind = random.choice(("dark", "unplug", "power", "stall")) if case.outage == "any" else case.outage
        found.append((kind, at, lasts))
        at += lasts + random.randrange(*_PAUSE_TICKS)
    return found


def spoil(rig: WrittenRig, case: Case, came: list[tuple[str, int, int]], judge: Judge) -> Callable[[], None]:
    """Break the link as the case says; what mends it. Stalls are the reader's own business."""
    ends = [faults.begin(rig, name, part=part) for name, part in case.steady.items()]

    def mend() -> None:
        for end in ends:
            end()

    for kind, after, lasts in came:
        if kind != "stall":
            rig.schedule(rig.ticks + after, _begins(kind, lasts))
            judge.disturbed.append(rig.ticks + after + lasts)
    return mend


def _begins(kind: str, lasts: int) -> Action:
    def begin(rig: Rig) -> None:
        if kind == "power":
            faults.begin(rig, "brown_out", ms=lasts)
            return
        end = faults.begin(rig, "unplug") if kind == "unplug" else faults.begin(rig, "link_drops", part=1.0)
        rig.schedule(rig.ticks + lasts, lambda rig: end())

    return begin
