"""Asking again: at once, several gaps side by side, each in its own time, and without a storm."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.gaps import Gaps, Range


class Line:
    """Notes what is asked for; ids count from 1."""

    def __init__(self, ranges_max: int = 8) -> None:
        self.asked: list[Range] = []
        self.gaps = Gaps(self._send, ranges_max)

    def _send(self, first: int, count: int) -> int:
        self.asked.append((first, first + count))
        return len(self.asked)

    def ask(self, now_s: float, *missing: Range) -> list[Range]:
        """What is asked for at this moment."""
        self.asked, before = [], len(self.asked)
        self.gaps.ask(list(missing), now_s)
        now, self.asked = self.asked, [(0, 0)] * (before + len(self.asked))
        return now


def test_every_gap_is_asked_for_as_soon_as_it_shows_and_only_once_in_its_time() -> None:
    line = Line()
    assert line.ask(0.0, (0, 16)) == [(0, 16)]
    assert line.ask(0.01, (0, 16), (32, 48)) == [(32, 48)]
    assert line.ask(0.09, (0, 16), (32, 48)) == []
    assert line.ask(0.1, (0, 16), (32, 48)) == [(0, 16)]
    assert line.ask(0.11, (0, 16), (32, 48)) == [(32, 48)]


@pytest.mark.parametrize("ranges", [1, 8])
def test_a_device_is_never_asked_for_more_ranges_than_it_keeps_and_the_oldest_come_first(ranges: int) -> None:
    line = Line(ranges)
    missing = [(32 * n, 32 * n + 16) for n in range(12)]
    assert line.ask(0.0, *missing) == missing[:ranges]
    assert line.ask(0.01, *missing[1:]) == missing[ranges : ranges + 1], "one was filled: one has room"


def test_a_request_that_is_not_answered_is_repeated_ever_more_slowly() -> None:
    line = Line()
    times_s = [now_ms / 1000 for now_ms in range(2000) if line.ask(now_ms / 1000, (0, 16))]
    pauses_s = [round(later - sooner, 2) for sooner, later in pairwise(times_s)]
    assert pauses_s[0] == 0.1 and pauses_s[1] == 0.2 and pauses_s == sorted(pauses_s) and pauses_s[-1] == 0.25


def test_the_wait_follows_the_measured_round_trip() -> None:
    line = Line()
    for n in range(20):
        assert line.ask(float(n), (16 * n, 16 * n + 16))
        line.gaps.answered(n + 1, n + 0.01)
        line.gaps.came(16 * n, 16 * n + 16, n + 0.02)
    line.ask(30.0, (1000, 1016))
    assert line.ask(30.03, (1000, 1016)) == []
    assert line.ask(30.06, (1000, 1016)) == [(1000, 1016)], "and not after the 100 ms of the beginning"


def test_a_busy_device_is_asked_again_later_and_not_at_once() -> None:
    line = Line()
    line.ask(0.0, (0, 16))
    line.gaps.answered(1, 0.09)
    assert line.ask(0.1, (0, 16)) == []
    assert line.ask(0.2, (0, 16)) == [(0, 16)]


def test_while_older_gaps_are_being_filled_a_request_waits_for_its_turn() -> None:
    line = Line()
    line.ask(0.0, (0, 500), (600, 616))
    for step in range(25):
        now_s = 0.02 * (step + 1)
        line.gaps.came(20 * step, 20 * step + 20, now_s)
        left = [(20 * step + 20, 500)] if step < 24 else []
        assert line.ask(now_s, *left, (600, 616)) == []
    assert line.ask(0.59, (600, 616)) == []
    assert line.ask(0.61, (600, 616)) == [(600, 616)]


def test_a_later_gap_that_is_filled_first_tells_that_the_request_for_the_earlier_one_was_lost() -> None:
    line = Line()
    line.ask(0.0, (0, 16), (32, 48), (64, 80))
    line.gaps.came(32, 48, 0.01)
    assert line.ask(0.01, (0, 16), (64, 80)) == [(0, 16)]


def test_what_the_device_has_passed_over_within_a_range_is_asked_for_at_once() -> None:
    line = Line()
    line.ask(0.0, (0, 100))
    line.gaps.came(0, 17, 0.01)
    line.gaps.came(34, 51, 0.02)
    assert line.ask(0.02, (17, 34), (51, 100)) == [(17, 34)]


def test_a_late_answer_to_a_first_request_is_no_sign_against_gaps_that_were_asked_for_since() -> None:
    line = Line()
    line.ask(0.0, (32, 48))
    line.ask(0.05, (0, 16), (32, 48))
    line.ask(0.1, (0, 16), (32, 48))  # the first once more
    line.gaps.came(32, 48, 0.11)
    assert line.ask(0.11, (0, 16)) == []


class Device:
    """Keeps ranges and sends the lowest first, a frame at a time, over a line that loses some both ways."""

    def __init__(self, seed: int, loss: float) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.kept: set[int] = set()
        self.requests = 0
        self.sent = 0
        self.gaps = Gaps(self._hear, 8)

    def _hear(self, first: int, count: int) -> int:
        self.requests += 1
        if self.random.random() >= self.loss:
            self.kept.update(range(first, first + count))
        return self.requests

    def frame(self) -> range | None:
        """What arrives of the next frame."""
        if not self.kept:
            return None
        first = end = min(self.kept)
        while end in self.kept and end - first < 17:
            end += 1
        self.kept -= set(range(first, end))
        self.sent += end - first
        return range(first, end) if self.random.random() >= 2 * self.loss else None


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.05, 0.2]))
def test_over_a_bad_line_all_gaps_are_filled_with_hardly_a_frame_too_many(seed: int, loss: float) -> None:
    device = Device(seed, loss)
    missing: set[int] = {index for n in range(40) for index in range(64 * n, 64 * n + 16 + 5 * (n % 3))}
    wanted, came = len(missing), 0
    for step in range(4000):
        now_s = step * 0.005
        frame = device.frame()
        if frame is not None:
            came += len(frame)
            missing -= set(frame)
            device.gaps.came(frame.start, frame.stop, now_s)
        starts = sorted(index for index in missing if index - 1 not in missing)
        ends = sorted(index + 1 for index in missing if index + 1 not in missing)
        device.gaps.ask(list(zip(starts, ends, strict=True)), now_s)
        if not missing:
            break
    assert not missing and came == wanted, "nothing came twice"
    assert device.requests <= 40 + 4 * (device.sent - wanted) / 17 + 40 * 4 * loss
