"""Telemetry promises: every index once, in order, received or declared lost, whatever the link does."""

import struct
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.batches import Order
from host.errors import LinkError
from host.session import Session
from host.telemetry import Lost, Sample, Telemetry
from host.transport import open_port
from protocol import codes, layout, wire

URL = "sim://?athlete=recreational&seed=3"


class BadCable:
    """A simulated sled behind a cable that drops and flips what the device sends, once `begin` is called."""

    def __init__(self, seed: int = 0, drops: float = 0.0, flips: float = 0.0) -> None:
        self.sim: Any = open_port(URL)
        self.now = self.sim.now
        self.write = self.sim.write
        self.close = self.sim.close
        self.is_bad = False
        self._random = Random(seed)
        self._drops = drops
        self._flips = flips

    @property
    def in_waiting(self) -> int:
        return int(self.sim.in_waiting)

    def read(self, size: int = 1) -> bytes:
        data = bytearray(self.sim.read(size))
        if not self.is_bad:
            return bytes(data)
        if self._random.random() < self._drops:
            return b""
        for at in range(len(data)):
            if self._random.random() < self._flips:
                data[at] ^= 1 << self._random.randrange(8)
        return bytes(data)


def record(port: BadCable, seconds: float) -> tuple[list[Sample | Lost], Telemetry]:
    with Session(port, "sim://") as session:
        session.hello()
        session.request("ARM")
        telemetry = Telemetry(session)
        telemetry.start()
        port.is_bad = True
        items = list(telemetry.run(seconds))
        port.is_bad = False
        items += telemetry.finish()
    return items, telemetry


def indices(items: list[Sample | Lost]) -> list[int]:
    found: list[int] = []
    for item in items:
        count = item.sample_count if isinstance(item, Lost) else 1
        found.extend(range(item.sample_index, item.sample_index + count))
    return found


def is_complete(items: list[Sample | Lost]) -> bool:
    found = indices(items)
    return found == list(range(found[0], found[0] + len(found)))


TRUTH = {item.sample_index: item for item in record(BadCable(), 5.5)[0] if isinstance(item, Sample)}


def test_on_a_clean_link_every_tick_arrives_once_and_none_is_lost() -> None:
    items, telemetry = record(BadCable(), 3.0)
    assert is_complete(items) and len(items) >= 3000
    assert (telemetry.lost, telemetry.samples) == (0, len(items))


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.floats(0, 0.5), st.sampled_from([0.0, 1e-5, 1e-4, 1e-3]))
def test_on_a_bad_link_every_index_is_received_as_it_was_or_declared_lost(
    seed: int, drops: float, flips: float
) -> None:
    items, telemetry = record(BadCable(seed, drops, flips), 5.0)
    assert is_complete(items) and len(indices(items)) >= 5000
    assert telemetry.samples + telemetry.lost == len(indices(items))
    for item in items:
        if isinstance(item, Sample) and item.sample_index in TRUTH:
            assert item == TRUTH[item.sample_index]


def test_a_moderately_bad_link_loses_nothing_at_all() -> None:
    _, telemetry = record(BadCable(seed=1, drops=0.1), 5.0)
    assert telemetry.lost == 0 and telemetry.resends > 0


def test_what_the_ring_has_overwritten_is_declared_lost() -> None:
    port = BadCable(drops=1.0)  # dark for 5 s, the ring holds 3
    items, telemetry = record(port, 5.0)
    assert is_complete(items)
    assert 1500 < telemetry.lost < 2500 and telemetry.samples > 2500


def started(port: BadCable) -> tuple[Session, Telemetry]:
    session = Session(port, "sim://")
    session.hello()
    telemetry = Telemetry(session)
    telemetry.start()
    return session, telemetry


def test_a_device_that_restarts_is_an_error_not_a_new_beginning() -> None:
    port = BadCable()
    _, telemetry = started(port)
    list(telemetry.run(0.5))
    port.sim.rig.reboot()
    with pytest.raises(LinkError, match="restarted"):
        list(telemetry.run(3.0))


def test_a_stream_that_another_program_stopped_is_taken_up_without_a_gap() -> None:
    port = BadCable()
    _, telemetry = started(port)
    items = list(telemetry.run(0.5))
    port.write(wire.encode("STREAM", {"command_id": 1, "enabled": 0, "sample_index": 0}))
    items += list(telemetry.run(3.0))
    items += telemetry.finish()
    assert is_complete(items) and telemetry.lost == 0 and len(items) > 3400


