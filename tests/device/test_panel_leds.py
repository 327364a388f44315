"""The sled's eight LEDs: what each state looks like, and that no pin is used twice."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import layout, panel
from device.sled.panel import DOWN, UP
from protocol.codes import FAULTS
from tests.device.bench import Bench

DEVICE = Path(__file__).parents[2] / "device"
BOOT = DEVICE / "boot.py"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def over_two_seconds(mode: int, level_mN: int = 0, faults: int = 0) -> list[int]:
    return [panel.leds(mode, level_mN, faults, now) for now in range(2048)]


def test_the_bar_grows_with_the_load_and_finer_where_it_is_low() -> None:
    lit = [panel.leds(layout.MODE_LOADING, force_N * 1000, 0, 0).bit_length() for force_N in range(0, 801)]
    assert lit == sorted(lit) and set(lit) == set(range(1, 9))
    assert [lit[force_N] for force_N in (10, 20, 30, 50, 80, 130, 230, 430)] == list(range(1, 9))
    starts = [lit.index(n) for n in range(1, 9)]
    widths = [after - before for before, after in pairwise(starts)]
    assert widths[1:] == sorted(widths[1:])


@given(level_mN=st.integers(0, 1_000_000), faults=st.integers(0, 2**21 - 1), now=st.integers(0, 2**30 - 1))
def test_every_state_is_eight_leds(level_mN: int, faults: int, now: int) -> None:
    for mode in range(5):
        assert 0 <= panel.leds(mode, level_mN, faults, now) <= 0xFF


@pytest.mark.parametrize("level_mN", [0, 50_000, 800_000])
def test_no_two_modes_look_alike(level_mN: int) -> None:
    seen = {mode: tuple(over_two_seconds(mode, level_mN, 1 << layout.FAULT_TOO_HOT)) for mode in range(5)}
    assert len(set(seen.values())) == 5
    shares = {mode: sum(bits != 0 for bits in row) / len(row) for mode, row in seen.items()}
    assert shares[layout.MODE_IDLE] < 0.2 and shares[layout.MODE_FAULT] == 1.0
    assert seen[layout.MODE_IDLE][0] == 8, "one LED that is no bar"


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.reaction in ("ramp", "drop")])
def test_a_fault_shows_its_number_between_two_ends_that_alternate(fault: Any) -> None:
    warnings = 1 << layout.FAULT_LEASE_LAPSED | 1 << layout.FAULT_SETTINGS_DAMAGED
    rows = over_two_seconds(layout.MODE_FAULT, 0, 1 << fault.number | warnings)
    assert {bits >> 1 & 0x3F for bits in rows} == {fault.number}
    assert {bits & 0x81 for bits in rows} == {0x01, 0x80}


def test_the_leds_are_written_only_when_they_change(bench: Bench) -> None:
    shown: list[int] = []
    bench.board.show = shown.append  # type: ignore[method-assign]
    bench.press(UP)
    bench.rest(3000)
    bench.press(DOWN, 900, pause_ms=1500)
    assert all(before != after for before, after in pairwise(shown))
    assert 0x0F in shown and shown[-1] in (0, 8)
    assert len(shown) < 60, "of some 1100 passes"


def test_no_pin_is_used_twice_and_the_table_says_the_same() -> None:
    source = (DEVICE / "sled" / "board_rp2040.py").read_text(encoding="utf-8")
    own = {name: int(pin) for name, pin in re.findall(r"^_(\w+)_PIN = const\((\d+)\)", source, re.M)}
    pins = [*own.values(), own["ENCODER"] + 1, *(own["LED"] + n for n in range(1, 8))]
    assert len(set(pins)) == len(pins)
    pins.append(int(*re.findall(r"^Pin\((\d+), Pin.OUT, value=1\)", BOOT.read_text(encoding="utf-8"), re.M)))
    assert len(set(pins)) == len(pins), "the LED on the board is another one"
    table = (DEVICE / "README.md").read_text(encoding="utf-8").partition("## Pins")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\d, to]+) \| ([\d, toand]+|on the board) \| .* \|$", table, re.M)
    told = [pin for row, _ in rows for pin in numbers(row)]
    assert sorted(told) == sorted(pins)
    # Pin 1 is GP0, and pins 3, 8, 13, 18, 23 are ground.
    on_board = {gp: gp + 1 + gp // 4 + (gp % 4 >= 2) for gp in range(20)} | {26: 31, 27: 32, 28: 34}
    for row, places in rows:
        if places != "on the board":
            assert numbers(places) == [on_board[gp] for gp in numbers(row)], row


def numbers(row: str) -> list[int]:
    """`2, 5 to 7` as 2, 5, 6, 7."""
    spans = [part.partition(" to ") for part in row.split(", ")]
    return [n for first, _, last in spans for n in range(int(first), int(last or first) + 1)]
