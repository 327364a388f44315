"""Serves a simulated sled for `host sim`, and says what a scenario brings and what is left to type."""

import errno
import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from host import cli
from host.errors import BadValue, LinkError
from host.measures import parse_body_mass_kg, parse_lane_m

if TYPE_CHECKING:
    from sim.scenario.reading import Scenario

TCP_PORT = 5333
_OF_AN_ATHLETE = ("bodyweight", "lengths", "lane", "first")
_PLAIN = {"stop": "host stop", "drop": "host stop --drop", "clear": "host clear", "status": "host status"}


def serve_somewhere(scenario: "Scenario | None", options: dict[str, Any]) -> None:
    """Serve on the usual TCP port or, where that is taken and none was asked for, on a free one."""
    if options["athlete"] is None and (scenario is None or scenario.config.body is None):
        for name in _OF_AN_ATHLETE:
            if options[name] is not None:
                raise BadValue(
                    f"--{name} says something of an athlete, and there is none",
                    f"host sim --athlete recreational --{name} ...",
                )
    wishes: dict[str, Any] = {name: options[name] for name in ("seed", "athlete", "lengths", "first")}
    wishes["lane_m"] = None if options["lane"] is None else parse_lane_m(options["lane"])
    wishes["body_mass_kg"] = (
        None if options["bodyweight"] is None else parse_body_mass_kg(options["bodyweight"])
    )
    wishes = {name: value for name, value in wishes.items() if value is not None}
    speed = 1.0 if options["speed"] is None else options["speed"]
    on_some_port(
        lambda tcp_port, pty: _serve(scenario, wishes, tcp_port, pty, speed),
        options["tcp_port"],
        options["no_pty"],
        "host sim --help",
    )


def on_some_port(serve: Callable[[int, bool], None], tcp_port: int | None, no_pty: bool, hint: str) -> None:
    """Call `serve(tcp_port, pty)`, once more where the usual port is taken; raises what people can read."""
    for port in (TCP_PORT, 0) if tcp_port is None else (tcp_port,):
        try:
            serve(port, os.name == "posix" and not no_pty)
            return
        except (ValueError, OverflowError) as error:
            raise BadValue(f"cannot simulate that: {error}", hint) from None
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


def _serve(
    scenario: "Scenario | None", wishes: dict[str, Any], tcp_port: int, pty: bool, speed: float
) -> None:
    from sim.address import rig_of
    from sim.serve import serve

    rig = rig_of(scenario, wishes, _tell)
    said = False

    def say(line: str) -> None:
        nonlocal said
        if cli.settings().as_json and not said:
            cli.print_object({"ok": True, **announced(), "elapsed_ms": cli.elapsed_ms()})
        if not said and scenario is not None:
            for each in _introduction(scenario):
                cli.say(each)
        said = True
        cli.say(line)

    serve(("127.0.0.1", tcp_port), pty, speed, rig, True, say=say)


def _tell(time_s: float, kind: str, text: str) -> None:
    from sim.scenario.report import entry_line
    from sim.scenario.running import Entry

    cli.say(entry_line(Entry(time_s, kind, text)))


def _introduction(scenario: "Scenario") -> list[str]:
    """What a scenario brings, and what is left to whoever drives its sled."""
    lines = [f"{scenario.name}: {scenario.about}"]
    if scenario.events or scenario.breaks:
        lines.append("its events and faults come by its clock, whether the sled is armed or not")
    if scenario.written:
        lines.append("nobody sends its commands; in another terminal type:")
        lines += [f"  at {row['at_s']:g} s: {_typed(row, scenario)}" for row in scenario.written]
    return lines


def _typed(row: dict[str, Any], scenario: "Scenario") -> str:
    """A command of the file as a line to type, where there is one."""
    from host.loads import needs_body_mass, parse

    do = row["do"]
    if do in _PLAIN:
        return _PLAIN[do]
    loads = [row[name] for name in ("load", "push") if name in row]
    if do != "set-load" or not all(isinstance(load, str) for load in loads):
        return f"({do}: only a program can send that)"
    words = ["host", "set-load", loads[0]]
    if "push" in row:
        words += ["--push", row["push"]]
    body = scenario.config.body
    if body is not None and any(needs_body_mass(parse(load)) for load in loads):
        words += ["--bodyweight", f"{scenario.config.body_mass_kg or body.body_mass_kg:g}kg"]
    if scenario.surface is not None:
        words += ["--surface", scenario.surface]
    return shlex.join(words) + (" (held, not leased)" if "lease_s" in row else "")


def announced() -> dict[str, Any]:
    """What this process has announced: the ports it serves by now."""
    from protocol import announce

    own = [each for each in announce.announcements() if each.pid == os.getpid()]
    return {"ports": list(own[0].ports), "unique_id": own[0].unique_id, "pid": own[0].pid} if own else {}
