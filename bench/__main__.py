"""`make bench`: what the machine can do, as ratios measured in one run, since bare times say little.

python -m bench [tick] [chip] [usb] [boot] [start] [simulation] [world] [codec] [serve] [passivity]
"""

import sys
from collections.abc import Callable

from bench import boot, chip, codec, passivity, sharing, simulation, start, tick, usb, world
from bench.report import Missing, heading, skipped

PARTS: dict[str, tuple[str, Callable[[], None]]] = {
    "tick": ("The control tick, 1000 times a second", tick.measure),
    "chip": ("The firmware on the emulated RP2040 (minutes)", chip.measure),
    "usb": ("USB of the emulated RP2040, whatever the host does", usb.measure),
    "boot": ("From reset to HELLO on the emulated RP2040 (minutes)", boot.measure),
    "start": ("From the shell to a loaded sled and back", start.measure),
    "simulation": ("Simulated seconds for each second of wall time", simulation.measure),
    "world": ("The simulated physics beside closed forms", world.measure),
    "codec": ("Frames and messages on the host", codec.measure),
    "serve": ("One sled shared by several commands", sharing.measure),
    "passivity": ("Energy that the brake puts into the sled", passivity.measure),
}


def main(wanted: list[str]) -> int:
    """Run the named parts, or all; 2 for a part that does not exist."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"bench: no part {unknown[0]!r}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in wanted or PARTS:
        title, measure = PARTS[name]
        heading(title)
        try:
            measure()
        except Missing as reason:
            skipped(str(reason))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
