"""Samples in bulk against Construct, which defines them, and against the one table of units."""

import numpy as np
import pytest
from construct import GreedyRange
from hypothesis import given
from hypothesis import strategies as st

from protocol import bulk, codes, layout, messages, units, wire
from tests.protocol.drawing import quantity_values

SAMPLES = st.lists(st.tuples(*(quantity_values(name) for name in layout.SAMPLE_FIELDS)), max_size=40)
FLAGS = ("is_push", "mode", "limits")


def raw(samples):
    """As on the wire, by Construct."""
    return b"".join(
        messages.SAMPLE.build(dict(zip(layout.SAMPLE_FIELDS, sample, strict=True))) for sample in samples
    )


@given(st.binary(max_size=40 * layout.SAMPLE_BYTES))
def test_columns_are_what_construct_parses_and_no_copy(data):
    data = data[: len(data) // layout.SAMPLE_BYTES * layout.SAMPLE_BYTES]
    columns = bulk.columns(data)
    parsed = GreedyRange(messages.SAMPLE).parse(data)
    assert [dict(zip(bulk.SAMPLE.names, row.tolist(), strict=True)) for row in columns] == [
        {name: sample[name] for name in layout.SAMPLE_FIELDS} for sample in parsed
    ]
    assert columns.tolist() == list(wire.Samples(data))
    assert columns.tobytes() == data and not columns.flags.owndata


@given(st.integers(1, layout.SAMPLE_BYTES - 1), st.integers(0, 5))
def test_a_torn_sample_is_refused(more, whole):
    with pytest.raises(ValueError, match="not whole samples of 14"):
        bulk.columns(bytes(layout.SAMPLE_BYTES * whole + more))


@given(SAMPLES)
def test_si_values_are_those_of_the_table_of_units(samples):
    si = bulk.to_si(bulk.columns(raw(samples)))
    for at, name in enumerate(layout.SAMPLE_FIELDS):
        if name not in ("position_um", "sample_flags"):
            expected = [units.to_si(name, sample[at]) for sample in samples]
            assert si[units.si_name(name)].tolist() == expected
    assert set(si) == {units.si_name(name) for name in layout.SAMPLE_FIELDS[:-1]} | set(FLAGS)


@given(SAMPLES)
def test_flags_are_read(samples):
    si = bulk.to_si(bulk.columns(raw(samples)))
    for at, sample in enumerate(samples):
        flags = (
            int(si["is_push"][at]) << codes.SAMPLE_PUSH_BIT
            | int(si["mode"][at]) << codes.SAMPLE_MODE_SHIFT
            | int(si["limits"][at]) << codes.SAMPLE_LIMITS_SHIFT
        )
        assert flags == sample[-1] and si["mode"][at] <= codes.SAMPLE_MODE_MASK
    assert si["is_push"].dtype == bool


@given(
    st.integers(-(2**29), 2**29 - 1),
    st.lists(st.integers(2**26, 2**28) | st.integers(-(2**28), 2**28), min_size=5, max_size=40),
)
def test_a_position_goes_on_over_its_wraps_however_the_samples_are_cut(first_um, steps_um):
    true_um = np.cumsum([first_um, *steps_um])
    on_wire = np.zeros(len(true_um), bulk.SAMPLE)
    on_wire["position_um"] = (true_um + 2**29) % 2**30 - 2**29
    for cut in range(len(true_um) + 1):
        first = bulk.to_si(on_wire[:cut])["position_m"]
        rest = bulk.to_si(on_wire[cut:], first[-1] if cut else None)["position_m"]
        assert [*first, *rest] == pytest.approx((true_um / 1e6).tolist(), abs=1e-9)
