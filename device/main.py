"""Starts the firmware of a slot that is whole, or leaves the prompt, brake driver off. Never changes.

First the slot on trial, as often as the file `slot` grants. Else three times the good slot, then three times
the other one, then the prompt; a firmware that runs well clears that count. `slot` says `a`, the good one, or
`a b3`, and b on trial for three more starts.
"""

import micropython

micropython.kbd_intr(-1)  # a frame may hold the byte 0x03

import os  # noqa: E402
import sys  # noqa: E402
from binascii import hexlify  # noqa: E402
from hashlib import sha256  # noqa: E402

from machine import WDT, Pin, mem32, reset  # noqa: E402

FAILED = (
    0x4005800C  # starts since one went well: in the watchdog's scratch word 0, which a reset leaves alone
)
MARK = 0x51ED0000  # tells such a count from what others may have left there
TRIES = 3
START_ms = 8000  # the most the watchdog can wait; the firmware sets its own


def digest(path):
    """SHA-256 of a file."""
    found = sha256()
    buffer = bytearray(1024)
    with open(path, "rb") as file:
        while True:
            length = file.readinto(buffer)
            if not length:
                return found.digest()
            found.update(memoryview(buffer)[:length])


def build_of(slot):
    """Four bytes that name the firmware in a slot; None if not every file is as its MANIFEST says."""
    folder = "/" + slot + "/"
    try:
        with open(folder + "MANIFEST", "rb") as file:
            manifest = file.read()
        lines = manifest.split(b"\n")
        if len(lines) < 2 or lines.pop():
            return None
        for line in lines:
            if line[:66] != hexlify(digest(folder + line[66:].decode())) + b"  ":
                return None
        return sha256(manifest).digest()[:4]
    except Exception:  # whatever is there, it is no firmware
        return None


def put(text):
    """Replace the file `slot` as one step. Raises OSError."""
    with open("/slot.new", "w") as file:
        file.write(text)
    os.rename("/slot.new", "/slot")


def choose():
    """Slot, whether it is on trial, and its build; None if there is nothing to start, or no more."""
    try:
        with open("/slot") as file:
            text = file.read(16).strip()
    except (OSError, ValueError):
        text = ""
    good, other = ("b", "a") if text.split()[:1] == ["b"] else ("a", "b")
    if text[:-1] == "%s %s" % (good, other) and text[-1] in "123":
        build = build_of(other)
        try:
            if build:
                put("%s %s%d" % (good, other, int(text[-1]) - 1))  # before it can fail
                return other, True, build
        except OSError:
            pass  # its starts cannot be counted, so there are none
    failed = mem32[FAILED] - MARK
    if not 0 < failed <= 2 * TRIES:
        failed = 0
    for slot in (TRIES * good + TRIES * other)[failed:]:
        failed += 1
        build = build_of(slot)
        if build:
            mem32[FAILED] = MARK + failed
            return slot, False, build
    mem32[FAILED] = 0  # whoever resets the board from here wants it tried again
    return None


chosen = None if globals().get("is_rescue") else choose()
if chosen:
    try:
        WDT(timeout=START_ms)
        sys.path.insert(0, "/" + chosen[0])
        from sled.start import run

        run(*chosen)
    except BaseException:
        Pin(7, Pin.OUT, value=0)  # ENABLE of the brake driver
        reset()
micropython.kbd_intr(3)
