"""The cable: what is wrong with it depends on the seed and the place in the stream, and on nothing else."""

from collections import Counter
from itertools import pairwise

import pytest

from sim.packets import PACKET_BYTES
from tests.sim.cabling import Desk

HARMS = {
    "flip_rate": 0.002,
    "drop_rate": 0.2,
    "duplicate_rate": 0.2,
    "swap_rate": 0.2,
    "garbage_rate": 0.2,
}


WAYS = pytest.mark.parametrize("way", ["down", "up"])


def carried(way, data, seed=1, **faults):
    return getattr(Desk(seed, **faults), way)(data)


def numbered(packets):
    """That many packets, each of which tells its number by its first bytes, without the end of a frame."""
    return b"".join(f"{n:04}".encode() + b"-" * (PACKET_BYTES - 4) for n in range(packets))


def numbers(data):
    return [int(data[at : at + 4]) for at in range(0, len(data), PACKET_BYTES)]


def test_a_sound_cable_hands_over_at_once_and_changes_nothing():
    desk = Desk()
    desk.write(b"command")
    assert list(desk.board.from_host) == [b"command"]
    desk.step(1)
    assert desk.read_by_device == b"command"
    desk.send(b"answer")
    assert (desk.in_waiting, desk.read(3), desk.read()) == (6, b"ans", b"wer")


@WAYS
@pytest.mark.parametrize("name", HARMS)
def test_a_seed_decides_what_is_wrong(way, name):
    data = numbered(500)
    first = carried(way, data, 1, **{name: HARMS[name]})
    assert first != data
    assert carried(way, data, 1, **{name: HARMS[name]}) == first
    assert carried(way, data, 2, **{name: HARMS[name]}) != first


@WAYS
def test_one_fault_does_not_move_another(way):
    data = numbered(500)
    lost = {*range(500)} - {*numbers(carried(way, data, drop_rate=0.2))}
    kept = numbers(carried(way, data, drop_rate=0.2, duplicate_rate=0.3))
    assert {*range(500)} - {*kept} == lost and len(kept) > 500 - len(lost)
    desk = Desk()
    half = getattr(desk, way)(data[: 200 * PACKET_BYTES])
    desk.set(drop_rate=0.2)
    both = getattr(desk, way)(data[200 * PACKET_BYTES :])
    seen = both[len(half) :] if way == "down" else both
    assert {*range(200, 500)} - {*numbers(seen)} == {n for n in lost if n >= 200}


@WAYS
@pytest.mark.parametrize("rate", [1e-5, 1e-3, 0.1, 0.5])
def test_so_many_bits_turn_over_and_no_byte_is_lost(way, rate):
    data = numbered(4000)
    got = carried(way, data, flip_rate=rate)
    flips = (int.from_bytes(got, "little") ^ int.from_bytes(data, "little")).bit_count()
    bits = 8 * len(data)
    assert len(got) == len(data)
    assert abs(flips - bits * rate) < 5 * (bits * rate * (1 - rate)) ** 0.5


@WAYS
@pytest.mark.parametrize("rate", [0.02, 0.5, 1.0])
def test_whole_packets_are_lost(way, rate):
    got = numbers(carried(way, numbered(2000), drop_rate=rate))
    assert got == sorted(set(got))
    assert abs(len(got) - 2000 * (1 - rate)) <= 5 * (2000 * rate * (1 - rate)) ** 0.5


@WAYS
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_each_small_frame_is_lost_or_comes_twice_on_its_own(way, rate):
    frames = [f"frame {n:04}".encode() + b"\0" for n in range(2000)]
    for name in ("drop_rate", "duplicate_rate"):
        got = Counter(carried(way, b"".join(frames), **{name: rate}).split(b"\0")[:-1])
        normal = [got[frame[:-1]] == 1 for frame in frames]
        assert {*got} <= {frame[:-1] for frame in frames}
        assert abs(sum(normal) - 2000 * (1 - rate)) <= 5 * (2000 * rate * (1 - rate)) ** 0.5
        changes = sum(a != b for a, b in pairwise(normal))  # neighbours share no fate
        assert abs(changes - 4000 * rate * (1 - rate)) <= 200


@WAYS
@pytest.mark.parametrize("rate", [0.02, 0.5, 1.0])
def test_whole_packets_come_twice_one_after_the_other(way, rate):
    got = numbers(carried(way, numbered(2000), duplicate_rate=rate))
    assert got == sorted(got) and set(got) == set(range(2000))
    assert max(Counter(got).values()) == 2
    assert abs(len(got) - 2000 * (1 + rate)) <= 5 * (2000 * rate * (1 - rate)) ** 0.5


