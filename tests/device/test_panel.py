"""The sled's own buttons: only a clean press raises, and whatever sticks stops."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sled import layout, panel, tick
from device.sled.panel import DOWN, UP
from sim.faults import table as faults
from sim.rig import BUTTON_UP
from tests.device.bench import Bench, PASS_GAP_MAX_ticks, STEP_mN

BOTH = UP | DOWN
GENTLE_mN = 50_000

GAPS = st.lists(st.integers(0, PASS_GAP_MAX_ticks), min_size=1, max_size=12).filter(any)
BOUNCES = st.lists(st.booleans(), max_size=5)
CLEAN_ms = st.integers(100, 700)  # at passes 30 ms apart a change takes up to 93 to count
PRESSES = st.lists(st.tuples(st.sampled_from((UP, DOWN)), CLEAN_ms, BOUNCES, CLEAN_ms), max_size=6)
CHAOS = st.lists(st.tuples(st.sampled_from((0, UP, DOWN, BOTH)), st.integers(1, 250)), max_size=25)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# What each press does.


def test_up_arms_an_idle_sled_with_a_gentle_plain_load(bench: Bench) -> None:
    bench.press(UP)
    assert bench.mode == layout.MODE_ARMED and not bench.s[tick.LEASED]
    assert bench.words == [GENTLE_mN, 30_000, 0, 0, 0, 0] * 2


def test_up_brings_the_last_held_load_back_whoever_set_it(bench: Bench) -> None:
    bench.load(force_mN=80_000, viscous=7_000, stiffness=20_000)
    bench.press(DOWN)
    held = bench.words
    bench.press(DOWN, for_ms=900, pause_ms=1500)
    assert bench.mode == layout.MODE_IDLE
    bench.press(UP)
    assert bench.words == held
    assert held[0] == 70_000 and held[2] == 7_000 and held[4] == 20_000


def test_a_leased_load_is_not_the_last_one_kept(bench: Bench) -> None:
    bench.load(layout.HOLD_LEASED, 10_000, force_mN=300_000)
    assert not any(bench.app.last_load)


def test_a_last_load_that_settings_no_longer_allow_is_clamped(bench: Bench) -> None:
    bench.load(force_mN=300_000)
    bench.press(UP, for_ms=900, pause_ms=1500)
    bench.s[tick.FORCE_MAX_mN] = 120_000
    bench.press(UP)
    assert bench.force_mN == (120_000, 120_000)
    assert bench.app.load_limits == 1 << layout.LIMIT_FORCE_MAX


@pytest.mark.parametrize("why", ["fault", "ramping", "releasing"])
def test_up_is_refused_where_a_host_would_be(bench: Bench, why: str) -> None:
    if why == "fault":
        bench.s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_TOO_HOT  # so new that no pass has seen it
    else:
        bench.load()
        bench.pulled().app.trigger(panel.modes.STOP if why == "ramping" else panel.modes.DROP)
    expected = {"fault": layout.MODE_FAULT, "ramping": layout.MODE_RAMPING_DOWN}.get(why, layout.MODE_IDLE)
    panel.PRESSES[0][2](bench.app, bench.app.panel._load)  # at once: no real press is as quick
    assert bench.mode == expected
    bench.rest(1500)
    assert not bench.is_armed and not bench.s[tick.ENABLE]


def test_down_does_nothing_to_an_idle_sled(bench: Bench) -> None:
    bench.press(DOWN)
    assert bench.mode == layout.MODE_IDLE


@pytest.mark.parametrize("buttons", [(UP, UP, UP, UP, UP), (UP, BOTH, UP), (DOWN, BOTH, UP)])
def test_a_long_press_or_one_of_both_buttons_arms_nothing(bench: Bench, buttons: tuple[int, ...]) -> None:
    for held in (*buttons, 0):
        bench.rest(200, held)
    assert bench.mode == layout.MODE_IDLE


def test_a_step_moves_the_force_of_both_directions_and_nothing_else(bench: Bench) -> None:
    bench.load(viscous=7_000)
    bench.s[tick.NEXT_PUSH] = 60_000
    before = bench.words
    bench.press(UP)
    before[0] += STEP_mN
    before[6] += STEP_mN
    assert bench.words == before
    bench.press(DOWN)
    bench.press(DOWN)
    assert bench.force_mN == (90_000, 50_000)


def test_steps_end_at_the_greatest_force_and_at_the_sleds_own_friction(bench: Bench) -> None:
    bench.load(force_mN=790_000)
    for _ in range(3):
        bench.press(UP)
    assert bench.force_mN == (800_000, 800_000)
    bench.load(force_mN=25_000)
    bench.app.take_load([25_000, 30_000, 0, 0, 0, 0] * 2, layout.HOLD_HELD, 0, 0)
    for _ in range(4):
        bench.press(DOWN)
    assert bench.force_mN == (10_000, 10_000), "rolling friction, as a host's load of 0 N"
    bench.app.take_load([25_000, 30_000, 9_000, 0, 0, 0] * 2, layout.HOLD_HELD, 0, 0)
    for _ in range(4):
        bench.press(DOWN)
    assert bench.force_mN == (0, 0)


def test_down_asks_for_nothing_where_there_is_no_load(bench: Bench) -> None:
    bench.app.arm()
    bench.press(DOWN)
    assert bench.force_mN == (0, 0)
    bench.press(UP)
    assert bench.force_mN == (STEP_mN, STEP_mN)


def test_the_step_is_a_setting(bench: Bench) -> None:
    bench.s[tick.BUTTON_STEP_mN] = 3_000
    bench.press(UP)
    bench.press(UP)
    assert bench.force_mN == (GENTLE_mN + 3_000, GENTLE_mN + 3_000)


def test_a_programs_load_is_lowered_but_not_raised_and_its_lease_is_not_renewed(bench: Bench) -> None:
    bench.load(layout.HOLD_LEASED, 2_000)
    bench.press(UP)
    assert bench.force_mN == (100_000, 100_000)
    bench.pulled(500)
    left = bench.s[tick.LEASE_LEFT_ticks]
    bench.press(DOWN)
    assert bench.force_mN == (90_000, 90_000) and bench.s[tick.LEASED] == layout.HOLD_LEASED
    assert bench.s[tick.LEASE_LEFT_ticks] == left - 300 and bench.app.lease_ms == 2_000
    assert not any(bench.app.last_load)
    bench.rest(left - 310)
    assert bench.is_armed
    bench.rest(20)
    assert bench.mode == layout.MODE_RAMPING_DOWN, "a program that dies takes its load with it"


# STOP.


@pytest.mark.parametrize("hold", [layout.HOLD_HELD, layout.HOLD_LEASED])
@pytest.mark.parametrize("button", [UP, DOWN])
def test_holding_either_button_stops_after_0_8_s(bench: Bench, button: int, hold: int) -> None:
    bench.load(hold, 9_000)
    bench.pulled().rest(790, button)
    assert bench.is_armed and bench.force_mN == (100_000, 100_000)
    bench.rest(20, button)
    assert bench.mode == layout.MODE_RAMPING_DOWN
    bench.rest(2000, button)
    assert bench.mode == layout.MODE_IDLE and not bench.s[tick.ENABLE]


@pytest.mark.parametrize("first", [UP, DOWN])
def test_both_buttons_together_stop_at_once_and_do_nothing_when_let_go(bench: Bench, first: int) -> None:
    bench.load()
    bench.pulled().rest(200, first)
    bench.rest(40, BOTH)
    assert bench.mode == layout.MODE_RAMPING_DOWN
    bench.rest(100, BOTH ^ first)
    bench.rest(1500)
    assert bench.mode == layout.MODE_IDLE


def test_whoever_goes_on_holding_keeps_the_sled_from_being_armed_again(bench: Bench) -> None:
    for held in (UP, BOTH, DOWN):
        bench.rest(1000, held)
        assert bench.app.arm() == layout.RESULT_BUTTON_HELD
        assert bench.mode == layout.MODE_IDLE and not bench.s[tick.ENABLE]
    bench.rest(100)
    assert bench.app.arm() == layout.RESULT_OK


@settings(max_examples=40)
@given(gaps=GAPS, before=PRESSES, stuck=st.sampled_from((UP, DOWN, BOTH)), bounces=BOUNCES)
def test_a_button_that_sticks_ends_in_stop_and_never_in_more(
    gaps: list[int], before: list[Any], stuck: int, bounces: list[bool]
) -> None:
    bench = Bench(gaps)
    bench.load()
    for press in before:
        bench.press(*press)
    highest = max(bench.force_mN)
    for is_closed in bounces:
        bench.rest(1, stuck if is_closed else 0)
    for _ in range(20):
        bench.rest(150, stuck)
        assert max(bench.force_mN) <= highest
    assert bench.mode == layout.MODE_IDLE and not bench.s[tick.ENABLE]


@given(held=st.sampled_from((UP, DOWN, BOTH)), gaps=GAPS)
@settings(max_examples=30)
def test_a_button_held_at_power_on_does_nothing_until_it_was_let_go(held: int, gaps: list[int]) -> None:
    bench = Bench(gaps, held)
    bench.rest(2500, held)
    assert bench.mode == layout.MODE_IDLE
    bench.load()
    bench.rest(1500, held)
    assert bench.mode == layout.MODE_ARMED and bench.force_mN == (100_000, 100_000)
    bench.rest(150)
    assert bench.mode == layout.MODE_ARMED and bench.force_mN == (100_000, 100_000)
    bench.press(UP)
    assert bench.force_mN == (110_000, 110_000), "good again"


@pytest.mark.parametrize("stuck", [UP, DOWN])
def test_beside_a_button_stuck_from_the_start_the_other_stops_at_once(stuck: int) -> None:
    bench = Bench(held=stuck)
    bench.load()
    bench.rest(50, BOTH)
    assert bench.mode == layout.MODE_IDLE


# Presses as they come: bouncing, at irregular passes, too short, too long.


@settings(max_examples=60)
@given(gaps=GAPS, presses=PRESSES)
def test_each_clean_press_is_one_step_however_it_bounces(gaps: list[int], presses: list[Any]) -> None:
    bench = Bench(gaps)
    bench.load(force_mN=200_000)
    force_mN = 200_000
    for button, for_ms, bounces, pause_ms in presses:
        bench.press(button, for_ms, bounces, pause_ms)
        force_mN += STEP_mN if button == UP else -STEP_mN
        assert bench.force_mN == (force_mN, force_mN)
    assert bench.mode == layout.MODE_ARMED


@settings(max_examples=60)
@given(gaps=GAPS, chaos=CHAOS, hold=st.sampled_from((layout.HOLD_HELD, layout.HOLD_LEASED)))
def test_whatever_the_contacts_do_each_rise_was_a_press_of_its_own(
    gaps: list[int], chaos: list[tuple[int, int]], hold: int
) -> None:
    bench = Bench(gaps)
    bench.load(hold, 10_000)
    was = closings = rises = 0
    for buttons, ticks in chaos:
        closings += bool(buttons & UP and not was & UP)
        was = buttons
        for _ in range(ticks):
            was_armed, was_leased, force_mN = bench.is_armed, bench.s[tick.LEASED], bench.force_mN[0]
            bench.rest(1, buttons)
            rise = bench.force_mN[0] - force_mN
            if bench.is_armed and not was_armed:
                rises += 1
            elif rise > 0:
                rises += 1
                assert rise == STEP_mN and was_armed and not was_leased
    assert rises <= closings


@settings(max_examples=30)
@given(
    gaps=GAPS, spikes=st.lists(st.tuples(st.sampled_from((UP, DOWN, BOTH)), st.integers(1, 20)), max_size=9)
)
def test_what_is_shorter_than_30_ms_is_no_press(gaps: list[int], spikes: list[tuple[int, int]]) -> None:
    bench = Bench(gaps)
    for buttons, for_ms in spikes:
        bench.press(buttons, for_ms, pause_ms=65)
        assert bench.mode == layout.MODE_IDLE


def test_a_press_that_the_mode_overtook_does_nothing(bench: Bench) -> None:
    bench.rest(100, UP)  # meant to arm ...
    bench.load()  # ... when the host did
    bench.rest(100, UP)
    bench.rest(100)
    assert bench.mode == layout.MODE_ARMED and bench.force_mN == (100_000, 100_000)
    bench.pulled().app.trigger(panel.modes.STOP)
    bench.rest(100, UP)  # meant for a load that is on its way out
    assert bench.mode == layout.MODE_RAMPING_DOWN
    bench.app.trigger(panel.modes.DROP)
    bench.rest(200)
    assert bench.mode == layout.MODE_IDLE


def test_a_press_meant_for_one_load_does_not_change_the_next(bench: Bench) -> None:
    bench.load()
    bench.rest(100, UP)
    bench.app.trigger(panel.modes.DROP)
    bench.rest(50, UP)
    bench.load()
    bench.rest(100, UP)
    bench.rest(100)
    assert bench.mode == layout.MODE_ARMED and bench.force_mN == (100_000, 100_000)


def test_the_buttons_work_on_after_the_sample_number_has_wrapped(bench: Bench) -> None:
    bench.load()
    bench.s[tick.SAMPLE_INDEX] = 0x3FFF_FFFF - 60
    bench.press(UP)
    assert bench.force_mN == (110_000, 110_000)
    bench.s[tick.SAMPLE_INDEX] = 0x3FFF_FFFF - 400
    bench.rest(850, UP)
    assert bench.mode == layout.MODE_IDLE


# Faults.


def faulted(bench: Bench) -> Bench:
    bench.app.s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_TOO_HOT
    bench.rest(20)
    assert bench.mode == layout.MODE_FAULT
    return bench


def test_two_seconds_of_down_clear_a_fault_whose_cause_has_gone(bench: Bench) -> None:
    faulted(bench).rest(1990, DOWN)
    assert bench.mode == layout.MODE_FAULT
    bench.rest(20, DOWN)
    assert bench.mode == layout.MODE_IDLE and not bench.app.faults()
    bench.rest(100)
    assert bench.mode == layout.MODE_IDLE


@pytest.mark.parametrize("buttons", [UP, BOTH])
def test_nothing_else_clears_a_fault(bench: Bench, buttons: int) -> None:
    faulted(bench).rest(3000, buttons)
    for button in (UP, DOWN):
        bench.press(button)
    assert bench.mode == layout.MODE_FAULT


def test_a_fault_whose_cause_is_there_stays(bench: Bench) -> None:
    mend = faults.begin(bench.rig, "battery_sag")
    bench.rest(100)
    bench.rest(3000, DOWN)
    assert bench.mode == layout.MODE_FAULT
    mend()
    bench.rest(1000, DOWN)
    assert bench.mode == layout.MODE_FAULT, "one try for each press"
    bench.rest(100)
    bench.rest(2050, DOWN)
    assert bench.mode == layout.MODE_IDLE


def test_a_hold_that_stopped_the_sled_clears_no_fault_that_came_meanwhile(bench: Bench) -> None:
    bench.load()
    bench.rest(900, DOWN)
    bench.app.s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_TOO_HOT
    bench.rest(4000, DOWN)
    assert bench.mode == layout.MODE_FAULT


def test_the_emergency_stop_comes_before_any_button(bench: Bench) -> None:
    bench.rest(100, UP)
    faults.begin(bench.rig, "estop")
    bench.rig.step(1)  # as the button is let go
    bench.rig.switches &= ~BUTTON_UP
    bench.rig.step(50)
    bench.app.poll()
    bench.rig.step(50)
    bench.app.poll()
    assert bench.mode == layout.MODE_FAULT and not bench.s[tick.ENABLE]
