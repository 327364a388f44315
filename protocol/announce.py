"""How a running simulator makes itself known on this machine: one small JSON file while it lives.

A file is believed while its process lives and belongs to this user; what a killed process left
behind is deleted by the next reader. Standard library only, json and tempfile loaded when needed.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

_PREFIX = "sim-"
_SUFFIX = ".json"


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
    """Announce this process, replacing what it announced before. Returns the file's path, for `withdraw`.

    Raises OSError if the file cannot be written, or the folder belongs to somebody else.
    """
    import json

    folder = directory()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if not _is_ours(folder):
        raise PermissionError(f"{folder} is another user's; set SLED_RUNTIME_DIR to a folder of your own")
    path = os.path.join(folder, f"{_PREFIX}{os.getpid()}{_SUFFIX}")
    text = json.dumps({"pid": os.getpid(), "ports": list(ports), "unique_id": unique_id})
    # Whole or not at all: a reader must never see half a file.
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(part, path)
    return path


def withdraw(path: str) -> None:
    """Take an announcement back; no error if it is gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def announcements() -> list[Announcement]:
    """Simulators of this user that run now, by process number. Deletes what dead ones left behind."""
    folder = directory()
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    if not _is_ours(folder):
        return []
    found = []
    for name in names:
        if not (name.startswith(_PREFIX) and name.endswith(_SUFFIX)):
            continue
        path = os.path.join(folder, name)
        announcement = _read(path)
        if announcement is not None and _is_running(announcement.pid):
            found.append(announcement)
        else:
            with contextlib.suppress(OSError):
                os.remove(path)
    return sorted(found)


def _read(path: str) -> Announcement | None:
    """The file's content, or None if it is no announcement."""
    import json

    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        pid, ports, unique_id = content["pid"], content["ports"], content["unique_id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if type(pid) is not int or pid <= 0 or not isinstance(unique_id, str):
        return None
    if not isinstance(ports, list) or not ports or not all(isinstance(port, str) for port in ports):
        return None
    return Announcement(pid, tuple(ports), unique_id)


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
        # It exists and is another user's, so it took over the number of a dead simulator.
        return False
    return True
