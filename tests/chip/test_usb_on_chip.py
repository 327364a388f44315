"""The chip's USB with a host that does not read, and one that floods it; and what resets tell the host."""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from device.sled import layout
from protocol import codes
from tests.chip import emulator, lane
from tests.chip.console import Console, switched_on
from tests.chip.usb_figures import BOOT_s, Measured, measure
from tests.chip.usb_host import UsbHost

pytestmark = pytest.mark.chip

_BRAKE_PIN, _ENABLE_PIN = 6, 7
_MAIN_LIMIT_us = 100_000  # the tick takes a main loop for dead that is away for longer


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    emulator.image()
    return asyncio.run(measure(tmp_path_factory.mktemp("usb")))


def test_no_write_to_usb_waits_for_a_host_that_does_not_read(measured: Measured) -> None:
    assert measured.deaf.writes >= 4, "the queue was not filled, so nothing was proved"
    assert measured.deaf.refused == 0, "a write was offered more than had room, and waited in vain"
    assert measured.deaf.longest_write_us <= 2 * measured.reading.longest_write_us
    assert measured.deaf.longest_us <= 2 * measured.reading.longest_us, "of a pass of the main loop"


def test_a_flood_keeps_the_main_loop_for_less_than_its_limit(measured: Measured) -> None:
    assert measured.flood.longest_us < _MAIN_LIMIT_us / 3


def test_reading_takes_no_memory_and_40_us_a_byte_at_most(measured: Measured) -> None:
    assert measured.read_bytes == 64
    assert measured.read_heap_bytes == 0
    assert measured.read_us / measured.read_bytes < 40


LOAD = {
    "force_mN": 100_000,
    "inertia_g": 0,
    "viscous_mN_s_per_m": 0,
    "quadratic_mN_s2_per_m2": 0,
    "stiffness_mN_per_m": 0,
    "speed_cap_mm_per_s": 0,
}


class Story(NamedTuple):
    was_enabled: bool
    is_enabled_after_stop: bool
    status: dict[str, Any]
    first_index: int  #: of the samples that came, in order of arrival
    indices: list[int]
    after_reboot: dict[str, Any]
    faults_after_reboot: int


async def live(folder: Path) -> Story:
    device, console = await switched_on(lane.whole_firmware(), folder)
    usb = UsbHost(device)
    try:
        await console.wait(BOOT_s)
        await console.ask("HELLO", {"protocol_major": 1, "protocol_minor": 0}, "HELLO_REPLY")
        stream = await console.ask("STREAM", {"command_id": 1, "enabled": 1, "sample_index": 2**29}, "REPLY")
        await console.ask("ARM", {"command_id": 2}, "REPLY")
        order = {"command_id": 3, "hold": 0, "lease_ms": 0, "pull": LOAD, "push": LOAD}
        await console.ask("SET_LOAD", order, "LOAD_REPLY")
        await console.wait(0.02)
        usb.stop_reading()
        await console.wait(0.1)
        was_enabled = console.is_enabled()
        await console.send("STOP", {"command_id": 4, "stop_kind": 1})
        await console.wait(0.03)
        is_enabled = console.is_enabled()
        usb.read_on()
        status = await console.ask("GET_STATUS", {"command_id": 5}, "STATUS")
        await console.wait(0.05)
        indices = [
            message.fields["sample_index"] + number
            for message in console.received
            if message.name == "TELEMETRY"
            for number in range(len(message.fields["samples"]))
        ]
        await console.send("REBOOT", {"command_id": 6})
        await console.wait(0.2)  # longer than the last goodbye
        await console.wait(BOOT_s)
        again = await console.ask("HELLO", {"protocol_major": 1, "protocol_minor": 0}, "HELLO_REPLY")
        faults = (await console.ask("GET_STATUS", {"command_id": 7}, "STATUS"))["faults"]
    finally:
        device.stop()
    return Story(was_enabled, is_enabled, status, stream["setting_value"], indices, again, faults)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    emulator.image()
    return asyncio.run(live(tmp_path_factory.mktemp("deaf")))


def test_a_load_stays_and_stop_works_while_the_host_does_not_read(story: Story) -> None:
    assert story.was_enabled
    assert not story.is_enabled_after_stop
    assert not story.status["faults"], codes.fault_names(story.status["faults"])


def test_what_the_host_did_not_read_comes_later_and_no_sample_is_skipped(story: Story) -> None:
    assert len(story.indices) > 100
    assert story.indices == list(range(story.first_index, story.first_index + len(story.indices)))


def test_a_reboot_that_was_asked_for_is_not_a_watchdog_reset(story: Story) -> None:
    assert story.after_reboot["reset_cause"] == layout.RESET_REBOOT
    assert "WATCHDOG_RESET" not in codes.fault_names(story.faults_after_reboot)


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> dict[int, set[bool]]:
    """What the chip puts on the brake's pins from power-on until it answers HELLO; nothing is connected."""
    folder = tmp_path_factory.mktemp("power")
    emulator.image()

    async def watch() -> dict[int, set[bool]]:
        from rp2040py.device import MicroPythonDevice

        flash = emulator.flash(lane.whole_firmware(), folder / "flash.img")
        device = MicroPythonDevice(board=emulator.image().board, filesystem=flash)
        seen: dict[int, set[bool]] = {_BRAKE_PIN: set(), _ENABLE_PIN: set()}
        for number, found in seen.items():
            pin = device.mcu.gpio[number]
            pin.add_listener(lambda *_, pin=pin, found=found: found.add(bool(pin.output_value)))
        console = Console(device)
        await device.astart()
        try:
            await console.wait(BOOT_s)
            await console.ask("HELLO", {"protocol_major": 1, "protocol_minor": 0}, "HELLO_REPLY")
            await console.ask("ARM", {"command_id": 1}, "REPLY")
            await console.wait(0.01)
        finally:
            device.stop()
        return seen

    return asyncio.run(watch())


def test_from_power_on_neither_enable_nor_the_brake_command_is_ever_high(
    levels: dict[int, set[bool]],
) -> None:
    assert levels == {_BRAKE_PIN: {False}, _ENABLE_PIN: {False}}, "both were driven, and only low"
