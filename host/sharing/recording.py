"""The recordings that `host serve` makes by itself, each from when the sled is put to use until it rests.

Put to use is: a load is armed or in force, or the wheel turns. What came just before is recorded too, so
that nothing of the first pull is missing. No thread and no port here: `scribe.py` has them.
"""

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from host.errors import FileError
from host.following import Away, Back, Batch, Item, Pong
from host.lengths import MOVING_m_per_s
from host.recording import About, Recorder
from host.session import Device
from protocol import codes, units, wire

BEFORE_s = 5.0  #: of what came before the sled was put to use
TRY_AGAIN_s = 60.0  #: from a disk that took nothing until it is tried again
_MODES = {mode.name: mode.number for mode in codes.MODES}
_USED_MODES = {_MODES[name] for name in ("ARMED", "LOADING", "RAMPING_DOWN")}
_VELOCITY = wire.SAMPLE_FIELDS.index("velocity_mm_per_s")
_FLAGS = wire.SAMPLE_FIELDS.index("sample_flags")
_MOVING = units.from_si("velocity_mm_per_s", MOVING_m_per_s)


class Commanded(NamedTuple):
    """A SET_LOAD of a command, and what the sled answered; wire units."""

    host_s: float
    by: str  #: the command's name
    fields: dict[str, Any]
    answer: wire.Received


class Recordings:
    """Takes every item; `say` gets a line for each recording that begins, ends or fails.

    `about` tells what a recording of that device is about; it may take its time. `now` is the clock of
    the items' `host_s`. Nothing here raises for a disk that takes nothing.
    """

    def __init__(
        self,
        folder: str,
        device: Device,
        about: Callable[[Device], About],
        say: Callable[[str], None],
        now: Callable[[], float],
        idle_s: float,
    ) -> None:
        self._folder = folder
        self._device = device
        self._about = about
        self._say = say
        self._now = now
        self._idle_s = idle_s
        self._recorder: Recorder | None = None
        self._before: deque[tuple[float, Item | Commanded]] = deque()  # the last seconds, while none is made
        self._used_s = self._again_s = float("-inf")

    def take(self, item: Item | Commanded) -> None:
        """Record it if it belongs to a recording, which may begin with it."""
        if isinstance(item, Back):
            self._device = item.device
        if isinstance(item, Batch) and _is_used(item):
            if self._recorder is None and self._now() >= self._again_s:
                self._begin()
            self._used_s = self._now()  # it took its time to begin
        if self._recorder is None:
            self._remember(item)
        else:
            self._write(self._recorder, item)
        self.look()

    def look(self) -> None:
        """End the recording once the sled has been idle for long."""
        if self._now() - self._used_s > self._idle_s:
            self.end(f"neither load nor movement for {self._idle_s:g} s")

    def end(self, reason: str) -> None:
        """End the recording that is under way, if any."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        try:
            recorder.close(reason)
        except FileError as error:
            self._fail(error)
            return
        sums = recorder.sums
        self._say(
            f"recording {recorder.id} has ended ({reason}): {sums['samples']} samples, "
            f"{sums['samples_lost']} lost, {sums['lengths']} lengths; host show {recorder.id}"
        )

    def skip(self, device: Device) -> None:
        """Items are missing before the next one, which is of that device: the disk held everything up."""
        self._before.clear()
        self._device = device
        self._fail(FileError("the disk has taken nothing for minutes", "host sessions"))

    def _begin(self) -> None:
        about = self._about(self._device)
        before_s = self._now() - self._before[0][0] if self._before else 0.0
        try:
            self._recorder = Recorder(self._folder, about, self._now, before_s)
        except FileError as error:
            self._fail(error)
            return
        self._say(f"recording {self._recorder.id}: the sled is in use")
        items = [item for _, item in self._before]
        self._before.clear()
        # The clock's readings first: the times of all the others follow from them.
        for item in sorted(items, key=lambda item: not isinstance(item, Pong)):
            if self._recorder is not None:
                self._write(self._recorder, item)

    def _remember(self, item: Item | Commanded) -> None:
        now_s = self._now()
        if isinstance(item, Away | Back):
            self._before.clear()  # a recording that begins later begins behind it
        else:
            self._before.append((now_s, item))
        while self._before and self._before[0][0] < now_s - BEFORE_s:
            self._before.popleft()

    def _write(self, recorder: Recorder, item: Item | Commanded) -> None:
        try:
            if isinstance(item, Commanded):
                recorder.commanded(*item)
                return
            recorder.take(item)
            if isinstance(item, Back) and item.has_restarted:
                recorder.describe(item.device, self._about(item.device).settings)
        except FileError as error:
            self._fail(error)

    def _fail(self, error: FileError) -> None:
        self._again_s = self._now() + TRY_AGAIN_s
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            with contextlib.suppress(FileError):
                recorder.close(error.sentence)  # what was written stays
        self._say(f"{error.sentence}; the sled is served all the same, recording is tried again in a minute")


def _is_used(batch: Batch) -> bool:
    return any(
        abs(sample[_VELOCITY]) >= _MOVING
        or sample[_FLAGS] >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK in _USED_MODES
        for sample in batch.samples
    )
