"""How the firmware is left: with its last answer, if anybody reads it, and never by way of the watchdog."""

import pytest

from device.sled import layout, tick
from device.sled.app import App
from protocol import wire
from sim.board import VirtualBoard
from sim.rig import BUTTON_UP
from tests.device.desk import Desk


class Running(VirtualBoard):
    """A board on which time goes on by itself: a tick passes whenever the main loop looks at its clock."""

    left = ""
    starved = 0  # ticks that did not feed the watchdog

    def uptime_ms(self) -> int:
        self.now_ms += 1
        tick.tick(self.s, self.ring)
        self.starved += not self.s[tick.FEED_WATCHDOG]
        return super().uptime_ms()

    def reboot(self) -> None:
        self.left = "reboot"

    def enter_repl(self) -> None:
        self.left = "repl"


@pytest.mark.parametrize(("name", "left"), [("REBOOT", "reboot"), ("ENTER_REPL", "repl")])
@pytest.mark.parametrize("is_read", [True, False])
def test_the_firmware_is_left_whether_anybody_reads_or_not(name: str, left: str, is_read: bool) -> None:
    board = Running(b"12345678", 1, 1)
    app = App(board)
    board.s[tick.BUS_mV] = 48_000
    board.is_connected = is_read
    hello = wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0})
    board.from_host.append(hello + wire.encode(name, {"command_id": 1}))
    app.run()
    assert board.left == left and board.starved == 0
    assert board.now_ms < 20 if is_read else 100 <= board.now_ms < 120
    replies = [wire.decode(frame) for frame in wire.FrameReader().feed(bytes(board.to_host))]
    assert [reply.fields.get("result") for reply in replies] == ([None, layout.RESULT_OK] if is_read else [])


@pytest.fixture
def desk() -> Desk:
    """Nobody takes what the device writes."""
    desk = Desk()
    desk.rig.board.write = lambda buffer, start, end: 0  # type: ignore[method-assign]
    return desk


def test_a_sled_on_its_way_out_arms_no_more(desk: Desk) -> None:
    desk.rig.step(100)
    desk.rig.write(wire.encode("ENTER_REPL", {"command_id": 3}) + wire.encode("ARM", {"command_id": 4}))
    desk.rig.step(5)
    desk.rig.switches = BUTTON_UP
    desk.rig.step(40)
    desk.rig.switches = 0
    desk.rig.step(50)
    assert desk.rig.app.leaving and desk.rig.app.mode == layout.MODE_IDLE


def test_a_sled_on_for_six_days_starts_anew_though_nobody_reads(desk: Desk) -> None:
    boot_id = desk.rig.board.boot_id
    desk.rig.write(wire.encode("GET_STATUS", {"command_id": 3}))
    desk.rig.step(5)
    desk.s[tick.SAMPLE_INDEX] = 2**29
    desk.rig.step(115)
    assert desk.rig.board.boot_id != boot_id


def test_a_simulated_sled_reboots_though_its_host_does_not_read(desk: Desk) -> None:
    boot_id = desk.rig.board.boot_id
    desk.rig.write(wire.encode("REBOOT", {"command_id": 3}))
    desk.rig.step(95)
    assert desk.rig.board.boot_id == boot_id
    desk.rig.step(20)
    assert desk.rig.board.boot_id != boot_id
