"""Damage into each parser: how many bytes, what was accepted of it, and whether STOP still works."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from binascii import crc32
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from protocol import layout, wire
from tests.fuzz.damage import HARMLESS, LEAVING, Source, Stretch, acceptable
from tests.fuzz.device_fuzz import Subject
from tests.runtimes import stage

COMMANDS = tuple(name for name, row in layout.MESSAGES.items() if row[1] and name not in LEAVING)
#: What the device may hear whole: all that it can answer, or, while a load must stay, what changes none.
HEARD = {"idle": COMMANDS, "armed": HARMLESS}
HOST, CPYTHON, MICROPYTHON = "host", "device, CPython", "device, MicroPython"
GROWN_MAX = 1024  #: of the heap, over any number of bytes: the harness's own figures
_READS = (4096, 1, 7, 64, 300)  # bytes at once
_SIGN_OF_LIFE = wire.encode("FAULT", {"sample_index": 1, "fault": 2, "mode": 4, "faults": 4})


class Result(NamedTuple):
    parser: str
    state: str  #: of the device: idle or armed
    sent_bytes: int
    sent_whole: int  #: sound frames, those of the wrong length among them
    accepted: int
    accepted_damage: int  #: frames that came out and were never sent so
    misjudged: int  #: stretches (of a device: all of them) of which not just the sound frames came out
    refused: int  #: pieces that were counted as damaged
    undecoded: int  #: sound frames that mean nothing, such as those of the wrong length
    memory: str  #: `grown`, with its unit
    grown: int  #: of the heap: bytes, on CPython blocks
    stretches: int
    alive_at_once: int  #: STOP, or for the host any frame, was heard right behind a stretch
    alive_repeated: int  #: or said once more: the first was the end of the noise
    dead: int
    changed: int  #: stretches of damage that changed the load of an armed sled
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether nothing went wrong, and the heap did not creep."""
        wrong = self.accepted_damage + self.misjudged + self.dead + self.changed
        return not wrong and self.grown <= GROWN_MAX


def sent(seed: int, total_bytes: int, names: tuple[str, ...]) -> Iterator[Stretch]:
    """The line of one lane; the same for the same seed."""
    return Source(seed, names).stretches(total_bytes)


def into_host(seed: int, total_bytes: int) -> Result:
    """Host: FrameReader and decode."""
    begun_s = time.perf_counter()
    reader = wire.FrameReader()
    size = whole = accepted = damage = misjudged = undecoded = dead = pending = 0
    used = 0
    for number, stretch in enumerate(sent(seed, total_bytes, tuple(layout.MESSAGES))):
        if number == 3:
            used = sys.getallocatedblocks()
        frames = []
        step = _READS[number % len(_READS)]
        for at in range(0, len(stretch.data), step):
            frames += reader.feed(stretch.data[at : at + step])
            pending = max(pending, len(reader._pending))
        for frame in frames:
            try:
                wire.decode(frame)
            except ValueError:
                undecoded += 1
        found = [bytes((frame.kind, frame.flags)) + frame.body for frame in frames]
        damage += len(set(found) - set(stretch.whole))
        misjudged += found != acceptable(stretch.data)
        alive = reader.feed(b"\0" + _SIGN_OF_LIFE)
        dead += wire.encode_frame(*alive[-1]) != _SIGN_OF_LIFE if alive else 1
        size += len(stretch.data)
        whole += len(stretch.whole)
        accepted += len(frames)
    stretches = number + 1
    assert pending <= layout.ENCODED_BYTES_MAX, f"{pending} bytes were kept of a frame"
    return Result(
        HOST,
        "",
        size,
        whole,
        accepted,
        damage,
        misjudged,
        reader.bad_crc + reader.bad_cobs + reader.short + reader.oversized,
        undecoded,
        f"{sys.getallocatedblocks() - used:+} blocks",
        sys.getallocatedblocks() - used,
        stretches,
        stretches - dead,
        0,
        dead,
        0,
        time.perf_counter() - begun_s,
    )


class _Book:
    """What a device should have accepted so far."""

    def __init__(self) -> None:
        self.size = self.whole = self.frames = self.check = self.damage = self.stretches = self.ended = 0

    def note(self, stretch: Stretch) -> None:
        found = acceptable(stretch.data)
        for plain in found:
            self.check = crc32(plain, self.check)
        self.frames += len(found)
        # The device only tells how many frames it took, and a check sum over them.
        self.damage += len(set(found) - set(stretch.whole))
        self.size += len(stretch.data)
        self.whole += len(stretch.whole)
        self.stretches += 1
        self.ended += stretch.data.endswith(b"\0")

    def result(self, parser: str, state: str, found: dict[str, int], unit: str, seconds: float) -> Result:
        same = (found["frames"], found["check"]) == (self.frames, self.check)
        return Result(
            parser,
            state,
            self.size,
            self.whole,
            found["frames"],
            self.damage,
            (not same) + (found["stopped_at_once"] != self.ended),
            found["refused"],
            0,
            f"{found['grown']:+} {unit}",
            found["grown"],
            self.stretches,
            found["stopped_at_once"],
            found["stopped_repeated"],
            found["unstoppable"],
            found["changed"],
            seconds,
        )


def into_device(seed: int, total_bytes: int, state: str) -> Result:
    """Device on CPython: link, commands and everything behind."""
    begun_s = time.perf_counter()
    subject, book = Subject(state == "armed"), _Book()
    for stretch in sent(seed, total_bytes, HEARD[state]):
        book.note(stretch)
        subject.buffer(len(stretch.data))[:] = stretch.data
        subject.take(len(stretch.data))
    return book.result(CPYTHON, state, subject.found(), "blocks", time.perf_counter() - begun_s)


def into_micropython(seed: int, total_bytes: int, state: str) -> Result:
    """The same on unix MicroPython. Raises RuntimeError with its traceback if it fell over."""
    begun_s = time.perf_counter()
    micropython = stage.unix_micropython()
    assert micropython is not None
    book = _Book()
    with tempfile.TemporaryDirectory() as folder:
        stage.stage(Path(folder), viper=False)
        script = Path(__file__).with_name("device_fuzz.py")
        with subprocess.Popen(
            [micropython, "-X", "heapsize=4m", str(script), state],
            env=os.environ | {"MICROPYPATH": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # it has fallen over, and says why
                _send(process.stdin, book, sent(seed, total_bytes, HEARD[state]))
            printed = process.stdout.read().decode()
    if process.returncode:
        raise RuntimeError(f"after {book.size} bytes of seed {seed}, {state}: {printed}")
    return book.result(MICROPYTHON, state, json.loads(printed), "B", time.perf_counter() - begun_s)


def _send(line: IO[bytes], book: _Book, stretches: Iterator[Stretch]) -> None:
    with line:
        for stretch in stretches:
            book.note(stretch)
            line.write(len(stretch.data).to_bytes(4, "little") + stretch.data)
        line.write(bytes(4))
