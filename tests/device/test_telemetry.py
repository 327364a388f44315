"""What the device sends of its ring, and in which order: answers, live samples, gaps from the lowest on."""

from typing import Any

import pytest

from device.sled import codec, layout, telemetry, tick
from protocol import wire
from tests.device.desk import Desk

RESENT = layout.FLAG_RESENT


class Listener(Desk):
    """A desk that keeps every frame of samples: flags, first index, count, and whether they are lost."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[int, int, int, bool]] = []

    def listen(self, ticks: int) -> list[tuple[int, int, int, bool]]:
        """Read along for so long; what came of samples."""
        before = len(self.sent)
        for _ in range(ticks):
            self.rig.step(1)
            self.take(self.rig.read(1 << 20))
        return self.sent[before:]

    def take(self, data: bytes) -> None:
        for frame in self.reader.feed(data):
            name, fields = wire.decode(frame)
            if name in ("TELEMETRY", "SAMPLES_LOST"):
                is_lost = name == "SAMPLES_LOST"
                count = fields["sample_count"] if is_lost else len(fields["samples"])
                self.sent.append((frame.flags, fields["sample_index"], count, is_lost))

    def stream(self, first: int) -> int:
        """The first index to come."""
        fields = {"command_id": 500 + len(self.sent), "enabled": 1, "sample_index": first}
        self.rig.write(wire.encode("STREAM", fields))
        return int(self.answer()["setting_value"])

    def resend(self, *gaps: tuple[int, int]) -> list[int]:
        """Ask for all of these at once; the results."""
        for number, (first, count) in enumerate(gaps):
            fields = {"command_id": number, "sample_index": first, "sample_count": count}
            self.rig.write(wire.encode("RESEND", fields))
        return [self.answer()["result"] for _ in gaps]

    def answer(self) -> dict[str, Any]:
        while True:
            for frame in self.reader.feed(self.rig.read(1)):
                name, fields = wire.decode(frame)
                if name == "REPLY":
                    return fields
                self.take(wire.encode_frame(*frame))
            if not self.rig.in_waiting:
                self.rig.step(1)


def numbers(sent: list[tuple[int, int, int, bool]], lost: bool | None = None) -> list[int]:
    chosen = [row for row in sent if lost is None or row[3] == lost]
    return [index for _, first, count, _ in chosen for index in range(first, first + count)]


@pytest.fixture
def desk() -> Listener:
    return Listener()


def test_several_gaps_are_filled_from_the_lowest_on_each_sample_once(desk: Listener) -> None:
    desk.rig.step(1000)
    assert desk.resend((700, 40), (300, 25), (730, 20), (320, 10)) == [layout.RESULT_OK] * 4
    sent = desk.listen(100)
    assert numbers(sent) == [*range(300, 330), *range(700, 750)]
    assert {row[0] for row in sent} == {RESENT}


def test_a_gap_too_many_is_refused_and_those_before_it_are_kept(desk: Listener) -> None:
    desk.rig.step(1000)
    gaps = [(100 * n, 40) for n in range(1, 10)]
    assert desk.resend(*gaps) == [layout.RESULT_OK] * 8 + [layout.RESULT_BUSY]
    desk.listen(200)
    assert numbers(desk.sent) == [index for first, _ in gaps[:8] for index in range(first, first + 40)]
    assert desk.resend(gaps[-1]) == [layout.RESULT_OK]


def test_a_gap_of_nothing_is_none(desk: Listener) -> None:
    desk.rig.step(100)
    assert desk.resend((10, 0)) == [layout.RESULT_OK]
    assert desk.listen(30) == []


def test_live_samples_go_before_gaps(desk: Listener) -> None:
    desk.rig.step(2000)
    desk.stream(1 << 29)
    desk.resend((0, 1900))
    sent = desk.listen(400)
    assert len([row for row in sent if row[0] == RESENT]) > 20, "gaps are filled meanwhile"
    live = [row for row in sent if row[0] != RESENT]
    assert numbers(live) == list(range(live[0][1], live[0][1] + len(numbers(live))))
    assert max(numbers(live)) >= desk.s[tick.SAMPLE_INDEX] - 25
    assert {count for _, _, count, _ in live} <= {16, 17}, "none waited for more than a pass"


def test_an_old_stream_begins_with_what_is_now_and_the_rest_follows_in_order(desk: Listener) -> None:
    desk.rig.step(2500)
    now = desk.s[tick.SAMPLE_INDEX]
    assert desk.stream(300) == 300
    sent = desk.listen(1500)
    flags, first, count, _ = sent[0]
    assert flags == 0 and first + count >= now, "live first"
    gap = [row for row in sent if row[0] == RESENT]
    assert numbers(gap) == list(range(300, first)), "then the rest, each once"
    assert sorted(numbers(sent)) == list(range(300, 300 + len(numbers(sent))))


def test_after_a_time_longer_than_the_ring_nothing_is_lost_that_the_answer_promised(desk: Listener) -> None:
    desk.rig.step(7000)
    first = desk.stream(0)
    assert first >= desk.s[tick.SAMPLE_INDEX] - tick.RING_SAMPLES
    sent = desk.listen(2500)
    assert numbers(sent, lost=True) == []
    assert sorted(numbers(sent)) == list(range(first, first + len(numbers(sent))))


def test_a_host_that_did_not_read_for_a_while_hears_at_once_what_is_now(desk: Listener) -> None:
    desk.stream(1 << 29)
    desk.listen(50)
    begun = min(numbers(desk.sent))
    desk.rig.step(1500)  # nobody reads
    now = desk.s[tick.SAMPLE_INDEX]
    sent = desk.listen(60)
    behind = [now - first for flags, first, _, _ in sent if not flags]
    assert min(behind) < 20, "though more than a second had not been sent"
    desk.listen(1000)
    assert sorted(numbers(desk.sent)) == list(range(begun, begun + len(numbers(desk.sent))))


def test_a_short_pause_is_made_up_for_in_order(desk: Listener) -> None:
    desk.stream(1 << 29)
    desk.rig.stall_main(200)
    sent = desk.listen(400)
    assert {row[0] for row in sent} == {0}
    assert numbers(sent) == list(range(sent[0][1], sent[0][1] + len(numbers(sent))))


def test_with_no_room_for_another_gap_the_stream_goes_on_in_order(desk: Listener) -> None:
    desk.rig.step(1000)
    desk.stream(1 << 29)
    desk.rig.step(1500)  # nobody reads
    gaps = {index for first in range(100, 900, 100) for index in range(first, first + 10)}
    for first in sorted(gaps)[::10]:
        assert desk.rig.app.telemetry.resend(first, 10)
    sent = desk.listen(900)
    live = [row for row in sent if row[0] != RESENT]
    assert numbers(live) == list(range(live[0][1], live[0][1] + len(numbers(live))))
    assert max(numbers(live)) >= desk.s[tick.SAMPLE_INDEX] - 25
    assert set(numbers(sent)) - set(numbers(live)) == gaps


def test_what_the_ring_has_overwritten_is_declared_lost_and_nothing_else(desk: Listener) -> None:
    desk.rig.step(5000)
    assert desk.resend((1000, 500), (1900, 200)) == [layout.RESULT_OK] * 2
    sent = desk.listen(100)
    oldest = desk.s[tick.SAMPLE_INDEX] - tick.RING_SAMPLES
    assert set(numbers(sent, lost=True)) == set(range(1000, 1500)) | set(range(1900, 2100)) - set(
        numbers(sent, lost=False)
    )
    assert min(numbers(sent, lost=False)) > oldest - 100
    assert sorted(numbers(sent)) == [*range(1000, 1500), *range(1900, 2100)]


def test_samples_are_whole_though_the_tick_goes_on_while_they_are_copied(
    desk: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 ms may pass between the look at the ring and the copy, as the longest garbage collection takes."""
    desk.rig.step(4000)
    s, ring = desk.s, desk.rig.board.ring
    kept = ring[:]
    first = s[tick.SAMPLE_INDEX] - telemetry._SENT_SAMPLES  # the oldest that is still sent
    copy = codec.copy_words

    def interrupted(*arguments: Any) -> int:
        for _ in range(15):  # twice in a frame
            s[tick.MAIN_LEFT_ticks] = 100
            tick.tick(s, ring)
        return int(copy(*arguments))

    monkeypatch.setattr(codec, "copy_words", interrupted)
    desk.rig.app.telemetry.resend(first, 17)
    desk.rig.app.telemetry.poll()
    (frame,) = desk.reader.feed(desk.rig.read(1 << 20))
    fields = wire.decode(frame).fields
    assert fields["sample_index"] == first and len(fields["samples"]) == 17
    words = [ring_at for n in range(17) for ring_at in sample(kept, first + n)]
    assert fields["samples"].raw == b"".join(word.to_bytes(2, "little") for word in words)


