"""The simulated physics beside formulas that were solved on paper.

Each function returns what the simulator gives and what the formula says, in the unit of its name; where
a whole curve is compared, the pair that differs most. `CLOSED_FORMS` names them all.
"""

import math
from collections.abc import Callable

from sim.world.driver import COMMAND_MAX
from sim.world.driver import Driver as BrakeDriver
from sim.world.heat import COPPER_PER_K, Heat
from sim.world.parameters import Driver, Power, Sensors, Sled
from sim.world.plant import TETHER, Plant, TICK_s
from sim.world.power import CHOPPER_DUTY_MAX, Supply

Pair = tuple[float, float]

SLED = Sled()
POWER = Power()
CRAWL_N_s_per_m = Driver().crawl_N_s_per_m
BREAKAWAY_N = SLED.rolling_N * SLED.breakaway_ratio


def _coast(v_m_per_s: float) -> tuple[float, float]:
    """Way and time of a free sled until it stands."""
    plant = Plant(SLED)
    plant.v_m_per_s = v_m_per_s
    ticks = 0
    while plant.v_m_per_s:
        plant.advance(0.0)
        ticks += 1
    return plant.x_m, ticks * TICK_s


def coast_down_m(v_m_per_s: float = 2.0) -> Pair:
    """x = m/b (v - F/b ln(1 + b v / F)) with rolling friction F + b v."""
    f, b, m = SLED.rolling_N, SLED.rolling_N_s_per_m, SLED.mass_kg
    return _coast(v_m_per_s)[0], m / b * (v_m_per_s - f / b * math.log(1 + b * v_m_per_s / f))


def coast_down_s(v_m_per_s: float = 2.0) -> Pair:
    """t = m/b ln(1 + b v / F)."""
    f, b, m = SLED.rolling_N, SLED.rolling_N_s_per_m, SLED.mass_kg
    return _coast(v_m_per_s)[1], m / b * math.log(1 + b * v_m_per_s / f)


def braked_coast_down_m(v_m_per_s: float = 2.0, brake_N: float = 150.0) -> Pair:
    """The same with a constant brake force beside the rolling friction."""
    plant = Plant(SLED, crawl_N_s_per_m=None)
    plant.v_m_per_s = v_m_per_s
    while plant.v_m_per_s:
        plant.advance(brake_N)
    f, b, m = SLED.rolling_N + brake_N, SLED.rolling_N_s_per_m, SLED.mass_kg
    return plant.x_m, m / b * (v_m_per_s - f / b * math.log(1 + b * v_m_per_s / f))


def viscous_terminal_m_per_s(pull_N: float = 150.0, brake_N_s_per_m: float = 100.0) -> Pair:
    """v = (P - F) / (B + b) under a brake of B newtons for each m/s."""
    plant = Plant(SLED, crawl_N_s_per_m=None)
    plant.touch_N = pull_N
    for _ in range(10_000):
        plant.advance(brake_N_s_per_m * abs(plant.v_m_per_s))
    return plant.v_m_per_s, (pull_N - SLED.rolling_N) / (brake_N_s_per_m + SLED.rolling_N_s_per_m)


def crawl_terminal_m_per_s(pull_N: float = 300.0) -> Pair:
    """v = (P - F) / (K_F^2/R + b): shorted phases, whatever more is commanded."""
    plant = Plant(SLED, crawl_N_s_per_m=CRAWL_N_s_per_m)
    plant.touch_N = pull_N
    for _ in range(2_000):
        plant.advance(800.0)
    return plant.v_m_per_s, (pull_N - SLED.rolling_N) / (CRAWL_N_s_per_m + SLED.rolling_N_s_per_m)


def _threshold_N(sign: int, crawl_N_s_per_m: float | None, brake_N: float) -> float:
    """The least force that sets a standing sled in motion, by halving."""
    low, high = 0.0, 1000.0
    for _ in range(40):
        force_N = 0.5 * (low + high)
        plant = Plant(SLED, crawl_N_s_per_m=crawl_N_s_per_m)
        plant.touch_N = sign * force_N
        for _ in range(5):
            plant.advance(brake_N)
        if plant.x_m * sign > 0.0:
            high = force_N
        else:
            low = force_N
    return sign * low


def stick_pulled_N() -> Pair:
    """Breakaway force: static over rolling friction, times rolling friction."""
    return _threshold_N(1, None, 0.0), BREAKAWAY_N


def stick_pushed_N() -> Pair:
    """The same the other way."""
    return _threshold_N(-1, None, 0.0), -BREAKAWAY_N


def stick_held_N(brake_N: float = 200.0) -> Pair:
    """A brake that holds at rest adds its force."""
    return _threshold_N(1, None, brake_N), BREAKAWAY_N + brake_N


def stick_shorted_N(brake_N: float = 800.0) -> Pair:
    """Shorted phases hold nothing at rest."""
    return _threshold_N(-1, CRAWL_N_s_per_m, brake_N), -BREAKAWAY_N


