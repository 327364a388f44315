"""What the tick needs of the settings, worked out once so that it need not divide.

`derive` is called at boot and after every change of a setting, never while armed. Settings within
the ranges of layout.SETTINGS give words that keep the tick within 31 bits.
"""

from . import layout, tick

_ONE_q26 = 1 << 26


def take_defaults(s):
    """Put every setting of the state block at its default."""
    for number in range(len(layout.SETTINGS)):
        s[tick.SETTINGS_AT + number] = layout.SETTINGS[number][0]
    derive(s)


def derive(s):
    """Work out the words of the state block that depend on settings alone."""
    mass_g = s[tick.BARE_MASS_g]
    in_flight_ticks = s[tick.IN_FLIGHT_ticks]
    s[tick.INVERSE_MASS_q26] = _ONE_q26 // mass_g
    # At the lowest setting one step less, or the tick's product would leave 31 bits.
    s[tick.CELL_mN_q10_PER_RAW] = max((s[tick.CELL_uN_PER_RAW] * 1024 + 500) // 1000, -32_767)
    s[tick.RAISE_STEP_mN] = s[tick.RAISE_mN_per_s] // tick.TICKS_PER_s
    s[tick.FALL_STEP_mN] = s[tick.FALL_mN_per_s] // tick.TICKS_PER_s
    s[tick.SLEW_STEP_mN] = s[tick.SLEW_mN_per_s] // tick.TICKS_PER_s
    s[tick.FADE_GAIN] = mass_g // s[tick.FADE_ticks]
    # Rounded up: the certain speed must be the lower one.
    s[tick.DRAG_WINDOW_q26] = _ONE_q26 * (2 * in_flight_ticks + tick.WINDOW_TICKS) // (2 * mass_g) + 1
    s[tick.DRAG_AT_ONCE_q26] = _ONE_q26 * (2 * in_flight_ticks + 1) // (2 * mass_g) + 1
    s[tick.BRAKE_MOST_mN] = min(s[tick.FORCE_MAX_mN], s[tick.BRAKE_FULL_SCALE_mN])
    s[tick.DUTY_q21_PER_mN] = (tick.DUTY_MAX << 17) // (s[tick.BRAKE_FULL_SCALE_mN] >> 4)
    fold_mV = s[tick.BUS_HIGH_mV] - s[tick.BUS_FOLD_mV]
    s[tick.BUS_FOLD_q20_PER_mV] = (1 << 20) // (fold_mV if fold_mV > 10 else 10)
    s[tick.CAP_mN_PER_mm_per_s] = s[tick.CAP_GAIN_mN_s_per_m] // 1000
