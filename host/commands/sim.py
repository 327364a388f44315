"""`host sim`: a simulated sled for other programs and terminals, and scenarios with their verdict."""

import os
import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from host import cli, truth_file
from host.errors import EXIT_FAILED, EXIT_INTERRUPTED, BadValue, HostError
from host.simulating import TCP_PORT, serve_somewhere

if TYPE_CHECKING:
    from sim.scenario.reading import Scenario
    from sim.scenario.running import Verdict

_PACE_s = 0.02  #: a paced run waits in pieces no shorter than this
_KINDS = "recreational, strong, elderly, sprinter, limping"
_ALL = "all"
_FAILED = "the verdict is a fail"
_FORMAT = "read sim/scenarios/README.md"


class _Stopped(HostError):
    """Ended by Ctrl-C before there was a verdict."""

    code = EXIT_INTERRUPTED


@cli.command("sim")
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME",
    help="Run a scenario and judge it: built in, a file, a folder of files, or all. May be given again.",
)
@click.option("--serve", is_flag=True, help="Serve the scenario's sled instead; its commands are then yours.")
@click.option("--list", "lists", is_flag=True, help="What there is: scenarios, athletes, events, faults ...")
@click.option("--truth", metavar="FILE", help="Write what was true beside what was measured, as CSV.")
@click.option("--quiet", is_flag=True, help="Of a scenario, print only the verdict's last line.")
@click.option("--athlete", metavar="NAME", help=f"Who works with the sled: {_KINDS}. Without it, nobody.")
@click.option("--bodyweight", metavar="MASS", help="Body mass of the athlete, such as 80kg.")
@click.option("--lengths", type=int, metavar="N", help="Lengths the athlete goes; without it, for ever.")
@click.option("--lane", metavar="LENGTH", help="Length of the lane, such as 15m or 50ft.")
@click.option("--first", type=click.Choice(["push", "pull"]), help="Direction of the first length.")
@click.option("--seed", type=int, help="The same seed gives the same bytes.  [default: 1, or the scenario's]")
@click.option("--speed", type=float, help="Times real time.  [default: 1; a scenario runs as fast as it can]")
@click.option(
    "--tcp-port", type=int, metavar="N", help=f"TCP port; {TCP_PORT} or a free one, 0 for a free one."
)
@click.option("--no-pty", is_flag=True, help="Serve TCP only.")
def command(
    scenarios: tuple[str, ...], serve: bool, lists: bool, truth: str | None, quiet: bool, **options: Any
) -> cli.Answer | None:
    """Run the sled's own firmware on a simulated board: for other programs until Ctrl-C, or a scenario.

    Without --scenario it announces itself, so that other commands find it without --port. It serves TCP
    on this machine and, except on Windows, a pseudo-terminal. With --scenario it runs that to its end,
    prints what happened and the verdict, and exits with 0 if everything was as expected, else with 7.
    Of several scenarios it prints one line each.

    \b
    Examples:
      host sim
      host sim --athlete recreational --bodyweight 80kg --lengths 16
      host sim --speed 10 --tcp-port 0
      host --json sim                    prints its ports as one JSON object, then serves
      host sim --list                    what there is to run, to break and to expect
      host sim --scenario up_and_back
      host sim --scenario faults/estop --seed 7
      host sim --scenario walk --scenario my_folder
      host sim --scenario my.toml --speed 1 --truth truth.csv
      host sim --scenario stumble --serve
    """
    given = [
        "--" + name.replace("_", "-")
        for name, value in options.items()
        if value is not None and value is not False
    ]
    ours = [name for name, value in (("--serve", serve), ("--truth", truth), ("--quiet", quiet)) if value]
    if lists:
        if scenarios or ours or given:
            other = "--scenario" if scenarios else (ours + given)[0]
            raise BadValue(f"--list goes alone, without {other}", "host sim --list")
        return _listing()
    if not scenarios:
        if ours:
            raise BadValue(f"{ours[0]} goes with --scenario", "host sim --list")
        serve_somewhere(None, options)
        return None
    names = [name for each in scenarios for name in _expanded(each)]
    if serve:
        if truth is not None or quiet:
            raise BadValue(f"{ours[1]} is for a scenario that is run, not served", "host sim --help")
        if len(names) > 1:
            raise BadValue("--serve takes one scenario", f"host sim --scenario {_quoted(names[0])} --serve")
        serve_somewhere(_loaded(names[0]), options)
        return None
    for flag in given:
        if flag not in ("--seed", "--speed"):
            raise BadValue(
                f"{flag} does not go with a scenario that is run: its file says that",
                f"host sim --scenario {_quoted(names[0])} --serve {flag} ...",
            )
    speed = options["speed"]
    if speed is not None and not 0.0 < speed <= 1000.0:
        raise BadValue(f"--speed must be above 0 and at most 1000, not {speed:g}", "host sim --help")
    if len(names) == 1:
        return _run(names[0], options["seed"], speed, truth, quiet)
    if truth is not None:
        raise BadValue(
            "--truth takes one scenario", f"host sim --scenario {_quoted(names[0])} --truth truth.csv"
        )
    return _run_all(names, options["seed"], speed)


