"""The real boot.py and main.py on the emulated chip: the rescue window, slots, trials and their failing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from device.sled import layout
from host.flashing.build import Build
from tests.chip import emulator, lane
from tests.chip.console import switched_on, until_hello
from tests.flashing import unix_board

pytestmark = pytest.mark.chip

SLOT_B, ON_TRIAL = 1 << layout.DEVICE_SLOT_B, 1 << layout.DEVICE_ON_TRIAL
LED_PIN = 25
BOOTSEL = 1  # among the pins of the flash: the button pulls its chip select low
NEWCOMER = b"def run(slot, is_on_trial, build_id):\n    print('start of', slot, is_on_trial)\n"


def is_lit(device: Any) -> bool:
    return bool(device.mcu.gpio[LED_PIN].output_value)


def tiny(text: bytes) -> Build:
    """A firmware that is nothing but its start."""
    return Build({"sled/start.py": NEWCOMER + text}, False)


def changed(module: str, old: str, new: str, folder: Path) -> Build:
    """The firmware with one line of a module changed, and so of another build."""
    text = (lane.stage.FIRMWARE / f"{module}.py").read_text(encoding="utf-8")
    assert old in text
    source = folder / f"{module}.py"
    source.write_text(text.replace(old, new), encoding="utf-8")
    compiled = emulator.compiled(source, emulator.image().compat)
    return lane.built()._replace(files={**lane.built().files, f"sled/{module}.mpy": compiled})


def flash_file(device: Any, name: str) -> bytes:
    """What lies on the chip's flash at this moment."""
    return unix_board.read_files(emulator.file_system(device))[name]


@pytest.mark.parametrize("by_button", [False, True], ids=["Ctrl-C", "BOOTSEL"])
def test_in_the_real_rescue_window_the_prompt_can_be_had(by_button: bool, tmp_path: Path) -> None:
    files = lane.whole_firmware() | lane.start_files(1000)
    assert files["boot.py"] == lane.built().files["boot.py"]

    async def live() -> None:
        device, console = await switched_on(files, tmp_path)
        try:
            await console.wait(0.04)
            assert is_lit(device) and not console.is_enabled()
            if by_button:
                device.mcu.qspi[BOOTSEL].set_input_value(False)
            else:
                device.cdc.send_serial_byte(3)
            while b">>>" not in console.text:
                await console.wait(0.02)
            device.mcu.qspi[BOOTSEL].set_input_value(True)
            for byte in b"import sys; print('started:', 'sled' in sys.modules)\r":
                device.cdc.send_serial_byte(byte)
            await console.wait(0.05)
            assert b"started: False" in console.text
            assert is_lit(device) and not console.is_enabled()
            assert console.time_s < 0.5, "the window was not waited for"
        finally:
            device.stop()

    asyncio.run(live())


def test_a_trial_that_raises_and_a_good_slot_that_does_give_way_to_the_other_one(tmp_path: Path) -> None:
    """The count of starts outlives the resets in the watchdog's scratch register."""
    raising = tiny(b"    if slot == 'b' or is_on_trial:\n        raise MemoryError\n")
    files = lane.start_files() | lane.in_slot("a", raising) | lane.in_slot("b", raising) | {"slot": b"b a1"}

    async def live() -> None:
        device, console = await switched_on(files, tmp_path)
        try:
            while b">>>" not in console.text:
                await console.wait(0.05)
            starts = [line[9:] for line in console.text.decode().splitlines() if line.startswith("start of ")]
            assert starts == ["a True", *3 * ["b False"], "a False"]
            assert flash_file(device, "slot") == b"b a0"
            assert not console.is_enabled()
        finally:
            device.stop()

    asyncio.run(live())


def test_a_trial_is_confirmed_after_hello(tmp_path: Path) -> None:
    """It would take 2 s of ticks, for which the emulator takes two minutes; here it takes 0.1 s."""
    quick = changed("health", "_WELL_ticks = 2000\n", "_WELL_ticks = 100\n", tmp_path)
    files = lane.whole_firmware() | lane.in_slot("b", quick) | {"slot": b"a b3\n"}

    async def live() -> None:
        device, console = await switched_on(files, tmp_path)
        try:
            first = await until_hello(console)
            assert first["build_id"] == quick.build_id != lane.built().build_id
            assert first["device_flags"] == SLOT_B | ON_TRIAL
            assert flash_file(device, "slot") == b"a b2"
            await console.wait(0.7)  # the sled has to stand for half a second
            later = await until_hello(console)
            assert later["device_flags"] == SLOT_B
            assert flash_file(device, "slot") == b"b"
            status = await console.ask("GET_STATUS", {"command_id": 1}, "STATUS")
            assert status["faults"] == 0, "the tick was stood still, and its watchdog with it"
        finally:
            device.stop()

    asyncio.run(live())


def test_a_trial_that_hangs_is_reset_by_its_watchdog_and_the_good_slot_is_back(tmp_path: Path) -> None:
    hangs = changed("app", "            self.poll()\n", "            self._leaving = 0\n", tmp_path)
    files = lane.whole_firmware() | lane.in_slot("b", hangs) | {"slot": b"a b1\n"}

    async def live() -> None:
        device, console = await switched_on(files, tmp_path)
        try:
            hello = await until_hello(console)
            assert (hello["build_id"], hello["device_flags"]) == (lane.built().build_id, 0)
            assert hello["reset_cause"] == layout.RESET_WATCHDOG
            assert flash_file(device, "slot") == b"a b0"
        finally:
            device.stop()

    asyncio.run(live())
