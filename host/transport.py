"""Opens a port by name or URL and says plainly why it cannot. Knows bytes, not messages.

Serial ports are locked (`exclusive`), so that two programs never steal each other's bytes. `sim://`
runs the simulator in this process; `socket://host:port` reaches one served over TCP.
"""

import contextlib
import errno
import re
import sys
from typing import Any, Protocol

from host.errors import BadValue, HostError, LinkError, NoDevice, NoPermission, PortBusy

#: How long one read waits for a byte: short, so that repeats and heartbeats are on time.
READ_s = 0.005
WRITE_s = 1.0

_SIM_PACKAGE = "sim"
_TCP_PORT_MAX = 65_535


class Port(Protocol):
    """The part of a pyserial port that is used here."""

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...

    def close(self) -> None: ...


def open_port(name: str) -> Port:
    """An open port, to be closed by the caller.

    Raises NoDevice if there is no such port, PortBusy if another program has it, LinkError if it
    cannot be used, BadValue for no name at all and an unknown kind of URL.
    """
    if not name.strip():
        raise BadValue("the name of the port is empty", "host ports")
    scheme, is_url, _ = name.partition("://")
    if not is_url:
        return _open_serial(name)
    if scheme.lower() == "socket":
        return _open_socket(name)
    return _open_url(name, scheme.lower())


def forget_unsent(port: Port) -> None:
    """Throw away bytes that the driver still keeps; a port that cannot do that sends them."""
    discard = getattr(port, "reset_output_buffer", None)
    if discard is not None:
        # A terminal that is gone raises `termios.error`, which is no OSError: the write that follows tells.
        with contextlib.suppress(Exception):
            discard()


def _open_serial(name: str) -> Port:
    import serial

    try:
        port: Port = serial.Serial(name, 115_200, timeout=READ_s, write_timeout=WRITE_s, exclusive=True)
    except (OSError, ValueError) as error:  # SerialException is an OSError
        raise _explained(name, error) from None
    except Exception as error:
        if type(error).__module__ != "termios":  # which Windows has not, and whose errors are no OSError
            raise
        raise NoDevice(f"{name} went away while it was being opened", "host ports") from None
    return port


def _explained(name: str, error: Exception) -> HostError:
    """What an operating system's refusal to open a serial port means."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO) or "FileNotFoundError" in text:
        return NoDevice(f"there is no port {name}, or nothing is connected to it", "host ports")
    if number in (errno.EAGAIN, errno.EBUSY):
        hint = f"close that program ({_who_has(name)}), then try again"
        return PortBusy(f"{name} is in use by another program", hint)
    if sys.platform == "win32" and "PermissionError" in text:  # Windows always opens exclusively
        return PortBusy(f"{name} is in use by another program", "close that program, then try again")
    if number in (errno.EACCES, errno.EPERM):
        from host.permissions import remedy

        return NoPermission(f"no permission to open {name}", remedy(name))
    return LinkError(f"{name} is not a serial port that can be used: {_reason(error)}", "host ports")


def _who_has(name: str) -> str:
    return "Task Manager shows it" if sys.platform == "win32" else f"lsof {name} shows it"


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")


def _open_socket(url: str) -> Port:
    from serial import SerialException

    from host.tcp import SocketPort

    place = url.partition("://")[2].rstrip("/")
    machine, _, number = place.rpartition(":")
    if not machine or not re.fullmatch("[0-9]+", number):
        raise BadValue(f"'{url}' is not written like socket://127.0.0.1:5333", "host ports")
    if not 1 <= int(number[:9]) <= _TCP_PORT_MAX:
        raise BadValue(f"'{url}': a TCP port is a number from 1 to {_TCP_PORT_MAX}", "host ports")
    try:
        port: Port = SocketPort(url, timeout=READ_s, write_timeout=WRITE_s)
    except SerialException as error:
        if "expected a string in the form" in str(error):
            raise BadValue(f"'{url}' is not written like socket://127.0.0.1:5333", "host ports") from None
        raise NoDevice(f"nothing answers at {url}: {_reason(error)}", "host sim") from None
    return port


def _open_url(url: str, scheme: str) -> Port:
    import serial

    if _SIM_PACKAGE not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(_SIM_PACKAGE)
    options: dict[str, Any] = {"timeout": READ_s, "write_timeout": WRITE_s}
    try:
        port: Port = serial.serial_for_url(url, **options)
    except serial.SerialException as error:
        raise LinkError(f"cannot open {url}: {_reason(error)}", "host ports") from None
    except ValueError as error:
        is_unknown = str(error).startswith("invalid URL, protocol")
        if is_unknown and scheme == _SIM_PACKAGE:
            # pyserial hides what went wrong while importing a handler: import it again to see.
            from importlib import import_module

            import_module("sim.protocol_sim")
        if is_unknown:
            raise BadValue(
                f"'{scheme}://' is not a kind of port; a port is a serial port, socket:// or sim://",
                "host ports",
            ) from None
        raise BadValue(f"cannot use {url}: {error}", "host --port sim:// status") from None
    return port
