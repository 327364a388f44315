"""What stands between the law and the brake: envelope, slew, impulse budget, observer, faults, lease."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import guard, layout, tick
from protocol.codes import FAULTS, fault_names
from tests.device.motion import DrivenTick, each_tick

RAISE_N_per_s = 180
SLEW_mN_PER_TICK = 5_000
FADING = 1 << layout.LIMIT_CRAWL | 1 << layout.LIMIT_PASSIVITY


def loaded(force_N: float = 200.0, velocity_m_per_s: float = 1.0, **settings: int) -> DrivenTick:
    """A tick that has been resisting with `force_N` for a while."""
    driven = DrivenTick(**settings)
    driven.set_load(round(force_N * 1000), 30_000)
    driven.already_rolling(velocity_m_per_s)
    driven.roll(300, velocity_m_per_s)
    return driven


def latched(driven: DrivenTick) -> list[str]:
    return fault_names(driven.s[tick.FAULTS])


def test_a_new_load_rises_from_the_present_level_at_the_raise_rate() -> None:
    driven = loaded(60.0)
    before = driven.s[tick.LEVEL_mN]
    driven.s[tick.NEXT_PULL] = 500_000
    driven.s[tick.NEXT_PULL + 1] = 30_000
    driven.s[tick.LOAD_PENDING] = 1
    for n in range(1, 1001):
        driven.roll(1, 1.0)
        assert driven.s[tick.LEVEL_mN] <= before + RAISE_N_per_s * n + 2_000, "its own ripple aside"
    assert driven.s[tick.LEVEL_mN] == pytest.approx(before + RAISE_N_per_s * 1000, rel=0.01)


def test_a_lighter_load_falls_without_a_step() -> None:
    driven = loaded(400.0)
    driven.s[tick.NEXT_PULL] = 50_000
    driven.s[tick.NEXT_PULL + 1] = 30_000
    driven.s[tick.LOAD_PENDING] = 1
    last = driven.s[tick.LEVEL_mN]
    for _ in range(1000):
        driven.roll(1, 1.0)
        assert last - driven.s[tick.LEVEL_mN] <= 400 + 3_000, "the law's own ripple aside, 0.4 N a tick"
        last = driven.s[tick.LEVEL_mN]
    assert driven.s[tick.LEVEL_mN] == pytest.approx(50_000, abs=2_000)


@given(force_N=st.floats(5, 750), fall_N_per_s=st.integers(100, 2000))
def test_a_ramp_down_ends_within_a_second_and_then_releases(force_N: float, fall_N_per_s: int) -> None:
    driven = loaded(force_N, fall_mN_per_s=fall_N_per_s * 1000)
    driven.s[tick.PERMIT] = tick.PERMIT_RAMP
    last = driven.s[tick.BRAKE_mN]
    for _ in range(1001):
        driven.roll(1, 1.0)
        # The last bit may end a tick early; the rest is the configured rate, or all within a second.
        assert last - driven.s[tick.BRAKE_mN] <= max(fall_N_per_s, force_N) + 1
        last = driven.s[tick.BRAKE_mN]
    assert (driven.s[tick.BRAKE_mN], driven.s[tick.ENABLE], driven.s[tick.RAMP_DONE]) == (0, 0, 1)


def test_nothing_rises_unless_permitted() -> None:
    driven = loaded(100.0)
    driven.s[tick.PERMIT] = tick.PERMIT_RAMP
    driven.s[tick.NEXT_PULL] = 500_000
    driven.s[tick.LOAD_PENDING] = 1
    last = driven.s[tick.BRAKE_mN]
    for _ in range(300):
        driven.roll(1, 1.0)
        assert driven.s[tick.BRAKE_mN] <= last
        last = driven.s[tick.BRAKE_mN]


def test_drop_releases_in_the_same_tick() -> None:
    driven = loaded(300.0)
    driven.s[tick.PERMIT] = tick.PERMIT_DROP
    driven.roll(1, 1.0)
    assert (driven.s[tick.BRAKE_mN], driven.s[tick.DUTY], driven.s[tick.ENABLE]) == (0, 0, 0)


wander = st.lists(
    st.tuples(st.floats(-3, 3), st.integers(5, 300)),  # speed, ticks
    min_size=1,
    max_size=8,
)


@given(motion=wander, force_N=st.floats(0, 800), stiffness=st.integers(0, 500), cap=st.integers(0, 2000))
def test_command_changes_within_the_slew_limit_or_falls_for_passivity(
    motion: list[tuple[float, int]], force_N: float, stiffness: int, cap: int
) -> None:
    driven = DrivenTick()
    driven.set_load(round(force_N * 1000), 40_000, 0, 0, stiffness * 1000, cap)
    last = 0
    for velocity, ticks in motion:
        for _ in range(ticks):
            driven.roll(1, velocity)
            brake = driven.s[tick.BRAKE_mN]
            assert 0 <= brake <= driven.s[tick.FORCE_MAX_mN]
            assert brake - last <= SLEW_mN_PER_TICK
            if last - brake > 4 * SLEW_mN_PER_TICK:
                assert driven.s[tick.LIMITS] & FADING or latched(driven)
            last = brake


@given(motion=wander, force_N=st.floats(50, 800))
def test_the_brake_never_asks_for_more_than_stops_the_bare_sled_in_a_period(
    motion: list[tuple[float, int]], force_N: float
) -> None:
    driven = DrivenTick()
    driven.set_load(round(force_N * 1000))
    for velocity, ticks in motion:
        for n in range(ticks):
            driven.roll(1, velocity)
            if driven.s[tick.FAULTS] & 1 << layout.FAULT_ENCODER_SILENT:
                return  # a wheel that stops dead: the ramp down then runs blind
            if n > 8:  # the window has seen this speed only
                impulse_Ns = driven.s[tick.BRAKE_mN] / 1000 / tick.TICKS_PER_s
                assert impulse_Ns <= 30.0 * abs(velocity) + 1e-9


def test_a_still_sled_gets_no_brake_command() -> None:
    driven = loaded(300.0)
    driven.roll(200, 1.0, -5.0)
    driven.roll(100, 0.0)
    driven.tow_force_N = 80.0
    rows = each_tick(driven, 300, lambda t: driven.position_m)
    assert {brake for brake, _, _, _ in rows} == {0}


@pytest.mark.parametrize("way_back_mm, flips", [(10, False), (25, True)])
def test_direction_changes_only_past_the_hysteresis(way_back_mm: int, flips: bool) -> None:
    driven = DrivenTick()
    driven.roll(1000, 1.0)
    driven.roll(way_back_mm, -1.0)
    assert driven.s[tick.DIRECTION] == (-1 if flips else 1)


def test_observer_trips_when_a_reversal_injects_more_than_a_joule() -> None:
    driven = loaded(400.0, 0.3)
    # A driver that held sign and force: the wheel is thrown back under both.
    for _ in range(8):
        driven.s[tick.BRAKE_mN] = 400_000
        driven.step(driven.position_m - 0.0004)
    assert "PASSIVITY" in latched(driven)
    assert (driven.s[tick.BRAKE_mN], driven.s[tick.ENABLE]) == (0, 0)


def test_an_ordinary_reversal_does_not_trip_the_observer() -> None:
    driven = loaded(200.0)
    at = driven.position_m
    rows = each_tick(driven, 2000, lambda t: at + math.sin(math.pi * t) / math.pi)
    assert latched(driven) == [] and rows[-1][3] == 1
    assert driven.s[tick.INJECTED_64nJ] < 15_625  # 1 mJ


def _press(switch: int):  # type: ignore[no-untyped-def]
    def break_it(driven: DrivenTick) -> None:
        driven.s[tick.SWITCHES] = switch
        driven.roll(1, 1.0)

    return break_it


def _jump(driven: DrivenTick) -> None:
    driven.step(driven.position_m + 0.05)


def _rail(driven: DrivenTick) -> None:
    driven.tow_force_N = 2000.0
    driven.roll(50, 1.0)


def _go_silent(driven: DrivenTick) -> None:
    driven.tow_force_N = 250.0
    driven.roll(500, 0.0)


def _overspeed(driven: DrivenTick) -> None:
    driven.already_rolling(9.5)
    driven.roll(20, 9.5)


def _come_late(driven: DrivenTick) -> None:
    driven.s[tick.LATE_us] = 2000
    for _ in range(4):
        driven.step(driven.position_m + 0.003)  # the wheel went on for three periods


def _stall_main(driven: DrivenTick) -> None:
    driven.roll(1, 1.0)
    driven.s[tick.MAIN_LEFT_ticks] = 0
    tick.tick(driven.s, driven.ring)


def _lapse(driven: DrivenTick) -> None:
    driven.s[tick.LEASED] = 1
    driven.s[tick.LEASE_LEFT_ticks] = 1
    driven.roll(3, 1.0)


CASES = {
    "ESTOP": _press(1),
    "DRIVER": _press(2),
    "ENCODER_JUMP": _jump,
    "CELL_RAILED": _rail,
    "ENCODER_SILENT": _go_silent,
    "OVERSPEED": _overspeed,
    "TICK_OVERRUN": _come_late,
    "MAIN_STALLED": _stall_main,
    "LEASE_LAPSED": _lapse,
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_of_the_tick_latches_and_the_load_goes(name: str) -> None:
    driven = loaded(150.0)
    assert latched(driven) == []
    CASES[name](driven)
    assert name in latched(driven)
    reaction = next(fault.reaction for fault in FAULTS if fault.name == name)
    assert driven.s[tick.BRAKE_mN] == 0 or reaction != "drop"
    driven.s[tick.SWITCHES] = driven.s[tick.LATE_us] = 0
    driven.tow_force_N = None
    driven.roll(1000, 1.0)
    assert driven.s[tick.ENABLE] == 0 and driven.s[tick.BRAKE_mN] == 0
    assert name in latched(driven), "latched until cleared, though the cause has gone"


def test_leaning_on_a_released_sled_is_no_fault() -> None:
    driven = loaded()
    driven.s[tick.PERMIT] = tick.PERMIT_DROP
    _go_silent(driven)
    assert latched(driven) == []


def test_one_late_tick_alone_is_no_fault() -> None:
    driven = loaded()
    driven.s[tick.LATE_us] = 5000
    driven.step(driven.position_m + 0.006)
    driven.s[tick.LATE_us] = 0
    driven.roll(1, 1.0)
    assert latched(driven) == []


@pytest.mark.parametrize(
    "readings, expected",
    [
        ((48_000, 2_500), []),
        ((57_000, 2_500), ["BUS_HIGH"]),
        ((39_000, 2_500), ["BUS_LOW"]),
        ((48_000, 10_001), ["TOO_HOT"]),
        ((48_000, -3_001), ["TEMPERATURE_SENSOR"]),
    ],
)
def test_bus_and_temperature_faults(readings: tuple[int, int], expected: list[str]) -> None:
    bus_mV, temperature_cC = readings
    faults = guard.slow_faults(bus_mV, 40_000, 56_500, 1024, temperature_cC, 10_000)
    assert fault_names(faults) == expected


@given(
    load=st.tuples(
        st.integers(0, 1_000_000),
        st.integers(0, 500_000),
        st.integers(0, 1_000_000),
        st.integers(0, 100_000),
    ),
    force_max=st.integers(0, 1_000_000),
    rolling=st.integers(0, 100_000),
    bare=st.integers(15_000, 60_000),
)
def test_a_clamped_load_is_one_the_sled_can_render(
    load: tuple[int, ...], force_max: int, rolling: int, bare: int
) -> None:
    s = [*load, 0, 0]
    bits = guard.clamp_load(s, 0, force_max, rolling, bare)
    assert s[0] <= max(force_max, rolling)
    assert bare - bare // 3 <= s[1] <= bare + bare // 2
    steepest_N_s_per_m = s[2] / 1000 + 2 * math.sqrt(s[3] / 1000 * force_max / 1000)
    assert steepest_N_s_per_m <= guard.STEEPEST_per_s * bare / 1000 + 0.001
    assert ((s[2], s[3]) != load[2:]) == bool(bits >> layout.LIMIT_RANGE & 1)
    assert (s[1] != load[1]) == bool(bits >> layout.LIMIT_INERTIA & 1)
    assert (load[0] > force_max) == bool(bits >> layout.LIMIT_FORCE_MAX & 1)
    if bits == 0:
        assert tuple(s[:4]) == load


def test_a_ramp_down_has_no_step_however_slow_the_slew() -> None:
    driven = loaded(600.0, slew_mN_per_s=100_000)
    driven.roll(7000, 1.0)
    driven.s[tick.PERMIT] = tick.PERMIT_RAMP
    last = driven.s[tick.BRAKE_mN]
    assert last > 500_000
    for _ in range(1002):
        driven.roll(1, 1.0)
        assert last - driven.s[tick.BRAKE_mN] <= 700
        last = driven.s[tick.BRAKE_mN]
    assert last == 0
