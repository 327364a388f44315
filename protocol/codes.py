"""Result, mode, limit and fault codes, each with its sentence for people.

Sentences say what happened, why, and what to do next. A fault's reaction is data: the device's
tick receives it as two bit masks and needs no knowledge of the single fault. No Construct here.
"""

from typing import NamedTuple

#: What mends two sides that do not speak the same version.
ONE_VERSION_COMMAND = "host flash"
ONE_VERSION = f"`{ONE_VERSION_COMMAND}` puts both sides on one version"


class Code(NamedTuple):
    number: int
    name: str
    sentence: str


class Fault(NamedTuple):
    number: int  #: also the bit in `faults`
    name: str
    reaction: str  #: warn, limit, ramp (lower the load, then release) or drop (release at once)
    sentence: str
    clears: str  #: what has to be true before CLEAR_FAULT is accepted


RESULTS = (
    Code(0, "OK", "Done."),
    Code(1, "LIMITED", "Done, but a limit shaped the value: see limited_by."),
    Code(2, "NOT_ARMED", "The sled is not armed, so the load was not raised; run `host set-load` again."),
    Code(3, "FAULTED", "The sled is in a fault and refuses loads; read `host status`, then `host clear`."),
    Code(4, "RAMPING_DOWN", "The load is still coming down; try again in a second."),
    Code(5, "BAD_VALUE", "A value is outside what this message may carry; nothing was changed."),
    Code(6, "UNKNOWN_KIND", f"This firmware does not know that message; {ONE_VERSION}."),
    Code(7, "BAD_LENGTH", "The message has the wrong length for its kind; nothing was changed."),
    Code(8, "WRONG_VERSION", f"Protocol versions differ; {ONE_VERSION}."),
    Code(9, "STILL_PRESENT", "The cause of the fault is still there; remove it, then `host clear` again."),
    Code(10, "NOT_WHILE_ARMED", "Not while the sled is armed; run `host stop` first."),
    Code(11, "UNSUPPORTED", "This firmware cannot do that yet; a newer one may."),
    Code(12, "UNKNOWN_SETTING", "There is no setting of that number; see protocol/MESSAGES.md."),
    Code(13, "NO_LEASE", "No lease to renew: it has lapsed and the load was lowered; send the load again."),
    Code(14, "NOT_SAVED", "The flash did not keep it; the settings are in force until the next reset."),
    Code(
        15, "BUTTON_HELD", "A button of the sled is held down, which means stop; let it go, then try again."
    ),
    Code(16, "BUSY", "The sled keeps as many requests as it can; ask again in a moment."),
)

MODES = (
    Code(0, "IDLE", "Brake off; the sled rolls freely."),
    Code(1, "ARMED", "Ready; the sled stands, and the load waits for motion."),
    Code(2, "LOADING", "The sled moves and the brake resists."),
    Code(3, "RAMPING_DOWN", "The load is being lowered, then the brake is released."),
    Code(4, "FAULT", "A fault is latched; the brake is off until the fault is cleared and the sled armed."),
)

HOLDS = (
    Code(0, "HELD", "The device keeps the load by itself."),
    Code(1, "LEASED", "The load lives only while a program renews its lease."),
)

STOPS = (
    Code(0, "RAMP", "Lower the load, then release the brake."),
    Code(1, "DROP", "Release the brake at once."),
)

RESETS = (
    Code(0, "UNKNOWN", "The cause of the last reset is not known."),
    Code(1, "POWER_ON", "Power was switched on, or had fallen away for a moment."),
    Code(2, "WATCHDOG", "The watchdog reset the controller."),
    Code(3, "REBOOT", "A program asked for a reboot."),
)

DEVICE_FLAGS = (
    Code(0, "SIMULATED", "This device is simulated."),
    Code(1, "SLOT_B", "The firmware runs from slot b; else from slot a."),
    Code(2, "ON_TRIAL", "The firmware has yet to prove itself; if it does not, the other slot takes over."),
)

LIMITS = (
    Code(0, "force_max", "The force is at the greatest this sled may make."),
    Code(1, "own_friction", "The sled's own friction is already as much; a brake cannot make it lighter."),
    Code(2, "crawl", "At this crawling speed the brake cannot make the whole force; it comes with speed."),
    Code(3, "passivity", "The force was cut so that the brake cannot reverse the sled."),
    Code(4, "slew", "The force is following as fast as it may."),
    Code(5, "ramp", "The load is still on its way to the new value."),
    Code(
        6, "inertia", "The sled cannot feel that heavy or that light when it speeds up; the nearest was set."
    ),
    Code(7, "speed_cap", "The speed cap is holding the athlete back."),
    Code(8, "bus", "The bus voltage limits the brake."),
    Code(9, "temperature", "The motor temperature limits the brake."),
    Code(10, "range", "A value was outside its range and was brought to the nearest end."),
)

