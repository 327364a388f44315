"""On the chip: what a tick costs in its interrupt while the main program does its worst.

The sled moves under load, by counts and a tow force put in behind the real reading of the inputs. Prints
for each main program its name and, in hex, the cycles of each tick and the time since the one before in us.
"""

import binascii
import gc
import json
from array import array

import machine
import micropython
from micropython import const
from sled import board_rp2040, codec, layout, tick
from sled.app import App

_TICKS = const(200)
_SYST_CSR = 0xE000E010
_SYST_RVR = 0xE000E014

# How many, cycles at the start of this one, time of the last one, then cycles and periods in turn.
found = array("i", bytearray(4 * (3 + 2 * _TICKS)))


@micropython.viper
def begin(found: ptr32):  # noqa: F821
    found[1] = ptr32(0xE000E018)[0]  # noqa: F821


@micropython.viper
def end(found: ptr32):  # noqa: F821
    cycles = int(found[1] - ptr32(0xE000E018)[0]) & 0xFFFFFF  # noqa: F821
    now = int(ptr32(0x40054000)[10])  # noqa: F821
    n = int(found[0])
    if n < _TICKS:
        found[3 + 2 * n] = cycles
        found[4 + 2 * n] = (now - found[2]) & 0xFFFFF
        found[0] = n + 1
    found[2] = now


@micropython.viper
def nothing(s: ptr32, ring: ptr32):  # noqa: F821
    """As long as the call itself takes."""


@micropython.viper
def move(s: ptr32):  # noqa: F821
    s[0] = s[0] + 8  # 1 m/s
    s[1] = 32_768 + 4_260 + (s[30] & 4)  # 130 N, and a flutter


assert (tick.COUNTS, tick.CELL_RAW, tick.SAMPLE_INDEX) == (0, 1, 30)


def moving_inputs(s, own, read=board_rp2040._read_inputs, move=move):
    read(s, own)
    move(s)


def timed_tick(s, ring, tick=tick.tick, begin=begin, end=end, found=found):
    begin(found)
    tick(s, ring)
    end(found)


# So many names that the lookup cache of MicroPython is of no use to anybody.
for number in range(150):
    globals()["name_%d" % number] = number
THRASH = "def thrash():\n" + "".join("    name_%d\n" % number for number in range(150))
exec(THRASH)


def idle(app):
    pass


def collect(app):
    [[number] for number in range(40)]
    gc.collect()


def talk(app):
    """A host that wants all telemetry and asks for the status all the time."""
    app.telemetry.is_streaming = True
    app.link.frame[0] = layout.KIND_GET_STATUS
    codec.put_u16(app.link.frame, layout.HEADER_BYTES, 7)
    app.commands.handle(layout.HEADER_BYTES + layout.SIZE_GET_STATUS)
    app.poll()


def thrash_cache(app):
    thrash()  # noqa: F821
    json.dumps({"name": [1, 2, 3]})


class Board(board_rp2040.Board):
    def write(self, buf, start, end):
        return end - start  # USB takes it all, at once


def main():
    board_rp2040.tick = timed_tick
    board_rp2040._read_inputs = moving_inputs
    machine.mem32[_SYST_RVR] = 0xFFFFFF
    machine.mem32[_SYST_CSR] = 5
    for _ in range(_TICKS):
        timed_tick(found, found, nothing)
    print("empty", binascii.hexlify(found).decode())
    app = App(Board())
    s = app.s
    s[tick.PULL] = 130_000
    s[tick.PULL + 1] = 30_000
    s[tick.VELOCITY_mm_per_s_q10] = 8 * s[tick.um_PER_1024_COUNTS]
    s[tick.DROP_MASK] = s[tick.RAMP_MASK] = 0
    for program in (idle, collect, talk, thrash_cache):
        gc.collect()
        s[tick.MAIN_LEFT_ticks] = 1_000_000
        s[tick.PERMIT] = tick.PERMIT_RAISE
        s[tick.CEILING_mN] = 800_000
        found[0] = 0
        while found[0] < _TICKS:
            program(app)
            s[tick.PERMIT] = tick.PERMIT_RAISE
            s[tick.MAIN_LEFT_ticks] = 1_000_000
        print(program.__name__, binascii.hexlify(found).decode())
