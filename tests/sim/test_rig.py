"""The whole firmware on the simulated sled: load, energy, passivity, resets, always the same bytes."""

import hashlib
import statistics
import subprocess
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import tick as firmware
from protocol import codes
from sim.people.athlete import DONE, ScriptedForce
from sim.rig import ESTOP, Rig, RigConfig
from sim.world.driver import Driver, SignedDriver
from sim.world.parameters import Power
from tests.sim.hosting import HELLO, STREAM, Listener, command, environment, load, set_load

GRAVITY_m_per_s2 = 9.80665
WORKOUT = RigConfig(athlete="recreational", lengths=2, lane_m=10.0)


def fault(name: str) -> int:
    return 1 << next(row.number for row in codes.FAULTS if row.name == name)


@pytest.fixture(scope="module")
def workout():
    rig = Rig(WORKOUT)
    listener = Listener()
    rig.write(set_load() + STREAM)
    while rig.athlete.state != DONE and rig.ticks < 100_000:
        rig.step(100)
        listener.feed(rig.read(1 << 20))
    rig.step(40)
    listener.feed(rig.read(1 << 20))
    return rig, listener


def test_every_tick_of_a_workout_comes_through(workout):
    rig, listener = workout
    assert rig.athlete.state == DONE and rig.app.faults() == 0
    assert len(listener.samples) > rig.ticks - 50
    assert listener.frames.bad_crc == listener.frames.bad_cobs == 0


@pytest.mark.parametrize("number", [1, 2])
def test_the_mean_true_force_at_pace_is_the_law_within_2_percent(workout, number):
    rig, listener = workout
    length = rig.truth.lengths[number - 1]
    part = listener.samples[int(length.start_s * 1000) + 3500 : int(length.end_s * 1000) - 2000]
    law = 0.5 * 80 * GRAVITY_m_per_s2 * 0.33
    # The cell reads 0.5 % low, and the firmware trusts it.
    assert abs(statistics.fmean(s[2] for s in part) / 10) == pytest.approx(law, rel=0.02)


def test_athletes_work_became_motion_friction_and_heat_of_the_brake(workout):
    truth = workout[0].truth
    assert truth.athlete_J == pytest.approx(sum(length.work_J for length in truth.lengths), rel=1e-6)
    assert abs(truth.unexplained_J) < 1e-6 * truth.athlete_J
    assert truth.injected_J == 0.0
    assert truth.brake_J > 0.8 * truth.athlete_J > 1000.0


def test_the_bus_charges_and_the_motors_warm_up_by_the_brakes_work(workout):
    rig, _ = workout
    heat = rig.supply.heat
    assert rig.plant.copper_J == pytest.approx(heat.stored_J + heat.lost_J, abs=1.0)
    assert rig.truth.battery_J > 0.5 * rig.truth.brake_J


PROGRAM = """
import hashlib, sys
from sim.rig import Rig, RigConfig
from tests.sim.hosting import STREAM, set_load
rig = Rig(RigConfig(seed=int(sys.argv[1]), athlete="recreational", lengths=1, lane_m=4.0))
rig.write(set_load() + STREAM)
digest = hashlib.sha256()
for _ in range(100):
    rig.step(100)
    digest.update(rig.read(1 << 20))
digest.update(repr(rig.truth).encode())
print(digest.hexdigest())
"""


def bytes_of(seed: int, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed)],
        env=environment(PYTHONHASHSEED=hash_seed),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_one_seed_gives_the_same_bytes_in_every_process_and_another_seed_others():
    first = bytes_of(7, "1")
    assert len(first) == len(hashlib.sha256().hexdigest())
    assert bytes_of(7, "2") == first
    assert bytes_of(8, "1") != first


def test_how_the_time_is_cut_into_steps_changes_nothing():
    runs = []
    for cut in (1, 8, 1000):
        rig = Rig(RigConfig(seed=3, athlete="recreational", lane_m=3.0))
        rig.write(set_load() + STREAM)
        data = b""
        while rig.ticks < 7000:
            rig.step(cut)
            if rig.ticks % 1000 == 0:
                data += rig.read(1 << 20)
        runs.append((data, rig.truth))
    assert runs[0] == runs[1] == runs[2]


segments = st.lists(
    st.tuples(st.floats(0.02, 0.6), st.one_of(st.just(0.0), st.floats(-500.0, 500.0))),
    min_size=2,
    max_size=10,
)


