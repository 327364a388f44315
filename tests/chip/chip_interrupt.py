"""On the chip: how much of the processor the tick's interrupt takes, inputs and outputs included.

Prints how often a loop runs in the same time without the interrupt and with it.
"""

import time
from array import array

from sled import settings
from sled import tick as firmware
from sled.board_rp2040 import Board


def loops(span_us):
    count = 0
    end = time.ticks_add(time.ticks_us(), span_us)
    while time.ticks_diff(end, time.ticks_us()) > 0:
        count += 1
    return count


def main(span_us):
    s = array("i", bytes(4 * firmware.STATE_WORDS))
    ring = array("H", bytes(2 * firmware.SAMPLE_WORDS * firmware.RING_SAMPLES))
    s[firmware.DIRECTION] = s[firmware.HEADING] = 1
    settings.take_defaults(s)
    s[firmware.MAIN_LEFT_ticks] = 1_000_000
    board = Board()
    loops(2_000)
    free = loops(span_us)
    board.start(s, ring)
    time.sleep_ms(3)
    before = s[firmware.SAMPLE_INDEX]
    busy = loops(span_us)
    print(free, busy, s[firmware.SAMPLE_INDEX] - before)
