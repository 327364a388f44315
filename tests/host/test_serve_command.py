"""`host serve` and the commands that go through it, each in a process of its own, and how each may die."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.host.command_line import Host

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends processes by POSIX signals")

LEASE = """
from host import ports
from host.loading import set_leased
from host.loads import Load
session = ports.connect(None)
set_leased(session, Load(force_N=130.0), Load(force_N=130.0), lease_ms=500)
print("set", flush=True)
for _ in session.messages(3600.0):
    pass
"""


@pytest.fixture
def sim(host: Host) -> Iterator[dict[str, Any]]:
    with host.sim() as sim:
        yield sim


def eventually(host: Host, state: str) -> None:
    deadline_s = time.monotonic() + 20
    while host("--json", "status").answer["state"] != state:
        assert time.monotonic() < deadline_s


def test_every_command_works_through_it(host: Host, sim: dict[str, Any]) -> None:
    with host.serve() as (process, ready):
        assert ready["ok"] and ready["pid"] == process.pid and ready["port"] == sim["ports"][0]
        assert ready["device"]["unique_id"] == sim["unique_id"]
        for port in ((), ("--port", sim["ports"][0]), ("--port", sim["ports"][1])):
            applied = host("--json", *port, "set-load", "130N").answer
            assert applied["pull"]["force_N"] == 130.0
        assert host("--json", "status").answer["state"] == "armed"
        with host.started("--json", "monitor", "--seconds", "2") as monitor:
            assert host("--json", "stop").answer["stopped"] == "ramp"
            assert monitor.stdout is not None
            watched = json.loads(monitor.stdout.read())
        assert watched["samples_lost"] == 0 and watched["samples"] > 0
        eventually(host, "idle")
        assert host("--json", "settings", "set", "rolling_mN=11000").code == 0
        assert host("--json", "settings").code == 0
        assert host("--json", "clear").answer["cleared"] == []
        (listed,) = host("--json", "ports").answer["ports"]
        assert listed["device"]["unique_id"] == sim["unique_id"] and "host serve" in listed["what"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_when_it_ends_the_load_stays_and_the_port_is_free(
    host: Host, sim: dict[str, Any], ending: signal.Signals
) -> None:
    with host.started("--port", sim["ports"][0], "serve", "--no-record") as process:
        assert process.stdout is not None
        assert "open to every command" in process.stdout.readline()
        assert host("set-load", "130N").code == 0
        process.send_signal(ending)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert said.splitlines() == [
        "set-load came in (1 connected)",
        "set-load left",
        "ended; a load that is held stays in force",
    ]
    assert not list(host.folder.glob("runtime/sled/serve-*"))
    assert host("--json", "status").answer["pull"]["force_N"] == 130.0


def test_a_second_one_says_who_has_the_sled(host: Host, sim: dict[str, Any]) -> None:
    with host.serve() as (process, _):
        for port in ((), ("--port", sim["ports"][0]), ("--port", sim["ports"][1])):
            outcome = host("--json", *port, "serve")
            assert outcome.code == 5 and f"process {process.pid}" in outcome.answer["error"]


def test_a_port_that_another_program_has_is_an_error(host: Host, sim: dict[str, Any]) -> None:
    import fcntl

    with open(sim["ports"][0], "rb") as port:
        fcntl.flock(port, fcntl.LOCK_EX)
        outcome = host("--json", "--port", sim["ports"][0], "serve")
    assert outcome.code == 5 and "in use by another program" in outcome.answer["error"]


def test_without_a_sled_and_with_several_it_does_not_guess(host: Host) -> None:
    assert host("--json", "serve").code == 3
    with host.sim("--seed", "1"), host.sim("--seed", "2"):
        outcome = host("--json", "serve")
        assert outcome.code == 3 and "several sleds" in outcome.answer["error"]


def test_a_sled_inside_one_command_cannot_be_shared(host: Host) -> None:
    outcome = host("--json", "--port", "sim://", "serve")
    assert outcome.code == 2 and "host sim" in outcome.answer["hint"]


def test_several_servers_are_an_error_until_one_is_named(host: Host) -> None:
    with host.sim("--seed", "1") as one, host.sim("--seed", "2") as two, contextlib.ExitStack() as stack:
        for sim in (one, two):
            stack.enter_context(host.serve("--port", sim["ports"][0]))
        outcome = host("--json", "status")
        assert outcome.code == 3 and all(sim["ports"][0] in outcome.answer["error"] for sim in (one, two))
        answer = host("--json", "--port", two["ports"][0], "status").answer
        assert answer["device"]["unique_id"] == two["unique_id"]


def test_after_its_sudden_death_commands_find_the_port_itself(host: Host, sim: dict[str, Any]) -> None:
    with host.serve() as (process, _):
        assert len(list(host.folder.glob("runtime/sled/serve-*"))) == 1
        process.kill()
        process.wait()
        assert host("--json", "set-load", "130N").answer["pull"]["force_N"] == 130.0
    assert not list(host.folder.glob("runtime/sled/serve-*"))


def test_one_that_hangs_holds_up_no_stop(host: Host, sim: dict[str, Any]) -> None:
    with host.serve() as (process, _):
        process.send_signal(signal.SIGSTOP)
        try:
            for port in ((), ("--port", sim["ports"][0])):
                outcome = host("--json", *port, "stop")
                assert outcome.code == 5 and "press the emergency stop" in outcome.answer["error"]
                assert f"kill -9 {process.pid}" in outcome.answer["hint"]
        finally:
            process.send_signal(signal.SIGCONT)
        assert host("--json", "stop").code == 0


def test_a_load_that_a_killed_program_kept_alive_lapses(host: Host, sim: dict[str, Any]) -> None:
    with host.serve():
        program = subprocess.Popen(
            [sys.executable, "-c", LEASE],
            cwd=host.folder, env=host.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with program:
            assert program.stdout is not None and program.stdout.readline() == "set\n"
            assert host("--json", "status").answer["hold"] == "leased"
            program.kill()
        eventually(host, "idle")


def test_a_command_that_stands_still_costs_another_nothing(host: Host, sim: dict[str, Any]) -> None:
    with host.serve(), host.started("--json", "monitor", "--seconds", "3600") as stopped:
        watched = host("--json", "monitor", "--seconds", "0.5").answer
        stopped.send_signal(signal.SIGSTOP)
        watched = host("--json", "monitor", "--seconds", "2").answer
        stopped.send_signal(signal.SIGCONT)
        assert watched["samples_lost"] == 0 and watched["samples"] > 0


def test_its_core_needs_no_numpy(host: Host) -> None:
    program = "import sys, host.sharing.serving, host.commands.serve; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=host.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_setting_a_load_through_it_imports_nothing_heavy(host: Host, sim: dict[str, Any]) -> None:
    from tests.host.test_start_up import DENIED, imported

    denied = (*(name for name in DENIED if name != "json"), "serial", "hmac")
    with host.serve():
        assert imported(host, denied, "set-load", "130N") == "[]"