FAULTS = (
    Fault(0, "ESTOP", "drop", "The emergency stop is pressed.", "release the emergency stop"),
    Fault(
        1,
        "DRIVER",
        "drop",
        "The motor driver reports a fault.",
        "switch the driver off and on; if it stays, read the driver's own fault code",
    ),
    Fault(
        2,
        "PASSIVITY",
        "drop",
        "The brake put energy into the sled.",
        "have the driver checked if it returns",
    ),
    Fault(
        3,
        "FORCE_STUCK",
        "drop",
        "The brake holds more force than was commanded.",
        "check the driver and its cable",
    ),
    Fault(
        4,
        "ENCODER_SILENT",
        "ramp",
        "The sled is pulled or pushed hard but the encoder does not count.",
        "check the encoder cable",
    ),
    Fault(
        5,
        "ENCODER_JUMP",
        "ramp",
        "The encoder jumped further than the sled can move.",
        "check the encoder cable",
    ),
    Fault(
        6,
        "CELL_RAILED",
        "ramp",
        "The load cell reads the end of its range: too much force, or a broken cable.",
        "take the force off, check the cable",
    ),
    Fault(7, "CELL_FROZEN", "ramp", "The load cell has stopped changing.", "check the load-cell amplifier"),
    Fault(
        8,
        "CELL_DISAGREES",
        "ramp",
        "The load cell reads another force than brake and motion explain.",
        "zero the load cell with no tension",
    ),
    Fault(9, "OVERSPEED", "ramp", "The sled is faster than its speed limit.", "let the sled slow down"),
    Fault(
        10,
        "BUS_HIGH",
        "ramp",
        "The battery cannot take the braking energy: the bus voltage is too high.",
        "let it fall; check chopper and battery",
    ),
    Fault(11, "BUS_LOW", "ramp", "The battery is too low.", "charge the battery"),
    Fault(12, "TOO_HOT", "ramp", "The motor is too hot.", "let the motor cool down"),
    Fault(
        13,
        "TICK_OVERRUN",
        "ramp",
        "The control loop came too late twice in a row.",
        "report it if it returns",
    ),
    Fault(
        14,
        "MAIN_STALLED",
        "ramp",
        "The main program stopped answering the control loop.",
        "report it if it returns",
    ),
    Fault(
        15,
        "LEASE_LAPSED",
        "warn",
        "The program that held the load fell silent; the load was lowered.",
        "send the load again",
    ),
    Fault(
        16,
        "WATCHDOG_RESET",
        "warn",
        "The controller was reset by its watchdog.",
        "report it if it returns",
    ),
    Fault(
        17,
        "BUS_SENSOR",
        "ramp",
        "The reading of the bus voltage stays the same whatever the brake does.",
        "check the wires of the voltage divider",
    ),
    Fault(
        18,
        "TEMPERATURE_SENSOR",
        "ramp",
        "The motor's temperature sensor is not connected.",
        "check the sensor's wires",
    ),
    Fault(
        19,
        "TICK_STALLED",
        "drop",
        "The control loop stopped; the main program released the brake.",
        "report it if it returns",
    ),
    Fault(
        20,
        "SETTINGS_DAMAGED",
        "warn",
        "The saved settings could not be read; the default settings are in force.",
        "check the settings and save them again",
    ),
    Fault(
        21,
        "NOT_SAVED",
        "warn",
        "The flash did not keep the last load.",
        "copy the firmware onto the board again if it returns",
    ),
)

#: Bits of a sample's `sample_flags`: bit 0 set in push, bits 1-3 the mode, bits 4-15 the first
#: twelve rows of `LIMITS`.
SAMPLE_PUSH_BIT = 0
SAMPLE_MODE_SHIFT = 1
SAMPLE_MODE_MASK = 7
SAMPLE_LIMITS_SHIFT = 4


def fault_mask(*reactions: str) -> int:
    """Bits of all faults whose reaction is one of `reactions`."""
    return sum(1 << fault.number for fault in FAULTS if fault.reaction in reactions)


def limit_names(bits: int) -> list[str]:
    """Names of the limits whose bits are set, in the order of the table."""
    return [limit.name for limit in LIMITS if bits >> limit.number & 1]


def fault_names(bits: int) -> list[str]:
    """Names of the faults whose bits are set, in the order of the table."""
    return [fault.name for fault in FAULTS if bits >> fault.number & 1]
