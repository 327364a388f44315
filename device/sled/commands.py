"""What each message from the host does, and its answer.

One function for each kind, in a table; all are absolute, so a repeat does no harm, and a repeated
command id is answered from memory. Nothing is changed by a message that is refused.
"""

from array import array

from . import VERSION, codec, layout, modes, settings, tick

_LEASE_MIN_ms = 100
_LEASE_MAX_ms = 10_000
_COMMAND_ID_AT = layout.HEADER_BYTES
# A host repeats a command until it has the answer, and the line may hold bytes back: a repeat may come when
# others have been answered since. Of all else a repeat wants the answer of now; STOP acts each time.
_CHANGING = (
    layout.KIND_ARM,
    layout.KIND_SET_LOAD,
    layout.KIND_CLEAR_FAULT,
    layout.KIND_SET_SETTING,
    layout.KIND_SAVE_SETTINGS,
    layout.KIND_STREAM,
    layout.KIND_ENTER_REPL,
    layout.KIND_REBOOT,
)
_BUILD_ID_MINOR = 2  # hosts from this version on know of `build_id`
_ANSWERS = 8
_ANSWER_BYTES = layout.HEADER_BYTES + layout.SIZE_LOAD_REPLY  # the longest to be remembered
# Ids come round again after some hours; no repeat is so late.
_REMEMBERED_ticks = 60 * tick.TICKS_PER_s


