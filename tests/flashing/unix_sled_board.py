"""The board under the firmware on the bench: USB is the terminal, ticks come with time, the sled stands.

Takes the place of `sled/board_rp2040.py`; what is no register there is the same here.
"""

import select
import sys
import time

import machine
import micropython

from . import health, layout, slots
from .tick import CELL_RAW, FEED_WATCHDOG, SAMPLE_INDEX, SWITCHES, BUS_mV, TEMPERATURE_cC, tick

_TICKS_AT_ONCE = 50
_FAILED = 0x4005800C
_WATCHDOG_ms = 3000  # the bench's processor is shared


class Board:
    flags = 0
    build_id = bytes(4)
    load_slot = staticmethod(slots.load)
    save_slot = staticmethod(slots.save)

    def __init__(self):
        self.unique_id = machine.unique_id()
        self.boot_id = time.ticks_us() & 0xFFFF
        self.reset_cause = layout.RESET_POWER_ON
        if machine.reset_cause() == machine.WDT_RESET:
            self.reset_cause = layout.RESET_WATCHDOG
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._poll_out = select.poll()
        self._poll_out.register(sys.stdout, select.POLLOUT)
        self._s = None
        self._ring = None
        self._next_ms = 0
        self._fed_ms = 0
        self._watchdog = None

    def start(self, s, ring):
        self._s = s
        self._ring = ring
        self._next_ms = self._fed_ms = time.ticks_ms()
        self._watchdog = machine.WDT(timeout=_WATCHDOG_ms)

    def _tick(self):
        """The ticks that are due; what the bench could not keep up with never was."""
        s = self._s
        for _ in range(_TICKS_AT_ONCE):
            if time.ticks_diff(time.ticks_ms(), self._next_ms) <= 0:
                break
            s[BUS_mV] = 48_000
            s[TEMPERATURE_cC] = 2_500
            s[SWITCHES] = 0
            s[CELL_RAW] = 32_768 + (s[SAMPLE_INDEX] & 1)
            tick(s, self._ring)
            self._next_ms = time.ticks_add(self._next_ms, 1)
        else:
            self._next_ms = time.ticks_ms()
        now_ms = time.ticks_ms()
        if s[FEED_WATCHDOG] and time.ticks_diff(now_ms, self._fed_ms) > 100:
            self._fed_ms = now_ms
            self._watchdog.feed()

    def readinto(self, buf):
        self._poll.poll(1)
        self._tick()
        n = 0
        while n < len(buf) and self._poll.poll(0):
            buf[n] = sys.stdin.buffer.read(1)[0]
            n += 1
        return n

    def write(self, buf, start, end):
        if not self._poll_out.poll(0):
            return 0
        return sys.stdout.buffer.write(memoryview(buf)[start : min(end, start + 64)])

    def confirm(self):
        machine.mem32[_FAILED] = 0
        if self.flags & 1 << layout.DEVICE_ON_TRIAL:
            health.make_good("ab"[self.flags >> layout.DEVICE_SLOT_B & 1])

    def show(self, bits):
        pass

    def since_tick_us(self):
        return 0

    def uptime_ms(self):
        return time.ticks_diff(time.ticks_ms(), 0) & 0xFFFFF

    def release(self):
        pass

    def enter_repl(self):
        machine.stop_watchdog()
        machine.mem32[_FAILED] = 0
        micropython.kbd_intr(3)

    def reboot(self):
        machine.mem32[_FAILED] = 0
        machine.reset()
