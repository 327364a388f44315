"""The device's clock in host time: within its stated uncertainty whatever the delays; never locked out."""

import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.clock import ClockFit
from host.transport import open_port
from protocol import layout, wire
from sim.rig import Rig, RigConfig
from tests.sim.serving import posix, starting_servers

REAL_TIME_s = 0.004  # of a round trip: USB, and a main loop that comes round
DRIFTS_ppm = st.floats(-200, 200)
SEEDS = st.integers(0, 2**32)


class Link(NamedTuple):
    """A device whose clock began at host time `begin_s`, behind a link with random delays."""

    drift_ppm: float = 0.0
    trip_s: float = REAL_TIME_s  #: at most, without a lump
    least: float = 0.25  #: part of it that every round trip takes
    lean: float | None = None  #: part of each round trip that is the way there; None: another each time
    lump_s: float = 0.0  #: answers are held back until a multiple of this
    begin_s: float = 1234.5

    def host_s(self, device_s: float) -> float:
        return self.begin_s + device_s / (1 + self.drift_ppm * 1e-6)

    def pong(self, random: Random, device_s: float) -> tuple[float, float, float]:
        trip_s = self.trip_s * random.uniform(self.least, 1.0)
        there_s = trip_s * (random.random() if self.lean is None else self.lean)
        answered_s = self.host_s(device_s)
        received_s = answered_s + trip_s - there_s
        if self.lump_s:
            received_s = -(-received_s // self.lump_s) * self.lump_s
        return answered_s - there_s, received_s, device_s

    def error_s(self, fit: ClockFit, device_s: float) -> float:
        return abs(fit.host_s(device_s) - self.host_s(device_s))


def ask(link: Link, random: Random, pongs: int) -> ClockFit:
    """About one pong a second, from device time 10 s on."""
    fit = ClockFit()
    device_s = 10.0
    for _ in range(pongs):
        device_s += random.uniform(0.9, 1.1)
        fit.add(*link.pong(random, device_s))
    return fit


@given(SEEDS, DRIFTS_ppm, st.none() | st.floats(0, 1), st.integers(1, 300))
def test_device_time_in_host_time_is_within_2_ms_and_within_what_is_said(
    seed: int, drift_ppm: float, lean: float | None, pongs: int
) -> None:
    link = Link(drift_ppm, lean=lean)
    fit = ask(link, Random(seed), pongs)
    newest_s = 10.0 + pongs
    assert fit.count == min(pongs, 120)
    assert link.error_s(fit, newest_s) <= 0.002
    for device_s in (newest_s, newest_s + 3, newest_s + 600, newest_s - 60, 0.0):
        assert link.error_s(fit, device_s) <= fit.uncertainty_at_s(device_s) + 1e-9
    assert fit.uncertainty_s <= 0.0045
    assert fit.uncertainty_s < fit.uncertainty_at_s(newest_s + 3) < fit.uncertainty_at_s(newest_s + 600)


@given(SEEDS, st.floats(0.0, 0.5))
def test_from_the_first_pong_on_there_is_a_time(seed: int, trip_s: float) -> None:
    link = Link(100.0, trip_s)
    fit = ClockFit()
    with pytest.raises(ValueError, match="not been read"):
        fit.host_s(0.0)
    assert fit.uncertainty_s == float("inf")
    sent_s, received_s, device_s = link.pong(Random(seed), 50.0)
    assert fit.add(sent_s, received_s, device_s)
    assert sent_s - 1e-9 <= fit.host_s(device_s) <= received_s + 1e-9
    assert (fit.count, fit.drift_ppm) == (1, 0.0)
    assert link.error_s(fit, 51.0) <= fit.uncertainty_at_s(51.0)


@given(SEEDS, st.sampled_from((-100.0, 100.0)) | DRIFTS_ppm)
def test_a_drift_is_found_within_some_ppm(seed: int, drift_ppm: float) -> None:
    assert abs(ask(Link(drift_ppm), Random(seed), 120).drift_ppm - drift_ppm) < 8.0


@given(SEEDS, DRIFTS_ppm)
def test_pongs_of_which_some_are_nonsense_give_the_same_line(seed: int, drift_ppm: float) -> None:
    link = Link(drift_ppm)
    random = Random(seed)
    fit = ask(link, random, 40)
    for second in range(200):
        device_s = 60.0 + second
        sent_s, received_s, read_s = link.pong(random, device_s)
        if random.random() < 0.05:
            assert not fit.add(
                sent_s, received_s, read_s + random.choice((-1, 1)) * random.uniform(0.02, 100)
            )
        else:
            assert fit.add(sent_s, received_s, read_s)
        assert link.error_s(fit, device_s) <= min(0.002, fit.uncertainty_at_s(device_s))


@given(SEEDS, DRIFTS_ppm, st.integers(2, 150), st.floats(60, 1200))
def test_an_unplugged_device_is_found_again_on_the_same_line(
    seed: int, drift_ppm: float, before: int, away_s: float
) -> None:
    link = Link(drift_ppm)
    random = Random(seed)
    fit = ask(link, random, before)
    for second in range(10):
        device_s = 10.0 + before + away_s + second
        assert fit.add(*link.pong(random, device_s))
        assert link.error_s(fit, device_s) <= min(0.003, fit.uncertainty_at_s(device_s))


@given(SEEDS, DRIFTS_ppm, st.sampled_from((-1, 1)), st.floats(0.05, 1000))
def test_a_clock_that_stood_still_is_followed_after_a_few_pongs(
    seed: int, drift_ppm: float, way: int, jump_s: float
) -> None:
    random = Random(seed)
    fit = ask(Link(drift_ppm), random, 60)
    link = Link(drift_ppm, begin_s=1234.5 + way * jump_s)
    believed = [fit.add(*link.pong(random, 80.0 + second)) for second in range(10)]
    assert believed == [False] * 3 + [True] * 7
    assert link.error_s(fit, 90.0) <= min(0.002, fit.uncertainty_at_s(90.0))


@given(SEEDS)
def test_a_bad_first_pong_is_outvoted(seed: int) -> None:
    link = Link(50.0)
    random = Random(seed)
    fit = ClockFit()
    fit.add(1.0, 1.001, 77.0)
    for second in range(10):
        fit.add(0.0, 0.001, -1000.0 * (second + 1))  # nonsense that agrees with nothing
        fit.add(*link.pong(random, 80.0 + second))
    assert link.error_s(fit, 90.0) <= 0.002


def test_nonsense_that_comes_now_and_then_never_outvotes_the_rest() -> None:
    link = Link()
    random = Random(5)
    fit = ask(link, random, 20)
    for second in range(40):
        sent_s, received_s, device_s = link.pong(random, 40.0 + second)
        is_nonsense = second % 4 == 0
        assert fit.add(sent_s, received_s, device_s + is_nonsense) != is_nonsense


def test_a_round_trip_far_above_the_usual_is_not_believed_until_it_is_the_usual() -> None:
    fit = ask(Link(), Random(1), 30)
    slow = Link(trip_s=2.0, least=1.0)
    believed = [fit.add(*slow.pong(Random(second), 50.0 + second)) for second in range(12)]
    assert believed == [False] * 9 + [True] * 3


@given(SEEDS, DRIFTS_ppm)
def test_a_link_that_holds_answers_back_says_so_in_its_uncertainty(seed: int, drift_ppm: float) -> None:
    link = Link(drift_ppm, lump_s=0.1)
    fit = ask(link, Random(seed), 60)
    assert link.error_s(fit, 70.0) <= fit.uncertainty_at_s(70.0)
    prompt = ask(Link(drift_ppm, trip_s=0.001), Random(seed), 60)
    assert fit.uncertainty_s > 3 * prompt.uncertainty_s


@given(SEEDS, DRIFTS_ppm, st.integers(1, 60))
def test_host_time_grows_with_device_time_and_back(seed: int, drift_ppm: float, pongs: int) -> None:
    fit = ask(Link(drift_ppm, trip_s=3.0), Random(seed), pongs)
    times = [fit.host_s(at * 0.001) for at in range(0, 100_000, 997)]
    assert all(a < b for a, b in pairwise(times))
    assert fit.device_s(fit.host_s(12.5)) == pytest.approx(12.5)


def test_what_is_kept_is_bounded() -> None:
    fit = ask(Link(), Random(3), 1000)
    for n in range(1000):
        fit.add(5.0 * n, 5.0 * n + 0.001, n * n * 100.0)
    assert fit.count <= 120 and len(fit._rejected) <= 8


class TimedRig(Rig):
    """Writes down by how much the wall clock is ahead of it, whenever it has made some ticks."""

    def __init__(self) -> None:
        self.ahead_s: list[float] = []
        super().__init__(RigConfig())

    def step(self, ticks: int) -> None:
        super().step(ticks)
        self.ahead_s.append(time.monotonic() - self.now_us * 1e-6)


start = pytest.fixture(starting_servers)


@posix
def test_a_sled_served_in_real_time_is_as_well_known_as_is_said(start: Callable[..., Any]) -> None:
    rig = TimedRig()
    server = start(pty=True, tcp=None, rig=rig)
    fit = ClockFit()
    frames = wire.FrameReader()
    with closing(open_port(server.ports[0])) as port:
        for ping in range(40):
            sent_s = time.monotonic()
            hello = wire.encode("HELLO", {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": 0})
            port.write(hello + wire.encode("CLOCK_PING", {"ping_id": ping}))
            pongs: list[dict[str, Any]] = []
            while not pongs:
                heard = [wire.decode(frame) for frame in frames.feed(port.read(port.in_waiting or 1))]
                pongs = [each.fields for each in heard if each.fields.get("ping_id") == ping]
            device_s = pongs[0]["sample_index"] * 1e-3 + pongs[0]["since_tick_us"] * 1e-6
            fit.add(sent_s, time.monotonic(), device_s)
            time.sleep(0.05)
    server.stop()
    assert fit.count >= 10
    # A machine that stalls keeps the simulated sled from its own pace: that much is not the fit's error.
    stalled_s = max(rig.ahead_s) - min(rig.ahead_s)
    for ahead_s in rig.ahead_s:
        off_s = fit.host_s(device_s) - device_s - ahead_s
        assert abs(off_s) <= fit.uncertainty_s + stalled_s
