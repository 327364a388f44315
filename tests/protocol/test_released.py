"""What was released stays readable: every frozen version, against today's tables, host and firmware."""

import os
import struct
from pathlib import Path

import pytest

from host.errors import VersionMismatch
from host.loading import applied, set_held
from host.loads import Load
from host.session import Session
from host.telemetry import Sample, Telemetry
from protocol import compat, layout, release, shapes, wire
from sim.rig import Rig, RigConfig
from tests.host.command_line import Host
from tests.host.peers import Peer
from tests.protocol import freeze
from tests.protocol.released_device import ReleasedDevice, ReleasedPort, frame
from tests.sim.reactions import Hauler

RELEASES = release.releases()
OF_THIS_MAJOR = [each for each in RELEASES if each.major == layout.PROTOCOL_MAJOR]
LOAD = Load(force_N=130.0, inertia_kg=40.0)

every_release = pytest.mark.parametrize("released", RELEASES, ids=lambda each: each.version)
every_minor = pytest.mark.parametrize("released", OF_THIS_MAJOR, ids=lambda each: each.version)


def test_there_is_a_release_of_this_major() -> None:
    assert OF_THIS_MAJOR


def test_a_released_version_was_never_changed() -> None:
    # Written out by hand: what lies in these folders is in sleds. Do not update them, add a line.
    known = {"1.0": 0x7039A6C9, "1.1": 0x70F0C6B1}
    assert {each.version: each.layout_hash for each in RELEASES} == known


@every_minor
def test_what_was_released_is_only_ever_added_to(released: release.Release) -> None:
    assert release.broken_promises(released.text, shapes.canonical_text()) == []


def test_a_new_layout_has_a_new_minor() -> None:
    for each in OF_THIS_MAJOR:
        if each.minor == layout.PROTOCOL_MINOR:
            assert each.text == shapes.canonical_text(), (
                f"protocol {each.version} is released and the layout has changed since: raise PROTOCOL_MINOR "
                "in protocol/messages.py, then `make generate`"
            )
        assert each.minor <= layout.PROTOCOL_MINOR


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("message 0x03 ARM in", "message 0x23 ARM in"),
        ("message 0x03 ARM in", "message 0x03 ARM out"),
        ("field mass_g 31 i32 0.001\nmessage", "message"),
        ("message 0x03 ARM in\n", "message 0x03 ARM in\nfield extra 0 u8 1\n"),
        ("field lease_ms 3 u16 0.001", "field lease_ms 3 u16 0.01"),
        ("field samples[].velocity_mm_per_s 4 i16", "field samples[].velocity_mm_per_s 4 u16"),
        ("result 3 FAULTED", "result 31 FAULTED"),
        ("setting 0 bare_mass_g", "setting 0 mass_g"),
        ("fault 0 ESTOP\n", ""),
        ("crc 4", "crc 2"),
    ],
)
def test_every_kind_of_change_is_noticed(old: str, new: str) -> None:
    text = RELEASES[0].text
    assert old in text
    assert len(release.broken_promises(text, text.replace(old, new, 1))) == 1


def test_additions_break_nothing() -> None:
    text = RELEASES[0].text
    more = text.replace(
        "field mass_g 31 i32 0.001\nmessage", "field mass_g 31 i32 0.001\nfield build_id 35 u32 1\nmessage"
    )
    assert release.broken_promises(text, more) == [] and len(release.broken_promises(more, text)) == 1
    more = text + "result 99 NEW\nsetting 99 new\nmessage 0x7f NEW in\nfield command_id 0 u16 1\n"
    assert release.broken_promises(text, more) == []
    assert len(release.broken_promises(more, text)) == 3


@every_release
def test_the_frozen_text_says_how_each_message_is_packed(released: release.Release) -> None:
    """The recorded frames are as long as the text says, and mean what was noted."""
    messages = released.messages
    assert {said.name for said in released.stream} >= set(messages)
    for said in released.stream:
        if not said.name:
            continue
        row = messages[said.name]
        plain = release_body(said.frame, row.kind)
        size = struct.calcsize(row.format)
        first = struct.unpack_from(row.format, plain)[0]
        noted = said.fields[row.paths[0]]
        assert first == noted
        rest = struct.iter_unpack(row.repeated_format, plain[size:]) if row.repeated_name else ()
        assert [list(each) for each in rest] == said.fields.get(row.repeated_name, [])


def release_body(data: bytes, kind: int) -> bytes:
    (found,) = wire.FrameReader().feed(data)
    assert found.kind == kind
    return found.body


