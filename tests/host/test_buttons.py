"""What a host reads of a load that somebody changed with the sled's own buttons."""

from collections.abc import Iterator

import pytest

from host.loading import applied, set_held
from host.loads import Load
from host.session import Session
from host.transport import open_port
from protocol import units
from sim.faults.switches import press

LOAD = Load(force_N=130.0, inertia_kg=40.0)
PRESS_ms = 150
HELD, LEASED = 0, 1  # codes.HOLDS


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(open_port("sim://"), "sim://") as opened:
        opened.hello()
        wait(opened, 0.1)
        yield opened


def wait(session: Session, seconds: float) -> None:
    for _ in session.messages(seconds):
        pass


def pressed(session: Session, button: str, for_ms: int = PRESS_ms) -> tuple[str, Load, int]:
    """State, load of both directions and hold that STATUS shows after a press."""
    press(session.port.rig, button, for_ms)  # type: ignore[attr-defined]
    wait(session, for_ms / 1000 + 0.1)
    status = session.request("GET_STATUS").fields
    now = applied(status)
    assert now.pull == now.push
    return now.state, now.pull, status["hold"]


def test_status_shows_the_load_that_the_buttons_set_and_that_it_is_held(session: Session) -> None:
    state, load, hold = pressed(session, "up")
    assert (state, load.force_N, hold) == ("armed", 50.0, HELD)
    set_held(session, LOAD, LOAD)
    assert pressed(session, "up") == ("armed", LOAD._replace(force_N=140.0), HELD)
    assert pressed(session, "down")[1] == LOAD
    assert pressed(session, "down", 900)[0] in ("ramping_down", "idle")


def test_a_programs_lease_goes_on_after_somebody_asked_for_less(session: Session) -> None:
    session.request("ARM")
    load = units.load_from_si(LOAD._asdict())
    session.request("SET_LOAD", hold=LEASED, lease_ms=1000, pull=load, push=load)
    session.hold_lease(1000)
    assert pressed(session, "up") == ("armed", LOAD, LEASED)
    assert pressed(session, "down") == ("armed", LOAD._replace(force_N=120.0), LEASED)
    wait(session, 3.0)
    assert session.lease_lost is None
    assert pressed(session, "down", 900)[0] in ("ramping_down", "idle")
    wait(session, 0.5)
    assert session.lease_lost is not None
