"""The stimulus reaches all of the tick, is what its generator makes, and gives the golden checks."""

import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from device.sled import tick as firmware
from protocol.codes import FAULTS, LIMITS
from protocol.settings import SETTINGS
from seeds.traces import make_stimulus
from tests.runtimes import golden, stimulus

#: The faults and limits that the tick itself finds; the main loop finds the others.
FAULTS_OF_THE_TICK = {
    "ESTOP",
    "DRIVER",
    "PASSIVITY",
    "ENCODER_SILENT",
    "ENCODER_JUMP",
    "CELL_RAILED",
    "CELL_FROZEN",
    "CELL_DISAGREES",
    "FORCE_STUCK",
    "OVERSPEED",
    "TICK_OVERRUN",
    "MAIN_STALLED",
    "LEASE_LAPSED",
}
LIMITS_OF_THE_TICK = {
    "force_max",
    "own_friction",
    "crawl",
    "passivity",
    "slew",
    "ramp",
    "speed_cap",
    "bus",
    "temperature",
}


def test_the_stimulus_is_what_its_generator_makes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seeds.traces.make_stimulus", "--check"],
        cwd=stimulus.TRACES.parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_an_unintended_change_of_the_law_shows_against_the_golden_checks() -> None:
    kept = stimulus.read_golden()
    now = list(golden.checks())
    different = next((row.ticks for row, new in zip(kept, now, strict=False) if row != new), None)
    assert different is None, (
        f"the tick's state first differs from golden.csv in the {stimulus.CHECK_EVERY_TICKS} ticks "
        f"before tick {different}; if the law was meant to change: make golden"
    )
    assert len(now) == len(kept)


def unreachable() -> int:
    """The last check of a brake below nothing, in section 16: no other line of the tick lets that happen."""
    lines = Path(firmware.__file__).read_text(encoding="utf-8").splitlines()
    section = next(at for at, line in enumerate(lines) if line.lstrip().startswith("# 16."))
    check = next(at for at in range(section, len(lines)) if lines[at].strip() == "if brake < 0:")
    return check + 2


def test_every_line_of_the_tick_is_run() -> None:
    code = firmware.tick.__code__
    left = {line for _, _, line in code.co_lines() if line is not None and line > code.co_firstlineno + 1}
    left.discard(unreachable())

    def on_line(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            left.discard(_frame.f_lineno)
        return on_line

    def on_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return on_line if frame.f_code is code and left else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        golden.new_replay().run(stimulus.read_stimulus(), lambda done: None)
    finally:
        sys.settrace(before)
    assert not left, f"lines of tick.py the stimulus never runs: {sorted(left)}"


def test_every_fault_and_limit_of_the_tick_comes_up() -> None:
    seen = {"faults": 0, "limits": 0}

    def each(done: Any) -> None:
        seen["faults"] |= done.s[firmware.FAULTS]
        seen["limits"] |= done.s[firmware.LIMITS]

    run = golden.new_replay()
    run.run(stimulus.read_stimulus(), each)
    assert run.ticks >= 5_000
    assert {fault.name for fault in FAULTS if seen["faults"] >> fault.number & 1} == FAULTS_OF_THE_TICK
    assert {limit.name for limit in LIMITS if seen["limits"] >> limit.number & 1} == LIMITS_OF_THE_TICK


def test_every_input_load_parameter_and_setting_is_driven_to_both_ends() -> None:
    values: dict[int, set[int]] = {}
    drive = stimulus.read_stimulus()
    at = 0
    while at < len(drive):
        pairs = drive[at + 1 : at + 1 + 2 * drive[at]]
        for word, value in zip(pairs[::2], pairs[1::2], strict=True):
            values.setdefault(word, set()).add(value)
        at += 1 + 2 * drive[at]
    ends = {stimulus.word(name): ends for name, ends in make_stimulus.INPUTS.items()}
    for number, limits in enumerate(make_stimulus.LOAD_RANGES):
        ends |= {firmware.NEXT_PULL + number: limits, firmware.NEXT_PUSH + number: limits}
    ends |= {
        firmware.SETTINGS_AT + setting.number: (setting.minimum, setting.maximum) for setting in SETTINGS
    }
    missed = [stimulus.word_name(word) for word, both in ends.items() if not set(both) <= values[word]]
    assert not missed


def test_the_settings_words_follow_the_order_of_the_settings_table() -> None:
    numbers = [stimulus.WORDS[word] - firmware.SETTINGS_AT for word in make_stimulus.SETTING_WORDS]
    assert numbers == [setting.number for setting in SETTINGS]
    assert firmware.SETTINGS_AT + len(SETTINGS) == firmware.DROP_MASK
