"""On unix MicroPython: what one pass of the main loop, or one tick, takes from the heap.

Prints for each state and each message its name and the most bytes that one pass took; where it took any,
the first line that did, found with the heap locked. Argument: the stimulus. The staged package `sled` is
on MICROPYPATH.
"""

import gc
import sys
from array import array

import micropython
from sled import layout, ranges, replay, tick
from sled.bare import Bare

PASSES = 40


bare = Bare()
board = bare.board
app = bare.app
ask = bare.ask
run = bare.run


def noise():
    """Bytes that are no frame, with zeros among them."""
    for at in range(511):
        board.bytes[at] = (at * at * 7 + at) & 0xFF
    board.bytes[511] = 0
    board.at = 0
    board.end = 512


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


def message(name, mode, *values, again=False):
    """A pass that answers a message, in a mode; one with a new id, or one that was answered before."""
    assert app.mode == mode, (name, app.mode, app.faults())
    kind = getattr(layout, "KIND_" + name)
    size = getattr(layout, "SIZE_" + name)

    def before():
        run(1)
        ask(kind, size, *values, again=again)

    passes(name + "_again" if again else name, before, sends=True)


def another_gap():
    """Asked for before the one of before is filled, apart from it: soon there is no room for more."""
    run(1)
    bare.ask_for_samples(board.s[tick.SAMPLE_INDEX] - 2500 + 150 * (bare.command_id % 12), 90)


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
    hello = (layout.OFF_HELLO_PROTOCOL_MAJOR, layout.PROTOCOL_MAJOR)
    run(3)
    message("HELLO", layout.MODE_IDLE, hello)
    passes("idle", lambda: run(1))
    message("GET_SETTING", layout.MODE_IDLE)
    message("SET_SETTING", layout.MODE_IDLE, (layout.OFF_SET_SETTING_SETTING, 200))
    message("CLEAR_FAULT", layout.MODE_IDLE)
    passes("noise", lambda: (run(1), noise()))
    app.poll()  # a pass reads only so many bytes: here is the rest
    ask(layout.KIND_ARM, layout.SIZE_ARM)
    app.poll()
    run(3)
    passes("armed", lambda: run(1))
    message("ARM", layout.MODE_ARMED)
    message("ARM", layout.MODE_ARMED, again=True)
    bare.start_moving()
    run(100)
    app.poll()
    passes("loading", lambda: run(1))
    lease = (layout.OFF_SET_LOAD_LEASE_ms + 1, 36)  # 9.2 s
    message("SET_LOAD", layout.MODE_LOADING, (layout.OFF_SET_LOAD_HOLD, layout.HOLD_LEASED), lease)
    message(
        "SET_LOAD", layout.MODE_LOADING, (layout.OFF_SET_LOAD_HOLD, layout.HOLD_LEASED), lease, again=True
    )
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
    passes("filling", lambda: run(1), sends=True)
    while app.telemetry._again.count:
        run(1)
        app.poll()
    passes("gaps", another_gap, sends=True)
    assert app.telemetry._again.count > ranges.RANGES_MAX // 2
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
