"""What an MCAP file holds so far, and the closing records that tell it, at an end and at a recovery alike.

Records themselves are the `mcap` library's. Files have no chunks: each record is whole by itself, which
is what lets a file be cut anywhere and lose no more than the record that was cut.
"""

import zlib

from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    DataEnd,
    Footer,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.writer import MCAP0_MAGIC

MAGIC = MCAP0_MAGIC
PREFIX_BYTES = 9  #: opcode and length before each record
_FOOTER_HEAD_BYTES = 17  # the footer's part that its own check sum covers


def record_bytes(record: McapRecord) -> bytes:
    """A record as it stands in the file."""
    builder = RecordBuilder()
    record.write(builder)
    return taken(builder)


def taken(builder: RecordBuilder) -> bytes:
    """What the builder has gathered; it begins anew."""
    data: bytes = builder.end()  # type: ignore[no-untyped-call]
    return data


class Contents:
    """Counts, schemas, channels and metadata of the data section; `size` and `crc` cover all its bytes."""

    def __init__(self) -> None:
        self.size = 0
        self.crc = 0
        self.schemas: dict[int, Schema] = {}
        self.channels: dict[int, Channel] = {}
        self.counts: dict[int, int] = {}  #: messages by channel
        self.first_ns = 0  #: log times of the first and last message
        self.last_ns = 0
        self.metadata: list[MetadataIndex] = []

    def add_bytes(self, data: bytes) -> None:
        """These bytes now end the data section."""
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)

    def add_messages(self, channel_id: int, count: int, first_ns: int, last_ns: int) -> None:
        """Messages of one channel, log times from `first_ns` to `last_ns`."""
        self.first_ns = min(self.first_ns, first_ns) if self.counts else first_ns
        self.last_ns = max(self.last_ns, last_ns)
        self.counts[channel_id] = self.counts.get(channel_id, 0) + count

    def add_metadata(self, record: Metadata, offset: int, length: int) -> None:
        """A metadata record of `length` bytes at `offset` of the file."""
        self.metadata.append(MetadataIndex(offset=offset, length=length, name=record.name))

    def ending(self) -> bytes:
        """Everything that follows the data section: what other readers need to find their way."""
        data_end = record_bytes(DataEnd(self.crc))
        summary_start = self.size + len(data_end)
        statistics = Statistics(
            attachment_count=0,
            channel_count=len(self.channels),
            channel_message_counts=self.counts,
            chunk_count=0,
            message_count=sum(self.counts.values()),
            message_end_time=self.last_ns,
            message_start_time=self.first_ns,
            metadata_count=len(self.metadata),
            schema_count=len(self.schemas),
        )
        groups: tuple[tuple[Opcode, list[McapRecord]], ...] = (
            (Opcode.SCHEMA, [*self.schemas.values()]),
            (Opcode.CHANNEL, [*self.channels.values()]),
            (Opcode.STATISTICS, [statistics]),
            (Opcode.METADATA_INDEX, [*self.metadata]),
        )
        summary, offsets = b"", b""
        for opcode, records in groups:
            group = b"".join(map(record_bytes, records))
            start = summary_start + len(summary)
            offsets += record_bytes(SummaryOffset(opcode, start, len(group))) if group else b""
            summary += group
        footer = Footer(
            summary_start=summary_start, summary_offset_start=summary_start + len(summary), summary_crc=0
        )
        head = record_bytes(footer)[: PREFIX_BYTES + _FOOTER_HEAD_BYTES - 1]
        footer.summary_crc = zlib.crc32(head, zlib.crc32(summary + offsets))
        return data_end + summary + offsets + record_bytes(footer) + MAGIC
