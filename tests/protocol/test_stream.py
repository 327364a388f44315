"""The host's frame reader on damaged, foreign and endless input."""

import gc
import tracemalloc

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from protocol import layout, wire
from tests.protocol.drawing import drawn_messages, garbage, plain_frames, with_crc

ARM = wire.encode("ARM", {"command_id": 0x1234})


def counters(reader):
    return (reader.bad_crc, reader.bad_cobs, reader.short, reader.oversized, reader.discarded_bytes)


def refusals(reader):
    return sum(counters(reader)[:-1])


@given(garbage)
def test_after_any_garbage_and_a_zero_the_next_frame_is_received(noise):
    reader = wire.FrameReader()
    reader.feed(noise + b"\0")
    (frame,) = reader.feed(ARM)
    assert wire.decode(frame) == ("ARM", {"command_id": 0x1234})


@given(garbage)
def test_every_byte_is_in_a_frame_or_counted_as_discarded(noise):
    reader = wire.FrameReader()
    frames = reader.feed(noise + b"\0")
    in_frames = sum(len(wire.encode_frame(*frame)) - 1 for frame in frames)
    assert reader.discarded_bytes + in_frames == len(noise.replace(b"\0", b""))


@given(st.lists(garbage | st.just(ARM), max_size=5).map(b"".join), st.data())
def test_the_cuts_between_reads_change_nothing(stream, data):
    whole, cut = wire.FrameReader(), wire.FrameReader()
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    frames = []
    for start, end in zip([0, *places], [*places, len(stream)], strict=True):
        frames += cut.feed(stream[start:end])
    assert frames == whole.feed(stream)
    assert counters(cut) == counters(whole)


def test_bytes_one_at_a_time_make_the_same_frame():
    reader = wire.FrameReader()
    frames = [frame for byte in ARM for frame in reader.feed(bytes((byte,)))]
    assert frames == wire.FrameReader().feed(ARM)


@given(drawn_messages())
def test_no_single_flipped_bit_is_ever_accepted(drawn):
    message, fields, flags = drawn
    frame = bytearray(wire.encode(message.name, fields, flags))
    for bit in range(len(frame) * 8):
        frame[bit // 8] ^= 1 << bit % 8
        reader = wire.FrameReader()
        assert reader.feed(bytes(frame) + b"\0") == []
        assert refusals(reader) >= 1
        frame[bit // 8] ^= 1 << bit % 8


@given(drawn_messages())
def test_every_truncated_frame_is_counted_and_refused(drawn):
    message, fields, flags = drawn
    frame = wire.encode(message.name, fields, flags)
    for length in range(1, len(frame) - 1):
        reader = wire.FrameReader()
        assert reader.feed(frame[:length] + b"\0") == []
        assert refusals(reader) == 1
        assert reader.discarded_bytes == length


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (cobs.encode(with_crc(b"\x03\x00\x01\x00")[:-1] + b"\x77"), (1, 0, 0, 0)),
        (b"\x05\x01", (0, 1, 0, 0)),
        (cobs.encode(b"\0" * 5), (0, 0, 1, 0)),
        (cobs.encode(with_crc(b"")), (0, 0, 1, 0)),
        (cobs.encode(with_crc(b"\x03")), (0, 0, 1, 0)),
        (b"\x01" * 256, (0, 0, 0, 1)),
        (cobs.encode(with_crc(b"\x03" * 251)), (0, 0, 0, 1)),
        (b"", (0, 0, 0, 0)),
    ],
    ids=["crc", "cobs", "short", "nothing inside", "kind alone", "oversized", "one byte over", "idle"],
)
def test_each_kind_of_damage_has_its_counter(stream, expected):
    reader = wire.FrameReader()
    assert reader.feed(stream + b"\0") == []
    assert counters(reader) == (*expected, len(stream))


def test_an_oversized_frame_is_counted_once_however_long_it_is():
    reader = wire.FrameReader()
    for _ in range(100):
        reader.feed(b"\x41" * 1000)
    assert counters(reader) == (0, 0, 0, 1, 100_000)
    assert reader.feed(b"\0" + ARM) == wire.FrameReader().feed(ARM)


@given(plain_frames)
def test_the_longest_frames_are_not_taken_for_oversized(plain):
    reader = wire.FrameReader()
    (frame,) = reader.feed(wire.encode_frame(plain[0], plain[1], plain[2:]))
    assert bytes((frame.kind, frame.flags)) + frame.body == plain
    assert counters(reader) == (0, 0, 0, 0, 0)


def test_memory_stays_bounded_on_endless_input_without_a_zero():
    reader = wire.FrameReader()
    chunk = b"\x55" * 4096
    reader.feed(chunk)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(256):
            reader.feed(chunk)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 16 * layout.ENCODED_BYTES_MAX
    assert reader.discarded_bytes == 257 * len(chunk)
