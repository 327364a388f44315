"""A TCP connection as a pyserial port: pyserial's own, with the bytes that wait counted, not just seen.

Its `in_waiting` is 0 or 1, so that a reader takes single bytes at 100 times the cost, and its
`close` sleeps 0.3 s.
"""

import contextlib
import select
import socket

from serial.urlhandler import protocol_socket

_PEEK_BYTES = 65_536


class SocketPort(protocol_socket.Serial):
    """`socket://host:port` that is read in blocks."""

    _socket: socket.socket | None

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once; 1 when the other side has closed, so that a read tells."""
        if self._socket is None or not select.select([self._socket], [], [], 0)[0]:
            return 0
        try:
            return len(self._socket.recv(_PEEK_BYTES, socket.MSG_PEEK)) or 1
        except OSError:  # reset by the other side: the read that follows says so
            return 1

    def close(self) -> None:
        """Close at once."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None
        self.is_open = False