def _expanded(name: str) -> list[str]:
    """The scenarios a word stands for: all that are built in, those of a folder, or the one of that name."""
    from sim.scenario.reading import names

    builtin = names()
    if name == _ALL:
        return builtin
    inside = [each for each in builtin if each.startswith(name.rstrip("/") + "/")]
    if not inside and os.path.isdir(name):
        inside = [os.path.join(name, file) for file in sorted(os.listdir(name)) if file.endswith(".toml")]
        if not inside:
            raise BadValue(f"there is no .toml file in the folder '{name}'", "host sim --list")
    return inside or [name]


def _quoted(name: str) -> str:
    return shlex.quote(name)


def _listing() -> cli.Answer:
    from sim.scenario.report import catalogue

    found = catalogue()
    lines: list[str] = []
    for section, rows in found.items():
        width = max(map(len, rows), default=0)
        shown = (f"  {name:{width}}  {sentence}".rstrip() for name, sentence in rows.items())
        lines += [f"{section}:", *shown, ""]
    return cli.Answer(found, lines[:-1])


def load_in_wire_units(text: str, body_mass_kg: float | None, surface: str | None) -> dict[str, int]:
    """The words of a load as scenarios need them; nothing of this machine's user plays a part.

    Raises ValueError in words for what is no load, or needs a body mass that is not there.
    """
    from host import presets
    from host.loads import needs_body_mass, needs_friction, needs_presets, parse, resolve
    from protocol.units import load_from_si

    try:
        terms = parse(text)
        if needs_body_mass(terms) and body_mass_kg is None:
            raise ValueError(f"'{text}' needs a body mass: give [athlete] kind, and body_mass_kg if you like")
        is_on_ground = surface is not None or needs_friction(terms)
        load = resolve(
            terms,
            body_mass_kg,
            presets.surface(surface).friction if is_on_ground else None,
            presets.read("loads") if needs_presets(terms) else None,
        )
    except HostError as error:
        raise ValueError(error.sentence) from None
    return load_from_si(load._asdict())


def _loaded(name: str) -> "Scenario":
    from sim.scenario.reading import load
    from sim.scenario.tables import NoScenarioError

    try:
        return load(name, load_in_wire_units)
    except ValueError as error:
        is_listed = isinstance(error, NoScenarioError) or " has no " in str(error)
        raise BadValue(str(error), "host sim --list" if is_listed else _FORMAT) from None


def _checked(name: str, seed: int | None) -> "Scenario":
    """The scenario with that seed. Raises BadValue before anything of it is printed."""
    from sim.rig import check

    scenario = _loaded(name)
    if seed is not None:
        scenario = scenario._replace(config=scenario.config._replace(seed=seed))
    try:
        check(scenario.config)
    except ValueError as error:
        raise BadValue(str(error), f"host sim --scenario {_quoted(name)} --seed 1") from None
    return scenario


