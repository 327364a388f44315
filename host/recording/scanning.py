"""One pass over a recording's whole records, whatever became of its end.

Samples are read by strides of NumPy, since all their records have one size; everything else by the
`mcap` library. Damage is passed over up to the next sample; what follows the last whole record is the tail.
"""

import contextlib
import struct
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, Any, NamedTuple

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, DataEnd, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import StreamReader, get_chunk_data_stream

from host.recording import schemas
from host.recording.contents import MAGIC, PREFIX_BYTES, Contents, record_bytes

SAMPLE_TOPIC = "/sample"
_BLOCK_BYTES = 8 << 20
RECORD_BYTES_MAX = 1 << 20  #: no record of a recording is near it: a greater length is damage
_FIRST_LOOK = 64  # records; doubled while they are all alike
_PREFIX = struct.Struct("<BQ")
_HEAD = [("opcode", "u1"), ("length", "<u8"), ("channel", "<u2"), ("sequence", "<u4"), ("log_ns", "<u8")]
_DATA_END = _PREFIX.pack(Opcode.DATA_END, 4)
_READERS: dict[Opcode, Callable[[ReadDataStream, int], McapRecord]] = {
    Opcode.SCHEMA: lambda stream, _: Schema.read(stream),
    Opcode.CHANNEL: lambda stream, _: Channel.read(stream),
    Opcode.METADATA: lambda stream, _: Metadata.read(stream),
    Opcode.MESSAGE: Message.read,
}
_OPCODES = frozenset(int(opcode) for opcode in Opcode)

Table = np.ndarray[Any, np.dtype[np.void]]


class Told(NamedTuple):
    """A message of any channel but /sample: fields in wire units, a dot joining nested names."""

    topic: str
    log_ns: int
    fields: dict[str, Any]


def unpacked(file: IO[bytes]) -> BytesIO:
    """The plain records of a file that another program has packed into chunks (`mcap compress`).

    Raises ValueError for damaged ones.
    """
    plain = bytearray(MAGIC)
    try:
        for record in StreamReader(file, emit_chunks=True).records:
            if isinstance(record, Chunk):
                stream, length = get_chunk_data_stream(record, validate_crc=True)
                plain += stream.read(length)
            elif isinstance(record, Metadata):
                plain += record_bytes(record)
    except Exception as error:  # each compression has errors of its own
        raise ValueError(f"its chunks are damaged: {error}") from None
    return BytesIO(plain)


