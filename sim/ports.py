"""The two doors of the simulator to other programs: TCP on the loopback interface, and a pseudo-terminal.

Nothing here waits; who may use the line is decided in `sim.serve`.
"""

import errno
import os
import select
import socket
import time
from collections.abc import Iterator

BLOCK_BYTES = 4096
_HANDING_ON_s = 0.002
_QUEUE = 128  # clients that the system lets wait: a full queue costs a client a second
_NONE_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class TcpPort:
    """Listens on the loopback interface; hands over one client at a time."""

    def __init__(self, host: str, port: int) -> None:
        """Raises ValueError for an address outside this machine, OSError for a port that is taken."""
        address = "127.0.0.1" if host == "localhost" else host
        if not (address == "::1" or address.startswith("127.")):
            raise ValueError(f"the simulator only serves this machine: 127.0.0.1 or ::1, not {host}")
        self._listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            if os.name == "posix":
                self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((address, port))
            self._listener.listen(_QUEUE)
        except OSError as error:
            self._listener.close()
            if error.errno == errno.EADDRINUSE:
                raise OSError(
                    errno.EADDRINUSE, f"TCP port {port} is in use by another program; port 0 takes a free one"
                ) from None
            raise
        self._listener.setblocking(False)
        shown = f"[{address}]" if ":" in address else address
        self.name = f"socket://{shown}:{self._listener.getsockname()[1]}"
        self._client: socket.socket | None = None
        self._is_starved = False  # a client waits, but the system has no descriptor for it

    def sources(self) -> Iterator[socket.socket]:
        """What to wait for."""
        if not self._is_starved:  # else a wait would end at once, again and again
            yield self._listener
        if self._client is not None:
            yield self._client

    def has_newcomer(self) -> bool:
        """Whether `accept` has a client."""
        is_there = bool(select.select([self._listener], [], [], 0.0)[0])
        self._is_starved &= is_there
        return is_there

    def accept(self) -> socket.socket | None:
        """A client that has just come, if any."""
        try:
            client, _ = self._listener.accept()
        except OSError as error:  # none, or gone again
            self._is_starved = error.errno in _NONE_LEFT
            return None
        self._is_starved = False
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def attach(self, client: socket.socket) -> None:
        """Talk to this one from now on."""
        self._client = client

    def read(self) -> bytes | None:
        """What has come; None when the client has gone."""
        if self._client is None:
            return None
        try:
            return self._client.recv(BLOCK_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> int | None:
        """How much was taken; None when the client has gone."""
        if self._client is None:
            return None
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return None

    def detach(self) -> None:
        """Close the present client."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self) -> None:
        """Close everything."""
        self.detach()
        self._listener.close()


class PtyPort:
    """A pseudo-terminal in raw mode. Its far end stays open here, else the first client to leave
    would end it; so nobody can see a client come or go but by its bytes."""

    name: str  #: of the far end; another after each `open`

    def __init__(self) -> None:
        self._near = self._far = -1
        self.open()

    def open(self) -> None:
        """Make a new pseudo-terminal. Raises OSError if the system has no more of them."""
        import tty

        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        os.set_blocking(self._far, False)
        self.name = os.ttyname(self._far)

    def sources(self) -> Iterator[int]:
        """What to wait for."""
        yield self._near

    def read(self) -> bytes:
        """What has come."""
        try:
            return os.read(self._near, BLOCK_BYTES)
        except OSError:
            return b""

    def write(self, data: bytes) -> int:
        """How much was taken."""
        try:
            return os.write(self._near, data)
        except OSError:
            return 0

    def forget(self) -> None:
        """Throw away what nobody has read, so that the next client does not get it.

        Reading it is the only way: a flush misses what the kernel has not handed on yet.
        """
        misses = 0
        while misses < 2:
            try:
                data = os.read(self._far, BLOCK_BYTES)
            except OSError:
                data = b""  # or no error, just nothing: the last client's settings decide
            if data:
                misses = 0
            else:
                misses += 1
                time.sleep(_HANDING_ON_s)

    def close(self) -> None:
        """Close both ends; whoever has it open is told that it is gone. Closed already, nothing changes."""
        if self._near >= 0:
            os.close(self._near)
            os.close(self._far)
            self._near = self._far = -1
