"""`host record`: every sample of a session into a file, over unplugs and restarts of the sled."""

import contextlib
import math
import os
from typing import TYPE_CHECKING, Any

import click

from host import cli, view
from host.errors import BadValue, FileError, LinkError

if TYPE_CHECKING:
    from host.following import Follower, Item
    from host.recording import Recorder
    from host.session import Session

_LOOK_s = 0.1


@cli.command("record")
@click.option("--seconds", type=float, metavar="S", help="Stop after this long; without it, at Ctrl-C.")
@click.option("--athlete", metavar="NAME", help="Who works; without it, the name that `host athlete` keeps.")
@click.option("--bodyweight", metavar="MASS", help="Body mass of the athlete, such as 80kg or 176lb.")
@click.option("--surface", metavar="NAME", help="Ground the sled stands on, such as turf or grass.")
@click.option("--load", metavar="LOAD", help="A note of the load that was asked for; it sets nothing.")
@click.option("--note", metavar="TEXT", help="A remark to keep with the recording.")
@click.option("--quiet", is_flag=True, help="No line per second.")
def command(seconds: float | None, note: str | None, quiet: bool, **words: str | None) -> cli.Answer:
    """Record every sample, fault and load change until Ctrl-C. It never sets a load: the sled holds its own.

    The cable may be pulled out and put back: the sled remembers the last 3 seconds, and what is lost
    beyond that is written down. A killed program loses nothing that it had received.

    \b
    Examples:
      host record
      host record --athlete "Ann Lee" --load 50%bw --note "third session"
      host record --seconds 600 --quiet
    """
    if seconds is not None and not 0 < seconds < math.inf:
        raise BadValue("--seconds is a time above 0", "host record --seconds 600")
    from host import config
    from host.following import Follower
    from host.interrupt import stop_wish
    from host.ports import connect, reopener
    from host.recording import Recorder
    from host.recording.about import about_session

    with connect(cli.settings().port) as session, stop_wish() as is_over:
        about = about_session(session, **words)
        with Recorder(config.data_folder(), about, session.now) as recorder:
            cli.say(f"{view.device_words(about.device)}; recording {recorder.id}, Ctrl-C ends it")
            if note is not None:
                recorder.note(note)
            follower = Follower(session, reopener(session))
            follower.start()
            watch = _Watch(session, recorder, follower, quiet)
            end_s = math.inf if seconds is None else session.now() + seconds
            while not is_over() and session.now() < end_s:
                for item in follower.run(min(_LOOK_s, end_s - session.now())):
                    watch.take(item)
                watch.look()
            for item in follower.finish():
                watch.take(item)
            recorder.close("Ctrl-C" if is_over() else "ended after the time asked for")
    return _answer(recorder, session.damaged_frames)


class _Watch:
    """Hands everything to the recorder, and says what people want to know meanwhile."""

    def __init__(self, session: "Session", recorder: "Recorder", follower: "Follower", quiet: bool) -> None:
        self._session = session
        self._recorder = recorder
        self._follower = follower
        self._quiet = quiet
        self._begun_s = self._told_s = session.now()
        self._lengths = 0

    def take(self, item: "Item") -> None:
        from host.following import Away, Back, Lost
        from host.recording.about import device_settings
        from host.summary import length_line

        self._recorder.take(item)
        if isinstance(item, Lost):
            cli.say(f"lost {item.sample_count} samples from {item.sample_index} on")
        elif isinstance(item, Away):
            cli.say(f"the link has dropped ({item.reason}); waiting for the sled, which goes on by itself")
        elif isinstance(item, Back):
            restarted = ", and has restarted" if item.has_restarted else ""
            cli.say(f"the sled is back at {item.port} after {item.away_s:.1f} s{restarted}")
            if item.has_restarted:
                settings: dict[str, int] = {}
                with contextlib.suppress(LinkError):  # it may have dropped again
                    settings = device_settings(self._session)
                self._recorder.describe(item.device, settings)
        lengths = self._recorder.totals.finder.lengths
        while self._lengths < len(lengths):
            cli.say(length_line(lengths[self._lengths]))
            self._lengths += 1

    def look(self) -> None:
        """Once a second, how it goes."""
        now_s = self._session.now()
        if self._quiet or now_s - self._told_s < 1.0:
            return
        self._told_s = now_s
        totals, clock = self._recorder.totals, self._follower.clock
        last = totals.last
        if self._follower.away_s is not None or last is None:
            return
        offset = f"  clock ± {clock.uncertainty_s * 1000:.1f} ms" if clock.count else ""
        cli.say(
            f"{now_s - self._begun_s:8.0f} s  {totals.samples:9} samples, {totals.lost} lost  "
            f"{last.tow_force_N:7.1f} N  {last.velocity_m_per_s:6.2f} m/s  {last.position_m:8.2f} m{offset}"
        )


def _answer(recorder: "Recorder", damaged_frames: int) -> cli.Answer:
    from host.recording.catalogue import listed
    from host.summary import summary_lines

    sums: dict[str, Any] = recorder.sums
    with contextlib.suppress(FileError):  # the recording is what counts
        listed(os.path.dirname(recorder.path))
    fields = {
        "id": recorder.id,
        "file": recorder.path,
        **{name: value for name, value in sums.items() if name != "version"},
        "damaged_frames": damaged_frames,
    }
    return cli.Answer(
        fields,
        [
            "",
            *summary_lines(fields),
            "",
            f"recorded {recorder.id} in {recorder.path}",
            f"more: host show {recorder.id}; as a table: host export {recorder.id} --csv",
        ],
    )
