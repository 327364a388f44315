"""Recordings that end in the middle: programs killed, files cut."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from bench.recording_child import MARK, RECEIVED, WRITTEN
from host.errors import FileError
from host.recording.reading import Recording
from host.recording.recovery import open_recording
from protocol import layout

ROOT = Path(__file__).resolve().parents[1]
_LONGEST_s = 1.0
_SAMPLE_BYTES = 51  # in the file


class Served:
    """A simulated sled of its own in real time, with folders that nobody else looks into."""

    def __enter__(self) -> "Served":
        self._folder = tempfile.TemporaryDirectory()
        self.data = Path(self._folder.name) / "data"
        self.environment = {
            **os.environ,
            "SLED_DATA_DIR": str(self.data),
            "SLED_CONFIG_DIR": self._folder.name,
            "SLED_RUNTIME_DIR": self._folder.name,
            "PYTHONPATH": str(ROOT),
        }
        self._sim = subprocess.Popen(
            [sys.executable, "-m", "host", "--json", "sim", "--tcp-port", "0", "--athlete", "recreational"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._sim.stdout is not None
        self.port: str = json.loads(self._sim.stdout.readline())["ports"][0]
        return self

    def __exit__(self, *_: object) -> None:
        self._sim.terminate()
        self._sim.wait()
        self._folder.cleanup()

    def host(self, *words: str) -> dict[str, Any]:
        """The answer of one command."""
        done = subprocess.run(
            [sys.executable, "-m", "host", "--port", self.port, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        assert answer["ok"], answer
        return answer


class Kill(NamedTuple):
    received: int  #: batches that the recorder was about to get
    recovered: int  #: of those, whole in the file
    missing: int  #: written and not in the file
    unwritten: int  #: received, but the kill came before the write
    wrong: int  #: samples that differ
    is_torn: bool


def kill_often(count: int, seed: int = 1) -> list[Kill]:
    """Record, kill and recover so many times, at moments drawn from the first second of the samples."""
    rng = random.Random(seed)
    with Served() as served:
        return [_kill(served, rng.random() * _LONGEST_s) for _ in range(count)]


def _kill(served: Served, after_s: float) -> Kill:
    near, far = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.recording_child", str(far), "--port", served.port, "record", "--quiet"],
        cwd=ROOT,
        env=served.environment,
        stdout=subprocess.DEVNULL,
        pass_fds=[far],
    )
    os.close(far)
    told = bytearray()
    begun = threading.Event()

    def listen() -> None:
        while block := os.read(near, 1 << 16):
            told.extend(block)
            begun.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert begun.wait(30), "host record received nothing"
    time.sleep(after_s)
    process.kill()
    process.wait()
    listener.join()
    os.close(near)
    (path,) = served.data.glob("*.mcap")
    kill = _judged(bytes(told), str(path))
    path.unlink()
    return kill


def _judged(told: bytes, path: str) -> Kill:
    received: dict[tuple[int, int], bytes] = {}
    written: set[tuple[int, int]] = set()
    at = 0
    while at + MARK.size <= len(told):
        mark, boot_id, first, size = MARK.unpack_from(told, at)
        at += MARK.size
        if mark == RECEIVED:
            received[boot_id, first] = told[at : at + size]
            at += size
        elif mark == WRITTEN:
            written.add((boot_id, first))
    recording = open_recording(path)
    held = {
        (boot.boot_id, index): sample
        for boot in recording.boots
        for index, sample in zip(boot.samples["sample_index"].tolist(), _raw(boot.samples), strict=True)
    }
    whole, wrong = set(), 0
    for (boot_id, first), raw in received.items():
        samples = [raw[k : k + layout.SAMPLE_BYTES] for k in range(0, len(raw), layout.SAMPLE_BYTES)]
        found = [held.get((boot_id, index)) for index in range(first, first + len(samples))]
        if None not in found:
            whole.add((boot_id, first))
        wrong += sum(one is not None and one != other for one, other in zip(found, samples, strict=True))
    return Kill(
        len(received),
        len(whole),
        len(written - whole),
        len(received.keys() - written - whole),
        wrong,
        "torn" in recording.mended,
    )


def _raw(samples: Any) -> list[bytes]:
    import struct

    columns = [samples[name].tolist() for name in layout.SAMPLE_FIELDS]
    return [struct.pack(layout.SAMPLE_FORMAT, *values) for values in zip(*columns, strict=True)]


class Cuts(NamedTuple):
    cuts: int
    file_bytes: int
    expected: int  #: whole samples before each cut, summed up
    recovered: int
    bad: int  #: cuts where these differ, or which a second opening does not find whole
    empty: int  #: cuts that leave no sample, and of these perhaps no recording


def cut_everywhere(every: int = 1) -> Cuts:
    """Record a little, then cut copies of it at every byte, or every so many, and open each twice."""
    with Served() as served, tempfile.TemporaryDirectory() as folder:
        answer = served.host("--json", "record", "--quiet", "--seconds", "0.1")
        data = Path(answer["file"]).read_bytes()
        whole = Recording(answer["file"])
        indices = [index for boot in whole.boots for index in boot.samples["sample_index"].tolist()]
        ends = _sample_ends(data)
        assert len(ends) == len(indices)
        torn = Path(folder) / "torn.mcap"
        expected = recovered = bad = empty = cuts = 0
        for size in range(0, len(data) + 1, every):
            torn.write_bytes(data[:size])
            count = sum(end <= size for end in ends)
            found: list[list[int]] = []
            for _ in range(2):
                try:
                    boots = open_recording(str(torn)).boots
                    found.append([index for boot in boots for index in boot.samples["sample_index"].tolist()])
                except FileError:
                    found.append([])
            cuts += 1
            expected += count
            recovered += len(found[0])
            empty += not count
            bad += found != [indices[:count]] * 2
        return Cuts(cuts, len(data), expected, recovered, bad, empty)


def _sample_ends(data: bytes) -> list[int]:
    """Where each record of a sample ends, by the `mcap` library alone."""
    from io import BytesIO

    from mcap.records import Channel, DataEnd, Message
    from mcap.stream_reader import StreamReader

    ends, channels = [], {}
    stream = BytesIO(data)
    for record in StreamReader(stream).records:
        if isinstance(record, Channel):
            channels[record.id] = record.topic
        elif isinstance(record, Message) and channels[record.channel_id] == "/sample":
            ends.append(stream.tell())
        elif isinstance(record, DataEnd):
            break
    return ends
