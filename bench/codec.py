"""The host's codec against Construct, which defines the same messages, and against msgpack and JSON."""

import json
import time
from collections.abc import Callable
from typing import Any

import msgpack

from bench.report import line
from protocol import bulk, layout, messages, wire

_SECONDS = 0.3
_FRAMES = 60  # what a sled sends in a second
# Start, length, two flags, sequence, system, component, three of message id; and a check sum of two:
# https://mavlink.io/en/guide/serialization.html
_MAVLINK_2_BYTES = 12

SAMPLE = (1_234_567, -1_040, 1_294, 1_294, 1_190, 5)
LOAD = {
    "force_mN": 129_400,
    "inertia_g": 40_000,
    "viscous_mN_s_per_m": 0,
    "quadratic_mN_s2_per_m2": 0,
    "stiffness_mN_per_m": 0,
    "speed_cap_mm_per_s": 0,
}
SET_LOAD = {"command_id": 7, "hold": 0, "lease_ms": 0, "pull": LOAD, "push": LOAD}


def per_second(action: Callable[[], object]) -> float:
    """How often `action` runs in a second; the best of three tries."""
    best = 0.0
    for _ in range(3):
        count = 0
        before = time.perf_counter()
        while (taken := time.perf_counter() - before) < _SECONDS:
            for _ in range(5):
                action()
            count += 5
        best = max(best, count / taken)
    return best


def measure() -> None:
    """One command out; telemetry in, a thousand samples a second; and what a sample costs on the line."""
    out = per_second(lambda: wire.encode("SET_LOAD", SET_LOAD))
    construct = messages.BY_NAME["SET_LOAD"].body
    reference = per_second(lambda: construct.build(SET_LOAD))
    line(
        "SET_LOAD to a frame",
        f"{out / 1000:.1f} k/s",
        f"{out / reference:.1f} x Construct, which has no frame",
    )
    _decoding()
    _bytes_per_sample()


def _batch(samples: int) -> dict[str, Any]:
    """TELEMETRY's fields, with samples that differ."""
    drawn = [tuple(value + n for value in SAMPLE) for n in range(samples)]
    return {"boot_id": 1, "sample_index": 123_456, "samples": drawn}


def _json(batch: dict[str, Any]) -> bytes:
    return json.dumps(batch, separators=(",", ":")).encode()


def _decoding() -> None:
    """From the bytes of whole messages to numbers that can be worked with."""
    samples = messages.SAMPLES_PER_FRAME_MAX
    batch = _batch(samples)
    frame = wire.encode("TELEMETRY", batch)
    reader = wire.FrameReader()
    body = reader.feed(frame)[0].body
    raw = b"".join([frame] * _FRAMES)
    construct = messages.BY_NAME["TELEMETRY"].body
    as_msgpack = msgpack.packb(batch)
    as_json = _json(batch)

    def received() -> list[bytes]:
        return [wire.decode(each).fields["samples"].raw for each in reader.feed(raw)]

    def in_bulk() -> object:
        return bulk.to_si(bulk.columns(b"".join(received())))

    one = samples
    many = samples * _FRAMES
    kept = b"".join(received())
    ways: list[tuple[str, int, Callable[[], object]]] = [
        ("Construct, interpreted, without check sum", one, lambda: construct.parse(body)),
        ("JSON, without names or check sum", one, lambda: json.loads(as_json)),
        ("msgpack, without names or check sum", one, lambda: msgpack.unpackb(as_msgpack)),
        ("frames, CRC, tuples", many, lambda: [[*wire.Samples(each)] for each in received()]),
        ("frames, CRC, NumPy columns in SI", many, in_bulk),
        ("frames and CRC alone", many, received),
        ("NumPy columns in SI alone", many, lambda: bulk.to_si(bulk.columns(kept))),
    ]
    reference = 0.0
    for what, count, action in ways:
        speed = per_second(action) * count
        reference = reference or speed
        line(what, f"{speed / 1e6:.2f} M samples/s", f"{speed / reference:.1f} x Construct")


def _bytes_per_sample() -> None:
    """Ours as it is sent; MAVLink 2 computed from its documented frame, of 12 bytes around the payload."""
    for samples in (16, messages.SAMPLES_PER_FRAME_MAX):
        ours = len(wire.encode("TELEMETRY", _batch(samples))) / samples
        payload = messages.BY_NAME["TELEMETRY"].body.build(_named(samples))
        others = {
            "MAVLink 2, the same batch (computed)": (len(payload) + _MAVLINK_2_BYTES) / samples,
            "JSON, lists without names": (len(_json(_batch(samples))) + 1) / samples,
            "JSON, a name for each value": (len(_json(_named(samples))) + 1) / samples,
        }
        line(f"on the line, {samples} samples in a frame", f"{ours:.2f} B a sample", "COBS and CRC included")
        for what, count in others.items():
            line(f"  {what}", f"{count:.2f} B a sample", f"{count / ours:.2f} x ours")
    alone = len(messages.BY_NAME["TELEMETRY"].body.build(_named(1))) + _MAVLINK_2_BYTES
    line("  MAVLink 2, one sample in a message", f"{alone:.2f} B a sample", f"{alone / ours:.2f} x ours")


def _named(samples: int) -> dict[str, Any]:
    batch = _batch(samples)
    named = [dict(zip(layout.SAMPLE_FIELDS, sample, strict=True)) for sample in batch["samples"]]
    return {**batch, "samples": named}
