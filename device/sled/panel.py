"""The sled without a laptop: two buttons and eight LEDs. What they do is told in device/README.md.

A button acts when it is let go, so that one that sticks can end in STOP and in nothing else. Passes of
the main loop come irregularly: all times are counted in ticks. No allocation but by a press that acts.
"""

from array import array

try:
    from micropython import const
except ImportError:  # CPython
    from .cpython import const

from . import layout, modes, tick

UP = const(1)
DOWN = const(2)
_BOTH = const(3)
_UP_BIT = const(4)  # of the tick's SWITCHES
_DOWN_BIT = const(8)

_SETTLED_ticks = const(30)  # contacts bounce for 5 ms, worn ones for longer
_HELD_ticks = const(770)  # with the time to settle 0.8 s
_CLEARS_ticks = const(1970)
_INDEX_MASK = const(0x3FFF_FFFF)  # SAMPLE_INDEX wraps there

# A plain sled of 15 kg on turf: a fifth of the body weight of somebody of 75 kg, light for nearly all.
_FIRST_FORCE_mN = const(50_000)

_SLICE_TICKS = const(5)  # the LEDs are looked at every 2**5 ticks
# Newtons from which 2, 3 ... 8 LEDs are lit: fine at low loads, where little is already hard work (S10 of
# seeds/facts.toml), and each limit lies between loads that one would choose.
_SCALE_N = (15, 25, 45, 75, 125, 225, 425)
_SPENT = const(-1)


class _Contact:
    """One button without its bouncing: a change counts once it has been seen for 30 ms."""

    def __init__(self, bit):
        self._bit = bit
        self._is_closed = self._seen = True  # until it has been seen open: it may be stuck
        self._since = 0

    def follow(self, switches, now):
        is_closed = switches & self._bit != 0
        if is_closed != self._seen:
            self._seen = is_closed
            self._since = now
        elif is_closed != self._is_closed and now - self._since & _INDEX_MASK >= _SETTLED_ticks:
            self._is_closed = is_closed
        return self._is_closed


class Panel:
    """Buttons and LEDs of one App; `poll()` belongs into every pass of the main loop."""

    def __init__(self, app):
        self._app = app
        self._up = _Contact(_UP_BIT)
        self._down = _Contact(_DOWN_BIT)
        self._held = _BOTH  # buttons that are down
        self._never_open = _BOTH  # of these: down since the start
        self._since = 0  # when _held last changed
        self._mode = _SPENT  # of which the press is meant; _SPENT: it may do nothing more
        self._level_mN = 0
        self._slice = -1
        self._shown = 0
        self._load = array("i", bytearray(8 * tick.LOAD_WORDS))  # a load while it is made

    def poll(self):
        """Follow the buttons and do what a press asks for; show what has changed."""
        app = self._app
        s = app.s
        now = s[tick.SAMPLE_INDEX]
        switches = s[tick.SWITCHES]
        held = 0
        if self._up.follow(switches, now):
            held = UP
        if self._down.follow(switches, now):
            held |= DOWN
        if held or self._held:
            self._press(held, now)
        if now >> _SLICE_TICKS != self._slice:
            self._slice = now >> _SLICE_TICKS
            self._show(now)

    def is_stop(self):
        """Whether what is pressed now is STOP: a button for 0.8 s, or both. One never let go since the start
        is none."""
        if not self._held & ~self._never_open:
            return False
        held_ticks = self._app.s[tick.SAMPLE_INDEX] - self._since & _INDEX_MASK
        return self._held == _BOTH or held_ticks >= _HELD_ticks

    def _press(self, held, now):
        """A press from its first contact to the last: at the end its deed, or STOP on the way."""
        app = self._app
        # Standing or moving is the same to a button. A mode that changes on the way spends the press: it
        # was not meant for the new one.
        mode = layout.MODE_ARMED if app.mode == layout.MODE_LOADING else app.mode
        was = self._held
        held_ticks = now - self._since & _INDEX_MASK
        if held != was:
            if not was:
                self._mode = mode
            elif held:
                self._mode = _SPENT  # more than one button
            elif self._mode == mode and held_ticks < _HELD_ticks:
                for row in PRESSES:
                    if row[0] == mode and row[1] == was:
                        row[2](app, self._load)
            self._held = held
            self._never_open &= held
            self._since = now
            held_ticks = 0
        if mode != self._mode:
            self._mode = _SPENT
        if self.is_stop():
            if modes.PERMITS[app.mode] == tick.PERMIT_RAISE:
                app.trigger(modes.STOP)
            elif self._mode == layout.MODE_FAULT and held == DOWN and held_ticks >= _CLEARS_ticks:
                self._mode = _SPENT  # once for each press
                app.clear_faults()

    def _show(self, now):
        app = self._app
        # Over half a second, or the bar would flicker with every step of the athlete.
        self._level_mN += (app.s[tick.LEVEL_mN] - self._level_mN) >> 4
        bits = leds(app.mode, self._level_mN, app.faults(), now)
        if bits != self._shown:
            self._shown = bits
            app.board.show(bits)


