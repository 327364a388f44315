"""Many samples at once, as NumPy columns: a dtype derived from the layout of the Construct struct.

For recordings, exports and displays; whoever looks at one sample takes `wire.Samples` and needs no NumPy.
"""

import numpy as np

from protocol import codes, layout
from protocol.quantities import QUANTITIES

_WRAP_um = 2**30
_TYPES = {"b": "i1", "B": "u1", "h": "i2", "H": "u2", "l": "i4", "L": "u4"}  # of `struct`, standard sizes

#: One sample as on the wire.
SAMPLE = np.dtype(
    [
        (name, layout.SAMPLE_FORMAT[0] + _TYPES[code])
        for name, code in zip(layout.SAMPLE_FIELDS, layout.SAMPLE_FORMAT[1:], strict=True)
    ]
)


def columns(raw: bytes) -> np.ndarray:
    """The samples of `raw`, wire units, without a copy. Raises ValueError if the last one is torn."""
    if len(raw) % SAMPLE.itemsize:
        raise ValueError(f"{len(raw)} bytes are not whole samples of {SAMPLE.itemsize}")
    return np.frombuffer(raw, SAMPLE)


def to_si(samples: np.ndarray, after_m: float | None = None) -> dict[str, np.ndarray]:
    """Columns in SI units by their names on the host, and the flags read: is_push, mode, limits.

    The position goes on over its wraps; `after_m` is the last `position_m` of the samples before these.
    What this version does not know, as in a recording by another one, stays as it is.
    """
    found: dict[str, np.ndarray] = {}
    for name in samples.dtype.names or ():
        values = samples[name]
        quantity = QUANTITIES.get(name)
        if quantity is None:
            found[name] = values
            continue
        if name == "position_um":
            values = _unwrapped_um(values, after_m)
        # Divided by a whole number as in `units.to_si`, which rounds once.
        found[quantity.si_name] = values if quantity.scale == 1 else values / round(1 / quantity.scale)
    flags = found.pop("sample_flags", None)
    if flags is None:
        return found
    found["is_push"] = (flags >> codes.SAMPLE_PUSH_BIT & 1).astype(bool)
    found["mode"] = (flags >> codes.SAMPLE_MODE_SHIFT & codes.SAMPLE_MODE_MASK).astype(np.uint8)
    found["limits"] = flags >> codes.SAMPLE_LIMITS_SHIFT
    return found


def _unwrapped_um(position_um: np.ndarray, after_m: float | None) -> np.ndarray:
    """Each step taken the short way round; the first one from `after_m`."""
    if not len(position_um):
        return position_um
    um = position_um.astype(np.int64)
    before_um = um[0] if after_m is None else round(after_m * 1e6)
    steps = np.diff(um, prepend=before_um)
    return before_um + np.cumsum((steps + _WRAP_um // 2) % _WRAP_um - _WRAP_um // 2)
