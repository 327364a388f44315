"""The contract with scripts: one JSON object, the exit codes, one error line, options on either side."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.host.command_line import Host

SET_LOAD = ("set-load", "50%bw", "--bodyweight", "80kg", "--surface", "turf")

TERMS = {
    "inertia_kg": 40.0,
    "viscous_N_s_per_m": 0.0,
    "quadratic_N_s2_per_m2": 0.0,
    "stiffness_N_per_m": 0.0,
    "speed_cap_m_per_s": None,
}


def test_set_load_answers_as_the_contract_shows(host: Host) -> None:
    outcome = host("--port", "sim://", "--json", *SET_LOAD)
    answer = outcome.answer
    assert (outcome.code, outcome.stderr) == (0, "")
    assert isinstance(answer.pop("elapsed_ms"), float)
    device = answer.pop("device")
    assert (
        set(device) == {"unique_id", "firmware", "simulated", "build", "slot", "on_trial"}
        and device["simulated"] is True
    )
    assert answer == {
        "ok": True,
        "requested": {
            "text": "50%bw",
            "body_mass_kg": 80.0,
            "surface": "turf",
            "friction": 0.33,
            "sled_mass_kg": 40.0,
        },
        "pull": {"force_N": 129.4, **TERMS},
        "push": {"force_N": 129.4, **TERMS},
        "limited_by": [],
        "state": "armed",
    }


def test_another_load_for_pushing_leaves_pulling_as_it_was(host: Host) -> None:
    answer = host("--json", "--port", "sim://", *SET_LOAD, "--push", "100N+cap:1.2m/s").answer
    assert answer["pull"]["force_N"] == 129.4 and answer["pull"]["speed_cap_m_per_s"] is None
    assert answer["push"]["force_N"] == 100.0 and answer["push"]["speed_cap_m_per_s"] == 1.2
    assert answer["requested"]["push"]["text"] == "100N+cap:1.2m/s"


def test_a_load_beyond_the_sled_is_applied_as_near_as_possible_and_reported(host: Host) -> None:
    outcome = host("--json", "--port", "sim://", "set-load", "900N")
    assert outcome.code == 0
    assert outcome.answer["pull"]["force_N"] == 800.0
    assert "force_max" in outcome.answer["limited_by"]


def test_a_mass_beyond_the_sled_is_limited_by_the_sled_and_not_refused(host: Host) -> None:
    outcome = host("--json", "--port", "sim://", "set-load", "400kg", "--surface", "turf")
    assert outcome.code == 0 and outcome.answer["requested"]["sled_mass_kg"] == 400
    assert outcome.answer["pull"]["force_N"] == 800.0 and "force_max" in outcome.answer["limited_by"]


def test_people_read_newtons_kilograms_and_what_limited_it(host: Host) -> None:
    lines = host("--port", "sim://", *SET_LOAD).stdout
    assert "129.4 N" in lines and "40.0 kg" in lines and "limited" not in lines
    lines = host("--port", "sim://", "set-load", "900N").stdout
    assert "800.0 N" in lines and "limited by force_max" in lines


def test_status_shows_the_load_and_the_machine(host: Host) -> None:
    answer = host("--port", "sim://", "--json", "status").answer
    assert {
        "pull", "push", "limited_by", "state", "device", "force_N", "velocity_m_per_s", "position_m",
        "faults", "temperature_C", "bus_V", "elapsed_ms",
    } <= set(answer)  # fmt: skip
    assert answer["state"] == "idle" and answer["faults"] == [] and 40 < answer["bus_V"] < 60


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "--port", "sim://", "status"),
        ("status", "--json", "--port", "sim://"),
        ("--port", "sim://", "status", "--json"),
        ("--port", "carrier-pigeon://7", "--json", "status", "--port", "sim://"),
    ],
)
def test_global_options_work_on_either_side_and_the_later_one_counts(
    host: Host, words: tuple[str, ...]
) -> None:
    assert host(*words).answer["ok"] is True


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("bogus",),
        ("set-load",),
        ("set-load", "50%bw", "60%bw"),
        ("set-load", "50%bw", "--bodywieght", "80kg"),
        ("--port",),
        ("status", "--port"),
        ("status", "extra"),
        ("monitor", "--seconds", "soon"),
        ("monitor", "--seconds", "nan", "--port", "sim://"),
        ("monitor", "--every", "0", "--port", "sim://"),
        ("demo", "--rounds", "0"),
        ("demo", "--athlete", "nobody"),
        ("demo", "--port", "socket://127.0.0.1:9"),
        ("sim", "--speed", "0", "--tcp-port", "0"),
        ("sim", "--tcp-port", "99999"),
        ("sim", "--athlete", "nobody", "--tcp-port", "0"),
        ("athlete", "--bodyweight", "80"),
        ("athlete", "--surface", "ice"),
        ("--port", "carrier-pigeon://7", "status"),
        ("--port", "", "status"),
        ("--port", "socket://127.0.0.1:65536", "status"),
        ("--port", "socket://127.0.0.1:\N{SUPERSCRIPT TWO}", "status"),
        ("--port", "socket://127.0.0.1:\N{ARABIC-INDIC DIGIT FIVE}", "status"),
    ],
)
def test_bad_usage_is_code_2_in_both_forms(host: Host, words: tuple[str, ...]) -> None:
    with_json = host(*words, "--json") if words[-1:] != ("--port",) else host("--json", *words)
    assert with_json.code == 2
    answer = with_json.answer
    assert answer["ok"] is False and answer["code"] == 2 and answer["error"] and answer["hint"]
    plain = host(*words)
    assert (plain.code, plain.stdout) == (2, "")
    if words:
        assert len(plain.stderr.splitlines()) == 1
        assert plain.stderr.startswith("host: ") and "; try: host" in plain.stderr
    else:
        assert "Commands:" in plain.stderr  # nothing was typed: teach


def test_a_misspelt_command_is_answered_with_the_near_one(host: Host) -> None:
    assert host("--json", "set-laod", "50%bw").answer["hint"] == "host set-load"


@pytest.mark.parametrize(
    "command",
    ["set-load", "stop", "status", "clear", "monitor", "demo", "sim", "ports", "athlete", "flash", "recover"],
)
def test_every_command_teaches_with_examples_and_exit_codes(host: Host, command: str) -> None:
    outcome = host(command, "--help")
    assert outcome.code == 0
    assert f"host {command}" in outcome.stdout and "Examples:" in outcome.stdout
    assert "6  versions do not match" in outcome.stdout and "--json" in outcome.stdout


def test_help_is_one_json_object_too(host: Host) -> None:
    assert "set-load" in host("--json", "--help").answer["help"]
    assert "LOAD" in host("set-load", "--help", "--json").answer["help"]


def test_body_mass_and_surface_are_remembered(host: Host) -> None:
    assert host("athlete", "--bodyweight", "176lb").code == 0
    assert host("athlete", "--surface", "grass").code == 0
    assert host("--json", "athlete").answer["body_mass_kg"] == 79.832
    answer = host("--json", "--port", "sim://", "set-load", "50%bw").answer
    assert answer["requested"]["surface"] == "grass" and answer["requested"]["sled_mass_kg"] == 39.916


def test_the_monitor_counts_every_sample(host: Host) -> None:
    answer = host("--json", "--port", "sim://", "monitor", "--seconds", "3").answer
    assert answer["samples_lost"] == 0 and answer["samples"] >= 3000 and answer["damaged_frames"] == 0
    lines = host("--port", "sim://", "monitor", "--seconds", "3", "--every", "0.5").stdout.splitlines()
    assert sum(" m/s " in line and "idle" in line for line in lines) == 6


def test_stop_and_clear_work_on_an_idle_sled(host: Host) -> None:
    assert host("--json", "--port", "sim://", "stop").answer["stopped"] == "ramp"
    assert host("--json", "--port", "sim://", "stop", "--drop").answer["stopped"] == "drop"
    assert host("--json", "--port", "sim://", "clear").answer["cleared"] == []


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_reader_that_goes_away_ends_the_monitor_quietly(host: Host) -> None:
    words = host.command("--port", "sim://", "monitor", "--every", "0.001")
    with subprocess.Popen(
        words,
        env=host.environment,
        cwd=host.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as monitor:
        assert monitor.stdout is not None and monitor.stderr is not None
        assert "simulated sled" in monitor.stdout.readline()
        monitor.stdout.close()
        assert monitor.stderr.read() == ""
        assert monitor.wait(timeout=20) == 0


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_ctrl_c_ends_the_monitor_with_its_summary(host: Host) -> None:
    with subprocess.Popen(
        host.command("--port", "sim://", "--json", "monitor"),
        env=host.environment, cwd=host.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as monitor:  # fmt: skip
        time.sleep(1.0)
        monitor.send_signal(signal.SIGINT)
        stdout, stderr = monitor.communicate(timeout=20)
    assert (monitor.returncode, stderr) == (0, "")
    answer = json.loads(stdout)
    assert answer["ok"] and answer["samples"] > 1000 and answer["samples_lost"] == 0


def test_the_demo_writes_its_summary_and_pulls_what_the_law_asks(host: Host, tmp_path: Path) -> None:
    outcome = host("--json", "demo", "--rounds", "1", "--lane", "20ft")
    assert outcome.code == 0
    summary = json.loads((tmp_path / "build/demo/summary.json").read_text(encoding="utf-8"))
    for key in (
        "lengths", "distance_m", "mean_pull_force_N", "mean_push_force_N", "work_J", "duration_s", "samples",
        "samples_lost",
    ):  # fmt: skip
        assert summary[key] == outcome.answer[key]
    assert summary["lengths"] == 2 and summary["samples_lost"] == 0
    assert summary["distance_m"] == pytest.approx(2 * 6.096, rel=0.02)
    for direction in ("pull", "push"):
        assert summary[f"mean_{direction}_force_N"] == pytest.approx(129.4, rel=0.02)
        assert summary[f"mean_{direction}_force_N"] == pytest.approx(
            summary[f"law_{direction}_force_N"], rel=0.02
        )
    assert summary["work_J"] == pytest.approx(summary["distance_m"] * 129.4, rel=0.03)


def test_the_demo_shows_each_length_as_it_ends(host: Host) -> None:
    lines = host("demo", "--rounds", "1", "--lane", "5m", "--out", "summary.json").stdout
    assert "length  1/2  push" in lines and "length  2/2  pull" in lines and "lost 0" in lines
