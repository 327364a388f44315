"""`host sim` moves to another TCP port only when that one is taken, and says why it cannot serve."""

import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from tests.host.command_line import Host, Outcome


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


# Scenarios.

GOOD = """
about = "a hand and an e-stop"
duration_s = 3.0

[[command]]
at_s = 0.2
do = "set-load"
load = "130N"

[[event]]
at_s = 0.5
do = "touch"
force_N = 150
for_s = 1.0

[[fault]]
at_s = 2.0
name = "estop"

[[expect]]
fault = "ESTOP"
after_s = 2.0
within_s = 0.05
"""
BAD = GOOD + "\n[[expect]]\nfaults = []\n"


def written(host: Host, name: str, text: str) -> str:
    (host.folder / name).write_text(text)
    return name


def test_a_scenario_that_goes_as_expected_ends_with_0_and_its_time_line(host: Host) -> None:
    outcome = host("sim", "--scenario", written(host, "good.toml", GOOD))
    assert (outcome.code, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines[0] == "good.toml: a hand and an e-stop"
    for shown in (
        "    0.200 s  command   set-load, load 130N",
        "    0.500 s  event     touch, force_N 150, for_s 1",
        "    2.000 s  fault     estop: begins",
        "    2.005 s  firmware  latched ESTOP",
        "    2.010 s  mode      FAULT",
    ):
        assert shown in lines
    assert any(line.startswith("pass     fault = ESTOP, after_s = 2, within_s = 0.05") for line in lines)
    assert lines[-1].startswith("good.toml passed: ")


def test_a_scenario_that_does_not_ends_with_7_and_how_to_look_closer(host: Host) -> None:
    outcome = host("sim", "--scenario", written(host, "bad.toml", BAD))
    assert outcome.code == 7
    assert "FAIL     faults = none" in outcome.stdout
    last = outcome.stdout.splitlines()[-1]
    assert last.startswith("bad.toml failed: 1 of ") and last.endswith("checks: faults = none")
    assert outcome.stderr.splitlines() == [
        "host: the verdict is a fail; try: host sim --scenario bad.toml --seed 1 --truth truth.csv"
    ]


def test_the_verdict_is_one_json_object_whether_it_is_good_or_bad(host: Host) -> None:
    good = host("--json", "sim", "--scenario", written(host, "good.toml", GOOD), "--seed", "5")
    assert good.code == 0 and good.answer["ok"] and good.answer["passed"] and good.answer["seed"] == 5
    assert {check["outcome"] for check in good.answer["checks"]} == {"pass"}
    assert good.answer["figures"]["faults"] == ["ESTOP"]
    bad = host("--json", "sim", "--scenario", written(host, "bad.toml", BAD))
    assert (bad.code, bad.answer["code"], bad.answer["ok"], bad.answer["passed"]) == (7, 7, False, False)
    assert "faults = none" in bad.answer["error"] and bad.answer["hint"].startswith("host sim --scenario")


def test_the_truth_is_a_table_with_units_beside_what_was_measured(host: Host) -> None:
    outcome = host("sim", "--scenario", written(host, "good.toml", GOOD), "--truth", "truth.csv")
    assert outcome.code == 0 and "600 moments in truth.csv" in outcome.stdout
    heading, *rows = (line.split(",") for line in (host.folder / "truth.csv").read_text().splitlines())
    assert {"time_s", "v_m_per_s", "tow_N", "measured_tow_force_N"} < set(heading)
    assert len(rows) == 600 and {len(row) for row in rows} == {len(heading)}
    at = heading.index("measured_tow_force_N")
    towed = [float(row[at]) for row in rows if 0.6 < float(row[0]) < 1.4]
    assert 140 < sum(towed) / len(towed) < 160


def test_speed_paces_a_scenario(host: Host) -> None:
    text = 'about = "nothing"\nduration_s = 2.0\n'
    name = written(host, "nothing.toml", text)
    paced = host("--json", "sim", "--scenario", name, "--speed", "2").answer
    assert paced["elapsed_ms"] >= 1000


def test_everything_that_can_be_named_is_listed(host: Host) -> None:
    from sim.faults.table import FAULTS
    from sim.people.bodies import ATHLETES

    found = host("--json", "sim", "--list").answer
    assert set(found["athletes"]) == set(ATHLETES) and set(found["faults"]) == set(FAULTS)
    assert "up_and_back" in found["scenarios"] and "stumble" in found["events"]
    lines = host("sim", "--list").stdout.splitlines()
    assert "scenarios:" in lines and any(line.startswith("  estop ") for line in lines)
    words = " ".join(host("sim", "--help").stdout.split())
    assert all(f" {name}" in words for name in ATHLETES), "the help names every kind of athlete"


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        (["--scenario", "up_and_bakc"], "near it is 'up_and_back'", "host sim --list"),
        (["--scenario", "estop"], "near it is 'faults/estop'", "host sim --list"),
        (["--scenario", "no.toml"], "there is no file 'no.toml' (looked in ", "host sim --list"),
        (["--scenario", "empty"], "there is no .toml file in the folder 'empty'", "host sim --list"),
        (["--scenario", "bare.toml"], "bare.toml: it is not TOML", "read sim/scenarios/README.md"),
        (["--scenario", "broken.toml"], "broken.toml: [[fault]] 1: name has no 'estopp'", "host sim --list"),
        (["--serve"], "--serve goes with --scenario", "host sim --list"),
        (["--truth", "x.csv"], "--truth goes with --scenario", "host sim --list"),
        (["--scenario", "walk", "--athlete", "strong"], "--athlete does not go with a scenario that is run",
         "host sim --scenario walk --serve --athlete ..."),
        (["--scenario", "walk", "--speed", "0"], "--speed must be above 0", "host sim --help"),
        (["--scenario", "walk", "--seed", "-1"], "seed must be from 0", "host sim --scenario walk"),
        (["--scenario", "walk", "--lengths", "0"], "--lengths does not go with a scenario", "host sim"),
        (["--scenario", "walk", "--list"], "--list goes alone, without --scenario", "host sim --list"),
        (["--list", "--seed", "0"], "--list goes alone, without --seed", "host sim --list"),
        (["--lengths", "3"], "--lengths says something of an athlete, and there is none",
         "host sim --athlete recreational --lengths"),
        (["--scenario", "cap", "--serve", "--quiet"], "--quiet is for a scenario that is run", "host sim"),
        (["--scenario", "all", "--truth", "x.csv"], "--truth takes one scenario", "host sim --scenario"),
        (["--scenario", "walk", "--truth", "-"], "--truth needs a file", "host sim --scenario"),
        (["--scenario", "walk", "--truth", "empty"], "cannot write 'empty'", "host sim --scenario"),
        (["--scenario", "walk", "--truth", "none/x.csv"], "cannot write 'none/x.csv'", "host sim --scenario"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_before_anything_runs(
    host: Host, words: list[str], says: str, hint: str
) -> None:
    (host.folder / "empty").mkdir()
    written(host, "bare.toml", 'about = "x"\nduration_s = 1\nsurface = turf\n')
    written(host, "broken.toml", 'about = "x"\nduration_s = 1\n[[fault]]\nat_s = 0.1\nname = "estopp"\n')
    outcome = host("--json", "sim", *words)
    assert (outcome.code, outcome.answer["code"]) == (2, 2)
    assert says in outcome.answer["error"] and outcome.answer["hint"].startswith(hint)


def test_a_file_that_is_there_is_replaced_only_by_a_whole_table(host: Host) -> None:
    old = written(host, "old.csv", "old")
    assert host("sim", "--scenario", "walk", "--seed", "-1", "--truth", old).code == 2
    assert (host.folder / old).read_text() == "old"
    stopped = interrupted(host, "--scenario", "walk", "--speed", "1", "--truth", old)
    assert stopped.code == 130 and (host.folder / old).read_text() == "old"
    name = written(host, "good.toml", GOOD)
    assert host("sim", "--scenario", name, "--truth", old).code == 0
    assert (host.folder / old).read_text().startswith("time_s,")
    assert sorted(each.name for each in host.folder.glob("*.*")) == ["good.toml", "old.csv"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_truth_that_cannot_be_written_costs_nobody_the_verdict(host: Host) -> None:
    name = written(host, "good.toml", GOOD)
    outcome = host("sim", "--scenario", name, "--truth", "/dev/full")
    assert outcome.code == 2 and outcome.stdout.splitlines()[-1].startswith("good.toml passed: ")
    assert outcome.stderr.startswith("host: cannot write '/dev/full': ")
    answer = host("--json", "sim", "--scenario", name, "--truth", "/dev/full").answer
    assert (answer["ok"], answer["code"], answer["passed"]) == (False, 2, True)


def interrupted(host: Host, *words: str) -> Outcome:
    """The outcome of `host sim` that is interrupted once it has said something of its time line."""
    process = subprocess.Popen(
        host.command("sim", *words), env=host.environment, cwd=host.folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    while " s  " not in said:
        said = process.stdout.readline()
        assert said
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    return Outcome(process.returncode, out, err)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_a_scenario_that_is_stopped_says_where_and_that_there_is_no_verdict(host: Host) -> None:
    outcome = interrupted(host, "--scenario", "walk", "--speed", "1")
    assert outcome.code == 130 and "host status" not in outcome.stderr
    assert re.match(r"host: walk stopped at \d\.\d s of 18 s; no verdict; try: host sim ", outcome.stderr)


def test_several_scenarios_or_a_folder_have_one_line_each_and_fail_together(host: Host) -> None:
    (host.folder / "mine").mkdir()
    written(host, "mine/a.toml", GOOD)
    good = host("sim", "--scenario", "mine", "--scenario", written(host, "good.toml", GOOD))
    assert (good.code, good.stderr) == (0, "")
    assert [line.split(":")[0] for line in good.stdout.splitlines()] == [
        f"{os.path.join('mine', 'a.toml')} passed", "good.toml passed", "all 2 scenarios passed"
    ]  # fmt: skip
    written(host, "mine/my bad.toml", BAD)
    bad = host("sim", "--scenario", "mine")
    assert bad.code == 7 and bad.stdout.splitlines()[-1].startswith("1 of 2 scenarios failed: mine")
    assert bad.stderr.rstrip().endswith("host sim --scenario 'mine/my bad.toml'")
    answer = host("--json", "sim", "--scenario", "mine").answer
    assert not answer["passed"] and [each["passed"] for each in answer["verdicts"]] == [True, False]


def test_quiet_leaves_the_last_line(host: Host) -> None:
    outcome = host("sim", "--scenario", written(host, "good.toml", GOOD), "--quiet")
    assert outcome.code == 0 and outcome.stdout.startswith("good.toml passed: ")
    assert len(outcome.stdout.splitlines()) == 1


def test_figures_have_no_digits_that_mean_nothing(host: Host) -> None:
    outcome = host("--json", "sim", "--scenario", "walk", "--truth", "truth.csv")
    assert all(len(str(event["time_s"])) <= 6 for event in outcome.answer["events"])
    _, *rows = ((host.folder / "truth.csv").read_text()).splitlines()
    assert not [cell for row in rows for cell in row.split(",") if "e" in cell or len(cell) > 12]


def test_everything_an_expectation_can_name_is_listed_with_its_meaning(host: Host) -> None:
    from protocol import codes
    from sim.scenario import expectation
    from sim.truth import Moment

    found = host("--json", "sim", "--list").answer
    for keys, names in (
        ("quantity", Moment._fields),
        ("sample", expectation.SAMPLE_QUANTITIES),
        ("statistic", expectation.STATISTICS),
        ("total", expectation.TOTALS),
        ("each_length", expectation.LENGTH_VALUES),
        ("fault, faults, faults_seen, reported", [fault.name for fault in codes.FAULTS]),
    ):
        rows = found[f"for [[expect]], {keys}"]
        assert list(rows) == list(names) and all(rows.values())
    assert not [name for name, about in found["scenarios"].items() if about.endswith(" (not yet)")]


def test_a_scenario_that_is_served_tells_its_time_line_and_what_to_type(host: Host) -> None:
    text = GOOD.replace('load = "130N"', 'load = "130N"\npush = "20kg+cap:1m/s"')
    process = subprocess.Popen(
        host.command("sim", "--scenario", written(host, "good.toml", text), "--serve", "--no-pty",
                     "--tcp-port", "0", "--speed", "4"),
        env=host.environment, cwd=host.folder, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    too_long = threading.Timer(20.0, process.terminate)  # a line that never comes is a fail, not a hang
    too_long.start()
    try:
        assert process.stdout is not None
        said: list[str] = []
        while not said or "latched ESTOP" not in said[-1]:
            said.append(process.stdout.readline().rstrip())
            assert said[-1], said
    finally:
        too_long.cancel()
        process.terminate()
        process.communicate(timeout=20)
    assert "  at 0.2 s: host set-load 130N --push 20kg+cap:1m/s" in said
    assert "    0.500 s  event     touch, force_N 150, for_s 1" in said
    assert "    2.000 s  fault     estop: begins" in said


def test_a_scenario_can_be_served_with_its_faults_and_its_commands_left_to_others(host: Host) -> None:
    text = GOOD.replace("at_s = 2.0\nname", "at_s = 0.1\nname")
    with host.sim("--scenario", written(host, "good.toml", text), "--serve", "--no-pty") as announced:
        port = announced["ports"][0]
        for _ in range(50):
            answer = host("--json", "--port", port, "status").answer
            if answer["state"] == "fault":
                break
        assert answer["state"] == "fault" and "ESTOP" in str(answer["faults"])