class Scan:
    """What the whole records of a file hold. Raises ValueError where it is no recording at all."""

    def __init__(self, file: IO[bytes]) -> None:
        self.contents = Contents()
        self.metadata: list[Metadata] = []
        self.told: list[Told] = []
        self.runs: list[Table] = []  #: the fields of the file's own schema, and log_ns
        self.has_end = False  #: data section closed, all closing records there
        self.is_damaged = False  #: there is an end, and its check sum tells of other data
        self.damaged_bytes = 0  #: passed over between whole records
        self._fields: dict[int, np.dtype[Any] | None] = {}  # by channel; None for JSON
        self._bad_at = -1  # where a record stands that is whole and cannot be read
        self._sample_mark = b""  # how each record of a sample begins
        self._sample_channel = -1
        self._sample_dtype: np.dtype[Any] | None = None  # of a whole record
        self._read(file)

    def _read(self, file: IO[bytes]) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin like an MCAP file")
        self.contents.add_bytes(MAGIC)
        rest = b""
        while not rest.startswith(_DATA_END):
            block = file.read(_BLOCK_BYTES)
            rest += block
            used = self._take(rest, 0)
            # At the end of the file, half a record may as well be one whose length is damaged.
            while self._is_damage(rest, used) or not (block or rest.startswith(_DATA_END, used)):
                again = rest.find(self._sample_mark, used + 1) if self._sample_mark else -1
                if again < 0:
                    break
                self.damaged_bytes += again - used
                used = self._take(rest, again)
            self.contents.add_bytes(rest[:used])
            rest = rest[used:]
            if not block:
                break
        self._look_at_end(rest + file.read())

    def _take(self, data: bytes, at: int) -> int:
        """Take whole records from `at` on; returns where they end, which the caller looks at."""
        while len(data) - at >= PREFIX_BYTES and not self._is_damage(data, at):
            opcode, length = _PREFIX.unpack_from(data, at)
            end = at + PREFIX_BYTES + length
            if opcode == Opcode.DATA_END or end > len(data):
                break
            count = self._run(data, at, length) if opcode == Opcode.MESSAGE else 0
            if count and self._sample_dtype is not None:
                at += count * self._sample_dtype.itemsize
                continue
            try:
                self._record(Opcode(opcode), data[at + PREFIX_BYTES : end], self.contents.size + at)
            except (McapError, ValueError, KeyError, struct.error):
                self._bad_at = self.contents.size + at
                break
            at = end
        return at

    def _is_damage(self, data: bytes, at: int) -> bool:
        """Whether no record of a recording begins so."""
        if len(data) - at < PREFIX_BYTES:
            return False
        opcode, length = _PREFIX.unpack_from(data, at)
        if opcode == Opcode.CHUNK and not self.contents.counts:
            raise ValueError("it is packed in chunks and has no end (mcap recover makes one)")
        if opcode == Opcode.DATA_END:
            return data[at : at + PREFIX_BYTES] != _DATA_END
        return opcode not in _OPCODES or length > RECORD_BYTES_MAX or self.contents.size + at == self._bad_at

    def _run(self, data: bytes, at: int, length: int) -> int:
        """Take the samples that stand one behind the other here; how many there were."""
        dtype = self._sample_dtype
        if dtype is None or length != dtype.itemsize - PREFIX_BYTES:
            return 0
        most = (len(data) - at) // dtype.itemsize
        count, look = 0, _FIRST_LOOK
        while count < most:
            records = np.frombuffer(data, dtype, min(look, most - count), at + count * dtype.itemsize)
            is_sample = (
                (records["opcode"] == Opcode.MESSAGE)
                & (records["length"] == length)
                & (records["channel"] == self._sample_channel)
            )
            alike = len(records) if is_sample.all() else int(is_sample.argmin())
            count += alike
            if alike < len(records):
                break
            look *= 2
        if count:
            records = np.frombuffer(data, dtype, count, at)
            run = np.empty(count, [("log_ns", "<u8"), *_described(self._fields[self._sample_channel])])
            for name in run.dtype.names or ():
                run[name] = records[name]
            self.runs.append(run)
            low, high = int(run["log_ns"].min()), int(run["log_ns"].max())
            self.contents.add_messages(self._sample_channel, count, low, high)
        return count

    def _record(self, opcode: Opcode, body: bytes, offset: int) -> None:
        stream = ReadDataStream(BytesIO(body))
        reader = _READERS.get(opcode)
        if reader is None:
            return
        record = reader(stream, len(body))
        if stream.count != len(body):
            raise ValueError("a record of another length than its parts")
        if isinstance(record, Schema):
            self.contents.schemas[record.id] = record
        elif isinstance(record, Channel):
            self._channel(record)
        elif isinstance(record, Metadata):
            self.metadata.append(record)
            self.contents.add_metadata(record, offset, PREFIX_BYTES + len(body))
        elif isinstance(record, Message):
            self._message(record)

    def _channel(self, channel: Channel) -> None:
        schema = self.contents.schemas[channel.schema_id]
        dtype = None
        if schema.encoding == schemas.SCHEMA_ENCODING:
            fields = schemas.fields(schema.data.decode())
            dtype = np.dtype([(field.path, field.code) for field in fields])
            if channel.topic == SAMPLE_TOPIC and not {"boot_id", "sample_index"} <= set(dtype.names or ()):
                raise ValueError("samples without boot and index")
        self.contents.channels[channel.id] = channel
        self._fields[channel.id] = dtype
        if channel.topic == SAMPLE_TOPIC and dtype is not None:
            self._sample_channel = channel.id
            self._sample_dtype = np.dtype([*_HEAD, ("publish_ns", "<u8"), *_described(dtype)])
            prefix = _PREFIX.pack(Opcode.MESSAGE, self._sample_dtype.itemsize - PREFIX_BYTES)
            self._sample_mark = prefix + channel.id.to_bytes(2, "little")

    def _message(self, message: Message) -> None:
        import json

        channel = self.contents.channels[message.channel_id]
        dtype = self._fields[channel.id]
        if dtype is None:
            fields = json.loads(message.data)
            if not isinstance(fields, dict):
                raise ValueError("not an object")
        else:
            values = np.frombuffer(message.data, dtype, 1)[0].tolist()
            if len(message.data) != dtype.itemsize:
                raise ValueError("a message of another length than its schema")
            fields = dict(zip(dtype.names or (), values, strict=True))
        self.contents.add_messages(channel.id, 1, message.log_time, message.log_time)
        self.told.append(Told(channel.topic, message.log_time, fields))

    def _look_at_end(self, rest: bytes) -> None:
        """Whether what follows the data section is whole, and tells of the data that is there."""
        if not rest.endswith(MAGIC):
            return
        end: McapRecord | None = None
        with contextlib.suppress(McapError, ValueError, struct.error):
            end, *_ = StreamReader(BytesIO(rest), True, record_size_limit=RECORD_BYTES_MAX).records
        self.has_end = isinstance(end, DataEnd)
        self.is_damaged = not isinstance(end, DataEnd) or end.data_section_crc not in (0, self.contents.crc)


def _described(dtype: np.dtype[Any] | None) -> Iterator[tuple[str, Any]]:
    assert dtype is not None
    for name in dtype.names or ():
        yield name, dtype[name]