class Commands:
    """Answers frames for one App: reads `link.frame`, writes `link.out`."""

    def __init__(self, app):
        self.app = app
        # kind: size of the body, and what to do
        self._table = {
            layout.KIND_HELLO: (layout.SIZE_HELLO, self._hello),
            layout.KIND_STOP: (layout.SIZE_STOP, self._stop),
            layout.KIND_ARM: (layout.SIZE_ARM, self._arm),
            layout.KIND_SET_LOAD: (layout.SIZE_SET_LOAD, self._set_load),
            layout.KIND_HEARTBEAT: (layout.SIZE_HEARTBEAT, self._heartbeat),
            layout.KIND_CLEAR_FAULT: (layout.SIZE_CLEAR_FAULT, self._clear_fault),
            layout.KIND_GET_STATUS: (layout.SIZE_GET_STATUS, self._status),
            layout.KIND_GET_SETTING: (layout.SIZE_GET_SETTING, self._get_setting),
            layout.KIND_SET_SETTING: (layout.SIZE_SET_SETTING, self._set_setting),
            layout.KIND_SAVE_SETTINGS: (layout.SIZE_SAVE_SETTINGS, self._save_settings),
            layout.KIND_STREAM: (layout.SIZE_STREAM, self._stream),
            layout.KIND_RESEND: (layout.SIZE_RESEND, self._resend),
            layout.KIND_CLOCK_PING: (layout.SIZE_CLOCK_PING, self._clock_ping),
            layout.KIND_ENTER_REPL: (layout.SIZE_ENTER_REPL, self._enter_repl),
            layout.KIND_REBOOT: (layout.SIZE_REBOOT, self._reboot),
        }
        self._version_matches = False
        self._load = array("i", bytearray(8 * tick.LOAD_WORDS))  # a load while it is checked
        # The last answers to commands that change something, in a circle.
        self._kinds = bytearray(_ANSWERS)  # 0: none
        self._ids = array("i", bytearray(4 * _ANSWERS))
        self._at_ticks = array("i", bytearray(4 * _ANSWERS))
        self._lengths = bytearray(_ANSWERS)
        self._answers = bytearray(_ANSWERS * _ANSWER_BYTES)
        self._slot = 0

    def handle(self, length):
        """Do what the frame of `length` bytes in `link.frame` asks and queue the answer."""
        app = self.app
        frame = app.link.frame
        kind = frame[0]
        if kind & 0x80:
            return  # from a device: an echo, never to be answered
        body = length - layout.HEADER_BYTES
        if kind == layout.KIND_HELLO:
            if body >= layout.SIZE_HELLO:  # frozen; a later version may append
                # A new host numbers its commands anew: its first must not be taken for another's old one.
                # Bytes keep their order, so no repeat from before a HELLO comes after it.
                for slot in range(_ANSWERS):
                    self._kinds[slot] = 0
                app.telemetry.stream(False, 0)
                app.report_faults_again()
                if app.link.send(self._hello(frame)):
                    app.health.is_greeted = True
            return
        if body < 2:
            app.link.damaged += 1
            return
        command_id = codec.get_u16(frame, _COMMAND_ID_AT)
        if kind == layout.KIND_STOP and body >= layout.SIZE_STOP:
            app.link.send(self._stop(frame))
            return
        if kind in _CHANGING and self._answer_again(kind, command_id):
            return
        row = self._table.get(kind)
        if row is None:
            length = self._reply(command_id, layout.RESULT_UNKNOWN_KIND)
        elif not self._version_matches:
            length = self._reply(command_id, layout.RESULT_WRONG_VERSION)
        elif body != row[0]:
            length = self._reply(command_id, layout.RESULT_BAD_LENGTH)
        else:
            length = row[1](frame)
        if kind in _CHANGING:
            self._remember(kind, command_id, length)
        app.link.send(length)

    def _remember(self, kind, command_id, length):
        """Keep the answer just built for a repeat of the same command; the oldest is forgotten."""
        slot = self._slot
        self._slot = (slot + 1) % _ANSWERS
        self._kinds[slot] = kind
        self._ids[slot] = command_id
        self._at_ticks[slot] = self.app.s[tick.SAMPLE_INDEX]
        self._lengths[slot] = length
        out = self.app.link.out
        for at in range(length):
            self._answers[slot * _ANSWER_BYTES + at] = out[at]

    def _answer_again(self, kind, command_id):
        """Send the answer that this command has had already. False if it has had none."""
        app = self.app
        for slot in range(_ANSWERS):
            if self._kinds[slot] != kind or self._ids[slot] != command_id:
                continue
            if app.s[tick.SAMPLE_INDEX] - self._at_ticks[slot] > _REMEMBERED_ticks:
                continue
            for at in range(self._lengths[slot]):
                app.link.out[at] = self._answers[slot * _ANSWER_BYTES + at]
            app.link.send(self._lengths[slot])
            return True
        return False

    def _begin(self, kind):
        """Start an answer; returns its buffer."""
        out = self.app.link.out
        out[0] = kind
        out[1] = 0
        return out

    def _reply(self, command_id, result, value=0):
        out = self._begin(layout.KIND_REPLY)
        codec.put_u16(out, layout.OFF_REPLY_COMMAND_ID, command_id)
        out[layout.OFF_REPLY_RESULT] = result
        out[layout.OFF_REPLY_MODE] = self.app.mode
        codec.put_i32(out, layout.OFF_REPLY_SETTING_VALUE, value)
        return layout.HEADER_BYTES + layout.SIZE_REPLY

    def _hello(self, frame):
        app = self.app
        board = app.board
        self._version_matches = frame[layout.OFF_HELLO_PROTOCOL_MAJOR] == layout.PROTOCOL_MAJOR
        out = self._begin(layout.KIND_HELLO_REPLY)
        out[layout.OFF_HELLO_REPLY_PROTOCOL_MAJOR] = layout.PROTOCOL_MAJOR
        out[layout.OFF_HELLO_REPLY_PROTOCOL_MINOR] = layout.PROTOCOL_MINOR
        out[layout.OFF_HELLO_REPLY_FIRMWARE_MAJOR] = VERSION[0]
        out[layout.OFF_HELLO_REPLY_FIRMWARE_MINOR] = VERSION[1]
        out[layout.OFF_HELLO_REPLY_FIRMWARE_PATCH] = VERSION[2]
        out[layout.OFF_HELLO_REPLY_DEVICE_FLAGS] = board.flags
        for at in range(4):
            out[layout.OFF_HELLO_REPLY_LAYOUT_HASH + at] = layout.LAYOUT_HASH_BYTES[at]
        for at in range(layout.UNIQUE_ID_BYTES):
            out[layout.OFF_HELLO_REPLY_UNIQUE_ID + at] = board.unique_id[at]
        codec.put_u16(out, layout.OFF_HELLO_REPLY_BOOT_ID, board.boot_id)
        out[layout.OFF_HELLO_REPLY_RESET_CAUSE] = board.reset_cause
        codec.put_i32(out, layout.OFF_HELLO_REPLY_SAMPLE_PERIOD_us, 1_000_000 // tick.TICKS_PER_s)
        codec.put_u16(out, layout.OFF_HELLO_REPLY_SAMPLE_COUNT, app.telemetry.kept_samples)
        codec.put_i32(out, layout.OFF_HELLO_REPLY_FORCE_mN, app.s[tick.FORCE_MAX_mN])
        codec.put_i32(out, layout.OFF_HELLO_REPLY_MASS_g, app.s[tick.BARE_MASS_g])
        for at in range(4):
            out[layout.OFF_HELLO_REPLY_BUILD_ID + at] = board.build_id[at]
        if frame[layout.OFF_HELLO_PROTOCOL_MINOR] < _BUILD_ID_MINOR:
            return layout.OFF_HELLO_REPLY_BUILD_ID
        return layout.HEADER_BYTES + layout.SIZE_HELLO_REPLY

    def _stop(self, frame):
        """Always accepted, from any host, in any mode."""
        if frame[layout.OFF_STOP_STOP_KIND] == layout.STOP_DROP:
            self.app.trigger(modes.DROP)
        else:
            self.app.trigger(modes.STOP)
        return self._reply(codec.get_u16(frame, layout.OFF_STOP_COMMAND_ID), layout.RESULT_OK)

    def _arm(self, frame):
        return self._reply(codec.get_u16(frame, layout.OFF_ARM_COMMAND_ID), self.app.arm())

    def _set_load(self, frame):
        app = self.app
        hold = frame[layout.OFF_SET_LOAD_HOLD]
        lease_ms = codec.get_u16(frame, layout.OFF_SET_LOAD_LEASE_ms)
        result = app.load_refusal()
        if result == layout.RESULT_OK and (
            hold > layout.HOLD_LEASED or (hold == layout.HOLD_LEASED and not _is_lease(lease_ms))
        ):
            result = layout.RESULT_BAD_VALUE
        for at in range(2 * tick.LOAD_WORDS):
            value = codec.get_i32(frame, layout.OFF_SET_LOAD_PULL + 4 * at)
            self._load[at] = value
            if value < 0 or value > layout.LOAD_MAXIMA[at % tick.LOAD_WORDS]:
                result = layout.RESULT_BAD_VALUE
        if result == layout.RESULT_OK:
            limits = app.clamp_load(self._load)
            if limits:
                result = layout.RESULT_LIMITED
            app.take_load(self._load, hold, lease_ms, limits)
        out = self._begin(layout.KIND_LOAD_REPLY)
        codec.put_u16(
            out, layout.OFF_LOAD_REPLY_COMMAND_ID, codec.get_u16(frame, layout.OFF_SET_LOAD_COMMAND_ID)
        )
        out[layout.OFF_LOAD_REPLY_RESULT] = result
        out[layout.OFF_LOAD_REPLY_MODE] = app.mode
        codec.put_u16(out, layout.OFF_LOAD_REPLY_LIMITS, app.load_limits)
        self._put_loads(out, layout.OFF_LOAD_REPLY_PULL)
        return layout.HEADER_BYTES + layout.SIZE_LOAD_REPLY

    def _put_loads(self, out, offset):
        """The load in force, or just about to be: NEXT_ holds the last one accepted."""
        for at in range(2 * tick.LOAD_WORDS):
            codec.put_i32(out, offset + 4 * at, self.app.s[tick.NEXT_PULL + at])

    def _heartbeat(self, frame):
        app = self.app
        app.look_for_faults()
        command_id = codec.get_u16(frame, layout.OFF_HEARTBEAT_COMMAND_ID)
        lease_ms = codec.get_u16(frame, layout.OFF_HEARTBEAT_LEASE_ms)
        if not app.s[tick.LEASED] or modes.PERMITS[app.mode] != tick.PERMIT_RAISE:
            return self._reply(command_id, layout.RESULT_NO_LEASE)
        if lease_ms:
            if not _is_lease(lease_ms):
                return self._reply(command_id, layout.RESULT_BAD_VALUE)
            app.lease_ms = lease_ms
        app.s[tick.LEASE_LEFT_ticks] = app.lease_ms
        return self._reply(command_id, layout.RESULT_OK)

    def _clear_fault(self, frame):
        command_id = codec.get_u16(frame, layout.OFF_CLEAR_FAULT_COMMAND_ID)
        return self._reply(command_id, self.app.clear_faults())

    def _status(self, frame):
        app = self.app
        s = app.s
        out = self._begin(layout.KIND_STATUS)
        codec.put_u16(
            out, layout.OFF_STATUS_COMMAND_ID, codec.get_u16(frame, layout.OFF_GET_STATUS_COMMAND_ID)
        )
        out[layout.OFF_STATUS_MODE] = app.mode
        out[layout.OFF_STATUS_HOLD] = s[tick.LEASED]
        codec.put_u16(out, layout.OFF_STATUS_LEASE_ms, s[tick.LEASE_LEFT_ticks] if s[tick.LEASED] else 0)
        codec.put_i32(out, layout.OFF_STATUS_FAULTS, app.faults())
        limits = s[tick.LIMITS] | app.load_limits if modes.is_armed(app.mode) else 0
        codec.put_u16(out, layout.OFF_STATUS_LIMITS, limits)
        codec.put_i32(out, layout.OFF_STATUS_SAMPLE_INDEX, s[tick.SAMPLE_INDEX])
        codec.put_u16(out, layout.OFF_STATUS_TOW_FORCE_dN, (s[tick.TOW_mN] + 50) // 100)
        codec.put_u16(out, layout.OFF_STATUS_LAW_FORCE_dN, (s[tick.LEVEL_mN] + 50) // 100)
        codec.put_u16(out, layout.OFF_STATUS_BRAKE_FORCE_dN, (s[tick.BRAKE_mN] + 50) // 100)
        codec.put_u16(out, layout.OFF_STATUS_VELOCITY_mm_per_s, (s[tick.VELOCITY_mm_per_s_q10] + 512) >> 10)
        codec.put_i32(out, layout.OFF_STATUS_POSITION_um, s[tick.POSITION_um])
        codec.put_i32(out, layout.OFF_STATUS_ODOMETER_mm, odometer_mm(s))
        codec.put_u16(out, layout.OFF_STATUS_TEMPERATURE_cC, s[tick.TEMPERATURE_cC])
        codec.put_i32(out, layout.OFF_STATUS_BUS_mV, s[tick.BUS_mV])
        if modes.is_armed(app.mode):
            self._put_loads(out, layout.OFF_STATUS_PULL)
        else:
            for at in range(layout.OFF_STATUS_PULL, layout.HEADER_BYTES + layout.SIZE_STATUS):
                out[at] = 0
        return layout.HEADER_BYTES + layout.SIZE_STATUS

    def _get_setting(self, frame):
        command_id = codec.get_u16(frame, layout.OFF_GET_SETTING_COMMAND_ID)
        number = frame[layout.OFF_GET_SETTING_SETTING]
        if number >= len(layout.SETTINGS):
            return self._reply(command_id, layout.RESULT_UNKNOWN_SETTING)
        return self._reply(command_id, layout.RESULT_OK, self.app.s[tick.SETTINGS_AT + number])

    def _set_setting(self, frame):
        app = self.app
        command_id = codec.get_u16(frame, layout.OFF_SET_SETTING_COMMAND_ID)
        number = frame[layout.OFF_SET_SETTING_SETTING]
        if number >= len(layout.SETTINGS):
            return self._reply(command_id, layout.RESULT_UNKNOWN_SETTING)
        at = tick.SETTINGS_AT + number
        if modes.is_armed(app.mode):
            return self._reply(command_id, layout.RESULT_NOT_WHILE_ARMED, app.s[at])
        _, lowest, highest = layout.SETTINGS[number]
        value = codec.get_i32(frame, layout.OFF_SET_SETTING_SETTING_VALUE)
        if value < lowest or value > highest:
            return self._reply(command_id, layout.RESULT_BAD_VALUE, app.s[at])
        app.s[at] = value
        settings.derive(app.s)
        return self._reply(command_id, layout.RESULT_OK, value)

    def _save_settings(self, frame):
        command_id = codec.get_u16(frame, layout.OFF_SAVE_SETTINGS_COMMAND_ID)
        if not self.app.storage.may_write():
            return self._reply(command_id, layout.RESULT_NOT_WHILE_ARMED)
        kept = self.app.storage.save_settings()
        return self._reply(command_id, layout.RESULT_OK if kept else layout.RESULT_NOT_SAVED)

    def _stream(self, frame):
        app = self.app
        first = app.telemetry.stream(
            frame[layout.OFF_STREAM_ENABLED] != 0, codec.get_i32(frame, layout.OFF_STREAM_SAMPLE_INDEX)
        )
        return self._reply(codec.get_u16(frame, layout.OFF_STREAM_COMMAND_ID), layout.RESULT_OK, first)

    def _resend(self, frame):
        command_id = codec.get_u16(frame, layout.OFF_RESEND_COMMAND_ID)
        first = codec.get_i32(frame, layout.OFF_RESEND_SAMPLE_INDEX)
        count = codec.get_u16(frame, layout.OFF_RESEND_SAMPLE_COUNT)
        if first < 0 or first > self.app.s[tick.SAMPLE_INDEX] - count:
            return self._reply(command_id, layout.RESULT_BAD_VALUE)
        is_kept = self.app.telemetry.resend(first, count)
        return self._reply(command_id, layout.RESULT_OK if is_kept else layout.RESULT_BUSY, first)

    def _clock_ping(self, frame):
        out = self._begin(layout.KIND_CLOCK_PONG)
        codec.put_u16(out, layout.OFF_CLOCK_PONG_PING_ID, codec.get_u16(frame, layout.OFF_CLOCK_PING_PING_ID))
        # Read the index again if a tick came between, so that the two belong together.
        index = -1
        since_us = 0
        while index != self.app.s[tick.SAMPLE_INDEX]:
            index = self.app.s[tick.SAMPLE_INDEX]
            since_us = self.app.board.since_tick_us()
        codec.put_i32(out, layout.OFF_CLOCK_PONG_SAMPLE_INDEX, index - 1)
        codec.put_i32(out, layout.OFF_CLOCK_PONG_SINCE_TICK_us, since_us)
        return layout.HEADER_BYTES + layout.SIZE_CLOCK_PONG

    def _enter_repl(self, frame):
        return self._leave(codec.get_u16(frame, layout.OFF_ENTER_REPL_COMMAND_ID), self.app.LEAVE_REPL)

    def _reboot(self, frame):
        return self._leave(codec.get_u16(frame, layout.OFF_REBOOT_COMMAND_ID), self.app.LEAVE_REBOOT)

    def _leave(self, command_id, how):
        """Answer first; the main loop leaves once the answer is on its way."""
        if modes.is_armed(self.app.mode):
            return self._reply(command_id, layout.RESULT_NOT_WHILE_ARMED)
        self.app.leave(how)
        return self._reply(command_id, layout.RESULT_OK)


def odometer_mm(s):
    """Way rolled since boot, both ways."""
    counts = s[tick.PATH_COUNTS]
    um = s[tick.um_PER_1024_COUNTS]
    return ((counts >> 10) * um + ((counts & 1023) * um >> 10)) // 1000


def _is_lease(lease_ms):
    return _LEASE_MIN_ms <= lease_ms <= _LEASE_MAX_ms
