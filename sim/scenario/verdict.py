"""Judges what was seen while a scenario ran: its own expectations, and what must hold in every scenario."""

from collections.abc import Callable, Sequence
from math import fsum, inf, isfinite, sqrt
from typing import Any, NamedTuple

from protocol import codes, settings
from sim.scenario import likeness, loss
from sim.scenario.expectation import NO_ANSWER, Expect
from sim.scenario.reading import Scenario
from sim.scenario.record import Record

PASS, FAIL, NOT_YET, TOO_GOOD = "pass", "FAIL", "not yet", "WRONG"

_INJECTED_MAX_J = 0.5
_ENERGY_PART, _ENERGY_J = 1e-6, 1e-6  # of the work: rounding only
_SLACK = 1e-9
_NOTHING = 1e-6  # of any unit: shown as 0
_SLEW = next(setting for setting in settings.SETTINGS if setting.name == "slew_mN_per_s")


class Check(NamedTuple):
    """One thing that was looked at."""

    what: str  #: as the file says it, or a rule of every scenario
    measured: str
    outcome: str  #: PASS; FAIL; NOT_YET: fails as it must today; TOO_GOOD: holds, though it must not yet
    why: str = ""  #: why not yet, or what it means

    @property
    def is_good(self) -> bool:
        """Whether the verdict may still be a pass."""
        return self.outcome in (PASS, NOT_YET)


def judge(scenario: Scenario, record: Record) -> list[Check]:
    """The rules of every scenario, then its own expectations."""
    return [*_rules(scenario, record), *(_expected(expect, record) for expect in scenario.expects)]


def _expected(expect: Expect, record: Record) -> Check:
    holds, measured = _KINDS[expect.kind](expect.values, record)
    if not expect.not_yet:
        return Check(expect.words, measured, PASS if holds else FAIL, expect.note)
    if holds:
        return Check(expect.words, measured, TOO_GOOD, "it holds now: remove the line not_yet")
    return Check(expect.words, measured, NOT_YET, expect.not_yet)


# The rules of every scenario.


def _rules(scenario: Scenario, record: Record) -> list[Check]:
    truth = record.truth
    rules = []
    allowed_J = _ENERGY_J + _ENERGY_PART * (abs(truth.athlete_J) + abs(truth.given_heat_J))
    for name in sorted(dir(truth)):
        if name.startswith("unexplained"):
            rules.append(_rule(f"energy adds up: {name}", abs(getattr(truth, name)), allowed_J, "J"))
    if not scenario.may_inject:
        rules.append(_rule("the brake puts no energy in", truth.injected_J, _INJECTED_MAX_J, "J"))
    step_dN, place = _steepest_dN(record)
    allowed_dN = _slew_dN(scenario)
    what = f"the brake never rises faster than {allowed_dN / 10:g} N per tick"
    measured = f"{step_dN / 10:.1f} N per tick" + (f" at {place:.3f} s" if place >= 0 else "")
    rules.append(Check(what, measured, PASS if step_dN <= allowed_dN + 1 else FAIL))  # 0.1 N: rounded twice
    missing = loss.unaccounted(scenario, record)
    rules.append(Check("every sample came or was declared lost", missing or "all", FAIL if missing else PASS))
    untrue = likeness.untrue(scenario, record)
    rules.append(Check("what the sled reports is true", untrue or "all", FAIL if untrue else PASS))
    if scenario.commands:
        refused = _refused(scenario, record)
        rules.append(Check("every command was accepted", refused or "all", FAIL if refused else PASS))
    if scenario.events and record.truth.state:
        late = _late(scenario, record)
        rules.append(Check("what was asked of the athlete came", late or "all", FAIL if late else PASS))
    broken = _not_numbers(record)
    rules.append(Check("every figure is a number", broken or "all", FAIL if broken else PASS))
    return rules


def _rule(what: str, value: float, most: float, unit: str) -> Check:
    text = f"{_plain(value):.3g} {unit}, at most {most:.3g} {unit}"
    return Check(what, text, PASS if value <= most else FAIL)  # a NaN fails


def _slew_dN(scenario: Scenario) -> int:
    slews = [_SLEW.default]
    for command in scenario.commands:
        if command.fields.get("setting") == _SLEW.name:
            slews.append(command.fields["value"])
    return max(slews) // (1000 * 100)


