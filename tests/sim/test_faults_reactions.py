"""What the present firmware makes of each fault: how soon, and what the brake does then.

A fault that the firmware begins to notice must be moved here, and in its row of the table of faults.
"""

from typing import NamedTuple

import pytest

from protocol import codes
from sim.faults.table import FAULTS
from tests.sim.reactions import MODES, SITUATIONS, loaded_rig, react, table

REACTION = {fault.name: fault.reaction for fault in codes.FAULTS}
#: The most by which a ramp of 400 N/s, or a load that follows the motion, changes within 20 ms.
SMOOTH_N = 13.0
AT_ONCE_N = 130.0


class Row(NamedTuple):
    """With somebody who pulls 129 N at 1 m/s."""

    latches: str  #: the first fault
    from_ms: int
    within_ms: int
    jump_N: float = SMOOTH_N  #: greatest change of the force within 20 ms
    mode: str = "FAULT"  #: after a second
    left_N: float = 0.01  #: of the brake then


NOTICED = {
    # A single tick without motion takes 30 N away for a moment: the impulse budget.
    "encoder_jump": Row("ENCODER_JUMP", 1, 1, 35.0),
    # While the count stands still the force is gone already.
    "encoder_dropout": Row("ENCODER_JUMP", 31, 31, AT_ONCE_N),
    "cell_rail_high": Row("CELL_RAILED", 50, 50),
    "cell_rail_low": Row("CELL_RAILED", 50, 50),
    "ntc_short": Row("TOO_HOT", 5, 15),
    "hot_motor": Row("TOO_HOT", 5, 15),
    "battery_sag": Row("BUS_LOW", 5, 50),
    "driver_fault": Row("DRIVER", 10, 20, AT_ONCE_N),
    # At 56.5 V the load begins to come down, at 57 V the driver lets go by itself.
    "over_voltage": Row("BUS_HIGH", 20, 100, AT_ONCE_N),
    "estop": Row("ESTOP", 1, 1, AT_ONCE_N),
    # The tick ramps and releases by itself; the mode is the main program's.
    "main_stopped": Row("MAIN_STALLED", 95, 102, mode="LOADING"),
    # The ramp counts ticks, and of these only one in six comes.
    "tick_overrun": Row("TICK_OVERRUN", 10, 15, mode="RAMPING_DOWN", left_N=60.0),
    "unplug": Row("LEASE_LAPSED", 750, 1000, mode="RAMPING_DOWN", left_N=115.0),
    "host_death": Row("LEASE_LAPSED", 750, 1000, mode="RAMPING_DOWN", left_N=115.0),
}

#: Brake force after a second, from and to, in newtons, and the greatest change within 20 ms.
UNNOTICED = {
    "encoder_stuck": (0, 0.01, AT_ONCE_N),
    "encoder_noise": (110, 122, SMOOTH_N),
    "encoder_reversed": (125, 150, AT_ONCE_N),
    "encoder_lost_edges": (105, 122, 25.0),
    "cell_stuck": (85, 150, SMOOTH_N),
    "cell_dropout": (115, 125, SMOOTH_N),
    "cell_jump": (90, 105, SMOOTH_N),
    "cell_noise": (110, 125, SMOOTH_N),
    "cell_reversed": (130, 150, SMOOTH_N),
    "cell_scale": (130, 150, SMOOTH_N),
    "cell_drift": (110, 122, SMOOTH_N),
    "ntc_open": (110, 125, SMOOTH_N),
    "bus_sensor_stuck": (110, 125, SMOOTH_N),
    "driver_stuck_force": (300, 300, 182.0),
    "driver_stuck_command": (299.9, 300.1, 182.0),
    "driver_wrong_sign": (150, 220, 50.0),
    "driver_weak": (60, 80, 65.0),
    "driver_dead": (0, 0, AT_ONCE_N),
    # Nobody at the device has to notice, but it is not in FAULTS either: the boot id tells.
    "brown_out": (0, 0.01, AT_ONCE_N),
    "battery_full": (110, 125, SMOOTH_N),
    "chopper_dead": (110, 125, SMOOTH_N),
    "cooling_blocked": (110, 125, SMOOTH_N),
    # Held for 0.8 s, and 0.2 s of the ramp.
    "button_up_stuck": (30, 60, SMOOTH_N),
    "button_down_stuck": (30, 60, SMOOTH_N),
    "main_stall": (110, 125, SMOOTH_N),
    "tick_stopped": (110, 125, SMOOTH_N),
    "link_bit_flips": (110, 125, SMOOTH_N),
    "link_drops": (110, 125, SMOOTH_N),
    "link_duplicates": (110, 125, SMOOTH_N),
    "link_garbage": (110, 125, SMOOTH_N),
    "link_splits": (110, 125, SMOOTH_N),
    "link_merges": (110, 125, SMOOTH_N),
    "link_delay": (110, 125, SMOOTH_N),
    "host_stops_reading": (110, 125, SMOOTH_N),
}

