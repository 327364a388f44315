"""Runs a scenario in virtual time, as fast as its caller lets it, and gives the verdict."""

from collections.abc import Callable
from itertools import pairwise
from math import fsum, inf
from typing import Any, NamedTuple

from protocol import codes
from sim.faults import switches
from sim.faults import table as faults
from sim.rig import Rig, RigConfig
from sim.scenario import loss
from sim.scenario.reading import Break, Event, Scenario
from sim.scenario.record import Record, Watch
from sim.scenario.scripted_host import ScriptedHost
from sim.scenario.tables import ScenarioError
from sim.scenario.verdict import Check, judge

TICKS_PER_s = 1000
_STEP_TICKS = 10  # between two looks of the host
_WIND_UP_s = 8.0  # for the rest of the samples, over whatever link there is

#: A line of the time line: time in s, kind and text. Kinds: command, answer, heard, event, fault, firmware,
#: mode, athlete, length.
Note = Callable[[float, str, str], None]


class Entry(NamedTuple):
    """Something that happened."""

    time_s: float
    kind: str
    text: str


class Verdict(NamedTuple):
    """How a scenario went. Nothing in it depends on the machine or on how fast it ran."""

    name: str
    about: str
    seed: int
    duration_s: float
    checks: tuple[Check, ...]
    figures: dict[str, Any]
    entries: tuple[Entry, ...]
    record: Record

    @property
    def is_passed(self) -> bool:
        """Whether everything held, or fails as it must today."""
        return all(check.is_good for check in self.checks)


def schedule(rig: Rig, scenario: Scenario, note: Note | None = None) -> list[faults.End]:
    """Let the scenario's events and faults come to pass on a new rig; its commands are the caller's.

    The list returned fills with what mends each fault that has begun; mending twice does no harm.
    """
    mends: list[faults.End] = []

    def tell(rig: Rig, kind: str, text: str) -> None:
        if note is not None:
            note(rig.ticks / TICKS_PER_s, kind, text)

    for event in scenario.events:
        _schedule_event(rig, event, tell)
    for broken in scenario.breaks:
        _schedule_break(rig, broken, tell, mends)
    return mends


_Tell = Callable[[Rig, str, str], None]


def _ticks(time_s: float) -> int:
    return int(time_s * TICKS_PER_s + 0.5)


def _schedule_event(rig: Rig, event: Event, tell: _Tell) -> None:
    values = event.values

    def act(rig: Rig) -> None:
        tell(rig, "event", event.words)
        if event.do == "touch":
            force_N = values["force_N"]
            rig.plant.touch_N += force_N

            def let_go(rig: Rig) -> None:
                tell(rig, "event", f"{event.words}: over")
                left_N = rig.plant.touch_N - force_N
                rig.plant.touch_N = left_N if abs(left_N) > 1e-9 else 0.0

            rig.schedule(rig.ticks + _ticks(values["for_s"]), let_go)
        elif event.do == "press":
            switches.press(rig, values["button"], _ticks(values["for_s"]))
        elif rig.athlete is not None:
            rig.athlete.do(event.do, rig.ticks / TICKS_PER_s, **values)

    rig.schedule(_ticks(event.at_s), act)


def _schedule_break(rig: Rig, broken: Break, tell: _Tell, mends: list[faults.End]) -> None:
    def begin(rig: Rig) -> None:
        tell(rig, "fault", f"{broken.words}: begins")
        end = faults.begin(rig, broken.name, **broken.values)
        mends.append(end)

        def mend(rig: Rig) -> None:
            tell(rig, "fault", f"{broken.name}: ends")
            end()

        if broken.for_s < inf:
            rig.schedule(rig.ticks + _ticks(broken.for_s), mend)

    rig.schedule(_ticks(broken.at_s), begin)


def run(
    scenario: Scenario,
    seed: int | None = None,
    say: Note | None = None,
    wait: Callable[[float], None] | None = None,
) -> Verdict:
    """Run it to its end. `say` gets each line of the time line at once; `wait` is told the virtual time in s
    after every step, and may hold the run up to pace it.

    Raises ScenarioError for a seed that cannot be.
    """
    entries: list[Entry] = []

    def note(time_s: float, kind: str, text: str) -> None:
        entries.append(Entry(time_s, kind, text))
        if say is not None:
            say(time_s, kind, text)

    config: RigConfig = scenario.config
    if seed is not None:
        config = config._replace(seed=seed)
    try:
        rig = Rig(config)
    except ValueError as error:
        raise ScenarioError(f"{scenario.name}: {error}") from None
    watch = Watch(note)
    rig.trace = watch
    host = ScriptedHost(scenario.commands, note)
    mends = schedule(rig, scenario, note)
    end = _ticks(scenario.duration_s)
    while rig.ticks < end:
        host.exchange(rig)
        rig.step(min(_STEP_TICKS, end - rig.ticks))
        if wait is not None:
            wait(rig.ticks / TICKS_PER_s)
    truth = rig.truth
    waiting = rig.athlete.waiting if rig.athlete is not None else ()
    rig.trace = None
    for mend in mends:
        mend()
    _wind_up(rig, host)
    record = Record(scenario.duration_s, watch, truth, host, waiting)
    return Verdict(
        scenario.name,
        scenario.about,
        config.seed,
        scenario.duration_s,
        tuple(judge(scenario, record)),
        figures(record),
        tuple(entries),
        record,
    )


def _wind_up(rig: Rig, host: ScriptedHost) -> None:
    """Let the host fetch the samples that were still under way at the end."""
    end = rig.ticks + _ticks(_WIND_UP_s)
    host.exchange(rig)
    host.wind_up()
    while rig.ticks < end and not host.is_complete:
        rig.step(_STEP_TICKS)
        host.exchange(rig)
    host.tell_losses()


def figures(record: Record) -> dict[str, Any]:
    """What there is to know about a run in numbers; units in the names."""
    truth, watch = record.truth, record.watch
    lengths = truth.lengths
    sums = {name: value for name, value in truth._asdict().items() if name.endswith("_J")}
    bits = 0
    for _, each in watch.faults:
        bits |= each
    found: dict[str, Any] = {
        "lengths": len(lengths),
        "steps": len(truth.steps),
        "distance_m": fsum(abs(b - a) for a, b in pairwise(watch.column("x_m"))),
        **{
            f"mean_{way}_force_N": _mean([each.mean_force_N for each in lengths if each.direction * sign > 0])
            for way, sign in (("pull", 1), ("push", -1))
        },
        **sums,
        **{name: getattr(truth, name) for name in sorted(dir(truth)) if name.startswith("unexplained")},
        "top_speed_m_per_s": _greatest(watch.column("v_m_per_s")),
        "greatest_tow_N": _greatest(watch.column("tow_N")),
        "greatest_brake_N": _greatest(watch.column("brake_N")),
        "greatest_bus_V": _greatest(watch.column("bus_V")),
        "warmest_winding_C": _greatest(watch.column("winding_C")),
        "faults": codes.fault_names(bits),
        "limited": [
            f"{command.do} at {command.at_s:g} s {answer.limited}"
            for command in record.host.commands
            if (answer := record.host.answers.get(command.number)) is not None and answer.limited
        ],
        "samples_gone_at_restarts": loss.gone_at_restarts(record),
        **record.host.figures(),
    }
    # Adding zero takes the sign off a zero.
    return {
        name: round(value, 3) + 0.0 if isinstance(value, float) else value for name, value in found.items()
    }


def _mean(values: list[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _greatest(column: Any) -> float:
    return max(map(abs, column), default=0.0)
