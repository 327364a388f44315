"""Truth of the simulated world in SI units, each value with its range and its source.

Nothing here is shared with the firmware's settings: what the firmware has to find by calibration
differs from its defaults on purpose. "Assumption" marks a value that no published source backs.
"""

from random import Random
from typing import NamedTuple, TypeVar

GRAVITY_m_per_s2 = 9.80665


class Fact(NamedTuple):
    """What a parameter may be, and where its value comes from."""

    minimum: float
    maximum: float
    source: str


class Sled(NamedTuple):
    """Rolling chassis with battery, and what joins it to the athlete."""

    mass_kg: float = 30.0  #: with the turning parts' inertia reflected to the wheel
    rolling_N: float = 11.2  #: rolling friction near standstill
    rolling_N_s_per_m: float = 1.1  #: its growth with speed
    breakaway_ratio: float = 1.3  #: static over rolling friction
    tether_N_per_m: float = 25_000.0  #: strap, harness and trunk in pull; slack carries nothing
    tether_N_s_per_m: float = 500.0
    handle_N_per_m: float = 60_000.0  #: locked arms on the handles in push; they cannot pull
    handle_N_s_per_m: float = 1_100.0


SLED_FACTS = {
    "mass_kg": Fact(20.0, 60.0, "reference design: about 30 kg with battery"),
    "rolling_N": Fact(4.0, 40.0, "assumption: pneumatic wheels, Crr about 0.03 and bearings"),
    "rolling_N_s_per_m": Fact(0.0, 5.0, "assumption"),
    "breakaway_ratio": Fact(1.0, 1.6, "towed sleds: static 0.43 over kinetic 0.33, Andre et al. 2013"),
    "tether_N_per_m": Fact(5_000.0, 60_000.0, "assumption: polyester strap in series with the trunk"),
    "tether_N_s_per_m": Fact(100.0, 1_500.0, "assumption: about a third of critical with sled and body"),
    "handle_N_per_m": Fact(20_000.0, 100_000.0, "assumption: near-rigid, locked arms"),
    "handle_N_s_per_m": Fact(300.0, 3_000.0, "assumption: about half of critical with sled and body"),
}


class Driver(NamedTuple):
    """Motor driver in brake mode with its two geared motors, seen at the wheel."""

    full_scale_N: float = 816.0  #: force at full command
    lag_s: float = 0.003  #: RC filter of the PWM and the current loop, as one first-order lag
    crawl_N_s_per_m: float = 4_200.0  #: greatest brake force per speed: K_F^2 / R, shorted phases


DRIVER_FACTS = {
    "full_scale_N": Fact(640.0, 960.0, "reference design: 800 N nominal, scale error up to 20 %"),
    "lag_s": Fact(0.001, 0.010, "assumption: 1 kHz corner of the RC filter, driver's command filter"),
    "crawl_N_s_per_m": Fact(
        500.0,
        20_000.0,
        "K_F^2/R of two hoverboard motors at 4:1: 6.3 N/A per wheel (ODrive); R 0.3 ohm is an assumption",
    ),
}


class Sensors(NamedTuple):
    """Encoder, load cell and the slow analog inputs."""

    wheel_radius_m: float = 0.0825
    counts_per_turn: float = 4096.0
    cell_scale: float = 0.995  #: reading over true force
    cell_offset_N: float = 0.0  #: reading with no tow force
    cell_noise_N: float = 0.5  #: rms, after oversampling
    bus_noise_V: float = 0.02
    temperature_noise_C: float = 0.05


SENSORS_FACTS = {
    "wheel_radius_m": Fact(0.08, 0.085, "6.5 inch wheel"),
    "counts_per_turn": Fact(4096.0, 4096.0, "reference design: 1024 lines, all four edges"),
    "cell_scale": Fact(0.97, 1.03, "assumption: amplifier gain and cell tolerance"),
    "cell_offset_N": Fact(-20.0, 20.0, "assumption: zero error left after taring"),
    "cell_noise_N": Fact(0.1, 3.0, "assumption: amplifier and ADC noise after 256 times oversampling"),
    "bus_noise_V": Fact(0.0, 0.2, "assumption"),
    "temperature_noise_C": Fact(0.0, 1.0, "assumption"),
}


class Power(NamedTuple):
    """Battery, bus and the heat in the motors."""

    battery_V: float = 48.0
    battery_ohm: float = 0.06
    idle_A: float = 0.35
    ambient_C: float = 22.0
    heat_J_per_K: float = 3_100.0  #: both motors as one node
    cooling_K_per_W: float = 0.4


POWER_FACTS = {
    "battery_V": Fact(40.0, 54.6, "13-cell lithium battery, empty to full"),
    "battery_ohm": Fact(0.02, 0.2, "assumption"),
    "idle_A": Fact(0.1, 1.0, "assumption: controller, driver and LEDs"),
    "ambient_C": Fact(-10.0, 45.0, "outdoor and gym use"),
    "heat_J_per_K": Fact(1_000.0, 10_000.0, "assumption: winding 60 and case 1500 J/K for each motor"),
    "cooling_K_per_W": Fact(0.1, 1.5, "assumption: 0.8 K/W for each motor, two in parallel"),
}


FACTS: dict[type, dict[str, Fact]] = {
    Sled: SLED_FACTS,
    Driver: DRIVER_FACTS,
    Sensors: SENSORS_FACTS,
    Power: POWER_FACTS,
}

Group = TypeVar("Group", bound=NamedTuple)


def check(group: NamedTuple) -> None:
    """Raises ValueError naming the parameter that is outside its range."""
    for name, fact in FACTS[type(group)].items():
        value = getattr(group, name)
        if not fact.minimum <= value <= fact.maximum:
            raise ValueError(f"{name} must be from {fact.minimum:g} to {fact.maximum:g}, not {value:g}")


def perturbed(group: Group, spread: float, random: Random) -> Group:
    """Another instance of the same kind: each parameter off by up to `spread` of itself, within its range.

    A parameter that is zero moves by up to `spread` of its range instead.
    """
    changes = {}
    for name, fact in FACTS[type(group)].items():
        value = getattr(group, name)
        width = abs(value) or (fact.maximum - fact.minimum) / 2
        moved = value + spread * width * (2 * random.random() - 1)
        changes[name] = min(max(moved, fact.minimum), fact.maximum)
    return group._replace(**changes)
