"""The ring of `host serve` against a plain list: whoever reads it gets each index once, or told as lost."""

from hypothesis import given
from hypothesis import strategies as st

from host.sharing.ring import Ring
from protocol import codes, layout, wire

SIZE = layout.SAMPLE_BYTES
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 40)),
        st.tuples(st.just("lose"), st.integers(1, 40)),
        st.tuples(st.just("read"), st.integers(1, 20)),
    ),
    max_size=60,
)


def raw(first: int, count: int) -> bytes:
    return b"".join(index.to_bytes(SIZE, "little") for index in range(first, first + count))


@given(STEPS, st.integers(0, 100), st.integers(17, 50))
def test_a_reader_gets_every_index_once_as_it_was_or_as_lost(
    steps: list[tuple[str, int]], first: int, kept: int
) -> None:
    ring = Ring(7, first, kept)
    lost: set[int] = set()
    cursor = first
    for what, count in steps:
        if what == "add":
            ring.add(raw(ring.end, count))
        elif what == "lose":
            lost |= set(range(ring.end, ring.end + count))
            ring.lose(count)
        else:
            piece = ring.read(cursor, 2**31 - 1, count)
            if piece is None:
                assert cursor == ring.end
                continue
            assert piece.sample_index == cursor and piece.sample_count > 0
            indices = range(cursor, cursor + piece.sample_count)
            if piece.raw is None:
                assert all(index in lost or index < ring.end - kept for index in indices)
            else:
                assert piece.raw == raw(cursor, piece.sample_count)
                assert piece.sample_count <= count and not lost & set(indices)
            cursor += piece.sample_count
    assert cursor <= ring.end


def test_its_memory_does_not_grow_with_time() -> None:
    ring = Ring(1, 0, 100)
    for _ in range(1000):
        ring.add(raw(ring.end, 7))
        ring.lose(1)
    assert len(ring._raw) == 100 * SIZE and len(ring._lost) <= 13


def test_the_mode_is_that_of_the_newest_sample() -> None:
    ring = Ring(1, 0, 4)
    for mode in (1, 2, 3, 4, 0, 2):
        sample = (0, 0, 0, 0, 0, mode << codes.SAMPLE_MODE_SHIFT)
        fields = {"boot_id": 1, "sample_index": ring.end, "samples": [sample]}
        (frame,) = wire.FrameReader().feed(wire.encode("TELEMETRY", fields))
        ring.add(wire.decode(frame).fields["samples"].raw)
        assert ring.mode == mode
