"""On unix MicroPython: write the state block after every tick, then the ring, to a file.

Arguments: the stimulus, the file to write. The staged package `sled` is on MICROPYPATH.
"""

import sys
from array import array

from sled import replay
from sled import tick as firmware


def main(stimulus_path, states_path):
    with open(stimulus_path, "rb") as file:
        stimulus = array("i", file.read())
    run = replay.Replay(firmware.tick, firmware.STATE_WORDS, firmware.SAMPLE_WORDS * firmware.RING_SAMPLES)
    with open(states_path, "wb") as file:
        run.run(stimulus, lambda done: file.write(done.s))
        file.write(run.ring)
    print(run.ticks, run.check)


main(sys.argv[1], sys.argv[2])