def _steepest_dN(record: Record) -> tuple[int, float]:
    """Greatest rise of the commanded brake force within one tick, 0.1 N, and its time.

    Over a gap of lost samples it may rise as much as in the ticks that are missing.
    """
    steepest, place, at = 0, -1.0, 0
    spot = -1
    for boot in record.host.boots:
        brakes = boot.columns["brake_force_dN"]
        for number in range(1, len(brakes)):
            rise = brakes[number] - brakes[number - 1]
            if rise > steepest:
                ticks = boot.index[number] - boot.index[number - 1]
                rise = -(-rise // ticks)
                if rise > steepest:
                    steepest, spot = rise, at + number
        at += len(brakes)
    if spot >= 0:
        place = record.sample_times_s()[spot]
    return steepest, place


def _not_numbers(record: Record) -> str:
    for name in record.watch[0]._fields if len(record.watch) else ():
        for at, value in enumerate(record.watch.column(name)):
            if not isfinite(value):
                return f"{name} is {value} at {record.watch[at].time_s:.3f} s"
    for name, value in record.truth._asdict().items():
        if isinstance(value, float) and not isfinite(value):
            return f"{name} is {value} at the end"
    return ""


def _refused(scenario: Scenario, record: Record) -> str:
    """The commands that were not done, but for those whose answer an expectation speaks of."""
    spoken_of = {expect.values["command"] for expect in scenario.expects if expect.kind == "answer"}
    refused = []
    for command in scenario.commands:
        if command.do != "silence" and command.number not in spoken_of:
            answer = record.host.answers.get(command.number)
            result = answer.result if answer is not None else None
            if result not in ("OK", "LIMITED"):
                refused.append(f"{command.do} at {command.at_s:g} s: {result or 'no answer'}")
    return "; ".join(refused)


def _late(scenario: Scenario, record: Record) -> str:
    """The events that did not come, with when they were asked for."""
    waiting = list(record.waiting)
    late = []
    for event in reversed(scenario.events):  # of several of a kind, the first ones came
        if event.do in waiting:
            waiting.remove(event.do)
            late.append(f"{event.do}, asked for at {event.at_s:g} s")
    return f"did not come: {'; '.join(reversed(late))}" if late else ""


# The expectations, by kind: whether it holds, and what was measured.

_Seen = tuple[bool, str]


def _compare(values: dict[str, Any], measured: float) -> bool:
    if "exactly" in values and measured != values["exactly"]:
        return False
    if "about" in values and not abs(measured - values["about"]) <= values["within"]:
        return False
    least, most = values.get("at_least", -inf), values.get("at_most", inf)
    return bool(least - _SLACK <= measured <= most + _SLACK)


def _plain(value: float) -> float:
    """Without what only rounding left."""
    return 0.0 if abs(value) < _NOTHING else value


def _shown(value: float) -> str:
    return f"{_plain(value):.5g}"


def _at(changes: list[tuple[float, Any]], at_s: float, before: Any) -> Any:
    """The value at that time; exactly then counts."""
    found = before
    for time_s, value in changes:
        if time_s <= at_s + _SLACK:
            found = value
    return found


def _in_time(times_s: list[float], values: dict[str, Any], none: str) -> _Seen:
    """Whether the first of `times_s` from `after_s` on comes within `within_s`; any earlier one is told."""
    after_s = values["after_s"]
    later = [time_s for time_s in times_s if time_s >= after_s - _SLACK]
    if not later:
        early = f", only at {times_s[-1]:.3f} s" if times_s else ""
        return False, none + early
    delay_s = later[0] - after_s
    return delay_s <= values["within_s"] + _SLACK, f"at {later[0]:.3f} s, after {delay_s:.3f} s"


def _fault(values: dict[str, Any], record: Record) -> _Seen:
    times_s, was = [], False
    for time_s, bits in record.watch.faults:
        is_latched = values["fault"] in codes.fault_names(bits)
        if is_latched and not was:
            times_s.append(time_s)
        was = is_latched
    return _in_time(times_s, values, "never latched")


def _reported(values: dict[str, Any], record: Record) -> _Seen:
    times_s = [report.time_s for report in record.host.reports if report.fault == values["reported"]]
    return _in_time(times_s, values, "never reported")


def _faults(values: dict[str, Any], record: Record) -> _Seen:
    names = codes.fault_names(_at(record.watch.faults, values["at_s"], 0))
    return tuple(names) == values["faults"], ", ".join(names) or "none"


def _faults_seen(values: dict[str, Any], record: Record) -> _Seen:
    bits = 0
    for _, each in record.watch.faults:
        bits |= each
    names = codes.fault_names(bits)
    return tuple(names) == values["faults_seen"], ", ".join(names) or "none"


def _mode(values: dict[str, Any], record: Record) -> _Seen:
    modes = record.watch.modes
    if "at_s" in values:
        mode = _at(modes, values["at_s"], "IDLE")
        return mode == values["mode"], mode
    if _at(modes, values["after_s"], "") == values["mode"]:
        return True, "already then"
    return _in_time([time_s for time_s, mode in modes if mode == values["mode"]], values, "never")


def _limit(values: dict[str, Any], record: Record) -> _Seen:
    number = next(limit.number for limit in codes.LIMITS if limit.name == values["limit"])
    bit = 1 << codes.SAMPLE_LIMITS_SHIFT + number
    times_s = record.sample_times_s()
    flags = [
        flag
        for time_s, flag in zip(times_s, record.flags(), strict=True)
        if values["from_s"] <= time_s <= values["to_s"] + _SLACK
    ]
    if not flags:
        return False, "no sample in that time"
    share = sum(1 for flag in flags if flag & bit) / len(flags)
    return _compare(values, share), f"{share:.4f} of the samples"


_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "max": max,
    "min": min,
    "mean": lambda found: fsum(found) / len(found),
    "first": lambda found: found[0],
    "last": lambda found: found[-1],
    "rms": lambda found: sqrt(fsum(value * value for value in found) / len(found)),
    "peak": lambda found: max(map(abs, found)),
    "change": lambda found: found[-1] - found[0],
}


