"""Recordings of other versions open: reading goes by the definitions in the file, not by today's."""

import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.records import Channel, DataEnd, Message, Metadata, Schema
from mcap.stream_reader import StreamReader
from mcap.writer import Writer

from host.errors import FileError
from host.following import Lost, Told
from host.recording import export, schemas
from host.recording.recovery import open_recording
from protocol import layout, wire
from tests.host.command_line import ROOT
from tests.host.recordings import batch, status, write

RECORDINGS = ROOT / "tests" / "recordings"
CODES = "bBhHlLqQ"


def as_other_version(path: str, other: str, kept: list[str], added: list[tuple[str, str]]) -> None:
    """Copy a recording as a version would have made it whose samples have these fields and then those."""
    codes = dict(zip(layout.SAMPLE_FIELDS, layout.SAMPLE_FORMAT[1:], strict=True))
    format_ = "<HL" + "".join(codes[name] for name in kept) + "".join(code for _, code in added)
    sample = schemas.Body(
        "sled/Sample", format_, ("boot_id", "sample_index", *kept, *(name for name, _ in added))
    )

    def body(data: bytes) -> bytes:
        values = dict(zip(schemas.SAMPLE.paths, struct.unpack(schemas.SAMPLE.format, data), strict=True))
        return sample.pack(values | dict.fromkeys((name for name, _ in added), 7))

    writer = Writer(other, use_chunking=False)
    writer.start()
    with open(path, "rb") as file:
        for record in StreamReader(file).records:
            if isinstance(record, DataEnd):
                break
            if isinstance(record, Schema):
                is_sample = record.name == sample.name
                definition = sample.definition.encode() if is_sample else record.data
                writer.register_schema(record.name, record.encoding, definition)
            elif isinstance(record, Channel):
                writer.register_channel(record.topic, record.message_encoding, record.schema_id)
            elif isinstance(record, Message):
                data = body(record.data) if record.channel_id == 1 else record.data
                writer.add_message(
                    record.channel_id, record.log_time, data, record.publish_time, record.sequence
                )
            elif isinstance(record, Metadata):
                writer.add_metadata(record.name, record.metadata)
    writer.finish()


def packed(path: str, other: Path) -> Path:
    """Copy a recording as `mcap compress` does: its records in chunks, small ones."""
    with open(path, "rb") as file, other.open("wb") as out:
        writer = Writer(out, chunk_size=1000)
        writer.start()
        for record in StreamReader(file).records:
            if isinstance(record, DataEnd):
                break
            if isinstance(record, Schema):
                writer.register_schema(record.name, record.encoding, record.data)
            elif isinstance(record, Channel):
                writer.register_channel(record.topic, record.message_encoding, record.schema_id)
            elif isinstance(record, Message):
                writer.add_message(
                    record.channel_id, record.log_time, record.data, record.publish_time, record.sequence
                )
            elif isinstance(record, Metadata):
                writer.add_metadata(record.name, record.metadata)
        writer.finish()
    return other


def test_a_recording_that_another_program_has_compressed_is_read_whole(tmp_path: Path) -> None:
    status_ = Told(101.0, wire.Received("STATUS", status()))
    plain = open_recording(write(tmp_path, [batch(0), status_, batch(16), Lost(32, 4), batch(36)]).path)
    found = open_recording(str(packed(plain.path, tmp_path / "packed.mcap")))
    assert found.is_whole and not found.mended and found.id == plain.id and found.settings == plain.settings
    assert found.boots[0].samples.tolist() == plain.boots[0].samples.tolist()
    assert found.gaps == plain.gaps and found.told == plain.told
    assert found.summed_up().fields() == plain.totals() and not found.scan.is_damaged


def test_a_damaged_or_torn_one_is_an_error_and_is_left_alone(tmp_path: Path) -> None:
    path = packed(write(tmp_path, [batch(16 * each) for each in range(40)]).path, tmp_path / "packed.mcap")
    whole = path.read_bytes()
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    chunk = summary.chunk_indexes[5]
    at = chunk.chunk_start_offset + chunk.chunk_length - 20
    damaged = whole[:at] + bytes(byte ^ 0x55 for byte in whole[at : at + 9]) + whole[at + 9 :]
    for content, words in ((damaged, r"cannot read .*packed\.mcap"), (whole[:at], "chunks and has no end")):
        path.write_bytes(content)
        with pytest.raises(FileError, match=words):
            _ = open_recording(str(path)).boots
        assert path.read_bytes() == content


names = st.lists(
    st.tuples(st.sampled_from(["heart_rate_bpm", "grip_dN", "tilt_mrad", "x"]), st.sampled_from(CODES)),
    unique_by=lambda field: field[0],
)


@given(
    kept=st.lists(st.sampled_from(layout.SAMPLE_FIELDS), unique=True),
    added=names,
)
def test_samples_with_a_field_more_or_less_are_read_and_exported(
    kept: list[str], added: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("r")
    status_ = Told(101.0, wire.Received("STATUS", status()))
    path = str(folder / "other.mcap")
    as_other_version(write(folder, [batch(0), status_, batch(16)]).path, path, kept, added)
    recording = open_recording(path)
    assert len(recording.of("/status")) == 1
    (boot,) = recording.boots
    assert len(boot.samples) == 32
    expected = [*batch(0).samples, *batch(16).samples]
    for name in kept:
        column = [values[layout.SAMPLE_FIELDS.index(name)] for values in expected]
        assert boot.samples[name].tolist() == column
    for name, _ in added:
        assert set(boot.samples[name].tolist()) == {7}
    assert recording.summed_up().samples == 32
    table = folder / "table.csv"
    assert export.write_csv(recording, str(table)) == 32
    heading = table.read_text().splitlines()[0].split(",")
    assert {name for name, _ in added} <= set(heading)
    assert ("position_m" in heading) == ("position_um" in kept)


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.mcap")), ids=lambda path: path.stem)
def test_a_recording_of_a_released_version_opens(path: Path, tmp_path: Path) -> None:
    """Each file was made by the version of its name; none may ever be made again."""
    recording = open_recording(shutil.copy(path, tmp_path))
    assert recording.is_whole and not recording.mended
    assert recording.session["athlete"] == "Ann Lee" and recording.settings[0]["hold_s"] == 600
    totals = recording.summed_up().fields()
    assert totals == recording.totals()
    assert (totals["samples"], totals["samples_lost"], totals["restarts"]) == (807, 0, 1)
    assert recording.boots[0].timing.readings >= 2
    assert [each["text"] for each in recording.of("/note")] == ["a small one"]
    assert len(recording.of("/status")) >= 2
    assert export.write_csv(recording, str(tmp_path / "x.csv")) == totals["samples"] + len(recording.gaps)


def test_there_is_a_recording_of_the_first_version() -> None:
    assert (RECORDINGS / "1.0.mcap").stat().st_size < 60_000
