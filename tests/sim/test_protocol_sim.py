"""`sim://` as a port of pyserial: its address, its time, and what other threads may do."""

import subprocess
import sys
import threading
import time

import pytest
import serial

from protocol import wire
from sim import protocol_sim
from sim.address import parse
from sim.rig import RigConfig
from tests.sim.hosting import HELLO, STREAM, Listener, environment, set_load
from tests.sim.sim_urls import opening_urls


@pytest.fixture
def opened(monkeypatch):
    yield from opening_urls(monkeypatch)


def test_the_address_says_who_is_simulated():
    assert parse("sim://") == parse("SIM://?") == RigConfig()
    assert parse(
        "sim://?seed=7&athlete=strong&lengths=16&lane_m=18.3&body_mass_kg=70&first=pull&perturb=0.1"
    ) == RigConfig(7, "strong", 16, 18.3, 70.0, "pull", 0.1)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            "sim://?colour=red",
            "no parameter 'colour'; known are: seed .*athlete.*lengths.*lane_m.*first",
        ),
        ("sim://?seed=x", "seed must be a whole number .*, not 'x'"),
        ("sim://?seed=1&seed=2", "seed is given twice"),
        ("sim://?athlete=bob", "known are: .*recreational.*strong"),
        ("sim://?lengths=0", "lengths must be 1 or more"),
        ("sim://?lane_m=nan", "lane_m"),
        ("sim://?lane_m=", "lane_m must be length"),
        ("sim://gym", "names a place"),
        ("tcp://", "does not begin with sim://"),
    ],
)
def test_a_wrong_address_is_refused_with_what_is_known(address, words):
    with pytest.raises(ValueError, match=words):
        parse(address)


def test_pyserial_opens_it_and_passes_errors_on(opened):
    assert opened(timeout=0).is_open
    with pytest.raises(ValueError, match="no parameter 'x'"):
        opened("sim://?x=1")


def test_hello_is_answered_in_virtual_milliseconds(opened):
    port = opened("sim://?seed=9", timeout=0.005, exclusive=True, baudrate=115200, write_timeout=1)
    assert port.now() == 0.0
    port.write(HELLO)
    assert port.out_waiting == len(HELLO) and port.now() == 0.0
    reply = Listener().until("HELLO_REPLY", lambda: port.read(port.in_waiting or 1))
    assert reply["unique_id"] == b"sim" + (9).to_bytes(5, "big")
    assert reply["device_flags"] == 1
    assert 0.0 < port.now() < 0.02
    assert port.out_waiting == 0


@pytest.mark.parametrize(("timeout", "passed"), [(0.25, 0.25), (0.0004, 0.001), (0, 0.001), (7, 7.0)])
def test_a_read_that_finds_nothing_lasts_its_timeout_in_virtual_time(opened, timeout, passed):
    port = opened(timeout=timeout)
    assert port.read(1) == b""
    assert port.now() == pytest.approx(passed)


def test_a_read_returns_as_soon_as_it_has_its_bytes(opened):
    port = opened(timeout=10)
    port.write(HELLO + STREAM)
    assert len(port.read(100)) == 100
    assert port.now() < 0.2


def test_a_read_returns_what_there_is_at_its_timeout(opened):
    port = opened(timeout=0.05)
    port.write(HELLO)
    assert 20 < len(port.read(1000)) < 100
    assert port.now() == pytest.approx(0.05)


def test_asking_what_waits_takes_no_time(opened):
    port = opened(timeout=0.02)
    port.write(HELLO)
    port.read(1)
    now = port.now()
    assert port.in_waiting > 0
    assert port.now() == now


def test_input_can_be_thrown_away_before_it_is_read_and_output_before_it_is_sent(opened):
    port = opened(timeout=0.05)
    port.write(HELLO)
    port.reset_output_buffer()
    assert port.read(1) == b""
    port.write(HELLO)
    port.read(1)
    port.flush()
    port.reset_input_buffer()
    assert port.in_waiting == 0 and port.read(1) == b""


@pytest.mark.parametrize("way", ["close", "cancel_read"])
def test_another_thread_ends_a_read_without_timeout(opened, way):
    port = opened(timeout=None)
    got = []
    reader = threading.Thread(target=lambda: got.append(port.read(1)), daemon=True)
    reader.start()
    while port.now() < 0.5:  # it is under way
        time.sleep(0.001)
    getattr(port, way)()
    reader.join(10)
    assert not reader.is_alive() and got == [b""]
    if way == "close":
        with pytest.raises(serial.SerialException):
            port.read(1)
    else:
        now = port.now()
        port.timeout = 0.01
        port.read(1)  # cancelled once is not cancelled for ever
        assert port.now() > now


