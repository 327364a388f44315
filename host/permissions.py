"""Who may open a serial port on this system, and what mends it: the port's group, or a udev rule (Linux)."""

import os
import stat
import sys
from typing import NamedTuple

#: Lets whoever sits at the computer open a Pico's port. Below 73, where systemd reads the tag `uaccess`.
UDEV_FILE = "/etc/udev/rules.d/60-sled.rules"
UDEV_RULE = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="2e8a", MODE="0660", GROUP="dialout", TAG+="uaccess"'
UDEV_COMMAND = (
    f"echo '{UDEV_RULE}' | sudo tee {UDEV_FILE}; sudo udevadm control --reload; sudo udevadm trigger"
)


class Access(NamedTuple):
    """What the system says of a port's file."""

    is_allowed: bool
    words: str  #: owner, group and mode


def access(name: str) -> Access | None:
    """Whether this user may read and write the port; None where ports have no files, or this one is gone."""
    if sys.platform == "win32":
        return None
    try:
        found = os.stat(name)
    except OSError:
        return None
    words = f"{stat.filemode(found.st_mode)} {_user(found.st_uid)}:{_group(found.st_gid)}"
    return Access(os.access(name, os.R_OK | os.W_OK), words)


def remedy(name: str) -> str:
    """The command that lets this user open the port from now on."""
    if not sys.platform.startswith("linux"):
        return f"ls -l {name} shows who may open it"
    try:
        found = os.stat(name)
    except OSError:
        return UDEV_COMMAND
    group = _group(found.st_gid)
    is_for_group = found.st_mode & 0o060 == 0o060 and found.st_gid != 0
    if is_for_group and found.st_gid not in os.getgroups():
        return f"sudo usermod -aG {group} $USER, then log in again; or, at once: {UDEV_COMMAND}"
    return UDEV_COMMAND


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
