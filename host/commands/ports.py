"""`host ports`: everything that might be a sled, asked who it is."""

from host import cli, view


@cli.command("ports")
def command() -> cli.Answer:
    """List what may be a sled: simulators and USB controllers, each asked who it is, then other serial ports
    and boards that wait in their boot ROM as a drive. What to do next is said where something is wrong.

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
                "usb_id": each.usb_id or None,
                "problem": each.problem or None,
                "hint": each.hint or None,
            }
            for each in found
        ]
    }
    lines = []
    for each in found:
        what = f"{each.what}, USB {each.usb_id}" if each.usb_id else each.what
        lines.append(
            f"{each.port}  {view.device_words(each.device) if each.device else each.problem}  ({what})"
        )
        if each.hint:
            lines.append(f"    try: {each.hint}")
    return cli.Answer(
        fields, lines or ["nothing found; for a simulated sled: host sim (in another terminal)"]
    )
