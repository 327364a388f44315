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
# 32 words with one instruction, the next 32 with two or three.
COUNTS = const(0)  # input: encoder, wraps at +-2**29
CELL_RAW = const(1)  # input: load cell, 0 to 65535
LATE_us = const(2)  # input: how late this tick came
PERMIT = const(3)  # set by the main loop
FAULTS = const(4)  # latched by the tick, one bit for each fault
BRAKE_mN = const(5)  # last command
BRAKE_PEAK_mN = const(6)  # the greatest command of the last ticks, slowly forgotten
BRAKE_FELT_mN = const(7)  # the command, behind the driver's lag
CEILING_mN = const(8)  # over the brake: rises slowly from the arming on, falls in a ramp down
LAST_COUNTS = const(9)
LAST_RAW = const(10)
POSITION_um = const(11)
POSITION_um_q10 = const(12)  # fraction of POSITION_um
PATH_COUNTS = const(13)  # counts both ways since boot
TRAVEL_um = const(14)  # way since the last reversal, in DIRECTION
TRAVEL_PEAK_um = const(15)
DIRECTION = const(16)  # 1 pull, -1 push
HEADING = const(17)  # sign of the velocity at the last command
WINDOW_COUNTS = const(18)  # counts moved in the last WINDOW_TICKS
WINDOW_AT = const(19)
TRACK_ERROR_um_q10 = const(20)  # measured minus tracked position
VELOCITY_mm_per_s_q10 = const(21)
ACCELERATION_q14 = const(22)  # change of speed per tick, mm/s
UNEXPLAINED_q17 = const(23)  # acceleration that no known force explains, mm/s per tick
RESIDUAL_q14 = const(24)  # change of speed per tick that nothing explains, at once; mm/s
SPEED_m_per_s_q10 = const(25)
MOVING_TICKS = const(26)  # counted to _JUDGED_TICKS
BELIEVED_TOW_mN = const(27)  # the last one from within the cell's range
LATE_us_SUM = const(28)  # of late ticks, slowly forgotten
MAIN_LEFT_ticks = const(29)  # the main loop sets it on every pass
SAMPLE_INDEX = const(30)  # ticks done, and number of the next sample
RING_AT = const(31)  # where the next sample goes in the ring
SWITCHES = const(32)  # input: bit 0 e-stop pressed, bit 1 driver fault, bits 2 and 3 buttons
BUS_mV = const(33)  # input
DUTY = const(34)  # output: brake driver, 0 to DUTY_MAX
ENABLE = const(35)  # output: driver enabled
FEED_WATCHDOG = const(36)  # output: whether the board may feed its watchdog
TOW_mN = const(37)  # measured tow force, tension positive
LAW_mN = const(38)
LEVEL_mN = const(39)  # tow force asked for, after the envelope
LIMITS = const(40)  # what shaped this tick's force
FAULTS_MAIN = const(41)  # latched by the main loop, which alone writes this word
FAULTS_CLEAR = const(42)  # 1: forget FAULTS, then look again
MODE = const(43)  # for the sample's flags
LEASED = const(44)
LOAD_PENDING = const(45)  # 1: take over NEXT_PULL and NEXT_PUSH
RAMP_TICKS = const(46)  # ticks since the ramp began, 0 when none
RAMP_DONE = const(47)
FROZEN_TICKS = const(48)  # with the same reading of the load cell
RAILED_TICKS = const(49)
CELL_STEP_mN = const(50)  # of the last reading that was another one
ZERO_TICKS = const(51)  # without a count
STILL_TICKS = const(52)  # ticks without motion
SILENT_TICKS = const(53)  # pulled hard without a count
SUSPECT_TICKS = const(54)  # until nothing more is looked for
FOLD_BUS_q10 = const(55)  # part of the brake that the bus allows
FOLD_HOT_q10 = const(56)  # that the motor's temperature allows; moves slowly ...
HOT_ALLOWED_q10 = const(57)  # ... to this, set by the main loop
# One of each for pull and push.
OFFSET_mN = const(58)  # from the law to the level while a load changes; goes to nothing
TRIM_mN_q10 = const(60)
# What the tick needs of the settings, worked out by settings.derive() so that it need not divide.
DERIVED_AT = const(62)
INVERSE_MASS_q26 = const(62)  # 1 / g
CELL_mN_q10_PER_RAW = const(63)
RAISE_STEP_mN = const(64)  # a tick
FALL_STEP_mN = const(65)  # a tick
SLEW_STEP_mN = const(66)  # a tick
FADE_GAIN = const(67)  # mN for each mm/s
DRAG_WINDOW_q26 = const(68)  # loss of speed for each mN since the middle of the window, mm/s
DRAG_AT_ONCE_q26 = const(69)  # the same since the middle of the last tick
BRAKE_MOST_mN = const(70)  # the less of force_max and full scale
DUTY_q21_PER_mN = const(71)
BUS_FOLD_q20_PER_mV = const(72)
CAP_mN_PER_mm_per_s = const(73)
# Settings, in the order of protocol/settings.py.
SETTINGS_AT = const(74)
BARE_MASS_g = const(74)
ROLLING_mN = const(75)
ROLLING_mN_s_per_m = const(76)
um_PER_1024_COUNTS = const(77)
CELL_ZERO_RAW = const(78)
CELL_uN_PER_RAW = const(79)
BRAKE_FULL_SCALE_mN = const(80)
FORCE_MAX_mN = const(81)
RAISE_mN_per_s = const(82)
FALL_mN_per_s = const(83)
SLEW_mN_per_s = const(84)
TRIM_MAX_mN = const(85)
CAP_GAIN_mN_s_per_m = const(86)
FADE_ticks = const(87)
REVERSAL_um = const(88)
OVERSPEED_mm_per_s = const(89)
ENCODER_JUMP_counts = const(90)
ENCODER_SILENT_mN = const(91)
BUS_HIGH_mV = const(92)
BUS_LOW_mV = const(93)
TOO_HOT_cC = const(94)
HOLD_s = const(95)
IN_FLIGHT_ticks = const(96)
BUS_FOLD_mV = const(97)
HOT_FOLD_cC = const(98)
DISAGREE_mN = const(99)
BUTTON_STEP_mN = const(100)
DROP_MASK = const(101)  # faults that drop the brake
RAMP_MASK = const(102)  # faults that ramp it down
LEASE_LEFT_ticks = const(103)
RAMP_STEP_mN = const(104)
INJECTED_64nJ = const(105)  # energy put into the sled since the last reversal
DROPOUTS = const(106)  # of the load cell, slowly forgotten
DISAGREE_TICKS = const(107)  # each with a force that nothing explains; forgotten as fast
MORE_TICKS = const(108)  # with far more resistance than was commanded
DRIVEN_TICKS = const(109)  # with the brake driving the sled
TRIM_END_TICKS = const(110)  # with the trim at its end, and not enough
TEMPERATURE_cC = const(111)  # input
WINDOW = const(112)  # counts moved in each of the last WINDOW_TICKS
# One load for each direction: F0, m, b, c, k, v_cap in the units of the wire.
PULL = const(120)
PUSH = const(126)
NEXT_PULL = const(132)
NEXT_PUSH = const(138)
LOAD_WORDS = const(6)
STATE_WORDS = const(144)


