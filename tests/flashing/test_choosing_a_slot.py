"""main.py over every state of a board's flash: it ends in a whole firmware, or at the prompt, ENABLE low."""

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from host.flashing.build import MANIFEST, Build
from tests.runtimes import stage

HERE = Path(__file__).parent
MARK = 0x51ED0000
TRIALS, TRIES = 3, 3

_START = """import bench
def run(slot, is_on_trial, build_id):
    bench.started(slot, is_on_trial, build_id)
    {}
"""
WELL = {"sled/start.py": _START.format("bench.well(slot, is_on_trial)").encode(), "sled/more.mpy": b"12345"}
RAISES = {"sled/start.py": _START.format("raise MemoryError").encode()}
LEAVES = {"sled/start.py": _START.format("raise SystemExit").encode()}
NO_PROGRAM = {"sled/start.py": b"def run(\n"}
EMPTY: dict[str, bytes] = {}


class Case(NamedTuple):
    files: dict[str, bytes | None]
    failed: int = 0
    is_full: bool = False
    is_rescue: bool = False


class Outcome(NamedTuple):
    boots: int
    starts: list[tuple[str, bool, str]]
    is_well: bool
    enable: int
    interrupt: int
    failed: int
    slot: bytes | None


def boots(cases: list[Case], folder: Path) -> list[Outcome]:
    rows = [
        {
            "files": {f"/{path}": None if data is None else data.hex() for path, data in case.files.items()},
            "failed": case.failed,
            "is_full": case.is_full,
            "is_rescue": case.is_rescue,
        }
        for case in cases
    ]
    (folder / "cases.json").write_text(json.dumps(rows), encoding="utf-8")
    main = stage.FIRMWARE.parent / "main.py"
    done = subprocess.run(
        [
            str(stage.unix_micropython()),
            "-X",
            "heapsize=64m",
            HERE / "unix_boots.py",
            folder / "cases.json",
            main,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    found: list[Any] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(cases)
    return [
        Outcome(row[0], [tuple(start) for start in row[1]], *row[2:6], row[6] and bytes.fromhex(row[6]))
        for row in found
    ]


def whole(slot: str, firmware: dict[str, bytes]) -> dict[str, bytes | None]:
    """A slot of the flash; without files it is empty."""
    files = {**firmware, MANIFEST: Build(firmware, False).manifest} if firmware else {}
    return {f"{slot}/{name}": data for name, data in files.items()}


def build(firmware: dict[str, bytes]) -> str:
    return Build(firmware, False).build_id.to_bytes(4, "little").hex()


def test_the_good_slot_is_started_with_its_build(tmp_path: Path) -> None:
    other = WELL | {"sled/more.mpy": b"of b"}
    flash = whole("a", WELL) | whole("b", other)
    of_a, of_b = boots([Case(flash | {"slot": b"a"}), Case(flash | {"slot": b"b\n"})], tmp_path)
    assert of_a.starts == [("a", False, build(WELL))] and of_a.slot == b"a"
    assert of_b.starts == [("b", False, build(other))]


def test_only_one_text_of_the_file_is_a_trial(tmp_path: Path) -> None:
    """All else is the good slot, and that is a where nothing says b."""
    trials = {
        f"{good} {other}{left}": (other, True) for good, other in ("ab", "ba") for left in ("1", "2\n", "3")
    }
    good = dict.fromkeys(
        ("b", "b ", "b x", "b b3", "b a", "b a0", "b a4", "b a3 a3", "b a-1", "b a3x"), ("b", False)
    )
    neither = dict.fromkeys(("", " ", "a", "x", "bad", "bad b3", "B a3", "a a3", "ab3", "3"), ("a", False))
    known = trials | good | neither
    flash = whole("a", WELL) | whole("b", WELL)
    found = boots([Case(flash | {"slot": text.encode()}) for text in known], tmp_path)
    assert {text: each.starts[0][:2] for text, each in zip(known, found, strict=True)} == known


def test_whoever_asked_for_the_prompt_gets_it(tmp_path: Path) -> None:
    (found,) = boots([Case(whole("a", WELL), is_rescue=True)], tmp_path)
    assert (found.boots, found.starts, found.enable, found.interrupt) == (1, [], 0, 3)


def test_a_firmware_on_trial_has_three_starts_and_then_the_good_one_is_back(tmp_path: Path) -> None:
    flash = whole("a", WELL) | whole("b", RAISES)
    (found,) = boots([Case(flash | {"slot": b"a b3"})], tmp_path)
    assert [start[:2] for start in found.starts] == 3 * [("b", True)] + [("a", False)]
    assert found.slot == b"a b0" and found.is_well


def test_a_trial_that_does_well_is_the_good_slot_from_then_on(tmp_path: Path) -> None:
    flash = whole("a", WELL) | whole("b", WELL)
    (found,) = boots([Case(flash | {"slot": b"a b3"})], tmp_path)
    assert [start[:2] for start in found.starts] == [("b", True)] and found.slot == b"b"


def test_a_good_slot_that_fails_three_times_gives_way_to_the_other_one(tmp_path: Path) -> None:
    flash = whole("a", RAISES) | whole("b", WELL)
    (found,) = boots([Case(flash | {"slot": b"a"})], tmp_path)
    assert [start[:2] for start in found.starts] == 3 * [("a", False)] + [("b", False)]


def test_two_firmwares_that_fail_end_at_the_prompt_and_the_next_reset_tries_again(tmp_path: Path) -> None:
    flash = whole("a", RAISES) | whole("b", LEAVES) | {"slot": b"b"}
    ended, again = boots([Case(flash), Case(flash, failed=MARK + 6)], tmp_path)
    assert [start[0] for start in ended.starts] == ["b"] * 3 + ["a"] * 3
    assert (ended.boots, ended.enable, ended.interrupt, ended.failed) == (7, 0, 3, 0)
    assert (again.boots, again.starts) == (1, [])


def test_a_trial_whose_starts_cannot_be_counted_is_none(tmp_path: Path) -> None:
    flash = whole("a", WELL) | whole("b", RAISES)
    (found,) = boots([Case(flash | {"slot": b"a b3"}, is_full=True)], tmp_path)
    assert [start[:2] for start in found.starts] == [("a", False)] and found.slot == b"a b3"


def damaged(slot: str) -> list[dict[str, bytes | None]]:
    """A slot with a good firmware, damaged in every file and way."""
    files = whole(slot, WELL)
    found: list[dict[str, bytes | None]] = []
    for path, data in files.items():
        assert data is not None
        found.append({name: each for name, each in files.items() if name != path})
        found.append(files | {path: None})  # a folder in its place
        for other in (
            b"",
            data[:-1],
            data[: len(data) * 2 // 3],
            data[:-1] + b"\0",
            b"\xff" * len(data),
            data + b"\n",
            b"\xff\n",
        ):
            found.append(files | {path: other})
        for at in range(0, len(data), 5):
            found.append(files | {path: data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]})
    missing = Build({**WELL, "sled/none.mpy": b""}, False).manifest
    found += [files | {f"{slot}/MANIFEST": bytes(64) + b"  " + name} for name in (b"\xff\n", b"\n", b"\0\n")]
    found += [files | {f"{slot}/MANIFEST": missing}, files | {f"{slot}/MANIFEST": b"\n"}]
    return found


def test_a_slot_damaged_in_any_file_is_not_started(tmp_path: Path) -> None:
    states = [(slot, files) for slot in "ab" for files in damaged(slot)]
    assert len(states) > 100
    names = {"a": "b", "b": "a"}
    alone = [Case(files | {"slot": slot.encode()}) for slot, files in states]
    beside = [Case(files | whole(names[slot], WELL) | {"slot": slot.encode()}) for slot, files in states]
    trial = [
        Case(files | whole(names[slot], WELL) | {"slot": f"{names[slot]} {slot}3".encode()})
        for slot, files in states
    ]
    found = boots(alone + beside + trial, tmp_path)
    count = len(states)
    for (slot, files), by_itself, *others in zip(
        states, found[:count], found[count : 2 * count], found[2 * count :], strict=True
    ):
        assert by_itself.starts == [], files
        assert (by_itself.boots, by_itself.enable, by_itself.interrupt) == (1, 0, 3)
        for each in others:
            assert [start[:2] for start in each.starts] == [(names[slot], False)], files
            assert each.boots == 1


SLOT_FILES: list[bytes | None] = [
    *(b"a", b"b", b"a\n", b"", b"c", b"\xff" * 16, b"\0" * 8, b"a b", b"a b3", b"a b2\n", b"a b1", b"a b0"),
    *(
        b"b a3",
        b"b a1",
        b"a a3",
        b"b b3",
        b"a b9",
        b"a b33",
        b"a bx",
        b"a c3",
        b"ab3",
        b"a b3 b3",
        b" b  a3 ",
    ),
    *(b"b" * 3000, "ä b3".encode(), b"a \xff3", b"a -b3", b"a b3\x00"),
]
FIRMWARES = [EMPTY, WELL, RAISES, LEAVES, NO_PROGRAM]
COUNTS = [0, 1, 0xFFFFFFFF, MARK - 1, MARK + 2, MARK + 5, MARK + 6, MARK + 7]


def test_from_any_state_a_board_ends_in_a_whole_firmware_or_at_the_prompt(tmp_path: Path) -> None:
    """Every combination; a firmware that works, if there is one in either slot, is found."""
    cases, known = [], []
    for text, of_a, of_b, count, is_full in itertools.product(
        [*SLOT_FILES, None, "missing"], FIRMWARES, FIRMWARES, COUNTS, (False, True)
    ):
        if is_full and count not in (0, MARK + 2):
            continue
        files = whole("a", of_a) | whole("b", of_b)
        if not isinstance(text, str):
            files["slot"] = text  # None: a folder of that name
        cases.append(Case(files, count, is_full))
        known.append({"a": of_a, "b": of_b})
    for case, firmwares, found in zip(cases, known, boots(cases, tmp_path), strict=True):
        assert found.boots <= TRIALS + 2 * TRIES + 1, case
        if found.is_well:
            assert found.starts[-1][2] == build(firmwares[found.starts[-1][0]])
        else:
            assert found.enable == 0 and found.interrupt == 3, case
            if case.failed in (0, 1, 0xFFFFFFFF):
                assert WELL not in firmwares.values(), case
        for slot, _, name in found.starts:
            assert firmwares[slot] and name == build(firmwares[slot]), case
