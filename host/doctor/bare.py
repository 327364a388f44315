"""A board where no firmware answers: which MicroPython is at its prompt, and on which chip.

Ctrl-B makes a prompt say its version again; unlike Ctrl-C it stops no program that may be running there.
"""

import re
import time
from collections.abc import Iterable

from host.doctor.checks import OK, WRONG, Check
from host.errors import HostError
from host.ports import candidates
from host.transport import open_port
from protocol.codes import ONE_VERSION_COMMAND

_GROUP = "board without the sled's firmware"
_WITHIN_s = 0.5
_ASK = b"\r\x02"
_BANNER = re.compile(rb"MicroPython v?([0-9]+)\.([0-9]+)(\S*) on [^;]*; ([^\r\n]+)")
_OLDEST = (1, 22)
_CHIP = "RP2040"


def checks(port: str | None) -> list[Check]:
    """Of the named port, or of each USB controller, that is at a prompt."""
    names = [port] if port else [name for each in candidates() if each.usb_id for name in each.ports]
    return [check for name in names if "://" not in name for check in _checks(name)]


def _checks(name: str) -> Iterable[Check]:
    banner = _banner(name)
    if banner is None:
        return
    major, minor, rest, machine = banner
    version = f"{major}.{minor}{rest}"
    is_new_enough = (major, minor) >= _OLDEST
    oldest = ".".join(map(str, _OLDEST))
    put_on = "hold BOOTSEL while plugging it in, then: host flash --micropython RPI_PICO-...uf2"
    yield Check(
        _GROUP,
        f"MicroPython at {name}",
        version,
        f"{oldest} or later",
        OK if is_new_enough else WRONG,
        put_on,
    )
    is_right = _CHIP in machine
    another = "use a Raspberry Pi Pico, Pico H or Pico W: device/README.md tells what differs"
    yield Check(_GROUP, f"chip at {name}", machine, f"an {_CHIP}", OK if is_right else WRONG, another)
    if is_new_enough and is_right:
        yield Check(
            _GROUP, f"firmware at {name}", "does not run", "answers HELLO", WRONG, ONE_VERSION_COMMAND
        )


def _banner(name: str) -> tuple[int, int, str, str] | None:
    """Major, minor and rest of the version, and the board; None where no prompt says so."""
    heard = b""
    try:
        port = open_port(name)
        try:
            port.write(_ASK)
            until_s = time.monotonic() + _WITHIN_s
            while time.monotonic() < until_s:
                heard += port.read(port.in_waiting or 1)
                found = _BANNER.search(heard)
                if found and b">>>" in heard[found.end() :]:
                    major, minor, rest, machine = (part.decode("ascii", "replace") for part in found.groups())
                    return int(major), int(minor), rest, machine
        finally:
            port.close()
    except (HostError, OSError):
        pass  # why it could not be opened, others say
    return None
