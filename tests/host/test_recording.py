"""A recording gives back what it was given, to every reader of MCAP."""

import io
import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from mcap.data_stream import RecordBuilder
from mcap.reader import make_reader
from mcap.records import Message
from mcap.stream_reader import StreamReader
from mcap.writer import Writer
from mcap_ros1.decoder import DecoderFactory

from host.errors import BadValue, FileError
from host.following import Item, Lost, Pong, Told
from host.recording import naming, reading, schemas, totals
from host.recording.reading import Recording
from host.recording.recorder import end_metadata
from host.recording.recovery import open_recording
from host.recording.scanning import SAMPLE_TOPIC
from protocol import messages, wire
from protocol.wire import SAMPLE_FIELDS
from tests.host.recordings import ABOUT, DEVICE, SETTINGS, batch, by_boot, fields_of, sessions, status, write


def held(recording: Recording) -> dict[int, dict[int, tuple[int, ...] | None]]:
    """As `by_boot`, from the file."""
    found: dict[int, dict[int, tuple[int, ...] | None]] = {}
    for boot in recording.boots:
        indices = boot.samples["sample_index"].tolist()
        values = zip(*(boot.samples[name].tolist() for name in SAMPLE_FIELDS), strict=True)
        found.setdefault(boot.boot_id, {}).update(zip(indices, values, strict=True))
    for gap in recording.gaps:
        assert gap.is_declared
        span = range(gap.sample_index, gap.sample_index + gap.sample_count)
        found.setdefault(gap.boot_id, {}).update(dict.fromkeys(span))
    return found


@given(items=sessions())
def test_every_index_comes_back_as_its_sample_or_as_lost(items: list[Item], tmp_path_factory: Any) -> None:
    recorder = write(tmp_path_factory.mktemp("r"), items)
    recording = open_recording(recorder.path)
    assert held(recording) == by_boot(items)
    assert recording.is_whole and not recording.mended and not recording.is_live
    assert not recording.scan.is_damaged and not recording.scan.damaged_bytes
    told = [item.message for item in items if isinstance(item, Told)]
    assert len(recording.of("/fault")) == sum(message.name == "FAULT" for message in told)
    assert len(recording.of("/clock")) == sum(isinstance(item, Pong) for item in items)


@given(items=sessions())
def test_the_sums_of_a_recording_are_the_same_live_and_from_the_file(
    items: list[Item], tmp_path_factory: Any
) -> None:
    recorder = write(tmp_path_factory.mktemp("r"), items)
    recording = open_recording(recorder.path)
    again = recording.summed_up().fields()
    assert again == recorder.sums == recording.totals()


