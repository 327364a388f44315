"""The simulated world on the pins of the emulated RP2040: an external device that costs the chip no time.

The world steps once a millisecond of the chip's own clock, 150 us after the tick began whose command it
takes; the wheel then turns evenly until the next tick is near. So the n-th tick finds on its pins what the
n-th tick of the simulator would be told, and every run is the same.
"""

from array import array
from typing import Any, NamedTuple

from device.sled import layout
from device.sled import tick as firmware
from sim.rig import BUTTON_DOWN, BUTTON_UP, DRIVER_FAULT, ESTOP
from sim.world.sensors import BUS_FULL_SCALE_mV, NTC_cC
from tests.chip.emulator import ChipError
from tests.chip.world import Readings, World

# The wiring, as device/README.md has it.
A_PIN, ENABLE_PIN, FAULT_PIN, ESTOP_PIN, UP_PIN, DOWN_PIN = 2, 7, 8, 9, 10, 11
CELL, BUS, NTC = 0, 1, 2
BRAKE_SLICE = 3  # GP6 is its channel A
_BRAKE_CC = 0x14 * BRAKE_SLICE + 0x0C
_QUADRATURE = ((False, False), (True, False), (True, True), (False, True))  # forwards

_STEP_ns = 1_000_000
_AFTER_TICK_ns = 150_000  # the tick has put its command out by then
_TURNING_ns = 800_000
_ASLEEP_ns = 5_000_000  # so long without a tick: the controller has started anew

_RAM_AT = 0x2000_0000
_STATE_BYTES = 4 * firmware.STATE_WORDS


class Tick(NamedTuple):
    """One tick of the chip: the whole state block before and after it, and what the world told by then."""

    before: bytes
    after: bytes
    told: Readings
    steps: int  #: of the world until then
    began_ns: float  #: its first conversion; it has read the encoder by then
    ended_ns: float  #: its command is out


class Level(NamedTuple):
    """ENABLE, or the brake's compare value, from this moment on."""

    at_ns: float
    value: int


