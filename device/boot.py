"""Brake driver off, whatever happens next; then a second to have the prompt instead of the firmware.

While the LED on the board is lit, Ctrl-C on the USB port or the button BOOTSEL leave the firmware out, and
the LED on. (BOOTSEL held down while power comes on is another thing: the boot ROM's own USB drive.)
"""

from machine import Pin

Pin(7, Pin.OUT, value=0)  # ENABLE of the brake driver, as in sled/board_rp2040.py

is_rescue = True  # read by main.py, which starts after this file however it ends

import time  # noqa: E402

from rp2 import bootsel_button  # noqa: E402

RESCUE_ms = 1000
LOOK_ms = 10

Pin(25, Pin.OUT, value=1)
for _ in range(RESCUE_ms // LOOK_ms):
    time.sleep_ms(LOOK_ms)
    if bootsel_button():
        break
else:
    Pin(25, Pin.OUT, value=0)
    is_rescue = False
