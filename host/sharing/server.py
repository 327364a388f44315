"""The sockets of `host serve`: one thread that lets commands in and carries their bytes.

On this machine only. Nobody waits for anybody: sockets never block, what is kept for a visitor is
bounded, and who sends too much is not listened to for a while.
"""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable

from host.errors import LinkError
from host.sharing import door
from host.sharing.broker import Broker
from host.sharing.visitor import Visitor
from protocol import layout, wire

VISITORS_MAX = 32
_GREETING_s = 1.0
_STRANGERS_MAX = 64  # connections that have not said who they are; the oldest gives way
_READ_BYTES = 256  # a turn each: whoever floods holds the others up by no more
_HEARD_MAX_BYTES = 65_536  # of one visitor in each second, many times what a busy command sends
_SEND_BUFFER_BYTES = 65_536  # so that what a slow one misses waits in the ring, not in the system
_FRAMES_A_TURN = 32
_LOOK_s = 0.25  # the longest wait between two looks at the clock
_STOP = layout.KINDS["STOP"]
_NOT_FOR_YOU = door.Refusal(
    "`host serve` does not know that greeting; it may have been started anew just now",
    "host status",
    LinkError.code,
)


class _Connection:
    """A socket, and who it turned out to be."""

    def __init__(self, sock: socket.socket, now_s: float) -> None:
        self.sock = sock
        self.visitor: Visitor | None = None  # None until it has greeted
        self.greeting = b""
        self.since_s = now_s
        self.second_s = now_s  # when the counting of what is heard began
        self.heard_bytes = 0
        self.is_blocked = False  # the system takes no more bytes for it
        self.events = selectors.EVENT_READ

    def wanted(self, now_s: float) -> int:
        """What to wait for."""
        if now_s - self.second_s >= 1.0:
            self.second_s, self.heard_bytes = now_s, 0
        is_heard = self.heard_bytes < _HEARD_MAX_BYTES
        return (selectors.EVENT_READ if is_heard else 0) | (selectors.EVENT_WRITE if self.is_blocked else 0)


