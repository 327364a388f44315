"""What can go wrong between host and sled: a cable that damages, loses, delays; a host that dies."""

from sim.faults.breaking import End, Fault, Value, puts, puts_fixed, together
from sim.rig import Rig

_host_silent = puts_fixed("cable", "is_host_silent", True)
_host_deaf = puts_fixed("cable", "is_host_deaf", True)


def _host_death(rig: Rig, _: float) -> End:
    return together(_host_silent(rig, 0.0), _host_deaf(rig, 0.0))


_CARRIES_ON = "Nothing: frames have a checksum, commands are repeated and samples asked for again."

LINK_FAULTS = (
    Fault(
        "link_bit_flips",
        "link",
        "The cable turns over this part of the bits.",
        puts("cable", "flip_rate"),
        Value("part", 1e-4, 0.0, 0.5),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_drops",
        "link",
        "The cable loses this part of the packets.",
        puts("cable", "drop_rate"),
        Value("part", 0.02, 0.0, 1.0),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_duplicates",
        "link",
        "The cable carries this part of the packets twice.",
        puts("cable", "duplicate_rate"),
        Value("part", 0.05, 0.0, 1.0),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_swaps",
        "link",
        "The cable carries this part of the packets after the one that follows them.",
        puts("cable", "swap_rate"),
        Value("part", 0.05, 0.0, 1.0),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_garbage",
        "link",
        "The cable adds random bytes before this part of the packets.",
        puts("cable", "garbage_rate"),
        Value("part", 0.05, 0.0, 1.0),
        expected=_CARRIES_ON,
    ),
    Fault(
        "link_splits",
        "link",
        "Bytes come in odd pieces.",
        puts_fixed("cable", "split", True),
        expected="Nothing: frames end with a zero byte, wherever the pieces are cut.",
    ),
    Fault(
        "link_merges",
        "link",
        "Bytes are held back and come in a lump so often.",
        puts("cable", "merge_ms"),
        Value("ms", 100.0, 1.0, 2000.0),
        expected="Nothing: frames end with a zero byte, and a lease outlasts a short delay.",
    ),
    Fault(
        "link_delay",
        "link",
        "Bytes come so much later.",
        puts("cable", "delay_ms"),
        Value("ms", 100.0, 1.0, 5000.0),
        expected="Nothing: heartbeats come late, but as often as before, and the lease is kept.",
    ),
    Fault(
        "unplug",
        "link",
        "The cable is pulled out; the end of it is that it is plugged in again.",
        puts_fixed("cable", "is_plugged", False),
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
        _host_deaf,
        expected="Nothing: heartbeats still come, and samples wait for 3 s in the device.",
    ),
)
