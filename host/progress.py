"""How a workout under way is shown: plain lines, or one live line where there is a terminal."""

from collections.abc import Callable

from host.lengths import Length, LengthFinder
from host.summary import length_line
from host.telemetry import Sample


class Show:
    """One plain line for each length that has ended."""

    def __init__(self, lengths: int, say: Callable[[str], None]) -> None:
        self._lengths = lengths
        self._say = say

    def __enter__(self) -> "Show":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def length(self, length: Length) -> None:
        """A length has ended."""
        self._say(length_line(length, self._lengths))

    def now(self, sample: Sample | None, finder: LengthFinder) -> None:
        """What happens at this moment; plain lines tell of it only once the length is over."""

    def end(self) -> None:
        """Leave the terminal as it was."""


class LiveShow(Show):
    """A bar with length, direction, force, speed and cadence below the lines; needs a terminal."""

    def __init__(self, lengths: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[now]}"),
            refresh_per_second=12,
            transient=True,
        )
        super().__init__(lengths, lambda line: self._progress.console.print(line, highlight=False))
        self._task = self._progress.add_task("on the way", total=lengths, now="")
        self._progress.start()

    def now(self, sample: Sample | None, finder: LengthFinder) -> None:
        """Refresh the live line."""
        if sample is None:
            return
        cadence = finder.cadence_per_min
        tempo = "" if cadence is None else f"  {cadence:3.0f} steps/min"
        self._progress.update(
            self._task,
            completed=len(finder.lengths),
            description=f"length {finder.number:2d}/{self._lengths}  {finder.direction or '':4}",
            now=f"{abs(sample.tow_force_N):5.1f} N  {abs(sample.velocity_m_per_s):4.2f} m/s{tempo}",
        )

    def end(self) -> None:
        """Take the bar away; the lines above it stay."""
        self._progress.stop()