def script(parts):
    """Nothing for 0.2 s, while the load is set, then each force for its time."""

    def force_N(t: float) -> float:
        t -= 0.2
        if t < 0.0:
            return 0.0
        for seconds, force in parts:
            if t < seconds:
                return force
            t -= seconds
        return 0.0

    return force_N


@given(segments, st.sampled_from([Driver, SignedDriver]), st.integers(0, 800_000), st.integers(0, 45_000))
def test_the_firmware_lets_no_driver_drive_the_sled(parts, driver_kind, force_mN, inertia_g):
    """In brake mode not at all; if it keeps its sign for a tick, by the firmware's impulse budget."""
    rig = Rig(RigConfig(signed_driver=driver_kind is SignedDriver), person=ScriptedForce(script(parts)))
    rig.write(set_load(force_mN, inertia_g=inertia_g))
    rig.step(300 + int(1000 * sum(seconds for seconds, _ in parts)))
    assert rig.truth.injected_J <= (0.0 if driver_kind is Driver else 0.05)
    assert rig.app.faults() & fault("PASSIVITY") == 0
    handled_J = abs(rig.truth.athlete_J) + rig.truth.friction_J + rig.truth.brake_J
    assert abs(rig.truth.unexplained_J) <= 1e-6 * (1.0 + handled_J)


def test_shoved_to_and_fro_a_signed_driver_gets_no_chance():
    """Without the budget these runs inject 0.7 J together, without the fade at a crawl 100 J and more."""
    injected_J = braked_J = 0.0
    for seed in range(12):
        random = Random(seed)
        parts = [(random.uniform(0.05, 1.0), random.uniform(-500.0, 500.0)) for _ in range(20)]
        rig = Rig(RigConfig(signed_driver=True), person=ScriptedForce(script(parts)))
        rig.write(set_load(800_000))
        rig.step(9000)
        braked_J += rig.truth.brake_J
        injected_J += rig.truth.injected_J
    assert braked_J > 5000.0
    assert injected_J < 0.2


def test_a_driver_of_the_wrong_sign_trips_the_passivity_observer_of_the_truth():
    rig = Rig(RigConfig(), person=ScriptedForce(lambda t: 200.0 if 0.2 < t < 1.5 else 0.0))
    rig.driver.is_wrong_signed = True
    rig.write(set_load())
    rig.step(1500)
    assert rig.truth.injected_J > 1.0


def test_the_emergency_stop_takes_the_brake_off_whatever_the_firmware_says(monkeypatch):
    rig = Rig(RigConfig(), person=ScriptedForce(lambda t: 200.0 if t > 0.2 else 0.0))
    rig.write(set_load())
    rig.step(1500)
    assert rig.driver.force_N > 50.0
    real_tick = firmware.tick

    def obstinate_tick(s, ring):
        real_tick(s, ring)
        s[firmware.ENABLE], s[firmware.DUTY] = 1, 2000

    monkeypatch.setattr(firmware, "tick", obstinate_tick)
    rig.step(30)
    assert rig.driver.force_N > 300.0
    rig.switches |= ESTOP
    rig.step(30)
    assert rig.driver.force_N < 0.1
    assert rig.app.faults() & fault("ESTOP")


def test_a_reboot_resets_the_controller_and_not_the_world():
    rig = Rig(RigConfig(), person=ScriptedForce(lambda t: 60.0 if t < 1.0 else 0.0))
    listener = Listener()
    rig.step(1000)
    moved_m = rig.plant.x_m
    assert moved_m > 0.1
    rig.write(HELLO)
    rig.step(5)
    before = listener.until("HELLO_REPLY", lambda: rig.read(1 << 20))
    rig.write(command("REBOOT", 9))
    rig.step(20)
    assert rig.board.s[firmware.SAMPLE_INDEX] < 20
    assert abs(rig.board.s[firmware.COUNTS]) < 400  # a counter starts at zero
    assert rig.plant.x_m >= moved_m
    assert abs(rig.board.s[firmware.POSITION_um]) < 100_000
    listener.heard.clear()
    rig.write(HELLO)
    rig.step(5)
    after = listener.until("HELLO_REPLY", lambda: rig.read(1 << 20))
    assert after["boot_id"] != before["boot_id"]
    assert after["unique_id"] == before["unique_id"] and after["reset_cause"] == 3


