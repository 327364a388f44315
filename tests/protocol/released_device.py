"""A device of a released version, built from its frozen layout alone; today's codec is not used."""

import struct
from binascii import crc32
from typing import Any

from cobs import cobs

from protocol.release import Release

PERIOD_us = 1000


def frame(kind: int, flags: int, body: bytes) -> bytes:
    """The frame around a body, which never changes."""
    plain = bytes((kind, flags)) + body
    return cobs.encode(plain + crc32(plain).to_bytes(4, "little")) + b"\0"


class ReleasedDevice:
    """Arms, holds a load and streams samples that count up; answers what its version knows, and no more."""

    def __init__(self, release: Release) -> None:
        self.heard: list[str] = []
        self.newest = 500  #: index of the next sample
        self._release = release
        self._messages = release.messages
        self._names = {body.kind: name for name, body in self._messages.items() if body.to_device}
        self._result = release.codes("result")
        self._mode = "IDLE"
        self._load: dict[str, Any] = {}
        self._sent: int | None = None  # index of the next sample to stream
        self._rest = b""

    def answer(self, data: bytes) -> bytes:
        """Frames to send for the bytes that came."""
        *pieces, self._rest = (self._rest + data).split(b"\0")
        plain = [cobs.decode(piece) for piece in pieces if piece]
        return b"".join(self._answer(each[0], each[2:-4]) for each in plain)

    def tick(self, samples: int) -> bytes:
        """Time passes; the telemetry that is due."""
        self.newest += samples
        out = b""
        while self._sent is not None and self.newest - self._sent >= 16:
            out += self._telemetry(self._sent, 16, 0)
            self._sent += 16
        return out

    def _answer(self, kind: int, body: bytes) -> bytes:
        name = self._names.get(kind, "")
        self.heard.append(name)
        if not name:
            return self._reply(int.from_bytes(body[:2], "little"), "UNKNOWN_KIND")
        row = self._messages[name]
        if len(body) != struct.calcsize(row.format):
            return self._reply(int.from_bytes(body[:2], "little"), "BAD_LENGTH")
        fields = dict(zip(row.paths, struct.unpack(row.format, body), strict=True))
        return self._do(name, fields, fields.get("command_id", 0))

    def _do(self, name: str, fields: dict[str, Any], command_id: int) -> bytes:
        if name == "HELLO":
            return self._message("HELLO_REPLY", **self._identity())
        if name == "CLOCK_PING":
            return self._message("CLOCK_PONG", ping_id=fields["ping_id"], sample_index=self.newest - 1)
        if name == "GET_STATUS":
            return self._message("STATUS", command_id=command_id, mode=self._mode_number(), **self._load)
        if name == "ARM":
            self._mode = "ARMED"
        elif name == "STOP":
            self._mode = "IDLE"
            self._load = {}
        elif name == "SET_LOAD":
            self._load = {path: value for path, value in fields.items() if "." in path}
            head = {"command_id": command_id, "result": self._result["OK"], "mode": self._mode_number()}
            return self._message("LOAD_REPLY", **head, **self._load)
        elif name == "STREAM":
            self._sent = min(fields["sample_index"], self.newest) if fields["enabled"] else None
            return self._reply(command_id, "OK", self._sent or 0)
        elif name == "RESEND":
            first, count = fields["sample_index"], min(fields["sample_count"], 17)
            return self._reply(command_id, "OK", first) + self._telemetry(first, count, 1)
        return self._reply(command_id, "OK")

    def _identity(self) -> dict[str, Any]:
        return {
            "protocol_major": self._release.major,
            "protocol_minor": self._release.minor,
            "layout_hash": self._release.layout_hash,
            "unique_id": bytes(range(8)),
            "boot_id": 77,
            "sample_period_us": PERIOD_us,
            "sample_count": 3008,
            "force_mN": 800_000,
            "mass_g": 30_000,
        }

    def _mode_number(self) -> int:
        return self._release.codes("mode")[self._mode]

    def _reply(self, command_id: int, result: str, value: int = 0) -> bytes:
        number = self._result[result]
        return self._message("REPLY", command_id=command_id, result=number, setting_value=value)

    def _telemetry(self, first: int, count: int, flags: int) -> bytes:
        row = self._messages["TELEMETRY"]
        blank = dict.fromkeys(row.repeated_paths, 0)
        samples = b"".join(
            struct.pack(row.repeated_format, *(blank | {"position_um": index}).values())
            for index in range(first, first + count)
        )
        return self._message("TELEMETRY", flags, samples, boot_id=77, sample_index=first)

    def _message(self, name: str, flags: int = 0, rest: bytes = b"", **fields: Any) -> bytes:
        row = self._messages[name]
        values = (fields.pop(path, b"" if path == "unique_id" else 0) for path in row.paths)
        body = struct.pack(row.format, *values) + rest
        assert not fields, f"{name} of {self._release.version} has no {', '.join(fields)}"
        return frame(row.kind, flags, body)


class ReleasedPort:
    """An open port with such a device behind it; each read takes a millisecond."""

    def __init__(self, device: ReleasedDevice) -> None:
        self.device = device
        self._time_ms = 0
        self._to_host = b""

    def now(self) -> float:
        return self._time_ms / 1000

    @property
    def in_waiting(self) -> int:
        return len(self._to_host)

    def write(self, data: bytes) -> int:
        self._to_host += self.device.answer(data)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        self._time_ms += 1
        self._to_host += self.device.tick(1)
        data, self._to_host = self._to_host[:size], self._to_host[size:]
        return data

    def close(self) -> None:
        pass
