"""Samples in order, each index exactly once: received, asked for again, or declared lost.

The device keeps the last 3 s; a gap is asked for by RESEND, one at a time because a new request
replaces the one before, until it is filled, SAMPLES_LOST declares it, or the ring must have passed.
"""

from collections.abc import Iterator
from typing import NamedTuple

from host.errors import LinkError, NoAnswer
from host.session import Session
from protocol import codes, units, wire

_AGAIN_s = 0.1  #: a resend that brought nothing new for this long is asked for again
_SILENT_s = 1.0  #: a stream that stops for this long has lost its device, or the device its stream
_DARK_s = 8.0  #: and after this long it is given up
_STALLED_s = 0.3  #: while finishing, a device that sends nothing for so long is told to stream again
_LOOK_s = 0.005
_PASSED_RINGS = 2  # a sample this many rings back is overwritten for certain
_RESEND_MAX = 500  # samples of one request, so that live samples are not held up for long
_WRAP_um = 2**30
_NEWEST = 2**30 - 1  # the device starts at its newest sample when asked for one that does not exist yet


class Sample(NamedTuple):
    """One tick of the device, SI units; pull is positive, push negative, tension positive."""

    sample_index: int
    time_s: float  #: device time, index times period
    position_m: float
    velocity_m_per_s: float
    tow_force_N: float
    law_force_N: float
    brake_force_N: float
    is_push: bool
    mode: int
    limits: int


class Lost(NamedTuple):
    """Samples that will never come."""

    sample_index: int  #: the first of them
    sample_count: int


