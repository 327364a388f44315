"""Ctrl-C as a wish that is looked at between two batches, so that nothing received is left uncounted.

A polite kill (SIGTERM) is the same wish.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_wish() -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether Ctrl-C was pressed; a second one interrupts as ever."""
    pressed = False

    def note(_: int, __: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        restore()

    def restore() -> None:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)

    if threading.current_thread() is not threading.main_thread():  # only there may signals be taken
        yield lambda: False
        return
    before = [signal.signal(number, note) for number in _SIGNALS]
    try:
        yield lambda: pressed
    finally:
        restore()
