"""Each fault of time and link really breaks what it names, and can be mended."""

import pytest

from device.sled import tick as firmware
from protocol import codes, wire
from sim.faults import breaking
from sim.faults import table as faults
from sim.rig import Rig
from tests.sim.effects import effect
from tests.sim.hosting import STREAM, Listener, command
from tests.sim.reactions import LEASE_ms, loaded_rig


@pytest.fixture
def rig() -> Rig:
    """At a pace of 1 m/s under a leased load of 129 N."""
    return loaded_rig()


@effect("main_stall")
def test_a_short_stall_comes_again_every_100_ms_and_a_long_one_once(rig):
    left = firmware.MAIN_LEFT_ticks

    def least(ticks: int) -> int:
        lowest = 100
        for _ in range(ticks):
            rig.step(1)
            lowest = min(lowest, rig.board.s[left])
        return lowest

    end = faults.begin(rig, "main_stall", ms=30)
    assert [66 <= least(100) <= 72 for _ in range(3)] == [True] * 3
    end()
    assert least(100) >= 95
    faults.begin(rig, "main_stall", ms=80)
    assert 15 <= least(100) <= 22 and least(300) >= 95
    end = faults.begin(rig, "main_stall", ms=5000)
    rig.step(50)
    end()
    assert least(6) > 40 and least(100) >= 95


@effect("main_stopped")
def test_a_stopped_main_program_answers_nothing_until_it_is_mended(rig):
    end = faults.begin(rig, "main_stopped")
    shorter = faults.begin(rig, "main_stall", ms=40)
    rig.read(1 << 20)
    rig.step(100)
    shorter()
    rig.step(300)  # the watchdog resets it later
    assert rig.in_waiting == 0 and rig.board.s[firmware.MAIN_LEFT_ticks] == 0
    end()
    rig.step(30)
    assert rig.in_waiting > 0 and rig.board.s[firmware.MAIN_LEFT_ticks] > 90


def test_a_stopped_tick_does_not_come_again_because_another_fault_makes_it_late(rig):
    index = rig.board.s[firmware.SAMPLE_INDEX]
    ends = [faults.begin(rig, "tick_stopped"), faults.begin(rig, "tick_overrun", ms=3)]
    rig.step(90)
    ends.pop()()
    rig.step(90)  # the watchdog resets it later
    assert rig.board.s[firmware.SAMPLE_INDEX] == index
    ends.pop()()
    rig.step(10)
    assert rig.board.s[firmware.SAMPLE_INDEX] == index + 10


@pytest.mark.parametrize("before, after", [("main_stopped", "main_stall"), ("tick_stopped", "tick_overrun")])
def test_what_stood_still_before_a_reset_does_not_come_back_with_the_next_fault(rig, before, after):
    faults.begin(rig, before)
    rig.step(100)
    faults.begin(rig, "brown_out", ms=50)
    rig.step(100)
    s = rig.board.s
    index = s[firmware.SAMPLE_INDEX]
    faults.begin(rig, after, ms=20)
    rig.step(95)
    assert s[firmware.SAMPLE_INDEX] > index and s[firmware.MAIN_LEFT_ticks] > 90


@pytest.mark.parametrize("name, what", [("main_stall", "main"), ("tick_overrun", "tick")])
def test_what_comes_again_and_again_holds_one_thing_at_a_time(rig, name, what):
    faults.begin(rig, name)
    rig.step(1000)
    assert len(breaking._HELD[rig][what]) == 1


@effect("tick_overrun")
def test_late_ticks_come_one_after_another(rig):
    index = rig.board.s[firmware.SAMPLE_INDEX]
    end = faults.begin(rig, "tick_overrun", ms=4)
    late = []
    for _ in range(50):
        rig.step(1)
        late.append(rig.board.s[firmware.LATE_us])
    assert rig.board.s[firmware.SAMPLE_INDEX] == index + 10 and set(late[4:]) == {4000}
    end()
    rig.step(50)
    assert rig.board.s[firmware.SAMPLE_INDEX] == index + 60 and rig.board.s[firmware.LATE_us] == 0


@effect("tick_stopped")
def test_a_stopped_tick_leaves_its_outputs_to_the_main_program_which_answers(rig):
    s = rig.board.s
    before = s[firmware.SAMPLE_INDEX], s[firmware.DUTY], s[firmware.ENABLE]
    end = faults.begin(rig, "tick_stopped")
    rig.step(8)
    assert (s[firmware.SAMPLE_INDEX], s[firmware.DUTY], s[firmware.ENABLE]) == before
    assert rig.driver.force_N > 100
    rig.step(92)
    assert (s[firmware.SAMPLE_INDEX], s[firmware.DUTY], s[firmware.ENABLE]) == (before[0], 0, 0)
    listener = Listener()
    rig.write(command("GET_STATUS", 800))
    rig.step(5)
    assert listener.until("STATUS", lambda: rig.read(1 << 20))["sample_index"] == before[0]
    end()
    rig.step(50)
    assert s[firmware.SAMPLE_INDEX] == before[0] + 50


