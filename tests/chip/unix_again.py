"""On unix MicroPython: the tick once from each of the state blocks of a file; writes those after it.

Arguments: the file of states, the file to write. The staged package is on MICROPYPATH.
"""

import sys
from array import array

from sled import tick as firmware

ring = array("H", bytes(2 * firmware.SAMPLE_WORDS * firmware.RING_SAMPLES))
with open(sys.argv[1], "rb") as states, open(sys.argv[2], "wb") as after:
    while True:
        state = states.read(4 * firmware.STATE_WORDS)
        if not state:
            break
        s = array("i", state)
        firmware.tick(s, ring)
        after.write(s)
