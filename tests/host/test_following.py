"""One long observation: samples, clock, status and load over whatever happens to the link and the sled."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import LinkLost, VersionMismatch
from host.following import Away, Back, Batch, Follower, Lost, Pong, Told
from host.loading import applied, set_held, set_leased
from host.loads import Load
from protocol import layout, wire
from sim.faults import table as faults
from tests.host.following import LOADING, Scene
from tests.sim.hosting import HELLO

LOAD = Load(force_N=130.0, inertia_kg=40.0)


def counts(scene: Scene) -> tuple[int, int]:
    """Samples received, and lost."""
    return scene.follower.telemetry.samples, scene.follower.telemetry.lost


def test_over_a_healthy_link_every_tick_comes_in_batches_with_clock_and_status_between() -> None:
    scene = Scene()
    scene.run(5.0)
    scene.finish()
    assert counts(scene) == (scene.judge.samples, 0) and scene.judge.samples >= 5000
    assert scene.follower.telemetry.duplicates == scene.follower.telemetry.resumes == 0
    pongs = [item for item in scene.items if isinstance(item, Pong)]
    assert 5 <= len(pongs) <= 7 and scene.follower.clock.count == len(pongs)
    assert scene.follower.clock.host_s(3.0) == pytest.approx(3.0, abs=0.01)
    told = [item.message.name for item in scene.items if isinstance(item, Told)]
    assert 5 <= len(told) <= 7 and set(told) == {"STATUS"}
    assert not scene.of(Away)


def test_an_unplug_within_the_memory_of_the_sled_loses_nothing() -> None:
    scene = Scene()
    set_held(scene.session, LOAD, LOAD)
    scene.run(2.0)
    scene.written.clear()
    scene.unplug(for_ms=2000)
    scene.run(4.0)
    (away,), (back,) = scene.of(Away), scene.of(Back)
    assert isinstance(away, Away) and isinstance(back, Back)
    assert "pulled out" in away.reason and not back.has_restarted
    assert back.away_s == pytest.approx(back.host_s - away.host_s) == pytest.approx(2.0, abs=0.15)
    assert applied(back.status).pull == LOAD and back.port == scene.session.name
    scene.finish()
    assert counts(scene)[1] == 0 and not LOADING & set(scene.written)


def test_what_the_sled_has_forgotten_over_a_long_unplug_is_lost_and_no_more() -> None:
    scene = Scene()
    scene.run(2.0)
    scene.unplug(for_ms=6000)
    scene.run(9.0)
    scene.finish()
    assert scene.of(Lost) and 6000 - 3072 <= counts(scene)[1] <= 6000 - 3008 + 250


@pytest.mark.parametrize("how", ["reset", "power"])
def test_a_restart_is_a_new_boot_from_its_first_sample_and_the_rest_of_the_old_one_is_lost(how: str) -> None:
    scene = Scene()
    end = faults.begin(scene.rig, "link_drops", part=0.3)
    scene.run(2.0)
    end()
    before = scene.follower.clock
    scene.rig.reboot() if how == "reset" else faults.begin(scene.rig, "brown_out", ms=700)
    items = scene.run(3.0)
    kinds = [type(item) for item in items if not isinstance(item, Told | Pong)]
    assert kinds.count(Back) == 1
    at = kinds.index(Back)
    assert kinds.index(Away) < at and Lost not in kinds[at:]
    back, batch = (item for item in items if isinstance(item, Back)), items[-1]
    (one,) = back
    assert one.has_restarted and one.device.boot_id == scene.rig.board.boot_id
    later = [item for item in items[items.index(one) :] if isinstance(item, Batch)]
    assert later[0][:2] == (scene.rig.board.boot_id, 0) and batch
    assert scene.follower.clock is not before and scene.follower.clock.count > 0
    scene.finish()


def test_a_restart_while_away_that_lasts_longer_than_the_memory_declares_the_beginning_lost() -> None:
    scene = Scene()
    scene.run(1.0)
    scene.unplug(for_ms=8000)
    scene.rig.schedule(scene.rig.ticks + 1000, lambda rig: rig.reboot())
    scene.rig.schedule(scene.rig.ticks + 1001, lambda rig: setattr(rig.cable, "is_plugged", False))
    scene.run(12.0)
    backs = [item for item in scene.of(Back) if isinstance(item, Back)]
    assert backs[-1].has_restarted
    after = [item for item in scene.items[scene.items.index(backs[-1]) :] if isinstance(item, Lost | Batch)]
    assert isinstance(after[0], Lost) and after[0].sample_index == 0
    scene.finish()


def test_time_goes_on_in_steps_no_greater_than_an_attempt_while_the_sled_is_away() -> None:
    scene = Scene()
    scene.run(0.5)
    scene.unplug()
    moments = [scene.session.now()]
    for _ in range(20):
        scene.run(0.1)
        moments.append(scene.session.now())
    assert all(0 < later - sooner < 0.25 for sooner, later in pairwise(moments))
    away_s = scene.follower.away_s
    assert away_s is not None and away_s == pytest.approx(moments[-1] - moments[0], abs=0.2)
    assert len(scene.of(Away)) == 1, "told once"


def test_an_end_while_the_sled_is_away_accounts_for_all_that_was_heard_of() -> None:
    scene = Scene()
    end = faults.begin(scene.rig, "link_drops", part=0.2)
    scene.run(1.0)
    scene.unplug()
    scene.run(0.5)
    end()
    items = list(scene.follower.finish(within_s=1.0))
    heard = [item for item in [*scene.items, *items] if isinstance(item, Batch | Lost)]
    at = 0
    for item in heard:
        assert item.sample_index == at
        at += item.sample_count if isinstance(item, Lost) else len(item.samples)
    assert at == scene.follower.telemetry._order.end > 900


def test_without_a_way_to_open_the_port_again_a_lost_link_is_an_error() -> None:
    scene = Scene()
    follower = Follower(scene.session)
    follower.start()
    scene.unplug()
    with pytest.raises(LinkLost, match="pulled out"):
        list(follower.run(1.0))


def test_a_program_that_stops_the_stream_is_noticed_at_once_and_nothing_is_lost() -> None:
    scene = Scene()
    scene.run(1.0)
    scene.rig.write(b"\0" + HELLO)
    begun_s = scene.session.now()
    telemetry = scene.follower.telemetry
    while not telemetry.resumes and scene.session.now() - begun_s < 0.4:
        scene.run(0.01)
    assert telemetry.resumes
    scene.run(1.0)
    assert telemetry.resumes == 1 and telemetry.duplicates <= layout.SAMPLES_PER_FRAME_MAX
    scene.finish()
    assert counts(scene)[1] == 0 and not scene.of(Away)


def test_a_sled_that_says_nothing_for_long_is_away_and_comes_back_by_itself() -> None:
    scene = Scene()
    scene.run(1.0)
    end = faults.begin(scene.rig, "link_drops", part=1.0)
    scene.run(12.0)
    (away,) = scene.of(Away)
    assert scene.follower.telemetry.resumes < 12, "it is not asked all the time"
    assert isinstance(away, Away) and "said nothing for 8 s" in away.reason
    end()
    scene.run(2.0)
    assert len(scene.of(Back)) == 1
    scene.finish()


def test_heartbeats_of_a_lease_rest_while_the_sled_is_away_and_a_lapsed_lease_is_told() -> None:
    scene = Scene()
    set_leased(scene.session, LOAD, LOAD, 500)
    scene.run(1.0)
    scene.written.clear()
    scene.unplug(for_ms=200)
    scene.run(1.0)
    assert scene.written[0] == "HELLO" and "HEARTBEAT" in scene.written
    assert scene.session.lease_lost is None, "short enough: the load is kept"
    scene.unplug(for_ms=1500)
    scene.run(3.0)
    assert scene.session.lease_lost is not None and "lease" in scene.session.lease_lost.lower()
    assert not LOADING & set(scene.written)
    (_, back) = scene.of(Back)
    assert isinstance(back, Back) and applied(back.status).state in ("ramping_down", "idle")


def test_another_sled_at_the_same_port_is_not_taken_for_the_one_that_left() -> None:
    scene = Scene()
    other = Scene(seed=2)
    is_swapped = True
    follower = Follower(scene.session, lambda: (other if is_swapped else scene).open())
    follower.start()
    scene.unplug()
    other.written.clear()
    items = list(follower.run(0.5))
    is_swapped, scene.rig.cable.is_plugged = False, True
    items += list(follower.run(1.0))
    assert [type(item) for item in items if isinstance(item, Away | Back)] == [Away, Back]
    assert set(other.written) == {"HELLO"}


class Reflashed:
    """The port of a sled that answers HELLO as one of another major version."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self._reader = wire.FrameReader()
        self.now, self.write, self.close = port.now, port.write, port.close

    @property
    def in_waiting(self) -> int:
        return int(self._port.in_waiting)

    def read(self, size: int = 1) -> bytes:
        out = b""
        for frame in self._reader.feed(self._port.read(size)):
            body = bytes([layout.PROTOCOL_MAJOR + 1]) + frame.body[1:]
            out += wire.encode_frame(frame.kind, frame.flags, body)
        return out


