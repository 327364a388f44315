"""What the device owes its host: every sample since the stream began, once, or a word that it is lost."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from device.sled import layout, tick
from protocol import wire
from sim.rig import Rig


class Owed:
    """Follows what the device says; `missing` are the samples passed over so far, or asked for again."""

    def __init__(self) -> None:
        self.missing: set[int] = set()
        self._next = -1  # one past the newest sample heard of; -1: no stream
        self._asked: dict[int, range | None] = {}  # by command id; None: a stream

    def stream(self, command_id: int) -> None:
        """A STREAM goes out: its answer says where the stream begins."""
        self._asked[command_id] = None

    def resend(self, command_id: int, first: int, count: int) -> None:
        """A RESEND goes out."""
        self._asked[command_id] = range(first, first + count)

    def follow(self, message: wire.Received) -> None:
        fields = message.fields
        if message.name == "HELLO_REPLY":
            self.__init__()  # type: ignore[misc]
        elif message.name == "REPLY" and fields["command_id"] in self._asked:
            again = self._asked.pop(fields["command_id"])
            if again is None:
                self.missing.clear()
                self._next = fields["setting_value"]
            elif fields["result"] == layout.RESULT_OK:
                self.missing.update(again)
        elif message.name in ("TELEMETRY", "SAMPLES_LOST"):
            first = fields["sample_index"]
            end = first + (
                fields["sample_count"] if message.name == "SAMPLES_LOST" else len(fields["samples"])
            )
            self.missing.difference_update(range(first, end))
            if self._next >= 0:
                self.missing.update(range(self._next, first))
                self._next = max(self._next, end)


class Streaming(RuleBasedStateMachine):
    """The part of a firmware's machine that wants samples."""

    rig: Rig
    owed: Owed
    command_id: int

    def ask(self, name: str, **fields: Any) -> dict[str, Any]:
        raise NotImplementedError

    def step(self, ticks: int) -> list[wire.Received]:
        raise NotImplementedError

    @rule()
    def stream(self) -> None:
        self.owed.stream(self.command_id + 1 & 0xFFFF)
        self.ask("STREAM", enabled=1, sample_index=0)

    @rule(back=st.integers(1, 5000), count=st.integers(0, 900))
    def ask_for_samples_again(self, back: int, count: int) -> None:
        newest = self.rig.board.s[tick.SAMPLE_INDEX]
        first = max(newest - back, 0)
        self.owed.resend(self.command_id + 1 & 0xFFFF, first, count)
        result = self.ask("RESEND", sample_index=first, sample_count=count)["result"]
        assert result in (layout.RESULT_OK, layout.RESULT_BUSY) or first + count > newest

    @rule()
    def nothing_is_left_out(self) -> None:
        """Each sample comes or is declared lost, once the host reads along."""
        for _ in range(500):
            if not self.owed.missing:
                break
            self.step(10)
        assert not self.owed.missing, "samples were skipped without a word"
