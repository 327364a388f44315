"""Skips what needs the emulated chip, with the reason, where there is no image of MicroPython for it."""

from functools import cache

import pytest

from tests.chip import emulator


@cache
def _missing() -> str | None:
    try:
        emulator.image()
    except emulator.NoChip as reason:
        return str(reason)
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("chip") and (reason := _missing()):
        pytest.skip(reason)
