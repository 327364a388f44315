"""The rule of every scenario that the sled's reports are true: a firmware that reports other values fails."""

from collections.abc import Callable

import pytest

from device.sled import tick as firmware
from tests.sim.scenarios import verdict

PULL = """
[athlete]
kind = "recreational"
lane_m = 3.0
lengths = 2
[[command]]
at_s = 0.1
do = "set-load"
load = { force_N = 60, inertia_kg = 30 }
"""
RULE = "what the sled reports is true"


def signed(word: int) -> int:
    return word - ((word & 0x8000) << 1)


def reporting(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[int]], None]) -> None:
    """The firmware as it is, but for what `change` makes of each sample's words."""
    tick = firmware.tick

    def other(s, ring):
        at = s[firmware.RING_AT]
        limits = tick(s, ring)
        words = ring[at : at + firmware.SAMPLE_WORDS].tolist()
        change(words)
        for n, word in enumerate(words):
            ring[at + n] = word & 0xFFFF
        return limits

    monkeypatch.setattr(firmware, "tick", other)


def scaled(place: int, factor: float) -> Callable[[list[int]], None]:
    def change(words: list[int]) -> None:
        words[place] = round(signed(words[place]) * factor)

    return change


def longer_way(words: list[int]) -> None:
    position_um = words[0] + (words[1] << 16)
    position_um -= (position_um & 0x8000_0000) << 1
    position_um = round(position_um * 1.1)
    words[0], words[1] = position_um & 0xFFFF, position_um >> 16


# Words of a sample: position (two), velocity, tow, law, brake, flags.
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (longer_way, "position_m"),
        (scaled(2, 1.2), "velocity_m_per_s"),
        (scaled(3, 0.5), "tow_force_N"),
        (scaled(5, 0.5), "brake_force_N"),
    ],
)
def test_a_firmware_that_reports_what_is_not_so_fails(monkeypatch, change, named):
    sound = {check.what: check for check in verdict(PULL, 16.0).checks}
    assert sound[RULE].outcome == "pass"
    reporting(monkeypatch, change)
    found = {check.what: check for check in verdict(PULL, 16.0).checks}
    assert found[RULE].outcome == "FAIL" and named in found[RULE].measured


def test_a_sensor_that_is_broken_may_report_what_is_not_so():
    broken = PULL + '[[fault]]\nat_s = 4.0\nname = "cell_scale"\n'
    assert {check.what: check.outcome for check in verdict(broken, 8.0).checks}[RULE] == "pass"
