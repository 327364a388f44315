"""The chip table: ticks under four main programs, heap, flash, boot, and the pull on three runtimes.

Times are the emulator's: exact in cycles for what it models, silent about waits for flash (XIP misses)
and interrupt entry, which silicon adds. `tests/chip/README.md` lists what it does not model.
"""

import tempfile
from itertools import pairwise
from pathlib import Path

from bench.report import Missing, line, skipped
from host.loading import work_out
from protocol import units
from tests.chip import emulator, lane, lockstep, pull
from tests.chip.plant import Tick
from tests.runtimes import traffic

_CYCLES_PER_us = lane.CLOCK_Hz // 1_000_000
_TRAFFIC_s = 600


def _row(what: str, cycles: list[int], periods_us: list[float]) -> None:
    """Costs and periods, of which the first is left out: nothing came before it."""
    cycles, periods_us = sorted(cycles), sorted(periods_us)
    at_99 = len(cycles) * 99 // 100
    three = (cycles[len(cycles) // 2], cycles[at_99], cycles[-1])
    in_us = " / ".join(f"{each / _CYCLES_PER_us:.1f}" for each in three)
    in_cycles = " / ".join(map(str, three))
    late = sorted(abs(period - 1000) for period in periods_us)
    off_us = late[len(late) * 99 // 100]
    jitter = f"period {periods_us[0]:.0f} to {periods_us[-1]:.0f} us, 99 % within {off_us:.0f}"
    line(what, f"{in_us} us", f"{in_cycles} cycles; {jitter}")


def _pull(story: pull.Story) -> None:
    def interrupts(ticks: list[Tick]) -> tuple[list[int], list[float]]:
        cycles = [round((tick.ended_ns - tick.began_ns) * _CYCLES_PER_us / 1000) for tick in ticks]
        return cycles, [(b.began_ns - a.began_ns) / 1000 for a, b in pairwise(ticks)]

    _row("whole interrupt, pull, host takes all samples", *interrupts(story.ticks))
    line("boot, from power-on to the answer to HELLO", f"{story.boot_s * 1000:.0f} ms")

    load = units.load_from_si(work_out(pull.LOAD).load._asdict())
    orders = lockstep.orders(story.ticks, load)
    theirs = [tick.after for tick in story.ticks]
    ours = lockstep.closed_loop(lockstep.on_cpython(), pull.new_world(), orders, len(theirs))
    _differences("the same pull, CPython against chip", ours, theirs)
    again = lockstep.again_on_cpython(story.ticks)
    same = sum(a == b for a, b in zip(again, theirs, strict=True))
    line("ticks from the chip's own inputs on CPython", f"{same} of {len(theirs)}", "bit for bit")
    with tempfile.TemporaryDirectory() as folder:
        try:
            unix = lockstep.OnUnix(Path(folder))
        except FileNotFoundError as reason:
            skipped(str(reason))
            return
        try:
            third = lockstep.closed_loop(unix, pull.new_world(), orders, len(theirs))
        finally:
            unix.close()
        _differences("the same pull, unix MicroPython against chip", third, theirs)
        again = lockstep.again_on_unix(story.ticks, Path(folder))
    same = sum(a == b for a, b in zip(again, theirs, strict=True))
    line("ticks from the chip's own inputs on unix", f"{same} of {len(theirs)}", "bit for bit")


def _differences(what: str, ours: list[bytes], theirs: list[bytes]) -> None:
    found = lockstep.difference(ours, theirs)
    most = ", ".join(f"{name} {value}" for name, value in found._asdict().items() if name != "samples")
    line(what, f"{found.samples} samples", f"greatest difference: {most}")


def _traffic() -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = traffic.run(_TRAFFIC_s, Path(folder))
        except FileNotFoundError as reason:
            raise Missing(str(reason)) from None
    size = f"of {traffic.HEAP}; objects are twice as large as on the chip"
    line("heap free after boot, unix MicroPython", f"{found.free_before} bytes", size)
    seen = f"{found.ticks} ticks, {found.sent / 1e6:.1f} MB sent, {found.damaged_frames} damaged frames"
    line(f"... after {_TRAFFIC_s // 60} minutes of link traffic", f"{found.free_after} bytes", seen)


def measure() -> None:
    """Needs the image of MicroPython for the chip, but for the traffic."""
    try:
        emulator.image()
    except emulator.NoChip as reason:
        skipped(f"emulated RP2040: {reason}")
    else:
        with tempfile.TemporaryDirectory() as folder:
            for name, load in lane.loads(Path(folder)).items():
                what = f"tick, main program: {name.replace('_', ' ')}"
                _row(what, load.cycles, list(map(float, load.periods_us)))
            free, used = lane.memory(Path(folder))
            line("heap free after boot, chip", f"{free} bytes", f"{used} in use")
            build = lane.built()
            sizes = [len(content) for content in (*build.files.values(), build.manifest)]
            line("firmware in flash, one slot and the start", f"{sum(sizes)} bytes", f"{len(sizes)} files")
            _pull(pull.on_the_chip(Path(folder)))
    _traffic()
