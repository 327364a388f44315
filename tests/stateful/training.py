"""Loads, people, presses and faults that the machine of `test_firmware.py` draws from."""

from hypothesis import strategies as st

from protocol.settings import SETTINGS
from sim.world.plant import Plant


def load(force_mN: int) -> dict[str, int]:
    return {
        "force_mN": force_mN,
        "inertia_g": 30_000,
        "viscous_mN_s_per_m": 0,
        "quadratic_mN_s2_per_m2": 0,
        "stiffness_mN_per_m": 0,
        "speed_cap_mm_per_s": 0,
    }


LOADS = st.fixed_dictionaries(
    {
        "force_mN": st.integers(0, 800_000) | st.integers(800_001, 1_000_000),
        "inertia_g": st.sampled_from((0, 15_000, 30_000, 45_000, 500_000)),
        "viscous_mN_s_per_m": st.sampled_from((0, 0, 50_000, 1_000_000)),
        "quadratic_mN_s2_per_m2": st.sampled_from((0, 0, 20_000, 100_000)),
        "stiffness_mN_per_m": st.sampled_from((0, 0, 60_000, 500_000)),
        "speed_cap_mm_per_s": st.sampled_from((0, 0, 400, 1_000)),
    }
)
LEASES_ms = st.sampled_from((0, 0, 200, 1000, 3000))  # 0: held
FORCES_mN = st.integers(30_000, 300_000)  # which the athlete can move
PACES = st.sampled_from((-1.5, -0.6, 0.6, 1.5)) | st.floats(-1.5, 1.5)  # m/s
TRAINING = st.none() | st.tuples(FORCES_mN, LEASES_ms, PACES)
PRESSES = st.lists(
    st.tuples(st.sampled_from(("up", "down")), st.integers(80, 250) | st.integers(80, 700)),
    min_size=1,
    max_size=4,
)

Training = tuple[int, int, float] | None


#: Broken, then mended, where the driver cannot push whatever it is told.
BROKEN = (
    *("encoder_jump", "encoder_stuck", "encoder_noise", "encoder_reversed", "encoder_dropout"),
    *("cell_rail_high", "cell_stuck", "cell_noise", "cell_reversed", "cell_jump", "cell_dropout"),
    *("battery_sag", "ntc_short", "driver_fault", "driver_dead", "driver_weak", "tick_overrun"),
)
#: Broken with any driver: none of them makes the estimates wrong.
HARMLESS = ("battery_sag", "driver_fault", "estop", "main_stall", "ntc_short")
CHANGEABLE = tuple(
    setting
    for setting in SETTINGS
    if setting.name
    in ("force_max_mN", "raise_mN_per_s", "fall_mN_per_s", "slew_mN_per_s", "hold_s", "button_step_mN")
)


class Hand:
    """Pulls or pushes with `force_N`, or as hard as it takes, up to 500 N, to walk at `pace_m_per_s`."""

    def __init__(self) -> None:
        self.force_N = 0.0
        self.pace_m_per_s: float | None = None

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        plant.touch_N = self.force_N
        if self.pace_m_per_s is not None:
            missing = self.pace_m_per_s - plant.v_m_per_s
            plant.touch_N = min(max(2000.0 * missing, -500.0), 500.0)
