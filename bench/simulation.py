"""How much faster than real time the rig runs, where its time goes, and what more sleds cost."""

import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.report import line
from sim.rig import Rig, RigConfig
from tests.sim.hosting import STREAM, set_load

ROOT = Path(__file__).resolve().parents[1]
_TICKS = 15_000
_SLICE_TICKS = 100
_WARM_TICKS = 3000  # armed, gripped, on the way
_TRIES = 3
_PULLS = RigConfig(athlete="recreational")

#: Files and folders whose time is shown under one name.
_PARTS = {
    "device/sled/tick.py": "control tick",
    "device/sled": "firmware's main loop, telemetry",
    "sim/world/plant.py": "sled and hitch",
    "sim/world/sensors.py": "sensors",
    "sim/world": "driver, power, heat",
    "sim/people": "athlete",
    "sim": "rig",
}


def _armed(config: RigConfig, is_streaming: bool) -> Rig:
    """A rig with half of 80 kg on turf held, its athlete, if any, at work."""
    rig = Rig(config)
    rig.write(set_load() + (STREAM if is_streaming else b""))
    _run(rig, _WARM_TICKS)
    return rig


def _run(rig: Rig, ticks: int) -> None:
    for _ in range(ticks // _SLICE_TICKS):
        rig.step(_SLICE_TICKS)
        rig.read(1 << 20)


def _times_real(rigs: list[Rig]) -> float:
    """Simulated seconds for each second of this process, all rigs together; the best of some tries."""
    best = 0.0
    for _ in range(_TRIES):
        before = time.process_time()
        for _ in range(_TICKS // len(rigs) // _SLICE_TICKS):
            for rig in rigs:
                _run(rig, _SLICE_TICKS)
        taken_s = time.process_time() - before
        done_s = _TICKS // len(rigs) // _SLICE_TICKS * len(rigs) * _SLICE_TICKS / 1000
        best = max(best, done_s / taken_s)
    return best


def _part(file: str) -> str:
    """Under which name the time of this file is shown."""
    try:
        path = Path(file).resolve().relative_to(ROOT).as_posix()
    except ValueError:
        return "other"
    while path != "." and path not in _PARTS:
        path = Path(path).parent.as_posix()
    return _PARTS.get(path, "other")


def where_the_time_goes(rig: Rig) -> Counter[str]:
    """Seconds in each part of a run, by Python's own profiler, which makes each call a little dearer."""
    profile = cProfile.Profile(builtins=False)
    profile.enable()
    _run(rig, _TICKS)
    profile.disable()
    found = Counter[str]()
    for (file, _, _), (_, _, own_s, _, _) in pstats.Stats(profile).stats.items():
        found[_part(file)] += own_s
    return found


def measure() -> None:
    """Rigs by how much goes on, the profile, several sleds in one process, the whole demo."""
    one = 0.0
    for what, config, is_streaming in (
        ("nobody at the sled", RigConfig(), False),
        ("an athlete pulls half of body weight", _PULLS, False),
        ("the same with every sample sent to a host", _PULLS, True),
    ):
        one = _times_real([_armed(config, is_streaming)])
        line(what, f"{one:.0f} x real time", f"{1000 / one:.1f} us a tick")
    found = where_the_time_goes(_armed(_PULLS, True))
    for part, own_s in found.most_common():
        line(f"  of it: {part}", f"{100 * own_s / found.total():.0f} %")
    for sleds in (4, 16):
        rigs = [_armed(_PULLS._replace(seed=seed), True) for seed in range(1, sleds + 1)]
        together = _times_real(rigs)
        line(
            f"{sleds} sleds in one process, together",
            f"{together:.0f} x real time",
            f"each {together / sleds:.1f} x; one sled's time costs {one / together:.2f} x",
        )
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter()
        demo = ["demo", "--rounds", "2", "--out", str(Path(folder) / "summary.json")]
        done = subprocess.run(
            [sys.executable, "-m", "host", "--json", *demo], cwd=ROOT, check=True, capture_output=True
        )
        taken_s = time.perf_counter() - before
    duration_s = float(json.loads(done.stdout)["duration_s"])
    line("host demo, start and decoding on the host included", f"{duration_s / taken_s:.0f} x real time")