def _quantity(values: dict[str, Any], record: Record) -> _Seen:
    span = record.watch.span(values["from_s"], values["to_s"])
    return _judged(values, record.watch.column(values["quantity"])[span])


def _sample(values: dict[str, Any], record: Record) -> _Seen:
    column = record.sample_column(values["sample"])
    span = (values["from_s"] - _SLACK, values["to_s"] + _SLACK)
    times_s = record.sample_times_s()
    return _judged(values, [each for at, each in enumerate(column) if span[0] <= times_s[at] <= span[1]])


def _judged(values: dict[str, Any], found: Sequence[float]) -> _Seen:
    if not len(found):
        return False, "nothing was seen in that time"
    if values["statistic"] == "share":
        share = sum(_compare(values, each) for each in found) / len(found)
        return share >= values["at_least_share"] - _SLACK, f"{share:.4f} of the moments"
    measured = _STATISTICS[values["statistic"]](found)
    return _compare(values, measured), _shown(measured)


def _total(values: dict[str, Any], record: Record) -> _Seen:
    measured = float(getattr(record.truth, values["total"]))
    return _compare(values, measured), _shown(measured)


def _lengths(values: dict[str, Any], record: Record) -> _Seen:
    count = len(record.truth.lengths)
    return count == values["lengths"], str(count)


def _each_length(values: dict[str, Any], record: Record) -> _Seen:
    name = values["each_length"]
    found = []
    for length in record.truth.lengths:
        if name == "duration_s":
            found.append(length.end_s - length.start_s)
        elif name == "distance_m":
            found.append(abs(length.end_m - length.start_m))
        else:
            found.append(float(getattr(length, name)))
    if not found:
        return False, "no length was finished"
    return all(_compare(values, each) for each in found), ", ".join(map(_shown, found))


def _state(values: dict[str, Any], record: Record) -> _Seen:
    state = _at(record.watch.states, values["at_s"], "nobody")
    return state == values["state"], state


def _reset(values: dict[str, Any], record: Record) -> _Seen:
    boots = record.watch.boots[1:]
    return _in_time([boot.time_s for boot in boots if boot.cause == values["reset"]], values, "never")


def _resets(values: dict[str, Any], record: Record) -> _Seen:
    count = len(record.watch.boots) - 1
    return count == values["resets"], str(count)


def _answer(values: dict[str, Any], record: Record) -> _Seen:
    answer = record.host.answers.get(values["command"])
    result = NO_ANSWER if answer is None or answer.result is None else answer.result
    return result == values["answer"], result


def _samples_lost(values: dict[str, Any], record: Record) -> _Seen:
    count = record.host.figures()["samples_lost"]
    return count == values["samples_lost"], str(count)


def _host(values: dict[str, Any], record: Record) -> _Seen:
    count = record.host.figures()[values["host"]]
    return _compare(values, count), str(count)


_KINDS = {
    "fault": _fault,
    "faults": _faults,
    "faults_seen": _faults_seen,
    "mode": _mode,
    "limit": _limit,
    "quantity": _quantity,
    "sample": _sample,
    "total": _total,
    "lengths": _lengths,
    "each_length": _each_length,
    "state": _state,
    "reset": _reset,
    "resets": _resets,
    "reported": _reported,
    "answer": _answer,
    "samples_lost": _samples_lost,
    "host": _host,
}
