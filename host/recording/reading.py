"""A recording read again, by the definitions in the file itself: it may be older or newer than this program.

Cheap things come from the closing records; samples and messages are read when they are first asked for.
"""

import contextlib
import json
import os
import struct
from collections.abc import Iterator
from functools import cached_property
from typing import IO, Any, NamedTuple

import numpy as np
from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Metadata

from host.batches import Batch
from host.errors import FileError
from host.recording.contents import MAGIC
from host.recording.scanning import RECORD_BYTES_MAX, Scan, Table, Told, unpacked
from host.recording.timing import Timing, fitted_ns
from host.recording.totals import Totals, is_current
from protocol import bulk
from protocol.wire import Samples

_DEFAULT_PERIOD_s = 0.001
_BLOCK_SAMPLES = 1 << 16
_GAP = ("boot_id", "sample_index", "sample_count")
_READING = ("sent_ns", "received_ns", "wall_ns", "boot_id", "sample_index", "since_tick_us")
_RESTART = ("event", "away_s", "boot_id")
_TORN = (McapError, ValueError, KeyError, RuntimeError, struct.error)  # what the library makes of half a file


class Gap(NamedTuple):
    """Samples that the file does not hold."""

    boot_id: int
    sample_index: int  #: the first of them
    sample_count: int
    is_declared: bool  #: whether the recorder knew; False is damage to the file


class Boot(NamedTuple):
    """What was recorded between two restarts of the sled: samples in wire units, in order of index."""

    boot_id: int
    period_s: float
    samples: Table  #: fields of the file's schema for /sample, and log_ns
    host_ns: np.ndarray[Any, np.dtype[np.int64]]  #: time of day of each sample, ns since 1970
    timing: Timing
    gaps: list[Gap]


class Recording:
    """One file. Raises FileError where it cannot be read, or holds no recording."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_live = False  #: somebody is still recording it
        self.mended = ""  #: what a recovery did to it just now, in words
        self._is_packed = False  # by another program, into chunks
        records, self.is_whole = self._opened()
        self.session = _first(records, "session")
        self.id = self.session.get("id", "")
        self.devices = [dict(each.metadata) for each in records if each.name == "device"]
        self.end = _first(records, "end")
        self.settings = [
            {name: _whole(value) for name, value in each.metadata.items()}
            for each in records
            if each.name == "settings"
        ]
        if not self.id:
            raise FileError(f"{path} holds no recording of a sled", "host sessions")

    @cached_property
    def scan(self) -> Scan:
        """Everything in the file."""
        try:
            with open(self.path, "rb") as file:
                return Scan(unpacked(file) if self._is_packed else file)
        except OSError as error:
            raise _unreadable(self.path, error.strerror or str(error)) from None
        except ValueError as error:
            raise _unreadable(self.path, str(error)) from None

    @property
    def told(self) -> list[Told]:
        """Every message that is not a sample, in the order in which they were written."""
        return self.scan.told

    def of(self, topic: str, *names: str) -> list[dict[str, Any]]:
        """Fields of the messages of one channel, those that have all of these names."""
        found = [each.fields for each in self.told if each.topic == topic]
        return [fields for fields in found if fields.keys() >= set(names)]

    @property
    def period_s(self) -> float:
        """Time between two samples."""
        return self._period_s(next(iter(self.devices), {}))

    @cached_property
    def boots(self) -> list[Boot]:
        """Samples with their host times and gaps, one entry for each boot that gave any."""
        pieces: list[list[Table]] = []
        for run in self.scan.runs:
            for piece in _split(run):
                if pieces and _goes_on(pieces[-1][-1], piece):
                    pieces[-1].append(piece)
                else:
                    pieces.append([piece])
        lost, readings = self.of("/lost", *_GAP), self.of("/clock", *_READING)
        return [self._boot(np.concatenate(each), lost, readings) for each in pieces]

    @property
    def gaps(self) -> list[Gap]:
        """Of all boots, those without a sample too."""
        lost = self.of("/lost", *_GAP)
        silent = {each["boot_id"] for each in lost} - {boot.boot_id for boot in self.boots}
        nothing = [
            Gap(boot_id, first, end - first, True)
            for boot_id in sorted(silent)
            for first, end in _declared(boot_id, lost)
        ]
        return [gap for boot in self.boots for gap in boot.gaps] + nothing

    def totals(self) -> dict[str, Any]:
        """Lengths, distance, work and losses: as summed up while it was recorded, or anew."""
        with contextlib.suppress(ValueError):
            found: dict[str, Any] = json.loads(self.end.get("totals", "{}"))
            if is_current(found):
                return found
        return self.summed_up().fields()

    def summed_up(self) -> Totals:
        """The sums worked out again from every sample: seconds for an hour of them."""
        sums = Totals(self.period_s)
        boots = list(self.boots)
        silent = [gap for gap in self.gaps if gap.boot_id not in {boot.boot_id for boot in boots}]
        for boot_id, away_s in self._sequence():
            if away_s is not None:
                sums.restart(away_s)
            for gap in (each for each in silent if each.boot_id == boot_id):
                sums.lose(gap.sample_count)
            boot = next((each for each in boots if each.boot_id == boot_id), None)
            if boot is not None:
                boots = [each for each in boots if each is not boot]
                _sum_up(sums, boot)
        return sums

    def _sequence(self) -> Iterator[tuple[int, float | None]]:
        """Boots in order, with how long the sled had been away before; None before the first."""
        restarts = [each for each in self.of("/link", *_RESTART) if each["event"] == "restarted"]
        first = [_whole(device.get("boot_id", "")) for device in self.devices[:1]]
        yield from ((boot_id, None) for boot_id in first)
        yield from ((each["boot_id"], each["away_s"]) for each in restarts)
        told = {*first, *(each["boot_id"] for each in restarts)}
        yield from ((boot.boot_id, 0.0) for boot in self.boots if boot.boot_id not in told)

    def _boot(self, samples: Table, lost: list[dict[str, Any]], readings: list[dict[str, Any]]) -> Boot:
        boot_id = int(samples["boot_id"][0])
        device = next((each for each in self.devices if each.get("boot_id") == str(boot_id)), {})
        period_s = self._period_s(device or next(iter(self.devices), {}))
        own = [each for each in readings if each["boot_id"] == boot_id]
        host_ns, timing = fitted_ns(own, period_s, samples["sample_index"] * period_s)
        return Boot(
            boot_id,
            period_s,
            samples,
            samples["log_ns"].astype(np.int64) if host_ns is None else host_ns,
            timing,
            _gaps(boot_id, samples["sample_index"], lost),
        )

    @staticmethod
    def _period_s(device: dict[str, str]) -> float:
        with contextlib.suppress(ValueError, KeyError):
            return float(device["sample_period_s"])
        return _DEFAULT_PERIOD_s

    def _opened(self) -> tuple[list[Metadata], bool]:
        """The metadata, from the closing records where they are there, else from all that is whole."""
        try:
            with open(self.path, "rb") as file, contextlib.suppress(*_TORN):
                if _ends(file):
                    reader = SeekingReader(file, record_size_limit=RECORD_BYTES_MAX)
                    summary = reader.get_summary()
                    self._is_packed = bool(summary and summary.chunk_indexes)
                    return list(reader.iter_metadata()), True
        except OSError as error:
            raise _unreadable(self.path, error.strerror or str(error)) from None
        return self.scan.metadata, self.scan.has_end


def parts(boot: Boot) -> Iterator[slice | Gap]:
    """Samples and gaps of a boot in order of index, samples in blocks that memory can bear."""
    indices = boot.samples["sample_index"]
    at = 0
    for gap in boot.gaps:
        until = int(np.searchsorted(indices, gap.sample_index))
        yield from _blocks(at, until)
        yield gap
        at = until
    yield from _blocks(at, len(indices))


def _sum_up(sums: Totals, boot: Boot) -> None:
    for part in parts(boot):
        if isinstance(part, Gap):
            sums.lose(part.sample_count)
        else:
            sums.take(batch(boot, part))


def _blocks(start: int, stop: int) -> Iterator[slice]:
    for first in range(start, stop, _BLOCK_SAMPLES):
        yield slice(first, min(first + _BLOCK_SAMPLES, stop))


def batch(boot: Boot, part: slice) -> Batch:
    """Some of a boot's samples as they came over the wire; a field that the file does not know is 0."""
    samples = boot.samples[part]
    on_wire = np.zeros(len(samples), bulk.SAMPLE)
    for name in set(samples.dtype.names or ()) & set(bulk.SAMPLE.names or ()):
        on_wire[name] = samples[name]
    return Batch(boot.boot_id, int(samples["sample_index"][0]), Samples(on_wire.tobytes()))


