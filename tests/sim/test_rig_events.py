"""What can be asked of the rig over time: actions, a stalled main loop, late ticks, a brown-out, a trace."""

from hypothesis import given
from hypothesis import strategies as st

from device.sled import layout
from device.sled import tick as firmware
from sim.people.athlete import ScriptedForce
from sim.rig import Rig, RigConfig
from sim.truth import Moment, Trace
from tests.sim.hosting import STREAM, Listener, command, set_load

MAIN_STALLED = 1 << layout.FAULT_MAIN_STALLED
TICK_OVERRUN = 1 << layout.FAULT_TICK_OVERRUN


def pulling_rig(force_N: float = 200.0) -> Rig:
    """A held load of 129 N, and somebody who pulls harder once it is whole."""
    rig = Rig(RigConfig(), person=ScriptedForce(lambda now_s: force_N if now_s > 4.5 else 0.0))
    rig.write(set_load())
    rig.step(5000)
    assert rig.board.s[firmware.BRAKE_mN] > 80_000
    return rig


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 50))
def test_actions_happen_at_their_tick_and_in_the_order_they_were_asked_for(ticks: list[int], cut: int):
    rig = Rig()
    done: list[tuple[int, int]] = []
    for number, tick in enumerate(ticks):
        rig.schedule(tick, lambda rig, number=number: done.append((rig.ticks, number)))
    while rig.ticks < 60:
        rig.step(cut)
    assert done == sorted((tick, number) for number, tick in enumerate(ticks))


def test_an_action_may_ask_for_the_next_one():
    rig = Rig()
    seen: list[int] = []

    def again(rig: Rig) -> None:
        seen.append(rig.ticks)
        rig.schedule(rig.ticks + 7, again)

    rig.schedule(3, again)
    rig.step(30)
    assert seen == [3, 10, 17, 24]


def test_a_main_loop_that_stalls_for_30_ms_is_no_fault_and_one_of_200_ms_is():
    for stall, faults in ((30, 0), (200, MAIN_STALLED)):
        rig = pulling_rig()
        rig.stall_main(stall)
        rig.step(stall)
        assert rig.board.s[firmware.MAIN_LEFT_ticks] == max(0, 100 - stall)
        rig.step(100)
        assert rig.app.faults() == faults


def test_what_was_sampled_while_the_main_loop_stalled_still_reaches_the_host():
    rig = pulling_rig()
    listener = Listener()
    rig.write(command("STREAM", 3, enabled=1, sample_index=rig.ticks))
    rig.step(10)
    rig.stall_main(80)
    for _ in range(20):
        rig.step(50)
        listener.feed(rig.read(1 << 20))
    batches = listener.heard["TELEMETRY"]
    indexes = [b["sample_index"] + n for b in batches for n in range(len(b["samples"]))]
    assert indexes == list(range(indexes[0], indexes[-1] + 1)) and indexes[-1] > rig.ticks - 40


def test_a_tick_that_is_missing_is_late_once_and_leaves_the_outputs_as_they_were():
    rig = pulling_rig()
    s = rig.board.s
    index, duty = s[firmware.SAMPLE_INDEX], s[firmware.DUTY]
    rig.overrun(5)
    rig.step(5)
    assert (s[firmware.SAMPLE_INDEX], s[firmware.DUTY]) == (index, duty) and rig.driver.force_N > 80
    late = []
    for _ in range(3):
        rig.step(1)
        late.append(s[firmware.LATE_us])
    assert late == [5_000, 0, 0] and s[firmware.SAMPLE_INDEX] == index + 3
    assert not rig.app.faults()  # once may happen; soon again is a fault
    for _ in range(2):
        rig.overrun(3)
        rig.step(4)
    assert rig.app.faults() & TICK_OVERRUN


def test_a_brown_out_drops_the_brake_at_once_and_boots_unarmed_with_another_boot_id():
    rig = pulling_rig()
    boot_id = rig.board.boot_id
    rig.brown_out(100)
    rig.step(50)
    rig.brown_out(100)  # it comes again before the first is over
    assert rig.driver.force_N < 0.01
    rig.step(60)
    assert rig.board.boot_id == boot_id and not rig.cable.is_through  # gone from the host's USB
    rig.cable.is_plugged = False
    rig.step(60)
    assert not rig.cable.is_through
    rig.cable.is_plugged = True
    assert rig.cable.is_through
    assert rig.board.boot_id != boot_id and rig.board.reset_cause == layout.RESET_POWER_ON
    assert rig.app.mode == layout.MODE_IDLE and rig.board.s[firmware.ENABLE] == 0
    x_m = rig.plant.x_m
    rig.step(100)
    assert rig.plant.x_m > x_m  # the world went on, and the counter begins where the sled is
    assert abs(rig.board.s[firmware.POSITION_um] / 1e6) < x_m


def test_a_reboot_during_a_brown_out_ends_it_and_the_power_on_does_not_come_again():
    rig = pulling_rig()
    rig.brown_out(100)
    rig.step(10)
    rig.reboot()
    boot_id = rig.board.boot_id
    rig.step(200)
    assert rig.board.boot_id == boot_id and rig.board.reset_cause == layout.RESET_REBOOT


def test_the_trace_holds_the_truth_every_so_many_ticks_and_changes_nothing():
    plain, traced = (Rig(RigConfig(seed=5, athlete="recreational", lane_m=3.0)) for _ in range(2))
    traced.trace = Trace(5)
    for rig in (plain, traced):
        rig.write(set_load() + STREAM)
        rig.step(6000)
    assert plain.read(1 << 20) == traced.read(1 << 20) and plain.truth == traced.truth
    trace = traced.trace
    assert len(trace) == 1200
    last = trace[-1]
    assert isinstance(last, Moment) and last.time_s == 6.0
    assert (last.x_m, last.v_m_per_s) == (traced.plant.x_m, traced.plant.v_m_per_s)
    assert 0.0 <= min(trace.column("phase")) < max(trace.column("phase")) <= 1.0
    work_J = sum(0.005 * power for power in trace.column("power_W"))
    assert abs(work_J - traced.truth.athlete_J) < 0.02 * traced.truth.athlete_J


def test_stop_works_on_a_host_that_reads_nothing_however_much_it_has_asked():
    """The main loop once read no command while its output was full: STOP waited with the rest."""
    rig = Rig()
    rig.write(set_load() + command("STREAM", 3, enabled=1, sample_index=0))
    rig.step(300)
    rig.read(1 << 20)
    rig.cable.is_host_deaf = True
    rig.step(500)
    for number in range(60):
        rig.write(command("GET_STATUS", 100 + number))
        rig.step(20)
    assert rig.app.mode == layout.MODE_ARMED
    rig.write(command("STOP", 77, stop_kind=layout.STOP_DROP))
    rig.step(20)
    assert rig.app.mode == layout.MODE_IDLE and rig.board.s[firmware.ENABLE] == 0
