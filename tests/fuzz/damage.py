"""Seeded streams of random and mutated bytes, and what a parser may accept of them: frames sent whole.

Mutations of valid frames: flipped bits, cuts, splices, parts said twice, a wrong CRC under right COBS, a
body of the wrong length under a right CRC; beside them noise of several kinds. What may come out is worked
out from the bytes alone, with `cobs` and CRC-32, by neither the host's nor the device's reader.
"""

from binascii import crc32
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from cobs import cobs

from protocol import layout, wire
from protocol.quantities import QUANTITIES
from protocol.settings import SETTINGS

STRETCH_BYTES = 4096
#: Commands that change no load: whole ones may be heard by a sled whose load must stay.
HARMLESS = ("GET_STATUS", "GET_SETTING", "CLOCK_PING", "RESEND", "STREAM")
#: Whoever hears one of these is gone.
LEAVING = ("ENTER_REPL", "REBOOT")

_WHOLE_EVERY = 8  # of the pieces, one in so many is sound
_PLAINS_EACH = 60  # messages of each kind, to be damaged or not
_NAMES = tuple(layout.MESSAGES)


class Stretch(NamedTuple):
    """Bytes of the line up to a moment of rest, which end with or without a zero."""

    data: bytes
    whole: tuple[bytes, ...]  #: kind, flags and body of every frame that was put on the line whole


class Source:
    """Draws pieces of a line: sound frames of `whole_names` now and then, between damage of all kinds."""

    def __init__(self, seed: int, whole_names: tuple[str, ...]) -> None:
        self._random = Random(seed)
        self._whole_names = whole_names
        self._plains = {name: [_plain(self._random, name) for _ in range(_PLAINS_EACH)] for name in _NAMES}

    def stretches(self, total_bytes: int) -> Iterator[Stretch]:
        """At least so many bytes."""
        random = self._random
        made = 0
        while made < total_bytes:
            pieces: list[bytes] = []
            whole: list[bytes] = []
            size = 0
            while size < STRETCH_BYTES:
                if random.randrange(_WHOLE_EVERY):
                    piece = self._damaged(whole)
                else:
                    plain = random.choice(self._plains[random.choice(self._whole_names)])
                    whole.append(plain)
                    piece = _framed(plain)
                pieces.append(piece)
                size += len(piece)
            made += size
            yield Stretch(b"".join(pieces), tuple(whole))

    def _damaged(self, whole: list[bytes]) -> bytes:
        """Noise, or a frame that is not what it was; one of the wrong length is whole all the same."""
        random = self._random
        kind = random.randrange(8)
        if kind == 0:
            return _noise(random)
        one, other = (random.choice(self._plains[random.choice(_NAMES)]) for _ in range(2))
        if kind == 1:
            wrong = _of_wrong_length(random, one)
            whole.append(wrong)
            return _framed(wrong)
        if kind == 2:
            return _of_wrong_crc(random, one)
        sound = _framed(one), _framed(other)
        while True:
            piece = random.choice((_flipped, _cut, _spliced, _stuttered))(random, *sound)
            # Mutated into itself, or into what the next zero completes, it would be no damage.
            if not any(piece in (frame, frame[:-1]) for frame in sound):
                return piece


def acceptable(data: bytes) -> list[bytes]:
    """Kind, flags and body of each valid frame in `data`."""
    found = []
    for piece in data.split(b"\0")[:-1]:
        if not 0 < len(piece) <= layout.ENCODED_BYTES_MAX:
            continue
        try:
            plain = cobs.decode(piece)
        except cobs.DecodeError:
            continue
        body, crc = plain[: -layout.CRC_BYTES], plain[-layout.CRC_BYTES :]
        if len(body) >= layout.HEADER_BYTES and crc32(body) == int.from_bytes(crc, "little"):
            found.append(body)
    return found


