"""Flashing the bench board from a test, and what it then says of itself."""

import time
from pathlib import Path

from host.errors import HostError
from host.flashing.build import build_for
from host.flashing.installing import Outcome, install
from host.flashing.showing import Lines
from host.ports import connect
from host.session import Device
from tests.flashing import unix_board
from tests.flashing.unix_board import UnixBoard

PATIENCE_s = 30
_FLAT_BOOT = b"from machine import Pin\nPin(7, Pin.OUT, value=0)\n"
_FLAT_MAIN = b"""import micropython
micropython.kbd_intr(-1)
from sled.app import App
from sled.board_rp2040 import Board
App(Board()).run()
"""
#: Of all that a flash writes last.
START = {"boot.py", "main.py", "slot"}


def flash(board: UnixBoard, sources: Path, lines: list[str] | None = None, **options: bool) -> Outcome:
    """`host flash`, in this process."""
    return install(board.port, sources, Lines((lines or []).append), PATIENCE_s, **options)


def changed(sources: Path, module: str = "panel", line: str = "changed = 1") -> Path:
    """The same firmware with one line more in a module."""
    path = sources / "sled" / f"{module}.py"
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    return sources


def slot_files(sources: Path, slot: str) -> dict[str, bytes]:
    """What a slot holds after a flash."""
    made = build_for(unix_board.PICO["mpy"], sources)  # type: ignore[arg-type]
    return {f"{slot}/{name}": content for name, content in {**made.files, "MANIFEST": made.manifest}.items()}


def ready(sources: Path, slot: str = "a") -> dict[str, bytes]:
    """A whole flash with that firmware as the good one."""
    start = {name: (sources / name).read_bytes() for name in ("boot.py", "main.py")}
    return slot_files(sources, slot) | start | {"slot": slot.encode()}


def flat(sources: Path) -> dict[str, bytes]:
    """A flash as it was before there were slots: the package in the root, start files that know none."""
    package = {path[2:]: content for path, content in slot_files(sources, "a").items() if "sled/" in path}
    return package | {"boot.py": _FLAT_BOOT, "main.py": _FLAT_MAIN}


def build_id(sources: Path) -> int:
    return build_for(unix_board.PICO["mpy"], sources).build_id  # type: ignore[arg-type]


def hello(board: UnixBoard) -> Device:
    """Who answers; waits for a board that starts."""
    until = time.monotonic() + PATIENCE_s
    while time.monotonic() < until:
        try:
            with connect(board.port) as session:
                assert session.device is not None
                return session.device
        except HostError as error:
            reason = error
            time.sleep(0.02)
    raise AssertionError(f"nobody answers: {reason}; {board.events}")
