"""What USB costs the main loop of the emulated chip, whatever the host does, and a byte that comes in."""

import asyncio
import tempfile
from pathlib import Path

from bench.report import Missing, line
from tests.chip import emulator
from tests.chip.usb_figures import measure as measure_on_chip


def measure() -> None:
    """Three phases and a read. Raises Missing where there is no emulated chip."""
    try:
        emulator.image()
    except emulator.NoChip as reason:
        raise Missing(str(reason)) from None
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure_on_chip(Path(folder)))
    for host, phase in (("reads", found.reading), ("does not read", found.deaf), ("floods", found.flood)):
        writes = f"{phase.writes} writes, {phase.refused} in vain, the longest {phase.longest_write_us} us"
        line(f"longest pass of the main loop, host {host}", f"{phase.longest_us / 1000:.1f} ms", writes)
    per_byte = found.read_us / found.read_bytes
    line("reading a byte that waits", f"{per_byte:.0f} us", f"{found.read_heap_bytes} bytes of memory")
