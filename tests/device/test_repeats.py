"""A command acts once, however often and late its repeats come; STOP acts each time."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sled import layout, tick
from protocol import wire
from sim.rig import ESTOP
from tests.device.desk import Desk
from tests.stateful.training import load

REMEMBERED = 8
HEAVY = {"hold": 0, "lease_ms": 0, "pull": load(300_000), "push": load(300_000)}
NO_STREAM = {"enabled": 0, "sample_index": 0}
CHANGING = st.one_of(
    st.just(("ARM", {})),
    st.builds(
        lambda force_mN, lease_ms: (
            "SET_LOAD",
            {"hold": int(lease_ms > 0), "lease_ms": lease_ms, "pull": load(force_mN), "push": load(50_000)},
        ),
        st.sampled_from((20_000, 100_000, 950_000)),
        st.sampled_from((0, 10_000)),
    ),
    st.just(("CLEAR_FAULT", {})),
    st.builds(
        lambda value: ("SET_SETTING", {"setting": 8, "setting_value": value}),
        st.sampled_from((90_000, 180_000, 2**29)),
    ),
    st.just(("SAVE_SETTINGS", {})),
    st.builds(lambda enabled: ("STREAM", {"enabled": enabled, "sample_index": 0}), st.integers(0, 1)),
)
OTHERS = st.one_of(
    st.builds(lambda kind: ("STOP", {"stop_kind": kind}), st.integers(0, 1)),
    st.just(("HEARTBEAT", {"lease_ms": 0})),
    st.just(("GET_STATUS", {})),
    st.just(("RESEND", {"sample_index": 3, "sample_count": 5})),
    st.builds(lambda switches: ("press", switches), st.sampled_from((0, ESTOP))),
)
#: What is said for the first time, and which of the last eight commands are said again after it.
STEPS = st.lists(
    st.tuples(CHANGING | OTHERS, st.lists(st.integers(0, REMEMBERED - 1), max_size=3)), max_size=25
)


def state(desk: Desk) -> list[Any]:
    """All that a command may have changed."""
    app, s = desk.rig.app, desk.s
    words = (
        s[tick.NEXT_PULL : tick.NEXT_PULL + 12],
        s[tick.SETTINGS_AT : tick.SETTINGS_AT + len(layout.SETTINGS)],
    )
    flash = desk.rig.flash.slots, desk.rig.flash.writes
    return [app.mode, app.faults(), *words, s[tick.LEASED], *flash, app.telemetry.is_streaming]


def say(desk: Desk, frame: bytes) -> bytes:
    """The frame of the answer."""
    desk.rig.write(frame)
    desk.rig.step(10)
    heard = desk.reader.feed(desk.rig.read(1 << 20))
    answers = [each for each in heard if each.kind in (layout.KIND_REPLY, layout.KIND_LOAD_REPLY)]
    return wire.encode_frame(*answers[0]) if answers else b""


def check_that_repeats_change_nothing(steps: Any) -> None:
    """One sled hears everything once, its twin some of it again: they stay the same, and the answers too."""
    once, twice = Desk(), Desk()
    said: list[tuple[bytes, bytes]] = []
    for number, ((name, fields), again) in enumerate(steps):
        if name == "press":
            once.rig.switches = twice.rig.switches = fields
            once.rig.step(10)
            twice.rig.step(10)
        else:
            frame = wire.encode(name, {"command_id": number, **fields})
            answers = [say(desk, frame) for desk in (once, twice)]
            assert answers[0] == answers[1]
            if name not in ("STOP", "HEARTBEAT", "GET_STATUS", "RESEND"):
                said = [*said, (frame, answers[0])][-REMEMBERED:]
        for which in again:
            if which < len(said):
                frame, answer = said[which]
                assert say(twice, frame) == answer
                once.rig.step(10)
        assert state(once) == state(twice)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_was_said_before_and_comes_again_changes_nothing(steps: Any) -> None:
    check_that_repeats_change_nothing(steps)


ARM, SAVE, CLEAR = ("ARM", {}), ("SAVE_SETTINGS", {}), ("CLEAR_FAULT", {})
DROP, ON, OFF = (
    ("STOP", {"stop_kind": 1}),
    ("STREAM", {"enabled": 1, "sample_index": 0}),
    ("STREAM", NO_STREAM),
)


def limit(value: int) -> tuple[str, dict[str, int]]:
    return "SET_SETTING", {"setting": 8, "setting_value": value}


@pytest.mark.parametrize(
    "story",
    [
        [ARM, DROP],
        [ARM, *[("HEARTBEAT", {"lease_ms": 0})] * 20, DROP],
        [("SET_LOAD", HEAVY), ARM],
        [CLEAR, ("press", ESTOP), ("press", 0)],
        [limit(90_000), limit(180_000)],
        [SAVE, limit(90_000)],
        [ON, OFF],
        [ARM, *[limit(180_000)] * 7, DROP],
    ],
    ids=lambda story: " ".join(name for name, _ in story)[:50],
)
def test_the_first_command_of_a_story_comes_again_at_its_end(story: Any) -> None:
    check_that_repeats_change_nothing([*((said, []) for said in story[:-1]), (story[-1], [0])])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_stop_that_comes_again_stops_again(desk: Desk) -> None:
    desk.say("STOP", command_id=7, stop_kind=layout.STOP_DROP)
    desk.say("ARM")
    desk.say("STOP", command_id=7, stop_kind=layout.STOP_DROP)
    assert desk.rig.app.mode == layout.MODE_IDLE


def test_a_question_that_comes_again_is_answered_as_things_are_now(desk: Desk) -> None:
    assert desk.say("GET_STATUS", command_id=7).fields["mode"] == layout.MODE_IDLE
    desk.say("ARM")
    assert desk.say("GET_STATUS", command_id=7).fields["mode"] == layout.MODE_ARMED
    assert desk.say("HEARTBEAT", command_id=8, lease_ms=0).fields["result"] == layout.RESULT_NO_LEASE
    desk.set_load(50_000, lease_ms=1000)
    assert desk.say("HEARTBEAT", command_id=8, lease_ms=0).fields["result"] == layout.RESULT_OK


def test_an_id_that_comes_round_again_is_a_new_command(desk: Desk) -> None:
    desk.say("ARM", command_id=7)
    desk.say("STOP", stop_kind=layout.STOP_DROP)
    desk.s[tick.SAMPLE_INDEX] += 59_000
    desk.say("ARM", command_id=7)
    assert desk.rig.app.mode == layout.MODE_IDLE, "a repeat, if a late one"
    desk.s[tick.SAMPLE_INDEX] += 1_500
    desk.say("ARM", command_id=7)
    assert desk.rig.app.mode == layout.MODE_ARMED


def test_another_command_of_the_same_id_is_another_command(desk: Desk) -> None:
    desk.say("ARM", command_id=7)
    desk.say("SET_LOAD", command_id=7, hold=0, lease_ms=0, pull=load(60_000), push=load(60_000))
    assert desk.s[tick.NEXT_PULL] == 60_000


def test_what_no_version_of_the_host_should_say_is_refused_each_time() -> None:
    desk = Desk(hello=False)
    assert desk.say("ARM", command_id=7).fields["result"] == layout.RESULT_WRONG_VERSION
    desk.say("HELLO", protocol_major=1, protocol_minor=0)
    assert desk.say("ARM", command_id=7).fields["result"] == layout.RESULT_OK
