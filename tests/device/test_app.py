"""Commands, leases and faults of the whole firmware on a simulated sled, told through the wire."""

import pytest

from device.sled import layout, tick
from protocol import wire
from protocol.settings import SETTINGS
from sim.rig import ESTOP
from tests.device.desk import Desk
from tests.stateful.test_firmware import load

SETTINGS_BY_NAME = {setting.name: setting for setting in SETTINGS}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_load_needs_arming_first(desk: Desk) -> None:
    assert desk.set_load(100_000).fields["result"] == layout.RESULT_NOT_ARMED
    desk.say("ARM")
    assert desk.set_load(100_000).fields["result"] == layout.RESULT_OK


def test_the_answer_carries_the_load_after_clamping_and_its_limits(desk: Desk) -> None:
    desk.say("ARM")
    heavy = load(950_000) | {"inertia_g": 60_000}
    answer = desk.say("SET_LOAD", hold=0, lease_ms=0, pull=heavy, push=load(50_000)).fields
    assert answer["result"] == layout.RESULT_LIMITED
    assert (answer["pull"]["force_mN"], answer["pull"]["inertia_g"]) == (800_000, 45_000)
    assert answer["push"] == load(50_000)
    assert answer["limits"] == 1 << layout.LIMIT_FORCE_MAX | 1 << layout.LIMIT_INERTIA


def test_values_beyond_the_wires_range_change_nothing(desk: Desk) -> None:
    desk.say("ARM")
    desk.set_load(100_000)
    body = wire.encode(
        "SET_LOAD", {"command_id": 9, "hold": 0, "lease_ms": 0, "pull": load(0), "push": load(0)}
    )
    frame = wire.FrameReader().feed(body)[0]
    for force_mN in (-1, 1_000_001, 2**31 - 1, -(2**31)):
        hostile = bytearray(frame.body)
        hostile[5:9] = force_mN.to_bytes(4, "little", signed=True)
        desk.rig.write(wire.encode_frame(frame.kind, 0, bytes(hostile)))
        answer = desk.hear()[0].fields
        assert answer["result"] == layout.RESULT_BAD_VALUE
        assert answer["pull"]["force_mN"] == 100_000
        desk.say("GET_STATUS")  # another command between, so that the next is no repeat
        desk.say("STREAM", enabled=0, sample_index=0)


def test_a_repeated_command_is_answered_but_not_applied_twice(desk: Desk) -> None:
    desk.say("ARM", command_id=5)
    desk.say("SET_LOAD", command_id=6, hold=0, lease_ms=0, pull=load(90_000), push=load(90_000))
    first = desk.say("STOP", command_id=7, stop_kind=layout.STOP_DROP)
    assert desk.rig.app.mode == layout.MODE_IDLE
    desk.say("ARM", command_id=8)
    again = desk.say("ARM", command_id=8)
    assert again.fields["result"] == layout.RESULT_OK and first.name == "REPLY"
    desk.say("SET_LOAD", command_id=9, hold=0, lease_ms=0, pull=load(90_000), push=load(90_000))
    pending = desk.s[tick.CEILING_mN]
    desk.say("SET_LOAD", command_id=9, hold=0, lease_ms=0, pull=load(90_000), push=load(90_000))
    assert desk.s[tick.CEILING_mN] > pending, "a repeat must not close the envelope again"


def test_a_new_host_may_use_the_same_command_ids_again(desk: Desk) -> None:
    desk.say("ARM", command_id=1)
    desk.say("SET_LOAD", command_id=2, hold=0, lease_ms=0, pull=load(50_000), push=load(50_000))
    desk.say("HELLO", protocol_major=1, protocol_minor=0)
    answer = desk.say("SET_LOAD", command_id=2, hold=0, lease_ms=0, pull=load(70_000), push=load(70_000))
    assert answer.fields["pull"]["force_mN"] == 70_000


def test_stop_ramps_the_load_down_and_needs_no_hello() -> None:
    desk = Desk().loaded()
    desk.rig.app.commands._version_matches = False
    assert desk.say("STOP", stop_kind=layout.STOP_RAMP).fields["result"] == layout.RESULT_OK
    desk.rig.step(1100)
    assert desk.rig.app.mode == layout.MODE_IDLE
    assert (desk.s[tick.BRAKE_mN], desk.s[tick.ENABLE]) == (0, 0)


def test_status_shows_the_load_in_force_and_none_once_it_is_gone(desk: Desk) -> None:
    desk.say("ARM")
    desk.set_load(70_000)
    assert desk.say("GET_STATUS").fields["pull"] == load(70_000)
    desk.say("STOP", stop_kind=layout.STOP_DROP)
    status = desk.say("GET_STATUS").fields
    assert set(status["pull"].values()) == set(status["push"].values()) == {0}
    assert status["limits"] == 0


