"""What protects recordings where all seems well: take any of it away, and one of these fails."""

import errno
import json
import os
from importlib import metadata
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap.records import Metadata
from mcap.writer import IndexType, Writer

from host.errors import BadValue, FileError
from host.following import Item, Lost, Pong, Told
from host.loading import Applied
from host.loads import Load
from host.recording import Recorder, appending, catalogue, export, naming, reading
from host.recording.appending import Appending, Locked
from host.recording.catalogue import listed
from host.recording.contents import record_bytes
from host.recording.recovery import open_recording
from protocol import wire
from tests.host.recordings import ABOUT, DEVICE, Clock, batch, status, write
from tests.host.test_recording_disk import fill

MISSING = OSError(errno.EIO, "Input/output error")


def broken(*_: object) -> None:
    raise MISSING


def test_a_disk_that_keeps_nothing_at_the_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = write(tmp_path, [batch(0)], close=False)
    with monkeypatch.context() as patch:
        patch.setattr(appending, "_sync", broken)
        with pytest.raises(FileError, match="has ended: Input/output error"):
            recorder.close()
    assert open_recording(recorder.path).is_whole


def test_a_full_disk_where_not_even_the_empty_file_can_be_deleted_is_still_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(monkeypatch, 0)
    monkeypatch.setattr(appending, "_sync", broken)
    monkeypatch.setattr(os, "remove", broken)
    with pytest.raises(FileError, match="the disk is full"):
        write(tmp_path, [])


def test_a_file_in_use_is_not_kept_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Appending(str(tmp_path / "x"))
    closed: list[int] = []
    real = os.close
    with monkeypatch.context() as patch:
        patch.setattr(os, "close", lambda fd: (closed.append(fd), real(fd)))
        with pytest.raises(Locked):
            Appending(str(tmp_path / "x"), is_new=False)
        assert len(closed) == 1
    first.close()


def test_why_it_ended_is_the_error_that_ended_it(tmp_path: Path) -> None:
    for number, (error, reason) in enumerate(
        [(ValueError("no such load"), "no such load"), (OSError(), "OSError")]
    ):
        with pytest.raises(type(error)), Recorder(str(tmp_path / str(number)), ABOUT, Clock()) as recorder:
            raise error
        assert open_recording(recorder.path).end["reason"] == reason


def test_a_checkout_that_is_not_installed_records_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert open_recording(write(tmp_path, [batch(0)]).path).session["software"] == "unknown"


def test_times_of_messages_never_go_back_and_the_device_s_own_stand_beside(tmp_path: Path) -> None:
    told = wire.Received("STATUS", status(sample_index=40))
    items = [batch(16), Told(105.0, told), Told(103.0, told), Pong(103.9, 104.0, 77, 47, 0.0), Lost(32, 4)]
    path = write(tmp_path, items).path
    with open(path, "rb") as file:
        reader = make_reader(file)
        found = [(channel.topic, message) for _, channel, message in reader.iter_messages()]
        summary = reader.get_summary()
    first, second = (message.log_time for topic, message in found if topic == "/status")
    assert first == second
    own = sorted(message.publish_time for topic, message in found if topic != "/sample")
    assert own == [32_000_000, 40_000_000, 40_000_000, 47_000_000]
    assert summary is not None and summary.statistics is not None
    times = [message.log_time for _, message in found]
    assert summary.statistics.message_start_time == min(times)
    assert summary.statistics.message_end_time == max(times)
    assert open_recording(path).end["clock_readings"] == "1"


def test_a_record_that_is_longer_than_its_parts_is_damage(tmp_path: Path) -> None:
    recorder = write(tmp_path, [batch(0)], close=False)
    path = Path(recorder.path)
    torn = bytearray(path.read_bytes())
    whole = record_bytes(Metadata("end", {"reason": "forged"}))
    forged = whole[:1] + (len(whole) - 9 + 5).to_bytes(8, "little") + whole[9:] + bytes(5)
    start = len(torn) - 16 * 51
    copy = tmp_path / "copy.mcap"
    copy.write_bytes(torn[:start] + forged + torn[start:])
    recording = open_recording(str(copy))
    assert recording.scan.damaged_bytes == len(forged) and recording.end["reason"] == "recovered"
    recorder.close()


