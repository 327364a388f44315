"""The Raspberry Pi Pico: pins, converters, encoder, brake output, clock of the tick, USB.

The only firmware file that names registers (RP2040 datasheet: 2.3 SIO, 3 PIO, 4.5 PWM, 4.6 timer,
4.7 watchdog, 4.9 ADC). The tick runs in a PIO state machine's hard interrupt, which garbage collection
cannot delay.
"""

# ruff: noqa: F821 - PIO instructions and viper's pointers are names of the compilers
import select
import sys
import time
from array import array

import machine
import micropython
import rp2
from machine import ADC, PWM, Pin
from micropython import const

from . import health, layout, slots
from .tick import (
    CELL_RAW,
    COUNTS,
    DUTY,
    DUTY_MAX,
    ENABLE,
    FEED_WATCHDOG,
    SAMPLE_INDEX,
    SWITCHES,
    BUS_mV,
    LATE_us,
    TEMPERATURE_cC,
    tick,
)

if "RP2040" not in sys.implementation._machine:
    # The same addresses hold other registers elsewhere: on an RP2350 the PWM's are those of a PLL.
    raise RuntimeError(
        "this firmware is for the RP2040 of a Raspberry Pi Pico, and this board is: "
        + sys.implementation._machine
    )

_ENCODER_PIN = const(2)  # A, with B on the next pin
_BRAKE_PIN = const(6)  # PWM slice 3, channel A
_ENABLE_PIN = const(7)
_FAULT_PIN = const(8)  # driver fault: low
_ESTOP_PIN = const(9)  # pressed or cable cut: high
_UP_PIN = const(10)  # buttons close to ground
_DOWN_PIN = const(11)
_LED_PIN = const(12)  # the lowest of eight, on pins in a row
_LEDS = const(8)
_CELL_PIN = const(26)
_BUS_PIN = const(27)
_NTC_PIN = const(28)

_BUS_FULL_SCALE_mV = const(72_600)  # 3.3 V behind a 22:1 divider
# 12-bit readings of a 10 kOhm NTC (B = 3950 K) to ground under 10 kOhm, at -20, -10, ... 130 degrees C.
_NTC_READINGS = (3741, 3496, 3157, 2739, 2278, 1825, 1419, 1082, 816, 613, 462, 350, 267, 206, 160, 126)
# MicroPython waits half a second for room in the USB queue, and tells beforehand only whether a byte has
# room. The queue is 256 bytes and leaves in packets of 64: where all that comes is 64 as well, room for one
# byte is room for 64, and nothing ever waits. See device/README.md.
_USB_BLOCK_BYTES = const(64)
# Fed by the tick alone, while the main loop proves alive or the load is still coming down.
_WATCHDOG_ms = const(200)
_WATCHDOG_CTRL = const(0x40058000)  # 0x2000 beyond sets bits, 0x3000 clears them
_WATCHDOG_ENABLE = 1 << 30
_WATCHDOG_REASON = const(0x40058008)
_FAILED = const(0x4005800C)  # where main.py counts its starts

# The tick's words, as literals: viper looks a name up, at an unknown price, but folds a const.
_COUNTS = const(0)
_CELL_RAW = const(1)
_SWITCHES = const(32)
_LATE_us = const(2)
_DUTY = const(34)
_ENABLE = const(35)
_FEED_WATCHDOG = const(36)
_BUS_mV = const(33)
assert (_COUNTS, _CELL_RAW, _SWITCHES, _LATE_us) == (COUNTS, CELL_RAW, SWITCHES, LATE_us)
assert (_DUTY, _ENABLE, _FEED_WATCHDOG, _BUS_mV) == (DUTY, ENABLE, FEED_WATCHDOG, BUS_mV)

# The board's own words.
_NTC_RAW = const(0)
_TICK_us = const(1)
_NTC_AT = const(2)  # ticks, of which every eighth reads the temperature
_STEPS = const(3)  # last word of the encoder program


