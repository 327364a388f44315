"""What the present firmware makes of each named fault, and how soon: a table to print, and figures for tests.

python -m tests.sim.reactions            all of them, with somebody pulling against the load
python -m tests.sim.reactions rest       with nobody at the sled
python -m tests.sim.reactions ramping    while the load is still rising
"""

import sys
from collections.abc import Iterable
from typing import NamedTuple

from device.sled import tick as firmware
from protocol import codes
from sim.faults import table as faults
from sim.rig import Rig, RigConfig
from sim.world.plant import Plant
from tests.sim.hosting import HELLO, STREAM, command, load

MODES = {mode.number: mode.name for mode in codes.MODES}
LEASE_ms = 1000
_BEGIN_ticks = {"load": 3000, "ramping": 1500, "rest": 3000}
SITUATIONS = tuple(_BEGIN_ticks)
_LOAD_ticks = 1200  # when the load is set: the puller has the pace by then


class Hauler:
    """Pulls the sled at a pace, with up to `most_N`, from `start_s` on; lets go at nothing."""

    def __init__(self, pace_m_per_s: float = 1.0, start_s: float = 0.2, most_N: float = 400.0) -> None:
        self._pace_m_per_s = pace_m_per_s
        self._start_s = start_s
        self._most_N = most_N
        self._effort_N = 0.0

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        if now_s < self._start_s:
            return
        missing = self._pace_m_per_s - plant.v_m_per_s
        self._effort_N = min(max(self._effort_N + 0.6 * missing, 0.0), self._most_N)
        plant.touch_N = min(max(self._effort_N + 300.0 * missing, 0.0), self._most_N)


class Reaction(NamedTuple):
    """What happened within the time after a fault began."""

    latched: dict[str, int]  #: faults of the firmware, and after how many ms
    mode: str
    is_enabled: bool
    brake_N: float  #: what the driver really makes at the end
    before_N: float  #: what it made when the fault began
    jump_N: float  #: greatest change of the brake force within 20 ms
    tow_N: float
    v_m_per_s: float
    injected_J: float  #: since the fault began
    end: faults.End

    @property
    def first_ms(self) -> int | None:
        return min(self.latched.values(), default=None)


def loaded_rig(situation: str = "load", seed: int = 1) -> Rig:
    """A rig at the moment when a fault may begin: a leased load, a host that renews the lease and reads."""
    rig = Rig(RigConfig(seed=seed), person=None if situation == "rest" else Hauler())
    one = load()
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
    rig.step(_BEGIN_ticks[situation])
    return rig


def react(rig: Rig, name: str, within_ms: int = 1000, **value: float) -> Reaction:
    """Begin the fault and watch. `end` of the result mends it."""
    before_N = rig.driver.force_N
    before_J = rig.truth.injected_J
    known = rig.app.faults()
    end = faults.begin(rig, name, **value)
    latched: dict[str, int] = {}
    forces_N = [before_N] * 20
    jump_N = 0.0
    for ms in range(1, within_ms + 1):
        rig.step(1)
        forces_N.append(rig.driver.force_N)
        jump_N = max(jump_N, abs(forces_N[-1] - forces_N[-21]))
        for fault in codes.fault_names(rig.app.faults() & ~known):
            latched.setdefault(fault, ms)
    return Reaction(
        latched,
        MODES[rig.app.mode],
        bool(rig.board.s[firmware.ENABLE]),
        rig.driver.force_N,
        before_N,
        jump_N,
        rig.plant.hitch_N,
        rig.plant.v_m_per_s,
        rig.truth.injected_J - before_J,
        end,
    )


def table(situation: str = "load", names: Iterable[str] = faults.FAULTS) -> str:
    """Faults with what the firmware does now, in lines of columns."""
    lines = [
        f"{'fault':20}{'latches':44}{'mode':14}{'on':>3}{'before N':>9}{'after 1 s N':>12}{'jump N':>8}"
        f"{'tow N':>8}{'m/s':>7}{'injected J':>11}"
    ]
    for name in names:
        r = react(loaded_rig(situation), name)
        latched = ", ".join(f"{fault} {ms} ms" for fault, ms in r.latched.items()) or "-"
        lines.append(
            f"{name:20}{latched:44}{r.mode:14}{'yes' if r.is_enabled else 'no':>3}{r.before_N:9.1f}"
            f"{r.brake_N:12.1f}{r.jump_N:8.1f}{r.tow_N:8.1f}{r.v_m_per_s:7.2f}{r.injected_J:11.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(*sys.argv[1:]))
