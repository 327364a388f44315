"""On the chip: replay the stimulus with the viper tick; prints checks, cycles, state and ring.

`PARTS` pieces of the stimulus lie on flash as part_N.bin; RAM could not hold it whole. One line is
a word and its values: `check TICKS CHECK`, `cycles HEX`, `empty HEX`, `state HEX`, `ring CRC`.
"""

import binascii
import gc
from array import array

import machine
import micropython
from sled import replay
from sled import tick as firmware

_LINE_TICKS = 1000
_SYST_CSR = 0xE000E010
_SYST_RVR = 0xE000E014
_SYST_CVR = 0xE000E018


@micropython.viper
def nothing(s: ptr32, ring: ptr16):  # noqa: F821
    """As long as the call itself takes."""


class Timed:
    """A tick with its cost in cycles of the processor clock, by SysTick, the call included."""

    def __init__(self, tick, ticks):
        self.tick = tick
        self.cycles = array("H", bytes(2 * ticks))
        self.at = 0

    def __call__(self, s, ring):
        mem32 = machine.mem32
        tick = self.tick
        before = mem32[_SYST_CVR]
        tick(s, ring)
        after = mem32[_SYST_CVR]
        self.cycles[self.at] = (before - after) & 0xFFFFFF
        self.at += 1


def start_cycle_counter():
    machine.mem32[_SYST_RVR] = 0xFFFFFF
    machine.mem32[_SYST_CVR] = 0
    machine.mem32[_SYST_CSR] = 5  # on, processor clock, no interrupt


def main(parts, ticks, check_every_ticks):
    start_cycle_counter()
    empty = Timed(nothing, 50)
    timed = Timed(firmware.tick, ticks)
    run = replay.Replay(timed, firmware.STATE_WORDS, firmware.SAMPLE_WORDS * firmware.RING_SAMPLES)
    for _ in range(50):
        empty(run.s, run.ring)

    def each_tick(done):
        if done.ticks % check_every_ticks == 0:
            print("check", done.ticks, done.check)

    for number in range(parts):
        gc.collect()
        with open("part_%d.bin" % number, "rb") as file:
            run.run(array("i", file.read()), each_tick)
    print("check", run.ticks, run.check)
    for at in range(0, len(timed.cycles), _LINE_TICKS):  # in hex it would be more than the heap can give
        print("cycles", binascii.hexlify(timed.cycles[at : at + _LINE_TICKS]).decode())
    print("empty", binascii.hexlify(empty.cycles).decode())
    print("state", binascii.hexlify(run.s).decode())
    print("ring", binascii.crc32(run.ring))