def test_asking_for_the_prompt_is_answered_by_words_and_a_new_start():
    rig = Rig(RigConfig())
    rig.write(HELLO + command("ENTER_REPL", 9))
    before = rig.board.boot_id
    seen = b""
    for _ in range(20):
        rig.step(1)
        seen += rig.read(4096)
    assert b"no MicroPython prompt" in seen
    assert rig.board.boot_id != before


def test_an_unplugged_host_leaves_load_and_recording_alone():
    rig = Rig(RigConfig(athlete="recreational", lane_m=15.0))
    listener = Listener()
    rig.write(set_load() + STREAM)
    for _ in range(500):
        rig.step(10)
        rig.read(1 << 20)
    rig.is_connected = False
    rig.step(2000)
    assert rig.in_waiting == 0
    assert rig.driver.force_N > 50.0
    first = rig.board.s[firmware.SAMPLE_INDEX] - 2000
    rig.is_connected = True
    rig.write(HELLO)
    rig.step(10)
    rig.read(1 << 20)  # also what the firmware had under way when the cable came out
    rig.write(command("STREAM", 4, enabled=1, sample_index=first))
    for _ in range(100):
        rig.step(20)
        listener.feed(rig.read(1 << 20))
    batches = listener.heard["TELEMETRY"]
    assert batches[0]["sample_index"] > first + 1900, "what is now comes first"
    came = {batch["sample_index"] + n for batch in batches for n in range(len(batch["samples"]))}
    assert came == set(range(first, first + len(came))) and len(came) > 3900


def test_a_host_that_stops_reading_does_not_stop_the_sled():
    rig = Rig(RigConfig(athlete="recreational", lane_m=15.0))
    listener = Listener()
    rig.write(set_load() + STREAM)
    rig.step(10_000)
    assert rig.ticks == rig.board.s[firmware.SAMPLE_INDEX] == 10_000
    assert rig.in_waiting <= 4096 and rig.plant.x_m < -5.0
    for _ in range(1000):
        rig.step(10)
        listener.feed(rig.read(1 << 20))
    # What the ring could not keep is declared, so every index is accounted for.
    accounted = sum(len(batch["samples"]) for batch in listener.heard["TELEMETRY"])
    lost = sum(gap["sample_count"] for gap in listener.heard["SAMPLES_LOST"])
    assert lost > 5000 and accounted + lost > rig.ticks - 50


def test_bytes_that_nobody_reads_are_bounded():
    rig = Rig(RigConfig())
    with pytest.raises(BufferError, match="read between the writes"):
        for _ in range(100_000):
            rig.write(b"x")


def test_an_empty_battery_is_seen_by_the_firmware():
    rig = Rig(RigConfig(power=Power(state_of_charge=0.0)))
    rig.write(HELLO + command("ARM", 1))
    rig.step(50)
    assert rig.app.faults() & fault("BUS_LOW")


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_perturbed_sled_is_another_sled_and_still_carries_its_load(seed):
    plain, other = Rig(WORKOUT._replace(seed=seed)), Rig(WORKOUT._replace(seed=seed, perturb=0.2))
    assert other.sled != plain.sled
    other.write(set_load())
    other.step(60_000)
    assert other.athlete.state == DONE and other.app.faults() == 0
    truth = other.truth
    assert abs(truth.unexplained_J) < 1e-6 * truth.athlete_J


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": -1}, "seed"),
        ({"athlete": "bob"}, "known are: coaster, elderly, hanger, limping, recreational"),
        ({"lengths": 0}, "lengths"),
        ({"lane_m": 1.0}, "lane_m"),
        ({"lane_m": float("nan")}, "lane_m"),
        ({"body_mass_kg": 10.0}, "body_mass_kg"),
        ({"first": "sideways"}, "push or pull"),
        ({"perturb": 0.9}, "perturb"),
    ],
)
def test_what_cannot_be_simulated_is_named(change, word):
    with pytest.raises(ValueError, match=word):
        Rig(RigConfig(**change))


def test_both_loads_are_rendered_each_in_its_direction():
    rig = Rig(RigConfig(athlete="recreational", lengths=2, lane_m=8.0))
    rig.write(
        HELLO
        + command("ARM", 1)
        + command("SET_LOAD", 2, hold=0, lease_ms=0, pull=load(200_000, 30_000), push=load(60_000, 30_000))
    )
    rig.step(45_000)
    push, pull = rig.truth.lengths
    assert push.mean_force_N == pytest.approx(60.0, rel=0.03)
    assert pull.mean_force_N == pytest.approx(200.0, rel=0.03)