# Bits of LIMITS and FAULTS: the numbers of protocol/codes.py, as masks.
_LIMIT_FORCE_MAX = const(1)
_LIMIT_OWN_FRICTION = const(2)
_LIMIT_CRAWL = const(4)
_LIMIT_PASSIVITY = const(8)
_LIMIT_SLEW = const(16)
_LIMIT_RAMP = const(32)
_ALL_BUT_SLEW = const(0xFFEF)
_LIMIT_SPEED_CAP = const(128)
_LIMIT_BUS = const(256)
_LIMIT_TEMPERATURE = const(512)
_FAULT_ESTOP = const(1)
_FAULT_DRIVER = const(2)
_FAULT_PASSIVITY = const(4)
_FAULT_FORCE_STUCK = const(8)
_FAULT_ENCODER_SILENT = const(0x10)
_FAULT_ENCODER_JUMP = const(0x20)
_FAULT_ENCODER = const(0x30)  # either
_FAULT_NO_SENSOR = const(0xF0)  # encoder or load cell not there: nothing to compare with
_FAULT_CELL_RAILED = const(0x40)
_FAULT_CELL_FROZEN = const(0x80)
_FAULT_CELL_DISAGREES = const(0x100)
_FAULT_OVERSPEED = const(0x200)
_FAULT_TICK_OVERRUN = const(0x2000)
_FAULT_MAIN_STALLED = const(0x4000)
_FAULT_LEASE_LAPSED = const(0x8000)

_SPEED_MAX_mm_per_s = const(10_000)  # the law is evaluated up to here
_RESIDUAL_MAX_q14 = const(327_680)  # 20 m/s^2
_UNEXPLAINED_MAX_q17 = const(2_621_440)  # 20 m/s^2
_TRAVEL_MAX_um = const(200_000_000)
_INJECTED_MAX_64nJ = const(15_625_000)  # 1 J
_MISSING_MAX_mN = const(20_000)  # a stumble may not teach the trim much
_COUNTER_MASK = const(0x3FFF_FFFF)  # 12 days of samples: the main loop resets before
_PATH_MASK = const(0x1FFF_FFFF)  # 68 km
_WRAP = const(0x2000_0000)  # 2**29

