"""The table of gaps: whatever is put in and taken off, it holds the same numbers as a set would."""

from hypothesis import given
from hypothesis import strategies as st

from device.sled.ranges import RANGES_MAX, Ranges

SPANS = st.tuples(st.integers(0, 120), st.integers(0, 30))


def rows(ranges: Ranges) -> list[tuple[int, int]]:
    return [(ranges.first[at], ranges.end[at]) for at in range(ranges.count)]


def numbers(ranges: Ranges) -> set[int]:
    return {number for first, end in rows(ranges) for number in range(first, end)}


@given(st.lists(st.tuples(st.booleans(), SPANS), max_size=60))
def test_it_holds_what_was_put_in_less_what_was_sent_in_order_and_apart(steps) -> None:
    ranges = Ranges()
    expected: set[int] = set()
    for is_sent, (first, count) in steps:
        if not is_sent:
            before = rows(ranges)
            if ranges.add(first, first + count):
                expected |= set(range(first, first + count))
            else:
                assert len(before) == RANGES_MAX and rows(ranges) == before
                touching = set(range(first - 1, first + count + 1))
                assert not touching & expected, "what touches another needs no room of its own"
        elif ranges.count:
            lowest = ranges.first[0]
            upto = min(lowest + count, ranges.end[0])
            ranges.cut(upto)
            expected -= set(range(lowest, upto))
        assert numbers(ranges) == expected
        found = rows(ranges)
        assert all(first < end for first, end in found)
        assert all(found[at][1] < found[at + 1][0] for at in range(len(found) - 1)), "merged, in order"


def test_the_ninth_gap_is_refused_until_one_is_filled() -> None:
    ranges = Ranges()
    assert all(ranges.add(10 * at, 10 * at + 5) for at in range(8))
    assert not ranges.add(200, 201)
    assert ranges.add(75, 80), "it touches the last"
    ranges.cut(5)
    assert ranges.add(200, 201)
