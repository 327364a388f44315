"""What a load may be and when a slow reading is a fault: each bound from both sides, to the last mN."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import guard
from protocol.codes import fault_names, limit_names

FORCE_MAX_mN = 300_000
ROLLING_mN = 10_000
BARE_g = 30_000
#: Nothing the check may read or write; as far on as an index can go wrong.
BESIDE = -7


def clamped(load: list[int], at: int = 0, bare_g: int = BARE_g) -> tuple[list[int], list[str]]:
    """The load after the check, and the names of its limits; the words around it must stay."""
    s = [BESIDE] * at + load + [BESIDE] * 20
    bits = guard.clamp_load(s, at, FORCE_MAX_mN, ROLLING_mN, bare_g)
    assert set(s[:at] + s[at + 6 :]) == {BESIDE}, "a word beside the load was written"
    return s[at : at + 6], limit_names(bits)


@pytest.mark.parametrize("at", [0, 6, 9])
@pytest.mark.parametrize(
    ("load", "expected", "limits"),
    [
        # The greatest force.
        ([300_000, 30_000, 0, 0, 0, 0], [300_000, 30_000, 0, 0, 0, 0], []),
        ([300_001, 30_000, 0, 0, 0, 0], [300_000, 30_000, 0, 0, 0, 0], ["force_max"]),
        # The sled's own friction, and then its own mass: the brake stays off.
        ([10_000, 30_000, 0, 0, 0, 0], [10_000, 30_000, 0, 0, 0, 0], []),
        ([9_999, 30_000, 0, 0, 0, 0], [10_000, 30_000, 0, 0, 0, 0], ["own_friction"]),
        ([0, 30_000, 0, 0, 0, 1_200], [10_000, 30_000, 0, 0, 0, 1_200], ["own_friction"]),
        ([9_999, 29_999, 0, 0, 0, 0], [10_000, 30_000, 0, 0, 0, 0], ["own_friction", "inertia"]),
        ([9_999, 45_000, 0, 0, 0, 0], [10_000, 45_000, 0, 0, 0, 0], ["own_friction"]),
        # A load that grows with speed or way starts below the friction, and soon passes it.
        ([9_999, 20_000, 1, 0, 0, 0], [9_999, 20_000, 1, 0, 0, 0], ["own_friction"]),
        ([9_999, 20_000, 0, 1, 0, 0], [9_999, 20_000, 0, 1, 0, 0], ["own_friction"]),
        ([9_999, 20_000, 0, 0, 1, 0], [9_999, 20_000, 0, 0, 1, 0], ["own_friction"]),
        ([0, 19_999, 0, 0, 1, 0], [0, 20_000, 0, 0, 1, 0], ["own_friction", "inertia"]),
        # A mass up to half as much again, or two thirds of it.
        ([50_000, 45_000, 0, 0, 0, 0], [50_000, 45_000, 0, 0, 0, 0], []),
        ([50_000, 45_001, 0, 0, 0, 0], [50_000, 45_000, 0, 0, 0, 0], ["inertia"]),
        ([50_000, 20_000, 0, 0, 0, 0], [50_000, 20_000, 0, 0, 0, 0], []),
        ([50_000, 19_999, 0, 0, 0, 0], [50_000, 20_000, 0, 0, 0, 0], ["inertia"]),
        ([400_000, 0, 7, 8, 9, 10], [300_000, 20_000, 7, 8, 9, 10], ["force_max", "inertia"]),
    ],
)
def test_each_part_of_a_load_is_brought_to_what_the_sled_can_render(
    at: int, load: list[int], expected: list[int], limits: list[str]
) -> None:
    assert clamped(load, at) == (expected, limits)


@pytest.mark.parametrize(("mass_g", "felt_g"), [(20_000, 20_001), (20_001, 20_001), (45_002, 45_001)])
def test_a_part_of_an_odd_mass_is_rounded_towards_the_sleds_own(mass_g: int, felt_g: int) -> None:
    assert clamped([50_000, mass_g, 0, 0, 0, 0], bare_g=30_001)[0][1] == felt_g


#: 50 N s/m for each kg: 1.5 kN s/m; the rest of it is left to 2*sqrt(c*F_max), with 301 N to round down.
@pytest.mark.parametrize(
    ("b", "c", "expected"),
    [
        (1_500_000, 0, (1_500_000, 0, [])),
        (1_500_001, 0, (1_500_000, 0, ["range"])),
        (9_000_000, 0, (1_500_000, 0, ["range"])),
        (0, 1_868_700, (0, 1_868_700, [])),
        (1, 9_000_000, (1, 1_863_700, ["range"])),  # 749 N s/m and a bit, halved and rounded down
        (0, 1_868_701, (0, 1_868_700, ["range"])),
        (900_000, 299_000, (900_000, 299_000, [])),
        (900_000, 299_001, (900_000, 299_000, ["range"])),
        (1_498_000, 1, (1_498_000, 0, ["range"])),
        (1_480_000, 300, (1_480_000, 300, [])),
        (1_480_000, 301, (1_480_000, 300, ["range"])),
        (2_000_000, 5, (1_500_000, 0, ["range"])),
    ],
)
def test_a_law_is_no_steeper_than_the_sled_can_follow(
    b: int, c: int, expected: tuple[int, int, list[str]]
) -> None:
    load, limits = clamped([50_000, 30_000, b, c, 0, 0])
    assert (load[2], load[3], limits) == expected
    assert load[:2] == [50_000, 30_000]


def test_the_greatest_force_counts_there_in_whole_newtons_and_one_more() -> None:
    for force_max_mN, most in [(299_999, 1_875_000), (300_000, 1_868_700)]:
        s = [50_000, 30_000, 0, 9_000_000, 0, 0]
        guard.clamp_load(s, 0, force_max_mN, ROLLING_mN, BARE_g)
        assert s[3] == most


LOADS = st.tuples(
    st.integers(0, 1_000_000),
    st.integers(0, 500_000),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 10_000),
)


@given(LOADS)
def test_a_load_that_was_clamped_is_not_clamped_further(load: tuple[int, ...]) -> None:
    once, _ = clamped(list(load))
    again, limits = clamped(once)
    assert again == once and set(limits) <= {"own_friction"}


@pytest.mark.parametrize(
    ("bus_mV", "temperature_cC", "faults"),
    [
        (56_500, 10_000, []),
        (56_501, 10_000, ["BUS_HIGH"]),
        (40_000, 10_000, []),
        (39_999, 10_000, ["BUS_LOW"]),
        (48_000, 10_001, ["TOO_HOT"]),
        (56_501, 10_001, ["BUS_HIGH", "TOO_HOT"]),
        (39_999, 10_001, ["BUS_LOW", "TOO_HOT"]),
        (48_000, -2_000, []),
    ],
)
def test_a_slow_reading_is_a_fault_beyond_its_limit_and_not_at_it(
    bus_mV: int, temperature_cC: int, faults: list[str]
) -> None:
    assert fault_names(guard.slow_faults(bus_mV, 40_000, 56_500, 1024, temperature_cC, 10_000)) == faults
