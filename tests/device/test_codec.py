"""COBS, CRC-32 and fields on the device, here as CPython runs them, against zlib, struct and PyPI's cobs."""

import struct
from array import array

import pytest
from cobs import cobs
from hypothesis import example, given
from hypothesis import strategies as st

from device.sled import codec, layout
from device.sled.link import Link
from protocol import wire
from tests.protocol.drawing import drawn_messages, garbage, plain_frames, with_crc

ARM = wire.encode("ARM", {"command_id": 0x1234})
ARM_PLAIN = b"\x03\x00\x34\x12"


def encode(plain):
    src = bytearray(layout.FRAME_BYTES_MAX)
    src[: len(plain)] = plain
    dst = bytearray(layout.ENCODED_BYTES_MAX + 1)
    return bytes(dst[: codec.encode(src, len(plain), dst)])


def decode(received):
    buf = bytearray(received)
    end = codec.decode(buf, len(buf))
    return bytes(buf[:end]) if end >= 0 else end


@given(plain_frames)
@example(b"\x01" * 250)
def test_frames_have_zlib_s_crc_and_the_stuffing_of_the_cobs_package(plain):
    assert encode(plain) == cobs.encode(with_crc(plain)) + b"\0"


@given(plain_frames)
def test_a_frame_has_one_zero_at_its_end_and_grows_by_two_bytes_at_most(plain):
    frame = encode(plain)
    assert frame.index(0) == len(frame) - 1
    assert len(frame) <= len(with_crc(plain)) + 2


@given(plain_frames)
def test_every_frame_comes_back_as_it_was_sent(plain):
    assert decode(encode(plain)[:-1]) == plain


@given(plain_frames, st.integers(0, 40))
def test_a_frame_is_written_where_the_queue_says_and_nowhere_else(plain, at):
    src = bytearray(plain + b"\0" * 4)
    dst = bytearray(b"\xee" * 300)
    end = at + codec.encode(src, len(plain), dst, at)
    assert bytes(dst[at:end]) == encode(plain)
    assert set(dst[:at] + dst[end:]) <= {0xEE}


@pytest.mark.parametrize("length", [-1, 0, 1, 251, 300])
def test_what_is_no_frame_is_not_sent(length):
    src = bytearray(b"\x07" * 310)
    dst = bytearray(400)
    assert codec.encode(src, length, dst) == 0
    assert (src, dst) == (b"\x07" * 310, bytes(400))


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_as_the_host_judges_them(received):
    reader = wire.FrameReader()
    if b"\0" in received:
        expected = codec.OVERSIZED if len(received) > layout.ENCODED_BYTES_MAX else codec.BAD_COBS
        assert decode(received) == expected
        return
    frames = reader.feed(received + b"\0")
    got = decode(received)
    if frames:
        assert got == bytes((frames[0].kind, frames[0].flags)) + frames[0].body
    elif received:
        counter = {
            codec.BAD_COBS: reader.bad_cobs,
            codec.SHORT: reader.short,
            codec.OVERSIZED: reader.oversized,
            codec.BAD_CRC: reader.bad_crc,
        }
        assert counter[got] == 1
    else:
        assert got == codec.SHORT


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"", codec.SHORT),
        (cobs.encode(with_crc(b"\x03")), codec.SHORT),
        (b"\x05\x01", codec.BAD_COBS),
        (b"\x02\x00", codec.BAD_COBS),
        (b"\x00", codec.BAD_COBS),
        (b"\x01" * 256, codec.OVERSIZED),
        (cobs.encode(ARM_PLAIN + b"\x01\x02\x03\x04"), codec.BAD_CRC),
        (ARM[:-1], ARM_PLAIN),
    ],
)
def test_each_kind_of_damage_has_its_code(received, expected):
    assert decode(received) == expected


