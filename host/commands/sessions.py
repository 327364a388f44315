"""`host sessions`: the recordings there are."""

from datetime import datetime

import click

from host import cli


@cli.command("sessions")
@click.option("--rebuild", is_flag=True, help="Forget the catalogue and make it anew from the recordings.")
def command(rebuild: bool) -> cli.Answer:
    """List the recordings, oldest first: id, when, athlete, load, duration, distance, samples, lost.

    Recordings whose program was killed are mended on the way. The list is kept in catalogue.sqlite
    beside the recordings and made from them alone; any of them may be copied, renamed or deleted.

    \b
    Examples:
      host sessions
      host --json sessions
      host sessions --rebuild
    """
    from host import config
    from host.recording.catalogue import Entry, listed

    folder = config.data_folder()

    def tell(done: int, of: int) -> None:
        if of > 1 and done % 10 == 0:
            cli.say(f"reading {done + 1} of {of} new recordings ...")

    found = listed(folder, rebuild, tell)
    for sentence in found.unreadable:
        cli.warn(sentence)

    def line(entry: Entry) -> str:
        athlete = f"{entry.athlete or '-':14.14}"
        state = "" if entry.reason else "  recording now"
        return (
            f"{entry.id:6}  {_when(entry.started)}  {athlete}  {entry.load or '-':16.16}  "
            f"{_duration(entry.recorded_s):>8}  {entry.distance_m:7.1f} m  {entry.samples:9}  "
            f"{entry.lost:6}{state}"
        )

    entries = [*found.entries, *found.live]
    heading = (
        f"{'id':6}  {'when':16}  {'athlete':14}  {'load':16}  {'duration':>8}  {'distance':>9}  "
        f"{'samples':>9}  {'lost':>6}"
    )
    fields = {
        "sessions": [{**entry._asdict(), "simulated": bool(entry.simulated)} for entry in entries],
        "mended": found.mended,
        "unreadable": found.unreadable,
        "folder": folder,
    }
    if not entries:
        return cli.Answer(fields, [f"no recordings in {folder}; to make one: host record"])
    return cli.Answer(
        fields,
        [
            *found.mended,
            heading,
            *map(line, entries),
            "",
            f"in {folder}; more about one: host show {entries[-1].id}",
        ],
    )


def _when(started: str) -> str:
    try:
        return datetime.fromisoformat(started).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return f"{started:16.16}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
