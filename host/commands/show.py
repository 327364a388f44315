"""`host show`: what one recording holds."""

from typing import TYPE_CHECKING, Any

import click

from host import cli, view

if TYPE_CHECKING:
    from host.recording.reading import Recording
    from host.recording.scanning import Told

_GAPS_SHOWN = 20
_WAYS = ("pull", "push")


@cli.command("show")
@click.argument("which", metavar="ID")
def command(which: str) -> cli.Answer:
    """Tell about one recording: athlete, device, loads, gaps, clock, lengths, faults and notes.

    ID is one of `host sessions`, its beginning, `last`, or a file.

    \b
    Examples:
      host show last
      host show k7f2
      host --json show k7f2
    """
    from host import config
    from host.recording import naming
    from host.recording.recovery import open_recording

    recording = open_recording(naming.find(config.data_folder(), which))
    fields = _fields(recording)
    return cli.Answer(fields, _lines(recording, fields))


def _fields(recording: "Recording") -> dict[str, Any]:
    scan = recording.scan
    return {
        "id": recording.id,
        "file": recording.path,
        "session": recording.session,
        "devices": recording.devices,
        "settings": recording.settings,
        "end": {name: value for name, value in recording.end.items() if name != "totals"},
        "recording_goes_on": recording.is_live,
        "mended": recording.mended,
        "damaged_bytes": scan.damaged_bytes,
        "is_damaged": bool(scan.is_damaged or scan.damaged_bytes),
        "boots": [
            {
                "boot_id": boot.boot_id,
                "first_sample": int(boot.samples["sample_index"][0]),
                "samples": len(boot.samples),
                "clock": boot.timing._asdict(),
            }
            for boot in recording.boots
        ],
        "gaps": [gap._asdict() for gap in recording.gaps],
        "events": _events(recording),
        "totals": recording.totals(),
    }


def _events(recording: "Recording") -> list[dict[str, Any]]:
    """Loads as they changed, faults, the link and notes in order of time, each with its words."""
    start_ns = int(recording.session.get("started_ns", "0"))
    found: list[dict[str, Any]] = []
    in_force: dict[str, Any] = {}
    for each in recording.told:
        more: dict[str, Any] = {}
        is_load = each.topic in ("/status", "/load_reply")
        if is_load:
            load, words = _load(each)
            if load == in_force:
                continue
            in_force = more = load
        elif each.topic == "/set_load":
            words, more = _asked(each.fields)
        elif each.topic == "/fault":
            words = f"fault {_fault_name(each.fields.get('fault', -1))}"
        elif each.topic == "/link":
            away = f" after {each.fields['away_s']:.1f} s" if "away_s" in each.fields else ""
            words = f"link {each.fields.get('event')}{away}"
            more = {name: each.fields[name] for name in ("reason", "port") if name in each.fields}
        elif each.topic == "/note":
            words = f"note: {each.fields.get('text')}"
        else:
            continue
        at_s = round((each.log_ns - start_ns) / 1e9, 3)
        kind = "load" if is_load else each.topic[1:]
        found.append({"at_s": at_s, "kind": kind, "words": words, **more})
    return found


def _load(told: "Told") -> tuple[dict[str, Any], str]:
    """What the device has in force, and its words."""
    from host.commands.set_load import usual_friction
    from host.loading import applied
    from protocol import units

    known = {name: told.fields.get(name, 0) for name in ("mode", "limits")}
    loads = {way: {name: told.fields.get(f"{way}.{name}", 0) for name in units.LOAD_FIELDS} for way in _WAYS}
    now = applied({**known, **loads})
    if now.state not in ("armed", "loading"):
        return {"pull": None, "push": None}, "no load in force"
    shown = {"pull": view.load_fields(now.pull), "push": view.load_fields(now.push)}
    return shown, "; ".join(view.both_ways(now, usual_friction()))


def _asked(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Words for a load that a command asked for, and its fields; whatever another version wrote."""
    from host.commands.set_load import usual_friction
    from host.loading import Applied
    from host.loads import Load

    loads = {way: {name: fields.get(way, {}).get(name) for name in Load._fields} for way in _WAYS}
    pull, push = (Load(**{name: n for name, n in loads[way].items() if n is not None}) for way in _WAYS)
    words = "; ".join(view.both_ways(Applied(pull, push, [], ""), usual_friction()))
    who, result = fields.get("by"), fields.get("result")
    refused = "" if result in ("OK", "LIMITED") else f", refused: {result}"
    return f"{who} asks for {words}{refused}", {"by": who, "result": result, **loads}


def _fault_name(number: int) -> str:
    from protocol import codes

    return codes.FAULTS[number].name if 0 <= number < len(codes.FAULTS) else str(number)


def _lines(recording: "Recording", fields: dict[str, Any]) -> list[str]:
    from host.lengths import Length
    from host.summary import length_line, summary_lines

    session, device = recording.session, (recording.devices or [{}])[-1]
    kind = "simulated sled" if device.get("is_simulated") == "True" else "sled"
    mass = f", {session['body_mass_kg']} kg" if "body_mass_kg" in session else ""
    gaps = [
        f"samples from {gap['sample_index']} on: {gap['sample_count']} "
        + ("lost" if gap["is_declared"] else "missing, for the file is damaged")
        for gap in fields["gaps"]
    ]
    return [
        f"recording {recording.id}, {session.get('started', '')}, {recording.end.get('reason', 'goes on')}",
        f"{session.get('athlete', 'athlete unknown')}{mass}, on {session.get('surface', 'unknown ground')}",
        f"{kind} {device.get('unique_id', '')}, firmware {device.get('firmware', 'unknown')}, "
        f"recorded by version {session.get('software', 'unknown')}",
        *([f"asked: {session['load_requested']}"] if "load_requested" in session else []),
        *_troubles(recording, fields),
        *(f"{event['at_s']:9.1f} s  {event['words']}" for event in fields["events"]),
        *gaps[:_GAPS_SHOWN],
        *([f"and {len(gaps) - _GAPS_SHOWN} more gaps"] if len(gaps) > _GAPS_SHOWN else []),
        *map(_clock_line, fields["boots"]),
        "",
        *(length_line(Length(**each)) for each in fields["totals"]["each_length"]),
        *summary_lines(fields["totals"]),
        "",
        f"{recording.path}; as a table: host export {recording.id} --csv",
    ]


def _troubles(recording: "Recording", fields: dict[str, Any]) -> list[str]:
    found = [recording.mended] if recording.mended else []
    if recording.is_live:
        found.append("it is being recorded now; this is what there is of it")
    if fields["is_damaged"]:
        found.append(f"the file is damaged: {fields['damaged_bytes']} bytes passed over")
    return found


def _clock_line(boot: dict[str, Any]) -> str:
    clock = boot["clock"]
    if not clock["readings"]:
        return f"boot {boot['boot_id']}: {boot['samples']} samples; clock never read, times are of arrival"
    return (
        f"boot {boot['boot_id']}: {boot['samples']} samples; clock read {clock['readings']} times, "
        f"drift {clock['drift_ppm']:.1f} ppm, host time ± {clock['uncertainty_s'] * 1000:.2f} ms"
    )
