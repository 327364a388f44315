"""The control tick: from encoder and load cell to one brake command, 1000 times a second.

Runs in a hard interrupt: integers below 2**30 only, no allocation, no call, no global lookup, so
one function and one state block `s` (array('i')) that holds every input, result and memory of it.
The law and the limits are those of README.md beside this file; force in mN, speed in mm/s.
"""

try:
    import micropython
    from micropython import const
except ImportError:  # CPython: the simulator runs these files as they are
    from .cpython import const, micropython, ptr16, ptr32

TICKS_PER_s = const(1000)
RING_SAMPLES = const(3072)
SAMPLE_WORDS = const(7)
DUTY_MAX = const(4095)
WINDOW_TICKS = const(8)

# What the main loop permits. Faults can only lower it.
PERMIT_DROP = const(0)
PERMIT_RAMP = const(1)
PERMIT_RAISE = const(2)

# Words of the state block. Those read or written every tick come first: the chip reaches the first
# 32 words with one instruction.
COUNTS = const(0)  # input: encoder, wraps at +-2**29
CELL_RAW = const(1)  # input: load cell, 0 to 65535
SWITCHES = const(2)  # input: bit 0 e-stop pressed, bit 1 driver fault, bits 2 and 3 buttons
LATE_us = const(3)  # input: how late this tick came
DUTY = const(4)  # output: brake driver, 0 to DUTY_MAX
ENABLE = const(5)  # output: driver enabled
SAMPLE_INDEX = const(6)  # ticks done, and number of the next sample
RING_AT = const(7)  # where the next sample goes in the ring
LAST_COUNTS = const(8)
TRACK_ERROR_um_q10 = const(9)  # measured minus tracked position
VELOCITY_mm_per_s_q10 = const(10)
ACCELERATION_q14 = const(11)  # change of speed per tick, mm/s
POSITION_um = const(12)
POSITION_um_q10 = const(13)  # fraction of POSITION_um
DIRECTION = const(14)  # 1 pull, -1 push
TRAVEL_um = const(15)  # way since the last reversal, in DIRECTION
TRAVEL_PEAK_um = const(16)
HEADING = const(17)  # sign of the velocity at the last command
BRAKE_mN = const(18)  # last command
BRAKE_PEAK_mN = const(19)  # the greatest command of the last ticks, slowly forgotten
LEVEL_mN = const(20)  # tow force asked for, after the envelope
CEILING_mN = const(21)  # envelope around the law while a load changes
FLOOR_mN = const(22)
TRIM_mN_q10 = const(23)
WINDOW_COUNTS = const(24)  # counts moved in the last WINDOW_TICKS
WINDOW_AT = const(25)
STILL_TICKS = const(26)  # ticks without motion
ODOMETER_mm = const(27)
ODOMETER_um = const(28)
FAULTS = const(29)  # latched by the tick, one bit for each fault
LIMITS = const(30)  # what shaped this tick's force
PERMIT = const(31)  # set by the main loop
FAULTS_MAIN = const(32)  # latched by the main loop, which alone writes this word
FAULTS_CLEAR = const(33)  # 1: forget FAULTS, then look again
DROP_MASK = const(34)  # faults that drop the brake
RAMP_MASK = const(35)  # faults that ramp it down
MODE = const(36)  # for the sample's flags
MAIN_LEFT_ticks = const(37)  # the main loop sets it on every pass
LEASED = const(38)
LEASE_LEFT_ticks = const(39)
RAMP_TICKS = const(40)  # ticks since the ramp began, 0 when none
RAMP_STEP_mN = const(41)
RAMP_DONE = const(42)
LOAD_PENDING = const(43)  # 1: take over NEXT_PULL and NEXT_PUSH
INJECTED_64nJ = const(44)  # energy put into the sled since the last reversal
RAILED_TICKS = const(45)
SILENT_TICKS = const(46)
LATE_TICKS = const(47)
TOW_mN = const(48)  # measured tow force, tension positive
LAW_mN = const(49)
BUS_mV = const(50)  # input
TEMPERATURE_cC = const(51)  # input
WINDOW = const(52)  # counts moved in each of the last WINDOW_TICKS
# One load for each direction: F0, m, b, c, k, v_cap in the units of the wire.
PULL = const(60)
PUSH = const(66)
NEXT_PULL = const(72)
NEXT_PUSH = const(78)
LOAD_WORDS = const(6)
# Settings, in the order of protocol/settings.py.
SETTINGS_AT = const(84)
BARE_MASS_g = const(84)
ROLLING_mN = const(85)
ROLLING_mN_s_per_m = const(86)
um_PER_1024_COUNTS = const(87)
CELL_ZERO_RAW = const(88)
CELL_uN_PER_RAW = const(89)
BRAKE_FULL_SCALE_mN = const(90)
FORCE_MAX_mN = const(91)
RAISE_mN_per_s = const(92)
FALL_mN_per_s = const(93)
SLEW_mN_per_s = const(94)
TRIM_MAX_mN = const(95)
CAP_GAIN_mN_s_per_m = const(96)
FADE_ticks = const(97)
REVERSAL_um = const(98)
OVERSPEED_mm_per_s = const(99)
ENCODER_JUMP_counts = const(100)
ENCODER_SILENT_mN = const(101)
BUS_HIGH_mV = const(102)
BUS_LOW_mV = const(103)
TOO_HOT_cC = const(104)
HOLD_s = const(105)
IN_FLIGHT_ticks = const(106)
BUS_FOLD_mV = const(107)
HOT_FOLD_cC = const(108)
DISAGREE_mN = const(109)
BUTTON_STEP_mN = const(110)
STATE_WORDS = const(111)

