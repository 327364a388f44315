"""The catalogue is made from the recordings alone and puts itself right."""

import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from host.errors import FileError
from host.recording import catalogue
from host.recording.catalogue import FILE, listed
from tests.host.recordings import ABOUT, batch, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for athlete, count in (("Ann", 2), ("Bob", 3)):
        items = [batch(16 * number) for number in range(count)]
        write(tmp_path, items, ABOUT._replace(athlete=athlete))
    return tmp_path


def seen(folder: Path, **options: Any) -> list[tuple[str | None, int]]:
    entries = listed(str(folder), **options).entries
    return sorted((entry.athlete, entry.samples) for entry in entries)


BOTH = [("Ann", 32), ("Bob", 48)]


def test_every_recording_of_the_folder_is_listed(folder: Path) -> None:
    found = listed(str(folder))
    assert [(entry.athlete, entry.samples) for entry in found.entries].sort() == BOTH.sort()
    entry = next(entry for entry in found.entries if entry.athlete == "Ann")
    assert (entry.load, entry.recorded_s, entry.lost, entry.simulated) == ("50%bw", 0.032, 0, 1)
    assert not found.live and not found.mended and not found.unreadable


def test_the_second_look_reads_no_recording(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = listed(str(folder))
    monkeypatch.setattr(catalogue, "open_recording", None)
    assert listed(str(folder)) == first


def test_new_changed_and_deleted_recordings_are_noticed(folder: Path) -> None:
    assert seen(folder) == BOTH
    recorder = write(folder, [batch(0)], ABOUT._replace(athlete="Cid"))
    assert seen(folder) == [*BOTH, ("Cid", 16)]
    os.remove(recorder.path)
    assert seen(folder) == BOTH
    ann, bob = (
        next(e.file for e in listed(str(folder)).entries if e.athlete == name) for name in ("Ann", "Bob")
    )
    shutil.copy(folder / bob, folder / ann)
    assert seen(folder) == [("Bob", 48), ("Bob", 48)]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"this is no database, and never was one" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: run(path, "DROP TABLE length"),
        lambda path: run(path, "ALTER TABLE session DROP COLUMN athlete"),
        lambda path: run(path, "PRAGMA user_version = 99"),
        lambda path: run(path, "PRAGMA user_version = 0"),
    ],
)
def test_a_damaged_or_other_catalogue_is_made_anew(harm: Any, folder: Path) -> None:
    assert seen(folder) == BOTH
    harm(folder / FILE)
    assert seen(folder) == BOTH
    assert run(folder / FILE, "PRAGMA user_version") == [(1,)]


def run(path: Path, text: str) -> list[Any]:
    database = sqlite3.connect(path)
    try:
        with database:
            return database.execute(text).fetchall()
    finally:
        database.close()


def test_rebuild_forgets_what_the_files_do_not_say(folder: Path) -> None:
    assert seen(folder) == BOTH
    run(folder / FILE, "UPDATE session SET athlete = 'Eve'")
    assert seen(folder) == [("Eve", 32), ("Eve", 48)]
    assert seen(folder, rebuild=True) == BOTH


def test_torn_live_and_other_files_are_told_apart(folder: Path) -> None:
    torn = Path(write(folder, [batch(0)], ABOUT._replace(athlete="Cid"), close=False).path)
    data = torn.read_bytes()
    live = listed(str(folder))
    assert [entry.athlete for entry in live.live] == ["Cid"] and len(live.entries) == 2
    (folder / "2020-01-01_000000_torn.mcap").write_bytes(data)
    (folder / "2020-01-01_000001_none.mcap").write_bytes(b"something else")
    found = listed(str(folder))
    assert len(found.entries) == 3 and len(found.mended) == 1 and "recovered" in found.mended[0]
    assert len(found.unreadable) == 1 and "none.mcap" in found.unreadable[0]
    assert len(listed(str(folder)).mended) == 0


def test_lengths_are_in_a_table_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = write(tmp_path, [batch(0)])
    recorder_fields = {
        **recorder.sums,
        "each_length": [{"number": 1, "direction": "pull", "distance_m": 15.0}],
    }
    monkeypatch.setattr(catalogue.Recording, "totals", lambda self: recorder_fields)
    listed(str(tmp_path))
    rows = run(tmp_path / FILE, "SELECT file, number, direction, distance_m, work_J FROM length")
    assert rows == [(os.path.basename(recorder.path), 1, "pull", 15.0, None)]


def test_several_programs_may_look_at_once(folder: Path) -> None:
    found: list[list[tuple[str | None, int]]] = []

    def look() -> None:
        for _ in range(5):
            found.append(seen(folder, rebuild=False))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [BOTH] * 20


def test_a_catalogue_in_use_for_long_is_an_error_and_not_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(str(folder))
    monkeypatch.setattr(catalogue, "_BUSY_s", 0.01)
    database = sqlite3.connect(folder / FILE, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(FileError, match="in use by another program"):
        listed(str(folder))
    database.close()
    assert seen(folder) == BOTH


def test_a_folder_that_cannot_be_written_is_listed_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sqlite3.connect

    def connect(place: str, **options: Any) -> sqlite3.Connection:
        if place != ":memory:":
            raise sqlite3.OperationalError("unable to open database file")
        return real(place, **options)

    monkeypatch.setattr(catalogue.sqlite3, "connect", connect)
    assert seen(folder) == BOTH


def test_a_folder_that_is_not_there_has_no_recordings(tmp_path: Path) -> None:
    found = listed(str(tmp_path / "none"))
    assert found.entries == [] and not (tmp_path / "none").exists()
