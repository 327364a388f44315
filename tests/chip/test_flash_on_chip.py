"""`host flash` through the serial line of the emulated chip: an empty board, the same again, an update.

The chip runs at two hundredths of real time, so the rescue window of boot.py is shortened here, and so
are the two seconds after which a firmware on trial is well.
"""

import os
import shutil
import time
from pathlib import Path

import pytest

from device.sled import storage
from host.flashing.build import build_for
from host.flashing.installing import Outcome, install
from host.flashing.showing import Lines
from protocol.settings import SETTINGS
from tests.chip import emulator, lane
from tests.chip.patient import Chip
from tests.device.storing import with_value
from tests.runtimes import stage

pytestmark = [
    pytest.mark.chip,
    pytest.mark.skipif(os.name != "posix", reason="the emulator's serial line is a pty"),
]

_PATIENCE_s = 900


def sources(folder: Path) -> Path:
    """The firmware with a short rescue window and a short trial."""
    shutil.copytree(stage.FIRMWARE, folder / "sled")
    health = folder / "sled" / "health.py"
    text = health.read_text(encoding="utf-8")
    assert "_WELL_ticks = 2000\n" in text
    health.write_text(text.replace("_WELL_ticks = 2000\n", "_WELL_ticks = 100\n"), encoding="utf-8")
    for name in ("boot.py", "main.py"):
        (folder / name).write_bytes(lane.start_files()[name])
    return folder


def flash(port: str, folder: Path) -> tuple[Outcome, float]:
    """`host flash`, and how many seconds it took, until the new firmware had proved itself."""
    start_s = time.monotonic()
    outcome = install(port, folder, Lines(print), _PATIENCE_s)
    taken_s = time.monotonic() - start_s
    sent = 0 if outcome.steps is None else outcome.steps.sent_bytes
    print(f"flashed in {taken_s:.1f} s, {sent} bytes sent")
    return outcome, taken_s


def test_an_empty_chip_is_flashed_flashed_again_and_updated(tmp_path: Path) -> None:
    folder = sources(tmp_path / "firmware")
    setting = next(row for row in SETTINGS if row.name == "trim_max_mN")
    kept = {"settings.0": storage.pack(1, with_value(setting.name, 5_000), ())}
    with emulator.serial_line(emulator.flash(kept, tmp_path / "flash.img")) as port:
        first, _ = flash(port, folder)
        assert first.found is not None and first.device is not None
        assert "RP2040" in first.found.machine
        assert first.device.build_id == build_for(first.found.mpy, folder).build_id
        assert (first.device.slot, first.device.is_on_trial) == ("a", False)

        again, _ = flash(port, folder)
        assert again.was_unchanged and again.device is not None
        assert again.device.boot_id == first.device.boot_id, "it was not restarted"

        panel = folder / "sled" / "panel.py"
        panel.write_text(panel.read_text(encoding="utf-8") + "changed = 1\n", encoding="utf-8")
        update, _ = flash(port, folder)
        assert update.steps is not None and update.device is not None
        assert set(update.steps.sent) == {"b/sled/panel.mpy", "b/MANIFEST", "slot"}
        assert update.device.build_id == build_for(first.found.mpy, folder).build_id
        assert (update.device.slot, update.device.is_on_trial) == ("b", False), "it has proved itself"
        reply = Chip(port).ask("GET_SETTING", "REPLY", command_id=1, setting=setting.number)
        assert reply["setting_value"] == 5_000
