"""Which board there is to flash, and in what state: never a guess among several.

A controller of the right USB id is asked HELLO, then tried for MicroPython's prompt (Ctrl-C); a port that
is named is tried whatever it is. Boot drives count as boards too.
"""

import contextlib
from typing import NamedTuple

from host.errors import HostError, LinkError, NoAnswer, NoDevice, NoPermission, PortBusy, Refused
from host.flashing.drives import Drive, boot_drives
from host.session import Device, Session
from host.sharing import servers
from host.transport import open_port

FIRMWARE = "firmware"  #: the sled's firmware answers
PROMPT = "prompt"  #: MicroPython's prompt answers
DRIVE = "drive"  #: the boot ROM waits for a UF2
SILENT = "silent"  #: the port opens, and nothing answers
BUSY = "busy"  #: another program has the port
FORBIDDEN = "forbidden"  #: this user may not open the port
GONE = "gone"  #: there is no such port

_ANSWER_s = 1.0
_START_s = 2.5  # from a port that has come to a program that has left, or the prompt


class Seen(NamedTuple):
    """One board as it shows itself at this moment."""

    state: str
    place: str  #: its port, or the path of its drive
    problem: HostError | None = None
    device: Device | None = None
    drive: Drive | None = None


def look(port: str | None, is_eager: bool = False) -> list[Seen]:
    """Every board there is, or the one at a named port. Raises PortBusy while `host serve` has a sled."""
    _refuse_served(port)
    if port is not None:
        return [examine(port, is_eager)]
    from host.ports import candidates

    # A simulator that runs has announced its id; a controller says it only when asked.
    names = [name for candidate in candidates() if not candidate.unique_id for name in candidate.ports]
    drives = [Seen(DRIVE, str(drive.path), drive=drive) for drive in boot_drives()]
    return [*(examine(name, is_eager) for name in names), *drives]


def examine(name: str, is_eager: bool = False) -> Seen:
    """What answers at a port; a board at the prompt stays there.

    Asks HELLO first, which disturbs nothing; Ctrl-C first if `is_eager`, for a board that just starts.
    """
    from host.flashing.board import is_prompt

    _refuse_simulated(name)
    try:
        opened = open_port(name)
    except NoPermission as error:
        return Seen(FORBIDDEN, name, error)
    except PortBusy as error:
        return Seen(BUSY, name, error)
    except NoDevice as error:
        return Seen(GONE, name, error)
    session = Session(opened, name)
    try:
        if is_eager and is_prompt(opened, _START_s):
            return Seen(PROMPT, name)
        device = session.hello(_ANSWER_s, any_version=True)
        if device.is_simulated:
            raise _simulated(name)
        return Seen(FIRMWARE, name, device=device)
    except NoAnswer as error:
        problem: HostError = error
        with contextlib.suppress(OSError):
            if is_prompt(opened):
                return Seen(PROMPT, name)
    except PortBusy as error:
        return Seen(BUSY, name, error)
    except (LinkError, OSError) as error:  # it went away meanwhile
        return Seen(GONE, name, NoDevice(f"{name} went away: {error}", "host recover"))
    finally:
        session.close()
    return Seen(SILENT, name, problem)


def the_only(port: str | None) -> Seen:
    """The one board that is there. Raises NoDevice for none or several, saying what to do."""
    return the_only_of(look(port))


def the_only_of(seen: list[Seen]) -> Seen:
    """The one board among them. Raises NoDevice for none or several, saying what to do."""
    if len(seen) > 1:
        listed = ", ".join(f"{each.place} ({words(each)})" for each in seen)
        named = next((each.place for each in seen if each.state != DRIVE), None)
        raise NoDevice(
            f"several boards are here: {listed}; name one, or unplug the others",
            f"host --port {named} flash" if named else "unplug all but one, then: host flash",
        )
    if not seen:
        raise NoDevice("no board found: no Pico at a serial port, and no boot drive", "host recover")
    return seen[0]


def words(seen: Seen) -> str:
    """The state of a board, for people."""
    if seen.state == FIRMWARE and seen.device is not None:
        return f"firmware {seen.device.firmware} answers"
    return {
        PROMPT: "MicroPython's prompt answers",
        DRIVE: f"boot drive of {seen.drive.chip if seen.drive else 'a board'}",
        SILENT: "nothing answers",
        BUSY: "in use by another program",
        FORBIDDEN: "no permission to open it",
        GONE: "no such port",
    }.get(seen.state, seen.state)


def _refuse_served(port: str | None) -> None:
    for server in servers.running():
        if port is None or server.leads_to(port):
            raise PortBusy(
                f"host serve (process {server.pid}) has the sled at {server.ports[0]}, whose port is needed",
                "end it with Ctrl-C in its window, then: host flash",
            )


def _refuse_simulated(name: str) -> None:
    if name.startswith("sim://"):
        raise _simulated(name)


def _simulated(name: str) -> Refused:
    return Refused(
        f"the sled at {name} is simulated: it runs this installation's firmware, there is nothing to flash",
        "host ports",
    )
