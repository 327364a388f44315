"""What can go wrong about time: a main program that stands still, a tick that comes late or never."""

from typing import NamedTuple

from sim.board import VirtualBoard
from sim.faults.breaking import End, Fault, Value, hold, repeat
from sim.rig import Rig

_STALL_EVERY_TICKS = 100
_STALL_AGAIN_MAX_ms = 30  # a garbage collection of MicroPython on the RP2040 takes 1 to 30 ms
_FOR_GOOD_TICKS = 2**40


def _hold_main(rig: Rig, ticks: int) -> End:
    """The main program does nothing for so long, whoever else would let it go on."""
    return hold(rig, "main", _until(rig, ticks), lambda holds: rig.stall_main(_left(rig, holds)))


def _hold_tick(rig: Rig, ticks: int) -> End:
    """The tick does not come for so long."""
    return hold(rig, "tick", _until(rig, ticks), lambda holds: rig.overrun(_left(rig, holds)))


class _Until(NamedTuple):
    """When a hold ends: at that tick, or when the program that it holds is reset."""

    board: VirtualBoard  #: there is another one after each reset
    end: int


def _until(rig: Rig, ticks: int) -> _Until:
    return _Until(rig.board, rig.ticks + ticks)


def _left(rig: Rig, holds: list[_Until]) -> int:
    return max([0, *(until.end - rig.ticks for until in holds if until.board is rig.board)])


def _main_stall(rig: Rig, ms: float) -> End:
    ticks = int(ms)
    if ticks > _STALL_AGAIN_MAX_ms:
        return _hold_main(rig, ticks)
    return repeat(rig, _STALL_EVERY_TICKS, lambda rig: _hold_main(rig, ticks))


def _main_stopped(rig: Rig, _: float) -> End:
    return _hold_main(rig, _FOR_GOOD_TICKS)


def _tick_overrun(rig: Rig, ms: float) -> End:
    ticks = int(ms)
    # The late tick itself takes one more; then the next one is late again.
    return repeat(rig, ticks + 1, lambda rig: _hold_tick(rig, ticks))


def _tick_stopped(rig: Rig, _: float) -> End:
    return _hold_tick(rig, _FOR_GOOD_TICKS)


TIME_FAULTS = (
    Fault(
        "main_stall",
        "time",
        "The main program stands still; for up to 30 ms again every 100 ms, for longer once.",
        _main_stall,
        Value("ms", 20, 4, 5000),
        expected="Nothing: the control loop gives the main program 100 ms; beyond that it is MAIN_STALLED.",
    ),
    Fault(
        "main_stopped",
        "time",
        "The main program stands still until the controller is reset.",
        _main_stopped,
        shows="MAIN_STALLED",
    ),
    Fault(
        "tick_overrun",
        "time",
        "The control loop comes too late, each time by so much.",
        _tick_overrun,
        Value("ms", 5, 1, 500),
        shows="TICK_OVERRUN",
    ),
    Fault(
        "tick_stopped",
        "time",
        "The control loop stops for good, while the main program goes on.",
        _tick_stopped,
        shows="TICK_STALLED",
    ),
)
