"""`host replay`: a recording as a sled that other commands find."""

import pytest

from tests.host.command_line import ROOT, Host, host
from tests.sim.serving import posix

__all__ = ["host"]

FIRST = str(ROOT / "tests" / "recordings" / "1.0.mcap")


@posix
def test_other_commands_find_the_replay_and_get_its_samples(host: Host) -> None:
    with host.started("replay", FIRST) as process:
        assert process.stdout is not None
        assert "a recording of 807 samples" in process.stdout.readline()
        while not process.stdout.readline().startswith("port socket://"):
            pass
        answer = host("--json", "monitor", "--seconds", "1").answer
        assert 250 < answer["samples"] <= 807 and answer["samples_lost"] == 0
        assert host("--json", "set-load", "130N").code == 4, "a recording takes no load"
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize("arguments", [("nothing",), ("/nowhere/x.mcap",)])
def test_a_recording_that_is_not_there_is_an_error_with_a_way_on(host: Host, arguments: tuple[str]) -> None:
    outcome = host("--json", "replay", *arguments)
    assert outcome.code == 2 and outcome.answer["hint"]
