"""`host doctor`: everything that can be checked from here, each with what it should be."""

from typing import TYPE_CHECKING

import click

from host import cli, view
from host.errors import EXIT_FAILED, BadValue, HostError

if TYPE_CHECKING:
    from host.doctor.checks import Check
    from host.session import Device

_SECONDS = 3.0
_SECONDS_MAX = 600.0


@cli.command("doctor")
@click.option(
    "--seconds",
    type=float,
    metavar="S",
    default=_SECONDS,
    show_default=True,
    help="Watch the sled for so long.",
)
def command(seconds: float) -> cli.Answer:
    """Check this computer, the port, the firmware, the link and each sensor, and say what it should be.

    The sled should stand, with nothing on the hitch. It is only watched: no load is set, nothing is changed.
    Ends with exit code 7 if a line says wrong; those that say look are unusual, and may be right.

    \b
    Examples:
      host doctor
      host doctor --seconds 60              a better figure for the clock
      host --port /dev/ttyACM0 --json doctor
    """
    if not 0 < seconds <= _SECONDS_MAX:
        raise BadValue(f"--seconds is above 0 and at most {_SECONDS_MAX:g}", "host doctor --seconds 3")
    from host.doctor import bare, computer
    from host.doctor import checks as form

    device: Device | None = None
    found = computer.checks()
    try:
        device, seen = _sled(seconds)
        found += seen
    except HostError as error:
        expected = "one sled that answers"
        found.append(form.Check("sled", "at hand", error.sentence, expected, form.WRONG, error.hint))
        if device is None:
            found += bare.checks(cli.settings().port)
    fields = {
        "checks": form.fields(found),
        "verdicts": {verdict: sum(check.verdict == verdict for check in found) for verdict in form.VERDICTS},
        "device": None if device is None else view.device_fields(device),
    }
    lines = [*([view.device_words(device), ""] if device is not None else []), *form.lines(found), ""]
    wrong = [check for check in found if check.verdict == form.WRONG]
    if wrong:
        names = ", ".join(check.name for check in wrong)
        sentence = f"{len(wrong)} of {len(found)} are wrong: {names}"
        cli.give_up(sentence, wrong[0].hint or "host status", EXIT_FAILED, fields, lines, sentence)
    unusual = sum(check.verdict == form.LOOK for check in found)
    looks = f", {unusual} of them worth a look" if unusual else ""
    return cli.Answer(fields, [*lines, f"nothing of {len(found)} is wrong{looks}"])


def _sled(seconds: float) -> "tuple[Device, list[Check]]":
    """The sled there is, and what is to be said of it. Raises HostError."""
    from host.doctor import sled
    from host.doctor.observing import observe
    from host.ports import connect

    with connect(cli.settings().port, any_version=True) as session:
        device = session.device
        assert device is not None  # connect has asked HELLO
        checks = sled.firmware(device)
        if device.compatibility.is_usable:
            observed = observe(session, seconds)
            checks += [*sled.faults(observed), *sled.link(observed)]
            checks += [*sled.sensors(observed), *sled.power(observed)]
    return device, checks
