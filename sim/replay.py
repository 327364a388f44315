"""A recording played through the firmware's own link: its ring is filled from the samples, not by the tick.

Commands, telemetry, resends and status are the device's own code, on a virtual board; there is no world and
no law, so loads are refused and STOP changes nothing. Served like any sled, or offered under `sim://`.
"""

import struct
from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

from device.sled import codec, layout, modes, tick
from device.sled.app import App
from device.sled.telemetry import Telemetry
from protocol import codes
from protocol.layout import SAMPLE_BYTES, SAMPLE_FORMAT, UNIQUE_ID_BYTES
from sim.board import RESET_POWER_ON, RESET_REBOOT, VirtualBoard
from sim.cable import Cable
from sim.plugged import Plugged, TICK_us

_POLL_TICKS = 5  # the main loop comes round as often as on the rig
_LINGER_TICKS = 1000  # after the last sample of a boot, for what is asked for again
_SAMPLE = struct.Struct(SAMPLE_FORMAT)
_LOST_MAX = 0xFFFF


class Run(NamedTuple):
    """Samples of consecutive ticks, as on the wire."""

    sample_index: int  #: of the first
    raw: bytes

    @property
    def end(self) -> int:
        """One past the last index."""
        return self.sample_index + len(self.raw) // SAMPLE_BYTES


class Boot(NamedTuple):
    """What is left of one boot: runs in order, between which samples were lost."""

    boot_id: int
    runs: tuple[Run, ...]


def boot_of(boot_id: int, first: int, samples: Any, gaps: Sequence[tuple[int, int]] = ()) -> Boot:
    """A boot from an array of its samples (`protocol.bulk.SAMPLE`), without those of `gaps`: index, count.

    Raises ValueError for gaps that are not in order or not within the samples.
    """
    runs = []
    taken = 0
    index = first
    for gap_index, gap_count in gaps:
        count = gap_index - index
        if count < 0 or gap_count < 0 or taken + count > len(samples):
            raise ValueError(f"a gap of {gap_count} at {gap_index} is not among the samples from {index} on")
        runs.append(Run(index, samples[taken : taken + count].tobytes()))
        taken += count
        index = gap_index + gap_count
    runs.append(Run(index, samples[taken:].tobytes()))
    return Boot(boot_id, tuple(run for run in runs if run.raw))


