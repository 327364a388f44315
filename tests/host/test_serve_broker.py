"""Several commands at one sled: each gets its own answers, and nothing is done twice or too late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.following import Away
from host.sharing import broker as broker_module
from host.sharing.visitor import Visitor
from protocol import codes, layout, wire
from tests.host.sleds import HELLO, Desk, Sled, load_fields

RESULTS = {code.name: code.number for code in codes.RESULTS}


@pytest.fixture(autouse=True)
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes only when a test says so."""
    now = [100.0]
    monkeypatch.setattr(broker_module.time, "monotonic", lambda: now[0])
    return now


def test_two_commands_with_the_same_id_get_their_own_answers() -> None:
    desk = Desk()
    one, two = desk.visitor(), desk.visitor()
    desk.say(one, "GET_SETTING", command_id=5, setting=1)
    desk.say(two, "GET_SETTING", command_id=5, setting=2)
    desk.answer()
    for visitor, setting in ((one, 1), (two, 2)):
        (reply,) = desk.heard(visitor)
        assert reply.fields["command_id"] == 5 and reply.fields["setting_value"] == setting


def test_an_answer_to_the_server_itself_is_left_to_it() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.write(wire.encode("GET_STATUS", {"command_id": desk.new_id()}), False)
    desk.answer()
    assert [wire.decode(frame).name for frame in desk.unread] == ["STATUS"] and not desk.heard(visitor)


def test_a_clock_is_read_through_it() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.say(visitor, "CLOCK_PING", ping_id=9)
    desk.answer()
    (pong,) = desk.heard(visitor)
    assert pong.name == "CLOCK_PONG" and pong.fields["ping_id"] == 9


def test_a_repeat_is_done_once(now_s: list[float]) -> None:
    desk = Desk()
    visitor = desk.visitor()
    for _ in range(3):
        desk.say(visitor, "SET_LOAD", command_id=1, **load_fields(1000))
        now_s[0] += 0.03
    assert len(desk.line) == 3 and len(set(desk.line)) == 1
    desk.answer()
    assert len(desk.sled.done) == 1
    desk.say(visitor, "SET_LOAD", command_id=1, **load_fields(1000))
    assert not desk.line, "it has been answered, and the sled may have forgotten it"


def test_a_repeat_that_the_sled_no_longer_knows_is_not_passed_on(now_s: list[float]) -> None:
    desk = Desk(Sled(minor=0))
    one, two = desk.visitor(), desk.visitor()
    desk.say(one, "SET_LOAD", command_id=1, **load_fields(1000))
    desk.sled.hear(desk.line.pop())  # its answer is lost
    desk.say(two, "SET_LOAD", command_id=1, **load_fields(2000))
    desk.answer()
    now_s[0] += 0.03
    desk.say(one, "SET_LOAD", command_id=1, **load_fields(1000))
    desk.answer()
    assert [fields["pull"]["force_mN"] for _, fields in desk.sled.done] == [1000, 2000]


def test_a_sled_that_remembers_more_gets_more_repeats(now_s: list[float]) -> None:
    desk = Desk(Sled(minor=1))
    one, two = desk.visitor(), desk.visitor()
    desk.say(one, "SET_LOAD", command_id=1, **load_fields(1000))
    desk.sled.hear(desk.line.pop())
    desk.say(two, "SET_LOAD", command_id=1, **load_fields(2000))
    now_s[0] += 0.03
    desk.say(one, "SET_LOAD", command_id=1, **load_fields(1000))
    desk.answer()
    assert [fields["pull"]["force_mN"] for _, fields in desk.sled.done] == [1000, 2000]
    assert [reply.name for reply in desk.heard(one)] == ["LOAD_REPLY"]


def test_nothing_that_was_asked_before_a_stop_acts_after_it(now_s: list[float]) -> None:
    desk = Desk(Sled(minor=1))
    one, two = desk.visitor(), desk.visitor()
    desk.say(one, "ARM", command_id=1)
    desk.line.clear()  # lost on its way
    desk.say(two, "STOP", command_id=1, stop_kind=0)
    now_s[0] += 0.03
    desk.say(one, "ARM", command_id=1)
    desk.answer()
    assert [name for name, _ in desk.sled.done] == ["STOP"]