def sample(ring: Any, index: int) -> Any:
    at = index % tick.RING_SAMPLES * tick.SAMPLE_WORDS
    return ring[at : at + tick.SAMPLE_WORDS]


def test_an_answer_waits_for_one_frame_of_samples_at_most(desk: Listener) -> None:
    """With the line full of gaps and live samples, and a host that reads only now and then."""
    desk.rig.step(3000)
    desk.stream(0)
    for n in range(40):
        link = desk.rig.app.link
        queued = []
        send = link.send

        def noted(length: int, link: Any = link, send: Any = send, queued: list[int] = queued) -> bool:
            queued.append(link.out[0])
            return bool(send(length))

        link.send = noted
        desk.rig.write(wire.encode("GET_STATUS", {"command_id": n}))
        desk.rig.step(7)
        del link.send
        assert queued[0] == layout.KIND_STATUS, "before any samples of this pass"
        desk.take(desk.rig.read(1 << 20))


def test_samples_leave_room_for_answers_though_nobody_reads(desk: Listener) -> None:
    desk.rig.step(3000)
    desk.stream(0)
    desk.rig.board.write = lambda buffer, start, end: 0  # type: ignore[method-assign]
    desk.rig.step(500)
    link = desk.rig.app.link
    queued = desk.reader.feed(bytes(link._tx[link._tx_at : link._tx_end]))
    assert [frame.kind for frame in queued[-1:]] == [layout.KIND_TELEMETRY] and len(queued) <= 2
    assert link.has_room()


def test_a_pass_is_enough_for_a_frame_though_the_line_takes_it_piece_by_piece(desk: Listener) -> None:
    """64 bytes at once on USB: at a piece a pass the ring forgets a long gap faster than it is filled."""
    write = desk.rig.board.write
    desk.rig.board.write = lambda buffer, start, end: write(buffer, start, min(end, start + 64))  # type: ignore[method-assign]
    desk.rig.step(2000)
    desk.resend((0, 500))
    for _ in range(10):
        desk.rig.step(5)  # one pass
        assert desk.rig.app.link.is_quiet()


def test_a_hello_and_the_end_of_a_stream_forget_all_gaps(desk: Listener) -> None:
    for command in (
        wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0}),
        wire.encode("STREAM", {"command_id": 9, "enabled": 0, "sample_index": 0}),
    ):
        desk.rig.step(1000)
        desk.rig.app.telemetry.resend(100, 500)
        desk.rig.write(command)
        desk.listen(20)
        assert desk.listen(200) == []
