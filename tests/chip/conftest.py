"""Skips the chip lane, with its reason, where there is no image of MicroPython for the chip."""

import pytest

from tests.chip import emulator


@pytest.fixture(autouse=True, scope="session")
def _needs_an_image() -> None:
    try:
        emulator.image()
    except emulator.NoChip as reason:
        pytest.skip(str(reason))
