"""`host set-load` against the simulator, start-up included, as a ratio to `python -c pass`."""

import compileall
import importlib.util
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.report import line

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "host set-load 50%bw, over sim://": [
        *("-m", "host", "--port", "sim://", "--json"),
        *("set-load", "50%bw", "--bodyweight", "80kg"),
    ],
    "host --help": ["-m", "host", "--help"],
}
if importlib.util.find_spec("mpremote"):
    COMMANDS["for comparison: mpremote --version"] = ["-m", "mpremote", "--version"]

GOALS = {"host set-load 50%bw, over sim://": "  (goal 7 x, limit 9 x)"}


def _seconds(arguments: list[str], environment: dict[str, str]) -> float:
    before = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - before


def medians_s() -> dict[str, float]:
    """Median wall time of each command over ROUNDS, taken in turns so that all see the same machine."""
    for package in ("host", "protocol", "sim", "device"):
        compileall.compile_dir(ROOT / package, quiet=2)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            taken[name].append(_seconds(arguments, environment))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def measure() -> None:
    """Medians and their ratios to Python's own start."""
    medians = medians_s()
    base_s = medians["python -c pass"]
    for name, seconds in medians.items():
        line(name, f"{1000 * seconds:.1f} ms", f"{seconds / base_s:.1f} x{GOALS.get(name, '')}")
