"""The real boot.py, main.py and board file on the emulated chip, spoken to through its USB serial line."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.sled import layout, storage
from protocol.codes import fault_names
from tests.chip import emulator, lane
from tests.chip.patient import Chip
from tests.device.storing import NUMBERS, with_value

pytestmark = [
    pytest.mark.chip,
    pytest.mark.skipif(os.name != "posix", reason="the emulator's serial line is a pty"),
]


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[Chip]:
    stored = storage.pack(1, with_value("trim_max_mN", 5_000)[:12], ())  # by an older firmware
    files = lane.whole_firmware() | {"settings.0": stored}
    flash = emulator.flash(files, tmp_path / "flash.img")
    with emulator.serial_line(flash) as port:
        yield Chip(port)


def test_a_bare_board_boots_answers_and_refuses_to_arm(chip: Chip) -> None:
    hello = chip.ask("HELLO", "HELLO_REPLY", protocol_major=1, protocol_minor=layout.PROTOCOL_MINOR)
    assert hello["device_flags"] == 0, "not simulated, in slot a"
    assert hello["build_id"] == lane.built().build_id
    first = chip.ask("GET_STATUS", "STATUS", command_id=1)
    assert chip.ask("ARM", "REPLY", command_id=2)["result"] == layout.RESULT_FAULTED
    later = chip.ask("GET_STATUS", "STATUS", command_id=3)
    # Nothing is connected: an open e-stop line means pressed, an unpowered bus is an empty battery.
    assert {"ESTOP", "BUS_LOW"} <= set(fault_names(later["faults"]))
    assert later["sample_index"] > first["sample_index"], "the tick runs on its own"
    trim = chip.ask("GET_SETTING", "REPLY", command_id=6, setting=NUMBERS["trim_max_mN"])
    assert trim["setting_value"] == 5_000, "from flash"
    # The brake is off in a fault: the flash takes the settings and gives them back.
    assert chip.ask("SAVE_SETTINGS", "REPLY", command_id=4)["result"] == layout.RESULT_OK
    last = chip.ask("GET_STATUS", "STATUS", command_id=5)
    assert last["faults"] & later["faults"] == later["faults"], "the write forgets no fault"
    assert last["sample_index"] > later["sample_index"]
