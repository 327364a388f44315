"""On unix MicroPython: prints the us that all ticks of a stimulus took, without the loop around them."""

import sys
import time
from array import array

from sled import replay
from sled import tick as firmware


def nothing(s, ring):
    """Takes the tick's place."""


def loop_us(tick, stimulus):
    s = array("i", bytes(4 * firmware.STATE_WORDS))
    ring = array("H", bytes(2 * firmware.SAMPLE_WORDS * firmware.RING_SAMPLES))
    at = 0
    end = len(stimulus)
    before = time.ticks_us()
    while at < end:
        at = replay.set_words(stimulus, at, s)
        tick(s, ring)
    return time.ticks_diff(time.ticks_us(), before)


with open(sys.argv[1], "rb") as file:
    drive = array("i", file.read())
rounds = range(int(sys.argv[2]))
print(min([loop_us(firmware.tick, drive) for _ in rounds]) - min([loop_us(nothing, drive) for _ in rounds]))