def telemetry_from(first: int) -> Telemetry:
    """A reader whose next sample is `first`, to be fed by hand."""
    _, telemetry = started(BadCable())
    telemetry._order = Order(telemetry.boot_id, first, 3008)
    return telemetry


#: Limits 0, 7 and 9, mode 2, in push.
FLAGS = (1 << 0 | 1 << 7 | 1 << 9) << codes.SAMPLE_LIMITS_SHIFT | 2 << codes.SAMPLE_MODE_SHIFT | 1


def taken(telemetry: Telemetry, message: wire.Received) -> list[Sample | Lost]:
    items = telemetry.take(message)
    assert items is not None
    return list(telemetry._single(iter(items)))


def message(telemetry: Telemetry, first: int, positions_um: list[int]) -> wire.Received:
    samples = [(position_um, -1500, -1234, 500, 7, FLAGS) for position_um in positions_um]
    raw = b"".join(struct.pack(layout.SAMPLE_FORMAT, *sample) for sample in samples)
    fields = {"boot_id": telemetry.boot_id, "sample_index": first, "samples": wire.Samples(raw)}
    return wire.Received("TELEMETRY", fields)


def lost(telemetry: Telemetry, first: int, count: int) -> wire.Received:
    fields = {"boot_id": telemetry.boot_id, "sample_index": first, "sample_count": count}
    return wire.Received("SAMPLES_LOST", fields)


def test_a_sample_is_in_si_units_with_its_flags_read() -> None:
    telemetry = telemetry_from(10)
    (sample,) = taken(telemetry, message(telemetry, 10, [-2_500_000]))
    assert isinstance(sample, Sample)
    assert sample[:7] == pytest.approx((10, 0.010, -2.5, -1.5, -123.4, 50.0, 0.7))
    assert sample.is_push and codes.MODES[sample.mode].name == "LOADING"
    assert codes.limit_names(sample.limits) == ["force_max", "speed_cap", "temperature"]


@given(st.lists(st.integers(-(2**28), 2**28), min_size=1, max_size=40))
def test_a_position_that_wraps_on_the_wire_goes_on_smoothly(steps_um: list[int]) -> None:
    telemetry = telemetry_from(0)
    true_um, on_wire = 0, [0]
    truth_m = [0.0]
    for step_um in steps_um:
        true_um += step_um
        truth_m.append(true_um / 1e6)
        on_wire.append((true_um + 2**29) % 2**30 - 2**29)
    samples = taken(telemetry, message(telemetry, 0, on_wire))
    assert [s.position_m for s in samples if isinstance(s, Sample)] == pytest.approx(truth_m)


@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_any_order_of_batches_repeats_and_losses_gives_each_index_once(random: Random, parts: int) -> None:
    telemetry = telemetry_from(100)
    pieces = []
    for part in range(parts):
        first = 100 + 10 * part
        if random.random() < 0.3:
            pieces.append(lost(telemetry, first, 10))
        if random.random() < 0.7 or not pieces or pieces[-1].fields["sample_index"] != first:
            pieces.append(message(telemetry, first, list(range(10))))
    pieces += random.choices(pieces, k=3)
    random.shuffle(pieces)
    items: list[Sample | Lost] = []
    for piece in pieces:
        items += taken(telemetry, piece)
    assert indices(items) == list(range(100, 100 + 10 * parts))
    assert telemetry.samples + telemetry.lost == 10 * parts
    assert not telemetry._order._held, "nothing is kept of what came again"


def test_a_sample_that_has_come_is_not_lost_by_a_late_declaration() -> None:
    telemetry = telemetry_from(0)
    items = [*taken(telemetry, message(telemetry, 16, [7] * 16)), *taken(telemetry, lost(telemetry, 0, 32))]
    assert items[0] == Lost(0, 16) and len(items) == 17
    assert all(isinstance(item, Sample) for item in items[1:])


def test_memory_stays_bounded_when_a_gap_is_never_filled() -> None:
    telemetry = telemetry_from(0)
    items: list[Sample | Lost] = []
    for first in range(16, 40_000, 16):
        items += taken(telemetry, message(telemetry, first, [0] * 16))
        assert len(telemetry._order._held) < 3 * 3008 / 16
    assert indices(items)[:20] == list(range(20)) and isinstance(items[0], Lost)
