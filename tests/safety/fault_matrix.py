"""Every named fault in every situation: what the firmware must make of it, and how soon. One table.

python -m tests.safety.fault_matrix               prints it with what is measured now: `make faults`
python -m tests.safety.fault_matrix cell_drift    only these faults
"""

import sys
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from protocol import codes
from sim.faults.table import FAULTS
from tests.sim.reactions import Reaction, loaded_rig, react

#: A ramp of 400 N/s falls by 8 N in 20 ms; the athlete's own motion may add a little.
RAMP_N = 10.5
#: A load that is still rising by 180 N/s, or that follows the athlete.
RISE_N = 5.0
OFF_N = 0.01
ALWAYS = ("rest", "load", "ramping")


class Row(NamedTuple):
    """What must be seen of one fault in one situation."""

    code: str = ""  #: the first fault latched, or nothing
    within_ms: int = 0
    mode: str = "FAULT"  #: at the end
    least_N: float = 0.0  #: of the brake at the end
    most_N: float = OFF_N
    drop_N: float = RAMP_N  #: greatest fall of the brake force within 20 ms
    rise_N: float = RISE_N
    injected_J: float = 0.0
    watch_ms: int = 1000
    why: str = ""  #: nothing is latched, or more than a ramp is allowed


Rows = dict[str, Row]

AT_REST = "A sled at rest with its brake open does no harm, and nothing shows the fault before it moves."
AT_ONCE = "The force is gone at once by its nature; a ramp has nothing left to lower."
#: How a load that goes on as it was looks after a second: the mode, and the brake from and to.
_GOES_ON = {
    "rest": ("ARMED", 0.0, OFF_N),
    "load": ("LOADING", 116.0, 118.5),
    "push": ("LOADING", 116.0, 118.5),
    "ramping": ("LOADING", 120.0, 123.0),
    "light": ("LOADING", 27.0, 28.5),
    "heavy": ("LOADING", 390.0, 393.0),
}


def _goes_on(situation: str, why: str, **more: float) -> Row:
    mode, least_N, most_N = _GOES_ON[situation]
    return Row(mode=mode, least_N=least_N, most_N=most_N, why=why)._replace(**more)


def nothing(**more: float) -> Rows:
    """Nothing is latched in any situation, for the reason that the fault's own row gives."""
    return {name: _goes_on(name, "", **(more if name != "rest" else {})) for name in ALWAYS}


def latched(code: str, within_ms: int, at_rest: bool = False, **more: float) -> Rows:
    """The same everywhere; at rest only what needs no motion."""
    row = Row(code, within_ms)._replace(**more)
    rest = row if at_rest else _goes_on("rest", AT_REST)
    return {"rest": rest, "load": row, "ramping": row}


def heavy(code: str, within_ms: int, **more: float) -> Rows:
    """400 N need most of a second to come down."""
    return {"heavy": Row(code, within_ms, watch_ms=1300)._replace(**more)}


def push(code: str, within_ms: int, **more: float) -> Rows:
    return {"push": Row(code, within_ms)._replace(**more)}


def light(code: str, within_ms: int, **more: float) -> Rows:
    return {"light": Row(code, within_ms)._replace(**more)}


_TRIPS = {"drop_N": 400.0, "why": AT_ONCE}
_FELT = "The cell's reading goes into the law's inertia and into the trim before it can be known to be wrong."
_TRIMMED = "A few newtons, which the trim makes up for or brings: not told from friction that differs."
_SMALL = "15 % of the load: the trim can make the load wrong by 30 N at most."
_FOLDS = "The motor's temperature takes the force away while the ramp does."
_FOLDED = "The fold-back keeps the bus below its limit, and the load is lighter for it."
_BUS = "A bus that nobody takes the energy from rises by a fifth of a volt and more in a tick."
_BY_STUCK = "The driver itself makes it jump; dropping is the only way back."
_DRIVES = "What the brake has driven until it is known to drive; dropping is the only way to end it."
_GONE = "The driver itself lets it fall, before anybody can know."
_RESET = "The controller has started anew: brake off until it is armed again."
_LEASE = {"mode": "IDLE", "watch_ms": 1500}

