"""The whole firmware on a board without a machine; runs on CPython, unix MicroPython and the chip.

Time passes only in `run`, and nothing of the board allocates after the start.
"""

try:
    from device.sled import codec, layout, tick
    from device.sled.app import App
except ImportError:  # MicroPython
    from sled import codec, layout, tick
    from sled.app import App

_LINE_BYTES = 8192


class Board:
    """The interface of a board; the line is a buffer that is filled from outside."""

    flags = 0
    build_id = bytes(4)
    boot_id = 7
    reset_cause = layout.RESET_POWER_ON
    unique_id = b"12345678"

    def __init__(self):
        self.bytes = bytearray(_LINE_BYTES)
        self.at = 0
        self.end = 0
        self.chunk = 64  # no more at once
        self.written = 0

    def start(self, s, ring):
        self.s = s
        self.ring = ring

    def readinto(self, buf):
        n = 0
        while n < len(buf) and n < self.chunk and self.at < self.end:
            buf[n] = self.bytes[self.at]
            n += 1
            self.at += 1
        return n

    def write(self, buf, start, end):
        self.written += end - start
        return end - start

    def show(self, bits):
        pass

    def since_tick_us(self):
        return 0

    def uptime_ms(self):
        return self.s[tick.SAMPLE_INDEX] & 0xFFFFF

    def load_slot(self, number, buffer):
        return 0

    def save_slot(self, number, buffer, length):
        pass

    def confirm(self):
        pass


class Bare:
    """A firmware on such a board, and what a host says to it."""

    def __init__(self):
        self.board = Board()
        self.app = App(self.board)
        self.s = self.board.s
        self.s[tick.BUS_mV] = 48_000
        self.speed_counts = 0  # in each tick
        self.command_id = 0
        self._frame = bytearray(layout.FRAME_BYTES_MAX)

    def ask(self, kind, size, *values, again=False):
        """Put a command on the line, with a new id if it is not said `again`.

        `values` are pairs of offset and byte; the rest is zero.
        """
        if not again:
            self.command_id = (self.command_id + 1) & 0xFFFF
        frame = self._frame
        for at in range(len(frame)):
            frame[at] = 0
        frame[0] = kind
        if kind != layout.KIND_HELLO:
            codec.put_u16(frame, layout.HEADER_BYTES, self.command_id)
        for at, value in values:
            frame[at] = value
        self.board.at = 0
        self.board.end = codec.encode(frame, layout.HEADER_BYTES + size, self.board.bytes)

    def ask_for_samples(self, first, count):
        """RESEND."""
        at = layout.OFF_RESEND_SAMPLE_INDEX
        index = (at, first & 0xFF), (at + 1, first >> 8 & 0xFF), (at + 2, first >> 16)
        self.ask(
            layout.KIND_RESEND, layout.SIZE_RESEND, *index, (layout.OFF_RESEND_SAMPLE_COUNT, count & 0xFF)
        )

    def run(self, ticks):
        """Ticks with the main loop alive."""
        s = self.s
        for _ in range(ticks):
            s[tick.COUNTS] += self.speed_counts
            s[tick.MAIN_LEFT_ticks] = 100
            # The cell shows what brake and friction take, and flutters.
            tow_mN = s[tick.BRAKE_FELT_mN] + 10_000 if self.speed_counts else 0
            s[tick.CELL_RAW] = 32_768 + tow_mN * 1000 // 30_518 + (s[tick.SAMPLE_INDEX] & 1)
            tick.tick(s, self.board.ring)

    def say(self, frame):
        """Put a whole frame, as it is on the wire, on the line, and let the main loop act on it."""
        self.board.bytes[: len(frame)] = frame
        self.board.at = 0
        self.board.end = len(frame)
        self.app.poll()

    def step(self, counts, cell_raw, switches, bus_mV, temperature_cC):
        """One tick with these readings, then a pass of the main loop; the state block between the two."""
        s = self.s
        s[tick.COUNTS] = counts
        s[tick.CELL_RAW] = cell_raw
        s[tick.SWITCHES] = switches
        s[tick.BUS_mV] = bus_mV
        s[tick.TEMPERATURE_cC] = temperature_cC
        tick.tick(s, self.board.ring)
        state = bytes(s)
        self.app.poll()
        return state

    def hello(self):
        """Answered, from now on everything may be said."""
        self.ask(
            layout.KIND_HELLO,
            layout.SIZE_HELLO,
            (layout.OFF_HELLO_PROTOCOL_MAJOR, layout.PROTOCOL_MAJOR),
        )
        self.app.poll()

    def start_moving(self):
        """From now on the sled is pulled at 1 m/s."""
        self.speed_counts = 8
        # No sled starts in one tick.
        self.s[tick.VELOCITY_mm_per_s_q10] = 8 * self.s[tick.um_PER_1024_COUNTS]
