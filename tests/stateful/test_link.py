"""The link's promise under anything in any order: each sample comes once, as it was, or is declared lost.

What the device wrote is read from its own memory (`bench.link_truth`). The host is one long observation, from
the first sample on, while cables fail, readers stall, programs interfere and controllers start anew.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bench.link_truth import Judge, WrittenRig, port_of
from host.errors import HostError
from host.following import Batch, Follower, Item, Lost
from host.session import Session
from protocol import wire
from sim.faults import table as faults
from sim.rig import RigConfig
from tests.sim.hosting import HELLO, command, load

SPOILING = (
    ("link_bit_flips", {"part": 1e-5}),
    ("link_bit_flips", {"part": 1e-4}),
    ("link_drops", {"part": 0.02}),
    ("link_drops", {"part": 0.3}),
    ("link_duplicates", {"part": 0.05}),
    ("link_swaps", {"part": 0.05}),
    ("link_garbage", {"part": 0.05}),
    ("link_splits", {}),
    ("link_merges", {"ms": 100.0}),
    ("link_delay", {"ms": 60.0}),
)
INTERFERING = (
    HELLO,  # which ends the stream
    command("STREAM", 7, enabled=0, sample_index=0),
    command("STREAM", 7, enabled=1, sample_index=0),
    command("RESEND", 7, sample_index=0, sample_count=400),
    b"\x55" * 600,
)
MOMENT_ms = st.integers(1, 60)
WHILE_ms = st.integers(100, 2500)
LONG_ms = st.integers(2500, 7000)  # the ring keeps 3 s
GREATEST_ms = 7000


class Link(RuleBasedStateMachine):
    #: What lies between the follower and the judge: nothing.
    spoil: ClassVar[Callable[[Item], Iterator[Item]]] = staticmethod(lambda item: iter((item,)))

    @initialize(seed=st.integers(1, 2**32), walks=st.booleans())
    def plug_in(self, seed: int, walks: bool) -> None:
        self.rig = WrittenRig(RigConfig(seed=seed, athlete="recreational" if walks else None))
        self.judge = Judge(self.rig)
        self.ends: list[faults.End] = []
        self.session = Session(port_of(self.rig), "sim://")
        self.session.hello()
        self.follower = Follower(self.session, lambda: port_of(self.rig))
        self.follower.start(from_oldest=True)

    # What the host does.

    @rule(ms=MOMENT_ms | WHILE_ms)
    def read(self, ms: int) -> None:
        self.judge_all(self.follower.run(ms / 1000))

    def judge_all(self, items: Iterator[Item]) -> None:
        for item in items:
            for given in self.spoil(item):
                self.judge.take(given)

    @rule(ms=MOMENT_ms | WHILE_ms | LONG_ms)
    def stall(self, ms: int) -> None:
        """Time passes, and nobody reads."""
        self.rig.step(ms)

    @rule(lease_ms=st.sampled_from((0, 1000)))
    def set_a_load(self, lease_ms: int) -> None:
        with contextlib.suppress(HostError):
            self.session.request("ARM")
            self.session.request("SET_LOAD", hold=bool(lease_ms), lease_ms=lease_ms, pull=load(), push=load())

    @rule(drop=st.booleans())
    def stop(self, drop: bool) -> None:
        with contextlib.suppress(HostError):
            self.session.stop(drop)

    # What happens to the link.

    @rule(fault=st.sampled_from(SPOILING))
    def something_is_wrong_with_the_cable(self, fault: tuple[str, dict[str, float]]) -> None:
        self.ends.append(faults.begin(self.rig, fault[0], **fault[1]))

    @precondition(lambda self: self.ends)
    @rule()
    def it_is_mended(self) -> None:
        for end in self.ends:
            end()
        self.ends.clear()

    @rule(ms=WHILE_ms | LONG_ms, reads=st.booleans())
    def nothing_gets_through(self, ms: int, reads: bool) -> None:
        end = faults.begin(self.rig, "link_drops", part=1.0)
        (self.read if reads else self.stall)(ms)
        end()

    @rule(ms=MOMENT_ms | WHILE_ms | st.integers(2500, GREATEST_ms))
    def unplug(self, ms: int) -> None:
        """And plug in again after so long, whatever happens until then."""
        end = faults.begin(self.rig, "unplug")
        self.rig.schedule(self.rig.ticks + ms, lambda rig: end())

    @rule(frame=st.sampled_from(INTERFERING))
    def another_program_writes(self, frame: bytes) -> None:
        self.rig.write(b"\0" + frame)

    # What happens to the device.

    @rule()
    def reset(self) -> None:
        self.rig.reboot()

    @rule(ms=WHILE_ms)
    def take_its_power(self, ms: int) -> None:
        faults.begin(self.rig, "brown_out", ms=ms)

    @invariant()
    def nothing_is_missing_wrong_or_twice(self) -> None:
        if hasattr(self, "judge"):
            assert not any(self.judge.faults.values()), self.judge.faults

    def teardown(self) -> None:
        if not hasattr(self, "judge"):
            return
        self.it_is_mended()
        self.read(GREATEST_ms + 3000)  # until it is plugged in, and found
        written = self.rig.written_samples
        self.judge_all(self.follower.finish())
        self.session.close()
        self.judge.finish(written)
        self.nothing_is_missing_wrong_or_twice()


TestLink = Link.TestCase
TestLink.settings = settings(max_examples=60, stateful_step_count=20)


def skips_one(item: Item) -> Iterator[Item]:
    if isinstance(item, Batch) and item.sample_index % 50 < 16:
        yield item._replace(sample_index=item.sample_index + 1, samples=wire.Samples(item.samples.raw[14:]))
    else:
        yield item


def comes_twice(item: Item) -> Iterator[Item]:
    yield item
    if isinstance(item, Batch) and item.sample_index > 2000:
        yield item


def turns_a_bit_over(item: Item) -> Iterator[Item]:
    if isinstance(item, Batch) and item.sample_index > 1000:
        raw = bytearray(item.samples.raw)
        raw[-1] ^= 0x80
        item = item._replace(samples=wire.Samples(bytes(raw)))
    yield item


def hushes_up_a_loss(item: Item) -> Iterator[Item]:
    if not isinstance(item, Lost):
        yield item


@pytest.mark.parametrize("careless", [skips_one, comes_twice, turns_a_bit_over, hushes_up_a_loss])
def test_a_host_that_is_careless_with_one_sample_is_found_out(
    careless: Callable[[Item], Iterator[Item]],
) -> None:
    class Careless(Link):
        spoil = staticmethod(careless)

    with pytest.raises(AssertionError, match=r"missing silently|wrong|twice"):
        run_state_machine_as_test(
            Careless, settings=settings(max_examples=60, stateful_step_count=20, phases=[Phase.generate])
        )