_STUCK = {
    "least_N": 300.0,
    "most_N": 300.0,
    "rise_N": 273.0,
    "why": "ENABLE does not reach the power stage: only its own switch helps.",
}
MATRIX: dict[str, Rows] = {
    # Encoder.
    "encoder_stuck": latched("ENCODER_SILENT", 6)
    | push("ENCODER_SILENT", 6)
    | light("ENCODER_SILENT", 6)
    | heavy("ENCODER_SILENT", 6),
    "encoder_jump": latched("ENCODER_JUMP", 1, at_rest=True) | heavy("ENCODER_JUMP", 1),
    "encoder_noise": nothing(rise_N=6.0),
    "encoder_reversed": latched("ENCODER_JUMP", 6)
    | push("ENCODER_JUMP", 6)
    | light("ENCODER_JUMP", 6)
    | heavy("ENCODER_JUMP", 6),
    "encoder_lost_edges": nothing(least_N=112.0, rise_N=7.0),
    "encoder_dropout": latched("ENCODER_SILENT", 6) | push("ENCODER_SILENT", 6) | heavy("ENCODER_SILENT", 6),
    # Load cell. What it shows goes into the law's inertia before it can be known to be wrong.
    "cell_stuck": latched("CELL_FROZEN", 255, at_rest=True) | heavy("CELL_FROZEN", 255),
    "cell_rail_high": latched("CELL_RAILED", 50, at_rest=True) | heavy("CELL_RAILED", 50),
    "cell_rail_low": latched("CELL_RAILED", 50, at_rest=True) | heavy("CELL_RAILED", 50),
    "cell_dropout": latched("CELL_FROZEN", 620, rise_N=17.0, watch_ms=1200, why=_FELT)
    | heavy("CELL_FROZEN", 420, drop_N=16.0, rise_N=17.0, why=_FELT, watch_ms=1500),
    "cell_jump": latched("CELL_DISAGREES", 4000, watch_ms=5000, rise_N=19.0, why=_FELT)
    | push("CELL_DISAGREES", 4000, watch_ms=5000, drop_N=16.0, why=_FELT)
    | light("CELL_DISAGREES", 1400, watch_ms=2000, rise_N=16.0, why=_FELT)
    | {"heavy": _goes_on("heavy", _SMALL, least_N=360.0, rise_N=16.0, watch_ms=5500)},
    "cell_noise": nothing(least_N=115.0, most_N=123.0, drop_N=7.0, rise_N=11.0),
    "cell_reversed": latched("CELL_DISAGREES", 110, drop_N=68.0, rise_N=38.0, why=_FELT)
    | push("CELL_DISAGREES", 100, drop_N=68.0, rise_N=20.0, why=_FELT)
    | light("CELL_DISAGREES", 110, drop_N=21.0, rise_N=6.0, why=_FELT)
    | heavy("CELL_DISAGREES", 100, drop_N=203.0, rise_N=60.0, why=_FELT),
    "cell_scale": latched("CELL_DISAGREES", 6000, watch_ms=7000)
    | push("CELL_DISAGREES", 4000, watch_ms=5000)
    | {"light": _goes_on("light", _TRIMMED, most_N=45.0, watch_ms=5000)}
    | heavy("CELL_DISAGREES", 4000, drop_N=31.0, rise_N=8.0, watch_ms=5500, why=_FELT),
    "cell_drift": latched("CELL_DISAGREES", 19_000, watch_ms=20_000)
    | push("CELL_DISAGREES", 23_000, watch_ms=24_000),
    # Slow inputs.
    "ntc_open": latched("TEMPERATURE_SENSOR", 115, at_rest=True) | heavy("TEMPERATURE_SENSOR", 115),
    "ntc_short": latched("TOO_HOT", 115, at_rest=True) | heavy("TOO_HOT", 115, drop_N=17.0, why=_FOLDS),
    "hot_motor": latched("TOO_HOT", 115, at_rest=True) | heavy("TOO_HOT", 115, drop_N=17.0, why=_FOLDS),
    "bus_sensor_stuck": latched("BUS_SENSOR", 2020, watch_ms=3000) | heavy("BUS_SENSOR", 2020, watch_ms=3300),
    "battery_sag": latched("BUS_LOW", 35, at_rest=True) | heavy("BUS_LOW", 35),
    "battery_full": nothing(),
    "chopper_dead": nothing(),
    "over_voltage": latched("BUS_HIGH", 135, drop_N=119.0, why=_BUS)
    | {"light": _goes_on("light", _FOLDED, least_N=16.0, most_N=18.0)}
    | heavy("DRIVER", 20, drop_N=400.0, why=_BUS),
    "cooling_blocked": nothing(),
    # Driver.
    "driver_fault": latched("DRIVER", 11, at_rest=True, **_TRIPS) | heavy("DRIVER", 11, **_TRIPS),
    "driver_stuck_force": latched("FORCE_STUCK", 65, **_STUCK)
    | {"rest": _goes_on("rest", AT_REST, least_N=300.0, most_N=300.0, rise_N=300.0)}
    | push("FORCE_STUCK", 65, **_STUCK)
    | light("FORCE_STUCK", 65, **_STUCK),
    "driver_stuck_command": latched("FORCE_STUCK", 65, drop_N=300.0, rise_N=260.0, why=_BY_STUCK)
    | {"rest": _goes_on("rest", AT_REST, least_N=299.0, most_N=300.1, rise_N=300.0)}
    | push("FORCE_STUCK", 65, drop_N=300.0, rise_N=182.0, why=_BY_STUCK)
    | light("FORCE_STUCK", 65, drop_N=300.0, rise_N=273.0, why=_BY_STUCK),
    "driver_wrong_sign": latched("PASSIVITY", 50, drop_N=120.0, rise_N=6.0, injected_J=6.5, why=_DRIVES)
    | {"ramping": Row("CELL_DISAGREES", 95, drop_N=45.0, rise_N=7.0, injected_J=9.0, why=_DRIVES)}
    | push("PASSIVITY", 50, drop_N=120.0, rise_N=6.0, injected_J=6.5, why=_DRIVES)
    | light("PASSIVITY", 190, drop_N=37.0, injected_J=7.0, why=_DRIVES)
    | heavy("PASSIVITY", 50, drop_N=390.0, rise_N=14.0, injected_J=26.0, why=_DRIVES),
    "driver_weak": latched("CELL_DISAGREES", 4000, drop_N=61.0, watch_ms=5000, why=_GONE)
    | push("CELL_DISAGREES", 4000, drop_N=61.0, watch_ms=5000, why=_GONE)
    | {"light": _goes_on("light", _TRIMMED, least_N=20.0, drop_N=15.0, watch_ms=5000)}
    | heavy("CELL_DISAGREES", 95, drop_N=200.0, why=_GONE),
    "driver_dead": latched("CELL_DISAGREES", 320, drop_N=120.0, why=_GONE)
    | push("CELL_DISAGREES", 90, drop_N=120.0, why=_GONE)
    | light("CELL_DISAGREES", 6000, drop_N=29.0, watch_ms=7000, why=_GONE)
    | heavy("CELL_DISAGREES", 85, drop_N=400.0, why=_GONE),
    # Switches.
    "estop": latched("ESTOP", 1, at_rest=True, **_TRIPS) | heavy("ESTOP", 1, **_TRIPS),
    "button_up_stuck": {name: Row(mode="IDLE", watch_ms=1500) for name in ALWAYS},
    "button_down_stuck": {name: Row(mode="IDLE", watch_ms=1500) for name in ALWAYS},
    # Time.
    "main_stall": nothing(),
    "main_stopped": latched("MAIN_STALLED", 102, at_rest=True, mode="IDLE", why=_RESET)
    | heavy("MAIN_STALLED", 102, mode="IDLE", watch_ms=1500, why=_RESET),
    "tick_overrun": latched("TICK_OVERRUN", 15, at_rest=True) | heavy("TICK_OVERRUN", 15),
    "tick_stopped": latched("TICK_STALLED", 15, at_rest=True, mode="IDLE", drop_N=400.0, why=_RESET)
    | heavy("TICK_STALLED", 15, mode="IDLE", drop_N=400.0, why=_RESET),
    "brown_out": {name: Row(mode="IDLE", drop_N=400.0) for name in ALWAYS},
    # Link.
    "link_bit_flips": nothing(),
    "link_drops": nothing(),
    "link_duplicates": nothing(),
    "link_swaps": nothing(),
    "link_garbage": nothing(),
    "link_splits": nothing(),
    "link_merges": nothing(),
    "link_delay": nothing(),
    "unplug": latched("LEASE_LAPSED", 1000, at_rest=True, **_LEASE)
    | heavy("LEASE_LAPSED", 1000, mode="IDLE", watch_ms=2100),
    "host_death": latched("LEASE_LAPSED", 1000, at_rest=True, **_LEASE)
    | heavy("LEASE_LAPSED", 1000, mode="IDLE", watch_ms=2100),
    "host_stops_reading": nothing(),
}


