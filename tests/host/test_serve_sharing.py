"""A simulated sled shared by several sessions, its cable pulled out under them: real time, real ports."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host import ports
from host.batches import Batch, Lost
from host.errors import LinkError, NoAnswer, Refused
from host.following import Away, Back, Follower, Item
from host.loading import set_held, set_leased
from host.loads import Load
from host.session import Session
from host.sharing import servers
from host.sharing.serving import Serving
from host.telemetry import Telemetry
from protocol import wire
from tests.sim.serving import DOORS, Server, door, starting_servers, wait_for

LOAD = Load(force_N=130.0)


class Shared:
    """`host serve` in this process, and what it says."""

    def __init__(self, sim: Server) -> None:
        self.sim = sim
        self.said: list[str] = []
        self._session = ports.connect(None, is_shared=False)
        self.serving = Serving(self._session)

    def __enter__(self) -> "Shared":
        self.serving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.serving.__exit__()
        self._session.close()

    def session(self) -> Session:
        session = ports.connect(None)
        assert session.name.endswith(servers.THROUGH)
        return session

    def hears(self, word: str) -> None:
        """Wait until it says a line with that word."""
        for line in self.serving.lines():
            if line is not None:
                self.said.append(line)
                if word in line:
                    return

    def unplug(self) -> None:
        self.sim.rig.cable.is_plugged = False
        self.hears("is away")

    def replug(self) -> None:
        self.sim.rig.cable.is_plugged = True
        self.hears("is there again")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    yield from starting_servers(tmp_path, monkeypatch)


@pytest.fixture(params=DOORS)
def shared(start: Callable[..., Server], request: pytest.FixtureRequest) -> Iterator[Shared]:
    with Shared(door(start, request.param)) as shared:
        yield shared


@pytest.fixture
def by_tcp(start: Callable[..., Server]) -> Iterator[Shared]:
    with Shared(door(start, "tcp")) as shared:
        yield shared


class Watcher:
    """Reads the telemetry of a session; every index must come once, or be declared lost."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.telemetry = Telemetry(session)
        self.telemetry.start()
        self.next = -1
        self.lost = 0

    def watch(self, samples: int) -> None:
        """Until so many more have come."""
        goal = self.next + samples
        while self.next < goal:
            self._book(self.telemetry.listen(0.02))

    def finish(self) -> None:
        self._book(self.telemetry.drain(2.0))

    def _book(self, items: Iterator[Batch | Lost | wire.Received]) -> None:
        for item in items:
            if isinstance(item, Batch | Lost):
                if self.next < 0:
                    self.next = item.sample_index
                assert item.sample_index == self.next, "none is left out, none comes twice"
                self.next += len(item.samples) if isinstance(item, Batch) else item.sample_count
                self.lost += item.sample_count if isinstance(item, Lost) else 0


def status(session: Session) -> dict[str, Any]:
    return session.request("GET_STATUS").fields


def test_two_watch_and_a_third_sets_the_load(shared: Shared) -> None:
    with shared.session() as one, shared.session() as two, shared.session() as three:
        watchers = [Watcher(one), Watcher(two)]
        for watcher in watchers:
            watcher.watch(300)
        applied = set_held(three, LOAD, LOAD)
        assert applied.pull.force_N == 130.0
        for watcher in watchers:
            watcher.watch(300)
            watcher.finish()
            assert watcher.lost == 0
        assert status(one)["pull"]["force_mN"] == 130_000


def test_a_stop_acts_while_another_streams_and_a_third_waits_for_its_answer(by_tcp: Shared) -> None:
    with by_tcp.session() as streaming, by_tcp.session() as waiting, by_tcp.session() as stopping:
        watcher = Watcher(streaming)
        set_held(waiting, LOAD, LOAD)
        waiting.send("GET_STATUS")
        stopping.stop()
        waiting.send("GET_STATUS")
        watcher.watch(300)
        assert watcher.lost == 0
        wait_for(lambda: status(stopping)["mode"] == 0)


def test_a_leased_load_lapses_when_its_program_is_gone(by_tcp: Shared) -> None:
    with by_tcp.session() as other:
        leased = by_tcp.session()
        set_leased(leased, LOAD, LOAD, lease_ms=400)
        for _ in leased.messages(1.0):
            pass  # its heartbeats go out
        assert status(other)["hold"] == 1 and status(other)["mode"] != 0
        other.hold_lease(400)  # somebody else's heartbeats do not keep it
        leased.close()
        for _ in other.messages(0.7):
            pass
        assert other.lease_lost is not None
        wait_for(lambda: status(other)["mode"] == 0)


