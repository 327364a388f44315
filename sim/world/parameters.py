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
    crawl_N_s_per_m: float = 4_200.0  #: greatest brake force per speed: K_F^2 / R, shorted phases at 25 C
    overvoltage_V: float = 57.0  #: of the bus; it trips beyond
    undervoltage_V: float = 36.0
    hysteresis_V: float = 1.0  #: how far the bus must come back before a trip may end
    trip_s: float = 0.5  #: a trip lasts at least so long


DRIVER_FACTS = {
    "full_scale_N": Fact(640.0, 960.0, "reference design: 800 N nominal, scale error up to 20 %"),
    "lag_s": Fact(0.001, 0.010, "assumption: 1 kHz corner of the RC filter, driver's command filter"),
    "crawl_N_s_per_m": Fact(
        500.0,
        20_000.0,
        "K_F^2/R of two hoverboard motors at 4:1: 6.3 N/A per wheel (ODrive); R 0.3 ohm is an assumption",
    ),
    "overvoltage_V": Fact(57.0, 60.0, "VESC mcconf_default.h: 57 V; ODrive trips at 1.07 x 56 V = 59.9 V"),
    "undervoltage_V": Fact(30.0, 37.0, "assumption: 13 cells at 2.8 V, below the 39 V of their protection"),
    "hysteresis_V": Fact(0.2, 2.0, "assumption"),
    "trip_s": Fact(0.1, 3.0, "VESC mcconf_default.h: commands ignored for 500 ms after a fault"),
}


class Sensors(NamedTuple):
    """Encoder, load cell and the slow analog inputs."""

    wheel_radius_m: float = 0.0825
    counts_per_turn: float = 4096.0
    cell_scale: float = 0.995  #: reading over true force
    cell_offset_N: float = 0.0  #: reading with no tow force, at the start
    cell_drift_N_per_s: float = 0.0003  #: how fast that moves
    cell_creep: float = 0.0003  #: part of a lasting load by which the reading grows in the end
    cell_creep_s: float = 400.0  #: its time constant
    cell_bend: float = 0.0002  #: error at 1000 N over 1000 N; grows with the square of the force
    cell_noise_N: float = 0.5  #: rms of the amplifier, too slow for the mean of one tick to take out
    adc_noise_codes: float = 0.97  #: rms of a single reading, on top
    adc_wide_codes: float = 9.9  #: width of the four wide codes, in codes
    bus_noise_V: float = 0.02
    temperature_noise_C: float = 0.05


SENSORS_FACTS = {
    "wheel_radius_m": Fact(0.08, 0.085, "6.5 inch wheel"),
    "counts_per_turn": Fact(4096.0, 4096.0, "reference design: 1024 lines, all four edges"),
    "cell_scale": Fact(0.97, 1.03, "assumption: amplifier gain and cell tolerance"),
    "cell_offset_N": Fact(-20.0, 20.0, "assumption: zero error left after taring"),
    "cell_drift_N_per_s": Fact(-0.01, 0.01, "assumption: about 1 N in an hour, amplifier and cell warming"),
    "cell_creep": Fact(0.0, 0.002, "Senstech, terms of load cells: 0.03 % in 30 min"),
    "cell_creep_s": Fact(60.0, 1_800.0, "assumption: most of those 30 min"),
    "cell_bend": Fact(-0.002, 0.002, "Senstech, terms of load cells: non-linearity 0.02 % of rated output"),
    "cell_noise_N": Fact(0.1, 3.0, "assumption: instrumentation amplifier below 1 kHz"),
    "adc_noise_codes": Fact(0.3, 4.0, "RP2040 input-referred noise 0.97 codes rms: pico-adc.markomo.me"),
    "adc_wide_codes": Fact(
        1.0,
        12.0,
        "RP2040 erratum E11: DNL of 8.9 codes (pico-adc.markomo.me); 10 to 11 codes wide in the mean of five "
        "boards (github kitanokitsune/rp2040adc_correction); 1: an ideal converter",
    ),
    "bus_noise_V": Fact(0.0, 0.2, "assumption"),
    "temperature_noise_C": Fact(0.0, 1.0, "assumption"),
}


#: Open-circuit voltage of one lithium cell, empty to full in steps of a tenth. Ends: datasheets of 18650
#: cells (3.0 to 4.2 V); shape between: assumption, a nickel-manganese-cobalt cell.
CELL_OPEN_V = (3.0, 3.45, 3.55, 3.62, 3.68, 3.75, 3.84, 3.93, 4.02, 4.10, 4.20)


class Power(NamedTuple):
    """Battery, bus and chopper, and the heat in motors and chopper."""

    cells: float = 13.0  #: in series
    state_of_charge: float = 0.5  #: at the start; 0 empty, 1 full
    capacity_Ah: float = 10.0
    battery_ohm: float = 0.06
    charge_A: float = 20.0  #: the most that the battery takes, until it is nearly full
    taper_from: float = 0.8  #: state of charge from which that shrinks, to nothing at 1
    bus_F: float = 0.010
    idle_W: float = 17.0
    chopper_ohm: float = 1.2
    chopper_start_V: float = 55.0  #: its duty rises from 0 here ...
    chopper_end_V: float = 56.5  #: ... towards 1 here, but never beyond 0.95
    chopper_J_per_K: float = 500.0
    chopper_K_per_W: float = 0.5
    ambient_C: float = 22.0
    winding_J_per_K: float = 120.0  #: both motors together, here and below
    winding_K_per_W: float = 0.3  #: winding to case
    case_J_per_K: float = 3_000.0
    case_K_per_W: float = 0.4  #: case to ambient


POWER_FACTS = {
    "cells": Fact(13.0, 13.0, "reference design: 48 V lithium battery"),
    "state_of_charge": Fact(0.0, 1.0, "empty to full"),
    "capacity_Ah": Fact(2.0, 40.0, "assumption: an e-bike's pack"),
    "battery_ohm": Fact(0.02, 0.2, "assumption"),
    "charge_A": Fact(1.0, 60.0, "assumption: 2 C"),
    "taper_from": Fact(
        0.5, 0.99, "moteus, electrical setup: above 75 to 80 % a battery absorbs no regeneration"
    ),
    "bus_F": Fact(0.001, 0.05, "assumption: capacitors of the driver and a bank beside it"),
    "idle_W": Fact(5.0, 50.0, "assumption: controller, driver and LEDs"),
    "chopper_ohm": Fact(0.4, 4.0, "ODrive: 2 ohm on its 56 V board; 1.8 kW at 48 V needs 1.2 ohm or less"),
    "chopper_start_V": Fact(54.6, 60.0, "above a full battery: 13 cells of 4.2 V"),
    "chopper_end_V": Fact(55.0, 62.0, "assumption; the law and its limit of 0.95 are ODrive's low_level.cpp"),
    "chopper_J_per_K": Fact(50.0, 2_000.0, "assumption: half a kilogram of aluminium and wire"),
    "chopper_K_per_W": Fact(0.1, 2.0, "assumption: on a heat sink (Welwyn WDBR is rated on 0.53 K/W)"),
    "ambient_C": Fact(-10.0, 45.0, "outdoor and gym use"),
    "winding_J_per_K": Fact(40.0, 400.0, "assumption: 60 J/K for each motor"),
    "winding_K_per_W": Fact(0.1, 1.0, "assumption: 0.6 K/W for each motor, two in parallel"),
    "case_J_per_K": Fact(1_000.0, 10_000.0, "assumption: 1500 J/K for each motor"),
    "case_K_per_W": Fact(0.1, 1.5, "assumption: 0.8 K/W for each motor, two in parallel"),
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
