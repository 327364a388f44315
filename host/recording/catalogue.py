"""What `host sessions` lists, kept in SQLite beside the recordings and made from them alone.

Each look compares it with the folder: what is new, changed or gone is put right, and a catalogue that is
damaged or of another version is made anew. Where it cannot be written, it lives in memory for once.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

from host.errors import FileError
from host.lengths import Length
from host.recording import naming
from host.recording.reading import Recording
from host.recording.recovery import open_recording

FILE = "catalogue.sqlite"
_VERSION = 1
_BUSY_s = 10.0


class Entry(NamedTuple):
    """One recording in the list; times ISO 8601 with zone, None where nothing is known."""

    file: str  #: name within the folder
    id: str
    started: str
    athlete: str | None
    load: str | None
    recorded_s: float
    distance_m: float
    lengths: int
    samples: int
    lost: int
    restarts: int
    simulated: int
    reason: str  #: why it ended; empty while it goes on


class Listed(NamedTuple):
    """The recordings of a folder, oldest first."""

    entries: list[Entry]
    live: list[Entry]  #: still being recorded
    mended: list[str]  #: what was done to torn ones, one sentence each
    unreadable: list[str]  #: files that hold no recording, with the reason


def listed(
    folder: str, rebuild: bool = False, progress: Callable[[int, int], None] = lambda done, of: None
) -> Listed:
    """Everything in the folder; `rebuild` forgets the catalogue first.

    Raises FileError where the folder cannot be read, or the catalogue stays in use by another program.
    """
    path = os.path.join(folder, FILE)
    if rebuild:
        _remove(path)
    for place in (path, path, ":memory:"):
        try:
            with contextlib.closing(_opened(place)) as database:
                return _synced(database, folder, progress)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise FileError(
                    f"the catalogue {path} is in use by another program", "host sessions"
                ) from None
            _remove(path)  # no such table or column, or a disk that cannot be written
        except sqlite3.DatabaseError:
            _remove(path)
    raise FileError(f"the catalogue {path} cannot be used", "host sessions --rebuild")


def _remove(path: str) -> None:
    for suffix in ("", "-journal"):
        with contextlib.suppress(OSError):
            os.remove(path + suffix)


def _opened(place: str) -> sqlite3.Connection:
    database = sqlite3.connect(place, timeout=_BUSY_s)
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        with database:
            database.execute("BEGIN IMMEDIATE")
            for table, columns in (("session", ["size", "mtime_ns", *Entry._fields]), ("length", _LENGTH)):
                database.execute(f"DROP TABLE IF EXISTS {table}")
                database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            database.execute("CREATE UNIQUE INDEX session_file ON session (file)")
            database.execute("CREATE UNIQUE INDEX length_file ON length (file, number)")
            database.execute(f"PRAGMA user_version = {_VERSION}")
    return database


_LENGTH = ("file", *Length._fields)


def _synced(database: sqlite3.Connection, folder: str, progress: Callable[[int, int], None]) -> Listed:
    known = {
        file: (size, mtime_ns)
        for file, size, mtime_ns in database.execute("SELECT file, size, mtime_ns FROM session")
    }
    there = {os.path.basename(path): path for path in naming.by_id(folder).values()}
    with database:
        for file in known.keys() - there.keys():
            _forget(database, file)
    found = Listed([], [], [], [])
    changed = [file for file, path in there.items() if known.get(file) != _stamp(path)]
    for number, file in enumerate(changed):
        progress(number, len(changed))
        try:
            recording = open_recording(there[file])
            entry = entry_of(recording)
        except FileError as error:
            found.unreadable.append(error.sentence)
            with database:
                _forget(database, file)
            continue
        if recording.mended:
            found.mended.append(f"{recording.id}: {recording.mended}")
        if recording.is_live:
            found.live.append(entry)
            continue
        with database:
            _forget(database, file)
            row = (*_stamp(there[file]), *entry)
            database.execute(f"INSERT INTO session VALUES ({_marks(row)})", row)
            for length in recording.totals()["each_length"]:
                values = (file, *(length.get(name) for name in Length._fields))
                database.execute(f"INSERT INTO length VALUES ({_marks(values)})", values)
    rows = database.execute(f"SELECT {', '.join(Entry._fields)} FROM session ORDER BY file")
    found.entries.extend(map(Entry._make, rows))
    return found


def entry_of(recording: Recording) -> Entry:
    """The recording's line in the list."""
    sums = recording.totals()
    session = recording.session
    return Entry(
        os.path.basename(recording.path),
        recording.id,
        session.get("started", ""),
        session.get("athlete"),
        load_words(session, recording.end),
        round((sums["samples"] + sums["samples_lost"]) * recording.period_s, 3),
        sums["distance_m"],
        sums["lengths"],
        sums["samples"],
        sums["samples_lost"],
        sums["restarts"],
        int(any(device.get("is_simulated") == "True" for device in recording.devices)),
        "" if recording.is_live else recording.end.get("reason", "unknown"),
    )


def load_words(session: dict[str, str], end: dict[str, str]) -> str | None:
    """The load as it was asked for, else as it was set last, else as it was when the recording began."""
    known = end.get("load_set", session.get("load_in_force"))
    if "load_requested" in session or known is None:
        return session.get("load_requested")
    in_force = json.loads(known)
    if in_force["state"] not in ("armed", "loading"):
        return "none"
    pull, push = (f"{in_force[way]['force_N']:g} N" for way in ("pull", "push"))
    return pull if in_force["pull"] == in_force["push"] else f"{pull}, push {push}"


def _forget(database: sqlite3.Connection, file: str) -> None:
    for table in ("session", "length"):
        database.execute(f"DELETE FROM {table} WHERE file = ?", (file,))


def _marks(row: tuple[Any, ...]) -> str:
    return ", ".join("?" * len(row))


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
