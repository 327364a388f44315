"""The impulse budget: speed that is certain, less what brake, friction and a shove back took since.

A sled of 30 kg, brake at full, the wheel's step 0.125 mm: 15.6 mm/s over the window of 8 ticks.
"""

import math

import pytest

from device.sled import layout, tick
from tests.device.exact import NO_LIMIT, COUNT_um, ExactTick, WINDOW_STEP_mm_per_s

SIGNS = pytest.mark.parametrize("sign", [1, -1])
MASS_kg = 30
FULL_mN = 800_000
WANTED_mN = 700_000
IN_FLIGHT_ticks = 4
FADE_mN_PER_mm_per_s = 30_000 // 8


def full(sign: int = 1, speed: int = 2_000, wanted_mN: int = WANTED_mN, **settings: int) -> ExactTick:
    """Asks for 700 N and has had it; nothing but the budget stands against it."""
    exact = ExactTick(sign, speed, **settings)
    exact.load(wanted_mN)
    exact.braking(wanted_mN)
    return exact


def taken_mm_per_s(force_mN: float, ticks: float, mass_kg: float = MASS_kg) -> int:
    """Speed that a force takes from the sled in that time, rounded up as the tick does: never too little."""
    force_N = math.floor(force_mN / 1024) + 1  # nearly newtons
    return math.floor(force_N * 1024 / 1000 * ticks / mass_kg) + 1


def over_window(force_mN: float, in_flight: int = IN_FLIGHT_ticks, mass_kg: float = MASS_kg) -> int:
    return taken_mm_per_s(force_mN, in_flight + 4, mass_kg)


@SIGNS
@pytest.mark.parametrize("speed", [250, 300, 375])
def test_towards_the_certain_speed_the_force_fades_as_a_damper(sign: int, speed: int) -> None:
    exact = full(sign, speed)
    exact.window_counts = 160
    limits = exact.one()
    room = speed - over_window(WANTED_mN) - 15
    assert exact[tick.BRAKE_mN] == room * FADE_mN_PER_mm_per_s
    assert limits == {"crawl"}


@SIGNS
def test_fast_enough_nothing_fades(sign: int) -> None:
    exact = full(sign, 388)  # 187 + 1 over the window, 15 of a step, 187 for 700 N
    exact.window_counts = 160
    exact.one()
    assert exact[tick.BRAKE_mN] < WANTED_mN
    exact.braking(WANTED_mN)
    exact.speed_mm_per_s = 390
    assert exact.one() == NO_LIMIT
    assert exact[tick.BRAKE_mN] == WANTED_mN


def test_a_brake_at_the_fade_is_not_cut() -> None:
    fade = (300 - over_window(WANTED_mN) - 15) * FADE_mN_PER_mm_per_s
    for wanted, limits in [(fade, NO_LIMIT), (fade + 1, {"crawl"})]:
        exact = full(1, 300, wanted)
        exact[tick.BRAKE_PEAK_mN] = WANTED_mN
        exact.window_counts = 160
        assert exact.one() == limits
        assert exact[tick.BRAKE_mN] == fade


