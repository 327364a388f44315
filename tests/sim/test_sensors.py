"""Sensors: what of the truth reaches the firmware, and with which errors."""

import ast
import itertools
import math
import statistics
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.world.parameters import Sensors
from sim.world.sensors import (
    CELL_MAX,
    CELL_READINGS,
    CELL_STEP_N,
    CELL_ZERO,
    COUNTS_WRAP,
    NTC_READINGS,
    PAGE_STEPS,
    WIDE_CODES,
    BUS_FULL_SCALE_mV,
    Encoder,
    LoadCell,
    Normal,
    NTC_cC,
    bus_reading_mV,
    converted,
    temperature_reading_cC,
)

COUNT_m = 2 * math.pi * 0.0825 / 4096

#: A cell and a converter without flaws.
IDEAL = Sensors(
    cell_scale=1.0,
    cell_drift_N_per_s=0.0,
    cell_creep=0.0,
    cell_bend=0.0,
    cell_noise_N=0.1,
    adc_wide_codes=1.0,
)


@given(st.floats(-60_000.0, 60_000.0), st.floats(-100.0, 100.0))
def test_the_encoder_floors_to_whole_counts_since_it_started(x, start):
    encoder = Encoder(Sensors())
    encoder.restart(start)
    counts = encoder.counts(x)
    # Both ends are floored to the wheel's own counts, so the way is right to one count.
    assert abs(counts * COUNT_m - (x - start)) < COUNT_m * 1.001


def test_one_more_count_means_one_more_count_of_way():
    encoder = Encoder(Sensors())
    for n in (-3, -1, 0, 1, 2, 4096):
        assert encoder.counts((n + 0.001) * COUNT_m) == n
        assert encoder.counts((n + 0.999) * COUNT_m) == n


@pytest.mark.parametrize("extra", [-2, -1, 0, 1])
def test_the_encoder_wraps_at_2_to_the_29(extra):
    encoder = Encoder(Sensors())
    counts = encoder.counts((COUNTS_WRAP + extra + 0.5) * COUNT_m)
    assert counts == (COUNTS_WRAP + extra if extra < 0 else extra - COUNTS_WRAP)


def test_noise_is_normal_enough():
    draw = Normal(5).draw
    numbers = [draw() for _ in range(40_000)]
    assert statistics.fmean(numbers) == pytest.approx(0.0, abs=0.02)
    assert statistics.pstdev(numbers) == pytest.approx(1.0, abs=0.015)
    beyond = sum(abs(number) > 1.96 for number in numbers) / len(numbers)
    assert beyond == pytest.approx(0.05, abs=0.005)


def rolled(encoder: Encoder, ways_m: list[float]) -> list[int]:
    """Counts along the way, read every millimetre."""
    found, x = [encoder.counts(0.0)], 0.0
    for way in ways_m:
        for _ in range(round(abs(way) * 1000)):
            x += math.copysign(0.001, way)
            found.append(encoder.counts(x))
    return found


def test_an_encoder_that_misses_edges_counts_so_much_less():
    encoder = Encoder(Sensors(), seed=1)
    encoder.lost_edges = 0.02
    counts = rolled(encoder, [20.0])
    assert counts[-1] == pytest.approx(0.98 * 20.0 / COUNT_m, rel=0.001)
    assert all(b >= a for a, b in itertools.pairwise(counts))


def test_missed_edges_do_not_come_back_on_the_way_back():
    """What was lost each way differs by chance, and stays when the fault is mended."""
    encoder = Encoder(Sensors(), seed=3)
    encoder.lost_edges = 0.3
    rolled(encoder, [5.0])
    off = encoder.counts(5.0) - 5.0 / COUNT_m
    assert off == pytest.approx(-0.3 * 5.0 / COUNT_m, rel=0.01)
    encoder.lost_edges = 0.0
    assert encoder.counts(6.0) - 6.0 / COUNT_m == pytest.approx(off, abs=1.01)
    encoder.lost_edges = 0.5
    assert encoder.counts(6.0) - 6.0 / COUNT_m == pytest.approx(off, abs=1.01)
    encoder.restart(2.0)
    assert encoder.counts(2.0) == pytest.approx(0.5 * 4.0 / COUNT_m, rel=0.01)


def test_the_same_seed_misses_the_same_edges():
    found = []
    for seed in (1, 1, 2):
        encoder = Encoder(Sensors(), seed)
        encoder.lost_edges = 0.1
        found.append(rolled(encoder, [0.5, -0.5, 0.3]))
    assert found[0] == found[1] != found[2]


