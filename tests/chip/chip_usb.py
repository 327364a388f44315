"""On the chip, as main.py: the firmware, streaming, with a stop watch on its main loop and on USB.

It counts and times three phases: a host that reads, one that does not (GP21 is high), one that floods
(GP22 is high). Then, at the next byte, it prints `RESULT` lines, each between zeros: of each phase the
passes of the main loop, the longest, the writes to USB, those that took nothing, the longest; and of
reading the bytes that wait how many they were, the time, and the memory it took. Times are in us.
"""

import gc
import sys
import time

import micropython
from machine import Pin
from sled.app import App
from sled.board_rp2040 import Board

_PHASE_ms = 120
_READ_BYTES = 64


class Watched(Board):
    """Takes the time of each write."""

    def __init__(self):
        super().__init__()
        self._unwatched = self._usb_write
        self._usb_write = self._watched
        self.forget()

    def forget(self):
        self.writes = self.refused = self.longest_us = 0

    def _watched(self, block):
        start = time.ticks_us()
        took = self._unwatched(block)
        self.longest_us = max(self.longest_us, time.ticks_diff(time.ticks_us(), start))
        self.writes += 1
        self.refused += not took
        return took


def phase(app, pin=None):
    app.board.forget()
    passes = longest_us = 0
    if pin:
        pin.value(1)
    end = time.ticks_add(time.ticks_ms(), _PHASE_ms)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        start = time.ticks_us()
        app.poll()
        longest_us = max(longest_us, time.ticks_diff(time.ticks_us(), start))
        passes += 1
    if pin:
        pin.value(0)
    board = app.board
    return passes, longest_us, board.writes, board.refused, board.longest_us


def read(board):
    waiting = bytearray(_READ_BYTES)
    time.sleep_ms(2)  # until they are all there
    gc.collect()
    before = gc.mem_alloc()
    start = time.ticks_us()
    count = board.readinto(waiting)
    took_us = time.ticks_diff(time.ticks_us(), start)
    return count, took_us, gc.mem_alloc() - before


def main():
    micropython.kbd_intr(-1)
    app = App(Watched())
    deaf = Pin(21, Pin.OUT, value=0)
    flood = Pin(22, Pin.OUT, value=0)
    while not app.telemetry.is_streaming:
        app.poll()
    results = [("reading", phase(app)), ("deaf", phase(app, deaf)), ("flood", phase(app, flood))]
    while not app.board.readinto(bytearray(1)):
        pass
    results.append(("read", read(app.board)))
    app.board.enter_repl()
    for name, figures in results:
        line = "\0RESULT %s %s\0" % (name, " ".join([str(figure) for figure in figures]))
        sys.stdout.buffer.write(line.encode())
