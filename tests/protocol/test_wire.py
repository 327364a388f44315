"""The host's encoder and decoder against Construct, and against the device's codec on CPython."""

import subprocess
import sys

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from device.sled import codec
from protocol import layout, messages, wire
from protocol.generate import ROOT
from protocol.quantities import QUANTITIES
from tests.protocol.drawing import as_construct, drawn_messages, from_construct, plain_frame, with_crc

LOAD_ZERO = {named.name: 0 for named in messages.LOAD.subcons}
SET_LOAD = {"command_id": 1, "hold": 0, "lease_ms": 0, "pull": LOAD_ZERO, "push": LOAD_ZERO}


def device_frame(plain):
    """The complete frame as the firmware writes it."""
    out = bytearray(layout.FRAME_BYTES_MAX)
    out[: len(plain)] = plain
    queue = bytearray(layout.ENCODED_BYTES_MAX + 1)
    return bytes(queue[: codec.encode(out, len(plain), queue)])


@given(drawn_messages())
def test_construct_host_and_device_make_the_same_bytes_of_every_message(drawn):
    message, fields, flags = drawn
    plain = plain_frame(message, fields, flags)
    expected = cobs.encode(with_crc(plain)) + b"\0"
    assert wire.encode(message.name, fields, flags) == expected
    assert device_frame(plain) == expected


@given(drawn_messages())
def test_every_message_comes_back_from_the_wire_as_it_was_sent(drawn):
    message, fields, flags = drawn
    (frame,) = wire.FrameReader().feed(wire.encode(message.name, fields, flags))
    assert (frame.kind, frame.flags) == (message.kind, flags)
    parsed = message.body.parse(frame.body)
    assert from_construct(parsed) == fields
    if message.name == "HELLO_REPLY" and fields["protocol_major"] != layout.PROTOCOL_MAJOR:
        frozen = list(fields)[: layout.FROZEN_HELLO_REPLY_FIELDS]
        fields = {name: fields[name] for name in frozen}
    assert wire.decode(frame) == (message.name, fields)


@given(drawn_messages())
def test_the_device_reads_the_host_s_frames(drawn):
    message, fields, flags = drawn
    received = bytearray(wire.encode(message.name, fields, flags)[:-1])
    end = codec.decode(received, len(received))
    assert bytes(received[:end]) == plain_frame(message, fields, flags)


@pytest.mark.parametrize("message", messages.MESSAGES, ids=lambda message: message.name)
def test_a_body_of_a_wrong_length_is_refused(message):
    size = len(message.body.build(as_construct(zeros(message.body))))
    for length in range(layout.BODY_BYTES_MAX + 1):
        frame = wire.Frame(message.kind, 0, bytes(length))
        if message.name == "TELEMETRY":
            is_right = length >= size and (length - size) % layout.SAMPLE_BYTES == 0
        elif message.name == "HELLO_REPLY":  # of major 0 here: only the frozen beginning counts
            is_right = length >= 20
        else:
            is_right = length == size
        if is_right:
            assert wire.decode(frame).name == message.name
        else:
            with pytest.raises(ValueError, match=message.name):
                wire.decode(frame)


def zeros(body):
    fields = {}
    for named in body.subcons:
        if named.name in ("pull", "push"):
            fields[named.name] = LOAD_ZERO
        elif named.name == "samples":
            fields[named.name] = []
        else:
            fields[named.name] = bytes(layout.UNIQUE_ID_BYTES) if named.name == "unique_id" else 0
    return fields


@given(st.integers(0, 255), st.binary(max_size=layout.BODY_BYTES_MAX))
def test_no_body_makes_the_decoder_raise_anything_but_its_own_error(kind, body):
    try:
        name, fields = wire.decode(wire.Frame(kind, 0, body))
    except ValueError as error:
        assert "host" in str(error) or "samples" in str(error)
    else:
        assert layout.KINDS[name] == kind
        assert fields


def test_an_unknown_kind_is_refused_with_the_next_step():
    with pytest.raises(ValueError, match=r"0x7e.*host flash"):
        wire.decode(wire.Frame(0x7E, 0, b""))