def hitch_stretch_m(propulsion_N: float = 300.0) -> Pair:
    """Force over stiffness, once all is at rest."""
    return _stretch(propulsion_N, 5_000)[-1], propulsion_N / SLED.tether_N_per_m


def hitch_overshoot_m(propulsion_N: float = 300.0, body_mass_kg: float = 80.0) -> Pair:
    """The peak after a step of force: F/k (1 + exp(-pi z / sqrt(1 - z^2))), z = c / (2 sqrt(k m))."""
    k, c = SLED.tether_N_per_m, SLED.tether_N_s_per_m
    z = c / (2 * math.sqrt(k * body_mass_kg))
    peak = 1 + math.exp(-math.pi * z / math.sqrt(1 - z * z))
    return max(_stretch(propulsion_N, 1_000, body_mass_kg)), propulsion_N / k * peak


def _stretch(propulsion_N: float, ticks: int, body_mass_kg: float = 80.0) -> list[float]:
    """How far a body that leans into the tether of a held sled goes."""
    plant = Plant(SLED, body_mass_kg, crawl_N_s_per_m=None)
    plant.hitch, plant.propulsion_N = TETHER, propulsion_N
    found = []
    for _ in range(ticks):
        plant.advance(900.0)
        found.append(plant.body_x_m - plant.x_m)
    return found


def driver_lag_s(lag_s: float = 0.0037) -> Pair:
    """The time constant that a step to full force shows, by its tenth tick."""
    driver = BrakeDriver(Driver(lag_s=lag_s))
    for _ in range(10):
        driver.tick(COMMAND_MAX, 1, 1.0)
    return -10 * TICK_s / math.log(1 - driver.force_N / Driver().full_scale_N), lag_s


def driver_curve_N(lag_s: float = 0.0037) -> Pair:
    """The whole step response, F (1 - exp(-t / lag)), and back."""
    full = Driver().full_scale_N
    driver = BrakeDriver(Driver(lag_s=lag_s))
    pairs = []
    for n in range(1, 21):
        driver.tick(COMMAND_MAX, 1, 1.0)
        pairs.append((driver.force_N, full * (1 - math.exp(-n * TICK_s / lag_s))))
    top = driver.force_N
    for n in range(1, 21):
        driver.tick(0, 1, 1.0)
        pairs.append((driver.force_N, top * math.exp(-n * TICK_s / lag_s)))
    return max(pairs, key=lambda pair: abs(pair[0] / pair[1] - 1))


def eigenvalues_per_s(power: Power = POWER) -> tuple[float, float]:
    """Decay rates of the two-node network winding - case - air: the fast, then the slow."""
    w, c = power.winding_J_per_K, power.case_J_per_K
    through, out = 1 / power.winding_K_per_W, 1 / power.case_K_per_W
    half = 0.5 * (through / w + (through + out) / c)
    root = math.sqrt(half * half - through * out / (w * c))
    return half + root, half - root


def _thermal_s(rate_per_s: float) -> float:
    """Time to 1/e of a heat that is spread as the eigenvalue wants it."""
    heat = Heat(POWER)
    # (A - rate) x = 0: what the winding loses to the case is what the rate takes from it.
    part = 1.0 - rate_per_s * POWER.winding_J_per_K * POWER.winding_K_per_W
    heat.winding_C, heat.case_C = POWER.ambient_C + 50.0, POWER.ambient_C + 50.0 * part
    seconds, last = 0.0, 50.0
    while True:
        heat.warm(0.0, 0.01)
        now = heat.winding_C - POWER.ambient_C
        if now <= 50.0 / math.e:
            return seconds + 0.01 * (last - 50.0 / math.e) / (last - now)
        seconds, last = seconds + 0.01, now


def winding_time_constant_s() -> Pair:
    """The fast one: the winding against the case."""
    rate = eigenvalues_per_s()[0]
    return _thermal_s(rate), 1 / rate


def case_time_constant_s() -> Pair:
    """The slow one: all against the air."""
    rate = eigenvalues_per_s()[1]
    return _thermal_s(rate), 1 / rate


def steady_winding_K(copper_W: float = 60.0) -> Pair:
    """Loss times both thermal resistances."""
    heat = Heat(POWER)
    for _ in range(150_000):
        heat.warm(copper_W * 0.1, 0.1)
    return heat.winding_C - POWER.ambient_C, copper_W * (POWER.winding_K_per_W + POWER.case_K_per_W)


def supplied(
    power: Power, watts: float, seconds: float, prepare: Callable[[Supply], None] | None = None
) -> Supply:
    """A supply into which the driver fed so many watts for so long, with nothing lost in copper."""
    supply = Supply(power, Sensors(), seed=1)
    if prepare is not None:
        prepare(supply)
    plant, driver = Plant(SLED), BrakeDriver(Driver())
    for _ in range(round(seconds * 100)):
        plant.brake_J += watts * 0.01
        supply.update(plant, driver, 10)
    return supply


def _refuse(supply: Supply) -> None:
    supply.is_refusing = True


