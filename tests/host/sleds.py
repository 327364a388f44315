"""A sled made of the wire's own codec, for what stands between it and its commands; no port, no time."""

from typing import Any

from protocol import layout, wire
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
_CHANGING = ("ARM", "SET_LOAD", "CLEAR_FAULT", "SET_SETTING", "SAVE_SETTINGS", "REBOOT")


def load_fields(force_mN: int, lease_ms: int = 0) -> dict[str, Any]:
    load = {**NO_LOAD, "force_mN": force_mN}
    return {"hold": int(lease_ms > 0), "lease_ms": lease_ms, "pull": load, "push": load}


class Sled:
    """Remembers its last answers to commands that change something, as the firmware does."""

    def __init__(self, remembers: int = 1, **hello_fields: Any) -> None:
        self.done: list[tuple[str, dict[str, Any]]] = []  #: what it was told and did, without repeats
        self._remembers = remembers
        self._hello = HELLO_FIELDS | hello_fields
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
            return wire.encode("HELLO_REPLY", self._hello)
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
