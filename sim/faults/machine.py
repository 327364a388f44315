"""What can break about motor driver, battery, brake chopper and cooling."""

from sim.faults.breaking import End, Fault, Value, nothing, puts, puts_fixed, together
from sim.rig import Rig

_battery_full = puts_fixed("supply", "is_refusing", True)
_chopper_dead = puts_fixed("supply", "is_chopper_dead", True)


def _over_voltage(rig: Rig, _: float) -> End:
    return together(_battery_full(rig, 0.0), _chopper_dead(rig, 0.0))


def _brown_out(rig: Rig, ms: float) -> End:
    rig.brown_out(int(ms))
    return nothing


def _hot_motor(rig: Rig, winding_C: float) -> End:
    rig.supply.winding_C = max(rig.supply.winding_C, winding_C)
    return nothing


MACHINE_FAULTS = (
    Fault(
        "driver_fault",
        "driver",
        "The motor driver reports a fault and makes no force.",
        puts_fixed("driver", "is_broken", True),
        shows="DRIVER",
    ),
    Fault(
        "driver_stuck_force",
        "driver",
        "The driver's power stage holds one force, whatever is commanded, enabled or not.",
        puts("driver", "stuck_N"),
        Value("force_N", 300.0, 0.0, 1000.0),
        shows="FORCE_STUCK",
    ),
    Fault(
        "driver_stuck_command",
        "driver",
        "The driver's command input is stuck at one force; ENABLE still takes it off.",
        puts("driver", "stuck_command_N"),
        Value("force_N", 300.0, 0.0, 800.0),
        shows="FORCE_STUCK",
    ),
    Fault(
        "driver_wrong_sign",
        "driver",
        "The driver drives the sled on instead of braking it.",
        puts_fixed("driver", "is_wrong_signed", True),
        shows="PASSIVITY",
    ),
    Fault(
        "driver_weak",
        "driver",
        "The brake makes only this part of the force that is commanded.",
        puts("driver", "strength"),
        Value("part", 0.5, 0.0, 1.0),
        shows="CELL_DISAGREES",
    ),
    Fault(
        "driver_dead",
        "driver",
        "The driver makes no force and says nothing about it.",
        puts_fixed("driver", "is_dead", True),
        shows="CELL_DISAGREES",
    ),
    Fault(
        "battery_sag",
        "power",
        "The battery's voltage falls by so much.",
        puts("supply", "sag_V"),
        Value("sag_V", 10.0, 0.0, 30.0),
        shows="BUS_LOW",
    ),
    Fault(
        "brown_out",
        "power",
        "The controller is without power for so long.",
        _brown_out,
        Value("ms", 200.0, 1.0, 60_000.0),
        expected="The brake is off at once; the sled wakes up idle, with another boot id that the host sees.",
    ),
    Fault(
        "battery_full",
        "power",
        "The battery is full and takes no current.",
        _battery_full,
        expected="Nothing: the bus rises to 55 V, and from there the brake chopper takes what the battery"
        " does not.",
    ),
    Fault(
        "chopper_dead",
        "power",
        "The brake chopper does not work.",
        _chopper_dead,
        expected="Nothing while the battery takes the current: the chopper is not needed.",
    ),
    Fault(
        "over_voltage",
        "power",
        "The battery takes no current and the brake chopper does not work.",
        _over_voltage,
        shows="BUS_HIGH",
    ),
    Fault(
        "hot_motor",
        "heat",
        "The motor's winding is this hot.",
        _hot_motor,
        Value("winding_C", 120.0, -40.0, 250.0),
        shows="TOO_HOT",
    ),
    Fault(
        "cooling_blocked",
        "heat",
        "No air comes to the motors.",
        puts_fixed("supply.heat", "cooling", 0.0),
        expected="Nothing at once: the motor gets hot in the course of many minutes, and then it shows as"
        " TOO_HOT.",
    ),
)
