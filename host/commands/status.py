"""`host status`: what the sled does now and the load in force."""

from host import cli, view


@cli.command("status")
def command() -> cli.Answer:
    """Show the load in force, force, speed, position, faults, temperature and battery.

    \b
    Examples:
      host status
      host --port /dev/ttyACM0 --json status
    """
    from host.commands.set_load import usual_friction
    from host.loading import applied
    from host.ports import connect
    from protocol import codes, units

    with connect(cli.settings().port) as session:
        status = session.request("GET_STATUS").fields
        device = session.device
    assert device is not None  # connect has asked HELLO
    if device.compatibility.warning:
        cli.warn(device.compatibility.warning)
    now = applied(status)
    hold = codes.HOLDS[status["hold"]].name.lower() if status["hold"] < len(codes.HOLDS) else "unknown"
    values = {
        "force_N": round(units.to_si("tow_force_dN", status["tow_force_dN"]), 1),
        "velocity_m_per_s": round(units.to_si("velocity_mm_per_s", status["velocity_mm_per_s"]), 3),
        "position_m": round(units.to_si("position_um", status["position_um"]), 4),
        "faults": codes.fault_names(status["faults"]),
        "temperature_C": round(units.to_si("temperature_cC", status["temperature_cC"]), 1),
        "bus_V": round(units.to_si("bus_mV", status["bus_mV"]), 2),
        "law_force_N": round(units.to_si("law_force_dN", status["law_force_dN"]), 1),
        "brake_force_N": round(units.to_si("brake_force_dN", status["brake_force_dN"]), 1),
        "odometer_m": round(units.to_si("odometer_mm", status["odometer_mm"]), 3),
        "hold": hold,
    }
    fields = {**view.applied_fields(now), **values, "device": view.device_fields(device)}
    if cli.settings().as_json:
        return cli.Answer(fields, ())
    is_in_force = now.state in ("armed", "loading")
    load_lines = view.both_ways(now, usual_friction())
    latched = [fault for fault in codes.FAULTS if status["faults"] >> fault.number & 1]
    return cli.Answer(
        fields,
        [
            view.device_words(device),
            view.state_words(now.state),
            *([f"{line} ({hold})" for line in load_lines] if is_in_force else ["no load in force"]),
            *view.limit_lines(now.limited_by),
            f"tow force {values['force_N']:.1f} N, speed {values['velocity_m_per_s']:.2f} m/s, "
            f"position {values['position_m']:.2f} m, rolled {values['odometer_m']:.1f} m",
            f"motor {values['temperature_C']:.0f} °C, battery {values['bus_V']:.1f} V",
            *(f"fault {fault.name}: {fault.sentence} To clear: {fault.clears}." for fault in latched),
        ],
    )
