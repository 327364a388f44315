"""The simulator's sled, athlete, driver, supply and sensors for a firmware that runs elsewhere.

One tick is `sense`, whatever the firmware makes of it, then `advance`: the order of `sim/rig.py`, whose
parts these are and with which it agrees bit for bit (`test_closed_loop.py`).
"""

from typing import NamedTuple

from device.sled import tick as firmware
from sim.people.athlete import GO, Athlete, Person
from sim.rig import DRIVER_FAULT, ESTOP, Rig, RigConfig
from sim.world.plant import Plant, TICK_s

_SUPPLY_TICKS = 10
_HIGH_BUS_V = 52.0
_ROCK_N = 600.0


class Readings(NamedTuple):
    """What the sensors say at the beginning of a tick, in the units of the state block."""

    counts: int
    cell_raw: int
    switches: int
    bus_mV: int
    temperature_cC: int


class Begun:
    """An athlete who rocks the sled, and takes hold at once: two seconds of gripping take minutes there."""

    def __init__(self, athlete: Athlete) -> None:
        self.athlete = athlete
        self._ticks = self._ahead = 0

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Forth and back in the first 40 ms, then as the athlete, whose clock jumps to the first pull."""
        self._ticks += 1
        if self._ticks <= 40:
            plant.touch_N = _ROCK_N if self._ticks <= 10 or self._ticks > 30 else -_ROCK_N
            return
        plant.touch_N = 0.0
        self._act(plant, is_enabled)
        while is_enabled and self.athlete.state is not GO:
            self._act(plant, is_enabled)

    def _act(self, plant: Plant, is_enabled: bool) -> None:
        self.athlete.act(plant, self._ahead * TICK_s, is_enabled)
        self._ahead += 1


class World:
    """The parts of a rig without its firmware."""

    def __init__(self, config: RigConfig, person: Person | None = None) -> None:
        self.config = config
        rig = Rig(config, person)  # its own firmware never runs
        self.plant, self.driver, self.supply = rig.plant, rig.driver, rig.supply
        self.encoder, self.cell = rig.encoder, rig.cell
        self.person = rig.person
        self.switches = 0  #: bits of `sim.rig`
        self.ticks = 0
        self._bus_mV = rig.board.s[firmware.BUS_mV]
        self._temperature_cC = rig.board.s[firmware.TEMPERATURE_cC]
        self._supplied_tick = 0

    def sense(self) -> Readings:
        """Readings of this tick; to be asked for once, since noise moves on."""
        plant = self.plant
        return Readings(
            self.encoder.counts(plant.x_m),
            self.cell.raw(plant.hitch_N),
            self.switches | (DRIVER_FAULT if self.driver.is_tripped else 0),
            self._bus_mV,
            self._temperature_cC,
        )

    def advance(self, duty: int, is_enabled: bool) -> None:
        """A millisecond with this command of the brake; the e-stop cuts ENABLE in hardware."""
        plant, driver, supply = self.plant, self.driver, self.supply
        is_enabled = is_enabled and not self.switches & ESTOP
        driver.tick(duty, int(is_enabled), plant.v_m_per_s)
        if self.person is not None:
            self.person.act(plant, self.ticks * TICK_s, is_enabled)
        plant.advance(driver.brake_N, driver.signed_N)
        self.ticks += 1
        if supply.bus_V > _HIGH_BUS_V or not self.ticks % _SUPPLY_TICKS:
            supply.update(plant, driver, self.ticks - self._supplied_tick)
            self._supplied_tick = self.ticks
            self._bus_mV = supply.bus_mV()
            self._temperature_cC = supply.temperature_cC()
