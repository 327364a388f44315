"""A served sled that is unplugged comes back at another port; the follower finds it, and only it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host import ports
from host.errors import HostError
from host.following import Away, Back, Batch, Follower, Item, Lost
from host.loading import applied, set_held
from host.loads import Load
from host.session import Session
from protocol import announce
from tests.host.following import LOADING
from tests.host.peers import FakeDevice, Peer
from tests.sim.serving import Server, posix, starting_servers, wait_for

pytestmark = posix
LOAD = Load(force_N=130.0, inertia_kg=40.0)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    yield from starting_servers(tmp_path, monkeypatch)


def follow(follower: Follower, items: list[Item], until: Callable[[], Any]) -> None:
    """Until that is so; fails after 20 s of reading."""
    for _ in range(400):
        items += follower.run(0.05)
        if until():
            return
    raise AssertionError(
        f"waited in vain; {[type(item).__name__ for item in items if not isinstance(item, Batch)]}"
    )


def indices(items: list[Item]) -> list[int]:
    found: list[int] = []
    for item in items:
        if isinstance(item, Batch | Lost):
            count = item.sample_count if isinstance(item, Lost) else len(item.samples)
            found += range(item.sample_index, item.sample_index + count)
    return found


def test_a_pseudo_terminal_that_comes_back_under_another_name_is_found_and_nothing_is_lost(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(pty=True, tcp=None)
    items: list[Item] = []
    written: list[bytes] = []
    write = Session.write

    with ports.connect(None) as session:
        set_held(session, LOAD, LOAD)
        monkeypatch.setattr(
            Session, "write", lambda self, frame, *more: (written.append(frame), write(self, frame, *more))[1]
        )
        name = session.name
        follower = Follower(session, ports.reopener(session))
        follower.start()
        follow(follower, items, lambda: len(items) > 20)
        server.rig.cable.is_plugged = False
        follow(follower, items, lambda: follower.away_s is not None)
        wait_for(lambda: any("unplugged" in line for line in server.lines))
        taken: list[int] = []
        while not os.path.exists(name):  # until somebody else has the name
            taken += os.openpty()
        server.rig.cable.is_plugged = True
        follow(follower, items, lambda: follower.away_s is None)
        follow(follower, items, lambda: isinstance(items[-1], Batch))
        items += follower.finish()
        for end in taken:
            os.close(end)
        assert session.name != name and session.name in announce.announcements()[0].ports
    (back,) = (item for item in items if isinstance(item, Back))
    assert back.port == session.name and not back.has_restarted and applied(back.status).pull == LOAD
    found = indices(items)
    assert found == list(range(found[0], found[0] + len(found)))
    assert follower.telemetry.lost == 0 or back.away_s > 2.5
    assert not any(kind in LOADING for kind in names_of(written))


def names_of(written: list[bytes]) -> list[str]:
    from protocol import wire

    return [wire.decode(frame).name for frame in wire.FrameReader().feed(b"".join(written))]


def test_only_the_same_sled_is_opened_again_wherever_it_is(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    own, stranger = FakeDevice(), FakeDevice(unique_id=bytes(8))
    with (
        Peer(own.answer) as first,
        Peer(stranger.answer) as second,
        Peer(own.answer) as third,
        Session(ports.open_port(first.name), first.name) as session,
    ):
        device = session.hello()
        reopen = ports.reopener(session)
        session.name = second.name  # what has the old name now is another sled
        announce.publish([third.name], "00")
        with pytest.raises(HostError, match="another sled"):
            reopen()
        assert own.heard == ["HELLO"], "an announcement says who it is: nobody else is asked"
        announce.publish([second.name, third.name], device.unique_id)
        port: Any = reopen()
        assert port.name == third.name and set(stranger.heard) == {"HELLO"}
        port.close()


def test_a_port_that_another_program_took_meanwhile_is_waited_for(start: Callable[..., Server]) -> None:
    server = start()
    items: list[Item] = []
    with ports.connect(server.ports[0]) as session:
        follower = Follower(session, ports.reopener(session))
        follower.start()
        follow(follower, items, lambda: len(items) > 5)
        server.rig.cable.is_plugged = False
        follow(follower, items, lambda: follower.away_s is not None)
        wait_for(lambda: "unplugged" in server.lines[-1])
        server.rig.cable.is_plugged = True
        wait_for(lambda: server.lines[-1] == f"port {server.ports[0]}")
        with ports.connect(server.ports[0]):
            list(follower.run(0.6))
            assert follower.away_s is not None
        follow(follower, items, lambda: follower.away_s is None)
        assert [type(item) for item in items if isinstance(item, Away | Back)][-1] is Back