def adc_codes(readings: Readings) -> dict[int, int]:
    """Codes of bus and NTC that the board turns into these readings."""
    bus = -(-readings.bus_mV * 4096 // BUS_FULL_SCALE_mV)
    return {BUS: bus, NTC: 4095 - NTC_cC.index(readings.temperature_cC)}


class PinnedWorld:
    """A `World` wired to the pins. While `records` is a list, each tick of the chip is added to it.

    Everything here runs on the emulator's own thread, inside the instruction that caused it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.records: list[Tick] | None = None
        self.enable: list[Level] = []
        self.duty: list[Level] = []
        self.boots = 0  #: how often the firmware's tick began to run
        self._told = world.sense()
        self._edges = self._phase = 0
        self._conversions = 0  # of the load cell in this tick
        self._tick_ns = -2.0 * _ASLEEP_ns
        self._state_at: int | None = None
        self._before: bytes | None = None

    def attach(self, rp2040: Any) -> None:
        """Wire it up; before the chip runs."""
        self._chip = rp2040
        self._clock = rp2040.clock
        self._step_alarm = self._clock.create_alarm(self._step)
        self._edge_alarm = self._clock.create_alarm(self._edge)
        self._convert = rp2040.adc.on_adc_read
        rp2040.adc.on_adc_read = self._on_conversion
        self._write_pwm = rp2040.pwm.write_uint32
        rp2040.pwm.write_uint32 = self._on_pwm
        rp2040.gpio[ENABLE_PIN].add_listener(self._on_enable)
        self._turn(0)
        self._show(self._told)

    @property
    def now_ns(self) -> float:
        """Time of the chip since power-on."""
        return float(self._clock.nanos)

    def switch(self, bits: int) -> None:
        """Press and release e-stop and buttons; the pins change at once."""
        self.world.switches = bits
        self._told = self._told._replace(switches=bits)
        self._show_switches(bits)

    def is_enabled(self) -> bool:
        """Whether the chip drives ENABLE high."""
        return bool(self.enable) and bool(self.enable[-1].value)

    # The outputs of the chip.

    def _on_enable(self, value: Any, _before: Any) -> None:
        self.enable.append(Level(self.now_ns, int(value.name == "HIGH")))

    def _on_pwm(self, offset: int, value: int) -> None:
        self._write_pwm(offset, value)
        if offset != _BRAKE_CC:
            return
        if not self.duty or self.duty[-1].value != value & 0xFFFF:
            self.duty.append(Level(self.now_ns, value & 0xFFFF))
        if self._before is not None and self.records is not None:
            self.records.append(self._tick(self._before))
            self._before = None

    def _tick(self, before: bytes) -> Tick:
        # The interrupt went on reading after that: two inputs, which the tick itself never writes.
        state, after = array("i", before), array("i", self._state())
        for word in (firmware.BUS_mV, firmware.SWITCHES):
            state[word] = after[word]
        told = self._told
        return Tick(state.tobytes(), after.tobytes(), told, self.world.ticks, self._tick_ns, self.now_ns)

    # Its inputs.

    def _on_conversion(self, channel: int) -> None:
        if channel == CELL:
            if not self._conversions:
                self._on_tick()
            # The tick adds four readings up; the rest of the sum goes to the first ones.
            total = self._told.cell_raw >> 2
            self._chip.adc.channel_values[CELL] = total // 4 + (self._conversions < total % 4)
            self._conversions = (self._conversions + 1) % 4
        elif channel == BUS:
            self._conversions = 0  # whatever a reset has cut off
            if self.records is not None:
                self._before = self._state()
        self._convert(channel)

    def _on_tick(self) -> None:
        was_asleep = self.now_ns - self._tick_ns > _ASLEEP_ns
        self._tick_ns = self.now_ns
        if was_asleep:
            self.boots += 1
            self._state_at = None
            self.world.encoder.restart(self.world.plant.x_m)
            self._edges = 0
            self._step_alarm.schedule(_AFTER_TICK_ns)

    def _step(self) -> None:
        self._step_alarm.schedule(_STEP_ns)
        duty = self._chip.pwm.channels[BRAKE_SLICE].cc & 0xFFFF
        self.world.advance(duty, self.is_enabled())
        self._told = self.world.sense()
        self._show(self._told)

    def _show(self, told: Readings) -> None:
        self._chip.adc.channel_values[BUS], self._chip.adc.channel_values[NTC] = adc_codes(told).values()
        self._show_switches(told.switches)
        if self._edges != told.counts:
            self._edge_ns = _TURNING_ns / abs(told.counts - self._edges)
            self._edge_alarm.schedule(self._edge_ns)

    def _show_switches(self, bits: int) -> None:
        for pin, is_high in (
            (FAULT_PIN, not bits & DRIVER_FAULT),
            (ESTOP_PIN, bool(bits & ESTOP)),
            (UP_PIN, not bits & BUTTON_UP),
            (DOWN_PIN, not bits & BUTTON_DOWN),
        ):
            self._chip.gpio[pin].set_input_value(is_high)

    def _edge(self) -> None:
        self._turn(1 if self._told.counts > self._edges else -1)
        if self._edges != self._told.counts:
            self._edge_alarm.schedule(self._edge_ns)

    def _turn(self, by: int) -> None:
        self._edges += by
        self._phase += by
        for pin, is_high in zip((A_PIN, A_PIN + 1), _QUADRATURE[self._phase % 4], strict=True):
            self._chip.gpio[pin].set_input_value(is_high)

    # The chip's memory.

    def _state(self) -> bytes:
        if self._state_at is None:
            self._state_at = find_state(self._chip.sram)
        return bytes(self._chip.sram[self._state_at : self._state_at + _STATE_BYTES])


def find_state(ram: Any) -> int:
    """Where the tick's state block lies: only it has the masks of the faults behind the settings."""
    settings = [row[0] for row in layout.SETTINGS]
    only = array("i", [*settings, layout.FAULT_DROP_MASK, layout.FAULT_RAMP_MASK]).tobytes()
    image = bytes(ram)
    at = image.find(only)
    if at < 0 or image.find(only, at + 1) >= 0:
        raise ChipError("the tick's state block was not found in the chip's memory, or twice")
    return at - 4 * firmware.SETTINGS_AT
