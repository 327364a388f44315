"""One connected command as the broker sees it: what it asked, where it reads, what waits for it."""

import struct
from typing import NamedTuple

from host.sharing.ring import Ring
from protocol import layout, wire

_ASKED_MAX = 64  # remembered commands, far more than one may have in flight
_TELEMETRY_HEAD = layout.MESSAGES["TELEMETRY"][2]
AGAIN_MAX = 8  #: gaps that are kept, as many as the device keeps
_OUT_MAX_BYTES = 65_536  #: answers that nobody takes; telemetry never waits here
_KINDS = layout.KINDS


class Asked:
    """A command that was passed on, or was not because the sled was away."""

    __slots__ = ("body", "frame", "is_open", "kind", "sent_s", "visitor")

    def __init__(self, visitor: "Visitor", kind: int, body: bytes) -> None:
        self.visitor = visitor
        self.kind = kind
        self.body = body
        self.frame = b""  #: as the sled gets it, with an id of its own there
        self.sent_s = float("-inf")
        self.is_open = False  #: its answer is awaited


class Cursor(NamedTuple):
    """Where a visitor reads a ring; `end` is one past the last sample it wants."""

    ring: Ring
    next_index: int
    end: int


class Visitor:
    """State of one connection beyond its socket. Guarded by the broker's lock."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frames = wire.FrameReader()
        self.out = bytearray()  #: frames on their way, before any telemetry
        self.is_known = False  #: it has said HELLO in our version
        self.is_gone = False
        self.live: Cursor | None = None
        self.again: list[Cursor] = []
        self.asked: dict[tuple[int, bytes], Asked] = {}  #: newest last; a repeat is the same again

    @property
    def is_deaf(self) -> bool:
        """Whether it asks on and on without taking its answers."""
        return len(self.out) > _OUT_MAX_BYTES

    def begin(self, is_known: bool) -> None:
        """As the device on HELLO: a new host numbers its commands anew and gets no telemetry yet."""
        self.is_known = is_known
        self.live = None
        self.again.clear()
        self.asked.clear()

    def ask(self, kind: int, body: bytes) -> Asked:
        """A command that was not asked before."""
        new = self.asked[kind, body] = Asked(self, kind, body)
        if len(self.asked) > _ASKED_MAX:
            del self.asked[next(iter(self.asked))]
        return new

    def in_flight(self, since_s: float, is_stop: bool) -> int:
        """Commands passed on since then and not answered: those that stop, or the others."""
        return sum(
            each.is_open and each.sent_s > since_s and (each.kind == _KINDS["STOP"]) == is_stop
            for each in self.asked.values()
        )

    def telemetry(self, frames: int) -> bytes:
        """At most so many frames of what it wants and the ring has: first live, then what it asked again."""
        out = bytearray()
        for _ in range(frames):
            frame = self._live() or self._again()
            if not frame:
                break
            out += frame
        return bytes(out)

    def _live(self) -> bytes:
        found = None if self.live is None else _read(self.live, 0)
        if found is None:
            return b""
        self.live, frame = found
        return frame

    def _again(self) -> bytes:
        for at, cursor in enumerate(self.again):
            found = _read(cursor, layout.FLAG_RESENT)
            if found is not None:
                self.again[at], frame = found
                if self.again[at].next_index >= cursor.end:
                    del self.again[at]
                return frame
        return b""


def _read(cursor: Cursor, flags: int) -> tuple[Cursor, bytes] | None:
    """The next frame and where to go on behind it, or None where there is nothing (yet)."""
    piece = cursor.ring.read(cursor.next_index, cursor.end, layout.SAMPLES_PER_FRAME_MAX)
    if piece is None:
        return None
    boot_id, first, count = cursor.ring.boot_id, piece.sample_index, piece.sample_count
    if piece.raw is None:
        fields = {"boot_id": boot_id, "sample_index": first, "sample_count": count}
        frame = wire.encode("SAMPLES_LOST", fields, flags)
    else:
        body = struct.pack(_TELEMETRY_HEAD, boot_id, first) + piece.raw
        frame = wire.encode_frame(_KINDS["TELEMETRY"], flags, body)
    return cursor._replace(next_index=first + count), frame
