"""A recording through the simulator's link: whoever reads it gets byte for byte what was put in."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from bench.link_truth import port_of
from host.errors import Refused
from host.following import Back, Batch, Follower, Lost
from host.session import Session
from host.transport import open_port
from protocol import bulk, codes, layout
from sim.protocol_sim import offer
from sim.replay import Boot, Replay, Run, boot_of
from tests.sim.hosting import HELLO, STREAM, Listener
from tests.sim.serving import posix, starting_servers

ID = bytes.fromhex("e660583883724a32")
start = pytest.fixture(starting_servers)


def recorded(count, seed=1):
    """Samples as a recording has them, of no sense whatever."""
    return np.frombuffer(Random(seed).randbytes(count * layout.SAMPLE_BYTES), bulk.SAMPLE)


def followed(replay, for_s=None, spoil=lambda replay: None):
    """What a host makes of it: by boot, index and bytes of each sample; and the indices declared lost."""
    samples, lost = {}, {}
    boot_id = replay.boots[0].boot_id
    with Session(port_of(replay), "sim://") as session:
        session.hello()
        follower = Follower(session, lambda: port_of(replay))
        follower.start(from_oldest=True)
        spoil(replay)

        def take(items):
            nonlocal boot_id
            for item in items:
                if isinstance(item, Batch):
                    boot_id = item.boot_id
                    raw = item.samples.raw
                    for at in range(len(raw) // 14):
                        index = item.sample_index + at
                        assert index not in samples.setdefault(boot_id, {})
                        samples[boot_id][index] = raw[14 * at : 14 * at + 14]
                elif isinstance(item, Back):
                    boot_id = item.device.boot_id
                elif isinstance(item, Lost):
                    indices = range(item.sample_index, item.sample_index + item.sample_count)
                    lost.setdefault(boot_id, set()).update(indices)

        take(follower.run(replay.duration_s if for_s is None else for_s))
        take(follower.finish())
    return samples, lost


def put_in(boots):
    return {
        boot.boot_id: {
            run.sample_index + at: run.raw[14 * at : 14 * at + 14]
            for run in boot.runs
            for at in range(len(run.raw) // 14)
        }
        for boot in boots
    }


def test_what_a_host_reads_is_what_was_recorded_and_what_was_lost_then_is_lost_now():
    gaps = [(1100, 7), (1107, 1), (2400, 5000), (7403, 1)]
    boots = [boot_of(513, 1000, recorded(4321), gaps)]
    samples, lost = followed(Replay(ID, boots))
    assert samples == put_in(boots)
    assert lost == {513: {index for first, count in gaps for index in range(first, first + count)}}


def test_boots_follow_each_other_with_their_ids():
    boots = [
        boot_of(7, 70_000, recorded(1005, 1)),
        boot_of(9, 0, recorded(2003)),
        boot_of(8, 0, recorded(30)),
    ]
    samples, lost = followed(Replay(ID, boots))
    assert (samples, lost) == (put_in(boots), {})


def test_over_a_bad_cable_the_device_s_own_code_sends_again_what_is_missing():
    boots = [boot_of(7, 123, recorded(9000), [(4000, 200)])]
    replay = Replay(ID, boots)
    samples, lost = followed(replay, spoil=lambda replay: setattr(replay.cable, "drop_rate", 0.02))
    assert samples == put_in(boots) and lost == {7: set(range(4000, 4200))}


def test_what_its_ring_has_overwritten_is_declared_lost():
    boots = [boot_of(7, 123, recorded(12_000))]
    replay = Replay(ID, boots)
    samples, lost = followed(replay, spoil=lambda replay: replay.step(6000))
    assert set(samples[7]) | lost[7] == set(range(123, 12_123)) and not set(samples[7]) & lost[7]
    assert 2500 < len(lost[7]) < 3500
    recording = put_in(boots)[7]
    assert all(recording[index] == raw for index, raw in samples[7].items())


def heard_late(replay, after):
    """All that the device sends by itself to a host that begins to read so late, and never asks again."""
    replay.write(HELLO + STREAM)
    replay.step(after)
    listener = Listener()
    while not replay.is_over:
        listener.feed(replay.read(1 << 20))
        replay.step(20)
    return listener.heard


@pytest.mark.parametrize(("samples", "gaps", "after"), [(3000, [(1500, 80_000)], 82_600), (1000, [], 1500)])
def test_a_host_that_reads_late_is_told_of_every_sample_without_asking(samples, gaps, after):
    heard = heard_late(Replay(ID, [boot_of(7, 0, recorded(samples), gaps)]), after)
    told = sorted(
        (each["sample_index"], each["sample_index"] + (each.get("sample_count") or len(each["samples"])))
        for each in heard["TELEMETRY"] + heard.get("SAMPLES_LOST", [])
    )
    assert told[0][0] == 0 and told[-1][1] == samples + sum(count for _, count in gaps)
    assert all(end >= first for (_, end), (first, _) in pairwise(told))


def test_a_reset_takes_nothing_that_was_on_its_way_and_brings_no_host():
    replay = Replay(ID, [boot_of(7, 0, recorded(200)), boot_of(8, 0, recorded(3000))])
    assert {each["boot_id"] for each in heard_late(replay, 1300)["TELEMETRY"]} == {7}
    replay = Replay(ID, [boot_of(7, 0, recorded(200)), boot_of(8, 0, recorded(3000))])
    replay.is_connected = False
    replay.step(1300)
    assert replay.board.boot_id == 8 and not replay.board.is_connected


def test_a_gap_longer_than_one_message_can_tell_is_declared_all_the_same():
    boots = [boot_of(7, 0, recorded(3000), [(1500, 80_000)])]
    samples, lost = followed(Replay(ID, boots), for_s=3.0, spoil=lambda replay: replay.step(81_600))
    assert set(range(1500, 81_500)) <= lost[7] and set(range(81_500, 83_000)) <= set(samples[7])
    assert set(samples[7]) | lost[7] == set(range(83_000)) and not set(samples[7]) & lost[7]


@pytest.fixture
def session():
    samples = recorded(5000).copy()
    samples["sample_flags"] = 0b101 << codes.SAMPLE_LIMITS_SHIFT | 2 << codes.SAMPLE_MODE_SHIFT
    samples["velocity_mm_per_s"] = -1234
    samples["tow_force_dN"] = -567
    samples["brake_force_dN"] = 2000  # so that a bus that never moves would be a fault
    replay = Replay(ID, [boot_of(7, 100, samples)])
    offer("sim://recorded", replay)
    with Session(open_port("sim://recorded"), "sim://") as opened:
        opened.hello()
        yield opened


def test_it_says_who_was_recorded_and_in_which_state(session):
    device = session.device
    assert (device.unique_id, device.boot_id, device.is_simulated) == (ID.hex(), 7, True)
    status = session.request("GET_STATUS").fields
    assert codes.MODES[status["mode"]].name == "LOADING" and status["limits"] == 0b101
    assert (status["velocity_mm_per_s"], status["tow_force_dN"], status["faults"]) == (-1234, -567, 0)
    assert 100 < status["sample_index"] < 200


def test_it_takes_no_load_and_nothing_stops_it(session):
    zero = dict.fromkeys(("force_mN", "inertia_g", "viscous_mN_s_per_m"), 0)
    zero |= dict.fromkeys(("quadratic_mN_s2_per_m2", "stiffness_mN_per_m", "speed_cap_mm_per_s"), 0)
    with pytest.raises(Refused, match="cannot do that"):
        session.request("ARM")
    with pytest.raises(Refused, match="cannot do that"):
        session.request("SET_LOAD", hold=0, lease_ms=0, pull=zero, push=zero)
    session.stop()
    first = session.request("GET_STATUS").fields
    list(session.messages(1.0))
    later = session.request("GET_STATUS").fields
    assert later["mode"] == first["mode"] == 2 and later["sample_index"] > first["sample_index"] + 900


def test_after_the_last_sample_time_goes_on_and_nothing_more_is_measured(session):
    list(session.messages(6.0))
    session.stop()
    assert session.request("GET_STATUS").fields["mode"] == 2
    assert session.request("GET_STATUS").fields["sample_index"] == 5100
    assert session.request("GET_STATUS").fields["faults"] == 0


def test_it_cannot_be_rebooted():
    replay = Replay(ID, [boot_of(7, 0, np.zeros(3000, bulk.SAMPLE))])
    with Session(port_of(replay), "sim://") as session:
        session.hello()
        session.request("REBOOT")
        list(session.messages(0.5))
        assert session.request("GET_STATUS").fields["sample_index"] > 500


@posix
def test_it_is_served_as_any_sled(start):
    boots = [boot_of(7, 0, recorded(2500))]
    replay = Replay(ID, boots)
    server = start(rig=replay, pty=True, speed=5.0, until_s=600.0)
    assert "a recording of 2500 samples, 3.5 s" in server.lines[0]
    with Session(open_port(server.ports[0]), server.ports[0]) as session:
        assert session.hello().unique_id == ID.hex()
        follower = Follower(session, None)
        follower.start(from_oldest=True)
        items = []
        while not replay.is_over:
            items += follower.run(0.05)
        items += follower.finish()
    batches = [item for item in items if isinstance(item, Batch)]
    first = batches[0].sample_index  # what was played before anybody listened may be gone
    assert not [item for item in items if isinstance(item, Lost)]
    assert b"".join(item.samples.raw for item in batches) == boots[0].runs[0].raw[14 * first :]


@pytest.mark.parametrize(
    ("first", "gaps", "runs"),
    [
        (10, [], [(10, 20)]),
        (10, [(20, 5)], [(10, 10), (25, 10)]),
        (10, [(10, 5)], [(15, 20)]),
        (10, [(20, 5), (25, 5)], [(10, 10), (30, 10)]),
        (10, [(30, 5)], [(10, 20)]),
    ],
)
def test_gaps_part_samples_into_runs(first, gaps, runs):
    boot = boot_of(1, first, recorded(20), gaps)
    assert [(run.sample_index, run.end - run.sample_index) for run in boot.runs] == runs
    assert b"".join(run.raw for run in boot.runs) == recorded(20).tobytes()


@pytest.mark.parametrize("gaps", [[(5, 2)], [(31, 2)], [(20, 5), (22, 1)], [(20, -1)]])
def test_gaps_that_cannot_be_are_refused(gaps):
    with pytest.raises(ValueError, match="is not among"):
        boot_of(1, 10, recorded(20), gaps)


@pytest.mark.parametrize(
    ("unique_id", "boots", "reason"),
    [
        (ID, [], "no sample"),
        (ID, [Boot(1, ())], "no sample"),
        (ID[:-1], [boot_of(1, 0, recorded(3))], "8 bytes"),
        (ID, [Boot(1, (Run(10, bytes(28)), Run(11, bytes(28))))], "not in order"),
        (ID, [Boot(1, (Run(-1, bytes(28)),))], "not in order"),
    ],
)
def test_a_recording_that_cannot_be_is_refused(unique_id, boots, reason):
    with pytest.raises(ValueError, match=reason):
        Replay(unique_id, boots)
