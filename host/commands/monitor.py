"""`host monitor`: force, speed and position live, and a summary at the end."""

import math
from typing import TYPE_CHECKING

import click

from host import cli, view
from host.errors import BadValue

if TYPE_CHECKING:
    from host.following import Back, Item
    from host.samples import Sample
    from host.session import Device

_LOOK_s = 0.1


@cli.command("monitor")
@click.option("--seconds", type=float, metavar="S", help="Stop after this long; without it, at Ctrl-C.")
@click.option(
    "--every", type=float, metavar="S", default=1.0, show_default=True, help="Time between two lines."
)
def command(seconds: float | None, every: float) -> cli.Answer:
    """Watch the sled: every sample is read, one line is shown per --every seconds, lengths as they end.

    The cable may be pulled out and put back, at another port too; it never sets a load.

    \b
    Examples:
      host monitor
      host monitor --seconds 60 --every 0.5
      host --json monitor --seconds 10
    """
    if not every > 0 or (seconds is not None and not 0 < seconds < float("inf")):
        raise BadValue("--seconds and --every are times above 0", "host monitor --seconds 60 --every 1")
    from host.following import Follower
    from host.interrupt import stop_wish
    from host.ports import connect, reopener
    from host.summary import length_fields, summary_fields, summary_lines

    with connect(cli.settings().port) as session, stop_wish() as is_over:
        device = session.device
        assert device is not None  # connect has asked HELLO
        follower = Follower(session, reopener(session))
        follower.start()
        end_s = math.inf if seconds is None else session.now() + seconds
        cli.say(view.device_words(device))
        watch = _Watch(device, every)
        while not is_over() and session.now() < end_s:
            for item in follower.run(min(_LOOK_s, end_s - session.now())):
                watch.take(item)
            watch.wait(follower.away_s)
        for item in follower.finish():
            watch.take(item, is_shown=False)
        watch.finder.finish()
        damaged = session.damaged_frames
    fields = {
        **summary_fields(watch.finder, follower.telemetry),
        "damaged_frames": damaged,
        "link_dropped": watch.dropped,
        "away_s": round(watch.away_s, 3),
        "restarts": watch.restarts,
        "each_length": [length_fields(length) for length in watch.finder.lengths],
        "device": view.device_fields(device),
    }
    return cli.Answer(fields, ["", *summary_lines(fields), *_link_lines(watch)])


class _Watch:
    """Says what happens, and counts it."""

    def __init__(self, device: "Device", every_s: float) -> None:
        from host.lengths import LengthFinder
        from host.samples import SampleReader

        assert device.sample_period_s is not None  # else nobody can follow it
        self.dropped = self.restarts = 0
        self.away_s = 0.0
        self.finder = LengthFinder(device.sample_period_s)
        self._reader = SampleReader(device.sample_period_s)
        self._every_s = every_s
        self._due_s = -math.inf
        self._last: Sample | None = None
        self._waited_s = 0.0

    def take(self, item: "Item", is_shown: bool = True) -> None:
        """All that the follower gives."""
        from host.commands.set_load import usual_friction
        from host.following import Away, Back, Batch, Lost
        from host.summary import length_line

        if isinstance(item, Batch):
            for sample in self._reader.read(item):
                length = self.finder.feed(sample)
                if length is not None:
                    cli.say(length_line(length))
                if is_shown and sample.time_s >= self._due_s:
                    self._due_s = sample.time_s + self._every_s
                    cli.say(_now_line(sample))
                self._last = sample
        elif isinstance(item, Lost):
            self.finder.feed(item)
            cli.say(f"lost {item.sample_count} samples from {item.sample_index} on")
        elif isinstance(item, Away):
            self.dropped += 1
            self._waited_s = 0.0
            cli.say(view.away_line(item))
        elif isinstance(item, Back):
            self.away_s += item.away_s
            if item.has_restarted:
                self._restart(item)
            for line in view.back_lines(item, usual_friction()):
                cli.say(line)

    def _restart(self, back: "Back") -> None:
        """Time goes on after the pause, and the way from where the sled was: nobody measured in between."""
        from host.batches import Lost
        from host.samples import SampleReader

        period_s = back.device.sample_period_s
        assert period_s is not None
        self.restarts += 1
        self.finder.feed(Lost(0, 0))  # no work is known across the pause
        if self._last is None:
            self._reader = SampleReader(period_s)
            return
        uptime_s = back.status["sample_index"] * period_s
        begun_s = self._last.time_s + max(back.away_s - uptime_s, 0.0)
        self._reader = SampleReader(period_s, begun_s, self._last.position_m)

    def wait(self, away_s: float | None) -> None:
        """Once a second, that the sled is not there."""
        if away_s is not None and away_s >= self._waited_s + 1.0:
            self._waited_s = math.floor(away_s)
            cli.say(f"no sled for {self._waited_s:g} s; Ctrl-C ends the waiting")


def _link_lines(watch: _Watch) -> list[str]:
    if not watch.dropped:
        return []
    return [f"link dropped {watch.dropped} times, {watch.away_s:.1f} s in all; {watch.restarts} restarts"]


def _now_line(sample: "Sample") -> str:
    """One moment in one line."""
    from protocol import codes

    mode = codes.MODES[sample.mode].name.lower().replace("_", " ") if sample.mode < len(codes.MODES) else "?"
    return (
        f"{sample.time_s:9.2f} s  {sample.tow_force_N:7.1f} N (law {sample.law_force_N:6.1f} N)  "
        f"{sample.velocity_m_per_s:6.2f} m/s  {sample.position_m:8.2f} m  {mode}"
    )
