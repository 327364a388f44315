# Run by MicroPython (`micropython unix_panel.py FOLDER`) and imported on CPython: presses buttons of the
# whole firmware and prints the load, mode and LEDs they led to; and polls the panel with the heap locked.

import gc
import sys

BITS = (0, 4, 8, 12)
# Buttons, ticks: a first load, three steps, a hold; the same again; both; a start, and stuck.
PRESSES = (
    (0, 100), (1, 100), (0, 100), (1, 75), (0, 75), (1, 600), (0, 99), (2, 200), (0, 200), (2, 900),
    (0, 1500), (1, 100), (0, 100), (1, 100), (3, 100), (0, 1200), (1, 100), (0, 100), (1, 2000),
)  # fmt: skip
GAPS = (1, 5, 30, 2, 17)


class Board:
    """A board at rest with nobody at its cable."""

    flags = 0
    build_id = bytes(4)
    reset_cause = 1
    boot_id = 1
    unique_id = b"the desk"

    def __init__(self):
        self.leds = 0

    def start(self, s, ring):
        self.s = s
        self.ring = ring

    def uptime_ms(self):
        return self.s[30] & 0xFFFFF  # SAMPLE_INDEX: no clock

    def load_slot(self, number, buffer):
        return 0

    def save_slot(self, number, buffer, length):
        pass

    def readinto(self, buffer):
        return 0

    def write(self, buffer, start, end):
        return 0

    def since_tick_us(self):
        return 0

    def confirm(self):
        pass

    def show(self, bits):
        self.leds = bits


def new_app(app_class, tick):
    """The firmware on a board whose bus and temperature are in order."""
    app = app_class(Board())
    app.s[tick.BUS_mV] = 48_000
    app.s[tick.TEMPERATURE_cC] = 2_500
    return app


def trace(app, tick):
    """What the presses led to, one row whenever something of it changed."""
    s = app.s
    rows = []
    due = passes = 0
    for buttons, ticks in PRESSES:
        for _ in range(ticks):
            s[tick.SWITCHES] = BITS[buttons]
            s[tick.CELL_RAW] = 32_768 + (s[tick.SAMPLE_INDEX] & 1)  # a cell never stands still
            tick.tick(s, app.board.ring)
            if s[tick.SAMPLE_INDEX] >= due:
                due = s[tick.SAMPLE_INDEX] + GAPS[passes % len(GAPS)]
                passes += 1
                app.poll()
                row = [app.mode, s[tick.NEXT_PULL], s[tick.LEVEL_mN] // 5000, app.board.leds]
                if not rows or rows[-1][1:] != row:
                    rows.append([s[tick.SAMPLE_INDEX]] + row)  # noqa: RUF005 - MicroPython
    return rows


def locked_polls(app, tick):
    """Passes of the panel with the heap locked, armed, with a press that ends in STOP."""
    import micropython

    s = app.s
    done = 0
    app.arm()
    for switches in (0, 4, 12, 8, 0):
        for _ in range(50):
            s[tick.SWITCHES] = switches
            s[tick.CELL_RAW] = 32_768 + (s[tick.SAMPLE_INDEX] & 1)  # a cell never stands still
            tick.tick(s, app.board.ring)
            micropython.heap_lock()
            try:
                app.panel.poll()
                done += 1
            finally:
                micropython.heap_unlock()
    return done


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from sled import tick
    from sled.app import App

    app = new_app(App, tick)
    print(trace(app, tick))
    gc.collect()
    print(locked_polls(app, tick))
