"""The host of a scenario: its commands by the clock, as frames of `protocol.wire`, in virtual time.

It behaves as a real host does: HELLO first and after every silence, a command repeated under its own id
until the answer comes, heartbeats for a lease, telemetry streamed all the time and asked for again where
a gap is. It draws nothing at random and never gives up the link.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from protocol import codes, layout, wire
from sim.scenario.dialogues import Command, Dialogue, Outcome, dialogue, result_of
from sim.scenario.samples import Samples

if TYPE_CHECKING:
    from sim.rig import Rig

ANSWER_s = 1.0  #: how long an answer is waited for, repeats included
_FIRST_REPEAT_s = 0.025
_HELLO_AGAIN_MAX_s = 0.5
_SILENT_s = 1.0  #: a stream that stops for so long has lost its device, or the device its stream
_HEARTBEATS_PER_LEASE = 4
_HEARTBEATS_REMEMBERED = 64  # a slow link answers only when later ones are on their way
_LOSSES_APART_s = 1.0  # between two lines of the time line about them
_READ_BYTES = 1 << 16

_RESETS = {code.number: code.name for code in codes.RESETS}

#: What it counts.
FIGURES = (
    "samples",
    "samples_lost",
    "duplicates",
    "resends",
    "repeats",
    "hellos",
    "heartbeats",
    "unanswered",
    "damaged_frames",
    "boots",
)


class Answer(NamedTuple):
    """How a command went: the name of its last result, or None where no answer came."""

    command: int
    result: str | None
    time_s: float
    limited: str = ""  #: what a limit made of it, for people


class Report(NamedTuple):
    """The device told of a fault."""

    fault: str
    time_s: float


class Restart(NamedTuple):
    """A device that was not the one of before: another boot."""

    cause: str
    time_s: float


class _Pending:
    """A frame that waits for its answer."""

    def __init__(self, frame: bytes, command_id: int, now_s: float) -> None:
        self.frame = frame
        self.command_id = command_id
        self.until_s = now_s + ANSWER_s
        self.again_s = now_s
        self.wait_s = _FIRST_REPEAT_s
        self.is_repeat = False


class ScriptedHost:
    """Talks to one rig. `note` gets a line of the time line for what is sent and heard."""

    def __init__(self, commands: tuple[Command, ...], note: Callable[[float, str, str], None]) -> None:
        self.commands = commands
        self.answers: dict[int, Answer] = {}
        self.reports: list[Report] = []
        self.restarts: list[Restart] = []
        self.boots: list[Samples] = []  #: one for each boot that was heard of
        self.frames = wire.FrameReader()
        self.counts = dict.fromkeys(("resends", "repeats", "hellos", "heartbeats", "unanswered"), 0)
        self._note = note
        self._script = deque(sorted(commands, key=lambda command: (command.at_s, command.number)))
        self._queue: deque[Command | Dialogue] = deque()
        self._current: Command | None = None
        self._dialogue: Dialogue | None = None
        self._pending: _Pending | None = None
        self._pause_until_s = 0.0
        self._is_greeted = False
        self._hello_s = 0.0
        self._hello_wait_s = _FIRST_REPEAT_s
        self._heard_s = 0.0
        self._silent_until_s = 0.0
        self._next_id = 0
        self._lease_ms = 0
        self._heartbeat_s = 0.0
        self._heartbeats: deque[int] = deque(maxlen=_HEARTBEATS_REMEMBERED)  # ids not answered yet
        self._now_s = 0.0
        self._undecoded = 0
        self._losses = 0  # declared and not yet told
        self._losses_s = 0.0
        self._target: int | None = None

    def figures(self) -> dict[str, int]:
        """Everything it counted, by the names of `FIGURES`."""
        frames = self.frames
        damaged = frames.bad_crc + frames.bad_cobs + frames.short + frames.oversized + self._undecoded
        return {
            "samples": sum(len(boot.index) for boot in self.boots),
            "samples_lost": sum(boot.lost for boot in self.boots),
            "duplicates": sum(boot.duplicates for boot in self.boots),
            **self.counts,
            "damaged_frames": damaged,
            "boots": len(self.boots),
        }

    def exchange(self, rig: "Rig") -> None:
        """Read what has come and send what is due, at the rig's present time."""
        now_s = self._now_s = rig.now_us * 1e-6
        # A cable that splits hands over one piece at a time.
        while data := rig.read(_READ_BYTES):
            self._read(data)
        if now_s >= self._losses_s:
            self.tell_losses()
        while self._script and self._script[0].at_s <= now_s + 1e-9:
            self._begin(self._script.popleft())
        if now_s < self._silent_until_s:
            return
        if self._is_greeted and now_s - self._heard_s > _SILENT_s:
            self._greet()
        if not self._is_greeted:
            self._say_hello(rig)
        else:
            self._go_on(rig)
            self._ask_again(rig)
        if self._lease_ms and now_s >= self._heartbeat_s:
            self._send_heartbeat(rig)

    def wind_up(self) -> None:
        """The scenario is over: find out how many samples there are, and fetch what is missing."""
        self._script.clear()
        self._silent_until_s = 0.0
        self._hold_lease(0)
        self._queue.append(self._ask_target())

    @property
    def is_complete(self) -> bool:
        """After `wind_up`: no sample is unaccounted for, and no command waits."""
        is_idle = self._pending is None and self._dialogue is None and not self._queue
        return self._target is not None and is_idle and self.boots[-1].next >= self._target

    # What is heard.

    def _read(self, data: bytes) -> None:
        for frame in self.frames.feed(data):
            try:
                message = wire.decode(frame)
            except ValueError:
                self._undecoded += 1
                continue
            self._heard_s = self._now_s
            self._take(message)

    def _take(self, message: wire.Received) -> None:
        name, fields = message
        if name == "TELEMETRY" or name == "SAMPLES_LOST":
            if not self.boots or fields["boot_id"] != self.boots[-1].boot_id:
                return  # the last words of a boot that is over
            first = fields["sample_index"]
            if name == "TELEMETRY":
                self.boots[-1].take(first, fields["samples"])
            else:
                self._lose(first, first + fields["sample_count"])
        elif name == "FAULT":
            fault = codes.fault_names(1 << fields["fault"])
            self.reports.append(Report(fault[0] if fault else "unknown", self._now_s))
            self._note(self._now_s, "heard", f"host is told of the fault {self.reports[-1].fault}")
        elif name == "HELLO_REPLY":
            if not self._is_greeted:
                self._welcome(fields)
        elif fields.get("command_id") in self._heartbeats and name == "REPLY":
            if result_of(message) == "OK":
                self._heartbeats.remove(fields["command_id"])
            else:
                self._hold_lease(0)
                self._note(self._now_s, "heard", "heartbeat refused: the lease has lapsed")
        elif self._pending is not None and fields.get("command_id") == self._pending.command_id:
            if result_of(message) == "WRONG_VERSION":
                self._greet()  # it started anew and does not know this host; then the command again
                self._pending.again_s = self._now_s
                self._pending.until_s = self._now_s + ANSWER_s
            else:
                self._resume(message)

    def _welcome(self, fields: dict[str, Any]) -> None:
        self._is_greeted = True
        boot_id = fields["boot_id"]
        if not self.boots or self.boots[-1].boot_id != boot_id:
            if self.boots:
                cause = _RESETS.get(fields["reset_cause"], "UNKNOWN")
                self.restarts.append(Restart(cause, self._now_s))
                self._hold_lease(0)
                self._note(self._now_s, "heard", f"the controller has restarted: {cause}")
            self.boots.append(Samples(boot_id))
        self._queue.appendleft(self._stream())

    def _lose(self, first: int, end: int) -> None:
        boot = self.boots[-1]
        before = boot.lost
        boot.declare_lost(first, end)
        self._losses += boot.lost - before

    def tell_losses(self) -> None:
        """A line of the time line for the samples that were declared lost since the one before."""
        if self._losses:
            self._note(self._now_s, "heard", f"{self._losses} samples are declared lost")
            self._losses = 0
            self._losses_s = self._now_s + _LOSSES_APART_s

    # What is said.

    def _write(self, rig: "Rig", name: str, fields: dict[str, Any]) -> int:
        self._next_id = self._next_id % 0xFFFF + 1
        rig.write(wire.encode(name, {"command_id": self._next_id, **fields}))
        return self._next_id

    def _greet(self) -> None:
        self._is_greeted = False
        self._hello_s = self._now_s
        self._hello_wait_s = _FIRST_REPEAT_s

    def _say_hello(self, rig: "Rig") -> None:
        if self._now_s >= self._hello_s:
            version = {
                "protocol_major": layout.PROTOCOL_MAJOR,
                "protocol_minor": layout.PROTOCOL_MINOR,
            }
            # The zero ends whatever was cut off before.
            rig.write(b"\0" + wire.encode("HELLO", version))
            self.counts["hellos"] += 1
            self._hello_s = self._now_s + self._hello_wait_s
            self._hello_wait_s = min(2 * self._hello_wait_s, _HELLO_AGAIN_MAX_s)
        waiting = [each for each in self._queue if isinstance(each, Command)]
        for command in waiting:  # nobody there: the same as no answer
            if self._now_s - command.at_s > ANSWER_s:
                self._queue.remove(command)
                self._answer(command, None)
        if self._pending is not None and self._now_s >= self._pending.until_s:
            self._resume(None)

    def _send_heartbeat(self, rig: "Rig") -> None:
        self._heartbeats.append(self._write(rig, "HEARTBEAT", {"lease_ms": self._lease_ms}))
        self._heartbeat_s = self._now_s + self._lease_ms / 1000 / _HEARTBEATS_PER_LEASE
        self.counts["heartbeats"] += 1

    def _ask_again(self, rig: "Rig") -> None:
        gap = self.boots[-1].gap(self._now_s)
        if gap is not None:
            self._write(rig, "RESEND", {"sample_index": gap[0], "sample_count": gap[1]})
            self.counts["resends"] += 1

    def _go_on(self, rig: "Rig") -> None:
        """The next step of the present command, or the next command."""
        if self._pending is None and self._now_s >= self._pause_until_s:
            if self._dialogue is None and self._queue:
                first = self._queue.popleft()
                if isinstance(first, Command):
                    self._current = first
                    self._dialogue = dialogue(first)
                else:
                    self._dialogue = first
                self._resume(None)
            elif self._dialogue is not None and self._pause_until_s:
                self._resume(None)
        pending = self._pending
        if pending is None or self._now_s < pending.again_s:
            return
        if self._now_s >= pending.until_s:
            self._resume(None)
            return
        rig.write(pending.frame)
        self.counts["repeats"] += pending.is_repeat
        pending.is_repeat = True
        pending.again_s = self._now_s + pending.wait_s
        pending.wait_s *= 2

    def _resume(self, message: wire.Received | None) -> None:
        """Hand the dialogue its answer and take its next wish."""
        talk = self._dialogue
        assert talk is not None
        self._pending = None
        self._pause_until_s = 0.0
        try:
            wish = talk.send(message)
        except StopIteration as end:
            self._dialogue = None
            if self._current is not None:
                command, self._current = self._current, None
                if end.value is not None and end.value.result in ("OK", "LIMITED"):
                    self._did(command)
                self._answer(command, end.value)
            return
        if isinstance(wish, float):
            self._pause_until_s = self._now_s + wish
            return
        name, fields = wish
        self._next_id = self._next_id % 0xFFFF + 1
        frame = wire.encode(name, {"command_id": self._next_id, **fields})
        self._pending = _Pending(frame, self._next_id, self._now_s)

    def _answer(self, command: Command, outcome: Outcome | None) -> None:
        result, limited = outcome or (None, "")
        self.answers[command.number] = Answer(command.number, result, self._now_s, limited)
        if result is None:
            self.counts["unanswered"] += 1
        self._note(self._now_s, "answer", f"{command.do}: {result or 'no answer'} {limited}".rstrip())

    # What the commands are.

    def _begin(self, command: Command) -> None:
        self._note(self._now_s, "command", command.words)
        if command.do == "silence":
            self._silent_until_s = self._now_s + command.fields["for_s"]
        elif command.do in ("stop", "drop"):  # waits for nothing
            if self._current is not None:
                self._answer(self._current, None)
            elif self._dialogue is not None:
                self._queue.append(self._stream())
            for waiting in [each for each in self._queue if isinstance(each, Command)]:
                self._queue.remove(waiting)
                self._answer(waiting, None)
            self._dialogue = self._pending = self._current = None
            self._hold_lease(0)
            self._queue.appendleft(command)
        else:
            self._queue.append(command)

    def _did(self, command: Command) -> None:
        """What changes for the host once the device has done it."""
        if command.do == "set-load":
            self._hold_lease(command.fields["lease_ms"] if command.fields["hold"] else 0)
        elif command.do == "reboot":
            self._greet()

    def _hold_lease(self, lease_ms: int) -> None:
        """Renew a lease of that length from now on; 0 ends that."""
        self._lease_ms = lease_ms
        self._heartbeat_s = self._now_s + lease_ms / 1000 / _HEARTBEATS_PER_LEASE
        self._heartbeats.clear()

    def _stream(self) -> Dialogue:
        boot = self.boots[-1]
        reply = yield "STREAM", {"enabled": 1, "sample_index": boot.next}
        if reply is None or result_of(reply) != "OK":
            self._greet()
        elif boot is self.boots[-1]:
            self._lose(boot.next, reply.fields["setting_value"])
        return None

    def _ask_target(self) -> Dialogue:
        while True:
            status = yield "GET_STATUS", {}
            if status is not None:
                self._target = status.fields["sample_index"]
                return None
