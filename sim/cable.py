"""The USB cable between host and board, in virtual time, and what can be wrong with it.

Everything drawn depends on the seed and on the byte's place in its stream, never on how a reader or
writer cuts it: a packet ends with a frame, at a zero byte, or is 64 bytes long, as on a real USB cable
where each is written on its own. A sound cable hands bytes straight over.
"""

from _thread import allocate_lock
from collections import deque
from random import Random

from sim.board import VirtualBoard
from sim.packets import Way

_UNREAD_BYTES = 4096  # as much as a driver keeps for a program that does not read
_FROM_HOST_CHUNKS_MAX = 65_536


class Cable:
    """Carries bytes both ways; the rig calls `carry` before each pass of the firmware's main loop.

    The attributes may change at any time and hold from the next pass on, at most 5 ms later. Each
    concerns both ways unless it names the host.
    """

    def __init__(self, seed: int) -> None:
        self.flip_rate = 0.0  #: part of the bits that turn over, at most 0.5
        self.drop_rate = 0.0  #: part of the packets that are lost
        self.duplicate_rate = 0.0  #: part of the packets that come twice
        self.swap_rate = 0.0  #: part of the packets that come after the one that follows them
        self.garbage_rate = 0.0  #: part of the packets with 1 to 16 random bytes before them
        self.split: bool | float = False  #: readers see odd pieces, of 16 bytes on average
        self.merge_ms = 0.0  #: bytes are held back and handed over in a lump so often
        self.delay_ms = 0.0  #: bytes come so much later
        self.jitter_ms = 0.0  #: each packet up to so much later again, in order all the same
        self.is_host_silent: bool | float = False  #: what the host writes never arrives
        self.is_host_deaf: bool | float = False  #: the host takes nothing; the device's buffer fills up
        self.has_host = True  #: a program has the other end; kept by the rig
        self.unplugs = 0  #: how many times the plug was pulled
        self._is_plugged = self._has_board = True
        self._is_cut = False  # pulled since the last pass
        self._is_straight = True  # sound, with nothing under way: bytes go from end to end
        random = Random(seed)
        self._down = Way(random)
        self._up = Way(random)
        self._written: deque[bytes] = deque()  # by the host
        self._arrived: deque[bytes] = deque()  # at the host
        self._lock = allocate_lock()  # of `_is_straight`, for a host that writes from another thread
        self.turn = allocate_lock()  #: for the one thread of several in which time goes on

    @property
    def is_plugged(self) -> bool:
        """False: the plug is out. Bytes under way are lost, nothing passes, the board sees no host."""
        return self._is_plugged

    @is_plugged.setter
    def is_plugged(self, value: bool) -> None:
        was_through = self.is_through
        self._is_plugged = bool(value)
        self._look_for_cut(was_through)

    @property
    def has_board(self) -> bool:
        """False: the controller has no power, so that the host finds nothing on its USB."""
        return self._has_board

    @has_board.setter
    def has_board(self, value: bool) -> None:
        was_through = self.is_through
        self._has_board = bool(value)
        self._look_for_cut(was_through)

    @property
    def is_through(self) -> bool:
        """Whether there is a sled at the host's end of the cable."""
        return self._is_plugged and self._has_board

    def _look_for_cut(self, was_through: bool) -> None:
        if was_through and not self.is_through:
            self.unplugs += 1
            self._is_cut = True
            self._written.clear()  # the rest goes at the next pass: this may be another thread

    def write(self, board: VirtualBoard, data: bytes) -> int:
        """Bytes from the host; all are taken. Any thread may call it.

        Raises BufferError when far more is written than anything reads.
        """
        if not self.is_through:
            return len(data)
        with self._lock:
            is_straight = self._is_straight and not self._written and not self._is_faulty()
            waiting = board.from_host if is_straight else self._written
            if len(waiting) >= _FROM_HOST_CHUNKS_MAX:
                raise BufferError(
                    "the simulated device only reads while time goes on: read between the writes"
                )
            if data:
                waiting.append(bytes(data))
                if is_straight:
                    self._down.count(data)
        return len(data)

    def read(self, board: VirtualBoard, size: int) -> bytes:
        """Bytes that have come to the host, at most `size`."""
        if self._is_cut:
            return b""
        if self._is_straight and not self._arrived:
            waiting = board.to_host
            if not waiting:
                return b""
            data = bytes(waiting[:size])
            del waiting[:size]
            self._up.count(data)
            return data
        if self.is_host_deaf:
            return b""
        pieces = []
        while size > 0 and self._arrived:
            piece = self._arrived.popleft()
            if len(piece) > size:
                self._arrived.appendleft(piece[size:])
                piece = piece[:size]
            pieces.append(piece)
            size -= len(piece)
        if size > 0 and self._is_straight:
            pieces.append(self.read(board, size))
        return b"".join(pieces)

    def in_waiting(self, board: VirtualBoard) -> int:
        """Bytes that the host sees waiting: all of them, or an odd piece."""
        if self._is_cut:
            return 0
        straight = len(board.to_host) if self._is_straight else 0
        if not self._arrived:
            return straight
        if self.is_host_deaf:
            return 0
        return len(self._arrived[0]) if self.split else straight + sum(map(len, self._arrived))

    def out_waiting(self, board: VirtualBoard) -> int:
        """Bytes from the host that the firmware has not read yet."""
        waiting = sum(map(len, tuple(board.from_host))) + sum(map(len, tuple(self._written)))
        return waiting if self._is_straight else waiting + self._down.waiting

    @property
    def is_holding_back(self) -> bool:
        """Whether a silent line may be the cable's doing: bytes under way, or a host that is deaf."""
        return bool(self.is_host_deaf or self._down.waiting or self._up.waiting)

    def discard_output(self, board: VirtualBoard) -> None:
        """Throw away what has come to the host."""
        if self._is_straight:
            self._up.skip(board.to_host)
        self._arrived.clear()

    def discard_input(self, board: VirtualBoard) -> None:
        """Throw away what the firmware has not read yet."""
        self._written.clear()
        board.from_host.clear()

    def lose(self, board: VirtualBoard) -> None:
        """Throw away everything under way: the host has gone."""
        self._written.clear()
        self._drop(board)

    def carry(self, board: VirtualBoard, tick: int) -> None:
        """Hand on what is due at `tick`, both ways."""
        is_faulty = self._is_faulty()
        if self._is_straight:
            if not is_faulty and not self._written:
                return
            self._bend(board)
        if self._is_cut:
            self._drop(board)
            self._is_cut = False
        board.is_connected = self.is_through and self.has_host
        self._carry_down(board, tick)
        self._carry_up(board, tick)
        if not is_faulty:
            self._straighten()

    def _is_faulty(self) -> bool:
        return bool(
            self.flip_rate
            or self.drop_rate
            or self.duplicate_rate
            or self.swap_rate
            or self.garbage_rate
            or self.split
            or self.merge_ms
            or self.delay_ms
            or self.jitter_ms
            or self.is_host_silent
            or self.is_host_deaf
            or not self.is_through
            or self._is_cut
        )

    def _drop(self, board: VirtualBoard) -> None:
        self._arrived.clear()
        self._down.empty()
        self._up.empty()
        self._up.skip(board.to_host)
        board.from_host.clear()

    def _bend(self, board: VirtualBoard) -> None:
        """From now on bytes pass through here; those at either end have arrived."""
        with self._lock:
            self._is_straight = False
        if board.to_host:
            self._arrived.append(bytes(board.to_host))
            self._up.skip(board.to_host)

    def _straighten(self) -> None:
        """Bytes go from end to end again, once none is left here that they could overtake."""
        with self._lock:
            self._is_straight = not (self._written or self._down.waiting or self._up.waiting)

    def _carry_down(self, board: VirtualBoard, tick: int) -> None:
        written = bytearray()
        while self._written:
            written += self._written.popleft()
        if self.is_host_silent:
            self._down.skip(written)
        else:
            self._down.enter(written, self, tick)
        self._hand_over(self._down.due(tick), board.from_host)

    def _carry_up(self, board: VirtualBoard, tick: int) -> None:
        if not self.is_host_deaf and sum(map(len, self._arrived)) < _UNREAD_BYTES:
            self._up.enter(board.to_host, self, tick)
            del board.to_host[:]
        self._hand_over(self._up.due(tick), self._arrived)

    def _hand_over(self, pieces: list[bytes], end: deque[bytes]) -> None:
        if self.split:
            end.extend(pieces)
        elif pieces:
            end.append(b"".join(pieces))
