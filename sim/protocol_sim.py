"""pyserial's handler of `sim://`: a simulated sled inside this process.

Virtual time passes only inside `read`, as fast as the processor allows. Own modules are imported in
`open`: pyserial takes an ImportError in a handler for an unknown protocol and hides its cause.
"""

from _thread import allocate_lock
from typing import TYPE_CHECKING, Any

from serial.serialutil import PortNotOpenError, SerialBase, SerialException, SerialTimeoutException

if TYPE_CHECKING:
    from sim.rig import Rig

# Virtual milliseconds between two looks at close() and cancel_read(); the firmware's main loop
# comes round as often, so no byte waits longer than it does in the rig.
_CHUNK_TICKS = 5


class Serial(SerialBase):
    """One simulated sled; see `sim.address` for the parameters of its URL. Baud rate means nothing here.

    A read that finds nothing takes at least a millisecond of virtual time, even with timeout 0, so
    that a loop of such reads gets on.
    """

    BAUDRATES = (9600, 115200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.rig: Rig | None = None
        self._is_cancelled = False
        self._turn = allocate_lock()
        super().__init__(*args, **kwargs)

    def open(self) -> None:
        """Start the simulation. Raises ValueError for an address that cannot be, SerialException if open."""
        if self.port is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise SerialException("Port is already open.")
        from sim.address import rig_from

        self.rig = rig_from(self.port)
        self._is_cancelled = False
        self.is_open = True

    def close(self) -> None:
        """Stop; a read in another thread returns with what it has."""
        self.is_open = False

    def now(self) -> float:
        """Virtual time in s since the port was opened."""
        return self._opened().now_us * 1e-6

    def _opened(self) -> "Rig":
        if not self.is_open or self.rig is None:
            raise PortNotOpenError()
        return self.rig

    def _reconfigure_port(self, force_update: bool = False) -> None:
        """Nothing to set up: baud rate, parity and exclusive use have no meaning here."""

    _update_rts_state = _update_dtr_state = _update_break_state = _reconfigure_port

    @property
    def in_waiting(self) -> int:
        """Bytes that a read gives at once. Asking takes no time."""
        return self._opened().in_waiting

    @property
    def out_waiting(self) -> int:
        """Bytes that the firmware has not read yet."""
        return self._opened().out_waiting

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; fewer after the timeout in virtual time, `cancel_read` or `close`."""
        rig = self._opened()
        with self._turn:
            if rig.in_waiting >= size:
                return rig.read(size)
            timeout = self.timeout
            left = None if timeout is None else max(1, int(timeout * 1000 + 0.5))
            while rig.in_waiting < size and left != 0 and self.is_open and not self._is_cancelled:
                ticks = _CHUNK_TICKS if left is None or left > _CHUNK_TICKS else left
                rig.step(ticks)
                if left is not None:
                    left -= ticks
            self._is_cancelled = False
            return rig.read(size)

    def cancel_read(self) -> None:
        """Make the read in another thread return, or the next one if none is under way."""
        self._is_cancelled = True

    def write(self, data: Any) -> int:
        """All bytes at once; the firmware reads them as time passes."""
        try:
            return self._opened().write(bytes(data))
        except BufferError as error:
            raise SerialTimeoutException(str(error)) from None

    def cancel_write(self) -> None:
        """A write never waits."""

    def flush(self) -> None:
        """Nothing to wait for: time does not pass here."""
        self._opened()

    def reset_input_buffer(self) -> None:
        """Throw away what has come from the device."""
        self._opened().discard_output()

    def reset_output_buffer(self) -> None:
        """Throw away what the firmware has not read yet."""
        self._opened().discard_input()

    @property
    def cts(self) -> bool:
        """The link has no hand-shake lines: always ready."""
        self._opened()
        return True

    dsr = cd = cts
