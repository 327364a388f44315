"""Clients that go while the firmware has not read all they wrote, and a system that has nothing left."""

import errno
import os
import socket
import time

import pytest

from sim.ports import BLOCK_BYTES, PtyPort, TcpPort
from sim.rig import Rig
from sim.serve import Link
from tests.sim.hosting import HELLO, STREAM, Listener, command
from tests.sim.serving import (
    DOORS,
    WAIT_s,
    door,
    hello,
    opened,
    place,
    posix,
    starting_servers,
    wait_for,
)


@pytest.fixture
def start(tmp_path, monkeypatch):
    yield from starting_servers(tmp_path, monkeypatch)


class Looks:
    """A link without its server: `look` is what that does between two steps."""

    def __init__(self):
        self.tcp = TcpPort("127.0.0.1", 0)
        self.said: list[str] = []
        self.rig = Rig()
        self.link = Link(self.rig, self.tcp, None, self.said.append, lambda _: None)
        self.now_s = 0.0

    def look(self, ticks=0, later_s=0.0):
        if ticks:
            self.rig.step(ticks)
        self.now_s += later_s
        time.sleep(0.02)  # for what the system hands on
        self.link.exchange(self.now_s)

    def connected(self):
        return socket.create_connection(place(self.tcp.name), timeout=WAIT_s)


@pytest.fixture
def looks():
    made = Looks()
    yield made
    made.link._release()
    made.tcp.close()


def test_a_client_that_had_stopped_reading_leaves_and_the_next_is_served(looks, monkeypatch):
    client = looks.connected()
    client.sendall(HELLO + STREAM)
    looks.look()
    monkeypatch.setattr(looks.tcp, "write", lambda data: 0)  # the client's buffers are full
    looks.look(ticks=3000)
    looks.rig.step(3000)
    assert len(looks.rig.board.to_host) > 3000
    client.sendall(command("GET_STATUS", 5) * 20)
    client.close()
    looks.link._receive(looks.tcp, 0.0)
    assert not looks.rig.board.to_host and looks.rig.out_waiting  # nobody else makes room
    looks.look(ticks=200)
    monkeypatch.undo()
    with looks.connected() as client:
        client.sendall(b"\0" + HELLO)
        looks.look()
        looks.look(ticks=50)
        Listener().until("HELLO_REPLY", lambda: client.recv(4096))
    assert not looks.said


def test_a_firmware_that_reads_nothing_does_not_keep_the_line_for_a_client_that_has_gone(looks):
    with looks.connected() as client:
        client.sendall(HELLO)
        looks.look()
    looks.look(later_s=1.9)
    newcomer = looks.connected()
    looks.look(later_s=1.9)
    assert looks.rig.is_connected and looks.rig.out_waiting == len(HELLO)
    looks.look(later_s=0.2)
    assert looks.rig.is_connected and looks.rig.out_waiting == 0 and not looks.said
    newcomer.sendall(HELLO)
    looks.look()
    assert looks.rig.out_waiting == len(HELLO)
    newcomer.close()


def test_who_comes_back_behind_more_than_the_firmware_has_read_waits_its_turn(looks):
    with looks.connected() as client:
        client.sendall(bytes(3 * BLOCK_BYTES))
        looks.look()
    newcomer = looks.connected()
    newcomer.sendall(HELLO)
    looks.look()
    assert looks.rig.out_waiting >= BLOCK_BYTES
    listener = Listener()
    newcomer.setblocking(False)
    for _ in range(200):
        looks.look(ticks=50)
        try:
            data = newcomer.recv(4096)
        except BlockingIOError:
            continue
        assert data, "turned away"
        listener.feed(data)
        if "HELLO_REPLY" in listener.heard:
            break
    assert "HELLO_REPLY" in listener.heard and not looks.said
    newcomer.close()


@pytest.mark.parametrize("kind", DOORS)
def test_a_client_keeps_the_line_while_the_firmware_has_not_read_its_words(start, kind):
    server = door(start, kind)
    with opened(server.ports[0]) as port:
        hello(port)
        server.rig.schedule(server.rig.ticks + 1, lambda rig: rig.stall_main(250))
        time.sleep(0.05)
        port.write(command("STOP", 9, stop_kind=0))
        reply = Listener().until("REPLY", lambda: port.read(4096), tries=1000)
        assert reply["command_id"] == 9


def test_a_client_that_the_system_has_no_descriptor_for_waits_and_the_server_does_not_spin(looks):
    listener = looks.tcp._listener

    class Exhausted:
        def accept(self):
            raise OSError(errno.EMFILE, "Too many open files")

        def fileno(self):
            return listener.fileno()

    client = looks.connected()
    looks.tcp._listener = Exhausted()
    looks.look()
    assert looks.link.sources() == []
    looks.tcp._listener = listener
    client.sendall(HELLO)
    looks.look()
    assert listener in looks.link.sources() and looks.rig.out_waiting == len(HELLO)
    client.close()


@posix
def test_a_replug_without_a_new_pseudo_terminal_goes_on_with_tcp(start, monkeypatch):
    server = start(pty=True)

    def none_left():
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "openpty", none_left)
    server.rig.cable.is_plugged = False
    wait_for(lambda: "unplugged" in server.lines[-1])
    server.rig.cable.is_plugged = True
    wait_for(lambda: server.lines[-1] == f"port {server.ports[1]}")
    assert "no pseudo-terminal any more, TCP only: Too many open files" in server.lines
    with opened(server.ports[1]) as port:
        hello(port)


def test_a_replug_that_cannot_be_announced_is_told_and_served_all_the_same(start, monkeypatch):
    server = start()

    def refused(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    server.rig.cable.is_plugged = False
    wait_for(lambda: "unplugged" in server.lines[-1])
    monkeypatch.setattr("protocol.announce.publish", refused)
    server.rig.cable.is_plugged = True
    wait_for(lambda: server.lines[-1] == f"port {server.ports[0]}")
    assert any(line.startswith("the ports cannot be announced: ") for line in server.lines)
    with opened(server.ports[0]) as port:
        hello(port)


@posix
def test_a_firmware_that_reads_nothing_does_not_keep_a_pseudo_terminal_taken_for_good():
    rig, pty = Rig(), PtyPort()
    link = Link(rig, None, pty, print, lambda _: None)
    far = os.open(pty.name, os.O_RDWR | os.O_NOCTTY)
    os.write(far, HELLO)
    wait_for(lambda: link.exchange(0.0) or rig.is_connected)
    held = []
    for now_s in (1.0, 9.0, 10.5):
        link.exchange(now_s)
        held.append(rig.is_connected)
    os.close(far)
    pty.close()
    assert held == [True, True, False]
