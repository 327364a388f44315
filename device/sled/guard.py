"""Checks that need no tick: slow inputs, and what a load may be. Pure functions; limits come in as numbers.

The tick's own checks (encoder, load cell, speed, impulse budget) are in `tick.py`.
"""

from . import layout


def slow_faults(bus_mV, bus_low_mV, bus_high_mV, temperature_cC, too_hot_cC):
    """Bits of the faults that bus voltage and motor temperature show now."""
    faults = 0
    if bus_mV > bus_high_mV:
        faults |= 1 << layout.FAULT_BUS_HIGH
    if bus_mV < bus_low_mV:
        faults |= 1 << layout.FAULT_BUS_LOW
    if temperature_cC > too_hot_cC:
        faults |= 1 << layout.FAULT_TOO_HOT
    return faults


def clamp_load(s, at, force_max_mN, rolling_mN, bare_mass_g):
    """Bring the load at `s[at:at+6]` to what the sled can render, in place; return the limits' bits.

    A brake can make the sled feel heavier or, by easing off, lighter: feeding back an acceleration
    of its own is stable up to half the bare mass in discrete time. It cannot push, so a load below
    the sled's own friction is felt as that friction, and as that mass: the brake then stays off.
    """
    limits = 0
    half_g = bare_mass_g // 2
    lowest_g = bare_mass_g - half_g
    if s[at] > force_max_mN:
        s[at] = force_max_mN
        limits |= 1 << layout.LIMIT_FORCE_MAX
    if s[at] < rolling_mN:
        limits |= 1 << layout.LIMIT_OWN_FRICTION
        if s[at + 2] == 0 and s[at + 3] == 0 and s[at + 4] == 0:
            s[at] = rolling_mN
            lowest_g = bare_mass_g
    if s[at + 1] > bare_mass_g + half_g:
        s[at + 1] = bare_mass_g + half_g
        limits |= 1 << layout.LIMIT_INERTIA
    if s[at + 1] < lowest_g:
        s[at + 1] = lowest_g
        limits |= 1 << layout.LIMIT_INERTIA
    return limits
