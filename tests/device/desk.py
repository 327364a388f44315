"""A host that speaks one command at a time to a simulated sled, for tests of the whole firmware."""

from typing import Any

from protocol import wire
from sim.people.athlete import ScriptedForce
from sim.rig import Rig, RigConfig
from tests.stateful.test_firmware import load


class Desk:
    """A host that speaks one command at a time to a rig."""

    def __init__(self, hello: bool = True) -> None:
        self.rig = Rig(RigConfig())
        self.force_N = 0.0
        self.rig.person = ScriptedForce(lambda now_s: self.force_N)
        self.reader = wire.FrameReader()
        self.command_id = 0
        if hello:
            self.say("HELLO", protocol_major=1, protocol_minor=0)

    @property
    def s(self) -> Any:
        return self.rig.board.s

    def hear(self, ticks: int = 3) -> list[wire.Received]:
        """Let time pass and read along, as a host with a small buffer does."""
        frames = []
        for start in range(0, ticks, 20):
            self.rig.step(min(20, ticks - start))
            frames += self.reader.feed(self.rig.read(1 << 20))
        return [wire.decode(frame) for frame in frames]

    def say(self, name: str, **fields: Any) -> wire.Received:
        """Send with a new command id; the first answer."""
        if name != "HELLO" and "command_id" not in fields:
            self.command_id += 1
            fields["command_id"] = self.command_id
        self.rig.write(wire.encode(name, fields))
        return next(m for m in self.hear() if m.name != "FAULT")

    def set_load(self, force_mN: int, lease_ms: int = 0) -> wire.Received:
        return self.say(
            "SET_LOAD", hold=1 if lease_ms else 0, lease_ms=lease_ms, pull=load(force_mN), push=load(force_mN)
        )

    def loaded(self, force_mN: int = 100_000, lease_ms: int = 0) -> "Desk":
        """Armed, with that load, and pulled at its pace."""
        self.say("ARM")
        self.set_load(force_mN, lease_ms)
        self.force_N = force_mN / 1000 + 60
        self.rig.step(600)
        self.force_N = force_mN / 1000
        return self
