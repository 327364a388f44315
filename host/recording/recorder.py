"""Writes what was observed of a sled into one file, each item with one write, as it comes.

Channels: /sample with one message per tick, /lost, /clock, /status, /fault and whatever else the sled
told, /link where the line dropped and returned, /set_load for what commands asked, /note for people. Log
time is the host's, by the clock fit of that moment; publish time is the device's own.
"""

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from mcap.data_stream import RecordBuilder
from mcap.records import Channel, Header, Message, Metadata, Schema

from host import view
from host.clock import ClockFit
from host.errors import FileError
from host.following import Away, Back, Batch, Item, Lost, Pong, Told
from host.loading import Applied, applied
from host.loads import Load
from host.recording import naming, schemas
from host.recording.appending import Appending
from host.recording.contents import MAGIC, Contents, record_bytes, taken
from host.recording.totals import Totals
from host.session import Device
from protocol import codes, layout, units, wire

_LOST_MAX = 0xFFFF  # of one /lost message, as on the wire
_RESULTS = {code.number: code.name for code in codes.RESULTS}
_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "this user's share of the disk is full",
    errno.EFBIG: "no file may grow further here",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "no permission to write there",
}


class About(NamedTuple):
    """What a session is about; None where nothing is known. Settings are in their own units."""

    device: Device
    settings: Mapping[str, int]
    athlete: str | None = None
    body_mass_kg: float | None = None
    surface: str | None = None
    friction: float | None = None
    load: str | None = None  #: as it was asked for
    resolved: Load | None = None  #: what that was worked out to
    in_force: Applied | None = None  #: what the device had when the recording began


