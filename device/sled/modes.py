"""The mode table: which trigger leads from which mode to which, and what each mode permits the tick.

Data only; `app.py` raises the triggers. A pair that is not in the table changes nothing.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from .cpython import const

from . import layout, tick

ARM = const(0)
MOVE = const(1)
STAND = const(2)
STOP = const(3)
DROP = const(4)
LAPSE = const(5)  # the lease of a leased load ran out
REST = const(6)  # a held load was not moved for too long
RAMPED = const(7)  # the ramp down has ended
RAMP_FAULT = const(8)
DROP_FAULT = const(9)
CLEAR = const(10)

_IDLE = layout.MODE_IDLE
_ARMED = layout.MODE_ARMED
_LOADING = layout.MODE_LOADING
_RAMPING_DOWN = layout.MODE_RAMPING_DOWN
_FAULT = layout.MODE_FAULT

TABLE = (
    # mode, trigger, next mode
    (_IDLE, ARM, _ARMED),
    (_IDLE, RAMP_FAULT, _FAULT),
    (_IDLE, DROP_FAULT, _FAULT),
    (_ARMED, MOVE, _LOADING),
    (_ARMED, STOP, _RAMPING_DOWN),
    (_ARMED, DROP, _IDLE),
    (_ARMED, LAPSE, _RAMPING_DOWN),
    (_ARMED, REST, _RAMPING_DOWN),
    (_ARMED, RAMP_FAULT, _RAMPING_DOWN),
    (_ARMED, DROP_FAULT, _FAULT),
    (_LOADING, STAND, _ARMED),
    (_LOADING, STOP, _RAMPING_DOWN),
    (_LOADING, DROP, _IDLE),
    (_LOADING, LAPSE, _RAMPING_DOWN),
    (_LOADING, RAMP_FAULT, _RAMPING_DOWN),
    (_LOADING, DROP_FAULT, _FAULT),
    (_RAMPING_DOWN, RAMPED, _IDLE),  # then RAMP_FAULT leads on to FAULT, if one is latched
    (_RAMPING_DOWN, DROP, _IDLE),
    (_RAMPING_DOWN, DROP_FAULT, _FAULT),
    (_FAULT, CLEAR, _IDLE),
)

#: What each mode permits the tick, by mode number.
PERMITS = (
    tick.PERMIT_DROP,
    tick.PERMIT_RAISE,
    tick.PERMIT_RAISE,
    tick.PERMIT_RAMP,
    tick.PERMIT_DROP,
)


def next_mode(mode, trigger):
    """Mode that follows `mode` when `trigger` happens."""
    for row in TABLE:
        if row[0] == mode and row[1] == trigger:
            return row[2]
    return mode


def is_armed(mode):
    """Whether the brake may act in this mode; flash and settings are locked while it may."""
    return PERMITS[mode] != tick.PERMIT_DROP
