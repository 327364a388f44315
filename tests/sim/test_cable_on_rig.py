"""The cable on the whole sled: unplugged it keeps its load, and the same seed gives the same bytes."""

import subprocess
import sys

import pytest

from protocol import wire
from sim.rig import Rig, RigConfig
from tests.sim.hosting import HELLO, STREAM, HALF_BODY_WEIGHT_mN, Listener, command, environment, set_load

HARMS = {"flip_rate": 2e-5, "drop_rate": 0.02, "duplicate_rate": 0.02, "garbage_rate": 0.02}
MANNERS = {"split": True, "merge_ms": 30.0, "delay_ms": 20.0, "jitter_ms": 10.0}


def put(rig, **faults):
    for name, value in faults.items():
        assert hasattr(rig.cable, name)
        setattr(rig.cable, name, value)


def listen(rig, listener, for_ms):
    for _ in range(for_ms // 20):
        rig.step(20)
        listener.feed(rig.read(1 << 20))


def status_of(rig, command_id=900):
    """What the sled tells when asked until it answers."""
    listener = Listener()
    for _ in range(40):
        rig.write(b"\0" + HELLO + command("GET_STATUS", command_id))
        listen(rig, listener, 100)
        if listener.heard.get("STATUS"):
            return listener.heard["STATUS"][0]
    raise AssertionError("no STATUS came")


@pytest.mark.parametrize("faults", [HARMS, MANNERS, {**HARMS, **MANNERS}], ids=["harms", "manners", "all"])
def test_a_bad_cable_damages_frames_and_nothing_else(faults):
    rig = Rig(RigConfig(seed=4, athlete="recreational", lane_m=5.0))
    rig.write(set_load() + STREAM)
    rig.step(100)
    put(rig, **faults)
    frames = wire.FrameReader()
    truth = {}
    for _ in range(1000):
        rig.step(20)
        for frame in frames.feed(rig.read(1 << 20)):
            message = wire.decode(frame)
            if message.name == "TELEMETRY":
                assert truth.setdefault(message.fields["sample_index"], message.fields) == message.fields
    damaged = frames.bad_crc + frames.bad_cobs + frames.short + frames.oversized
    assert (damaged > 20) == ("flip_rate" in faults)
    assert len(truth) > 900
    put(rig, **dict.fromkeys(faults, 0))
    rig.step(1000)
    assert status_of(rig)["pull"]["force_mN"] == HALF_BODY_WEIGHT_mN


def test_an_unplugged_sled_keeps_its_load_and_tells_what_was_lost():
    rig = Rig(RigConfig(seed=5))
    listener = Listener()
    rig.write(set_load() + STREAM)
    listen(rig, listener, 1000)
    before = status_of(rig)
    rig.cable.is_plugged = False
    rig.step(20_000)
    rig.cable.is_plugged = True
    after = status_of(rig)
    assert after["mode"] == before["mode"] and after["pull"] == before["pull"]
    rig.write(command("STREAM", 950, enabled=1, sample_index=before["sample_index"]))
    again = Listener()
    listen(rig, again, 2000)
    reply = next(reply for reply in again.heard["REPLY"] if reply["command_id"] == 950)
    assert reply["result"] == 0
    first = reply["setting_value"]
    assert before["sample_index"] < first < after["sample_index"] < rig.ticks
    batches = again.heard["TELEMETRY"]
    came = {batch["sample_index"] + n for batch in batches for n in range(len(batch["samples"]))}
    assert set(range(first, rig.ticks - 100)) <= came


def test_a_host_that_hears_nothing_loses_no_sample_that_the_ring_still_has():
    rig = Rig(RigConfig(seed=6))
    listener = Listener()
    rig.write(set_load() + STREAM)
    listen(rig, listener, 1000)
    rig.cable.is_host_deaf = True
    for _ in range(50):
        rig.step(50)
        assert rig.read(100) == b""
    rig.cable.is_host_deaf = False
    listen(rig, listener, 4000)
    assert len(listener.samples) > rig.ticks - 50
    assert "SAMPLES_LOST" not in listener.heard


def test_a_lease_lapses_when_the_host_dies_and_a_held_load_stays():
    for lease_ms, is_held in ((500, False), (0, True)):
        rig = Rig(RigConfig(seed=7))
        fields = wire.decode(wire.FrameReader().feed(set_load())[2]).fields
        fields |= {"hold": int(lease_ms > 0), "lease_ms": lease_ms}
        rig.write(HELLO + command("ARM", 1) + wire.encode("SET_LOAD", fields))
        rig.step(300)
        put(rig, is_host_silent=True, is_host_deaf=True)
        for n in range(40):
            rig.write(command("HEARTBEAT", 10 + n, lease_ms=500))
            rig.step(100)
        put(rig, is_host_silent=False, is_host_deaf=False)
        rig.read(1 << 20)
        assert (status_of(rig)["pull"]["force_mN"] > 0 and status_of(rig)["mode"] in (1, 2)) == is_held


def test_a_client_that_goes_takes_with_it_what_is_under_way_and_a_replug_brings_no_client():
    rig = Rig()
    put(rig, delay_ms=50.0)
    rig.step(10)
    rig.write(HELLO)
    rig.is_connected = False
    rig.step(200)
    assert rig.app.link.is_quiet()  # it heard nothing, so it has no answer
    rig.cable.is_plugged = False
    rig.step(10)
    rig.cable.is_plugged = True
    rig.step(10)
    assert not rig.is_connected and not rig.board.is_connected
    rig.is_connected = True
    rig.step(200)
    assert rig.board.is_connected and rig.read(1000) == b""


def test_a_reboot_leaves_the_cable_as_it_is():
    rig = Rig(RigConfig(seed=8))
    rig.write(HELLO)
    put(rig, delay_ms=100.0)
    rig.write(command("REBOOT", 1) + bytes(1) + HELLO)
    listener = Listener()
    listen(rig, listener, 2000)
    boots = {reply["boot_id"] for reply in listener.heard["HELLO_REPLY"]}
    rig.write(b"\0" + HELLO)
    listen(rig, listener, 500)
    boots |= {reply["boot_id"] for reply in listener.heard["HELLO_REPLY"]}
    assert len(boots) == 2 and listener.frames.bad_crc == 0


PROGRAM = """
import hashlib, sys
from sim.rig import Rig, RigConfig
from tests.sim.hosting import STREAM, command, set_load
size, every = int(sys.argv[1]), int(sys.argv[2])
rig = Rig(RigConfig(seed=7, athlete="recreational", lane_m=4.0))
cable = rig.cable
changes = [
    dict(flip_rate=1e-4),
    dict(drop_rate=0.05),
    dict(split=True, delay_ms=30.0),
    dict(duplicate_rate=0.1),
    dict(merge_ms=40.0, flip_rate=0.0),
    dict(is_host_deaf=True),
    dict(is_host_deaf=False),
    dict(garbage_rate=0.1),
    dict(is_host_silent=True),
    dict(is_host_silent=False, drop_rate=0.0),
    dict(is_plugged=False),
    dict(is_plugged=True),
    dict(split=False, merge_ms=0.0, delay_ms=0.0, duplicate_rate=0.0, garbage_rate=0.0),
]
for n, change in enumerate(changes):
    rig.schedule(700 + 500 * n, lambda rig, change=change: [setattr(cable, *item) for item in change.items()])
digest = hashlib.sha256()
for n in range(1, 1601):
    if n % 40 == 1:
        data = (set_load() if n == 1 else b"") + STREAM[:-1] + b"\\0" + command("GET_STATUS", n)
        for at in range(0, len(data), size):
            rig.write(data[at : at + size])
    rig.step(5)
    while n % every == 0 and (data := rig.read(size)):
        digest.update(data)
digest.update(repr(rig.truth).encode())
print(digest.hexdigest())
"""


def test_a_bad_cable_gives_the_same_bytes_in_every_process_however_they_are_cut():
    digests = []
    for hash_seed, size, every in (("1", 1 << 20, 1), ("2", 7, 20), ("3", 100, 2)):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(size), str(every)],
            env=environment(PYTHONHASHSEED=hash_seed),
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(done.stdout)
    assert len(set(digests)) == 1
