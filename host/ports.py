"""Finds the one sled there is: a named port, else announced simulators and USB controllers that answer HELLO.

Never the first port found: several sleds are an error that lists them, and so is none. USB ids only
say which ports are worth asking; HELLO decides.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from host.errors import (
    HostError,
    LinkError,
    NoAnswer,
    NoDevice,
    NoPermission,
    PortBusy,
    VersionMismatch,
)
from host.session import Device, Session
from host.sharing import servers
from host.transport import Port, open_port
from protocol import announce
from protocol.codes import ONE_VERSION_COMMAND

#: MicroPython on an RP2040. Other serial ports are listed, but not written to unless named.
_USB_IDS = ((0x2E8A, 0x0005),)
_MAY_BE_MEANT = {
    PortBusy: "in use by another program",
    NoPermission: "no permission to open it",
    VersionMismatch: "another version",
}


class Candidate(NamedTuple):
    """One device that may be a sled, and all the ports that lead to it."""

    ports: tuple[str, ...]
    what: str
    unique_id: str = ""  #: where it is known before asking
    usb_id: str = ""  #: vendor and product, where it is a USB device


class Found(NamedTuple):
    """What asking a candidate gave: a device, or the reason why there is none."""

    port: str
    what: str
    device: Device | None
    problem: str
    hint: str = ""  #: the next command, where there is one
    usb_id: str = ""


def connect(port: str | None, any_version: bool = False, is_shared: bool = True) -> Session:
    """A session with the named port's device, or with the only one there is; HELLO is done.

    Through a running `host serve` where that has the device, unless `is_shared` is False.
    Raises NoDevice for none or several, LinkError and VersionMismatch as the session does.
    """
    session = at(port, is_shared)
    if session is None:
        return _connect_only(any_version)
    try:
        session.hello(any_version=any_version)
    except BaseException:
        session.close()
        raise
    return session


def at(port: str | None, is_shared: bool = True) -> Session | None:
    """A session on the named port or what `host serve` has, HELLO not done; None if neither is there."""
    shared = servers.open_shared(port) if is_shared else None
    if shared is not None:
        return Session(shared, shared.name)
    return None if port is None else Session(open_port(port), port)


def _connect_only(any_version: bool) -> Session:
    sessions: list[Session] = []
    failures: list[tuple[Candidate, HostError]] = []
    for candidate in candidates():
        answer = _ask(candidate, any_version)
        if isinstance(answer, Session):
            sessions.append(answer)
        else:
            failures.append((candidate, answer))
    # A sled of another version is a sled too, and so may be one that another program is using or that
    # this user may not open: which of the two was meant is not for us to guess.
    strangers = [
        (candidate.ports[0], reason)
        for candidate, error in failures
        for kind, reason in _MAY_BE_MEANT.items()
        if isinstance(error, kind)
    ]
    if len(sessions) == 1 and not strangers:
        return sessions[0]
    for session in sessions:
        session.close()
    if len(sessions) + len(strangers) > 1:
        listed = [f"{session.name} ({_shown(session.device)})" for session in sessions]
        listed += [f"{name} ({why})" for name, why in strangers]
        first = sessions[0].name if sessions else strangers[0][0]
        raise NoDevice(
            f"several sleds are here: {', '.join(listed)}; name one", f"host --port {first} status"
        )
    if len(failures) == 1 and not isinstance(failures[0][1], NoDevice):
        raise failures[0][1]  # its reason says more than "none found"
    tried = "; ".join(f"{candidate.ports[0]}: {error.sentence}" for candidate, error in failures)
    others = [port.name for port in _other_serial_ports()]
    raise NoDevice(
        "no sled found"
        + (f"; tried {tried}" if tried else "")
        + (f"; not asked: {', '.join(others)}" if others else "")
        + ("; nothing is connected by USB and no simulator runs" if not tried and not others else ""),
        f"host --port {others[0]} status" if others else "host sim (in another terminal), or --port sim://",
    )


def _ask(candidate: Candidate, any_version: bool) -> Session | HostError:
    """A session through the first of the candidate's ports that works, or why the first does not.

    That one of them is busy says more than any other reason: another program has the sled.
    """
    problem: HostError | None = None

    def worse(error: HostError) -> HostError:
        return error if problem is None or isinstance(error, PortBusy) else problem

    for name in candidate.ports:
        try:
            session = Session(open_port(name), name)
        except HostError as error:
            problem = worse(error)
            continue
        try:
            session.hello(any_version=any_version)
        except VersionMismatch as error:  # it answered: its other ports lead to the same firmware
            session.close()
            return error
        except HostError as error:
            session.close()
            problem = worse(error)
            continue
        return session
    return problem or NoDevice("it has no port", "host ports")


def survey() -> list[Found]:
    """Every sled that `host serve` has and every other candidate, asked; then the ports that were not."""
    found = []
    running = servers.running()
    for server in running:
        what = f"through host serve, process {server.pid}"
        try:
            with connect(server.ports[0], any_version=True) as session:
                found.append(Found(server.ports[0], what, session.device, ""))
        except HostError as error:
            found.append(Found(server.ports[0], what, None, error.sentence))
    for candidate in candidates():
        if any(server.leads_to(port) for server in running for port in candidate.ports):
            continue
        answer = _ask(candidate, any_version=True)
        if isinstance(answer, Session):
            found.append(Found(answer.name, candidate.what, answer.device, "", usb_id=candidate.usb_id))
            answer.close()
        else:
            found.append(_unanswered(candidate, answer))
    found.extend(
        Found(port.name, port.what, None, "not asked: no sled's USB id", usb_id=port.usb_id)
        for port in _other_serial_ports()
    )
    from host.flashing import drives

    for drive in drives.boot_drives():
        needs = drives.without_image(drive)
        found.append(Found(str(drive.path), f"boot drive, {drive.chip}", None, needs.sentence, needs.hint))
    return found


def _unanswered(candidate: Candidate, error: HostError) -> Found:
    """A candidate that is no sled to us, and why."""
    problem, hint = error.sentence, error.hint
    if candidate.usb_id and isinstance(error, NoAnswer):
        problem += "; its USB id is that of MicroPython on a Pico, perhaps without the sled's firmware"
        hint = ONE_VERSION_COMMAND
    return Found(candidate.ports[0], candidate.what, None, problem, hint, candidate.usb_id)


def candidates() -> Iterator[Candidate]:
    """Devices worth asking: one for each running simulator and each USB controller."""
    for sim in announce.announcements():
        yield Candidate(tuple(sim.ports), f"simulator, process {sim.pid}", sim.unique_id)
    for port in _serial_ports():
        if (port.vid, port.pid) in _USB_IDS:
            yield Candidate((port.name,), port.what, usb_id=port.usb_id)


def reopener(session: Session, is_shared: bool = True) -> Callable[[], Port]:
    """Opens a port of the sled that `session` had found: the port of before, else wherever that sled is now.

    Through a running `host serve` where that has it, unless `is_shared` is False.
    What it returns raises HostError while the sled is not there. Ask HELLO before.
    """
    device, first_name = session.device, servers.own_name(session.name)
    assert device is not None  # else nobody knows which sled to look for

    def names() -> Iterator[str]:
        yield servers.own_name(session.name)
        if not first_name.startswith("sim://"):  # which is in this process, and nowhere else
            for candidate in candidates():
                if candidate.unique_id in ("", device.unique_id):
                    yield from (name for name in candidate.ports if name != session.name)

    def reopen() -> Port:
        shared = servers.open_shared(unique_id=device.unique_id) if is_shared else None
        if shared is not None:
            return shared
        reason: HostError | None = None
        for name in names():
            try:
                return _port_of(device.unique_id, name)
            except HostError as error:
                reason = reason or error
        raise reason or NoDevice("it has no port", "host ports")

    return reopen


def _port_of(unique_id: str, name: str) -> Port:
    """An open port to that very sled, of whatever version it is now."""
    session = Session(open_port(name), name)
    try:
        if session.hello(any_version=True).unique_id == unique_id:
            return session.port
        raise NoDevice(f"another sled is at {name}", "host ports")
    except BaseException:
        session.close()
        raise


def _other_serial_ports() -> "list[_SerialPort]":
    return [port for port in _serial_ports() if port.vid and (port.vid, port.pid) not in _USB_IDS]


class _SerialPort(NamedTuple):
    name: str
    vid: int | None
    pid: int | None
    what: str

    @property
    def usb_id(self) -> str:
        return f"{self.vid:04x}:{self.pid or 0:04x}" if self.vid else ""


def _serial_ports() -> list[_SerialPort]:
    from serial.tools import list_ports

    try:
        found = sorted(list_ports.comports(), key=lambda port: str(port.device))
    except OSError as error:
        raise LinkError(f"cannot list the serial ports: {error}", "host --port /dev/ttyACM0 status") from None
    return [_SerialPort(str(p.device), p.vid, p.pid, str(p.description or p.hwid)) for p in found]


def _shown(device: Device | None) -> str:
    if device is None:
        return "unknown"
    return ("simulated " if device.is_simulated else "") + device.unique_id