def row_of(name: str, situation: str) -> Row:
    """The row, with the reason that the table of faults gives where the row has none of its own."""
    row = MATRIX[name][situation]
    return row if row.why else row._replace(why=FAULTS[name].expected)


@cache
def seen(name: str, situation: str) -> Reaction:
    """What happens now."""
    return react(loaded_rig(situation), name, MATRIX[name][situation].watch_ms)


def deviations(row: Row, reaction: Reaction) -> list[str]:
    """What is not as the row says, in words."""
    found = []
    delay_ms = reaction.latched.get(row.code, 0)
    if reaction.first != row.code:
        found.append(f"latched {reaction.first or 'nothing'} first, not {row.code or 'nothing'}")
    elif delay_ms > row.within_ms:
        found.append(f"{row.code} after {delay_ms} ms, not {row.within_ms} ms")
    if reaction.mode != row.mode:
        found.append(f"ends in {reaction.mode}, not {row.mode}")
    for what, value, least, most in (
        ("brake at the end", reaction.brake_N, row.least_N, row.most_N),
        ("fall within 20 ms", reaction.drop_N, 0.0, row.drop_N),
        ("rise within 20 ms", reaction.rise_N, 0.0, row.rise_N),
        ("energy injected", reaction.injected_J, 0.0, row.injected_J),
    ):
        if not least <= value <= most:
            found.append(f"{what} {value:.2f}, not from {least:g} to {most:g}")
    return found