# What no sled does, and how long until it is believed.
_ZERO_TICKS = const(4)  # without a count ...
_ZERO_um = const(2000)  # ... in which the sled should have come this far: 8 counts or more
_TRACK_ERROR_MAX_um_q10 = const(3_584_000)  # 3.5 mm from where forces and counts had it
_WIDE_CODE = const(0x2000)  # the mean of four readings of it or of the one before, in each quarter
_FROZEN_TICKS = const(250)  # the amplifier's noise moves every reading
_DROPOUT_TICKS = const(12)
_DROPOUT_mN = const(40_000)
_DROPOUT_WEIGHT_ticks = const(400)
_DROPOUTS_MAX_ticks = const(700)  # the third one within a second
_JUDGED_TICKS = const(40)  # in motion, until forces are compared: the tracker has settled
_DISAGREE_TICKS = const(60)
_MORE_mN = const(120_000)
_MORE_TICKS = const(30)
_DRIVEN_mN = const(20_000)
_DRIVEN_SURE_mN = const(50_000)
_DRIVEN_HARD_mN = const(100_000)  # of the sled's inertia: 3 m/s^2
_DRIVEN_TICKS = const(120)
_DRIVEN_HARD_TICKS = const(6)  # each hard tick counts so many
_TRIM_END_TICKS = const(2000)
_TRIM_END_mN = const(5_000)
_LATE_MAX_us = const(6000)


