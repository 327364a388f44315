"""What was seen while a scenario ran: the truth over time, the firmware's faults and modes, the samples."""

from array import array
from bisect import bisect_left, bisect_right
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from device.sled import tick as firmware
from protocol import codes, units, wire
from sim.scenario.scripted_host import ScriptedHost
from sim.truth import Trace, Truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.rig import Rig

_WORDS = Struct(f"<{firmware.SAMPLE_WORDS}H")
_MODES = {code.number: code.name for code in codes.MODES}
_RESETS = {code.number: code.name for code in codes.RESETS}
#: What expectations call the fields of a sample, with the wire's name.
SAMPLE_FIELDS = {
    "position_m": "position_um",
    "velocity_m_per_s": "velocity_mm_per_s",
    "tow_force_N": "tow_force_dN",
    "law_force_N": "law_force_dN",
    "brake_force_N": "brake_force_dN",
}


class Boot(NamedTuple):
    """The controller began to run."""

    time_s: float
    boot_id: int
    cause: str


class Written:
    """What one boot's tick wrote, from the device's own memory: some of its samples, and how many."""

    def __init__(self) -> None:
        self.newest = 0  #: one past the newest index
        self.index = array("i")
        self.samples = bytearray()  #: those of `index`, as the wire has them

    def note(self, newest: int, ring: "array[int]") -> None:
        """Look at the newest sample."""
        if newest > self.newest:
            at = (newest - 1) % firmware.RING_SAMPLES * firmware.SAMPLE_WORDS
            self.index.append(newest - 1)
            self.samples += _WORDS.pack(*ring[at : at + firmware.SAMPLE_WORDS])
            self.newest = newest


class Watch(Trace):
    """A trace that also sees when the firmware's faults and mode, and the athlete's state, change."""

    def __init__(self, note: "Callable[[float, str, str], None]", every_ticks: int = 5) -> None:
        super().__init__(every_ticks)
        self.modes: list[tuple[float, str]] = []
        self.faults: list[tuple[float, int]] = []
        self.states: list[tuple[float, str]] = []
        self.boots: list[Boot] = []
        #: For each boot, from which index on a sample is how many ticks older than the scenario.
        self.offsets: dict[int, list[tuple[int, int]]] = {}
        self.written: dict[int, Written] = {}  #: by boot
        self._say = note
        self._mode = self._bits = -1
        self._state: str | None = None
        self._lengths = self._happened = 0
        self._app: Any = None
        self._offset_ticks = -1

    def note(self, rig: "Rig") -> None:
        """Write down this moment and what is new in it."""
        super().note(rig)
        app = rig.app
        if app is not self._app:
            self._start(rig)
        if app.mode != self._mode:
            self._mode = app.mode
            self.modes.append((rig.ticks * 0.001, _MODES[app.mode]))
            self._tell(rig, "mode", _MODES[app.mode])
        bits = app.faults()  # type: ignore[no-untyped-call]
        if bits != self._bits:
            fresh, gone = bits & ~self._bits, self._bits & ~bits
            self._bits = bits
            self.faults.append((rig.ticks * 0.001, bits))
            for names, what in ((codes.fault_names(fresh), "latched"), (codes.fault_names(gone), "cleared")):
                if names:
                    self._tell(rig, "firmware", f"{what} {', '.join(names)}")
        self.written[rig.board.boot_id].note(app.s[firmware.SAMPLE_INDEX], app.ring)
        offset_ticks = rig.ticks - app.s[firmware.SAMPLE_INDEX]
        if offset_ticks != self._offset_ticks:
            self._offset_ticks = offset_ticks
            # Late by at most one look: only where time jumped for the firmware.
            self.offsets[rig.board.boot_id].append((app.s[firmware.SAMPLE_INDEX], offset_ticks))
        athlete = rig.athlete
        if athlete is not None:
            if athlete.state is not self._state:
                self._state = athlete.state
                self.states.append((rig.ticks * 0.001, athlete.state))
            while len(athlete.happened) > self._happened:
                self._tell(rig, "athlete", athlete.happened[self._happened].name)
                self._happened += 1
            if len(athlete.lengths) != self._lengths:
                self._lengths = len(athlete.lengths)
                length = athlete.lengths[-1]
                way = "pull" if length.direction > 0 else "push"
                time_s = length.end_s - length.start_s
                self._tell(
                    rig,
                    "length",
                    f"length {length.number}, {way}: {abs(length.end_m - length.start_m):.2f} m in "
                    f"{time_s:.1f} s, mean {length.mean_force_N:.1f} N, {length.work_J:.0f} J",
                )

    def _start(self, rig: "Rig") -> None:
        boot = Boot(rig.ticks * 0.001, rig.board.boot_id, _RESETS.get(rig.board.reset_cause, "UNKNOWN"))
        if self._app is not None:
            self._tell(rig, "firmware", f"starts anew: {boot.cause}")
        self.boots.append(boot)
        self.offsets[boot.boot_id] = []
        self.written[boot.boot_id] = Written()
        self._app = rig.app
        self._offset_ticks = -1
        self._bits = 0

    def _tell(self, rig: "Rig", kind: str, text: str) -> None:
        self._say(rig.ticks * 0.001, kind, text)

    def sample_time_s(self, boot_id: int, index: int) -> float:
        """When a sample was taken, or would have been."""
        offsets = self.offsets[boot_id]
        place = bisect_right(offsets, index, key=lambda each: each[0])
        return (index + offsets[max(place - 1, 0)][1]) * 0.001

    def span(self, from_s: float, to_s: float) -> slice:
        """The moments from `from_s` to `to_s`, both included."""
        times = self.column("time_s")
        return slice(bisect_left(times, from_s - 1e-9), bisect_right(times, to_s + 1e-9))


class Record(NamedTuple):
    """Everything that a verdict rests on."""

    duration_s: float
    watch: Watch
    truth: Truth  #: at the end
    host: ScriptedHost
    waiting: tuple[str, ...]  #: events that were asked of the athlete and never came

    def sample_times_s(self) -> "array[float]":
        """When each received sample was taken, in the order of `sample_column`."""
        times = array("d")
        for boot in self.host.boots:
            offsets = self.watch.offsets.get(boot.boot_id) or [(0, 0)]
            place, offset = 0, offsets[0][1]
            for index in boot.index:
                while place + 1 < len(offsets) and offsets[place + 1][0] <= index:
                    place += 1
                    offset = offsets[place][1]
                times.append((index + offset) * 0.001)
        return times

    def sample_column(self, name: str) -> "array[float]":
        """One of `SAMPLE_FIELDS` of all received samples, SI units."""
        field = SAMPLE_FIELDS[name]
        scale = units.to_si(field, 1)
        values = array("d")
        for boot in self.host.boots:
            values.extend(value * scale for value in boot.columns[field])
        return values

    def flags(self) -> "array[int]":
        """`sample_flags` of all received samples."""
        found = array("i")
        for boot in self.host.boots:
            found.extend(boot.columns[wire.SAMPLE_FIELDS[-1]])
        return found
