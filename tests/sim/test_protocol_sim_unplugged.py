"""`sim://` while its cable comes out and goes in again: the address leads to the same sled."""

import gc
import threading
import time

import pytest
import serial

from sim import protocol_sim
from sim.rig import Rig
from tests.sim.hosting import HELLO, STREAM, Listener, command, set_load
from tests.sim.sim_urls import opening_urls


@pytest.fixture
def opened(monkeypatch):
    yield from opening_urls(monkeypatch)


def unplug_for(port, ticks):
    """The cable comes out at the next millisecond; without `ticks` it stays out."""
    rig = port.rig

    def plug(is_plugged):
        return lambda rig: setattr(rig.cable, "is_plugged", is_plugged)

    rig.schedule(rig.ticks + 1, plug(False))
    if ticks is not None:
        rig.schedule(rig.ticks + 1 + ticks, plug(True))
    return rig


def reopened(opened, url, attempts, **options):
    for _ in range(attempts):
        with pytest.raises(serial.SerialException, match="the simulated cable is unplugged"):
            opened(url, **options)
    return opened(url, **options)


def test_a_program_that_is_unplugged_finds_the_same_sled_when_it_opens_the_port_again(opened):
    url = "sim://?seed=81"
    port = opened(url, timeout=0.02)
    port.write(set_load() + STREAM)
    listener = Listener()
    boot_id = listener.until("HELLO_REPLY", lambda: port.read(4096))["boot_id"]
    port.read(4096)
    rig = unplug_for(port, 350)
    with pytest.raises(serial.SerialException, match=r"pulled out; open sim://\?seed=81 again"):
        port.read(4096)
    uses = (lambda: port.read(1), lambda: port.write(b"x"), lambda: port.in_waiting, port.flush)
    for use in uses:
        with pytest.raises(serial.SerialException, match="pulled out"):
            use()
    now = port.now()
    port.close()
    again = reopened(opened, url, 3, timeout=0.02)
    assert again.now() == pytest.approx(now + 0.4)
    for use in uses:  # the old one is as dead as before
        with pytest.raises(serial.SerialException):
            use()
    again.write(b"\0" + HELLO + command("GET_STATUS", 9))
    listener = Listener()
    assert listener.until("HELLO_REPLY", lambda: again.read(4096))["boot_id"] == boot_id
    status = listener.until("STATUS", lambda: again.read(4096))
    assert status["pull"]["force_mN"] == 129_449 and status["mode"] == 1
    assert again.rig is rig and status["sample_index"] > 400
    again.close()
    fresh = opened(url, timeout=0.02)
    assert fresh.rig is not rig and fresh.now() == 0.0


def test_a_port_need_not_be_closed_to_be_opened_again(opened):
    port = opened("sim://?seed=82", timeout=0)
    rig = unplug_for(port, None)
    with pytest.raises(serial.SerialException):
        port.read(1)
        port.read(1)
    rig.cable.is_plugged = True
    again = opened("sim://?seed=82", timeout=0)
    assert again.rig is rig
    port.close()
    assert again.read(1) == b""
    again.close()
    assert opened("sim://?seed=82").rig is not rig


def test_a_short_unplug_in_a_long_read_is_not_missed(opened):
    port = opened("sim://?seed=83", timeout=60)
    rig = unplug_for(port, 2)
    with pytest.raises(serial.SerialException, match="pulled out"):
        port.read(1)
    assert rig.now_us < 100_000
    port.close()
    assert opened("sim://?seed=83").rig is rig


def test_an_unplug_that_nobody_saw_before_the_port_was_closed_counts_all_the_same(opened):
    port = opened("sim://?seed=84", timeout=0)
    port.rig.cable.is_plugged = False
    rig = port.rig
    port.close()
    rig.cable.is_plugged = True
    assert opened("sim://?seed=84").rig is rig


def test_two_sleds_of_one_address_come_back_in_the_order_in_which_they_were_missed(opened):
    url = "sim://?seed=89"
    ports = [opened(url, timeout=0) for _ in range(3)]
    rigs = [port.rig for port in ports]
    for port in (ports[1], ports[0], ports[2]):
        port.rig.cable.is_plugged = False
        with pytest.raises(serial.SerialException, match="pulled out"):
            port.read(1)
    for rig in rigs:
        rig.cable.is_plugged = True
    assert [opened(url).rig for _ in range(3)] == [rigs[1], rigs[0], rigs[2]]
    assert opened(url).rig not in rigs


def test_a_port_that_is_merely_dropped_keeps_no_sled(opened):
    url = "sim://?seed=90"
    port = protocol_sim.Serial(url, timeout=0)
    rig = port.rig
    rig.cable.is_plugged = False
    del port
    gc.collect()
    rig.cable.is_plugged = True
    assert opened(url).rig is not rig


def test_time_goes_on_in_one_thread_at_once(opened, monkeypatch):
    """One thread opens the port again while the last read of before is under way in another."""
    step, inside, most = Rig.step, [], []

    def slow(self, ticks):
        inside.append(threading.get_ident())
        most.append(len(inside))
        time.sleep(0.02)
        try:
            step(self, ticks)
        finally:
            inside.remove(threading.get_ident())

    url = "sim://?seed=91"
    port = opened(url, timeout=None)
    rig = port.rig
    monkeypatch.setattr(Rig, "step", slow)

    reader = threading.Thread(target=port.read, daemon=True)
    reader.start()
    while not inside:
        time.sleep(0.001)
    rig.cable.is_plugged = False
    port.close()
    with pytest.raises(serial.SerialException, match="unplugged"):
        opened(url)
    reader.join(10)
    assert max(most) == 1


def test_a_sled_that_was_never_plugged_in_is_the_same_at_each_attempt(opened, monkeypatch):
    rigs = []

    def rig_from(address):
        rigs.append(Rig())
        rigs[-1].cable.is_plugged = False
        return rigs[-1]

    monkeypatch.setattr("sim.address.rig_from", rig_from)
    with pytest.raises(serial.SerialException, match="unplugged"):
        opened("sim://?seed=88")
    rigs[0].cable.is_plugged = True
    assert opened("sim://?seed=88").rig is rigs[0] and rigs[0].ticks == 100


def test_another_address_is_another_sled_whatever_is_unplugged(opened):
    port = opened("sim://?seed=85", timeout=0)
    port.rig.cable.is_plugged = False
    with pytest.raises(serial.SerialException):
        port.read(1)
    assert opened("sim://?seed=86", timeout=0).read(1) == b""
    port.rig.cable.is_plugged = True
    opened("sim://?seed=85").close()


def test_an_offered_sled_is_that_of_the_next_port_at_its_address_and_of_no_other(opened):
    rig = Rig()
    protocol_sim.offer("sim://?seed=89", rig)
    protocol_sim.offer("sim://?seed=89", rig)
    assert opened("sim://?seed=90").rig is not rig
    assert opened("sim://?seed=89").rig is rig
    assert opened("sim://?seed=89").rig is not rig
