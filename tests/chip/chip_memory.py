"""On the chip: how much of the heap is left once the whole firmware runs.

Prints bytes free and in use, both after a collection.
"""

import gc

from sled.app import App
from sled.board_rp2040 import Board


def main():
    app = App(Board())
    for _ in range(20):
        app.poll()
    gc.collect()
    print(gc.mem_free(), gc.mem_alloc())
