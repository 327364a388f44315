"""Tells what happens on a rig that others command, line by line, and keeps nothing."""

from typing import TYPE_CHECKING

from sim.scenario.record import Watch

if TYPE_CHECKING:
    from sim.rig import Rig


class Telling(Watch):
    """A watch for a rig that runs for as long as it likes: it tells, and forgets the moments it saw."""

    def note(self, rig: "Rig") -> None:
        """Tell what is new at this moment."""
        super().note(rig)
        for column in self._columns:
            del column[:]
        for written in self.written.values():
            del written.index[:]
            written.samples.clear()
