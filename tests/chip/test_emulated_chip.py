"""The firmware on an emulated RP2040: the same numbers as CPython, bit for bit, and no allocation."""

import binascii
from pathlib import Path

import pytest

from tests.chip import emulator, lane
from tests.runtimes.golden import checks, new_replay
from tests.runtimes.stimulus import read_stimulus, word_name

pytestmark = pytest.mark.chip

CODEC_HEAP = Path(__file__).resolve().parents[1] / "device" / "codec_heap.py"


def test_every_tick_is_the_same_on_the_emulated_chip(tmp_path: Path) -> None:
    found = lane.replay(tmp_path)
    ours = new_replay()
    ours.run(read_stimulus(), lambda done: None)
    different = next((row.ticks for row, own in zip(found.checks, checks(), strict=True) if row != own), None)
    assert different is None, f"the chip's state first differs before tick {different}"
    words = [word_name(word) for word, value in enumerate(ours.s) if found.state[word] != value]
    assert not words, f"words that differ at the end: {words}"
    assert found.ring_crc == binascii.crc32(ours.ring)
    # 1 kHz leaves 125 000 cycles; this says only that the tick is machine code, `make bench` how fast.
    assert found.cost.median < 20_000


def test_the_tick_allocates_nothing_on_the_chip(tmp_path: Path) -> None:
    pieces = lane.parts(read_stimulus())[:4]
    files = lane.firmware_files(tmp_path) | lane.own_file("chip_heap.py", tmp_path) | lane.part_files(pieces)
    printed = emulator.run(f"import chip_heap\nchip_heap.main({len(pieces)})", files, tmp_path)
    ticks, grown, is_lock_effective = printed.split()
    assert int(ticks) == sum(map(lane.count_ticks, pieces)) > 1_000
    assert grown == "0"
    assert is_lock_effective == "True", "the heap was not locked, so the run proved nothing"


def test_the_codec_allocates_nothing_on_the_chip(tmp_path: Path) -> None:
    script = tmp_path / "codec_heap.py"
    source = CODEC_HEAP.read_text(encoding="utf-8")
    assert "FRAMES = 50\n" in source
    script.write_text(source.replace("FRAMES = 50\n", "FRAMES = 6\n"), encoding="utf-8")  # it is slow there
    files = lane.firmware_files(tmp_path)
    files["codec_heap.mpy"] = emulator.compiled(script, emulator.image().compat)
    printed = emulator.run("import sys\nsys.argv[:] = ['', '/']\nimport codec_heap", files, tmp_path)
    short, long, damaged, grown, guarded = printed.split()
    assert (short, long, damaged, grown) == ("6", "6", "18", "0")
    assert guarded == "True", "the heap was not locked, so the run proved nothing"


def test_answering_streaming_and_filling_gaps_allocate_nothing_on_the_chip(tmp_path: Path) -> None:
    files = lane.firmware_files(tmp_path) | lane.own_file("chip_answers.py", tmp_path)
    printed = emulator.run("import chip_answers\nchip_answers.main()", files, tmp_path)
    found = dict(line.split()[:2] for line in printed.splitlines())
    acts = ("status", "arm", "arm_again", "another_gap", "stream", "sixteen_ticks", "behind", "filling")
    assert found == dict.fromkeys(acts, "0"), printed
