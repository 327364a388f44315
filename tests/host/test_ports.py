"""Finding the one sled: never the first port found, never a guess among several."""

import contextlib
import os
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import ports
from host.errors import LinkError, NoDevice, NoPermission, PortBusy, VersionMismatch
from host.flashing import drives
from host.tcp import SocketPort
from host.transport import Port, open_port
from protocol import announce, layout
from tests.host.peers import FakeDevice, Peer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLED_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def neighbour() -> Iterator[int]:
    """The number of another process that lives, for a second announcement."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate(b"\n")


def announce_as(pid: int, *names: str) -> None:
    path = Path(announce.publish(names, "00"))
    path.rename(path.with_name(f"sim-{pid}.json"))
    text = path.with_name(f"sim-{pid}.json").read_text().replace(str(os.getpid()), str(pid))
    path.with_name(f"sim-{pid}.json").write_text(text)


def test_without_any_sled_the_error_says_how_to_get_one() -> None:
    with pytest.raises(NoDevice, match="no sled found") as caught:
        ports.connect(None)
    assert caught.value.code == 3 and "host sim" in caught.value.hint


def test_one_announced_sled_is_found_and_its_two_ports_are_one_device() -> None:
    device = FakeDevice()
    with Peer(device.answer) as first, Peer(device.answer) as second:
        announce.publish([first.name, second.name], "00")
        with ports.connect(None) as session:
            assert session.name == first.name and session.device is not None


def test_a_sled_on_a_busy_machine_may_take_its_time() -> None:
    device = FakeDevice()

    def slow(data: bytes) -> bytes:
        time.sleep(0.6)  # half a second once was all it got
        return device.answer(data)

    with Peer(slow) as peer:
        announce.publish([peer.name], "00")
        with ports.connect(None) as session:
            assert session.device is not None


def test_two_sleds_are_an_error_that_names_both(neighbour: int) -> None:
    with Peer(FakeDevice().answer) as first, Peer(FakeDevice().answer) as second:
        announce.publish([first.name], "00")
        announce_as(neighbour, second.name)
        announce.publish([first.name], "00")
        with pytest.raises(NoDevice, match="several sleds") as caught:
            ports.connect(None)
    assert first.name in caught.value.sentence and second.name in caught.value.sentence
    assert caught.value.code == 3 and "--port" in caught.value.hint


def test_a_sled_of_another_version_is_one_of_several_too(neighbour: int) -> None:
    other = FakeDevice(protocol_major=layout.PROTOCOL_MAJOR + 1)
    with Peer(FakeDevice().answer) as first, Peer(other.answer) as second:
        announce_as(neighbour, second.name)
        announce.publish([first.name], "00")
        with pytest.raises(NoDevice, match="several sleds"):
            ports.connect(None)


@contextlib.contextmanager
def held(name: str) -> Iterator[None]:
    """A port that another program has opened and locked."""
    import fcntl

    holder = os.open(name, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(holder)


@contextlib.contextmanager
def turning_away() -> Iterator[str]:
    """A simulator's TCP port while another program has the sled: every client is closed at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def is_one_of_several(busy: str, free: str, device: FakeDevice) -> None:
    with pytest.raises(NoDevice, match="several sleds") as caught:
        ports.connect(None)
    assert caught.value.code == 3
    assert f"{busy} (in use by another program)" in caught.value.sentence and free in caught.value.sentence
    assert set(device.heard) <= {"HELLO"}, "the sled that happens to be free is not acted on"


def test_a_sled_that_another_program_uses_is_one_of_several_too(neighbour: int) -> None:
    device = FakeDevice()
    with Peer(device.answer) as first, Peer(FakeDevice().answer) as second, held(second.name):
        announce_as(neighbour, second.name)
        announce.publish([first.name], "00")
        is_one_of_several(second.name, first.name, device)


def test_a_sled_whose_tcp_port_turns_us_away_is_one_of_several_too(neighbour: int) -> None:
    device = FakeDevice()
    with Peer(device.answer) as first, turning_away() as second:
        announce_as(neighbour, second)
        announce.publish([first.name], "00")
        is_one_of_several(second, first.name, device)


def test_a_sled_is_busy_if_any_of_its_ports_is_even_where_another_is_silent(neighbour: int) -> None:
    device = FakeDevice()
    with Peer(device.answer) as first, Peer() as silent, turning_away() as second:
        announce_as(neighbour, silent.name, second)  # as a simulator whose TCP port has the sled
        announce.publish([first.name], "00")
        is_one_of_several(silent.name, first.name, device)


def test_a_single_busy_sled_gives_its_own_reason() -> None:
    with Peer(FakeDevice().answer) as peer, held(peer.name):
        announce.publish([peer.name], "00")
        with pytest.raises(PortBusy, match=f"{peer.name} is in use by another program") as caught:
            ports.connect(None)
    assert caught.value.code == 5


