"""One long observation of a sled: samples, clock, faults and load, over unplugs and restarts.

What `host record`, `host serve` and `host monitor` have in common. Nothing here ever sets a load: after
a link that dropped has returned, the load in force is read back from the device and told.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from host.batches import Batch, Lost
from host.clock import ClockFit
from host.errors import HostError, LinkError, LinkLost, VersionMismatch
from host.session import Device, Session
from host.telemetry import Heard, Telemetry
from host.transport import Port
from protocol import units, wire

__all__ = ["Away", "Back", "Batch", "Follower", "Item", "Lost", "Pong", "Told"]

_TRY_EVERY_s = 0.25
_HELLO_s = 0.5
_PINGS_REMEMBERED = 16
_NOT_TOLD = ("REPLY", "HELLO_REPLY")  # late answers, of interest to nobody


class Away(NamedTuple):
    """The link has dropped; the sled goes on measuring, and the observation waits for it."""

    host_s: float  #: `session.now()`
    reason: str


class Back(NamedTuple):
    """The sled answers again: the same unique id, perhaps at another port."""

    host_s: float
    away_s: float
    port: str
    device: Device
    has_restarted: bool  #: another boot: what its memory held is gone, and sample numbers begin anew
    status: dict[str, Any]  #: STATUS as read back, wire units


class Told(NamedTuple):
    """Any other message: FAULT, and the STATUS that is asked for now and then."""

    host_s: float
    message: wire.Received


class Pong(NamedTuple):
    """One reading of the device's clock. The sample was taken `since_tick_s` before the device answered."""

    sent_s: float  #: `session.now()` when the question went out
    received_s: float
    boot_id: int
    sample_index: int
    since_tick_s: float


Item = Batch | Lost | Away | Back | Told | Pong


