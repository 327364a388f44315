"""Order of batches: whatever comes in whatever order, each index comes out once, in order, as it was."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from host.batches import Batch, Lost, Order
from protocol import layout, wire

BOOT = 7
RING = 3008


def samples(first: int, count: int) -> wire.Samples:
    """Samples whose bytes tell their index."""
    return wire.Samples(
        b"".join(index.to_bytes(layout.SAMPLE_BYTES, "little") for index in range(first, first + count))
    )


def indices(items: list[Batch | Lost]) -> list[int]:
    found: list[int] = []
    for item in items:
        count = item.sample_count if isinstance(item, Lost) else len(item.samples)
        found += range(item.sample_index, item.sample_index + count)
    return found


def is_as_written(items: list[Batch | Lost]) -> bool:
    return all(
        item.samples.raw == samples(item.sample_index, len(item.samples)).raw
        for item in items
        if isinstance(item, Batch)
    )


def test_a_batch_in_order_is_passed_on_untouched() -> None:
    order = Order(BOOT, 16, RING)
    given_in = samples(16, 16)
    (batch,) = order.take(16, given_in)
    assert isinstance(batch, Batch) and batch.samples is given_in
    assert batch[:2] == (BOOT, 16) and (order.next, order.end, order.missing()) == (32, 32, [])


PIECES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40), st.booleans()), max_size=40)


@given(PIECES)
def test_pieces_that_overlap_in_any_order_come_out_once_and_what_came_before_its_loss_is_not_lost(
    pieces: list[tuple[int, int, bool]],
) -> None:
    order = Order(BOOT, 50, RING)
    items: list[Batch | Lost] = []
    state: dict[int, bool] = {}  # by index, whether it came
    came = 0
    for first, count, is_lost in pieces:
        for index in range(max(first, 50), first + count):
            state.setdefault(index, not is_lost)
        if is_lost:
            items += order.lose(first, first + count)
        else:
            came += count
            items += order.take(first, samples(first, count))
        missing = [index for start, end in order.missing() for index in range(start, end)]
        assert missing == [index for index in range(50, order.end) if index not in state]
        assert indices(items) == list(range(50, order.next))
    items += order.lose(order.next, order.end)
    assert indices(items) == list(range(50, order.end)) and is_as_written(items)
    kept = sum(len(item.samples) for item in items if isinstance(item, Batch))
    assert kept == sum(state.values()) and order.duplicates == came - kept


@given(PIECES)
def test_losses_side_by_side_are_told_as_one(pieces: list[tuple[int, int, bool]]) -> None:
    order = Order(BOOT, 0, RING)
    for first, count, is_lost in pieces:
        if is_lost:
            order.lose(first + 1, first + 1 + count)
        else:
            order.take(first + 1, samples(first + 1, count))
    rest = order.lose(0, order.end)
    assert not any(isinstance(one, Lost) and isinstance(next, Lost) for one, next in pairwise(rest))


def test_a_gap_that_is_never_filled_is_lost_once_the_ring_has_passed_and_memory_stays_bounded() -> None:
    order = Order(BOOT, 0, RING)
    items: list[Batch | Lost] = []
    for first in range(16, 40_000, 32):
        items += order.take(first, samples(first, 16))
        assert len(order._held) <= 2 * RING / 16 + 2
    assert indices(items) == list(range(order.next)) and is_as_written(items)
    assert items[0] == Lost(0, 16) and order.next > 40_000 - 2 * RING - 64