def test_the_only_sled_there_is_gives_its_own_reason_when_it_cannot_be_used() -> None:
    with Peer() as silent:
        announce.publish([silent.name], "00")
        with pytest.raises(LinkError, match="silent"):
            ports.connect(None)
    with Peer(FakeDevice(layout_hash=1).answer) as other:
        announce.publish([other.name], "00")
        with pytest.raises(VersionMismatch):
            ports.connect(None)
        with ports.connect(None, any_version=True) as session:
            session.stop()


def test_a_port_held_by_another_program_is_not_opened_a_second_time() -> None:
    with Peer(FakeDevice().answer) as peer:
        import fcntl

        holder = os.open(peer.name, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(LinkError, match="in use by another program") as caught:
            ports.connect(peer.name)
        assert peer.received == b"", "nothing is written to a port that is not ours"
        os.close(holder)
        with ports.connect(peer.name):
            pass
    assert caught.value.code == 5


def test_everything_found_is_listed_with_who_it_is_or_why_not(neighbour: int) -> None:
    with Peer(FakeDevice().answer) as sled, Peer() as silent:
        announce_as(neighbour, silent.name)
        announce.publish([sled.name], "00")
        found = {each.port: each for each in ports.survey()}
        assert found[sled.name].device is not None
        assert found[silent.name].device is None and "silent" in found[silent.name].problem


def pico(name: str) -> ports._SerialPort:
    return ports._SerialPort(name, 0x2E8A, 0x0005, "Board in FS mode")


def test_a_port_that_we_may_not_open_is_one_of_several_too(monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeDevice()
    with Peer(device.answer) as mine, Peer() as theirs:
        monkeypatch.setattr(ports, "_serial_ports", lambda: [pico(mine.name), pico(theirs.name)])

        def opened(name: str) -> Port:
            if name == theirs.name:
                raise NoPermission(f"no permission to open {name}", "sudo usermod")
            return open_port(name)

        monkeypatch.setattr(ports, "open_port", opened)
        with pytest.raises(
            NoDevice, match=f"several sleds .*{theirs.name} .no permission to open it"
        ) as caught:
            ports.connect(None)
    assert mine.name in caught.value.sentence and set(device.heard) <= {"HELLO"}


def test_a_board_without_the_firmware_and_a_boot_drive_are_listed_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = ports._SerialPort("/dev/ttyUSB7", 0x10C4, 0xEA60, "CP2102")
    with Peer() as bare:
        monkeypatch.setattr(ports, "_serial_ports", lambda: [pico(bare.name), other])
        monkeypatch.setattr(drives, "boot_drives", lambda: [drives.Drive(tmp_path, "RP2040")])
        found = {each.port: each for each in ports.survey()}
    assert found[bare.name].usb_id == "2e8a:0005" and found[bare.name].hint == "host flash"
    assert "MicroPython on a Pico" in found[bare.name].problem
    assert found["/dev/ttyUSB7"].usb_id == "10c4:ea60" and "not asked" in found["/dev/ttyUSB7"].problem
    drive = found[str(tmp_path)]
    assert drive.what == "boot drive, RP2040" and "flash" in drive.hint


def test_a_port_that_goes_away_while_it_is_opened_is_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang_up(*_: object) -> None:
        raise termios.error(5, "Input/output error")

    ours, theirs = os.openpty()
    with contextlib.closing(os.fdopen(ours)), contextlib.closing(os.fdopen(theirs)):
        monkeypatch.setattr(termios, "tcflush", hang_up)
        with pytest.raises(NoDevice, match="there is no port"):
            open_port(os.ttyname(theirs))


def test_a_tcp_port_is_read_in_blocks_and_closed_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SocketPort(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout=0.5)
        peer, _ = server.accept()
        peer.sendall(b"x" * 5000)
        deadline = time.monotonic() + 5
        while port.in_waiting < 5000 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert port.in_waiting == 5000
        assert port.read(port.in_waiting) == b"x" * 5000
        assert port.in_waiting == 0
        peer.close()
        while not port.in_waiting and time.monotonic() < deadline:
            time.sleep(0.001)
        assert port.in_waiting == 1, "a closed line is not a silent one"
        with pytest.raises(OSError, match="disconnected"):
            port.read(1)
        begun = time.monotonic()
        port.close()
        assert time.monotonic() - begun < 0.1


def test_a_server_that_turns_us_away_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        turning_away = threading.Thread(target=lambda: server.accept()[0].close())
        turning_away.start()
        with pytest.raises(LinkError, match="another program may have the sled"):
            ports.connect(f"socket://127.0.0.1:{server.getsockname()[1]}")
        turning_away.join()
