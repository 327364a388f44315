"""Each fault of driver, power, heat and switches really breaks what it names, and can be mended."""

import pytest

from device.sled import tick as firmware
from sim.faults import table as faults
from sim.faults.switches import press
from sim.rig import BUTTON_DOWN, BUTTON_UP, ESTOP, Rig, RigConfig
from tests.sim.effects import effect
from tests.sim.hosting import command
from tests.sim.reactions import loaded_rig


@pytest.fixture
def rig() -> Rig:
    """At a pace of 1 m/s under a leased load of 129 N."""
    return loaded_rig()


@effect("driver_fault")
def test_a_broken_driver_pulls_its_pin_makes_no_force_and_recovers(rig):
    end = faults.begin(rig, "driver_fault")
    rig.step(21)
    assert rig.driver.force_N == 0.0 and rig.board.s[firmware.SWITCHES] & 2
    end()
    rig.step(2000)
    assert not rig.driver.is_tripped and not rig.board.s[firmware.SWITCHES] & 2


@effect("driver_stuck_force")
def test_a_stuck_force_stays_whatever_is_commanded(rig):
    end = faults.begin(rig, "driver_stuck_force", force_N=250)
    rig.write(command("STOP", 900, stop_kind=1))
    rig.step(100)
    assert rig.board.s[firmware.ENABLE] == 0
    assert rig.driver.force_N == 250 and rig.plant.hitch_N > 160
    end()
    rig.step(30)
    assert rig.driver.force_N < 0.1


@effect("driver_stuck_command")
def test_a_stuck_command_stays_whatever_is_commanded_until_enable_takes_it_off(rig):
    end = faults.begin(rig, "driver_stuck_command", force_N=250)
    rig.step(40)  # before the firmware finds out
    assert rig.driver.force_N == pytest.approx(250, abs=0.1) and rig.plant.hitch_N > 160
    rig.switches |= ESTOP
    rig.step(40)
    assert rig.driver.force_N < 0.1
    rig.switches &= ~ESTOP
    end()
    assert rig.driver.stuck_command_N is None


@effect("driver_wrong_sign")
def test_a_driver_of_the_wrong_sign_drives_the_sled_until_it_is_mended(rig):
    end = faults.begin(rig, "driver_wrong_sign")
    rig.step(35)  # before the firmware finds out
    driven_J = rig.truth.injected_J
    assert driven_J > 4.0 and rig.plant.v_m_per_s > 1.1 and rig.driver.force_N > 100.0
    end()
    rig.step(300)
    assert rig.truth.injected_J == driven_J


@effect("driver_weak", "driver_dead")
@pytest.mark.parametrize("name, value, part", [("driver_weak", {"part": 0.4}, 0.4), ("driver_dead", {}, 0.0)])
def test_a_weak_or_dead_driver_makes_less_of_its_command_and_says_nothing(rig, name, value, part):
    full_N = rig.driver.force_N / rig.board.s[firmware.DUTY]
    end = faults.begin(rig, name, **value)
    rig.step(40)
    assert rig.driver.force_N / rig.board.s[firmware.DUTY] == pytest.approx(part * full_N, rel=0.03, abs=1e-6)
    assert not rig.board.s[firmware.SWITCHES]
    end()
    rig.step(40)
    assert rig.driver.force_N / rig.board.s[firmware.DUTY] == pytest.approx(full_N, rel=0.03)


@effect("battery_sag")
def test_a_sagging_battery_lowers_the_bus_and_recovers(rig):
    before_V = rig.supply.bus_V
    end = faults.begin(rig, "battery_sag", sag_V=4)
    rig.step(500)
    assert rig.supply.bus_V == pytest.approx(before_V - 4, abs=0.4)
    end()
    rig.step(500)
    assert rig.supply.bus_V == pytest.approx(before_V, abs=0.4)


@effect("brown_out")
def test_a_brown_out_releases_the_brake_and_boots_after_its_time(rig):
    boot_id = rig.board.boot_id
    faults.begin(rig, "brown_out", ms=150)()  # mending does not bring the power back any sooner
    rig.step(30)
    assert rig.driver.force_N < 0.1
    rig.step(119)
    assert rig.board.boot_id == boot_id
    rig.step(2)
    assert rig.board.boot_id != boot_id and rig.board.s[firmware.SAMPLE_INDEX] <= 1


