"""Replays a stimulus through the tick; runs on CPython, unix MicroPython and the chip.

A stimulus is an array('i'): for each tick how many words are set before it, then word and value of
each. The check of a tick is the CRC-32 of the whole state block, continued from tick to tick: one
equal number says that every word after every tick so far was equal.
"""

import binascii
from array import array

try:
    import micropython
except ImportError:  # CPython
    from device.sled.cpython import micropython, ptr32


@micropython.viper
def set_words(stimulus: ptr32, at: int, s: ptr32) -> int:
    """Set the words of the tick at `at` in the state block; where the next tick begins."""
    count = stimulus[at]
    at += 1
    while count > 0:
        s[stimulus[at]] = stimulus[at + 1]
        at += 2
        count -= 1
    return at


class Replay:
    """A state block and ring, all zeros at first, and the check over all ticks so far."""

    def __init__(self, tick, state_words, ring_words):
        self.tick = tick
        self.s = array("i", bytes(4 * state_words))
        self.ring = array("H", bytes(2 * ring_words))
        self.ticks = 0
        self.check = 0

    def run(self, stimulus, each_tick):
        """Run all ticks of `stimulus`; calls `each_tick(replay)` after each."""
        at = 0
        end = len(stimulus)
        while at < end:
            at = set_words(stimulus, at, self.s)
            self.tick(self.s, self.ring)
            self.check = binascii.crc32(self.s, self.check)
            self.ticks += 1
            each_tick(self)
