"""A sled made of the wire's own codec, and a desk where visitors talk to it: no port, no thread, no time."""

from typing import Any

from host.batches import Batch
from host.following import Back
from host.session import Device
from host.sharing.broker import Broker
from host.sharing.visitor import Visitor
from protocol import compat, layout, wire
from tests.host.peers import HELLO_FIELDS

NO_LOAD = dict.fromkeys(
    (
        "force_mN",
        "inertia_g",
        "viscous_mN_s_per_m",
        "quadratic_mN_s2_per_m2",
        "stiffness_mN_per_m",
        "speed_cap_mm_per_s",
    ),
    0,
)
HELLO = {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": layout.PROTOCOL_MINOR}
_CHANGING = ("ARM", "SET_LOAD", "CLEAR_FAULT", "SET_SETTING", "SAVE_SETTINGS", "REBOOT")


def load_fields(force_mN: int, lease_ms: int = 0) -> dict[str, Any]:
    load = {**NO_LOAD, "force_mN": force_mN}
    return {"hold": int(lease_ms > 0), "lease_ms": lease_ms, "pull": load, "push": load}


class Sled:
    """Remembers its last answers to commands that change something, as the firmware of that version does."""

    def __init__(self, minor: int = layout.PROTOCOL_MINOR) -> None:
        self.done: list[tuple[str, dict[str, Any]]] = []  #: what it was told and did, without repeats
        self.hello = HELLO_FIELDS | {"protocol_minor": minor}
        self._remembers = 8 if minor else 1
        self._answers: dict[tuple[str, int], bytes] = {}
        self._reader = wire.FrameReader()

    def hear(self, data: bytes) -> list[wire.Frame]:
        """Its answers to what came."""
        out = b""
        for frame in self._reader.feed(data):
            message = wire.decode(frame)
            out += self._answer(message.name, message.fields)
        return wire.FrameReader().feed(out)

    def _answer(self, name: str, fields: dict[str, Any]) -> bytes:
        if name == "HELLO":
            return wire.encode("HELLO_REPLY", self.hello)
        command_id = fields["ping_id" if name == "CLOCK_PING" else "command_id"]
        if name in _CHANGING and (name, command_id) in self._answers:
            return self._answers[name, command_id]
        self.done.append((name, fields))
        if name == "CLOCK_PING":
            return wire.encode("CLOCK_PONG", {"ping_id": command_id, "sample_index": 5, "since_tick_us": 100})
        reply = {"command_id": command_id, "result": 0, "mode": 0}
        if name == "SET_LOAD":
            loads = {side: fields[side] for side in ("pull", "push")}
            answer = wire.encode("LOAD_REPLY", {**reply, "limits": 0, **loads})
        elif name == "GET_STATUS":
            zero = dict.fromkeys(layout.MESSAGES["STATUS"][3], 0)
            plain = {key: value for key, value in zero.items() if "." not in key}
            answer = wire.encode(
                "STATUS", {**plain, "command_id": command_id, "pull": NO_LOAD, "push": NO_LOAD}
            )
        else:
            value = fields.get("setting_value", fields.get("setting", 0))
            answer = wire.encode("REPLY", {**reply, "setting_value": value})
        if name in _CHANGING:
            self._answers[name, command_id] = answer
            while len(self._answers) > self._remembers:
                del self._answers[next(iter(self._answers))]
        return answer


class Desk:
    """A broker between a sled and visitors; what the sled says comes when `answer` is called."""

    def __init__(self, sled: Sled | None = None) -> None:
        self.sled = sled or Sled()
        self.line: list[bytes] = []  #: on its way to the sled
        self.unread: list[wire.Frame] = []  #: for nobody here
        self.broker = Broker(self.write, self.new_id, lambda visitor: None, ring_samples=1000)
        self._next_id = 40_000
        self.visitors: list[Visitor] = []
        for frame in self.sled.hear(wire.encode("HELLO", HELLO)):
            assert not self.broker.tap(frame)

    def write(self, frame: bytes, is_stop: bool) -> None:
        self.line.append(frame)

    def new_id(self) -> int:
        self._next_id = (self._next_id + 1) & 0xFFFF
        return self._next_id

    def visitor(self) -> Visitor:
        visitor = Visitor(f"command {len(self.visitors)}")
        self.visitors.append(visitor)
        self.broker.join(visitor)
        self.say(visitor, "HELLO", **HELLO)
        assert self.heard(visitor)[0].name == "HELLO_REPLY"
        return visitor

    def say(self, visitor: Visitor, name: str, **fields: Any) -> None:
        for frame in wire.FrameReader().feed(wire.encode(name, fields)):
            self.broker.hear(visitor, frame)

    def answer(self) -> None:
        """The sled reads its line and answers."""
        sent, self.line = self.line, []
        for data in sent:
            for frame in self.sled.hear(data):
                if not self.broker.tap(frame):
                    self.unread.append(frame)

    def heard(self, visitor: Visitor) -> list[wire.Received]:
        frames = wire.FrameReader().feed(bytes(visitor.out) + visitor.telemetry(100))
        visitor.out.clear()
        return [wire.decode(frame) for frame in frames]

    def samples(self, first: int, count: int, boot_id: int = 77) -> None:
        self.broker.take(Batch(boot_id, first, wire.Samples(bytes(layout.SAMPLE_BYTES * count))))

    def back(self, has_restarted: bool = False) -> None:
        device = Device("00", "9.8.7", False, 77, compat.check(HELLO_FIELDS), 0.001, 3008, 800.0, 30.0, 8)
        self.broker.take(Back(2.0, 1.0, "x", device, has_restarted, {}))
