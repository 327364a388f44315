"""Throughput of the host's codec, against Construct, which defines the same messages."""

import time
from collections.abc import Callable

from bench.report import line
from protocol import messages, wire

_SECONDS = 0.3

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
            for _ in range(20):
                action()
            count += 20
        best = max(best, count / taken)
    return best


def measure() -> None:
    """One command out, and telemetry in, which is what the link carries a thousand samples a second of."""
    samples = messages.SAMPLES_PER_FRAME_MAX
    telemetry = wire.encode("TELEMETRY", {"boot_id": 1, "sample_index": 5, "samples": [SAMPLE] * samples})
    body = wire.FrameReader().feed(telemetry)[0].body
    reader = wire.FrameReader()
    construct_set_load = messages.BY_NAME["SET_LOAD"].body
    construct_telemetry = messages.BY_NAME["TELEMETRY"].body

    out = per_second(lambda: wire.encode("SET_LOAD", SET_LOAD))
    reference = per_second(lambda: construct_set_load.build(SET_LOAD))
    line(
        "SET_LOAD to a frame",
        f"{out / 1000:.1f} k/s",
        f"{out / reference:.1f} x Construct, which has no frame",
    )
    back = per_second(lambda: [wire.decode(frame) for frame in reader.feed(telemetry)]) * samples
    reference = per_second(lambda: construct_telemetry.parse(body)) * samples
    line(
        f"telemetry, {samples} samples in a frame",
        f"{back / 1000:.0f} k samples/s",
        f"{back / reference:.0f} x Construct, {back / 1000:.0f} x what a sled sends",
    )
