"""Each fault of a sensor really changes its reading, and mending it makes that whole again."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import tick as firmware
from sim.faults import table as faults
from sim.people.athlete import ScriptedForce
from sim.rig import Rig
from sim.world.sensors import CELL_MAX, CELL_STEP_N, CELL_ZERO
from tests.sim.effects import cell, counts, effect, moves
from tests.sim.reactions import loaded_rig

COUNTS_PER_m = 4096 / (2 * 3.141592653589793 * 0.0825)


@pytest.fixture
def rig() -> Rig:
    """At a pace of 1 m/s under a leased load of 129 N."""
    return loaded_rig()


@effect("encoder_stuck")
def test_a_stuck_encoder_keeps_its_count_and_later_goes_on_from_there(rig):
    end = faults.begin(rig, "encoder_stuck")
    raw, got = counts(rig, 50)
    assert raw[-1] - raw[0] > 300 and len(set(got)) == 1
    end()
    raw, later = counts(rig, 50)
    assert abs(later[0] - got[0]) < 15  # no leap
    assert moves(later) == moves(raw)


@effect("encoder_jump")
def test_a_jump_is_one_step_of_the_count(rig):
    rig.step(1)
    before = rig.board.s[firmware.COUNTS]
    end = faults.begin(rig, "encoder_jump", counts=-700)
    _, got = counts(rig, 20)
    assert -700 < got[0] - before < -685
    assert all(0 <= moved < 15 for moved in moves(got))
    end()
    _, later = counts(rig, 5)
    assert abs(later[0] - got[-1]) < 15


@effect("encoder_noise")
def test_a_noisy_encoder_flutters_about_its_count_in_each_rig_the_same(rig):
    end = faults.begin(rig, "encoder_noise", counts=4)
    raw, got = counts(rig, 300)
    off = [a - b for a, b in zip(got, raw, strict=True)]
    assert set(off) == set(range(-4, 5)) and abs(statistics.fmean(off)) < 0.5
    other = loaded_rig()
    faults.begin(other, "encoder_noise", counts=4)
    assert counts(other, 300) == (raw, got)
    end()
    raw, got = counts(rig, 50)
    assert raw == got


@effect("encoder_reversed")
def test_a_reversed_encoder_counts_back_from_where_it_is(rig):
    end = faults.begin(rig, "encoder_reversed")
    raw, got = counts(rig, 50)
    assert moves(got) == [-moved for moved in moves(raw)] and got[-1] < got[0] - 300
    end()
    raw, later = counts(rig, 50)
    assert abs(later[0] - got[-1]) < 15 and moves(later) == moves(raw)


@effect("encoder_lost_edges")
@pytest.mark.parametrize("part", [0.05, 0.5])
def test_lost_edges_make_the_way_shorter_by_their_part(rig, part):
    end = faults.begin(rig, "encoder_lost_edges", part=part)
    x_m, at = rig.plant.x_m, rig.encoder.counts(rig.plant.x_m)
    _, got = counts(rig, 500)
    true = (rig.plant.x_m - x_m) * COUNTS_PER_m
    assert (got[-1] - at) / true == pytest.approx(1 - part, rel=0.02)
    end()
    x_m = rig.plant.x_m
    _, later = counts(rig, 500)
    assert later[-1] - got[-1] == pytest.approx((rig.plant.x_m - x_m) * COUNTS_PER_m, abs=15)


@effect("encoder_dropout")
def test_a_loose_encoder_freezes_and_catches_up_again_and_again(rig):
    end = faults.begin(rig, "encoder_dropout", ms=40)
    raw, got = counts(rig, 300)
    for start in (0, 100, 200):
        assert len(set(got[start : start + 40])) == 1
        assert got[start + 40 : start + 100] == raw[start + 40 : start + 100]
    end()
    raw, got = counts(rig, 150)
    assert raw == got


wires = st.sampled_from(
    ["encoder_stuck", "encoder_reversed", "encoder_jump", "encoder_noise", "encoder_dropout"]
)


@given(st.lists(st.tuples(st.one_of(wires, st.integers(0, 9)), st.integers(1, 30)), min_size=3, max_size=12))
def test_the_count_is_off_by_what_was_lost_on_the_way_and_by_nothing_else(operations):
    """Against a model that only adds up the counts of each tick."""
    rig = Rig(person=ScriptedForce(lambda now_s: 60.0 if now_s % 0.4 < 0.3 else -160.0))
    begun: list[tuple[str, faults.End]] = []
    at = expected = jumped = 0
    is_fresh = False  # the reading at which such faults begin is still right

    def names(*kinds: str) -> list[str]:
        return [name for name, _ in begun if name in kinds]

    def tick() -> None:
        nonlocal at, expected, jumped, is_fresh
        before, at = at, int(rig.plant.x_m * COUNTS_PER_m // 1)
        sign = 0 if names("encoder_stuck") else (-1) ** len(names("encoder_reversed"))
        expected += (at - before + jumped) * (1 if is_fresh else sign)
        jumped, is_fresh = 0, False
        rig.step(1)
        if not names("encoder_noise", "encoder_dropout"):
            assert rig.board.s[firmware.COUNTS] == expected

    for operation, ticks in operations:
        if isinstance(operation, str):
            is_fresh |= not names("encoder_stuck", "encoder_reversed")
            begun.append((operation, faults.begin(rig, operation)))
            if operation == "encoder_jump":
                jumped += 400
            is_fresh &= bool(names("encoder_stuck", "encoder_reversed"))
        elif begun:
            begun.pop(operation % len(begun))[1]()
        for _ in range(ticks):
            tick()
    while begun:
        begun.pop()[1]()
    assert not rig.filters["counts"]
    tick()


@effect("cell_stuck")
def test_a_stuck_load_cell_repeats_one_reading(rig):
    end = faults.begin(rig, "cell_stuck")
    raw, got = cell(rig, 50)
    assert set(got) == {raw[0]} and len(set(raw)) > 10
    end()
    raw, got = cell(rig, 50)
    assert raw == got


@effect("cell_rail_high", "cell_rail_low")
@pytest.mark.parametrize("name, reading", [("cell_rail_high", CELL_MAX), ("cell_rail_low", 0)])
def test_a_railed_load_cell_reads_the_end_of_its_range(rig, name, reading):
    end = faults.begin(rig, name)
    assert set(cell(rig, 30)[1]) == {reading}
    end()
    raw, got = cell(rig, 30)
    assert raw == got


@effect("cell_dropout")
def test_a_loose_load_cell_reads_zero_now_and_then(rig):
    end = faults.begin(rig, "cell_dropout", ms=30)
    raw, got = cell(rig, 400)
    for start in (0, 200):
        assert set(got[start : start + 30]) == {CELL_ZERO}
        assert got[start + 30 : start + 200] == raw[start + 30 : start + 200]
    end()
    raw, got = cell(rig, 250)
    assert raw == got


@effect("cell_jump", "cell_scale", "cell_reversed", "cell_noise")
@pytest.mark.parametrize(
    "name, value, gives",
    [
        ("cell_jump", {"force_N": -50.0}, lambda true_N: true_N - 50.0),
        ("cell_scale", {"part": 0.5}, lambda true_N: 0.5 * true_N),
        ("cell_reversed", {}, lambda true_N: -true_N),
        ("cell_noise", {"rms_N": 20.0}, lambda true_N: true_N),
    ],
)
def test_a_wrong_load_cell_reads_what_its_fault_makes_of_the_force(rig, name, value, gives):
    end = faults.begin(rig, name, **value)
    raw, got = cell(rig, 400)
    off_N = [
        (wrong - CELL_ZERO) * CELL_STEP_N - gives((right - CELL_ZERO) * CELL_STEP_N)
        for right, wrong in zip(raw, got, strict=True)
    ]
    if name == "cell_noise":
        assert statistics.pstdev(off_N) == pytest.approx(20.0, rel=0.1) and abs(statistics.fmean(off_N)) < 3.0
    else:
        assert max(map(abs, off_N)) <= 2 * CELL_STEP_N and not any(wrong % 4 for wrong in got)
    end()
    raw, got = cell(rig, 20)
    assert raw == got


def test_no_fault_brings_the_load_cell_beyond_its_range(rig):
    faults.begin(rig, "cell_jump", force_N=-2000)
    assert set(cell(rig, 20)[1]) == {0}
    faults.begin(rig, "cell_scale", part=3)
    faults.begin(rig, "cell_jump", force_N=2000)
    faults.begin(rig, "cell_jump", force_N=2000)
    assert max(cell(rig, 20)[1]) == CELL_MAX


@effect("cell_drift")
def test_a_drifting_load_cell_reads_more_each_second(rig):
    before_N = rig.cell.offset_N
    got_N = statistics.fmean(cell(rig, 500)[1]) * CELL_STEP_N
    end = faults.begin(rig, "cell_drift", N_per_s=10)
    rig.step(2000)
    assert rig.cell.offset_N - before_N == pytest.approx(20.0, abs=0.1)
    assert statistics.fmean(cell(rig, 500)[1]) * CELL_STEP_N > got_N + 5  # the load is trimmed down for it
    end()
    rig.step(1000)
    assert rig.cell.offset_N - before_N == pytest.approx(25.0, abs=0.1)  # what has drifted stays


@effect("ntc_open", "ntc_short")
@pytest.mark.parametrize("name, reading_cC", [("ntc_open", -3445), ("ntc_short", 16_705)])
def test_a_broken_temperature_sensor_reads_the_end_of_its_range(rig, name, reading_cC):
    end = faults.begin(rig, name)
    rig.step(10)
    assert rig.board.s[firmware.TEMPERATURE_cC] == reading_cC
    end()
    rig.step(10)
    assert rig.board.s[firmware.TEMPERATURE_cC] / 100 == pytest.approx(rig.supply.winding_C, abs=1.0)


@effect("bus_sensor_stuck")
def test_a_stuck_bus_sensor_shows_no_sagging_battery(rig):
    end = faults.begin(rig, "bus_sensor_stuck")
    rig.step(10)
    shown_mV = rig.board.s[firmware.BUS_mV]
    faults.begin(rig, "battery_sag", sag_V=5)
    rig.step(500)
    assert rig.board.s[firmware.BUS_mV] == shown_mV > 1000 * rig.supply.bus_V + 3000
    end()
    rig.step(10)
    assert rig.board.s[firmware.BUS_mV] / 1000 == pytest.approx(rig.supply.bus_V, abs=0.3)
