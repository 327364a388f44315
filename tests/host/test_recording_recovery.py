"""Wherever a recording breaks off, what was whole comes back, once and for ever."""

import os
import random
import shutil
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
from mcap_ros1.decoder import DecoderFactory

from host.errors import FileError
from host.following import Item, Lost, Pong, Told
from host.recording import appending, recovery
from host.recording.reading import Recording
from host.recording.recovery import open_recording
from protocol import wire
from tests.host.recordings import batch, status, write

ITEMS: list[Item] = [
    batch(0, 5),
    Told(101.0, wire.Received("STATUS", status())),
    batch(5, 5),
    Pong(101.1, 101.101, 77, 9, 0.0001),
    Lost(10, 6),
    batch(16, 5),
]


def indices(recording: Recording) -> list[int]:
    return [index for boot in recording.boots for index in boot.samples["sample_index"].tolist()]


#: Bytes between two cuts; `make bench-recording` cuts at every byte.
CUT_EVERY = 11


class Grown:
    """A recording and how large its file was after each item, and before and after its end."""

    def __init__(self, folder: Path) -> None:
        recorder = write(folder, [], close=False)
        self.sizes = [os.path.getsize(recorder.path)]
        for item in ITEMS:
            recorder.take(item)
            self.sizes.append(os.path.getsize(recorder.path))
        recorder.close()
        self.path = Path(recorder.path)
        self.data = self.path.read_bytes()

    def indices_at(self, size: int) -> list[int]:
        """What must come back of a file of that size: every whole sample."""
        found = []
        for item, start in zip(ITEMS, self.sizes, strict=False):
            if not isinstance(item, Lost | Told | Pong):
                whole = (size - start) // 51
                found += range(item.sample_index, item.sample_index + max(0, min(whole, 5)))
        return found