def test_another_major_version_may_only_say_hello_and_stop() -> None:
    desk = Desk(hello=False)
    assert desk.say("HELLO", protocol_major=2, protocol_minor=0).fields["protocol_major"] == 1
    assert desk.say("ARM").fields["result"] == layout.RESULT_WRONG_VERSION
    assert desk.set_load(100_000).fields["result"] == layout.RESULT_WRONG_VERSION
    assert desk.say("STOP", stop_kind=layout.STOP_DROP).fields["result"] == layout.RESULT_OK


def test_a_silent_host_ramps_a_leased_load_down_and_it_stays_down() -> None:
    desk = Desk().loaded(lease_ms=1500)
    for _ in range(8):
        desk.rig.step(500)
        assert desk.say("HEARTBEAT", lease_ms=0).fields["result"] == layout.RESULT_OK
    assert desk.s[tick.ENABLE] == 1
    desk.rig.step(1500 + 1100)
    assert (desk.rig.app.mode, desk.s[tick.ENABLE]) == (layout.MODE_IDLE, 0)
    assert desk.say("HEARTBEAT", lease_ms=0).fields["result"] == layout.RESULT_NO_LEASE
    assert desk.set_load(100_000).fields["result"] == layout.RESULT_NOT_ARMED
    desk.rig.step(500)
    assert desk.s[tick.ENABLE] == 0


def test_a_heartbeat_does_not_save_a_load_that_is_coming_down() -> None:
    desk = Desk().loaded(lease_ms=700)
    desk.rig.step(150)
    assert desk.rig.app.mode == layout.MODE_RAMPING_DOWN
    assert desk.say("HEARTBEAT", lease_ms=0).fields["result"] == layout.RESULT_NO_LEASE


def test_a_lease_may_be_shortened_or_turned_into_a_held_load(desk: Desk) -> None:
    desk.loaded(lease_ms=2000)
    assert desk.say("HEARTBEAT", lease_ms=200).fields["result"] == layout.RESULT_OK
    desk.set_load(100_000)
    desk.rig.step(3000)
    assert desk.s[tick.ENABLE] == 1, "held now"


def test_a_held_load_outlives_its_host_but_not_ten_minutes_at_rest(desk: Desk) -> None:
    desk.say("SET_SETTING", setting=SETTINGS_BY_NAME["hold_s"].number, setting_value=10)
    desk.say("ARM")
    desk.set_load(100_000)
    desk.rig.is_connected = False
    desk.rig.step(9_000)
    assert desk.rig.app.mode == layout.MODE_ARMED
    desk.rig.step(2_500)
    assert desk.rig.app.mode == layout.MODE_IDLE


def test_a_fault_stays_until_its_cause_has_gone_and_it_is_cleared(desk: Desk) -> None:
    desk.loaded()
    desk.rig.switches = ESTOP
    fault = next(m for m in desk.hear(10) if m.name == "FAULT")
    assert fault.fields["fault"] == layout.FAULT_ESTOP
    assert desk.s[tick.ENABLE] == 0
    assert desk.say("ARM").fields["result"] == layout.RESULT_FAULTED
    assert desk.say("CLEAR_FAULT").fields["result"] == layout.RESULT_STILL_PRESENT
    desk.rig.switches = 0
    desk.rig.step(5)
    assert desk.say("ARM").fields["result"] == layout.RESULT_FAULTED, "latched"
    assert desk.say("CLEAR_FAULT").fields["result"] == layout.RESULT_OK
    assert desk.say("ARM").fields["result"] == layout.RESULT_OK


def test_settings_are_clamped_by_their_table_and_locked_while_armed(desk: Desk) -> None:
    number = SETTINGS_BY_NAME["raise_mN_per_s"].number
    assert desk.say("GET_SETTING", setting=number).fields["setting_value"] == 180_000
    bad = desk.say("SET_SETTING", setting=number, setting_value=500_000).fields
    assert (bad["result"], bad["setting_value"]) == (layout.RESULT_BAD_VALUE, 180_000)
    assert desk.say("SET_SETTING", setting=number, setting_value=90_000).fields["setting_value"] == 90_000
    assert desk.say("GET_SETTING", setting=200).fields["result"] == layout.RESULT_UNKNOWN_SETTING
    desk.say("ARM")
    locked = desk.say("SET_SETTING", setting=number, setting_value=180_000).fields
    assert (locked["result"], locked["setting_value"]) == (layout.RESULT_NOT_WHILE_ARMED, 90_000)


