"""Feeds stretches of a line to the whole firmware; runs on CPython, and on unix MicroPython as a script.

There the stretches come on stdin, each behind its length (u32), 0 at the end; `armed` as the only argument
means that the sled holds a load, which must stay as it is. Prints what was found as one JSON object.
"""

import gc
import sys
from binascii import crc32

IS_MICROPYTHON = sys.implementation.name == "micropython"
if IS_MICROPYTHON:
    import json

    from sled import layout, modes, tick
    from sled.bare import Bare
else:
    from device.sled import layout, modes, tick
    from tests.runtimes.bare import Bare

_CHUNKS = (64, 1, 7, 64, 13)  # bytes that the line gives at once
_LOAD = (120_000, 30_000, 0, 0, 0, 0) * 2
_WARM_STRETCHES = 3
_PASSES_MAX = 6000  # for one stretch


def in_use():
    """What is in use of the heap: bytes, on CPython blocks."""
    gc.collect()
    return gc.mem_alloc() if IS_MICROPYTHON else sys.getallocatedblocks()


class Subject:
    """One firmware under fire."""

    def __init__(self, is_armed):
        self.bare = Bare()
        self.is_armed = is_armed
        self.stretches = 0
        self.frames = 0
        self.check = 0  # CRC-32 over all frames that were accepted
        self.changed = 0  # stretches after which the load was another
        self.stopped_at_once = 0
        self.stopped_repeated = 0
        self.unstoppable = 0
        self._is_counting = False
        self._stop_id = -1
        self._used = 0
        self._handle = self.bare.app.commands.handle
        self.bare.app.commands.handle = self._heard
        self.bare.run(50)
        self.bare.hello()

    def _heard(self, length):
        frame = self.bare.app.link.frame
        if self._is_counting:
            self.frames += 1
            self.check = crc32(bytes(frame[:length]), self.check)
        elif frame[0] == layout.KIND_STOP and frame[2] | frame[3] << 8 == self.bare.command_id:
            self._stop_id = self.bare.command_id
        self._handle(length)

    def buffer(self, length):
        """To be filled with that many bytes of the line."""
        return memoryview(self.bare.board.bytes)[:length]

    def take(self, length):
        """Hear these bytes, then STOP."""
        if self.stretches == _WARM_STRETCHES:
            self._used = in_use()
        board = self.bare.board
        data = bytes(board.bytes[:length]) if self.is_armed else None
        if self.is_armed:
            self._arm()
            board.bytes[:length] = data
        board.at = 0
        board.end = length
        board.chunk = _CHUNKS[self.stretches % len(_CHUNKS)]
        self._is_counting = True
        self._listen()
        self._is_counting = False
        if self.is_armed and not self._is_as_it_was():
            self.changed += 1
        self._stop()
        self.stretches += 1

    def grown(self):
        """How much more of the heap is in use than after the first few stretches."""
        return in_use() - self._used

    def _listen(self):
        board = self.bare.board
        link = self.bare.app.link
        for _ in range(_PASSES_MAX):
            if board.at == board.end and link._chunk_at == link._chunk_end:
                return
            self.bare.run(1)
            self.bare.app.poll()
        raise AssertionError("the firmware does not read on")

    def _arm(self):
        app = self.bare.app
        for _ in range(2000):
            if app.mode == layout.MODE_IDLE and not app.is_releasing():
                break
            self.bare.run(1)
            app.poll()
        result = app.arm()
        assert result == layout.RESULT_OK, (result, app.faults())
        app.take_load(_LOAD, layout.HOLD_HELD, 0, 0)
        self.bare.run(2)
        app.poll()

    def _may_raise(self):
        return modes.PERMITS[self.bare.app.mode] == tick.PERMIT_RAISE

    def _is_as_it_was(self):
        s = self.bare.s
        load = [s[tick.NEXT_PULL + at] for at in range(len(_LOAD))]
        return self._may_raise() and load == list(_LOAD) and not s[tick.LEASED]

    def _stop(self):
        """Said right behind the garbage, and again as a host does."""
        for attempt in range(2):
            kind = (layout.OFF_STOP_STOP_KIND, self.stretches & 1)
            self.bare.ask(layout.KIND_STOP, layout.SIZE_STOP, kind, again=attempt > 0)
            self._listen()
            if self._stop_id == self.bare.command_id and not self._may_raise():
                if attempt:
                    self.stopped_repeated += 1
                else:
                    self.stopped_at_once += 1
                return
        self.unstoppable += 1

    def found(self):
        """Figures by name."""
        return {
            "frames": self.frames,
            "check": self.check,
            "refused": self.bare.app.link.damaged,
            "changed": self.changed,
            "stopped_at_once": self.stopped_at_once,
            "stopped_repeated": self.stopped_repeated,
            "unstoppable": self.unstoppable,
            "grown": self.grown(),
        }


def main():
    subject = Subject(sys.argv[1:] == ["armed"])
    line = sys.stdin.buffer
    while True:
        length = int.from_bytes(line.read(4), "little")
        if not length:
            break
        part = subject.buffer(length)
        got = 0
        while got < length:
            got += line.readinto(part[got:])
        subject.take(length)
    print(json.dumps(subject.found()))


if __name__ == "__main__":
    main()
