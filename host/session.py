"""A conversation with one device over an open port: HELLO, requests with repeats, and what comes unasked.

One thread reads, and time passes only while it does, which also is when heartbeats of a leased load go
out; `write` and `new_id` are for any thread. Time is the port's own where it has one (`now`, the
simulator's virtual seconds), else the clock's.
"""

import contextlib
import os
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, overload

from host.errors import LinkError, LinkLost, NoAnswer, PortBusy, Refused, VersionMismatch
from host.strangers import Impression
from host.transport import Port, forget_unsent
from protocol import codes, compat, layout, units, wire

ANSWER_s = 1.0  #: how long an answer is waited for, repeats included
_FIRST_REPEAT_s = 0.025
_HEARTBEATS_PER_LEASE = 4
_HEARTBEATS_REMEMBERED = 64  # a slow link answers only when later ones are on their way
_INBOX_MESSAGES = 4096  # a telemetry frame pushed out is a gap, which the reader asks for again
_ANSWERS = {"SET_LOAD": "LOAD_REPLY", "GET_STATUS": "STATUS"}  # all others, and refusals, are REPLY
_RANGES_MINOR, _RANGES = 1, 8  # devices from this version on keep so many ranges to send again
_RESULTS = {code.number: code for code in codes.RESULTS}
_DONE = ("OK", "LIMITED")
_SIMULATED, _SLOT_B, _ON_TRIAL = (1 << flag.number for flag in codes.DEVICE_FLAGS)


class Device(NamedTuple):
    """Who answered HELLO. What only devices of this version say is None for another one."""

    unique_id: str
    firmware: str
    is_simulated: bool
    boot_id: int
    compatibility: compat.Compatibility
    sample_period_s: float | None
    ring_samples: int | None
    force_max_N: float | None
    bare_mass_kg: float | None
    resend_ranges: int  #: how many requests to send samples again it keeps at once
    build_id: int | None = None  #: of the files its firmware consists of; None: simulated, or older than 1.2
    slot: str | None = None  #: of the flash, "a" or "b", from which it runs
    is_on_trial: bool = False
    reset_cause: int | None = None  #: number of the code, see `protocol.codes.RESETS`


def _device(fields: dict[str, Any]) -> Device:
    def si(name: str) -> float | None:
        return units.to_si(name, fields[name]) if name in fields else None

    flags = fields["device_flags"]
    build_id = fields.get("build_id") or None
    return Device(
        unique_id=fields["unique_id"].hex(),
        firmware=f"{fields['firmware_major']}.{fields['firmware_minor']}.{fields['firmware_patch']}",
        is_simulated=bool(flags & _SIMULATED),
        boot_id=fields["boot_id"],
        compatibility=compat.check(fields),
        sample_period_s=si("sample_period_us"),
        ring_samples=fields.get("sample_count"),
        force_max_N=si("force_mN"),
        bare_mass_kg=si("mass_g"),
        resend_ranges=_RANGES if fields["protocol_minor"] >= _RANGES_MINOR else 1,
        build_id=build_id,
        slot=None if build_id is None else "b" if flags & _SLOT_B else "a",
        is_on_trial=bool(flags & _ON_TRIAL),
        reset_cause=fields.get("reset_cause"),
    )