def _plain(random: Random, name: str) -> bytes:
    """Kind, flags and body of a message of that name with any values that it may carry."""
    fields: dict[str, Any] = {}
    for path in layout.MESSAGES[name][3]:
        group, dot, field = path.rpartition(".")
        inner = fields.setdefault(group, {}) if dot else fields
        inner[field] = _value(random, field)
    if name == "SET_SETTING":
        row = random.choice(SETTINGS)
        fields |= {"setting": row.number, "setting_value": random.randint(row.minimum, row.maximum)}
    if name == "TELEMETRY":
        count = random.randint(0, layout.SAMPLES_PER_FRAME_MAX)
        fields["samples"] = [tuple(_value(random, path) for path in wire.SAMPLE_FIELDS) for _ in range(count)]
    (frame,) = wire.FrameReader().feed(wire.encode(name, fields, random.choice((0, 0, 1, 255))))
    return bytes((frame.kind, frame.flags)) + frame.body


def _value(random: Random, name: str) -> Any:
    quantity = QUANTITIES.get(name)
    if quantity is None:
        return random.randbytes(layout.UNIQUE_ID_BYTES)
    small = min(max(random.randrange(300), quantity.minimum), quantity.maximum)
    ends = (quantity.minimum, quantity.maximum, small)
    return random.choice(ends) if random.randrange(2) else random.randint(quantity.minimum, quantity.maximum)


def _framed(plain: bytes, crc: int | None = None) -> bytes:
    crc = crc32(plain) if crc is None else crc
    return bytes(cobs.encode(plain + crc.to_bytes(4, "little"))) + b"\0"


def _flipped(random: Random, frame: bytes, _: bytes) -> bytes:
    bits = bytearray(frame)
    for _number in range(random.choice((1, 1, 2, 3, 8))):
        bits[random.randrange(len(bits))] ^= 1 << random.randrange(8)
    return bytes(bits)


def _cut(random: Random, frame: bytes, _: bytes) -> bytes:
    start, end = sorted(random.randrange(len(frame) + 1) for _number in range(2))
    return frame[:start] + frame[end:]


def _spliced(random: Random, frame: bytes, other: bytes) -> bytes:
    return frame[: random.randrange(len(frame))] + other[random.randrange(len(other)) :]


def _stuttered(random: Random, frame: bytes, _: bytes) -> bytes:
    start, end = sorted(random.randrange(len(frame)) for _number in range(2))
    return frame[:end] + frame[start:]


def _of_wrong_crc(random: Random, plain: bytes) -> bytes:
    """COBS without fault around another check sum, or around a byte that is not the one summed up."""
    if random.randrange(2):
        return _framed(plain, crc32(plain) ^ 1 << random.randrange(32))
    twisted = bytearray(plain)
    twisted[random.randrange(len(plain))] ^= random.randrange(1, 256)
    return _framed(bytes(twisted), crc32(plain))


def _of_wrong_length(random: Random, plain: bytes) -> bytes:
    """A sound frame whose body is too short, or too long: to be refused for that.

    HELLO and STOP may be longer in a later version, and are only cut.
    """
    is_frozen = plain[0] in (layout.KINDS["HELLO"], layout.KINDS["STOP"])
    is_telemetry = plain[0] == layout.KINDS["TELEMETRY"]  # right with any number of whole samples
    if is_frozen or (random.randrange(2) and not is_telemetry):
        return plain[: random.randrange(layout.HEADER_BYTES, len(plain))]
    longer = plain + random.randbytes(random.randint(1, layout.SAMPLE_BYTES - 1))
    return longer[: layout.FRAME_BYTES_MAX - layout.CRC_BYTES]


def _noise(random: Random) -> bytes:
    kind = random.randrange(7)
    size = random.choice((3, 20, 100, 300))
    if kind == 6:  # sound, but longer than any frame may be
        return _framed(random.randbytes(layout.FRAME_BYTES_MAX - layout.CRC_BYTES + random.randint(1, 20)))
    if kind == 0:
        return random.randbytes(size)
    if kind == 1:
        return random.randbytes(size).replace(b"\0", b"\1")  # and no end
    if kind == 2:
        return bytes(random.choices((0, 0, 1, 2, 255), k=size))
    if kind == 3:
        return bytes((random.choice((1, 2, 255)),)) * size + b"\0"
    if kind == 4:
        return bytes(random.choices(range(1, 6), k=size % 40)) + b"\0"
    return random.choice((b"MicroPython v1.22\r\n>>> ", b"\0" * 9, b"\x03\x03", b"\r\n"))
