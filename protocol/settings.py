"""Settings of the device: number, name with unit, default, range and meaning. No Construct here.

The generator copies this table into the firmware, where each setting is a word of the tick's
state block; GET_SETTING and SET_SETTING carry the row's number.
"""

from typing import NamedTuple


class Setting(NamedTuple):
    number: int
    name: str
    default: int
    minimum: int
    maximum: int
    doc: str


_ROWS = (
    # name, default, minimum, maximum, doc
    ("bare_mass_g", 30_000, 15_000, 60_000, "mass of the sled with battery and turning parts"),
    ("rolling_mN", 10_000, 0, 100_000, "rolling friction of the bare sled at low speed"),
    ("rolling_mN_s_per_m", 1_000, 0, 50_000, "growth of rolling friction with speed"),
    ("um_per_1024_counts", 129_589, 100_000, 160_000, "wheel travel of 1024 encoder counts"),
    ("cell_zero_raw", 32_768, 0, 65_535, "load-cell reading with no tow force"),
    ("cell_uN_per_raw", 30_518, -32_000, 32_000, "tow force per step of the load-cell reading"),
    ("brake_full_scale_mN", 800_000, 400_000, 1_000_000, "brake force at full driver command"),
    ("force_max_mN", 800_000, 0, 1_000_000, "greatest tow force any load may ask for"),
    ("raise_mN_per_s", 180_000, 1_000, 400_000, "how fast a new load may rise"),
    ("fall_mN_per_s", 400_000, 100_000, 2_000_000, "how fast a load falls to a lower one or to nothing"),
    ("slew_mN_per_s", 5_000_000, 100_000, 10_000_000, "how fast the brake may follow the athlete's motion"),
    ("trim_max_mN", 30_000, 0, 100_000, "greatest correction taken from the load cell"),
    ("cap_gain_mN_s_per_m", 1_200_000, 0, 2_000_000, "force per speed above a speed cap"),
    ("fade_ticks", 12, 12, 100, "ticks in which the brake alone would stop the sled; near that it fades"),
    ("reversal_um", 15_000, 2_000, 200_000, "way back after which the direction counts as changed"),
    ("overspeed_mm_per_s", 9_000, 500, 15_000, "speed that counts as a fault"),
    ("encoder_jump_counts", 150, 10, 500, "more counts than this in one tick are a fault"),
    ("encoder_silent_mN", 200_000, 20_000, 1_000_000, "tow force at which a silent encoder is a fault"),
    ("bus_high_mV", 56_500, 20_000, 100_000, "bus voltage that counts as a fault"),
    ("bus_low_mV", 40_000, 0, 60_000, "bus voltage that counts as an empty battery"),
    ("too_hot_cC", 10_000, 3_000, 15_000, "motor temperature that counts as a fault"),
    ("hold_s", 600, 10, 3_600, "time without motion after which a held load is released"),
    ("in_flight_ticks", 4, 1, 20, "ticks a command may take to act, for the passivity limit"),
    (
        "bus_fold_mV",
        55_600,
        20_000,
        100_000,
        "bus voltage from which the brake fades, to nothing at bus_high_mV",
    ),
    ("hot_fold_cC", 8_500, 3_000, 15_000, "motor temperature from which it fades, to nothing at too_hot_cC"),
    (
        "disagree_mN",
        60_000,
        20_000,
        500_000,
        "force that neither cell nor brake explain, and that is a fault",
    ),
    ("button_step_mN", 10_000, 1_000, 100_000, "by how much a button of the sled changes the load"),
)

SETTINGS: tuple[Setting, ...] = tuple(Setting(n, *row) for n, row in enumerate(_ROWS))
