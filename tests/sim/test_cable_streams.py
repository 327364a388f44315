"""The cable under whatever order of events: nothing depends on how bytes are cut, none overtakes another."""

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.sim.cabling import Desk

MANNERS = {"split": True, "merge_ms": 30.0, "delay_ms": 120.0, "jitter_ms": 25.0}


def cut(data, ends):
    """`data` in pieces."""
    ends = sorted({0, len(data), *(end % (len(data) + 1) for end in ends)})
    return [data[start:end] for start, end in pairwise(ends)]


faulty = st.fixed_dictionaries(
    {},
    optional={
        "flip_rate": st.sampled_from([0.0005, 0.01, 0.5]),
        "drop_rate": st.sampled_from([0.1, 0.5]),
        "duplicate_rate": st.sampled_from([0.1, 0.5]),
        "swap_rate": st.sampled_from([0.1, 1.0]),
        "garbage_rate": st.sampled_from([0.1, 0.5]),
        "split": st.just(True),
        "merge_ms": st.sampled_from([7.0, 50.0]),
        "delay_ms": st.sampled_from([1.0, 33.0]),
        "jitter_ms": st.sampled_from([1.0, 20.0]),
    },
)
ends = st.lists(st.integers(0, 5000), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    faults=faulty,
    later=faulty,
    data=st.lists(st.integers(0, 900), min_size=1, max_size=6),
    cuts=st.tuples(ends, ends),
    sizes=st.tuples(st.integers(1, 64), st.integers(1, 64)),
    mend=st.integers(0, 8),
)
def test_how_bytes_are_cut_changes_nothing(seed, faults, later, data, cuts, sizes, mend):
    """The same bytes in the same millisecond, whoever cuts: at each pass the device has read the same."""
    stream = Random(seed)
    few = stream.choice([256, 16])  # the fewer, the more of them end a frame
    blocks = [bytes(stream.randrange(few) for _ in range(length)) for length in data]
    runs = []
    for ends, size in zip(cuts, sizes, strict=True):
        desk = Desk(seed, **faults)
        desk.buffer = bytearray(size)
        heard = b""
        history = []
        for n, block in enumerate([*blocks, *[b""] * 24]):
            if n == mend:
                desk.set(**dict.fromkeys(faults, 0), **{k: 0 for k in later if k not in faults})
            if n == mend + 2:
                desk.set(**later)
            for piece in cut(block, ends):
                desk.write(piece)
                assert desk.send(piece) == len(piece)
            desk.step()
            history.append(desk.read_by_device)
            if ends and n % (ends[0] % 4 + 1) == 0:  # one reader comes seldom, another takes little
                while got := desk.read(size):
                    heard += got
        while got := desk.read():
            heard += got
        runs.append((history, heard))
    assert runs[0] == runs[1]


class Manners(RuleBasedStateMachine):
    """A cable that cuts, holds back and comes out, but harms no byte: what arrives is what was sent,
    in order, however its state changes under way; and without an unplug all of it arrives."""

    def __init__(self):
        super().__init__()
        self.desk = Desk(seed=3)
        self.sent = {"down": b"", "up": b""}  # since the plug is in
        self.got_up = b""
        self.got_down_at = 0
        self.count = 0

    def fresh(self, size):
        self.count += 1
        return bytes(Random(self.count).getrandbits(8) for _ in range(size))

    @rule(down=st.integers(0, 400), up=st.integers(0, 1500), ticks=st.integers(0, 20))
    def both_speak(self, down, up, ticks):
        data = self.fresh(down)
        self.desk.write(data)
        self.sent["down"] += data
        data = self.fresh(up)
        self.sent["up"] += data[: self.desk.send(data)]
        self.desk.step(ticks)

    @rule(size=st.integers(1, 3000))
    def host_reads(self, size):
        self.got_up += self.desk.read(size)

    @rule()
    def host_reads_what_it_sees(self):
        seen = self.desk.in_waiting
        got = self.desk.read(seen)
        assert len(got) == seen
        self.got_up += got

    @rule(ticks=st.integers(1, 60))
    def time_passes(self, ticks):
        self.desk.step(ticks)

    @rule(name=st.sampled_from(sorted(MANNERS)), is_on=st.booleans())
    def a_manner_changes(self, name, is_on):
        self.desk.set(**{name: MANNERS[name] if is_on else 0})

    @rule(is_on=st.booleans())
    def host_goes_deaf_or_hears(self, is_on):
        self.desk.set(is_host_deaf=is_on)

    @rule(ticks=st.integers(0, 20))
    def the_plug_comes_out(self, ticks):
        desk = self.desk
        desk.cable.is_plugged = False
        desk.step(ticks)
        desk.cable.is_plugged = True
        desk.step(5)
        assert desk.in_waiting == 0
        self.sent = {"down": b"", "up": b""}
        self.got_up = b""
        self.got_down_at = len(desk.read_by_device)

    @rule()
    def all_is_well_again(self):
        self.desk.set(**dict.fromkeys(MANNERS, 0), is_host_deaf=False)
        for _ in range(80):
            self.desk.step()
            self.got_up += self.desk.read()
        assert len(self.got_up) == len(self.sent["up"])
        assert len(self.desk.read_by_device) - self.got_down_at == len(self.sent["down"])

    @invariant()
    def what_arrives_is_what_was_sent(self):
        down = self.desk.read_by_device[self.got_down_at :]
        assert down == self.sent["down"][: len(down)]
        assert self.got_up == self.sent["up"][: len(self.got_up)]


Manners.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestManners = Manners.TestCase