class Replay(Plugged):
    """The recorded sled, from its first boot's first sample on; time goes on after the end."""

    def __init__(
        self, unique_id: bytes, boots: Sequence[Boot], seed: int = 1, waits_for_host: bool = False
    ) -> None:
        """`seed` is the cable's; with `waits_for_host` the first sample comes when a host wants a stream.

        Raises ValueError if there is no sample, or an index that cannot be.
        """
        if len(unique_id) != UNIQUE_ID_BYTES:
            raise ValueError(f"a unique id has {UNIQUE_ID_BYTES} bytes, not {len(unique_id)}")
        self.boots = tuple(boot for boot in boots if boot.runs)
        if not self.boots:
            raise ValueError("there is no sample to replay")
        for boot in self.boots:
            ends = [0, *(run.end for run in boot.runs)]
            if any(run.sample_index < end for run, end in zip(boot.runs, ends, strict=False)):
                raise ValueError(f"the runs of boot {boot.boot_id} are not in order")
        self.ticks = 0
        self._waited_ticks = 0
        self._is_waiting = waits_for_host
        self.cable = Cable(seed)
        self._unique_id = unique_id
        self._number = -1
        self._begin(RESET_POWER_ON)

    @property
    def about(self) -> str:
        """What is replayed, for people."""
        samples = sum(len(run.raw) // SAMPLE_BYTES for boot in self.boots for run in boot.runs)
        return f"a recording of {samples} samples, {self.duration_s:g} s"

    @property
    def duration_s(self) -> float:
        """Until all has been played, and a little for what is asked for again."""
        lasts = (boot.runs[-1].end - boot.runs[0].sample_index + _LINGER_TICKS for boot in self.boots)
        return sum(lasts) * TICK_us * 1e-6

    @property
    def is_over(self) -> bool:
        """Whether all has been played."""
        return (self.now_us - self._waited_ticks * TICK_us) * 1e-6 >= self.duration_s

    def _begin(self, cause: int) -> None:
        """The next boot, as a reset brings it."""
        self._number += 1
        boot = self.boots[self._number]
        board = VirtualBoard(self._unique_id, boot.boot_id, cause)
        board.is_connected = self.cable.is_through and self.cable.has_host
        if cause != RESET_POWER_ON:
            board.to_host = self.board.to_host
        self.board = board
        self.app = _App(board, boot)
        self._index = boot.runs[0].sample_index  # of the next sample

    def step(self, ticks: int) -> None:
        """Let `ticks` milliseconds pass."""
        for _ in range(ticks):
            boot = self.boots[self._number]
            if self._is_waiting:
                self._is_waiting = not self.app.telemetry.is_streaming
                self._waited_ticks += 1
            elif self._index >= boot.runs[-1].end + _LINGER_TICKS and boot is not self.boots[-1]:
                self._begin(RESET_REBOOT)
            if not self._is_waiting:
                self.app.play(self._index)
                self._index += 1
            self.ticks += 1
            if self.board.from_host or not self.ticks % _POLL_TICKS:
                self.cable.carry(self.board, self.ticks)
                self.board.now_ms = self.ticks
                self.app.poll()  # type: ignore[no-untyped-call]


class _App(App):
    """The firmware with its samples given: what it measures, and the mode it is in, are those recorded."""

    def __init__(self, board: VirtualBoard, boot: Boot) -> None:
        super().__init__(board)  # type: ignore[no-untyped-call]
        self.telemetry = _Telemetry(self, boot)
        self.s[tick.SAMPLE_INDEX] = boot.runs[0].sample_index
        self._runs = boot.runs
        self._at = -1  # the run that is played
        self._words = array("H")  # of it

    def play(self, index: int) -> None:
        """Take sample `index` in, unless it was lost, or is none of this boot any more."""
        if self._at < 0 or index >= self._runs[self._at].end:
            if self._at + 1 == len(self._runs):
                return
            if index >= self._runs[self._at + 1].sample_index:
                self._at += 1
                self._words = array("H", self._runs[self._at].raw)
        words = tick.SAMPLE_WORDS
        if self._at >= 0 and index < self._runs[self._at].end:
            at = (index - self._runs[self._at].sample_index) * words
            to = index % tick.RING_SAMPLES * words
            self.ring[to : to + words] = self._words[at : at + words]
            self._show(self._words[at : at + words].tobytes())
        self.s[tick.SAMPLE_INDEX] = index + 1

    def _show(self, raw: bytes) -> None:
        """What STATUS says, as far as a sample tells it."""
        s = self.s
        position_um, velocity, tow_dN, law_dN, brake_dN, flags = _SAMPLE.unpack(raw)
        s[tick.POSITION_um] = position_um
        s[tick.VELOCITY_mm_per_s_q10] = velocity << 10
        s[tick.TOW_mN], s[tick.LEVEL_mN], s[tick.BRAKE_mN] = tow_dN * 100, law_dN * 100, brake_dN * 100
        s[tick.LIMITS] = flags >> codes.SAMPLE_LIMITS_SHIFT
        mode = flags >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK
        if mode < len(modes.PERMITS):  # else recorded by a newer firmware
            self.mode = mode

    def arm(self) -> int:
        """A recording takes no loads."""
        return int(layout.RESULT_UNSUPPORTED)

    load_refusal = clear_faults = arm

    def trigger(self, trigger: int) -> None:
        """The mode is the recorded one."""

    def leave(self, how: int) -> None:
        """There is nothing to leave to."""

    def look_for_faults(self) -> None:
        """Nor anything that could break."""

    _watch_tick = look_for_faults


class _Telemetry(Telemetry):
    """Also declares lost what the recording lacks, and sends the last few samples of a boot."""

    def __init__(self, app: _App, boot: Boot) -> None:
        super().__init__(app)  # type: ignore[no-untyped-call]
        self._runs = boot.runs

    def stream(self, enabled: bool, first: int) -> int:
        return int(super().stream(enabled, max(first, self._runs[0].sample_index)))  # type: ignore[no-untyped-call]

    def poll(self) -> None:
        super().poll()  # type: ignore[no-untyped-call]
        newest = self.app.s[tick.SAMPLE_INDEX]
        if self.is_streaming and newest == self._runs[-1].end > self._next and self.app.link.is_quiet():
            self._next = self._send(self._next, newest, 0)

    def _send(self, first: int, end: int, flags: int) -> int:
        run = next((run for run in self._runs if run.end > first), None)
        if run is None or run.sample_index <= first:
            return int(super()._send(first, min(end, run.end) if run else end, flags))  # type: ignore[no-untyped-call]
        last = min(run.sample_index, end, first + _LOST_MAX)
        app = self.app
        out = app.link.out
        out[0] = layout.KIND_SAMPLES_LOST
        out[1] = flags
        codec.put_u16(out, layout.OFF_SAMPLES_LOST_BOOT_ID, app.board.boot_id)
        codec.put_i32(out, layout.OFF_SAMPLES_LOST_SAMPLE_INDEX, first)
        codec.put_u16(out, layout.OFF_SAMPLES_LOST_SAMPLE_COUNT, last - first)
        app.link.send(layout.HEADER_BYTES + layout.SIZE_SAMPLES_LOST)
        return last
