"""The two slots of `storage.py` as plain files of MicroPython's file system.

A write stops the chip's interrupts, and with them the tick, while the flash is erased and programmed.
"""

import errno

NAMES = ("settings.0", "settings.1")


def load(number, buffer):
    """Fill `buffer` from slot `number`; how many bytes, 0 if there is nothing. Raises OSError."""
    try:
        with open(NAMES[number], "rb") as file:
            return file.readinto(buffer)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return 0
        raise


def save(number, buffer, length):
    """Put `buffer[:length]` into slot `number`, and nothing else. Raises OSError if there is no room."""
    with open(NAMES[number], "wb") as file:
        file.write(memoryview(buffer)[:length])
