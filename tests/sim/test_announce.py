"""Announcements: believed while their process lives, deleted after, and never half a file."""

import json
import os
import stat
import subprocess
import sys

import pytest

from protocol import announce

PORTS = ("/dev/pts/3", "socket://127.0.0.1:5333")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SLED_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "sled"


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(folder, process, **changes):
    folder.mkdir(exist_ok=True)
    path = folder / f"sim-{process}.json"
    path.write_text(json.dumps({"pid": process, "ports": list(PORTS), "unique_id": "ab", **changes}))
    return path


def test_an_announcement_lives_from_publish_to_withdraw(folder):
    assert announce.announcements() == []
    path = announce.publish(PORTS, "73696d")
    assert os.listdir(folder) == [f"sim-{os.getpid()}.json"]
    assert announce.announcements() == [announce.Announcement(os.getpid(), PORTS, "73696d")]
    announce.publish(PORTS[:1], "73696d")
    assert announce.announcements()[0].ports == PORTS[:1]
    announce.withdraw(path)
    announce.withdraw(path)
    assert announce.announcements() == [] and os.listdir(folder) == []


def test_what_a_dead_process_left_is_ignored_and_deleted(folder):
    path = write(folder, dead_pid())
    living = announce.publish(PORTS, "01")
    assert [found.pid for found in announce.announcements()] == [os.getpid()]
    assert not path.exists() and os.path.exists(living)


@pytest.mark.parametrize(
    "changes",
    [
        {"ports": []},
        {"ports": "x"},
        {"ports": [1]},
        {"pid": "1"},
        {"pid": -1},
        {"pid": True},
        {"unique_id": None},
    ],
)
def test_a_file_that_is_no_announcement_is_deleted(folder, changes):
    path = write(folder, os.getpid(), **changes)
    assert announce.announcements() == []
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}'])
def test_a_broken_file_is_deleted(folder, text):
    path = write(folder, os.getpid())
    path.write_text(text)
    assert announce.announcements() == []
    assert not path.exists()


def test_other_files_are_left_alone(folder):
    folder.mkdir()
    other = folder / "notes.json"
    other.write_text("{}")
    assert announce.announcements() == []
    assert other.exists()


def test_several_simulators_come_in_order_of_their_process(folder):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        write(folder, other.pid)
        announce.publish(PORTS, "01")
        assert [found.pid for found in announce.announcements()] == sorted([os.getpid(), other.pid])
    finally:
        other.communicate(b"\n")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_folder_is_closed_to_other_users(folder):
    announce.publish(PORTS, "01")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="user numbers of POSIX")
def test_a_folder_of_another_user_is_not_trusted(folder, monkeypatch):
    announce.publish(PORTS, "01")
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    assert announce.announcements() == []
    with pytest.raises(PermissionError, match="SLED_RUNTIME_DIR"):
        announce.publish(PORTS, "01")


def test_the_folder_follows_the_environment(tmp_path, monkeypatch):
    assert announce.directory() == os.path.join(str(tmp_path), "sled")
    monkeypatch.delenv("SLED_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/me")
    assert announce.directory() == os.path.join("/run/me", "sled")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    if hasattr(os, "getuid"):
        assert announce.directory().endswith(os.path.join(f"sled-{os.getuid()}", "sled"))