class Telemetry:
    """Turns what a session receives into samples and declared losses. Ask HELLO before."""

    def __init__(self, session: Session) -> None:
        device = session.device
        if device is None or device.sample_period_s is None or device.ring_samples is None:
            raise LinkError(f"{session.name} has not told its sample period", "host status")
        self.samples = 0  #: received and yielded
        self.lost = 0  #: declared lost
        self.duplicates = 0  #: came again and were dropped
        self.resends = 0  #: RESEND requests
        self._session = session
        self._boot_id = device.boot_id
        self._period_s = device.sample_period_s
        self._ring_samples = device.ring_samples
        self._next = -1  # index that is yielded next; -1 before the stream began
        self._end = 0  # one past the newest index heard of
        self._waiting: dict[int, tuple[int, ...] | None] = {}  # beyond a gap; None where declared lost
        self._asked_at = 0.0
        self._asked_end = 0
        self._turns = 0  # whole wraps of the position
        self._last_um: int | None = None
        scales = [units.to_si(name, 1) for name in wire.SAMPLE_FIELDS]
        self._velocity_scale, self._tow_scale, self._law_scale, self._brake_scale = scales[1:5]

    def start(self, from_oldest: bool = False) -> None:
        """Ask the device to stream from now on, or from the oldest sample it still has."""
        first = 0 if from_oldest else _NEWEST
        reply = self._session.request("STREAM", enabled=1, sample_index=first)
        self._next = self._end = reply.fields["setting_value"]

    def run(self, for_s: float) -> Iterator[Sample | Lost]:
        """What arrives during `for_s` seconds of the port's time, in order of index.

        Raises LinkError when the stream falls silent and the device does not answer, or has restarted.
        """
        heard_at = asked_at = self._session.now()
        for message in self._session.messages(for_s, idle=True):
            now = self._session.now()
            if message is not None:
                heard_at = asked_at = now
                yield from self.take(message)
                self._ask_again()
            elif now - asked_at > _SILENT_s:
                yield from self._resume(is_last_try=now - heard_at > _DARK_s)
                asked_at = self._session.now()

    def _resume(self, is_last_try: bool) -> Iterator[Sample | Lost]:
        """Stream on after a silence; whether this is still the device of before, the first sample tells."""
        try:
            self._session.hello()
            yield from self._stream_on()
        except NoAnswer:
            if is_last_try:
                raise

    def _stream_on(self) -> Iterator[Sample | Lost]:
        """Have the device stream from the first missing sample, or the oldest it still has."""
        reply = self._session.request("STREAM", enabled=1, sample_index=self._next)
        self._declare_lost(self._next, reply.fields["setting_value"])
        yield from self._release()

    def _check_boot(self, boot_id: int) -> None:
        if boot_id != self._boot_id:
            raise LinkError(
                f"{self._session.name} restarted: samples from {self._end} on are gone with its memory",
                "host status",
            )

    def finish(self, within_s: float = 2.0) -> Iterator[Sample | Lost]:
        """The rest up to this moment, then the stream stopped: afterwards no index is unaccounted for."""
        session = self._session
        target = max(self._end, session.request("GET_STATUS").fields["sample_index"])
        self._end = target
        deadline = session.now() + within_s
        got_at = session.now()
        while self._next < target and session.now() < deadline:
            before = self._next
            self._ask_again()
            for message in session.messages(_LOOK_s):
                yield from self.take(message)
            if self._next > before:
                got_at = session.now()
            elif session.now() - got_at > _STALLED_s:
                yield from self._stream_on()
                got_at = session.now()
        if self._next < target:  # the link gives nothing more: say so instead of leaving a hole
            self._declare_lost(self._next, target)
            yield from self._release()
        session.request("STREAM", enabled=0, sample_index=0)

    def take(self, message: wire.Received) -> Iterator[Sample | Lost]:
        """Book one message; yields what it completes. Other messages than telemetry are ignored."""
        if message.name not in ("TELEMETRY", "SAMPLES_LOST") or self._next < 0:
            return
        fields = message.fields
        self._check_boot(fields["boot_id"])
        first = fields["sample_index"]
        if message.name == "SAMPLES_LOST":
            self._declare_lost(first, first + fields["sample_count"])
        else:
            samples = fields["samples"]
            if first == self._next and not self._waiting:  # nearly always
                self._next = first + len(samples)
                self._end = max(self._end, self._next)
                self.samples += len(samples)
                for index, values in enumerate(samples, first):
                    yield self._in_si(index, values)
                return
            self._keep(first, samples)
        yield from self._release()

    def _keep(self, first: int, samples: list[tuple[int, ...]]) -> None:
        for index, values in enumerate(samples, first):
            if index < self._next or self._waiting.get(index) is not None:
                self.duplicates += 1
            else:
                self._waiting[index] = values
        self._end = max(self._end, first + len(samples))

    def _declare_lost(self, first: int, end: int) -> None:
        """Only what has not been received: a declared index may have come by another way."""
        self._end = max(self._end, end)
        for index in range(max(first, self._next), end):
            self._waiting.setdefault(index, None)

    def _release(self) -> Iterator[Sample | Lost]:
        """Everything that is now without a gap before it."""
        passed = self._end - _PASSED_RINGS * self._ring_samples
        if self._next < passed:  # nobody declared it, but it cannot exist any more
            for index in range(self._next, passed):
                self._waiting.setdefault(index, None)
        while self._next in self._waiting:
            values = self._waiting[self._next]
            if values is not None:
                del self._waiting[self._next]
                self._next += 1
                self.samples += 1
                yield self._in_si(self._next - 1, values)
                continue
            first = self._next
            while self._next in self._waiting and self._waiting[self._next] is None:
                del self._waiting[self._next]
                self._next += 1
            self.lost += self._next - first
            yield Lost(first, self._next - first)

    def _ask_again(self) -> None:
        """Ask for the first gap, unless a request for it is still under way."""
        now = self._session.now()
        if self._next >= self._end or (self._next < self._asked_end and now - self._asked_at < _AGAIN_s):
            return
        end = self._next
        while end < self._end and end not in self._waiting and end - self._next < _RESEND_MAX:
            end += 1
        self._asked_at, self._asked_end = now, end
        self.resends += 1
        self._session.send("RESEND", sample_index=self._next, sample_count=end - self._next)

    def _in_si(self, index: int, values: tuple[int, ...]) -> Sample:
        position_um, velocity, tow, law, brake, flags = values
        last_um = self._last_um
        if last_um is not None:
            if position_um - last_um > _WRAP_um // 2:
                self._turns -= 1
            elif last_um - position_um > _WRAP_um // 2:
                self._turns += 1
        self._last_um = position_um
        return Sample(
            index,
            index * self._period_s,
            (position_um + self._turns * _WRAP_um) / 1_000_000,
            velocity * self._velocity_scale,
            tow * self._tow_scale,
            law * self._law_scale,
            brake * self._brake_scale,
            bool(flags >> codes.SAMPLE_PUSH_BIT & 1),
            flags >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK,
            flags >> codes.SAMPLE_LIMITS_SHIFT,
        )
