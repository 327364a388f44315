"""`make bench-force`: how true the force is that the athlete feels, beside three plain machines.

python -m bench.force [quick]

Each case is run four times on the same motion: under the whole firmware, under a constant brake current,
under a brake that grows with speed, and with a plain skid sled. What is measured: `force_measure`; on which
cases: `force_cases`. The machine-readable table is build/bench-force.csv.
"""

import csv
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench import force_athletes, force_table
from bench.force_cases import Case, cases
from bench.force_measure import (
    Change,
    Law,
    Steady,
    TICK_s,
    change,
    fit_ripple,
    law_on_motion,
    steady,
    transient_N,
)
from bench.force_runs import (
    LIMIT_NAMES,
    ROLLING_N,
    Recording,
    ROLLING_N_s_per_m,
    Walker,
    run_ours,
    run_plain,
    skid_sled,
)
from sim.world.driver import COMMAND_MAX, Driver
from sim.world.parameters import Driver as DriverParameters

CSV = Path("build/bench-force.csv")
QUICK_EVERY = 14
CONTROLLERS = ("ours", "fixed", "magnetic", "skid")
_LEAD_TICKS = 30  # ten times the driver's lag
_DRIVER = DriverParameters()
_REPORTED_PART = 0.05  # of the ticks, from which on a limit counts as reported


class Best(NamedTuple):
    """What a brake that knows everything could do on this motion, making 0 to `crawl` times the speed."""

    limit: str  #: what keeps it from the aims for mean and ripple, or ""
    late: Steady  #: with the driver's lag and the wait for the next tick, without looking ahead


class Row(NamedTuple):
    """What one controller did in one case."""

    case: Case
    controller: str
    steady: Steady
    asked: Steady  #: beside the load as it was asked for, before the firmware clamped its inertia
    change: Change | None
    best: Best
    motion_part: float  #: rms of what the sled's speed is off the case's, over that
    reported: str  #: what the firmware says limits it, in the ticks that are measured
    faults: str


def _window(case: Case, samples: int) -> tuple[int, int]:
    return samples - round(case.window_s / TICK_s), samples


def best(case: Case, recording: Recording, law_N: list[float], begin: int) -> Best:
    """From the motion and the law of one recording; `begin` is the first tick that is measured."""
    sled = case.scene.sled
    driver = Driver(_DRIVER)
    v = recording.v_m_per_s
    bests, lates = [], []
    short = over = 0
    known_N = 0.0  # need of the tick before: what can be known when a command is given
    for n in range(begin - _LEAD_TICKS, len(law_N)):
        v_m_per_s = 0.5 * (v[n] + v[n + 1])
        own_N = sled.rolling_N + sled.rolling_N_s_per_m * v_m_per_s
        own_N += sled.mass_kg * (v[n + 1] - v[n]) / TICK_s
        most_N = max(recording.crawl_N_s_per_m * v_m_per_s, 0.0)
        driver.tick(round(known_N / _DRIVER.full_scale_N * COMMAND_MAX), 1, v_m_per_s)
        known_N = law_N[n] - own_N
        if n >= begin:
            short += known_N < 0.0
            over += known_N > most_N
            bests.append(min(max(known_N, 0.0), most_N) + own_N)
            lates.append(min(driver.brake_N, most_N) + own_N)
    wanted = law_N[begin:]
    found = steady(bests, wanted)
    if min(wanted) <= 0.0:
        limit = "slack"  # the law itself lets go, and the tether does
    elif found.mean_is_met and found.ripple_is_met:
        limit = ""
    else:
        limit = "own friction" if short > over else "crawl"
    return Best(limit, steady(lates, wanted))


def _reported(recording: Recording, begin: int) -> str:
    limits = recording.limits[begin:]
    least = _REPORTED_PART * len(limits)
    found = [name for bit, name in LIMIT_NAMES.items() if sum(each >> bit & 1 for each in limits) > least]
    return " ".join(found)


def figures(case: Case, recording: Recording, law: Law, is_changed: bool) -> tuple[Steady, Change | None]:
    """Steady state and change of one recording beside one law."""
    law_N = law_on_motion(law, recording.v_m_per_s, recording.x_m)
    felt_N = recording.felt_N
    begin, end = _window(case, len(law_N))
    found = steady(felt_N[begin:end], law_N[begin:end])
    if not is_changed:
        return found, None
    at = round(case.change_s / TICK_s)
    errors_N = [felt - wanted for felt, wanted in zip(felt_N[at:], law_N[at:], strict=True)]
    ripple = fit_ripple(errors_N, begin - at, end - at, case.motion.per_s)
    transient = transient_N(errors_N, ripple)
    return found, change(transient, found.law_N, case.step_N, case.ramp_s, found.mean_error_N)


def _motion_part(case: Case, recording: Recording) -> float:
    v = recording.v_m_per_s
    begin, end = _window(case, len(v) - 1)
    wanted = case.motion.speed_at
    squares = math.fsum((v[n] - wanted(n * TICK_s)) ** 2 for n in range(begin, end))
    return math.sqrt(squares / (end - begin)) / case.motion.speed_m_per_s


