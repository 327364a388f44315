"""Every sample of a device once and in order, or declared lost: the stream, its gaps and its silences.

The device keeps the last 3 s. A gap is asked for by RESEND until it is filled, SAMPLES_LOST declares it,
or the ring must have passed; a stream that stopped is taken up where it was.
"""

from collections.abc import Iterator

from host.batches import Batch, Lost, Order
from host.errors import LinkError, NoAnswer
from host.gaps import Gaps
from host.samples import Sample, SampleReader
from host.session import Session, hello_frame
from protocol import codes, wire

__all__ = ["Batch", "Heard", "Lost", "Restarted", "Sample", "Telemetry"]

_SILENT_s = 0.3  #: a stream that stops for this long was stopped by something, and is asked to go on
_SILENT_MAX_s = 1.0  #: the time between two such questions grows up to this
_GREET_AGAIN_s = 0.1
_DARK_s = 8.0  #: a device that says nothing at all for this long is given up
_LOOK_s = 0.005
_NEWEST = 2**30 - 1  # the device starts at its newest sample when asked for one that does not exist yet
_RESULTS = {code.name: code.number for code in codes.RESULTS}
Heard = Batch | Lost | wire.Received | None
_OURS = ("TELEMETRY", "SAMPLES_LOST", "REPLY", "HELLO_REPLY")


class Restarted(LinkError):
    """The device has begun a new boot: its memory of the old one is gone."""


