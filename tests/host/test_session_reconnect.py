"""A session over a change of its port: time, load and lease go on, and nothing is sent that sets a load."""

from typing import Any

import pytest

from host.errors import LinkLost
from host.loading import set_held
from host.session import Session
from host.transport import Port, open_port
from protocol import wire
from tests.host.peers import Deaf
from tests.host.test_session import LOAD, lease, load_of, pulled, session, wait

__all__ = ["pulled", "session"]


def unplug(session: Session, for_ms: int) -> Port:
    """Pull the cable out from under the session; the port to go on with."""
    rig: Any = getattr(session.port, "rig", None)
    rig.cable.is_plugged = False
    with pytest.raises(LinkLost):
        wait(session, 1.0)
    session.leave()
    rig.step(for_ms)
    rig.cable.is_plugged = True
    return open_port("sim://")


def test_a_session_goes_on_with_another_port_and_so_does_its_time(session: Session) -> None:
    set_held(session, LOAD, LOAD)
    before_s, name = session.now(), session.name
    session.reconnect(unplug(session, 500))
    assert session.now() == pytest.approx(before_s + 0.5, abs=0.01) and session.name == name
    session.hello()
    assert load_of(session).pull == LOAD


@pytest.mark.parametrize("had_own_time", [True, False])
def test_time_never_jumps_when_the_port_is_changed(had_own_time: bool) -> None:
    class Clocked(Deaf):
        def now(self) -> float:
            return 1e9

    ports: list[Port] = [Clocked(), Deaf()]
    session = Session(ports[not had_own_time], "one")
    before_s = session.now()
    session.reconnect(ports[had_own_time])
    assert 0 <= session.now() - before_s < 10
    session.reconnect(open_port("sim://"))  # which has just begun
    assert 0 <= session.now() - before_s < 10


def leased_over_an_unplug(session: Session, away_ms: int) -> list[str]:
    """The commands that are sent once the port is back, HELLO first."""
    lease(session, 500)
    session.hold_lease(500)
    wait(session, 1.0)
    port: Any = unplug(session, away_ms)
    names: list[str] = []
    write = port.write

    def noted(data: bytes) -> int:
        names.extend(wire.decode(frame).name for frame in wire.FrameReader().feed(data))
        return int(write(data))

    port.write = noted
    session.reconnect(port)
    session.hello()
    wait(session, 1.0)
    return names


def test_heartbeats_go_on_after_an_unplug_while_the_device_still_has_the_lease(session: Session) -> None:
    names = leased_over_an_unplug(session, 100)
    assert names[0] == "HELLO" and set(names[1:]) == {"HEARTBEAT"} and len(names) > 4
    assert session.lease_lost is None and load_of(session).state == "armed"


def test_a_lease_that_lapsed_during_an_unplug_is_not_taken_up_again(session: Session) -> None:
    names = leased_over_an_unplug(session, 2000)
    assert session.lease_lost is not None and set(names[1:]) == {"HEARTBEAT"}
    assert load_of(session).state == "idle"
