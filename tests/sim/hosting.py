"""A minimal host for the simulator's tests: what the firmware must hear, as frames of `protocol.wire`."""

import os
import sys
from collections.abc import Callable
from typing import Any

from protocol import wire

# Half of 80 kg on artificial turf: 40 kg * g * 0.33.
HALF_BODY_WEIGHT_mN = 129_449


def load(force_mN: int = HALF_BODY_WEIGHT_mN, inertia_g: int = 40_000, **more: int) -> dict[str, int]:
    """A load of one direction in wire units."""
    return {
        "force_mN": force_mN,
        "inertia_g": inertia_g,
        "viscous_mN_s_per_m": 0,
        "quadratic_mN_s2_per_m2": 0,
        "stiffness_mN_per_m": 0,
        "speed_cap_mm_per_s": 0,
        **more,
    }


HELLO = wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0})


def command(name: str, command_id: int, **fields: Any) -> bytes:
    """One frame."""
    return wire.encode(name, {"command_id": command_id, **fields})


def set_load(force_mN: int = HALF_BODY_WEIGHT_mN, **more: int) -> bytes:
    """HELLO, ARM and a held load, the same in both directions."""
    one = load(force_mN, **more)
    return HELLO + command("ARM", 1) + command("SET_LOAD", 2, hold=0, lease_ms=0, pull=one, push=one)


STREAM = command("STREAM", 3, enabled=1, sample_index=0)


def environment(**more: str) -> dict[str, str]:
    """For another Python process that is to find the same modules."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **more}


class Listener:
    """Decodes what comes and keeps it by name of message."""

    def __init__(self) -> None:
        self.frames = wire.FrameReader()
        self.heard: dict[str, list[dict[str, Any]]] = {}

    def feed(self, data: bytes) -> None:
        for frame in self.frames.feed(data):
            received = wire.decode(frame)
            self.heard.setdefault(received.name, []).append(received.fields)

    def until(self, name: str, read: Callable[[], bytes], tries: int = 10_000) -> dict[str, Any]:
        """Read until a message of that name comes, and take it."""
        for _ in range(tries):
            if self.heard.get(name):
                return self.heard[name].pop(0)
            self.feed(read())
        raise AssertionError(f"no {name} came; heard { ({k: len(v) for k, v in self.heard.items()}) }")

    @property
    def samples(self) -> list[tuple[int, ...]]:
        """All samples, without a gap between them; those of now may come before older ones."""
        samples: list[tuple[int, ...]] = []
        for batch in sorted(self.heard.get("TELEMETRY", []), key=lambda batch: int(batch["sample_index"])):
            assert batch["sample_index"] == len(samples)
            samples += batch["samples"]
        return samples
