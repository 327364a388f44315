"""The USB cable between host and board, in virtual time, and what can be wrong with it.

Everything drawn depends on the seed and on the byte's place in its stream, never on how a reader or
writer cuts it.
"""

from sim.board import VirtualBoard


class Cable:
    """Carries bytes both ways; the rig calls `carry` before each pass of the firmware's main loop."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.is_plugged = True  #: by whoever serves the sled: a host is at the other end

    def carry(self, board: VirtualBoard, tick: int) -> None:
        """Hand on what is due at `tick`, both ways."""