def test_what_comes_before_the_first_channel_of_samples_is_read(tmp_path: Path) -> None:
    with (tmp_path / "x.mcap").open("wb") as file:
        writer = Writer(file, use_chunking=False)
        writer.start()
        writer.add_metadata("session", {"id": "abcd"})
        schema = writer.register_schema("sled/Note", "jsonschema", b"{}")
        writer.add_message(writer.register_channel("/note", "json", schema), 1, b'{"text": "early"}', 1)
        writer.finish()
    assert open_recording(str(tmp_path / "x.mcap")).of("/note") == [{"text": "early"}]


@pytest.mark.parametrize(
    ("state", "push_N", "words"), [("idle", 5, "none"), ("armed", 5, "5 N"), ("loading", 7, "5 N, push 7 N")]
)
def test_the_list_has_the_load_in_force_where_none_was_asked_for(
    state: str, push_N: float, words: str, tmp_path: Path
) -> None:
    in_force = Applied(Load(force_N=5.0), Load(force_N=push_N), [], state)
    write(tmp_path, [batch(0)], ABOUT._replace(load=None, in_force=in_force))
    (entry,) = listed(str(tmp_path)).entries
    assert entry.load == words and entry.reason == "ended"


def test_a_recording_is_listed_without_a_reason_while_it_goes_on(tmp_path: Path) -> None:
    recorder = write(tmp_path, [batch(0)], ABOUT._replace(load=None), close=False)
    (entry,) = listed(str(tmp_path)).live
    assert (entry.reason, entry.load) == ("", None)
    recorder.close()


def test_a_recording_that_is_deleted_while_the_list_is_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [batch(0)])
    gone = {"gone": str(tmp_path / "gone.mcap"), **naming.by_id(str(tmp_path))}
    monkeypatch.setattr(catalogue.naming, "by_id", lambda folder: gone)
    found = listed(str(tmp_path))
    assert len(found.entries) == 1 and "gone.mcap" in found.unreadable[0]


def test_an_id_that_another_begins_with_is_found(tmp_path: Path) -> None:
    for name in ("k7f2", "k7f2b"):
        (tmp_path / f"2026-11-01_120000_{name}.mcap").write_bytes(b"")
    assert naming.find(str(tmp_path), "k7f2").endswith("_k7f2.mcap")


def test_an_export_that_fails_on_the_way_closes_its_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = open_recording(write(tmp_path, [batch(0)]).path)

    def tell(rows: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for write_table in (export.write_parquet, export.write_csv):
        with pytest.raises(FileError, match=r"No space left on device$"):
            write_table(recording, str(tmp_path / "table"), tell)
    assert [path.suffix for path in tmp_path.iterdir()] == [".mcap"]


def test_a_mode_of_a_newer_sled_is_exported_as_its_number() -> None:
    assert export._mode(0) == "idle" and export._mode(7) == "7"


def test_the_load_of_the_last_command_stands_in_the_list_before_that_of_the_beginning(tmp_path: Path) -> None:
    in_force = Applied(Load(), Load(), [], "idle")
    write(tmp_path, [batch(0)], ABOUT._replace(load=None, in_force=in_force))
    entry = catalogue.load_words({"load_in_force": "{}"}, {"load_set": json.dumps(FORCE)})
    assert entry == "5 N" and listed(str(tmp_path)).entries[0].load == "none"


FORCE = {"state": "armed", "pull": {"force_N": 5.0}, "push": {"force_N": 5.0}}


@pytest.mark.parametrize(
    ("items", "gaps"),
    [
        ([batch(0), Lost(16, 20), Lost(18, 4), batch(36)], [(16, 20)]),
        ([batch(0), Lost(16, 4), Lost(18, 18), batch(36)], [(16, 20)]),
        ([batch(0), Lost(16, 4), Lost(30, 6), batch(36)], [(16, 4), (20, 10), (30, 6)]),
        ([batch(16), Lost(18, 4), Lost(32, 8), batch(40)], [(18, 4), (32, 8)]),
    ],
)
def test_losses_that_overlap_are_one_and_what_was_received_is_not_missing(
    items: list[Item], gaps: list[tuple[int, int]], tmp_path: Path
) -> None:
    found = open_recording(write(tmp_path, items).path).gaps
    assert [(gap.sample_index, gap.sample_count) for gap in found] == gaps
    assert [gap.is_declared for gap in found] == [gap != (20, 10) for gap in gaps]


def test_a_recording_whose_device_is_not_described_has_the_usual_period(tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path, [batch(0)]).path)
    recording.devices.clear()
    assert recording.period_s == recording.boots[0].period_s == 0.001


