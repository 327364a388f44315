"""The virtual board: what `device/sled/board_rp2040.py` is on the chip, for the firmware in the simulator.

Time stands still while the main loop runs. The link is a USB serial line: bytes from the host wait
until read; towards the host a small buffer fills up, and without a host nothing is taken at all.
"""

from array import array
from collections import deque

from device.sled import tick

_TO_HOST_BYTES = 4096  # as much as a terminal driver keeps

FLAG_SIMULATED = 1
RESET_POWER_ON = 1
RESET_WATCHDOG = 2
RESET_REBOOT = 3

_ERASED = b"\xff"


class PowerLost(Exception):
    """The power went in the middle of a write to flash; nothing of the firmware runs on."""


class Flash:
    """What a controller keeps without power: two slots. A write takes no virtual time."""

    def __init__(self) -> None:
        self.slots = [b"", b""]
        self.writes = 0
        self._cut_after: int | None = None
        self._is_erased_first = False

    def cut_power(self, after_bytes: int, is_erased_first: bool) -> None:
        """Lose power in the next write, when that many bytes are written. What is left of the slot holds what
        it held before, or has been erased already."""
        self._cut_after = after_bytes
        self._is_erased_first = is_erased_first

    def write(self, number: int, data: bytes) -> None:
        """Replace the content of slot `number`. Raises PowerLost."""
        self.writes += 1
        after, self._cut_after = self._cut_after, None
        if after is None:
            self.slots[number] = data
            return
        before = self.slots[number]
        rest = _ERASED * max(len(data), len(before)) if self._is_erased_first else before
        self.slots[number] = data[:after] + rest[after:]
        raise PowerLost


class VirtualBoard:
    """Board interface of the firmware. The rig fills inputs and reads outputs of `s` around the tick."""

    def __init__(self, unique_id: bytes, boot_id: int, reset_cause: int, flash: Flash | None = None) -> None:
        self.unique_id = unique_id
        self.boot_id = boot_id
        self.reset_cause = reset_cause
        self.flash = Flash() if flash is None else flash
        self.flags = FLAG_SIMULATED
        self.build_id = bytes(4)
        self.s: array[int] = array("i")
        self.ring: array[int] = array("H")
        self.is_connected = True
        self.wants_reboot = False
        self.now_ms = 0
        self.leds = 0  #: bits of those that are lit
        self.from_host: deque[bytes] = deque()
        self.to_host = bytearray()

    def start(self, s: "array[int]", ring: "array[int]") -> None:
        """Remember the blocks of the tick; the rig calls it every millisecond from now on."""
        self.s = s
        self.ring = ring

    def readinto(self, buffer: bytearray) -> int:
        """Move waiting bytes into `buffer`; how many."""
        if not self.from_host:
            return 0
        chunk = self.from_host.popleft()
        room = len(buffer)
        if len(chunk) > room:
            self.from_host.appendleft(chunk[room:])
            chunk = chunk[:room]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def write(self, buffer: bytearray, start: int, end: int) -> int:
        """Take bytes `start` to `end` for the host, as many as there is room for; how many."""
        if not self.is_connected:
            return 0
        taken = min(end - start, _TO_HOST_BYTES - len(self.to_host))
        self.to_host += memoryview(buffer)[start : start + taken]
        return taken

    def load_slot(self, number: int, buffer: bytearray) -> int:
        """Copy slot `number` into `buffer`; how many bytes, 0 if there is nothing."""
        data = self.flash.slots[number][: len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def save_slot(self, number: int, buffer: bytes, length: int) -> None:
        """Replace slot `number` by the first `length` bytes of `buffer`."""
        self.flash.write(number, bytes(buffer[:length]))

    def confirm(self) -> None:
        """The firmware runs well; there is no other one here."""

    def show(self, bits: int) -> None:
        """Light the LEDs whose bits are set, the lowest first."""
        self.leds = bits

    def since_tick_us(self) -> int:
        """Time since the newest tick began: the main loop comes at its end, and costs no virtual time."""
        return 1000

    def uptime_ms(self) -> int:
        """Time by a clock that does not need the tick: the rig's."""
        return self.now_ms & 0xFFFFF

    def release(self) -> None:
        """Brake off, though the tick has stopped."""
        self.s[tick.ENABLE] = self.s[tick.DUTY] = 0

    def enter_repl(self) -> None:
        """There is no MicroPython here to give a prompt; say so and start again."""
        text = b"\r\nThe simulated board has no MicroPython prompt; it starts again.\r\n"
        self.write(bytearray(text), 0, len(text))
        self.wants_reboot = True

    def reboot(self) -> None:
        """Reset the controller; the rig does it after this pass of the main loop."""
        self.wants_reboot = True
