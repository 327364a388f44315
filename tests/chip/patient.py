"""Asks the emulated chip over its serial line, and waits as long as that takes."""

import time
from typing import Any

import serial

from protocol import wire

_ANSWER_s = 60  # the emulated chip runs at two hundredths of real time


class Chip:
    """Asks the emulated board over its pty, repeating as a host does."""

    def __init__(self, port: str) -> None:
        self._serial = serial.Serial(port, timeout=0.2)
        self._reader = wire.FrameReader()

    def ask(self, name: str, answer: str, **fields: Any) -> dict[str, Any]:
        until = time.monotonic() + _ANSWER_s
        while time.monotonic() < until:
            self._serial.write(wire.encode(name, fields))
            again = time.monotonic() + 3
            while time.monotonic() < again:
                for frame in self._reader.feed(self._serial.read(4096)):
                    received = wire.decode(frame)
                    told = received.fields
                    if received.name == answer and fields.get("command_id") == told.get("command_id"):
                        return told
        raise AssertionError(f"no {answer} to {name}")
