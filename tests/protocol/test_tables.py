"""The tables of quantities, codes, messages and settings are consistent in themselves."""

import re

import pytest
from construct import FormatField, Struct

from protocol import codes, layout, messages
from protocol.quantities import QUANTITIES
from protocol.settings import SETTINGS
from protocol.shapes import CODE_TABLES
from protocol.units import LOAD_FIELDS

WIRE_RANGE = {
    "u8": (0, 2**8 - 1),
    "u16": (0, 2**16 - 1),
    "u32": (0, 2**32 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "i32": (-(2**31), 2**31 - 1),
}

CODED = {
    "result": codes.RESULTS,
    "mode": codes.MODES,
    "hold": codes.HOLDS,
    "stop_kind": codes.STOPS,
    "fault": codes.FAULTS,
    "reset_cause": codes.RESETS,
}


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda quantity: quantity.name)
def test_every_range_fits_its_wire_type(quantity):
    lowest, highest = WIRE_RANGE[quantity.wire]
    assert lowest <= quantity.minimum < quantity.maximum <= highest
    assert quantity.doc


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda quantity: quantity.name)
def test_every_value_the_device_computes_with_is_a_small_int_on_the_chip(quantity):
    if quantity.name not in ("layout_hash", "build_id"):  # handled as bytes there
        assert quantity.minimum >= -(2**30) and quantity.maximum < 2**30


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda quantity: quantity.name)
def test_every_scale_is_one_over_a_whole_number_and_the_unit_is_in_both_names(quantity):
    assert abs(round(1 / quantity.scale) * quantity.scale - 1) < 1e-12
    assert (quantity.scale == 1) == (quantity.name == quantity.si_name)


def fields_of(body):
    for named in body.subcons:
        if isinstance(named.subcon, Struct):
            yield from fields_of(named.subcon)
        elif isinstance(named.subcon, FormatField):
            yield named.name, named.subcon


@pytest.mark.parametrize(
    "body",
    [*(message.body for message in messages.MESSAGES), messages.SAMPLE],
    ids=[*(message.name for message in messages.MESSAGES), "SAMPLE"],
)
def test_every_field_is_little_endian_and_of_its_quantity_s_type(body):
    characters = {"u8": "B", "u16": "H", "u32": "L", "i16": "h", "i32": "l"}
    for name, field in fields_of(body):
        assert field.fmtstr[-1] == characters[QUANTITIES[name].wire]
        assert field.length == 1 or field.fmtstr[0] == "<"


def test_every_quantity_travels_in_some_message():
    travelling = {name for message in messages.MESSAGES for name, _ in fields_of(message.body)}
    travelling |= {name for name, _ in fields_of(messages.SAMPLE)}
    assert travelling == set(QUANTITIES)


def test_the_parts_of_a_load_are_those_of_the_wire():
    assert tuple(name for name, _ in fields_of(messages.LOAD)) == LOAD_FIELDS


def test_kinds_and_names_of_messages_are_unique_and_answers_have_the_top_bit():
    assert len({message.kind for message in messages.MESSAGES}) == len(messages.MESSAGES)
    assert len({message.name for message in messages.MESSAGES}) == len(messages.MESSAGES)
    for message in messages.MESSAGES:
        assert message.kind >> 7 == (not message.to_device)
        assert message.doc.endswith(".")


def test_frames_are_short_enough_for_a_single_block_of_cobs():
    # The device's codec leaves out COBS's rule for longer runs without a zero.
    assert messages.FRAME_BYTES_MAX <= 254
    assert layout.ENCODED_BYTES_MAX == messages.FRAME_BYTES_MAX + 1


def test_every_message_fits_a_frame():
    for message in messages.MESSAGES:
        if message.name != "TELEMETRY":
            assert message.body.sizeof() <= messages.BODY_BYTES_MAX
    assert layout.SAMPLES_PER_FRAME_MAX >= 10  # at 1 kHz, no more than 100 frames a second


@pytest.mark.parametrize("table", CODE_TABLES, ids=str)
def test_codes_are_numbered_without_gaps_and_each_has_a_name_and_a_sentence(table):
    rows = CODE_TABLES[table]
    assert [row.number for row in rows] == list(range(len(rows)))
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[A-Za-z][A-Za-z_]*", row.name)
        assert re.fullmatch(r"[A-Z].{3,}\.", row.sentence)


@pytest.mark.parametrize("name", CODED, ids=str)
def test_every_code_fits_its_field(name):
    assert CODED[name][-1].number <= QUANTITIES[name].maximum


def test_every_limit_and_fault_has_its_bit():
    assert 1 << codes.LIMITS[-1].number <= QUANTITIES["limits"].maximum
    assert 1 << codes.FAULTS[-1].number <= QUANTITIES["faults"].maximum
    assert codes.limit_names(0b101) == ["force_max", "crawl"]
    assert codes.fault_names(0b1001) == ["ESTOP", "FORCE_STUCK"]


def test_every_fault_has_a_reaction_and_says_how_it_clears():
    for fault in codes.FAULTS:
        assert fault.reaction in ("warn", "limit", "ramp", "drop")
        assert fault.clears
    every = codes.fault_mask("warn", "limit", "ramp", "drop")
    assert every == (1 << len(codes.FAULTS)) - 1


def test_the_mode_the_direction_and_the_limits_fit_the_flags_of_a_sample():
    mode_top = codes.SAMPLE_MODE_SHIFT + codes.SAMPLE_MODE_MASK.bit_length()
    assert codes.SAMPLE_PUSH_BIT < codes.SAMPLE_MODE_SHIFT
    assert codes.MODES[-1].number <= codes.SAMPLE_MODE_MASK
    assert mode_top <= codes.SAMPLE_LIMITS_SHIFT
    assert codes.SAMPLE_LIMITS_SHIFT + len(codes.LIMITS) <= 16


def test_settings_are_numbered_in_order_and_their_defaults_lie_in_their_ranges():
    assert [setting.number for setting in SETTINGS] == list(range(len(SETTINGS)))
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert SETTINGS[-1].number <= QUANTITIES["setting"].maximum
    value = QUANTITIES["setting_value"]
    for setting in SETTINGS:
        assert value.minimum <= setting.minimum <= setting.default <= setting.maximum <= value.maximum
        assert setting.doc