def test_each_boot_has_the_period_of_its_device_and_an_unknown_one_that_of_the_first(tmp_path: Path) -> None:
    slow = DEVICE._replace(sample_period_s=0.002)
    recorder = write(tmp_path, [batch(0)], ABOUT._replace(device=slow), close=False)
    recorder.take(batch(0, boot_id=78))
    recorder.describe(DEVICE._replace(boot_id=79, sample_period_s=0.004), {})
    recorder.take(batch(0, boot_id=79))
    recorder.close()
    assert [boot.period_s for boot in open_recording(recorder.path).boots] == [0.002, 0.002, 0.004]


def test_indices_that_go_back_are_another_stretch(tmp_path: Path) -> None:
    boots = open_recording(write(tmp_path, [batch(0), Lost(16, 4), batch(20), batch(0)]).path).boots
    assert [len(boot.samples) for boot in boots] == [32, 16]


def test_parts_of_a_boot_are_no_larger_than_said_and_no_sample_is_in_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BLOCK_SAMPLES", 10)
    (boot,) = open_recording(write(tmp_path, [batch(0), Lost(16, 4), batch(20)]).path).boots
    found = [len(boot.samples[part]) for part in reading.parts(boot) if isinstance(part, slice)]
    assert found == [10, 6, 10, 6]


def test_a_file_of_another_program_that_tells_nothing_at_its_end_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    with path.open("wb") as file:
        writer = Writer(
            file, use_chunking=False, index_types=IndexType.NONE, repeat_channels=False, repeat_schemas=False,
            use_statistics=False, use_summary_offsets=False,
        )  # fmt: skip
        writer.start()
        writer.finish()
    with pytest.raises(FileError, match="holds no recording"):
        open_recording(str(path))


def test_a_recording_without_a_sample_cannot_be_exported(tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path, []).path)
    for write_table in (export.write_parquet, export.write_csv):
        with pytest.raises(BadValue, match="holds no samples"):
            write_table(recording, str(tmp_path / "table"))


def test_a_folder_that_may_not_be_read_and_a_path_to_nothing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadValue, match=f"there is no file 'some{os.sep}where'"):
        naming.find(str(tmp_path), f"some{os.sep}where")
    monkeypatch.setattr(os, "listdir", broken)
    with pytest.raises(FileError, match=r"cannot read the folder .*: Input/output error"):
        naming.by_id(str(tmp_path))


@pytest.mark.parametrize("opcode", [0x06, 0x0F, 0x05, 0x00])
def test_one_wrong_byte_costs_one_sample_even_where_it_looks_like_another_record(
    opcode: int, tmp_path: Path
) -> None:
    path = Path(write(tmp_path, [batch(0)]).path)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x05" + (42).to_bytes(8, "little")) + 5 * 51
    assert data[at] == 0x05
    data[at] = opcode
    path.write_bytes(data)
    (boot,) = open_recording(str(path)).boots
    assert len(boot.samples) == (16 if opcode == 0x05 else 15)


def test_a_recording_that_nothing_went_wrong_with_has_just_ended(tmp_path: Path) -> None:
    with Recorder(str(tmp_path), ABOUT, Clock()) as recorder:
        recorder.take(batch(0))
    assert open_recording(recorder.path).end["reason"] == "ended"