def test_a_question_may_be_repeated_for_ever(now_s: list[float]) -> None:
    desk = Desk()
    visitor = desk.visitor()
    for _ in range(300):
        now_s[0] += 0.1
        desk.say(visitor, "GET_STATUS", command_id=0)
        desk.answer()
        assert [reply.name for reply in desk.heard(visitor)] == ["STATUS"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 2), st.integers(0, 5)),
        st.tuples(st.just("answer"), st.just(0), st.just(0)),
        st.tuples(st.just("lose"), st.just(0), st.just(0)),
    ),
    max_size=50,
)


@given(STEPS, st.sampled_from([0, 1]))
def test_however_they_interleave_answers_never_cross_and_nothing_is_done_twice(
    steps: list[tuple[str, int, int]], minor: int
) -> None:
    # A value is asked for once: what is done twice would be seen twice.
    now = [100.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broker_module.time, "monotonic", lambda: now[0])
        desk = Desk(Sled(minor))
        visitors = [desk.visitor() for _ in range(3)]
        for what, who, command_id in steps:
            now[0] += 0.03
            if what == "answer":
                desk.answer()
            elif what == "lose":
                del desk.line[:1]
            else:
                value = 100 * who + command_id
                desk.say(visitors[who], "SET_SETTING", command_id=command_id, setting=0, setting_value=value)
        desk.answer()
        done = [fields["setting_value"] for _, fields in desk.sled.done]
        assert len(done) == len(set(done))
        for who, visitor in enumerate(visitors):
            for reply in desk.heard(visitor):
                assert reply.fields["setting_value"] == 100 * who + reply.fields["command_id"]


def test_hello_is_answered_here_and_tells_of_the_larger_ring() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.say(visitor, "HELLO", **HELLO)
    (reply,) = desk.heard(visitor)
    assert not desk.line and reply.fields == {**desk.sled.hello, "sample_count": 1000}


def test_another_version_may_only_stop() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.say(visitor, "HELLO", protocol_major=layout.PROTOCOL_MAJOR + 1, protocol_minor=0)
    desk.say(visitor, "ARM", command_id=1)
    desk.say(visitor, "STOP", command_id=2, stop_kind=0)
    assert [reply.fields.get("result") for reply in desk.heard(visitor)] == [None, RESULTS["WRONG_VERSION"]]
    desk.answer()
    assert [name for name, _ in desk.sled.done] == ["STOP"]


def test_the_prompt_is_refused_and_a_reboot_is_not() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.say(visitor, "ENTER_REPL", command_id=1)
    desk.say(visitor, "REBOOT", command_id=2)
    desk.answer()
    assert [name for name, _ in desk.sled.done] == ["REBOOT"]
    assert [reply.fields["result"] for reply in desk.heard(visitor)] == [RESULTS["UNSUPPORTED"], 0]


def test_a_stop_holds_no_byte_that_interrupts_a_starting_controller() -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk._next_id = 0x0300 - 2
    for command_id in range(5):
        desk.say(visitor, "STOP", command_id=command_id, stop_kind=0)
    assert len(desk.line) == 5 and not any(b"\x03" in frame for frame in desk.line)


def test_only_who_set_the_load_keeps_its_lease() -> None:
    desk = Desk()
    one, two = desk.visitor(), desk.visitor()
    desk.say(one, "SET_LOAD", command_id=1, **load_fields(1000, lease_ms=1000))
    desk.answer()
    desk.heard(one)
    for visitor in (one, two):
        desk.say(visitor, "HEARTBEAT", command_id=2, lease_ms=1000)
    desk.answer()
    assert [name for name, _ in desk.sled.done] == ["SET_LOAD", "HEARTBEAT"]
    assert [reply.fields["result"] for reply in desk.heard(one)] == [0]
    assert [reply.fields["result"] for reply in desk.heard(two)] == [RESULTS["NO_LEASE"]]


def test_a_load_that_was_answered_is_told_once_with_who_asked(now_s: list[float]) -> None:
    desk = Desk()
    told: list[tuple[str, int, str]] = []
    desk.broker.load_answered = lambda by, fields, answer: told.append(
        (by, fields["pull"]["force_mN"], answer.name)
    )
    visitor = desk.visitor()
    desk.say(visitor, "SET_LOAD", command_id=1, **load_fields(1000))
    now_s[0] += 0.03
    desk.say(visitor, "SET_LOAD", command_id=1, **load_fields(1000))
    desk.say(visitor, "GET_STATUS", command_id=2)
    assert len(desk.line) == 3 and not told
    desk.answer()
    assert told == [("command 0", 1000, "LOAD_REPLY")]