@pytest.mark.parametrize("fade_ticks", [6, 8, 20, 100])
def test_the_fade_is_that_of_a_damper_that_stops_the_sled_in_so_many_ticks(fade_ticks: int) -> None:
    exact = full(1, 300, fade_ticks=fade_ticks)
    exact.window_counts = 160
    exact.one()
    assert exact[tick.BRAKE_mN] == (300 - over_window(WANTED_mN) - 15) * (30_000 // fade_ticks)


@pytest.mark.parametrize("in_flight", [1, 4, 6])
@pytest.mark.parametrize("mass_g", [25_000, 60_000])
def test_the_room_is_less_by_what_acts_since_the_middle_of_the_window_and_in_flight(
    in_flight: int, mass_g: int
) -> None:
    exact = full(1, 350, in_flight_ticks=in_flight, bare_mass_g=mass_g)
    exact.window_counts = 160
    exact[tick.FADE_GAIN] = 1000
    exact.one()
    room = 350 - over_window(WANTED_mN, in_flight, mass_g / 1000) - 15
    assert exact[tick.BRAKE_mN] == pytest.approx(room * 1000, abs=1000)


@SIGNS
def test_friction_and_a_shove_back_take_speed_too_but_a_pull_gives_none(sign: int) -> None:
    found = []
    for rolling, tow in [(0, 0), (0, 300_000), (100_000, 0), (0, -100_000), (0, -300_000)]:
        exact = full(sign, 400)
        exact[tick.ROLLING_mN] = rolling
        exact[tick.CEILING_mN] = WANTED_mN
        exact.window_counts = 160
        exact.tow_mN = tow
        exact[tick.FADE_GAIN] = 100
        exact.one()
        found.append(exact[tick.BRAKE_mN] // 100)
    free = 400 - over_window(WANTED_mN) - 15
    shoved = [400 - over_window(WANTED_mN + force) - 15 for force in (100_000, 300_000)]
    assert found == [free, free, shoved[0], shoved[0], shoved[1]]


def test_the_peak_of_the_command_counts_and_not_the_last_one() -> None:
    exact = full(1, 300, 100_000)
    exact[tick.BRAKE_PEAK_mN] = 600_000
    exact.window_counts = 160
    exact[tick.FADE_GAIN] = 100
    exact.one()
    assert exact[tick.BRAKE_mN] == (300 - over_window(600_000) - 15) * 100


def test_beyond_5_m_per_s_of_room_nothing_is_looked_at() -> None:
    for room, fades in [(4_999, True), (5_000, False)]:
        exact = full(1, 5_000 - 5_000 + room + over_window(WANTED_mN) + 15)
        exact[tick.FADE_GAIN] = 10
        limits = exact.one()
        assert ("crawl" in limits) == fades
        assert exact[tick.BRAKE_mN] == (10 * room if fades else WANTED_mN)


def test_a_fade_is_no_slew() -> None:
    exact = full(1, 300)
    exact.window_counts = 160
    exact[tick.BRAKE_mN] = 600_000  # would follow by 5 N a tick
    assert exact.one() == {"crawl"}
    exact = full(1, 300)
    exact.window_counts = 160
    exact[tick.BRAKE_mN] = 100_000
    assert exact.one() == {"slew"}, "105 N are less than the fade allows"
    assert exact[tick.BRAKE_mN] == 105_000


def test_at_rest_a_brake_faded_to_nothing_is_no_limit_worth_telling() -> None:
    exact = full(1, 0)
    for n in range(3):
        limits = exact.one()
        assert exact[tick.STILL_TICKS] == n + 1
        assert limits == NO_LIMIT
        assert exact[tick.BRAKE_mN] == 0
    exact.moved_counts = 1
    exact.window_counts = 1
    assert exact.one() == {"crawl"}


# The certain speed: counts, not the smooth estimate.


def certain_mm_per_s(window_counts: int, force_mN: float = WANTED_mN) -> int:
    return math.floor((window_counts - 1) * WINDOW_STEP_mm_per_s) - over_window(force_mN)


def slowing(sign: int, window_counts: int, moved_counts: int, speed: int = 2_000) -> ExactTick:
    """The smooth estimate still says 2 m/s; the counts have less."""
    exact = full(sign, speed)
    exact.window_counts, exact.moved_counts = window_counts, moved_counts
    return exact


@SIGNS
def test_in_a_tick_the_brake_may_not_stop_the_bare_sled(sign: int) -> None:
    exact = slowing(sign, 14, 1)
    assert exact.one() == {"passivity"}
    assert exact[tick.BRAKE_mN] == 30_000 * certain_mm_per_s(14)


@SIGNS
@pytest.mark.parametrize("window_counts", [-20, 0, 1, 12, 13])
def test_without_certain_speed_there_is_no_brake(sign: int, window_counts: int) -> None:
    exact = slowing(sign, window_counts, 0)
    assert certain_mm_per_s(window_counts) <= 0
    assert exact.one() == {"passivity"}
    assert exact[tick.BRAKE_mN] == 0


def at_once_mm_per_s(moved_counts: int, force_mN: float = WANTED_mN) -> int:
    """Speed of the last tick alone, one step less, and what was taken since its middle."""
    return (moved_counts - 1) * COUNT_um - taken_mm_per_s(force_mN, IN_FLIGHT_ticks + 0.5)


@SIGNS
@pytest.mark.parametrize(("window_counts", "moved_counts"), [(2, 1), (5, 2), (14, 2), (5, 1)])
def test_the_last_tick_alone_may_be_surer_than_the_window(
    sign: int, window_counts: int, moved_counts: int
) -> None:
    exact = slowing(sign, window_counts, moved_counts)
    certain = max(0, certain_mm_per_s(window_counts), at_once_mm_per_s(moved_counts))
    limits = exact.one()
    assert limits == ({"passivity"} if certain < 24 else NO_LIMIT)
    assert exact[tick.BRAKE_mN] == min(WANTED_mN, 30_000 * certain)


def test_the_last_tick_counts_with_its_rounding_against_it() -> None:
    found = []
    for force in range(300_000, 800_001, 20_000):
        exact = full(1, 2_000, force)
        exact[tick.BRAKE_PEAK_mN] = 800_000
        exact.s[tick.FADE_GAIN] = 10**5
        exact.window_counts, exact.moved_counts = 3, 2
        exact[tick.BRAKE_PEAK_mN] = force
        exact.one()
        found.append((exact[tick.BRAKE_mN], min(force, 30_000 * max(0, at_once_mm_per_s(2, force)))))
    assert [brake for brake, _ in found] == [expected for _, expected in found]


def test_a_brake_at_the_bound_of_the_last_tick_is_not_cut() -> None:
    certain = at_once_mm_per_s(2)
    for wanted, limits in [(30_000 * certain, NO_LIMIT), (30_000 * certain + 1, {"passivity"})]:
        exact = slowing(1, 3, 2)
        exact.load(wanted)
        exact[tick.BRAKE_mN] = wanted
        assert exact.one() == limits
        assert exact[tick.BRAKE_mN] == 30_000 * certain


def test_a_brake_at_the_bound_is_not_cut() -> None:
    certain = certain_mm_per_s(14)
    for wanted, limits in [(30_000 * certain, NO_LIMIT), (30_000 * certain + 1, {"passivity"})]:
        exact = slowing(1, 14, 0)
        exact.load(wanted)
        exact[tick.BRAKE_mN] = wanted
        assert exact.one() == limits
        assert exact[tick.BRAKE_mN] == 30_000 * certain


def test_a_certain_speed_of_5_m_per_s_and_more_is_enough_for_any_brake() -> None:
    exact = full(1, 5_300)
    exact[tick.BARE_MASS_g] = 1  # were it so light
    exact.window_counts, exact.moved_counts = 321 + 13, 42
    assert certain_mm_per_s(334) == 5_000 + certain_mm_per_s(14)
    assert "passivity" not in exact.one()
    exact.braking(WANTED_mN)
    exact.window_counts = 334 - 2
    exact.moved_counts = 1
    assert "passivity" in exact.one()


# Without an encoder.


@pytest.mark.parametrize("fault", [layout.FAULT_ENCODER_SILENT, layout.FAULT_ENCODER_JUMP])
@SIGNS
def test_after_an_encoder_fault_the_ramp_runs_blind_along_the_ceiling(sign: int, fault: int) -> None:
    exact = full(sign, 0)
    exact[tick.FAULTS] = 1 << fault
    for n in (1, 2, 3):
        exact.one()
        assert exact[tick.BRAKE_mN] == exact[tick.CEILING_mN] == WANTED_mN - n * 701


def test_blind_the_brake_follows_the_ceiling_and_not_the_law() -> None:
    exact = full(1, 0)
    exact.load(690_000)
    exact[tick.FAULTS] = 1 << layout.FAULT_ENCODER_SILENT
    exact.one()
    assert exact[tick.BRAKE_mN] == exact[tick.CEILING_mN] == WANTED_mN - 701


def test_a_drop_is_never_blind() -> None:
    exact = full(1, 100)
    exact[tick.FAULTS] = 1 << layout.FAULT_ENCODER_SILENT
    exact[tick.PERMIT] = tick.PERMIT_DROP
    assert exact.one() == {"ramp", "crawl"}
    assert exact[tick.BRAKE_mN] == 0


def test_after_any_other_fault_a_ramp_stays_within_the_budget() -> None:
    exact = full(1, 0)
    exact[tick.FAULTS] = 1 << layout.FAULT_LEASE_LAPSED
    exact[tick.PERMIT] = tick.PERMIT_RAMP
    exact.one()
    assert exact[tick.BRAKE_mN] == 0


def test_an_encoder_fault_that_is_not_a_ramp_gives_no_blind_brake() -> None:
    exact = full(1, 0)
    exact[tick.FAULTS] = 1 << layout.FAULT_ENCODER_SILENT
    exact[tick.RAMP_MASK] = 0
    exact.one()
    assert exact[tick.BRAKE_mN] == 0
