"""Every bad input is one clear line with the next command to type, and changes nothing on the device."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol import layout, units, wire
from tests.host.command_line import Host, Outcome
from tests.host.peers import FakeDevice, Peer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, str, dict[str, Any]]]:
    """A simulated sled in its own process that holds 130 N, its pty, and the load it says it has."""
    host = Host(tmp_path_factory.mktemp("loaded"))
    with host.sim() as sim:
        pty = next(name for name in sim["ports"] if not name.startswith("socket"))
        assert host("--json", "set-load", "130N").code == 0
        yield host, pty, load_of(host)


def load_of(host: Host) -> dict[str, Any]:
    answer = host("--json", "status").answer
    return {name: answer[name] for name in ("pull", "push", "state", "faults")}


def is_refused(outcome: Outcome, plain: Outcome, code: int, words: str) -> None:
    answer = outcome.answer
    assert set(answer) == {"ok", "error", "hint", "code"}
    assert (outcome.code, answer["code"], answer["ok"]) == (code, code, False)
    assert words in answer["error"], answer["error"]
    assert "host" in answer["hint"] or "close" in answer["hint"]
    assert (plain.code, plain.stdout) == (code, "")
    # Noise is never the same twice, so the counts may differ.
    same = re.sub(r"\d+", "0", f"host: {answer['error']}; try: {answer['hint']}\n")
    assert re.sub(r"\d+", "0", plain.stderr) == same


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("50",), "no unit"),
        (("50%",), "percent of what"),
        (("-3kg",), "negative"),
        (("40kg", "--push", "-3kg"), "negative"),
        (("nan",), "finite"),
        (("1e9N",), "out of range"),
        (("50%bw",), "needs a body mass"),
        (("50%bw", "--bodyweight", "-80kg"), "body mass"),
        (("50%bw", "--bodyweight", "80kg", "--surface", "ice"), "no surface 'ice'"),
        (("auto@0.8m/s",), "comes later"),
        (("50%vdec",), "comes later"),
    ],
)
def test_a_bad_load_is_refused_before_the_device_hears_of_it(
    loaded: tuple[Host, str, dict[str, Any]], words: tuple[str, ...], reason: str
) -> None:
    host, _, before = loaded
    is_refused(host("--json", "set-load", *words), host("set-load", *words), 2, reason)
    assert load_of(host) == before


def test_no_device_is_code_3(host: Host) -> None:
    is_refused(host("--json", "status"), host("status"), 3, "no sled found")
    words = ("--port", "/dev/ttyNOTHING", "set-load", "40kg")
    is_refused(host("--json", *words), host(*words), 3, "no port /dev/ttyNOTHING")
    words = ("--port", "socket://127.0.0.1:9", "set-load", "40kg")
    is_refused(host("--json", *words), host(*words), 3, "nothing answers")


def test_a_port_held_by_another_program_is_code_5(loaded: tuple[Host, str, dict[str, Any]]) -> None:
    import fcntl

    host, pty, before = loaded
    holder = os.open(pty, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        words = ("--port", pty, "set-load", "40kg")
        is_refused(host("--json", *words), host(*words), 5, "in use by another program")
    finally:
        os.close(holder)
    assert load_of(host) == before


NOISE = bytes(range(1, 256)) + b"\0\x07\x80"
PEERS: dict[str, tuple[Callable[[], Peer], str]] = {
    "silent": (Peer, "silent"),
    "noise": (lambda: Peer(chatter=NOISE), "full of noise"),
    "noise without an end": (lambda: Peer(chatter=b"\x80" * 300), "full of noise"),
    "text": (lambda: Peer(chatter=b"Marlin 2.1 ready\r\n"), "another program's device"),
    "loop-back": (lambda: Peer(answer=lambda data: data), "loop-back"),
}


@pytest.mark.parametrize("kind", PEERS)
def test_a_port_that_is_no_sled_is_code_5_and_told_apart(host: Host, kind: str) -> None:
    make, reason = PEERS[kind]
    with make() as peer:
        words = ("--port", peer.name, "set-load", "40kg")
        is_refused(host("--json", *words), host(*words), 5, reason)


@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame[:-3] + bytes([frame[-3] ^ 0x10]) + frame[-2:],  # wrong CRC
        lambda frame: frame[:-6] + b"\0",  # truncated
        lambda frame: b"\x55" * 400 + frame,  # oversized
    ],
    ids=["wrong CRC", "truncated", "oversized"],
)
def test_damaged_answers_are_not_believed(host: Host, damage: Any) -> None:
    device = FakeDevice()
    with Peer(lambda data: damage(device.answer(data) or b"\x01\0")) as peer:
        words = ("--port", peer.name, "set-load", "40kg")
        is_refused(host("--json", *words), host(*words), 5, "noise")
    assert set(device.heard) == {"HELLO"}


@pytest.mark.parametrize("damage", ["wrong CRC", "truncated", "oversized"])
def test_damaged_commands_change_nothing_on_the_device(
    loaded: tuple[Host, str, dict[str, Any]], damage: str
) -> None:
    host, pty, before = loaded
    other = units.load_from_si({"force_N": 300.0})
    fields = {"command_id": 9, "hold": 0, "lease_ms": 0, "pull": other, "push": other}
    frame = wire.encode("SET_LOAD", fields)
    damaged = {
        "wrong CRC": frame[:-3] + bytes([frame[-3] ^ 0x10]) + frame[-2:],
        "truncated": frame[:-9] + b"\0",
        "oversized": b"\x55" * 400 + frame,
    }[damage]
    line = os.open(pty, os.O_RDWR | os.O_NOCTTY)
    os.write(line, wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0}) + damaged)
    os.close(line)
    assert load_of(host) == before


@pytest.mark.parametrize(
    ("differing", "reason"),
    [
        ({"protocol_major": layout.PROTOCOL_MAJOR + 1}, "Versions do not match"),
        ({"layout_hash": layout.LAYOUT_HASH ^ 1}, "another layout"),
    ],
)
def test_a_device_of_another_version_is_code_6_and_hears_nothing_but_hello(
    host: Host, differing: dict[str, int], reason: str
) -> None:
    device = FakeDevice(**differing)
    with Peer(device.answer) as peer:
        words = ("--port", peer.name, "set-load", "40kg")
        outcome = host("--json", *words)
        is_refused(outcome, host(*words), 6, reason)
        assert f"{layout.LAYOUT_HASH:08x}" in outcome.answer["error"], "both versions are named"
        assert set(device.heard) == {"HELLO"}
        assert host("--json", "--port", peer.name, "stop").answer["ok"] is True
    assert set(device.heard) == {"HELLO", "STOP"}


def test_a_device_that_breaks_off_after_hello_is_code_5(host: Host) -> None:
    device = FakeDevice()
    with Peer(device.answer) as peer:  # knows HELLO and STOP only
        words = ("--port", peer.name, "set-load", "40kg")
        is_refused(host("--json", *words), host(*words), 5, "stopped answering")


@pytest.mark.parametrize("line", ['body_mass_kg = "x"', 'surface = "moon"'])
def test_a_settings_file_that_no_load_needs_never_fails_what_was_done(host: Host, line: str) -> None:
    (host.folder / "config").mkdir()
    (host.folder / "config" / "config.toml").write_text(line)
    for words in (("set-load", "130N"), ("status",)):
        outcome = host("--port", "sim://", *words)
        assert (outcome.code, outcome.stderr) == (0, ""), words
    words = ("--bodyweight", "80kg", "--load", "130N", "--rounds", "1", "--lane", "3m")
    outcome = host("demo", *words)
    assert (outcome.code, outcome.stderr) == (0, "") and "130.0 N (a sled of 40.2 kg)" in outcome.stdout


@pytest.mark.parametrize("words", [("stop",), ("stop", "--drop")])
def test_a_named_port_that_says_nothing_is_told_stop_all_the_same(host: Host, words: tuple[str, ...]) -> None:
    reader, heard = wire.FrameReader(), []

    def note(data: bytes) -> bytes:
        heard.extend(wire.decode(frame) for frame in reader.feed(data))
        return b""

    with Peer(note) as peer:
        words = ("--port", peer.name, *words)
        reason = "STOP was sent unconfirmed: press the emergency stop"
        is_refused(host("--json", *words), host(*words), 5, reason)
    stops = [message.fields["stop_kind"] for message in heard if message.name == "STOP"]
    assert len(stops) > 5 and set(stops) == {int("--drop" in words)}


def test_a_sled_that_hears_stop_but_not_hello_is_stopped(host: Host) -> None:
    device = FakeDevice()

    def deaf_to_hello(data: bytes) -> bytes:
        answers = device.answer(data)
        return answers if "STOP" in device.heard else b""

    with Peer(deaf_to_hello) as peer:
        answer = host("--json", "--port", peer.name, "stop", "--drop").answer
    assert answer["ok"] and answer["stopped"] == "drop" and answer["device"] is None


def test_a_damaged_settings_file_is_code_2(host: Host, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("body_mass_kg = 'heavy'")
    words = ("--port", "sim://", "set-load", "50%bw")
    is_refused(host("--json", *words), host(*words), 2, "body_mass_kg")