def leds(mode, level_mN, faults, now):
    """Bits of the LEDs that are lit, the lowest first, at tick `now`; `level_mN` is the load in force."""
    if mode == layout.MODE_IDLE:
        return 0x08 if now & 1023 < 128 else 0  # not the first: that would be a bar
    if mode == layout.MODE_FAULT:
        faults &= layout.FAULT_DROP_MASK | layout.FAULT_RAMP_MASK
        number = 0
        while faults > 1 and not faults & 1:
            faults >>= 1
            number += 1
        return number << 1 | (0x01 if now & 512 else 0x80)
    lit = 1
    for step_N in _SCALE_N:
        if level_mN > step_N * 1000:
            lit += 1
    bar = (1 << lit) - 1
    if mode == layout.MODE_RAMPING_DOWN:
        return bar if now & 128 else 0
    if mode == layout.MODE_ARMED and now & 1023 < 128:
        return bar >> 1
    return bar


def _start(app, load):
    """Arm with the last load that was held, or with a gentle one."""
    if app.arm() != layout.RESULT_OK:
        return
    for at in range(2 * tick.LOAD_WORDS):
        load[at] = app.last_load[at]
    if not any(load):
        load[0] = load[tick.LOAD_WORDS] = _FIRST_FORCE_mN
        load[1] = load[tick.LOAD_WORDS + 1] = app.s[tick.BARE_MASS_g]
    if app.load_refusal() == layout.RESULT_OK:
        app.take_load(load, layout.HOLD_HELD, 0, app.clamp_load(load))


def _raise(app, load):
    """A step more, unless a program leases the load: what it has is for it alone to raise."""
    if not app.s[tick.LEASED]:
        _step(app, load, app.s[tick.BUTTON_STEP_mN])


def _lower(app, load):
    _step(app, load, -app.s[tick.BUTTON_STEP_mN])


def _step(app, load, step_mN):
    """Change the force of both directions; held stays held, and a lease runs on, not renewed by this."""
    s = app.s
    if app.load_refusal() != layout.RESULT_OK:
        return
    for at in range(2 * tick.LOAD_WORDS):
        load[at] = s[tick.NEXT_PULL + at]
    for at in (0, tick.LOAD_WORDS):
        load[at] = max(0, load[at] + step_mN)
    limits = app.clamp_load(load)
    if step_mN < 0:  # a load below the sled's own friction is clamped to that
        for at in (0, tick.LOAD_WORDS):
            load[at] = min(load[at], s[tick.NEXT_PULL + at])
    if s[tick.LEASED]:
        app.change_leased_load(load, limits)
    else:
        app.take_load(load, layout.HOLD_HELD, 0, limits)


# What a short press does: mode in which it began and ended (ARMED stands for LOADING as well), button, deed.
# Any other does nothing.
PRESSES = (
    (layout.MODE_IDLE, UP, _start),
    (layout.MODE_ARMED, UP, _raise),
    (layout.MODE_ARMED, DOWN, _lower),
)