def test_all_edges_missed_is_an_encoder_that_stands():
    encoder = Encoder(Sensors())
    encoder.lost_edges = 1.0
    assert set(rolled(encoder, [0.2, -0.4])) == {0}


@pytest.mark.parametrize(("lost_edges", "lost"), [(0.0, 0.0), (0.01, 41.0)])
def test_the_index_shows_lost_edges(lost_edges, lost):
    encoder = Encoder(Sensors(), seed=5)
    encoder.lost_edges = lost_edges
    latched = []
    for n in range(6000):
        encoder.counts(n * 0.001)
        latched.append(encoder.index_counts(n * 0.001))
    turns = [b - a for a, b in itertools.pairwise(latched) if a != b]
    assert len(turns) == 11
    assert statistics.fmean(turns) == pytest.approx(4096.0 - lost, abs=4.0 if lost else 0.0)


def test_after_a_restart_the_index_counts_from_the_new_zero():
    encoder = Encoder(Sensors(), seed=5)
    encoder.lost_edges = 0.01
    encoder.counts(0.0)
    encoder.restart(0.3)
    assert encoder.index_counts(0.3) == -(math.floor(0.3 / COUNT_m) % 4096)


@pytest.mark.parametrize("force", [-400.0, 0.0, 130.0])
def test_the_load_cell_has_its_scale_its_offset_and_its_noise(force):
    parameters = IDEAL._replace(cell_scale=0.98, cell_offset_N=7.0, cell_noise_N=0.5)
    cell = LoadCell(parameters, seed=1)
    readings = [(cell.raw(force) - CELL_ZERO) * CELL_STEP_N for _ in range(5000)]
    assert statistics.fmean(readings) == pytest.approx(0.98 * force + 7.0, abs=0.05)
    assert statistics.pstdev(readings) == pytest.approx(noise_N(parameters), rel=0.05)


@pytest.mark.parametrize("sensors", [Sensors(), IDEAL])
@pytest.mark.parametrize(("force", "rail"), [(1200.0, CELL_MAX), (-1200.0, 0), (1e5, CELL_MAX), (-1e5, 0)])
def test_the_load_cell_rails_beyond_its_range(sensors, force, rail):
    assert LoadCell(sensors, seed=1).raw(force) == rail


def noise_N(parameters: Sensors) -> float:
    """Rms of a reading: the amplifier's noise, and what the mean leaves of the converter's."""
    single_N = math.hypot(parameters.adc_noise_codes, 1 / math.sqrt(12)) * 16 * CELL_STEP_N
    return math.hypot(parameters.cell_noise_N, single_N / math.sqrt(CELL_READINGS))


def mean_N(cell: LoadCell, force_N: float, ticks: int = 1000) -> float:
    return statistics.fmean((cell.raw(force_N) - CELL_ZERO) * CELL_STEP_N for _ in range(ticks))


def test_the_offset_drifts_and_may_be_moved():
    cell = LoadCell(IDEAL, seed=1)
    assert mean_N(cell, 0.0) == pytest.approx(0.0, abs=0.05)
    cell.offset_N += 12.0
    assert mean_N(cell, 0.0) == pytest.approx(12.0, abs=0.05)
    cell.drift_N_per_s = 2.0
    mean_N(cell, 0.0, 5000)
    cell.drift_N_per_s = 0.0
    assert mean_N(cell, 0.0) == pytest.approx(22.0, abs=0.05)


def test_a_lasting_load_creeps_and_goes_back():
    cell = LoadCell(IDEAL._replace(cell_creep=0.002, cell_creep_s=60.0), seed=1)
    assert mean_N(cell, 500.0, 500) == pytest.approx(500.0, abs=0.05)
    mean_N(cell, 500.0, 59_000)
    assert mean_N(cell, 500.0) - 500.0 == pytest.approx(1.0 * (1 - math.exp(-1)), abs=0.05)
    assert mean_N(cell, 0.0) == pytest.approx(1.0 * (1 - math.exp(-1)), abs=0.05)
    mean_N(cell, 0.0, 59_000)
    assert mean_N(cell, 0.0) == pytest.approx(math.exp(-1) * (1 - math.exp(-1)), abs=0.05)


@pytest.mark.parametrize(("force", "error"), [(800.0, 1.28), (-800.0, 1.28), (400.0, 0.32)])
def test_the_cells_line_bends_with_the_square_of_the_force(force, error):
    cell = LoadCell(IDEAL._replace(cell_bend=0.002), seed=1)
    assert mean_N(cell, force) - force == pytest.approx(error, abs=0.06)


