"""The real boot.py, main.py and board file on the emulated chip, spoken to through its USB serial line."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from device.sled import layout, storage
from protocol import wire
from protocol.codes import fault_names
from tests.chip import emulator, lane
from tests.device.storing import NUMBERS, with_value

pytestmark = [
    pytest.mark.chip,
    pytest.mark.skipif(os.name != "posix", reason="the emulator's serial line is a pty"),
]

_ANSWER_s = 60  # the emulated chip runs at two hundredths of real time


class Chip:
    """Asks the emulated board over its pty, repeating as a host does."""

    def __init__(self, port: str) -> None:
        self._serial = serial.Serial(port, timeout=0.2)
        self._reader = wire.FrameReader()

    def ask(self, name: str, answer: str, **fields: Any) -> dict[str, Any]:
        until = time.monotonic() + _ANSWER_s
        while time.monotonic() < until:
            self._serial.write(wire.encode(name, fields))
            again = time.monotonic() + 3
            while time.monotonic() < again:
                for frame in self._reader.feed(self._serial.read(4096)):
                    received = wire.decode(frame)
                    if received.name == answer:
                        return received.fields
        raise AssertionError(f"no {answer} to {name}")


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
