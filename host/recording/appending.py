"""A file that only grows, by whole pieces: each handed to the operating system before `append` returns.

Every two seconds a thread asks the disk itself to have it, so that a power cut takes no more than that.
The file is locked while it is open, which is how another process knows that its end is still to come.
"""

import contextlib
import os
import sys
import threading

_SYNC_s = 2.0
_FLAGS = os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Locked(Exception):
    """Another process has the file open for writing."""


class Appending:
    """An open file and its size. Methods raise OSError, and then the file ends with the last whole piece."""

    def __init__(self, path: str, is_new: bool = True) -> None:
        """Create the file, or open it to mend its end: raises Locked while somebody writes it."""
        self.path = path
        self._fd = os.open(path, os.O_RDWR | _FLAGS | (os.O_CREAT | os.O_EXCL if is_new else 0), 0o644)
        try:
            self._lock(is_new)
            self.size = os.fstat(self._fd).st_size
        except BaseException:
            os.close(self._fd)
            raise
        self._synced = self.size
        self._trouble: OSError | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sync_now_and_then, name="disk", daemon=True)
        self._thread.start()

    def append(self, data: bytes) -> None:
        """Hand all of `data` to the operating system; what it takes outlives this process."""
        if self._trouble is not None:
            raise self._trouble
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self.cut(self.size)
            raise
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Drop everything behind `size`; a disk that refuses even that leaves it to the next recovery."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, size)
        self.size = size

    def close(self) -> None:
        """Have the disk keep everything, then let go of the file."""
        self._is_over.set()
        self._thread.join()
        try:
            _sync(self._fd)
        finally:
            os.close(self._fd)

    def _sync_now_and_then(self) -> None:
        while not self._is_over.wait(_SYNC_s):
            size = self.size
            if size == self._synced:
                continue
            try:
                _sync(self._fd)
            except OSError as error:
                self._trouble = error
                return
            self._synced = size

    def _lock(self, is_new: bool) -> None:
        try:
            _lock(self._fd)
        except OSError:
            if is_new:  # a disk without locks can be recorded on; nothing there is ever mended in place
                return
            raise Locked(self.path) from None


if sys.platform == "win32":
    import msvcrt

    _LOCK_AT = 2**30  # a byte beyond what is read: on Windows a lock keeps readers out

    def _lock(fd: int) -> None:
        os.lseek(fd, _LOCK_AT, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)