def _split(run: Table) -> Iterator[Table]:
    """Cut where another boot begins."""
    boots = run["boot_id"]
    cuts = np.flatnonzero((boots[1:] != boots[:-1]) | (np.diff(run["sample_index"].astype(np.int64)) <= 0))
    return iter(np.split(run, cuts + 1))


def _goes_on(before: Table, after: Table) -> bool:
    same_boot = before["boot_id"][-1] == after["boot_id"][0]
    return bool(same_boot and before["sample_index"][-1] < after["sample_index"][0])


def _gaps(boot_id: int, indices: np.ndarray[Any, np.dtype[Any]], lost: list[dict[str, Any]]) -> list[Gap]:
    """What was declared lost, and holes in the indices beside that."""
    declared = _declared(boot_id, lost)
    cuts = np.flatnonzero(np.diff(indices.astype(np.int64)) != 1)
    starts, ends = indices[np.append(0, cuts + 1)], indices[np.append(cuts, -1)]
    received = zip(starts.tolist(), (ends.astype(np.int64) + 1).tolist(), strict=True)
    gaps = [Gap(boot_id, first, end - first, True) for first, end in declared]
    at = int(indices[0])
    for first, end in sorted([*received, *declared]):
        if at < first:
            gaps.append(Gap(boot_id, at, first - at, False))
        at = max(at, end)
    return sorted(gaps, key=lambda gap: gap.sample_index)


def _declared(boot_id: int, lost: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """First index and end of each range, joined where they meet."""
    found: list[tuple[int, int]] = []
    own = [each for each in lost if each["boot_id"] == boot_id]
    for first, count in sorted((each["sample_index"], each["sample_count"]) for each in own):
        begun, end = found.pop() if found and first <= found[-1][1] else (first, first)
        found.append((begun, max(end, first + count)))
    return found


def _first(records: list[Metadata], name: str) -> dict[str, str]:
    return next((dict(each.metadata) for each in records if each.name == name), {})


def _whole(text: str) -> int:
    """A whole number of the metadata; -1 for what damage made of it."""
    try:
        return int(text)
    except ValueError:
        return -1


def _ends(file: IO[bytes]) -> bool:
    file.seek(max(0, file.seek(0, os.SEEK_END) - len(MAGIC)))
    is_ended = file.read() == MAGIC
    file.seek(0)
    return is_ended


def _unreadable(path: str, why: str) -> FileError:
    return FileError(f"cannot read {path}: {why}", "host sessions")
