"""The conversation with a device: repeats, refusals, leases, and what a port is that does not answer."""

import errno
import os
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import view
from host.errors import LinkError, NoDevice, PortBusy, Refused, VersionMismatch
from host.loading import Applied, applied, set_held
from host.loads import Load
from host.session import Session
from host.transport import Port, open_port
from protocol import layout, units, wire
from tests.host.peers import FakeDevice, Peer

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")

LOAD = Load(force_N=130.0, inertia_kg=40.0)


def connected(port: Port | None = None) -> Session:
    session = Session(open_port("sim://") if port is None else port, "sim://")
    session.hello()
    return session


@pytest.fixture
def session() -> Iterator[Session]:
    with connected() as opened:
        yield opened


def load_of(session: Session) -> Applied:
    return applied(session.request("GET_STATUS").fields)


def wait(session: Session, seconds: float) -> None:
    for _ in session.messages(seconds):
        pass


class Mangled:
    """A port whose writes pass through `mangle` first: a bad cable towards the device."""

    def __init__(self, port: Any, mangle: Any) -> None:
        self._port = port
        self._mangle = mangle
        self.now = port.now
        self.read = port.read
        self.close = port.close

    @property
    def in_waiting(self) -> int:
        return int(self._port.in_waiting)

    def write(self, data: bytes) -> int:
        self._port.write(self._mangle(data))
        return len(data)


def test_the_bytes_of_hello_hold_no_interrupt_character() -> None:
    sent = []
    silent = Mangled(open_port("sim://"), lambda data: sent.append(data) or b"")
    with pytest.raises(LinkError):
        Session(silent, "a dead wire").hello()
    assert len(sent) == 6, "at once, then after 25 ms, doubling up to a second"
    assert 0x03 not in b"".join(sent)


def test_hello_tells_who_the_device_is(session: Session) -> None:
    device = session.device
    assert device is not None and device.is_simulated and device.compatibility.is_usable
    assert len(device.unique_id) == 2 * layout.UNIQUE_ID_BYTES
    assert device.sample_period_s == 0.001
    assert device.ring_samples is not None and device.ring_samples >= 3000


def test_a_load_that_was_set_is_what_the_device_says_it_holds(session: Session) -> None:
    answer = set_held(session, LOAD, LOAD._replace(force_N=100.0))
    assert (answer.pull, answer.push) == (LOAD, LOAD._replace(force_N=100.0))
    assert (answer.state, answer.limited_by) == ("armed", [])
    assert load_of(session).push.force_N == 100.0


def test_what_is_reported_as_applied_is_the_devices_clamped_value(session: Session) -> None:
    answer = set_held(session, Load(force_N=1000.0, inertia_kg=500.0), Load())
    device = session.device
    assert device is not None
    assert answer.pull.force_N == device.force_max_N == 800.0
    assert answer.pull.inertia_kg < 500.0
    assert {"force_max", "inertia"} <= set(answer.limited_by)


def test_lost_requests_are_repeated_with_the_same_id_until_one_arrives() -> None:
    frames: list[bytes] = []

    def lose_two_of_three(data: bytes) -> bytes:
        frames.append(data)
        return data if len(frames) % 3 == 0 else b""

    with connected(Mangled(open_port("sim://"), lose_two_of_three)) as session:
        frames.clear()
        session.request("ARM")
        assert len(frames) == 3 and len(set(frames)) == 1
        assert load_of(session).state == "armed"


def test_a_dead_link_is_an_error_after_a_second_not_a_hang() -> None:
    is_cut = [False]
    with connected(Mangled(open_port("sim://"), lambda data: b"" if is_cut[0] else data)) as session:
        is_cut[0] = True
        begun_s = session.now()
        with pytest.raises(LinkError, match="stopped answering"):
            session.request("GET_STATUS")
        assert 0.9 < session.now() - begun_s < 1.2


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_damaged_command_changes_nothing_on_the_device(at: int, bit: int) -> None:
    with connected() as session:
        set_held(session, LOAD, LOAD)
        before = load_of(session)[:2]
        other = units.load_from_si(Load(force_N=300.0)._asdict())
        frame = bytearray(
            wire.encode("SET_LOAD", {"command_id": 1, "hold": 0, "lease_ms": 0, "pull": other, "push": other})
        )
        frame[at % (len(frame) - 1)] ^= 1 << bit
        session.port.write(bytes(frame))
        wait(session, 0.05)
        assert load_of(session)[:2] == before