def heard(rig: Rig, ticks: int, every: int = 10) -> tuple[Listener, list[int]]:
    """What a host hears of the stream, and how many bytes came each time it looked."""
    listener = Listener()
    sizes = []
    for _ in range(ticks // every):
        rig.step(every)
        data = rig.read(1 << 20)
        sizes.append(len(data))
        for frame in listener.frames.feed(data):
            listener.heard.setdefault("frame", []).append(frame)
    return listener, sizes


@effect("link_bit_flips", "link_drops", "link_duplicates", "link_swaps", "link_garbage")
@pytest.mark.parametrize(
    "name, part",
    [
        ("link_bit_flips", 1e-4),
        ("link_drops", 0.05),
        ("link_garbage", 0.05),
        ("link_duplicates", 0.1),
        ("link_swaps", 0.05),
    ],
)
def test_a_bad_cable_damages_frames_until_it_is_mended(rig, name, part):
    end = faults.begin(rig, name, part=part)
    listener, _ = heard(rig, 1000)
    assert listener.frames.bad_crc + listener.frames.bad_cobs > 0
    end()
    rig.step(20)
    rig.read(1 << 20)
    listener, _ = heard(rig, 500)
    assert listener.frames.bad_crc + listener.frames.bad_cobs <= 1 and len(listener.heard["frame"]) > 10


@effect("link_splits")
def test_a_splitting_cable_shows_its_bytes_in_odd_pieces(rig):
    end = faults.begin(rig, "link_splits")
    rig.step(20)
    rig.read(1 << 20)
    pieces = []
    for _ in range(20):
        rig.step(20)
        while rig.in_waiting:
            pieces.append(rig.in_waiting)
            rig.read(rig.in_waiting)
    assert len(pieces) > 60 and max(pieces) < 256
    end()
    rig.step(20)
    rig.read(1 << 20)
    rig.step(40)
    assert rig.in_waiting > 256


@effect("link_merges")
def test_a_merging_cable_hands_its_bytes_over_in_lumps(rig):
    end = faults.begin(rig, "link_merges", ms=200)
    _, sizes = heard(rig, 1000)
    assert 3 <= sum(size > 0 for size in sizes) <= 6
    end()
    heard(rig, 100)
    _, sizes = heard(rig, 200)
    assert sum(size > 0 for size in sizes) > 10


@effect("link_delay")
def test_a_slow_cable_brings_the_answer_later(rig):
    def answer_ms() -> int:
        rig.read(1 << 20)
        rig.write(wire.encode("CLOCK_PING", {"ping_id": 1}))
        listener = Listener()
        for ms in range(1000):
            rig.step(1)
            listener.feed(rig.read(1 << 20))
            if listener.heard.get("CLOCK_PONG"):
                return ms
        raise AssertionError("no answer in a second")

    assert answer_ms() < 10
    end = faults.begin(rig, "link_delay", ms=150)
    assert 295 <= answer_ms() <= 325  # both ways
    end()
    rig.step(400)
    assert answer_ms() < 10


@effect("unplug")
def test_a_pulled_plug_loses_both_ways_and_the_board_sees_no_host(rig):
    end = faults.begin(rig, "unplug")
    rig.step(10)
    rig.read(1 << 20)
    assert heard(rig, 200)[1] == [0] * 20 and not rig.board.is_connected
    end()
    rig.step(10)
    assert rig.board.is_connected
    rig.write(STREAM)
    assert sum(heard(rig, 200)[1]) > 1000


@effect("host_death", "host_stops_reading")
@pytest.mark.parametrize("name, is_heard", [("host_death", False), ("host_stops_reading", True)])
def test_a_host_that_is_deaf_takes_nothing_and_a_dead_one_renews_no_lease_either(rig, name, is_heard):
    end = faults.begin(rig, name)
    rig.step(10)
    assert heard(rig, 600)[1] == [0] * 60
    assert (rig.board.s[firmware.LEASE_LEFT_ticks] > LEASE_ms - 260) is is_heard
    end()
    rig.step(10)
    assert sum(heard(rig, 300)[1]) > 1000
    assert rig.board.s[firmware.LEASE_LEFT_ticks] > LEASE_ms - 260
    assert not codes.fault_names(rig.app.faults())
