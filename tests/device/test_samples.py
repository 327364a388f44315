"""Each tick's sample says what the tick did: every field, in its place in the ring, without a gap."""

import math
from itertools import pairwise

import pytest

from device.sled import layout, tick
from protocol import codes, messages, wire
from tests.device.exact import ExactTick
from tests.device.motion import DrivenTick


def sample(driven: DrivenTick, index: int) -> dict[str, int]:
    """The sample of a tick, by the names of the wire."""
    at = index % tick.RING_SAMPLES * tick.SAMPLE_WORDS
    parsed = messages.SAMPLE.parse(driven.ring[at : at + tick.SAMPLE_WORDS].tobytes())
    return {name: parsed[name] for name in wire.SAMPLE_FIELDS}


FORCES = {"tow_force_dN": tick.TOW_mN, "law_force_dN": tick.LEVEL_mN, "brake_force_dN": tick.BRAKE_mN}


def expected(driven: DrivenTick) -> dict[str, int]:
    """All but the forces."""
    s = driven.s
    flags = s[tick.LIMITS] << codes.SAMPLE_LIMITS_SHIFT | s[tick.MODE] << codes.SAMPLE_MODE_SHIFT
    return {
        "position_um": s[tick.POSITION_um],
        "velocity_mm_per_s": math.floor(s[tick.VELOCITY_mm_per_s_q10] / 1024 + 0.5),
        "sample_flags": flags | (s[tick.DIRECTION] < 0) << codes.SAMPLE_PUSH_BIT,
    }


def to_and_fro(n: int) -> float:
    """Way in m after n ticks: 1.6 m there and back every 4 s."""
    return 0.8 * (1 - math.cos(math.pi * n / 2000))


def test_every_field_of_every_sample_is_what_the_tick_did() -> None:
    driven = DrivenTick()
    driven.set_load(123_456, 30_000, 7_000)
    seen: dict[str, set[int]] = {name: set() for name in wire.SAMPLE_FIELDS}
    for n in range(1, 6000):
        driven.s[tick.MODE] = n // 1500
        driven.tow_force_N = 150.0 * math.sin(math.pi * n / 2000)
        index = driven.s[tick.SAMPLE_INDEX]
        driven.step(to_and_fro(n))
        found = sample(driven, index)
        assert found.items() >= expected(driven).items(), f"sample {index}"
        for name, word in FORCES.items():
            # To the nearest 0.1 N; the shifts that spare a division cost 8 mN.
            assert -58 <= found[name] * 100 - driven.s[word] <= 50, f"{name} of sample {index}"
        for name, value in found.items():
            seen[name].add(value)
    assert min(seen["velocity_mm_per_s"]) < -1000 and max(seen["velocity_mm_per_s"]) > 1000
    assert max(seen["position_um"]) > 2**20 and max(seen["brake_force_dN"]) > 1000
    assert {flags & 1 for flags in seen["sample_flags"]} == {0, 1}
    modes = {flags >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK for flags in seen["sample_flags"]}
    assert modes == {0, 1, 2, 3}


@pytest.mark.parametrize("word", FORCES)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_force_is_sent_as_the_nearest_0_1_N_after_8_mN_are_rounded_down(word: str, sign: int) -> None:
    exact = ExactTick(sign, trim_max_mN=0)
    for force_mN in [*range(0, 1_000, 3), *range(99_900, 100_400, 7), 800_000]:
        exact.load(force_mN)
        exact.braking(force_mN)
        exact.tow_mN = force_mN
        exact.one()
        at = exact[tick.RING_AT] - tick.SAMPLE_WORDS
        parsed = messages.SAMPLE.parse(exact.ring[at : at + tick.SAMPLE_WORDS].tobytes())
        rounded_dN = (exact[FORCES[word]] + 50) // 8 * 8 // 100
        nearly = max(1, rounded_dN * 3e-5) if rounded_dN < 0 or rounded_dN > 2_000 else 0
        assert parsed[word] == pytest.approx(rounded_dN, abs=nearly), f"{force_mN} mN"


def test_ring_and_index_begin_anew_after_their_last() -> None:
    exact = ExactTick()
    exact[tick.RING_AT] = tick.SAMPLE_WORDS * (tick.RING_SAMPLES - 2)
    exact[tick.SAMPLE_INDEX] = 2**30 - 2
    found = []
    for _ in range(3):
        exact.one()
        found.append((exact[tick.RING_AT] // tick.SAMPLE_WORDS, exact[tick.SAMPLE_INDEX]))
    assert found == [(tick.RING_SAMPLES - 1, 2**30 - 1), (0, 0), (1, 1)]


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
