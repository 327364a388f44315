"""A cable with a board at its end, without a rig: for the tests of the cable alone."""

from sim.board import VirtualBoard
from sim.cable import Cable


class Desk:
    """A cable with a board at its end: time goes on, the main loop comes round every 5 ticks."""

    def __init__(self, seed=1, **faults):
        self.board = VirtualBoard(b"simulate", 1, 1)
        self.cable = Cable(seed)
        self.tick = 0
        self.read_by_device = b""
        self.buffer = bytearray(64)
        self.set(**faults)
        self.step()

    def set(self, **faults):
        """What the device sends before the next pass still has its old cable."""
        for name, value in faults.items():
            assert hasattr(self.cable, name)
            setattr(self.cable, name, value)

    def step(self, ticks=5):
        for _ in range(ticks):
            self.tick += 1
            if self.board.from_host or not self.tick % 5:
                self.cable.carry(self.board, self.tick)
                while n := self.board.readinto(self.buffer):
                    self.read_by_device += bytes(self.buffer[:n])

    def send(self, data):
        """From the device; how much the board took."""
        return self.board.write(bytearray(data), 0, len(data))

    def write(self, data):
        self.cable.write(self.board, data)

    def read(self, size=1 << 20):
        return self.cable.read(self.board, size)

    @property
    def in_waiting(self):
        return self.cable.in_waiting(self.board)

    def down(self, data):
        """What the device reads of `data`, some of it written before each pass."""
        for at in range(0, len(data), 700):
            self.write(data[at : at + 700])
            self.step()
        self.step(1000)
        return self.read_by_device

    def up(self, data):
        """What the host reads of `data`."""
        got = b""
        for at in range(0, len(data), 700):
            assert self.send(data[at : at + 700]) == len(data[at : at + 700])
            self.step()
            got += self.read()
        for _ in range(200):
            self.step()
            got += self.read()
        return got
