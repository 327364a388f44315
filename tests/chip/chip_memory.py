"""On the chip: how much of the heap is left once the whole firmware runs.

Prints bytes free and in use, both after a collection.
"""

import gc

from sled import board_rp2040
from sled.app import App


class Board(board_rp2040.Board):
    """Leaves USB to the prompt."""

    def readinto(self, buf):
        return 0

    def write(self, buf, start, end):
        return end - start


def main():
    app = App(Board())
    for _ in range(20):
        app.poll()
    gc.collect()
    print(gc.mem_free(), gc.mem_alloc())
