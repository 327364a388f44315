"""From the chip's reset to the answer to HELLO: what each part of the start takes, on the emulated RP2040.

Times are the emulator's, which waits for no flash; silicon takes longer. `bench/chip.py` has heap and flash.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from bench.report import line, skipped
from protocol import layout
from tests.chip import emulator, lane
from tests.chip.console import switched_on

_LED_PIN = 25  # lit while boot.py waits
_ASK_AGAIN_s = 0.01
_HELLO = {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": layout.PROTOCOL_MINOR}
_BEFORE_CHOOSING = b"\nchosen = "
_PARTS = """
from time import ticks_diff, ticks_us
times = [ticks_us()]
import start
times.append(ticks_us())
assert start.build_of("a")
times.append(ticks_us())
import sys
sys.path.insert(0, "/a")
import sled.start
times.append(ticks_us())
print(*[ticks_diff(times[n + 1], times[n]) for n in range(3)])
"""


async def _booted(files: dict[str, bytes], folder: Path) -> tuple[float, float, float]:
    """Seconds after reset at which the LED was lit, went out, and HELLO was answered."""
    device, console = await switched_on(files, folder)
    changes: list[float] = []

    def note(_new: Any, _old: Any) -> None:
        changes.append(console.time_s)

    device.mcu.gpio[_LED_PIN].add_listener(note)
    try:
        while not any(message.name == "HELLO_REPLY" for message in console.received):
            if len(changes) == 2:
                await console.send("HELLO", _HELLO)
            await console.wait(_ASK_AGAIN_s)
        return changes[0], changes[1], console.time_s
    finally:
        device.stop()


def _parts_s(folder: Path) -> list[float]:
    """Compiling main.py, checking a slot, and importing the firmware from it."""
    files = lane.whole_firmware()
    files["start.py"] = files.pop("main.py").partition(_BEFORE_CHOOSING)[0]
    del files["boot.py"]
    return [int(us) / 1e6 for us in emulator.run(_PARTS, files, folder).split()]


def measure() -> None:
    """With the real rescue window; about two minutes."""
    try:
        emulator.image()
    except emulator.NoChip as reason:
        skipped(f"emulated RP2040: {reason}")
        return
    files = lane.whole_firmware() | {"boot.py": lane.built().files["boot.py"]}
    with tempfile.TemporaryDirectory() as folder:
        lit_s, dark_s, answer_s = asyncio.run(_booted(files, Path(folder)))
        compiling_s, checking_s, importing_s = _parts_s(Path(folder))
    window_s = dark_s - lit_s
    checked = sum(map(len, lane.built().files.values()))
    line("from reset to the answer to HELLO", f"{answer_s * 1000:.0f} ms", "asked every 10 ms")
    line("  of which the rescue window", f"{window_s * 1000:.0f} ms")
    line("  without it", f"{(answer_s - window_s) * 1000:.0f} ms")
    line("MicroPython, to boot.py", f"{lit_s * 1000:.0f} ms")
    line("compiling main.py", f"{compiling_s * 1000:.0f} ms")
    line("SHA-256 of the slot", f"{checking_s * 1000:.0f} ms", f"{checked} bytes")
    line("importing the firmware", f"{importing_s * 1000:.0f} ms")
