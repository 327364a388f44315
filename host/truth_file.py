"""The file that `--truth` names: checked before the run, and replaced whole after it."""

import os
import shutil

from host.errors import BadValue

_HINT = "host sim --scenario walk --truth truth.csv"


def _is_plain(path: str) -> bool:
    """Whether the path is, or will be, a file that another may take the place of: no pipe, no device."""
    return not path.startswith("/dev/") and (os.path.isfile(path) or not os.path.exists(path))


def _beside(path: str) -> tuple[str, str]:
    """The file that is meant, and a name beside it for what is not complete yet."""
    target = os.path.realpath(path)
    return target, f"{target}.{os.getpid()}.part"


def try_writing(path: str) -> None:
    """Raises BadValue if the truth cannot be written: better known before the run than after it."""
    if path == "-":
        raise BadValue("--truth needs a file: standard output has the verdict", _HINT)
    try:
        if not _is_plain(path):
            if os.path.isdir(path) or not os.access(path, os.W_OK):
                raise OSError(0, "it is a folder" if os.path.isdir(path) else "permission denied")
            return
        target, part = _beside(path)
        if os.path.exists(target):
            with open(target, "a", encoding="utf-8"):
                pass
        with open(part, "x", encoding="utf-8"):
            pass
        os.remove(part)
    except OSError as error:
        raise _unwritable(path, error) from None


def write(path: str, text: str) -> None:
    """Write it whole or not at all, where that can be. Raises BadValue if it cannot be written."""
    is_plain = _is_plain(path)
    target, part = _beside(path) if is_plain else (path, path)
    try:
        with open(part, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        if is_plain:
            if os.path.exists(target):
                shutil.copymode(target, part)
            os.replace(part, target)
    except OSError as error:
        if is_plain and os.path.exists(part):
            os.remove(part)
        raise _unwritable(path, error) from None


def _unwritable(path: str, error: OSError) -> BadValue:
    return BadValue(f"cannot write '{path}': {error.strerror}", _HINT)
