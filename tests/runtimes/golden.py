"""The golden checks of the law: what the state block was, every 250 ticks of the stimulus, on CPython.

A law that changed unasked shows as a difference here. After a change made on purpose: `make golden`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from device.sled import tick as firmware
from tests.runtimes.replay import Replay
from tests.runtimes.stimulus import CHECK_EVERY_TICKS, GOLDEN, Golden, read_stimulus


def new_replay() -> Replay:
    """The tick on CPython, at rest."""
    return Replay(firmware.tick, firmware.STATE_WORDS, firmware.SAMPLE_WORDS * firmware.RING_SAMPLES)


def checks() -> Iterator[Golden]:
    """A check every CHECK_EVERY_TICKS, and after the last tick."""
    found: list[Golden] = []
    run = new_replay()

    def each(done: Replay) -> None:
        if done.ticks % CHECK_EVERY_TICKS == 0:
            found.append(Golden(done.ticks, done.check))

    run.run(read_stimulus(), each)
    last = Golden(run.ticks, run.check)
    return iter(found if found and found[-1] == last else [*found, last])


def write(path: Path = GOLDEN) -> int:
    """Write the golden file; how many checks it holds."""
    rows = [f"{row.ticks},{row.check:08x}" for row in checks()]
    path.write_text("\n".join(["ticks,check", *rows, ""]), encoding="ascii", newline="\n")
    return len(rows)


if __name__ == "__main__":
    print(f"wrote {GOLDEN.name}: {write()} checks")
    sys.exit(0)
