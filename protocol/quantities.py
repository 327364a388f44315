"""Every quantity that travels on the wire: its unit, wire type, scale to SI, range and meaning.

The unit is part of the name (`force_mN`), on the wire and on the device alike; the host turns it
into SI (`force_N`) by the scale given here and nowhere else. This table may not import Construct:
the command line reads it on every start.
"""

from typing import NamedTuple


class Quantity(NamedTuple):
    """One row: `si_value = wire_value * scale`, with `minimum <= wire_value <= maximum`."""

    name: str  #: name on the wire and on the device, unit included
    wire: str  #: u8, u16, u32, i16 or i32, little-endian
    si_name: str  #: name on the host, SI unit included
    scale: float  #: SI units per wire unit
    minimum: int  #: lowest value in wire units
    maximum: int  #: highest value in wire units
    doc: str


def _count(name: str, wire: str, doc: str, maximum: int | None = None) -> Quantity:
    """A dimensionless number: the same on the wire and on the host."""
    top = {"u8": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF}[wire]
    return Quantity(name, wire, name, 1, 0, top if maximum is None else maximum, doc)


# Values that the tick computes with stay below 2**30, so that they are small integers on the chip.
_INDEX_MAX = 2**30 - 1

QUANTITIES: dict[str, Quantity] = {
    q.name: q
    for q in (
        # The law: F = force + inertia*a + viscous*v + quadratic*v^2 + stiffness*x, and a speed cap.
        Quantity("force_mN", "i32", "force_N", 1e-3, 0, 1_000_000, "constant part of the tow force, F0"),
        Quantity("inertia_g", "i32", "inertia_kg", 1e-3, 0, 500_000, "mass whose inertia is felt, m"),
        Quantity("viscous_mN_s_per_m", "i32", "viscous_N_s_per_m", 1e-3, 0, 1_000_000, "force per speed, b"),
        Quantity(
            "quadratic_mN_s2_per_m2",
            "i32",
            "quadratic_N_s2_per_m2",
            1e-3,
            0,
            100_000,
            "force per speed squared, c",
        ),
        Quantity(
            "stiffness_mN_per_m",
            "i32",
            "stiffness_N_per_m",
            1e-3,
            0,
            500_000,
            "force per distance from the last reversal, k",
        ),
        Quantity(
            "speed_cap_mm_per_s",
            "i32",
            "speed_cap_m_per_s",
            1e-3,
            0,
            10_000,
            "speed above which the brake holds back hard, v_cap; 0 means no cap",
        ),
        # What is measured and commanded. Signs: positive when the hitch side leads (pull), tension positive.
        Quantity("tow_force_dN", "i16", "force_N", 0.1, -32_768, 32_767, "measured tow force"),
        Quantity("law_force_dN", "i16", "law_force_N", 0.1, 0, 32_767, "tow force the law asks for"),
        Quantity("brake_force_dN", "i16", "brake_force_N", 0.1, 0, 32_767, "commanded brake force"),
        Quantity("velocity_mm_per_s", "i16", "velocity_m_per_s", 1e-3, -32_768, 32_767, "sled velocity"),
        Quantity(
            "position_um",
            "i32",
            "position_m",
            1e-6,
            -(2**29),
            2**29 - 1,
            "sled position; wraps every 2**30 um (1073.741824 m), the host unwraps it",
        ),
        Quantity("odometer_mm", "u32", "odometer_m", 1e-3, 0, _INDEX_MAX, "path length rolled since boot"),
        Quantity("temperature_cC", "i16", "temperature_C", 0.01, -5_000, 25_000, "motor temperature"),
        Quantity("bus_mV", "i32", "bus_V", 1e-3, 0, 100_000, "voltage of the battery bus"),
        # Time.
        Quantity("lease_ms", "u16", "lease_s", 1e-3, 0, 10_000, "time a leased load lives without renewal"),
        Quantity(
            "sample_period_us", "u32", "sample_period_s", 1e-6, 100, 100_000, "time between two samples"
        ),
        Quantity("since_tick_us", "u32", "since_tick_s", 1e-6, 0, _INDEX_MAX, "time since that sample"),
        # Numbers.
        Quantity("mass_g", "i32", "mass_kg", 1e-3, 0, 500_000, "mass of the bare sled"),
        _count("sample_index", "u32", "number of a telemetry sample since boot; never skips", _INDEX_MAX),
        _count("sample_count", "u16", "how many samples"),
        _count("command_id", "u16", "chosen by the host; a repeat is answered, not applied twice"),
        _count("ping_id", "u16", "chosen by the host, returned in the answer"),
        _count("boot_id", "u16", "changes at every boot: tells a reset from an unplug"),
        _count("protocol_major", "u8", "differing majors refuse all but HELLO and STOP"),
        _count("protocol_minor", "u8", "newer minors only add"),
        _count("layout_hash", "u32", "CRC-32 over every name, type, scale and code of this protocol"),
        _count("firmware_major", "u8", "firmware version, first part"),
        _count("firmware_minor", "u8", "firmware version, second part"),
        _count("firmware_patch", "u8", "firmware version, third part"),
        _count("build_id", "u32", "names the firmware's files (MANIFEST); 0: not started from a slot"),
        # Codes, each from a table in `protocol.codes`.
        _count("result", "u8", "code of `RESULTS`"),
        _count("mode", "u8", "code of `MODES`"),
        _count("hold", "u8", "code of `HOLDS`"),
        _count("stop_kind", "u8", "code of `STOPS`"),
        _count("fault", "u8", "code of `FAULTS`"),
        _count("reset_cause", "u8", "code of `RESETS`"),
        _count("limits", "u16", "one bit for each row of `LIMITS`"),
        _count("faults", "u32", "one bit for each row of `FAULTS`", _INDEX_MAX),
        _count("sample_flags", "u16", "direction, mode and limits of one sample, see `SAMPLE_FLAGS`"),
        _count("device_flags", "u8", "one bit for each row of `DEVICE_FLAGS`"),
        _count("setting", "u8", "number of a row of `protocol.settings.SETTINGS`"),
        Quantity(
            "setting_value", "i32", "setting_value", 1, -(2**30), _INDEX_MAX, "in the setting's own unit"
        ),
        _count("enabled", "u8", "1 on, 0 off"),
    )
}