@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def _encoder():
    # Counts edges up in X and down in Y, both downwards from zero, and offers the low halves of both
    # as one word. The first 16 instructions are a jump table, so they must lie at address 0: entry
    # 4 * (last A, B) + (A, B) with pin A the lower bit. A counter at zero would fall through to the
    # next entry; they start at 2**32 - 1, which is 16 000 km away.
    jmp("sample")  # 00 -> 00
    jmp(x_dec, "sample")  # 00 -> A
    jmp(y_dec, "sample")  # 00 -> B
    jmp("sample")
    jmp(y_dec, "sample")  # A -> 00
    jmp("sample")
    jmp("sample")
    jmp(x_dec, "sample")  # A -> AB
    jmp(x_dec, "sample")  # B -> 00
    jmp("sample")
    jmp("sample")
    jmp(y_dec, "sample")  # B -> AB
    jmp("sample")
    jmp(y_dec, "sample")  # AB -> A
    jmp(x_dec, "sample")  # AB -> B
    wrap_target()
    label("sample")
    in_(x, 16)
    in_(y, 16)
    push(noblock)
    out(isr, 2)
    in_(pins, 2)
    mov(osr, isr)
    mov(pc, isr)
    wrap()
    # The memory is given out from the top: fill it, so that the table starts at 0.
    nop()
    nop()
    nop()
    nop()
    nop()
    nop()
    nop()
    nop()
    nop()
    nop()


@rp2.asm_pio()
def _metronome():
    irq(rel(0))[31]  # 32 cycles


@micropython.viper
def _read_inputs(s: ptr32, own: ptr32):
    """Encoder, load cell, one of the slow channels, switches and lateness into the tick's words."""
    now = ptr32(0x40054000)[10]
    late = now - own[_TICK_us] - 1000
    own[_TICK_us] = now
    if late < 0 or late > 1_000_000:  # more is the first tick
        late = 0
    s[_LATE_us] = late

    # Four words may have waited for long; the fifth is fresh. Bounded, should the program ever stop.
    pio = ptr32(0x50200000)
    steps = own[_STEPS]
    fresh = 0
    patience = 0
    while fresh < 5 and patience < 500:
        if pio[1] & 0x100:
            patience += 1
        else:
            steps = pio[8]
            fresh += 1
    last = own[_STEPS]
    own[_STEPS] = steps
    up = ((last >> 16) - (steps >> 16)) & 0xFFFF
    down = (last - steps) & 0xFFFF
    s[_COUNTS] = ((s[_COUNTS] + up - down) << 2) >> 2  # wraps at +-2**29

    adc = ptr32(0x4004C000)
    total = 0
    n = 0
    while n < 4:
        adc[0] = 0x0005  # on, start one, channel 0
        while (adc[0] & 0x100) == 0:
            pass
        total += adc[1]
        n += 1
    s[_CELL_RAW] = total << 2
    adc[0] = 0x1005  # the bus: it can rise by a volt in a tick
    while (adc[0] & 0x100) == 0:
        pass
    s[_BUS_mV] = adc[1] * _BUS_FULL_SCALE_mV >> 12
    n = own[_NTC_AT]
    own[_NTC_AT] = (n + 1) & 7
    if n == 0:
        adc[0] = 0x2005
        while (adc[0] & 0x100) == 0:
            pass
        own[_NTC_RAW] = adc[1]

    pins = ptr32(0xD0000000)[1] >> _FAULT_PIN
    # fault (low), e-stop (high), up and down (low) to bits 1, 0, 2, 3
    s[_SWITCHES] = ((pins >> 1) & 1) | (((pins & 1) ^ 1) << 1) | ((pins & 12) ^ 12)


@micropython.viper
def _write_outputs(s: ptr32):
    """The command first, then ENABLE: never enabled with an old command. And the watchdog is fed."""
    ptr32(0x40050000)[18] = s[_DUTY]
    if s[_ENABLE]:
        ptr32(0xD0000000)[5] = 0x80
    else:
        ptr32(0xD0000000)[6] = 0x80
    if s[_FEED_WATCHDOG]:
        ptr32(0x40058000)[1] = 2 * 1000 * _WATCHDOG_ms  # counts twice a microsecond: erratum E1


