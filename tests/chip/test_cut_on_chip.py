"""The power goes in the middle of `host flash` on the emulated chip: it starts what it had before.

`make flashing` cuts at every block operation, on a bench board that is a hundred times as fast.
"""

import asyncio
import os
from pathlib import Path

import pytest

from host.errors import NoAnswer
from host.flashing.build import build_for
from host.flashing.installing import install
from host.flashing.showing import Lines
from tests.chip import emulator, lane
from tests.chip.console import switched_on, switched_on_with, until_hello
from tests.chip.test_flash_on_chip import sources

pytestmark = [
    pytest.mark.chip,
    pytest.mark.skipif(os.name != "posix", reason="the emulator's serial line is a pty"),
]

_PATIENCE_s = 900
_LOOK_s = 0.05


class AllCopied(Exception):
    pass


class UntilStarted(Lines):
    """Ends where the board would be started anew."""

    def step(self, line: str) -> None:
        if line.startswith("starting"):
            raise AllCopied


def flash(port: str, folder: Path) -> None:
    """`host flash` up to the moment where all is copied; the firmware has to be up first."""
    while True:
        try:
            install(port, folder, UntilStarted(print), _PATIENCE_s)
        except NoAnswer as error:
            assert "nothing answers" in error.sentence or "nothing came back" in error.sentence, error
        except AllCopied:
            return


async def moments(folder: Path, scratch: Path) -> list[bytes]:
    """What the flash held at moments of a flash that changes one module, in order."""
    from rp2040py.cli.pty_repl import PtyInteractiveRepl

    device, console = await switched_on(lane.whole_firmware(), scratch)
    await until_hello(console)
    line = PtyInteractiveRepl(device.cdc, device.simulator, on_quit=lambda code: None)
    await line.start()
    found = [emulator.file_system(device)]
    try:
        assert line.slave_path is not None
        flashing = asyncio.ensure_future(asyncio.to_thread(flash, line.slave_path, folder))
        while not flashing.done():
            await asyncio.sleep(_LOOK_s)
            now = emulator.file_system(device)
            if now != found[-1]:
                found.append(now)
        await flashing
    finally:
        await line.stop()
        device.stop()
    return found


async def build_started(image: bytes, scratch: Path) -> int:
    """The build that answers after power-on with this on the flash."""
    path = scratch / "cut.img"
    path.write_bytes(image)
    device, console = await switched_on_with(path)
    try:
        return int((await until_hello(console))["build_id"])
    finally:
        device.stop()


def test_a_cut_in_the_middle_of_a_flash_leaves_a_chip_that_starts_what_it_had(tmp_path: Path) -> None:
    folder = sources(tmp_path / "firmware")
    panel = folder / "sled" / "panel.py"
    panel.write_text(panel.read_text(encoding="utf-8") + "changed = 1\n", encoding="utf-8")
    assert build_for(emulator.image().mpy, folder).build_id != lane.built().build_id
    held = asyncio.run(moments(folder, tmp_path))
    assert len(held) > 20, "the flash was seen while it was written"
    for part in (0.3, 0.6, 0.9):
        build = asyncio.run(build_started(held[int(part * len(held))], tmp_path))
        assert build == lane.built().build_id, f"cut after {part:.0%} of the writes"
