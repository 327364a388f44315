"""The real command line in a process of its own, with nothing of this machine's user in sight."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails if there is more or less."""
        lines = self.stdout.splitlines()
        assert len(lines) == 1, f"not exactly one line of JSON: {self.stdout!r} {self.stderr!r}"
        found = json.loads(lines[0])
        assert isinstance(found, dict)
        return found


class Host:
    """Runs `python -m host` with its own folders for settings and announcements."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "SLED_CONFIG_DIR": str(folder / "config"),
            "SLED_DATA_DIR": str(folder / "data"),
            "SLED_RUNTIME_DIR": str(folder / "runtime"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
        }
        self.folder = folder

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "host", *words]

    def __call__(self, *words: str, timeout_s: float = 60) -> Outcome:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on until it is told to end."""
        process = subprocess.Popen(
            self.command(*words), cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=20)

    @contextlib.contextmanager
    def sim(self, *words: str) -> Iterator[dict[str, Any]]:
        """A running `host --json sim`, announced; gives what it printed."""
        with self.started("--json", "sim", "--tcp-port", "0", *words) as process:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())

    @contextlib.contextmanager
    def serve(self, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
        """A running `host --json serve`, and what it printed."""
        with self.started("--json", "serve", *words) as process:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)
