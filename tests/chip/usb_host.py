"""The host's side of the emulated USB: stops taking what the chip sends, as a program that does not read.

rp2040py's host takes each packet at once. Held back here, it leaves the endpoint's buffer full, as a
host controller does that sends no IN token: the chip's own USB code then sees its queue fill up.
"""

from typing import Any

_FIRST, _LAST = 0x80, 0xFC  # buffer control words of the endpoints in the USB memory
_OUT = 4
_AVAILABLE = 1 << 10
_CDC_IN = 2


class UsbHost:
    """Stands between the chip's USB controller and rp2040py's host."""

    def __init__(self, device: Any) -> None:
        self._controller = device.mcu.usb_ctrl
        self._pass_on = self._controller.dpram_updated
        self._held: list[tuple[int, int]] = []
        self.is_reading = True
        self._controller.dpram_updated = self._updated

    @property
    def packets_held(self) -> int:
        """Packets that the chip has ready and the host has not fetched: 0 or 1."""
        return len(self._held)

    def stop_reading(self) -> None:
        self.is_reading = False

    def read_on(self) -> None:
        self.is_reading = True
        held, self._held = self._held, []
        for offset, value in held:
            self._pass_on(offset, value)

    def _updated(self, offset: int, value: int) -> None:
        is_cdc_in = _FIRST <= offset <= _LAST and not offset & _OUT and (offset - _FIRST) >> 3 == _CDC_IN
        if is_cdc_in and value & _AVAILABLE and not self.is_reading:
            self._held.append((offset, value))
        else:
            self._pass_on(offset, value)
