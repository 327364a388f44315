"""E-stop, driver, main loop, lease and observer; and what is still permitted after them."""

import pytest

from protocol.codes import fault_mask
from tests.device.whole_numbers import WholeTick

MOST_INJECTED_64nJ = 15_625_000  # 1 J


@pytest.mark.parametrize(
    "switches, latched", [(0, []), (1, ["ESTOP"]), (2, ["DRIVER"]), (3, ["ESTOP", "DRIVER"]), (12, [])]
)
def test_e_stop_and_driver_have_a_bit_each_and_buttons_are_no_fault(
    switches: int, latched: list[str]
) -> None:
    assert WholeTick().after(SWITCHES=switches) == latched


@pytest.mark.parametrize(
    "left, permit, enable, latched, feed",
    [
        (2, 2, 1, [], 1),
        (1, 2, 0, [], 1),
        (0, 2, 1, ["MAIN_STALLED"], 1),
        (0, 1, 1, ["MAIN_STALLED"], 1),
        (0, 2, 0, ["MAIN_STALLED"], 0),
        (0, 0, 0, [], 0),
        (-3, 0, 1, [], 1),
    ],
)
def test_without_the_main_loop_the_load_comes_down_and_then_the_watchdog_starves(
    left: int, permit: int, enable: int, latched: list[str], feed: int
) -> None:
    driven = WholeTick()
    assert driven.after(MAIN_LEFT_ticks=left, PERMIT=permit, ENABLE=enable) == latched
    assert driven.get("FEED_WATCHDOG") == feed
    assert driven.get("MAIN_LEFT_ticks") == (left - 1 if left > 0 else left)


@pytest.mark.parametrize(
    "leased, left, permit, latched, left_after",
    [
        (1, 2, 2, [], 1),
        (1, 1, 2, [], 0),
        (1, 0, 2, ["LEASE_LAPSED"], 0),
        (1, -1, 2, ["LEASE_LAPSED"], -1),
        (1, 0, 1, [], 0),
        (1, 0, 0, [], 0),
        (0, 0, 2, [], 0),
        (0, 5, 2, [], 5),
    ],
)
def test_a_lapsed_lease_lowers_the_load(
    leased: int, left: int, permit: int, latched: list[str], left_after: int
) -> None:
    driven = permitted(permit)
    assert driven.after(LEASED=leased, LEASE_LEFT_ticks=left) == latched
    assert driven.get("LEASE_LEFT_ticks") == left_after
    assert now_permitted(driven) == (1 if latched else permit)


def permitted(permit: int) -> WholeTick:
    """In the fifth tick of a ramp that has 700 N to go, and with that permit."""
    driven = WholeTick()
    driven.put(PERMIT=permit, RAMP_TICKS=5, RAMP_STEP_mN=100, BRAKE_mN=700_000, CEILING_mN=700_000)
    return driven


def now_permitted(driven: WholeTick) -> int | None:
    """Only a permit to ramp goes on with the ramp, only one to raise ends it; without any it stays off."""
    seen = driven.get("ENABLE"), driven.get("RAMP_TICKS")
    return {(0, 5): 0, (1, 6): 1, (1, 0): 2}.get(seen)


@pytest.mark.parametrize("word", ["FAULTS", "FAULTS_MAIN"])
@pytest.mark.parametrize("permit", [0, 1, 2])
@pytest.mark.parametrize(
    "reactions, most", [((), 2), (("warn",), 2), (("ramp",), 1), (("drop",), 0), (("ramp", "drop"), 0)]
)
def test_a_fault_of_tick_or_main_loop_lowers_the_permit_to_its_reaction(
    word: str, permit: int, reactions: tuple[str, ...], most: int
) -> None:
    driven = permitted(permit)
    mask = fault_mask(*reactions)
    driven.after(**{word: mask})
    assert now_permitted(driven) == min(permit, most)
    assert driven.get("FAULTS") == (mask if word == "FAULTS" else 0), "each writes its own word"
    assert driven.get("PERMIT") == permit


@pytest.mark.parametrize(
    "heading, counts, added_64nJ",
    [(1, -1, 12_800), (-1, 1, 12_800), (1, 1, 0), (-1, -1, 0), (1, 0, 0), (1, -3, 38_400)],
)
def test_way_against_the_heading_of_the_command_counts_as_energy_put_in(
    heading: int, counts: int, added_64nJ: int
) -> None:
    driven = WholeTick()
    assert driven.move(counts, HEADING=heading, BRAKE_mN=6_463, INJECTED_64nJ=1000) == []
    assert driven.get("INJECTED_64nJ") == 1000 + added_64nJ


def test_a_micrometre_back_is_way_back() -> None:
    driven = WholeTick()
    driven.move(-1, HEADING=1, BRAKE_mN=6_400, um_PER_1024_COUNTS=1024)
    assert driven.get("INJECTED_64nJ") == 100


@pytest.mark.parametrize("faults, added_64nJ", [(1 << 4, 0), (1 << 5, 0), (0x3F_FFCF, 12_800)])
def test_without_an_encoder_no_energy_is_reckoned(faults: int, added_64nJ: int) -> None:
    driven = WholeTick()
    driven.move(-1, HEADING=1, BRAKE_mN=6_400, FAULTS=faults)
    assert driven.get("INJECTED_64nJ") == added_64nJ


@pytest.mark.parametrize("counts, back_um", [(468, 59_904), (469, 60_000), (500, 60_000)])
def test_one_tick_counts_6_cm_back_at_most(counts: int, back_um: int) -> None:
    driven = WholeTick()
    driven.move(-counts, LATE_us=500, PERMIT=0, DIRECTION=-1, HEADING=1, BRAKE_mN=6_400)
    assert driven.get("INJECTED_64nJ") == 100 * back_um


def test_nor_a_micrometre_more() -> None:
    driven = WholeTick()
    words = {"LATE_us": 500, "PERMIT": 0, "DIRECTION": -1, "HEADING": 1, "BRAKE_mN": 6_400}
    driven.move(-500, um_PER_1024_COUNTS=122_881, **words)
    assert driven.get("POSITION_um") == -60_001
    assert driven.get("INJECTED_64nJ") == 100 * 60_000


@pytest.mark.parametrize("beyond, latched", [(0, []), (1, ["PASSIVITY"]), (9_000, ["PASSIVITY"])])
def test_more_than_a_joule_since_the_reversal_is_a_fault(beyond: int, latched: list[str]) -> None:
    driven = WholeTick()
    before = MOST_INJECTED_64nJ - 12_800 + beyond
    assert driven.move(-1, HEADING=1, BRAKE_mN=6_400, INJECTED_64nJ=before) == latched
    assert driven.get("INJECTED_64nJ") == MOST_INJECTED_64nJ
