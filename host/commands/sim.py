"""`host sim`: a simulated sled for other programs and terminals, and scenarios with their verdict."""

import errno
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from host import cli
from host.errors import EXIT_FAILED, BadValue, HostError, LinkError
from host.measures import parse_body_mass_kg, parse_lane_m

_TCP_PORT = 5333
_PACE_s = 0.02  #: a paced run waits in pieces no shorter than this
_KINDS = "recreational, strong, elderly, sprinter, limping"


@cli.command("sim")
@click.option("--scenario", metavar="NAME", help="Run a scenario, built in or a file, and judge it.")
@click.option("--serve", is_flag=True, help="Serve the scenario's sled instead; its commands are then yours.")
@click.option("--list", "lists", is_flag=True, help="What there is: scenarios, athletes, events, faults.")
@click.option("--truth", metavar="FILE", help="Write what was true beside what was measured, as CSV.")
@click.option("--athlete", metavar="NAME", help=f"Who works with the sled: {_KINDS}. Without it, nobody.")
@click.option("--bodyweight", metavar="MASS", help="Body mass of the athlete, such as 80kg.")
@click.option("--lengths", type=int, metavar="N", help="Lengths the athlete goes; without it, for ever.")
@click.option("--lane", metavar="LENGTH", help="Length of the lane, such as 15m or 50ft.")
@click.option("--first", type=click.Choice(["push", "pull"]), help="Direction of the first length.")
@click.option("--seed", type=int, help="The same seed gives the same bytes.  [default: 1, or the scenario's]")
@click.option("--speed", type=float, help="Times real time.  [default: 1; a scenario runs as fast as it can]")
@click.option(
    "--tcp-port", type=int, metavar="N", help=f"TCP port; {_TCP_PORT} or a free one, 0 for a free one."
)
@click.option("--no-pty", is_flag=True, help="Serve TCP only.")
def command(
    scenario: str | None, serve: bool, lists: bool, truth: str | None, **options: Any
) -> cli.Answer | None:
    """Run the sled's own firmware on a simulated board: for other programs until Ctrl-C, or a scenario.

    Without --scenario it announces itself, so that other commands find it without --port. It serves TCP
    on this machine and, except on Windows, a pseudo-terminal. With --scenario it runs that to its end,
    prints what happened and the verdict, and exits with 0 if everything was as expected, else with 1.

    \b
    Examples:
      host sim
      host sim --athlete recreational --bodyweight 80kg --lengths 16
      host sim --speed 10 --tcp-port 0
      host --json sim                    prints its ports as one JSON object, then serves
      host sim --list                    what there is to run and to break
      host sim --scenario up_and_back
      host sim --scenario faults/estop --seed 7
      host sim --scenario my.toml --speed 1 --truth truth.csv
      host sim --scenario stumble --serve
    """
    if lists:
        return _listing()
    if scenario is None:
        for name, given in (("--serve", serve), ("--truth", truth is not None)):
            if given:
                raise BadValue(f"{name} goes with --scenario", "host sim --list")
        _serve_somewhere(None, options)
        return None
    if serve:
        if truth is not None:
            raise BadValue(
                "--truth is written when a scenario runs, not when it is served", "host sim --help"
            )
        _serve_somewhere(_loaded(scenario), options)
        return None
    for name in ("athlete", "bodyweight", "lengths", "lane", "first", "tcp_port", "no_pty"):
        if options[name]:
            flag = "--" + name.replace("_", "-")
            raise BadValue(
                f"{flag} does not go with a scenario that is run: its file says that",
                f"host sim --scenario {scenario} --serve {flag} ...",
            )
    return _run(scenario, options["seed"], options["speed"], truth)


def _listing() -> cli.Answer:
    from sim.scenario.report import catalogue

    found = catalogue()
    lines: list[str] = []
    for section, rows in found.items():
        width = max(map(len, rows), default=0)
        lines += [f"{section}:", *(f"  {name:{width}}  {sentence}" for name, sentence in rows.items()), ""]
    return cli.Answer(found, lines[:-1])


def load_in_wire_units(text: str, body_mass_kg: float | None, surface: str | None) -> dict[str, int]:
    """The words of a load as scenarios need them; nothing of this machine's user plays a part.

    Raises ValueError in words for what is no load, or needs a body mass that is not there.
    """
    from host import presets
    from host.loads import needs_friction, needs_presets, parse, resolve
    from protocol.units import load_from_si

    try:
        terms = parse(text)
        load = resolve(
            terms,
            body_mass_kg,
            presets.surface(surface).friction if needs_friction(terms) else None,
            presets.read("loads") if needs_presets(terms) else None,
        )
    except HostError as error:
        raise ValueError(error.sentence) from None
    return load_from_si(load._asdict())


def _loaded(name: str) -> Any:
    from sim.scenario.reading import load

    try:
        return load(name, load_in_wire_units)
    except ValueError as error:
        raise BadValue(str(error), "host sim --list") from None


