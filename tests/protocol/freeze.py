"""`make release`: freezes the protocol's present version, spoken by the real firmware on a simulated sled."""

import sys
from typing import Any

from device.sled import layout
from protocol import release, wire
from protocol.shapes import canonical_text
from sim.rig import ESTOP, Rig, RigConfig
from tests.sim.reactions import Hauler

ANSWER_ms = 6
LOAD = {
    "force_mN": 950_000,  # more than the sled can make, so that the answer is another
    "inertia_g": 40_000,
    "viscous_mN_s_per_m": 10_000,
    "quadratic_mN_s2_per_m2": 2_000,
    "stiffness_mN_per_m": 60_000,
    "speed_cap_mm_per_s": 3_000,
}
LIGHT = dict.fromkeys(LOAD, 0) | {"force_mN": 60_000}


class Recorder:
    """A host that notes every frame of both ways, and when the emergency stop was pressed."""

    def __init__(self) -> None:
        self.rig = Rig(RigConfig(seed=5), person=Hauler(start_s=1.0))
        self.said: list[release.Said] = []
        self._reader = wire.FrameReader()
        self._id = 0

    def wait(self, ms: int) -> None:
        """Let time pass and note what the device says."""
        for _ in range(ms):
            self.rig.step(1)
            for frame in self._reader.feed(self.rig.read(1 << 20)):
                self._note(False, frame, wire.encode_frame(*frame))

    def say(self, name: str, **fields: Any) -> None:
        """Send a command with the next id, and wait for its answer."""
        if name not in ("HELLO", "CLOCK_PING"):
            self._id += 1
            fields = {"command_id": self._id, **fields}
        self.send(wire.encode(name, fields))

    def send(self, data: bytes) -> None:
        self._note(True, wire.FrameReader().feed(data)[0], data)
        self.rig.write(data)
        self.wait(ANSWER_ms)

    def press(self, switches: int) -> None:
        self.said.append(release.Said(self.rig.ticks, False, b"", "", 0, {}, switches))
        self.rig.switches = switches
        self.wait(ANSWER_ms)

    def _note(self, to_device: bool, frame: wire.Frame, data: bytes) -> None:
        try:
            name, fields = wire.decode(frame)
        except ValueError:
            name, fields = "", {}
        self.said.append(
            release.Said(self.rig.ticks, to_device, data, name, frame.flags, release.plain(fields), None)
        )


def recorded() -> tuple[release.Said, ...]:
    """Every message at least once, with most results, and the same bytes each time."""
    host = Recorder()
    host.wait(200)
    version = {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": layout.PROTOCOL_MINOR}
    host.say("HELLO", **version)
    for setting in (0, 3, 200):
        host.say("GET_SETTING", setting=setting)
    for value in (-1, 100_000):
        host.say("SET_SETTING", setting=3, setting_value=value)
    host.say("SAVE_SETTINGS")
    host.say("HEARTBEAT", lease_ms=0)
    host.say("SET_LOAD", hold=0, lease_ms=0, pull=LOAD, push=LIGHT)
    host.say("ARM")
    host.say("SET_LOAD", hold=0, lease_ms=0, pull=LOAD, push=LIGHT)
    host.say("SET_LOAD", hold=1, lease_ms=2000, pull=LIGHT, push=LIGHT)
    host.say("HEARTBEAT", lease_ms=3000)
    for name in ("SAVE_SETTINGS", "ENTER_REPL", "REBOOT"):
        host.say(name)
    host.send(wire.encode_frame(0x6E, 0, b"\xff\x0f"))
    host.send(wire.encode_frame(layout.KIND_ARM, 0, b"\xfe\x0f\x00"))
    host.wait(1800)
    host.say("GET_STATUS")
    host.say("CLOCK_PING", ping_id=77)
    host.say("STREAM", enabled=1, sample_index=2**30 - 1)
    host.wait(50)
    host.say("RESEND", sample_index=1500, sample_count=20)
    host.wait(20)
    host.say("STREAM", enabled=0, sample_index=0)
    host.say("STOP", stop_kind=layout.STOP_RAMP)
    host.say("ARM")
    host.wait(1100)
    host.press(ESTOP)
    host.say("ARM")
    host.say("CLEAR_FAULT")
    host.say("GET_STATUS")
    host.press(0)
    host.say("CLEAR_FAULT")
    host.say("RESEND", sample_index=3, sample_count=20)
    host.say("RESEND", sample_index=2**30 - 1, sample_count=20)
    host.say("STOP", stop_kind=layout.STOP_DROP)
    host.say("HELLO", **version | {"protocol_major": 99})
    host.say("ARM")
    host.say("HELLO", **version)
    host.say("REBOOT")
    host.say("HELLO", **version)
    return tuple(host.said)


def main() -> int:
    """Exit code: 0 frozen, 1 released already."""
    now = release.Release(layout.PROTOCOL_MAJOR, layout.PROTOCOL_MINOR, canonical_text(), recorded())
    try:
        folder = release.write(now)
    except FileExistsError:
        print(
            f"protocol {now.version} is released and never changes: raise PROTOCOL_MINOR in "
            "protocol/messages.py, then `make generate`",
            file=sys.stderr,
        )
        return 1
    print(f"protocol {now.version}, layout {now.layout_hash:08x}, is frozen in {folder.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