@pytest.mark.parametrize("cut", [2, 5, 20, 60])
def test_truncated_and_oversized_frames_change_nothing_and_the_link_recovers(cut: int) -> None:
    with connected() as session:
        set_held(session, LOAD, LOAD)
        other = units.load_from_si(Load(force_N=300.0)._asdict())
        fields = {"command_id": 1, "hold": 0, "lease_ms": 0, "pull": other, "push": other}
        frame = wire.encode("SET_LOAD", fields)
        for damaged in (frame[:-cut] + b"\0", frame[cut:], b"\x55" * 300 * cut + frame):
            session.port.write(b"\0" + damaged)
            wait(session, 0.05)
            assert load_of(session).pull == LOAD


@pytest.fixture
def pulled() -> Iterator[Session]:
    """A loaded sled that an athlete moves."""
    with connected(open_port("sim://?athlete=recreational")) as session:
        set_held(session, LOAD, LOAD)
        wait(session, 6.0)
        assert load_of(session).state == "loading"
        yield session


def test_a_stopped_sled_can_be_loaded_again_at_once_by_waiting_for_the_ramp(pulled: Session) -> None:
    pulled.stop()
    assert load_of(pulled).state == "ramping_down"
    begun_s = pulled.now()
    assert set_held(pulled, LOAD, LOAD).state in ("armed", "loading")
    assert pulled.now() - begun_s < 1.2


def test_a_dropped_load_is_released_without_a_ramp(pulled: Session) -> None:
    pulled.stop(drop=True)
    assert load_of(pulled).state == "idle"


def press_estop(session: Session, pressed: bool) -> None:
    rig: Any = getattr(session.port, "rig", None)
    rig.switches = int(pressed)
    wait(session, 0.1)


def test_a_sled_in_a_fault_refuses_with_the_faults_sentence(session: Session) -> None:
    press_estop(session, True)
    with pytest.raises(Refused, match="emergency stop is pressed") as caught:
        set_held(session, LOAD, LOAD)
    assert caught.value.code == 4 and caught.value.hint == "host clear"
    with pytest.raises(Refused, match="cause of the fault is still there"):
        session.request("CLEAR_FAULT")
    press_estop(session, False)
    session.request("CLEAR_FAULT")
    assert set_held(session, LOAD, LOAD).state == "armed"


def lease(session: Session, lease_ms: int) -> None:
    session.request("ARM")
    load = units.load_from_si(LOAD._asdict())
    session.request("SET_LOAD", hold=1, lease_ms=lease_ms, pull=load, push=load)


def test_heartbeats_keep_a_leased_load_and_their_end_lowers_it(session: Session) -> None:
    lease(session, 500)
    session.hold_lease(500)
    wait(session, 3.0)
    assert load_of(session).state == "armed" and session.lease_lost is None
    session.hold_lease(0)
    wait(session, 0.7)
    assert load_of(session).state in ("ramping_down", "idle")


def test_a_stop_ends_the_heartbeats_too(session: Session) -> None:
    lease(session, 500)
    session.hold_lease(500)
    session.stop()
    wait(session, 1.0)
    assert session.lease_lost is None and load_of(session).state == "idle"


def test_a_lease_that_is_gone_is_noticed_over_a_link_slower_than_the_heartbeats(session: Session) -> None:
    lease(session, 400)
    session.hold_lease(400)
    wait(session, 0.5)
    rig = session.port.rig
    rig.cable.delay_ms = 150.0
    rig.step(1000)  # this host was away for longer than its lease
    wait(session, 1.0)
    assert session.lease_lost is not None and "lease" in session.lease_lost.lower()


def test_a_lease_that_is_gone_is_noticed(session: Session) -> None:
    lease(session, 200)
    wait(session, 2.0)
    session.hold_lease(200)
    wait(session, 0.3)
    assert session.lease_lost is not None and "lease" in session.lease_lost.lower()


def stranger(peer: Peer) -> LinkError:
    with pytest.raises(LinkError) as caught, Session(open_port(peer.name), peer.name) as session:
        session.hello(within_s=0.3)
    assert peer.name in caught.value.sentence and caught.value.code == 5
    return caught.value


@posix_only
def test_a_port_that_says_nothing_is_told_from_one_full_of_noise() -> None:
    with Peer() as silent:
        assert "silent" in stranger(silent).sentence
    with Peer(chatter=bytes(range(1, 256)) + b"\0\x07\x80") as noisy:
        assert "full of noise" in stranger(noisy).sentence


@posix_only
def test_another_programs_device_is_named_by_what_it_says() -> None:
    with Peer(chatter=b"T:21.4 /0.0 B:60.0 ok\r\n") as printer:
        assert "another program's device" in stranger(printer).sentence
        assert "T:21.4" in stranger(printer).sentence
    with Peer(answer=lambda data: b"\r\n>>> ") as prompt:
        assert "MicroPython's prompt" in stranger(prompt).sentence
    with Peer(answer=lambda data: data) as loop:
        assert "loop-back" in stranger(loop).sentence


