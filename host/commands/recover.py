"""`host recover`: a board that does not answer, step by step back to running firmware."""

from pathlib import Path

import click

from host import cli, view
from host.commands.flash import answer, firmware_options, shown


@cli.command("recover")
@firmware_options
@click.option(
    "--patience",
    metavar="SECONDS",
    type=click.FloatRange(1, 86_400),
    default=120.0,
    show_default=True,
    help="How long to wait for the board, and for its firmware.",
)
def command(micropython: Path | None, firmware: Path | None, patience: float) -> cli.Answer:
    """Bring back a board that does not answer: says what it sees and what to do, and does the rest.

    A board whose firmware answers is left alone. Settings stay in every case.

    \b
    What it sees               what is done
      the firmware answers     nothing; `host flash` brings another version
      MicroPython's prompt     the firmware is flashed
      a port, but no answer    you unplug it and plug it in; Ctrl-C is sent as it starts, then it is flashed
      a boot drive             MicroPython is copied onto it (--micropython), then the firmware is flashed
      no port at all           you hold BOOTSEL while plugging it in, which shows the boot drive
      no permission            the line that gives it

    \b
    Examples:
      host recover
      host --port /dev/ttyACM0 recover
      host recover --micropython RPI_PICO-20241129-v1.24.1.uf2
    """
    from host.flashing.build import firmware_folder
    from host.flashing.finding import Seen
    from host.flashing.recovering import recover

    found = recover(cli.settings().port, firmware or firmware_folder(), micropython, shown(), patience)
    if not isinstance(found, Seen):
        return answer(found)
    assert found.device is not None
    warning = found.device.compatibility.sentence
    return cli.Answer(
        {"port": found.place, "unchanged": True, "device": view.device_fields(found.device)},
        [
            f"{found.place}: {view.device_words(found.device)} answers; nothing to recover",
            *([f"{warning}; `host flash` mends that"] if warning else []),
        ],
    )
