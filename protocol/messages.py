"""Every message on the wire, as Construct structs: the only definition of the layout.

A frame's body starts right after `kind` and `flags`; all integers are little-endian. The firmware
and the command line work from files generated out of these structs (`python -m protocol.generate`),
because neither can afford to import Construct on its hot path; the tests hold all three equal.

Frozen for ever: HELLO, STOP and the first fields of HELLO_REPLY up to `boot_id`. Any host, however
old or new, can identify a device and stop it.
"""

from typing import NamedTuple

from construct import (
    Bytes,
    Construct,
    GreedyRange,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Struct,
)

from protocol.quantities import QUANTITIES

PROTOCOL_MAJOR = 1
PROTOCOL_MINOR = 2

UNIQUE_ID_BYTES = 8

_WIRE: dict[str, Construct] = {
    "u8": Int8ul,
    "u16": Int16ul,
    "u32": Int32ul,
    "i16": Int16sl,
    "i32": Int32sl,
}


def _fields(*names: str) -> tuple[Construct, ...]:
    """Fields named after their quantity, which decides wire type, unit and meaning."""
    return tuple(name / _WIRE[QUANTITIES[name].wire] for name in names)


LOAD = Struct(
    *_fields(
        "force_mN",
        "inertia_g",
        "viscous_mN_s_per_m",
        "quadratic_mN_s2_per_m2",
        "stiffness_mN_per_m",
        "speed_cap_mm_per_s",
    )
)

SAMPLE = Struct(
    *_fields(
        "position_um",
        "velocity_mm_per_s",
        "tow_force_dN",
        "law_force_dN",
        "brake_force_dN",
        "sample_flags",
    )
)


class Message(NamedTuple):
    """One kind of message: its number, direction, body and purpose."""

    kind: int
    name: str
    to_device: bool
    body: Construct
    doc: str


_COMMAND = _fields("command_id")

