"""How much an athlete has left: work above a critical power empties a reserve, less than that refills it.

W' balance in its differential form (Skiba and Clarke 2021, Int J Sports Physiol Perform 16:1561): above
the critical power CP the reserve W falls by P - CP, below it rises by (CP - P) * (W0 - W) / W0. The power
that can be made at once falls in line with what is left (Morton 1996, three-parameter critical power):
P_max(W) = CP + (P_max - CP) * W / W0. Power here is the work at the hitch alone.
"""

_STEP_s = 1.0  # of the integration in a rest; the reserve's time constant W0 / CP is a minute or more


class Fatigue:
    """The reserve of one athlete; `freshness` is the part of it that is left, 0 to 1."""

    __slots__ = ("_critical_W", "_reserve_J", "freshness")

    def __init__(self, critical_W: float, reserve_J: float) -> None:
        self._critical_W = critical_W
        self._reserve_J = reserve_J
        self.freshness = 1.0

    def spend(self, power_W: float, time_s: float) -> None:
        """The athlete made this mean power for so long; 0 W is a rest."""
        fresh = self.freshness
        while time_s > 0.0:
            if fresh >= 1.0 and power_W <= self._critical_W:
                break
            step_s = time_s if time_s < _STEP_s else _STEP_s
            time_s -= step_s
            change = (self._critical_W - power_W) * step_s / self._reserve_J
            if change > 0.0:
                # Implicit, so that it never overshoots, however strong the refilling.
                fresh = 1.0 - (1.0 - fresh) / (1.0 + change)
                if fresh > 0.9999:
                    fresh = 1.0
            else:
                fresh += change
                if fresh < 0.0:
                    fresh = 0.0
        self.freshness = fresh

    def strength(self, most_W: float) -> float:
        """What is left of a force-velocity line whose greatest power is `most_W`: 1 when fresh."""
        floor = self._critical_W / most_W
        return 1.0 if floor >= 1.0 else floor + (1.0 - floor) * self.freshness
