"""Where `main.py`, which is never replaced, hands over to the firmware of a slot."""

from . import layout
from .app import App
from .board_rp2040 import Board


def run(slot, is_on_trial, build_id):
    """Run the firmware found in `slot` ("a" or "b"), of these four bytes of a build id, until it is left."""
    board = Board()
    board.build_id = build_id
    board.flags |= (slot == "b") << layout.DEVICE_SLOT_B | is_on_trial << layout.DEVICE_ON_TRIAL
    App(board).run()
