"""The judge of the link benchmark finds what it is there to find; and small runs of the whole."""

import pytest

from bench.link import Job, run
from bench.link_cases import CASES
from bench.link_truth import Judge, WrittenRig
from device.sled import tick
from host.following import Batch, Lost
from protocol import layout, wire
from sim.rig import RigConfig
from tests.sim.hosting import HELLO, STREAM


def truth(ticks=100):
    rig = WrittenRig(RigConfig(seed=1))
    rig.step(ticks)
    return rig, Judge(rig)


def batch(rig, first, end, flip=None):
    raw = bytearray(rig.written[rig.board.boot_id][first * 14 : end * 14])
    if flip is not None:
        raw[flip] ^= 1
    return Batch(rig.board.boot_id, first, wire.Samples(bytes(raw)))


def test_all_that_was_written_is_kept_however_long_a_step_and_however_often_the_ring_comes_round():
    rig, _ = truth(3 * tick.RING_SAMPLES + 17)
    small, _ = truth(0)
    while small.ticks < rig.ticks:
        small.step(7 if rig.ticks - small.ticks > 7 else 1)
    assert rig.written == small.written
    assert rig.written_samples == rig.board.s[tick.SAMPLE_INDEX] == 3 * tick.RING_SAMPLES + 17


def test_what_was_written_before_a_reset_is_kept():
    rig, _ = truth(40)
    rig.schedule(61, lambda rig: rig.reboot())
    rig.step(100)
    assert [len(raw) // layout.SAMPLE_BYTES for raw in rig.written.values()] == [61, 79]


def test_whatever_comes_as_it_was_written_is_right():
    rig, judge = truth()
    for item in (batch(rig, 0, 17), Lost(17, 3), batch(rig, 20, 80), batch(rig, 80, 100)):
        judge.take(item)
    judge.finish(100)
    assert (judge.samples, judge.lost, judge.faults) == (97, 3, dict.fromkeys(judge.faults, 0))


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (lambda rig: batch(rig, 18, 30), {"missing silently": 1}),
        (lambda rig: batch(rig, 16, 30), {"twice": 1}),
        (lambda rig: Lost(16, 14), {"twice": 1}),
        (lambda rig: Lost(18, 12), {"missing silently": 1}),
        (lambda rig: batch(rig, 17, 30, flip=-1), {"wrong": 13}),
        (lambda rig: batch(rig, 17, 29), {"missing silently": 1}),
    ],
)
def test_one_sample_amiss_is_found(second, what):
    rig, judge = truth()
    judge.take(batch(rig, 0, 17))
    judge.take(second(rig))
    judge.finish(30)
    assert judge.faults == {**dict.fromkeys(judge.faults, 0), **what}


def test_a_sample_that_was_never_written_is_wrong():
    rig, judge = truth()
    judge.take(Batch(rig.board.boot_id, 0, wire.Samples(bytes(rig.written[rig.board.boot_id]) + bytes(14))))
    assert judge.faults["wrong"] == 101


def test_after_a_restart_the_rest_is_gone_and_the_new_boot_counts_from_its_first_sample():
    rig, judge = truth()
    judge.take(batch(rig, 0, 90))
    rig.reboot()
    rig.step(50)
    judge.take(batch(rig, 5, 50))
    assert (judge.gone, judge.faults["missing silently"]) == (10, 5)


def test_a_boot_that_nobody_saw_is_gone_and_none_comes_back():
    rig, judge = truth()
    before = batch(rig, 0, 90)
    judge.take(before)
    for _ in range(2):
        rig.reboot()
        rig.step(50)
    judge.take(batch(rig, 0, 50))
    judge.take(before)
    assert (judge.gone, judge.faults["wrong"], judge.faults["missing silently"]) == (60, 90, 0)


def test_a_restart_that_the_host_never_noticed_is_missing_silently():
    rig, judge = truth()
    judge.take(batch(rig, 0, 90))
    rig.reboot()
    rig.step(50)
    judge.finish(50)
    assert (judge.gone, judge.faults["missing silently"]) == (10, 50)


def test_recovery_counts_from_the_end_of_a_disturbance_until_all_before_it_has_come():
    rig, judge = truth()
    judge.disturbed = [60, 120]
    judge.take(batch(rig, 0, 59))
    rig.step(50)
    assert len(judge.disturbed) == 2
    judge.take(batch(rig, 59, 110))
    assert judge.disturbed == [120] and judge.recovery_s == pytest.approx(0.09)
    assert judge.age_s == pytest.approx(0.1)


def test_samples_sent_are_counted_repeats_included():
    rig, _ = truth(0)
    rig.write(HELLO + STREAM)
    rig.step(200)
    rig.read(1 << 20)
    live = rig.sent_samples
    rig.write(wire.encode("RESEND", {"command_id": 9, "sample_index": 0, "sample_count": 100}))
    rig.step(100)
    assert 180 <= live <= 200 and live + 180 <= rig.sent_samples <= live + 200


@pytest.mark.parametrize("case", range(len(CASES)), ids=[case.name for case in CASES])
def test_no_link_loses_a_sample_silently_or_changes_one(case):
    row = run(Job(case, 1, 14_000))
    assert row.is_good and row.written > 11_000
