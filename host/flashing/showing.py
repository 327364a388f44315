"""How a flash under way is shown: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Callable


class Lines:
    """One line for each step."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._path = ""

    def step(self, line: str) -> None:
        """The next step begins."""
        self._say(line)

    def begin(self, size_bytes: int) -> None:
        """So much is going to be copied."""
        self._say(f"copying {size_bytes / 1024:.0f} KiB")

    def copying(self, path: str, size_bytes: int) -> None:
        """So much more of a file has been copied."""

    def done(self) -> None:
        """All is copied, or it broke off."""


class Bar(Lines):
    """A progress bar in bytes; needs a terminal."""

    def begin(self, size_bytes: int) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description:20}"),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TimeRemainingColumn(),
            transient=True,
        )
        self._task = self._progress.add_task("copying", total=size_bytes)
        self._progress.start()

    def copying(self, path: str, size_bytes: int) -> None:
        self._progress.update(self._task, advance=size_bytes, description=path)

    def done(self) -> None:
        self._progress.stop()
