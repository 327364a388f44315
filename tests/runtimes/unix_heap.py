"""On unix MicroPython: what one pass of the main loop, or one tick, takes from the heap.

Prints for each state and each message its name and the most bytes that one pass took; where it took any,
the first line that did, found with the heap locked. Argument: the stimulus. The staged package `sled` is
on MICROPYPATH.
"""

import gc
import sys
from array import array

import micropython
from sled import codec, layout, replay, tick
from sled.app import App

PASSES = 40


class Board:
    """The interface of a board, without a machine; nothing of it allocates after the start."""

    flags = 0
    boot_id = 7
    reset_cause = layout.RESET_POWER_ON
    unique_id = b"12345678"

    def __init__(self):
        self.bytes = bytearray(600)
        self.at = 0
        self.end = 0
        self.written = 0

    def start(self, s, ring):
        self.s = s
        self.ring = ring

    def readinto(self, buf):
        n = 0
        while n < len(buf) and self.at < self.end:
            buf[n] = self.bytes[self.at]
            n += 1
            self.at += 1
        return n

    def write(self, buf, start, end):
        self.written += end - start
        return end - start

    def show(self, bits):
        pass

    def since_tick_us(self):
        return 0

    def uptime_ms(self):
        return self.s[tick.SAMPLE_INDEX] & 0xFFFFF

    def load_slot(self, number, buffer):
        return 0

    def save_slot(self, number, buffer, length):
        pass


board = Board()
app = App(board)
frame = bytearray(layout.FRAME_BYTES_MAX)
command_id = 0
speed_counts = 0  # in each tick


def ask(kind, size, *values):
    """Put a command with a new id on the line; `values` are pairs of offset and byte, the rest is zero."""
    global command_id
    command_id += 1
    for at in range(len(frame)):
        frame[at] = 0
    frame[0] = kind
    if kind != layout.KIND_HELLO:
        codec.put_u16(frame, layout.HEADER_BYTES, command_id)
    for at, value in values:
        frame[at] = value
    board.at = 0
    board.end = codec.encode(frame, layout.HEADER_BYTES + size, board.bytes)


def noise():
    """Bytes that are no frame, with zeros among them."""
    for at in range(511):
        board.bytes[at] = (at * at * 7 + at) & 0xFF
    board.bytes[511] = 0
    board.at = 0
    board.end = 512


def run(ticks):
    """Ticks with the main loop alive."""
    for _ in range(ticks):
        board.s[tick.COUNTS] += speed_counts
        board.s[tick.MAIN_LEFT_ticks] = 100
        # The cell shows what brake and friction take, and flutters.
        tow_mN = board.s[tick.BRAKE_FELT_mN] + 10_000 if speed_counts else 0
        board.s[tick.CELL_RAW] = 32_768 + tow_mN * 1000 // 30_518 + (board.s[tick.SAMPLE_INDEX] & 1)
        tick.tick(board.s, board.ring)


def locked(function):
    """Run with the heap locked; the error, if anything was allocated."""
    micropython.heap_lock()
    try:
        function()
    except MemoryError as error:
        return error
    finally:
        micropython.heap_unlock()


def passes(name, before, sends=False):
    """`before()` and then one pass, many times over; only the pass is measured."""
    written = board.written
    took = array("i", bytearray(4 * PASSES))
    for n in range(PASSES):
        before()
        gc.collect()
        gc.disable()
        start = gc.mem_alloc()
        app.poll()
        took[n] = gc.mem_alloc() - start
        gc.enable()
    assert not sends or board.written > written, name
    print(name, max(took))
    if max(took):
        before()
        error = locked(app.poll)
        if error:
            sys.print_exception(error)


def message(name, mode, *values):
    """A pass that answers a message, in a mode."""
    assert app.mode == mode, (name, app.mode, app.faults())
    kind = getattr(layout, "KIND_" + name)
    size = getattr(layout, "SIZE_" + name)

    def before():
        run(1)
        ask(kind, size, *values)

    passes(name, before, sends=True)


def replayed(stimulus):
    """How many ticks of the stimulus ran with the heap locked; raises where one allocates."""
    s = array("i", bytearray(4 * tick.STATE_WORDS))
    at = 0
    ticks = 0
    micropython.heap_lock()
    try:
        while at < len(stimulus):
            at = replay.set_words(stimulus, at, s)
            tick.tick(s, board.ring)
            ticks += 1
    finally:
        micropython.heap_unlock()
    return ticks


def mistaken():
    return bytearray(64)


def main():
    global speed_counts
    hello = (layout.OFF_HELLO_PROTOCOL_MAJOR, layout.PROTOCOL_MAJOR)
    board.s[tick.BUS_mV] = 48_000
    run(3)
    message("HELLO", layout.MODE_IDLE, hello)
    passes("idle", lambda: run(1))
    message("GET_SETTING", layout.MODE_IDLE)
    message("SET_SETTING", layout.MODE_IDLE, (layout.OFF_SET_SETTING_SETTING, 200))
    message("CLEAR_FAULT", layout.MODE_IDLE)
    passes("noise", lambda: (run(1), noise()))
    ask(layout.KIND_ARM, layout.SIZE_ARM)
    app.poll()
    run(3)
    passes("armed", lambda: run(1))
    message("ARM", layout.MODE_ARMED)
    speed_counts = 8
    board.s[tick.VELOCITY_mm_per_s_q10] = 8 * board.s[tick.um_PER_1024_COUNTS]  # no sled starts in one tick
    run(100)
    app.poll()
    passes("loading", lambda: run(1))
    lease = (layout.OFF_SET_LOAD_LEASE_ms + 1, 36)  # 9.2 s
    message("SET_LOAD", layout.MODE_LOADING, (layout.OFF_SET_LOAD_HOLD, layout.HOLD_LEASED), lease)
    message("HEARTBEAT", layout.MODE_LOADING)
    message("GET_STATUS", layout.MODE_LOADING)
    message("CLOCK_PING", layout.MODE_LOADING)
    message("STREAM", layout.MODE_LOADING, (layout.OFF_STREAM_ENABLED, 1))
    passes("streaming", lambda: run(17), sends=True)
    message(
        "RESEND",
        layout.MODE_LOADING,
        (layout.OFF_RESEND_SAMPLE_INDEX, 1),
        (layout.OFF_RESEND_SAMPLE_COUNT, 9),
    )
    run(3200)  # the ring has overwritten what the stream would send next
    passes("behind", lambda: run(1), sends=True)
    message("STOP", layout.MODE_LOADING)
    passes("ramping", lambda: run(1))

    def press_estop():
        board.s[tick.SWITCHES] = 0
        run(20)
        ask(layout.KIND_CLEAR_FAULT, layout.SIZE_CLEAR_FAULT)
        app.poll()
        board.s[tick.SWITCHES] = 1
        run(1)

    passes("fault", press_estop, sends=True)
    assert app.mode == layout.MODE_FAULT
    with open(sys.argv[1], "rb") as file:
        stimulus = array("i", file.read())
    print("ticks", replayed(stimulus))
    print("lock", "none" if locked(mistaken) is None else "works")


main()
