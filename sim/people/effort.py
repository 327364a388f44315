"""How hard a person pushes or pulls: towards a wanted pace, late, not at once, and within the body's limits.

A slow PI on the pace, which sees the speed a reaction time late, and bounded by a straight
force-velocity line that fatigue lowers. Gains and rates are assumptions.
"""

from collections import deque

from sim.people.bodies import Body
from sim.people.fatigue import Fatigue
from sim.world.plant import TICK_s

CONTROL_TICKS = 10  #: `Effort.next` is called so often
CONTROL_s = CONTROL_TICKS * TICK_s

_GAIN_N_s_per_m_kg = 2.2  # effort per body mass and missing pace: assumption, settles in about 1 s
_LEARN_N_per_m_kg = 1.6
_PACE_CHANGE_m_per_s = 2.5 * CONTROL_s  # assumption
_BACK_PART = 0.3  # of the forward force, to slow down: assumption
_REMEMBERED = 0.8  # of the load, from one taking hold to the next: assumption


class Effort:
    """Mean force of a body's steps. `most_N` is the limit at the speed of the last `next`."""

    __slots__ = (
        "_body",
        "_fatigue",
        "_force_N",
        "_gain_N_s_per_m",
        "_learn_N_per_m",
        "_learned_N",
        "_missing_m_per_s",
        "_pace_m_per_s",
        "_plan_kg_per_s",
        "_rate_N",
        "_stall_N",
        "_top_m_per_s",
        "cruise_m_per_s",
        "most_N",
    )

    def __init__(self, body: Body) -> None:
        mass_kg = body.body_mass_kg
        self.cruise_m_per_s = 0.0  #: what the body wants in the present direction, as tired as it is
        self.most_N = 0.0
        self._body = body
        self._fatigue = Fatigue(mass_kg * body.critical_W_per_kg, mass_kg * body.reserve_J_per_kg)
        self._gain_N_s_per_m = _GAIN_N_s_per_m_kg * mass_kg
        self._learn_N_per_m = _LEARN_N_per_m_kg * mass_kg * CONTROL_s
        self._plan_kg_per_s = mass_kg / CONTROL_s
        self._rate_N = body.effort_N_per_s_kg * mass_kg * CONTROL_s
        late = max(1, int(body.reaction_s / CONTROL_s + 0.5))
        self._missing_m_per_s: deque[float] = deque([0.0] * late, late)
        self._learned_N = self._force_N = self._pace_m_per_s = 0.0
        self._stall_N = self._top_m_per_s = 1.0

    @property
    def freshness(self) -> float:
        """Part of the reserve that is left, 0 to 1, as of the last `tire`."""
        return self._fatigue.freshness

    def tire(self, power_W: float, time_s: float) -> None:
        """The athlete made this mean power at the hitch for so long; 0 W is a rest."""
        self._fatigue.spend(power_W, time_s)

    def face(self, is_pull: bool) -> None:
        """What the body can do and wants from now on, in this direction and as fresh as it is."""
        body = self._body
        if is_pull:
            stall_N_per_kg, top, pace = body.pull_N_per_kg, body.top_pull_m_per_s, body.pace_pull_m_per_s
        else:
            stall_N_per_kg, top, pace = body.push_N_per_kg, body.top_push_m_per_s, body.pace_push_m_per_s
        stall_N = stall_N_per_kg * body.body_mass_kg
        # A straight force-velocity line has its greatest power at half the top speed.
        self._stall_N = stall_N * self._fatigue.strength(0.25 * stall_N * top)
        self._top_m_per_s = top
        self.cruise_m_per_s = pace * (1.0 - body.tired_pace * (1.0 - self._fatigue.freshness))

    def start(self) -> None:
        """From standing, with most of the load remembered."""
        self._learned_N *= _REMEMBERED
        self._force_N = self._pace_m_per_s = 0.0
        late = self._missing_m_per_s
        late.extend([0.0] * len(late))

    def next(self, speed_m_per_s: float, wanted_m_per_s: float, is_all_out: bool) -> float:
        """Force in N to walk at this pace, negative to slow down; all out, whatever the pace."""
        most = self._stall_N * (1.0 - speed_m_per_s / self._top_m_per_s)
        if most < 0.0:
            most = 0.0
        elif most > self._stall_N:
            most = self._stall_N
        self.most_N = most
        late = self._missing_m_per_s
        if is_all_out:
            self._pace_m_per_s = speed_m_per_s
            late.append(0.0)
            force = most
        else:
            pace = self._pace_m_per_s
            change = wanted_m_per_s - pace
            if change > _PACE_CHANGE_m_per_s:
                change = _PACE_CHANGE_m_per_s
            elif change < -_PACE_CHANGE_m_per_s:
                change = -_PACE_CHANGE_m_per_s
            self._pace_m_per_s = pace = pace + change
            missing = late[0]
            late.append(pace - speed_m_per_s)
            learned = self._learned_N + self._learn_N_per_m * missing
            if learned > most:
                learned = most
            elif learned < 0.0:
                learned = 0.0
            self._learned_N = learned
            # A change of pace that the body itself plans needs no error first.
            force = learned + self._gain_N_s_per_m * missing + self._plan_kg_per_s * change
            if force < -_BACK_PART * most:
                force = -_BACK_PART * most
        # No effort changes faster than a body can; the force-velocity line is no matter of will.
        before = self._force_N
        if force > before + self._rate_N:
            force = before + self._rate_N
        elif force < before - self._rate_N:
            force = before - self._rate_N
        if force > most:
            force = most
        self._force_N = force
        return force
