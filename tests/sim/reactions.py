"""A sled in a situation in which something may break, and what then comes of it."""

from typing import NamedTuple

from device.sled import tick as firmware
from protocol import codes
from sim.faults import table as faults
from sim.rig import Rig, RigConfig
from sim.world.plant import Plant
from tests.sim.hosting import HELLO, STREAM, HALF_BODY_WEIGHT_mN, command, load

MODES = {mode.number: mode.name for mode in codes.MODES}
LEASE_ms = 1000
_LOAD_ticks = 1200  # when the load is set: the athlete has the pace by then


class Situation(NamedTuple):
    """Who works with the sled, against which load, and when something breaks."""

    sentence: str
    sign: int = 1  #: 1 pulls, -1 pushes, 0 nobody is there
    force_mN: int = HALF_BODY_WEIGHT_mN
    begin_ticks: int = 3000


SITUATIONS = {
    "rest": Situation("nobody is at the sled", sign=0),
    "load": Situation("pulled at 1 m/s against 129 N"),
    "ramping": Situation("the load has risen to 54 N of 129 N", begin_ticks=1500),
    "push": Situation("pushed at 1 m/s against 129 N", sign=-1),
    "light": Situation("pulled at 1 m/s against 40 N", force_mN=40_000),
    "heavy": Situation("pulled at 1 m/s against 400 N", force_mN=400_000, begin_ticks=4500),
}


class Hauler:
    """Moves the sled at a pace, with up to `most_N`, from `start_s` on; lets go at nothing."""

    def __init__(
        self, pace_m_per_s: float = 1.0, start_s: float = 0.2, most_N: float = 400.0, sign: int = 1
    ) -> None:
        self._pace_m_per_s = pace_m_per_s
        self._start_s = start_s
        self._most_N = most_N
        self._sign = sign
        self._effort_N = 0.0

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        if now_s < self._start_s:
            return
        missing = self._pace_m_per_s - plant.v_m_per_s * self._sign
        self._effort_N = min(max(self._effort_N + 0.0015 * self._most_N * missing, 0.0), self._most_N)
        plant.touch_N = self._sign * min(max(self._effort_N + 300.0 * missing, 0.0), self._most_N)


class Reaction(NamedTuple):
    """What happened within the time after a fault began."""

    latched: dict[str, int]  #: faults of the firmware, and after how many ms
    mode: str
    is_enabled: bool
    brake_N: float  #: what the driver really makes at the end
    before_N: float  #: what it made when the fault began
    rise_N: float  #: greatest rise of the brake force within 20 ms
    drop_N: float  #: greatest fall of it within 20 ms
    injected_J: float  #: since the fault began
    end: faults.End

    @property
    def first(self) -> str:
        """The fault that was latched first, or nothing."""
        return min(self.latched, key=self.latched.__getitem__, default="")


def loaded_rig(situation: str = "load", seed: int = 1) -> Rig:
    """A rig at the moment when a fault may begin: a leased load, a host that renews the lease and reads."""
    here = SITUATIONS[situation]
    most_N = max(400.0, here.force_mN / 500)
    rig = Rig(RigConfig(seed=seed), person=Hauler(most_N=most_N, sign=here.sign) if here.sign else None)
    one = load(here.force_mN)
    rig.write(HELLO + command("ARM", 1) + STREAM)
    set_load = command("SET_LOAD", 2, hold=1, lease_ms=LEASE_ms, pull=one, push=one)
    rig.schedule(_LOAD_ticks, lambda rig: rig.write(set_load))

    def renew(rig: Rig) -> None:
        rig.write(command("HEARTBEAT", 10 + rig.ticks // 250, lease_ms=0))
        rig.schedule(rig.ticks + 250, renew)

    def read(rig: Rig) -> None:
        rig.read(1 << 20)
        rig.schedule(rig.ticks + 50, read)

    rig.schedule(_LOAD_ticks + 250, renew)
    rig.schedule(50, read)
    rig.step(here.begin_ticks)
    return rig


def react(rig: Rig, name: str, within_ms: int = 1000, **value: float) -> Reaction:
    """Begin the fault and watch. `end` of the result mends it."""
    before_N = rig.driver.force_N
    before_J = rig.truth.injected_J
    known = rig.app.faults()
    end = faults.begin(rig, name, **value)
    latched: dict[str, int] = {}
    forces_N = [before_N] * 20
    rise_N = drop_N = 0.0
    for ms in range(1, within_ms + 1):
        rig.step(1)
        forces_N.append(rig.driver.force_N)
        change_N = forces_N[-1] - forces_N[-21]
        rise_N = max(rise_N, change_N)
        drop_N = max(drop_N, -change_N)
        for fault in codes.fault_names(rig.app.faults() & ~known):
            latched.setdefault(fault, ms)
    return Reaction(
        latched,
        MODES[rig.app.mode],
        bool(rig.board.s[firmware.ENABLE]),
        rig.driver.force_N,
        before_N,
        rise_N,
        drop_N,
        rig.truth.injected_J - before_J,
        end,
    )
