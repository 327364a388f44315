"""One direction of the cable: packets, and what becomes of each by its place in the stream."""

from collections import deque
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.cable import Cable

PACKET_BYTES = 64
_PACKET_BITS = 8 * PACKET_BYTES
_GARBAGE_BYTES_MAX = 16
_SWAP_ticks = 20  # what is to come after the next packet waits no longer for it
_WORD = (1 << 64) - 1


def _draw(key: int, number: int) -> int:
    """64 bits that look random and follow from these two alone (splitmix64: Steele, Lea, Flood 2014)."""
    z = (key + number * 0x9E37_79B9_7F4A_7C15) & _WORD
    z = ((z ^ z >> 30) * 0xBF58_476D_1CE4_E5B9) & _WORD
    z = ((z ^ z >> 27) * 0x94D0_49BB_1331_11EB) & _WORD
    return z ^ z >> 31


def _part(bits: int) -> float:
    """64 bits as a number from 0 to below 1."""
    return (bits >> 11) * 2.0**-53


class Way:
    """One direction: from the place of a byte in the stream to what becomes of it, and when."""

    def __init__(self, random: Random) -> None:
        self._number = 0  # of the packet that the next byte belongs to, lost ones counted
        self._offset = 0  # of that byte in it
        self.waiting = 0  #: bytes under way
        keys = [random.getrandbits(64) for _ in range(6)]
        self._drop, self._duplicate, self._flip, self._garbage, self._cut, self._jitter = keys
        self._swap = _draw(self._drop, _WORD)
        self._under_way: deque[tuple[int, bytes]] = deque()
        self._copy = bytearray()  # of what the packet came to so far
        self._copied = -1  # the packet that it is of
        self._held: list[bytes] = []  # a packet that lets the next one pass
        self._held_number = -1  # of it; -1: none
        self._held_until = 0

    def empty(self) -> None:
        """Lose what is under way."""
        self._under_way.clear()
        self._held.clear()
        self.waiting = 0
        self._copied = self._held_number = -1

    def skip(self, data: bytearray) -> None:
        """Take `data` without passing it on: it was lost, or went another way."""
        self.count(data)
        del data[:]

    def count(self, data: bytes | bytearray) -> None:
        """Find the packets of `data`, which does not come through here."""
        for _ in self._packets(data):
            pass

    def _packets(self, data: bytes | bytearray) -> Iterator[tuple[int, int, int, int, bool]]:
        """Parts of packets in `data`: start, end, number and offset in the packet, whether it is whole."""
        start = 0
        while start < len(data):
            number, offset = self._number, self._offset
            end = min(len(data), start + PACKET_BYTES - offset)
            end = data.find(0, start, end) + 1 or end
            is_whole = data[end - 1] == 0 or offset + end - start == PACKET_BYTES
            if is_whole:
                self._number, self._offset = number + 1, 0
            else:
                self._offset = offset + end - start
            yield start, end, number, offset, is_whole
            start = end

    def due(self, tick: int) -> list[bytes]:
        """What arrives until `tick`; nothing overtakes what came before it, unless it is swapped."""
        if tick >= self._held_until and (self._offset == 0 or self._number == self._held_number):
            self._let_go(tick)
        pieces = []
        under_way = self._under_way
        while under_way and under_way[0][0] <= tick:
            pieces.append(under_way.popleft()[1])
            self.waiting -= len(pieces[-1])
        return pieces

    def enter(self, data: bytearray, cable: "Cable", tick: int) -> None:
        """Take `data` in at `tick`, packet by packet, with all that is wrong with the cable now."""
        for start, end, number, offset, is_whole in self._packets(data):
            due = self._due(number, cable, tick)
            if offset == 0 and self._held_number < 0 and self._is_swapped(number, cable.swap_rate):
                self._held_number, self._held_until = number, due + _SWAP_ticks
            for piece in self._pieces(data[start:end], number, offset, is_whole, cable):
                self.waiting += len(piece)
                if number == self._held_number:
                    self._held.append(piece)
                else:
                    self._under_way.append((due, piece))
            if is_whole and number != self._held_number:
                self._let_go(due)

    def _is_swapped(self, number: int, rate: float) -> bool:
        return bool(rate) and _part(_draw(self._swap, number)) < rate

    def _let_go(self, due: int) -> None:
        """The packet that was held follows the one that passed it."""
        self._under_way.extend((due, piece) for piece in self._held)
        self._held.clear()
        self._held_number = -1

    def _due(self, number: int, cable: "Cable", tick: int) -> int:
        due = tick
        merge_ticks = int(cable.merge_ms + 0.5)
        if merge_ticks:
            due = -(-tick // merge_ticks) * merge_ticks
        due += int(cable.delay_ms + 0.5)
        if cable.jitter_ms:
            due += _draw(self._jitter, number) % (int(cable.jitter_ms + 0.5) + 1)
        return due

    def _pieces(
        self, part: bytearray, number: int, offset: int, is_last: bool, cable: "Cable"
    ) -> Iterator[bytes]:
        """What arrives in the place of bytes `offset` and on of packet `number`."""
        if cable.garbage_rate and offset == 0:
            yield from self._rubbish(number, cable.garbage_rate)
        if cable.drop_rate and _part(_draw(self._drop, number)) < cable.drop_rate:
            return
        if cable.flip_rate:
            for bit in self._flips(number, cable.flip_rate):
                at = (bit >> 3) - offset
                if 0 <= at < len(part):
                    part[at] ^= 1 << (bit & 7)
        if cable.split:
            yield from self._odd_pieces(part, number, offset)
        else:
            yield bytes(part)
        if cable.duplicate_rate:
            if self._copied != number:
                self._copied = number
                self._copy.clear()
            self._copy += part
            if is_last and _part(_draw(self._duplicate, number)) < cable.duplicate_rate:
                yield bytes(self._copy)

    def _rubbish(self, number: int, rate: float) -> Iterator[bytes]:
        first = 4 * number
        if _part(_draw(self._garbage, first)) < rate:
            words = b"".join(_draw(self._garbage, first + n).to_bytes(8, "little") for n in (1, 2))
            yield words[: 1 + _draw(self._garbage, first + 3) % _GARBAGE_BYTES_MAX]

    def _flips(self, number: int, rate: float) -> set[int]:
        """Bits of a packet that turn over. Their number is drawn first, binomial: low rates cost little."""
        first = number * 2 * _PACKET_BITS
        rest = _part(_draw(self._flip, first))
        chance = 1.0 - rate  # of no flip at all, by squaring: exact on every machine
        for _ in range(9):
            chance *= chance
        count = 0
        while rest >= chance and count < _PACKET_BITS:
            rest -= chance
            count += 1
            chance *= (_PACKET_BITS + 1 - count) / count * (rate / (1.0 - rate))
        bits: set[int] = set()
        while len(bits) < count:
            first += 1
            bits.add(_draw(self._flip, first) % _PACKET_BITS)
        return bits

    def _odd_pieces(self, part: bytearray, number: int, offset: int) -> Iterator[bytes]:
        """Cut behind one byte of 16."""
        first = 4 * number
        ends = _WORD
        for n in range(4):
            ends &= _draw(self._cut, first + n)
        start = 0
        for at in range(len(part)):
            if ends >> (offset + at) & 1:
                yield bytes(part[start : at + 1])
                start = at + 1
        if start < len(part):
            yield bytes(part[start:])
