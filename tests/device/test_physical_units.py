"""The machine's own numbers, of DESIGN and wiring, against what firmware, settings and wire make of them.

A wheel that turns, newtons on the hitch, volts and ohms at the pins go in; metres, newtons and degrees
have to come out. No number here is read from the tables it checks.
"""

import ast
import math
from itertools import pairwise

import pytest

from device.sled import commands, tick
from protocol import messages, units, wire
from protocol.settings import SETTINGS
from tests.device.motion import DrivenTick
from tests.runtimes import stage

COUNTS_A_TURN = 4096
WHEEL_RADIUS_m = 0.0825
TURN_m = 2 * math.pi * WHEEL_RADIUS_m
CELL_N = (-1000.0, 1000.0)  # over all 16 bits
FULL_COMMAND_N = 800.0
COMMAND_STEPS = 4095  # 12 bits
CONVERTER_STEPS = 4096
BUS_DIVIDER = 22
REFERENCE_V = 3.3
NTC_ohm, NTC_B_K, NTC_AT_K, PULL_UP_ohm = 10_000.0, 3950.0, 298.15, 10_000.0

DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
BOARD = (stage.FIRMWARE / "board_rp2040.py").read_text(encoding="utf-8")


def turned(turns_per_s: float, time_s: float, raw: int = 32_768) -> DrivenTick:
    """A tick that has seen the wheel turn so fast for so long, in counts of the encoder."""
    driven = DrivenTick()
    for n in range(1, round(time_s * 1000) + 1):
        driven.s[tick.COUNTS] = math.floor(turns_per_s * n / 1000 * COUNTS_A_TURN)
        driven.s[tick.CELL_RAW] = raw
        driven.s[tick.MAIN_LEFT_ticks] = 100
        tick.tick(driven.s, driven.ring)
    return driven


def newest_sample(driven: DrivenTick) -> dict[str, float]:
    """The last sample of the ring as the host reads it, SI units by their name on the wire."""
    at = driven.s[tick.RING_AT] - tick.SAMPLE_WORDS
    body = messages.SAMPLE.parse(driven.ring[at : at + tick.SAMPLE_WORDS].tobytes())
    return {name: units.to_si(name, body[name]) for name in wire.SAMPLE_FIELDS}


@pytest.mark.parametrize("turns_per_s", [2.0, -2.0, 6.0])
def test_a_turn_of_the_wheel_is_its_circumference(turns_per_s: float) -> None:
    driven = turned(turns_per_s, 3.0)
    way_m = turns_per_s * 3.0 * TURN_m
    what = "4096 counts on a wheel of 82.5 mm radius are 0.518 m"
    assert driven.s[tick.POSITION_um] / 1e6 == pytest.approx(way_m, rel=1e-4), what
    assert commands.odometer_mm(driven.s) / 1e3 == pytest.approx(abs(way_m), abs=0.002), what
    assert driven.s[tick.VELOCITY_mm_per_s_q10] / 1024e3 == pytest.approx(turns_per_s * TURN_m, rel=0.01)
    sample = newest_sample(driven)
    assert sample["position_um"] == pytest.approx(way_m, rel=1e-4), "position on the wire is in um"
    assert sample["velocity_mm_per_s"] == pytest.approx(turns_per_s * TURN_m, rel=0.01), "velocity in mm/s"


@pytest.mark.parametrize("part", [0.1, 0.4, 0.6, 0.95])
def test_the_load_cell_spans_1000_N_either_way_over_16_bits(part: float) -> None:
    force_N = CELL_N[0] + part * (CELL_N[1] - CELL_N[0])
    driven = turned(0.0, 0.01, raw=round(part * 65_536))
    assert driven.s[tick.TOW_mN] / 1000 == pytest.approx(force_N, abs=0.05), "2000 N are 65536 steps"
    assert newest_sample(driven)["tow_force_dN"] == pytest.approx(force_N, abs=0.1), "0.1 N on the wire"


