"""Settings and the last load, kept over resets and power cuts in two slots of flash.

A save writes the slot that does not hold the newest valid record, so a power cut at any byte leaves the
old record or the new one. Flash is written only while the brake is off, and only if something changed.
"""

import struct
from binascii import crc32

try:
    from micropython import const
except ImportError:  # CPython: the simulator runs these files as they are
    from .cpython import const

from . import layout, modes, tick

_MAGIC = b"SLED"
_FORMAT = const(1)
# Magic, format, number of settings, words of the load, generation. Then come the settings, the load, the CRC.
_HEADER = "<4sBBHI"
_HEADER_BYTES = const(12)
_CRC_BYTES = const(4)
_LOAD_WORDS = 2 * tick.LOAD_WORDS
# As many as any firmware of this format can write.
_RECORD_BYTES_MAX = _HEADER_BYTES + 4 * (255 + _LOAD_WORDS) + _CRC_BYTES
_IDLE_ticks = 2000
_STANDS_ticks = 500


def pack(generation, settings, load):
    """The bytes of a record: values of the settings in number order, and twelve words of a load or ()."""
    record = struct.pack(_HEADER, _MAGIC, _FORMAT, len(settings), len(load), generation)
    record += struct.pack("<%di" % (len(settings) + len(load)), *(settings + load))
    return record + struct.pack("<I", crc32(record))


def unpack(record):
    """Generation, settings and load (tuples) of a record's bytes, or None where they are not a whole one."""
    end = len(record) - _CRC_BYTES
    if end < _HEADER_BYTES:
        return None
    magic, form, setting_count, load_words, generation = struct.unpack_from(_HEADER, record)
    words = setting_count + load_words
    if magic != _MAGIC or form != _FORMAT or end != _HEADER_BYTES + 4 * words:
        return None
    if struct.unpack_from("<I", record, end)[0] != crc32(record[:end]):
        return None
    values = struct.unpack_from("<%di" % words, record, _HEADER_BYTES)
    return generation, values[:setting_count], values[setting_count:]


class Storage:
    """Keeps what is stored for one App. The settings in force may differ until they are saved."""

    def __init__(self, app):
        self.app = app
        self.is_load_new = False  # whether the last load has changed since it was stored
        self.is_damaged = False  # whether there was a record that nobody could read, and none since
        self._generation = 0
        self._slot = 1  # holds the newest record; the other one is written next
        self._idle_from = 0  # sample
        self._settings = ()  # as stored: of another firmware there may be fewer, or more
        self._load = ()

    def load(self):
        """Bring the newest valid record into force, or leave the defaults; latches SETTINGS_DAMAGED."""
        app = self.app
        buffer = bytearray(_RECORD_BYTES_MAX)
        found = False
        for number in (0, 1):
            try:
                length = app.board.load_slot(number, buffer)
            except OSError:
                length = -1
            found = found or length != 0
            record = unpack(bytes(memoryview(buffer)[:length])) if length > 0 else None
            if record is not None and record[0] > self._generation:
                self._generation, self._settings, self._load = record
                self._slot = number
        if found and not self._generation:
            self.is_damaged = True
            app.s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_SETTINGS_DAMAGED
        for number in range(min(len(self._settings), len(layout.SETTINGS))):
            _, lowest, highest = layout.SETTINGS[number]
            if lowest <= self._settings[number] <= highest:
                app.s[tick.SETTINGS_AT + number] = self._settings[number]
        if _is_load(self._load):
            for at in range(_LOAD_WORDS):
                app.last_load[at] = self._load[at]

    def may_write(self):
        """Whether the brake is off and stays off for as long as the tick may stand still."""
        s = self.app.s
        return not (modes.is_armed(self.app.mode) or s[tick.ENABLE] or s[tick.BRAKE_mN])

    def save_settings(self):
        """Store the settings in force, with the last load. False if the flash did not keep them."""
        s = self.app.s
        settings = tuple([s[tick.SETTINGS_AT + number] for number in range(len(layout.SETTINGS))])
        # What a newer firmware has stored beyond that is its own.
        kept = self._save(settings + self._settings[len(settings) :])
        if kept:
            self.is_damaged = False
        return kept

    def poll(self):
        """Store a new last load once the sled has been idle for 2 s and stands; the settings stay as stored.

        Not after damage: a valid record would hide that the settings were lost, until they are saved again.
        """
        s = self.app.s
        if self.app.mode != layout.MODE_IDLE:
            self._idle_from = s[tick.SAMPLE_INDEX]
        elif (
            self.is_load_new
            and not self.is_damaged
            and s[tick.SAMPLE_INDEX] - self._idle_from >= _IDLE_ticks
            # A rolling sled would turn further between two ticks than the encoder is believed.
            and s[tick.STILL_TICKS] >= _STANDS_ticks
            and self.may_write()
        ):
            if not self._save(self._settings):
                s[tick.FAULTS_MAIN] |= 1 << layout.FAULT_NOT_SAVED

    def write(self, write):
        """Call `write`, which writes to flash; whether it could. The tick's faults of standing still go."""
        s = self.app.s
        s[tick.FAULTS_MAIN] = self.app.faults()
        try:
            write()
            return True
        except OSError:
            return False
        finally:
            s[tick.FAULTS_CLEAR] = 1  # FAULTS_MAIN has those of before

    def _save(self, settings):
        """Write a record unless it is stored already; whether it is stored now, or else the old one is."""
        app = self.app
        self.is_load_new = False  # should the flash be broken, once is enough
        load = tuple(app.last_load) if any(app.last_load) else self._load
        if (settings, load) == (self._settings, self._load):
            return True
        generation = self._generation + 1
        record = pack(generation, settings, load)
        slot = 1 - self._slot
        back = bytearray(len(record) + 1)  # one more, to see a longer one

        def write():
            app.board.save_slot(slot, record, len(record))

        kept = self.write(write)
        try:
            kept = kept and app.board.load_slot(slot, back) == len(record) and back[:-1] == record
        except OSError:
            kept = False
        if kept:
            self._generation = generation
            self._slot = slot
            self._settings = settings
            self._load = load
        return kept


def _is_load(load):
    """Whether these words are a load that this firmware could have accepted."""
    if len(load) != _LOAD_WORDS:
        return False
    for at in range(_LOAD_WORDS):
        if load[at] < 0 or load[at] > layout.LOAD_MAXIMA[at % tick.LOAD_WORDS]:
            return False
    return True
