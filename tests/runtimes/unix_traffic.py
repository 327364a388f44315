"""On unix MicroPython: the heap of the whole firmware before and after a stretch of link traffic.

Each second of it a host asks for the status and the clock four times, renews its lease four times, sets a
load, reads a setting, sends noise and a damaged frame, and wants 200 samples again, while all samples
stream. Prints free bytes after boot and at the end, both after a collection. Argument: seconds.
"""

import gc
import sys

from sled import layout, tick
from sled.bare import Bare

LEASE = (layout.OFF_SET_LOAD_LEASE_ms, 232), (layout.OFF_SET_LOAD_LEASE_ms + 1, 3)  # 1000 ms
HEARTBEAT = (layout.OFF_HEARTBEAT_LEASE_ms, 232), (layout.OFF_HEARTBEAT_LEASE_ms + 1, 3)


def noise(bare, seed):
    for at in range(64):
        bare.board.bytes[at] = (at * at * 7 + seed) & 0xFF
    bare.board.bytes[64] = 0
    bare.board.at = 0
    bare.board.end = 65


def say_something(bare, at_ms):
    """What the host says at this moment of a second."""
    if at_ms % 250 == 0:
        bare.ask(layout.KIND_GET_STATUS, layout.SIZE_GET_STATUS)
    elif at_ms % 250 == 48:
        bare.ask(layout.KIND_HEARTBEAT, layout.SIZE_HEARTBEAT, *HEARTBEAT)
    elif at_ms % 250 == 96:
        bare.ask(layout.KIND_CLOCK_PING, layout.SIZE_CLOCK_PING)
    elif at_ms == 144:
        bare.ask(
            layout.KIND_SET_LOAD,
            layout.SIZE_SET_LOAD,
            (layout.OFF_SET_LOAD_HOLD, layout.HOLD_LEASED),
            *LEASE,
        )
    elif at_ms == 192:
        bare.ask(layout.KIND_GET_SETTING, layout.SIZE_GET_SETTING)
    elif at_ms == 400:
        noise(bare, bare.command_id & 0xFF)
    elif at_ms == 448:
        bare.ask(layout.KIND_GET_STATUS, layout.SIZE_GET_STATUS)
        bare.board.bytes[5] ^= 0x55
    elif at_ms == 640:
        bare.ask_for_samples(bare.s[tick.SAMPLE_INDEX] - 1_000, 200)


def main(seconds):
    bare = Bare()
    bare.run(3)
    bare.hello()
    bare.ask(layout.KIND_STREAM, layout.SIZE_STREAM, (layout.OFF_STREAM_ENABLED, 1))
    bare.app.poll()
    bare.ask(layout.KIND_ARM, layout.SIZE_ARM)
    bare.app.poll()
    bare.start_moving()
    gc.collect()
    before = gc.mem_free()
    written = bare.board.written
    for _ in range(seconds):
        for at_ms in range(0, 1000, 4):
            bare.run(4)
            say_something(bare, at_ms)
            bare.app.poll()
            bare.app.poll()
    written = bare.board.written - written
    gc.collect()
    print(before, gc.mem_free(), bare.s[tick.SAMPLE_INDEX], written, bare.app.mode, bare.app.link.damaged)


main(int(sys.argv[1]))