class Follower:
    """Follows one sled through one session. Single-threaded: time passes while reading.

    `reopen` gives an open port that may lead to the sled again, or raises HostError
    (`host.ports.reopener`); where time is the port's own, each attempt takes some of it. Without it a link
    that drops is an error.
    """

    def __init__(
        self,
        session: Session,
        reopen: Callable[[], Port] | None = None,
        *,
        ping_every_s: float = 0.973,
        status_every_s: float = 1.0,
    ) -> None:
        self.telemetry = Telemetry(session)
        self.clock = ClockFit()  #: of this boot
        self._session = session
        self._reopen = reopen
        self._device = self._known()
        self._ping_every_s = ping_every_s
        self._status_every_s = status_every_s
        self._ping_at_s = self._status_at_s = session.now()
        self._pings: dict[int, float] = {}  # when it was sent, by id
        self._left_s: float | None = None  # when the link dropped, while it is away
        self._is_port_gone = False
        self._try_at_s = 0.0

    def _known(self) -> Device:
        assert self._session.device is not None  # else there is no Telemetry
        return self._session.device

    @property
    def away_s(self) -> float | None:
        """How long the sled has been away, while it is."""
        return None if self._left_s is None else self._session.now() - self._left_s

    def start(self, from_oldest: bool = False) -> None:
        """Begin with the newest sample, or with the oldest that the sled still has. Raises LinkError."""
        self.telemetry.start(from_oldest)

    def run(self, for_s: float) -> Iterator[Item]:
        """What happens during `for_s` seconds. Where it can reopen, a link that drops is no error."""
        end_s = self._session.now() + for_s
        while True:
            if self._left_s is not None:
                yield from self._return(end_s)
                if self._left_s is not None:
                    return
            left_s = end_s - self._session.now()
            try:
                yield from self._told(self.telemetry.listen(max(left_s, 0.0)))
                return
            except LinkError as error:
                yield from self._leave(error)

    def finish(self, within_s: float = 2.0) -> Iterator[Item]:
        """The rest up to this moment, every index accounted for, and the stream stopped.

        What the link does not give within that time is lost.
        """
        end_s = self._session.now() + within_s
        while True:
            if self._left_s is not None:
                yield from self._return(end_s)
                if self._left_s is not None:
                    break
            try:
                yield from self._told(self.telemetry.drain(end_s - self._session.now()))
                break
            except LinkError as error:
                if self._reopen is None:
                    yield from self.telemetry.abandon()
                if self._session.now() >= end_s:
                    break
                yield from self._leave(error)
        yield from self.telemetry.abandon()

    def _told(self, heard: Iterator[Heard]) -> Iterator[Item]:
        """Items of what is heard; asks for clock and status in between."""
        for item in heard:
            if item is None:
                self._ask()
            elif isinstance(item, Batch | Lost):
                yield item
            else:
                yield from self._of(item)

    def _of(self, message: wire.Received) -> Iterator[Item]:
        heard_s = self._session.heard_s
        if message.name == "CLOCK_PONG":
            sent_s = self._pings.pop(message.fields["ping_id"], None)
            if sent_s is not None:
                pong = self._pong(sent_s, heard_s, message.fields)
                self.clock.add(sent_s, heard_s, self._device_s(pong))
                yield pong
        elif message.name not in _NOT_TOLD:
            yield Told(heard_s, message)

    def _pong(self, sent_s: float, heard_s: float, fields: dict[str, Any]) -> Pong:
        since_s = units.to_si("since_tick_us", fields["since_tick_us"])
        return Pong(sent_s, heard_s, self.telemetry.boot_id, fields["sample_index"], since_s)

    def _device_s(self, pong: Pong) -> float:
        assert self._device.sample_period_s is not None  # else there is no Telemetry
        return pong.sample_index * self._device.sample_period_s + pong.since_tick_s

    def _ask(self) -> None:
        session, now_s = self._session, self._session.now()
        if now_s >= self._status_at_s:
            self._status_at_s = now_s + self._status_every_s
            session.send("GET_STATUS")
        if now_s >= self._ping_at_s:
            self._ping_at_s = now_s + self._ping_every_s
            ping_id = session.new_id()
            self._pings[ping_id] = session.now()
            while len(self._pings) > _PINGS_REMEMBERED:
                del self._pings[next(iter(self._pings))]
            session.write(wire.encode("CLOCK_PING", {"ping_id": ping_id}))

    def _leave(self, error: LinkError) -> Iterator[Item]:
        """The link has dropped, or the device has restarted behind one that works."""
        session = self._session
        if self._reopen is None:
            raise error
        self._left_s = self._try_at_s = session.now()
        if isinstance(error, LinkLost):
            self._drop()
        self._pings.clear()
        try:
            for message in session.messages(0.0):  # what came before
                items = self.telemetry.take(message)
                yield from self._of(message) if items is None else items
        except LinkError:
            pass  # the new boot's
        yield Away(self._left_s, error.sentence)

    def _return(self, end_s: float) -> Iterator[Item]:
        """Wait for the sled, until then at most."""
        session = self._session
        while self._left_s is not None:
            wait_s = min(self._try_at_s, end_s) - session.now()
            if wait_s > 0 and session.is_real_time:
                time.sleep(wait_s)
            if session.now() >= end_s:
                return
            self._try_at_s = session.now() + _TRY_EVERY_s
            try:
                status = self._greet()
                yield from self.telemetry.take_boot()
                self.telemetry.stream_on()
            except VersionMismatch:
                raise
            except HostError as error:
                if session.is_real_time or isinstance(error, LinkLost):
                    self._drop()
                continue
            device = self._known()
            has_restarted = device.boot_id != self._device.boot_id
            if has_restarted:
                self.clock = ClockFit()
            self._device = device
            now_s, left_s, self._left_s = session.now(), self._left_s, None
            yield Back(now_s, now_s - left_s, session.name, device, has_restarted, status)

    def _drop(self) -> None:
        self._is_port_gone = True
        self._session.leave()

    def _greet(self) -> dict[str, Any]:
        """STATUS of the same sled. Raises HostError while it is not there."""
        session = self._session
        if self._is_port_gone:
            assert self._reopen is not None  # else nothing is ever left
            session.reconnect(self._reopen())
            self._is_port_gone = False
        if session.hello(_HELLO_s, any_version=True).unique_id != self._device.unique_id:
            raise LinkLost(f"another sled is at {session.name}", "host ports")
        session.check_version()
        return session.request("GET_STATUS").fields