class Recorder:
    """One recording under way. Methods that write raise FileError; what was written until then is kept."""

    def __init__(
        self, folder: str, about: About, now: Callable[[], float] = time.monotonic, before_s: float = 0.0
    ) -> None:
        """`now` is the clock of the items' `host_s`; the first items are that long ago already.

        Raises FileError if nothing can be written there.
        """
        self._now = now
        self._zero_s, self._zero_ns = now() - before_s, time.time_ns() - round(before_s * 1e9)
        self._period_s = about.device.sample_period_s or 0.001
        self._boot_id = about.device.boot_id
        self.totals = Totals(self._period_s)
        self.sums: dict[str, Any] = {}  #: of the whole recording, once it is closed
        self.clock = ClockFit()
        self._contents = Contents()
        self._channels: dict[str, int] = {}
        self._log_ns: dict[str, int] = {}
        self._buffer = RecordBuilder()
        self._load_set: str | None = None  # by the last command that did
        self._failure: FileError | None = None
        self._is_closed = False
        try:
            os.makedirs(folder, exist_ok=True)
            self.id, self.path = naming.new_path(folder, self._zero_ns / 1e9)
            self._file = Appending(self.path)
            self._begin(about)
        except OSError as error:
            raise FileError(
                f"cannot record in {folder}: {_reason(error)}", "SLED_DATA_DIR=some/folder host record"
            ) from None

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self.close("ended" if error is None else str(error) or type(error).__name__)

    def take(self, item: Item) -> None:
        """Write one item; when this returns, a killed process has not lost it."""
        if isinstance(item, Batch):
            self._samples(item)
        elif isinstance(item, Lost):
            self._lost(item)
        elif isinstance(item, Pong):
            self._pong(item)
        elif isinstance(item, Told):
            self._told(item.message, item.host_s)
        elif isinstance(item, Away):
            self._link("away", item.host_s, reason=item.reason)
        else:
            self._back(item)
        self._flush()  # before anything else is done with it
        self._sum_up(item)

    def note(self, text: str) -> None:
        """A remark of people, with the time it is made."""
        self._say("/note", self._now(), {"text": text})
        self._flush()

    def commanded(self, host_s: float, by: str, fields: Mapping[str, Any], answer: wire.Received) -> None:
        """A SET_LOAD of the command `by`, and the sled's answer, wire units."""
        loads = {way: view.load_fields(Load(**units.load_to_si(fields[way]))) for way in ("pull", "push")}
        result = _RESULTS.get(answer.fields["result"], str(answer.fields["result"]))
        lease_s = units.to_si("lease_ms", fields["lease_ms"]) if fields["hold"] else None
        self._say("/set_load", host_s, {"by": by, **loads, "lease_s": lease_s, "result": result})
        if answer.name == "LOAD_REPLY":
            self._told(answer, host_s)
            self._load_set = json.dumps(view.applied_fields(applied(answer.fields)))
        self._flush()

    def describe(self, device: Device, settings: Mapping[str, int]) -> None:
        """The device and its settings as they are from now on: they may differ after a restart."""
        self._describe(device, settings)
        self._flush()

    def close(self, reason: str = "ended") -> None:
        """Write sums and closing records. A file whose end cannot be written gets it when it is opened."""
        if self._is_closed:
            return
        self._is_closed = True
        self.sums = self.totals.fields()
        try:
            if self._failure is None:
                self._finish(reason)
                self._flush()
                self._file.append(self._contents.ending())
        except OSError as error:
            raise self._failed(error) from None
        finally:
            try:
                self._file.close()
            except OSError as error:
                if self._failure is None:
                    raise self._failed(error) from None

    def _begin(self, about: About) -> None:
        self._buffer.write(MAGIC)
        Header(profile="", library=f"resistance-sled {_version()}").write(self._buffer)
        self._channel("/sample")
        session = {
            "id": self.id,
            "started": _iso(self._zero_ns),
            "started_ns": self._zero_ns,
            "host_zero_s": self._zero_s,
            "athlete": about.athlete,
            "body_mass_kg": about.body_mass_kg,
            "surface": about.surface,
            "friction": about.friction,
            "load_requested": about.load,
            "load_resolved": about.resolved and json.dumps(about.resolved._asdict()),
            "load_in_force": about.in_force and json.dumps(view.applied_fields(about.in_force)),
            "software": _version(),
            "protocol": f"{layout.PROTOCOL_MAJOR}.{layout.PROTOCOL_MINOR}",
            "layout_hash": f"{layout.LAYOUT_HASH:08x}",
        }
        self._put(_metadata("session", session))
        self._describe(about.device, about.settings)
        data = taken(self._buffer)
        try:
            self._file.append(data)
        except OSError:
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                os.remove(self.path)  # there is nothing in it
            raise
        self._contents.add_bytes(data)

    def _describe(self, device: Device, settings: Mapping[str, int]) -> None:
        self._put(_metadata("device", {**device._asdict(), "compatibility": device.compatibility.verdict}))
        self._put(_metadata("settings", {"boot_id": device.boot_id, **settings}))

    def _finish(self, reason: str) -> None:
        clock = self.clock
        fit = {} if not clock.count else {
            "clock_readings": clock.count,
            "clock_offset_s": clock.host_s(0.0),
            "clock_drift_ppm": clock.drift_ppm,
            "clock_uncertainty_s": clock.uncertainty_s,
        }  # fmt: skip
        more = {"load_set": self._load_set, **fit}
        self._put(end_metadata(reason, self._wall_ns(self._now()), self.sums, more))

    def _samples(self, batch: Batch) -> None:
        """One message for each tick; log times from the fit, or before it from the moment they came."""
        self._see_boot(batch.boot_id)
        first, raw, count = batch.sample_index, batch.samples.raw, len(batch.samples)
        last_s = (first + count - 1) * self._period_s
        newest_ns = self._wall_ns(self.clock.host_s(last_s) if self.clock.count else self._now())
        oldest_ns = newest_ns - round((count - 1) * self._period_s * 1e9)
        channel_id = self._channel("/sample")
        floor_ns = self._log_ns.get("/sample", 0)
        begun_ns = log_ns = max(floor_ns, oldest_ns)
        period_ns = round(self._period_s * 1e9)
        for at in range(count):
            index = first + at
            log_ns = max(floor_ns, oldest_ns + at * period_ns)
            body = schemas.SAMPLE_HEAD.pack(batch.boot_id, index) + raw[at * _SIZE : (at + 1) * _SIZE]
            Message(channel_id, log_ns, body, index * period_ns, index).write(self._buffer)
        self._log_ns["/sample"] = log_ns
        self._contents.add_messages(channel_id, count, begun_ns, log_ns)

    def _sum_up(self, item: Item) -> None:
        if isinstance(item, Batch):
            self.totals.take(item)
        elif isinstance(item, Lost):
            self.totals.lose(item.sample_count)
        elif isinstance(item, Back) and item.has_restarted:
            self.totals.restart(item.away_s)

    def _lost(self, lost: Lost) -> None:
        end = lost.sample_index + lost.sample_count
        for first in range(lost.sample_index, end, _LOST_MAX):
            fields = {
                "boot_id": self._boot_id,
                "sample_index": first,
                "sample_count": min(_LOST_MAX, end - first),
            }
            self._message("/lost", self._now(), schemas.LOST.pack(fields), first)

    def _pong(self, pong: Pong) -> None:
        self._see_boot(pong.boot_id)
        self.clock.add(pong.sent_s, pong.received_s, pong.sample_index * self._period_s + pong.since_tick_s)
        fields = {
            "sent_ns": round(pong.sent_s * 1e9),
            "received_ns": round(pong.received_s * 1e9),
            "wall_ns": self._wall_ns(pong.received_s),
            "boot_id": pong.boot_id,
            "sample_index": pong.sample_index,
            "since_tick_us": round(pong.since_tick_s * 1e6),
        }
        self._message("/clock", pong.received_s, schemas.CLOCK.pack(fields), pong.sample_index)

    def _told(self, message: wire.Received, host_s: float) -> None:
        body = schemas.TOLD[message.name].pack(message.fields)
        self._message(f"/{message.name.lower()}", host_s, body, message.fields.get("sample_index"))

    def _back(self, back: Back) -> None:
        event = "restarted" if back.has_restarted else "back"
        boot_id = back.device.boot_id
        self._see_boot(boot_id)
        self._link(event, back.host_s, away_s=back.away_s, port=back.port, boot_id=boot_id)
        self._told(wire.Received("STATUS", back.status), back.host_s)

    def _see_boot(self, boot_id: int) -> None:
        if boot_id != self._boot_id:
            self._boot_id = boot_id
            self.clock = ClockFit()

    def _link(self, event: str, host_s: float, **fields: Any) -> None:
        self._say("/link", host_s, {"event": event, "host_s": host_s, **fields})

    def _say(self, topic: str, host_s: float, fields: Mapping[str, Any]) -> None:
        self._message(topic, host_s, json.dumps(fields).encode(), None)

    def _message(self, topic: str, host_s: float, body: bytes, sample_index: int | None) -> None:
        channel_id = self._channel(topic)
        log_ns = max(self._log_ns.get(topic, 0), self._wall_ns(host_s))
        self._log_ns[topic] = log_ns
        publish_ns = log_ns if sample_index is None else round(sample_index * self._period_s * 1e9)
        sequence = self._contents.counts.get(channel_id, 0)
        Message(channel_id, log_ns, body, publish_ns, sequence).write(self._buffer)
        self._contents.add_messages(channel_id, 1, log_ns, log_ns)

    def _channel(self, topic: str) -> int:
        """Its number; schema and channel are written when it is first needed."""
        if topic in self._channels:
            return self._channels[topic]
        number = len(self._channels) + 1
        if topic in schemas.JSON_BODIES:
            body = schemas.JSON_BODIES[topic]
            schema = Schema(number, json.dumps(body).encode(), schemas.JSON_SCHEMA, body["title"])
            encoding = schemas.JSON
        else:
            packed = _BODIES.get(topic) or schemas.TOLD[topic[1:].upper()]
            schema = Schema(number, packed.definition.encode(), schemas.SCHEMA_ENCODING, packed.name)
            encoding = schemas.ENCODING
        channel = Channel(number, topic, encoding, {}, number)
        for record in (schema, channel):
            record.write(self._buffer)
        self._contents.schemas[number], self._contents.channels[number] = schema, channel
        self._channels[topic] = number
        return number

    def _put(self, record: Metadata) -> None:
        data = record_bytes(record)
        self._contents.add_metadata(record, self._contents.size + self._buffer.count, len(data))
        self._buffer.write(data)

    def _flush(self) -> None:
        """All that was gathered, by one write."""
        data = taken(self._buffer)
        if self._failure is not None:
            raise self._failure
        try:
            self._file.append(data)
        except OSError as error:
            raise self._failed(error) from None
        self._contents.add_bytes(data)

    def _failed(self, error: OSError) -> FileError:
        until_s = self.totals.samples * self._period_s
        self._failure = FileError(
            f"recording {self.id} has ended: {_reason(error)}; kept: {until_s:.1f} s in {self.path}",
            f"host show {self.id} (make room, then: host record)",
        )
        return self._failure

    def _wall_ns(self, host_s: float) -> int:
        return self._zero_ns + round((host_s - self._zero_s) * 1e9)


_SIZE = layout.SAMPLE_BYTES
_BODIES = {"/sample": schemas.SAMPLE, "/lost": schemas.LOST, "/clock": schemas.CLOCK}


def end_metadata(
    reason: str, ended_ns: int, sums: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> Metadata:
    """The record that tells how a recording ended, and its sums (`Totals.fields`)."""
    fields = {
        "reason": reason,
        "ended": _iso(ended_ns),
        "samples": sums["samples"],
        "lost": sums["samples_lost"],
        "restarts": sums["restarts"],
        "totals": json.dumps(sums),
    }
    return _metadata("end", {**fields, **(more or {})})


def _metadata(name: str, fields: Mapping[str, Any]) -> Metadata:
    return Metadata(name, {key: str(value) for key, value in fields.items() if value is not None})


def _iso(wall_ns: int) -> str:
    """Time of day with its zone, to the millisecond."""
    return datetime.fromtimestamp(wall_ns / 1e9).astimezone().isoformat(timespec="milliseconds")


def _reason(error: OSError) -> str:
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("resistance-sled")
    except PackageNotFoundError:
        return "unknown"
