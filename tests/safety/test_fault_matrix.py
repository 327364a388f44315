"""Every named fault at rest, under load and while the load rises, and what the brake may do by then."""

import pytest

from protocol import codes
from sim.faults.table import FAULTS
from tests.safety.fault_matrix import ALWAYS, MATRIX, cells, deviations, lines, row_of, seen
from tests.sim.reactions import MODES, SITUATIONS, loaded_rig, react

REACTION = {fault.name: fault.reaction for fault in codes.FAULTS}


@pytest.mark.parametrize("name, situation", cells())
def test_a_fault_is_answered_as_the_matrix_says(name, situation):
    assert deviations(row_of(name, situation), seen(name, situation)) == []


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_row_for_each_situation_and_the_table_of_faults_says_the_same(name):
    rows = MATRIX[name]
    assert set(ALWAYS) <= set(rows) <= set(SITUATIONS)
    assert FAULTS[name].shows == rows["load"].code
    # Nothing latched, or more than a ramp allowed, needs a reason in words.
    assert all(row_of(name, situation).why for situation, row in rows.items() if not row.code)


def test_the_matrix_names_no_fault_that_the_simulator_does_not_know():
    assert set(MATRIX) == set(FAULTS)


@pytest.mark.parametrize("name, situation", [cell for cell in cells() if not row_of(*cell).why])
def test_without_a_reason_in_words_a_latched_fault_ends_with_the_brake_off_and_without_a_step(
    name, situation
):
    row = row_of(name, situation)
    assert row.code and row.most_N < 0.1 and row.drop_N < 11 and row.injected_J == 0.0
    assert row.mode == ("IDLE" if REACTION[row.code] == "warn" else "FAULT")


@pytest.mark.parametrize("ms, latched", [(30, False), (90, False), (120, True), (5000, True)])
def test_the_main_program_may_stall_for_up_to_100_ms(ms, latched):
    assert ("MAIN_STALLED" in react(loaded_rig(), "main_stall", ms=ms).latched) is latched


def test_a_lease_survives_a_plug_that_was_out_for_half_a_second_and_not_for_longer():
    for out_ms, latched in ((450, []), (1100, ["LEASE_LAPSED"])):
        rig = loaded_rig()
        react(rig, "unplug", out_ms).end()
        rig.step(300)
        assert codes.fault_names(rig.app.faults()) == latched


@pytest.mark.parametrize("name", ["main_stopped", "tick_stopped"])
def test_after_the_watchdog_has_reset_the_controller_the_brake_stays_off_until_armed_again(name):
    rig = loaded_rig()
    reaction = react(rig, name, 1500)
    assert "WATCHDOG_RESET" in reaction.latched and MODES[rig.app.mode] == "IDLE"
    assert not reaction.is_enabled and reaction.brake_N < 0.01


def test_the_matrix_prints_a_line_for_each_situation_and_says_what_is_wrong():
    printed = list(lines(["estop", "chopper_dead"]))
    assert [line.split()[:2] for line in printed[1:]] == [
        *(["chopper_dead", situation] for situation in ALWAYS),
        *(["estop", situation] for situation in (*ALWAYS, "heavy")),
    ]
    assert "drop" in printed[-1] and "The emergency stop is pressed." in printed[-1]
    row = row_of("estop", "load")
    assert deviations(row._replace(within_ms=0, drop_N=50.0), seen("estop", "load")) == [
        "ESTOP after 1 ms, not 0 ms",
        "fall within 20 ms 118.55, not from 0 to 50",
    ]
