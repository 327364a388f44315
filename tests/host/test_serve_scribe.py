"""The recording thread of `host serve` beside a simulated sled: whole sessions, and disks that misbehave."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host import config, ports
from host.errors import LinkError
from host.loading import set_held
from host.loads import Load
from host.recording import appending
from host.recording.catalogue import listed
from host.recording.reading import Recording
from host.recording.recovery import open_recording
from host.session import Session
from host.sharing import scribe as scribe_module
from host.sharing.scribe import Scribe
from host.sharing.serving import Serving
from tests.host.command_line import Host
from tests.host.command_line import host as host  # a fixture
from tests.host.test_recording_disk import fill
from tests.sim.serving import Server, door, starting_servers, wait_for

LOAD = Load(force_N=130.0)


class Served:
    """`host serve` in this process, recording into `folder`."""

    def __init__(self, sim: Server, folder: Path, idle_s: float = 60.0) -> None:
        self.sim = sim
        self.folder = folder
        self.said: list[str] = []
        self._session = ports.connect(None, is_shared=False)
        self.scribe = Scribe(self._session, str(folder), idle_s)
        self.serving = Serving(self._session, self.scribe)

    def __enter__(self) -> "Served":
        self.serving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.serving.__exit__()
        self._session.close()
        self.said += self.serving.rest()

    def hears(self, word: str) -> None:
        """Wait until it says a line with that word."""
        for line in self.serving.lines():
            if line is not None:
                self.said.append(line)
                if word in line:
                    return

    def only(self) -> Recording:
        (path,) = self.folder.glob("*.mcap")
        return open_recording(str(path))


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    monkeypatch.setenv("SLED_CONFIG_DIR", str(tmp_path / "config"))
    yield from starting_servers(tmp_path / "runtime", monkeypatch)


@pytest.fixture
def served(start: Callable[..., Server], tmp_path: Path) -> Iterator[Served]:
    with Served(door(start, "tcp"), tmp_path / "data") as served:
        yield served


def status_mode(session: Session) -> int:
    mode = session.request("GET_STATUS").fields["mode"]
    assert isinstance(mode, int)
    return mode


def test_a_session_is_recorded_with_all_that_is_known_and_nobody_notices(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    config.write(config.Athlete(80.0, "grass", "Ann Lee"))
    with Served(door(start, "tcp"), tmp_path) as served, ports.connect(None) as session:
        assert not list(tmp_path.glob("*.mcap"))
        set_held(session, LOAD, LOAD)
        served.hears("the sled is in use")
        ticks = served.sim.rig.ticks
        wait_for(lambda: served.sim.rig.ticks > ticks + 300)
        assert not [line for line in served.said if "host serve came in" in line]
        assert len(served.serving._broker.visitors) == 1, "who asked for the settings has gone"
    found = served.only()
    assert "has ended (host serve has ended)" in "".join(served.said)
    assert (found.session["athlete"], found.session["surface"]) == ("Ann Lee", "grass")
    assert found.session["body_mass_kg"] == "80.0" and len(found.settings[0]) == 28
    in_force = json.loads(found.session["load_in_force"])
    assert in_force["state"] == "armed" and found.devices[0]["ring_samples"] == "3008"
    (asked,) = found.of("/set_load")
    assert asked["pull"]["force_N"] == 130.0 and asked["by"] == "a program" and asked["result"] == "LIMITED"
    assert not found.gaps and len(found.boots[0].samples) > 300


def test_an_unplug_and_a_restart_are_told_in_one_recording(served: Served) -> None:
    with ports.connect(None) as session:
        set_held(session, LOAD, LOAD)
        served.hears("the sled is in use")
        served.sim.rig.cable.is_plugged = False
        served.hears("is away")
        served.sim.rig.cable.is_plugged = True
        served.hears("is there again")
        session.stop()
        wait_for(lambda: status_mode(session) == 0)
        session.request("REBOOT")
        served.hears("has restarted")
        wait_for(lambda: len(served.only().settings) == 2)
    served.serving.__exit__()
    found = served.only()
    assert [each["event"] for each in found.of("/link")] == ["away", "back", "away", "restarted"]
    assert len(found.settings) == 2 and all(len(each) == 28 for each in found.settings)
    assert found.end["restarts"] == "1"


def test_a_file_of_the_user_that_is_damaged_stops_no_recording(served: Served) -> None:
    path = Path(config.path())
    path.parent.mkdir(parents=True)
    path.write_text("this = [is no table")
    with ports.connect(None) as session:
        set_held(session, LOAD, LOAD)
        served.hears("recorded without all that could be known")
        served.hears("the sled is in use")
    served.serving.__exit__()
    assert served.only().devices and not served.only().gaps


def test_what_the_sled_does_not_tell_any_more_is_left_out(
    start: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write(config.Athlete(80.0, "grass", "Ann Lee"))

    def silent(*_: object) -> None:
        raise LinkError("the sled is away", "")

    monkeypatch.setattr(scribe_module, "asked", silent)
    with Served(door(start, "tcp"), tmp_path) as served, ports.connect(None) as session:
        set_held(session, LOAD, LOAD)
        served.hears("recorded without all that could be known: the sled is away")
        served.hears("the sled is in use")
    found = served.only()
    assert found.session["athlete"] == "Ann Lee" and len(found.settings[0]) == 1 and not found.gaps


def test_a_full_disk_is_a_line_and_the_sled_is_served_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ports.connect(None) as session:
        set_held(session, LOAD, LOAD)
        served.hears("the sled is in use")
        with monkeypatch.context() as patch:
            fill(patch, 5000)
            served.hears("the disk is full")
        assert status_mode(session) != 0
        session.stop()
        wait_for(lambda: status_mode(session) == 0)
    found = served.only()
    assert found.mended and len(found.boots[0].samples)


def test_a_disk_that_stands_still_holds_nobody_up_and_what_does_not_fit_ends_the_recording(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write, real = threading.Event(), os.write

    def slow(fd: int, data: bytes) -> int:
        may_write.wait(20)
        return real(fd, data)

    served.scribe._items.maxsize = 20
    with ports.connect(None) as session:
        set_held(session, LOAD, LOAD)
        served.hears("the sled is in use")
        with monkeypatch.context() as patch:
            patch.setattr(appending.os, "write", slow)
            wait_for(lambda: served.scribe._is_behind)
            session.stop()
            wait_for(lambda: status_mode(session) == 0)
            may_write.set()
            served.hears("taken nothing for minutes")
    assert not any(gap.is_declared is False for gap in served.only().gaps)


def test_a_mistake_in_the_recording_thread_is_a_line_and_no_more(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(scribe_module.Recordings, "take", broken)
    served.hears("nothing is recorded any more: RuntimeError: no such thing")
    with ports.connect(None) as session:
        assert status_mode(session) == 0


def test_the_command_records_lists_and_shows_and_says_so(host: Host) -> None:
    with host.sim("--speed", "5") as sim, host.started("serve", "--idle", "3") as process:
        assert process.stdout is not None and "open to every command" in process.stdout.readline()
        assert host("set-load", "130N").code == 0
        while "in use" not in (line := process.stdout.readline()):
            assert line
        name = line.split()[1].rstrip(":")
        (live,) = host("--json", "sessions").answer["sessions"]
        assert (live["id"], live["reason"]) == (name, "")
        assert host("stop").code == 0
        while "has ended" not in (line := process.stdout.readline()):
            assert line
        assert f"recording {name} has ended (neither load nor movement for 3 s)" in line
        shown = host("--json", "show", name).answer
        assert sim["unique_id"] == shown["devices"][0]["unique_id"]
        (asked,) = [event for event in shown["events"] if event["kind"] == "set_load"]
        assert (asked["by"], asked["pull"]["force_N"], asked["result"]) == ("set-load", 130.0, "LIMITED")
        assert "set-load asks for pull and push: 130.0 N" in host("show", name).stdout
        (entry,) = host("--json", "sessions").answer["sessions"]
        assert entry["load"] == "130 N" and entry["lost"] == 0


def test_without_recording_nothing_is_written(host: Host) -> None:
    with host.sim(), host.serve("--no-record") as (_, ready):
        assert ready["recordings"] is None
        assert host("set-load", "130N").code == 0
        assert host("--json", "status").answer["state"] == "armed"
    assert not list(listed(host.environment["SLED_DATA_DIR"]).live) and not (host.folder / "data").exists()


@pytest.mark.parametrize("idle", ["0", "-1", "inf", "nan"])
def test_an_idle_time_that_cannot_be_meant_is_refused(idle: str, host: Host) -> None:
    outcome = host("--json", "serve", "--idle", idle)
    assert outcome.code == 2 and "--idle" in outcome.answer["error"]
