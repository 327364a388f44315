"""What a recording's messages look like: the wire's own layout, written as ROS 1 message definitions.

A packed little-endian body is exactly what ROS 1 makes of the same fields, so the bytes that Construct
defines go into the file as they are, and Foxglove and PlotJuggler read them. Reading goes by the
definition in the file.
"""

import re
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from protocol import layout
from protocol.quantities import QUANTITIES

ENCODING = "ros1"
SCHEMA_ENCODING = "ros1msg"
JSON = "json"
JSON_SCHEMA = "jsonschema"

_TYPES = {
    "b": "int8", "B": "uint8", "h": "int16", "H": "uint16",
    "l": "int32", "L": "uint32", "q": "int64", "Q": "uint64",
}  # fmt: skip
_CODES = {name: code for code, name in _TYPES.items()}
_SEPARATOR = "=" * 80
_LOAD = "sled/Load"  # the only struct within a struct
_DOCS = {
    "sent_ns": "when the question went out, by the host's own clock",
    "received_ns": "when the answer came, by the same clock",
    "wall_ns": "the time of day at which it came, in ns since 1970",
}


class Body(NamedTuple):
    """Fields of one kind of message as `struct` packs them; a dot joins nested names."""

    name: str  #: sled/Status
    format: str
    paths: tuple[str, ...]

    def pack(self, fields: Mapping[str, Any]) -> bytes:
        """The bytes of the wire for fields in wire units, nested loads as dicts."""
        return struct.pack(self.format, *(_value(fields, path) for path in self.paths))

    @property
    def definition(self) -> str:
        """As ROS 1 writes it, with each field's meaning behind it."""
        lines: list[str] = []
        groups: dict[str, list[str]] = {}
        for code, path in zip(re.findall(r"\d*[a-zA-Z]", self.format), self.paths, strict=True):
            group, dot, name = path.rpartition(".")
            line = f"{_ros_type(code)} {name}{_comment(name)}"
            if not dot:
                lines.append(line)
                continue
            if group not in groups:
                lines.append(f"{_LOAD} {group}")
            groups.setdefault(group, []).append(line)
        if groups:
            lines += [_SEPARATOR, f"MSG: {_LOAD}", *next(iter(groups.values()))]
        return "\n".join(lines) + "\n"


def _value(fields: Mapping[str, Any], path: str) -> Any:
    group, dot, name = path.rpartition(".")
    return fields[group][name] if dot else fields[name]


def _ros_type(code: str) -> str:
    return f"uint8[{code[:-1]}]" if code.endswith("s") else _TYPES[code]


def _comment(name: str) -> str:
    doc = QUANTITIES[name].doc if name in QUANTITIES else _DOCS.get(name, "")
    return f"  # {doc}" if doc else ""


def _of_wire(message: str) -> Body:
    _, _, format_, paths = layout.MESSAGES[message]
    return Body("sled/" + message.title().replace("_", ""), format_, paths)


_BATCH = _of_wire("TELEMETRY")
_PONG_PATHS = ("boot_id", "sample_index", "since_tick_us")

#: One sample, with the boot and the index that the wire tells once for a batch.
SAMPLE = Body(
    "sled/Sample", _BATCH.format + layout.SAMPLE_FORMAT.lstrip("<"), _BATCH.paths + layout.SAMPLE_FIELDS
)
SAMPLE_HEAD = struct.Struct(_BATCH.format)
CLOCK = Body("sled/Clock", "<QQQHLL", ("sent_ns", "received_ns", "wall_ns", *_PONG_PATHS))
LOST = _of_wire("SAMPLES_LOST")
TOLD = {message: _of_wire(message) for message, row in layout.MESSAGES.items() if not row[1]}


class Field(NamedTuple):
    """One value of a message, as the file's own definition has it."""

    path: str
    code: str  #: as NumPy writes a little-endian type: <i4, or (8,)u1


def fields(definition: str) -> tuple[Field, ...]:
    """The flattened fields of a definition. Raises ValueError for what no version of this project writes."""
    parts = re.split(r"^=+\n", definition, flags=re.MULTILINE)
    inner: dict[str, list[tuple[str, str]]] = {}
    for part in parts[1:]:
        title, _, rest = part.partition("\n")
        inner[title.removeprefix("MSG:").strip()] = _lines(rest)
    found = []
    for type_, name in _lines(parts[0]):
        if type_ in inner:
            found += [Field(f"{name}.{each}", _numpy_code(code)) for code, each in inner[type_]]
        else:
            found.append(Field(name, _numpy_code(type_)))
    return tuple(found)


def _lines(text: str) -> list[tuple[str, str]]:
    rows = [line.partition("#")[0].split() for line in text.splitlines()]
    if any(row and len(row) != 2 for row in rows):
        raise ValueError("a field is a type and a name")
    return [(row[0], row[1]) for row in rows if row]


def _numpy_code(type_: str) -> str:
    count = re.fullmatch(r"uint8\[(\d+)\]", type_)
    if count:
        return f"({count[1]},)u1"
    if type_ not in _CODES:
        raise ValueError(f"unknown type {type_}")
    kind = "u" if type_.startswith("u") else "i"
    return f"<{kind}{struct.calcsize('<' + _CODES[type_])}"


#: Channels whose messages are JSON, by topic.
_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
JSON_BODIES: dict[str, dict[str, Any]] = {
    "/link": {
        "title": "sled/Link",
        "type": "object",
        "properties": {
            "event": {"enum": ["away", "back", "restarted"]},
            "host_s": _NUMBER,
            "reason": _TEXT,
            "away_s": _NUMBER,
            "port": _TEXT,
            "boot_id": _NUMBER,
        },
    },
    "/set_load": {
        "title": "sled/SetLoad",
        "type": "object",
        "properties": {
            "by": _TEXT,
            "pull": {"type": "object"},
            "push": {"type": "object"},
            "lease_s": _NUMBER,
            "result": _TEXT,
        },
    },
    "/note": {"title": "sled/Note", "type": "object", "properties": {"text": _TEXT}},
}
