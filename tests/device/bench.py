"""A simulated sled with nobody at its cable: its buttons, and the passes of its main loop as they come."""

from collections.abc import Iterable
from itertools import cycle

from device.sled import layout, tick
from device.sled.panel import DOWN, UP
from sim.rig import BUTTON_DOWN, BUTTON_UP, Rig, RigConfig
from tests.sim.reactions import Hauler

PASS_GAP_MAX_ticks = 30
STEP_mN = 10_000
BITS = {0: 0, UP: BUTTON_UP, DOWN: BUTTON_DOWN, UP | DOWN: BUTTON_UP | BUTTON_DOWN}
_FOR_EVER_ticks = 1 << 40


class Bench:
    """`gaps` are the ticks between two passes of the main loop, over and over; 0: two in one tick.

    The sled stands until it is `pulled`; `held` buttons are closed from before the start.
    """

    def __init__(self, gaps: Iterable[int] = (5,), held: int = 0) -> None:
        self.rig = Rig(RigConfig())
        self.rig.stall_main(_FOR_EVER_ticks)  # it comes when this says
        self.app = self.rig.app
        self.board = self.rig.board
        self.s = self.board.s
        self._gaps = cycle(gaps)
        self._due = 0
        self.app.poll()  # as on the chip, where this may be before the first tick
        self.rest(100, held)

    def pulled(self, for_ms: int = 1500) -> "Bench":
        """Walk with it, at 1 m/s, from now on."""
        self.rig.person = Hauler(start_s=0.0)
        self.rest(for_ms)
        return self

    @property
    def mode(self) -> int:
        return int(self.app.mode)

    @property
    def is_armed(self) -> bool:
        """Armed, standing or moving."""
        return self.mode in (layout.MODE_ARMED, layout.MODE_LOADING)

    @property
    def words(self) -> list[int]:
        """The load last accepted, pull and push."""
        return list(self.s[tick.NEXT_PULL : tick.NEXT_PULL + 2 * tick.LOAD_WORDS])

    @property
    def force_mN(self) -> tuple[int, int]:
        """F0 of pull and push, as last accepted."""
        return self.s[tick.NEXT_PULL], self.s[tick.NEXT_PUSH]

    def rest(self, ticks: int, held: int = 0) -> None:
        """Let time pass with these buttons closed."""
        self.rig.switches = BITS[held]
        while ticks:
            part = min(ticks, self._due)
            self.rig.step(part)
            self._due -= part
            ticks -= part
            while self._due == 0:
                self.app.poll()
                self._due = next(self._gaps)

    def press(
        self, button: int, for_ms: int = 150, bounces: Iterable[bool] = (), pause_ms: int = 150
    ) -> None:
        """Close it for so long, bouncing for one tick each at both ends, and leave time after it."""
        for closed_ms in (for_ms, 0):
            for is_closed in bounces:
                self.rest(1, button if is_closed else 0)
            self.rest(closed_ms, button)
        self.rest(pause_ms)

    def load(
        self, hold: int = layout.HOLD_HELD, lease_ms: int = 0, force_mN: int = 100_000, **terms: int
    ) -> None:
        """A load as a host gives it, the same in both directions, after arming."""
        names = ("inertia_g", "viscous", "quadratic", "stiffness", "cap")
        terms = {"inertia_g": 30_000, **terms}
        one = [force_mN, *(terms.get(name, 0) for name in names)]
        assert self.app.arm() == layout.RESULT_OK
        self.app.take_load(one * 2, hold, lease_ms, 0)
