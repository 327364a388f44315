"""The whole firmware as a machine: commands, hosts, shoves, faults and resets in any order.

After each tick of each step the invariants hold: the brake only acts where the mode table permits it,
its command never steps up, and telemetry never skips a sample.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.sled import layout, modes, tick
from protocol import wire
from protocol.codes import fault_mask
from sim.people.athlete import ScriptedForce
from sim.rig import DRIVER_FAULT, ESTOP, Rig, RigConfig

SLEW_mN = 2000
RAMP_ENDS_ticks = 1100


def load(force_mN: int) -> dict[str, int]:
    return {
        "force_mN": force_mN,
        "inertia_g": 30_000,
        "viscous_mN_s_per_m": 0,
        "quadratic_mN_s2_per_m2": 0,
        "stiffness_mN_per_m": 0,
        "speed_cap_mm_per_s": 0,
    }


class Firmware(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(RigConfig(seed=3))
        self.force_N = 0.0
        self.rig.person = ScriptedForce(lambda now_s: self.force_N)
        self.reader = wire.FrameReader()
        self.command_id = 0
        self.last_brake_mN = 0
        self.next_index = -1
        self.stream_id = -1  # the answer to this command says where the stream begins
        self.boot_id = -1
        self.lease_left = -1  # ticks until a leased load lapses; -1: not leased
        self.silent_ramp = 0  # ticks since the load had to begin to go
        self.ask("HELLO", protocol_major=1, protocol_minor=0)

    # What a host does.

    def ask(self, name: str, **fields: Any) -> dict[str, Any]:
        """Send a command and return the fields of its answer."""
        if name != "HELLO":
            self.command_id = (self.command_id + 1) & 0xFFFF
            fields["command_id"] = self.command_id
        self.rig.write(wire.encode(name, fields))
        for _ in range(20):
            for received in self.step(1):
                if received.fields.get("command_id") == fields.get("command_id") and (
                    name != "HELLO" or received.name == "HELLO_REPLY"
                ):
                    if name == "HELLO":
                        self.boot_id = received.fields["boot_id"]
                        self.next_index = -1
                    return received.fields
        raise AssertionError(f"{name} was not answered")

    def step(self, ticks: int) -> list[wire.Received]:
        """Let time pass tick by tick, checking what must hold at each; returns what the device sent."""
        received = []
        s = self.rig.board.s
        for _ in range(ticks):
            self.rig.step(1)
            if self.rig.board.s is not s:  # rebooted
                s = self.rig.board.s
                self.last_brake_mN = 0
            brake = s[tick.BRAKE_mN]
            assert 0 <= brake <= s[tick.FORCE_MAX_mN]
            assert brake - self.last_brake_mN <= SLEW_mN
            if not s[tick.ENABLE]:
                assert brake == 0 and s[tick.DUTY] == 0
            self.last_brake_mN = brake
            if self.lease_left > 0:
                self.lease_left -= 1
            must_go = self.lease_left == 0 or s[tick.FAULTS] & fault_mask("ramp")
            self.silent_ramp = self.silent_ramp + 1 if must_go else 0
            if self.silent_ramp > RAMP_ENDS_ticks or s[tick.FAULTS] & fault_mask("drop"):
                assert s[tick.ENABLE] == 0
        for frame in self.reader.feed(self.rig.read(1 << 20)):
            message = wire.decode(frame)
            if message.name == "TELEMETRY" and not frame.flags & layout.FLAG_RESENT:
                first = message.fields["sample_index"]
                assert self.next_index in (-1, first), "a sample was skipped without a word"
                self.next_index = first + len(message.fields["samples"])
            elif message.name == "REPLY" and message.fields["command_id"] == self.stream_id:
                self.next_index = message.fields["setting_value"]
            elif message.name == "SAMPLES_LOST":
                self.next_index = message.fields["sample_index"] + message.fields["sample_count"]
            received.append(message)
        return received

    @rule()
    def hello(self) -> None:
        assert self.ask("HELLO", protocol_major=1, protocol_minor=0)["layout_hash"]

    @rule()
    def arm(self) -> None:
        was = self.rig.app.mode
        result = self.ask("ARM")["result"]
        if result == layout.RESULT_OK:
            if was == layout.MODE_IDLE:
                self.lease_left = -1
                self.silent_ramp = 0
        else:
            assert not modes.is_armed(self.rig.app.mode) or self.rig.app.mode == layout.MODE_RAMPING_DOWN

    @rule(force_mN=st.integers(0, 1_000_000), lease_ms=st.sampled_from((0, 0, 200, 1000)))
    def set_load(self, force_mN: int, lease_ms: int) -> None:
        was = self.rig.app.mode
        answer = self.ask(
            "SET_LOAD", hold=1 if lease_ms else 0, lease_ms=lease_ms, pull=load(force_mN), push=load(force_mN)
        )
        if answer["result"] in (layout.RESULT_OK, layout.RESULT_LIMITED):
            assert was in (layout.MODE_ARMED, layout.MODE_LOADING)
            s = self.rig.board.s  # the sled's own friction is felt whatever is allowed
            assert answer["pull"]["force_mN"] <= max(s[tick.FORCE_MAX_mN], s[tick.ROLLING_mN])
            self.lease_left = lease_ms or -1
        else:
            assert was not in (layout.MODE_ARMED, layout.MODE_LOADING) or self.lease_left == 0

    @precondition(lambda self: self.lease_left > 20)
    @rule()
    def heartbeat(self) -> None:
        if self.ask("HEARTBEAT", lease_ms=0)["result"] == layout.RESULT_OK:
            self.lease_left = self.rig.app.lease_ms

    @rule(kind=st.sampled_from((layout.STOP_RAMP, layout.STOP_DROP)))
    def stop(self, kind: int) -> None:
        assert self.ask("STOP", stop_kind=kind)["result"] == layout.RESULT_OK
        self.step(10 if kind == layout.STOP_DROP else RAMP_ENDS_ticks)
        assert self.rig.board.s[tick.ENABLE] == 0

    @rule()
    def clear(self) -> None:
        result = self.ask("CLEAR_FAULT")["result"]
        if result == layout.RESULT_STILL_PRESENT:
            assert self.rig.app.mode == layout.MODE_FAULT
        if result == layout.RESULT_OK:
            self.silent_ramp = 0

    @rule()
    def stream(self) -> None:
        self.stream_id = self.command_id + 1 & 0xFFFF
        self.ask("STREAM", enabled=1, sample_index=0)

    @rule(value=st.integers(0, 2_000_000))
    def change_a_setting(self, value: int) -> None:
        armed = modes.is_armed(self.rig.app.mode)
        answer = self.ask("SET_SETTING", setting=7, setting_value=value)  # force_max_mN
        assert (answer["result"] == layout.RESULT_OK) == (not armed and value <= 1_000_000)

    # What the world does.

    @rule(force_N=st.floats(-400, 400), ticks=st.integers(20, 600))
    def shove(self, force_N: float, ticks: int) -> None:
        self.force_N = force_N
        self.step(ticks)
        self.force_N = 0.0

    @rule(ticks=st.integers(1, 2500))
    def wait(self, ticks: int) -> None:
        self.step(ticks)

    @rule(switch=st.sampled_from((ESTOP, DRIVER_FAULT)))
    def trip(self, switch: int) -> None:
        self.rig.switches = switch
        self.step(10)
        assert self.rig.app.mode == layout.MODE_FAULT
        assert self.rig.board.s[tick.ENABLE] == 0

    @rule()
    def untrip(self) -> None:
        self.rig.switches = 0
        self.step(1)

    @rule(ticks=st.integers(1, 5000))
    def unplug_and_replug(self, ticks: int) -> None:
        boot_id = self.boot_id
        self.rig.is_connected = False
        self.step(ticks)
        self.rig.is_connected = True
        assert self.ask("HELLO", protocol_major=1, protocol_minor=0)["boot_id"] == boot_id

    @rule(noise=st.binary(min_size=1, max_size=600))
    def noise_on_the_line(self, noise: bytes) -> None:
        self.rig.write(noise + b"\0")
        self.step(5)

    @rule()
    def reboot(self) -> None:
        self.rig.reboot()
        self.reader = wire.FrameReader()
        self.last_brake_mN = 0
        self.lease_left = -1
        self.silent_ramp = 0
        boot_id = self.boot_id
        assert self.ask("HELLO", protocol_major=1, protocol_minor=0)["boot_id"] != boot_id
        assert self.rig.board.s[tick.ENABLE] == 0, "after any reset the brake is off until armed again"

    @invariant()
    def the_brake_acts_only_where_the_mode_permits_it(self) -> None:
        if not modes.is_armed(self.rig.app.mode):
            assert self.rig.board.s[tick.ENABLE] == 0

    @invariant()
    def the_brake_never_gave_energy(self) -> None:
        assert self.rig.truth.injected_J == 0.0


TestFirmware = Firmware.TestCase
TestFirmware.settings = settings(max_examples=100, stateful_step_count=40)
