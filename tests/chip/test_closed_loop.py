"""The world that is put on the chip's pins is the simulator's, and its closed loop the same on two runtimes.

Needs no chip: what is compared with the chip must be right by itself.
"""

from array import array
from pathlib import Path

import pytest

from device.sled import tick as firmware
from host.loading import work_out
from protocol import layout, units, wire
from sim.rig import Rig
from sim.world.sensors import BUS_FULL_SCALE_mV
from tests.chip import lockstep, plant, pull
from tests.chip.world import Readings
from tests.runtimes import stage

TICKS = 900
ARMED, LOADED = 60, 65
LOAD = units.load_from_si(work_out(pull.LOAD).load._asdict())
ORDERS = {
    0: wire.encode("HELLO", {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": 0}),
    ARMED: wire.encode("ARM", {"command_id": 1}),
    LOADED: wire.encode("SET_LOAD", {"command_id": 2, "hold": 0, "lease_ms": 0, "pull": LOAD, "push": LOAD}),
}


@pytest.fixture(scope="module")
def states() -> list[bytes]:
    return lockstep.closed_loop(lockstep.on_cpython(), pull.new_world(), ORDERS, TICKS)


def test_the_world_on_the_pins_is_that_of_the_simulator(states: list[bytes]) -> None:
    world = pull.new_world()
    rig = Rig(world.config, world.person)
    different = []
    for tick, state in enumerate(states):
        if tick + 1 in ORDERS:  # the rig's main loop comes after the tick
            rig.write(ORDERS[tick + 1])
        if tick == 0:
            rig.write(ORDERS[0])
        theirs = rig.board.s
        slow = theirs[firmware.BUS_mV], theirs[firmware.TEMPERATURE_cC]  # of after the tick before
        rig.step(1)
        ours = lockstep.words(state)
        same = (firmware.COUNTS, firmware.CELL_RAW, firmware.SWITCHES, firmware.DUTY, firmware.ENABLE)
        if [ours[word] for word in same] != [theirs[word] for word in same] or slow != (
            ours[firmware.BUS_mV],
            ours[firmware.TEMPERATURE_cC],
        ):
            different.append(tick)
    assert not different, f"first at tick {different[0]}"


def test_the_athlete_pulls_within_that_time(states: list[bytes]) -> None:
    last = lockstep.words(states[-1])
    assert last[firmware.POSITION_um] > 100_000
    assert last[firmware.FAULTS] == 0


@pytest.mark.skipif(stage.unix_micropython() is None, reason="no MicroPython for this system")
def test_the_closed_loop_is_bit_for_bit_the_same_on_unix_micropython(
    states: list[bytes], tmp_path: Path
) -> None:
    unix = lockstep.OnUnix(tmp_path)
    try:
        theirs = lockstep.closed_loop(unix, pull.new_world(), ORDERS, TICKS)
    finally:
        unix.close()
    first = next((n for n, (a, b) in enumerate(zip(states, theirs, strict=True)) if a != b), None)
    assert first is None, f"first at tick {first}"


def test_a_difference_between_traces_is_seen_in_each_column(states: list[bytes]) -> None:
    off = lockstep.words(states[5])
    for at, word in enumerate((firmware.POSITION_um, firmware.TOW_mN, firmware.LEVEL_mN, firmware.BRAKE_mN)):
        off[word] += 7 + at
    off[firmware.VELOCITY_mm_per_s_q10] += 3 * 1024
    found = lockstep.difference(states[:8], [*states[:5], off.tobytes(), *states[6:8]])
    assert found == lockstep.Difference(8, 7, 3, 8, 9, 10)
    assert lockstep.difference(states, states) == lockstep.Difference(TICKS, 0, 0, 0, 0, 0)


def test_codes_on_the_pins_give_the_very_readings() -> None:
    """What `board_rp2040.py` makes of a code, for each code."""
    for code in range(4096):
        bus_mV = code * BUS_FULL_SCALE_mV >> 12
        assert plant.adc_codes(Readings(0, 0, 0, bus_mV, 2200))[plant.BUS] == code


def test_the_state_block_is_found_once_in_memory(states: list[bytes]) -> None:
    memory = bytearray(20_000)
    memory[5_000 : 5_000 + len(states[9])] = states[9]
    assert plant.find_state(memory) == 5_000
    memory[12_000 : 12_000 + len(states[9])] = states[9]
    with pytest.raises(plant.ChipError, match="twice"):
        plant.find_state(memory)
    assert array("i", states[9])[firmware.SAMPLE_INDEX] == 10
