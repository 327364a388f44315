"""The drive that a board shows while its boot ROM waits (BOOTSEL held as the power came), and UF2 files."""

import os
import re
import string
import struct
import sys
from pathlib import Path
from typing import NamedTuple

from host.errors import BadValue, FileError, HostError, Refused

WHERE_TO_GET_IT = (
    "MicroPython for the Raspberry Pi Pico is the file RPI_PICO-*.uf2, 1.22 or later, "
    "from micropython.org/download/RPI_PICO"
)

_INFO = "INFO_UF2.TXT"
_UF2 = struct.Struct("<8I")  # of each block of 512 bytes
_MAGIC = (0x0A324655, 0x9E5D5157)
_HAS_FAMILY = 0x2000
_FAMILIES = {0xE48BFF56: "RP2040", 0xE48BFF59: "RP2350"}


class Drive(NamedTuple):
    """A mounted boot drive."""

    path: Path
    chip: str  #: RP2040, RP2350, or what the drive says of itself


def boot_drives() -> list[Drive]:
    """Every boot drive that is mounted."""
    found = []
    for place in mount_points():
        try:
            text = (place / _INFO).read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        found.append(Drive(place, _chip(text)))
    return found


def mount_points() -> list[Path]:
    """Where a drive may be on this system; only mounted ones."""
    if sys.platform == "win32":
        return [Path(f"{letter}:\\") for letter in string.ascii_uppercase[2:]]
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").glob("*"))
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [Path(_unescaped(row[1])) for row in rows if len(row) > 2 and row[2] in ("vfat", "msdos")]


def refuse_other_chip(chip: str) -> None:
    """Raises Refused unless it is an RP2040."""
    if chip != "RP2040":
        raise Refused(
            f"this board has a chip {chip}; the firmware knows the registers of the RP2040 alone "
            "(device/README.md lists what differs)",
            "use a Raspberry Pi Pico or Pico H, with the RP2040",
        )


def put_micropython(drive: Drive, image: Path) -> None:
    """Copy a UF2 onto the drive; the board then starts it by itself. Raises HostError."""
    refuse_other_chip(drive.chip)
    content = _checked(image)
    try:
        with open(drive.path / "firmware.uf2", "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # The board goes away as soon as it has the last block, sometimes before the system is content.
        if (drive.path / _INFO).exists():
            raise FileError(
                f"cannot write to {drive.path}: {error.strerror}", "unplug the board, and hold BOOTSEL again"
            ) from None


def _checked(image: Path) -> bytes:
    try:
        content = image.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {image}: {error.strerror}", WHERE_TO_GET_IT) from None
    if len(content) < 512 or len(content) % 512 or _UF2.unpack_from(content)[:2] != _MAGIC:
        raise BadValue(f"{image} is no UF2 file", WHERE_TO_GET_IT)
    header = _UF2.unpack_from(content)
    family = header[7] if header[2] & _HAS_FAMILY else None
    if _FAMILIES.get(family or 0) != "RP2040":
        what = _FAMILIES.get(family or 0, "another chip")
        raise BadValue(f"{image} is for {what}, not for the RP2040", WHERE_TO_GET_IT)
    return content


def _chip(text: str) -> str:
    name = re.search(r"^Board-ID:\s*(\S+)", text, re.MULTILINE)
    board = name.group(1) if name else "unknown"
    return {"RPI-RP2": "RP2040", "RP2350": "RP2350"}.get(board, board)


def _unescaped(name: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), name)


def without_image(drive: Drive) -> HostError:
    """What to do for a drive when no UF2 was given."""
    return Refused(
        f"the board waits in its boot ROM, as drive {drive.path}, and needs MicroPython: {WHERE_TO_GET_IT}",
        "host flash --micropython RPI_PICO-...uf2",
    )
