"""An exported table holds every sample and every gap, with equal values for whoever reads it."""

import builtins
import csv
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas
import pyarrow.parquet as pq
import pytest

from host.errors import EXIT_FILE, BadValue, FileError
from host.following import Back, Item, Lost, Pong
from host.recording import export
from host.recording.reading import Recording
from host.samples import SampleReader
from tests.host.recordings import DEVICE, batch, status, write

ITEMS: list[Item] = [
    Pong(100.9, 100.901, 77, 15, 0.0001),
    batch(0),
    Lost(16, 32),
    batch(48),
    Lost(64, 5),
    Back(102.0, 1.5, "port", DEVICE._replace(boot_id=78), True, status()),
    batch(3, 16, 78),
]
COLUMNS = [
    "boot_id", "sample_index", "device_time_s", "host_time_utc", "position_m", "velocity_m_per_s",
    "tow_force_N", "law_force_N", "brake_force_N", "is_push", "mode", "limits", "lost_samples",
]  # fmt: skip
GAPS = [(77, 16, 32), (77, 64, 5)]


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(write(tmp_path, ITEMS).path)


def expected() -> list[tuple[Any, ...]]:
    """SI values of every sample, by the reader that every other command uses."""
    rows = []
    readers = {77: SampleReader(0.001), 78: SampleReader(0.001)}
    for item in ITEMS:
        if hasattr(item, "samples"):
            rows += [(item.boot_id, *sample) for sample in readers[item.boot_id].read(item)]
    return rows


def test_csv_has_one_row_for_each_sample_and_each_gap(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    assert export.write_csv(recording, str(path)) == 50
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    gaps = [row for row in rows if row["lost_samples"] != "0"]
    assert [(int(r["boot_id"]), int(r["sample_index"]), int(r["lost_samples"])) for r in gaps] == GAPS
    assert all(row["position_m"] == row["mode"] == row["host_time_utc"] == "" for row in gaps)
    assert [int(row["sample_index"]) for row in rows] == [*range(17), *range(48, 65), *range(3, 19)]
    for row, (boot_id, *sample) in zip(
        [r for r in rows if r["lost_samples"] == "0"], expected(), strict=True
    ):
        assert (int(row["boot_id"]), int(row["sample_index"])) == (boot_id, sample[0])
        names = ["device_time_s", *COLUMNS[4:9]]
        assert [float(row[name]) for name in names] == pytest.approx(sample[1:7], abs=1e-9)
        assert (row["is_push"] == "True") == sample[7]
        assert row["mode"] in ("idle", "armed", "loading", "ramping_down", "fault")


def test_parquet_tells_units_and_session(recording: Recording, tmp_path: Path) -> None:
    path = str(tmp_path / "table.parquet")
    assert export.write_parquet(recording, path) == 50
    schema = pq.read_schema(path)
    assert schema.names == COLUMNS
    units = {name: (schema.field(name).metadata or {}).get(b"unit") for name in COLUMNS}
    assert (units["tow_force_N"], units["position_m"], units["device_time_s"]) == (b"N", b"m", b"s")
    assert (units["velocity_m_per_s"], units["mode"]) == (b"m/s", None)
    about = json.loads(schema.metadata[b"session"])
    assert about["session"]["athlete"] == "Ann Lee" and about["settings"][0]["hold_s"] == 600
    assert about["end"]["lost"] == "37" and about["devices"][0]["unique_id"] == DEVICE.unique_id


def test_duckdb_and_pandas_read_from_parquet_what_was_recorded(recording: Recording, tmp_path: Path) -> None:
    path = str(tmp_path / "table.parquet")
    export.write_parquet(recording, path)
    names = [*COLUMNS[:3], *COLUMNS[4:9]]
    values = [(row[0], row[1], row[2], *row[3:8]) for row in expected()]
    found = duckdb.execute(
        f"SELECT {', '.join(names)} FROM read_parquet(?) WHERE lost_samples = 0", [path]
    ).fetchall()
    assert found == [pytest.approx(row, abs=1e-9) for row in values]
    gaps = "SELECT boot_id, sample_index, lost_samples FROM read_parquet(?) WHERE tow_force_N IS NULL"
    assert duckdb.execute(gaps, [path]).fetchall() == GAPS
    frame = pandas.read_parquet(path)
    assert np.allclose(frame[frame.lost_samples == 0][names].astype(float), np.array(values), atol=1e-9)
    times = frame[(frame.lost_samples == 0) & (frame.boot_id == 77)].host_time_utc
    host_ns = times.astype("datetime64[ns, UTC]").astype(np.int64)
    assert host_ns.tolist() == recording.boots[0].host_ns.tolist()


def test_csv_is_read_by_pandas_and_duckdb_as_it_is(recording: Recording, tmp_path: Path) -> None:
    path = str(tmp_path / "table.csv")
    export.write_csv(recording, path)
    frame = pandas.read_csv(path, parse_dates=["host_time_utc"])
    assert frame.tow_force_N.isna().sum() == 2 and str(frame.host_time_utc.dtype).startswith("datetime64")
    (found,) = duckdb.execute(
        "SELECT sum(lost_samples), count(tow_force_N) FROM read_csv(?)", [path]
    ).fetchall()
    assert found == (37, 48)


def test_without_pyarrow_the_error_says_what_to_install(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadValue, match="pyarrow") as caught:
        export.write_parquet(recording, str(tmp_path / "x.parquet"))
    assert "pip install 'resistance-sled[parquet]'" in caught.value.hint
    assert not (tmp_path / "x.parquet").exists()


@pytest.mark.parametrize("write_table", [export.write_csv, export.write_parquet])
def test_a_table_is_whole_or_not_there(
    write_table: Any, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out" / "table"

    def interrupt(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(recording, str(path), interrupt)
    assert os.listdir(path.parent) == []
    with pytest.raises(FileError, match="cannot write") as caught:
        write_table(recording, str(Path(recording.path) / "table"))
    assert caught.value.code == EXIT_FILE


def test_losses_of_a_boot_that_gave_no_sample_are_in_the_table(tmp_path: Path) -> None:
    back = Back(102.0, 1.5, "port", DEVICE._replace(boot_id=78), True, status())
    recording = Recording(write(tmp_path, [batch(0), back, Lost(0, 50)]).path)
    export.write_csv(recording, str(tmp_path / "x.csv"))
    last = (tmp_path / "x.csv").read_text().splitlines()[-1]
    assert last.startswith("78,0,0.000000,") and last.endswith(",50")


def test_a_recording_without_samples_is_no_table(tmp_path: Path) -> None:
    recording = Recording(write(tmp_path, []).path)
    with pytest.raises(BadValue, match="holds no samples"):
        export.write_csv(recording, str(tmp_path / "x.csv"))
    assert not (tmp_path / "x.csv").exists()


def test_blocks_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [batch(16 * number) for number in range(20)]
    path = write(tmp_path, items).path
    export.write_csv(Recording(path), str(tmp_path / "one.csv"))
    monkeypatch.setattr("host.recording.reading._BLOCK_SAMPLES", 7)
    export.write_csv(Recording(path), str(tmp_path / "many.csv"))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "many.csv").read_bytes()