class Telemetry:
    """Turns what a session receives into batches and declared losses. Ask HELLO before.

    `run` and `finish` give single samples in SI units; who wants batches, and the other messages too,
    takes `listen` and `drain`.
    """

    def __init__(self, session: Session) -> None:
        self.samples = 0  #: received and given out
        self.lost = 0  #: declared lost
        self.resends = 0  #: RESEND requests
        self.resumes = 0  #: times a stream that had stopped was asked to go on
        self._session = session
        self._is_begun = self._is_streaming = False
        self._greeted_s = -_DARK_s
        self._resume_after_s = _SILENT_s
        self._heard_s = self._streamed_s = session.now()
        self._past_boot: int | None = None
        self._set_device()

    def _set_device(self) -> None:
        device = self._session.device
        if device is None or device.sample_period_s is None or device.ring_samples is None:
            raise LinkError(f"{self._session.name} has not told its sample period", "host status")
        self._order = Order(device.boot_id, 0, device.ring_samples)
        self._gaps = Gaps(self._ask_for, device.resend_ranges)
        self._reader = SampleReader(device.sample_period_s)

    @property
    def duplicates(self) -> int:
        """Samples that came again and were dropped."""
        return self._order.duplicates

    @property
    def boot_id(self) -> int:
        """Of the boot that is listened to."""
        return self._order.boot_id

    def start(self, from_oldest: bool = False) -> None:
        """Ask the device to stream from now on, or from the oldest sample it still has."""
        first = self._stream(0 if from_oldest else _NEWEST)
        self._order.next = self._order.end = first

    def stream_on(self) -> None:
        """Have a device that has answered HELLO again go on where it was."""
        self._order.end = max(self._order.end, self._stream(self._order.end))

    def take_boot(self) -> list[Batch | Lost]:
        """Turn to the boot that HELLO told of, from its first sample on; gives out the rest of the old."""
        device, before = self._session.device, self._order
        if device is None or device.boot_id == before.boot_id:
            return []
        rest = self.abandon()
        self._set_device()
        self._order.duplicates = before.duplicates
        self._past_boot = before.boot_id
        return rest

    def abandon(self) -> list[Batch | Lost]:
        """Wait for nothing more: what is missing of all that was heard of is lost."""
        return self._counted(self._order.lose(self._order.next, self._order.end))

    def run(self, for_s: float) -> Iterator[Sample | Lost]:
        """What arrives during `for_s` seconds of the port's time, in order of index.

        Raises NoAnswer when the device falls silent for long, Restarted when it has.
        """
        yield from self._single(self.listen(for_s))

    def finish(self, within_s: float = 2.0) -> Iterator[Sample | Lost]:
        """The rest up to this moment, then the stream stopped: afterwards no index is unaccounted for."""
        try:
            yield from self._single(self.drain(within_s))
        except LinkError:
            yield from self._single(iter(self.abandon()))
            raise

    def _single(self, items: Iterator[Heard]) -> Iterator[Sample | Lost]:
        for item in items:
            if isinstance(item, Batch):
                yield from self._reader.read(item)
            elif isinstance(item, Lost):
                yield item

    def listen(self, for_s: float) -> Iterator[Heard]:
        """As `run`, in batches; with every message that is of no concern here, and None after each read.

        Only at None may the caller give up: before, there may be more of what was read.
        """
        for message in self._session.messages(for_s, idle=True):
            if message is not None:
                yield from self._sorted(message)
            elif self._is_streaming:
                self._look_for_silence(self._session.now())
            self._ask_again()
            yield None

    def drain(self, within_s: float) -> Iterator[Heard]:
        """As `finish`, but like `listen`; after an error the rest is still to be abandoned."""
        session = self._session
        deadline_s = session.now() + within_s
        session.request("STREAM", enabled=0, sample_index=0)
        self._is_streaming = False
        self._order.end = max(self._order.end, session.request("GET_STATUS").fields["sample_index"])
        for message in session.messages(0.0):
            yield from self._sorted(message)
        while self._order.next < self._order.end and session.now() < deadline_s:
            self._ask_again()
            for message in session.messages(_LOOK_s):
                yield from self._sorted(message)
        yield from self.abandon()

    def take(self, message: wire.Received) -> list[Batch | Lost] | None:
        """Book one message; what it completes, or None for one that is of no concern here."""
        name, fields = message
        if name not in _OURS:
            return None
        now_s = self._heard_s = self._session.heard_s
        if name == "REPLY":
            self._gaps.answered(fields["command_id"], now_s)
            if fields["result"] == _RESULTS["WRONG_VERSION"] and now_s > self._greeted_s + _GREET_AGAIN_s:
                self._greeted_s = now_s  # it has restarted, and waits for HELLO
                self._session.write(hello_frame())
            return []
        if not self._is_of_this_boot(fields["boot_id"]) or name == "HELLO_REPLY" or not self._is_begun:
            return []
        self._streamed_s, self._resume_after_s = now_s, _SILENT_s
        first = fields["sample_index"]
        samples = fields.get("samples")
        end = first + (fields["sample_count"] if samples is None else len(samples))
        if first < self._order.end:
            self._gaps.came(first, end, now_s)
        return self._counted(
            self._order.lose(first, end) if samples is None else self._order.take(first, samples)
        )

    def _sorted(self, message: wire.Received) -> Iterator[Batch | Lost | wire.Received]:
        items = self.take(message)
        if items is None:
            yield message
        else:
            yield from items

    def _counted(self, items: list[Batch | Lost]) -> list[Batch | Lost]:
        for item in items:
            if isinstance(item, Batch):
                self.samples += len(item.samples)
            else:
                self.lost += item.sample_count
        return items

    def _is_of_this_boot(self, boot_id: int) -> bool:
        if boot_id not in (self.boot_id, self._past_boot):
            raise Restarted(
                f"{self._session.name} restarted: samples from {self._order.end} on are gone with its memory",
                "host status",
            )
        return boot_id == self.boot_id

    def _look_for_silence(self, now_s: float) -> None:
        """Another program's HELLO, or one that came twice, stops the stream; a restart does too."""
        if now_s - self._heard_s > _DARK_s:
            raise NoAnswer(f"{self._session.name} has said nothing for {_DARK_s:g} s", "host status")
        if now_s - self._streamed_s > self._resume_after_s:
            self.resumes += 1
            self._streamed_s = now_s
            self._resume_after_s = min(2 * self._resume_after_s, _SILENT_MAX_s)
            self._session.send("STREAM", enabled=1, sample_index=self._order.end)

    def _stream(self, first: int) -> int:
        """Returns the first sample that will come."""
        reply = self._session.request("STREAM", enabled=1, sample_index=first)
        self._is_begun = self._is_streaming = True
        self._resume_after_s = _SILENT_s
        self._heard_s = self._streamed_s = self._session.now()
        return int(reply.fields["setting_value"])

    def _ask_again(self) -> None:
        if self._is_begun:
            self._gaps.ask(self._order.missing(), self._session.now())

    def _ask_for(self, first: int, count: int) -> int:
        self.resends += 1
        return self._session.send("RESEND", sample_index=first, sample_count=count)