@micropython.native
def _read_waiting(is_waiting, read, byte, buf):
    """Bytes that wait into `buf`; how many. One by one: a read of several waits for the last of them."""
    n = 0
    end = len(buf)
    while n < end:
        for _ in is_waiting(0):
            read(byte)
            buf[n] = byte[0]
            n += 1
            break
        else:
            break
    return n


@micropython.viper
def _fill(block: ptr8, buf: ptr8, start: int, count: int):
    """`count` bytes of `buf` from `start` on, and zeros up to a whole block: to a reader, empty frames."""
    n = 0
    while n < count:
        block[n] = buf[start + n]
        n += 1
    while n < _USB_BLOCK_BYTES:
        block[n] = 0
        n += 1


class Board:
    """The interface that `App` needs, on a Pico."""

    flags = 0
    build_id = bytes(4)
    load_slot = staticmethod(slots.load)

    def __init__(self):
        self._enable = Pin(_ENABLE_PIN, Pin.OUT, value=0)
        self._leds = tuple([Pin(_LED_PIN + n, Pin.OUT, value=0) for n in range(_LEDS)])
        self._brake = PWM(Pin(_BRAKE_PIN))
        self._brake.freq(machine.freq() // (DUTY_MAX + 1))
        self._brake.duty_u16(0)
        for pin in (_FAULT_PIN, _ESTOP_PIN, _UP_PIN, _DOWN_PIN):
            Pin(pin, Pin.IN, Pin.PULL_UP)
        for pin in (_CELL_PIN, _BUS_PIN, _NTC_PIN):
            ADC(Pin(pin))
        self.unique_id = machine.unique_id()
        self.boot_id = (rp2_random() << 8) | rp2_random()
        # `machine.reset_cause` does not tell a watchdog that ran out (bit 0) from `machine.reset` (bit 1).
        reason = machine.mem32[_WATCHDOG_REASON]
        self.reset_cause = layout.RESET_POWER_ON
        if reason & 2:
            self.reset_cause = layout.RESET_REBOOT
        elif reason & 1:
            self.reset_cause = layout.RESET_WATCHDOG
        self._own = array("i", bytearray(4 * 4))
        self._s = None
        reads = select.poll()
        reads.register(sys.stdin, select.POLLIN)
        writes = select.poll()
        writes.register(sys.stdout, select.POLLOUT)
        # Bound once: looking them up takes longer than reading a byte.
        self._is_waiting = reads.ipoll
        self._has_room = writes.ipoll
        self._usb_read = sys.stdin.buffer.readinto
        self._usb_write = sys.stdout.buffer.write
        self._byte = bytearray(1)
        self._block = bytearray(_USB_BLOCK_BYTES)

    def start(self, s, ring):
        """Count the encoder and run the tick 1000 times a second."""
        self._s = s
        own = self._own
        pin = Pin(_ENCODER_PIN, Pin.IN, Pin.PULL_UP)
        Pin(_ENCODER_PIN + 1, Pin.IN, Pin.PULL_UP)
        encoder = rp2.StateMachine(0, _encoder, freq=25_000_000, in_base=pin)
        encoder.exec("mov(x, invert(null))")
        encoder.exec("mov(y, invert(null))")
        own[_STEPS] = -1
        encoder.active(1)
        self._encoder = encoder

        # Everything is an argument: looking up a global can take 100 us in a hard interrupt, and a closure
        # over so many names would allocate.
        def handler(_machine, s=s, own=own, ring=ring, inputs=_read_inputs, tick=tick, put=_write_outputs):
            inputs(s, own)
            tick(s, ring)
            put(s)

        self._metronome = rp2.StateMachine(4, _metronome, freq=32_000)
        self._metronome.irq(handler, hard=True)
        self._metronome.active(1)
        machine.WDT(timeout=_WATCHDOG_ms)

    def readinto(self, buf):
        """Bytes from USB into `buf`, as many as wait; 0 if none. Converts the slow readings on the way."""
        self._convert_slow()
        return _read_waiting(self._is_waiting, self._usb_read, self._byte, buf)

    def write(self, buf, start, end):
        """Offer `buf[start:end]` to USB; returns how many bytes it took, 0 while nobody reads. Never waits.

        What ends before a block does is followed by zeros, so `end` must be the end of a frame.
        """
        for _ in self._has_room(0):
            count = min(end - start, _USB_BLOCK_BYTES)
            _fill(self._block, buf, start, count)
            return count if self._usb_write(self._block) else 0
        return 0

    def show(self, bits):
        """Light the LEDs whose bits are set, the lowest first."""
        for n in range(_LEDS):
            self._leds[n].value(bits >> n & 1)

    def since_tick_us(self):
        """Time since the last tick began."""
        return (machine.mem32[0x40054028] - self._own[_TICK_us]) & 0xFFFFF

    def save_slot(self, number, buffer, length):
        """Write one of the slots of the settings. Raises OSError if it cannot."""
        self._write(slots.save, number, buffer, length)

    def confirm(self):
        """This firmware runs well; on trial, its slot is from now on the good one. Raises OSError."""
        machine.mem32[_FAILED] = 0
        if self.flags & 1 << layout.DEVICE_ON_TRIAL:
            self._write(health.make_good, "ab"[self.flags >> layout.DEVICE_SLOT_B & 1])

    def _write(self, write, *arguments):
        """Erasing flash stops every interrupt for up to 400 ms, so the watchdog waits; the brake is off."""
        machine.mem32[_WATCHDOG_CTRL + 0x3000] = _WATCHDOG_ENABLE
        try:
            write(*arguments)
        finally:
            machine.mem32[_WATCHDOG_CTRL + 4] = 2 * 1000 * _WATCHDOG_ms
            machine.mem32[_WATCHDOG_CTRL + 0x2000] = _WATCHDOG_ENABLE

    def uptime_ms(self):
        """Time since power-on, by a clock that does not need the tick; wraps at 2**20."""
        return time.ticks_diff(time.ticks_ms(), 0) & 0xFFFFF

    def release(self):
        """Brake off, for a tick that has stopped. The watchdog, which only the tick feeds, then resets."""
        self._enable.value(0)
        self._brake.duty_u16(0)

    def enter_repl(self):
        """Stop the brake and hand USB back to MicroPython's prompt."""
        self._halt()
        micropython.kbd_intr(3)

    def reboot(self):
        """Stop the brake and reset the chip."""
        self._halt()
        machine.reset()

    def _halt(self):
        self._metronome.active(0)
        self.release()
        machine.mem32[_WATCHDOG_CTRL + 0x3000] = _WATCHDOG_ENABLE
        self.show(0)
        machine.mem32[_FAILED] = 0  # left because somebody asked for it

    def _convert_slow(self):
        if self._s[SAMPLE_INDEX] < 2:
            return  # not read yet
        own = self._own
        self._s[TEMPERATURE_cC] = temperature_cC(own[_NTC_RAW])


def temperature_cC(reading):
    """Temperature of the NTC for a 12-bit reading, by straight lines between the table's points."""
    at = 1
    while at < len(_NTC_READINGS) - 1 and reading < _NTC_READINGS[at]:
        at += 1
    high = _NTC_READINGS[at - 1]
    low = _NTC_READINGS[at]
    return (at - 1) * 1000 - 2000 + (high - reading) * 1000 // (high - low)


def rp2_random():
    """Eight bits from the ring oscillator, to tell one boot from the next."""
    bits = 0
    for _ in range(8):
        bits = (bits << 1) | (machine.mem32[0x4006001C] & 1)
    return bits
