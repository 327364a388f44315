"""A held load lives in the device: it outlasts the program that set it, and any number of others."""

import os
import time

import pytest

from tests.host.command_line import Host

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")


def test_a_load_set_by_one_process_is_seen_by_the_next_and_survives(host: Host) -> None:
    # 60 times faster, so that a second here is a minute for the sled.
    with host.sim("--speed", "60") as sim:
        assert len(sim["ports"]) == 2
        applied = host("--json", "set-load", "50%bw", "--bodyweight", "80kg").answer
        time.sleep(1.2)
        status = host("--json", "status").answer
        assert status["state"] == "armed" and status["device"] == applied["device"]
        assert (status["pull"], status["push"]) == (applied["pull"], applied["push"])
        assert host("--json", "stop").code == 0
        assert host("--json", "status").answer["state"] == "idle"


def test_both_doors_of_one_simulator_lead_to_one_sled(host: Host) -> None:
    with host.sim() as sim:
        pty, tcp = sim["ports"]
        assert host("--json", "--port", tcp, "set-load", "130N").code == 0
        assert host("--json", "--port", pty, "status").answer["pull"]["force_N"] == 130.0
        listed = host("--json", "ports").answer["ports"]
        assert len(listed) == 1 and listed[0]["device"]["unique_id"] == sim["unique_id"]


def test_two_simulators_are_several_sleds_until_one_is_named(host: Host) -> None:
    with host.sim("--seed", "1") as one, host.sim("--seed", "2") as two:
        outcome = host("--json", "status")
        assert outcome.code == 3 and "several sleds" in outcome.answer["error"]
        for sim in (one, two):
            answer = host("--json", "--port", sim["ports"][0], "status").answer
            assert answer["device"]["unique_id"] == sim["unique_id"]


def test_an_athlete_at_a_served_sled_is_measured_over_the_line(host: Host) -> None:
    with host.sim("--athlete", "recreational", "--lengths", "2", "--lane", "4m", "--speed", "4"):
        host("set-load", "50%bw", "--bodyweight", "80kg")
        answer = host("--json", "monitor", "--seconds", "6").answer
        assert answer["lengths"] == 2 and answer["samples_lost"] == 0
        assert answer["mean_pull_force_N"] == pytest.approx(129.4, rel=0.03)
