"""On unix MicroPython: the whole firmware, one tick for each set of readings that comes in.

Standard input: five words of readings, the length of a frame, and the frame, which the main loop acts on
before the tick. Standard output: the state block after the tick. The staged package is on MICROPYPATH.
"""

import sys
from array import array

from sled.bare import Bare

bare = Bare()
while True:
    words = sys.stdin.buffer.read(24)
    if not words:
        break
    counts, cell_raw, switches, bus_mV, temperature_cC, length = array("i", words)
    if length:
        bare.say(sys.stdin.buffer.read(length))
    sys.stdout.buffer.write(bare.step(counts, cell_raw, switches, bus_mV, temperature_cC))
