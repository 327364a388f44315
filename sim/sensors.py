"""What the firmware can know of the world: encoder counts, load-cell steps, bus voltage, temperature.

Noise is built from random bits with exact arithmetic only (no logarithm or cosine), so that the same
seed gives the same readings on every machine.
"""

from random import Random

from sim.driver import Driver
from sim.parameters import Power
from sim.parameters import Sensors as SensorParameters
from sim.plant import Plant, TICK_s

PI = 3.141592653589793
COUNTS_WRAP = 2**29  #: the counter runs from -COUNTS_WRAP to COUNTS_WRAP - 1

#: Load cell: 12 bits of ADC over +-1000 N, 256 readings summed in each tick give 16 bits.
CELL_STEP_N = 2000.0 / 65536
CELL_ZERO = 32768
CELL_MAX = 65535


class Normal:
    """Standard normal numbers: binomial over 256 bits, smoothed by a uniform number."""

    __slots__ = ("_bits", "_uniform")

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self._bits = random.getrandbits
        self._uniform = random.random

    def draw(self) -> float:
        """One number; mean 0, variance 1, never beyond 16.1."""
        # Variance of the bits 64, of the uniform number 1/12: together 8.0052^2.
        return (self._bits(256).bit_count() - 128.5 + self._uniform()) * 0.1249187


class Encoder:
    """Quadrature counter: floor of the way over the way per count; starts at 0 where the sled stands."""

    __slots__ = ("_counts_per_m", "_origin")

    def __init__(self, parameters: SensorParameters) -> None:
        self._counts_per_m = parameters.counts_per_turn / (2.0 * PI * parameters.wheel_radius_m)
        self._origin = 0

    def restart(self, x_m: float) -> None:
        """The counter begins at zero here, as after a reset of the controller."""
        self._origin = int(x_m * self._counts_per_m // 1.0)

    def counts(self, x_m: float) -> int:
        """Counts since `restart`, wrapping."""
        counts = int(x_m * self._counts_per_m // 1.0) - self._origin
        return ((counts + COUNTS_WRAP) & (2 * COUNTS_WRAP - 1)) - COUNTS_WRAP


class LoadCell:
    """Signed force between athlete's frame and sled, tension positive: scale, offset, noise, ADC."""

    __slots__ = ("_draw", "_noise", "_steps_per_N", "_zero")

    def __init__(self, parameters: SensorParameters, seed: int) -> None:
        self._steps_per_N = parameters.cell_scale / CELL_STEP_N
        self._zero = CELL_ZERO + parameters.cell_offset_N / CELL_STEP_N
        self._noise = parameters.cell_noise_N / CELL_STEP_N
        self._draw = Normal(seed).draw

    def raw(self, force_N: float) -> int:
        """Steps 0 to CELL_MAX."""
        raw = int((self._zero + force_N * self._steps_per_N + self._noise * self._draw()) // 1.0)
        return 0 if raw < 0 else CELL_MAX if raw > CELL_MAX else raw


class Supply:
    """Battery with resistance, regeneration into it, and the motors' heat as one node.

    Updated every few ticks from the plant's energies: power that leaves the sled through the brake,
    less the copper loss, is the current into the battery.
    """

    __slots__ = (
        "_brake_J",
        "_copper_J",
        "_draw",
        "_noise_C",
        "_noise_V",
        "_power",
        "bus_V",
        "winding_C",
    )

    def __init__(self, power: Power, sensors: SensorParameters, seed: int) -> None:
        self._power = power
        self._noise_V = sensors.bus_noise_V
        self._noise_C = sensors.temperature_noise_C
        self._draw = Normal(seed).draw
        self._brake_J = self._copper_J = 0.0
        self.bus_V = power.battery_V - power.idle_A * power.battery_ohm
        self.winding_C = power.ambient_C

    def update(self, plant: Plant, driver: Driver, ticks: int) -> None:
        """The world went on for `ticks` since the last update."""
        power = self._power
        time_s = ticks * TICK_s
        copper_J = plant.copper_J - self._copper_J
        regenerated_W = (plant.brake_J - self._brake_J - copper_J) / time_s
        self._copper_J = plant.copper_J
        self._brake_J = plant.brake_J
        # V = E + R*I with I = P/V - idle: P/V with the voltage before is close enough, R*I is small.
        current_A = regenerated_W / self.bus_V - power.idle_A
        self.bus_V = power.battery_V + power.battery_ohm * current_A
        loss_W = (self.winding_C - power.ambient_C) / power.cooling_K_per_W
        self.winding_C += (copper_J - loss_W * time_s) / power.heat_J_per_K

    def bus_mV(self) -> int:
        """Reading of the bus voltage."""
        return int((self.bus_V + self._noise_V * self._draw()) * 1000.0 // 1.0)

    def temperature_cC(self) -> int:
        """Reading of the motor temperature."""
        return int((self.winding_C + self._noise_C * self._draw()) * 100.0 // 1.0)