def test_the_same_sled_with_firmware_of_another_version_is_an_error_that_says_so() -> None:
    scene = Scene()
    follower = Follower(scene.session, lambda: Reflashed(scene.open()))
    follower.start()
    scene.unplug(for_ms=100)
    with pytest.raises(VersionMismatch):
        list(follower.run(2.0))


def test_between_the_items_of_one_message_the_follower_sends_nothing_that_could_fail() -> None:
    """Else what was already taken from the link would go with the error."""
    scene = Scene()
    end = faults.begin(scene.rig, "link_drops", part=0.3)
    heard = list(scene.follower.telemetry.listen(3.0))
    end()
    for sooner, later in pairwise(heard):
        if isinstance(sooner, Batch | Lost) and later is not None:
            assert isinstance(later, Batch | Lost)
    assert any(isinstance(one, Batch) and isinstance(two, Batch) for one, two in pairwise(heard))


HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["unplug", "power", "reset", "hello", "dark"]),
        st.integers(100, 2500),  # ms until then
        st.integers(1, 5000),  # and how long
    ),
    max_size=4,
)


@settings(max_examples=40)
@given(
    seed=st.integers(1, 2**32),
    flips=st.sampled_from([0.0, 1e-5, 1e-4]),
    drops=st.floats(0, 0.3),
    duplicates=st.floats(0, 0.2),
    happenings=HAPPENINGS,
)
def test_whatever_happens_each_sample_comes_once_as_it_was_or_is_lost_and_no_load_is_ever_set(
    seed: int, flips: float, drops: float, duplicates: float, happenings: list[tuple[str, int, int]]
) -> None:
    scene = Scene(seed=seed)
    set_held(scene.session, LOAD, LOAD)
    scene.written.clear()
    ends = [
        faults.begin(scene.rig, name, part=part)
        for name, part in (("link_bit_flips", flips), ("link_drops", drops), ("link_duplicates", duplicates))
        if part
    ]
    for what, after_ms, for_ms in happenings:
        scene.run(after_ms / 1000)
        if what == "unplug":
            scene.unplug(for_ms)
        elif what == "power":
            faults.begin(scene.rig, "brown_out", ms=for_ms)
        elif what == "reset":
            scene.rig.reboot()
        elif what == "hello":
            scene.rig.write(b"\0" + HELLO)
        else:
            end = faults.begin(scene.rig, "link_drops", part=1.0)
            scene.run(for_ms / 1000)
            end()
    for end in ends:
        end()
    scene.run(7.0)
    scene.finish()
    assert not LOADING & set(scene.written) and len(scene.of(Away)) == len(scene.of(Back))
