"""How much faster than real time the whole rig runs: firmware, board, sled and athlete."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import line
from sim.rig import Rig, RigConfig

ROOT = Path(__file__).resolve().parents[1]
_IDLE_TICKS = 20_000


def measure() -> None:
    """A rig nobody touches, then a round of the demo's workout with host, wire and telemetry."""
    rig = Rig(RigConfig())
    before = time.perf_counter()
    rig.step(_IDLE_TICKS)
    taken_s = time.perf_counter() - before
    line(
        "rig alone, nobody at the sled", f"{taken_s:.2f} s", f"{_IDLE_TICKS / 1000 / taken_s:.0f} x real time"
    )
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter()
        demo = ["demo", "--rounds", "2", "--out", str(Path(folder) / "summary.json")]
        done = subprocess.run(
            [sys.executable, "-m", "host", "--json", *demo],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        taken_s = time.perf_counter() - before
    duration_s = float(json.loads(done.stdout)["duration_s"])
    line("host demo, 2 times up and back", f"{taken_s:.2f} s", f"{duration_s / taken_s:.0f} x real time")
