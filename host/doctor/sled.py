"""What a sled says of itself, and what was measured of it, against what is to be expected.

Where a range comes from stands beside it: device/README.md, the data sheets it names, or the sled's own
settings. Noise is judged only while the sled stands and nothing pulls.
"""

from statistics import fmean, pstdev

from host.doctor.checks import LOOK, OK, SKIPPED, WRONG, Check, Range
from host.doctor.observing import Observation
from host.session import Device
from protocol import codes, layout

_FIRMWARE, _LINK, _SENSORS, _POWER = "firmware", "link", "sensors at rest", "power and heat"

_RATE = Range(0.98, 1.02, 0.9, 1.1)  #: of one sample in each period; the while has ends
_TRIP_ms = Range(0.0, 10.0, 0.0, 100.0)  #: a USB frame is 1 ms, and the sled reads once in a few
_CRYSTAL_ppm = 100.0  #: 30 of the Pico's crystal, and a computer's clock that is being set
_FORCE_N = Range(-20.0, 20.0, -200.0, 200.0)  #: device/README.md: within 20 N before `calibrate zero`
_FORCE_NOISE_N = Range(0.1, 1.5, 0.02, 5.0)  #: the amplifier's 0.5 and the converter's 0.25, with room
_TRAVEL_counts = 1.0  #: an edge may flicker
_BUS_NOISE_V = Range(0.0, 0.1, 0.0, 0.5)  #: a step of the converter is 0.018 V
_TEMPERATURE_NOISE_C = Range(0.0, 0.5, 0.0, 2.0)
_NTC_OPEN_C, _NTC_SHORTED_C = -19.5, 129.5  #: ends of the board's table
_NEARLY_EMPTY = 1.05  #: of the voltage that counts as empty


def firmware(device: Device) -> list[Check]:
    """Versions, slot, and why it started."""
    compatibility = device.compatibility
    verdict = OK if not compatibility.sentence else LOOK if compatibility.is_usable else WRONG
    protocol = f"protocol {layout.PROTOCOL_MAJOR}.{layout.PROTOCOL_MINOR}, layout {layout.LAYOUT_HASH:08x}"
    measured = f"firmware {device.firmware}, " + (protocol if verdict == OK else "another protocol")
    expected = protocol if verdict == OK else compatibility.sentence
    checks = [Check(_FIRMWARE, "version", measured, expected, verdict, compatibility.command)]
    if device.build_id is None:
        build = "simulated: has none" if device.is_simulated else "does not tell"
        verdict = SKIPPED if device.is_simulated else LOOK
    else:
        build = f"build {device.build_id:08x}, slot {device.slot}"
        build += ", on trial" if device.is_on_trial else ""
        verdict = LOOK if device.is_on_trial else OK
    checks.append(Check(_FIRMWARE, "build", build, "a slot that has proved itself", verdict, "host status"))
    return [*checks, _reset(device)]


def _reset(device: Device) -> Check:
    expected = "power-on, or a reboot that was asked for"
    causes = {cause.number: cause for cause in codes.RESETS}
    cause = causes.get(device.reset_cause if device.reset_cause is not None else -1)
    if cause is None:
        return Check(_FIRMWARE, "last reset", "does not tell", expected, SKIPPED)
    verdict = {"POWER_ON": OK, "REBOOT": OK, "WATCHDOG": WRONG}.get(cause.name, LOOK)
    hint = "host clear; if it comes again, look for loose cables to the controller and report it"
    return Check(_FIRMWARE, "last reset", cause.sentence.rstrip("."), expected, verdict, hint)


def faults(observed: Observation) -> list[Check]:
    """A line for each fault that is latched."""
    latched = [fault for fault in codes.FAULTS if observed.status["faults"] >> fault.number & 1]
    if not latched:
        return [Check(_FIRMWARE, "faults", "none", "none", OK)]
    return [
        Check(
            _FIRMWARE,
            f"fault {fault.name}",
            fault.sentence.rstrip("."),
            "none",
            LOOK if fault.reaction == "warn" else WRONG,
            f"{fault.clears}, then: host clear",
        )
        for fault in latched
    ]


def link(observed: Observation) -> list[Check]:
    """Telemetry, losses, delay, clock."""
    due_per_s = 1 / observed.period_s
    rate_per_s = observed.samples / observed.seconds if observed.seconds else 0.0
    missing = observed.lost + observed.resends + observed.silences
    checks = [
        Check(
            _LINK,
            "telemetry",
            f"{rate_per_s:.0f} samples a second over {observed.seconds:.1f} s",
            f"{due_per_s:.0f} a second",
            _RATE.verdict(rate_per_s / due_per_s),
            "another USB port or cable, without a hub",
            round(rate_per_s, 1),
        ),
        Check(
            _LINK,
            "losses",
            f"{observed.lost} samples lost, {observed.resends} gaps asked for again, "
            f"{observed.damaged_frames} damaged frames",
            "none",
            WRONG if observed.lost else LOOK if missing or observed.damaged_frames else OK,
            "another USB port or cable, without a hub",
            observed.lost,
        ),
    ]
    if observed.trip_s is None or observed.drift_ppm is None:
        return [*checks, Check(_LINK, "clock", "was not answered", "is answered", WRONG, "host ports")]
    trip_ms = observed.trip_s * 1e3
    bound_ppm = _CRYSTAL_ppm + observed.drift_error_ppm
    return [
        *checks,
        Check(
            _LINK,
            "round trip",
            f"{trip_ms:.1f} ms",
            f"up to {_TRIP_ms.high:g} ms",
            _TRIP_ms.verdict(trip_ms),
            "another USB port or cable, without a hub",
            round(trip_ms, 3),
        ),
        Check(
            _LINK,
            "clock drift",
            f"{observed.drift_ppm:+.0f} ppm, to within {observed.drift_error_ppm:.0f}",
            f"up to {_CRYSTAL_ppm:g} ppm either way",
            OK if abs(observed.drift_ppm) <= bound_ppm else LOOK,
            "host doctor --seconds 60",
            round(observed.drift_ppm, 1),
        ),
    ]