MESSAGES: tuple[Message, ...] = (
    # Host to device.
    Message(
        0x01,
        "HELLO",
        True,
        Struct(*_fields("protocol_major", "protocol_minor")),
        "Who are you? Frozen for ever; answered by HELLO_REPLY whatever the version.",
    ),
    Message(
        0x02,
        "STOP",
        True,
        Struct(*_COMMAND, *_fields("stop_kind")),
        "Lower the load (RAMP) or release it at once (DROP). Frozen for ever; always accepted.",
    ),
    Message(
        0x03,
        "ARM",
        True,
        Struct(*_COMMAND),
        "Allow loads from now on, starting from no load; refused while a button of the sled is held.",
    ),
    Message(
        0x04,
        "SET_LOAD",
        True,
        Struct(*_COMMAND, *_fields("hold", "lease_ms"), "pull" / LOAD, "push" / LOAD),
        "The whole load for both directions; absolute, so a repeat changes nothing. Answered by LOAD_REPLY.",
    ),
    Message(
        0x05,
        "HEARTBEAT",
        True,
        Struct(*_COMMAND, *_fields("lease_ms")),
        "Renew the lease of a leased load; lease_ms 0 keeps its length.",
    ),
    Message(0x06, "CLEAR_FAULT", True, Struct(*_COMMAND), "Clear latched faults whose cause has gone."),
    Message(0x07, "GET_STATUS", True, Struct(*_COMMAND), "Answered by STATUS."),
    Message(
        0x08, "GET_SETTING", True, Struct(*_COMMAND, *_fields("setting")), "Answered by REPLY with the value."
    ),
    Message(
        0x09,
        "SET_SETTING",
        True,
        Struct(*_COMMAND, *_fields("setting", "setting_value")),
        "Change one setting until the next reset; refused while armed.",
    ),
    Message(
        0x0A, "SAVE_SETTINGS", True, Struct(*_COMMAND), "Keep the settings over a reset; refused while armed."
    ),
    Message(
        0x0B,
        "STREAM",
        True,
        Struct(*_COMMAND, *_fields("enabled", "sample_index")),
        "Send telemetry from that sample on (or from the oldest still kept), or stop sending it. Live "
        "samples come first, then older ones as if asked for by RESEND; earlier RESENDs are forgotten.",
    ),
    Message(
        0x0C,
        "RESEND",
        True,
        Struct(*_COMMAND, *_fields("sample_index", "sample_count")),
        "Send these samples again, after live ones; those already overwritten are declared by SAMPLES_LOST. "
        "BUSY: as many gaps as it can keep are waiting; ask again.",
    ),
    Message(0x0D, "CLOCK_PING", True, Struct(*_fields("ping_id")), "Answered by CLOCK_PONG."),
    Message(
        0x0E,
        "ENTER_REPL",
        True,
        Struct(*_COMMAND),
        "Leave the firmware for MicroPython's prompt; refused while armed.",
    ),
    Message(0x0F, "REBOOT", True, Struct(*_COMMAND), "Reset the controller; refused while armed."),
    # Device to host.
    Message(
        0x81,
        "HELLO_REPLY",
        False,
        Struct(
            *_fields(
                "protocol_major",
                "protocol_minor",
                "layout_hash",
                "firmware_major",
                "firmware_minor",
                "firmware_patch",
                "device_flags",
            ),
            "unique_id" / Bytes(UNIQUE_ID_BYTES),
            *_fields("boot_id"),
            # Up to here frozen for ever: see HELLO_REPLY_FROZEN_LAST.
            *_fields("reset_cause", "sample_period_us", "sample_count", "force_mN", "mass_g"),
            # Only ever added to at this end: a host of an older minor gets those it knows.
            *_fields("build_id"),
        ),
        "Identity, versions, and the device's limits: `sample_count` is the ring's size, `force_mN` the "
        "greatest force of any load, `mass_g` the mass of the bare sled. `build_id` since protocol 1.2.",
    ),
    Message(
        0x82,
        "REPLY",
        False,
        Struct(*_COMMAND, *_fields("result", "mode", "setting_value")),
        "Answer to a command; `setting_value` is what holds after clamping, 0 where there is none.",
    ),
    Message(
        0x84,
        "LOAD_REPLY",
        False,
        Struct(*_COMMAND, *_fields("result", "mode", "limits"), "pull" / LOAD, "push" / LOAD),
        "Answer to SET_LOAD: the load that holds after clamping, and what limited it.",
    ),
    Message(
        0x87,
        "STATUS",
        False,
        Struct(
            *_COMMAND,
            *_fields(
                "mode",
                "hold",
                "lease_ms",
                "faults",
                "limits",
                "sample_index",
                "tow_force_dN",
                "law_force_dN",
                "brake_force_dN",
                "velocity_mm_per_s",
                "position_um",
                "odometer_mm",
                "temperature_cC",
                "bus_mV",
            ),
            "pull" / LOAD,
            "push" / LOAD,
        ),
        "What the sled is doing now, and the load in force.",
    ),
    Message(
        0x90,
        "TELEMETRY",
        False,
        Struct(*_fields("boot_id", "sample_index"), "samples" / GreedyRange(SAMPLE)),
        "Samples of consecutive ticks; `sample_index` is the number of the first.",
    ),
    Message(
        0x91,
        "SAMPLES_LOST",
        False,
        Struct(*_fields("boot_id", "sample_index", "sample_count")),
        "These samples were overwritten before they could be sent; they will never come.",
    ),
    Message(
        0x92,
        "FAULT",
        False,
        Struct(*_fields("sample_index", "fault", "mode", "faults")),
        "A fault was latched at this tick.",
    ),
    Message(
        0x93,
        "CLOCK_PONG",
        False,
        Struct(*_fields("ping_id", "sample_index", "since_tick_us")),
        "The device's time: the newest sample's number and the time since it was taken.",
    ),
)

BY_KIND = {message.kind: message for message in MESSAGES}
BY_NAME = {message.name: message for message in MESSAGES}

#: Last field of HELLO_REPLY that every version has at the same place.
HELLO_REPLY_FROZEN_LAST = "boot_id"

#: Bit 0 of a frame's flags: these samples fill a gap, asked for by RESEND or left by the live ones.
FLAG_RESENT = 1

#: kind, flags and CRC-32 around the body, and the greatest frame before COBS.
HEADER_BYTES = 2
CRC_BYTES = 4
FRAME_BYTES_MAX = 254
BODY_BYTES_MAX = FRAME_BYTES_MAX - HEADER_BYTES - CRC_BYTES
SAMPLES_PER_FRAME_MAX = (BODY_BYTES_MAX - 6) // SAMPLE.sizeof()
