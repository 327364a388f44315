"""First thing after power-on: the brake driver is off, whatever happens next."""

from machine import Pin

Pin(7, Pin.OUT, value=0)  # ENABLE of the brake driver, as in sled/board_rp2040.py
