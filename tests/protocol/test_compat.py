"""HELLO and STOP are frozen for ever, and versions decide what else may be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import compat, layout, wire

OWN = {
    "protocol_major": layout.PROTOCOL_MAJOR,
    "protocol_minor": layout.PROTOCOL_MINOR,
    "layout_hash": layout.LAYOUT_HASH,
}
COMMANDS = sorted(name for name, (_, to_device, _, _) in layout.MESSAGES.items() if to_device)


@pytest.mark.parametrize(
    ("name", "fields", "frame"),
    [
        ("HELLO", {"protocol_major": 1, "protocol_minor": 0}, "02010201053889e38000"),
        ("STOP", {"command_id": 0x1234, "stop_kind": 0}, "020203341205e29974e700"),
        ("STOP", {"command_id": 0x1234, "stop_kind": 1}, "02020834120174a9739000"),
    ],
)
def test_the_frozen_commands_keep_their_bytes(name, fields, frame):
    # Written out by hand: a change that breaks these breaks every sled in the field. Do not update them.
    assert wire.encode(name, fields).hex() == frame


def test_this_host_s_hello_holds_no_ctrl_c():
    # Before the firmware has switched it off, a byte 0x03 interrupts MicroPython. If a new version
    # number fails here, let HELLO's flags byte (which no device reads) take another value.
    own = {name: OWN[name] for name in ("protocol_major", "protocol_minor")}
    assert 0x03 not in wire.encode("HELLO", own)


FROZEN_REPLY = "0703efbeadde0102030101020304050607082301"


def test_the_beginning_of_hello_reply_is_read_from_a_future_major():
    body = bytes.fromhex(FROZEN_REPLY) + b"\x99" * 31
    name, fields = wire.decode(wire.Frame(0x81, 0, body))
    assert name == "HELLO_REPLY"
    assert fields == {
        "protocol_major": 7,
        "protocol_minor": 3,
        "layout_hash": 0xDEADBEEF,
        "firmware_major": 1,
        "firmware_minor": 2,
        "firmware_patch": 3,
        "device_flags": 1,
        "unique_id": bytes(range(1, 9)),
        "boot_id": 0x0123,
    }
    assert not compat.check(fields).is_usable


WHOLE_REPLY = {**OWN, **dict.fromkeys(("reset_cause", "sample_period_us", "sample_count"), 100)}
WHOLE_REPLY |= {"firmware_major": 0, "firmware_minor": 1, "firmware_patch": 2, "device_flags": 0}
WHOLE_REPLY |= {"unique_id": bytes(8), "boot_id": 7, "force_mN": 800_000, "mass_g": 30_000, "build_id": 99}


def test_of_a_hello_reply_of_this_major_all_fields_are_read_that_both_know():
    paths = layout.MESSAGES["HELLO_REPLY"][3]
    (frame,) = wire.FrameReader().feed(wire.encode("HELLO_REPLY", WHOLE_REPLY))
    of_1_1 = frame._replace(body=frame.body[:-4])
    for told in (frame, frame._replace(body=frame.body + b"of tomorrow")):
        assert wire.decode(told).fields == WHOLE_REPLY
    assert list(wire.decode(of_1_1).fields) == list(paths)[:-1]
    assert wire.decode(of_1_1).fields.items() < WHOLE_REPLY.items()


def test_the_same_version_and_layout_may_say_everything_without_a_word():
    verdict = compat.check(OWN)
    assert verdict == (compat.SAME, "", "")
    assert verdict.is_usable and verdict.warning == ""
    assert all(verdict.allows(name) for name in COMMANDS)


def assert_only_hello_and_stop(verdict):
    assert not verdict.is_usable and verdict.warning == ""
    assert [name for name in COMMANDS if verdict.allows(name)] == ["HELLO", "STOP"]
    assert verdict.command == "host flash"


@given(st.integers(0, 255).filter(lambda major: major != layout.PROTOCOL_MAJOR), st.integers(0, 255))
def test_another_major_refuses_all_but_hello_and_stop_and_names_both_versions(major, minor):
    verdict = compat.check({**OWN, "protocol_major": major, "protocol_minor": minor})
    assert verdict.verdict == compat.OTHER_MAJOR
    assert_only_hello_and_stop(verdict)
    assert f"{major}.{minor} " in verdict.sentence
    assert f"{layout.PROTOCOL_MAJOR}.{layout.PROTOCOL_MINOR} " in verdict.sentence


@given(st.integers(0, 2**32 - 1).filter(lambda value: value != layout.LAYOUT_HASH))
def test_another_layout_of_the_same_version_is_refused_and_both_hashes_are_named(other):
    verdict = compat.check({**OWN, "layout_hash": other})
    assert verdict.verdict == compat.OTHER_LAYOUT
    assert_only_hello_and_stop(verdict)
    assert f"{other:08x}" in verdict.sentence and f"{layout.LAYOUT_HASH:08x}" in verdict.sentence


@pytest.mark.parametrize(
    ("host_minor", "device_minor", "expected"),
    [(2, 1, compat.OLDER_DEVICE), (2, 0, compat.OLDER_DEVICE), (1, 2, compat.NEWER_DEVICE)],
)
def test_another_minor_works_with_a_warning(host_minor, device_minor, expected, monkeypatch):
    monkeypatch.setattr(layout, "PROTOCOL_MINOR", host_minor)
    verdict = compat.check({**OWN, "protocol_minor": device_minor, "layout_hash": 0x12345678})
    assert verdict.verdict == expected
    assert verdict.is_usable and all(verdict.allows(name) for name in COMMANDS)
    assert verdict.sentence in verdict.warning
    for part in (f"1.{host_minor} ", f"1.{device_minor} ", "12345678", "`host flash`"):
        assert part in verdict.warning
