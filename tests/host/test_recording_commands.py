"""Record, list, show and export by what people type."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.recording.reading import Recording
from tests.host.command_line import Host
from tests.host.recordings import batch, write

SIM = "sim://?athlete=recreational&lengths=2&lane_m=4"
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and a pseudo-terminal")


def only_recording(host: Host) -> Recording:
    (path,) = Path(host.environment["SLED_DATA_DIR"]).glob("*.mcap")
    return Recording(str(path))


def test_a_session_is_recorded_listed_shown_and_exported(host: Host) -> None:
    host("athlete", "--name", "Ann Lee", "--bodyweight", "80kg", "--surface", "grass")
    words = ["record", "--seconds", "20", "--load", "50%bw", "--note", "good"]
    recorded = host("--json", "--port", SIM, *words).answer
    assert recorded["ok"] and recorded["samples"] >= 20_000 and recorded["samples_lost"] == 0
    (listed,) = host("--json", "sessions").answer["sessions"]
    assert (listed["id"], listed["athlete"], listed["load"]) == (recorded["id"], "Ann Lee", "50%bw")
    assert listed["samples"] == recorded["samples"] and listed["simulated"] is True
    shown = host("--json", "show", recorded["id"][:2]).answer
    assert shown["session"]["surface"] == "grass" and shown["session"]["body_mass_kg"] == "80.0"
    resolved = json.loads(shown["session"]["load_resolved"])
    assert resolved["inertia_kg"] == 40.0
    assert len(shown["settings"][0]) == 28 and shown["settings"][0]["hold_s"] == 600
    assert [event["words"] for event in shown["events"]] == ["note: good", "no load in force"]
    assert shown["boots"][0]["clock"]["readings"] > 15
    totals = {name: value for name, value in shown["totals"].items() if name != "version"}
    assert all(recorded[name] == value for name, value in totals.items())
    for format_ in ("csv", "parquet"):
        exported = host("--json", "export", "last", f"--{format_}").answer
        assert exported["rows"] == recorded["samples"]
        assert (host.folder / f"{recorded['id']}.{format_}").stat().st_size > 100_000


def test_people_are_told_the_id_and_what_to_type_next(host: Host) -> None:
    done = host("--port", "sim://", "record", "--seconds", "2.5")
    assert done.code == 0 and "0 lost" in done.stdout
    name = only_recording(host).id
    assert f"host show {name}" in done.stdout and f"host export {name} --csv" in done.stdout
    assert name in host("sessions").stdout
    shown = host("show", "last").stdout
    assert "athlete unknown" in shown and "no load in force" in shown and "host time ±" in shown
    exported = host("export", name, "--csv", "--out", "a/table.csv")
    assert exported.code == 0 and (host.folder / "a" / "table.csv").exists()


def test_nothing_recorded_yet_is_said_with_the_command_that_does(host: Host) -> None:
    assert "host record" in host("sessions").stdout
    for words in (["show", "last"], ["export", "last", "--csv"]):
        done = host(*words)
        assert done.code == 2 and done.stderr.endswith("try: host record\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["record", "--seconds", "-1"], "--seconds"),
        (["--port", "sim://", "record", "--load", "50%"], "percent of what"),
        (["--port", "sim://", "record", "--athlete", " "], "name"),
        (["--port", "sim://", "record", "--surface", "lava"], "lava"),
        (["show", "zzzz"], "no recording 'zzzz'"),
        (["export", "last"], "--csv or --parquet"),
        (["export", "last", "--csv", "--parquet"], "--csv or --parquet"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(words: list[str], said: str, host: Host) -> None:
    write(Path(host.environment["SLED_DATA_DIR"]), [batch(0)])
    done = host(*words)
    assert done.code == 2 and said in done.stderr and "try: host" in done.stderr
    assert only_recording(host).end, "and nothing new was recorded"


def test_a_recording_never_sets_a_load_but_tells_what_is_in_force(host: Host) -> None:
    with host.sim("--speed", "20"):
        host("set-load", "130N")
        recorded = host("--json", "record", "--seconds", "1", "--load", "40kg").answer
        assert host("--json", "status").answer["pull"]["force_N"] == 130.0
        shown = host("--json", "show", recorded["id"]).answer
        in_force = json.loads(shown["session"]["load_in_force"])
        assert in_force["pull"]["force_N"] == 130.0 and shown["session"]["load_requested"] == "40kg"
        assert any(event["kind"] == "load" and event["pull"]["force_N"] == 130.0 for event in shown["events"])


def test_a_damaged_file_does_not_stop_the_list(host: Host) -> None:
    folder = Path(host.environment["SLED_DATA_DIR"])
    write(folder, [batch(0)])
    (folder / "2020-01-01_000000_aaaa.mcap").write_bytes(b"no")
    done = host("sessions", "--rebuild")
    assert done.code == 0 and "aaaa.mcap" in done.stderr and "50%bw" in done.stdout
    done = host("show", "aaaa")
    assert done.code == 8 and "does not begin like an MCAP file" in done.stderr


@contextlib.contextmanager
def recording(host: Host, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        host.command("record", *words),
        cwd=host.folder, env=host.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def samples_said(process: subprocess.Popen[str], at_least: int) -> int:
    """Wait for a line per second that tells of so many samples."""
    assert process.stdout is not None
    for line in process.stdout:
        words = line.split()
        if "samples," in words and int(words[words.index("samples,") - 1]) >= at_least:
            return int(words[words.index("samples,") - 1])
    raise AssertionError("the recording ended by itself")


@posix
def test_ctrl_c_ends_a_recording_in_order(host: Host) -> None:
    with host.sim("--speed", "5"), recording(host) as process:
        said = samples_said(process, 1000)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "recorded" in out
        found = only_recording(host)
        assert found.end["reason"] == "Ctrl-C" and int(found.end["samples"]) >= said


@posix
def test_a_killed_recording_has_every_sample_it_had_told_of(host: Host) -> None:
    rng = random.Random(1)
    with host.sim("--speed", "5"):
        for _ in range(3):
            with recording(host) as process:
                said = samples_said(process, 1000)
                time.sleep(rng.random() / 50)
                process.kill()
                process.wait()
            shown = host("--json", "show", "last").answer
            assert shown["totals"]["samples"] >= said and shown["totals"]["samples_lost"] == 0
            assert shown["mended"].startswith("it had not been closed: recovered")
            (path,) = (Path(host.environment["SLED_DATA_DIR"])).glob("*.mcap")
            path.unlink()


def test_a_recording_goes_on_over_an_unplug_and_says_so(host: Host) -> None:
    port = "sim://?scenario=unplug_for_long"
    done = host("--port", port, "record", "--seconds", "20")
    assert done.code == 0, done.stderr
    assert "the link has dropped" in done.stdout and "the sled is back" in done.stdout
    found = only_recording(host)
    assert [each["event"] for each in found.of("/link")] == ["away", "back"]
    (gap,) = found.gaps
    assert gap.is_declared and gap.sample_count == int(found.end["lost"]) > 1000
    told = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("lost ")]
    assert sum(told) == gap.sample_count


def test_a_restart_of_the_sled_is_one_recording_with_two_boots(host: Host) -> None:
    done = host("--port", "sim://?scenario=watchdog_reset", "record", "--seconds", "20")
    assert done.code == 0, done.stderr
    assert "and has restarted" in done.stdout
    found = only_recording(host)
    assert len(found.boots) == 2 and found.end["restarts"] == "1"
    assert [each["boot_id"] for each in found.settings] == [boot.boot_id for boot in found.boots]
    shown = host("show", "last").stdout
    assert shown.count("clock read") == 2 and "link restarted after" in shown
    assert found.summed_up().fields() == found.totals()
