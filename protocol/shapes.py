"""Walks the Construct structs of `protocol.messages` into flat rows: path, offset, type, quantity.

The generator writes every file from these rows, and the layout hash is taken over them, so that
nothing else in the project states an offset or a struct format.
"""

from binascii import crc32
from collections.abc import Iterator
from typing import Any, NamedTuple

from construct import Bytes, FormatField, GreedyRange, Renamed, Struct

from protocol import codes, messages
from protocol.quantities import QUANTITIES, Quantity
from protocol.settings import SETTINGS


class Field(NamedTuple):
    """One value of a body, nested structs flattened."""

    path: tuple[str, ...]  #: ("pull", "force_mN") for a nested field
    offset: int  #: bytes from the start of the body (of the sample, for a sample's field)
    code: str  #: struct format character without byte order, or "8s" for bytes
    size: int  #: bytes
    quantity: Quantity | None  #: None for plain bytes

    @property
    def wire(self) -> str:
        """Wire type as written in the reference: u8 ... i32, or bytes[n]."""
        return self.quantity.wire if self.quantity else f"bytes[{self.size}]"


class Shape(NamedTuple):
    """A message with its flattened fields, and the fields of one repeated element if it has any."""

    message: messages.Message
    fields: tuple[Field, ...]
    repeated_name: str
    repeated: tuple[Field, ...]

    @property
    def size(self) -> int:
        """Bytes of the body, without repeated elements."""
        return sum(field.size for field in self.fields)

    @property
    def struct_format(self) -> str:
        return struct_format(self.fields)

    @property
    def groups(self) -> dict[str, int]:
        """Nested structs of the body and the offset at which each begins."""
        found: dict[str, int] = {}
        for field in self.fields:
            for group in field.path[:-1]:
                found.setdefault(group, field.offset)
        return found


def struct_format(fields: tuple[Field, ...]) -> str:
    """Format for Python's `struct`, little-endian and without padding."""
    return "<" + "".join(field.code for field in fields)


def _walk(body: Any, path: tuple[str, ...], offset: int) -> Iterator[Field]:
    for named in body.subcons:
        if not isinstance(named, Renamed):
            raise TypeError(f"every field needs a name: {named!r} in {'.'.join(path)}")
        inner, here = named.subcon, (*path, named.name)
        if isinstance(inner, GreedyRange):
            continue  # repeated elements follow the fixed part; see `shape`
        if isinstance(inner, Struct):
            yield from _walk(inner, here, offset)
        elif isinstance(inner, FormatField):
            quantity = QUANTITIES[named.name]
            yield Field(here, offset, inner.fmtstr.lstrip("<>"), inner.sizeof(), quantity)
        elif isinstance(inner, Bytes):
            yield Field(here, offset, f"{inner.length}s", inner.length, None)
        else:
            raise TypeError(f"the generator does not know {inner!r} in {'.'.join(here)}")
        offset += inner.sizeof()


def shape(message: messages.Message) -> Shape:
    """Flatten one message. Raises TypeError for a construct that the generator does not know."""
    repeated_name = ""
    repeated: tuple[Field, ...] = ()
    for index, named in enumerate(message.body.subcons):
        if isinstance(named.subcon, GreedyRange):
            if index != len(message.body.subcons) - 1:
                raise TypeError(f"repeated elements must come last: {message.name}")
            repeated_name = named.name
            repeated = tuple(_walk(named.subcon.subcon, (), 0))
    return Shape(message, tuple(_walk(message.body, (), 0)), repeated_name, repeated)


SHAPES: tuple[Shape, ...] = tuple(shape(message) for message in messages.MESSAGES)
SAMPLE_FIELDS: tuple[Field, ...] = tuple(_walk(messages.SAMPLE, (), 0))
LOAD_FIELDS: tuple[Field, ...] = tuple(_walk(messages.LOAD, (), 0))

CODE_TABLES: dict[str, tuple[codes.Code, ...] | tuple[codes.Fault, ...]] = {
    "result": codes.RESULTS,
    "mode": codes.MODES,
    "hold": codes.HOLDS,
    "stop": codes.STOPS,
    "reset": codes.RESETS,
    "device_flag": codes.DEVICE_FLAGS,
    "limit": codes.LIMITS,
    "fault": codes.FAULTS,
}


def canonical_text() -> str:
    """Everything two programs must agree on to understand each other, one fact per line.

    Sentences, defaults and ranges are left out: they may be improved without a new layout.
    """
    lines = [
        f"frame header {messages.HEADER_BYTES} crc {messages.CRC_BYTES} max {messages.FRAME_BYTES_MAX}",
        f"flag resent {messages.FLAG_RESENT}",
        f"sample_flags push {codes.SAMPLE_PUSH_BIT} mode {codes.SAMPLE_MODE_SHIFT}"
        f" {codes.SAMPLE_MODE_MASK} limits {codes.SAMPLE_LIMITS_SHIFT}",
    ]
    for item in SHAPES:
        message = item.message
        lines.append(f"message {message.kind:#04x} {message.name} {'in' if message.to_device else 'out'}")
        for prefix, fields in (("", item.fields), (f"{item.repeated_name}[].", item.repeated)):
            for field in fields:
                scale = field.quantity.scale if field.quantity else 1
                lines.append(f"field {prefix}{'.'.join(field.path)} {field.offset} {field.wire} {scale!r}")
    for table, rows in CODE_TABLES.items():
        lines.extend(f"{table} {row.number} {row.name}" for row in rows)
    lines.extend(f"setting {setting.number} {setting.name}" for setting in SETTINGS)
    return "\n".join(lines) + "\n"


def layout_hash() -> int:
    """CRC-32 of `canonical_text`: two programs with the same hash read each other's bytes alike."""
    return crc32(canonical_text().encode("ascii"))
