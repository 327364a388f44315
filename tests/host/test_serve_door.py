"""Who may come in, and that nobody inside slows the others: real sockets, a sled without a port."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from host.errors import LinkError, NoAnswer
from host.following import Batch
from host.session import Session
from host.sharing import door
from host.sharing.broker import Broker
from host.sharing.client import SharedPort, join
from host.sharing.server import VISITORS_MAX, Server
from host.sharing.servers import Server as Announced
from protocol import layout, wire
from tests.host.sleds import Sled

TOKEN = "ab" * 32
HELLO = wire.encode("HELLO", {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": 0})
SAMPLE = bytes(layout.SAMPLE_BYTES)


class House:
    """A server with a sled behind it, and the lines it says."""

    def __init__(self, is_started: bool = True) -> None:
        self.sled = Sled()
        self.lines: list[str] = []
        self.closed: door.Refusal | None = None
        self.server = Server(TOKEN, lambda command: self.closed, self.lines.append)
        self._ids = iter(range(1, 1 << 16))
        self.broker = Broker(self.write, lambda: next(self._ids), self.server.ready, ring_samples=20_000)
        self.write(
            wire.encode("HELLO", {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": 0}), False
        )
        self._samples = 0
        self.stream(1)
        if is_started:
            self.server.start(self.broker)

    def write(self, frame: bytes, is_stop: bool) -> None:
        for answer in self.sled.hear(frame):
            self.broker.tap(answer)

    def stream(self, count: int) -> None:
        self.broker.take(Batch(77, self._samples, wire.Samples(SAMPLE * count)))
        self._samples += count

    def announced(self, token: str = TOKEN) -> Announced:
        return Announced(1, self.server.tcp_port, token, ("/dev/sled",), "00")

    def stranger(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.tcp_port), timeout=10)

    def port(self, token: str = TOKEN) -> SharedPort:
        port = join(self.announced(token))
        assert port is not None
        return port

    def session(self) -> Session:
        port = self.port()
        session = Session(port, port.name)
        session.hello()
        return session


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.server.close()
    assert house.server.failure is None


@contextlib.contextmanager
def turned_by_hand() -> Iterator[tuple[House, Callable[[int], None]]]:
    """A server without its thread, and what makes it do so many turns."""
    house = House(is_started=False)
    house.server._broker = house.broker

    def turns(count: int) -> None:
        for _ in range(count):
            house.server._turn(0.1)

    yield house, turns
    house.server.start(house.broker)
    house.server.close()


def eventually(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def answer_to(house: House, first: bytes) -> bytes:
    """What a stranger hears until it is sent away."""
    with house.stranger() as stranger:
        stranger.sendall(first)
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while data := stranger.recv(4096):
                heard += data
        return heard


def test_a_command_that_knows_the_token_talks_to_the_sled(house: House) -> None:
    with house.session() as session:
        assert session.name == "/dev/sled through host serve"
        assert session.device is not None and session.device.firmware == "9.8.7"
        assert session.request("GET_SETTING", setting=3).fields["setting_value"] == 3
    eventually(lambda: len(house.lines) == 2)
    assert house.lines == ["a program came in (1 connected)", "a program left"]


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\0" + wire.encode("STOP", {"command_id": 1, "stop_kind": 0}) + b"\n",
        door.greeting("cd" * 32, "status"),
        door.greeting("", "status"),
        b'{"token": "' + b"\xff" * 10 + b'"}\n',
        b'{"token": "\\ud800", "command": "x"}\n',
        b'{"token": 5, "command": "x"}\n',
        json.dumps({"token": TOKEN}).encode() + b"\n",
        json.dumps({"token": TOKEN, "command": 7}).encode() + b"\n",
        b"[" * 400 + b"\n",
        b"null\n",
        b"\n",
        b"x" * 5000,
        json.dumps({"token": TOKEN, "command": "x" * 600}).encode() + b"\n",
    ],
)
def test_whoever_does_not_is_sent_away_and_the_sled_hears_nothing(house: House, first: bytes) -> None:
    heard = answer_to(house, first + wire.encode("STOP", {"command_id": 1, "stop_kind": 0}))
    refusal = door.answer(heard) if heard else None
    assert refusal is None or (refusal.code == LinkError.code and TOKEN not in refusal.sentence)
    assert not house.sled.done and not house.lines


def test_a_wrong_token_is_an_error_with_a_next_step(house: House) -> None:
    with pytest.raises(LinkError, match="does not know that greeting") as caught:
        house.port("cd" * 32)
    assert caught.value.hint == "host status"


def test_a_silent_stranger_is_sent_away_after_a_second(house: House) -> None:
    assert answer_to(house, b"") == b"" and answer_to(house, b'{"tok') == b""


def test_only_this_machine_is_listened_to(house: House) -> None:
    assert house.server._listener.getsockname()[0] == "127.0.0.1"


def test_who_is_let_in_has_a_name_of_plain_letters(house: House) -> None:
    with house.stranger() as stranger:
        stranger.sendall(door.greeting(TOKEN, "\x1b[31mred\n" + "x" * 100))
        assert door.answer(stranger.recv(4096)) is None
        eventually(lambda: bool(house.lines))
        assert house.lines[0] == "[31mred" + "x" * 33 + " came in (1 connected)"


def test_a_reason_why_not_now_is_passed_on(house: House) -> None:
    house.closed = door.Refusal("the sled is unplugged", "host ports", LinkError.code)
    with pytest.raises(LinkError, match="the sled is unplugged"):
        house.port()


def test_only_so_many_come_in_and_strangers_do_not_count(house: House) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(house.stranger())
        for _ in range(VISITORS_MAX):
            stack.callback(house.port().close)
        with pytest.raises(LinkError, match=f"{VISITORS_MAX} commands use this sled"):
            house.port()
    eventually(lambda: len(house.lines) == 2 * VISITORS_MAX)
    house.port().close()


def test_whoever_sends_no_frames_is_sent_away_and_the_others_go_on(house: House) -> None:
    with house.session() as session:
        port = house.port()
        port.write(b"\x05garbage\x00" * 10)
        with pytest.raises(OSError):
            while True:
                port.read(100)
        assert session.request("GET_SETTING", setting=3).fields["setting_value"] == 3
    assert "a program was sent away: it sends what no command sends" in house.lines


def test_who_never_reads_misses_only_its_own_and_the_memory_stays_bounded(house: House) -> None:
    stalled, quick = house.session(), house.session()
    with stalled, quick:
        for session in (stalled, quick):
            session.request("STREAM", enabled=1, sample_index=0)
        seen = 0
        for _ in range(4000):  # far beyond what the system's own buffers take
            house.stream(170)
            while seen < house._samples - 5000:
                seen += sum(count(message) for message in quick.messages(0.002))
        while seen < house._samples - 1:
            seen += sum(count(message) for message in quick.messages(0.002))
        for visitor in house.broker.visitors:
            assert len(visitor.out) < 20_000
        missed = 0
        got = 0
        while got + missed < house._samples - 1:
            for message in stalled.messages(0.002):
                if message.name == "SAMPLES_LOST":
                    missed += message.fields["sample_count"]
                else:
                    got += count(message)
        assert missed > 0, "the ring has passed it"


def count(message: Any) -> int:
    assert message.name != "SAMPLES_LOST" or message.fields["sample_count"] == 0
    return len(message.fields["samples"]) if message.name == "TELEMETRY" else 0


def test_who_asks_and_takes_no_answer_is_sent_away(house: House) -> None:
    with house.session() as other:
        deaf = house.port()
        deaf.write(HELLO)
        questions = b"".join(wire.encode("GET_STATUS", {"command_id": each}) for each in range(1000))

        def ask() -> None:
            with contextlib.suppress(OSError):
                while True:
                    deaf._connection.sendall(questions)

        deaf._connection.settimeout(None)
        asking = threading.Thread(target=ask)
        asking.start()
        while asking.is_alive():
            with contextlib.suppress(NoAnswer):  # how soon it is answered, the next test says
                other.request("GET_SETTING", setting=3)
        asking.join()
        deaf.close()
    assert any("takes no answer" in line for line in house.lines)


def test_in_each_turn_all_are_heard_and_a_flood_is_heard_no_longer_than_the_others() -> None:
    """4096 bytes a turn cost the others a second on a busy machine."""
    with turned_by_hand() as (house, turns), house.stranger() as flood, house.stranger() as other:
        for stranger in (flood, other):
            stranger.sendall(door.greeting(TOKEN, "x") + HELLO)
        turns(4)
        flood.sendall(b"".join(wire.encode("GET_STATUS", {"command_id": each}) for each in range(400)))
        turns(1)
        other.sendall(wire.encode("GET_SETTING", {"command_id": 1, "setting": 3}))
        house.sled.done.clear()
        turns(1)
        asked = [name for name, _ in house.sled.done]
        assert asked.count("GET_SETTING") == 1 and 5 < asked.count("GET_STATUS") < 40


def test_of_what_comes_together_a_stop_goes_first_but_no_visitors_words_change_places() -> None:
    with turned_by_hand() as (house, turns), house.stranger() as one, house.stranger() as two:
        for stranger in (one, two):
            stranger.sendall(door.greeting(TOKEN, "x") + HELLO)
        turns(4)
        one.sendall(wire.encode("SET_SETTING", {"command_id": 1, "setting": 0, "setting_value": 1}))
        stop = wire.encode("STOP", {"command_id": 2, "stop_kind": 0})
        two.sendall(wire.encode("ARM", {"command_id": 1}) + stop)
        turns(1)
        assert [name for name, _ in house.sled.done] == ["ARM", "STOP", "SET_SETTING"]


def test_when_it_ends_everybody_is_told(house: House) -> None:
    with house.session() as session:
        house.server.close()
        with pytest.raises(LinkError, match="host serve has ended"):
            session.request("GET_STATUS")
        house.server = Server(TOKEN, lambda command: None, house.lines.append)
        house.server.start(house.broker)
