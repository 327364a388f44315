"""One boot of the flashed firmware on the emulated chip, with the simulated world on its pins and the real
host at its serial line: the load, the pull, the e-stop, a lost lease, the watchdog (`pull.py`)."""

import statistics
from itertools import pairwise
from pathlib import Path

import pytest

from device.sled import layout
from device.sled import tick as firmware
from host.loading import work_out
from protocol import units
from protocol.codes import fault_names
from sim.rig import BUTTON_DOWN, BUTTON_UP, DRIVER_FAULT, ESTOP
from tests.chip import lockstep, pull
from tests.chip.lockstep import words
from tests.runtimes import stage
from tests.runtimes.stimulus import word_name

pytestmark = pytest.mark.chip

TICK_ms = 1.0
#: A tick may see the switch a period late, and needs a tenth of one for itself.
ONE_TICK_ms = 1.1 * TICK_ms
#: Words of the main loop, and of when it came round, and how late a tick was: no force depends on them.
OF_THE_MOMENT = {
    *("MAIN_LEFT_ticks", "FEED_WATCHDOG", "MODE", "LATE_us", "TEMPERATURE_cC", "LOAD_PENDING"),
    *(f"NEXT_{side}+{n}" if n else f"NEXT_{side}" for side in ("PULL", "PUSH") for n in range(6)),
}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> pull.Story:
    return pull.on_the_chip(tmp_path_factory.mktemp("pull"))


def ms(since_ns: float, at_ns: float) -> float:
    return (at_ns - since_ns) / 1e6


def enable_fell_ms(story: pull.Story, since_ns: float) -> float:
    """How long after that moment the chip lets ENABLE fall."""
    return next(ms(since_ns, at_ns) for at_ns, value in story.enable if at_ns > since_ns and not value)


def test_the_flashed_firmware_boots_and_says_hello(story: pull.Story) -> None:
    assert story.first["layout_hash"] == int.from_bytes(layout.LAYOUT_HASH_BYTES, "little")
    assert not story.first["device_flags"] & 1, "a chip is not a simulation"
    assert story.first["reset_cause"] == layout.RESET_POWER_ON
    assert not story.enabled_at_rest


def test_set_load_arms_the_sled_and_says_what_it_set(story: pull.Story) -> None:
    assert story.command["ok"]
    assert story.command["pull"]["force_N"] == 100.0
    assert story.command["device"]["simulated"] is False
    assert story.enabled_armed


def test_the_athlete_pulls_the_sled_for_half_a_second(story: pull.Story) -> None:
    moving = [tick for tick in story.ticks if words(tick.after)[firmware.MODE] == layout.MODE_LOADING]
    assert len(moving) >= 500
    assert story.moved_m > 0.1
    assert words(story.ticks[-1].after)[firmware.FAULTS] == 0
    assert max(words(tick.after)[firmware.BRAKE_mN] for tick in moving) > 80_000


def test_the_tick_comes_a_thousand_times_a_second(story: pull.Story) -> None:
    periods_us = [(after.began_ns - before.began_ns) / 1000 for before, after in pairwise(story.ticks)]
    assert statistics.mean(periods_us) == pytest.approx(1000, abs=0.1)
    assert all(950 < period_us < 1050 for period_us in periods_us)


def test_each_tick_sees_what_the_world_told_it_for_that_tick(story: pull.Story) -> None:
    """Real edges through the real PIO, forwards and back, and codes through the converter."""
    seen = [words(tick.before) for tick in story.ticks]
    assert [s[firmware.SAMPLE_INDEX] for s in seen] == [tick.steps for tick in story.ticks]
    assert [s[firmware.COUNTS] for s in seen] == [tick.told.counts for tick in story.ticks]
    assert [s[firmware.CELL_RAW] for s in seen] == [tick.told.cell_raw for tick in story.ticks]
    assert [s[firmware.BUS_mV] for s in seen] == [tick.told.bus_mV for tick in story.ticks]
    assert [s[firmware.SWITCHES] for s in seen] == [tick.told.switches for tick in story.ticks]
    turned = [b[firmware.COUNTS] - a[firmware.COUNTS] for a, b in pairwise(seen)]
    assert min(turned) < 0 < max(turned), "both ways"


def test_the_host_receives_every_sample_of_the_pull(story: pull.Story) -> None:
    assert story.lost == 0
    first = story.samples[0].sample_index
    assert [sample.sample_index for sample in story.samples] == list(range(first, first + len(story.samples)))
    told = {tick.steps: words(tick.after) for tick in story.ticks}
    both = [sample for sample in story.samples if sample.sample_index in told]
    assert len(both) > 800
    for sample in both:
        s = told[sample.sample_index]
        assert round(sample.position_m * 1e6) == s[firmware.POSITION_um]
        assert sample.brake_force_N == pytest.approx(s[firmware.BRAKE_mN] / 1000, abs=0.11)