def hello_frame() -> bytes:
    """HELLO, behind a zero that ends whatever was left unfinished on the way to the device.

    It holds no 0x03, which would interrupt a controller that is still starting.
    """
    version = {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": layout.PROTOCOL_MINOR}
    return b"\0" + wire.encode("HELLO", version)


class Session:
    """Owns an open port. Every method that talks raises LinkError when the port fails or nobody answers."""

    def __init__(self, port: Port, name: str) -> None:
        self.port = port
        self.name = name
        self.device: Device | None = None
        self.tap: Callable[[wire.Frame], bool] | None = None
        """Called by the reading thread for each valid frame, before all else; True takes the frame."""
        self.heard_s = 0.0  #: when the bytes of the message that `messages` gave last were read
        self.frames = wire.FrameReader()  #: its counters tell of damaged frames
        self.undecoded = 0  #: whole frames that mean nothing to this host
        self.lease_lost: str | None = None  #: why the device no longer renews the lease, if so
        self._impression = Impression()
        self._clock: Callable[[], float] = getattr(port, "now", time.monotonic)
        self._offset_s = 0.0
        self._writing = allocate_lock()
        self._numbering = allocate_lock()
        self._inbox: deque[tuple[float, wire.Received]] = deque(maxlen=_INBOX_MESSAGES)
        self._next_id = int.from_bytes(os.urandom(2), "little")
        self._lease_ms = 0
        self._next_heartbeat = 0.0
        self._heartbeats: deque[int] = deque(maxlen=_HEARTBEATS_REMEMBERED)  # ids that may be answered yet

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back; a held load stays."""
        self.port.close()

    def now(self) -> float:
        """The port's time in s; it goes on steadily when the port is changed."""
        return self._clock() + self._offset_s

    @property
    def is_real_time(self) -> bool:
        """Whether time passes by itself; else it is the port's, and passes while reading and opening."""
        return not hasattr(self.port, "now")

    def leave(self) -> None:
        """The link has dropped: let go of the port, so that it can come back under its old name."""
        if self.is_real_time:  # else the port still tells the time
            with contextlib.suppress(OSError):
                self.port.close()

    def reconnect(self, port: Port) -> None:
        """Go on with another open port. Ask HELLO next; until it is answered, heartbeats rest."""
        with self._writing:
            before_s, is_same_kind = self.now(), self.is_real_time != hasattr(port, "now")
            left, self.port = self.port, port
            self._clock = getattr(port, "now", time.monotonic)
            if not is_same_kind or self.now() < before_s:
                self._offset_s += before_s - self.now()
        with contextlib.suppress(OSError):
            left.close()
        self.name = getattr(port, "name", None) or self.name
        self._next_heartbeat = float("inf")
        self._heartbeats.clear()
        self.frames.feed(b"\0")  # the frame that was cut off will not go on
        self._impression = Impression()

    @property
    def damaged_frames(self) -> int:
        """Frames that came in and were dropped: wrong check sum, cut short, too long, or unknown."""
        frames = self.frames
        return frames.bad_crc + frames.bad_cobs + frames.short + frames.oversized + self.undecoded

    def hello(self, within_s: float = ANSWER_s, any_version: bool = False) -> Device:
        """Ask who is there. Raises VersionMismatch if only STOP may be said, unless `any_version`."""
        reply = self._ask(hello_frame(), within_s, lambda message: message.name == "HELLO_REPLY")
        if reply is None:
            raise self._impression.verdict(self.name, within_s, self.damaged_frames)
        self.device = _device(reply.fields)
        self._next_heartbeat = min(self._next_heartbeat, self.now())
        if not any_version:
            self.check_version()
        return self.device

    def check_version(self) -> None:
        """Raises VersionMismatch if only STOP may be said to the device that answered HELLO."""
        assert self.device is not None
        compatibility = self.device.compatibility
        if not compatibility.is_usable:
            raise VersionMismatch(f"{self.name}: {compatibility.sentence}", compatibility.command)

    def request(self, name: str, **fields: Any) -> wire.Received:
        """Send a command, wire units, and return its answer.

        The same command id is repeated until the answer comes, and the device does a repeat only
        once. Raises Refused with the device's reason, LinkError when no answer comes.
        """
        command_id = self.new_id()
        frame = wire.encode(name, {"command_id": command_id, **fields})
        names = ("REPLY", _ANSWERS.get(name))

        def answers(message: wire.Received) -> bool:
            return message.name in names and message.fields["command_id"] == command_id

        reply = self._ask(frame, ANSWER_s, answers)
        if reply is None:
            raise NoAnswer(
                f"{self.name} stopped answering: nothing came back on {name} within {ANSWER_s:g} s "
                f"({self.damaged_frames} damaged frames)",
                "host status",
            )
        result = _RESULTS.get(reply.fields.get("result", 0))
        if result is None or result.name not in _DONE:
            raise self._refusal(name, reply, result)
        return reply

    def send(self, name: str, **fields: Any) -> int:
        """Send a command whose effect shows by itself. Returns its id; the answer is among the messages."""
        command_id = self.new_id()
        self.write(wire.encode(name, {"command_id": command_id, **fields}))
        return command_id

    def stop(self, drop: bool = False) -> None:
        """Lower the load, or release it at once with `drop`. Works with a device of any version.

        It overtakes whatever still waits on its way to the device.
        """
        while True:
            command_id = self.new_id()
            frame = wire.encode("STOP", {"command_id": command_id, "stop_kind": int(drop)})
            if b"\x03" not in frame:  # which would interrupt a controller that is still starting
                break
        id_bytes = command_id.to_bytes(2, "little")
        heard = []

        def answers(message: wire.Received) -> bool:
            return message.name == "REPLY" and message.fields.get("command_id") == command_id

        def foreign(received: wire.Frame) -> None:
            if received.kind & 0x80 and received.body[:2] == id_bytes:
                heard.append(received)

        self.hold_lease(0)
        if self._ask(frame, ANSWER_s, answers, foreign, overtakes=True) is None and not heard:
            raise NoAnswer(
                f"{self.name} did not confirm STOP within {ANSWER_s:g} s: press the emergency stop",
                "host stop --drop",
            )

    @overload
    def messages(self, for_s: float) -> Iterator[wire.Received]: ...
    @overload
    def messages(self, for_s: float, idle: Literal[True]) -> Iterator[wire.Received | None]: ...
    def messages(self, for_s: float, idle: bool = False) -> Iterator[wire.Received | None]:
        """What comes without being asked for, during `for_s` seconds of the port's time.

        With `idle`, None after each read that completed no message, so that the caller sees time pass.
        """
        end = self.now() + for_s
        while True:
            while self._inbox:
                self.heard_s, message = self._inbox.popleft()
                yield message
            if self.now() >= end:
                return
            self._keep(self._pump())
            if idle and not self._inbox:
                yield None

    def hold_lease(self, lease_ms: int) -> None:
        """Renew a leased load four times per lease from now on; 0 ends that."""
        self._lease_ms = lease_ms
        self._next_heartbeat = self.now()
        self._heartbeats.clear()
        self.lease_lost = None

    def new_id(self) -> int:
        """A number for a command. Any thread may ask."""
        with self._numbering:
            self._next_id = (self._next_id + 1) & 0xFFFF
            return self._next_id

    def write(self, frame: bytes, overtakes: bool = False) -> None:
        """Send a whole frame; any thread may. Raises LinkError.

        With `overtakes` (for STOP) bytes that still wait for the device are thrown away, and a thread
        that is stuck in writing is not waited for: whatever is cut off by that is repeated by its owner.
        """
        has_turn = self._writing.acquire(not overtakes)
        try:
            if overtakes:
                forget_unsent(self.port)
                frame = b"\0" + frame
            self.port.write(frame)
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            if has_turn:
                self._writing.release()

    def _keep(self, messages: list[wire.Received]) -> None:
        heard_s = self.now()
        self._inbox.extend((heard_s, message) for message in messages)

    def _ask(
        self,
        frame: bytes,
        within_s: float,
        answers: Callable[[wire.Received], bool],
        unknown: Callable[[wire.Frame], None] = lambda frame: None,
        overtakes: bool = False,
    ) -> wire.Received | None:
        """Send `frame`, again after 25 ms and each time twice as long, until an answer or the deadline."""
        deadline = self.now() + within_s
        wait_s = _FIRST_REPEAT_s
        while self.now() < deadline:
            self.write(frame, overtakes)
            repeat_at = min(self.now() + wait_s, deadline)
            wait_s *= 2
            while self.now() < repeat_at:
                messages = self._pump(unknown)
                found = next((message for message in messages if answers(message)), None)
                if found is not None:
                    messages.remove(found)
                self._keep(messages)
                if found is not None:
                    return found
        return None

    def _pump(self, unknown: Callable[[wire.Frame], None] = lambda frame: None) -> list[wire.Received]:
        """One read and the messages it completed."""
        if self._lease_ms and self.now() >= self._next_heartbeat:
            self._send_heartbeat()
        try:
            data = self.port.read(self.port.in_waiting or 1)
        except OSError as error:  # pyserial's SerialException is one
            raise self._broken(error) from None
        self._impression.note(data)
        messages = []
        for frame in self.frames.feed(data):
            if self.tap is not None and self.tap(frame):
                continue
            try:
                message = wire.decode(frame)
            except ValueError:
                self.undecoded += 1
                unknown(frame)
                continue
            self._impression.note_message(message.name)
            if message.name == "REPLY" and message.fields["command_id"] in self._heartbeats:
                self._note_heartbeat(message)
            else:
                messages.append(message)
        return messages

    def _broken(self, error: OSError) -> LinkError:
        if self.device is None:
            return PortBusy(
                f"{self.name} was closed from the other side before it answered: "
                "another program may have the sled, or its cable is out",
                "host ports",
            )
        return LinkLost(f"the link to {self.name} broke: {error}", "host ports")

    def _unwritable(self, error: OSError) -> LinkError:
        from serial import SerialTimeoutException

        if self.device is None and not isinstance(error, SerialTimeoutException):
            return self._broken(error)  # closed while HELLO was on its way
        return LinkLost(f"{self.name} takes no bytes: {error}", "host ports")

    def _send_heartbeat(self) -> None:
        command_id = self.new_id()
        self._heartbeats.append(command_id)
        self._next_heartbeat = self.now() + self._lease_ms / 1000 / _HEARTBEATS_PER_LEASE
        self.write(wire.encode("HEARTBEAT", {"command_id": command_id, "lease_ms": self._lease_ms}))

    def _note_heartbeat(self, reply: wire.Received) -> None:
        result = _RESULTS.get(reply.fields["result"])
        if result is None or result.name != "OK":
            self.lease_lost = result.sentence if result else f"unknown result {reply.fields['result']}"
            self._lease_ms = 0

    def _refusal(
        self, name: str, reply: wire.Received, result: codes.Code | None
    ) -> Refused | VersionMismatch:
        sentence = result.sentence.rstrip(".") if result else f"unknown result {reply.fields['result']}"
        if result is not None and result.name in ("WRONG_VERSION", "UNKNOWN_KIND"):
            return VersionMismatch(f"{self.name} refused {name}: {sentence}", codes.ONE_VERSION_COMMAND)
        hint = {"FAULTED": "host clear", "STILL_PRESENT": "host status", "NOT_WHILE_ARMED": "host stop"}
        return Refused(
            f"the sled refused {name}: {sentence}",
            hint.get(result.name if result else "", "host status"),
            reply.fields["result"],
        )
