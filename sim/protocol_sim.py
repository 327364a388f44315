"""pyserial's handler of `sim://`: a simulated sled inside this process.

Virtual time passes only inside `read`, as fast as the processor allows. Own modules are imported in
`open`: pyserial takes an ImportError in a handler for an unknown protocol and hides its cause.
"""

from _thread import allocate_lock
from typing import TYPE_CHECKING, Any

from serial.serialutil import PortNotOpenError, SerialBase, SerialException, SerialTimeoutException

if TYPE_CHECKING:
    from sim.plugged import Plugged

# Virtual milliseconds between two looks at close() and cancel_read(); the firmware's main loop
# comes round as often, so no byte waits longer than it does in the rig.
_CHUNK_TICKS = 5
_REFUSAL_TICKS = 100  # what an attempt to open an unplugged sled takes
# Sleds that wait for a program under an address: those whose cable was pulled out, in the order in which
# programs saw it, so that opened again it is the same sled.
_waiting: dict[str, list["Plugged"]] = {}
_opening = allocate_lock()
_registering = allocate_lock()


def offer(address: str, rig: "Plugged") -> None:
    """Whoever opens `address` next gets this sled instead of a new one; it may be any that begins sim://."""
    with _registering:
        waiting = _waiting.setdefault(address, [])
        if rig not in waiting:
            waiting.append(rig)


class _Line:
    """What a port has from one `open` to the next."""

    def __init__(self, rig: "Plugged") -> None:
        self.rig = rig
        self.unplugs = rig.cable.unplugs
        self.is_left = False  # another port may have the sled by now

    @property
    def is_cut(self) -> bool:
        """Whether the cable was pulled out since."""
        return self.rig.cable.unplugs != self.unplugs


class Serial(SerialBase):
    """One simulated sled; see `sim.address` for the parameters of its URL. Baud rate means nothing here.

    A read that finds nothing takes at least a millisecond of virtual time, even with timeout 0, so
    that a loop of such reads gets on. A read of no bytes takes no time, as with every port: a loop
    must ask for `in_waiting or 1`, else it waits for ever.

    Once the simulated cable was pulled out, a port raises SerialException for good. When a program has
    met that, or closes the port, the address leads to the same sled again, and each attempt to open it
    takes 0.1 s of virtual time and fails until the cable is back in. Of several sleds with one address
    the first that was missed comes first. Without that, to open an address is to start anew.
    """

    BAUDRATES = (9600, 115200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._line: _Line | None = None
        self._is_cancelled = False
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

        with _opening:
            kept = _waiting.setdefault(self.port, [])
            rig = kept[0] if kept else rig_from(self.port)
            if not rig.cable.is_through:
                if not kept:
                    kept.append(rig)
                with rig.cable.turn:  # the last read of the port of before may be under way
                    rig.step(_REFUSAL_TICKS)
            if not rig.cable.is_through:
                raise SerialException(
                    "the simulated cable is unplugged; each attempt to open it takes 0.1 s of simulated time"
                )
            if kept:
                del kept[0]
        self._line = _Line(rig)
        self._is_cancelled = False
        self.is_open = True

    def close(self) -> None:
        """Stop; a read in another thread returns with what it has."""
        line = self._line
        if self.is_open and line is not None and line.is_cut:
            self._unplugged(line)
        self.is_open = False

    def __del__(self) -> None:
        """Nothing, not even `close`: which sled an address leads to must not depend on when this comes."""

    @property
    def rig(self) -> "Plugged | None":
        """The sled; None before the first `open`."""
        return None if self._line is None else self._line.rig

    def now(self) -> float:
        """Virtual time in s since the sled was switched on; an unplugged port still tells it."""
        line = self._line
        if not self.is_open or line is None:
            raise PortNotOpenError()
        return line.rig.now_us * 1e-6

    def _opened(self) -> _Line:
        line = self._line
        if not self.is_open or line is None:
            raise PortNotOpenError()
        if line.is_cut:
            raise self._unplugged(line)
        return line

    def _unplugged(self, line: _Line) -> SerialException:
        """The cable was pulled out since this port was opened: keeps the sled for the next."""
        with _registering:
            was_left, line.is_left = line.is_left, True
        if self.port is not None and not was_left:
            offer(self.port, line.rig)
        return SerialException(
            f"the simulated cable was pulled out; open {self.port} again to go on with the same sled"
        )

    def _reconfigure_port(self, force_update: bool = False) -> None:
        """Nothing to set up: baud rate, parity and exclusive use have no meaning here."""

    _update_rts_state = _update_dtr_state = _update_break_state = _reconfigure_port

    @property
    def in_waiting(self) -> int:
        """Bytes that a read gives at once. Asking takes no time."""
        return self._opened().rig.in_waiting

    @property
    def out_waiting(self) -> int:
        """Bytes that the firmware has not read yet."""
        return self._opened().rig.out_waiting

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; fewer after the timeout in virtual time, `cancel_read` or `close`."""
        line = self._opened()
        if size <= 0:
            return b""
        timeout = self.timeout
        left = None if timeout is None else max(1, int(timeout * 1000 + 0.5))
        rig = line.rig
        data = b""
        with rig.cable.turn:
            while self.is_open and line is self._line:  # else it was closed, and may be open again
                if line.is_cut:
                    raise self._unplugged(line)
                data += rig.read(size - len(data))
                if len(data) == size or left == 0 or self._is_cancelled:
                    self._is_cancelled = False
                    break
                ticks = _CHUNK_TICKS if left is None or left > _CHUNK_TICKS else left
                rig.step(ticks)
                if left is not None:
                    left -= ticks
        return data

    def cancel_read(self) -> None:
        """Make the read in another thread return, or the next one if none is under way."""
        self._is_cancelled = True

    def write(self, data: Any) -> int:
        """All bytes at once; the firmware reads them as time passes."""
        try:
            return self._opened().rig.write(bytes(data))
        except BufferError as error:
            raise SerialTimeoutException(str(error)) from None

    def cancel_write(self) -> None:
        """A write never waits."""

    def flush(self) -> None:
        """Nothing to wait for: time does not pass here."""
        self._opened()

    def reset_input_buffer(self) -> None:
        """Throw away what has come from the device."""
        self._opened().rig.discard_output()

    def reset_output_buffer(self) -> None:
        """Throw away what the firmware has not read yet."""
        self._opened().rig.discard_input()

    @property
    def cts(self) -> bool:
        """The link has no hand-shake lines: always ready."""
        self._opened()
        return True

    dsr = cd = cts