@given(st.data())
def test_a_value_outside_its_range_is_refused_by_name_and_range(data):
    name = data.draw(st.sampled_from([named.name for named in messages.LOAD.subcons]))
    quantity = QUANTITIES[name]
    outside = st.integers(max_value=quantity.minimum - 1) | st.integers(min_value=quantity.maximum + 1)
    value = data.draw(outside)
    with pytest.raises(ValueError) as refused:
        wire.encode("SET_LOAD", {**SET_LOAD, "push": {**LOAD_ZERO, name: value}})
    assert f"SET_LOAD.push.{name} = {value} is outside 0 to {quantity.maximum}" == str(refused.value)


@pytest.mark.parametrize("value", [1.0, "1", None, float("nan")])
def test_a_value_that_is_no_whole_number_is_refused(value):
    with pytest.raises(ValueError, match=r"ARM\.command_id must be a whole number"):
        wire.encode("ARM", {"command_id": value})


@pytest.mark.parametrize("value", [b"", b"1234567", b"123456789", "12345678", 7])
def test_a_unique_id_that_is_not_eight_bytes_is_refused(value):
    fields = {**zeros(messages.BY_NAME["HELLO_REPLY"].body), "sample_period_us": 1000}
    with pytest.raises(ValueError, match=r"HELLO_REPLY\.unique_id must be 8 bytes"):
        wire.encode("HELLO_REPLY", {**fields, "unique_id": value})


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("ARM", {}, "ARM needs the field command_id"),
        ("ARM", {"command_id": 1, "colour": 3}, "ARM has no field colour"),
        ("SET_LOAD", {**SET_LOAD, "pull": {}}, r"SET_LOAD needs the field pull\.force_mN"),
        (
            "SET_LOAD",
            {**SET_LOAD, "pull": {**LOAD_ZERO, "force_N": 3}},
            r"SET_LOAD has no field pull\.force_N",
        ),
        ("TELEMETRY", {"boot_id": 1, "sample_index": 0}, "TELEMETRY needs the field samples"),
        ("TELEMETRY", {"boot_id": 1, "sample_index": 0, "samples": [(1, 2)]}, "a sample has 6 values, not 2"),
        ("ARMED", {"command_id": 1}, "no message named 'ARMED'"),
    ],
)
def test_missing_unknown_and_malformed_fields_are_refused_by_name(name, fields, said):
    with pytest.raises(ValueError, match=said):
        wire.encode(name, fields)


@pytest.mark.parametrize("flags", [-1, 256])
def test_flags_are_one_byte(flags):
    with pytest.raises(ValueError, match="flags"):
        wire.encode("ARM", {"command_id": 1}, flags)


def test_a_body_of_the_greatest_size_fits_and_one_byte_more_does_not():
    body = b"\x55" * layout.BODY_BYTES_MAX
    (frame,) = wire.FrameReader().feed(wire.encode_frame(0x33, 0, body))
    assert frame.body == body
    with pytest.raises(ValueError, match="at most 248"):
        wire.encode_frame(0x33, 0, body + b"\x55")


def test_more_samples_than_a_frame_holds_are_refused():
    sample = (0,) * len(wire.SAMPLE_FIELDS)
    head = {"boot_id": 1, "sample_index": 0}
    wire.encode("TELEMETRY", {**head, "samples": [sample] * layout.SAMPLES_PER_FRAME_MAX})
    with pytest.raises(ValueError, match="at most 248"):
        wire.encode("TELEMETRY", {**head, "samples": [sample] * (layout.SAMPLES_PER_FRAME_MAX + 1)})


def test_the_hot_path_imports_neither_construct_nor_numpy():
    code = "import sys, protocol.wire, protocol.units, protocol.compat, protocol.codes; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    tops = {module.partition(".")[0] for module in done.stdout.split()}
    assert "cobs" in tops
    assert not tops & {"construct", "numpy", "rich", "asyncio", "dataclasses", "inspect", "json", "tomllib"}
