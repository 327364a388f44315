"""A verdict for people and for programs, and the catalogue of everything a scenario may name."""

from typing import Any

from protocol import codes, quantities
from sim.faults import table as faults
from sim.people import events
from sim.people.bodies import ATHLETES
from sim.scenario import expectation
from sim.scenario import reading as scenario
from sim.scenario.dialogues import COMMANDS
from sim.scenario.record import SAMPLE_FIELDS, Record
from sim.scenario.running import Entry, Verdict
from sim.scenario.scripted_host import FIGURES
from sim.scenario.tables import ScenarioError
from sim.scenario.verdict import FAIL, NOT_YET, PASS, TOO_GOOD
from sim.truth import Moment

SAMPLE_LIMITS = 12  #: so many limits have a bit in a sample
_EXPECTED_CHARS = 90
_MEASURED_CHARS = 60
_PLACES = 6  #: micrometres and less are rounding
#: The columns of the truth, which are also what `quantity` may name.
QUANTITIES = {
    "time_s": "since the start",
    "x_m": "way of the sled; a pull goes up, a push goes down",
    "v_m_per_s": "its speed; positive in a pull",
    "tow_N": "force at the hitch; positive in tension, negative in a push",
    "brake_N": "brake force that acts on the sled, never negative",
    "driver_N": "force that the driver would make; at a crawl and at rest less of it acts",
    "propulsion_N": "force of the ground on the athlete; positive in a pull",
    "power_W": "of the athlete at the hitch",
    "phase": "part of the present step, 0 to 1",
    "bus_V": "voltage of the motor supply",
    "winding_C": "temperature of the motors' windings",
}
STATISTICS = {
    "max": "the greatest",
    "min": "the least",
    "mean": "the mean over the moments or samples",
    "first": "the first",
    "last": "the last; counts where none is named",
    "rms": "root of the mean of the squares",
    "peak": "the greatest magnitude",
    "change": "the last less the first",
    "share": "part of the moments or samples within the bounds, for at_least_share",
}
_UNITS = {"J": "J", "N": "N", "V": "V", "C": "°C", "m": "m", "W": "W", "A": "A", "s": "s"}


def title(name: str, about: str, config: Any, duration_s: float) -> list[str]:
    """What is about to run."""
    who = "nobody at the hitch"
    if config.body is not None:
        who = f"{config.athlete} athlete of {config.body.body_mass_kg:g} kg"
    spread = f", sled perturbed by up to {config.perturb:.0%}" if config.perturb else ""
    return [f"{name}: {about}", f"{duration_s:g} s, seed {config.seed}, {who}{spread}", ""]


def entry_line(entry: Entry) -> str:
    """One line of the time line."""
    return f"{entry.time_s:9.3f} s  {entry.kind:8}  {entry.text}"


def lines(verdict: Verdict) -> list[str]:
    """The verdict as a table, what was measured beside each check, and the figures."""
    width = min(max(len(check.what) for check in verdict.checks), _EXPECTED_CHARS)
    found = ["", f"{'':7}  {'expected':{width}}  seen"]
    for check in verdict.checks:
        measured = check.measured
        if len(measured) > _MEASURED_CHARS:
            measured = measured[: _MEASURED_CHARS - 3] + "..."
        found.append(f"{check.outcome:7}  {check.what:{width}}  {measured}")
        if check.why:
            found.append(f"{'':7}  {'':2}{check.why}")
    found.append("")
    figures = dict(verdict.figures)
    host = {name: figures.pop(name) for name in FIGURES}
    for name, value in figures.items():
        found.append(f"{_words(name):26}{_value(name, value)}")
    counted = [f"{_words(name)} {value}" for name, value in host.items() if value or name == "samples_lost"]
    found.append(f"{'host':26}{', '.join(counted)}")
    return [*found, "", summary(verdict)]


def summary(verdict: Verdict) -> str:
    """`passed: 7 checks hold, 1 fails as it must today`, or what failed."""
    outcomes = [check.outcome for check in verdict.checks]
    waiting = outcomes.count(NOT_YET)
    today = f", {waiting} {'fails' if waiting == 1 else 'fail'} as known today" if waiting else ""
    if verdict.is_passed:
        return f"{verdict.name} passed: {outcomes.count(PASS)} checks hold{today}"
    bad = [check.what for check in verdict.checks if not check.is_good]
    return f"{verdict.name} failed: {len(bad)} of {len(outcomes)} checks: {'; '.join(bad)}"


def fields(verdict: Verdict) -> dict[str, Any]:
    """The whole verdict as JSON fields."""
    return {
        "scenario": verdict.name,
        "about": verdict.about,
        "seed": verdict.seed,
        "duration_s": verdict.duration_s,
        "passed": verdict.is_passed,
        "checks": [
            {
                "expected": check.what,
                "seen": check.measured,
                "outcome": _OUTCOMES[check.outcome],
                "why": check.why,
            }
            for check in verdict.checks
        ],
        "figures": verdict.figures,
        "lengths": [
            {
                name: round(value, 3) if isinstance(value, float) else value
                for name, value in each._asdict().items()
            }
            for each in verdict.record.truth.lengths
        ],
        "events": [{**entry._asdict(), "time_s": round(entry.time_s, 3)} for entry in verdict.entries],
    }


