"""Hypothesis strategies for messages, drawn from the tables, and the slow oracle: Construct itself."""

from binascii import crc32

from construct import Bytes, GreedyRange, Struct
from hypothesis import strategies as st

from protocol import messages
from protocol.quantities import QUANTITIES


def quantity_values(name):
    """Whole range of a quantity in wire units; its ends come often."""
    quantity = QUANTITIES[name]
    ends = st.sampled_from((quantity.minimum, quantity.maximum))
    return st.integers(quantity.minimum, quantity.maximum) | ends


def struct_values(body):
    """Fields of a Construct struct as `wire.encode` takes them; samples as tuples."""
    fields = {}
    for named in body.subcons:
        inner = named.subcon
        if isinstance(inner, Struct):
            fields[named.name] = struct_values(inner)
        elif isinstance(inner, Bytes):
            fields[named.name] = st.binary(min_size=inner.length, max_size=inner.length)
        elif isinstance(inner, GreedyRange):
            sample = struct_values(inner.subcon).map(lambda values: tuple(values.values()))
            fields[named.name] = st.lists(sample, max_size=messages.SAMPLES_PER_FRAME_MAX)
        else:
            fields[named.name] = quantity_values(named.name)
    # Hypothesis may draw in another order than asked; the order of the fields is that of the struct.
    return st.fixed_dictionaries(fields).map(lambda drawn: {name: drawn[name] for name in fields})


@st.composite
def drawn_messages(draw):
    """(message, fields, flags) over every kind and the whole range of every field."""
    message = draw(st.sampled_from(messages.MESSAGES))
    return message, draw(struct_values(message.body)), draw(st.integers(0, 255))


def as_construct(fields):
    """Samples as the dicts that Construct builds from."""
    if "samples" not in fields:
        return fields
    names = [named.name for named in messages.SAMPLE.subcons]
    samples = [dict(zip(names, sample, strict=True)) for sample in fields["samples"]]
    return {**fields, "samples": samples}


def from_construct(parsed):
    """What Construct parsed, in the shape that `wire.decode` returns."""
    fields = {}
    for name, value in parsed.items():
        if name == "_io":
            continue
        if name == "samples":
            value = [tuple(v for key, v in sample.items() if key != "_io") for sample in value]
        elif hasattr(value, "items"):
            value = from_construct(value)
        fields[name] = value
    return fields


def plain_frame(message, fields, flags):
    """Kind, flags and body as Construct builds it: what the CRC is taken over."""
    return bytes((message.kind, flags)) + message.body.build(as_construct(fields))


def with_crc(plain):
    return plain + crc32(plain).to_bytes(4, "little")


#: Bodies that stress COBS: long runs without zeros, runs of zeros, and anything between.
plain_frames = st.one_of(
    st.binary(min_size=2, max_size=250),
    st.lists(st.sampled_from((0, 0, 1, 255)), min_size=2, max_size=250).map(bytes),
    st.lists(st.integers(1, 255), min_size=240, max_size=250).map(bytes),
)

#: Anything a cable, a prompt or another program may send; also long and without a single zero.
garbage = st.one_of(
    st.binary(max_size=600),
    st.binary(min_size=1, max_size=64).map(lambda some: some.replace(b"\0", b"\1") * 20),
    st.sampled_from((b"\0" * 9, b"\xff" * 700, b"MicroPython v1.22\r\n>>> ", b"\x01" * 255, b"\x01" * 256)),
)
