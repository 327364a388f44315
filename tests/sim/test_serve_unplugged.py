"""Clients that come, go and stall, and a cable that is pulled out under them: the sled goes on."""

import os
import select
import socket
import time

import pytest
import serial

from protocol import announce, wire
from sim.rig import Rig
from sim.serve import serve
from tests.sim.hosting import HELLO, STREAM, HALF_BODY_WEIGHT_mN, Listener, command, set_load
from tests.sim.serving import (
    DOORS,
    WAIT_s,
    door,
    hello,
    opened,
    place,
    posix,
    starting_servers,
    status_of,
    wait_for,
)


@pytest.fixture
def start(tmp_path, monkeypatch):
    yield from starting_servers(tmp_path, monkeypatch)


def is_gone(port, within_s=WAIT_s):
    """Whether the port tells its client that the other end went away."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            port.read(4096)
        except serial.SerialException:
            return True
    return False


@pytest.mark.parametrize("kind", DOORS)
def test_an_unplug_ends_the_client_and_a_replug_leads_to_the_same_loaded_sled(start, kind):
    server = door(start, kind)
    cable = server.rig.cable
    with opened(server.ports[0]) as port:
        first = hello(port)
        port.write(set_load() + STREAM)
        Listener().until("TELEMETRY", lambda: port.read(4096))
        cable.is_plugged = False
        assert is_gone(port)
    wait_for(lambda: announce.announcements() == [])
    assert server.lines[-1] == "the cable is unplugged; the sled goes on without a host"
    ticks = server.rig.ticks
    wait_for(lambda: server.rig.ticks > ticks + 200)
    cable.is_plugged = True
    wait_for(announce.announcements)
    (found,) = announce.announcements()
    wait_for(lambda: server.lines[-2:] == ["the cable is plugged in again", f"port {found.ports[0]}"])
    assert found.unique_id == first["unique_id"].hex()
    with opened(found.ports[0]) as port:
        assert hello(port)["boot_id"] == first["boot_id"]
        status = status_of(port)
    assert status["mode"] == 1 and status["pull"]["force_mN"] == HALF_BODY_WEIGHT_mN
    assert status["sample_index"] > ticks + 200


def test_while_the_cable_is_out_a_tcp_client_is_sent_away_at_once(start):
    server = start()
    server.rig.cable.is_plugged = False
    wait_for(lambda: "unplugged" in server.lines[-1])
    for _ in range(3):
        with socket.create_connection(place(server.ports[0]), timeout=WAIT_s) as client:
            assert client.recv(1) == b""
    server.rig.cable.is_plugged = True
    wait_for(lambda: server.lines[-1] == f"port {server.ports[0]}")
    with opened(server.ports[0]) as port:
        hello(port)


@posix
def test_while_the_cable_is_out_there_is_no_pseudo_terminal(start):
    server = start(tcp=None, pty=True)
    server.rig.cable.is_plugged = False
    wait_for(lambda: "unplugged" in server.lines[-1])
    assert not os.path.exists(server.ports[0])


@pytest.mark.parametrize("kind", DOORS)
def test_an_unplug_shorter_than_a_look_at_the_link_is_not_missed(start, kind):
    server = door(start, kind)
    with opened(server.ports[0]) as port:
        hello(port)
        rig = server.rig

        def wiggle(rig):
            rig.cable.is_plugged = False
            rig.cable.is_plugged = True

        rig.schedule(rig.ticks + 50, wiggle)
        assert is_gone(port)
    wait_for(lambda: "the cable is plugged in again" in server.lines)
    wait_for(announce.announcements)
    with opened(announce.announcements()[0].ports[0]) as port:
        hello(port)


@pytest.mark.parametrize("kind", DOORS)
def test_what_a_client_misses_is_declared_or_sent_again_after_it_comes_back(start, kind):
    server = door(start, kind, speed=20.0)
    with opened(server.ports[0]) as port:
        port.write(set_load() + STREAM)
        listener = Listener()
        while len(listener.heard.get("TELEMETRY", [])) < 20:
            listener.feed(port.read(4096))
        samples = len(listener.samples)
    time.sleep(0.5)  # 10 s of the sled's time: more than it remembers
    with opened(server.ports[0]) as port:
        listener = Listener()
        hello(port)
        port.write(command("STREAM", 77, enabled=1, sample_index=samples))
        reply = listener.until("REPLY", lambda: port.read(4096))
        assert reply["command_id"] == 77 and reply["setting_value"] > samples + 2000
        missing = set(range(reply["setting_value"], reply["setting_value"] + 5000))
        while missing:
            batch = listener.until("TELEMETRY", lambda: port.read(4096))
            missing -= {batch["sample_index"] + n for n in range(len(batch["samples"]))}


@pytest.mark.parametrize("kind", DOORS)
def test_a_client_that_vanishes_in_the_middle_of_a_frame_does_not_harm_the_next(start, kind):
    server = door(start, kind, speed=5.0)
    for cut in range(1, len(HELLO), 3):
        with opened(server.ports[0]) as port:
            port.write(HELLO[:cut])
            time.sleep(0.005)
    with opened(server.ports[0]) as port:
        boot_id = hello(port)["boot_id"]
        assert hello(port)["boot_id"] == boot_id
    assert server.rig.app.link.damaged <= len(HELLO)


def test_hundreds_of_quick_connects_leave_the_sled_as_it_was(start):
    server = start(speed=10.0)
    boot_id = server.rig.board.boot_id
    with opened(server.ports[0]) as port:
        port.write(set_load())
        Listener().until("LOAD_REPLY", lambda: port.read(4096))
    for n in range(300):
        with socket.create_connection(place(server.ports[0]), timeout=WAIT_s) as client:
            client.sendall(HELLO[: n % len(HELLO)])
    with opened(server.ports[0]) as port:
        status = status_of(port)
    assert status["mode"] == 1 and status["pull"]["force_mN"] == HALF_BODY_WEIGHT_mN
    assert server.rig.board.boot_id == boot_id


def test_a_client_that_comes_while_the_last_words_of_another_are_under_way_waits_its_turn(start):
    server = start()
    server.rig.cable.delay_ms = 200.0
    with socket.create_connection(place(server.ports[0]), timeout=WAIT_s) as client:
        client.sendall(set_load())
    with opened(server.ports[0]) as port:
        status = status_of(port)
    assert status["mode"] == 1 and not any("turned away" in line for line in server.lines)


@pytest.mark.parametrize("kind", DOORS)
def test_the_last_words_of_a_client_arrive(start, kind):
    server = door(start, kind)
    with opened(server.ports[0]) as port:
        port.write(set_load())
        Listener().until("LOAD_REPLY", lambda: port.read(4096))
    for _ in range(3):
        with opened(server.ports[0]) as port:
            port.write(b"\0" + HELLO + command("STOP", 60, stop_kind=0))
        wait_for(lambda: server.rig.app.mode == 0)
        with opened(server.ports[0]) as port:
            port.write(b"\0" + set_load())
            Listener().until("LOAD_REPLY", lambda port=port: port.read(4096))


def test_a_reboot_keeps_the_connection(start):
    server = start()
    with opened(server.ports[0]) as port:
        first = hello(port)["boot_id"]
        port.write(command("REBOOT", 5))
        wait_for(lambda: server.rig.board.boot_id != first)
        assert hello(port)["boot_id"] == server.rig.board.boot_id
    assert len(server.lines) == 2


def test_a_slow_client_gets_less_but_nothing_broken_and_the_sled_never_waits(start):
    server = start(speed=20.0)
    with socket.create_connection(place(server.ports[0]), timeout=WAIT_s) as client:
        client.sendall(HELLO + STREAM)
        frames = wire.FrameReader()
        deadline, ticks = time.monotonic() + WAIT_s, server.rig.ticks
        got = 0
        while got <= 5000 or server.rig.ticks - ticks <= 10_000:
            assert time.monotonic() < deadline
            if select.select([client], [], [], 0.1)[0]:
                data = client.recv(200)
                got += len(data)
                frames.feed(data)
            time.sleep(0.02)
        assert frames.bad_crc == frames.bad_cobs == 0


@posix
def test_a_pseudo_terminal_keeps_its_client_while_the_cable_holds_bytes_back(start):
    server = start(tcp=None, pty=True)
    with opened(server.ports[0]) as port:
        first = hello(port)
        server.rig.cable.delay_ms = 700.0  # longer than the silence that ends a client
        time.sleep(0.02)
        assert hello(port) == first


@pytest.mark.parametrize("kind", DOORS)
def test_a_cable_that_splits_is_no_slower(start, kind):
    server = door(start, kind, speed=5.0)
    server.rig.cable.split = True
    with opened(server.ports[0]) as port:
        port.write(HELLO + STREAM)
        listener = Listener()
        while len(listener.heard.get("TELEMETRY", [])) < 500:
            listener.feed(port.read(4096))
        assert listener.frames.bad_crc == listener.frames.bad_cobs == 0
        assert len(listener.samples) > 5000


def test_a_client_over_tcp_sees_odd_pieces_too(start):
    server = start()
    server.rig.cable.split = True
    sizes = []
    with socket.create_connection(place(server.ports[0]), timeout=WAIT_s) as client:
        client.sendall(HELLO + STREAM)
        while sum(sizes) < 5000:
            sizes.append(len(client.recv(4096)))
    assert min(sizes) < 15 and len(set(sizes)) > 10


def test_it_ends_at_the_time_asked_for_and_the_client_gets_everything_until_then(start):
    rig = Rig()
    server = start(speed=10.0, rig=rig, until_s=4.0)
    listener = Listener()
    with socket.create_connection(place(server.ports[0]), timeout=WAIT_s) as client:
        client.sendall(HELLO + STREAM)
        while data := client.recv(4096):
            listener.feed(data)
    server.stop()
    assert rig.ticks == 4000 and server.lines[-1].endswith("ended after 4.0 s of its time")
    assert len(listener.samples) > 3950


@pytest.mark.parametrize("until_s", [0.0, -1.0, 0.5, float("nan"), float("inf")])
def test_an_end_that_cannot_come_is_refused(until_s):
    rig = Rig()
    rig.step(500)
    with pytest.raises(ValueError, match=r"must be above 0.5 s"):
        serve(("127.0.0.1", 0), False, 1.0, rig, until_s=until_s)