@given(drawn_messages())
def test_no_single_flipped_bit_is_ever_accepted(drawn):
    message, fields, flags = drawn
    frame = bytearray(wire.encode(message.name, fields, flags)[:-1])
    assert decode(frame)[0] == message.kind
    for bit in range(0, len(frame) * 8, 1 if len(frame) < 60 else 11):
        frame[bit // 8] ^= 1 << bit % 8
        assert isinstance(decode(frame), int)
        frame[bit // 8] ^= 1 << bit % 8


@given(drawn_messages())
def test_every_truncated_frame_is_refused(drawn):
    message, fields, flags = drawn
    frame = wire.encode(message.name, fields, flags)[:-1]
    for length in range(len(frame)):
        assert isinstance(decode(frame[:length]), int)


@given(st.binary(min_size=4, max_size=4))
@example(b"\xff\xff\xff\xff")
@example(b"\xff\xff\xff\x3f")
@example(b"\x00\x00\x00\x40")
@example(b"\x00\x00\x00\xc0")
@example(b"\xff\xff\xff\xbf")
@example(b"\x00\x00\x00\x80")
def test_fields_are_read_as_struct_reads_them_and_kept_small(four):
    buf = b"\x99" + four
    for get, code, size in ((codec.get_u16, "<H", 2), (codec.get_i16, "<h", 2)):
        assert get(buf, 1) == struct.unpack(code, four[:size])[0]
    for get, code in ((codec.get_u32, "<I"), (codec.get_i32, "<i")):
        value = struct.unpack(code, four)[0]
        assert get(buf, 1) == min(max(value, -(2**30)), 2**30 - 1)


@given(st.integers(-(2**30), 2**30 - 1))
@example(-1)
def test_fields_are_written_as_struct_writes_them(value):
    out = bytearray(b"\xee" * 12)
    assert codec.put_u16(out, 1, value) == 3
    assert codec.put_i32(out, 6, value) == 10
    low = struct.pack("<H", value & 0xFFFF)
    assert out == b"\xee" + low + b"\xee" * 3 + struct.pack("<i", value) + b"\xee" * 2


@given(st.lists(st.integers(0, 0xFFFF), max_size=60), st.data())
def test_words_of_the_ring_are_copied_little_endian(words, data):
    first = data.draw(st.integers(0, len(words)))
    count = data.draw(st.integers(0, len(words) - first))
    out = bytearray(b"\xee" * 130)
    assert codec.copy_words(out, 3, array("H", words), first, count) == 3 + 2 * count
    expected = struct.pack(f"<{count}H", *words[first : first + count])
    assert out == b"\xee" * 3 + expected + b"\xee" * (127 - len(expected))


class Line:
    """A board's serial line that hands out given bytes, one read at a time."""

    def __init__(self, stream, chunk):
        self.stream = stream
        self.chunk = chunk

    def readinto(self, buf):
        piece, self.stream = self.stream[: self.chunk], self.stream[self.chunk :]
        buf[: len(piece)] = piece
        return len(piece)


def received(stream, chunk):
    """Frames that the device's link takes from a stream, and how many it counts as damaged."""
    link = Link(Line(stream, chunk))
    link.allowance = len(stream)
    frames = []
    while (length := link.receive()) or link.board.stream:
        if length:
            frames.append(bytes(link.frame[:length]))
        assert len(link.frame) < 2 * layout.ENCODED_BYTES_MAX
    return frames, link.damaged


@given(garbage, st.sampled_from((1, 2, 63, 64)))
def test_after_any_garbage_and_a_zero_the_device_receives_the_next_frame(noise, chunk):
    frames, _ = received(noise + b"\0" + ARM, chunk)
    assert frames[-1] == ARM_PLAIN


@given(garbage, st.sampled_from((1, 64)))
def test_the_device_and_the_host_take_the_same_frames_from_any_stream(noise, chunk):
    stream = noise + b"\0" + ARM + noise + ARM + b"\0" + ARM
    reader = wire.FrameReader()
    expected = [bytes((kind, flags)) + body for kind, flags, body in reader.feed(stream)]
    frames, damaged = received(stream, chunk)
    assert frames == expected
    assert damaged == reader.bad_crc + reader.bad_cobs + reader.short + reader.oversized


@pytest.mark.parametrize("chunk", [1, 64])
def test_oversized_and_truncated_frames_are_counted_once_each(chunk):
    stream = b"\x55" * 5000 + b"\0" + ARM[:-3] + b"\0" + ARM
    assert received(stream, chunk) == ([ARM_PLAIN], 2)