def test_a_load_as_no_command_sends_it_is_answered_and_not_told() -> None:
    desk = Desk()
    told: list[str] = []
    desk.broker.load_answered = lambda by, fields, answer: told.append(by)
    visitor = desk.visitor()
    desk.broker.hear(visitor, wire.Frame(layout.KINDS["SET_LOAD"], 0, b"\1\0no load"))
    device_id = int.from_bytes(wire.FrameReader().feed(desk.line.pop())[0].body[:2], "little")
    refusal = {"command_id": device_id, "result": RESULTS["BAD_LENGTH"], "mode": 0, "setting_value": 0}
    (frame,) = wire.FrameReader().feed(wire.encode("REPLY", refusal))
    assert desk.broker.tap(frame) and not told
    assert [reply.fields["result"] for reply in desk.heard(visitor)] == [RESULTS["BAD_LENGTH"]]


def test_who_floods_has_only_so_many_commands_under_way(now_s: list[float]) -> None:
    desk = Desk()
    flood, other = desk.visitor(), desk.visitor()
    for command_id in range(500):
        desk.say(flood, "GET_STATUS", command_id=command_id)
        desk.say(flood, "STOP", command_id=command_id, stop_kind=0)
    assert len(desk.line) == 16, "8 that stop and 8 others"
    desk.say(other, "GET_STATUS", command_id=1)
    assert len(desk.line) == 17
    now_s[0] += 2
    desk.say(flood, "GET_STATUS", command_id=1000)
    assert len(desk.line) == 18, "what was not answered for so long never will be"


def test_a_command_of_an_unplugged_sled_does_not_act_when_it_is_back(now_s: list[float]) -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.say(visitor, "ARM", command_id=1)
    desk.broker.take(Away(1.0, "unplugged"))
    desk.say(visitor, "SET_LOAD", command_id=2, **load_fields(1000))
    desk.line.clear()
    desk.back()
    now_s[0] += 0.1
    desk.say(visitor, "ARM", command_id=1)
    desk.say(visitor, "SET_LOAD", command_id=2, **load_fields(1000))
    assert not desk.line
    desk.say(visitor, "SET_LOAD", command_id=3, **load_fields(1000))
    assert len(desk.line) == 1


def test_a_stop_to_an_unplugged_sled_is_tried_all_the_same(now_s: list[float]) -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.broker.take(Away(1.0, "unplugged"))
    desk.say(visitor, "STOP", command_id=2, stop_kind=0)
    assert len(desk.line) == 1


def test_who_has_gone_gets_no_answer_and_nobody_else_does() -> None:
    desk = Desk()
    one, two = desk.visitor(), desk.visitor()
    desk.say(one, "GET_STATUS", command_id=1)
    desk.broker.leave(one)
    desk.answer()
    assert not one.out and not two.out and not desk.unread


def fault(number: int, faults: int) -> wire.Frame:
    fields = {"sample_index": 1, "fault": number, "mode": 4, "faults": faults}
    return wire.FrameReader().feed(wire.encode("FAULT", fields))[0]


def test_a_fault_is_told_to_all_and_to_who_comes_while_it_is_latched() -> None:
    desk = Desk()
    one = desk.visitor()
    assert not desk.broker.tap(fault(0, 1)), "the server wants to know too"
    assert [message.name for message in desk.heard(one)] == ["FAULT"]
    two = Visitor("late")
    desk.broker.join(two)
    desk.say(two, "HELLO", **HELLO)
    assert [message.name for message in desk.heard(two)] == ["HELLO_REPLY", "FAULT"]
    desk.say(one, "GET_STATUS", command_id=1)
    desk.answer()  # no fault is latched any more
    desk.say(two, "HELLO", **HELLO)
    assert [message.name for message in desk.heard(two)] == ["HELLO_REPLY"]


FRAMES = st.builds(wire.Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=248))
KNOWN = st.builds(
    wire.Frame, st.sampled_from(sorted(layout.KINDS.values())), st.just(0), st.binary(max_size=60)
)


@given(st.lists(FRAMES | KNOWN, max_size=30), st.lists(FRAMES | KNOWN, max_size=30))
def test_no_frame_of_either_side_breaks_it(said: list[wire.Frame], told: list[wire.Frame]) -> None:
    desk = Desk()
    visitor = desk.visitor()
    desk.samples(0, 50)
    for frame in said:
        desk.broker.hear(visitor, frame)
    for frame in told:
        desk.broker.tap(frame)
    visitor.telemetry(100)
    desk.say(desk.visitor(), "STOP", command_id=1, stop_kind=0)
    assert wire.decode(wire.FrameReader().feed(desk.line[-1])[0]).name == "STOP"
