"""Released versions of the protocol, frozen as files: what sleds in the field say and understand.

`protocol/released/1.0/layout.txt` is the canonical text of that layout (its CRC-32 is the layout hash), and
`stream.jsonl` what a host and a device of that version said to each other, with its meaning. Both are
written once, by `make release`, and never changed.
"""

import json
from binascii import crc32
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).with_name("released")

_WIRE = {"u8": "B", "u16": "H", "u32": "L", "i16": "h", "i32": "l"}


class Body(NamedTuple):
    """One message as a released version has it; a dot joins nested names."""

    kind: int
    to_device: bool
    format: str  #: of `struct`, without repeated elements
    paths: tuple[str, ...]
    repeated_name: str  #: empty where nothing is repeated
    repeated_format: str
    repeated_paths: tuple[str, ...]


class Said(NamedTuple):
    """One frame of the recorded stream, or a change of the world around the device (no frame)."""

    at_ms: int
    to_device: bool
    frame: bytes  #: as on the wire, with the closing zero
    name: str  #: empty for a frame that means nothing
    flags: int
    fields: dict[str, Any]  #: as `plain` gives them
    switches: int | None


class Release(NamedTuple):
    major: int
    minor: int
    text: str
    stream: tuple[Said, ...]

    @property
    def version(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def layout_hash(self) -> int:
        return crc32(self.text.encode("ascii"))

    @property
    def messages(self) -> dict[str, Body]:
        """Every message by its name."""
        return {name: _body(rows) for name, rows in _sections(self.text)}

    def codes(self, table: str) -> dict[str, int]:
        """Name -> number of one table of codes, such as `result`, or of `setting`."""
        rows = (line.split() for line in self.text.splitlines())
        return {row[2]: int(row[1]) for row in rows if row[0] == table}


def releases() -> list[Release]:
    """All that was ever released, oldest first."""
    folders = sorted(FOLDER.glob("*.*"), key=lambda folder: tuple(map(int, folder.name.split("."))))
    return [read(folder) for folder in folders]


def read(folder: Path) -> Release:
    """One released version."""
    major, minor = map(int, folder.name.split("."))
    lines = (folder / "stream.jsonl").read_text(encoding="ascii").splitlines()
    text = (folder / "layout.txt").read_text(encoding="ascii")
    return Release(major, minor, text, tuple(_said(json.loads(line)) for line in lines))


def write(release: Release) -> Path:
    """Freeze a version; returns its folder. Raises FileExistsError: what is released never changes."""
    folder = FOLDER / release.version
    folder.mkdir(parents=True)
    (folder / "layout.txt").write_text(release.text, encoding="ascii", newline="\n")
    lines = "".join(_line(said) + "\n" for said in release.stream)
    (folder / "stream.jsonl").write_text(lines, encoding="ascii", newline="\n")
    return folder


def broken_promises(released: str, now: str) -> list[str]:
    """What a canonical text took away from an earlier one of the same major, which may only be added to.

    A message keeps its kind, direction and every field; a code and a setting keep their number. Only
    HELLO_REPLY may grow, at its end: its sender knows from HELLO how much of it is understood.
    """
    before, after = dict(_sections(released)), dict(_sections(now))
    gone = [line for line in _facts(released) if line not in set(_facts(now))]
    if "HELLO_REPLY" in before:
        after["HELLO_REPLY"] = after.get("HELLO_REPLY", [])[: len(before["HELLO_REPLY"])]
    changed = [f"message {name}" for name, rows in before.items() if after.get(name) != rows]
    return gone + changed


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each message's name and its lines."""
    rows: list[str] = []
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("field "):
            rows.append(line)
            continue
        if name:
            yield name, rows
        name, rows = (line.split()[2], [line]) if line.startswith("message ") else ("", [])


def _facts(text: str) -> list[str]:
    """The lines that stand for themselves: frame, flags, codes, settings."""
    return [line for line in text.splitlines() if not line.startswith(("message ", "field "))]


def _body(rows: list[str]) -> Body:
    _, kind, _, way = rows[0].split()
    fields = [tuple(row.split()[1:4:2]) for row in rows[1:]]
    fixed = [field for field in fields if "[]." not in field[0]]
    repeated = [field for field in fields if "[]." in field[0]]
    return Body(
        int(kind, 16),
        way == "in",
        _format(fixed),
        tuple(path for path, _ in fixed),
        repeated[0][0].partition("[].")[0] if repeated else "",
        _format(repeated),
        tuple(path.partition("[].")[2] for path, _ in repeated),
    )


def _format(fields: list[tuple[str, ...]]) -> str:
    def character(wire: str) -> str:
        return f"{wire[6:-1]}s" if wire.startswith("bytes[") else _WIRE[wire]

    return "<" + "".join(character(wire) for _, wire in fields)


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a message in what JSON knows: bytes in hexadecimal, samples as lists."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, bytes):
            found[name] = value.hex()
        elif isinstance(value, Mapping):
            found[name] = plain(value)
        else:
            found[name] = [list(row) for row in value] if isinstance(value, Sequence) else value
    return found


def _line(said: Said) -> str:
    row = said._asdict() | {"frame": said.frame.hex()}
    kept = ("at_ms", "switches") if said.switches is not None else tuple(row)[:-1]
    return json.dumps({name: row[name] for name in kept})


def _said(row: dict[str, Any]) -> Said:
    nothing = Said(0, False, b"", "", 0, {}, None)
    return nothing._replace(**row | {"frame": bytes.fromhex(row.get("frame", ""))})