def truth(record: Record) -> tuple[list[str], list[list[str]]]:
    """The truth beside what was measured at the same moment: headings with units, and rows of text."""
    measured = [record.sample_column(name) for name in SAMPLE_FIELDS]
    place = {round(time_s * 1000): at for at, time_s in enumerate(record.sample_times_s())}
    watch = record.watch
    columns = [watch.column(name) for name in QUANTITIES]
    rows = []
    for number, time_s in enumerate(watch.column("time_s")):
        at = place.get(round(time_s * 1000))
        seen = ["" if at is None else _number(column[at]) for column in measured]
        rows.append([f"{time_s:.3f}", *(_number(column[number]) for column in columns[1:]), *seen])
    return [*QUANTITIES, *(f"measured_{name}" for name in SAMPLE_FIELDS)], rows


def _number(value: float) -> str:
    # Adding zero takes the sign off a zero.
    return f"{round(value, _PLACES) + 0.0:.{_PLACES}f}".rstrip("0").rstrip(".")


_OUTCOMES = {PASS: "pass", FAIL: "fail", NOT_YET: "not_yet", TOO_GOOD: "too_good"}


_NOT_YET = " (not yet)"


def catalogue() -> dict[str, dict[str, str]]:
    """Everything that can be named, each with its sentence: by section, then by name."""
    found: dict[str, dict[str, str]] = {"scenarios": {}, "athletes": {}}
    for name in scenario.names():
        try:
            read = scenario.load(name)
            waits = any(each.not_yet for each in read.expects)
            found["scenarios"][name] = read.about + (_NOT_YET if waits else "")
        except ScenarioError as error:
            found["scenarios"][name] = f"cannot be read: {error}"
    for name, body in ATHLETES.items():
        found["athletes"][name] = (
            f"{body.body_mass_kg:g} kg, pulls at {body.pace_pull_m_per_s:g} m/s and pushes at "
            f"{body.pace_push_m_per_s:g} m/s, {body.steps_per_s:g} steps/s"
        )
    found["commands"] = dict(COMMANDS)
    found["events"] = dict(scenario.EVENTS)
    for event in events.EVENTS.values():
        values = ", ".join(_default(value) for value in event.values)
        found["events"][event.name] = f"{event.sentence} [{values}]" if values else event.sentence
    found["faults"] = {
        fault.name: fault.sentence + (f" [{_default(fault.value)}]" if fault.value is not None else "")
        for fault in faults.FAULTS.values()
    }
    found["expectations"] = {name: kind.sentence for name, kind in expectation.KINDS.items()}
    return found | {f"for [[expect]], {keys}": rows for keys, rows in _expectable().items()}


def _expectable() -> dict[str, dict[str, str]]:
    """What each key of an expectation may name, each with its sentence."""
    wire = {row.name: row.sentence for row in codes.FAULTS}
    samples = {name: quantities.QUANTITIES[SAMPLE_FIELDS[name]] for name in expectation.SAMPLE_QUANTITIES}
    return {
        "quantity": {name: QUANTITIES.get(name, "") for name in Moment._fields},
        "sample": {name: row.doc for name, row in samples.items()},
        "statistic": {name: STATISTICS.get(name, "") for name in expectation.STATISTICS},
        "limit": {row.name: row.sentence for row in codes.LIMITS[:SAMPLE_LIMITS]},
        "total": {name: _words(name) for name in expectation.TOTALS},
        "each_length": {name: _words(name) for name in expectation.LENGTH_VALUES},
        "fault, faults, faults_seen, reported": wire,
        "mode": {row.name: row.sentence for row in codes.MODES},
        "state": dict(scenario.STATES),
        "reset": {row.name: row.sentence for row in codes.RESETS},
        "answer": {
            **{row.name: row.sentence for row in codes.RESULTS},
            expectation.NO_ANSWER: "Nothing came back.",
        },
        "host": {name: _words(name) for name in FIGURES},
    }


def _default(value: Any) -> str:
    return f"{value.name} {value.default:g}, {value.minimum:g} to {value.maximum:g}"


def _words(name: str) -> str:
    """A figure's name for people: `top_speed_m_per_s` is top speed, `brake_J` work of the brake."""
    if name == "battery_J":
        return "energy, into battery"
    if name.startswith("unexplained"):
        return f"{name.removesuffix('_J').replace('_', ' ')} energy"
    if name.endswith("_J"):
        return f"energy, {name.removesuffix('_J').replace('_', ' ')}"
    base, _, unit = name.rpartition("_")
    if name.endswith("_m_per_s"):
        base = name.removesuffix("_m_per_s")
    elif unit not in _UNITS or not base:
        base = name
    return base.replace("_", " ")


def _value(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    unit = "m/s" if name.endswith("_m_per_s") else _UNITS.get(name.rpartition("_")[2], "")
    return f"{value:g} {unit}".rstrip() if isinstance(value, float) else str(value)
