"""`host stop`: lower the load, or release it at once. Works with firmware of any version."""

import click

from host import cli, view
from host.errors import LinkError, NoAnswer
from host.session import Session


@cli.command("stop")
@click.option(
    "--drop", is_flag=True, help="Release the brake at once instead of lowering the load within 1 s."
)
def command(drop: bool) -> cli.Answer:
    """Lower the load within a second and release the brake. Always accepted, whatever the sled does.

    A port that is named is told STOP even if nothing there says who it is.

    \b
    Examples:
      host stop
      host stop --drop
      host --port /dev/ttyACM0 stop
    """
    from host.ports import at, connect

    port = cli.settings().port
    session = at(port) if port is not None else connect(None, any_version=True)
    assert session is not None  # there is a port, or a device
    with session:
        try:
            if session.device is None:
                session.hello(any_version=True)
        except NoAnswer as error:
            _stop_blindly(session, drop, error, str(port))
        else:
            session.stop(drop)
        device = session.device
    how = "released" if drop else "lowering the load, then released"
    fields = {
        "stopped": "drop" if drop else "ramp",
        "device": None if device is None else view.device_fields(device),
    }
    who = f"{port}, which does not say who it is" if device is None else view.device_words(device)
    return cli.Answer(fields, [f"{who}: {how}"])


def _stop_blindly(session: Session, drop: bool, unanswered: NoAnswer, port: str) -> None:
    """STOP to whoever is there. Raises LinkError, saying whether it was sent, unless it is confirmed."""
    try:
        session.stop(drop)
        return
    except NoAnswer:
        outcome = "STOP was sent unconfirmed"
    except LinkError as error:
        outcome = f"STOP could not be sent ({error.sentence})"
    raise LinkError(
        f"{unanswered.sentence}; {outcome}: press the emergency stop",
        f"host --port {port} stop" + (" --drop" if drop else ""),
    )
