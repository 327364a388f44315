"""Tells the board, once, that this firmware runs well: from then on it is the one that is started.

It does after 2 s of ticks; on trial also a HELLO must have been answered, since a firmware that cannot be
talked to cannot be replaced, and the brake be off and the sled stand, since the choice is written to flash.
"""

import os

from . import layout, tick

_WELL_ticks = 2000
_STANDS_ticks = 500
SLOT_FILE = "/slot"  # read by main.py
_ON_TRIAL = 1 << layout.DEVICE_ON_TRIAL


class Health:
    """Watches over the first seconds of one App."""

    def __init__(self, app):
        self.app = app
        self.is_greeted = False  # whether a HELLO was answered
        self._is_told = False

    def poll(self):
        """Tell the board when it is time."""
        app = self.app
        s = app.s
        if self._is_told or s[tick.SAMPLE_INDEX] < _WELL_ticks:
            return
        if not app.board.flags & _ON_TRIAL:
            self._is_told = True
            app.board.confirm()
        elif self.is_greeted and s[tick.STILL_TICKS] >= _STANDS_ticks and app.storage.may_write():
            self._is_told = True  # should the flash be broken, once is enough
            if app.storage.write(app.board.confirm):
                app.board.flags &= ~_ON_TRIAL
            else:
                s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_NOT_SAVED


def make_good(slot):
    """Have `main.py` start this slot from now on, another one no longer on trial. Raises OSError."""
    with open(SLOT_FILE + ".new", "w") as file:
        file.write(slot)
    os.rename(SLOT_FILE + ".new", SLOT_FILE)