@pytest.mark.parametrize("name", ["REBOOT", "ENTER_REPL"])
def test_the_firmware_is_not_left_while_armed(desk: Desk, name: str) -> None:
    desk.say("ARM")
    assert desk.say(name).fields["result"] == layout.RESULT_NOT_WHILE_ARMED
    desk.say("STOP", stop_kind=layout.STOP_DROP)
    boot_id = desk.rig.board.boot_id
    desk.say(name)
    assert desk.rig.board.boot_id != boot_id


def test_unknown_kinds_and_wrong_lengths_are_answered(desk: Desk) -> None:
    desk.rig.write(wire.encode_frame(0x6E, 0, b"\x01\x00"))
    assert desk.hear()[0].fields["result"] == layout.RESULT_UNKNOWN_KIND
    desk.rig.write(wire.encode_frame(layout.KIND_ARM, 0, b"\x02\x00\x00"))
    assert desk.hear()[0].fields["result"] == layout.RESULT_BAD_LENGTH
    assert desk.rig.app.mode == layout.MODE_IDLE


def test_samples_asked_for_again_come_again_and_lost_ones_are_declared(desk: Desk) -> None:
    desk.rig.step(5000)
    desk.say("STREAM", enabled=1, sample_index=0)
    desk.hear(2000)  # until the stream has caught up
    desk.rig.write(wire.encode("RESEND", {"command_id": 900, "sample_index": 4900, "sample_count": 20}))
    again = [m for m in desk.hear(40) if m.name == "TELEMETRY" and m.fields["sample_index"] in (4900, 4917)]
    assert sum(len(m.fields["samples"]) for m in again) == 20
    desk.rig.write(wire.encode("RESEND", {"command_id": 901, "sample_index": 10, "sample_count": 5}))
    lost = next(m for m in desk.hear(40) if m.name == "SAMPLES_LOST")
    assert (lost.fields["sample_index"], lost.fields["sample_count"]) == (10, 5)


def test_clock_pong_names_the_newest_sample(desk: Desk) -> None:
    desk.rig.write(wire.encode("CLOCK_PING", {"ping_id": 77}))
    pong = desk.hear(1)[0]
    assert pong.fields == {
        "ping_id": 77,
        "sample_index": desk.s[tick.SAMPLE_INDEX] - 1,
        "since_tick_us": 1000,
    }


def test_a_sled_on_for_six_days_starts_anew_once_it_is_not_armed(desk: Desk) -> None:
    desk.say("ARM")
    desk.s[tick.SAMPLE_INDEX] = 2**29
    boot_id = desk.rig.board.boot_id
    desk.rig.step(100)
    assert desk.rig.board.boot_id == boot_id
    desk.say("STOP", stop_kind=layout.STOP_DROP)
    desk.rig.step(10)
    assert desk.rig.board.boot_id != boot_id


def test_a_frame_of_a_device_is_never_answered(desk: Desk) -> None:
    desk.rig.write(wire.encode("REPLY", {"command_id": 1, "result": 0, "mode": 0, "setting_value": 0}))
    assert desk.hear(10) == []


def test_the_same_load_sent_again_starts_no_new_ramp(desk: Desk) -> None:
    desk.loaded()
    desk.rig.step(2000)
    assert desk.s[tick.OFFSET_mN] == 0
    desk.set_load(100_000)
    assert desk.s[tick.OFFSET_mN] == 0
    desk.set_load(110_000)
    assert -11_000 <= desk.s[tick.OFFSET_mN] < 0


def test_a_sled_that_is_let_go_is_not_braked_for_slowing_down(desk: Desk) -> None:
    desk.say("ARM")
    for walk in (False, True):
        if walk:
            desk.set_load(0)
        desk.force_N = 90.0
        desk.rig.step(900)
        assert desk.rig.plant.v_m_per_s > 1.0
        desk.force_N = 0.0
        for _ in range(2000):
            desk.rig.step(1)
            assert desk.s[tick.BRAKE_mN] == 0


@pytest.mark.parametrize("cap_mm_per_s", [300, 800, 2000])
@pytest.mark.parametrize("force_N", [300.0, 600.0])
def test_a_speed_cap_that_is_run_into_settles(desk: Desk, cap_mm_per_s: int, force_N: float) -> None:
    # With falls slewed as slowly as rises the brake swung between 75 and 475 N for ever.
    desk.say("ARM")
    capped = load(20_000) | {"speed_cap_mm_per_s": cap_mm_per_s}
    desk.say("SET_LOAD", hold=0, lease_ms=0, pull=capped, push=capped)
    desk.s[tick.CEILING_mN] = desk.s[tick.FORCE_MAX_mN]
    desk.force_N = force_N
    desk.rig.step(2000)
    brakes = set()
    for _ in range(1000):
        desk.rig.step(1)
        brakes.add(desk.s[tick.BRAKE_mN])
    assert max(brakes) - min(brakes) < 20_000
