"""The rules that the mode table must keep, read off the table itself."""

import itertools

import pytest

from device.sled import layout, modes, tick
from protocol.codes import MODES

ALL_MODES = [mode.number for mode in MODES]
TRIGGERS = {
    name: value
    for name, value in vars(modes).items()
    if name.isupper() and name[0] != "_" and isinstance(value, int)
}
ARMED_MODES = [layout.MODE_ARMED, layout.MODE_LOADING, layout.MODE_RAMPING_DOWN]


def test_every_pair_leads_to_one_mode_and_no_row_is_void() -> None:
    pairs = [(mode, trigger) for mode, trigger, _ in modes.TABLE]
    assert len(pairs) == len(set(pairs))
    for mode, trigger, following in modes.TABLE:
        assert mode in ALL_MODES and following in ALL_MODES and trigger in TRIGGERS.values()
        assert modes.next_mode(mode, trigger) == following != mode


def test_triggers_are_numbered_in_order_and_no_two_are_one() -> None:
    assert list(TRIGGERS.values()) == list(range(len(TRIGGERS)))


def test_a_pair_that_is_not_in_the_table_changes_nothing() -> None:
    pairs = {(mode, trigger) for mode, trigger, _ in modes.TABLE}
    for mode, trigger in itertools.product(ALL_MODES, TRIGGERS.values()):
        if (mode, trigger) not in pairs:
            assert modes.next_mode(mode, trigger) == mode


def test_only_arming_leads_from_idle_to_a_mode_with_a_brake() -> None:
    for name, trigger in TRIGGERS.items():
        armed = modes.is_armed(modes.next_mode(layout.MODE_IDLE, trigger))
        assert armed == (name == "ARM"), name


def test_only_clearing_leads_out_of_a_fault_and_never_to_a_brake() -> None:
    for name, trigger in TRIGGERS.items():
        following = modes.next_mode(layout.MODE_FAULT, trigger)
        assert following == (layout.MODE_IDLE if name == "CLEAR" else layout.MODE_FAULT), name


@pytest.mark.parametrize("mode", ALL_MODES)
def test_a_drop_fault_leads_to_fault_from_anywhere(mode: int) -> None:
    assert modes.next_mode(mode, modes.DROP_FAULT) == layout.MODE_FAULT


@pytest.mark.parametrize("mode", ARMED_MODES)
def test_drop_releases_the_brake_from_anywhere(mode: int) -> None:
    assert modes.next_mode(mode, modes.DROP) == layout.MODE_IDLE


@pytest.mark.parametrize("mode", [layout.MODE_ARMED, layout.MODE_LOADING])
@pytest.mark.parametrize("trigger", [modes.STOP, modes.LAPSE, modes.RAMP_FAULT])
def test_stop_lapse_and_ramp_faults_ramp_down(mode: int, trigger: int) -> None:
    assert modes.next_mode(mode, trigger) == layout.MODE_RAMPING_DOWN


def test_a_ramp_down_is_never_turned_back_into_a_load() -> None:
    for trigger in TRIGGERS.values():
        following = modes.next_mode(layout.MODE_RAMPING_DOWN, trigger)
        assert modes.PERMITS[following] != tick.PERMIT_RAISE


def test_the_end_of_a_ramp_leads_to_idle_and_a_latched_fault_on_from_there() -> None:
    assert modes.next_mode(layout.MODE_RAMPING_DOWN, modes.RAMPED) == layout.MODE_IDLE
    assert modes.next_mode(layout.MODE_IDLE, modes.RAMP_FAULT) == layout.MODE_FAULT


def test_motion_only_tells_armed_from_loading() -> None:
    for mode, trigger in itertools.product(ALL_MODES, [modes.MOVE, modes.STAND]):
        following = modes.next_mode(mode, trigger)
        assert modes.PERMITS[following] == modes.PERMITS[mode]
    assert modes.next_mode(layout.MODE_ARMED, modes.MOVE) == layout.MODE_LOADING
    assert modes.next_mode(layout.MODE_LOADING, modes.STAND) == layout.MODE_ARMED


def test_a_held_load_is_released_only_at_rest() -> None:
    assert modes.next_mode(layout.MODE_ARMED, modes.REST) == layout.MODE_RAMPING_DOWN
    assert modes.next_mode(layout.MODE_LOADING, modes.REST) == layout.MODE_LOADING


def test_each_mode_permits_no_more_than_it_says() -> None:
    assert len(modes.PERMITS) == len(ALL_MODES)
    assert dict(zip(ALL_MODES, modes.PERMITS, strict=True)) == {
        layout.MODE_IDLE: tick.PERMIT_DROP,
        layout.MODE_ARMED: tick.PERMIT_RAISE,
        layout.MODE_LOADING: tick.PERMIT_RAISE,
        layout.MODE_RAMPING_DOWN: tick.PERMIT_RAMP,
        layout.MODE_FAULT: tick.PERMIT_DROP,
    }