@WAYS
@pytest.mark.parametrize("rate", [0.02, 0.5])
def test_packets_come_after_the_one_that_follows_them(way, rate):
    got = numbers(carried(way, numbered(2000), swap_rate=rate))
    assert sorted(got) == [*range(2000)]
    assert all(number == at or got[number] == at for at, number in enumerate(got))  # neighbours alone
    swapped = sum(number > at for at, number in enumerate(got))
    expected = 2000 * rate / (1 + rate)  # one that passes another is not held itself
    assert abs(swapped - expected) <= 5 * (2000 * rate * (1 - rate)) ** 0.5


@WAYS
def test_every_packet_can_be_one_of_a_swapped_pair(way):
    assert numbers(carried(way, numbered(10), swap_rate=1.0)) == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]


@WAYS
def test_a_packet_that_nothing_follows_comes_late_and_whole(way):
    desk = Desk(swap_rate=1.0)
    half = PACKET_BYTES // 2
    first, second = b"a" * PACKET_BYTES, b"b" * PACKET_BYTES
    pass_on = desk.write if way == "down" else desk.send
    pass_on(first)
    desk.step(15)
    assert desk.cable.is_holding_back and not desk.read_by_device and not desk.in_waiting
    pass_on(second[:half])
    desk.step(100)  # never in the midst of another packet
    pass_on(second[half:] + first[:half])
    desk.step(100)
    pass_on(first[half:] + second)
    desk.step(100)
    got = desk.read_by_device if way == "down" else desk.read()
    assert got == second + first + first + second and not desk.cable.is_holding_back


@WAYS
def test_a_packet_that_waits_for_the_next_is_lost_with_the_plug(way):
    desk = Desk(swap_rate=1.0)
    pass_on = desk.write if way == "down" else desk.send
    pass_on(b"a" * PACKET_BYTES)
    desk.step()
    desk.cable.is_plugged = False
    desk.step()
    desk.cable.is_plugged = True
    desk.step()
    pass_on(b"b" * PACKET_BYTES)
    desk.step(100)
    assert (desk.read_by_device if way == "down" else desk.read()) == b"b" * PACKET_BYTES


@WAYS
def test_rubbish_comes_between_packets_and_harms_none(way):
    data = bytes([0xAA]) * PACKET_BYTES * 1000
    got = carried(way, data, garbage_rate=0.1)
    added = len(got) - len(data)
    assert 50 <= added <= 150 * 16
    assert len(data) <= got.count(0xAA) <= len(data) + added // 20
    assert len(set(got)) > 200


