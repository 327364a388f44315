"""Serving over TCP and a pseudo-terminal, with pyserial as the client: a cable that can be pulled out."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from protocol import announce
from sim.ports import TcpPort
from sim.rig import Rig
from sim.serve import Link, Pace, serve
from tests.sim.hosting import HELLO, STREAM, Listener, command, environment, set_load
from tests.sim.serving import (
    DOORS,
    WAIT_s,
    door,
    hello,
    opened,
    posix,
    starting_servers,
    status_of,
    wait_for,
)


@pytest.fixture
def start(tmp_path, monkeypatch):
    yield from starting_servers(tmp_path, monkeypatch)


def index_of(port):
    return status_of(port)["sample_index"]


@pytest.mark.parametrize("kind", DOORS)
def test_a_client_finds_the_announced_port_and_talks_to_the_firmware(start, kind):
    server = door(start, kind)
    (found,) = announce.announcements()
    assert list(found.ports) == server.ports and found.pid == os.getpid()
    with opened(found.ports[0]) as port:
        assert hello(port)["unique_id"].hex() == found.unique_id


@pytest.mark.parametrize("kind", DOORS)
def test_unplugging_is_no_reset_and_loses_no_load(start, kind):
    server = door(start, kind)
    with opened(server.ports[0]) as port:
        first = hello(port)
        port.write(set_load())
        Listener().until("LOAD_REPLY", lambda: port.read(4096))
        before = index_of(port)
    time.sleep(0.2)
    with opened(server.ports[0]) as port:
        again = hello(port)
        assert again["boot_id"] == first["boot_id"]
        port.write(command("GET_STATUS", 7))
        status = Listener().until("STATUS", lambda: port.read(4096))
        assert status["sample_index"] > before + 150
        assert status["mode"] == 1 and status["pull"]["force_mN"] == 129_449


@pytest.mark.parametrize("kind", DOORS)
def test_a_client_that_does_not_read_does_not_stop_the_sled(start, kind):
    server = door(start, kind, speed=20.0)
    listener = Listener()
    with opened(server.ports[0]) as port:
        port.write(HELLO + STREAM)
        wait_for(lambda: server.rig.ticks > 30_000)  # 450 kB; the port holds a part of it
    with opened(server.ports[0]) as port:
        hello(port)
        assert index_of(port) > 15_000
        port.write(command("STREAM", 4, enabled=1, sample_index=0))
        listener.until("TELEMETRY", lambda: port.read(4096))


@pytest.mark.parametrize(
    ("kind", "speed"), [("tcp", 1.0), ("tcp", 5.0), pytest.param("pty", 1.0, marks=posix)]
)
def test_time_keeps_pace_with_the_wall_clock(start, kind, speed):
    server = door(start, kind, speed=speed)
    with opened(server.ports[0]) as port:
        hello(port)
        ratios = []
        for _ in range(3):  # a shared machine may stall once
            wall, index = time.monotonic(), index_of(port)
            time.sleep(0.5)
            passed = index_of(port) - index
            ratios.append(passed / 1000 / (time.monotonic() - wall))
        assert min(abs(ratio / speed - 1) for ratio in ratios) < 0.05


def test_pace_never_drifts_and_gives_up_what_it_cannot_make_up():
    pace = Pace(2.0, now_s=100.0)
    done = 0
    for n in range(1, 1001):
        now_s = 100.0 + n * 0.0037
        assert not pace.is_behind(now_s)
        ticks = pace.due(now_s)
        pace.did(ticks)
        done += ticks
        assert abs(done - 2000 * n * 0.0037) <= 1.0
        assert 0.0 <= pace.wait_s(now_s, 1) <= 0.0005 + 1e-9
    assert pace.is_behind(110.0)
    assert pace.due(110.0) == 0 and not pace.is_behind(110.0)
    assert pace.due(110.1001) == 200


def test_a_second_tcp_client_is_turned_away_and_the_first_is_not_disturbed(start):
    server = start()
    with opened(server.ports[0]) as first:
        hello(first)
        address = server.ports[0].removeprefix("socket://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=WAIT_s) as second:
            assert second.recv(1) == b""
        wait_for(lambda: any("turned away" in line for line in server.lines))
        hello(first)


@posix
def test_two_doors_lead_to_one_sled_one_client_at_a_time(start):
    server = start(pty=True)
    pty_name, tcp_name = server.ports
    with opened(tcp_name) as by_tcp, opened(pty_name) as by_pty:
        first = hello(by_tcp)
        by_pty.write(HELLO)
        wait_for(lambda: any("dropped" in line for line in server.lines))
        assert by_pty.read(100) == b""
        hello(by_tcp)
    time.sleep(0.1)
    with opened(pty_name) as by_pty:
        assert hello(by_pty)["boot_id"] == first["boot_id"]
    time.sleep(1.0)  # nothing shows that a client left a pseudo-terminal but silence
    with opened(tcp_name) as by_tcp:
        assert hello(by_tcp)["boot_id"] == first["boot_id"]


@posix
def test_the_next_client_of_a_pseudo_terminal_does_not_get_the_rubbish_of_the_last(start):
    server = start(tcp=None, pty=True, speed=20.0)
    with opened(server.ports[0]) as port:
        port.write(HELLO + STREAM)
        time.sleep(0.5)
    time.sleep(2.8)
    # Opened without pyserial, which would throw old input away by itself.
    far = os.open(server.ports[0], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        rubbish = os.read(far, 100)
    except BlockingIOError:
        rubbish = b""
    finally:
        os.close(far)
    assert rubbish == b""


@posix
def test_a_pseudo_terminal_changes_no_byte_for_a_client_that_sets_nothing(start):
    server = start(tcp=None, pty=True)
    far = os.open(server.ports[0], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    listener = Listener()

    def read():
        try:
            return os.read(far, 4096)
        except BlockingIOError:
            time.sleep(0.001)
            return b""

    try:
        for command_id in (0x0D03, 0x0A04, 0x1113, 0x1A7F):  # ^C ^D ^S ^Q ^Z, and the ends of lines
            os.write(far, HELLO + command("GET_STATUS", command_id))
            status = listener.until("STATUS", read, tries=3000)
            assert status["command_id"] == command_id
    finally:
        os.close(far)
    assert listener.frames.bad_crc == listener.frames.bad_cobs == 0


def test_noise_does_not_hurt_the_server(start):
    server = start()
    with opened(server.ports[0]) as port:
        for _ in range(50):
            port.write(os.urandom(1000))
        hello(port)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e9])
def test_a_speed_that_cannot_be_is_refused(speed):
    with pytest.raises(ValueError, match="speed must be"):
        serve(tcp=("127.0.0.1", 0), pty=False, speed=speed, rig=Rig())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org"])
def test_nothing_but_this_machine_is_served(host):
    with pytest.raises(ValueError, match="only serves this machine"):
        TcpPort(host, 0)


def test_a_taken_tcp_port_is_named(start):
    server = start()
    port = int(server.ports[0].rpartition(":")[2])
    with pytest.raises(OSError, match=f"TCP port {port} is in use"):
        serve(tcp=("127.0.0.1", port), pty=False, speed=1.0, rig=Rig())


def test_nothing_to_serve_is_an_error():
    with pytest.raises(ValueError, match="nothing to serve"):
        serve(tcp=None, pty=False, speed=1.0, rig=Rig())


@posix
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_server_ends_no_announcement_stays_believed(tmp_path, monkeypatch, ending):
    monkeypatch.setenv("SLED_RUNTIME_DIR", str(tmp_path))
    program = (
        "from sim.rig import Rig; from sim.serve import serve; serve(('127.0.0.1', 0), True, 1.0, Rig())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE, text=True
    ) as server:
        lines = [server.stdout.readline() for _ in range(3)]
        assert [found.pid for found in announce.announcements()] == [server.pid]
        server.send_signal(ending)
        rest = server.stdout.read()
        code = server.wait(WAIT_s)
    path = tmp_path / "sled" / f"sim-{server.pid}.json"
    assert lines[1].startswith("port /dev/") and lines[2].startswith("port socket://127.0.0.1:")
    if ending == signal.SIGKILL:
        assert path.exists()
    else:
        assert code == 0 and "ended after" in rest
        assert not path.exists()
    assert announce.announcements() == []
    assert not path.exists()


def test_who_comes_back_between_two_looks_is_let_in():
    """Between the look at the old connection and that at new ones, the client closes and connects again."""
    tcp = TcpPort("127.0.0.1", 0)
    said: list[str] = []
    link = Link(Rig(), tcp, None, said.append, lambda _: None)
    address = ("127.0.0.1", int(tcp.name.rsplit(":", 1)[1]))
    first = socket.create_connection(address)
    link.exchange(0.0)
    first.close()
    second = socket.create_connection(address)
    link._welcome(tcp, 0.1)
    link.exchange(0.1)
    second.sendall(HELLO)
    time.sleep(0.05)
    link.exchange(0.2)
    link._rig.step(20)
    link.exchange(0.3)
    second.settimeout(5.0)
    assert second.recv(100) and not said
    second.close()
    tcp.close()
