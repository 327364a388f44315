"""`host replay`: a recording as a sled that other commands find, so that everything can be tried on it."""

import click

from host import cli
from host.errors import BadValue, FileError


@cli.command("replay")
@click.argument("which", metavar="ID")
@click.option("--speed", type=float, default=1.0, show_default=True, metavar="X", help="Times real time.")
@click.option("--tcp-port", type=int, metavar="N", help="TCP port; without it, the usual or a free one.")
@click.option("--no-pty", is_flag=True, help="Serve TCP only.")
def command(which: str, speed: float, tcp_port: int | None, no_pty: bool) -> None:
    """Serve a recording as if it were the sled: same samples, same numbers, same gaps, real firmware's link.

    It begins when the first command asks for samples, and ends with the recording. Loads are refused. ID is
    one of `host sessions`, its beginning, `last`, or a file.

    \b
    Examples:
      host replay last                   and in another terminal: host monitor
      host replay k7f2 --speed 10
      host --json replay last            prints its ports as one JSON object, then serves
    """
    from host import config
    from host.recording import naming
    from host.recording.reading import Gap, batch, parts
    from host.recording.recovery import open_recording
    from host.simulating import announced, on_some_port
    from sim.replay import Boot, Replay, Run
    from sim.serve import serve

    recording = open_recording(naming.find(config.data_folder(), which))
    boots = []
    for boot in recording.boots:
        batches = [batch(boot, part) for part in parts(boot) if not isinstance(part, Gap)]
        boots.append(Boot(boot.boot_id, tuple(Run(each.sample_index, each.samples.raw) for each in batches)))
    unique_id = next((each["unique_id"] for each in recording.devices if "unique_id" in each), "")
    try:
        replay = Replay(bytes.fromhex(unique_id), boots, waits_for_host=True)
    except ValueError as error:
        raise FileError(f"recording {recording.id} cannot be replayed: {error}", "host sessions") from None
    if not speed > 0:
        raise BadValue("--speed is a number above 0", f"host replay {which} --speed 10")
    is_said = False

    def say(line: str) -> None:
        nonlocal is_said
        if cli.settings().as_json and not is_said:
            cli.print_object({"ok": True, "id": recording.id, **announced(), "elapsed_ms": cli.elapsed_ms()})
        is_said = True
        cli.say(line)

    on_some_port(
        lambda port, pty: serve(
            ("127.0.0.1", port), pty, speed, replay, True, lambda: replay.is_over, say=say
        ),
        tcp_port,
        no_pty,
        "host replay --help",
    )
