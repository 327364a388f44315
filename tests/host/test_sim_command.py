"""`host sim` moves to another TCP port only when that one is taken, and says why it cannot serve."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.host.command_line import Host


def test_a_folder_that_cannot_hold_the_announcement_is_named_and_starts_no_second_sled(
    host: Host, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    host.environment["SLED_RUNTIME_DIR"] = str(tmp_path / "file")
    outcome = host("--json", "sim", timeout_s=20)
    answer = outcome.answer
    assert (outcome.code, answer["code"]) == (5, 5)
    assert "cannot announce" in answer["error"] and str(tmp_path) in answer["error"]
    assert "SLED_RUNTIME_DIR=" in answer["hint"]


def test_a_taken_tcp_port_that_was_asked_for_is_named(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        answer = host("--json", "sim", "--tcp-port", str(number), timeout_s=20).answer
    assert answer["code"] == 5 and f"port {number} is in use" in answer["error"]
    assert answer["hint"] == "host sim --tcp-port 0"


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_reader_that_goes_away_ends_the_simulator_and_starts_no_second_one(host: Host) -> None:
    near, far = os.pipe()
    os.close(near)
    try:
        done = subprocess.run(
            host.command("sim"), env=host.environment, cwd=host.folder, stdout=far, stderr=subprocess.PIPE,
            timeout=20,
        )  # fmt: skip
    finally:
        os.close(far)
    assert (done.returncode, done.stderr) == (0, b"")
