"""How a running program makes itself known on this machine: one small JSON file while it lives.

A file is believed while its process lives and belongs to this user; what a killed process left
behind is deleted by the next reader. Only this user can read it. Standard library only, json and
tempfile loaded when needed.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

_SIMULATOR = "sim"
_SUFFIX = ".json"

Announced = TypeVar("Announced")


class Announcement(NamedTuple):
    """A simulator that runs now, and the ports it can be reached at, best first."""

    pid: int
    ports: tuple[str, ...]
    unique_id: str  #: in hexadecimal, as the device gives it in HELLO_REPLY


def directory() -> str:
    """Where announcements are: $SLED_RUNTIME_DIR, else $XDG_RUNTIME_DIR, else the temporary folder."""
    given = os.environ.get("SLED_RUNTIME_DIR") or os.environ.get("XDG_RUNTIME_DIR")
    if given:
        return os.path.join(given, "sled")
    import tempfile

    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return os.path.join(tempfile.gettempdir(), f"sled-{user}", "sled")


def publish(ports: Sequence[str], unique_id: str) -> str:
    """Announce this process as a simulator, replacing what it announced before.

    Returns the file's path, for `withdraw`. Raises OSError as `put` does.
    """
    return put(_SIMULATOR, {"ports": list(ports), "unique_id": unique_id})


def put(kind: str, content: dict[str, Any]) -> str:
    """Announce this process as one of `kind`, with `content` and its pid. Returns the file's path.

    Raises OSError if the file cannot be written, or the folder belongs to somebody else.
    """
    import json

    folder = directory()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if not _is_ours(folder):
        raise PermissionError(f"{folder} is another user's; set SLED_RUNTIME_DIR to a folder of your own")
    os.chmod(folder, 0o700)
    place = path(kind, os.getpid())
    # Whole or not at all: a reader must never see half a file. And nobody else may see it at any time.
    part = place + ".part"
    withdraw(part)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps({"pid": os.getpid(), **content}) + "\n")
    os.replace(part, place)
    return place


def path(kind: str, pid: int) -> str:
    """The file in which that process announces itself."""
    return os.path.join(directory(), f"{kind}-{pid}{_SUFFIX}")


def withdraw(path: str) -> None:
    """Take an announcement back; no error if it is gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def announcements() -> list[Announcement]:
    """Simulators of this user that run now, by process number. Deletes what dead ones left behind."""
    return sorted(living(_SIMULATOR, _simulator))


def living(kind: str, read: Callable[[dict[str, Any]], Announced | None]) -> list[Announced]:
    """What the running processes of `kind` announce, as `read` makes it of their files.

    A file of a dead process is deleted, and so is one that `read` gives None for or raises KeyError.
    """
    folder = directory()
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    names = [name for name in names if name.startswith(kind + "-") and name.endswith(_SUFFIX)]
    if not names or not _is_ours(folder):
        return []
    found = []
    for name in names:
        file = os.path.join(folder, name)
        announced = _read(file, read)
        if announced is None:
            with contextlib.suppress(OSError):
                os.remove(file)
        else:
            found.append(announced)
    return found


def _read(path: str, read: Callable[[dict[str, Any]], Announced | None]) -> Announced | None:
    """The file's content, or None if it is no announcement of a process that runs."""
    import json

    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        pid = content["pid"]
        return read(content) if type(pid) is int and pid > 0 and _is_running(pid) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _simulator(content: dict[str, Any]) -> Announcement | None:
    ports, unique_id = content["ports"], content["unique_id"]
    if not isinstance(unique_id, str) or not is_names(ports):
        return None
    return Announcement(content["pid"], tuple(ports), unique_id)


def is_names(ports: object) -> bool:
    """Whether it is a list of the names of ports, as a file should hold."""
    return isinstance(ports, list) and bool(ports) and all(isinstance(port, str) for port in ports)


def _is_ours(folder: str) -> bool:
    """Whether nobody else can have put a file there: a shared temporary folder is open to all."""
    if not hasattr(os, "getuid"):
        return True
    try:
        return os.stat(folder).st_uid == os.getuid()
    except OSError:
        return False


def _is_running(pid: int) -> bool:
    """Whether a process of that number exists."""
    if sys.platform == "win32":
        import ctypes

        # os.kill would end the process here.
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == 259  # STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        # It exists and is another user's, so it took over the number of a dead process.
        return False
    return True