# Bits of LIMITS and FAULTS: the numbers of protocol/codes.py, as masks.
_LIMIT_FORCE_MAX = const(1)
_LIMIT_OWN_FRICTION = const(2)
_LIMIT_CRAWL = const(4)
_LIMIT_PASSIVITY = const(8)
_LIMIT_SLEW = const(16)
_LIMIT_RAMP = const(32)
_ALL_BUT_SLEW = const(0xFFEF)
_LIMIT_SPEED_CAP = const(128)
_FAULT_ESTOP = const(1)
_FAULT_DRIVER = const(2)
_FAULT_PASSIVITY = const(4)
_FAULT_ENCODER_SILENT = const(0x10)
_FAULT_ENCODER_JUMP = const(0x20)
_FAULT_CELL_RAILED = const(0x40)
_FAULT_OVERSPEED = const(0x200)
_FAULT_TICK_OVERRUN = const(0x2000)
_FAULT_MAIN_STALLED = const(0x4000)
_FAULT_LEASE_LAPSED = const(0x8000)

_SPEED_MAX_mm_per_s = const(10_000)  # the law is evaluated up to here
_ACCELERATION_MAX_q14 = const(327_680)  # 20 m/s^2
_TRAVEL_MAX_um = const(200_000_000)
_INJECTED_MAX_64nJ = const(15_625_000)  # 1 J
_MISSING_MAX_mN = const(20_000)  # a stumble may not teach the trim much
_COUNTER_MASK = const(0x3FFF_FFFF)  # 1074 km, and 12 days of samples: the main loop resets before
_WRAP = const(0x2000_0000)  # 2**29


