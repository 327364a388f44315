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
_REFUSAL_TICKS = 100  # what an attempt to open an unplugged sled takes
# Sleds whose cable was pulled out under a program, by address: opened again, it is the same sled.
_unplugged: dict[str, "Rig"] = {}


class Serial(SerialBase):
    """One simulated sled; see `sim.address` for the parameters of its URL. Baud rate means nothing here.

    A read that finds nothing takes at least a millisecond of virtual time, even with timeout 0, so
    that a loop of such reads gets on. Once the simulated cable was pulled out, a port raises
    SerialException for good. Its address then leads to the same sled again, and each attempt to open
    it takes 0.1 s of virtual time and fails until the cable is back in. Without that, to open an
    address is to start anew.
    """

    BAUDRATES = (9600, 115200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.rig: Rig | None = None
        self._is_cancelled = False
        self._unplugs = 0  # of the cable, when the port was opened
        self._is_left = False  # another port may have the sled by now
        self._turn = allocate_lock()
        super().__init__(*args, **kwargs)

    def open(self) -> None:
        """Start the simulation, or go on with the sled that was unplugged under this address.

        Raises ValueError for an address that cannot be, SerialException if open or still unplugged.
        """
        if self.port is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise SerialException("Port is already open.")
        from sim.address import rig_from

        rig = _unplugged.get(self.port) or rig_from(self.port)
        if not rig.cable.is_through:
            _unplugged[self.port] = rig
            rig.step(_REFUSAL_TICKS)
        if not rig.cable.is_through:
            raise SerialException(
                "the simulated cable is unplugged; each attempt to open it takes 0.1 s of simulated time"
            )
        _unplugged.pop(self.port, None)
        self.rig = rig
        self._unplugs = rig.cable.unplugs
        self._is_left = self._is_cancelled = False
        self.is_open = True

    def close(self) -> None:
        """Stop; a read in another thread returns with what it has."""
        if self.is_open and self.rig is not None and self.rig.cable.unplugs != self._unplugs:
            self._unplugged(self.rig)
        self.is_open = False

    def now(self) -> float:
        """Virtual time in s since the sled was switched on; an unplugged port still tells it."""
        if not self.is_open or self.rig is None:
            raise PortNotOpenError()
        return self.rig.now_us * 1e-6

    def _opened(self) -> "Rig":
        if not self.is_open or self.rig is None:
            raise PortNotOpenError()
        if self.rig.cable.unplugs != self._unplugs:
            raise self._unplugged(self.rig)
        return self.rig

    def _unplugged(self, rig: "Rig") -> SerialException:
        """The cable was pulled out since this port was opened: keeps the sled for the next."""
        if self.port is not None and not self._is_left:
            self._is_left = True
            _unplugged[self.port] = rig
        return SerialException(
            f"the simulated cable was pulled out; open {self.port} again to go on with the same sled"
        )

    def _reconfigure_port(self, force_update: bool = False) -> None:
        """Nothing to set up: baud rate, parity and exclusive use have no meaning here."""

    _update_rts_state = _update_dtr_state = _update_break_state = _reconfigure_port

    @property
    def in_waiting(self) -> int:
        """Bytes that a read gives at once. Asking takes no time."""
        rig = self._opened()
        return rig.cable.in_waiting(rig.board)

    @property
    def out_waiting(self) -> int:
        """Bytes that the firmware has not read yet."""
        return self._opened().out_waiting

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; fewer after the timeout in virtual time, `cancel_read` or `close`."""
        rig = self._opened()
        cable = rig.cable
        with self._turn:
            data = cable.read(rig.board, size)
            timeout = self.timeout
            left = None if timeout is None else max(1, int(timeout * 1000 + 0.5))
            while len(data) < size and left != 0 and self.is_open and not self._is_cancelled:
                ticks = _CHUNK_TICKS if left is None or left > _CHUNK_TICKS else left
                rig.step(ticks)
                if cable.unplugs != self._unplugs:
                    raise self._unplugged(rig)
                data += cable.read(rig.board, size - len(data))
                if left is not None:
                    left -= ticks
            self._is_cancelled = False
            return data

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
