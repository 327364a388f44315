# Run by MicroPython (`micropython codec_heap.py FOLDER`): sends and receives frames with the heap
# locked, where any allocation raises MemoryError, and prints how much the heap grew.

import gc
import sys
from array import array

import micropython

sys.path.insert(0, sys.argv[1])
from sled import codec, layout
from sled.link import Link

FRAMES = 50


class Wire:
    """A board's serial line that gives the bytes of `frame` over and over, a few at a time."""

    def __init__(self):
        self.frame = bytearray(layout.ENCODED_BYTES_MAX + 1)
        self.length = 0
        self.at = 0
        self.left = 0

    def readinto(self, buf):
        n = 0
        while n < 7 and self.left:
            buf[n] = self.frame[self.at]
            n += 1
            self.at += 1
            if self.at == self.length:
                self.at = 0
                self.left -= 1
        return n


line = Wire()
link = Link(line)
link.allowance = 1 << 20
plain = bytearray(layout.FRAME_BYTES_MAX)
ring = array("H", range(200))


def exchange(length):
    """Frames of `length` bytes of kind, flags and body, with the extremes of every field."""
    n = 0
    while n < FRAMES:
        codec.copy_words(plain, 2, ring, n, (length - 2) // 2)
        codec.put_u16(plain, 2, 0xFFFF - n)
        codec.put_i32(plain, 4, -0x20000000 + n)
        line.length = codec.encode(plain, length, line.frame)
        line.left = 1
        if link.receive() != length:
            return -1
        if codec.get_u16(link.frame, 2) != 0xFFFF - n or codec.get_i32(link.frame, 4) != -0x20000000 + n:
            return -2
        codec.put_i32(link.frame, 4, -1)
        codec.get_u32(link.frame, 4)
        line.frame[9] ^= 0x10 if line.frame[9] != 0x10 else 0x20  # and once damaged
        line.left = 1
        if link.receive() != 0:
            return -3
        n += 1
    return n


def locked(length):
    micropython.heap_lock()
    try:
        return exchange(length)
    finally:
        micropython.heap_unlock()


def locked_leak():
    micropython.heap_lock()
    try:
        return bytearray(64)
    except MemoryError:
        return None
    finally:
        micropython.heap_unlock()


exchange(20)  # the first use of a name may grow a table
gc.collect()
gc.disable()
before = gc.mem_alloc()
short = locked(20)
long = locked(250)
after = gc.mem_alloc()
print(short, long, link.damaged, after - before, locked_leak() is None)
