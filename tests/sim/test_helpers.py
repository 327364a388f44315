"""The people who help with a calibration do to the sled what they are called after."""

from device.sled import tick as firmware
from sim.people.helpers import HELPERS
from sim.rig import Rig, RigConfig
from sim.world.parameters import Sled
from sim.world.plant import Plant


def test_the_coaster_shoves_both_ways_and_lets_the_sled_roll_free() -> None:
    rig = Rig(RigConfig(athlete="coaster"))
    free_ms = {1: 0, -1: 0}
    for _ in range(2500):
        rig.step(10)
        if abs(rig.plant.v_m_per_s) > 0.2 and rig.plant.touch_N == 0.0:
            free_ms[1 if rig.plant.v_m_per_s > 0 else -1] += 10
    assert min(free_ms.values()) > 3000
    assert abs(rig.truth.unexplained_J) < 1e-6


def test_the_coaster_keeps_off_a_sled_whose_driver_is_enabled() -> None:
    plant = Plant(Sled())
    coaster = HELPERS["coaster"](1)
    for tick in range(5000):
        coaster.act(plant, tick / 1000, True)
        assert plant.touch_N == 0.0


def test_the_hangers_weight_does_not_move_the_chocked_sled() -> None:
    rig = Rig(RigConfig(athlete="hanger"))
    rig.step(4000)
    assert rig.plant.x_m == 0.0 and 196.0 < rig.plant.hitch_N < 196.2
    assert abs(rig.board.s[firmware.TOW_mN] - 196_000) < 5_000


def test_wedges_hold_a_sled_and_never_move_one() -> None:
    plant = Plant(Sled())
    plant.chock_N = 500.0
    plant.touch_N = 505.0
    for _ in range(100):
        plant.advance(0.0)
    assert plant.v_m_per_s == 0.0
    plant.touch_N = 600.0
    for _ in range(100):
        plant.advance(0.0)
    assert plant.v_m_per_s > 0.0
