"""Power cuts in the middle of a flash, at each block that is programmed or erased.

A flash is recorded once, block operation by operation, from the first one to the firmware having confirmed
itself. The flash after a cut is then made from the record: what was done before, and half of the operation
in which the power went. Each of them is put into a board, which is switched on.
"""

import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from host.errors import HostError
from host.ports import connect
from tests.flashing.flashed import flash
from tests.flashing.unix_board import UnixBoard, read_files

_HEAD = struct.Struct("<BII")
_BOOT_s = 20


class Operation(NamedTuple):
    at: int
    data: bytes


class Record(NamedTuple):
    """One flash: the board before it, and all that was done to its blocks."""

    before: bytes
    operations: list[Operation]
    builds: tuple[int, int]  #: that ran before and after

    def images(self) -> Iterator[bytes]:
        """The flash after a cut in each of the operations, in turn."""
        now = bytearray(self.before)
        for at, data in self.operations:
            half = len(data) // 2
            now[at : at + half] = data[:half]
            yield bytes(now)
            now[at : at + len(data)] = data


class Failure(NamedTuple):
    operation: int
    why: str


def recorded(folder: Path, before: dict[str, bytes], sources: Path, update: Path) -> Record:
    """The flash of `update` on a board that holds `before`, which is the firmware of `sources`."""
    board = UnixBoard(folder, keeps_journal=True)
    board.write_files(before)
    with board:
        old = answer(board)
        (folder / "journal").write_bytes(b"")
        start = board.flash.read_bytes()
        outcome = flash(board, update)
        assert outcome.device is not None and outcome.device.build_id is not None
        board.power_off()
        record = Record(
            start, list(_operations((folder / "journal").read_bytes())), (old, outcome.device.build_id)
        )
        now = bytearray(start)
        for at, data in record.operations:
            now[at : at + len(data)] = data
        assert bytes(now) == board.flash.read_bytes(), "the record is not whole"
    return record


def _operations(journal: bytes) -> Iterator[Operation]:
    at = 0
    while at < len(journal):
        _, place, size = _HEAD.unpack_from(journal, at)
        at += _HEAD.size
        yield Operation(place, journal[at : at + size])
        at += size


def failures(
    folder: Path, record: Record, kept: dict[str, bytes], numbers: Iterable[int] | None = None
) -> list[Failure]:
    """Switch a board on after a cut in each operation; those that did not come back by themselves, or lost
    one of the files that are to be kept."""
    found = []
    wanted = None if numbers is None else set(numbers)
    for number, image in enumerate(record.images()):
        if wanted is not None and number not in wanted:
            continue
        board = UnixBoard(folder / f"cut{number}")
        board.flash.write_bytes(image)
        with board:
            try:
                build = answer(board)
            except HostError as error:
                found.append(Failure(number, error.sentence))
                continue
            if build not in record.builds:
                found.append(Failure(number, f"build {build:08x}"))
            files = read_files(board.flash.read_bytes())
            found += [
                Failure(number, f"{path} lost")
                for path, content in kept.items()
                if files.get(path) != content
            ]
        board.flash.unlink()
    return found


def answer(board: UnixBoard) -> int:
    """The build that answers HELLO, 0 if it has no name; waits for a board that starts. Raises HostError."""
    until = time.monotonic() + _BOOT_s
    while True:
        try:
            with connect(board.port) as session:
                assert session.device is not None
                return session.device.build_id or 0
        except HostError:
            if time.monotonic() > until or "prompt" in board.events:
                raise
            time.sleep(0.01)