def _refuse_without_chopper(supply: Supply) -> None:
    supply.is_refusing = supply.is_chopper_dead = True
    supply.bus_V = supply.open_V  # below, the battery would still give


def charging_bus_V(watts: float = 500.0) -> Pair:
    """V (V - E) / R = P - idle."""
    supply = supplied(POWER, watts, 0.5)
    return supply.bus_V, _battery_V(supply.open_V, watts - POWER.idle_W)


def _battery_V(open_V: float, watts: float) -> float:
    """Where a battery stands that takes so much."""
    return 0.5 * (open_V + math.sqrt(open_V * open_V + 4 * POWER.battery_ohm * watts))


def driving_bus_V(watts: float = -1500.0) -> Pair:
    """The same with a driver that drives."""
    return charging_bus_V(watts)


def chopper_bus_V(watts: float = 600.0) -> Pair:
    """duty V^2 / R = P - idle, with a battery that takes nothing."""
    return supplied(POWER, watts, 0.5, _refuse).bus_V, _chopper_V(watts - POWER.idle_W)


def full_chopper_bus_V(watts: float = 2800.0) -> Pair:
    """0.95 V^2 / R = P - idle: the chopper cannot do more."""
    expected = math.sqrt((watts - POWER.idle_W) * POWER.chopper_ohm / CHOPPER_DUTY_MAX)
    return supplied(POWER, watts, 1.0, _refuse).bus_V, expected


def shared_bus_V(watts: float = 1500.0, power: Power = POWER) -> Pair:
    """The battery takes its greatest current, the chopper the rest."""
    supply = supplied(power, watts, 0.5)
    battery_W = (supply.open_V + power.battery_ohm * power.charge_A) * power.charge_A
    return supply.bus_V, _chopper_V(watts - power.idle_W - battery_W)


def _chopper_V(watts: float) -> float:
    """Where the chopper takes so much: its law, by halving."""
    low, high = POWER.chopper_start_V, POWER.chopper_end_V
    for _ in range(60):
        volts = 0.5 * (low + high)
        duty = (volts - POWER.chopper_start_V) / (POWER.chopper_end_V - POWER.chopper_start_V)
        low, high = (volts, high) if duty * volts * volts / POWER.chopper_ohm < watts else (low, volts)
    return low


def capacitor_V(watts: float = 19.0, seconds: float = 1.0) -> Pair:
    """C/2 (V1^2 - V0^2) = (P - idle) t, with nowhere else to go."""
    supply = supplied(POWER, watts, seconds, _refuse_without_chopper)
    before = supply.open_V
    energy_J = (watts - POWER.idle_W) * seconds
    return supply.bus_V, math.sqrt(before * before + 2 * energy_J / POWER.bus_F)


def battery_ohm_loss_J(watts: float = 500.0, seconds: float = 5.0) -> Pair:
    """I^2 R t at the steady current."""
    supply = supplied(POWER, watts, seconds)
    open_V = supply.open_V
    current_A = (_battery_V(open_V, watts - POWER.idle_W) - open_V) / POWER.battery_ohm
    return supply.battery_heat_J, current_A * current_A * POWER.battery_ohm * seconds


def chopper_rise_K(watts: float = 600.0, seconds: float = 100.0) -> Pair:
    """P R (1 - exp(-t / (R C))) of the chopper's resistor."""
    supply = supplied(POWER, watts, seconds, _refuse)
    r, c = POWER.chopper_K_per_W, POWER.chopper_J_per_K
    rise = (watts - POWER.idle_W) * r * (1 - math.exp(-seconds / (r * c)))
    return supply.chopper_C - POWER.ambient_C, rise


def hot_crawl_N_s_per_m(winding_C: float = 120.0) -> Pair:
    """K_F^2 / R falls as the copper's resistance rises."""
    supply = Supply(POWER, Sensors(), seed=1)
    supply.winding_C = winding_C
    plant = Plant(SLED, crawl_N_s_per_m=CRAWL_N_s_per_m)
    supply.update(plant, BrakeDriver(Driver()), 10)
    return plant.crawl_N_s_per_m, CRAWL_N_s_per_m / (1 + COPPER_PER_K * (winding_C - 25.0))


CLOSED_FORMS: dict[str, Callable[[], Pair]] = {
    each.__name__: each
    for each in (
        coast_down_m,
        coast_down_s,
        braked_coast_down_m,
        viscous_terminal_m_per_s,
        crawl_terminal_m_per_s,
        stick_pulled_N,
        stick_pushed_N,
        stick_held_N,
        stick_shorted_N,
        hitch_stretch_m,
        hitch_overshoot_m,
        driver_lag_s,
        driver_curve_N,
        winding_time_constant_s,
        case_time_constant_s,
        steady_winding_K,
        charging_bus_V,
        driving_bus_V,
        chopper_bus_V,
        full_chopper_bus_V,
        shared_bus_V,
        capacitor_V,
        battery_ohm_loss_J,
        chopper_rise_K,
        hot_crawl_N_s_per_m,
    )
}