@micropython.viper
def tick(s: ptr32, ring: ptr16) -> int:
    """One control period. `s` has STATE_WORDS words, `ring` SAMPLE_WORDS * RING_SAMPLES half-words.

    Returns the bits of LIMITS.
    """
    faults = s[FAULTS]
    if s[FAULTS_CLEAR]:
        s[FAULTS_CLEAR] = 0
        faults = 0
    limits = 0

    # 1. How far the wheel turned. An impossible jump is not believed.
    counts = s[COUNTS]
    if s[SAMPLE_INDEX] == 0:
        s[LAST_COUNTS] = counts
    moved = counts - s[LAST_COUNTS]
    s[LAST_COUNTS] = counts
    if moved >= _WRAP:
        moved = moved - _WRAP - _WRAP
    if moved < 0 - _WRAP:
        moved = moved + _WRAP + _WRAP
    jump = s[ENCODER_JUMP_counts]
    if moved > jump:
        faults |= _FAULT_ENCODER_JUMP
        moved = 0
    if moved < 0 - jump:
        faults |= _FAULT_ENCODER_JUMP
        moved = 0
    moved_um_q10 = moved * s[um_PER_1024_COUNTS]

    # 2. Position, odometer, and the counts of the last WINDOW_TICKS ticks.
    step_um = s[POSITION_um_q10] + moved_um_q10
    s[POSITION_um_q10] = step_um & 1023
    step_um = step_um >> 10
    position_um = s[POSITION_um] + step_um
    if position_um >= _WRAP:
        position_um = position_um - _WRAP - _WRAP
    if position_um < 0 - _WRAP:
        position_um = position_um + _WRAP + _WRAP
    s[POSITION_um] = position_um
    odometer_um = step_um
    if odometer_um < 0:
        odometer_um = 0 - odometer_um
    odometer_um += s[ODOMETER_um]
    if odometer_um >= 1000:
        s[ODOMETER_mm] = (s[ODOMETER_mm] + odometer_um // 1000) & _COUNTER_MASK
        odometer_um = odometer_um % 1000
    s[ODOMETER_um] = odometer_um
    at = s[WINDOW_AT]
    window = s[WINDOW_COUNTS] + moved - s[WINDOW + at]
    s[WINDOW + at] = moved
    s[WINDOW_COUNTS] = window
    s[WINDOW_AT] = (at + 1) & (WINDOW_TICKS - 1)

    # 3. Velocity by an alpha-beta tracker (alpha 1/4, beta 1/64: about 20 Hz, critically damped),
    #    acceleration as its low-passed change (10 Hz). One um per tick is one mm/s.
    velocity_q10 = s[VELOCITY_mm_per_s_q10]
    error = s[TRACK_ERROR_um_q10] + moved_um_q10 - velocity_q10
    if error > 0x0FFF_FFFF:
        error = 0x0FFF_FFFF
    if error < -0x0FFF_FFFF:
        error = -0x0FFF_FFFF
    change_q10 = error >> 6
    s[TRACK_ERROR_um_q10] = error - (error >> 2)
    velocity_q10 += change_q10
    if velocity_q10 > 30_000 * 1024:
        velocity_q10 = 30_000 * 1024
    if velocity_q10 < -30_000 * 1024:
        velocity_q10 = -30_000 * 1024
    s[VELOCITY_mm_per_s_q10] = velocity_q10
    velocity = (velocity_q10 + 512) >> 10
    acceleration = s[ACCELERATION_q14]
    acceleration += ((change_q10 << 4) - acceleration) >> 4
    s[ACCELERATION_q14] = acceleration
    if acceleration > _ACCELERATION_MAX_q14:
        acceleration = _ACCELERATION_MAX_q14
    if acceleration < 0 - _ACCELERATION_MAX_q14:
        acceleration = 0 - _ACCELERATION_MAX_q14
    acceleration = (acceleration * 1000) >> 14  # mm/s^2
    heading = 1
    speed = velocity
    if velocity < 0:
        heading = -1
        speed = 0 - velocity
        acceleration = 0 - acceleration  # from here on along the motion
    if speed > s[OVERSPEED_mm_per_s]:
        faults |= _FAULT_OVERSPEED
    still = 0
    if moved == 0 and speed < 10:
        still = s[STILL_TICKS]
        if still < 0x0FFF_FFFF:
            still += 1
    s[STILL_TICKS] = still

    # 4. Direction of travel, with hysteresis; the law's x restarts at a reversal.
    direction = s[DIRECTION]
    travel_um = s[TRAVEL_um] + step_um * direction
    peak_um = s[TRAVEL_PEAK_um]
    if travel_um > peak_um:
        peak_um = travel_um
    if peak_um - travel_um > s[REVERSAL_um]:
        direction = 0 - direction
        travel_um = peak_um - travel_um
        peak_um = travel_um
        s[INJECTED_64nJ] = 0
    if travel_um > _TRAVEL_MAX_um:
        peak_um = peak_um - travel_um + _TRAVEL_MAX_um
        travel_um = _TRAVEL_MAX_um
    s[DIRECTION] = direction
    s[TRAVEL_um] = travel_um
    s[TRAVEL_PEAK_um] = peak_um

    # 5. Tow force.
    raw = s[CELL_RAW]
    railed = 0
    if raw < 64 or raw > 65_471:
        railed = s[RAILED_TICKS] + 1
        if railed >= 50:
            railed = 50
            faults |= _FAULT_CELL_RAILED
    s[RAILED_TICKS] = railed
    raw -= s[CELL_ZERO_RAW]
    if raw > 32_767:
        raw = 32_767
    if raw < -32_767:
        raw = -32_767
    tow = raw * s[CELL_uN_PER_RAW] // 1000
    s[TOW_mN] = tow
    along = tow * heading  # positive when the athlete moves the sled on
    silent = 0
    if moved == 0 and s[PERMIT] > PERMIT_DROP:  # whoever leans on a sled at rest does no harm
        hardest = s[ENCODER_SILENT_mN]
        if tow > hardest or tow < 0 - hardest:
            silent = s[SILENT_TICKS] + 1
            if silent >= 500:
                silent = 500
                faults |= _FAULT_ENCODER_SILENT
    s[SILENT_TICKS] = silent

    # 6. The rest of the machine: e-stop, driver, time, main loop, lease.
    switches = s[SWITCHES]
    if switches & 1:
        faults |= _FAULT_ESTOP
    if switches & 2:
        faults |= _FAULT_DRIVER
    late = 0
    if s[LATE_us] > 2000:
        late = s[LATE_TICKS] + 1
        if late >= 2:
            late = 2
            faults |= _FAULT_TICK_OVERRUN
    s[LATE_TICKS] = late
    permit = s[PERMIT]
    left = s[MAIN_LEFT_ticks]
    if left > 0:
        s[MAIN_LEFT_ticks] = left - 1
    else:
        if permit:
            faults |= _FAULT_MAIN_STALLED
    if s[LEASED]:
        left = s[LEASE_LEFT_ticks]
        if left > 0:
            s[LEASE_LEFT_ticks] = left - 1
        else:
            if permit > PERMIT_RAMP:
                faults |= _FAULT_LEASE_LAPSED
                permit = PERMIT_RAMP

    # 7. Passivity observer: force held over the last period times way, worst case of a driver that
    #    keeps the sign it had at the command. One reversal may inject 1 J at most.
    back_um = 0 - step_um * s[HEADING]
    if back_um > 0:
        if back_um > 60_000:
            back_um = 60_000
        injected = s[INJECTED_64nJ] + (s[BRAKE_mN] >> 6) * back_um
        if injected > _INJECTED_MAX_64nJ:
            injected = _INJECTED_MAX_64nJ
            faults |= _FAULT_PASSIVITY
        s[INJECTED_64nJ] = injected
    s[HEADING] = heading

    # 8. What is permitted now. Faults can only lower it; the reaction to each is data.
    s[FAULTS] = faults
    faults |= s[FAULTS_MAIN]
    if faults & s[RAMP_MASK]:
        if permit > PERMIT_RAMP:
            permit = PERMIT_RAMP
    if faults & s[DROP_MASK]:
        permit = PERMIT_DROP

    # 9. A new load: taken whole, and the envelope closes around the present level. The same load sent
    #    again changes nothing.
    if s[LOAD_PENDING]:
        s[LOAD_PENDING] = 0
        at = 0
        changed = 0
        while at < 2 * LOAD_WORDS:
            if s[PULL + at] != s[NEXT_PULL + at]:
                s[PULL + at] = s[NEXT_PULL + at]
                changed = 1
            at += 1
        if changed:
            s[CEILING_mN] = s[LEVEL_mN]
            s[FLOOR_mN] = s[LEVEL_mN]

    # 10. The law: F = F0 + m*a + b*v + c*v^2 + k*x, and the speed cap.
    at = PULL
    if direction < 0:
        at = PUSH
    law_speed = speed
    if law_speed > _SPEED_MAX_mm_per_s:
        law_speed = _SPEED_MAX_mm_per_s
    slope = s[at + 2] + s[at + 3] * law_speed // 1000  # b + c*v, mN s/m
    if slope > 1_000_000:
        slope = 1_000_000
    law = s[at] + (s[at + 1] // 10) * acceleration // 100 + (slope // 10) * law_speed // 100
    law += (s[at + 4] // 100) * (travel_um // 1000) // 10
    cap = s[at + 5]
    if cap > 0 and speed > cap:
        law += (s[CAP_GAIN_mN_s_per_m] // 100) * (speed - cap) // 10
        limits |= _LIMIT_SPEED_CAP
    short = 0
    if law < 0:
        short = law
        law = 0
    force_max = s[FORCE_MAX_mN]
    if law > force_max:
        law = force_max
        limits |= _LIMIT_FORCE_MAX
    s[LAW_mN] = law

    # 11. The envelope: up slowly and only when permitted, down faster, in a ramp within a second.
    ceiling = s[CEILING_mN]
    floor = s[FLOOR_mN]
    if permit == PERMIT_RAISE:
        s[RAMP_TICKS] = 0
        s[RAMP_DONE] = 0
        ceiling += s[RAISE_mN_per_s] // TICKS_PER_s
        if ceiling > force_max:
            ceiling = force_max
    if permit == PERMIT_RAMP:
        # The ceiling now stands over the brake itself, which from here on only falls.
        ramp_ticks = s[RAMP_TICKS]
        ceiling = s[BRAKE_mN]
        if ramp_ticks == 0:
            ramp_step = s[FALL_mN_per_s]
            if ramp_step < ceiling:
                ramp_step = ceiling  # all of it within a second
            s[RAMP_STEP_mN] = ramp_step // TICKS_PER_s + 1
        ceiling -= s[RAMP_STEP_mN]
        if ramp_ticks < 2 * TICKS_PER_s:
            ramp_ticks += 1
        s[RAMP_TICKS] = ramp_ticks
        if ceiling <= 0 or ramp_ticks > TICKS_PER_s:
            ceiling = 0
    if permit == PERMIT_DROP:
        ceiling = 0
    floor -= s[FALL_mN_per_s] // TICKS_PER_s
    if floor > ceiling:
        floor = ceiling
    if floor < 0:
        floor = 0
    s[CEILING_mN] = ceiling
    s[FLOOR_mN] = floor
    level = law
    if level > ceiling:
        level = ceiling
        limits |= _LIMIT_RAMP
    if level < floor:
        level = floor
        limits |= _LIMIT_RAMP
    s[LEVEL_mN] = level

    # 12. The brake makes what the sled does not do by itself, never less than nothing. A law that would
    #     push (`short`) takes from it: or a sled let go would be braked for slowing down.
    own = (s[BARE_MASS_g] // 10) * acceleration // 100
    own += s[ROLLING_mN] + s[ROLLING_mN_s_per_m] * law_speed // 1000
    trim = s[TRIM_mN_q10]
    brake = level + short - own + (trim >> 10)
    if permit == PERMIT_RAMP:
        brake = law + short - own + (trim >> 10)
    if brake < 0:
        brake = 0
        limits |= _LIMIT_OWN_FRICTION
    if brake > ceiling:
        brake = ceiling
    slew = s[SLEW_mN_per_s] // TICKS_PER_s
    last = s[BRAKE_mN]
    if brake > last + slew:
        brake = last + slew
        limits |= _LIMIT_SLEW
    # Falling as slowly would make a speed cap swing; and a ramp down has a rate of its own.
    if permit == PERMIT_RAISE and brake < last - 4 * slew:
        brake = last - 4 * slew
        limits |= _LIMIT_SLEW

    # 13. Impulse budget: within one period the brake may not stop even the bare sled. The speed along
    #     the heading is certain to one position step over the window, less what brake, friction and a
    #     shove back took since the middle of it and what is still in flight. Towards that bound the
    #     force fades by the smooth estimate, as a damper that is stable in discrete time: at a crawl a
    #     brake that went on and off with every count would be felt as jolts.
    drag = s[BRAKE_PEAK_mN] + s[ROLLING_mN]
    if along < 0:
        drag -= along
    bare_g = s[BARE_MASS_g]
    flight = 2 * s[IN_FLIGHT_ticks]
    quantum_um_q10 = s[um_PER_1024_COUNTS]
    over_window = drag * (flight + WINDOW_TICKS) // (2 * bare_g) + 1
    room = speed - over_window - (quantum_um_q10 // WINDOW_TICKS >> 10)
    if room < 0:
        room = 0
    if room > 5000:
        room = 5000
    fade = bare_g * room // s[FADE_ticks]  # g mm/s per ms = mN
    if brake > fade:
        brake = fade
        limits &= _ALL_BUT_SLEW
        if still == 0:
            limits |= _LIMIT_CRAWL
    certain = ((window * heading - 1) * (quantum_um_q10 // WINDOW_TICKS) >> 10) - over_window
    at_once = ((moved * heading - 1) * quantum_um_q10 >> 10) - drag * (flight + 1) // (2 * bare_g) - 1
    if at_once > certain:
        certain = at_once
    if certain < 0:
        certain = 0
    if certain > 5000:
        certain = 5000
    budget = bare_g * certain
    if brake > budget:
        brake = budget
        limits |= _LIMIT_PASSIVITY

    # 14. The last check stands at the brake, whatever path the value took.
    if permit == PERMIT_DROP:
        brake = 0
    if brake < 0:
        brake = 0
    if brake > force_max:
        brake = force_max
    enable = 1
    if permit == PERMIT_DROP:
        enable = 0
    if permit == PERMIT_RAMP and ceiling == 0:
        brake = 0
        enable = 0
        s[RAMP_DONE] = 1
    s[BRAKE_mN] = brake
    s[ENABLE] = enable
    peak = s[BRAKE_PEAK_mN]
    peak -= peak >> 5
    if brake > peak:
        peak = brake
    s[BRAKE_PEAK_mN] = peak
    full = s[BRAKE_FULL_SCALE_mN] >> 4
    duty = ((brake >> 4) * DUTY_MAX + (full >> 1)) // full
    if duty > DUTY_MAX:
        duty = DUTY_MAX
    s[DUTY] = duty

    # 15. Trim: what the load cell says is missing, slowly (1 s) and bounded, in steady motion only.
    if limits == 0 and permit == PERMIT_RAISE and speed > 150 and level > 0:
        missing = level - along
        if missing > _MISSING_MAX_mN:
            missing = _MISSING_MAX_mN
        if missing < 0 - _MISSING_MAX_mN:
            missing = 0 - _MISSING_MAX_mN
        trim += missing
    most = s[TRIM_MAX_mN] << 10
    if trim > most:
        trim = most
    if trim < 0 - most:
        trim = 0 - most
    s[TRIM_mN_q10] = trim

    # 16. The sample, in the order of the wire's SAMPLE.
    s[LIMITS] = limits
    at = s[RING_AT]
    ring[at] = position_um & 0xFFFF
    ring[at + 1] = (position_um >> 16) & 0xFFFF
    ring[at + 2] = velocity & 0xFFFF
    ring[at + 3] = ((tow + 50) // 100) & 0xFFFF
    ring[at + 4] = ((level + 50) // 100) & 0xFFFF
    ring[at + 5] = ((brake + 50) // 100) & 0xFFFF
    flags = (limits << 4) | (s[MODE] << 1)
    if direction < 0:
        flags |= 1
    ring[at + 6] = flags & 0xFFFF
    at += SAMPLE_WORDS
    if at >= SAMPLE_WORDS * RING_SAMPLES:
        at = 0
    s[RING_AT] = at
    s[SAMPLE_INDEX] = (s[SAMPLE_INDEX] + 1) & _COUNTER_MASK
    return limits
