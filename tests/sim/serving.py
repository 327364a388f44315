"""A served sled for tests: `serve` in a thread, its doors, and pyserial as the client."""

import os
import threading
import time

import pytest
import serial
from serial.urlhandler import protocol_socket

from sim.rig import Rig
from sim.serve import serve
from tests.sim.hosting import HELLO, Listener, command

posix = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
WAIT_s = 20.0


class Server:
    """`serve` in a thread of this process."""

    def __init__(self, speed=1.0, pty=False, tcp=("127.0.0.1", 0), rig=None, until_s=None):
        self.lines = []
        self.rig = rig or Rig()
        self.is_over = threading.Event()
        self._thread = threading.Thread(
            target=serve,
            kwargs={
                "tcp": tcp,
                "pty": pty,
                "speed": speed,
                "rig": self.rig,
                "stop": self.is_over.is_set,
                "say": self.lines.append,
                "until_s": until_s,
            },
        )
        self._thread.start()
        count = 1 + (tcp is not None) + pty
        wait_for(lambda: len(self.lines) >= count)
        self.ports = [line.removeprefix("port ") for line in self.lines[1:count]]

    def stop(self):
        self.is_over.set()
        self._thread.join(WAIT_s)
        assert not self._thread.is_alive()


def wait_for(condition, within_s=WAIT_s):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def starting_servers(tmp_path, monkeypatch):
    """For a fixture: what starts servers, all of which end with the test."""
    monkeypatch.setenv("SLED_RUNTIME_DIR", str(tmp_path))
    servers = []

    def starting(**options):
        servers.append(Server(**options))
        return servers[-1]

    yield starting
    for server in servers:
        server.stop()


class SocketPort(protocol_socket.Serial):
    """pyserial's own, but for its `close`, which sleeps 0.3 s."""

    def close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self.is_open = False


def place(name):
    """Host and port of a TCP address."""
    host, _, port = name.removeprefix("socket://").rpartition(":")
    return host, int(port)


def opened(name):
    if "://" in name:
        return SocketPort(name, timeout=0.005)
    return serial.Serial(name, timeout=0.005, exclusive=True)


def hello(port):
    port.write(b"\0" + HELLO)
    return Listener().until("HELLO_REPLY", lambda: port.read(4096), tries=int(WAIT_s / 0.005))


def status_of(port, command_id=50):
    port.write(b"\0" + HELLO + command("GET_STATUS", command_id))
    return Listener().until("STATUS", lambda: port.read(4096))


DOORS = ["tcp", pytest.param("pty", marks=posix)]


def door(start, kind, **options):
    return start(tcp=("127.0.0.1", 0) if kind == "tcp" else None, pty=kind == "pty", **options)
