"""Checks that need no tick: slow inputs, and what a load may be. Pure functions; limits come in as numbers.

The tick's own checks (encoder, load cell, driver, speed, impulse budget) are in `tick.py`.
"""

from . import layout

_NTC_OPEN_cC = -3000  # below any weather: nothing is connected

#: Slow faults, and for how many ticks one must show without a break before it counts.
LASTING = (
    (layout.FAULT_BUS_HIGH, 3),
    (layout.FAULT_BUS_LOW, 20),
    (layout.FAULT_TOO_HOT, 100),
    (layout.FAULT_TEMPERATURE_SENSOR, 100),
    (layout.FAULT_BUS_SENSOR, 2000),
)


def slow_faults(bus_mV, bus_low_mV, bus_high_mV, fold_bus_q10, temperature_cC, too_hot_cC):
    """Bits of the faults that bus voltage and motor temperature show now.

    A bus that has taken most of the brake away already is too high, though it is held below its limit.
    """
    faults = 0
    if bus_mV > bus_high_mV or fold_bus_q10 < 512:
        faults |= 1 << layout.FAULT_BUS_HIGH
    if bus_mV < bus_low_mV:
        faults |= 1 << layout.FAULT_BUS_LOW
    if temperature_cC > too_hot_cC:
        faults |= 1 << layout.FAULT_TOO_HOT
    if temperature_cC < _NTC_OPEN_cC:
        faults |= 1 << layout.FAULT_TEMPERATURE_SENSOR
    return faults


def lasting(faults, now_ticks, since_ticks):
    """The bits of `faults` that have lasted. `since_ticks` is the memory: a word for each row of LASTING,
    -1 while it does not show."""
    found = 0
    for row in range(len(LASTING)):
        number, ticks = LASTING[row]
        if not faults >> number & 1:
            since_ticks[row] = -1
        elif since_ticks[row] < 0:
            since_ticks[row] = now_ticks
        elif now_ticks - since_ticks[row] >= ticks:
            found |= 1 << number
    return found


def hot_fold_q10(temperature_cC, fold_cC, too_hot_cC, before_q10):
    """Part of the brake that the motor's temperature allows: 1024 up to `fold_cC`, 0 from `too_hot_cC` on.

    Noise of the reading does not raise it.
    """
    if temperature_cC >= too_hot_cC:
        return 0
    part = 1024
    if temperature_cC > fold_cC:
        part = 1024 * (too_hot_cC - temperature_cC) // (too_hot_cC - fold_cC)
    if before_q10 < part < before_q10 + 16 and part < 1024:
        return before_q10
    return part


#: Steepest law, force per speed for each mass of the bare sled, 1/s: half of what makes a sled swing whose
#: mass is 20 % less than its settings say, with a brake 20 % stronger and a driver of 6 ms.
STEEPEST_per_s = 50


def clamp_load(s, at, force_max_mN, rolling_mN, bare_mass_g):
    """Bring the load at `s[at:at+6]` to what the sled can render, in place; return the limits' bits.

    A brake can make the sled feel heavier or, by easing off, lighter: that feeds back an acceleration of
    its own, and lighter than two thirds of the bare mass a stiff strap may begin to sing. It cannot push,
    so a load below the sled's own friction is felt as that friction, and as that mass: the brake then
    stays off.
    """
    limits = 0
    lowest_g = bare_mass_g - bare_mass_g // 3
    highest_g = bare_mass_g + bare_mass_g // 2
    if s[at] > force_max_mN:
        s[at] = force_max_mN
        limits |= 1 << layout.LIMIT_FORCE_MAX
    if s[at] < rolling_mN:
        limits |= 1 << layout.LIMIT_OWN_FRICTION
        if s[at + 2] == 0 and s[at + 3] == 0 and s[at + 4] == 0:
            s[at] = rolling_mN
            lowest_g = bare_mass_g
    if s[at + 1] > highest_g:
        s[at + 1] = highest_g
        limits |= 1 << layout.LIMIT_INERTIA
    if s[at + 1] < lowest_g:
        s[at + 1] = lowest_g
        limits |= 1 << layout.LIMIT_INERTIA
    steepest = bare_mass_g * STEEPEST_per_s  # mN s/m
    if s[at + 2] > steepest:
        s[at + 2] = steepest
        limits |= 1 << layout.LIMIT_RANGE
    # c*v^2 is steepest where it reaches the greatest force: 2*sqrt(c*F_max).
    half_left = (steepest - s[at + 2]) // 2000  # N s/m
    most = half_left * half_left * 10 // (force_max_mN // 1000 + 1) * 100
    if s[at + 3] > most:
        s[at + 3] = most
        limits |= 1 << layout.LIMIT_RANGE
    return limits