def sensors(observed: Observation) -> list[Check]:
    """Load cell and encoder of a sled that stands with nothing on the hitch."""
    count_um = observed.settings["um_per_1024_counts"] / 1024
    names = ("encoder", "load cell, reading", "load cell, noise")
    if observed.travel_um is None or observed.force_N is None or observed.force_noise_N is None:
        return [Check(_SENSORS, name, "no samples came", "samples", WRONG, "host monitor") for name in names]
    travel_counts = observed.travel_um / count_um
    is_still = travel_counts <= _TRAVEL_counts
    mode = codes.MODES[observed.status["mode"]].name
    checks = [
        Check(
            _SENSORS,
            names[0],
            f"moved by {travel_counts:.0f} counts ({observed.travel_um / 1000:.1f} mm)",
            "stands still: at most 1 count",
            OK if is_still else LOOK,
            "let the sled stand, then: host doctor",
            round(travel_counts, 1),
        )
    ]
    if not is_still or mode in ("ARMED", "LOADING", "RAMPING_DOWN"):
        why = "the sled moves" if not is_still else f"the sled is {mode.lower().replace('_', ' ')}"
        expected = "judged while it stands unloaded"
        return checks + [Check(_SENSORS, name, why, expected, SKIPPED) for name in names[1:]]
    return [
        *checks,
        Check(
            _SENSORS,
            names[1],
            f"{observed.force_N:+.1f} N",
            f"within {_FORCE_N.high:g} N, with nothing on the hitch",
            _FORCE_N.verdict(observed.force_N),
            "host calibrate zero",
            round(observed.force_N, 2),
        ),
        Check(
            _SENSORS,
            names[2],
            f"{observed.force_noise_N:.2f} N rms",
            f"{_FORCE_NOISE_N.low:g} to {_FORCE_NOISE_N.high:g} N rms",
            _FORCE_NOISE_N.verdict(observed.force_noise_N),
            "see the amplifier and its cable in device/README.md: none is frozen, much is a bad ground",
            round(observed.force_noise_N, 3),
        ),
    ]


def power(observed: Observation) -> list[Check]:
    """Battery, motors' temperature, and their noise."""
    settings = observed.settings
    low_V, fold_V, high_V = (settings[name] / 1000 for name in ("bus_low_mV", "bus_fold_mV", "bus_high_mV"))
    hot_C, too_hot_C = (settings[name] / 100 for name in ("hot_fold_cC", "too_hot_cC"))
    bus_V, temperature_C = fmean(observed.bus_V), fmean(observed.temperature_C)
    bus = Range(_NEARLY_EMPTY * low_V, fold_V, low_V, high_V)
    hint = (
        "charge the battery"
        if bus_V < bus.low
        else "use the sled for a while: a full battery takes no energy"
    )
    if _NTC_OPEN_C < temperature_C < _NTC_SHORTED_C:
        heat = Range(-10.0, hot_C, _NTC_OPEN_C, too_hot_C).verdict(temperature_C)
        heat_hint = "let the motors cool down"
    else:
        heat, heat_hint = WRONG, "the NTC or its cable is open (cold) or shorted (hot)"
    return [
        Check(
            _POWER, "battery", f"{bus_V:.2f} V", f"{bus.low:.1f} to {bus.high:.1f} V",
            bus.verdict(bus_V), hint, round(bus_V, 3),
        ),
        _noise("battery, noise", observed.bus_V, "V", _BUS_NOISE_V),
        Check(
            _POWER, "motors", f"{temperature_C:.1f} °C", f"-10 to {hot_C:.0f} °C",
            heat, heat_hint, round(temperature_C, 2),
        ),
        _noise("motors, noise", observed.temperature_C, "°C", _TEMPERATURE_NOISE_C),
    ]  # fmt: skip


def _noise(name: str, readings: tuple[float, ...], unit: str, expected: Range) -> Check:
    noise = pstdev(readings)
    measured = f"{noise:.3f} {unit} rms of {len(readings)} readings"
    hint = "see the divider's and the NTC's wiring in device/README.md"
    verdict = expected.verdict(noise)
    return Check(
        _POWER, name, measured, f"up to {expected.high:g} {unit} rms", verdict, hint, round(noise, 4)
    )