def _run(name: str, seed: int | None, speed: float | None, truth: str | None) -> cli.Answer:
    from sim.scenario import report, running

    scenario = _loaded(name)
    if speed is not None and not 0.0 < speed <= 1000.0:
        raise BadValue(f"--speed must be above 0 and at most 1000, not {speed:g}", "host sim --help")
    if truth is not None:
        _write(truth, "")
    config = scenario.config if seed is None else scenario.config._replace(seed=seed)
    for line in report.title(scenario.name, scenario.about, config, scenario.duration_s):
        cli.say(line)
    with _Progress(scenario.duration_s) as (say, show):
        try:
            verdict = running.run(
                scenario,
                seed,
                lambda time_s, kind, text: say(report.entry_line(running.Entry(time_s, kind, text))),
                _both(show, None if speed is None else _pace(speed)),
            )
        except ValueError as error:
            raise BadValue(str(error), f"host sim --scenario {name}") from None
    fields: dict[str, Any] = report.fields(verdict)
    lines = report.lines(verdict)
    if truth is not None:
        heading, rows = verdict.record.rows()
        _write(truth, "\n".join(",".join(row) for row in (heading, *rows)) + "\n")
        fields["truth"] = truth
        lines.insert(-1, f"{len(rows)} moments in {truth}")
    if verdict.is_passed:
        return cli.Answer(fields, lines)
    again = f"host sim --scenario {name} --seed {verdict.seed} --truth truth.csv"
    if cli.settings().as_json:
        failure = {"ok": False, "error": report.summary(verdict), "hint": again, "code": EXIT_FAILED}
        cli.print_object({**failure, **fields, "elapsed_ms": cli.elapsed_ms()})
    else:
        print("\n".join(lines), flush=True)
        cli.warn(f"the verdict is a fail; try: {again}")
    raise SystemExit(EXIT_FAILED)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise BadValue(f"cannot write '{path}': {error.strerror}", "host sim --truth truth.csv") from None


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


# Serving.


def _serve_somewhere(scenario: Any, options: dict[str, Any]) -> None:
    """Serve on the usual TCP port or, where that is taken and none was asked for, on a free one."""
    wishes: dict[str, Any] = {name: options[name] for name in ("seed", "athlete", "lengths", "first")}
    wishes["lane_m"] = None if options["lane"] is None else parse_lane_m(options["lane"])
    wishes["body_mass_kg"] = (
        None if options["bodyweight"] is None else parse_body_mass_kg(options["bodyweight"])
    )
    wishes = {name: value for name, value in wishes.items() if value is not None}
    speed = 1.0 if options["speed"] is None else options["speed"]
    tcp_port = options["tcp_port"]
    for port in (_TCP_PORT, 0) if tcp_port is None else (tcp_port,):
        try:
            _serve(scenario, wishes, port, os.name == "posix" and not options["no_pty"], speed)
            return
        except (ValueError, OverflowError) as error:
            raise BadValue(f"cannot simulate that: {error}", "host sim --help") from None
        except BrokenPipeError:  # the reader of our lines has gone
            raise
        except OSError as error:
            if error.errno != errno.EADDRINUSE or tcp_port is not None or port == 0:
                raise _cannot_serve(error) from None


def _cannot_serve(error: OSError) -> LinkError:
    """What an operating system's refusal means, told apart by what it is about: a file or a port."""
    from protocol import announce

    reason = error.strerror or str(error)
    if error.filename is not None or "SLED_RUNTIME_DIR" in reason:
        return LinkError(
            f"cannot announce the simulator in {announce.directory()}: {reason}",
            "SLED_RUNTIME_DIR=some/folder host sim (the same for every other command)",
        )
    if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
        return LinkError(f"cannot serve: {reason}", "host sim --tcp-port 0")
    return LinkError(f"cannot serve: {reason}", "host sim --no-pty")


def _serve(scenario: Any, wishes: dict[str, Any], tcp_port: int, pty: bool, speed: float) -> None:
    from sim.address import rig_of
    from sim.serve import serve

    rig = rig_of(scenario, wishes)
    said = False

    def say(line: str) -> None:
        nonlocal said
        if cli.settings().as_json and not said:
            cli.print_object({"ok": True, **_announced(), "elapsed_ms": cli.elapsed_ms()})
        if not said and scenario is not None:
            cli.say(f"{scenario.name}: {scenario.about}")
            unused = len(scenario.commands)
            cli.say(f"its events and faults come by its clock; its {unused} commands are yours to send")
        said = True
        cli.say(line)

    serve(("127.0.0.1", tcp_port), pty, speed, rig, True, say=say)


def _announced() -> dict[str, Any]:
    """What this process has announced: the ports it serves by now."""
    from protocol import announce

    own = [each for each in announce.announcements() if each.pid == os.getpid()]
    return {"ports": list(own[0].ports), "unique_id": own[0].unique_id, "pid": own[0].pid} if own else {}