@pytest.fixture(autouse=True)
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system is enough here: nobody pulls the plug."""
    monkeypatch.setattr(appending, "_sync", lambda fd: None)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    return Grown(tmp_path_factory.mktemp("grown"))


def test_cut_anywhere_all_whole_samples_come_back(grown: Grown, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mcap"
    mended = set()
    for size in [*range(0, grown.sizes[0], 7), *range(grown.sizes[0], len(grown.data) + 1, CUT_EVERY)]:
        torn.write_bytes(grown.data[:size])
        if size < grown.sizes[0]:
            # All before the first sample is one write: half of it is no recording, or one without samples.
            try:
                assert indices(open_recording(str(torn))) == []
            except FileError as error:
                assert "torn.mcap" in error.sentence
            continue
        recording = open_recording(str(torn))
        assert indices(recording) == grown.indices_at(size)
        assert bool(recording.mended) == (size < len(grown.data)) and recording.is_whole
        mended.add(torn.read_bytes())
        again = open_recording(str(torn))
        assert again.mended == "" and indices(again) == grown.indices_at(size)
        assert again.totals() == again.summed_up().fields()
    for data in mended:  # not for each byte: the same few files come out again and again
        torn.write_bytes(data)
        with torn.open("rb") as file:
            assert list(StreamReader(file, validate_crcs=True).records)
        with torn.open("rb") as file:
            list(make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages(["/sample"]))


def test_a_recovery_that_breaks_off_anywhere_is_finished_by_the_next(grown: Grown, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(grown.data[: grown.sizes[3] + 70])
    whole = open_recording(str(torn))
    expected, data = indices(whole), torn.read_bytes()
    for size in range(grown.sizes[3], len(data), CUT_EVERY):
        torn.write_bytes(data[:size])
        recording = open_recording(str(torn))
        assert indices(recording) == expected and recording.is_whole
        assert recording.end["reason"] == "recovered"
        with torn.open("rb") as file:
            reader = make_reader(file)
            assert [record.name for record in reader.iter_metadata()].count("end") == 1


def test_a_recovery_says_what_came_back_and_keeps_the_file_s_time(grown: Grown, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(grown.data[: grown.sizes[6] - 20])
    os.utime(torn, ns=(10**18, 10**18))
    recording = open_recording(str(torn))
    assert recording.mended == (
        "it had not been closed: recovered 0.0 s, 14 samples, 31 torn bytes at the end dropped"
    )
    assert torn.stat().st_mtime_ns == 10**18
    torn.write_bytes(grown.data[: grown.sizes[6]])
    assert open_recording(str(torn)).mended == "it had not been closed: recovered 0.0 s, 15 samples"


def test_a_recovery_that_fails_lets_go_of_the_file(
    grown: Grown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(grown.data[: grown.sizes[6]])

    def broken(*_: object) -> None:
        raise FileError("it cannot be read any more", "")

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "_mended", broken)
        with pytest.raises(FileError):
            open_recording(str(torn))
    assert open_recording(str(torn)).mended


def test_a_recording_that_ends_while_it_is_opened_is_not_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = write(tmp_path, ITEMS, close=False)

    def opened(path: str, is_new: bool) -> appending.Appending:
        recorder.close()
        return appending.Appending(path, is_new)

    monkeypatch.setattr(recovery, "Appending", opened)
    recording = open_recording(recorder.path)
    assert recording.is_whole and not recording.mended and not recording.is_live


def test_a_recording_under_way_is_read_as_far_as_it_goes_and_left_alone(tmp_path: Path) -> None:
    recorder = write(tmp_path, ITEMS[:3], close=False)
    before = Path(recorder.path).read_bytes()
    recording = open_recording(recorder.path)
    assert recording.is_live and not recording.mended and indices(recording) == list(range(10))
    assert Path(recorder.path).read_bytes() == before
    recorder.take(ITEMS[5])
    recorder.close()
    assert indices(open_recording(recorder.path)) == [*range(10), *range(16, 21)]


def test_damage_in_the_middle_costs_no_more_than_the_records_it_hits(grown: Grown, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mcap"
    rng = random.Random(5)
    total = len(indices(open_recording(str(grown.path))))
    for _ in range(300):
        at = rng.randrange(grown.sizes[1], grown.sizes[-1])
        length = rng.choice((1, 1, 30, 200))
        data = bytearray(grown.data)
        data[at : at + length] = rng.randbytes(len(data[at : at + length]))
        torn.write_bytes(data)
        recording = open_recording(str(torn))
        hit = (length + 50) // 51 + 1
        assert len(indices(recording)) >= total - hit - 1  # one more where damage hides where the next begins
        is_same = bytes(data) == grown.data
        assert is_same or recording.scan.damaged_bytes or recording.scan.is_damaged or recording.mended


def test_no_damage_anywhere_is_more_than_a_file_error(grown: Grown, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mcap"
    rng = random.Random(7)
    for _ in range(300):
        data = bytearray(grown.data[: rng.choice((len(grown.data), rng.randrange(len(grown.data))))])
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data) + 1)
            data[at : at + 1] = rng.choice((b"", rng.randbytes(1), rng.randbytes(300)))
        torn.write_bytes(data)
        try:
            recording = open_recording(str(torn))
            indices(recording)
            recording.summed_up().fields()
        except FileError:
            pass


def test_zeros_that_a_power_cut_left_at_the_end_are_dropped(grown: Grown, tmp_path: Path) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(grown.data[: grown.sizes[3]] + bytes(5000))
    recording = open_recording(str(torn))
    assert indices(recording) == list(range(10)) and "5000 torn bytes" in recording.mended


def test_a_torn_file_that_cannot_be_written_is_read_as_far_as_it_goes(
    grown: Grown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(grown.data[: grown.sizes[3]])
    real = os.open

    def refuse(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_RDWR:
            raise OSError(30, "Read-only file system", path)
        return real(path, flags, *rest)

    monkeypatch.setattr(appending.os, "open", refuse)
    recording = open_recording(str(torn))
    assert indices(recording) == list(range(10)) and "Read-only" in recording.mended
    assert torn.read_bytes() == grown.data[: grown.sizes[3]]


def test_a_full_disk_at_the_recovery_loses_nothing(
    grown: Grown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(grown.data[: grown.sizes[3]])

    def full(self: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(appending.Appending, "append", full)
        recording = open_recording(str(torn))
    assert indices(recording) == list(range(10)) and "No space" in recording.mended
    assert open_recording(str(torn)).is_whole


def test_a_copy_is_as_good_as_the_file(grown: Grown, tmp_path: Path) -> None:
    copy = shutil.copy(grown.path, tmp_path / "anything.mcap")
    assert indices(open_recording(str(copy))) == indices(open_recording(str(grown.path)))
