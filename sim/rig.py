"""Firmware, virtual board, sled and athlete together, in virtual time: nothing moves but by `step`.

Each tick is: sensors, the firmware's own `tick`, driver, athlete, plant; the firmware's main loop runs
whenever bytes wait and every few ticks. Everything is decided by the seed; no clock is read.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from device.sled import tick as firmware
from device.sled.app import App
from sim.board import RESET_POWER_ON, RESET_REBOOT, RESET_WATCHDOG, Flash, VirtualBoard
from sim.cable import Cable
from sim.people.athlete import Athlete, Person
from sim.people.bodies import ATHLETES, Body
from sim.people.helpers import HELPERS
from sim.plugged import Plugged, TICK_us
from sim.truth import Trace, Truth
from sim.world import driver as drivers
from sim.world import parameters
from sim.world.parameters import Driver, Group, Power, Sensors, Sled, perturbed
from sim.world.plant import Plant, TICK_s
from sim.world.power import Supply
from sim.world.sensors import Encoder, LoadCell

_POLL_TICKS = 5  # the main loop comes round at least this often
_SUPPLY_TICKS = 10
_HIGH_BUS_V = 52.0  # beyond, it is worked out every tick: what brakes into a full battery lifts it fast
_WATCHDOG_TICKS = 200
_LATE_MAX_us = 1_000_000

ESTOP = 1  # bits of the switches
DRIVER_FAULT = 2
BUTTON_UP = 4
BUTTON_DOWN = 8


class RigConfig(NamedTuple):
    """Who and what is simulated. The names are those of the `sim://` address."""

    seed: int = 1
    athlete: str | None = None  #: a name of `ATHLETES` or `HELPERS`; None: nobody touches the sled
    lengths: int | None = None  #: None: the athlete goes on for ever
    lane_m: float = 15.0
    body_mass_kg: float | None = None  #: None: that of the kind of athlete
    first: str = "push"  #: push or pull
    perturb: float = 0.0  #: each parameter of sled, driver and sensors off by up to this part of itself
    sled: Sled = Sled()
    driver: Driver = Driver()
    sensors: Sensors = Sensors()
    power: Power = Power()
    body: Body | None = None  #: instead of the one that `athlete` names
    signed_driver: bool = False  #: the wrong kind, which keeps its sign


def check(config: RigConfig) -> None:
    """Raises ValueError saying what of `config` cannot be simulated, and what can."""
    if not 0 <= config.seed < 2**40:
        raise ValueError(f"seed must be from 0 to 2**40 - 1, not {config.seed}")
    if config.athlete is not None and config.athlete not in ATHLETES | HELPERS:
        known = ", ".join(sorted(ATHLETES | HELPERS))
        raise ValueError(f"there is no athlete {config.athlete!r}; known are: {known}")
    if config.lengths is not None and config.lengths < 1:
        raise ValueError(f"lengths must be 1 or more, not {config.lengths}")
    if not 2.0 <= config.lane_m <= 1000.0:
        raise ValueError(f"lane_m must be from 2 to 1000, not {config.lane_m:g}")
    if config.body_mass_kg is not None:
        parameters.check(Body(body_mass_kg=config.body_mass_kg))
    if config.body is not None:
        parameters.check(config.body)
    if config.first not in ("push", "pull"):
        raise ValueError(f"first must be push or pull, not {config.first!r}")
    if not 0.0 <= config.perturb <= 0.5:
        raise ValueError(f"perturb must be from 0 to 0.5, not {config.perturb:g}")
    for group in (config.sled, config.driver, config.sensors, config.power):
        parameters.check(group)


def athlete_from(config: RigConfig) -> Athlete | None:
    """The athlete that a checked config describes, or None where nobody touches the sled."""
    body = config.body
    if body is None:
        if config.athlete is None or config.athlete in HELPERS:
            return None
        body = ATHLETES[config.athlete]
    if config.body_mass_kg is not None:
        body = body._replace(body_mass_kg=config.body_mass_kg)
    return Athlete(
        body, config.seed * 8 + 1, config.lane_m, config.lengths, is_pull_first=config.first == "pull"
    )


#: A reading of a sensor on its way to the firmware: what a fault makes of it.
Filter = Callable[[int], int]
Action = Callable[["Rig"], None]


class Rig(Plugged):
    """One simulated sled. `person` replaces the config's athlete."""

    def __init__(
        self,
        config: RigConfig = RigConfig(),  # noqa: B008 - immutable
        person: Person | None = None,
    ) -> None:
        """Raises ValueError naming what cannot be simulated."""
        check(config)
        self.config = config
        self.athlete = athlete_from(config)
        self.person: Person | None = self.athlete if person is None else person
        if self.person is None and config.athlete is not None:
            self.person = HELPERS[config.athlete](config.seed * 8 + 1)
        random = Random(config.seed * 8)

        def instance(group: Group) -> Group:
            return perturbed(group, config.perturb, random) if config.perturb else group

        self.sled = instance(config.sled)
        driver_parameters = instance(config.driver)
        sensors = instance(config.sensors)
        self.driver = (drivers.SignedDriver if config.signed_driver else drivers.Driver)(driver_parameters)
        body_mass_kg = self.athlete.body.body_mass_kg if self.athlete else 80.0
        self.plant = Plant(self.sled, body_mass_kg, driver_parameters.crawl_N_s_per_m)
        self.encoder = Encoder(sensors, config.seed * 8 + 7)
        self.cell = LoadCell(sensors, config.seed * 8 + 3)
        # How full the battery is, is no error of the parts: never perturbed.
        self.supply = Supply(config.power, sensors, config.seed * 8 + 4)
        self.switches = 0  #: bits ESTOP, DRIVER_FAULT, BUTTON_UP, BUTTON_DOWN
        self.ticks = 0
        #: Faults of sensors by the reading they change: counts, cell, bus (mV), temperature (cC). Empty lists
        #: cost nothing.
        self.filters: dict[str, list[Filter]] = {"counts": [], "cell": [], "bus": [], "temperature": []}
        self.cable = Cable(config.seed * 8 + 5)
        self.trace: Trace | None = None
        self._agenda: list[tuple[int, int, Action]] = []
        self._promises = 0  # so that actions of one tick keep their order
        self._main_from = self._tick_from = 0  # the main loop, and the tick, do not run before
        self._tick_due = 0  # when the next tick of the firmware should come
        self._dark_until = 0  # the controller has no power before
        self._supplied_tick = 0
        self._boots = random.getrandbits(16)
        self._unique_id = b"sim" + (config.seed & 0xFF_FFFF_FFFF).to_bytes(5, "big")
        self.flash = Flash()  #: outlives resets and brown-outs
        self._boot(RESET_POWER_ON)

    @property
    def about(self) -> str:
        """Who and what is simulated, for people."""
        config = self.config
        who = f"athlete {config.athlete}" if config.athlete else "nobody at the hitch"
        return f"seed {config.seed}, {who}"

    def _boot(self, cause: int) -> None:
        self._boots = (self._boots + 1) & 0xFFFF
        board = VirtualBoard(self._unique_id, self._boots, cause, self.flash)
        board.is_connected = self.cable.is_through and self.cable.has_host
        if cause != RESET_POWER_ON:
            board.to_host = self.board.to_host  # that far the bytes had come already
        self.board = board
        self._fed_tick = self.ticks
        self.encoder.restart(self.plant.x_m)
        self.app = App(self.board)  # type: ignore[no-untyped-call]
        s = self.board.s
        s[firmware.BUS_mV] = self.supply.bus_mV()
        s[firmware.TEMPERATURE_cC] = self.supply.temperature_cC()

    def reboot(self, cause: int = RESET_REBOOT) -> None:
        """Reset the controller, as a command does: the world goes on, bytes not yet read by it are lost."""
        self._main_from = self._tick_from = self._dark_until = 0
        self._tick_due = self.ticks
        self.cable.has_board = True
        self._boot(cause)

    def schedule(self, at_tick: int, action: Action) -> None:
        """Do `action` when that many ticks have passed; at once, before the next tick, if they have."""
        self._promises += 1
        heappush(self._agenda, (at_tick, self._promises, action))

    def stall_main(self, ticks: int) -> None:
        """The firmware's main loop does nothing for so long; its tick goes on."""
        self._main_from = self.ticks + ticks

    def overrun(self, ticks: int) -> None:
        """The firmware's tick does not come for so long; the first after it is that late. The main loop
        goes on; the outputs stay as they are."""
        self._tick_from = self.ticks + ticks

    def brown_out(self, ticks: int) -> None:
        """The controller loses its power for so long: ENABLE falls and USB is gone at once, then it boots."""
        self._dark_until = max(self._dark_until, self.ticks + ticks)
        self.board.s[firmware.ENABLE] = self.board.s[firmware.DUTY] = 0
        self.cable.has_board = False

        def boot(rig: "Rig") -> None:
            if 0 < rig._dark_until <= rig.ticks:
                rig.reboot(RESET_POWER_ON)

        self.schedule(self._dark_until, boot)

    def step(self, ticks: int) -> None:
        """Let `ticks` milliseconds pass."""
        end = self.ticks + ticks
        agenda = self._agenda
        while self.ticks < end:
            while agenda and agenda[0][0] <= self.ticks:
                heappop(agenda)[2](self)
            until = min(end, agenda[0][0]) if agenda else end
            if self.ticks < self._tick_from:
                until = min(until, self._tick_from)
            elif self.ticks > self._tick_due:
                until = self.ticks + 1
            if self.ticks < self._main_from:
                until = min(until, self._main_from)
            self._run(until)
            if self.board.wants_reboot:
                self.reboot()

    def _reading(self, name: str, sensor: Callable[..., int]) -> Callable[..., int]:
        """The sensor, with its faults behind it."""
        filters = tuple(self.filters[name])
        if not filters:
            return sensor

        def faulty(*world: float) -> int:
            value = sensor(*world)
            for each in filters:
                value = each(value)
            return value

        return faulty

    def _run(self, end: int) -> None:
        """Run to tick `end`, or until the firmware leaves its main loop for good."""
        plant = self.plant
        driver = self.driver
        supply = self.supply
        person = self.person
        board = self.board
        app = self.app
        trace = self.trace
        cable = self.cable
        s = board.s
        ring = board.ring
        from_host = board.from_host
        counts = self._reading("counts", self.encoder.counts)
        raw = self._reading("cell", self.cell.raw)
        bus_mV = self._reading("bus", supply.bus_mV)
        temperature_cC = self._reading("temperature", supply.temperature_cC)
        firmware_tick = firmware.tick
        driver_tick = driver.tick
        advance = plant.advance
        at_counts = firmware.COUNTS
        at_cell = firmware.CELL_RAW
        at_switches = firmware.SWITCHES
        at_duty = firmware.DUTY
        at_enable = firmware.ENABLE
        at_feed = firmware.FEED_WATCHDOG
        is_bus_high = supply.bus_V > _HIGH_BUS_V
        now = self.ticks
        is_ticking = now >= self._tick_from and now >= self._dark_until
        is_polling = now >= self._main_from and now >= self._dark_until
        if is_ticking:
            # As on the chip, where more than a second cannot be told from the first tick.
            late_us = (now - self._tick_due) * TICK_us
            s[firmware.LATE_us] = late_us if late_us <= _LATE_MAX_us else 0
            self._tick_due = end
        switches = self.switches | (DRIVER_FAULT if driver.is_tripped else 0)
        while now < end:
            if is_ticking:
                s[at_counts] = counts(plant.x_m)
                s[at_cell] = raw(plant.hitch_N)
                s[at_switches] = switches
                firmware_tick(s, ring)
            # The e-stop cuts ENABLE in hardware, whatever the firmware says.
            is_enabled = s[at_enable] if not switches & ESTOP else 0
            driver_tick(s[at_duty], is_enabled, plant.v_m_per_s)
            if person is not None:
                person.act(plant, now * TICK_s, is_enabled != 0)
            advance(driver.brake_N, driver.signed_N)
            now += 1
            if is_bus_high or not now % _SUPPLY_TICKS:
                supply.update(plant, driver, now - self._supplied_tick)
                self._supplied_tick = now
                is_bus_high = supply.bus_V > _HIGH_BUS_V
                s[firmware.BUS_mV] = bus_mV()
                s[firmware.TEMPERATURE_cC] = temperature_cC()
                switches = self.switches | (DRIVER_FAULT if driver.is_tripped else 0)
                if (is_ticking and s[at_feed]) or now < self._dark_until:
                    self._fed_tick = now
                elif now - self._fed_tick >= _WATCHDOG_TICKS:
                    self.ticks = now
                    self.reboot(RESET_WATCHDOG)
                    return
            if trace is not None and not now % trace.every_ticks:
                self.ticks = now
                trace.note(self)
            if from_host or not now % _POLL_TICKS:
                cable.carry(board, now)
                if not is_polling:
                    continue
                self.ticks = now
                board.now_ms = now
                app.poll()  # type: ignore[no-untyped-call]
                if app.is_over():  # type: ignore[no-untyped-call]
                    # What App.run does then.
                    if app.leaving == App.LEAVE_REBOOT:
                        board.reboot()
                    else:
                        board.enter_repl()
                    return
        self.ticks = now

    @property
    def truth(self) -> Truth:
        """What really happened so far."""
        plant = self.plant
        supply = self.supply
        athlete = self.athlete
        return Truth(
            self.ticks * TICK_s,
            plant.athlete_J,
            plant.brake_J,
            plant.friction_J,
            plant.kinetic_J,
            plant.injected_J,
            supply.supplied_J,
            supply.copper_J,
            supply.chopper_J,
            supply.battery_J,
            supply.battery_heat_J,
            supply.electronics_J,
            supply.capacitor_J,
            supply.heat.stored_J,
            supply.heat.lost_J,
            supply.heat.given_J,
            plant.x_m,
            plant.v_m_per_s,
            plant.hitch_N,
            athlete.state if athlete else "",
            tuple(athlete.lengths) if athlete else (),
            tuple(athlete.steps) if athlete else (),
        )
