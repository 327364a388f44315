"""The whole firmware as a machine: commands, hosts, buttons, athletes, faults and resets in any order.

`witness.py` checks each tick: slew, permits, ramps, envelope, modes, samples. Here is what a host is told,
and what the commands and buttons must lead to.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from device.sled import layout, modes, tick
from protocol import wire
from protocol.codes import fault_mask
from protocol.settings import SETTINGS
from protocol.units import LOAD_FIELDS
from sim.faults import table as faults
from sim.faults.switches import press
from sim.rig import DRIVER_FAULT, ESTOP, Rig, RigConfig
from tests.stateful.samples_owed import Owed, Streaming
from tests.stateful.training import (
    BROKEN,
    CHANGEABLE,
    HARMLESS,
    LOADS,
    PACES,
    PRESSES,
    TRAINING,
    FORCES_mN,
    Hand,
    LEASES_ms,
    Training,
    load,
)
from tests.stateful.witness import Witness

RAMP_ENDS_ticks = 1100
ANSWER_ticks = 300  # a main loop may stand still for so long
# What a driver of the wrong kind, which keeps its sign, may put in within one rule: see tests/safety.
INJECTED_MAX_J = 0.03
ARMED = (layout.MODE_ARMED, layout.MODE_LOADING)
RAMP_FAULTS, DROP_FAULTS = fault_mask("ramp"), fault_mask("drop")
ACCEPTED = (layout.RESULT_OK, layout.RESULT_LIMITED)


class Firmware(Streaming):
    @initialize(signed_driver=st.booleans())
    def switch_on(self, signed_driver: bool) -> None:
        self.rig = Rig(RigConfig(seed=3, signed_driver=signed_driver))
        self.hand = Hand()
        self.rig.person = self.hand
        self.witness = Witness(self.rig)
        self.command_id = 0
        self.boot_ids: set[int] = set()
        self.saved = {setting.number: setting.default for setting in SETTINGS}
        self.injected_J = 0.0
        self.stuck: list[faults.End] = []
        self.start()

    # What a host does.

    def start(self) -> None:
        """A controller that has just started is another one, with its brake off and the settings saved."""
        while self.stuck:  # a button that is down at the start does nothing: see tests/device/test_panel.py
            self.stuck.pop()()
        self.boots = self.witness.boots
        self.reader = wire.FrameReader()
        self.owed = Owed()
        self.lease_left = -1  # ticks until a leased load lapses; -1: not leased
        self.must_go = 0  # ticks since the load had to begin to go
        self.held: dict[str, Any] | None = None  # the load in force, if it is held
        boot_id = self.ask("HELLO", protocol_major=1, protocol_minor=0)["boot_id"]
        assert boot_id not in self.boot_ids
        self.boot_ids.add(boot_id)
        assert self.mode not in ARMED and self.rig.board.s[tick.ENABLE] == 0
        for number, value in self.saved.items():
            assert self.rig.board.s[tick.SETTINGS_AT + number] == value
        self.in_force = dict(self.saved)
        self.step(60)  # until the buttons have been seen open

    @property
    def mode(self) -> int:
        return int(self.rig.app.mode)

    def ask(self, name: str, **fields: Any) -> dict[str, Any]:
        """Send a command and return the fields of its answer."""
        if name != "HELLO":
            self.command_id = (self.command_id + 1) & 0xFFFF
            fields["command_id"] = self.command_id
        self.rig.write(wire.encode(name, fields))
        for _ in range(ANSWER_ticks):
            for received in self.step(1):
                if received.fields.get("command_id") == fields.get("command_id") and (
                    name != "HELLO" or received.name == "HELLO_REPLY"
                ):
                    return received.fields
        raise AssertionError(f"{name} was not answered")

    def step(self, ticks: int) -> list[wire.Received]:
        """Let time pass tick by tick, under the eyes of the witness; returns what the device sent."""
        for _ in range(ticks):
            armings = self.witness.armings
            self.witness.step()
            if self.witness.armings != armings:
                self.lease_left, self.held = -1, None
            elif self.lease_left > 0:
                self.lease_left -= 1
            s = self.rig.board.s
            must_go = self.lease_left == 0 or s[tick.FAULTS] & RAMP_FAULTS
            self.must_go = self.must_go + 1 if must_go else 0
            if self.must_go > RAMP_ENDS_ticks or s[tick.FAULTS] & DROP_FAULTS:
                assert s[tick.ENABLE] == 0
        received = []
        for frame in self.reader.feed(self.rig.read(1 << 20)):
            try:
                message = wire.decode(frame)
            except ValueError:
                continue  # cut off by a reset
            self.owed.follow(message)
            received.append(message)
        return received

    @rule()
    def hello(self) -> None:
        assert self.ask("HELLO", protocol_major=1, protocol_minor=0)["boot_id"] in self.boot_ids

    @rule()
    def arm(self) -> None:
        was = self.mode
        self.witness.may_arm = True
        result = self.ask("ARM")["result"]
        self.witness.may_arm = False
        if result == layout.RESULT_OK:
            assert was != layout.MODE_FAULT
        else:
            assert self.mode not in ARMED

    @rule(pull=LOADS, push=LOADS, lease_ms=LEASES_ms, training=TRAINING)
    def set_another_load(
        self, pull: dict[str, int], push: dict[str, int], lease_ms: int, training: Training
    ) -> None:
        self.amid(training)
        self.set_load(pull, push, lease_ms)

    def set_load(self, pull: dict[str, int], push: dict[str, int], lease_ms: int) -> None:
        was = self.mode
        lapsed = self.lease_left == 0
        answer = self.ask("SET_LOAD", hold=bool(lease_ms), lease_ms=lease_ms, pull=pull, push=push)
        if answer["result"] in ACCEPTED:
            assert was in ARMED
            s = self.rig.board.s  # the sled's own friction is felt whatever is allowed
            for way, asked in (("pull", pull), ("push", push)):
                assert answer[way]["force_mN"] <= max(s[tick.FORCE_MAX_mN], s[tick.ROLLING_mN])
                assert all(answer[way][name] <= asked[name] for name in LOAD_FIELDS[2:]), "steeper than asked"
                assert [answer[way][name] for name in LOAD_FIELDS[4:]] == [
                    asked[name] for name in LOAD_FIELDS[4:]
                ]
            self.lease_left = lease_ms or -1
            self.held = None if lease_ms else {way: answer[way] for way in ("pull", "push")}
        else:
            assert was not in ARMED or self.mode not in ARMED or lapsed

    @rule(force_mN=FORCES_mN, lease_ms=LEASES_ms, pace_m_per_s=PACES)
    def train(self, force_mN: int, lease_ms: int, pace_m_per_s: float) -> None:
        """What a session mostly is: whatever was wrong is put right, then somebody walks under load."""
        self.untrip()
        while self.stuck:
            self.stuck.pop()()
        self.step(40)
        self.clear()
        self.arm()
        self.set_load(load(force_mN), load(force_mN), lease_ms)
        self.walk(pace_m_per_s, 500)

    def amid(self, training: Training) -> None:
        """What comes next comes in the midst of it, if anything is given."""
        if training is not None and self.mode != layout.MODE_LOADING:
            self.train(*training)

    @precondition(lambda self: self.lease_left > 20)
    @rule()
    def heartbeat(self) -> None:
        if self.ask("HEARTBEAT", lease_ms=0)["result"] == layout.RESULT_OK:
            self.lease_left = self.rig.app.lease_ms

    @rule(kind=st.sampled_from((layout.STOP_RAMP, layout.STOP_DROP)), training=TRAINING)
    def stop(self, kind: int, training: Training) -> None:
        self.amid(training)
        assert self.ask("STOP", stop_kind=kind)["result"] == layout.RESULT_OK
        self.step(10 if kind == layout.STOP_DROP else RAMP_ENDS_ticks)
        assert self.rig.board.s[tick.ENABLE] == 0

    @rule()
    def clear(self) -> None:
        result = self.ask("CLEAR_FAULT")["result"]
        if result == layout.RESULT_STILL_PRESENT:
            assert self.mode == layout.MODE_FAULT

    @rule(setting=st.sampled_from(CHANGEABLE), part=st.floats(-0.1, 1.1))
    def change_a_setting(self, setting: Any, part: float) -> None:
        value = setting.minimum + round(part * (setting.maximum - setting.minimum))
        answer = self.ask("SET_SETTING", setting=setting.number, setting_value=value)
        fits = setting.minimum <= value <= setting.maximum
        assert (answer["result"] == layout.RESULT_OK) == (fits and not modes.is_armed(answer["mode"]))
        if answer["result"] == layout.RESULT_OK:
            self.in_force[setting.number] = value
        assert answer["setting_value"] == self.in_force[setting.number]

    @rule()
    def save_settings(self) -> None:
        answer = self.ask("SAVE_SETTINGS")
        if modes.is_armed(answer["mode"]):
            assert answer["result"] in (layout.RESULT_NOT_WHILE_ARMED, layout.RESULT_UNSUPPORTED)
        if answer["result"] == layout.RESULT_OK:
            self.saved = dict(self.in_force)

    @rule()
    def reboot_by_command(self) -> None:
        answer = self.ask("REBOOT")
        armed = modes.is_armed(answer["mode"])
        assert answer["result"] == (layout.RESULT_NOT_WHILE_ARMED if armed else layout.RESULT_OK)
        if not armed:
            self.step(20)
            assert self.witness.boots > self.boots
            self.start()

    # What people do at the sled.

    def is_healthy(self) -> bool:
        return not (self.stuck or self.rig.switches or self.rig.app.faults())

    @rule(presses=PRESSES, training=TRAINING)
    def press_buttons(self, presses: list[tuple[str, int]], training: Training) -> None:
        self.amid(training)
        for button, for_ms in presses:
            self.short_press(button, for_ms)

    def short_press(self, button: str, for_ms: int) -> None:
        """One short press, and what it may lead to."""
        was, held, leased = self.mode, self.held, self.lease_left >= 0
        force_mN = self.rig.board.s[tick.NEXT_PULL]
        self.witness.may_arm = button == "up"
        press(self.rig, button, for_ms)
        self.step(for_ms + 50)
        self.witness.may_arm = False
        now_mN = self.rig.board.s[tick.NEXT_PULL]
        if was == layout.MODE_IDLE and self.mode in ARMED:
            assert button == "up" and not self.stuck
        elif was in ARMED and self.mode in ARMED:
            step_mN = self.rig.board.s[tick.BUTTON_STEP_mN]
            assert now_mN - force_mN <= (0 if leased or button == "down" else step_mN)
            if held is not None and self.is_healthy() and button == "up":
                assert now_mN == min(force_mN + step_mN, max(self.rig.board.s[tick.FORCE_MAX_mN], force_mN))
        elif was == layout.MODE_IDLE and button == "up" and self.is_healthy():
            raise AssertionError("a press did not arm a sled in order")
        elif was == layout.MODE_FAULT:
            assert self.mode == layout.MODE_FAULT
        elif was != layout.MODE_RAMPING_DOWN or button == "down":  # which may end before the contact settles
            assert now_mN <= force_mN or self.mode not in ARMED
        if not leased:
            self.held = self.status_load() if self.mode in ARMED else None

    def status_load(self) -> dict[str, Any]:
        """What a host reads; it is held whoever set it."""
        status = self.ask("GET_STATUS")
        assert status["hold"] == 0 or self.mode not in ARMED
        return {way: status[way] for way in ("pull", "push")}

    @rule(buttons=st.sampled_from((("up",), ("down",), ("up", "down"))), training=TRAINING)
    def hold_buttons(self, buttons: tuple[str, ...], training: Training) -> None:
        """STOP, always: after 0.8 s, or at once with both."""
        self.amid(training)
        for button in buttons:
            press(self.rig, button, 1200)
        self.step(100 if len(buttons) == 2 else 870)
        assert self.mode not in ARMED
        self.step(1300)

    @precondition(lambda self: not self.stuck)
    @rule(button=st.sampled_from(("up", "down")), training=TRAINING)
    def a_button_sticks(self, button: str, training: Training) -> None:
        self.amid(training)
        self.stuck.append(faults.begin(self.rig, f"button_{button}_stuck"))
        self.step(900)
        assert self.mode not in ARMED

    @precondition(lambda self: self.stuck)
    @rule()
    def it_comes_free(self) -> None:
        self.stuck.pop()()
        was = self.mode
        self.step(100)
        assert self.mode not in ARMED or was in ARMED

    @rule(force_N=st.floats(-400, 400), ticks=st.integers(20, 600), training=TRAINING)
    def shove(self, force_N: float, ticks: int, training: Training) -> None:
        self.amid(training)
        self.hand.pace_m_per_s, self.hand.force_N = None, force_N
        self.step(ticks)
        self.hand.force_N = 0.0  # let go

    @rule(pace_m_per_s=PACES, ticks=st.integers(100, 1000))
    def walk(self, pace_m_per_s: float, ticks: int) -> None:
        """And go on walking until something else is done to the sled."""
        self.hand.pace_m_per_s = pace_m_per_s
        self.step(ticks)

    @rule(ticks=st.integers(1, 1500))
    def wait(self, ticks: int) -> None:
        self.step(ticks)

    # What breaks.

    @rule(switch=st.sampled_from((ESTOP, DRIVER_FAULT)), training=TRAINING)
    def trip(self, switch: int, training: Training) -> None:
        self.amid(training)
        self.rig.switches |= switch
        self.step(10)
        assert self.mode == layout.MODE_FAULT
        assert self.rig.board.s[tick.ENABLE] == 0

    @rule()
    def untrip(self) -> None:
        self.rig.switches &= ~(ESTOP | DRIVER_FAULT)
        self.step(1)

    @rule(data=st.data(), ticks=st.integers(20, 700), training=TRAINING)
    def something_breaks(self, data: st.DataObject, ticks: int, training: Training) -> None:
        self.amid(training)
        is_safe = not self.rig.config.signed_driver
        mend = faults.begin(self.rig, data.draw(st.sampled_from(HARMLESS + BROKEN * is_safe)))
        self.step(ticks)
        mend()
        self.step(5)
        self.start_if_reset()

    @rule(ticks=st.integers(50, 300), training=TRAINING)
    def the_main_loop_stalls(self, ticks: int, training: Training) -> None:
        self.amid(training)
        self.rig.stall_main(ticks)
        self.step(ticks + 10)
        self.start_if_reset()

    def start_if_reset(self) -> None:
        """Where tick or main loop were away for long, the watchdog may have come."""
        if self.witness.boots > self.boots:
            self.start()

    @rule(ticks=st.integers(1, 3000), training=TRAINING)
    def unplug_and_replug(self, ticks: int, training: Training) -> None:
        self.amid(training)
        self.rig.is_connected = False
        self.step(ticks)
        self.rig.is_connected = True
        self.hello()

    @rule(noise=st.binary(min_size=1, max_size=600))
    def noise_on_the_line(self, noise: bytes) -> None:
        self.rig.write(noise + b"\0")
        self.step(5)

    @rule(how=st.sampled_from(("reset", "brown-out")))
    def reset(self, how: str) -> None:
        if how == "reset":
            self.rig.reboot()
        else:
            self.rig.brown_out(50)
        self.step(60)
        assert self.witness.boots > self.boots
        self.start()

    @invariant()
    def a_lease_is_no_longer_than_its_host_knows(self) -> None:
        s = self.rig.board.s
        if self.mode in ARMED and s[tick.LEASED]:
            assert s[tick.LEASE_LEFT_ticks] <= self.lease_left

    @invariant()
    def the_brake_gives_no_energy(self) -> None:
        injected_J = self.rig.truth.injected_J
        assert injected_J - self.injected_J <= (INJECTED_MAX_J if self.rig.config.signed_driver else 0.0)
        self.injected_J = injected_J


TestFirmware = Firmware.TestCase
TestFirmware.settings = settings(max_examples=60, stateful_step_count=30)