def test_each_tick_of_the_pull_is_bit_for_bit_that_of_cpython(story: pull.Story) -> None:
    again = lockstep.again_on_cpython(story.ticks)
    different = [tick.steps for tick, ours in zip(story.ticks, again, strict=True) if tick.after != ours]
    assert not different, f"{len(different)} ticks, first {different[0]}"


@pytest.mark.skipif(stage.unix_micropython() is None, reason="no MicroPython for this system")
def test_each_tick_of_the_pull_is_bit_for_bit_that_of_unix_micropython(
    story: pull.Story, tmp_path: Path
) -> None:
    again = lockstep.again_on_unix(story.ticks, tmp_path)
    different = [tick.steps for tick, ours in zip(story.ticks, again, strict=True) if tick.after != ours]
    assert not different, f"{len(different)} ticks, first {different[0]}"


def test_the_closed_loop_left_to_itself_gives_the_same_trace(story: pull.Story) -> None:
    """CPython stands for unix MicroPython as well: `test_closed_loop.py` says that they agree bit for bit."""
    load = units.load_from_si(work_out(pull.LOAD).load._asdict())
    orders = lockstep.orders(story.ticks, load)
    ours = lockstep.closed_loop(lockstep.on_cpython(), pull.new_world(), orders, len(story.ticks))
    found = lockstep.difference(ours, [tick.after for tick in story.ticks])
    assert found == lockstep.Difference(len(ours), 0, 0, 0, 0, 0)
    different = {
        word_name(word)
        for state, tick in zip(ours, story.ticks, strict=True)
        for word, (a, b) in enumerate(zip(words(state), words(tick.after), strict=True))
        if a != b
    }
    assert different <= OF_THE_MOMENT


def test_the_emergency_stop_drops_enable_within_one_tick(story: pull.Story) -> None:
    assert enable_fell_ms(story, story.estop_ns) <= ONE_TICK_ms
    assert fault_names(story.estop_faults) == ["ESTOP"]


def test_each_switch_is_seen_by_the_tick(story: pull.Story) -> None:
    seen = [words(tick.before)[firmware.SWITCHES] for tick in story.switched]
    assert [bits for bits in dict.fromkeys(seen) if bits] == [ESTOP, DRIVER_FAULT, BUTTON_UP, BUTTON_DOWN]
    assert seen[-1] == 0
    latched = {words(tick.after)[firmware.FAULTS] for tick in story.switched}
    assert ["ESTOP", "DRIVER"] in map(fault_names, latched)


def test_a_silent_host_ramps_the_load_down_and_then_enable_falls(story: pull.Story) -> None:
    states = [(tick.began_ns, words(tick.after)) for tick in story.lease_ticks]
    lapse_ns = next(at_ns for at_ns, s in states if s[firmware.FAULTS] >> layout.FAULT_LEASE_LAPSED & 1)
    assert 0 < ms(story.silent_ns, lapse_ns) <= pull.LEASE_ms + 2 * TICK_ms
    last = [s for at_ns, s in states if at_ns < lapse_ns][-1]
    assert last[firmware.ENABLE] and last[firmware.CEILING_mN] > 30_000, "there was something to lower"
    # None between two steps of the athlete, where the brake rests: how fast the machine is decides when.
    ramp = [s for at_ns, s in states if at_ns >= lapse_ns and s[firmware.ENABLE]]
    for before, after in pairwise(ramp):
        fall_mN = before[firmware.CEILING_mN] - after[firmware.CEILING_mN]
        assert fall_mN >= 0 and after[firmware.BRAKE_mN] <= after[firmware.CEILING_mN]
        # Below the ceiling the passivity limit may lower the brake as fast as the driver takes it.
        if after[firmware.BRAKE_mN] == after[firmware.CEILING_mN]:
            assert fall_mN <= after[firmware.RAMP_STEP_mN]
    at_lapse = next(s for at_ns, s in states if at_ns == lapse_ns)
    step_mN = (ramp or [at_lapse])[-1][firmware.RAMP_STEP_mN]
    assert (ramp or [last])[-1][firmware.BRAKE_mN] <= step_mN, "never dropped"
    assert enable_fell_ms(story, lapse_ns) < 1000
    assert story.lapsed["mode"] == layout.MODE_IDLE
    assert fault_names(story.lapsed["faults"]) == ["LEASE_LAPSED"]


def test_a_tick_that_stops_loses_enable_and_the_watchdog_starts_anew(story: pull.Story) -> None:
    assert story.enabled_before
    assert enable_fell_ms(story, story.starved_ns) < 20, "the main loop sees it, long before the watchdog"
    assert not any(value for at_ns, value in story.enable if at_ns > story.starved_ns)
    assert story.boots == 2
    assert story.again["reset_cause"] == layout.RESET_WATCHDOG
