"""The firmware as it is flashed, main.py, board file and all, on an emulated RP2040, over its USB."""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from device.sled import layout
from protocol import codes
from protocol.settings import SETTINGS
from tests.chip import lane
from tests.chip.console import Console, switched_on

pytestmark = pytest.mark.chip

FORWARDS, BACK = 180, 60
LOAD = {
    "force_mN": 129_400,
    "inertia_g": 40_000,
    "viscous_mN_s_per_m": 0,
    "quadratic_mN_s2_per_m2": 0,
    "stiffness_mN_per_m": 0,
    "speed_cap_mm_per_s": 0,
}


class Story(NamedTuple):
    """What was seen, in the order in which it happened."""

    hello: dict[str, Any]
    ticks_per_s: float
    position_um: tuple[int, int]  #: after turning forwards, then back
    was_enabled_at_rest: bool
    load: dict[str, Any]
    was_enabled_armed: bool
    status: dict[str, Any]
    estop: dict[str, Any]
    was_enabled_after_estop: bool


async def clock(console: Console) -> tuple[int, float]:
    """Index of the newest sample, and the chip's time at it."""
    pong = await console.ask("CLOCK_PING", {"ping_id": 9}, "CLOCK_PONG")
    return pong["sample_index"], console.time_s - pong["since_tick_us"] / 1e6


async def live(folder: Path) -> Story:
    device, console = await switched_on(lane.whole_firmware(folder), folder)
    try:
        await console.wait(0.3)  # the firmware loads
        hello = await console.ask("HELLO", {"protocol_major": 1, "protocol_minor": 0}, "HELLO_REPLY")
        (first, begin_s), _, (last, end_s) = (
            await clock(console),
            await console.wait(0.1),
            await clock(console),
        )
        positions = []
        for edges in (FORWARDS, -BACK):
            await console.turn(edges)
            await console.wait(0.003)
            status = await console.ask("GET_STATUS", {"command_id": 1}, "STATUS")
            positions.append(status["position_um"])
        at_rest = console.is_enabled()
        await console.ask("ARM", {"command_id": 2}, "REPLY")
        order = {"command_id": 3, "hold": 0, "lease_ms": 0, "pull": LOAD, "push": LOAD}
        load = await console.ask("SET_LOAD", order, "LOAD_REPLY")
        await console.wait(0.005)
        armed = console.is_enabled()
        status = await console.ask("GET_STATUS", {"command_id": 4}, "STATUS")
        console.press_estop(True)
        await console.wait(0.003)
        after = console.is_enabled()
        estop = await console.ask("GET_STATUS", {"command_id": 5}, "STATUS")
    finally:
        device.stop()
    rate = (last - first) / (end_s - begin_s)
    return Story(hello, rate, (positions[0], positions[1]), at_rest, load, armed, status, estop, after)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(live(tmp_path_factory.mktemp("chip")))


def test_the_flashed_firmware_says_hello(story: Story) -> None:
    assert story.hello["layout_hash"] == int.from_bytes(layout.LAYOUT_HASH_BYTES, "little")
    assert story.hello["device_flags"] == 0, "a chip is not a simulation"


def test_the_tick_comes_a_thousand_times_a_second(story: Story) -> None:
    assert story.ticks_per_s == pytest.approx(1000, rel=0.01)


def test_the_encoder_counts_every_edge_forwards_and_back(story: Story) -> None:
    um_per_1024 = next(row.default for row in SETTINGS if row.name == "um_per_1024_counts")
    for position_um, edges in zip(story.position_um, (FORWARDS, FORWARDS - BACK), strict=True):
        assert abs(position_um) == edges * um_per_1024 // 1024, position_um
    assert story.position_um[0] > 0


def test_a_load_is_taken_and_the_driver_enabled_only_when_armed(story: Story) -> None:
    assert not story.was_enabled_at_rest
    assert story.load["pull"] == story.load["push"] == LOAD
    assert story.was_enabled_armed
    assert story.status["pull"] == LOAD


def test_the_emergency_stop_drops_enable_on_the_chip(story: Story) -> None:
    assert not story.was_enabled_after_estop
    assert "ESTOP" in codes.fault_names(story.estop["faults"])
