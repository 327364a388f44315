"""When flash is written: with the brake off and if something is new; a last load takes no settings along."""

import pytest

from device.sled import layout, storage, tick
from sim.rig import ESTOP, Rig, RigConfig
from tests.device.desk import Desk
from tests.device.storing import (
    DEFAULTS,
    LOAD,
    NUMBERS,
    IDLE_ticks,
    change,
    hold,
    in_force,
    last_load,
    save,
    with_value,
)
from tests.stateful.test_firmware import load


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_same_settings_are_not_written_twice(desk: Desk) -> None:
    for _ in range(3):
        assert save(desk) == layout.RESULT_OK
    assert desk.rig.flash.writes == 1
    desk.rig.reboot()
    desk.say("HELLO", protocol_major=1, protocol_minor=0)
    assert save(desk) == layout.RESULT_OK and desk.rig.flash.writes == 1
    change(desk, trim_max_mN=5_000)
    save(desk)
    change(desk, trim_max_mN=30_000)
    save(desk)
    assert desk.rig.flash.writes == 3


def test_nothing_is_written_until_the_brake_is_off(desk: Desk) -> None:
    change(desk, trim_max_mN=5_000)
    desk.loaded()
    desk.rig.step(500)
    assert save(desk) == layout.RESULT_NOT_WHILE_ARMED
    desk.say("STOP", stop_kind=layout.STOP_RAMP)
    assert desk.rig.app.mode == layout.MODE_RAMPING_DOWN
    assert save(desk) == layout.RESULT_NOT_WHILE_ARMED
    desk.rig.step(1100)
    assert desk.rig.flash.writes == 0
    assert save(desk) == layout.RESULT_OK and desk.rig.flash.writes == 1


def test_a_brake_that_the_tick_has_not_yet_released_keeps_flash_locked(desk: Desk) -> None:
    desk.loaded()
    desk.rig.switches = ESTOP
    app = desk.rig.app
    app.s[tick.FAULTS_MAIN] = 1 << layout.FAULT_ESTOP
    app.look_for_faults()
    assert app.mode == layout.MODE_FAULT and app.s[tick.ENABLE]
    assert not app.storage.may_write()
    desk.rig.step(5)
    assert app.storage.may_write()


def test_flash_is_locked_from_the_moment_of_arming_whatever_the_tick_has_seen(desk: Desk) -> None:
    app = desk.rig.app
    assert app.storage.may_write()
    app.arm()  # and no tick has come yet
    assert not app.s[tick.ENABLE] and not app.storage.may_write()


def test_a_brake_that_is_on_where_it_should_not_be_keeps_flash_locked(desk: Desk) -> None:
    hold(desk, 100_000)
    desk.rig.step(1900)
    for word in (tick.ENABLE, tick.BRAKE_mN):
        desk.s[tick.SAMPLE_INDEX] += 2000
        desk.s[word] = 1
        desk.rig.app.storage.poll()
        desk.s[word] = 0
    assert desk.rig.flash.writes == 0
    desk.rig.app.storage.poll()
    assert desk.rig.flash.writes == 1


def test_a_sled_in_a_fault_may_store_its_settings_and_keeps_its_fault(desk: Desk) -> None:
    desk.rig.switches = ESTOP
    desk.rig.step(10)
    desk.rig.switches = 0
    desk.rig.step(10)
    assert save(desk) == layout.RESULT_OK and desk.rig.flash.writes == 1
    desk.rig.step(10)
    assert desk.rig.app.faults() == 1 << layout.FAULT_ESTOP
    assert desk.say("CLEAR_FAULT").fields["result"] == layout.RESULT_OK
    assert desk.rig.app.faults() == 0


def test_a_tick_that_stood_still_while_flash_was_erased_is_no_fault(desk: Desk) -> None:
    """On the chip each erase and each program stops interrupts; the ticks between them all come late."""
    board = desk.rig.board
    written = board.save_slot

    def save_slot_with_late_ticks(number: int, buffer: bytes, length: int) -> None:
        for _ in range(3):
            board.s[tick.LATE_us] = 45_000
            tick.tick(board.s, board.ring)
        board.s[tick.LATE_us] = 0
        written(number, buffer, length)

    board.save_slot = save_slot_with_late_ticks  # type: ignore[method-assign]
    assert save(desk) == layout.RESULT_OK
    desk.rig.step(10)
    assert (desk.rig.app.faults(), desk.rig.app.mode) == (0, layout.MODE_IDLE)


def test_a_flash_that_does_not_keep_what_is_written_is_answered_and_changes_nothing(desk: Desk) -> None:
    change(desk, trim_max_mN=5_000)
    save(desk)
    flash = desk.rig.flash
    change(desk, trim_max_mN=6_000)
    written = desk.rig.board.save_slot

    def wear_out(number: int, buffer: bytes, length: int) -> None:
        written(number, buffer, length)
        flash.slots[number] = flash.slots[number][:-1] + bytes([flash.slots[number][-1] ^ 1])

    def no_room(number: int, buffer: bytes, length: int) -> None:
        raise OSError(28)

    for broken in (wear_out, no_room):
        desk.rig.board.save_slot = broken  # type: ignore[method-assign]
        assert save(desk) == layout.RESULT_NOT_SAVED
        assert in_force(desk.rig) == with_value("trim_max_mN", 6_000), "in force until the next reset"
    desk.rig.reboot()
    assert in_force(desk.rig) == with_value("trim_max_mN", 5_000)