def test_a_read_under_way_ends_with_its_port_even_if_that_is_open_again_at_once(opened):
    for _ in range(5):
        port = opened(timeout=None)
        got = []
        reader = threading.Thread(target=lambda port=port, got=got: got.append(port.read(1)), daemon=True)
        reader.start()
        while port.now() < 0.1:
            time.sleep(0.001)
        port.close()
        port.open()
        reader.join(10)
        assert not reader.is_alive() and got == [b""]
        port.timeout = 0.01
        assert port.read(1) == b"" and port.now() == pytest.approx(0.01)


@pytest.mark.parametrize("size", [0, -1])
def test_a_read_of_no_bytes_gives_none_and_takes_no_time(opened, size):
    port = opened(timeout=0.1)
    port.write(HELLO)
    port.read(1)
    now, waiting = port.now(), port.in_waiting
    assert port.read(size) == b"" and (port.now(), port.in_waiting) == (now, waiting)


def test_one_thread_writes_while_another_reads(opened):
    port = opened("sim://?athlete=recreational", timeout=0.005)
    listener = Listener()
    is_over = threading.Event()

    def reading():
        while not is_over.is_set():
            listener.feed(port.read(port.in_waiting or 1))

    reader = threading.Thread(target=reading)
    reader.start()
    for _ in range(100):
        port.write(HELLO)
        time.sleep(0.001)
    deadline = time.monotonic() + 10
    while len(listener.heard.get("HELLO_REPLY", [])) < 100 and time.monotonic() < deadline:
        time.sleep(0.001)
    is_over.set()
    reader.join()
    assert len(listener.heard["HELLO_REPLY"]) == 100
    assert listener.frames.bad_crc == 0


def test_a_closed_port_says_so(opened):
    port = opened(timeout=0)
    port.close()
    port.close()
    for use in (lambda: port.read(1), lambda: port.write(b"x"), lambda: port.in_waiting, port.now):
        with pytest.raises(serial.SerialException):
            use()


def test_a_flood_of_writes_without_a_read_is_refused(opened):
    port = opened(timeout=0)
    with pytest.raises(serial.SerialTimeoutException, match="read between the writes"):
        for _ in range(100_000):
            port.write(b"x")


def test_the_same_address_gives_the_same_bytes(opened):
    def run(url):
        port = opened(url, timeout=0.1)
        port.write(set_load() + STREAM)
        return b"".join(port.read(4000) for _ in range(30))

    first = run("sim://?seed=5&athlete=recreational")
    assert first == run("sim://?seed=5&athlete=recreational")
    assert first != run("sim://?seed=6&athlete=recreational")
    assert len(wire.FrameReader().feed(first)) > 20


def test_a_reader_sees_odd_pieces_and_gets_them_whole_when_it_asks_for_more(opened):
    port = opened("sim://?seed=87", timeout=0.5)
    port.rig.cable.split = True
    port.write(HELLO + STREAM)
    port.read(1)
    sizes = []
    for _ in range(300):
        waiting = port.in_waiting or 1
        assert len(port.read(waiting)) == waiting
        sizes.append(waiting)
    assert 1 < sum(sizes) / len(sizes) < 40 and len(set(sizes)) > 10
    now = port.now()
    assert len(port.read(1500)) == 1500
    assert port.now() - now < 0.2


def test_the_handler_imports_nothing_of_ours_until_it_is_opened():
    """pyserial hides an ImportError of the handler behind "protocol not known"."""
    program = (
        "import sys; from sim import protocol_sim;"
        "ours = [m for m in sys.modules if m.startswith(('device', 'protocol', 'sim.'))];"
        "bad = [m for m in ours if m != 'sim.protocol_sim'];"
        "sys.exit(repr(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True)
    assert protocol_sim.Serial.__module__ == "sim.protocol_sim"


def test_opening_stays_light():
    """The command line opens sim:// on its fast path."""
    heavy = "('argparse', 'json', 'dataclasses', 'construct', 'numpy', 'asyncio', 'socket', 'tempfile')"
    program = (
        "import sys; from sim.protocol_sim import Serial;"
        "Serial('sim://', timeout=0.01).read(1);"
        f"bad = [m for m in {heavy} if m in sys.modules];"
        "sys.exit(repr(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True)
