"""A follower of a simulated sled whose cable the test has in its hand, and what the host wrote meanwhile."""

from collections.abc import Iterator
from itertools import count

from bench.link_truth import Judge, WrittenRig
from host.following import Follower, Item
from host.session import Session
from host.transport import Port, open_port
from protocol import wire
from sim.protocol_sim import offer
from sim.rig import RigConfig

#: What sets a load, or allows one: nobody but people may send it.
LOADING = {"ARM", "SET_LOAD"}
_numbers = count()


class Scene:
    """One sled and its follower, from the first sample on."""

    def __init__(self, seed: int = 1, athlete: str | None = None, **options: float) -> None:
        self.rig = WrittenRig(RigConfig(seed=seed, athlete=athlete))
        self.judge = Judge(self.rig)
        self.address = f"sim://scene {next(_numbers)}"  # a test may leave it unplugged
        self.written: list[str] = []  # messages by name
        self.items: list[Item] = []
        self.session = Session(self.open(), self.address)
        self.session.hello()
        self.follower = Follower(self.session, self.open, **options)
        self.follower.start(from_oldest=True)

    def open(self) -> Port:
        """The sled's port, with an ear at it."""
        offer(self.address, self.rig)
        port = open_port(self.address)
        write = port.write

        def heard(data: bytes) -> int | None:
            self.written += [wire.decode(frame).name for frame in wire.FrameReader().feed(data)]
            return write(data)

        port.write = heard  # type: ignore[method-assign]
        return port

    def run(self, for_s: float) -> list[Item]:
        """What the follower gives in that time."""
        return self._take(self.follower.run(for_s))

    def finish(self) -> None:
        """To the end, and everything judged."""
        written = self.rig.written_samples
        self._take(self.follower.finish())
        self.session.close()
        self.judge.finish(written)
        assert not any(self.judge.faults.values()), self.judge.faults

    def _take(self, items: Iterator[Item]) -> list[Item]:
        found = []
        for item in items:
            self.judge.take(item)
            found.append(item)
        self.items += found
        return found

    def unplug(self, for_ms: int | None = None, after_ms: int = 0) -> None:
        """Pull the cable out; it comes back after that time, or stays out."""
        rig = self.rig
        rig.schedule(rig.ticks + after_ms, lambda rig: setattr(rig.cable, "is_plugged", False))
        if for_ms is not None:
            rig.schedule(rig.ticks + after_ms + for_ms, lambda rig: setattr(rig.cable, "is_plugged", True))

    def of(self, kind: type) -> list[Item]:
        """All items of that kind so far."""
        return [item for item in self.items if isinstance(item, kind)]