def _judged(scenario: "Scenario", speed: float | None, is_told: bool) -> "Verdict":
    """Run it, with its time line and a bar if wanted. Raises `_Stopped` on Ctrl-C."""
    from sim.scenario import report, running

    now_s = 0.0

    def look(time_s: float) -> None:
        nonlocal now_s
        now_s = time_s

    try:
        with _Progress(scenario.duration_s) as (say, show):

            def tell(time_s: float, kind: str, text: str) -> None:
                if is_told:
                    say(report.entry_line(running.Entry(time_s, kind, text)))

            return running.run(
                scenario, None, tell, _both(look, show, None if speed is None else _pace(speed))
            )
    except KeyboardInterrupt:
        raise _Stopped(
            f"{scenario.name} stopped at {now_s:.1f} s of {scenario.duration_s:g} s; no verdict",
            f"host sim --scenario {_quoted(scenario.name)} --seed {scenario.config.seed}",
        ) from None


def _run(name: str, seed: int | None, speed: float | None, truth: str | None, quiet: bool) -> cli.Answer:
    from sim.scenario import report

    scenario = _checked(name, seed)
    if truth is not None:
        truth_file.try_writing(truth)
    if not quiet:
        for line in report.title(scenario.name, scenario.about, scenario.config, scenario.duration_s):
            cli.say(line)
    verdict = _judged(scenario, speed, not quiet)
    fields: dict[str, Any] = report.fields(verdict)
    lines = [report.summary(verdict)] if quiet else report.lines(verdict)
    trouble: BadValue | None = None
    if truth is not None:
        heading, rows = report.truth(verdict.record)
        try:
            truth_file.write(truth, "\n".join(",".join(row) for row in (heading, *rows)) + "\n")
            fields["truth"] = truth
            if not quiet:
                lines.insert(-1, f"{len(rows)} moments in {truth}")
        except BadValue as error:
            trouble = error
    if not verdict.is_passed:
        again = f"host sim --scenario {_quoted(name)} --seed {verdict.seed} --truth truth.csv"
        also = f", and {trouble.sentence}" if trouble is not None else ""
        cli.give_up(f"{report.summary(verdict)}{also}", again, EXIT_FAILED, fields, lines, f"{_FAILED}{also}")
    if trouble is not None:
        cli.give_up(trouble.sentence, trouble.hint, trouble.code, fields, lines, trouble.sentence)
    return cli.Answer(fields, lines)


def _run_all(names: list[str], seed: int | None, speed: float | None) -> cli.Answer:
    """Several scenarios, one line each."""
    from sim.scenario import report

    scenarios = [_checked(name, seed) for name in names]
    verdicts, bad = [], []
    for scenario in scenarios:
        verdict = _judged(scenario, speed, False)
        cli.say(report.summary(verdict))
        verdicts.append(report.fields(verdict))
        if not verdict.is_passed:
            bad.append(scenario.name)
    fields = {"passed": not bad, "verdicts": verdicts}
    if bad:
        sentence = f"{len(bad)} of {len(names)} scenarios failed: {', '.join(bad)}"
        again = f"host sim --scenario {_quoted(bad[0])}"
        cli.give_up(sentence, again, EXIT_FAILED, fields, [sentence], _FAILED)
    return cli.Answer(fields, [f"all {len(names)} scenarios passed"])


def _both(*hooks: Callable[[float], None] | None) -> Callable[[float], None]:
    wanted = [hook for hook in hooks if hook is not None]

    def call(now_s: float) -> None:
        for hook in wanted:
            hook(now_s)

    return call


def _pace(speed: float) -> Callable[[float], None]:
    """Holds a run up so that it goes `speed` times as fast as the wall clock."""
    import time

    start_s = time.monotonic()

    def wait(now_s: float) -> None:
        ahead_s = now_s / speed - (time.monotonic() - start_s)
        if ahead_s > _PACE_s:
            time.sleep(ahead_s)

    return wait


class _Progress:
    """A bar below the lines of the time line where there is a terminal; else only the lines."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._bar: Any = None

    def __enter__(self) -> tuple[Callable[[str], None], Callable[[float], None] | None]:
        if cli.settings().as_json or sys.stdout is None or not sys.stdout.isatty():
            return cli.say, None
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = bar = Progress(
            TextColumn("{task.completed:6.1f} s"),
            BarColumn(),
            TextColumn("of {task.total:g} s"),
            refresh_per_second=12,
            transient=True,
        )
        task = bar.add_task("", total=self._duration_s)
        bar.start()
        return (
            lambda line: bar.console.print(line, highlight=False, markup=False, soft_wrap=True),
            lambda now_s: bar.update(task, completed=now_s),
        )

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