def test_the_prompt_is_refused_with_a_reason(by_tcp: Shared) -> None:
    with by_tcp.session() as session, pytest.raises(Refused):
        session.request("ENTER_REPL")


def test_a_monitor_goes_on_without_a_gap_over_an_unplug(shared: Shared) -> None:
    with shared.session() as session:
        watcher = Watcher(session)
        watcher.watch(200)
        shared.unplug()
        ticks = shared.sim.rig.ticks
        wait_for(lambda: shared.sim.rig.ticks > ticks + 1000)
        shared.replug()
        watcher.watch(1500)
        watcher.finish()
        assert watcher.lost == 0


def test_what_the_sleds_own_memory_has_lost_is_told_to_who_watches(start: Callable[..., Server]) -> None:
    with Shared(door(start, "tcp", speed=10.0)) as shared, shared.session() as session:
        watcher = Watcher(session)
        watcher.watch(200)
        shared.unplug()
        ticks = shared.sim.rig.ticks
        wait_for(lambda: shared.sim.rig.ticks > ticks + 6000)
        shared.replug()
        watcher.watch(6000)
        assert watcher.lost > 2000


def test_while_it_is_unplugged_nobody_comes_in_and_nothing_is_kept_for_later(by_tcp: Shared) -> None:
    with by_tcp.session() as session:
        set_held(session, LOAD, LOAD)
        session.stop()
        wait_for(lambda: status(session)["mode"] == 0)
        session.request("ARM")
        by_tcp.unplug()
        with pytest.raises(LinkError, match=r"unplugged since \d+ s; host serve waits for it") as caught:
            by_tcp.session()
        assert caught.value.hint == "plug it in, then: host status"
        with pytest.raises(NoAnswer):
            set_held(session, LOAD, LOAD)
        by_tcp.replug()
        time.sleep(0.1)
        assert status(session)["pull"]["force_mN"] == 0
        with by_tcp.session() as again:
            assert set_held(again, LOAD, LOAD).pull.force_N == 130.0


def test_a_restart_is_told_and_everybody_goes_on_with_the_new_boot(by_tcp: Shared) -> None:
    with by_tcp.session() as session:
        follower = Follower(session, ports.reopener(session))
        follower.start()
        boot_id = session.device.boot_id if session.device is not None else None
        with by_tcp.session() as other:
            other.request("REBOOT")
        items: list[Item] = []
        while not any(isinstance(item, Back) for item in items):
            items += follower.run(0.1)
        while not isinstance(items[-1], Batch):
            items += follower.run(0.1)
        (back,) = (item for item in items if isinstance(item, Back))
        assert back.has_restarted and back.device.boot_id != boot_id
        assert items[-1].boot_id == back.device.boot_id
    by_tcp.hears("has restarted")


def test_who_follows_through_it_goes_on_at_the_port_itself_once_it_has_ended(
    start: Callable[..., Server],
) -> None:
    sim = door(start, "tcp")
    with Shared(sim) as shared:
        session = shared.session()
        follower = Follower(session, ports.reopener(session))
        follower.start()
        items = list(follower.run(0.2))
    while not any(isinstance(item, Back) for item in items):
        items += follower.run(0.1)
    assert [item.port for item in items if isinstance(item, Back)] == sim.ports
    assert not any(isinstance(item, Lost) for item in items)
    assert any(isinstance(item, Away) for item in items)
    session.close()


def test_a_terminal_that_stands_still_holds_nobody_up(by_tcp: Shared) -> None:
    for _ in range(600):  # twice as many lines as are kept, and nobody reads them
        shared_port = servers.open_shared()
        assert shared_port is not None
        shared_port.close()
    with by_tcp.session() as session:
        watcher = Watcher(session)
        watcher.watch(200)
        assert watcher.lost == 0


def test_the_announcement_is_for_this_user_only_and_names_every_door(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    sim = start(pty=True)
    with Shared(sim):
        (server,) = servers.running()
        assert set(server.ports) == set(sim.ports) and len(server.token) == 64
        (path,) = (tmp_path / "sled").glob("serve-*.json")
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
        for port in sim.ports:
            with ports.connect(port) as session:
                assert session.name == server.ports[0] + servers.THROUGH
    assert not list((tmp_path / "sled").glob("serve-*"))
