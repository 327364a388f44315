"""The firmware's main loop and USB under a stop watch, with three kinds of host: see `chip_usb.py`."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from protocol import wire
from tests.chip import lane
from tests.chip.console import switched_on
from tests.chip.usb_host import UsbHost

_DEAF_PIN, _FLOOD_PIN = 21, 22
BOOT_s = 0.35
_FIFO_BYTES = 400  # of the 512 that the emulator's host keeps
# The longest gap without a whole frame, and a frame then: as much as the link may be given at once.
_FLOOD = bytes(range(1, 201)) * 2 + b"\0" + wire.encode("CLOCK_PING", {"ping_id": 1})


class Phase(NamedTuple):
    passes: int
    longest_us: int
    writes: int
    refused: int
    longest_write_us: int


class Measured(NamedTuple):
    reading: Phase
    deaf: Phase
    flood: Phase
    read_bytes: int
    read_us: int
    read_heap_bytes: int


async def while_pin(device: Any, pin: int, is_high: bool, act: Callable[[], None] = lambda: None) -> None:
    """Until the chip drives the pin otherwise."""
    while bool(device.mcu.gpio[pin].output_value) == is_high:
        act()
        await asyncio.sleep(0.002)


async def measure(folder: Path) -> Measured:
    main = {"main.py": b"import chip_usb\nchip_usb.main()\n"}
    files = lane.at_prompt() | lane.own_file("chip_usb.py", folder) | main
    device, console = await switched_on(files, folder)
    usb = UsbHost(device)
    at = 0

    def flood() -> None:
        nonlocal at
        while device.cdc.tx_fifo.item_count < _FIFO_BYTES:
            device.cdc.send_serial_byte(_FLOOD[at])
            at = (at + 1) % len(_FLOOD)

    try:
        await console.wait(BOOT_s)
        await console.ask("HELLO", {"protocol_major": 1, "protocol_minor": 0}, "HELLO_REPLY")
        await console.send("STREAM", {"command_id": 1, "enabled": 1, "sample_index": 0})
        await while_pin(device, _DEAF_PIN, False)
        usb.stop_reading()
        await while_pin(device, _DEAF_PIN, True)
        assert usb.packets_held == 1, "the chip had nothing to send, so nothing was proved"
        usb.read_on()
        await while_pin(device, _FLOOD_PIN, False)
        await while_pin(device, _FLOOD_PIN, True, flood)
        await console.wait(0.01)
        for _ in range(100):
            device.cdc.send_serial_byte(1)
        end_s = console.time_s + 1
        while b"RESULT read " not in console.text and console.time_s < end_s:
            await asyncio.sleep(0.01)
        await console.wait(0.005)
    finally:
        device.stop()
    found = {
        name.decode(): [int(figure) for figure in figures.split()]
        for name, figures in re.findall(rb"RESULT (\w+) ([^\0]*)\0", console.text)
    }
    phases = (Phase(*found[name]) for name in ("reading", "deaf", "flood"))
    return Measured(*phases, *found["read"])
