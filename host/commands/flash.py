"""`host flash`: this host's firmware onto a board."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host import cli, view

if TYPE_CHECKING:
    from host.flashing.installing import Outcome
    from host.flashing.showing import Lines


def firmware_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What `host flash` and `host recover` may be given to bring onto a board."""
    micropython = click.option(
        "--micropython",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="MicroPython's UF2, for a board that shows a boot drive (BOOTSEL).",
    )
    firmware = click.option(
        "--firmware",
        metavar="FOLDER",
        type=click.Path(path_type=Path),
        help="Other sources than this installation's: a folder with boot.py, main.py and sled/.",
    )
    return micropython(firmware(command))


@cli.command("flash")
@click.option("--dry-run", is_flag=True, help="Show what would be copied. A sled that runs starts anew.")
@firmware_options
@click.option(
    "--patience",
    metavar="SECONDS",
    type=click.FloatRange(1, 86_400),
    default=60.0,
    show_default=True,
    help="How long the board may take for an answer, and its new firmware to prove itself.",
)
def command(dry_run: bool, micropython: Path | None, firmware: Path | None, patience: float) -> cli.Answer:
    """Bring the firmware of this installation onto a Raspberry Pi Pico.

    Copies only what differs, into the slot that does not run, and starts it. If it does not prove itself, the
    board falls back to what ran before, by itself; so it does after a cut of power or cable at any moment.
    Settings and calibration stay.

    \b
    Examples:
      host flash
      host flash --dry-run
      host --port /dev/ttyACM0 flash
      host flash --micropython RPI_PICO-20241129-v1.24.1.uf2   a new board, BOOTSEL held while plugging in
    """
    from host.flashing import finding
    from host.flashing.build import firmware_folder
    from host.flashing.installing import install

    show = shown()
    folder = firmware or firmware_folder()
    seen = finding.the_only(cli.settings().port)
    place = seen.place
    if seen.state == finding.DRIVE:
        from host.flashing.waking import start_micropython

        place = start_micropython(seen, micropython, show, patience)
    elif seen.problem is not None:
        raise _with_recover(seen)
    return answer(install(place, folder, show, patience, dry_run), dry_run)


def shown() -> "Lines":
    """How the flash is shown here: a bar on a terminal."""
    from host.flashing.showing import Bar, Lines

    is_terminal = sys.stdout is not None and sys.stdout.isatty() and not cli.settings().as_json
    return (Bar if is_terminal else Lines)(cli.say)


def answer(outcome: "Outcome", is_dry_run: bool = False) -> cli.Answer:
    """What was done, as one object and in a few lines."""
    steps, found, device = outcome.steps, outcome.found, outcome.device
    build_id = outcome.made.build_id if outcome.made else device.build_id if device else None
    fields: dict[str, Any] = {
        "port": outcome.port,
        "unchanged": outcome.was_unchanged,
        "dry_run": is_dry_run,
        "build": None if build_id is None else f"{build_id:08x}",
        "slot": steps.slot if steps else device.slot if device else None,
        "written": list(steps.files) if steps else [],
        "sent_bytes": steps.sent_bytes if steps else 0,
        "removed": [*steps.removed_first, *steps.removed_last] if steps else [],
        "micropython": None if found is None else ".".join(map(str, found.version)),
        "device": None if device is None else view.device_fields(device),
    }
    who = [view.device_words(device)] if device else []
    return cli.Answer(fields, [*_lines(outcome, fields, is_dry_run), *who])


def _lines(outcome: "Outcome", fields: dict[str, Any], is_dry_run: bool) -> list[str]:
    steps = outcome.steps
    if steps is None or steps.is_empty:
        started = ", and it was started anew" if steps is not None else ""
        return [f"build {fields['build']} is on the board already: nothing was written{started}"]
    sent = f"{len(steps.sent)} files, {steps.sent_bytes / 1024:.0f} KiB"
    if not is_dry_run:
        return [f"build {fields['build']} runs from slot {steps.slot}; sent {sent}"]
    lines = [f"would remove {path}" for path in steps.removed_first]
    for path, content in steps.files.items():
        source = steps.copies.get(path)
        what = "would send" if source is None else f"would copy {source} to"
        lines.append(f"{what} {path}, {len(content)} bytes")
    lines += [f"would remove {path}" for path in steps.removed_last]
    return [*lines, f"would send {sent}; nothing was written"]


def _with_recover(seen: Any) -> Exception:
    """Why the one board that is there cannot be flashed as it is."""
    from host.errors import NoAnswer
    from host.flashing import finding

    if seen.state == finding.SILENT:
        return NoAnswer(seen.problem.sentence, f"host --port {seen.place} recover")
    problem: Exception = seen.problem
    return problem
