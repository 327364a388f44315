"""`host serve`: owns the sled's port, so that several commands can use one sled at once."""

import math
import os
from typing import TYPE_CHECKING

import click

from host import cli, view
from host.errors import BadValue, PortBusy
from host.session import Session

if TYPE_CHECKING:
    from host.sharing.scribe import Scribe


@cli.command("serve")
@click.option("--no-record", is_flag=True, help="Record nothing.")
@click.option(
    "--idle", "idle_s", type=float, default=120.0, show_default=True, metavar="S",
    help="End a recording after so long without load and movement.",
)  # fmt: skip
def command(no_record: bool, idle_s: float) -> None:
    """Own the sled's port until Ctrl-C, so that several commands at once can use the sled.

    All other commands find it by themselves. It stays when the sled is unplugged, and waits for it; a
    load that is held stays in force when it ends. Only programs of this user on this machine get in.

    It records by itself, from 5 s before a load is armed or the sled moves, and notes each load that a
    command sets. A sled that stands idle fills no disk.

    \b
    Examples:
      host serve
      host serve --port /dev/ttyACM0
      host serve --no-record             host record, in another terminal, still records
      host --json serve                  prints port and process as one JSON object, then serves
      host set-load 50%bw                in another terminal, as ever
      host sessions                      what was recorded, and what is being recorded now
    """
    if not 0 < idle_s < math.inf:
        raise BadValue("--idle is a time above 0", "host serve --idle 120")
    from host import config
    from host.interrupt import stop_wish
    from host.sharing.serving import Serving

    with _own(cli.settings().port) as session, stop_wish() as is_over:
        device = session.device
        assert device is not None  # HELLO has been answered
        folder = None if no_record else config.data_folder()
        with Serving(session, _scribe(session, folder, idle_s)) as serving:
            if cli.settings().as_json:
                fields = {"port": session.name, "pid": os.getpid(), "device": view.device_fields(device)}
                fields["recordings"] = folder
                cli.print_object({"ok": True, **fields, "elapsed_ms": cli.elapsed_ms()})
            cli.say(f"{view.device_words(device)} at {session.name}: open to every command; Ctrl-C ends this")
            for line in serving.lines():
                if is_over():
                    break
                if line is not None:
                    cli.say(line)
        for line in serving.rest():
            cli.say(line)
    cli.say("ended; a load that is held stays in force")


def _scribe(session: Session, folder: str | None, idle_s: float) -> "Scribe | None":
    if folder is None:
        return None
    from host.sharing.scribe import Scribe

    return Scribe(session, folder, idle_s)


def _own(port: str | None) -> Session:
    """A session with the sled itself. Raises BadValue for a sled that nobody else could reach anyway."""
    from host.ports import connect
    from host.sharing.servers import running

    if port is not None and port.lower().startswith("sim:"):
        raise BadValue(
            f"{port} lives in one command only, and so does its time",
            "host sim (in another terminal), host serve",
        )
    try:
        return connect(port, is_shared=False)
    except PortBusy:
        for server in running():
            if port is None or server.leads_to(port):
                raise PortBusy(
                    f"{server.ports[0]} is served already, by process {server.pid}",
                    "host status (every command goes through `host serve`)",
                ) from None
        raise
