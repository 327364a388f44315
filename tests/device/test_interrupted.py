"""What happens between two lines of the main loop: the tick interrupts it there, as it does on the chip."""

import sys
from typing import Any

import pytest

from device.sled import layout, modes, tick
from protocol import wire
from sim.rig import ESTOP
from tests.device.desk import Desk
from tests.stateful.test_firmware import load


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_arming_after_a_lapse_does_not_see_the_old_lapse_again(desk: Desk) -> None:
    desk.loaded(lease_ms=100)
    desk.rig.step(1500)
    app = desk.rig.app
    assert app.mode == layout.MODE_IDLE and app.faults() & 1 << layout.FAULT_LEASE_LAPSED
    app.arm()
    app.poll()  # before the next tick has come
    assert app.mode in (layout.MODE_ARMED, layout.MODE_LOADING)


def test_a_stalled_main_loop_ramps_the_load_down(desk: Desk) -> None:
    desk.loaded()
    s = desk.s
    for _ in range(1300):
        tick.tick(s, desk.rig.board.ring)
    assert s[tick.FAULTS] & 1 << layout.FAULT_MAIN_STALLED and s[tick.ENABLE] == 0
    desk.rig.step(10)
    assert desk.rig.app.mode == layout.MODE_FAULT and not modes.is_armed(desk.rig.app.mode)


def test_a_flood_of_noise_does_not_keep_the_main_loop_from_its_work(desk: Desk) -> None:
    desk.loaded()
    board = desk.rig.board
    board.readinto = lambda buffer: len(buffer)  # type: ignore[method-assign]
    desk.rig.switches = ESTOP
    for _ in range(20):
        desk.rig.app.poll()
        tick.tick(board.s, board.ring)
        board.s[tick.SWITCHES] = ESTOP
    assert desk.rig.app.mode == layout.MODE_FAULT


def test_a_pass_of_the_main_loop_reads_so_much_at_most_however_many_frames_it_is(desk: Desk) -> None:
    """Counted for each frame, eight frames behind noise each kept the chip for a third of a second."""
    stream = iter((bytes([1]) * 400 + b"\0" + wire.encode("CLOCK_PING", {"ping_id": 1})) * 20)
    taken = 0

    def readinto(buffer: bytearray) -> int:
        nonlocal taken
        piece = bytes(byte for byte, _ in zip(stream, buffer, strict=False))
        buffer[: len(piece)] = piece
        taken += len(piece)
        return len(piece)

    desk.rig.board.readinto = readinto  # type: ignore[method-assign]
    desk.rig.app.poll()
    assert 256 <= taken < 256 + 64


def test_a_drop_is_not_cancelled_by_arming_in_the_same_breath(desk: Desk) -> None:
    desk.loaded()
    desk.rig.write(
        wire.encode("STOP", {"command_id": 700, "stop_kind": layout.STOP_DROP})
        + wire.encode("ARM", {"command_id": 701})
    )
    stopped, armed = desk.hear(3)
    assert stopped.fields["result"] == layout.RESULT_OK
    assert armed.fields["result"] == layout.RESULT_RAMPING_DOWN
    assert desk.s[tick.ENABLE] == 0


def test_a_lapse_just_before_the_command_is_not_overlooked() -> None:
    for name in ("HEARTBEAT", "SET_LOAD"):
        desk = Desk().loaded(lease_ms=1000)
        app = desk.rig.app
        poll = app._update_mode

        def lapse_right_after(poll: Any = poll, s: Any = desk.s) -> None:
            poll()
            s[tick.LEASE_LEFT_ticks] = 0
            tick.tick(s, desk.rig.board.ring)  # noqa: B023 - called within this turn

        app._update_mode = lapse_right_after
        if name == "HEARTBEAT":
            assert desk.say(name, lease_ms=0).fields["result"] == layout.RESULT_NO_LEASE
        else:
            assert desk.set_load(100_000).fields["result"] == layout.RESULT_RAMPING_DOWN


def test_the_tick_never_sees_half_a_load(desk: Desk) -> None:
    """Two loads in one pass, and one tick between any two lines of handing them over, as on the chip."""
    desk.say("ARM")
    s, ring = desk.s, desk.rig.board.ring
    lines = 0
    interrupted = 0
    seen = set()

    def tick_at_one_line(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_name != "take_load":
            return None
        if event == "line":
            lines += 1
            if lines == interrupted:
                tick.tick(s, ring)
                seen.add(tuple(s[tick.PULL : tick.PULL + 12]))
        return tick_at_one_line

    whole = {tuple(s[tick.PULL : tick.PULL + 12])}
    before = sys.gettrace()
    while lines >= interrupted:
        lines = 0
        interrupted += 1
        for half in (0, 1):
            force_mN = 20_000 + 200 * interrupted + 100 * half
            fields = {"hold": 0, "lease_ms": 0, "pull": load(force_mN), "push": load(force_mN)}
            desk.rig.write(wire.encode("SET_LOAD", {"command_id": 2 * interrupted + half} | fields))
            whole.add(tuple([force_mN, 30_000, 0, 0, 0, 0] * 2))
        sys.settrace(tick_at_one_line)
        try:
            desk.rig.app.poll()
        finally:
            sys.settrace(before)
        tick.tick(s, ring)
    assert interrupted > 30 and len(seen) > 20
    assert seen <= whole
