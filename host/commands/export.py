"""`host export`: a recording as a table for other programs."""

import sys

import click

from host import cli
from host.errors import BadValue


@cli.command("export")
@click.argument("which", metavar="ID")
@click.option("--csv", "as_csv", is_flag=True, help="A text table with units in its headings.")
@click.option("--parquet", "as_parquet", is_flag=True, help="For pandas, DuckDB and the like; needs pyarrow.")
@click.option(
    "--out", metavar="FILE", help="Where to write it; without it, the id's name in the present folder."
)
def command(which: str, as_csv: bool, as_parquet: bool, out: str | None) -> cli.Answer:
    """Write one row for each sample: index, device time, host time, position, speed, forces, mode, limits.

    Where samples were lost, one row with empty cells says in lost_samples how many. ID is one of
    `host sessions`, its beginning, `last`, or a file.

    \b
    Examples:
      host export last --csv
      host export k7f2 --parquet --out monday.parquet
    """
    if as_csv == as_parquet:
        raise BadValue("either --csv or --parquet says how to write it", f"host export {which} --csv")
    from host import config
    from host.recording import export, naming
    from host.recording.recovery import open_recording

    recording = open_recording(naming.find(config.data_folder(), which))
    if recording.mended:
        cli.say(recording.mended)
    path = out or f"{recording.id}.{'csv' if as_csv else 'parquet'}"
    is_shown = not cli.settings().as_json and sys.stderr is not None and sys.stderr.isatty()
    samples = sum(len(boot.samples) for boot in recording.boots)

    def tell(rows: int) -> None:
        if is_shown:
            print(f"\r{min(1.0, rows / samples):4.0%}", end="\n" if rows >= samples else "", file=sys.stderr)

    rows = (export.write_csv if as_csv else export.write_parquet)(recording, path, tell)
    lost = sum(gap.sample_count for gap in recording.gaps)
    fields = {
        "id": recording.id,
        "file": path,
        "rows": rows,
        "samples": samples,
        "samples_lost": lost,
        "mended": recording.mended,
        "recording_goes_on": recording.is_live,
    }
    return cli.Answer(
        fields,
        [
            *(["this recording goes on; what there is of it now:"] if recording.is_live else []),
            f"{samples} samples, {lost} lost, {rows} rows in {path}",
        ],
    )