def record(case: Case, controller: str) -> Recording:
    """One run."""
    motion = case.motion
    direction = motion.direction
    person = Walker(motion, case.body_mass_kg)
    if controller == "ours":
        loads = [(0.0, case.before), (case.change_s, case.after)]
        return run_ours(case.scene, person, direction, loads, case.length_s)
    before_N, after_N, change_s = case.nominal_before_N, case.nominal_N, case.change_s
    if controller == "fixed":
        return run_plain(
            case.scene,
            person,
            direction,
            lambda v, now_s: before_N if now_s < change_s else after_N,
            case.length_s,
        )
    speed = motion.speed_m_per_s
    if controller == "magnetic":
        own_N = ROLLING_N + ROLLING_N_s_per_m * speed
        before = max(before_N - own_N, 0.0) / speed
        after = max(after_N - own_N, 0.0) / speed
        return run_plain(
            case.scene,
            person,
            direction,
            lambda v, now_s: (before if now_s < change_s else after) * max(v, 0.0),
            case.length_s,
            through_driver=False,
        )
    return run_plain(
        case.scene,
        person,
        direction,
        lambda v, now_s: 0.0,
        case.length_s,
        through_driver=False,
        sled=skid_sled(after_N),
    )


def measure(case: Case) -> list[Row]:
    """All four controllers in one case."""
    rows: list[Row] = []
    held = case.after
    possible = Best("", Steady(0.0, 0.0, 0.0))
    reported = ""
    for controller in CONTROLLERS:
        recording = record(case, controller)
        if controller == "ours":
            assert recording.held is not None
            held = recording.held
            law_N = law_on_motion(held, recording.v_m_per_s, recording.x_m)
            begin, _ = _window(case, len(law_N))
            possible = best(case, recording, law_N, begin)
            reported = _reported(recording, begin)
        found, changed = figures(case, recording, held, controller != "skid")
        asked, _ = figures(case, recording, case.after, False) if held != case.after else (found, None)
        rows.append(
            Row(
                case,
                controller,
                found,
                asked,
                changed,
                possible,
                _motion_part(case, recording),
                reported,
                " ".join(recording.faults),
            )
        )
    return rows


COLUMNS: dict[str, Callable[[Row], object]] = {
    "case": lambda row: row.case.number,
    "controller": lambda row: row.controller,
    "kind": lambda row: row.case.kind,
    "group": lambda row: row.case.group,
    "direction": lambda row: "pull" if row.case.motion.direction > 0 else "push",
    "before_N": lambda row: round(row.case.nominal_before_N, 3),
    "step_N": lambda row: round(row.case.step_N, 3),
    "law_N": lambda row: round(row.steady.law_N, 3),
    "inertia_kg": lambda row: row.case.after.inertia_kg,
    "speed_m_per_s": lambda row: row.case.motion.speed_m_per_s,
    "ripple": lambda row: round(row.case.motion.ripple, 4),
    "per_s": lambda row: round(row.case.motion.per_s, 4),
    "phase_rad": lambda row: round(row.case.motion.phase_rad, 4),
    "body_mass_kg": lambda row: round(row.case.body_mass_kg, 2),
    "friction": lambda row: row.case.friction,
    "winding_C": lambda row: row.case.winding_C,
    "mean_error_N": lambda row: round(row.steady.mean_error_N, 4),
    "mean_is_met": lambda row: int(row.steady.mean_is_met),
    "ripple_N": lambda row: round(row.steady.ripple_N, 4),
    "ripple_pct": lambda row: round(100 * row.steady.ripple_part, 4),
    "ripple_is_met": lambda row: int(row.steady.ripple_is_met),
    "ripple_asked_pct": lambda row: round(100 * row.asked.ripple_part, 4),
    "settle_s": lambda row: row.change and round(row.change.settle_s, 3),
    "ramp_s": lambda row: row.change and round(row.change.ramp_s, 4),
    "settle_is_met": lambda row: row.change and int(row.change.settle_is_met),
    "overshoot_pct": lambda row: row.change and round(100 * row.change.overshoot_part, 3),
    "overshoot_settled_pct": lambda row: row.change and round(100 * row.change.overshoot_settled_part, 3),
    "overshoot_is_met": lambda row: row.change and int(row.change.overshoot_is_met),
    "hardware": lambda row: row.best.limit,
    "ripple_late_pct": lambda row: round(100 * row.best.late.ripple_part, 4),
    "motion_off_pct": lambda row: round(100 * row.motion_part, 3),
    "reported": lambda row: row.reported,
    "faults": lambda row: row.faults,
}


def write(rows: list[Row], path: Path = CSV) -> None:
    """One line for each case and controller."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows([column(row) for column in COLUMNS.values()] for row in rows)


def main(wanted: list[str]) -> int:
    """Run all cases, or every 14th; 2 for a word that is not known."""
    if wanted not in ([], ["quick"]):
        print(f"bench.force: {' '.join(wanted)!r} is not known; say quick, or nothing", file=sys.stderr)
        return 2
    chosen = cases()[:: QUICK_EVERY if wanted else 1]
    before = time.monotonic()
    rows = [row for case in chosen for row in measure(case)]
    walks = force_athletes.walks()[: 2 if wanted else None]
    walked = [each for walk in walks for each in force_athletes.measure(walk, CONTROLLERS)]
    write(rows)
    force_table.show(rows)
    force_athletes.show(walked)
    print(f"\n{len(chosen)} cases in {time.monotonic() - before:.0f} s; every figure is in {CSV}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