class Server:
    """Lets visitors in at `tcp_port` of this machine. `say` gets a line for each event.

    `refusal` tells why a command of that name may not come in now. Raises OSError where no port can be had.
    """

    def __init__(
        self, token: str, refusal: Callable[[str], door.Refusal | None], say: Callable[[str], None]
    ) -> None:
        self.failure: BaseException | None = None  #: why it ended, if nobody asked it to
        self._token = token
        self._refusal = refusal
        self._say = say
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.tcp_port: int = self._listener.getsockname()[1]
        self._bell, self._heard = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for sock in (self._listener, self._bell, self._heard):
            sock.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._heard, selectors.EVENT_READ)
        self._connections: dict[socket.socket, _Connection] = {}
        self._of_visitor: dict[Visitor, _Connection] = {}
        self._has_rung = False
        self._is_over = False

    def start(self, broker: Broker) -> None:
        """Begin to let visitors in."""
        self._broker = broker
        self._thread = threading.Thread(target=self._run, name="visitors", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send everybody away."""
        self._is_over = True
        self._ring()
        self._thread.join()

    def ready(self, visitor: Visitor) -> None:
        """Something waits for this visitor: an answer leaves at once, telemetry with the next turn."""
        connection = self._of_visitor.get(visitor)
        if connection is not None and not connection.is_blocked:
            if visitor.out:
                self._send(connection, visitor.out)
            self._ring()

    def _ring(self) -> None:
        if not self._has_rung:
            self._has_rung = True
            with contextlib.suppress(OSError):
                self._bell.send(b"!")

    def _run(self) -> None:
        try:
            wait_s = 0.0
            while not self._is_over:
                wait_s = self._turn(wait_s)
        except BaseException as error:
            self.failure = error
            self._say(f"nobody can come in any more: {type(error).__name__}: {error}")
        finally:
            for connection in list(self._connections.values()):
                self._drop(connection)
            self._selector.close()
            for sock in (self._listener, self._bell, self._heard):
                sock.close()

    def _turn(self, wait_s: float) -> float:
        """Hear who has something to say, and send what waits; returns how long the next wait may be."""
        heard: list[tuple[Visitor, list[wire.Frame]]] = []
        for key, events in self._selector.select(wait_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._heard:
                self._has_rung = False
                with contextlib.suppress(OSError):
                    self._heard.recv(_READ_BYTES)
            else:
                connection = self._connections.get(key.fileobj)  # type: ignore[call-overload]
                if connection is None:  # it gave way to a newcomer in this very turn
                    continue
                if events & selectors.EVENT_WRITE:
                    connection.is_blocked = False
                if events & selectors.EVENT_READ:
                    heard += self._hear(connection)
        # Whoever says STOP goes first; what one visitor says keeps its order.
        heard.sort(key=lambda said: all(frame.kind != _STOP for frame in said[1]))
        for visitor, frames in heard:
            for frame in frames:
                self._broker.hear(visitor, frame)
        return self._serve_all()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # it has gone again
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._connections[sock] = _Connection(sock, time.monotonic())
        self._selector.register(sock, selectors.EVENT_READ)
        strangers = [each for each in self._connections.values() if each.visitor is None]
        if len(strangers) > _STRANGERS_MAX:
            self._drop(strangers[0])

    def _hear(self, connection: _Connection) -> list[tuple[Visitor, list[wire.Frame]]]:
        """The frames that came, with their visitor; nothing from a stranger."""
        try:
            data = connection.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return []
        connection.heard_bytes += len(data)
        if connection.visitor is None:
            data = self._greet(connection, data)
        visitor = connection.visitor
        if visitor is None:
            return []
        frames = visitor.frames.feed(data)
        if visitor.frames.discarded_bytes:
            self._drop(connection, "was sent away: it sends what no command sends")
            return []
        return [(visitor, frames)]

    def _greet(self, connection: _Connection, data: bytes) -> bytes:
        """Look at a stranger's first line; returns what came behind it."""
        connection.greeting += data
        line, end, rest = connection.greeting.partition(b"\n")
        if not end and len(line) <= door.LINE_BYTES_MAX:
            return b""
        name = door.who(line, self._token) if len(line) <= door.LINE_BYTES_MAX else None
        if name is None:
            refusal: door.Refusal | None = _NOT_FOR_YOU
        elif len(self._of_visitor) >= VISITORS_MAX:
            refusal = door.Refusal(
                f"{VISITORS_MAX} commands use this sled already", "end one of them", LinkError.code
            )
        else:
            refusal = self._refusal(name)
        with contextlib.suppress(OSError):  # the little that is said always fits
            connection.sock.send(door.welcome() if refusal is None else refusal.line())
        if refusal is not None or name is None:
            self._drop(connection)
            return b""
        connection.visitor = Visitor(name)
        with self._broker.lock:
            self._of_visitor[connection.visitor] = connection
            self._broker.join(connection.visitor)
        self._say(f"{name} came in ({len(self._of_visitor)} connected)")
        return rest

    def _serve_all(self) -> float:
        """One turn of sending for everybody."""
        now_s = time.monotonic()
        wait_s = _LOOK_s
        for connection in list(self._connections.values()):
            visitor = connection.visitor
            if visitor is None:
                if now_s - connection.since_s > _GREETING_s:
                    self._drop(connection)
                    continue
            elif visitor.is_deaf:
                self._drop(connection, "was sent away: it asks and asks and takes no answer")
                continue
            elif not connection.is_blocked and self._send_telemetry(connection, visitor):
                wait_s = 0.0
            self._wait_for(connection, connection.wanted(now_s))
        return wait_s

    def _send_telemetry(self, connection: _Connection, visitor: Visitor) -> bool:
        """Whether there is more than a turn's worth and room for it."""
        with self._broker.lock:
            if not visitor.out:
                visitor.out += visitor.telemetry(_FRAMES_A_TURN)
            if not visitor.out:
                return False
            self._send(connection, visitor.out)
            return not connection.is_blocked

    def _send(self, connection: _Connection, out: bytearray) -> None:
        try:
            del out[: connection.sock.send(out)]
        except BlockingIOError:
            pass
        except OSError:
            out.clear()  # it has gone: the next read finds that out
        connection.is_blocked = bool(out)

    def _wait_for(self, connection: _Connection, events: int) -> None:
        if events == connection.events:
            return
        if connection.events:
            self._selector.unregister(connection.sock)
        if events:
            self._selector.register(connection.sock, events)
        connection.events = events

    def _drop(self, connection: _Connection, why: str = "left") -> None:
        self._wait_for(connection, 0)
        del self._connections[connection.sock]
        visitor = connection.visitor
        if visitor is not None:
            with self._broker.lock:
                del self._of_visitor[visitor]
                self._broker.leave(visitor)
            self._say(f"{visitor.name} {why}")
        connection.sock.close()
