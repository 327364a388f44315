"""A board at the end of its cable, as whoever serves it to programs sees it: bytes, and time that passes."""

from abc import ABC, abstractmethod

from sim.board import VirtualBoard
from sim.cable import Cable

TICK_us = 1000


class Plugged(ABC):
    """A sled in virtual time; nothing moves but by `step`."""

    board: VirtualBoard
    cable: Cable
    ticks: int  #: milliseconds since the start

    @property
    @abstractmethod
    def about(self) -> str:
        """What it is, for people."""

    @abstractmethod
    def step(self, ticks: int) -> None:
        """Let `ticks` milliseconds pass."""

    @property
    def now_us(self) -> int:
        """Virtual time since the start."""
        return self.ticks * TICK_us

    @property
    def is_connected(self) -> bool:
        """Whether a host is at the other end; without one the device's bytes stay with it."""
        return self.cable.has_host

    @is_connected.setter
    def is_connected(self, value: bool) -> None:
        self.cable.has_host = value
        self.board.is_connected = value
        if not value:
            self.cable.lose(self.board)

    def write(self, data: bytes) -> int:
        """Bytes from the host; the firmware reads them as time goes on. Any thread may call it.

        Raises BufferError when far more is written than anything reads.
        """
        return self.cable.write(self.board, data)

    def read(self, size: int) -> bytes:
        """Bytes that have come from the device, at most `size`; takes no time."""
        return self.cable.read(self.board, size)

    @property
    def in_waiting(self) -> int:
        """Bytes from the device that the host sees waiting; a cable that splits shows them in pieces."""
        return self.cable.in_waiting(self.board)

    @property
    def out_waiting(self) -> int:
        """Bytes from the host that the firmware has not read yet."""
        return self.cable.out_waiting(self.board)

    def discard_output(self) -> None:
        """Throw away what has come from the device."""
        self.cable.discard_output(self.board)

    def discard_input(self) -> None:
        """Throw away what the firmware has not read yet."""
        self.cable.discard_input(self.board)
