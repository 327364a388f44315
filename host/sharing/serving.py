"""`host serve` while it runs: threads that read the sled, serve the visitors, record, and talk to people.

The sled is read without regard to anybody: neither a visitor nor a terminal that stands still holds it up.
"""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from host.errors import HostError, LinkError
from host.following import Away, Back, Follower, Item, Told
from host.ports import reopener
from host.session import Session
from host.sharing import door, servers
from host.sharing.broker import Broker
from host.sharing.server import Server
from protocol import announce, codes

if TYPE_CHECKING:
    from host.sharing.scribe import Scribe

_LOOK_s = 0.1
_LINES_MAX = 1000  # that a terminal which stands still may leave unread
_WAITS = "host serve waits for it"


class Serving:
    """Shares the sled of `session` until left. HELLO is asked anew, so that visitors get its answer.

    `scribe` gets every item of the observation and every load that a command sets, and records them.
    """

    def __init__(self, session: Session, scribe: "Scribe | None" = None) -> None:
        self.tcp_port = 0
        self._session = session
        self._scribe = scribe
        self._lines: queue.Queue[str] = queue.Queue(_LINES_MAX)
        self._failure: BaseException | None = None
        self._is_over = threading.Event()
        self._token = servers.new_token()
        self._cleaning = ExitStack()

    def __enter__(self) -> "Serving":
        try:
            with ExitStack() as cleaning:
                self._begin(cleaning)
                self._cleaning = cleaning.pop_all()
        except OSError as error:
            raise LinkError(
                f"cannot let other commands in: {error.strerror or error} ({announce.directory()})",
                "SLED_RUNTIME_DIR=some/folder host serve (the same for every other command)",
            ) from None
        return self

    def _begin(self, cleaning: ExitStack) -> None:
        self._server = Server(self._token, self._refusal, self._say)
        self._broker = Broker(self._session.write, self._session.new_id, self._server.ready)
        self.tcp_port = self._server.tcp_port
        self._session.tap = self._broker.tap
        self._session.hello()
        self._follower = Follower(self._session, reopener(self._session, is_shared=False))
        self._follower.start(from_oldest=True)
        if self._scribe is not None:
            self._scribe.start(self._broker, self._say)
            self._broker.load_answered = self._scribe.commanded
            cleaning.callback(self._scribe.end)
        self._server.start(self._broker)
        cleaning.callback(self._server.close)
        self._announce()
        cleaning.callback(self._withdraw)
        self._thread = threading.Thread(target=self._read, name="sled", daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        with self._cleaning:
            self._thread.join()

    def lines(self) -> Iterator[str | None]:
        """What happens, a line for each event; None now and then, to look whether it should end.

        Raises whatever ended it.
        """
        while True:
            try:
                yield self._lines.get(timeout=_LOOK_s)
            except queue.Empty:
                failure = self._failure or self._server.failure
                if failure is not None:
                    raise failure from None
                yield None

    def rest(self) -> Iterator[str]:
        """What is still unread, without waiting."""
        with suppress(queue.Empty):
            while True:
                yield self._lines.get_nowait()

    def _say(self, line: str) -> None:
        with suppress(queue.Full):  # nobody has read for long
            self._lines.put_nowait(line)

    def _read(self) -> None:
        try:
            while not self._is_over.is_set():
                for item in self._follower.run(_LOOK_s):
                    self._take(item)
                    self._tell(item)
            for item in self._follower.finish(0.0 if self._follower.away_s is not None else 1.0):
                self._take(item)
        except HostError as error:
            if not self._is_over.is_set():
                self._failure = error
        except BaseException as error:
            self._failure = error

    def _take(self, item: Item) -> None:
        self._broker.take(item)
        if self._scribe is not None:
            self._scribe.take(item)

    def _tell(self, item: Item) -> None:
        if isinstance(item, Away):
            self._say(f"the sled is away ({item.reason}); {_WAITS}")
        elif isinstance(item, Back):
            how = "has restarted and is there again" if item.has_restarted else "is there again"
            self._say(f"the sled {how} at {item.port}, after {item.away_s:.1f} s")
            self._announce()
        elif isinstance(item, Told) and item.message.name == "FAULT":
            number = item.message.fields["fault"]
            known = [fault for fault in codes.FAULTS if fault.number == number]
            self._say(f"fault {known[0].name}: {known[0].sentence}" if known else f"fault {number}")

    def _announce(self) -> None:
        device = self._session.device
        assert device is not None  # HELLO has been answered
        ports = [self._session.name]
        for sim in announce.announcements():  # its other doors lead to the same sled
            if sim.unique_id == device.unique_id:
                ports += [port for port in sim.ports if port not in ports]
        self._path = servers.publish(self.tcp_port, self._token, tuple(ports), device.unique_id)

    def _withdraw(self) -> None:
        announce.withdraw(self._path)

    def _refusal(self, command: str) -> door.Refusal | None:
        """While the sled is away nobody comes in: an error now is better than silence."""
        since_s = self._broker.away_since_s
        if since_s is None:
            return None
        sentence = f"the sled is unplugged since {time.monotonic() - since_s:.0f} s; {_WAITS}"
        if command == "stop":
            sentence += "; if the load must go now, press the emergency stop"
        return door.Refusal(sentence, "plug it in, then: host status", LinkError.code)