def test_another_reader_of_mcap_sees_the_same_values(tmp_path: Path) -> None:
    told = Told(101.0, wire.Received("STATUS", status()))
    load = Told(101.5, wire.Received("LOAD_REPLY", fields_of("LOAD_REPLY", random.Random(4))))
    items: list[Item] = [
        batch(16),
        told,
        batch(32),
        Lost(48, 70_000),
        load,
        Pong(101.6, 101.7, 77, 47, 0.0004),
    ]
    recorder = write(tmp_path, items)
    found: dict[str, list[Any]] = {}
    with open(recorder.path, "rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        topics = ["/sample", "/status", "/load_reply", "/lost", "/clock"]
        for _, channel, message, decoded in reader.iter_decoded_messages(topics):
            found.setdefault(channel.topic, []).append((message, decoded))
        metadata = {record.name: record.metadata for record in reader.iter_metadata()}
        summary = reader.get_summary()
    expected = [*enumerate(batch(16).samples, 16), *enumerate(batch(32).samples, 32)]
    for (message, decoded), (index, values) in zip(found["/sample"], expected, strict=True):
        assert (message.sequence, message.publish_time, decoded.boot_id) == (index, index * 1_000_000, 77)
        assert (decoded.sample_index, *(getattr(decoded, name) for name in SAMPLE_FIELDS)) == (index, *values)
    ((_, decoded),) = found["/status"]
    assert decoded.pull.force_mN == told.message.fields["pull"]["force_mN"]
    assert decoded.bus_mV == told.message.fields["bus_mV"]
    ((_, decoded),) = found["/load_reply"]
    assert decoded.push.inertia_g == load.message.fields["push"]["inertia_g"]
    assert [(each.sample_index, each.sample_count) for _, each in found["/lost"]] == [
        (48, 65_535),
        (65_583, 4465),
    ]
    ((_, decoded),) = found["/clock"]
    assert (decoded.received_ns - decoded.sent_ns, decoded.since_tick_us) == (100_000_000, 400)
    assert metadata["session"]["athlete"] == "Ann Lee" and metadata["session"]["load_requested"] == "50%bw"
    assert {name: int(value) for name, value in metadata["settings"].items()} == {"boot_id": 77, **SETTINGS}
    assert metadata["device"]["unique_id"] == DEVICE.unique_id and metadata["end"]["samples"] == "32"
    assert summary is not None and summary.statistics is not None
    assert summary.statistics.message_count == 37 and summary.statistics.metadata_count == 4
    assert {channel.topic for channel in summary.channels.values()} == {*found, SAMPLE_TOPIC}


def test_the_check_sum_over_the_whole_file_holds(tmp_path: Path) -> None:
    recorder = write(tmp_path, [batch(0), batch(16)])
    with open(recorder.path, "rb") as file:
        assert sum(1 for _ in StreamReader(file, validate_crcs=True).records) > 32


@pytest.mark.parametrize("message", [row.name for row in messages.MESSAGES if not row.to_device])
def test_a_message_is_recorded_byte_for_byte_as_construct_builds_it(message: str) -> None:
    if message == "TELEMETRY":
        return  # the next test
    body = schemas.TOLD[message]
    for seed in range(20):
        fields = fields_of(message, random.Random(seed))
        built = messages.BY_NAME[message].body.build(fields)
        assert body.pack(fields) == built
        decoded = np.frombuffer(
            built, [(field.path, field.code) for field in schemas.fields(body.definition)]
        )
        flat = {
            f"{name}.{inner}" if isinstance(value, dict) else name: each
            for name, value in fields.items()
            for inner, each in (value.items() if isinstance(value, dict) else [("", value)])
        }
        for name in decoded.dtype.names or ():
            found = decoded[name][0]
            assert (bytes(found) if isinstance(flat[name], bytes) else int(found)) == flat[name]


def test_a_sample_is_recorded_as_construct_builds_a_batch_of_one(tmp_path: Path) -> None:
    recorder = write(tmp_path, [batch(7, 3)])
    with open(recorder.path, "rb") as file:
        bodies = [message.data for _, _, message in make_reader(file).iter_messages(["/sample"])]
    names = messages.SAMPLE.subcons
    for index, (body, values) in enumerate(zip(bodies, batch(7, 3).samples, strict=True), 7):
        one = [{field.name: value for field, value in zip(names, values, strict=True)}]
        fields = {"boot_id": 77, "sample_index": index, "samples": one}
        assert body == messages.BY_NAME["TELEMETRY"].body.build(fields)


def test_log_times_follow_the_clock_fit_and_never_go_back(tmp_path: Path) -> None:
    items: list[Item] = []
    for second in range(20):  # a device whose clock is 100 ppm slow; its 0 is at 100.5 s of the host
        items += [batch(1000 * second + 16 * k) for k in range(62)]
        device_s = second + 0.9995
        host_s = 100.5 + device_s * 1.0001
        items.append(Pong(host_s - 0.0005, host_s + 0.0005, 77, 1000 * second + 999, 0.0005))
        items.append(Lost(1000 * second + 992, 8))
    recorder = write(tmp_path, items)
    recording = open_recording(recorder.path)
    (boot,) = recording.boots
    assert (np.diff(boot.samples["log_ns"]) >= 0).all() and (np.diff(boot.host_ns) > 0).all()
    zero_ns = int(recording.session["started_ns"]) - round(float(recording.session["host_zero_s"]) * 1e9)
    true_ns = (100.5 + boot.samples["sample_index"] * 0.001 * 1.0001) * 1e9
    assert np.abs(boot.host_ns - zero_ns - true_ns).max() < 100_000
    assert boot.timing.readings == 20 and boot.timing.drift_ppm == pytest.approx(-100, abs=20)
    late = boot.samples["sample_index"] > 5000
    assert np.abs(boot.samples["log_ns"] - zero_ns - true_ns)[late].max() < 1_000_000


def test_a_clock_that_is_corrected_backwards_moves_no_log_time_back(tmp_path: Path) -> None:
    items: list[Item] = [batch(16 * number) for number in range(10)]
    items += [Pong(90.0, 90.001, 77, 159, 0.0), *(batch(16 * number) for number in range(10, 20))]
    (boot,) = open_recording(write(tmp_path, items).path).boots
    log_ns = boot.samples["log_ns"].astype(np.int64)
    assert (np.diff(log_ns) >= 0).all() and log_ns[160:].tolist() == [int(log_ns[159])] * 160
    assert (np.diff(boot.host_ns) == 1_000_000).all(), "host times are worked out from all readings"


def test_sums_of_another_version_are_worked_out_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = write(tmp_path, [batch(0), Lost(16, 4)])
    recording = open_recording(recorder.path)
    monkeypatch.setattr(totals, "VERSION", 99)
    found = recording.totals()
    assert found == {**recorder.sums, "version": 99}
    recording.end["totals"] = "damaged"
    assert recording.totals() == found


def test_sums_that_stand_at_the_end_cost_no_look_at_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = write(tmp_path, [batch(0)])
    monkeypatch.setattr(reading, "Scan", None)
    assert open_recording(recorder.path).totals() == recorder.sums


def test_whatever_time_a_damaged_file_tells_is_a_time(tmp_path: Path) -> None:
    sums = write(tmp_path, [batch(0)]).sums
    for log_ns, year in ((0, "19"), (2**64 - 1, "2554")):  # 1969 or 1970, by the zone
        assert end_metadata("recovered", log_ns, sums).metadata["ended"].startswith(year)


def test_a_recording_tells_what_the_session_was_about(tmp_path: Path) -> None:
    recorder = write(tmp_path, [batch(0)], close=False)
    recorder.note("knee feels fine")
    recorder.describe(DEVICE._replace(boot_id=78), {"hold_s": 5})
    recorder.close("Ctrl-C")
    recording = open_recording(recorder.path)
    session = recording.session
    assert (session["athlete"], session["body_mass_kg"], session["surface"]) == ("Ann Lee", "80.0", "turf")
    assert session["friction"] == "0.33" and session["load_requested"] == ABOUT.load
    assert len(session["layout_hash"]) == 8 and session["protocol"].count(".") == 1
    assert [each["boot_id"] for each in recording.settings] == [77, 78]
    assert recording.settings[1]["hold_s"] == 5 and recording.end["reason"] == "Ctrl-C"
    assert [each["text"] for each in recording.of("/note")] == ["knee feels fine"]


def test_a_sample_costs_what_the_library_s_own_record_costs(tmp_path: Path) -> None:
    """51 bytes: 31 of MCAP, 20 of boot, index and sample. An hour is 184 MB."""
    sizes = []
    for count in (100, 1100):
        items = [batch(16 * k, 16) for k in range(count)]
        sizes.append(Path(write(tmp_path / str(count), items, close=False).path).stat().st_size)
    builder = RecordBuilder()
    Message(1, 2, bytes(20), 3, 4).write(builder)
    assert sizes[1] - sizes[0] == 16_000 * len(builder.end()) == 16_000 * 51


def test_indices_missing_without_a_word_are_shown_as_damage(tmp_path: Path) -> None:
    recorder = write(tmp_path, [batch(0), batch(32), Lost(60, 10), batch(80)])
    gaps = open_recording(recorder.path).gaps
    assert gaps == [
        reading.Gap(77, 16, 16, False), reading.Gap(77, 48, 12, False),
        reading.Gap(77, 60, 10, True), reading.Gap(77, 70, 10, False),
    ]  # fmt: skip


def test_ids_are_short_and_never_given_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = itertools.chain("aaaaaaaaaaab", itertools.repeat("c"))
    monkeypatch.setattr(naming.secrets, "choice", lambda letters: next(drawn))
    ids = []
    for second in range(3):
        name, path = naming.new_path(str(tmp_path), 1e9 + second)
        Path(path).write_bytes(b"")
        ids.append(name)
    assert ids == ["aaaa", "aaab", "cccc"]


def test_a_recording_is_found_by_what_one_would_type(tmp_path: Path) -> None:
    for day, name in enumerate(("k7f2", "k9aa", "mmmm"), 1):
        (tmp_path / f"2026-11-0{day}_120000_{name}.mcap").write_bytes(b"")

    def found(word: str) -> str:
        return naming.find(str(tmp_path), word)[-9:-5]

    assert [found(word) for word in ("k7f2", "K7", "m", "last", "LAST")] == ["k7f2", "k7f2", *3 * ["mmmm"]]
    assert naming.find("nowhere", str(tmp_path / "2026-11-01_120000_k7f2.mcap")).endswith("k7f2.mcap")
    for word, expected in (
        ("k", "k7f2, k9aa"),
        ("k7f3", "k7f2"),
        ("", "no recording ''"),
        ("x.mcap", "no file"),
    ):
        with pytest.raises(BadValue, match=expected):
            found(word)
    with pytest.raises(BadValue, match="there are no recordings"):
        naming.find(str(tmp_path / "none"), "last")


def test_a_file_that_is_no_recording_is_an_error_that_names_it(tmp_path: Path) -> None:
    other = tmp_path / "other.mcap"
    for content in (b"", b"hello", io.BytesIO(b"\x89MCAP0\r\n").getvalue(), bytes(10_000)):
        other.write_bytes(content)
        with pytest.raises(FileError, match=r"other\.mcap"):
            open_recording(str(other))
        assert other.read_bytes() == content, "what is not ours is not changed"
    with pytest.raises(FileError, match="No such file"):
        open_recording(str(tmp_path / "none.mcap"))
    writer = Writer(str(other))
    writer.start()
    writer.add_metadata("session", {"of": "another program"})
    writer.finish()
    content = other.read_bytes()
    with pytest.raises(FileError, match="holds no recording of a sled"):
        open_recording(str(other))
    assert other.read_bytes() == content


def test_a_recording_that_is_deleted_while_it_is_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    recorder = write(tmp_path, [batch(0)])
    recording = open_recording(recorder.path)
    Path(recorder.path).unlink()
    with pytest.raises(FileError, match=r"cannot read .*: No such file"):
        _ = recording.boots
