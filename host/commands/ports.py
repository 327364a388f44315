"""`host ports`: everything that might be a sled, asked who it is."""

from host import cli, view


@cli.command("ports")
def command() -> cli.Answer:
    """List running simulators and USB controllers, each asked for its name, and other serial ports.

    \b
    Examples:
      host ports
      host --json ports
    """
    from host.ports import survey

    found = survey()
    fields = {
        "ports": [
            {
                "port": each.port,
                "what": each.what,
                "device": None if each.device is None else view.device_fields(each.device),
                "problem": each.problem or None,
            }
            for each in found
        ]
    }
    lines = [
        f"{each.port}  {view.device_words(each.device) if each.device else each.problem}  ({each.what})"
        for each in found
    ]
    return cli.Answer(
        fields, lines or ["nothing found; for a simulated sled: host sim (in another terminal)"]
    )
