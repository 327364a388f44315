"""`host record` as it is, which also tells through a pipe what it receives and what it has written.

python -m bench.recording_child FD WORDS...

Each batch goes into the pipe before the recorder gets it, and a mark when the recorder is through.
"""

import os
import struct
import sys

from host import cli
from host.following import Batch, Item
from host.recording.recorder import Recorder

#: RECEIVED or WRITTEN, boot, first sample, bytes of samples that follow.
MARK = struct.Struct("<cHLH")
RECEIVED, WRITTEN = b"r", b"w"


def main(pipe: int, words: list[str]) -> None:
    """Run the command with these words; never returns."""
    take = Recorder.take

    def told(self: Recorder, item: Item) -> None:
        if not isinstance(item, Batch):
            take(self, item)
            return
        raw = item.samples.raw
        os.write(pipe, MARK.pack(RECEIVED, item.boot_id, item.sample_index, len(raw)) + raw)
        take(self, item)
        os.write(pipe, MARK.pack(WRITTEN, item.boot_id, item.sample_index, 0))

    Recorder.take = told  # type: ignore[method-assign]
    cli.main(words)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
