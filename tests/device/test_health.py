"""When a firmware tells its board that it runs well, and what it waits for on trial."""

import os
from pathlib import Path

import pytest

from device.sled import health, layout, tick
from sim.rig import ESTOP
from tests.device.desk import Desk

ON_TRIAL = 1 << layout.DEVICE_ON_TRIAL
SLOT_B = 1 << layout.DEVICE_SLOT_B


class Newcomer(Desk):
    """A desk whose board counts how often it is told, on trial or not."""

    def __init__(self, hello: bool = True, is_on_trial: bool = True) -> None:
        super().__init__(hello=False)
        self.told_at: list[int] = []
        board = self.rig.board
        board.flags = is_on_trial and SLOT_B | ON_TRIAL
        board.build_id = b"\x4d\x3c\x2b\x1a"
        board.confirm = self.confirm  # type: ignore[method-assign]
        if hello:
            self.greeted = self.greet()

    def greet(self) -> dict[str, int]:
        return self.say("HELLO", protocol_major=1, protocol_minor=layout.PROTOCOL_MINOR).fields

    def confirm(self) -> None:
        self.told_at.append(self.s[tick.SAMPLE_INDEX])


def test_a_firmware_that_is_not_on_trial_runs_well_after_two_seconds_of_ticks() -> None:
    desk = Newcomer(hello=False, is_on_trial=False)
    desk.rig.step(1999)
    assert desk.told_at == []
    desk.rig.step(3000)
    assert desk.told_at == [2000]


def test_one_on_trial_must_have_answered_a_hello_too() -> None:
    desk = Newcomer(hello=False)
    desk.rig.step(5000)
    assert desk.told_at == []
    assert desk.greet()["device_flags"] == SLOT_B | ON_TRIAL
    desk.rig.step(3000)
    assert len(desk.told_at) == 1
    assert desk.greet()["device_flags"] == SLOT_B


def test_a_hello_alone_is_not_enough() -> None:
    desk = Newcomer()
    desk.rig.step(1900)
    assert desk.told_at == []


def test_nothing_is_written_while_the_brake_may_be_on_or_the_sled_rolls() -> None:
    desk = Newcomer()
    desk.say("ARM")
    desk.rig.step(3000)
    assert desk.s[tick.STILL_TICKS] > 2000 and desk.told_at == [], "armed"
    desk.loaded()
    desk.rig.step(1000)
    assert desk.s[tick.ENABLE] and desk.told_at == []
    desk.force_N = 0.0
    desk.say("STOP", stop_kind=layout.STOP_DROP)
    desk.rig.step(50)
    assert not desk.s[tick.ENABLE] and not desk.s[tick.STILL_TICKS] and desk.told_at == [], "it rolls"
    desk.rig.step(20_000)
    assert len(desk.told_at) == 1


def test_the_sled_has_to_stand_for_half_a_second() -> None:
    desk = Newcomer(hello=False)
    desk.rig.step(3000)
    desk.s[tick.STILL_TICKS] = 0
    desk.greet()
    desk.rig.step(1000)
    assert desk.told_at == [3500]


def test_a_board_with_nothing_connected_is_in_a_fault_and_runs_well_all_the_same() -> None:
    desk = Newcomer()
    desk.rig.switches = ESTOP
    desk.rig.step(1000)
    desk.rig.switches = 0
    desk.rig.step(2000)
    assert desk.rig.app.mode == layout.MODE_FAULT and len(desk.told_at) == 1
    desk.rig.step(10)
    assert desk.rig.app.faults() == 1 << layout.FAULT_ESTOP, "and forgets no fault of it"


def test_a_flash_that_takes_nothing_is_a_fault_told_once_and_the_trial_goes_on() -> None:
    desk = Newcomer()
    calls = 0

    def broken() -> None:
        nonlocal calls
        calls += 1
        raise OSError(28)

    desk.rig.board.confirm = broken  # type: ignore[method-assign]
    desk.rig.step(4000)
    assert calls == 1
    assert desk.rig.app.faults() == 1 << layout.FAULT_NOT_SAVED
    assert desk.greet()["device_flags"] == SLOT_B | ON_TRIAL


def test_the_tick_that_stands_still_meanwhile_makes_no_fault() -> None:
    desk = Newcomer()
    board = desk.rig.board

    def with_late_ticks() -> None:
        for _ in range(3):
            board.s[tick.LATE_us] = 45_000
            tick.tick(board.s, board.ring)  # type: ignore[no-untyped-call]
        board.s[tick.LATE_us] = 0

    board.confirm = with_late_ticks  # type: ignore[method-assign]
    desk.rig.step(3000)
    assert not board.flags & ON_TRIAL and desk.rig.app.faults() == 0


def test_hello_reply_carries_the_build_to_a_host_that_knows_of_it() -> None:
    desk = Newcomer()
    assert desk.greeted["build_id"] == 0x1A2B3C4D
    older = desk.say("HELLO", protocol_major=1, protocol_minor=1).fields
    assert "build_id" not in older and older["mass_g"] == desk.greeted["mass_g"]


@pytest.mark.skipif(os.name != "posix", reason="renames over a file, as the chip's file system does")
@pytest.mark.parametrize("slot", ["a", "b"])
def test_the_choice_is_replaced_as_one_step(
    slot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SLOT_FILE", str(tmp_path / "slot"))
    (tmp_path / "slot").write_text("a b2")
    kept = (tmp_path / "slot").open()
    health.make_good(slot)  # type: ignore[no-untyped-call]
    assert kept.read() == "a b2", "the old file was not written to"
    assert [path.name for path in tmp_path.iterdir()] == ["slot"]
    assert (tmp_path / "slot").read_text() == slot
