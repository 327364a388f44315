"""The story of one boot: a load set by `host set-load`, a pull, the e-stop, a lost lease, the watchdog.

All of it on the emulated chip with the world on its pins; the host is the real one, over the serial line.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from host.loading import set_held, set_leased, work_out
from host.samples import Sample
from host.session import Session
from host.telemetry import Telemetry
from protocol import wire
from sim.people.athlete import Athlete
from sim.people.bodies import ATHLETES
from sim.rig import BUTTON_DOWN, BUTTON_UP, DRIVER_FAULT, ESTOP, RigConfig
from tests.chip import emulator, lane
from tests.chip.plant import Level, PinnedWorld, Tick
from tests.chip.plugged import Bench, play
from tests.chip.world import Begun, World

LOAD = "100N"
PULL_s = 0.85  #: from the load on; the athlete moves the sled within the first third of it
LEASE_ms = 100
_SLOW_HOST = Path(__file__).with_name("slow_host.py")
_BOOT_s = 2.0
_PIO1_CTRL = 0x5030_0000


def new_world() -> World:
    """A sprinter who rocks the sled forth and back, then pulls; the same every time."""
    athlete = Athlete(ATHLETES["sprinter"], 25, is_pull_first=True)
    return World(RigConfig(seed=3), Begun(athlete))


class Story(NamedTuple):
    """What was seen, in the order in which it happened; times in ns of the chip."""

    first: dict[str, Any]  #: HELLO_REPLY
    boot_s: float  #: from power-on to the answer to HELLO
    enabled_at_rest: bool
    command: dict[str, Any]  #: what `host --json set-load` printed
    enabled_armed: bool
    samples: list[Sample]  #: that the host received during the pull
    lost: int  #: samples declared lost
    ticks: list[Tick]  #: all until the pull is over
    moved_m: float  #: how far the sled was pulled
    estop_ns: float  #: when it was pressed
    estop_faults: int
    switched: list[Tick]  #: while the e-stop, the driver's FAULT and the buttons came one after the other
    lease_ticks: list[Tick]  #: from the leased load until after the lapse
    silent_ns: float  #: when the host fell silent
    lapsed: dict[str, Any]  #: STATUS after it
    starved_ns: float  #: when the tick's clock was stopped
    enabled_before: bool
    again: dict[str, Any]  #: HELLO_REPLY after it
    again_ns: float
    boots: int
    enable: list[Level]  #: ENABLE at all times


def host(bench: Bench, *words: str) -> dict[str, Any]:
    """A command of the host on the chip's serial line; what it printed. Raises ChipError."""
    command = [sys.executable, str(_SLOW_HOST), "--port", bench.port, "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise emulator.ChipError(f"host {' '.join(words)}: {done.stdout}{done.stderr}")
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def hello(session: Session) -> dict[str, Any]:
    """The fields of HELLO_REPLY, however long the boot takes."""
    heard: dict[str, Any] = {}

    def listen(frame: wire.Frame) -> bool:
        message = wire.decode(frame)
        if message.name == "HELLO_REPLY":
            heard.update(message.fields)
        return False

    session.tap = listen
    session.hello(_BOOT_s)
    session.tap = None
    return heard


def recorded(bench: Bench) -> list[Tick]:
    """From now on each tick is added to this list."""
    ticks: list[Tick] = []
    bench.do(lambda: setattr(bench.pinned, "records", ticks))
    return ticks


def act(bench: Bench, action: Callable[[], object]) -> float:
    """Do something to the chip; when, in ns of the chip."""

    def timed() -> float:
        action()
        return bench.pinned.now_ns

    return bench.do(timed)


def stop_the_clock_of_the_tick(bench: Bench) -> float:
    """Only a broken chip does this: the state machine that calls the tick stands still. When."""
    return act(bench, lambda: bench.device.mcu.write_uint32(_PIO1_CTRL, 0))


def tell(bench: Bench) -> Story:
    """Live through it."""
    pinned = bench.pinned
    plant = pinned.world.plant
    ticks: list[Tick] = []
    pinned.records = ticks  # from the very first
    with bench.session() as session:
        first = hello(session)
        boot_s = bench.now()
        enabled_at_rest = pinned.is_enabled()

    command = host(bench, "set-load", LOAD)
    enabled_armed = pinned.is_enabled()
    with bench.session() as session:
        session.hello(_BOOT_s)
        telemetry = Telemetry(session)
        telemetry.start(from_oldest=True)
        heard = [*telemetry.run(PULL_s), *telemetry.finish()]
        moved_m = plant.x_m
        switched = recorded(bench)
        estop_ns = act(bench, lambda: pinned.switch(ESTOP))
        bench.wait(0.003)
        estop_faults = session.request("GET_STATUS").fields["faults"]
        for bits in (DRIVER_FAULT, BUTTON_UP, BUTTON_DOWN, 0):
            act(bench, partial(pinned.switch, bits))
            bench.wait(0.003)
        session.request("CLEAR_FAULT")

        light = work_out("40N").load
        lease_ticks = recorded(bench)
        set_leased(session, light, light, LEASE_ms)
        for _ in session.messages(1.5 * LEASE_ms / 1000):
            pass
        silent_ns = pinned.now_ns
        bench.until(lambda: not pinned.is_enabled(), 0.5)
        bench.wait(0.002)
        bench.do(lambda: setattr(pinned, "records", None))
        lapsed = session.request("GET_STATUS").fields

        set_held(session, light, light)
        bench.wait(0.005)
        enabled_before = pinned.is_enabled()
        starved_ns = stop_the_clock_of_the_tick(bench)
        bench.until(lambda: pinned.boots == 2, _BOOT_s)
        again = hello(session)
        again_ns = pinned.now_ns
    samples = [item for item in heard if isinstance(item, Sample)]
    return Story(
        first=first,
        boot_s=boot_s,
        enabled_at_rest=enabled_at_rest,
        command=command,
        enabled_armed=enabled_armed,
        samples=samples,
        lost=telemetry.lost,
        ticks=ticks,
        moved_m=moved_m,
        estop_ns=estop_ns,
        estop_faults=estop_faults,
        switched=switched,
        lease_ticks=lease_ticks,
        silent_ns=silent_ns,
        lapsed=lapsed,
        starved_ns=starved_ns,
        enabled_before=enabled_before,
        again=again,
        again_ns=again_ns,
        boots=pinned.boots,
        enable=pinned.enable,
    )


def on_the_chip(folder: Path) -> Story:
    """The whole story on the real firmware. Raises NoChip and ChipError."""
    return play(lane.whole_firmware(), folder, PinnedWorld(new_world()), tell)
