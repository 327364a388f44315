"""The emulated chip running the whole firmware, spoken to over its emulated USB as the host does."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device.sled import layout
from protocol import wire
from tests.chip import emulator

_PATIENCE_s = 60.0

# Pins and converters as the wiring has them; the pads start floating.
_A_PIN, _ENABLE_PIN, _FAULT_PIN, _ESTOP_PIN, _UP_PIN, _DOWN_PIN = 2, 7, 8, 9, 10, 11
_CELL, _BUS, _NTC = 0, 1, 2

HELLO = {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": layout.PROTOCOL_MINOR}


class Console:
    """Frames to and from the chip; time is the chip's own."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._reader = wire.FrameReader()
        self.received: list[wire.Received] = []
        self.text = b""
        device.cdc.on_serial_data = self._take

    def _take(self, data: bytes) -> None:
        self.text += bytes(data)
        self.received += [wire.decode(frame) for frame in self._reader.feed(bytes(data))]

    @property
    def time_s(self) -> float:
        """Time on the chip since it started."""
        return float(self._device.simulator.clock.nanos) / 1e9

    def is_enabled(self) -> bool:
        """Whether the chip drives ENABLE of the brake driver high."""
        return bool(self._device.mcu.gpio[_ENABLE_PIN].output_value)

    async def send(self, name: str, fields: Mapping[str, Any]) -> None:
        for byte in b"\0" + wire.encode(name, fields):  # the zero ends what the emulator typed at boot
            self._device.cdc.send_serial_byte(byte)
        await asyncio.sleep(0)

    async def ask(self, name: str, fields: Mapping[str, Any], reply: str) -> dict[str, Any]:
        """Send a message and wait for the next one named `reply`. Raises ChipError when none comes."""
        start = len(self.received)
        await self.send(name, fields)
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE_s
        while loop.time() < end:
            for found in self.received[start:]:
                if found.name == reply:
                    return found.fields
            await asyncio.sleep(0.01)
        raise emulator.ChipError(f"no {reply} to {name}; the chip sent {self.text[-400:]!r}")

    async def wait(self, device_s: float) -> None:
        """Let so much time pass on the chip."""
        end = self.time_s + device_s
        while self.time_s < end:
            await asyncio.sleep(0.01)


async def until_hello(console: Console) -> dict[str, Any]:
    """Ask until a firmware answers."""
    while True:
        try:
            return await console.ask("HELLO", HELLO, "HELLO_REPLY")
        except emulator.ChipError:
            if console.time_s > 10:
                raise


async def switched_on(files: dict[str, bytes], folder: Path) -> tuple[Any, Console]:
    """Power on with `files` on flash; the brake driver well, the e-stop released, the cell at rest."""
    return await switched_on_with(emulator.flash(files, folder / "flash.img"))


async def switched_on_with(flash: Path) -> tuple[Any, Console]:
    """The same with an image of the flash."""
    from rp2040py.device import MicroPythonDevice

    device = MicroPythonDevice(board=emulator.image().board, filesystem=flash)
    levels = {
        _A_PIN: False,
        _A_PIN + 1: False,
        _FAULT_PIN: True,
        _ESTOP_PIN: False,
        _UP_PIN: True,
        _DOWN_PIN: True,
    }
    for pin, is_high in levels.items():
        device.mcu.gpio[pin].set_input_value(is_high)
    for channel, reading in ((_CELL, 2048), (_BUS, 2707), (_NTC, 2048)):
        device.mcu.adc.channel_values[channel] = reading
    console = Console(device)
    await device.astart()
    return device, console
