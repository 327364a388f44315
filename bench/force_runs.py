"""One simulated sled under one controller, drawn by a person who decides the speed; and what was felt.

`Walker` is not an athlete but a fixture: it makes the sled move as the case says, whatever force that takes,
so that all controllers are measured on the same motion. It pulls through the tether or pushes on the handles.
"""

import math
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.force_measure import Law
from device.sled import tick as firmware
from protocol import codes, wire
from sim.people.athlete import Person, smooth
from sim.rig import Rig, RigConfig
from sim.world.driver import COMMAND_MAX
from sim.world.parameters import GRAVITY_m_per_s2, Sled
from sim.world.plant import Plant, TICK_s

SUPPLY_TICKS = 10

#: Of a plain skid sled on turf: Andre et al. 2013, kinetic and static over kinetic.
SKID_FRICTION = 0.33
SKID_BREAKAWAY = 1.3
ROLLING_N, ROLLING_N_s_per_m = 10.0, 1.0  #: what the firmware, and whoever sets a magnet, believes
BRAKE_FULL_SCALE_N = 800.0  #: what they believe of the driver

_OK, _LIMITED = (code.number for code in codes.RESULTS if code.name in ("OK", "LIMITED"))

LIMIT_NAMES = {code.number: code.name for code in codes.LIMITS}

_FORCE_MAX_N = 2000.0
_BODY_s = 0.003  # the walker's own body follows what it wants
_SPEED_PER_s = 60.0  # and the sled the speed wanted
_RESIST_PART = 0.2  # of a change of the sled's resistance that is taken in each tick


class Motion(NamedTuple):
    """v = speed (1 + ripple sin(2 pi f t + phase)) once the start is over; t from `phase_at_s`."""

    speed_m_per_s: float
    ripple: float = 0.0
    per_s: float = 0.0
    phase_rad: float = 0.0
    phase_at_s: float = 0.0
    start_s: float = 1.0
    direction: int = 1  #: 1 pull, -1 push

    def speed_at(self, now_s: float) -> float:
        """Wanted speed, m/s along the motion."""
        angle = 2.0 * math.pi * self.per_s * (now_s - self.phase_at_s) + self.phase_rad
        wave = 1.0 + self.ripple * math.sin(angle)
        return self.speed_m_per_s * smooth(now_s / self.start_s) * wave


class Recording:
    """Of each tick: speed and way of the sled at its begin, felt force and limits in it; along the motion."""

    def __init__(self) -> None:
        self.v_m_per_s = array("d")
        self.x_m = array("d")
        self.before_N = array("d")  #: felt in the tick before
        self.limits = array("i")
        self.crawl_N_s_per_m = 0.0  #: at the end
        self.faults: tuple[str, ...] = ()
        self.held: Law | None = None  #: the load as the sled took it

    @property
    def felt_N(self) -> "array[float]":
        """Force felt in each tick but the last."""
        return self.before_N[1:]


