"""`host clear`: forget a latched fault whose cause has gone."""

from host import cli, view


@cli.command("clear")
def command() -> cli.Answer:
    """Clear a fault. Refused while its cause is still there; the load has to be set again afterwards.

    \b
    Examples:
      host status        what is wrong
      host clear
      host set-load 50%bw
    """
    from host.errors import Refused
    from host.loading import fault_refusal
    from host.ports import connect
    from protocol import codes

    still_present = next(code.number for code in codes.RESULTS if code.name == "STILL_PRESENT")
    with connect(cli.settings().port) as session:
        before = session.request("GET_STATUS").fields
        try:
            session.request("CLEAR_FAULT")
        except Refused as refusal:
            if refusal.result != still_present:
                raise
            why = fault_refusal(session.request("GET_STATUS").fields["faults"])
            raise Refused(
                why.sentence.replace("takes no load", "its cause is still there"), "host status"
            ) from None
        after = session.request("GET_STATUS").fields
        device = session.device
    assert device is not None  # connect has asked HELLO
    cleared = codes.fault_names(before["faults"] & ~after["faults"])
    state = codes.MODES[after["mode"]].name.lower()
    fields = {"cleared": cleared, "state": state, "device": view.device_fields(device)}
    return cli.Answer(
        fields, [f"cleared: {', '.join(cleared) or 'there was no fault'}", view.state_words(state)]
    )
