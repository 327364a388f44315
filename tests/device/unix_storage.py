# Run by unix MicroPython in a folder of its own: boots the firmware on a board whose flash is that folder.
# `show N` prints setting N, the force of the last load and the faults; `save N VALUE` sets and saves;
# `hold N VALUE` sets without saving, holds a load and drops it, is idle with the heap locked but for the
# write, and prints how many slots there are, what idle passes allocated, and whether the lock was one.

import gc
import os
import sys
from array import array

import micropython
from sled import layout, modes, slots, tick
from sled.app import App


class Board:
    flags = 0
    boot_id = 1
    reset_cause = layout.RESET_POWER_ON
    unique_id = b"unixunix"
    load_slot = staticmethod(slots.load)
    save_slot = staticmethod(slots.save)

    def start(self, s, ring):
        self.s = s
        self.ring = ring

    def readinto(self, buffer):
        return 0

    def write(self, buffer, start, end):
        return end - start

    def confirm(self):
        pass

    def show(self, bits):
        pass

    def uptime_ms(self):
        return self.s[tick.SAMPLE_INDEX] & 0xFFFFF


def passes(app, ticks):
    s, ring = app.board.s, app.board.ring
    while ticks:
        tick.tick(s, ring)
        app.poll()
        ticks -= 1


def locked(app, ticks):
    micropython.heap_lock()
    try:
        passes(app, ticks)
    finally:
        micropython.heap_unlock()


def is_lock_effective():
    micropython.heap_lock()
    try:
        bytearray(64)
        return False
    except MemoryError:
        return True
    finally:
        micropython.heap_unlock()


def hold(app):
    load = array("i", [100_000, 30_000, 0, 0, 0, 0] * 2)
    passes(app, 5)
    app.arm()
    passes(app, 5)
    app.take_load(load, layout.HOLD_HELD, 0, 0)
    passes(app, 5)
    app.trigger(modes.DROP)
    passes(app, 5)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    locked(app, 1900)
    grown = gc.mem_alloc() - before
    gc.enable()
    passes(app, 200)  # here it is written
    locked(app, 500)
    print(len([name for name in os.listdir() if name in slots.NAMES]), grown, is_lock_effective())


def main(what, number, value=None):
    app = App(Board())
    at = tick.SETTINGS_AT + int(number)
    if value is not None:
        app.s[at] = int(value)
    if what == "show":
        print(app.s[at], app.last_load[0], app.faults())
    elif what == "save":
        print(app.storage.save_settings())
    else:
        hold(app)


main(*sys.argv[1:])
