"""An emulated chip with the world on its pins and a host at its serial line, a pseudo-terminal.

The emulator has the main thread; the story, all that a host and a bystander do, runs in another one,
with sessions that take the chip's time for their clock: how fast the machine is changes nothing.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from host.session import Session
from host.transport import open_port
from tests.chip import emulator
from tests.chip.plant import PinnedWorld

_T = TypeVar("_T")
_STUCK_s = 120.0  # wall time: for an emulator that has ended


class ChipPort:
    """A serial port whose time is the chip's."""

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        self._port: Any = open_port(name)
        self.name = name
        self.now = now
        self.read = self._port.read
        self.write = self._port.write
        self.close = self._port.close
        self.reset_output_buffer = self._port.reset_output_buffer

    @property
    def in_waiting(self) -> int:
        return int(self._port.in_waiting)


class Bench:
    """What a story may do: open the port, wait, and touch the world."""

    def __init__(self, device: Any, pinned: PinnedWorld, port: str) -> None:
        self.device = device
        self.pinned = pinned
        self.port = port

    def now(self) -> float:
        """The chip's time in s. Raises ChipError if it has ended."""
        error = self.device.simulator.engine_room_error
        if error is not None:
            raise emulator.ChipError(f"the emulator ended: {error!r}") from error
        return self.pinned.now_ns / 1e9

    def session(self) -> Session:
        """A conversation over the serial line, on the chip's time."""
        return Session(ChipPort(self.port, self.now), self.port)

    def wait(self, chip_s: float) -> None:
        """Let so much time pass on the chip."""
        self.until(lambda: False, chip_s)

    def until(self, is_there: Callable[[], bool], within_chip_s: float) -> None:
        """Wait for it, but no longer than so much time on the chip."""
        end = self.now() + within_chip_s
        while not is_there() and self.now() < end:
            time.sleep(0.005)

    def do(self, action: Callable[[], _T]) -> _T:
        """Do something to the chip between two of its instructions."""
        done: Any = None

        async def act() -> None:
            nonlocal done
            done = action()

        asyncio.run_coroutine_threadsafe(act(), self.device.simulator._ensure_loop()).result(_STUCK_s)
        return done  # type: ignore[no-any-return]


def play(files: dict[str, bytes], folder: Path, pinned: PinnedWorld, story: Callable[[Bench], _T]) -> _T:
    """Power on a chip with `files` on its flash and the world on its pins, and play the story."""

    async def live() -> _T:
        from rp2040py.cli.pty_repl import PtyInteractiveRepl
        from rp2040py.device import MicroPythonDevice

        device = MicroPythonDevice(
            board=emulator.image().board, filesystem=emulator.flash(files, folder / "flash.img")
        )
        pinned.attach(device.mcu)
        await device.astart()
        line = PtyInteractiveRepl(device.cdc, device.simulator, on_quit=lambda code: None)
        await line.start()
        try:
            assert line.slave_path is not None
            return await asyncio.to_thread(story, Bench(device, pinned, line.slave_path))
        finally:
            await line.stop()
            device.stop()

    return asyncio.run(live())
