"""What can go wrong between host and sled: a cable that damages, loses, delays; a host that dies."""

from collections.abc import Callable

from sim.faults.breaking import End, Fault, Value, put, together
from sim.rig import Rig


def _cable(attribute: str) -> Callable[[Rig, float], End]:
    return lambda rig, value: put(rig, "cable", attribute, value)


def _link_splits(rig: Rig, _: float) -> End:
    return put(rig, "cable", "split", True)


def _unplug(rig: Rig, _: float) -> End:
    return put(rig, "cable", "is_plugged", False)


def _host_stops_reading(rig: Rig, _: float) -> End:
    return put(rig, "cable", "is_host_deaf", True)


def _host_death(rig: Rig, _: float) -> End:
    return together(put(rig, "cable", "is_host_silent", True), put(rig, "cable", "is_host_deaf", True))


_CARRIES_ON = "Nothing: frames have a checksum, commands are repeated and samples asked for again."

LINK_FAULTS = (
    Fault(
        "link_bit_flips",
        "link",
        "The cable turns over this part of the bits.",
        _cable("flip_rate"),
        Value("part", 1e-4, 0.0, 0.5),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_drops",
        "link",
        "The cable loses this part of the packets.",
        _cable("drop_rate"),
        Value("part", 0.02, 0.0, 1.0),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_duplicates",
        "link",
        "The cable carries this part of the packets twice.",
        _cable("duplicate_rate"),
        Value("part", 0.05, 0.0, 1.0),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_garbage",
        "link",
        "The cable adds random bytes before this part of the packets.",
        _cable("garbage_rate"),
        Value("part", 0.05, 0.0, 1.0),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_splits",
        "link",
        "Bytes come in odd pieces.",
        _link_splits,
        expected="Nothing: frames end with a zero byte, wherever the pieces are cut.",
    ),
    Fault(
        "link_merges",
        "link",
        "Bytes are held back and come in a lump so often.",
        _cable("merge_ms"),
        Value("ms", 100.0, 1.0, 2000.0),
        expected="Nothing: frames end with a zero byte, and a lease outlasts a short delay.",
    ),
    Fault(
        "link_delay",
        "link",
        "Bytes come so much later.",
        _cable("delay_ms"),
        Value("ms", 100.0, 1.0, 5000.0),
        expected="Nothing: heartbeats come late, but as often as before, and the lease is kept.",
    ),
    Fault(
        "unplug",
        "link",
        "The cable is pulled out; the end of it is that it is plugged in again.",
        _unplug,
        shows="LEASE_LAPSED",
    ),
    Fault(
        "host_death",
        "link",
        "The program that held the load dies: it writes nothing and reads nothing.",
        _host_death,
        shows="LEASE_LAPSED",
    ),
    Fault(
        "host_stops_reading",
        "link",
        "The program still writes but reads nothing.",
        _host_stops_reading,
        expected="Nothing: heartbeats still come, and samples wait for 3 s in the device.",
    ),
)
