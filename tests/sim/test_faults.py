"""The table of faults: complete, mended in any order, without a trace."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sled import tick as firmware
from protocol import codes
from sim.faults import breaking
from sim.faults import table as faults
from sim.people.athlete import ScriptedForce
from sim.rig import Rig, RigConfig
from tests.sim import test_faults_machine, test_faults_sensors, test_faults_time_and_link
from tests.sim.effects import COVERED
from tests.sim.hosting import STREAM, set_load

#: What has happened by them stays, however short they were.
LASTING = {"encoder_jump", "hot_motor", "brown_out", "cell_drift", "unplug"}
GROUPS = {"sensor", "driver", "power", "heat", "switch", "time", "link"}
WITHOUT_A_TRACE = sorted(set(faults.FAULTS) - LASTING)
MENDABLE = sorted(set(faults.FAULTS) - {"brown_out"})


def pulled_rig() -> Rig:
    return Rig(RigConfig(seed=3), person=ScriptedForce(lambda now_s: 160.0 if now_s < 1.5 else 120.0))


def attribute(rig: Rig, path: str):
    for name in path.split("."):
        rig = getattr(rig, name)
    return rig


def everything_put() -> list[str]:
    """The attributes that faults change, such as driver.stuck_N."""
    rig = pulled_rig()
    for name in faults.FAULTS:
        faults.begin(rig, name)
    return sorted(breaking._FOUND[rig])


PUT = everything_put()


def test_each_fault_has_its_group_its_sentence_and_one_word_on_what_the_firmware_does():
    names = {fault.name for fault in codes.FAULTS}
    assert len({fault.sentence for fault in faults.FAULTS.values()}) == len(faults.FAULTS) >= 46
    for name, fault in faults.FAULTS.items():
        assert fault.name == name and fault.group in GROUPS
        assert fault.sentence[0].isupper() and fault.sentence.endswith(".")
        assert bool(fault.shows) != bool(fault.expected)
        assert not fault.shows or fault.shows in names
        if fault.value is not None:
            assert fault.value.minimum <= fault.value.default <= fault.value.maximum
    assert {fault.group for fault in faults.FAULTS.values()} == GROUPS


def test_no_fault_is_without_a_test_of_its_effect():
    files = (test_faults_machine, test_faults_sensors, test_faults_time_and_link)
    assert len({file.__name__ for file in files}) == 3 and set(faults.FAULTS) == COVERED


def test_a_fault_takes_only_its_own_number_within_its_range():
    rig = pulled_rig()
    with pytest.raises(ValueError, match=r"no fault 'encoder_stick'; known are: battery_full, .*unplug"):
        faults.begin(rig, "encoder_stick")
    with pytest.raises(ValueError, match="fault estop has no 'force_N'; it takes nothing more"):
        faults.begin(rig, "estop", force_N=3)
    with pytest.raises(ValueError, match="fault cell_jump has no 'counts'; it takes only force_N"):
        faults.begin(rig, "cell_jump", counts=3)
    with pytest.raises(ValueError, match=r"part of driver_weak must be from 0 to 1, not 1\.5"):
        faults.begin(rig, "driver_weak", part=1.5)
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="force_N of cell_jump must be from -2000 to 2000"):
            faults.begin(rig, "cell_jump", force_N=value)


@pytest.mark.parametrize("name", sorted(name for name, fault in faults.FAULTS.items() if fault.value))
@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_each_fault_can_be_begun_at_both_ends_of_its_range(name, end):
    rig = pulled_rig()
    rig.write(set_load() + STREAM)
    rig.step(200)
    value = faults.FAULTS[name].value
    mend = faults.begin(rig, name, **{value.name: getattr(value, end)})
    rig.step(220)
    mend()
    rig.step(50)
    assert rig.ticks == 470 and abs(rig.truth.unexplained_J) < 1e-6 * (1 + abs(rig.truth.athlete_J))


def values_of(name: str):
    value = faults.FAULTS[name].value
    if value is None:
        return st.just({})
    return st.builds(lambda number: {value.name: number}, st.floats(value.minimum, value.maximum))


def breaks(names: list[str]):
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), values_of(name)))


@given(st.lists(breaks(WITHOUT_A_TRACE), max_size=8), st.randoms(use_true_random=False))
def test_what_is_begun_and_mended_before_time_passes_changes_no_byte(sequence, random):
    sound, mended = pulled_rig(), pulled_rig()
    ends = [faults.begin(mended, name, **values) for name, values in sequence]
    ends += ends[:2]  # mending twice does no harm
    random.shuffle(ends)
    for end in ends:
        end()
    for rig in (sound, mended):
        rig.write(set_load() + STREAM)
        rig.step(300)
    assert sound.read(1 << 20) == mended.read(1 << 20)
    assert sound.truth == mended.truth


@given(
    st.lists(st.one_of(breaks(MENDABLE), st.integers(0, 20)), min_size=2, max_size=15),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 40), min_size=30, max_size=30),
)
@settings(max_examples=150)
def test_faults_may_come_and_go_in_any_order_and_leave_nothing(operations, random, waits):
    rig = pulled_rig()
    rig.write(set_load())
    ends = []
    for operation, wait in zip(operations, waits, strict=False):
        if isinstance(operation, int):
            if ends:
                ends.pop(operation % len(ends))()
        else:
            ends.append(faults.begin(rig, operation[0], **operation[1]))
        rig.step(wait)
    random.shuffle(ends)
    for end, wait in zip(ends, waits, strict=False):
        end()
        rig.step(wait)
    sound = pulled_rig()
    assert {path: attribute(rig, path) for path in PUT} == {path: attribute(sound, path) for path in PUT}
    assert not any(rig.filters.values()) and rig.switches == 0
    # The tick comes each millisecond, and the main program at least every fifth.
    s = rig.board.s
    index = s[firmware.SAMPLE_INDEX]
    rig.step(20)
    assert s[firmware.SAMPLE_INDEX] == index + 20 and s[firmware.LATE_us] == 0
    assert s[firmware.MAIN_LEFT_ticks] >= 95


@given(st.permutations(range(4)))
def test_of_several_faults_on_one_thing_the_last_that_still_is_counts(order):
    rig = pulled_rig()
    forces_N = [100.0, 300.0, 200.0, 300.0]
    ends = [faults.begin(rig, "driver_stuck_force", force_N=force_N) for force_N in forces_N]
    left = list(range(4))
    for mended in order:
        assert rig.driver.stuck_N == forces_N[left[-1]]
        ends[mended]()
        left.remove(mended)
    assert rig.driver.stuck_N is None


def test_what_was_found_comes_back_and_not_what_is_usual():
    rig = pulled_rig()
    rig.supply.sag_V = 1.5
    first, second = (faults.begin(rig, "battery_sag", sag_V=volts) for volts in (3.0, 6.0))
    first()
    assert rig.supply.sag_V == 6.0
    second()
    assert rig.supply.sag_V == 1.5
    rig.supply.sag_V = 0.5
    faults.begin(rig, "battery_sag", sag_V=2.0)()
    assert rig.supply.sag_V == 0.5


def test_two_rigs_break_apart_from_each_other():
    broken, sound = pulled_rig(), pulled_rig()
    end = faults.begin(broken, "driver_stuck_force")
    assert sound.driver.stuck_N is None
    faults.begin(sound, "driver_stuck_force", force_N=10)
    end()
    assert broken.driver.stuck_N is None and sound.driver.stuck_N == 10


@given(st.sampled_from(["encoder_noise", "cell_noise", "link_bit_flips", "link_drops"]), st.integers(1, 40))
@settings(max_examples=12)
def test_what_a_fault_draws_depends_on_seed_and_moment_alone(name, cut):
    runs = []
    for ticks in (400, cut):
        rig = pulled_rig()
        rig.write(set_load() + STREAM)
        rig.schedule(150, lambda rig: faults.begin(rig, name))
        while rig.ticks < 400:
            rig.step(min(ticks, 400 - rig.ticks))
        runs.append((rig.read(1 << 20), rig.truth))
    assert runs[0] == runs[1]


def test_two_noises_begun_in_the_same_tick_are_not_the_same():
    runs = []
    for _ in range(2):
        rig = pulled_rig()
        rig.step(10)
        runs.append([breaking.seed_of(rig) for _ in range(3)])
    assert runs[0] == runs[1] and len(set(runs[0])) == 3


def test_begun_at_another_moment_a_noise_is_another_one():
    seeds = []
    rig = pulled_rig()
    for _, ticks in zip(count(), (1, 1, 5), strict=False):
        rig.step(ticks)
        seeds.append(breaking.seed_of(rig))
    assert len(set(seeds)) == 3
    assert not set(seeds) & {rig.config.seed * 8 + used for used in range(6)}
