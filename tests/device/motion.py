"""A tick driven by a given motion: the wheel is where the test says, as the encoder would show it."""

import math
from array import array
from collections.abc import Callable

from device.sled import settings as firmware_settings
from device.sled import tick
from protocol.codes import fault_mask
from protocol.settings import SETTINGS

COUNTS_PER_m = 1024e6 / SETTINGS[3].default
FORCE_PER_RAW_N = 30.518e-3


class DrivenTick:
    """State block with default settings, armed, its envelope open; time in ticks, motion in metres."""

    def __init__(self, **settings: int) -> None:
        self.s = array("i", [0]) * tick.STATE_WORDS
        self.ring = array("H", [0]) * (tick.SAMPLE_WORDS * tick.RING_SAMPLES)
        for setting in SETTINGS:
            self.s[tick.SETTINGS_AT + setting.number] = settings.get(setting.name, setting.default)
        firmware_settings.derive(self.s)
        self.s[tick.FOLD_BUS_q10] = self.s[tick.FOLD_HOT_q10] = self.s[tick.HOT_ALLOWED_q10] = 1024
        self.s[tick.DROP_MASK] = fault_mask("drop")
        self.s[tick.RAMP_MASK] = fault_mask("ramp")
        self.s[tick.DIRECTION] = self.s[tick.HEADING] = 1
        self.s[tick.PERMIT] = tick.PERMIT_RAISE
        self.s[tick.CEILING_mN] = self.s[tick.FORCE_MAX_mN]
        self.position_m = 0.0
        self.tow_force_N: float | None = None  #: None: what `roll` and `mean` take to move this sled so
        self._takes_N = 0.0
        self._flutter = 0
        self.step(0.0)

    def already_rolling(self, velocity_m_per_s: float) -> None:
        """Let the estimate be settled at that speed: a wheel that starts in one tick is no motion."""
        self.s[tick.VELOCITY_mm_per_s_q10] = round(velocity_m_per_s * 1000 * 1024)

    def set_load(self, *words: int) -> None:
        """The same load (F0, m, b, c, k, v_cap in wire units, the rest 0) for both directions, at once."""
        load = [*words, *[0] * (tick.LOAD_WORDS - len(words))]
        for at in range(tick.LOAD_WORDS):
            self.s[tick.PULL + at] = self.s[tick.PUSH + at] = load[at]

    def step(self, position_m: float) -> None:
        """One tick with the wheel at `position_m` and the present tow force."""
        self.position_m = position_m
        self.s[tick.COUNTS] = math.floor(position_m * COUNTS_PER_m)
        tow_N = self._takes_N if self.tow_force_N is None else self.tow_force_N
        self._flutter = 1 - self._flutter  # a cell never reads the same for long
        raw = 32_768 + round(tow_N / FORCE_PER_RAW_N) + self._flutter
        self.s[tick.CELL_RAW] = min(65_535, max(0, raw))
        self.s[tick.MAIN_LEFT_ticks] = 100
        tick.tick(self.s, self.ring)

    def roll(self, ticks: int, velocity_m_per_s: float, acceleration_m_per_s2: float = 0.0) -> None:
        """Go on from the present position at that speed and acceleration."""
        start = self.position_m
        for n in range(1, ticks + 1):
            t = n / tick.TICKS_PER_s
            self.take(velocity_m_per_s + acceleration_m_per_s2 * t, acceleration_m_per_s2)
            self.step(start + velocity_m_per_s * t + acceleration_m_per_s2 * t * t / 2)

    def take(self, velocity_m_per_s: float, acceleration_m_per_s2: float = 0.0) -> None:
        """The tow force of a sled as its settings describe it, which moves like this under its brake."""
        s = self.s
        drag_mN = s[tick.BRAKE_FELT_mN] + s[tick.ROLLING_mN]
        drag_mN += s[tick.ROLLING_mN_s_per_m] * abs(velocity_m_per_s)
        inertia_N = s[tick.BARE_MASS_g] / 1000 * acceleration_m_per_s2
        self._takes_N = math.copysign(drag_mN / 1000, velocity_m_per_s) + inertia_N

    def mean(self, word: int, ticks: int, velocity_m_per_s: float) -> float:
        """Mean of a word over `ticks` at constant speed: single ticks carry the encoder's quantisation."""
        start = self.position_m
        total = 0
        for n in range(1, ticks + 1):
            self.take(velocity_m_per_s)
            self.step(start + velocity_m_per_s * n / tick.TICKS_PER_s)
            total += self.s[word]
        return total / ticks


def each_tick(driven: DrivenTick, ticks: int, position_m: Callable[[float], float]) -> list[tuple[int, ...]]:
    """Run along `position_m(t)`; returns (BRAKE_mN, POSITION_um, LIMITS, ENABLE) of every tick."""
    rows = []
    h = 1 / tick.TICKS_PER_s
    for n in range(ticks):
        before_m, at_m, after_m = (position_m((n + k) * h) for k in (-1, 0, 1))
        driven.take((after_m - before_m) / (2 * h), (after_m - 2 * at_m + before_m) / (h * h))
        driven.step(at_m)
        s = driven.s
        rows.append((s[tick.BRAKE_mN], s[tick.POSITION_um], s[tick.LIMITS], s[tick.ENABLE]))
    return rows