def test_the_last_held_load_is_stored_once_the_sled_is_idle_and_loaded_without_arming(desk: Desk) -> None:
    hold(desk, 100_000)
    desk.rig.step(1900)
    assert desk.rig.flash.writes == 0
    desk.rig.step(700)
    assert desk.rig.flash.writes == 1
    desk.rig.reboot()
    desk.rig.step(IDLE_ticks)
    assert last_load(desk.rig) == LOAD
    assert (desk.rig.app.mode, desk.s[tick.ENABLE]) == (layout.MODE_IDLE, 0)
    assert tuple(desk.s[tick.PULL : tick.PULL + 12]) == (0,) * 12
    assert desk.rig.flash.writes == 1


def test_the_last_load_is_as_the_sled_limited_it(desk: Desk) -> None:
    desk.say("ARM")
    desk.say("SET_LOAD", hold=0, lease_ms=0, pull=load(950_000), push=load(0))
    assert last_load(desk.rig) == (800_000, 30_000, 0, 0, 0, 0, 10_000, 30_000, 0, 0, 0, 0)


def test_a_leased_or_refused_load_is_not_the_last_load(desk: Desk) -> None:
    hold(desk, 100_000)
    hold(desk, 50_000, lease_ms=1000)
    assert desk.set_load(60_000).fields["result"] == layout.RESULT_NOT_ARMED
    assert last_load(desk.rig) == LOAD


def test_the_same_last_load_is_not_stored_twice(desk: Desk) -> None:
    for force_mN in (100_000, 100_000, 90_000, 100_000):
        hold(desk, force_mN)
        desk.rig.step(IDLE_ticks)
    assert desk.rig.flash.writes == 3


def test_a_load_is_not_stored_while_armed_or_rolling(desk: Desk) -> None:
    desk.say("ARM")
    desk.set_load(100_000)
    desk.rig.step(5000)
    assert desk.rig.flash.writes == 0, "armed"
    desk.say("STOP", stop_kind=layout.STOP_DROP)
    for _ in range(5):
        desk.force_N = 60.0
        desk.rig.step(700)
        desk.force_N = -60.0
        desk.rig.step(700)
    assert desk.rig.app.mode == layout.MODE_IDLE and desk.rig.flash.writes == 0, "rolling"
    desk.force_N = 0.0
    desk.rig.step(20_000)
    assert desk.rig.flash.writes == 1


@pytest.mark.parametrize("is_something_stored", [True, False])
def test_storing_the_last_load_leaves_unsaved_settings_unsaved(desk: Desk, is_something_stored: bool) -> None:
    if is_something_stored:
        change(desk, trim_max_mN=5_000)
        save(desk)
    change(desk, trim_max_mN=6_000, hold_s=20)
    hold(desk, 100_000)
    desk.rig.step(IDLE_ticks)
    assert in_force(desk.rig)[NUMBERS["hold_s"]] == 20, "still in force"
    desk.rig.reboot()
    kept = with_value("trim_max_mN", 5_000) if is_something_stored else DEFAULTS
    assert (in_force(desk.rig), last_load(desk.rig)) == (kept, LOAD)


def test_a_newer_firmwares_settings_are_read_as_far_as_known_and_kept(desk: Desk) -> None:
    newer = (*with_value("trim_max_mN", 5_000), 123, -7)
    desk.rig.flash.slots = [b"", storage.pack(9, newer, ())]
    desk.rig.reboot()
    desk.say("HELLO", protocol_major=1, protocol_minor=0)
    assert in_force(desk.rig) == with_value("trim_max_mN", 5_000)
    hold(desk, 100_000)
    desk.rig.step(IDLE_ticks)
    assert storage.unpack(desk.rig.flash.slots[0]) == (10, newer, LOAD)
    change(desk, trim_max_mN=6_000)
    save(desk)
    assert storage.unpack(desk.rig.flash.slots[1]) == (
        11,
        (*with_value("trim_max_mN", 6_000), 123, -7),
        LOAD,
    )


def test_a_last_load_that_only_another_firmware_knows_is_kept_until_there_is_one(desk: Desk) -> None:
    foreign = (*LOAD, 5, 6)
    desk.rig.flash.slots = [storage.pack(1, DEFAULTS, foreign), b""]
    desk.rig.reboot()
    desk.say("HELLO", protocol_major=1, protocol_minor=0)
    change(desk, trim_max_mN=6_000)
    save(desk)
    assert storage.unpack(desk.rig.flash.slots[1]) == (2, with_value("trim_max_mN", 6_000), foreign)
    hold(desk, 100_000)
    desk.rig.step(IDLE_ticks)
    assert storage.unpack(desk.rig.flash.slots[0]) == (3, with_value("trim_max_mN", 6_000), LOAD)


def test_a_new_rig_has_an_empty_flash_and_a_reset_keeps_it(desk: Desk) -> None:
    save(desk)
    desk.rig.brown_out(20)
    desk.rig.step(50)
    assert any(desk.rig.flash.slots) and not any(Rig(RigConfig()).flash.slots)
