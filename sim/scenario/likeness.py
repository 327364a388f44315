"""Whether what the sled reports is what is true, as near as its sensors can be, moment by moment.

Not looked at where a fault of a sensor, of the driver or of time makes them differ.
"""

from bisect import bisect_left

from sim.faults.table import FAULTS
from sim.scenario.reading import Scenario
from sim.scenario.record import SAMPLE_FIELDS, Record
from sim.scenario.samples import Samples

_EXEMPT_GROUPS = ("sensor", "driver", "power", "heat", "time")
_NEAR_s = 0.0015  # a moment and a sample of the same tick

# How far reports may be off in the mean: so much, and that part of what is true. Wheel, load cell and driver
# differ from the firmware's settings by up to 3, 3 and 20 %, the estimate of speed lags by 25 ms.
_WAY_m, _WAY_PART = 0.03, 0.04
_OFF = {
    "velocity_m_per_s": ("v_m_per_s", 1000.0, 0.05, 0.05),
    "tow_force_N": ("tow_N", 10.0, 6.0, 0.08),
    "brake_force_N": ("driver_N", 10.0, 6.0, 0.25),
}


def untrue(scenario: Scenario, record: Record) -> str:
    """What of the reports is not true, empty if nothing is."""
    if any(FAULTS[broken.name].group in _EXEMPT_GROUPS for broken in scenario.breaks):
        return ""
    times_s = record.sample_times_s()
    troubles = []
    at = 0
    for number, boot in enumerate(record.host.boots, 1):
        pairs = _pairs(record, times_s[at : at + len(boot.index)].tolist())
        at += len(boot.index)
        for trouble in (*_values(record, boot, pairs), _way(record, boot, pairs)):
            if trouble:
                troubles.append(f"boot {number}: {trouble}")
    return "; ".join(troubles)


def _pairs(record: Record, times_s: list[float]) -> list[tuple[int, int]]:
    """Places of samples and of the moments that they were taken at."""
    pairs = []
    for moment, time_s in enumerate(record.watch.column("time_s")):
        place = bisect_left(times_s, time_s - _NEAR_s)
        if place < len(times_s) and abs(times_s[place] - time_s) <= _NEAR_s:
            pairs.append((place, moment))
    return pairs


def _values(record: Record, boot: Samples, pairs: list[tuple[int, int]]) -> list[str]:
    found = []
    for name, (true_name, per_unit, most, part) in _OFF.items():
        if not pairs:
            break
        reported, true = boot.columns[SAMPLE_FIELDS[name]], record.watch.column(true_name)
        off = sum(abs(reported[place] / per_unit - true[moment]) for place, moment in pairs) / len(pairs)
        size = sum(abs(true[moment]) for _, moment in pairs) / len(pairs)
        if off > most + part * size:
            found.append(f"{name} is off by {off:.3g} in the mean, where {size:.3g} is true")
    return found


def _way(record: Record, boot: Samples, pairs: list[tuple[int, int]]) -> str:
    """Reported position, which begins anywhere, against the true way since the first moment."""
    if not pairs:
        return ""
    positions_um, xs_m = boot.columns["position_um"], record.watch.column("x_m")
    first_m = positions_um[pairs[0][0]] / 1e6 - xs_m[pairs[0][1]]
    path_m, last_m = 0.0, xs_m[pairs[0][1]]
    for place, moment in pairs:
        x_m = xs_m[moment]
        path_m += abs(x_m - last_m)
        last_m = x_m
        off_m = positions_um[place] / 1e6 - x_m - first_m
        if abs(off_m) > _WAY_m + _WAY_PART * path_m:
            return f"position_m is off by {off_m:.3g} after {path_m:.3g} m"
    return ""
