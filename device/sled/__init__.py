"""Firmware of the resistance sled: runs unchanged on MicroPython and, for the simulator, on CPython."""

VERSION = (0, 1, 0)
