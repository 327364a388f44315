"""One tick of a sled whose settings are powers of two, so that each rule of the tick has whole numbers.

A count is 128 um, a step of the cell 16 mN, and with 16.384 kg a force in mN is the same number as the
acceleration it makes, in the tick's own unit. The test writes the state down and runs one tick.
"""

from device.sled import tick
from protocol.codes import fault_names
from tests.device.motion import DrivenTick

COUNT_um = 128
RAW_mN = 16
MASS_g = 16_384
ZERO_RAW = 32_768


class WholeTick(DrivenTick):
    """Armed, at rest, without rolling friction; words are named as in tick.py."""

    def __init__(self, **settings: int) -> None:
        exact = {
            "bare_mass_g": MASS_g,
            "um_per_1024_counts": 1024 * COUNT_um,
            "cell_uN_per_raw": 1000 * RAW_mN,
            "rolling_mN": 0,
            "rolling_mN_s_per_m": 0,
            "trim_max_mN": 0,
        }
        super().__init__(**(exact | settings))

    def put(self, **words: int) -> None:
        """Write these words of the state block."""
        for name, value in words.items():
            self.s[getattr(tick, name)] = value

    def get(self, name: str) -> int:
        """One word of the state block."""
        at: int = getattr(tick, name)
        return self.s[at]

    def after(self, **words: int) -> list[str]:
        """Write these words, run one tick; returns the faults latched.

        Unless the test says otherwise the wheel stands, the cell flutters and the main loop runs."""
        self.put(MAIN_LEFT_ticks=100, CELL_RAW=2 * ZERO_RAW + 1 - self.s[tick.LAST_RAW])
        self.put(**words)
        tick.tick(self.s, self.ring)
        return fault_names(self.s[tick.FAULTS])

    def move(self, counts: int, **words: int) -> list[str]:
        """One tick in which the wheel turns by so many counts."""
        return self.after(COUNTS=self.s[tick.LAST_COUNTS] + counts, **words)

    def in_motion(self, force_mN: int = 0, residual_mN: int = 0, sign: int = 1, **words: int) -> list[str]:
        """One tick at 2 m/s whose counts are as expected.

        The cell shows `force_mN` along the motion; nothing explains `residual_mN`, since long."""
        velocity_q10 = sign * 2000 << 10
        return self.after(
            **{
                "VELOCITY_mm_per_s_q10": velocity_q10,
                "TRACK_ERROR_um_q10": velocity_q10,  # a tick without a count is what was expected
                "WINDOW_COUNTS": sign * 125,
                "ZERO_TICKS": 0,
                "MOVING_TICKS": 40,
                "UNEXPLAINED_q17": sign * residual_mN << 3,
                "RESIDUAL_q14": sign * residual_mN,
                "CELL_RAW": ZERO_RAW + sign * force_mN // RAW_mN,
                "LAST_RAW": 0,
                "HEADING": sign,
            }
            | words
        )