#: Shown only by something that moves, or by a load that brakes.
NEEDS_MOTION = {"encoder_dropout", "over_voltage"}


def test_every_fault_has_one_row_and_the_table_says_the_same():
    assert set(NOTICED) | set(UNNOTICED) == set(FAULTS) and not set(NOTICED) & set(UNNOTICED)
    assert {name: row.latches for name, row in NOTICED.items()} == {
        name: fault.shows for name, fault in FAULTS.items() if fault.shows
    }


@pytest.mark.parametrize("name", NOTICED)
def test_the_firmware_latches_the_fault_under_load_and_takes_the_brake_off(name):
    row = NOTICED[name]
    reaction = react(loaded_rig(), name)
    first = min(reaction.latched, key=reaction.latched.__getitem__)
    assert first == row.latches and row.from_ms <= reaction.latched[first] <= row.within_ms
    assert reaction.mode == row.mode
    assert reaction.brake_N <= row.left_N
    assert reaction.jump_N <= row.jump_N
    assert reaction.before_N > 110 and reaction.injected_J == 0.0
    if REACTION[row.latches] == "ramp" and row.jump_N == SMOOTH_N:
        assert reaction.jump_N > 1.0  # it came down as a ramp


@pytest.mark.parametrize("name", sorted(set(NOTICED) - NEEDS_MOTION))
@pytest.mark.parametrize("situation", ["rest", "ramping"])
def test_the_firmware_latches_it_at_rest_and_while_the_load_rises_as_well(name, situation):
    reaction = react(loaded_rig(situation), name)
    assert NOTICED[name].latches in reaction.latched
    assert reaction.latched[NOTICED[name].latches] <= NOTICED[name].within_ms
    if name not in ("unplug", "host_death"):
        assert reaction.brake_N < 0.01 and not reaction.is_enabled


@pytest.mark.parametrize("name", sorted(NEEDS_MOTION))
def test_at_rest_nothing_shows_what_needs_motion(name):
    assert not react(loaded_rig("rest"), name).latched
    assert NOTICED[name].latches in react(loaded_rig("ramping"), name).latched


@pytest.mark.parametrize("name", UNNOTICED)
def test_the_firmware_latches_nothing_and_the_brake_does_what_the_fault_makes_of_it(name):
    low_N, high_N, jump_N = UNNOTICED[name]
    reaction = react(loaded_rig(), name)
    assert reaction.latched == {}
    assert low_N <= reaction.brake_N <= high_N
    assert reaction.jump_N <= jump_N
    assert (reaction.injected_J > 0.5) is (name == "driver_wrong_sign")


@pytest.mark.parametrize("name", UNNOTICED)
@pytest.mark.parametrize("situation", ["rest", "ramping"])
def test_what_is_not_noticed_under_load_is_noticed_in_no_other_situation(name, situation):
    assert react(loaded_rig(situation), name, 400).latched == {}


@pytest.mark.parametrize("name", ["unplug", "host_death", "main_stopped", "tick_overrun"])
def test_a_slow_reaction_ends_with_the_brake_off(name):
    rig = loaded_rig()
    reaction = react(rig, name, 7000 if name == "tick_overrun" else 1500)
    assert reaction.brake_N < 0.01 and not reaction.is_enabled
    reaction.end()
    rig.step(20)
    assert MODES[rig.app.mode] == ("IDLE" if REACTION[NOTICED[name].latches] == "warn" else "FAULT")


@pytest.mark.parametrize("ms, latched", [(30, False), (90, False), (120, True), (5000, True)])
def test_the_main_program_may_stall_for_up_to_100_ms(ms, latched):
    assert ("MAIN_STALLED" in react(loaded_rig(), "main_stall", ms=ms).latched) is latched


def test_a_lease_survives_a_plug_that_was_out_for_half_a_second_and_not_for_longer():
    for out_ms, latched in ((450, []), (1100, ["LEASE_LAPSED"])):
        rig = loaded_rig()
        react(rig, "unplug", out_ms).end()
        rig.step(300)
        assert codes.fault_names(rig.app.faults()) == latched


def test_a_wrong_sign_is_stopped_by_overspeed_alone_and_late():
    reaction = react(loaded_rig(), "driver_wrong_sign", 3000)
    assert list(reaction.latched) == ["OVERSPEED"] and 1200 < reaction.latched["OVERSPEED"] < 1800
    assert reaction.injected_J > 1000


def test_the_table_of_reactions_has_a_line_for_each_fault():
    assert SITUATIONS == ("load", "ramping", "rest")
    lines = table("rest", ["estop", "cell_drift"]).splitlines()
    assert [line.split()[0] for line in lines] == ["fault", "estop", "cell_drift"]
    assert "ESTOP 1 ms" in lines[1] and " FAULT " in lines[1] and " - " in lines[2]