@pytest.mark.parametrize(("name", "late"), [("delay_ms", 40), ("merge_ms", 40), ("jitter_ms", 40)])
def test_bytes_come_later_but_whole_and_in_order(name, late):
    desk = Desk(**{name: float(late)})
    data = numbered(300)
    arrivals = []
    heard = b""
    for n in range(300):
        desk.write(data[n * 64 : n * 64 + 64])
        desk.send(data[n * 64 : n * 64 + 64])
        desk.step()
        heard += desk.read()
        arrivals.append((len(desk.read_by_device) // 64, len(heard) // 64))
    assert desk.read_by_device == data[: len(desk.read_by_device)] and heard == data[: len(heard)]
    behind = [[n + 1 - arrived[way] for n, arrived in enumerate(arrivals)] for way in (0, 1)]
    for each in behind:
        settled = each[20:]
        assert max(settled) <= late // 5
        if name == "delay_ms":
            assert set(settled) == {late // 5}
        elif name == "merge_ms":
            assert {n for n, left in enumerate(each) if left == 0} == set(range(6, 300, 8))
        else:
            assert len(set(settled)) > 2


def test_readers_see_odd_pieces():
    desk = Desk(split=True)
    data = numbered(40)
    desk.write(data)
    desk.send(data)
    desk.cable.carry(desk.board, 10)
    at_device = [len(piece) for piece in desk.board.from_host]
    at_host = []
    while desk.in_waiting:
        at_host.append(desk.in_waiting)
        assert len(desk.read(desk.in_waiting)) == at_host[-1]
    for sizes in (at_device, at_host):
        assert sum(sizes) == len(data) and 8 < len(data) / len(sizes) < 32
        assert min(sizes) <= 3 and len(set(sizes)) > 20
    desk.send(data)
    desk.step()
    assert desk.read() == data  # a reader that wants all gets all


def test_a_deaf_host_takes_nothing_and_the_devices_buffer_fills_up():
    desk = Desk()
    desk.send(b"before")
    desk.set(is_host_deaf=True)
    desk.step()
    assert desk.in_waiting == 0 and desk.read() == b""
    taken = sum(desk.send(bytes(500)) for _ in range(20))
    desk.step(500)
    assert taken == 4096 and desk.send(b"x") == 0
    desk.write(b"still heard")
    desk.step()
    assert desk.read_by_device == b"still heard"
    desk.set(is_host_deaf=False)
    desk.step()
    assert desk.read() == b"before" + bytes(4096)


def test_a_silent_host_is_not_heard_but_hears():
    desk = Desk(is_host_silent=True)
    desk.write(b"lost")
    desk.send(b"heard")
    desk.step()
    assert desk.read_by_device == b"" and desk.read() == b"heard"
    desk.set(is_host_silent=False)
    desk.write(b"again")
    desk.step()
    assert desk.read_by_device == b"again"


def test_a_host_that_does_not_read_holds_up_the_device_however_long_the_cable():
    desk = Desk(delay_ms=50.0)
    taken = 0
    for _ in range(2000):
        taken += desk.send(bytes(100))
        desk.step()
    assert desk.send(b"x") == 0
    assert 8192 <= taken < 11_000
    assert len(desk.read()) < taken


def test_a_pulled_plug_loses_what_is_under_way_and_the_board_sees_no_host():
    desk = Desk(delay_ms=50.0)
    desk.write(b"lost")
    desk.send(b"lost")
    desk.step(20)
    desk.send(b"lost too")
    desk.cable.is_plugged = False
    assert desk.read() == b"" and desk.in_waiting == 0
    desk.set(delay_ms=0.0)
    desk.step()
    assert not desk.board.is_connected and desk.send(b"x") == 0
    desk.write(b"nobody")
    desk.step(200)
    desk.cable.is_plugged = True
    desk.write(b"here")
    desk.step()
    assert desk.board.is_connected and desk.read_by_device == b"here"
    assert desk.read() == b"" and desk.cable.unplugs == 1
    desk.send(b"there")
    assert desk.read() == b"there"


@pytest.mark.parametrize("manner", ["none", "split"])
def test_even_a_plug_that_is_back_before_anybody_looked_was_out(manner):
    desk = Desk(**{manner: True} if manner != "none" else {})
    desk.write(b"lost")
    desk.send(b"lost")
    desk.cable.is_plugged = False
    desk.cable.is_plugged = True
    desk.write(b"kept")
    assert desk.in_waiting == 0 and desk.read() == b""
    desk.step()
    assert desk.read_by_device == b"kept" and desk.read() == b""
    assert desk.cable.unplugs == 1


def test_bytes_do_not_overtake_others_whatever_changes_between_two_passes():
    desk = Desk()
    desk.set(split=True)
    desk.write(b"first ")
    desk.set(split=False)
    desk.write(b"second ")
    desk.step()
    desk.write(b"third")
    desk.step()
    assert desk.read_by_device == b"first second third"


def test_when_all_is_well_again_bytes_under_way_still_come_first():
    desk = Desk(delay_ms=50.0)
    desk.send(b"first ")
    desk.step()
    desk.set(delay_ms=0.0)
    desk.step()
    desk.send(b"second ")
    desk.step(60)
    desk.send(b"third")
    assert desk.in_waiting == len(b"first second third")
    assert desk.read(desk.in_waiting) == b"first second third"


@WAYS
def test_a_packet_of_which_only_a_part_was_carried_twice_brings_nothing_of_an_older_one(way):
    desk = Desk(duplicate_rate=1.0)
    a, b, c, d = (bytes([letter]) * (PACKET_BYTES // 2) for letter in b"abcd")
    pass_on = getattr(desk, way)
    got = pass_on(a)
    desk.set(duplicate_rate=0.0)
    desk.step()
    got += pass_on(b + c)
    desk.set(duplicate_rate=1.0)
    desk.step()
    got += pass_on(d)
    assert (got if way == "up" else desk.read_by_device) == a + b + c + d + d


def test_what_waits_can_be_thrown_away_at_either_end():
    desk = Desk(delay_ms=20.0)
    desk.write(b"gone")
    desk.cable.discard_input(desk.board)
    desk.send(b"gone")
    desk.step(50)
    desk.cable.discard_output(desk.board)
    assert desk.read_by_device == b"" and desk.in_waiting == 0


def test_bytes_under_way_to_the_device_count_as_not_read_yet():
    desk = Desk(delay_ms=50.0)
    desk.write(b"12345")
    for _ in range(10):
        assert desk.cable.out_waiting(desk.board) == 5
        desk.step()
    desk.step()
    assert desk.cable.out_waiting(desk.board) == 0


def test_a_plug_without_a_program_at_the_other_end_is_no_host():
    desk = Desk()
    desk.cable.has_host = desk.board.is_connected = False
    desk.cable.is_plugged = False
    desk.step()
    desk.cable.is_plugged = True
    desk.step()
    assert not desk.board.is_connected
