"""Start the firmware. Ctrl-C is turned off first: a frame may hold the byte 0x03."""

import micropython

micropython.kbd_intr(-1)

from sled.app import App  # noqa: E402
from sled.board_rp2040 import Board  # noqa: E402

App(Board()).run()