@effect("battery_full", "chopper_dead", "over_voltage")
def test_what_a_full_battery_does_not_take_goes_to_the_chopper_or_raises_the_bus():
    charged_J, chopped_J, bus_V = {}, {}, {}
    for name in ("battery_full", "chopper_dead", "over_voltage"):
        rig = loaded_rig()
        end = faults.begin(rig, name)
        before = rig.supply.battery_J, rig.supply.chopper_J
        bus_V[name] = 0.0
        for _ in range(100):
            rig.step(10)
            bus_V[name] = max(bus_V[name], rig.supply.bus_V)
        charged_J[name], chopped_J[name] = rig.supply.battery_J - before[0], rig.supply.chopper_J - before[1]
        end()
        assert not rig.supply.is_refusing and not rig.supply.is_chopper_dead
    assert charged_J["chopper_dead"] > 50 > 1 > charged_J["battery_full"]
    assert chopped_J["battery_full"] > 20 and chopped_J["chopper_dead"] == chopped_J["over_voltage"] == 0
    assert bus_V["chopper_dead"] < 51 and bus_V["over_voltage"] > 56 > bus_V["battery_full"] > 55


@effect("hot_motor")
def test_a_hot_motor_is_read_as_hot_and_cools(rig):
    end = faults.begin(rig, "hot_motor", winding_C=140)
    rig.step(10)
    assert rig.board.s[firmware.TEMPERATURE_cC] / 100 == pytest.approx(140, abs=1)
    end()
    rig.step(3000)
    assert rig.supply.winding_C < 135
    faults.begin(rig, "hot_motor", winding_C=50)  # cools nothing
    assert rig.supply.winding_C > 100


@effect("cooling_blocked")
def test_a_blocked_cooling_loses_no_heat(rig):
    heat = rig.supply.heat
    heat.case_C = 70.0
    end = faults.begin(rig, "cooling_blocked")
    before_J = heat.lost_J
    rig.step(500)
    assert heat.lost_J == before_J
    end()
    rig.step(500)
    assert heat.lost_J > before_J + 20


@effect("estop")
def test_the_emergency_stop_cuts_the_brake_until_it_is_released(rig):
    first, second = faults.begin(rig, "estop"), faults.begin(rig, "estop")
    rig.step(30)
    assert rig.driver.force_N < 0.1 and rig.board.s[firmware.SWITCHES] == 1
    first()
    first()
    rig.step(1)
    assert rig.board.s[firmware.SWITCHES] == 1  # the other one still presses it
    second()
    rig.step(1)
    assert rig.board.s[firmware.SWITCHES] == 0


@effect("button_up_stuck", "button_down_stuck")
@pytest.mark.parametrize("name, bit", [("button_up_stuck", BUTTON_UP), ("button_down_stuck", BUTTON_DOWN)])
def test_a_stuck_button_stays_closed_even_when_somebody_presses_it(rig, name, bit):
    end = faults.begin(rig, name)
    rig.step(1)
    press(rig, "up", 20)
    press(rig, "down", 20)
    rig.step(100)
    assert rig.board.s[firmware.SWITCHES] == bit
    end()
    rig.step(1)
    assert rig.board.s[firmware.SWITCHES] == 0


@pytest.mark.parametrize("for_ms", [1, 3, 30, 800])
def test_a_pressed_button_bounces_at_both_ends_and_is_closed_between(for_ms):
    edges = set()
    for seed in range(1, 6):
        rig = Rig(RigConfig(seed=seed))
        rig.step(7)
        press(rig, "down", for_ms)
        seen = []
        for _ in range(for_ms + 20):
            rig.step(1)
            seen.append(bool(rig.board.s[firmware.SWITCHES] & BUTTON_DOWN))
        assert seen[0] and all(seen[5:for_ms]) and not seen[for_ms] and not any(seen[for_ms + 5 :])
        edges.add(tuple(seen[:5] + seen[for_ms : for_ms + 5]))
    assert len(edges) > 1  # not always the same bounce


def test_a_button_that_does_not_exist_cannot_be_pressed(rig):
    with pytest.raises(ValueError, match="'left'; known are: down, up"):
        press(rig, "left", 100)
    with pytest.raises(ValueError, match="1 ms or more, not 0"):
        press(rig, "up", 0)
