"""Gives a recording without its end one: after a kill, a power cut, or a disk that was full.

The file is mended in place and only behind its last whole record, so that it takes no room for a copy and
a recovery that is itself killed leaves what the next one mends. A file that somebody is still writing is
left alone, and so is one on a disk that cannot be written: then it is read as far as it goes.
"""

import contextlib
import os

from host.recording.appending import Appending, Locked
from host.recording.contents import record_bytes
from host.recording.reading import Recording
from host.recording.recorder import end_metadata


def open_recording(path: str) -> Recording:
    """The recording, its end mended if need be: `mended` says what was done, `is_live` that it goes on.

    Raises FileError where it cannot be read, or holds no recording.
    """
    recording = Recording(path)
    if recording.is_whole:
        return recording
    try:
        times = os.stat(path)
        file = Appending(path, is_new=False)
    except Locked:
        recording.is_live = True
        return recording
    except OSError as error:
        recording.mended = f"it has no end, and cannot be given one here: {error.strerror}"
        return recording
    try:
        recording = Recording(path)  # nobody else writes it now
        if not recording.is_whole:
            recording = _mended(recording, file)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    finally:
        with contextlib.suppress(OSError):  # what the disk did not keep is mended again
            file.close()
    return recording


def _mended(torn: Recording, file: Appending) -> Recording:
    contents = torn.scan.contents
    dropped = file.size - contents.size
    file.cut(contents.size)
    sentence = f"it had not been closed: recovered {_words(torn)}"
    if dropped:
        sentence += f", {dropped} torn bytes at the end dropped"
    try:
        if not torn.end:
            record = end_metadata("recovered", contents.last_ns, torn.summed_up().fields())
            data = record_bytes(record)
            contents.add_metadata(record, contents.size, len(data))
            file.append(data)
            contents.add_bytes(data)
        file.append(contents.ending())
    except OSError as error:
        torn.mended = f"it has no end, and cannot be given one here: {error.strerror}"
        return torn
    whole = Recording(torn.path)
    whole.mended = sentence
    return whole


def _words(torn: Recording) -> str:
    samples = sum(map(len, torn.scan.runs))
    return f"{samples * torn.period_s:.1f} s, {samples} samples"
