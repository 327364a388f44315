"""The thread of `host serve` that records: a disk that is slow, full or gone holds nobody up.

It asks the sled for its settings as a visitor of the server, while another thread reads the sled.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any

from host.errors import HostError
from host.following import Item
from host.recording import About
from host.recording.about import about_athlete, asked
from host.session import Device, Session
from host.sharing.broker import Broker
from host.sharing.inside import InsidePort
from host.sharing.recording import Commanded, Recordings
from protocol import wire

_LOOK_s = 0.1
_ITEMS_MAX = 8000  # some two minutes
_END_s = 10.0  # that the disk has for the closing records; a file without them is mended when it is opened


class Scribe:
    """Records into `folder` what the sled of `session` does while it is used. Only `end` ever waits."""

    def __init__(self, session: Session, folder: str, idle_s: float) -> None:
        self._session = session
        self._folder = folder
        self._idle_s = idle_s
        self._items: queue.Queue[Item | Commanded] = queue.Queue(_ITEMS_MAX)
        self._is_behind = False
        self._is_over = threading.Event()

    def start(self, broker: Broker, say: Callable[[str], None]) -> None:
        """Begin to watch for the sled to be used. HELLO has been answered."""
        self._broker = broker
        self._say = say
        device = self._session.device
        assert device is not None
        self._recordings = Recordings(self._folder, device, self._about, say, self._session.now, self._idle_s)
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def take(self, item: Item | Commanded) -> None:
        """Any thread may."""
        try:
            self._items.put_nowait(item)
        except queue.Full:
            self._is_behind = True

    def commanded(self, by: str, fields: dict[str, Any], answer: wire.Received) -> None:
        """A command has had its SET_LOAD answered."""
        self.take(Commanded(self._session.now(), by, fields, answer))

    def end(self) -> None:
        """Nothing more comes: close the recording that is under way."""
        self._is_over.set()
        self._thread.join(_END_s)

    def _run(self) -> None:
        try:
            while not (self._is_over.is_set() and self._items.empty()):
                self._turn()
            self._recordings.end("host serve has ended")
        except BaseException as error:
            self._say(f"nothing is recorded any more: {type(error).__name__}: {error}")

    def _turn(self) -> None:
        try:
            item = self._items.get(timeout=_LOOK_s)
        except queue.Empty:
            self._recordings.look()
            return
        if self._is_behind:  # what is in the queue is no longer all that there was
            while not self._items.empty():
                self._items.get_nowait()
            self._is_behind = False
            self._recordings.skip(self._device())
            return
        self._recordings.take(item)

    def _device(self) -> Device:
        device = self._session.device
        assert device is not None  # HELLO has been answered
        return device

    def _about(self, device: Device) -> About:
        """All that the user's file and the sled tell; a recording without it is better than none."""
        about = About(device, {})
        try:
            about = about_athlete(device)
            with Session(InsidePort(self._broker, "host serve"), self._session.name) as asking:
                asking.hello()
                about = asked(asking, about)
        except HostError as error:
            self._say(f"recorded without all that could be known: {error.sentence}")
        return about