@pytest.mark.parametrize("force_N", [100.0, 400.0, 700.0])
def test_full_command_is_800_N_in_12_bits(force_N: float) -> None:
    driven = DrivenTick()
    driven.set_load(round(force_N * 1000))
    driven.already_rolling(2.0)
    driven.roll(1000, 2.0)
    brake_N = driven.s[tick.BRAKE_mN] / 1000
    assert brake_N > 0.8 * force_N
    duty = brake_N / FULL_COMMAND_N * COMMAND_STEPS
    assert driven.s[tick.DUTY] == pytest.approx(duty, abs=1.1), "800 N are a command of 4095"
    sample = newest_sample(driven)
    assert sample["brake_force_dN"] == pytest.approx(brake_N, abs=0.1), "0.1 N on the wire"
    assert sample["law_force_dN"] == pytest.approx(force_N, abs=0.1), "0.1 N on the wire"


def test_a_tick_is_a_millisecond_on_the_wire_and_in_the_ramps() -> None:
    assert 1 / tick.TICKS_PER_s == 1e-3
    assert units.to_si("sample_period_us", 1000) == 1e-3
    assert tick.RING_SAMPLES / tick.TICKS_PER_s >= 3, "the ring holds 3 s"


@pytest.mark.parametrize(
    ("name", "physical"),
    [
        ("um_per_1024_counts", TURN_m / COUNTS_A_TURN * 1024 * 1e6),
        ("cell_uN_per_raw", (CELL_N[1] - CELL_N[0]) / 65_536 * 1e6),
        ("cell_zero_raw", 65_536 / 2),
        ("brake_full_scale_mN", FULL_COMMAND_N * 1e3),
        ("force_max_mN", 800.0 * 1e3),
        ("bare_mass_g", 30.0 * 1e3),
        ("raise_mN_per_s", 180.0 * 1e3),
        ("hold_s", 10.0 * 60),
    ],
)
def test_the_settings_are_the_machine_s_numbers_in_the_unit_of_their_name(name: str, physical: float) -> None:
    assert DEFAULTS[name] == pytest.approx(physical, rel=3e-5), f"{name} should be {physical:.6g}"


def on_the_board(*names: str) -> dict[str, object]:
    """Constants and functions of the board file, which only the chip can import."""
    chosen: list[ast.stmt] = []
    for node in ast.parse(BOARD).body:
        given = {node.name} if isinstance(node, ast.FunctionDef) else set()
        if isinstance(node, ast.Assign):
            given = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if given & set(names):
            chosen.append(node)
    scope: dict[str, object] = {"const": lambda value: value}
    exec(compile(ast.Module(chosen, []), "board_rp2040.py", "exec"), scope)
    return {name: scope[name] for name in names}


def ntc_reading(temperature_C: float) -> float:
    """Reading of the converter, in steps, for the NTC to ground under its pull-up (B formula)."""
    ohm = NTC_ohm * math.exp(NTC_B_K * (1 / (temperature_C + 273.15) - 1 / NTC_AT_K))
    return CONVERTER_STEPS * ohm / (ohm + PULL_UP_ohm)


def test_the_bus_is_read_behind_a_divider_of_22() -> None:
    full_mV = on_the_board("_BUS_FULL_SCALE_mV")["_BUS_FULL_SCALE_mV"]
    assert full_mV == pytest.approx(REFERENCE_V * BUS_DIVIDER * 1000, abs=1), "3.3 V behind 22:1 are 72.6 V"


def test_the_ntc_s_table_is_its_formula() -> None:
    readings = on_the_board("_NTC_READINGS")["_NTC_READINGS"]
    assert isinstance(readings, tuple) and all(high > low for high, low in pairwise(readings))
    assert len(readings) == 16, "-20, -10, ... 130 degrees C"
    for at, reading in enumerate(readings):
        assert reading == pytest.approx(ntc_reading(-20.0 + 10 * at), abs=1.0), f"at {-20 + 10 * at} C"


@pytest.mark.parametrize("temperature_C", range(-20, 131, 5))
def test_a_temperature_is_right_to_a_degree(temperature_C: int) -> None:
    convert = on_the_board("_NTC_READINGS", "temperature_cC")["temperature_cC"]
    assert callable(convert)
    found_C = units.to_si("temperature_cC", convert(round(ntc_reading(temperature_C))))
    assert found_C == pytest.approx(temperature_C, abs=1.0)
