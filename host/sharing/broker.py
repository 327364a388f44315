"""Passes the commands of several visitors on to one sled, and each answer back to who asked.

Every command gets an id of its own on the sled's line, so that answers never cross. Telemetry goes out
of a ring, which each visitor reads at its own pace. No socket here; any thread may call.
"""

import contextlib
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from host.errors import LinkError
from host.following import Away, Back, Batch, Item
from host.sharing.ring import Ring
from host.sharing.visitor import AGAIN_MAX, Asked, Cursor, Visitor
from host.telemetry import Lost
from protocol import codes, layout, wire

RING_SAMPLES = 60_000  #: a minute at 1 kHz; HELLO_REPLY says it to visitors
_IN_FLIGHT_MAX = 8  # unanswered commands of one visitor; more are not heard, and may be repeated
_ANSWERED_WITHIN_s = 1.0
_REPEAT_s = 0.02  # sooner than any host repeats
_ROUTES_MAX = 2048
# Devices from this version on remember 8 answers; our own STREAM and what is under way take some.
_REMEMBERED_MINOR, _REMEMBERED = 1, 4
_NUMBERS_TRIED = 512  # a STOP of nobody's making may hold a 0x03 whatever its number
_UNDER_WAY_SAMPLES = 2000
_FOR_EVER = 2**31 - 1
_KINDS = layout.KINDS
_RESULTS = {code.name: code.number for code in codes.RESULTS}
_DONE = (_RESULTS["OK"], _RESULTS["LIMITED"])
#: Doing one of these again harms nobody: a repeat is as good as the first.
_HARMLESS = {_KINDS[name] for name in ("GET_STATUS", "GET_SETTING", "CLOCK_PING", "HEARTBEAT", "STOP")}
_STREAMED = {_KINDS["TELEMETRY"], _KINDS["SAMPLES_LOST"]}


