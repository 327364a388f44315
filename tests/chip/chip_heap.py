"""On the chip: ticks with the heap locked, where any allocation raises MemoryError.

Prints how many ticks ran, by how much the heap grew, and whether the lock was one.
"""

import gc
from array import array

import micropython
from sled import replay
from sled import tick as firmware


def ticks_with_locked_heap(tick, stimulus, s, ring):
    at = 0
    end = len(stimulus)
    ticks = 0
    micropython.heap_lock()
    try:
        while at < end:
            at = replay.set_words(stimulus, at, s)
            tick(s, ring)
            ticks += 1
    finally:
        micropython.heap_unlock()
    return ticks


def is_lock_effective():
    micropython.heap_lock()
    try:
        bytearray(64)
        return False
    except MemoryError:
        return True
    finally:
        micropython.heap_unlock()


def main(parts):
    s = array("i", bytes(4 * firmware.STATE_WORDS))
    ring = array("H", bytes(2 * firmware.SAMPLE_WORDS * firmware.RING_SAMPLES))
    ticks = 0
    grown = 0
    for number in range(parts):
        gc.collect()
        with open("part_%d.bin" % number, "rb") as file:
            stimulus = array("i", file.read())
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        more = ticks_with_locked_heap(firmware.tick, stimulus, s, ring)
        grown += gc.mem_alloc() - before
        gc.enable()
        ticks += more
    print(ticks, grown, is_lock_effective())