def converter(spread: int, wide_steps: int) -> tuple[int, list[int]]:
    """Where an input of 0 stands in the list of readings, and all of them, from a page before it on."""
    return PAGE_STEPS, [reading for page in range(-1, 65) for reading in converted(spread, wide_steps, page)]


def test_enough_noise_in_single_readings_smooths_the_staircase_away():
    zero, raws = converter(27, 16)
    assert all(abs(raws[zero + n] - n) <= 1 for n in range(300, 65_200))


def test_without_noise_in_single_readings_the_converter_has_twelve_bits():
    zero, raws = converter(1, 16)
    assert {raws[zero + n] for n in range(65_536)} == set(range(0, 65_536, 16))
    # A code stands for the input in its middle.
    assert all(raws[zero + 16 * code] == 16 * code for code in range(4096))


@pytest.mark.parametrize("spread", [5, 8])
def test_the_staircase_is_the_mean_of_readings_with_noise(spread):
    """Against 4000 single readings for each of a few inputs."""
    random = Random(1)
    zero, raws = converter(spread, 158)
    _, plain = converter(1, 158)
    start = converter(1, 158)[0]
    for place in (32_768, 32_770, 32_776, 24_560, 8_100):
        noisy = [
            plain[start + place + sum(random.randrange(spread) for _ in range(4)) - 2 * (spread - 1)]
            for _ in range(4000)
        ]
        # The sum of the readings loses its last bits.
        assert raws[zero + place] == pytest.approx(statistics.fmean(noisy) - 0.5, abs=0.7)


def test_four_codes_are_as_wide_as_the_erratum_says_and_the_ends_stay():
    zero, raws = converter(1, 158)
    readings = raws[zero : zero + 65_536]
    widths = [readings.count(16 * code) for code in WIDE_CODES]
    assert widths == [158] * 4
    assert readings.count(16 * 1000) in (15, 16) and readings[32_768] == 32_768
    assert readings[0] == 0 and readings[-1] == CELL_MAX
    assert all(b >= a for a, b in itertools.pairwise(raws))


def test_single_readings_clip_at_the_rails():
    zero, raws = converter(27, 16)
    assert raws[zero] > 2 and raws[zero + 65_520] < CELL_MAX - 2  # some of the readings have clipped
    assert raws[0] == 0 and raws[-1] == CELL_MAX


def test_the_converters_own_noise_is_averaged_over_the_readings():
    for codes in (0.3, 4.0):
        parameters = IDEAL._replace(adc_noise_codes=codes)
        cell = LoadCell(parameters, seed=1)
        spread = statistics.pstdev(cell.raw(100.0) * CELL_STEP_N for _ in range(5000))
        assert spread == pytest.approx(noise_N(parameters), rel=0.05)


def test_the_cell_reads_in_the_boards_steps_and_rounds_to_them_without_an_offset():
    cell = LoadCell(IDEAL, 3)
    raws = [cell.raw(100.0) for _ in range(20_000)]
    assert not any(raw % 4 for raw in raws) and len(set(raws)) > 5
    assert (statistics.fmean(raws) - CELL_ZERO) * CELL_STEP_N == pytest.approx(100.0, abs=0.02)


def test_bus_and_temperature_are_converted_with_the_numbers_of_the_board():
    source = Path(__file__).parents[2] / "device" / "sled" / "board_rp2040.py"
    found = {
        node.targets[0].id: ast.unparse(node.value)
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert ast.literal_eval(found["_NTC_READINGS"]) == NTC_READINGS
    assert found["_BUS_FULL_SCALE_mV"] == f"const({BUS_FULL_SCALE_mV})"


@given(st.floats(-10.0, 90.0))
def test_the_bus_is_read_in_steps_of_12_bits_of_its_full_scale(bus_V):
    reading_mV = bus_reading_mV(bus_V)
    code = round(reading_mV * 4096 / 72_600)
    assert 0 <= code <= 4095 and reading_mV == code * 72_600 // 4096
    if 0.0 <= bus_V < 72.58:
        assert -1.0 <= bus_V * 1000 - reading_mV < 72_600 / 4096 + 1


@given(st.floats(-60.0, 250.0))
def test_a_temperature_is_read_in_steps_and_never_beyond_the_ends_of_the_boards_table(temperature_C):
    reading_cC = temperature_reading_cC(temperature_C)
    assert reading_cC in NTC_cC and -3445 == NTC_cC[0] <= reading_cC <= NTC_cC[-1] == 16705
    if -34.4 < temperature_C < 167.0:
        assert 0.0 <= temperature_C * 100 - reading_cC < 31.0