class Broker:
    """`write` puts a frame on the sled's line, ahead of others if it is a STOP.

    `new_id` gives a command id that nobody else uses there. `ready` is called with the lock held when a
    visitor has something to send; it must not wait.
    """

    def __init__(
        self,
        write: Callable[[bytes, bool], None],
        new_id: Callable[[], int],
        ready: Callable[[Visitor], None],
        ring_samples: int = RING_SAMPLES,
    ) -> None:
        self.lock = threading.RLock()
        self.visitors: list[Visitor] = []
        self.load_answered: Callable[[str, dict[str, Any], wire.Received], None] | None = None
        """Gets each SET_LOAD that was answered: whose, its fields, the answer. It must not wait."""
        self.away_since_s: float | None = None
        self._write = write
        self._new_id = new_id
        self._ready = ready
        self._ring_samples = ring_samples
        self._ring: Ring | None = None
        self._hello = b""  # HELLO_REPLY as visitors get it
        self._faults: dict[int, bytes] = {}  # by number: the frame that told of each latched fault
        self._routes: dict[int, Asked] = {}  # by id on the sled's line
        self._load_setter: Visitor | None = None  # whose load is in force
        self._changes: deque[Asked] = deque(maxlen=1)  # the commands whose repeats the sled recognises

    def join(self, visitor: Visitor) -> None:
        """From now on it hears what goes to all."""
        with self.lock:
            self.visitors.append(visitor)

    def leave(self, visitor: Visitor) -> None:
        """Its answers go nowhere; its lease lapses by itself."""
        with self.lock:
            visitor.is_gone = True
            self.visitors.remove(visitor)

    # From the sled's side.

    def tap(self, frame: wire.Frame) -> bool:
        """Look at a frame of the sled; True if it was for a visitor and concerns nobody else."""
        with self.lock:
            if frame.kind == _KINDS["HELLO_REPLY"]:
                self._keep_hello(frame)
            elif frame.kind == _KINDS["FAULT"]:
                self._tell_fault(frame)
            elif frame.kind not in _STREAMED:
                return self._route(frame)
        return False

    def take(self, item: Item) -> None:
        """What the observation of the sled gives: samples into the ring, unplugs, restarts."""
        with self.lock:
            if isinstance(item, Batch):
                self._add(item)
            elif isinstance(item, Lost):
                if self._ring is not None:
                    self._ring.lose(item.sample_count)
            elif isinstance(item, Away):
                self.away_since_s = time.monotonic()
                self._changes.clear()  # what was under way is never repeated
            elif isinstance(item, Back):
                self.away_since_s = None
                if item.has_restarted:
                    self._ring = None  # who reads the old one reads it to its end

    def _add(self, batch: Batch) -> None:
        ring = self._ring
        if ring is None or ring.boot_id != batch.boot_id:
            ring = self._ring = Ring(batch.boot_id, batch.sample_index, self._ring_samples)
        ring.add(batch.samples.raw)
        for visitor in self.visitors:
            if visitor.live is not None or visitor.again:
                self._ready(visitor)

    def _keep_hello(self, frame: wire.Frame) -> None:
        try:
            fields = wire.decode(frame).fields
        except ValueError:
            return
        if "sample_count" not in fields:  # another version, with which only STOP works
            self._hello = wire.encode_frame(frame.kind, frame.flags, frame.body)
            return
        self._changes = deque(maxlen=_REMEMBERED if fields["protocol_minor"] >= _REMEMBERED_MINOR else 1)
        self._hello = wire.encode(
            "HELLO_REPLY", {"build_id": 0, **fields, "sample_count": self._ring_samples}
        )

    def _tell_fault(self, frame: wire.Frame) -> None:
        try:
            fields = wire.decode(frame).fields
        except ValueError:
            return
        encoded = wire.encode_frame(frame.kind, frame.flags, frame.body)
        self._faults[fields["fault"]] = encoded
        for visitor in self.visitors:
            if visitor.is_known:
                self._send(visitor, encoded)

    def _route(self, frame: wire.Frame) -> bool:
        """An answer to whoever asked; False if that was the server itself."""
        asked = self._routes.get(int.from_bytes(frame.body[:2], "little"))
        try:
            name, fields = wire.decode(frame)
        except ValueError:  # of a newer sled, perhaps to a newer visitor
            name, fields = "", {}
        if frame.kind == _KINDS["STATUS"] and fields:
            latched = fields["faults"]
            self._faults = {number: told for number, told in self._faults.items() if latched >> number & 1}
        if asked is None:
            return False
        if asked.is_open and asked.kind == _KINDS["SET_LOAD"] and fields and self.load_answered is not None:
            with contextlib.suppress(ValueError):  # as long as no SET_LOAD is, and refused
                request = wire.decode(wire.Frame(asked.kind, 0, asked.body)).fields
                self.load_answered(asked.visitor.name, request, wire.Received(name, fields))
        asked.is_open = False
        if frame.kind == _KINDS["LOAD_REPLY"] and fields.get("result") in _DONE:
            self._load_setter = asked.visitor
        if not asked.visitor.is_gone:
            body = asked.body[:2] + frame.body[2:]
            self._send(asked.visitor, wire.encode_frame(frame.kind, frame.flags, body))
        return True

    # From a visitor's side.

    def hear(self, visitor: Visitor, frame: wire.Frame) -> None:
        """Do what a visitor's frame asks. Waits only while the sled's line takes no bytes."""
        with self.lock:
            for_sled = self._meet(visitor, frame)
        if for_sled:
            # A link that broke is found by who reads it; whoever asked gets no answer and knows.
            with contextlib.suppress(LinkError):
                self._write(for_sled, frame.kind == _KINDS["STOP"])

    def _meet(self, visitor: Visitor, frame: wire.Frame) -> bytes:
        """Answer it here, or return the frame for the sled."""
        kind, body = frame.kind, frame.body
        if kind == _KINDS["HELLO"]:
            self._greet(visitor, body)
        elif kind & 0x80 or len(body) < 2:
            pass  # as from a device: an echo
        elif not visitor.is_known and kind != _KINDS["STOP"]:
            self._reply(visitor, body, "WRONG_VERSION")
        elif kind == _KINDS["STREAM"]:
            self._stream(visitor, body)
        elif kind == _KINDS["RESEND"]:
            self._resend(visitor, body)
        elif kind == _KINDS["ENTER_REPL"]:
            self._reply(visitor, body, "UNSUPPORTED")  # the others would talk to the prompt
        elif kind == _KINDS["HEARTBEAT"] and visitor is not self._load_setter:
            self._reply(visitor, body, "NO_LEASE")  # the sled has one lease and cannot tell whose it is
        else:
            return self._pass_on(visitor, frame)
        return b""

    def _greet(self, visitor: Visitor, body: bytes) -> None:
        """HELLO is answered here: the sled would take it for a new host and stop its stream."""
        visitor.begin(is_known=body[:1] == bytes([layout.PROTOCOL_MAJOR]))
        self._send(visitor, self._hello + b"".join(self._faults.values()))

    def _stream(self, visitor: Visitor, body: bytes) -> None:
        try:
            _, enabled, first = struct.unpack(layout.MESSAGES["STREAM"][2], body)
        except struct.error:
            self._reply(visitor, body, "BAD_LENGTH")
            return
        if self._ring is None:
            return  # its first sample is on the way, and so is the repeat of this
        first = min(max(first, self._ring.oldest), self._ring.end)
        visitor.again.clear()
        visitor.live = Cursor(self._ring, first, _FOR_EVER) if enabled else None
        self._reply(visitor, body, "OK", first)

    def _resend(self, visitor: Visitor, body: bytes) -> None:
        try:
            _, first, count = struct.unpack(layout.MESSAGES["RESEND"][2], body)
        except struct.error:
            self._reply(visitor, body, "BAD_LENGTH")
            return
        live = visitor.live
        ring = self._ring if live is None else live.ring
        # STATUS may have told of samples that are still on their way from the sled: they follow.
        if ring is None or first < 0 or first + count > ring.end + _UNDER_WAY_SAMPLES:
            self._reply(visitor, body, "BAD_VALUE")
            return
        if len(visitor.again) == AGAIN_MAX:
            self._reply(visitor, body, "BUSY")
            return
        # What has not been sent to it yet comes live.
        end = first + count if live is None else min(first + count, live.next_index)
        if end > first:
            visitor.again.append(Cursor(ring, first, end))
        self._reply(visitor, body, "OK", first)

    def _pass_on(self, visitor: Visitor, frame: wire.Frame) -> bytes:
        """The frame for the sled, with an id of its own there; nothing if it must not get it (again)."""
        now_s = time.monotonic()
        is_stop = frame.kind == _KINDS["STOP"]
        asked = visitor.asked.get((frame.kind, frame.body))
        if asked is None:
            if visitor.in_flight(now_s - _ANSWERED_WITHIN_s, is_stop) >= _IN_FLIGHT_MAX:
                return b""
            asked = visitor.ask(frame.kind, frame.body)
        elif not self._may_repeat(asked, now_s):
            return b""
        if self.away_since_s is not None and not is_stop:
            return b""  # and no repeat of it will act once the sled is back
        if not asked.is_open:
            self._number(asked)
        asked.is_open = True
        asked.sent_s = now_s
        if is_stop:
            self._changes.clear()  # nothing that was asked before it may act after it
        elif frame.kind not in _HARMLESS and asked not in self._changes:
            self._changes.append(asked)
        return asked.frame

    def _may_repeat(self, asked: Asked, now_s: float) -> bool:
        """Not if the sled would take it for a new command: it remembers only its last answers."""
        if asked.is_open and now_s - asked.sent_s < _REPEAT_s:
            return False
        return asked.kind in _HARMLESS or (asked.is_open and asked in self._changes)

    def _number(self, asked: Asked) -> None:
        for _ in range(_NUMBERS_TRIED):
            device_id = self._new_id()
            asked.frame = wire.encode_frame(asked.kind, 0, device_id.to_bytes(2, "little") + asked.body[2:])
            # A STOP holds no 0x03, which would interrupt a controller that is still starting.
            if asked.kind != _KINDS["STOP"] or b"\x03" not in asked.frame:
                break
        self._routes.pop(device_id, None)
        self._routes[device_id] = asked
        if len(self._routes) > _ROUTES_MAX:
            del self._routes[next(iter(self._routes))]

    def _reply(self, visitor: Visitor, body: bytes, result: str, value: int = 0) -> None:
        fields = {
            "command_id": int.from_bytes(body[:2], "little"),
            "result": _RESULTS[result],
            "mode": self._ring.mode if self._ring is not None else 0,
            "setting_value": value,
        }
        self._send(visitor, wire.encode("REPLY", fields))

    def _send(self, visitor: Visitor, frames: bytes) -> None:
        visitor.out += frames
        self._ready(visitor)
