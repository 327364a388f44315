"""The 48 V bus: battery, capacitor, chopper, electronics; and what becomes of the braking power.

Each update solves the energy balance of the capacitor for the voltage at its end (implicit Euler in the
capacitor's energy: stable at any step, and no joule is lost). Chopper law and limit: ODrive
low_level.cpp, the part that follows the voltage.
"""

from math import sqrt

from sim.world.driver import Driver
from sim.world.heat import Heat
from sim.world.parameters import CELL_OPEN_V, Power
from sim.world.parameters import Sensors as SensorParameters
from sim.world.plant import Plant, TICK_s
from sim.world.sensors import Normal, bus_reading_mV, temperature_reading_cC

CHOPPER_DUTY_MAX = 0.95
_STEPS_MAX = 60  # of the search; a handful is usual


class Supply:
    """Where the brake's energy goes, updated every few ticks from the plant's sums.

    At each update `plant.brake_J` = `copper_J` + `battery_J` + `battery_heat_J` + `chopper_J` +
    `electronics_J` + `capacitor_J`, to rounding. Faults, to be set at any time: `is_refusing` (the
    battery takes no charge), `is_chopper_dead`, `sag_V` (the battery's voltage is lower by so much),
    `state_of_charge`, and `heat.cooling`.
    """

    __slots__ = (
        "_draw",
        "_fixed",
        "_noise_C",
        "_noise_V",
        "_power",
        "_start_J",
        "battery_J",
        "battery_heat_J",
        "bus_V",
        "chopper_C",
        "chopper_J",
        "copper_J",
        "electronics_J",
        "heat",
        "is_chopper_dead",
        "is_refusing",
        "sag_V",
        "state_of_charge",
        "supplied_J",
    )

    def __init__(self, power: Power, sensors: SensorParameters, seed: int) -> None:
        self._power = power
        self._noise_V = sensors.bus_noise_V
        self._noise_C = sensors.temperature_noise_C
        self._draw = Normal(seed).draw
        # In the order in which `update` takes them: it runs often.
        self._fixed = (
            0.5 * power.bus_F,
            power.battery_ohm,
            power.idle_W,
            power.chopper_start_V,
            1.0 / (3600.0 * power.capacity_Ah),
            power.ambient_C,
            1.0 / power.chopper_K_per_W,
            power.chopper_J_per_K,
        )
        self.supplied_J = 0.0  #: of the brake's work on the sled, up to the last update
        self.heat = Heat(power)
        self.copper_J = 0.0  #: heat in the motors
        self.battery_J = 0.0  #: into the cells; negative when they gave more
        self.battery_heat_J = 0.0
        self.chopper_J = 0.0
        self.electronics_J = 0.0
        self.chopper_C = power.ambient_C
        self.is_refusing = self.is_chopper_dead = False
        self.sag_V = 0.0
        self.state_of_charge = power.state_of_charge
        open_V = self.open_V
        self.bus_V = 0.5 * (open_V + sqrt(open_V * open_V - 4.0 * power.battery_ohm * power.idle_W))
        self._start_J = 0.0
        self._start_J = self.capacitor_J

    @property
    def open_V(self) -> float:
        """Voltage of the battery without current."""
        tenths = self.state_of_charge * 10.0
        n = 0 if tenths < 0.0 else 9 if tenths >= 9.0 else int(tenths)
        low_V = CELL_OPEN_V[n]
        return self._power.cells * (low_V + (CELL_OPEN_V[n + 1] - low_V) * (tenths - n)) - self.sag_V

    @property
    def capacitor_J(self) -> float:
        """Energy in the capacitor, from that at the start on."""
        return 0.5 * self._power.bus_F * self.bus_V * self.bus_V - self._start_J

    @property
    def booked_J(self) -> float:
        """Sum of all accounts: what the brake took from the sled, up to the last update."""
        stored_J = self.battery_J + self.capacitor_J
        return stored_J + self.copper_J + self.battery_heat_J + self.chopper_J + self.electronics_J

    @property
    def winding_C(self) -> float:
        """Temperature of the windings."""
        return self.heat.winding_C

    @winding_C.setter
    def winding_C(self, value: float) -> None:
        self.heat.winding_C = value

    @property
    def charge_A(self) -> float:
        """The most that the battery takes now."""
        power = self._power
        if self.is_refusing or self.state_of_charge >= 1.0:
            return 0.0
        if self.state_of_charge <= power.taper_from:
            return power.charge_A
        return power.charge_A * (1.0 - self.state_of_charge) / (1.0 - power.taper_from)

    def update(self, plant: Plant, driver: Driver, ticks: int) -> None:
        """The world went on for `ticks` since the last update; 100 at the most."""
        half_F, ohm, idle_W, chopper_V, charge_per_A_s, air_C, air_W_per_K, resistor_J_per_K = self._fixed
        time_s = ticks * TICK_s
        copper_J = plant.copper_J - self.copper_J
        bus_J = plant.brake_J - self.supplied_J - copper_J - idle_W * time_s
        self.copper_J += copper_J
        self.supplied_J = plant.brake_J
        self.electronics_J += idle_W * time_s

        # What capacitor, battery and chopper have to share, and the voltage at which they do:
        # half_F V^2 + V (V - open_V) / ohm * time = shared_J
        open_V = self.open_V
        shared_J = half_F * self.bus_V * self.bus_V + bus_J
        siemens_s = time_s / ohm
        a = half_F + siemens_s
        b = open_V * siemens_s
        square = b * b + 4.0 * a * shared_J
        bus_V = 0.5 * (b + sqrt(square)) / a if square > 0.0 else 0.5 * b / a
        current_A = (bus_V - open_V) / ohm
        if current_A > 0.0:
            most_A = self.charge_A
            if current_A > most_A:
                # The limit of the charge current loses nothing, so its power is that at `most_V`.
                current_A = most_A
                most_V = open_V + ohm * most_A
                bus_V = sqrt((shared_J - most_V * most_A * time_s) / half_F)
            if bus_V > chopper_V and not self.is_chopper_dead:
                most_V = open_V + ohm * most_A
                bus_V = self._chopped_V(bus_V, shared_J, open_V, most_V, time_s)
                current_A = most_A if bus_V > most_V else (bus_V - open_V) / ohm
                square_V = bus_V * bus_V
                chopper_J = self.chopper_duty(bus_V) * square_V / self._power.chopper_ohm * time_s
                self.chopper_J += chopper_J
                self.chopper_C += chopper_J / resistor_J_per_K
        cells_J = open_V * current_A * time_s
        heat_J = ohm * current_A * current_A * time_s
        if square <= 0.0:
            # More was drawn than any voltage of the bus can give; the trip below ends it. The cells pay.
            cells_J = shared_J - half_F * bus_V * bus_V - heat_J
        self.bus_V = bus_V
        self.battery_J += cells_J
        self.battery_heat_J += heat_J
        self.state_of_charge += current_A * charge_per_A_s * time_s
        self.chopper_C -= (self.chopper_C - air_C) * air_W_per_K * time_s / resistor_J_per_K

        heat = self.heat
        heat.warm(copper_J, time_s)
        plant.crawl_N_s_per_m = plant.cold_crawl_N_s_per_m / heat.resistance_ratio
        driver.watch(bus_V, ticks)

    def chopper_duty(self, bus_V: float) -> float:
        """Part of the time that the chopper is on at this voltage, 0 to 0.95."""
        power = self._power
        duty = (bus_V - power.chopper_start_V) / (power.chopper_end_V - power.chopper_start_V)
        return 0.0 if duty < 0.0 else CHOPPER_DUTY_MAX if duty > CHOPPER_DUTY_MAX else duty

    def _chopped_V(
        self, high_V: float, shared_J: float, open_V: float, most_V: float, time_s: float
    ) -> float:
        """The voltage with the chopper at work; `high_V` is the one without it.

        Newton's method on a function that only rises, kept between two voltages that have the answer
        between them.
        """
        power = self._power
        half_F = 0.5 * power.bus_F
        ohm = power.battery_ohm
        start_V = power.chopper_start_V
        per_V = 1.0 / (power.chopper_end_V - start_V)
        low_V = start_V
        bus_V = high_V
        for _ in range(_STEPS_MAX):
            if bus_V > most_V:
                battery_W = most_V * (most_V - open_V) / ohm
                slope_W = 0.0
            else:
                battery_W = bus_V * (bus_V - open_V) / ohm
                slope_W = (2.0 * bus_V - open_V) / ohm
            duty = self.chopper_duty(bus_V)
            square = bus_V * bus_V / power.chopper_ohm
            slope_W += 2.0 * duty * bus_V / power.chopper_ohm
            if duty < CHOPPER_DUTY_MAX:
                slope_W += per_V * square
            error_J = half_F * bus_V * bus_V + (battery_W + duty * square) * time_s - shared_J
            if error_J > 0.0:
                high_V = bus_V
            else:
                low_V = bus_V
            step_V = error_J / (2.0 * half_F * bus_V + slope_W * time_s)
            next_V = bus_V - step_V
            if not low_V <= next_V <= high_V:
                next_V = 0.5 * (low_V + high_V)
            if abs(next_V - bus_V) < 1e-13 * bus_V:
                return next_V
            bus_V = next_V
        return bus_V

    def bus_mV(self) -> int:
        """Reading of the bus voltage."""
        return bus_reading_mV(self.bus_V + self._noise_V * self._draw())

    def temperature_cC(self) -> int:
        """Reading of the motor temperature: the NTC lies in the winding."""
        return temperature_reading_cC(self.heat.winding_C + self._noise_C * self._draw())