@posix_only
@pytest.mark.parametrize(
    "differing", [{"protocol_major": layout.PROTOCOL_MAJOR + 1}, {"layout_hash": layout.LAYOUT_HASH ^ 1}]
)
def test_another_version_is_told_only_hello_and_stop(differing: dict[str, int]) -> None:
    device = FakeDevice(**differing)
    with Peer(device.answer) as peer, Session(open_port(peer.name), peer.name) as session:
        with pytest.raises(VersionMismatch, match=f"{layout.LAYOUT_HASH:08x}") as caught:
            session.hello()
        assert caught.value.code == 6 and caught.value.hint
        session.hello(any_version=True)
        session.stop()
    assert set(device.heard) == {"HELLO", "STOP"}


@posix_only
def test_a_stop_nobody_confirms_is_an_error_that_points_to_the_emergency_stop() -> None:
    with Peer() as peer, Session(open_port(peer.name), peer.name) as session:
        with pytest.raises(LinkError, match="emergency stop"):
            session.stop()
        assert peer.received.count(0) > 3, "STOP is repeated"


@posix_only
def test_a_stop_holds_no_byte_that_interrupts_a_controller_which_is_still_starting() -> None:
    with Peer(FakeDevice().answer) as peer, Session(open_port(peer.name), peer.name) as session:
        session._next_id = 0x02FF  # the next one would be 0x0300
        session.stop()
        assert peer.received and 3 not in peer.received


@posix_only
def test_a_line_closed_before_the_first_byte_was_sent_is_a_busy_port_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with Session(open_port(name), name) as session:
            client, _ = server.accept()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()  # at once, as a server that turns clients away
            time.sleep(0.1)
            with pytest.raises(PortBusy, match="before it answered"):
                session.hello()


@posix_only
def test_an_unplugged_device_is_a_link_error() -> None:
    peer = Peer(FakeDevice().answer)
    with Session(open_port(peer.name), peer.name) as session:
        with peer:
            session.hello()
        with pytest.raises(LinkError, match=r"broke|no bytes"):
            session.request("GET_STATUS")


def test_ports_that_cannot_be_opened_say_why(tmp_path: Any) -> None:
    with pytest.raises(NoDevice, match="there is no port") as caught:
        open_port(str(tmp_path / "ttyACM0"))
    assert caught.value.code == 3
    with pytest.raises(NoDevice, match="nothing answers"):
        open_port("socket://127.0.0.1:9")
    for url, reason in [
        ("carrier-pigeon://7", "not a kind of port"),
        ("sim://?athlete=nobody", "no athlete 'nobody'"),
        ("sim://?colour=red", "no parameter"),
        ("socket://127.0.0.1", "not written like"),
    ]:
        with pytest.raises(Exception, match=reason) as wrong:
            open_port(url)
        assert getattr(wrong.value, "code", None) == 2, url


def test_a_port_without_permission_says_which_group_to_join() -> None:
    from host.transport import _explained

    problem = _explained("/dev/ttyACM0", OSError(errno.EACCES, "Permission denied"))
    assert problem.code == 5 and "dialout" in problem.hint


@posix_only
def test_a_file_that_is_no_serial_port_is_refused() -> None:
    with pytest.raises(LinkError, match="not a serial port"):
        open_port(os.devnull)


@posix_only
@pytest.mark.parametrize(
    ("flags", "build_id", "words"),
    [
        (0, 0x1A2B3C4D, "sled 0001020304050607, firmware 9.8.7 (build 1a2b3c4d, slot a)"),
        (2, 0x0000000F, "sled 0001020304050607, firmware 9.8.7 (build 0000000f, slot b)"),
        (6, 0x1A2B3C4D, "sled 0001020304050607, firmware 9.8.7 (build 1a2b3c4d, slot b, on trial)"),
        (1, 0, "simulated sled 0001020304050607, firmware 9.8.7"),
        (0, 0, "sled 0001020304050607, firmware 9.8.7"),
    ],
)
def test_a_sled_says_which_build_runs_from_which_slot(flags: int, build_id: int, words: str) -> None:
    fake = FakeDevice(device_flags=flags, build_id=build_id)
    with Peer(fake.answer) as peer, Session(open_port(peer.name), peer.name) as session:
        device = session.hello()
    assert view.device_words(device) == words
    told = view.device_fields(device)
    assert (told["build"], told["slot"], told["on_trial"]) == (
        f"{build_id:08x}" if build_id else None,
        "ab"[flags >> 1 & 1] if build_id else None,
        flags > 4,
    )
