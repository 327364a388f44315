"""Each tick's sample says what the tick did: every field, in its place in the ring, without a gap."""

import math
from itertools import pairwise

import pytest

from device.sled import layout, tick
from protocol import codes, messages, wire
from tests.device.motion import DrivenTick


def sample(driven: DrivenTick, index: int) -> dict[str, int]:
    """The sample of a tick, by the names of the wire."""
    at = index % tick.RING_SAMPLES * tick.SAMPLE_WORDS
    parsed = messages.SAMPLE.parse(driven.ring[at : at + tick.SAMPLE_WORDS].tobytes())
    return {name: parsed[name] for name in wire.SAMPLE_FIELDS}


def tenths(force_mN: int) -> int:
    """mN as the nearest 0.1 N, halves up."""
    return math.floor(force_mN / 100 + 0.5)


def expected(driven: DrivenTick) -> dict[str, int]:
    s = driven.s
    flags = s[tick.LIMITS] << codes.SAMPLE_LIMITS_SHIFT | s[tick.MODE] << codes.SAMPLE_MODE_SHIFT
    return {
        "position_um": s[tick.POSITION_um],
        "velocity_mm_per_s": math.floor(s[tick.VELOCITY_mm_per_s_q10] / 1024 + 0.5),
        "tow_force_dN": tenths(s[tick.TOW_mN]),
        "law_force_dN": tenths(s[tick.LEVEL_mN]),
        "brake_force_dN": tenths(s[tick.BRAKE_mN]),
        "sample_flags": flags | (s[tick.DIRECTION] < 0) << codes.SAMPLE_PUSH_BIT,
    }


def to_and_fro(n: int) -> float:
    """Way in m after n ticks: 1.6 m there and back every 4 s."""
    return 0.8 * (1 - math.cos(math.pi * n / 2000))


def test_every_field_of_every_sample_is_what_the_tick_did() -> None:
    driven = DrivenTick()
    driven.set_load(123_456, 30_000, 7_000)
    seen: dict[str, set[int]] = {name: set() for name in expected(driven)}
    for n in range(1, 6000):
        driven.s[tick.MODE] = n // 1500
        driven.tow_force_N = 150.0 * math.sin(math.pi * n / 2000)
        index = driven.s[tick.SAMPLE_INDEX]
        driven.step(to_and_fro(n))
        found = sample(driven, index)
        assert found == expected(driven), f"sample {index}"
        for name, value in found.items():
            seen[name].add(value)
    assert min(seen["velocity_mm_per_s"]) < -1000 and max(seen["velocity_mm_per_s"]) > 1000
    assert max(seen["position_um"]) > 2**20 and max(seen["brake_force_dN"]) > 1000
    assert {flags & 1 for flags in seen["sample_flags"]} == {0, 1}
    modes = {flags >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK for flags in seen["sample_flags"]}
    assert modes == {0, 1, 2, 3}


def test_the_index_goes_up_by_one_and_the_ring_keeps_the_last_3072() -> None:
    driven = DrivenTick()
    first = driven.s[tick.SAMPLE_INDEX]
    for n in range(1, tick.RING_SAMPLES + 100):
        driven.step(n * 0.001)
        assert driven.s[tick.SAMPLE_INDEX] == first + n
        assert driven.s[tick.RING_AT] == (first + n) % tick.RING_SAMPLES * tick.SAMPLE_WORDS
    newest = driven.s[tick.SAMPLE_INDEX] - 1
    ways = [sample(driven, newest - back)["position_um"] for back in range(tick.RING_SAMPLES)]
    assert all(later - earlier == pytest.approx(1000, abs=150) for later, earlier in pairwise(ways))


def test_a_sample_has_the_width_of_the_wire_and_the_ring_holds_three_seconds() -> None:
    assert 2 * tick.SAMPLE_WORDS == layout.SAMPLE_BYTES == messages.SAMPLE.sizeof()
    assert len(DrivenTick().ring) == tick.SAMPLE_WORDS * tick.RING_SAMPLES
    assert tick.RING_SAMPLES == 3072, "the figure of HELLO_REPLY and of the memory on the chip"
