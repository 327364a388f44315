"""Between wire units and SI: exact both ways, nothing out of range, nothing that means something else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import units
from protocol.quantities import QUANTITIES
from tests.protocol.drawing import quantity_values

LOADS = st.fixed_dictionaries({name: quantity_values(name) for name in units.LOAD_FIELDS})


@given(st.data())
def test_every_wire_value_survives_the_way_to_si_and_back(data):
    name = data.draw(st.sampled_from(sorted(QUANTITIES)))
    value = data.draw(quantity_values(name))
    assert units.from_si(name, units.to_si(name, value)) == value


@pytest.mark.parametrize(
    ("name", "wire", "si"),
    [
        ("force_mN", 129_400, 129.4),
        ("inertia_g", 40_000, 40.0),
        ("position_um", -1_234_567, -1.234567),
        ("temperature_cC", 2_345, 23.45),
        ("tow_force_dN", -3, -0.3),
        ("command_id", 7, 7),
    ],
)
def test_values_print_in_si_as_a_person_would_write_them(name, wire, si):
    assert units.to_si(name, wire) == si
    assert units.from_si(name, si) == wire


#: What each number on the wire is in the unit that people use; every quantity with a scale stands here.
PHYSICAL = {
    "force_mN": (800_000, 800.0, "N"),
    "inertia_g": (30_000, 30.0, "kg"),
    "viscous_mN_s_per_m": (70_000, 70.0, "N s/m"),
    "quadratic_mN_s2_per_m2": (12_000, 12.0, "N s2/m2"),
    "stiffness_mN_per_m": (60_000, 60.0, "N/m"),
    "speed_cap_mm_per_s": (1_200, 1.2, "m/s"),
    "tow_force_dN": (-4_000, -400.0, "N"),
    "law_force_dN": (1_294, 129.4, "N"),
    "brake_force_dN": (8_000, 800.0, "N"),
    "velocity_mm_per_s": (-1_500, -1.5, "m/s"),
    "position_um": (518_363, 0.518363, "m"),
    "odometer_mm": (15_000, 15.0, "m"),
    "temperature_cC": (10_000, 100.0, "degrees C"),
    "bus_mV": (56_500, 56.5, "V"),
    "lease_ms": (1_000, 1.0, "s"),
    "sample_period_us": (1_000, 0.001, "s"),
    "since_tick_us": (250, 0.00025, "s"),
    "mass_g": (30_000, 30.0, "kg"),
}


def test_every_quantity_with_a_scale_is_pinned_to_a_physical_number():
    assert set(PHYSICAL) == {name for name, quantity in QUANTITIES.items() if quantity.scale != 1}


@pytest.mark.parametrize("name", PHYSICAL)
def test_a_number_on_the_wire_is_this_in_si(name):
    value, si, unit = PHYSICAL[name]
    what = f"{value} {name} are {si} {unit}"
    assert units.to_si(name, value) == pytest.approx(si, rel=1e-12), what
    assert units.from_si(name, si) == value, what
    assert value * QUANTITIES[name].scale == pytest.approx(si, rel=1e-12), what


@given(st.data())
def test_a_value_in_range_is_rounded_to_the_nearest_wire_value(data):
    name = data.draw(st.sampled_from(units.LOAD_FIELDS))
    quantity = QUANTITIES[name]
    value = data.draw(st.floats(0, units.to_si(name, quantity.maximum)))
    assert abs(units.from_si(name, value) * quantity.scale - value) <= 0.5001 * quantity.scale


@given(st.data())
def test_a_value_out_of_range_is_refused_with_the_range_in_si(data):
    name = data.draw(st.sampled_from(sorted(QUANTITIES)))
    quantity = QUANTITIES[name]
    steps = data.draw(st.integers(1, 2**40))
    below, above = quantity.minimum - steps, quantity.maximum + steps
    wire = data.draw(st.sampled_from((below, above)))
    with pytest.raises(ValueError) as refused:
        units.from_si(name, wire / round(1 / quantity.scale))
    assert quantity.si_name in str(refused.value) and "is outside" in str(refused.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["force_mN", "command_id"])
def test_a_value_that_is_no_number_is_refused(name, value):
    with pytest.raises(ValueError, match="finite"):
        units.from_si(name, value)


def test_an_unknown_quantity_is_refused_by_name():
    for convert in (units.to_si, units.from_si):
        with pytest.raises(ValueError, match="force_lb"):
            convert("force_lb", 1)


@given(LOADS)
def test_every_load_survives_the_way_to_si_and_back(load):
    si = units.load_to_si(load)
    assert set(si) == {QUANTITIES[name].si_name for name in units.LOAD_FIELDS}
    assert (si["speed_cap_m_per_s"] is None) == (load["speed_cap_mm_per_s"] == 0)
    assert units.load_from_si(si) == load


def test_parts_of_a_load_that_are_not_named_are_zero():
    load = units.load_from_si({"force_N": 130})
    assert load == {**dict.fromkeys(units.LOAD_FIELDS, 0), "force_mN": 130_000}


@pytest.mark.parametrize("cap", [0, 0.0, 0.0004])
def test_a_cap_so_low_that_it_would_mean_no_cap_is_refused(cap):
    with pytest.raises(ValueError, match="no cap"):
        units.load_from_si({"speed_cap_m_per_s": cap})


def test_an_unknown_or_empty_part_of_a_load_is_refused():
    with pytest.raises(ValueError, match="force_kg"):
        units.load_from_si({"force_kg": 3})
    with pytest.raises(ValueError, match="force_N needs a number"):
        units.load_from_si({"force_N": None})
