"""`host sim`: a simulated sled that other programs and terminals use like a real one."""

import errno
from typing import Any

import click

from host import cli
from host.errors import BadValue, LinkError
from host.measures import parse_body_mass_kg, parse_lane_m

_TCP_PORT = 5333


@cli.command("sim")
@click.option("--athlete", metavar="NAME", help="Who works with the sled; without it nobody touches it.")
@click.option("--bodyweight", metavar="MASS", help="Body mass of the athlete, such as 80kg.")
@click.option("--lengths", type=int, metavar="N", help="Lengths the athlete goes; without it, for ever.")
@click.option("--lane", metavar="LENGTH", help="Length of the lane, such as 15m or 50ft.")
@click.option("--first", type=click.Choice(["push", "pull"]), help="Direction of the first length.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Times faster than real time.")
@click.option(
    "--tcp-port", type=int, metavar="N", help=f"TCP port; {_TCP_PORT} or a free one, 0 for a free one."
)
@click.option("--no-pty", is_flag=True, help="Serve TCP only.")
def command(
    athlete: str | None,
    bodyweight: str | None,
    lengths: int | None,
    lane: str | None,
    first: str | None,
    seed: int,
    speed: float,
    tcp_port: int | None,
    no_pty: bool,
) -> None:
    """Run the sled's own firmware on a simulated board, until Ctrl-C.

    It announces itself, so that other commands find it without --port. It serves TCP on this machine
    and, except on Windows, a pseudo-terminal.

    \b
    Examples:
      host sim
      host sim --athlete recreational --bodyweight 80kg --lengths 16
      host sim --speed 10 --tcp-port 0
      host --json sim            prints its ports as one JSON object, then serves
    """
    import os

    wishes: dict[str, Any] = {"seed": seed, "athlete": athlete, "lengths": lengths, "first": first}
    wishes["lane_m"] = None if lane is None else parse_lane_m(lane)
    wishes["body_mass_kg"] = None if bodyweight is None else parse_body_mass_kg(bodyweight)
    wishes = {name: value for name, value in wishes.items() if value is not None}
    for port in (_TCP_PORT, 0) if tcp_port is None else (tcp_port,):
        try:
            _serve(wishes, port, os.name == "posix" and not no_pty, speed)
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


def _serve(wishes: dict[str, Any], tcp_port: int, pty: bool, speed: float) -> None:
    # The only way from here into the simulator's server.
    from sim.rig import RigConfig
    from sim.serve import serve

    said = False

    def say(line: str) -> None:
        nonlocal said
        if cli.settings().as_json and not said:
            cli.print_object({"ok": True, **_announced(), "elapsed_ms": cli.elapsed_ms()})
        said = True
        cli.say(line)

    serve(("127.0.0.1", tcp_port), pty, speed, RigConfig(**wishes), True, say=say)


def _announced() -> dict[str, Any]:
    """What this process has announced: the ports it serves by now."""
    import os

    from protocol import announce

    own = [each for each in announce.announcements() if each.pid == os.getpid()]
    return {"ports": list(own[0].ports), "unique_id": own[0].unique_id, "pid": own[0].pid} if own else {}
