"""Bytes to frames and back, in buffers made at boot: nothing is allocated for a frame.

Received bytes collect up to a 0x00; whatever is no whole, valid frame is counted and dropped, so
that the next 0x00 brings the link back. Frames to send queue up and leave as the board takes them.
"""

from . import codec, layout

_CHUNK_BYTES = 64
_RX_BYTES = layout.FRAME_BYTES_MAX + 2  # COBS adds one byte, the delimiter another
_TX_BYTES = 3 * _RX_BYTES


class Link:
    """One serial line. `body` holds the frame being built or read: kind, flags, then the fields."""

    def __init__(self, board):
        self.board = board
        self.damaged = 0  # frames dropped since boot
        self.allowance = 0  # bytes that may still be read in this pass of the main loop
        self.frame = bytearray(_RX_BYTES)  # received frame, decoded in place
        self.out = bytearray(_RX_BYTES)  # frame to send, before COBS
        self._chunk = bytearray(_CHUNK_BYTES)
        self._chunk_at = 0
        self._chunk_end = 0
        self._length = 0
        self._tx = bytearray(_TX_BYTES)
        self._tx_at = 0
        self._tx_end = 0

    def receive(self):
        """Bytes of the next whole, valid frame now in `frame` (kind to body), or 0 if there is none yet."""
        while True:
            if self._chunk_at == self._chunk_end:
                self._chunk_at = 0
                self._chunk_end = 0
                if self.allowance > 0:
                    self._chunk_end = self.board.readinto(self._chunk)
                if not self._chunk_end:
                    return 0
                self.allowance -= self._chunk_end
            byte = self._chunk[self._chunk_at]
            self._chunk_at += 1
            if byte:
                # A full buffer is longer than any frame: what follows only has to be passed over.
                if self._length < _RX_BYTES:
                    self.frame[self._length] = byte
                    self._length += 1
                continue
            length = self._length
            self._length = 0
            if length:
                length = codec.decode(self.frame, length)
                if length > 0:
                    return length
                self.damaged += 1

    def has_room(self):
        """Whether one more frame of any size fits the queue."""
        return self._tx_end + _RX_BYTES <= _TX_BYTES

    def is_quiet(self):
        """Whether everything queued has left."""
        return self._tx_end == 0

    def send(self, length):
        """Queue the frame in `out` (kind, flags and body: `length` bytes). False if there is no room."""
        if not self.has_room():
            return False
        self._tx_end += codec.encode(self.out, length, self._tx, self._tx_end)
        self.flush()
        return True

    def flush(self):
        """Let the board take what it will of the queue."""
        # Piece by piece: were a pass of the main loop not enough for a frame, the ring would forget the gaps
        # of a long pause faster than they are filled.
        taken = 1
        while taken and self._tx_end:
            taken = self.board.write(self._tx, self._tx_at, self._tx_end)
            self._tx_at += taken
            if self._tx_at == self._tx_end:
                self._tx_at = self._tx_end = 0
