"""On the chip: passes of the main loop with the heap locked, where any allocation raises MemoryError.

Prints for each thing a host may want its name, and by how much the heap grew over some passes.
"""

import gc

import micropython
from sled import layout, tick
from sled.bare import Bare

_PASSES = 3

bare = Bare()
s = bare.s
app = bare.app


def locked_passes(before):
    """`before()` and then one pass, some times over, the pass with the heap locked; bytes that it took."""
    took = 0
    for _ in range(_PASSES):
        before()
        gc.collect()
        gc.disable()
        start = gc.mem_alloc()
        micropython.heap_lock()
        try:
            app.poll()
        finally:
            micropython.heap_unlock()
        took += gc.mem_alloc() - start
        gc.enable()
    return took


def status():
    bare.run(1)
    bare.ask(layout.KIND_GET_STATUS, layout.SIZE_GET_STATUS)


def arm():
    bare.run(1)
    bare.ask(layout.KIND_ARM, layout.SIZE_ARM)


def arm_again():
    bare.run(1)
    bare.ask(layout.KIND_ARM, layout.SIZE_ARM, again=True)


def another_gap():
    bare.run(1)
    bare.ask_for_samples(20 * (bare.command_id % 9), 9)


def stream():
    bare.ask(layout.KIND_STREAM, layout.SIZE_STREAM, (layout.OFF_STREAM_ENABLED, 1))


def sixteen_ticks():
    bare.run(16)


def behind():
    """As after a host that did not read: what is now, and a gap."""
    app.telemetry._next = 0
    bare.run(16)


def main():
    bare.run(3)
    bare.hello()
    bare.run(300)
    for act in (status, arm, arm_again, another_gap, stream, sixteen_ticks, behind):
        print(act.__name__, locked_passes(act))
    bare.run(1)
    print("filling", locked_passes(lambda: None), app.telemetry._again.count)
    assert s[tick.SAMPLE_INDEX] > 300 and bare.board.written > 1000