@micropython.viper
def tick(s: ptr32, ring: ptr16) -> int:
    """One control period. `s` has STATE_WORDS words, `ring` SAMPLE_WORDS * RING_SAMPLES half-words.

    Returns the bits of LIMITS.
    """
    faults = s[FAULTS]
    if s[FAULTS_CLEAR]:
        s[FAULTS_CLEAR] = 0
        faults = 0
        s[LATE_us_SUM] = 0
        s[DROPOUTS] = 0
        s[TRIM_END_TICKS] = 0
        s[DISAGREE_TICKS] = 0
        s[MORE_TICKS] = 0
        s[DRIVEN_TICKS] = 0
    limits = 0
    permit = s[PERMIT]

    # 1. Periods since the last tick: one, and those that were missed. Late once is nothing, late again and
    #    again is a fault; a sled at rest, brake off, may write its flash.
    periods = 1
    late_us = s[LATE_us]
    late_sum = s[LATE_us_SUM]
    if late_us > 200:
        if late_us >= 500:
            periods += (late_us + 500) // 1000
        if permit:
            late_sum += late_us
            if late_sum > _LATE_MAX_us:
                late_sum = _LATE_MAX_us
                faults |= _FAULT_TICK_OVERRUN
    else:
        if late_sum > 0:
            late_sum -= 50
    s[LATE_us_SUM] = late_sum

    # 2. How far the wheel turned. An impossible jump is not believed.
    counts = s[COUNTS]
    moved = counts - s[LAST_COUNTS]
    s[LAST_COUNTS] = counts
    jump = s[ENCODER_JUMP_counts]
    if moved > jump or moved < 0 - jump:
        if moved >= _WRAP:
            moved = moved - _WRAP - _WRAP
        if moved < 0 - _WRAP:
            moved = moved + _WRAP + _WRAP
        if periods > 1:
            jump = 500
        if moved > jump or moved < 0 - jump:
            if s[SAMPLE_INDEX]:  # before the first tick nothing is known
                faults |= _FAULT_ENCODER_JUMP
            moved = 0
    quantum_um_q10 = s[um_PER_1024_COUNTS]
    moved_um_q10 = moved * quantum_um_q10
    quantum_um_q10 = quantum_um_q10 >> 3  # of a mean over WINDOW_TICKS

    # 3. Position, path, and the counts of the last WINDOW_TICKS ticks.
    step_um = s[POSITION_um_q10] + moved_um_q10
    s[POSITION_um_q10] = step_um & 1023
    step_um = step_um >> 10
    position_um = s[POSITION_um] + step_um
    if position_um >= _WRAP:
        position_um = position_um - _WRAP - _WRAP
    if position_um < 0 - _WRAP:
        position_um = position_um + _WRAP + _WRAP
    s[POSITION_um] = position_um
    path = s[PATH_COUNTS] + moved
    if moved < 0:
        path -= moved + moved
    s[PATH_COUNTS] = path & _PATH_MASK
    at = s[WINDOW_AT]
    s[WINDOW_AT] = (at + 1) & (WINDOW_TICKS - 1)
    at += WINDOW
    window = s[WINDOW_COUNTS] + moved - s[at]
    s[at] = moved
    s[WINDOW_COUNTS] = window

    # 4. Tow force. At the end of its range the cell is not believed: what it said before counts. Four codes
    #    of the RP2040's converter are so wide (erratum E11) that a quiet force may stand still in them.
    raw = s[CELL_RAW]
    railed = 0
    if (raw + 64) & 0xFFFF < 128:  # the last 64 steps at either end
        railed = s[RAILED_TICKS] + 1
        if railed >= 50:
            railed = 50
            faults |= _FAULT_CELL_RAILED
    frozen = 0
    if raw == s[LAST_RAW]:
        frozen = s[FROZEN_TICKS] + 1
        if frozen >= _FROZEN_TICKS:
            frozen = _FROZEN_TICKS
            if permit and railed == 0 and (raw + 16) & 0x3FE0 != _WIDE_CODE:
                faults |= _FAULT_CELL_FROZEN
    s[LAST_RAW] = raw
    s[FROZEN_TICKS] = frozen
    s[RAILED_TICKS] = railed
    tow = raw - s[CELL_ZERO_RAW]
    if (tow + 32_768) >> 16:
        if tow > 0:
            tow = 32_767
        else:
            tow = -32_767
    tow = tow * s[CELL_mN_q10_PER_RAW] >> 10
    s[TOW_mN] = tow
    if frozen == 0:
        s[CELL_STEP_mN] = tow - s[BELIEVED_TOW_mN]
    if railed:
        tow = s[BELIEVED_TOW_mN]
    elif frozen and frozen < _FROZEN_TICKS and (raw + 16) & 0x3FE0 != _WIDE_CODE:
        step = s[CELL_STEP_mN]
        if step > _DROPOUT_mN or step < 0 - _DROPOUT_mN:
            tow -= step  # a leap and then not a flutter: a loose contact
    s[BELIEVED_TOW_mN] = tow

    # 5. Velocity by a tracker that knows the forces: it is predicted by what tow, brake and friction do to
    #    the sled and corrected by the counts (alpha 1/8, beta 1/128, gamma 1/8192: 8 Hz, critically
    #    damped). What stays unexplained is learned as an acceleration of its own, so that wrong
    #    settings cost no accuracy; the known forces cost no delay. One um per tick is one mm/s.
    velocity_q10 = s[VELOCITY_mm_per_s_q10]
    rolling = s[ROLLING_mN] + (s[ROLLING_mN_s_per_m] * s[SPEED_m_per_s_q10] >> 10)
    felt = s[BRAKE_FELT_mN]
    felt += (s[BRAKE_mN] - felt) >> 2
    error = s[TRACK_ERROR_um_q10] + moved_um_q10 - velocity_q10
    gap = periods - 1
    if gap:
        if gap > 7:
            gap = 7
        if gap > 1:
            felt = s[BRAKE_mN]
        error -= velocity_q10 * gap
    s[BRAKE_FELT_mN] = felt
    unexplained = s[UNEXPLAINED_q17]
    if error > _TRACK_ERROR_MAX_um_q10 or error < 0 - _TRACK_ERROR_MAX_um_q10:
        # Only here could the estimates run away; within, they follow counts and forces.
        if permit:
            if moved:
                faults |= _FAULT_ENCODER_JUMP
            else:
                faults |= _FAULT_ENCODER_SILENT
        if error > 0:
            error = _TRACK_ERROR_MAX_um_q10
        else:
            error = 0 - _TRACK_ERROR_MAX_um_q10
        if unexplained > _UNEXPLAINED_MAX_q17:
            unexplained = _UNEXPLAINED_MAX_q17
        if unexplained < 0 - _UNEXPLAINED_MAX_q17:
            unexplained = 0 - _UNEXPLAINED_MAX_q17
        if velocity_q10 > 30_000 * 1024:
            velocity_q10 = 30_000 * 1024
        if velocity_q10 < -30_000 * 1024:
            velocity_q10 = -30_000 * 1024
    s[TRACK_ERROR_um_q10] = error - (error >> 3)
    change_q10 = error >> 7
    correction_q10 = change_q10
    residual_q10 = 0
    moving = 0
    if window * window > 4:  # at rest friction is whatever holds the sled
        moving = s[MOVING_TICKS]
        if moving < _JUDGED_TICKS:
            moving += 1
        force = felt + rolling
        if velocity_q10 > 0:
            force = 0 - force
        force += tow
        unexplained += error >> 6
        residual_q10 = (unexplained >> 7) + correction_q10
        change_q10 = ((force >> 4) * s[INVERSE_MASS_q26] >> 12) + (unexplained >> 7)
        velocity_q10 += change_q10
        if gap:
            velocity_q10 += change_q10 * gap
            moving = 0
    else:
        unexplained = 0
    s[MOVING_TICKS] = moving
    s[UNEXPLAINED_q17] = unexplained
    residual = s[RESIDUAL_q14]
    residual += ((residual_q10 << 4) - residual) >> 3
    s[RESIDUAL_q14] = residual
    velocity_q10 += correction_q10
    s[VELOCITY_mm_per_s_q10] = velocity_q10
    velocity = (velocity_q10 + 512) >> 10
    acceleration = s[ACCELERATION_q14]
    acceleration += ((change_q10 << 4) - acceleration) >> 2
    s[ACCELERATION_q14] = acceleration
    if (acceleration + 0x8_0000) >> 20:  # 32 m/s^2
        if acceleration > 0:
            acceleration = 0x7_FFFF
        else:
            acceleration = -0x8_0000
    heading = 1
    speed = velocity
    if velocity < 0:
        heading = -1
        speed = 0 - velocity
        acceleration = 0 - acceleration  # from here on along the motion
        residual = 0 - residual
    if speed > s[OVERSPEED_mm_per_s]:
        faults |= _FAULT_OVERSPEED
    bare_g = s[BARE_MASS_g]
    inertia = (bare_g >> 5) * (acceleration >> 3) >> 6  # mN

    # 6. Direction of travel, with hysteresis; the law's x restarts at a reversal.
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

    # 7. Encoder and cell against each other and against the command, while the brake may act.
    along = tow * heading  # positive when the athlete moves the sled on
    if moved:
        if s[ZERO_TICKS]:
            s[ZERO_TICKS] = 0
            s[STILL_TICKS] = 0
            s[SILENT_TICKS] = 0
    else:
        zeros = s[ZERO_TICKS] + 1
        if zeros > 1000:
            zeros = 1000
        s[ZERO_TICKS] = zeros
        still = 0
        if speed < 10:
            still = s[STILL_TICKS]
            if still < 0x0FFF_FFFF:
                still += 1
        s[STILL_TICKS] = still
        silent = 0
        if permit:  # whoever leans on a sled at rest does no harm
            if zeros >= _ZERO_TICKS and zeros * speed > _ZERO_um:
                faults |= _FAULT_ENCODER_SILENT
            hardest = s[ENCODER_SILENT_mN]
            if tow > hardest or tow < 0 - hardest:
                silent = s[SILENT_TICKS] + 1
                if silent >= 500:
                    silent = 500
                    faults |= _FAULT_ENCODER_SILENT
        s[SILENT_TICKS] = silent
    if (residual + 0x2000) >> 14 or frozen == _DROPOUT_TICKS:  # 0.5 m/s^2: less is not looked at
        s[SUSPECT_TICKS] = _DROPOUTS_MAX_ticks
    if s[SUSPECT_TICKS]:
        s[SUSPECT_TICKS] = s[SUSPECT_TICKS] - 1
        disagree = s[DISAGREE_TICKS]
        more = s[MORE_TICKS]
        driven = s[DRIVEN_TICKS]
        dropouts = s[DROPOUTS]
        if disagree:
            disagree -= 1
        if more:
            more -= 1
        if driven:
            driven -= 1
        if dropouts:
            dropouts -= 1
        judged = permit
        if moving < _JUDGED_TICKS or railed or frozen > _DROPOUT_TICKS or faults & _FAULT_NO_SENSOR:
            judged = 0
        if judged:
            # More than 0: something drives the sled on, or the cell shows too little.
            if residual > _RESIDUAL_MAX_q14:
                residual = _RESIDUAL_MAX_q14
            if residual < 0 - _RESIDUAL_MAX_q14:
                residual = 0 - _RESIDUAL_MAX_q14
            extra = (bare_g >> 5) * (residual >> 3) >> 6
            # A quarter of what is known to act may be wrong: mass and brake.
            peak = s[BRAKE_PEAK_mN]
            unsure = inertia
            if unsure < 0:
                unsure = 0 - unsure
            unsure = (unsure + peak) >> 2
            most = s[DISAGREE_mN] + unsure
            if extra > most or extra < 0 - most:
                disagree += 2
                if disagree >= _DISAGREE_TICKS:
                    disagree = _DISAGREE_TICKS
                    faults |= _FAULT_CELL_DISAGREES
            if extra + _MORE_mN + unsure < 0:
                more += 2
                if more >= _MORE_TICKS:
                    more = _MORE_TICKS
                    faults |= _FAULT_FORCE_STUCK
            # More than brake and friction could have given: what is left is the other way round, it drives.
            # (A reversed cell says that somebody brakes.)
            extra -= peak + rolling
            if felt > _DRIVEN_mN and extra > _DRIVEN_mN and extra > peak >> 2 and along > 0 - _DRIVEN_mN:
                driven += 2
                if extra > _DRIVEN_SURE_mN and extra + along > _DRIVEN_HARD_mN:  # mass times acceleration
                    driven += _DRIVEN_HARD_TICKS
                if driven >= _DRIVEN_TICKS:
                    driven = _DRIVEN_TICKS
                    faults |= _FAULT_PASSIVITY
            if frozen == _DROPOUT_TICKS:
                missing = s[CELL_STEP_mN]
                if missing > _DROPOUT_mN or missing < 0 - _DROPOUT_mN:
                    dropouts += _DROPOUT_WEIGHT_ticks
                    if dropouts >= _DROPOUTS_MAX_ticks:
                        dropouts = _DROPOUTS_MAX_ticks
                        faults |= _FAULT_CELL_FROZEN
        s[DISAGREE_TICKS] = disagree
        s[MORE_TICKS] = more
        s[DRIVEN_TICKS] = driven
        s[DROPOUTS] = dropouts

    # 8. The rest of the machine: e-stop, driver, main loop, lease.
    switches = s[SWITCHES]
    if switches:
        if switches & 1:
            faults |= _FAULT_ESTOP
        if switches & 2:
            faults |= _FAULT_DRIVER
    left = s[MAIN_LEFT_ticks]
    feed = 1
    if left > 0:
        s[MAIN_LEFT_ticks] = left - periods
    else:
        feed = s[ENABLE]  # not before the load has come down
        if permit:
            faults |= _FAULT_MAIN_STALLED
    s[FEED_WATCHDOG] = feed
    if s[LEASED]:
        left = s[LEASE_LEFT_ticks]
        if left > 0:
            s[LEASE_LEFT_ticks] = left - periods
        else:
            if permit > PERMIT_RAMP:
                faults |= _FAULT_LEASE_LAPSED
                permit = PERMIT_RAMP

    # 9. Passivity observer: force held over the last period times way, worst case of a driver that
    #    keeps the sign it had at the command. One reversal may inject 1 J at most.
    back_um = 0 - step_um * s[HEADING]
    if back_um > 0 and faults & _FAULT_ENCODER == 0:
        if back_um > 60_000:
            back_um = 60_000
        injected = s[INJECTED_64nJ] + (s[BRAKE_mN] >> 6) * back_um
        if injected > _INJECTED_MAX_64nJ:
            injected = _INJECTED_MAX_64nJ
            faults |= _FAULT_PASSIVITY
        s[INJECTED_64nJ] = injected
    s[HEADING] = heading

    # 10. What is permitted now. Faults can only lower it; the reaction to each is data.
    s[FAULTS] = faults
    faults |= s[FAULTS_MAIN]
    if faults:
        if faults & s[RAMP_MASK]:
            if permit > PERMIT_RAMP:
                permit = PERMIT_RAMP
        if faults & s[DROP_MASK]:
            permit = PERMIT_DROP

    # 11. A new load is taken whole. The same load sent again changes nothing.
    side = 0
    load = PULL
    if direction < 0:
        side = 1
        load = PUSH
    changed = 0
    if s[LOAD_PENDING]:
        s[LOAD_PENDING] = 0
        # The other direction's load changes as slowly, in case it is needed before.
        other = PULL + PUSH - load
        force = s[OFFSET_mN + 1 - side] + s[other] - s[other + NEXT_PULL - PULL]
        at = 0
        while at < 2 * LOAD_WORDS:
            if s[PULL + at] != s[NEXT_PULL + at]:
                s[PULL + at] = s[NEXT_PULL + at]
                changed = 1
            at += 1
        if changed:
            if force > s[CEILING_mN] - s[other]:  # after arming there is no load yet
                force = s[CEILING_mN] - s[other]
            s[OFFSET_mN + 1 - side] = force

    # 12. The law: F = F0 + m*a + b*v + c*v^2 + k*x, and the speed cap.
    law_speed = speed
    if law_speed > _SPEED_MAX_mm_per_s:
        law_speed = _SPEED_MAX_mm_per_s
    speed_q10 = law_speed * 33_554 >> 15  # m/s
    s[SPEED_m_per_s_q10] = speed_q10
    slope = s[load + 2]  # b + c*v, mN s/m
    if s[load + 3]:
        slope += s[load + 3] * speed_q10 >> 10
        if slope > 1_000_000:
            slope = 1_000_000
    law = s[load] + ((s[load + 1] >> 5) * (acceleration >> 3) >> 6) + ((slope >> 4) * speed_q10 >> 6)
    if s[load + 4]:
        law += (s[load + 4] // 100) * (travel_um // 1000) // 10
    cap = s[load + 5]
    if cap > 0 and speed > cap:
        # Its slope begins at nothing, so that there is no jolt.
        over_q3 = (speed - cap) << 3
        if over_q3 > 80_000:
            over_q3 = 80_000
        if over_q3 < 512:
            over_q3 = over_q3 * over_q3 >> 10
        else:
            over_q3 -= 256
        law += over_q3 * s[CAP_mN_PER_mm_per_s] >> 3
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

    # 13. The envelope: what a new load changes comes and goes slowly, while the rest of the law follows
    #     the motion as ever: more only when permitted, less faster, all of it in a ramp within a second.
    if changed:
        s[OFFSET_mN + side] = s[LEVEL_mN] - law
    level = law
    if s[OFFSET_mN] or s[OFFSET_mN + 1]:
        at = OFFSET_mN
        while at < OFFSET_mN + 2:
            offset = s[at]
            if offset > 0:
                offset -= s[FALL_STEP_mN]
                if offset < 0:
                    offset = 0
            elif offset < 0 and permit == PERMIT_RAISE:
                offset += s[RAISE_STEP_mN]
                if offset > 0:
                    offset = 0
            s[at] = offset
            at += 1
        offset = s[OFFSET_mN + side]
        if offset:
            limits |= _LIMIT_RAMP
            level += offset
            if level < 0:
                level = 0
            if level > force_max:
                level = force_max
    if permit == PERMIT_RAISE:
        s[RAMP_TICKS] = 0
        s[RAMP_DONE] = 0
        ceiling = s[CEILING_mN] + s[RAISE_STEP_mN]
        if ceiling > force_max:
            ceiling = force_max
    elif permit == PERMIT_RAMP:
        # The ceiling now stands over the brake itself, which from here on only falls.
        ramp_ticks = s[RAMP_TICKS]
        ceiling = s[BRAKE_mN]
        if ramp_ticks == 0:
            ramp_step = s[FALL_mN_per_s]
            if ramp_step < ceiling:
                ramp_step = ceiling  # all of it within a second
            s[RAMP_STEP_mN] = ramp_step // TICKS_PER_s + 1
        ceiling -= s[RAMP_STEP_mN] * periods
        if ramp_ticks < 2 * TICKS_PER_s:
            ramp_ticks += periods
        s[RAMP_TICKS] = ramp_ticks
        if ceiling <= 0 or ramp_ticks > TICKS_PER_s:
            ceiling = 0
    else:
        ceiling = 0
        s[OFFSET_mN] = 0
        s[OFFSET_mN + 1] = 0
    s[CEILING_mN] = ceiling
    if level > ceiling:
        level = ceiling
        limits |= _LIMIT_RAMP
    s[LEVEL_mN] = level

    # 14. The brake makes what the sled does not do by itself, never less than nothing. A law that would
    #     push (`short`) takes from it: or a sled let go would be braked for slowing down.
    trim = s[TRIM_mN_q10 + side]
    brake = level
    if permit == PERMIT_RAMP:
        brake = law
    brake += short - inertia - rolling + (trim >> 10)
    if brake < 0:
        brake = 0
        limits |= _LIMIT_OWN_FRICTION
    # A bus that nobody takes the energy from, and a hot motor, weaken it:
    # at once, for a full bus rises by a fifth of a volt in a tick, and back only slowly.
    fold = s[FOLD_BUS_q10]
    left = s[BUS_mV] - s[BUS_FOLD_mV]
    if left > 0 or fold < 1024:
        if fold < 1024:
            fold += 1
        if left > 0:
            if left > 10_000:
                left = 10_000
            left = 1024 - (left * s[BUS_FOLD_q20_PER_mV] >> 10)
            if left < 0:
                left = 0
            if left < fold:
                fold = left
        s[FOLD_BUS_q10] = fold
        if fold < 1024:
            brake = (brake >> 4) * fold >> 6
            limits |= _LIMIT_BUS
    fold = s[FOLD_HOT_q10]
    left = s[HOT_ALLOWED_q10]
    if fold < 1024 or left < 1024:
        if fold < left:
            fold += 1
        elif fold > left:
            fold -= 2
            if fold < left:
                fold = left
        s[FOLD_HOT_q10] = fold
        brake = (brake >> 4) * fold >> 6
        limits |= _LIMIT_TEMPERATURE
    if brake > ceiling:
        brake = ceiling
    slew = s[SLEW_STEP_mN]
    last = s[BRAKE_mN]
    if brake > last + slew:
        brake = last + slew
        limits |= _LIMIT_SLEW
    # Falling as slowly would make a speed cap swing; and a ramp down has a rate of its own.
    if brake < last - 4 * slew and s[FOLD_BUS_q10] == 1024:
        brake = last - 4 * slew
        limits |= _LIMIT_SLEW
        if brake > ceiling:
            brake = ceiling

    # 15. Impulse budget: within one period the brake may not stop even the bare sled. The speed along
    #     the heading is certain to one position step over the window, less what brake, friction and a
    #     shove back took since the middle of it and what is still in flight. Towards that bound the
    #     force fades by the smooth estimate, as a damper that is stable in discrete time: at a crawl a
    #     brake that went on and off with every count would be felt as jolts.
    #     Without an encoder there is no speed to go by: the ramp down then runs blind, and rests on the
    #     driver, which owns the sign. A brake gone at once would let a hauling athlete fall.
    if permit == PERMIT_RAMP and faults & _FAULT_ENCODER:
        brake = ceiling
    else:
        drag = s[BRAKE_PEAK_mN] + s[ROLLING_mN]
        if along < 0:
            drag -= along
        drag = (drag >> 10) + 1
        over_window = (drag * s[DRAG_WINDOW_q26] >> 16) + 1
        room = speed - over_window - (quantum_um_q10 >> 10)
        if room < 5000:  # beyond, no brake is as strong
            fade = room * s[FADE_GAIN]
            if brake > fade:
                brake = fade
                limits &= _ALL_BUT_SLEW
                if s[STILL_TICKS] == 0:
                    limits |= _LIMIT_CRAWL
        certain = ((window * heading - 1) * quantum_um_q10 >> 10) - over_window
        if certain < 0:
            certain = 0
        if certain < 5000 and brake > bare_g * certain:
            at_once = (moved_um_q10 * heading - (quantum_um_q10 << 3)) >> 10
            at_once -= (drag * s[DRAG_AT_ONCE_q26] >> 16) + 1
            if at_once > certain:
                certain = at_once
            if certain < 5000 and brake > bare_g * certain:
                brake = bare_g * certain
                limits |= _LIMIT_PASSIVITY

    # 16. The last check stands at the brake, whatever path the value took.
    enable = 1
    if permit != PERMIT_RAISE:
        if permit == PERMIT_DROP:
            enable = 0
        elif ceiling == 0:
            enable = 0
            s[RAMP_DONE] = 1
        if enable == 0:
            brake = 0
    if brake < 0:
        brake = 0
    if brake > s[BRAKE_MOST_mN]:
        brake = s[BRAKE_MOST_mN]
        limits |= _LIMIT_FORCE_MAX
    s[BRAKE_mN] = brake
    s[ENABLE] = enable
    peak = s[BRAKE_PEAK_mN]
    peak -= peak >> 5
    if brake > peak:
        peak = brake
    s[BRAKE_PEAK_mN] = peak
    s[DUTY] = ((brake >> 4) * s[DUTY_q21_PER_mN] + 0x1_0000) >> 17

    # 17. Trim: what the load cell says is missing, slowly (1 s) and bounded, in steady motion only. At
    #     its end for long, the cell or what the brake makes is not what the settings say.
    if limits & _ALL_BUT_SLEW == 0 and permit == PERMIT_RAISE and speed > 150 and level > 0:
        missing = level - along
        if missing > _MISSING_MAX_mN:
            missing = _MISSING_MAX_mN
        if missing < 0 - _MISSING_MAX_mN:
            missing = 0 - _MISSING_MAX_mN
        trim += missing
        most = s[TRIM_MAX_mN] << 10
        if trim > most or trim < 0 - most:
            at = s[TRIM_END_TICKS]
            missing = level - along
            if trim > 0:
                trim = most
            else:
                trim = 0 - most
                missing = 0 - missing
            # 5 N, or what is beyond the trim of a quarter of the load: a brake that is 20 % off is no fault.
            most = (level >> 2) - s[TRIM_MAX_mN]
            if missing > _TRIM_END_mN and missing > most and limits == 0:
                at += 1
            elif at > 0:
                at -= 1
            if at >= _TRIM_END_TICKS:
                at = _TRIM_END_TICKS
                s[FAULTS] = s[FAULTS] | _FAULT_CELL_DISAGREES
            s[TRIM_END_TICKS] = at
        s[TRIM_mN_q10 + side] = trim

    # 18. The sample, in the order of the wire's SAMPLE.
    s[LIMITS] = limits
    at = s[RING_AT]
    ring[at] = position_um & 0xFFFF
    ring[at + 1] = (position_um >> 16) & 0xFFFF
    ring[at + 2] = velocity & 0xFFFF
    # x * 5243 >> 19 is x / 100, to 0.003 %.
    ring[at + 3] = (((s[TOW_mN] + 50) >> 3) * 5243 >> 16) & 0xFFFF
    ring[at + 4] = (((level + 50) >> 3) * 5243 >> 16) & 0xFFFF
    ring[at + 5] = (((brake + 50) >> 3) * 5243 >> 16) & 0xFFFF
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
