"""The main loop: modes, commands and telemetry around the tick. Never blocks, never prints.

Everything the tick shares with it is a word of the state block `s`; each word has one writer.
"""

from array import array

from . import codec, guard, layout, modes, settings, tick
from .commands import Commands
from .health import Health
from .link import Link
from .panel import Panel
from .storage import Storage
from .telemetry import Telemetry

# The tick counts the main loop as stalled after this time; a garbage collection takes up to 30 ms.
_MAIN_LIMIT_ticks = 100
# And the main loop the tick after this one, on the board's own clock.
_TICK_LIMIT_ms = 10
_UPTIME_MASK = 0xFFFFF
_BUS_WATCHED_mW = 20_000  # of braking; less does not move the bus's voltage enough to see
_MOVES_mm_per_s_q10 = 30 << 10
_STANDS_ticks = 500
# Of what comes in: the chip takes 20 ms for so many bytes, be they one frame or many.
_FRAMES_A_PASS = 8
_BYTES_A_PASS = 256
_GOODBYE_ms = 100  # for the last answer to leave, if anybody reads
# Sample numbers are good for 12 days. After 6 a sled that nobody uses starts anew, with a new boot id.
_INDEX_AGED = 1 << 29


class App:
    """The firmware around one board. `poll()` is one pass of the main loop, `run()` all of them."""

    LEAVE_REPL = 1
    LEAVE_REBOOT = 2

    def __init__(self, board):
        self.board = board
        # Large blocks first, while the heap is in one piece.
        self.ring = array("H", bytearray(2 * tick.SAMPLE_WORDS * tick.RING_SAMPLES))
        self.s = array("i", bytearray(4 * tick.STATE_WORDS))
        self.mode = layout.MODE_IDLE
        self.load_limits = 0  # what limited the load when it was set
        self.lease_ms = 0
        self.last_load = array("i", bytearray(8 * tick.LOAD_WORDS))  # held last, over resets; or zeros
        self.link = Link(board)
        self.telemetry = Telemetry(self)
        self.commands = Commands(self)
        self.storage = Storage(self)
        self.panel = Panel(self)
        self.health = Health(self)
        self._leaving = 0
        self._leaving_ms = 0  # when it was asked for
        self._reported = 0  # faults already sent to the host
        self._since_ticks = array("i", [-1] * len(guard.LASTING))
        self._bus_mV = 0
        self._tick_index = -1
        self._tick_ms = 0
        s = self.s
        settings.take_defaults(s)
        self.storage.load()
        settings.derive(s)
        s[tick.FOLD_BUS_q10] = s[tick.FOLD_HOT_q10] = s[tick.HOT_ALLOWED_q10] = 1024
        s[tick.DROP_MASK] = layout.FAULT_DROP_MASK
        s[tick.RAMP_MASK] = layout.FAULT_RAMP_MASK
        s[tick.DIRECTION] = s[tick.HEADING] = 1
        s[tick.CELL_RAW] = s[tick.CELL_ZERO_RAW]
        s[tick.BUS_mV] = s[tick.BUS_LOW_mV]
        if board.reset_cause == layout.RESET_WATCHDOG:
            s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_WATCHDOG_RESET
        board.start(s, self.ring)

    def run(self):
        """Run until a command leaves the firmware."""
        while not self.is_over():
            self.poll()
        if self._leaving == self.LEAVE_REBOOT:
            self.board.reboot()
        else:
            self.board.enter_repl()

    def poll(self):
        """One pass: proves life to the tick, answers what has come in, sends what is due."""
        self.s[tick.MAIN_LEFT_ticks] = _MAIN_LIMIT_ticks
        self._watch_tick()
        self._update_mode()
        if self._leaving:
            self.link.flush()
            return
        self.panel.poll()
        # A flood must not keep the loop from its other work. Read even when no answer has room: a STOP
        # must work on a host that does not read, and whoever misses an answer asks again.
        self.link.allowance = _BYTES_A_PASS
        for _ in range(_FRAMES_A_PASS):
            length = self.link.receive()
            if not length or self._leaving:
                break
            self.commands.handle(length)
        self._report_faults()
        self.telemetry.poll()
        self.link.flush()
        self.storage.poll()
        self.health.poll()

    def faults(self):
        """Bits of all faults now latched; those of the tick count as gone once it is told to forget."""
        s = self.s
        if s[tick.FAULTS_CLEAR]:
            return s[tick.FAULTS_MAIN]
        return s[tick.FAULTS] | s[tick.FAULTS_MAIN]

    def trigger(self, trigger):
        """Follow the mode table; the tick learns at once what it may do."""
        self.mode = modes.next_mode(self.mode, trigger)
        self.s[tick.MODE] = self.mode
        self.s[tick.PERMIT] = modes.PERMITS[self.mode]

    def arm(self):
        """Arm from IDLE, with no load; armed already, nothing changes. Returns the result code."""
        if not modes.is_armed(self.mode):
            self.look_for_faults()
        if self.mode == layout.MODE_FAULT:
            return layout.RESULT_FAULTED
        if self.mode == layout.MODE_RAMPING_DOWN or self.is_releasing():
            return layout.RESULT_RAMPING_DOWN
        if modes.is_armed(self.mode):
            return layout.RESULT_OK
        if self.panel.is_stop():
            return layout.RESULT_BUTTON_HELD
        s = self.s
        s[tick.LOAD_PENDING] = 0
        for at in range(2 * tick.LOAD_WORDS):
            s[tick.NEXT_PULL + at] = 0
        # Felt as its own mass, the sled needs no brake.
        s[tick.NEXT_PULL + 1] = s[tick.NEXT_PUSH + 1] = s[tick.BARE_MASS_g]
        s[tick.TRIM_mN_q10] = s[tick.TRIM_mN_q10 + 1] = 0
        s[tick.LEASED] = 0
        s[tick.LEASE_LEFT_ticks] = 0
        s[tick.STILL_TICKS] = 0
        s[tick.RAMP_DONE] = 0
        s[tick.LOAD_PENDING] = 1
        self.load_limits = 0
        self._forget_faults()
        self.trigger(modes.ARM)
        return layout.RESULT_OK

    def is_releasing(self):
        """Whether the tick has not yet seen that the brake is to be off."""
        return self.mode == layout.MODE_IDLE and (self.s[tick.ENABLE] or self.s[tick.BRAKE_mN])

    def load_refusal(self):
        """Result code: why no load may be set at this moment, or RESULT_OK."""
        self.look_for_faults()
        if self.mode == layout.MODE_FAULT:
            return layout.RESULT_FAULTED
        if self.mode == layout.MODE_RAMPING_DOWN:
            return layout.RESULT_RAMPING_DOWN
        if self.mode == layout.MODE_IDLE:
            return layout.RESULT_NOT_ARMED
        return layout.RESULT_OK

    def clamp_load(self, load):
        """Bring a load, twelve words for pull and push, to what the sled can render; the limits' bits."""
        return self._clamp_side(load, 0) | self._clamp_side(load, tick.LOAD_WORDS)

    def _clamp_side(self, load, at):
        s = self.s
        return guard.clamp_load(load, at, s[tick.FORCE_MAX_mN], s[tick.ROLLING_mN], s[tick.BARE_MASS_g])

    def take_load(self, load, hold, lease_ms, limits):
        """Hand a checked load, twelve words for pull and push, to the tick, held or leased."""
        s = self.s
        s[tick.LOAD_PENDING] = 0  # the tick may come between any two of these lines
        for at in range(2 * tick.LOAD_WORDS):
            s[tick.NEXT_PULL + at] = load[at]
        self.load_limits = limits
        self.lease_ms = lease_ms
        # In this order: the tick must never see a lease without time left.
        s[tick.LEASED] = 0
        s[tick.LEASE_LEFT_ticks] = lease_ms
        s[tick.LEASED] = hold
        s[tick.STILL_TICKS] = 0
        s[tick.LOAD_PENDING] = 1
        if hold == layout.HOLD_HELD:
            for at in range(2 * tick.LOAD_WORDS):
                self.last_load[at] = load[at]
            self.storage.is_load_new = True

    def change_leased_load(self, load, limits):
        """A checked load in place of a leased one, whose lease runs on as it did."""
        s = self.s
        s[tick.LOAD_PENDING] = 0
        for at in range(2 * tick.LOAD_WORDS):
            s[tick.NEXT_PULL + at] = load[at]
        self.load_limits = limits
        s[tick.LOAD_PENDING] = 1

    def clear_faults(self):
        """Leave FAULT if the causes have gone; returns the result code."""
        if self.mode == layout.MODE_RAMPING_DOWN:
            return layout.RESULT_RAMPING_DOWN
        if self.mode == layout.MODE_IDLE:
            self._forget_faults()  # warnings
        if self.mode != layout.MODE_FAULT:
            return layout.RESULT_OK
        if self._causes():
            return layout.RESULT_STILL_PRESENT
        self._forget_faults()
        self.trigger(modes.CLEAR)
        return layout.RESULT_OK

    def report_faults_again(self):
        """Tell a new host of what is latched."""
        self._reported = 0

    def leave(self, how):
        """Leave the firmware once the answers queued have left, or nobody takes them."""
        if not self._leaving:
            self._leaving = how
            self._leaving_ms = self.board.uptime_ms()

    @property
    def leaving(self):
        """LEAVE_REPL or LEAVE_REBOOT once asked for, else 0."""
        return self._leaving

    def is_over(self):
        """Whether `run()` is to end."""
        if not self._leaving:
            return False
        waited_ms = (self.board.uptime_ms() - self._leaving_ms) & _UPTIME_MASK
        return self.link.is_quiet() or waited_ms > _GOODBYE_ms

    def look_for_faults(self):
        """Raise the trigger of whatever fault is latched, and latch the slow ones."""
        s = self.s
        s[tick.FAULTS_MAIN] |= guard.lasting(self._slow_faults(), s[tick.SAMPLE_INDEX], self._since_ticks)
        faults = self.faults()
        if faults & layout.FAULT_DROP_MASK:
            self.trigger(modes.DROP_FAULT)
        elif faults & layout.FAULT_RAMP_MASK:
            self.trigger(modes.RAMP_FAULT)
        elif faults & (1 << layout.FAULT_LEASE_LAPSED):
            self.trigger(modes.LAPSE)

    def _watch_tick(self):
        """Release the brake if the tick has stopped: MicroPython silences a handler that raised."""
        s = self.s
        now_ms = self.board.uptime_ms()
        if s[tick.SAMPLE_INDEX] != self._tick_index:
            self._tick_index = s[tick.SAMPLE_INDEX]
            self._tick_ms = now_ms
        elif (now_ms - self._tick_ms) & _UPTIME_MASK > _TICK_LIMIT_ms:
            self.board.release()
            s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_TICK_STALLED

    def _update_mode(self):
        s = self.s
        self.look_for_faults()
        s[tick.HOT_ALLOWED_q10] = guard.hot_fold_q10(
            s[tick.TEMPERATURE_cC], s[tick.HOT_FOLD_cC], s[tick.TOO_HOT_cC], s[tick.HOT_ALLOWED_q10]
        )
        if s[tick.SAMPLE_INDEX] > _INDEX_AGED and not modes.is_armed(self.mode):
            self.leave(self.LEAVE_REBOOT)
        if self.mode == layout.MODE_RAMPING_DOWN:
            if s[tick.RAMP_DONE]:
                self.trigger(modes.RAMPED)
        elif modes.is_armed(self.mode):
            velocity = s[tick.VELOCITY_mm_per_s_q10]
            if velocity > _MOVES_mm_per_s_q10 or velocity < -_MOVES_mm_per_s_q10:
                self.trigger(modes.MOVE)
            elif s[tick.STILL_TICKS] > _STANDS_ticks:
                self.trigger(modes.STAND)
                if s[tick.STILL_TICKS] > s[tick.HOLD_s] * tick.TICKS_PER_s and not s[tick.LEASED]:
                    self.trigger(modes.REST)

    def _slow_faults(self):
        s = self.s
        bus_mV = s[tick.BUS_mV]
        faults = guard.slow_faults(
            bus_mV,
            s[tick.BUS_LOW_mV],
            s[tick.BUS_HIGH_mV],
            s[tick.FOLD_BUS_q10],
            s[tick.TEMPERATURE_cC],
            s[tick.TOO_HOT_cC],
        )
        # While the brake feeds the bus, its voltage never stands still.
        power_mW = (s[tick.BRAKE_mN] >> 10) * (s[tick.VELOCITY_mm_per_s_q10] >> 10)
        if bus_mV == self._bus_mV and not -_BUS_WATCHED_mW < power_mW < _BUS_WATCHED_mW:
            faults |= 1 << layout.FAULT_BUS_SENSOR
        self._bus_mV = bus_mV
        return faults

    def _causes(self):
        """Bits of the faults whose cause can be seen at this moment."""
        s = self.s
        causes = self._slow_faults()
        if s[tick.SWITCHES] & 1:
            causes |= 1 << layout.FAULT_ESTOP
        if s[tick.SWITCHES] & 2:
            causes |= 1 << layout.FAULT_DRIVER
        if (self.board.uptime_ms() - self._tick_ms) & _UPTIME_MASK > _TICK_LIMIT_ms:
            causes |= 1 << layout.FAULT_TICK_STALLED
        if s[tick.RAILED_TICKS]:
            causes |= 1 << layout.FAULT_CELL_RAILED
        if s[tick.SILENT_TICKS]:
            causes |= 1 << layout.FAULT_ENCODER_SILENT
        velocity = s[tick.VELOCITY_mm_per_s_q10] >> 10
        if velocity > s[tick.OVERSPEED_mm_per_s] or velocity < -s[tick.OVERSPEED_mm_per_s]:
            causes |= 1 << layout.FAULT_OVERSPEED
        return causes

    def _forget_faults(self):
        self.s[tick.FAULTS_MAIN] = 0
        self.s[tick.FAULTS_CLEAR] = 1
        self._reported = 0

    def _report_faults(self):
        """Tell the host of each newly latched fault, once."""
        fresh = self.faults() & ~self._reported
        if not fresh or not self.link.has_room():
            return
        number = 0
        while not fresh >> number & 1:
            number += 1
        out = self.link.out
        out[0] = layout.KIND_FAULT
        out[1] = 0
        codec.put_i32(out, layout.OFF_FAULT_SAMPLE_INDEX, self.s[tick.SAMPLE_INDEX])
        out[layout.OFF_FAULT_FAULT] = number
        out[layout.OFF_FAULT_MODE] = self.mode
        codec.put_i32(out, layout.OFF_FAULT_FAULTS, self.faults())
        if self.link.send(layout.HEADER_BYTES + layout.SIZE_FAULT):
            self._reported |= 1 << number