class Watcher:
    """Any person, with a recording of what the sled does at each tick."""

    def __init__(self, person: Person, direction: int, limits: Callable[[], int] = lambda: 0) -> None:
        self.person = person
        self.recording = Recording()
        self._direction = direction
        self._limits = limits

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Write down, then let the person act."""
        recording = self.recording
        direction = self._direction
        recording.v_m_per_s.append(plant.v_m_per_s * direction)
        recording.x_m.append(plant.x_m * direction)
        recording.before_N.append(plant.hitch_N * direction)
        recording.limits.append(self._limits())
        self.person.act(plant, now_s, is_enabled)


class Walker:
    """Moves the sled as `motion` says: tension from the resistance felt and the speed that is missing, and
    a body that keeps the tether's stretch such that this tension acts."""

    def __init__(self, motion: Motion, body_mass_kg: float) -> None:
        self.motion = motion
        self._body_mass_kg = body_mass_kg
        self._resist_N = 0.0
        self._was_m_per_s = 0.0

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Set the propulsion for the next tick."""
        motion = self.motion
        direction = motion.direction
        sled = plant.sled
        if plant.hitch != direction:  # takes hold with the hitch just tight
            plant.hitch = direction
            plant.body_x_m = plant.x_m
            plant.body_v_m_per_s = plant.v_m_per_s
        if direction > 0:
            stiffness, damping = sled.tether_N_per_m, sled.tether_N_s_per_m
        else:
            stiffness, damping = sled.handle_N_per_m, sled.handle_N_s_per_m
        v = plant.v_m_per_s * direction
        tow_N = plant.hitch_N * direction
        resisted_N = tow_N - sled.mass_kg * (v - self._was_m_per_s) / TICK_s
        self._was_m_per_s = v
        self._resist_N += (resisted_N - self._resist_N) * _RESIST_PART
        wanted = motion.speed_at(now_s + TICK_s)
        change = (motion.speed_at(now_s + 2 * TICK_s) - wanted) / TICK_s
        tension_N = sled.mass_kg * (change + _SPEED_PER_s * (wanted - v)) + self._resist_N
        if tension_N < 0.0:
            tension_N = 0.0
        stretch_m = (plant.body_x_m - plant.x_m) * direction
        body_v = plant.body_v_m_per_s * direction
        wanted_body_v = v + (tension_N - stiffness * stretch_m) / damping
        force_N = tow_N + self._body_mass_kg * (change + (wanted_body_v - body_v) / _BODY_s)
        force_N = min(max(force_N, -_FORCE_MAX_N), _FORCE_MAX_N)
        plant.propulsion_N = force_N * direction


#: Brake force in N that is commanded, from speed along the motion and time.
Brake = Callable[[float, float], float]


class Scene(NamedTuple):
    """What is the same for every controller."""

    sled: Sled = Sled()
    body_mass_kg: float = 80.0
    winding_C: float = 22.0
    seed: int = 1

    def rig(self) -> Rig:
        """A sled with nobody at it."""
        rig = Rig(
            RigConfig(seed=self.seed, sled=self.sled, athlete="recreational", body_mass_kg=self.body_mass_kg)
        )
        rig.person = None
        rig.supply.heat.winding_C = self.winding_C
        return rig


def wire_load(law: Law) -> dict[str, int]:
    """A load of one direction as SET_LOAD carries it."""
    return {
        "force_mN": round(law.force_N * 1e3),
        "inertia_g": round(law.inertia_kg * 1e3),
        "viscous_mN_s_per_m": round(law.viscous_N_s_per_m * 1e3),
        "quadratic_mN_s2_per_m2": round(law.quadratic_N_s2_per_m2 * 1e3),
        "stiffness_mN_per_m": round(law.stiffness_N_per_m * 1e3),
        "speed_cap_mm_per_s": 0,
    }


def law_of(load: dict[str, Any]) -> Law:
    """The law of a load of the wire."""
    return Law(*(load[name] / 1e3 for name in list(wire_load(Law()))[:5]))


class Refused(Exception):
    """The sled did not take a load."""


class _Host:
    """The other end of the wire: as much of a host as a benchmark needs."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._frames = wire.FrameReader()
        self._id = 0

    def send(self, name: str, **fields: Any) -> None:
        self._id += 1
        self._rig.write(wire.encode(name, {"command_id": self._id, **fields}))

    def set_load(self, law: Law) -> None:
        load = wire_load(law)
        self.send("SET_LOAD", hold=0, lease_ms=0, pull=load, push=load)

    def held(self, way: str) -> Law:
        """The load of the last answer to SET_LOAD. Raises Refused where none was taken."""
        taken = None
        for frame in self._frames.feed(self._rig.read(1 << 20)):
            received = wire.decode(frame)
            if received.name == "LOAD_REPLY":
                taken = received.fields
        if taken is None or taken["result"] not in (_OK, _LIMITED):
            raise Refused(f"no load was taken: {taken}")
        return law_of(taken[way])


def run_ours(
    scene: Scene, person: Person, direction: int, loads: list[tuple[float, Law]], length_s: float
) -> Recording:
    """The whole firmware, told each load over the wire at its time; the first one at the start."""
    rig = scene.rig()
    host = _Host(rig)
    rig.write(wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0}))
    host.send("ARM")
    s = rig.board.s
    watcher = Watcher(person, direction, lambda: s[firmware.LIMITS])
    rig.person = watcher
    for at_s, law in loads:
        rig.step(round(at_s / TICK_s) - rig.ticks)
        host.set_load(law)
    rig.step(round(length_s / TICK_s) - rig.ticks)
    recording = watcher.recording
    recording.held = host.held("pull" if direction > 0 else "push")
    recording.crawl_N_s_per_m = rig.plant.crawl_N_s_per_m
    faults = rig.app.faults()  # type: ignore[no-untyped-call]
    recording.faults = tuple(fault.name for fault in codes.FAULTS if faults >> fault.number & 1)
    return recording


def run_plain(
    scene: Scene,
    person: Person,
    direction: int,
    brake: Brake,
    length_s: float,
    through_driver: bool = True,
    sled: Sled | None = None,
) -> Recording:
    """The same sled, or `sled` in its place, under a brake that needs no firmware.

    Through the driver it has that one's lag, scale and limit at a crawl; else it is a brake of its own.
    """
    rig = scene.rig()
    plant, driver, supply = rig.plant, rig.driver, rig.supply
    if not through_driver:
        plant = Plant(sled or scene.sled, scene.body_mass_kg, None)
    supply.update(plant, driver, SUPPLY_TICKS)
    watcher = Watcher(person, direction)
    for n in range(round(length_s / TICK_s)):
        force_N = brake(plant.v_m_per_s * direction, n * TICK_s)
        watcher.act(plant, n * TICK_s, True)
        if through_driver:
            driver.tick(round(force_N / BRAKE_FULL_SCALE_N * COMMAND_MAX), 1, plant.v_m_per_s)
            plant.advance(driver.brake_N)
            if not n % SUPPLY_TICKS:
                supply.update(plant, driver, SUPPLY_TICKS)
        else:
            plant.advance(force_N)
    watcher.recording.crawl_N_s_per_m = plant.crawl_N_s_per_m
    return watcher.recording


def skid_sled(force_N: float) -> Sled:
    """A skid sled so heavy that it drags with that force."""
    return Sled(
        mass_kg=force_N / (SKID_FRICTION * GRAVITY_m_per_s2),
        rolling_N=force_N,
        rolling_N_s_per_m=0.0,
        breakaway_ratio=SKID_BREAKAWAY,
    )
