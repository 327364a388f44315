"""Telemetry out of the ring of `host serve`: each visitor at its own pace, and told what it has missed."""

from host.following import Away
from host.telemetry import Lost
from protocol import codes, wire
from tests.host.sleds import Desk

RESULTS = {code.name: code.number for code in codes.RESULTS}


def streamed(messages: list[wire.Received]) -> list[tuple[str, int, int]]:
    return [
        (
            message.name,
            message.fields["sample_index"],
            message.fields["sample_count"]
            if message.name == "SAMPLES_LOST"
            else len(message.fields["samples"]),
        )
        for message in messages
        if message.name in ("TELEMETRY", "SAMPLES_LOST")
    ]


def test_telemetry_begins_where_it_was_asked_for() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.say(visitor, "STREAM", command_id=1, enabled=1, sample_index=2**30 - 1)
    assert not desk.heard(visitor), "there is no sample yet: the repeat will be answered"
    desk.samples(0, 20)
    desk.say(visitor, "STREAM", command_id=1, enabled=1, sample_index=5)
    messages = desk.heard(visitor)
    assert messages[0].fields["setting_value"] == 5
    assert streamed(messages) == [("TELEMETRY", 5, 15)]
    desk.say(visitor, "STREAM", command_id=2, enabled=0, sample_index=0)
    desk.samples(20, 20)
    assert not streamed(desk.heard(visitor))


def test_a_slow_reader_loses_only_its_own_samples_and_is_told_which() -> None:
    desk = Desk()
    slow, quick = desk.visitor(), desk.visitor()
    desk.samples(0, 1)
    for visitor in (slow, quick):
        desk.say(visitor, "STREAM", command_id=1, enabled=1, sample_index=0)
        desk.heard(visitor)
    seen = 1
    for first in range(1, 3001, 20):
        desk.samples(first, 20)
        for name, index, count in streamed(desk.heard(quick)):
            assert name == "TELEMETRY" and index == seen
            seen += count
    assert seen == 3001
    got = streamed(desk.heard(slow))
    assert got[0] == ("SAMPLES_LOST", 1, 2000)
    assert sum(count for name, _, count in got if name == "TELEMETRY") == 1000
    assert not slow.out, "telemetry is not queued for anybody"


def test_what_the_sled_lost_is_told_to_visitors() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.samples(0, 10)
    desk.say(visitor, "STREAM", command_id=1, enabled=1, sample_index=0)
    desk.broker.take(Lost(10, 5))
    desk.samples(15, 10)
    assert streamed(desk.heard(visitor)) == [
        ("TELEMETRY", 0, 10),
        ("SAMPLES_LOST", 10, 5),
        ("TELEMETRY", 15, 10),
    ]


def test_samples_are_sent_again_out_of_the_ring() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.samples(0, 100)
    desk.say(visitor, "STREAM", command_id=1, enabled=1, sample_index=90)
    desk.heard(visitor)
    desk.say(visitor, "RESEND", command_id=2, sample_index=10, sample_count=5)
    desk.say(visitor, "RESEND", command_id=3, sample_index=50, sample_count=20)
    assert streamed(desk.heard(visitor)) == [
        ("TELEMETRY", 10, 5),
        ("TELEMETRY", 50, 17),
        ("TELEMETRY", 67, 3),
    ]
    assert not desk.line, "the sled is not asked"
    desk.say(visitor, "RESEND", command_id=4, sample_index=95, sample_count=20)
    assert streamed(desk.heard(visitor)) == [("TELEMETRY", 95, 5)], "what has not come yet comes live"


def test_samples_still_on_their_way_follow_when_they_come() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.samples(0, 100)
    desk.say(visitor, "RESEND", command_id=1, sample_index=95, sample_count=20)
    desk.say(visitor, "RESEND", command_id=2, sample_index=99, sample_count=20_000)
    first, second, *streamed_so_far = desk.heard(visitor)
    assert [first.fields["result"], second.fields["result"]] == [0, RESULTS["BAD_VALUE"]]
    assert streamed(streamed_so_far) == [("TELEMETRY", 95, 5)]
    desk.samples(100, 50)
    assert streamed(desk.heard(visitor)) == [("TELEMETRY", 100, 15)] and not visitor.again


def test_after_a_restart_the_old_samples_are_read_to_their_end_and_no_further() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.samples(0, 10)
    desk.say(visitor, "STREAM", command_id=1, enabled=1, sample_index=0)
    desk.broker.take(Away(1.0, "unplugged"))
    desk.back(has_restarted=True)
    desk.samples(0, 4, boot_id=78)
    assert streamed(desk.heard(visitor)) == [("TELEMETRY", 0, 10)]
    desk.say(visitor, "STREAM", command_id=2, enabled=1, sample_index=0)
    messages = desk.heard(visitor)
    assert streamed(messages) == [("TELEMETRY", 0, 4)] and messages[-1].fields["boot_id"] == 78


def test_who_asks_for_more_gaps_than_are_kept_is_told_to_ask_again() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.samples(0, 500)
    for command_id in range(9):
        desk.say(visitor, "RESEND", command_id=command_id, sample_index=20 * command_id, sample_count=5)
    messages = desk.heard(visitor)
    results = [message.fields["result"] for message in messages if message.name == "REPLY"]
    assert results == [0] * 8 + [RESULTS["BUSY"]]
    assert [first for _, first, _ in streamed(messages)] == [20 * each for each in range(8)]
