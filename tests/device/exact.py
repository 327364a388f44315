"""One tick at a time, with estimates that are exactly what a test says: what follows, in plain numbers."""

from array import array

from device.sled import settings as firmware_settings
from device.sled import tick
from protocol.codes import LIMITS, fault_mask, fault_names
from protocol.settings import SETTINGS

COUNT_um = 125
WINDOW_STEP_mm_per_s = COUNT_um / tick.WINDOW_TICKS
CELL_mN_PER_RAW = 31.25
NO_LIMIT: set[str] = set()
#: Behind the state block: nothing that the tick may read or write.
BESIDE = array("i", [-77]) * 300

#: Wheel and cell whose steps are whole in the tick's own units, and a sled without friction.
ROUND_NUMBERS = {
    "um_per_1024_counts": COUNT_um * 1024,
    "cell_uN_per_raw": 31_250,
    "rolling_mN": 0,
    "rolling_mN_s_per_m": 0,
    "raise_mN_per_s": 180_000,
    "fall_mN_per_s": 400_000,
    "slew_mN_per_s": 5_000_000,
    "trim_max_mN": 30_000,
    "fade_ticks": 8,
}


class ExactTick:
    """Armed, with its envelope open, and rolling. `sign` 1 is pull, -1 push; `s` is the state block."""

    def __init__(self, sign: int = 1, speed_mm_per_s: int = 2000, **settings: int) -> None:
        self.s = array("i", [0]) * tick.STATE_WORDS + BESIDE
        self.ring = array("H", [0]) * (tick.SAMPLE_WORDS * tick.RING_SAMPLES)
        wanted = ROUND_NUMBERS | settings
        for setting in SETTINGS:
            self.s[tick.SETTINGS_AT + setting.number] = wanted.get(setting.name, setting.default)
        firmware_settings.derive(self.s)
        s = self.s
        s[tick.INVERSE_MASS_q26] = 0  # the forces of one tick shall not change the speed that a test has set
        s[tick.FOLD_BUS_q10] = s[tick.FOLD_HOT_q10] = s[tick.HOT_ALLOWED_q10] = 1024
        s[tick.BUS_mV] = 48_000
        s[tick.DROP_MASK] = fault_mask("drop")
        s[tick.RAMP_MASK] = fault_mask("ramp")
        s[tick.PERMIT] = tick.PERMIT_RAISE
        s[tick.CEILING_mN] = s[tick.FORCE_MAX_mN]
        s[tick.DIRECTION] = s[tick.HEADING] = sign
        s[tick.SAMPLE_INDEX] = 1
        self.sign = sign
        self.side = 0 if sign > 0 else 1
        self.load_at = tick.PULL if sign > 0 else tick.PUSH
        self.other_at = tick.PUSH if sign > 0 else tick.PULL
        self.speed_mm_per_s = speed_mm_per_s
        self.speed_before_mm_per_s: int | None = None  #: that friction goes by; None: the same
        self.acceleration_q14 = 0  #: along the motion, mm/s in a tick; a multiple of 3
        self.tow_mN = 0  #: along the motion
        self.moved_counts: int | None = None  #: along the motion; None: what the speed makes in a tick
        self.window_counts: int | None = None  #: in the last 8 ticks; None: what the speed makes

    def load(self, *words: int, at: int | None = None) -> None:
        """The load of the present direction, or of the one at `at`; words left out are 0."""
        at = self.load_at if at is None else at
        self.s[at : at + tick.LOAD_WORDS] = array("i", [*words, *[0] * (tick.LOAD_WORDS - len(words))])

    def send(self, pull: tuple[int, ...], push: tuple[int, ...]) -> None:
        """A SET_LOAD that has been checked: the tick takes it over next time."""
        for at, words in ((tick.NEXT_PULL, pull), (tick.NEXT_PUSH, push)):
            self.load(*words, at=at)
        self.s[tick.LOAD_PENDING] = 1

    def one(self, late_us: int = 0) -> set[str]:
        """One tick; the names of its limits."""
        s = self.s
        moved = self.moved_counts
        if moved is None:
            moved = round(self.speed_mm_per_s / COUNT_um)
        window = self.window_counts
        if window is None:
            window = round(self.speed_mm_per_s / WINDOW_STEP_mm_per_s)
        velocity_q10 = self.sign * self.speed_mm_per_s * 1024
        s[tick.VELOCITY_mm_per_s_q10] = velocity_q10
        before = self.speed_before_mm_per_s
        s[tick.SPEED_m_per_s_q10] = (self.speed_mm_per_s if before is None else before) * 1024 // 1000
        s[tick.TRACK_ERROR_um_q10] = velocity_q10 - self.sign * moved * COUNT_um * 1024
        s[tick.UNEXPLAINED_q17] = s[tick.RESIDUAL_q14] = 0
        # A quarter of it goes in the tick itself.
        s[tick.ACCELERATION_q14] = self.sign * self.acceleration_q14 // 3 * 4
        s[tick.COUNTS] = s[tick.LAST_COUNTS] + self.sign * moved
        s[tick.WINDOW + s[tick.WINDOW_AT]] = 0
        s[tick.WINDOW_COUNTS] = self.sign * (window - moved)
        s[tick.CELL_RAW] = 32_768 + round(self.sign * self.tow_mN / CELL_mN_PER_RAW)
        s[tick.LAST_RAW] = -1
        s[tick.MAIN_LEFT_ticks] = 100
        s[tick.LATE_us] = late_us
        bits = tick.tick(s, self.ring)
        assert bits == s[tick.LIMITS]
        assert s[tick.STATE_WORDS :] == BESIDE, "a word beside the state was written"
        return {limit.name for limit in LIMITS if bits >> limit.number & 1}

    def braking(self, force_mN: int) -> None:
        """The brake has been at that force long enough for nothing to be left of before."""
        for word in (tick.BRAKE_mN, tick.BRAKE_FELT_mN, tick.BRAKE_PEAK_mN):
            self.s[word] = force_mN

    @property
    def faults(self) -> list[str]:
        return fault_names(self.s[tick.FAULTS])

    def __getitem__(self, word: int) -> int:
        return self.s[word]

    def __setitem__(self, word: int, value: int) -> None:
        self.s[word] = value
