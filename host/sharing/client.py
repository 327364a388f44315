"""The way from a command to the sled through a running `host serve`, as a port like any other.

Loaded only where there is a server. Standard library only.
"""

import contextlib
import select
import socket
import time

from host.errors import LinkError
from host.session import ANSWER_s
from host.sharing import door
from host.sharing.servers import THROUGH, Server, forget
from host.transport import READ_s, WRITE_s

_HANDSHAKE_s = ANSWER_s  # a server that hangs must not hold up `host stop` any longer than a sled that does
_PEEK_BYTES = 65_536


class SharedPort:
    """A connection to a server that has let us in. Errors are OSError, as with pyserial."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self.name = name  #: of the sled's own port, and the way there
        self._connection = connection

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once; 1 when the other side has closed, so that a read tells."""
        if not select.select([self._connection], [], [], 0)[0]:
            return 0
        try:
            return len(self._connection.recv(_PEEK_BYTES, socket.MSG_PEEK)) or 1
        except OSError:  # reset by the other side: the read that follows says so
            return 1

    def read(self, size: int = 1, /) -> bytes:
        """At most `size` bytes; nothing if none come within a moment."""
        if not select.select([self._connection], [], [], READ_s)[0]:
            return b""
        data = self._connection.recv(size)
        if not data:
            raise ConnectionResetError("host serve has ended")
        return data

    def write(self, data: bytes, /) -> int | None:
        """All of it, or TimeoutError."""
        self._connection.sendall(data)
        return len(data)

    def close(self) -> None:
        """Leave the server."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def join(server: Server) -> SharedPort | None:
    """Connect and say who we are; None if nobody is there any more."""
    hangs = LinkError(
        f"`host serve`, process {server.pid}, has {server.ports[0]} and does not answer; "
        "if the load must go now, press the emergency stop",
        f"end process {server.pid} (kill -9 {server.pid}), then: host stop",
    )
    try:
        connection = socket.create_connection(("127.0.0.1", server.tcp_port), timeout=_HANDSHAKE_s)
    except ConnectionRefusedError:
        forget(server)  # another process has its number by now
        return None
    except OSError:
        raise hangs from None
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(door.greeting(server.token, _own_name()))
        refusal = door.answer(_line(connection))
    except (OSError, ValueError):
        connection.close()
        raise hangs from None
    except BaseException:
        connection.close()
        raise
    if refusal is not None:
        connection.close()
        raise LinkError(refusal.sentence, refusal.hint)
    connection.settimeout(WRITE_s)
    return SharedPort(connection, server.ports[0] + THROUGH)


def _line(connection: socket.socket) -> bytes:
    """The server's answer, byte by byte: what follows it is the sled's."""
    line, deadline_s = b"", time.monotonic() + _HANDSHAKE_s
    while not line.endswith(b"\n") and len(line) < 4 * door.LINE_BYTES_MAX:
        if time.monotonic() > deadline_s:
            raise TimeoutError
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line


def _own_name() -> str:
    """The running command, as the server's terminal shows it."""
    import click

    context = click.get_current_context(silent=True)
    return (context.info_name if context is not None else None) or "a program"
