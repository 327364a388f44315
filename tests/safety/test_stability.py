"""The loop of tracker, law, driver, hitch and athlete stays steady at what a load may ask for, and that limit
is there for a reason: well beyond it, the loop swings."""

import pytest

from device.sled import guard, layout, tick
from protocol.settings import SETTINGS
from tests.safety.shoves import load
from tests.safety.swings import GRIPS, HAND, SOFT, STIFF, STRAP, SWINGS, Hitch, Sled, rolling_rig, swing

CAP_GAIN_N_s_per_m = next(row.default for row in SETTINGS if row.name == "cap_gain_mN_s_per_m") / 1000
BARE = Sled()
#: 20 kg where the settings say 24, a brake that is 20 % stronger than they say, and a slow driver.
MISJUDGED = Sled(mass_kg=20.0, believed=1.2, brake=1.2, lag_s=0.006)
HEAVY = Sled(mass_kg=60.0)
SLEDS = [BARE, MISJUDGED, HEAVY]
HITCHES = [HAND, SOFT, STRAP, STIFF, GRIPS]


def slope_swings(slope_N_s_per_m: float, sled: Sled, hitch: Hitch, holds_N_s_per_m: float = 0.0) -> float:
    """With so much force per speed, beyond a speed cap: a load's own b and c may not go so far."""
    capped = load(100_000, round(sled.mass_kg * sled.believed * 1000), speed_cap_mm_per_s=800)
    speed_m_per_s = 0.832 + 200.0 / slope_N_s_per_m
    rig, athlete = rolling_rig(
        capped, speed_m_per_s, 300.0, sled, hitch, holds_N_s_per_m, cap_gain_N_s_per_m=slope_N_s_per_m
    )
    return swing(rig, athlete)


def steepest_N_s_per_m(sled: Sled) -> float:
    return guard.STEEPEST_per_s * sled.mass_kg * sled.believed


@pytest.mark.parametrize("hitch", HITCHES)
@pytest.mark.parametrize("sled", SLEDS)
def test_the_steepest_law_is_steady(sled: Sled, hitch: Hitch) -> None:
    assert slope_swings(min(2000.0, steepest_N_s_per_m(sled)), sled, hitch) < SWINGS


def test_more_than_twice_as_steep_it_swings() -> None:
    assert slope_swings(2.4 * steepest_N_s_per_m(MISJUDGED), MISJUDGED, HAND) > SWINGS


@pytest.mark.parametrize("hitch", [HAND, STIFF, GRIPS])
def test_speed_cap_of_the_settings_is_steady_for_one_who_holds_the_pace(hitch: Hitch) -> None:
    assert slope_swings(CAP_GAIN_N_s_per_m, MISJUDGED, hitch, 400.0) < SWINGS


@pytest.mark.parametrize("sled", SLEDS)
def test_the_stiffest_band_is_steady(sled: Sled) -> None:
    band = load(50_000, round(sled.mass_kg * sled.believed * 1000), stiffness_mN_per_m=500_000)
    assert swing(*rolling_rig(band, 0.5, 50.0, sled, GRIPS, 1500.0)) < SWINGS


@pytest.mark.parametrize("hitch", HITCHES)
@pytest.mark.parametrize("sled", SLEDS)
def test_the_lightest_sled_that_can_be_felt_is_steady(sled: Sled, hitch: Hitch) -> None:
    assert inertia_swings(0, sled, hitch) < SWINGS


@pytest.mark.parametrize("sled", SLEDS)
def test_the_heaviest_sled_that_can_be_felt_is_steady(sled: Sled) -> None:
    assert inertia_swings(500_000, sled, STIFF) < SWINGS


def test_well_below_the_lightest_a_stiff_strap_sings() -> None:
    words = load(200_000, 13_000)
    assert swing(*rolling_rig(words, 1.0, 200.0, BARE, STIFF)) > SWINGS


def inertia_swings(inertia_g: int, sled: Sled, hitch: Hitch) -> float:
    bare_g = round(sled.mass_kg * sled.believed * 1000)
    words = list(load(200_000, inertia_g).values())
    assert guard.clamp_load(words, 0, 800_000, 10_000, bare_g) & 1 << layout.LIMIT_INERTIA
    rig, athlete = rolling_rig(load(200_000, words[1]), 1.0, 200.0, sled, hitch)
    return swing(rig, athlete)


@pytest.mark.parametrize("hitch", [STRAP, GRIPS])
def test_the_speed_cap_comes_without_a_jolt_and_holds_as_its_gain_says(hitch: Hitch) -> None:
    """Somebody of 80 kg speeds up at 3 m/s2, and from the cap on pulls 300 N harder than the load."""
    capped = load(100_000, speed_cap_mm_per_s=1_000)
    rig, athlete = rolling_rig(capped, 0.3, 100.0, BARE, hitch)
    athlete.force_N = 100.0 + 110.0 * 3.0
    plant, last_N, fastest = rig.plant, 0.0, 0.0
    for _ in range(1500):
        if abs(plant.v_m_per_s) > 0.995:
            athlete.force_N = 400.0
        rig.step(1)
        if abs(plant.v_m_per_s) > 0.9:
            assert abs(plant.brake_N - last_N) < 2.5, "N in a tick; the slew would allow 5"
        last_N = plant.brake_N
        fastest = max(fastest, abs(plant.v_m_per_s))
    gain = rig.board.s[tick.CAP_GAIN_mN_s_per_m] / 1000
    assert abs(plant.v_m_per_s) == pytest.approx(1.032 + 300.0 / gain, abs=0.01)
    assert fastest < abs(plant.v_m_per_s) + 0.03
