"""A visitor of `host serve` in its own process: a port without a socket, for what the server itself asks.

The sled is talked to while another thread reads it, and nobody else notices.
"""

import time

from host.sharing.broker import Broker
from host.sharing.visitor import Visitor
from host.transport import READ_s


class InsidePort:
    """As any other port; what is written is heard at once."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._broker = broker
        self._visitor = Visitor(name)
        broker.join(self._visitor)

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        return len(self._visitor.out)

    def read(self, size: int = 1, /) -> bytes:
        """At most `size` bytes; nothing if none come within a moment."""
        if not self._visitor.out:
            time.sleep(READ_s)
        with self._broker.lock:
            data = bytes(self._visitor.out[:size])
            del self._visitor.out[:size]
        return data

    def write(self, data: bytes, /) -> int:
        """Whole frames."""
        for frame in self._visitor.frames.feed(data):
            self._broker.hear(self._visitor, frame)
        return len(data)

    def close(self) -> None:
        """Nothing more is asked."""
        self._broker.leave(self._visitor)
