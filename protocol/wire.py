"""Frames and messages on the host's side of the wire, in wire units (see `protocol.units` for SI).

The hot path of the command line: plain `struct` formats generated from the Construct structs, zlib's
CRC-32 and the `cobs` package; the tests hold it byte-equal to Construct and to the device's codec.
"""

import struct
from binascii import crc32
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

from cobs import cobs

from protocol import layout
from protocol.codes import ONE_VERSION
from protocol.quantities import QUANTITIES

SAMPLE_FIELDS: tuple[str, ...] = layout.SAMPLE_FIELDS

_NAMES = {kind: name for name, kind in layout.KINDS.items()}
_SAMPLE = struct.Struct(layout.SAMPLE_FORMAT)


class Frame(NamedTuple):
    """A frame whose CRC was right; what its body means is not checked yet."""

    kind: int
    flags: int
    body: bytes


class Samples(Sequence[tuple[int, ...]]):
    """Samples of one batch, tuples as SAMPLE_FIELDS: unpacked when they are looked at, as `raw` until then.

    Who only passes them on, or reads them in bulk (`protocol.bulk`), never pays for the tuples.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw  #: whole samples, as on the wire

    def __len__(self) -> int:
        return len(self.raw) // _SAMPLE.size

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return _SAMPLE.iter_unpack(self.raw)

    @overload
    def __getitem__(self, at: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, at: slice) -> list[tuple[int, ...]]: ...
    def __getitem__(self, at: int | slice) -> tuple[int, ...] | list[tuple[int, ...]]:
        return list(self)[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Samples({list(self)})"


class Received(NamedTuple):
    """A message and its fields in wire units; nested loads are dicts, samples are `Samples`."""

    name: str
    fields: dict[str, Any]


def encode_frame(kind: int, flags: int, body: bytes) -> bytes:
    """Complete frame with the closing zero. Raises ValueError for a too long body or wrong flags."""
    if not 0 <= flags <= 0xFF:
        raise ValueError(f"flags are one byte, not {flags}")
    if len(body) > layout.BODY_BYTES_MAX:
        raise ValueError(f"a body has at most {layout.BODY_BYTES_MAX} bytes, not {len(body)}")
    plain = bytes((kind, flags)) + body
    return bytes(cobs.encode(plain + crc32(plain).to_bytes(4, "little"))) + b"\0"


def encode(name: str, fields: Mapping[str, Any], flags: int = 0) -> bytes:
    """Complete frame of one message, values in wire units.

    Raises ValueError naming the field for a missing, unknown, out-of-range or non-integer value,
    and for a message that does not exist.
    """
    if name not in layout.MESSAGES:
        raise ValueError(f"there is no message named {name!r}")
    kind, _, format_, paths = layout.MESSAGES[name]
    body = struct.pack(format_, *(_take(name, fields, path) for path in paths))
    expected = set(paths)
    if name == "TELEMETRY":
        if "samples" not in fields:
            raise ValueError("TELEMETRY needs the field samples")
        expected.add("samples")
        body += b"".join(_pack_sample(sample) for sample in fields["samples"])
    unknown = sorted(set(_paths(fields)) - expected)
    if unknown:
        raise ValueError(f"{name} has no field {', '.join(unknown)}")
    return encode_frame(kind, flags, body)


def _paths(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)
        else:
            yield name


def _take(message: str, fields: Mapping[str, Any], path: str) -> int | bytes:
    group, dot, name = path.rpartition(".")
    try:
        value = fields[group][name] if dot else fields[name]
    except KeyError:
        raise ValueError(f"{message} needs the field {path}") from None
    return _checked(f"{message}.{path}", name, value)


def _checked(where: str, name: str, value: Any) -> int | bytes:
    quantity = QUANTITIES.get(name)
    if quantity is None:  # the only plain bytes on the wire
        if not isinstance(value, bytes) or len(value) != layout.UNIQUE_ID_BYTES:
            raise ValueError(f"{where} must be {layout.UNIQUE_ID_BYTES} bytes, not {value!r}")
        return value
    if not isinstance(value, int):
        raise ValueError(f"{where} must be a whole number, not {value!r}")
    if not quantity.minimum <= value <= quantity.maximum:
        raise ValueError(f"{where} = {value} is outside {quantity.minimum} to {quantity.maximum}")
    return value


def _pack_sample(sample: tuple[int, ...]) -> bytes:
    if len(sample) != len(SAMPLE_FIELDS):
        raise ValueError(f"a sample has {len(SAMPLE_FIELDS)} values, not {len(sample)}")
    pairs = zip(SAMPLE_FIELDS, sample, strict=True)
    return _SAMPLE.pack(*(_checked(f"TELEMETRY.samples.{name}", name, value) for name, value in pairs))


def decode(frame: Frame) -> Received:
    """The message in a frame. Raises ValueError for an unknown kind or a wrong length.

    HELLO_REPLY is read from any version: of this major the fields that both know, of another one only
    those that are frozen for ever. Ranges are not checked: that is the receiver's business.
    """
    name = _NAMES.get(frame.kind)
    if name is None:
        raise ValueError(f"unknown kind of message 0x{frame.kind:02x}; {ONE_VERSION}")
    _, _, format_, paths = layout.MESSAGES[name]
    if name == "TELEMETRY":
        return Received(name, _telemetry(frame.body, format_, paths))
    if name == "HELLO_REPLY":
        format_ = _hello_reply_format(frame.body, format_)
        more = len(format_) - len(layout.FROZEN_HELLO_REPLY_FORMAT)
        paths = paths[: layout.FROZEN_HELLO_REPLY_FIELDS + more]
        if len(frame.body) < struct.calcsize(format_):
            raise _wrong_length(name, frame.body, struct.calcsize(format_))
    elif len(frame.body) != struct.calcsize(format_):
        raise _wrong_length(name, frame.body, struct.calcsize(format_))
    fields: dict[str, Any] = {}
    for path, value in zip(paths, struct.unpack_from(format_, frame.body), strict=True):
        group, dot, field = path.rpartition(".")
        if dot:
            fields.setdefault(group, {})[field] = value
        else:
            fields[path] = value
    return Received(name, fields)


def _hello_reply_format(body: bytes, format_: str) -> str:
    """As many fields as are there; a newer minor appends to them. Those after the frozen ones are numbers,
    each one character of the format."""
    if not body or body[0] != layout.PROTOCOL_MAJOR:
        return layout.FROZEN_HELLO_REPLY_FORMAT
    while struct.calcsize(format_) > len(body) and format_ != layout.FROZEN_HELLO_REPLY_FORMAT:
        format_ = format_[:-1]
    return format_


def _telemetry(body: bytes, format_: str, paths: tuple[str, ...]) -> dict[str, Any]:
    head = struct.calcsize(format_)
    if (len(body) - head) % _SAMPLE.size:
        raise ValueError(f"TELEMETRY of {len(body)} bytes is not {head} and whole samples of {_SAMPLE.size}")
    fields: dict[str, Any] = dict(zip(paths, struct.unpack_from(format_, body), strict=True))
    fields["samples"] = Samples(body[head:])
    return fields


def _wrong_length(name: str, body: bytes, expected: int) -> ValueError:
    return ValueError(
        f"{name} came with {len(body)} bytes, not {expected}: firmware and host differ; {ONE_VERSION}"
    )


class FrameReader:
    """Cuts a byte stream into frames; whatever comes in, it keeps at most one frame's bytes.

    After any garbage the next zero byte ends it, and the frame behind that zero is received.
    """

    def __init__(self) -> None:
        self.bad_crc = 0  #: whole frames whose check sum was wrong
        self.bad_cobs = 0  #: pieces that no encoder makes
        self.short = 0  #: too short to hold kind, flags and CRC
        self.oversized = 0  #: more bytes without a zero than any frame has
        self.discarded_bytes = 0  #: bytes of everything counted above, without the closing zeros
        self._pending = bytearray()
        self._is_oversized = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by `data`, in order; never raises for what the bytes say."""
        frames = []
        *complete, rest = data.split(b"\0")
        for piece in complete:
            self._collect(piece)
            frame = self._finish()
            if frame is not None:
                frames.append(frame)
        self._collect(rest)
        return frames

    def _collect(self, piece: bytes) -> None:
        if self._is_oversized:
            self.discarded_bytes += len(piece)
        elif len(self._pending) + len(piece) > layout.ENCODED_BYTES_MAX:
            self._is_oversized = True
            self.oversized += 1
            self.discarded_bytes += len(self._pending) + len(piece)
        else:
            self._pending += piece

    def _finish(self) -> Frame | None:
        encoded = bytes(self._pending)
        self._pending.clear()
        if self._is_oversized or not encoded:  # an empty piece is two zeros in a row: idle line
            self._is_oversized = False
            return None
        try:
            plain = cobs.decode(encoded)
        except cobs.DecodeError:
            self.bad_cobs += 1
        else:
            end = len(plain) - layout.CRC_BYTES
            if end < layout.HEADER_BYTES:
                self.short += 1
            elif crc32(plain[:end]) != int.from_bytes(plain[end:], "little"):
                self.bad_crc += 1
            else:
                return Frame(plain[0], plain[1], bytes(plain[layout.HEADER_BYTES : end]))
        self.discarded_bytes += len(encoded)
        return None
