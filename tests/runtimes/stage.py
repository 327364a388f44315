"""Puts the firmware's files in place for a MicroPython: unchanged for the chip, without viper for unix.

Viper on the 64-bit unix port reads a negative word of a `ptr32` as a large positive number, so there
the same source runs as bytecode: only the lines `@micropython.viper` are left out.
"""

import shutil
import sys
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "device" / "sled"
#: What drives the firmware on every runtime, and is put beside it.
DRIVERS = [Path(__file__).with_name(name) for name in ("replay.py", "bare.py")]

#: Runs on CPython only, or on the chip's own pins only.
NOT_STAGED = {"cpython.py", "board_rp2040.py"}

_VIPER = "@micropython.viper"


def without_viper(source: str) -> str:
    """`source` without its decorator lines; nothing else changes."""
    return "".join(line for line in source.splitlines(keepends=True) if line.strip() != _VIPER)


def modules() -> list[Path]:
    """The firmware's portable modules, and what drives them."""
    return [*sorted(path for path in FIRMWARE.glob("*.py") if path.name not in NOT_STAGED), *DRIVERS]


def stage(folder: Path, *, viper: bool) -> Path:
    """Write the package `sled` into `folder` and return it; `viper=False` for the unix port."""
    package = folder / "sled"
    package.mkdir(parents=True, exist_ok=True)
    for module in modules():
        source = module.read_text(encoding="utf-8")
        text = source if viper else without_viper(source)
        (package / module.name).write_text(text, encoding="utf-8", newline="\n")
    return package


def unix_micropython() -> str | None:
    """The command `micropython`, first of this environment, then of the PATH; None where there is none."""
    beside = shutil.which("micropython", path=str(Path(sys.executable).parent))
    return beside or shutil.which("micropython")
