"""`host stop`: lower the load, or release it at once. Works with firmware of any version."""

import click

from host import cli, view


@cli.command("stop")
@click.option(
    "--drop", is_flag=True, help="Release the brake at once instead of lowering the load within 1 s."
)
def command(drop: bool) -> cli.Answer:
    """Lower the load within a second and release the brake. Always accepted, whatever the sled does.

    \b
    Examples:
      host stop
      host stop --drop
      host --port /dev/ttyACM0 stop
    """
    from host.ports import connect

    with connect(cli.settings().port, any_version=True) as session:
        session.stop(drop)
        device = session.device
    assert device is not None  # connect has asked HELLO
    how = "released" if drop else "lowering the load, then released"
    fields = {"stopped": "drop" if drop else "ramp", "device": view.device_fields(device)}
    return cli.Answer(fields, [f"{view.device_words(device)}: {how}"])