@every_release
def test_todays_host_reads_a_released_stream_as_it_was_meant(released: release.Release) -> None:
    """Of another major only what is frozen for ever."""
    stream = b"".join(said.frame for said in released.stream)
    reader = wire.FrameReader()
    frames = reader.feed(stream)
    recorded = [said for said in released.stream if said.switches is None]
    assert reader.discarded_bytes == 0 and len(frames) == len(recorded)
    known = set(released.messages)
    if released.major != layout.PROTOCOL_MAJOR:
        known = {"HELLO", "STOP", "HELLO_REPLY"}
    read = 0
    for found, said in zip(frames, recorded, strict=True):
        if said.name in known:
            name, fields = wire.decode(found)
            assert (name, found.flags) == (said.name, said.flags)
            assert said.fields.items() >= release.plain(fields).items()
            read += 1
    assert read > 50 or released.major != layout.PROTOCOL_MAJOR


@every_minor
def test_todays_firmware_answers_a_released_host_in_words_it_knows(released: release.Release) -> None:
    """The recorded host, byte for byte and at its times: the same answers, none longer or unknown."""
    rig = Rig(RigConfig(seed=5), person=Hauler(start_s=1.0))
    reader = wire.FrameReader()
    kinds = {body.kind: (name, body) for name, body in released.messages.items()}
    answers = []
    heard = set()
    for said in [*released.stream, None]:
        rig.step((said.at_ms if said else rig.ticks + 20) - rig.ticks)
        for found in reader.feed(rig.read(1 << 20)):
            name, body = kinds[found.kind]
            heard.add(name)
            assert body.repeated_name or len(found.body) == struct.calcsize(body.format)
            if name in ("REPLY", "LOAD_REPLY"):
                answers.append(release.plain(wire.decode(found).fields))
        if said and said.switches is not None:
            rig.switches = said.switches
        elif said and said.to_device:
            rig.write(said.frame)
    recorded = [said.fields for said in released.stream if said.name in ("REPLY", "LOAD_REPLY")]
    named = ("command_id", "result")
    assert [[each[name] for name in named] for each in answers] == [
        [each[name] for name in named] for each in recorded
    ]
    assert heard == {said.name for said in released.stream if not said.to_device and said.name}


def connected(released: release.Release) -> tuple[Session, ReleasedDevice]:
    device = ReleasedDevice(released)
    session = Session(ReleasedPort(device), "an older sled")
    session.hello()
    return session, device


@every_minor
def test_todays_host_works_with_a_released_device(released: release.Release) -> None:
    session, device = connected(released)
    assert session.device is not None and session.device.sample_period_s == 0.001
    is_same = released.layout_hash == layout.LAYOUT_HASH
    expected = compat.SAME if is_same else compat.OLDER_DEVICE
    assert session.device.compatibility.verdict == expected
    answer = set_held(session, LOAD, LOAD._replace(force_N=100.0))
    assert (answer.pull, answer.state) == (LOAD, "armed")
    assert applied(session.request("GET_STATUS").fields).push.force_N == 100.0
    telemetry = Telemetry(session)
    telemetry.start()
    items = [*telemetry.run(0.3), *telemetry.finish()]
    assert len(items) > 250 and telemetry.lost == 0
    assert all(
        isinstance(item, Sample) and round(item.position_m * 1e6) == item.sample_index for item in items
    )
    session.stop()
    assert applied(session.request("GET_STATUS").fields).state == "idle"
    assert "" not in device.heard, "the host said something that device does not know"


@every_minor
def test_what_a_released_device_lacks_is_refused_with_the_command_that_mends_it(
    released: release.Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(layout.MESSAGES, "OF_TOMORROW", (0x7F, True, "<H", ("command_id",)))
    session, _ = connected(released)
    with pytest.raises(VersionMismatch, match="does not know that message") as refused:
        session.request("OF_TOMORROW")
    assert refused.value.hint == "host flash"
    assert session.request("GET_STATUS"), "and the rest goes on"


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("words", [["status"], ["set-load", "130N"], ["stop"]], ids=" ".join)
@every_minor
def test_a_command_warns_once_of_an_older_device_and_works(
    released: release.Release, words: list[str], tmp_path: Path
) -> None:
    with Peer(ReleasedDevice(released).answer) as peer:
        outcome = Host(tmp_path)("--port", peer.name, *words)
    assert outcome.code == 0, outcome.stderr
    warnings = outcome.stderr.count("Older firmware")
    if released.layout_hash == layout.LAYOUT_HASH or words == ["stop"]:  # whose answer is all that matters
        assert warnings == 0
    else:
        assert warnings == outcome.stderr.count("`host flash`") == 1
        assert f"protocol {released.version} " in outcome.stderr


def test_the_frozen_device_says_when_a_length_is_wrong() -> None:
    device = ReleasedDevice(RELEASES[0])
    reply = wire.decode(wire.FrameReader().feed(device.answer(frame(0x03, 0, b"\1\0\0")))[0])
    assert reply.fields["result"] == 7


def test_freezing_records_the_same_each_time_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release, "FOLDER", tmp_path)
    assert freeze.main() == 0
    (written,) = release.releases()
    assert written.text == shapes.canonical_text()
    assert written.stream == freeze.recorded()
    assert freeze.main() == 1
    assert "raise PROTOCOL_MINOR" in capsys.readouterr().err
