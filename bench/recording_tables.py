"""An hour of made-up samples through the recorder, and what other programs make of the file."""

import math
import os
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import numpy as np
import pandas
from mcap.reader import make_reader
from mcap_ros1.decoder import DecoderFactory

from host.following import Batch, Pong
from host.recording import About, Recorder
from host.recording.catalogue import listed
from host.recording.export import write_csv, write_parquet
from host.recording.recovery import open_recording
from host.session import Device
from protocol import compat, layout, wire

_BATCH = 16
_LOOKED_AT = 200_000  # samples that the slow reader compares


def hour(folder: str, seconds: int) -> tuple[str, float, int]:
    """Record so many seconds of a sled going up and back; the path, seconds it took, and batches."""
    same = compat.Compatibility(compat.SAME, "", "")
    device = Device("00" * 8, "0.1.0", True, 7, same, 0.001, 3008, 800.0, 30.0, 8)
    recorder = Recorder(folder, About(device, {}), lambda: 0.0)
    taken_s, batches = 0.0, 0
    for first in range(0, seconds * 1000, _BATCH):
        raw = b"".join(_sample(index) for index in range(first, first + _BATCH))
        batch = Batch(7, first, wire.Samples(raw))
        before_s = time.perf_counter()
        recorder.take(batch)
        taken_s += time.perf_counter() - before_s
        batches += 1
        if first % 1008 == 0:
            recorder.take(Pong(first / 1000, first / 1000 + 0.001, 7, first, 0.0005))
    recorder.close()
    return recorder.path, taken_s, batches


def _sample(index: int) -> bytes:
    angle = index / 6000 * math.pi
    position_um = round(7.5e6 * (1 - math.cos(angle)))
    velocity = round(7500 * math.pi / 6 * math.sin(angle))
    tow = round(1294 * math.sin(angle)) + index % 7
    return struct.pack(layout.SAMPLE_FORMAT, position_um, velocity, tow, 1294, 1000 + index % 50, 2 << 1)


def compare(path: str, folder: str) -> Iterator[tuple[str, str, str]]:
    """Rows of the report. Raises AssertionError where two readers see different values."""
    csv, parquet = os.path.join(folder, "x.csv"), os.path.join(folder, "x.parquet")
    yield "size of the recording", f"{os.path.getsize(path) / 1e6:.0f} MB", ""
    recording, text = _timed(lambda: open_recording(path))
    yield "opened, with its sums", text, ""
    (boot,), text = _timed(lambda: recording.boots)
    count = len(boot.samples)
    yield "every sample as columns, with host time", text, f"{count} samples"
    sums, text = _timed(lambda: recording.summed_up().fields())
    yield "lengths worked out anew", text, f"{sums['lengths']} lengths"
    _, text = _timed(lambda: listed(folder))
    yield "host sessions, for the first time", text, ""
    _, text = _timed(lambda: write_parquet(recording, parquet))
    yield "exported as Parquet", text, f"{os.path.getsize(parquet) / 1e6:.0f} MB"
    _, text = _timed(lambda: write_csv(recording, csv))
    yield "exported as CSV", text, f"{os.path.getsize(csv) / 1e6:.0f} MB"
    checked = 0
    with open(path, "rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for _, _, message, sample in reader.iter_decoded_messages(["/sample"], log_time_order=False):
            row = boot.samples[checked]
            assert (message.sequence, sample.boot_id) == (row["sample_index"], row["boot_id"])
            assert all(getattr(sample, name) == row[name] for name in layout.SAMPLE_FIELDS)
            checked += 1
            if checked == _LOOKED_AT:
                break
    yield "equal by mcap with its decoder for ROS 1", f"{checked} samples", ""
    frame = pandas.read_parquet(parquet)
    for shown, name, factor in (
        ("position_m", "position_um", 1e6),
        ("velocity_m_per_s", "velocity_mm_per_s", 1e3),
        ("tow_force_N", "tow_force_dN", 10.0),
    ):
        assert np.array_equal(np.round(frame[shown] * factor), boot.samples[name])
    yield "equal by pandas from Parquet", f"{len(frame)} samples", ""
    (found,) = duckdb.execute(
        "SELECT count(*), sum(tow_force_N), max(position_m) FROM read_parquet(?)", [parquet]
    ).fetchall()
    assert found[0] == count and math.isclose(found[1], boot.samples["tow_force_dN"].sum() / 10, rel_tol=1e-9)
    assert math.isclose(found[2], boot.samples["position_um"].max() / 1e6)
    yield "equal by DuckDB from Parquet", f"{found[0]} samples", ""
    (from_csv,) = duckdb.execute(
        "SELECT count(*), sum(tow_force_N), max(position_m) FROM read_csv(?)", [csv]
    ).fetchall()
    assert from_csv[0] == count and math.isclose(from_csv[1], found[1], rel_tol=1e-9)
    yield "equal by DuckDB from CSV", f"{from_csv[0]} samples", ""


def _timed(work: Callable[[], Any]) -> tuple[Any, str]:
    before_s = time.perf_counter()
    return work(), f"{time.perf_counter() - before_s:.2f} s"
