"""A disk that takes no more ends the recording with one clear sentence; what was written stays whole."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from host.errors import EXIT_FILE, FileError
from host.recording import appending
from host.recording.appending import Appending, Locked
from host.recording.recovery import open_recording
from tests.host.command_line import ROOT, Host, host
from tests.host.recordings import batch, write

__all__ = ["host"]
posix = pytest.mark.skipif(os.name != "posix", reason="as POSIX has it")


def fill(monkeypatch: pytest.MonkeyPatch, left: int, number: int = errno.ENOSPC) -> None:
    """From now on the disk takes so many bytes: the last write is a short one, as real disks do it."""
    real = os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(number, os.strerror(number))
        taken = real(fd, bytes(data)[:left])
        left -= taken
        return taken

    monkeypatch.setattr(appending.os, "write", write)


@pytest.mark.parametrize("left", [0, 1, 50, 51, 500, 815])
@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "the disk is read-only")]
)
def test_a_full_disk_is_an_error_that_says_what_was_kept(
    left: int, number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = write(tmp_path, [batch(0), batch(16)], close=False)
    whole = os.path.getsize(recorder.path)
    with monkeypatch.context() as patch:
        fill(patch, left, number)
        with pytest.raises(FileError) as caught:
            recorder.take(batch(32))
        assert caught.value.code == EXIT_FILE and words in caught.value.sentence
        assert recorder.path in caught.value.sentence and recorder.id in caught.value.hint
        assert "sled" not in caught.value.sentence, "the load is not concerned"
        with pytest.raises(FileError):
            recorder.take(batch(48))
        assert os.path.getsize(recorder.path) == whole, "no half batch stays behind"
        recorder.close()
    recording = open_recording(recorder.path)
    assert [len(boot.samples) for boot in recording.boots] == [32] and recording.mended


def test_a_recording_that_has_failed_does_not_go_on_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = write(tmp_path, [batch(0)], close=False)
    with monkeypatch.context() as patch:
        fill(patch, 0)
        with pytest.raises(FileError):
            recorder.take(batch(16))
    with pytest.raises(FileError):
        recorder.take(batch(32))
    recorder.close()
    assert [len(boot.samples) for boot in open_recording(recorder.path).boots] == [16]


def test_a_disk_that_is_full_at_the_end_still_has_every_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = write(tmp_path, [batch(0)], close=False)
    with monkeypatch.context() as patch:
        fill(patch, 100)
        with pytest.raises(FileError, match="the disk is full"):
            recorder.close()
        recorder.close()  # closed is closed
    assert [len(boot.samples) for boot in open_recording(recorder.path).boots] == [16]


def test_a_disk_that_takes_nothing_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fill(patch, 100)
        with pytest.raises(FileError, match=f"cannot record in {tmp_path}: the disk is full") as caught:
            write(tmp_path, [])
    assert "SLED_DATA_DIR" in caught.value.hint and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"cannot record in .*file"):
        write(tmp_path / "file" / "data", [])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions stop")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="no permission"):
        write(tmp_path, [])


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    recorder = write(tmp_path / "a" / "b", [batch(0)])
    assert open_recording(recorder.path).is_whole


def waited_for(path: str) -> Appending:
    """There is one such device for all programs of a machine: another may be testing with it."""
    deadline_s = time.monotonic() + 30.0
    while True:
        try:
            return Appending(path, is_new=False)
        except Locked:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)


@posix
def test_dev_full_is_a_full_disk() -> None:
    file = waited_for("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        file.append(b"sample")


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from host.cli import main
main(sys.argv[1:])
"""


@posix
def test_host_record_on_a_file_that_may_not_grow_exits_8_and_keeps_the_rest(host: Host) -> None:
    words = ["--json", "--port", "sim://", "record", "--seconds", "5"]
    program = [sys.executable, "-c", LIMITED, *words]
    done = subprocess.run(program, cwd=ROOT, env=host.environment, capture_output=True, text=True)
    assert done.returncode == EXIT_FILE, done.stderr
    assert "no file may grow further here" in done.stdout and "host show" in done.stdout
    shown = host("--json", "show", "last").answer
    assert 100 < shown["totals"]["samples"] < 400 and "recovered" in shown["mended"]
    assert shown["totals"]["samples_lost"] == 0


def test_the_disk_is_asked_to_keep_it_without_holding_up_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_syncing, may_end = threading.Event(), threading.Event()

    def slow(fd: int) -> None:
        is_syncing.set()
        assert may_end.wait(20)

    monkeypatch.setattr(appending, "_sync", slow)
    monkeypatch.setattr(appending, "_SYNC_s", 0.001)
    recorder = write(tmp_path, [batch(0)], close=False)
    assert is_syncing.wait(20)
    for index in range(16, 1600, 16):
        recorder.take(batch(index))  # while the disk is still busy with the first
    may_end.set()
    recorder.close()
    assert [len(boot.samples) for boot in open_recording(recorder.path).boots] == [1600]


def test_a_disk_that_fails_while_it_syncs_ends_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_failed = threading.Event()

    def broken(fd: int) -> None:
        has_failed.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(appending, "_sync", broken)
    monkeypatch.setattr(appending, "_SYNC_s", 0.001)
    recorder = write(tmp_path, [batch(0)], close=False)
    assert has_failed.wait(20)
    with pytest.raises(FileError, match="has ended: Input/output error; kept"):
        for index in range(16, 100_000, 16):  # the thread tells it at some later one
            recorder.take(batch(index))
    recorder.close()
    assert open_recording(recorder.path).mended, "the file is let go of all the same"


@posix
def test_two_processes_never_write_one_file(tmp_path: Path) -> None:
    first = Appending(str(tmp_path / "x"))
    with pytest.raises(Locked):
        Appending(str(tmp_path / "x"), is_new=False)
    first.close()
    Appending(str(tmp_path / "x"), is_new=False).close()


@posix
def test_a_disk_without_locks_can_be_recorded_on_but_nothing_there_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(fd: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(appending, "_lock", no_locks)
    recorder = write(tmp_path, [batch(0)], close=False)
    assert open_recording(recorder.path).is_live
    recorder.close()
    assert open_recording(recorder.path).is_whole