def cells() -> list[tuple[str, str]]:
    """Every fault in every situation that has a row, in the order of the table."""
    return [(name, situation) for name, rows in MATRIX.items() for situation in rows]


def lines(names: list[str]) -> Iterator[str]:
    """The table with what is measured now."""
    reactions = {fault.name: fault.reaction for fault in codes.FAULTS}
    sentences = {fault.name: fault.sentence for fault in codes.FAULTS}
    yield (
        f"{'fault':21}{'situation':10}{'latches':19}{'reaction':9}{'ms':>6}  {'mode':9}{'brake N':>8}"
        f"{'fall N':>8}{'rise N':>8}{'injected J':>11}  sentence"
    )
    for name, situation in cells():
        if name not in names:
            continue
        row, reaction = row_of(name, situation), seen(name, situation)
        code = reaction.first
        yield (
            f"{name:21}{situation:10}{code or '-':19}{reactions.get(code, '-'):9}"
            f"{reaction.latched.get(code, '-'):>6}  {reaction.mode:9}{reaction.brake_N:8.1f}"
            f"{reaction.drop_N:8.1f}{reaction.rise_N:8.1f}{reaction.injected_J:11.1f}  "
            f"{sentences.get(code) or row.why}"
        )
        for deviation in deviations(row, reaction):
            yield f"{'':21}WRONG: {deviation}"


if __name__ == "__main__":
    for line in lines(sys.argv[1:] or list(MATRIX)):
        print(line, flush=True)
