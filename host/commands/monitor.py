"""`host monitor`: force, speed and position live, and a summary at the end."""

from typing import TYPE_CHECKING

import click

from host import cli, view
from host.errors import BadValue

if TYPE_CHECKING:
    from host.telemetry import Sample


@cli.command("monitor")
@click.option("--seconds", type=float, metavar="S", help="Stop after this long; without it, at Ctrl-C.")
@click.option(
    "--every", type=float, metavar="S", default=1.0, show_default=True, help="Time between two lines."
)
def command(seconds: float | None, every: float) -> cli.Answer:
    """Watch the sled: every sample is read, one line is shown per --every seconds, lengths as they end.

    \b
    Examples:
      host monitor
      host monitor --seconds 60 --every 0.5
      host --json monitor --seconds 10
    """
    if not every > 0 or (seconds is not None and not 0 < seconds < float("inf")):
        raise BadValue("--seconds and --every are times above 0", "host monitor --seconds 60 --every 1")
    from host.interrupt import stop_wish
    from host.lengths import LengthFinder
    from host.ports import connect
    from host.summary import length_fields, length_line, summary_fields, summary_lines
    from host.telemetry import Lost, Telemetry

    with connect(cli.settings().port) as session, stop_wish() as is_over:
        device = session.device
        assert device is not None and device.sample_period_s is not None  # connect has asked HELLO
        telemetry = Telemetry(session)
        finder = LengthFinder(device.sample_period_s)
        telemetry.start()
        begun_s = session.now()
        due_s = None
        cli.say(view.device_words(device))
        while not is_over():
            left_s = 0.1 if seconds is None else min(0.1, begun_s + seconds - session.now())
            if left_s <= 0:
                break
            for item in telemetry.run(left_s):
                length = finder.feed(item)
                if length is not None:
                    cli.say(length_line(length))
                if isinstance(item, Lost):
                    cli.say(f"lost {item.sample_count} samples from {item.sample_index} on")
                    continue
                if due_s is None or item.time_s >= due_s:
                    due_s = item.time_s + every
                    cli.say(_now_line(item))
        for item in telemetry.finish():
            finder.feed(item)
        finder.finish()
        damaged = session.damaged_frames
    fields = {
        **summary_fields(finder, telemetry),
        "damaged_frames": damaged,
        "each_length": [length_fields(length) for length in finder.lengths],
        "device": view.device_fields(device),
    }
    return cli.Answer(fields, ["", *summary_lines(fields)])


def _now_line(sample: "Sample") -> str:
    """One moment in one line."""
    from protocol import codes

    mode = codes.MODES[sample.mode].name.lower().replace("_", " ") if sample.mode < len(codes.MODES) else "?"
    return (
        f"{sample.time_s:9.2f} s  {sample.tow_force_N:7.1f} N (law {sample.law_force_N:6.1f} N)  "
        f"{sample.velocity_m_per_s:6.2f} m/s  {sample.position_m:8.2f} m  {mode}"
    )
