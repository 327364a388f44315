"""What the device wrote, from its own memory, and what a host made of it: each sample as it was, or lost.

The device's word is not enough, nor is the host's: the ring is read after every step, before it can be
overwritten, and every batch is compared with it byte for byte.
"""

from device.sled import layout, tick
from host.following import Away, Back, Batch, Item, Lost
from host.transport import Port, open_port
from sim.protocol_sim import offer
from sim.rig import RESET_REBOOT, Rig, RigConfig, TICK_us

TICK_s = TICK_us * 1e-6
_LOOK_TICKS = 1000  # the ring holds three times as many


class WrittenRig(Rig):
    """A sled whose samples are kept, all of them; and how many it sent."""

    def __init__(self, config: RigConfig) -> None:
        self.written: dict[int, bytearray] = {}  #: by boot, as on the wire
        self.began: dict[int, int] = {}  #: by boot, the tick of sample 0
        self.sent_samples = 0  #: by TELEMETRY, repeats included
        super().__init__(config)

    def _boot(self, cause: int) -> None:
        super()._boot(cause)
        boot_id = self.board.boot_id
        self.written[boot_id] = bytearray()
        self.began[boot_id] = self.ticks
        send = self.app.link.send

        def counted(length: int) -> bool:
            if self.app.link.out[0] == layout.KIND_TELEMETRY:
                self.sent_samples += (length - layout.OFF_TELEMETRY_SAMPLES) // layout.SAMPLE_BYTES
            return bool(send(length))

        self.app.link.send = counted  # type: ignore[method-assign]

    def step(self, ticks: int) -> None:
        """Let time pass, and read the ring before it comes round."""
        end = self.ticks + ticks
        while self.ticks < end:
            super().step(min(end - self.ticks, _LOOK_TICKS))
            self._read_ring()

    def reboot(self, cause: int = RESET_REBOOT) -> None:
        self._read_ring()  # which is gone with the controller
        super().reboot(cause)

    def _read_ring(self) -> None:
        words, kept = tick.SAMPLE_WORDS, self.written[self.board.boot_id]
        newest = self.board.s[tick.SAMPLE_INDEX]
        index = len(kept) // layout.SAMPLE_BYTES
        while index < newest:
            at = index % tick.RING_SAMPLES
            count = min(newest - index, tick.RING_SAMPLES - at)
            kept += self.board.ring[at * words : (at + count) * words].tobytes()
            index += count

    @property
    def written_samples(self) -> int:
        """Of this boot."""
        return len(self.written[self.board.boot_id]) // layout.SAMPLE_BYTES


def port_of(rig: WrittenRig) -> Port:
    """An open port to this sled, whether an earlier one was unplugged or only fell silent."""
    address = f"sim://{rig.board.unique_id.hex()}"
    offer(address, rig)
    return open_port(address)


class Judge:
    """Takes what a host says of one sled from sample 0 on, and counts what is not so."""

    def __init__(self, rig: WrittenRig) -> None:
        self.samples = 0  #: given out as they were written
        self.wrong = 0  #: given out otherwise, or never written
        self.twice = 0
        self.skipped = 0  #: neither given out nor declared lost, though later ones were
        self.lost = 0  #: declared lost
        self.gone = 0  #: of an earlier boot, with the memory that held them
        self.aways = 0
        self.recovery_s = 0.0  #: longest from the end of a disturbance until all before it had come
        self.age_s = 0.0  #: of the oldest sample when it came
        self.disturbed: list[int] = []  #: ticks at which disturbances end, in order
        self.boot_id = rig.board.boot_id
        self.next = 0  #: everything before it is accounted for
        self._rig = rig

    def take(self, item: Item) -> None:
        """Look at what the host gave out."""
        if isinstance(item, Batch):
            self._take_batch(item)
        elif isinstance(item, Lost):
            self._move_to(item.sample_index)
            self.lost += item.sample_count
            self.next += item.sample_count
        elif isinstance(item, Back) and item.has_restarted:
            self._begin(item.device.boot_id)
        elif isinstance(item, Away):
            self.aways += 1
        self._look_at_clock()

    def _take_batch(self, batch: Batch) -> None:
        if batch.boot_id != self.boot_id:
            boots = list(self._rig.written)
            if batch.boot_id not in boots[boots.index(self.boot_id) :]:
                self.wrong += len(batch.samples)  # from before the last restart
                return
            self._begin(batch.boot_id)
        self._move_to(batch.sample_index)
        raw = batch.samples.raw
        count = len(raw) // layout.SAMPLE_BYTES
        self.age_s = max(self.age_s, self._age_s(batch.sample_index))
        start = batch.sample_index * layout.SAMPLE_BYTES
        if self._rig.written[self.boot_id][start : start + len(raw)] == raw:
            self.samples += count
        else:
            self.wrong += count
        self.next = batch.sample_index + count

    def _move_to(self, index: int) -> None:
        if index > self.next:
            self.skipped += index - self.next
        else:
            self.twice += self.next - index
        self.next = index

    def _begin(self, boot_id: int) -> None:
        """Another boot: the rest of those before can never come."""
        boots = list(self._rig.written)
        for each in boots[boots.index(self.boot_id) : boots.index(boot_id)]:
            self.gone += len(self._rig.written[each]) // layout.SAMPLE_BYTES - self.next
            self.next = 0
        self.boot_id = boot_id
        self.next = 0

    def _age_s(self, index: int) -> float:
        return (self._rig.ticks - self._rig.began[self.boot_id] - index) * TICK_s

    def _look_at_clock(self) -> None:
        known = self._rig.began[self.boot_id] + self.next
        while self.disturbed and known >= self.disturbed[0]:
            self.recovery_s = max(self.recovery_s, (self._rig.ticks - self.disturbed.pop(0)) * TICK_s)

    def finish(self, end: int) -> None:
        """At the end: samples before `end` of the last boot that were not accounted for are missing."""
        if self.boot_id != self._rig.board.boot_id:
            self._begin(self._rig.board.boot_id)
        self._move_to(max(self.next, end))

    @property
    def faults(self) -> dict[str, int]:
        """What must never be."""
        return {"missing silently": self.skipped, "wrong": self.wrong, "twice": self.twice}
