"""What the simulator is worth: physics beside formulas, energy books, its athletes' gait, its faults."""

import statistics
import time
from itertools import pairwise

from bench.report import heading, line
from host.commands.sim import load_in_wire_units
from sim.faults import table as faults
from sim.people.bodies import ATHLETES
from sim.people.gait import Step
from sim.people.lengths import Length
from sim.rig import Rig, RigConfig
from sim.scenario import reading as scenario
from sim.scenario.running import run
from sim.truth import Trace
from tests.sim.closed_forms import CLOSED_FORMS
from tests.sim.hosting import set_load

_START_s, _END_s = 3.0, 2.5  # of a length, not at pace
_GIVE_UP_TICKS = 200_000


def physics() -> None:
    """Each closed form of the simulated physics: simulated, exact, and their difference."""
    for name, measure in CLOSED_FORMS.items():
        simulated, exact = measure()
        line(
            name.replace("_", " "),
            f"{simulated:.6g}",
            f"exact {exact:.6g}, off by {100 * abs(simulated / exact - 1):.4f} %",
        )


def energy() -> None:
    """The books of every built-in scenario: work in, and the part that is nowhere."""
    worst = {"unexplained_J": 0.0, "unexplained_brake_J": 0.0, "unexplained_heat_J": 0.0}
    where = dict.fromkeys(worst, "")
    passed = not_yet = checks = 0
    virtual_s = work_J = 0.0
    names = scenario.names()
    before = time.process_time()
    for name in names:
        verdict = run(scenario.load(name, load_in_wire_units))
        passed += verdict.is_passed
        checks += len(verdict.checks)
        not_yet += any(check.outcome == "not yet" for check in verdict.checks)
        virtual_s += verdict.duration_s
        truth = verdict.record.truth
        work_J += truth.athlete_J
        for sum_name in worst:
            part = abs(getattr(truth, sum_name)) / max(abs(truth.athlete_J), 1.0)
            if part > worst[sum_name]:
                worst[sum_name], where[sum_name] = part, name
    taken_s = time.process_time() - before
    line("scenarios that end as expected", f"{passed} of {len(names)}", f"{checks} checks")
    line("of them with something the firmware does not do yet", f"{not_yet}")
    line("work of the athletes in all of them", f"{work_J:.0f} J")
    for sum_name, what in (
        ("unexplained_J", "athlete = kinetic + friction + brake"),
        ("unexplained_brake_J", "brake = copper + chopper + battery + bus"),
        ("unexplained_heat_J", "copper = heat in the motors + to the air"),
    ):
        line(what, f"{100 * worst[sum_name]:.1e} %", f"the most missing, in {where[sum_name] or 'none'}")
    line("speed, with athlete, host, trace and verdict", f"{virtual_s / taken_s:.0f} x real time")


def _gait(rig: Rig, length: Length) -> tuple[float, float, float, float]:
    """Speed m/s, ripple (peak to peak over mean of each stride), steps/s and variation of the step time."""
    assert rig.trace is not None and rig.athlete is not None
    speeds = rig.trace.column("v_m_per_s")
    steps: list[Step] = [
        step for step in rig.athlete.steps if length.start_s + _START_s < step.time_s < length.end_s - _END_s
    ]
    left = [int(step.time_s * 1000) for step in steps if step.side == "L"]
    ripples = []
    for begin, end in pairwise(left):
        stride = [abs(v) for v in speeds[begin:end]]
        ripples.append((max(stride) - min(stride)) / statistics.fmean(stride))
    times_s = [b.time_s - a.time_s for a, b in pairwise(steps)]
    mean_s = statistics.fmean(times_s)
    speed = statistics.fmean(abs(v) for v in speeds[left[0] : left[-1]])
    return speed, statistics.fmean(ripples), 1 / mean_s, statistics.stdev(times_s) / mean_s


def athletes() -> None:
    """One push and one pull of each kind at half of body weight, under the whole firmware."""
    for name, body in ATHLETES.items():
        rig = Rig(RigConfig(athlete=name, lengths=2, lane_m=20.0))
        rig.trace = Trace(1)
        mass_kg = 0.5 * body.body_mass_kg
        force_mN = int(mass_kg * 9.80665 * 0.33 * 1000)
        rig.write(set_load(force_mN, inertia_g=round(mass_kg * 1000)))
        assert rig.athlete is not None
        while len(rig.athlete.lengths) < 2 and rig.ticks < _GIVE_UP_TICKS:
            rig.step(100)
        for length in rig.athlete.lengths:
            speed, ripple, cadence, cv = _gait(rig, length)
            way = "pull" if length.direction > 0 else "push"
            line(
                f"{name}, {way}: {force_mN / 1000:.0f} N at {speed:.2f} m/s",
                f"ripple {100 * ripple:.1f} %",
                f"{cadence:.2f} steps/s, step time CV {100 * cv:.1f} %, mean {length.mean_force_N:.1f} N, "
                f"{length.mean_power_W:.0f} W",
            )


def fault_pairs() -> None:
    """Each named fault: what the firmware makes of it, and what it does not do yet."""
    for fault in faults.FAULTS.values():
        expects = scenario.load(f"faults/{fault.name}", load_in_wire_units).expects
        missing = next((each.not_yet for each in expects if each.not_yet), "")
        line(fault.name, fault.shows or "nothing", f"NOT YET: {missing}" if missing else fault.expected)


def measure() -> None:
    """All four tables."""
    physics()
    heading("Energy over every built-in scenario")
    energy()
    heading("Athletes at half of their body weight, under the whole firmware")
    athletes()
    heading("Faults by name, and what the firmware latches")
    fault_pairs()
