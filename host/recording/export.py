"""Recordings as tables for other programs: CSV with units in its headings, and Parquet.

One row for each sample, in order; where samples are missing, one row with nothing measured in it tells
how many. Columns follow the recording's own fields, so that older and newer ones export too.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from host.errors import BadValue, FileError
from host.recording.reading import Boot, Gap, Recording, parts
from protocol import bulk, codes
from protocol.quantities import QUANTITIES

Column = np.ndarray[Any, np.dtype[Any]]  #: masked where nothing was measured
Progress = Callable[[int], None]  #: called with how many rows are written

_EPOCH = np.datetime64("1970-01-01", "us")
_TIME = "host_time_utc"
_DECIMALS = {"device_time_s": 6}
for _quantity in QUANTITIES.values():
    if _quantity.scale != 1:
        _DECIMALS.setdefault(_quantity.si_name, len(str(round(1 / _quantity.scale))) - 1)
#: The tow force is called so where it stands beside other forces.
_NAMES = {QUANTITIES["tow_force_dN"].si_name: "tow_force_N"}
_DECIMALS["tow_force_N"] = 1
_UNITS = (("_m_per_s", "m/s"), ("_N", "N"), ("_m", "m"), ("_s", "s"), ("_utc", "UTC"))


def blocks(recording: Recording) -> Iterator[dict[str, Column]]:
    """The whole recording as columns of equal length, in order and a part at a time."""
    if not recording.boots:
        raise BadValue(f"recording {recording.id} holds no samples", f"host show {recording.id}")
    for boot in recording.boots:
        after_m: float | None = None
        for part in parts(boot):
            if isinstance(part, Gap):
                yield _gap_row(boot, part)
            else:
                block = _columns(boot, part, after_m)
                if "position_m" in block:
                    after_m = float(block["position_m"][-1])
                yield block
    sampled = {boot.boot_id for boot in recording.boots}
    for gap in recording.gaps:
        if gap.boot_id not in sampled:
            yield _gap_row(recording.boots[-1], gap)


def _columns(boot: Boot, part: slice, after_m: float | None = None) -> dict[str, Column]:
    samples = boot.samples[part]
    found = bulk.to_si(samples, after_m)
    del found["log_ns"]
    block = {
        "boot_id": found.pop("boot_id"),
        "sample_index": found.pop("sample_index"),
        "device_time_s": _device_s(boot, samples["sample_index"]),
        _TIME: boot.host_ns[part].astype("datetime64[ns]"),
        **{_NAMES.get(name, name): values for name, values in found.items()},
    }
    if "mode" in block:
        block["mode"] = _words(block["mode"], _mode)
        block["limits"] = _words(block["limits"], _limits)
    return {**block, "lost_samples": np.zeros(len(samples), np.uint32)}


def _gap_row(boot: Boot, gap: Gap) -> dict[str, Column]:
    row: dict[str, Column] = {
        name: np.ma.array(np.zeros(1, values.dtype), mask=True)
        for name, values in _columns(boot, slice(0, 1)).items()
    }
    known = {
        "boot_id": gap.boot_id,
        "sample_index": gap.sample_index,
        "device_time_s": _device_s(boot, np.array([gap.sample_index])),
        "lost_samples": gap.sample_count,
    }
    for name, value in known.items():
        row[name][:] = value
    return row


def _device_s(boot: Boot, index: Column) -> Column:
    seconds: Column = np.round(index * boot.period_s, _DECIMALS["device_time_s"])
    return seconds


def _words(values: Column, word: Callable[[int], str]) -> Column:
    distinct, where = np.unique(values, return_inverse=True)
    words: Column = np.array([word(int(each)) for each in distinct], dtype=object)[where]
    return words


def _mode(number: int) -> str:
    return codes.MODES[number].name.lower() if number < len(codes.MODES) else str(number)


def _limits(bits: int) -> str:
    return " ".join(codes.limit_names(bits))


def write_csv(recording: Recording, path: str, progress: Progress = lambda rows: None) -> int:
    """Write the table and return its rows. Raises FileError where it cannot be written."""
    rows = 0
    with _put_in_place(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
        for block in blocks(recording):
            if not rows:
                file.write(",".join(block) + "\n")
            texts = [_texts(name, values) for name, values in block.items()]
            file.writelines(f"{','.join(row)}\n" for row in zip(*texts, strict=True))
            rows += len(block["sample_index"])
            progress(rows)
    return rows


def _texts(name: str, values: Column) -> list[str]:
    """A column's cells, with as many decimals as the wire has; nothing for what is masked."""
    if np.ma.is_masked(values):
        return ["" for _ in values]
    if values.dtype.kind == "M":
        micros = values.astype("datetime64[us]")
        return list(map("{}Z".format, np.datetime_as_string(micros).tolist()))
    if values.dtype.kind == "f":
        return list(map(f"%.{_DECIMALS[name]}f".__mod__, values.tolist()))
    return list(map(str, values.tolist()))


def write_parquet(recording: Recording, path: str, progress: Progress = lambda rows: None) -> int:
    """Write the table, with its units and what the session was about as the schema's metadata.

    Raises BadValue without pyarrow, FileError where it cannot be written.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise BadValue(
            "Parquet needs the package pyarrow, which is not installed",
            f"pip install 'resistance-sled[parquet]' (or: host export {recording.id} --csv)",
        ) from None
    rows = 0
    writer = None
    with _put_in_place(path) as part:
        try:
            for block in blocks(recording):
                arrays = {name: _array(pa, values) for name, values in block.items()}
                if writer is None:
                    schema = pa.schema(
                        [pa.field(name, array.type, metadata=_unit(name)) for name, array in arrays.items()],
                        metadata={"session": _about(recording)},
                    )
                    writer = pq.ParquetWriter(part, schema, compression="zstd")
                writer.write_table(pa.Table.from_arrays(list(arrays.values()), schema=schema))
                rows += len(block["sample_index"])
                progress(rows)
        finally:
            if writer is not None:
                writer.close()
    return rows


def _array(pa: Any, values: Column) -> Any:
    kinds = {"M": pa.timestamp("ns", tz="UTC"), "O": pa.dictionary(pa.int32(), pa.string())}
    mask = np.ma.getmaskarray(values) if np.ma.is_masked(values) else None
    return pa.array(np.ma.getdata(values), type=kinds.get(values.dtype.kind), mask=mask)


def _unit(name: str) -> dict[str, str]:
    return next(({"unit": unit} for ending, unit in _UNITS if name.endswith(ending)), {})


def _about(recording: Recording) -> str:
    import json

    return json.dumps(
        {
            "session": recording.session,
            "devices": recording.devices,
            "settings": recording.settings,
            "end": {name: value for name, value in recording.end.items() if name != "totals"},
        }
    )


@contextmanager
def _put_in_place(path: str) -> Iterator[str]:
    """A file beside it to write to, which takes its place once it is whole."""
    part = f"{path}.part"
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        raise FileError(
            f"cannot write {path}: {error.strerror or error}", "host export last --csv --out some/file.csv"
        ) from None
    finally:
        with suppress(OSError):
            os.remove(part)
