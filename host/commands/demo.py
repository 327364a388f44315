"""`host demo`: the built-in up-and-back workout by a simulated athlete, measured as a real one would be.

The firmware, the wire and this host are the real ones; everything shown comes from telemetry.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from host import cli, view
from host.errors import BadValue

if TYPE_CHECKING:
    from host.lengths import LengthFinder
    from host.loading import Applied
    from host.progress import Show
    from host.session import Session
    from host.telemetry import Sample, Telemetry

_WORKOUT = "up_and_back"
_BODY_MASS = "80kg"
_STILL_m_per_s = 0.02
_DONE_STILL_s = 4.0
_STUCK_s = 30.0
_LOOK_s = 0.25


@cli.command("demo")
@click.option("--load", metavar="LOAD", help="As for set-load; without it, the workout's own.")
@click.option("--bodyweight", metavar="MASS", help="Body mass of the athlete, such as 80kg.")
@click.option("--surface", metavar="NAME", help="Ground the sled stands for.")
@click.option("--athlete", metavar="NAME", default="recreational", show_default=True, help="Who works.")
@click.option("--rounds", type=click.IntRange(1, 50), metavar="N", help="Times up and back.")
@click.option("--lane", metavar="LENGTH", help="Length of the lane, such as 15m or 50ft.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same workout.")
@click.option(
    "--out", metavar="FILE", default="build/demo/summary.json", show_default=True, help="Summary file."
)
def command(
    load: str | None,
    bodyweight: str | None,
    surface: str | None,
    athlete: str,
    rounds: int | None,
    lane: str | None,
    seed: int,
    out: str,
) -> cli.Answer:
    """A simulated athlete goes 8 times up and back at half of body weight, faster than real time.

    \b
    Examples:
      host demo
      host demo --bodyweight 176lb --lane 50ft --rounds 2
      host demo --load 40kg+cap:1.2m/s
    """
    if cli.settings().port not in (None, "sim://"):
        raise BadValue("the demo brings its own simulated sled", "host demo (or host monitor for a real one)")
    from urllib.parse import quote, unquote

    from host import config, presets
    from host.lengths import LengthFinder
    from host.loading import set_held, work_out
    from host.measures import parse_body_mass_kg, parse_lane_m
    from host.ports import connect
    from host.summary import length_fields, summary_fields, summary_lines
    from host.telemetry import Telemetry

    workout = presets.workout(_WORKOUT)
    mass = bodyweight
    if mass is None:
        known_kg = config.read().body_mass_kg
        mass = _BODY_MASS if known_kg is None else f"{known_kg!r}kg"
    mass_kg = parse_body_mass_kg(mass)
    lane_m = float(workout["lane_m"]) if lane is None else parse_lane_m(lane)
    lengths = int(workout["lengths"]) if rounds is None else 2 * rounds
    request = work_out(load if load is not None else str(workout["load"]), mass, surface)
    url = (
        f"sim://?athlete={quote(athlete, safe='')}&lengths={lengths}&lane_m={lane_m!r}"
        f"&first={workout['first']}&body_mass_kg={mass_kg!r}&seed={seed}"
    )
    _try_writing(out)
    try:
        session = connect(url)
    except BadValue as error:  # its address is our own affair
        why = unquote(error.sentence.removeprefix(f"cannot use {url}: ").replace("sim:// parameter ", ""))
        raise BadValue(f"cannot simulate that: {why}", "host demo --help") from None
    with session:
        device = session.device
        assert device is not None and device.sample_period_s is not None  # connect has asked HELLO
        applied = set_held(session, request.load, request.load)
        _say_beginning(lengths, lane_m, mass_kg, request.text, applied, request.friction)
        telemetry = Telemetry(session)
        finder = LengthFinder(device.sample_period_s)
        telemetry.start()
        with _progress(lengths) as show:
            watch(session, telemetry, finder, lengths, show)
        session.stop()
    fields = {
        **summary_fields(finder, telemetry),
        "load": view.request_fields(request),
        **{name: value for name, value in view.applied_fields(applied).items() if name != "state"},
        "lane_m": lane_m,
        "each_length": [length_fields(length) for length in finder.lengths],
    }
    _write(out, fields)
    return cli.Answer({**fields, "file": out}, ["", *summary_lines(fields), "", f"summary in {out}"])


def _say_beginning(
    lengths: int, lane_m: float, mass_kg: float, text: str, applied: "Applied", friction: float | None
) -> None:
    from host.commands.set_load import usual_friction

    times = f"{lengths // 2} time{'s' if lengths > 2 else ''} up and back"
    cli.say(f"{times}: {lengths} lengths of {lane_m:g} m, {text}, body mass {mass_kg:g} kg")
    for line in (
        *view.both_ways(applied, friction or usual_friction()),
        *view.limit_lines(applied.limited_by),
    ):
        cli.say(line)


def watch(
    session: "Session", telemetry: "Telemetry", finder: "LengthFinder", lengths: int, show: "Show"
) -> None:
    """Feed every sample to the finder until the athlete has gone all lengths and stands."""
    from host.loading import fault_refusal
    from host.telemetry import Lost

    moved_s = session.now()
    while True:
        sample: Sample | None = None
        for item in telemetry.run(_LOOK_s):
            length = finder.feed(item)
            if length is not None:
                show.length(length)
            if isinstance(item, Lost):
                continue
            sample = item
            if abs(item.velocity_m_per_s) > _STILL_m_per_s:
                moved_s = session.now()
        show.now(sample, finder)
        still_s = session.now() - moved_s
        if finder.number >= lengths and still_s > _DONE_STILL_s:
            break
        if still_s > _STUCK_s:
            faults = session.request("GET_STATUS").fields["faults"]
            if faults:
                raise fault_refusal(faults)
            raise BadValue(
                f"the athlete has stood still for {_STUCK_s:g} s after {finder.number} of {lengths} lengths: "
                "this load may be too heavy",
                "host demo --load 30%bw",
            )
    last = [finder.feed(item) for item in telemetry.finish()]
    for length in (*last, finder.finish()):
        if length is not None:
            show.length(length)


def _progress(lengths: int) -> "Show":
    from host.progress import LiveShow, Show

    if cli.settings().as_json or sys.stdout is None or not sys.stdout.isatty():
        return Show(lengths, cli.say)
    return LiveShow(lengths)


def _try_writing(out: str) -> None:
    """Raises BadValue if the summary cannot be written: better known before the workout than after it."""
    try:
        os.makedirs(os.path.dirname(out) or ".", exist_ok=True)
        is_new = not os.path.lexists(out)
        with open(out, "a", encoding="utf-8"):
            pass
        if is_new:
            os.remove(out)
    except OSError as error:
        raise _unwritable(out, error) from None


def _unwritable(out: str, error: OSError) -> BadValue:
    return BadValue(f"cannot write '{out}': {error.strerror}", "host demo --out summary.json")


def _write(out: str, fields: dict[str, Any]) -> None:
    import json

    try:
        os.makedirs(os.path.dirname(out) or ".", exist_ok=True)
        with open(out, "w", encoding="utf-8") as file:
            json.dump(fields, file, indent=2, allow_nan=False)
            file.write("\n")
    except OSError as error:
        raise _unwritable(out, error) from None
