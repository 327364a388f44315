"""A verdict tells what holds from what does not: each expectation, and the rules of every scenario."""

import os
import subprocess
import sys

import pytest

from sim.scenario import report
from sim.scenario.reading import Scenario
from sim.scenario.record import Record
from sim.scenario.running import Verdict, run
from sim.scenario.verdict import FAIL, NOT_YET, PASS, TOO_GOOD, judge
from tests.sim.hosting import environment
from tests.sim.scenarios import LOADED, outcome, scenario, verdict

WORLD = """
[athlete]
kind = "recreational"
lane_m = 2.5
lengths = 1
first = "pull"

[[command]]
at_s = 0.3
do = "set-load"
load = "50%bw"

[[fault]]
at_s = 9.0
name = "estop"
for_s = 0.5

[[command]]
at_s = 10.0
do = "clear"
"""


@pytest.fixture(scope="module")
def seen() -> tuple[Scenario, Verdict]:
    """A length of 2.5 m under load, then an e-stop for half a second, which is cleared."""
    world = scenario(WORLD, 12.0)
    return world, run(world)


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        ("fault = 'ESTOP'", "fault = 'DRIVER'"),
        ("fault = 'ESTOP'\nafter_s = 9\nwithin_s = 0.02", "fault = 'ESTOP'\nafter_s = 9.1\nwithin_s = 0.5"),
        ("fault = 'ESTOP'\nafter_s = 8.9\nwithin_s = 0.2", "fault = 'ESTOP'\nafter_s = 8.9\nwithin_s = 0.09"),
        ("faults = []", "faults = ['ESTOP']"),
        ("faults = ['ESTOP']\nat_s = 9.7", "faults = []\nat_s = 9.7"),
        ("faults_seen = ['ESTOP']", "faults_seen = []"),
        ("mode = 'IDLE'", "mode = 'FAULT'"),
        ("mode = 'LOADING'\nat_s = 5", "mode = 'ARMED'\nat_s = 5"),
        ("mode = 'FAULT'\nafter_s = 9\nwithin_s = 0.02", "mode = 'RAMPING_DOWN'\nafter_s = 0"),
        ("limit = 'ramp'", "limit = 'force_max'"),
        ("limit = 'ramp'\nat_most = 0.9", "limit = 'ramp'\nat_least = 0.9"),
        ("quantity = 'x_m'\nabout = 2.5\nwithin = 0.1", "quantity = 'x_m'\nabout = 2.5\nwithin = 0.0001"),
        ("quantity = 'v_m_per_s'\nstatistic = 'min'\nat_least = 0", "quantity = 'v_m_per_s'\nat_least = 0.1"),
        ("quantity = 'x_m'\nstatistic = 'first'\nexactly = 0", "quantity = 'x_m'\nexactly = 0"),
        ("quantity = 'x_m'\nstatistic = 'change'\nat_least = 2",
         "quantity = 'x_m'\nstatistic = 'min'\nat_least = 2"),
        ("sample = 'law_force_N'\nfrom_s = 5\nto_s = 5.5\nstatistic = 'mean'\nabout = 129\nwithin = 12",
         "sample = 'law_force_N'\nfrom_s = 1\nto_s = 1.5\nstatistic = 'peak'\nat_least = 130"),
        ("sample = 'position_m'\nabout = 2.5\nwithin = 0.1", "sample = 'position_m'\nat_most = -2"),
        ("quantity = 'x_m'\nto_s = 0.3\nstatistic = 'share'\nat_least_share = 0.99\nexactly = 0",
         "quantity = 'x_m'\nstatistic = 'share'\nat_least_share = 0.5\nexactly = 0"),
        ("sample = 'law_force_N'\nfrom_s = 4\nto_s = 5\nstatistic = 'share'\nat_least_share = 0.15\n"
         "about = 129.4\nwithin_percent = 10",
         "sample = 'law_force_N'\nfrom_s = 4\nto_s = 5\nstatistic = 'share'\nat_least_share = 0.15\n"
         "about = 129.4\nwithin_percent = 1"),
        ("total = 'athlete_J'\nat_least = 100", "total = 'injected_J'\nat_least = 0.1"),
        ("lengths = 1", "lengths = 2"),
        ("each_length = 'mean_force_N'\nabout = 129.4\nwithin_percent = 3",
         "each_length = 'mean_force_N'\nabout = 140\nwithin_percent = 3"),
        ("each_length = 'steps'\nat_least = 2", "each_length = 'steps'\nat_most = 2"),
        ("each_length = 'distance_m'\nabout = 2.5\nwithin = 0.1", "each_length = 'duration_s'\nat_most = 1"),
        ("state = 'done'", "state = 'go'"),
        ("state = 'go'\nat_s = 5", "state = 'done'\nat_s = 5"),
        ("resets = 0", "reset = 'POWER_ON'"),
        ("reported = 'ESTOP'\nafter_s = 9\nwithin_s = 0.05", "reported = 'ESTOP'\nafter_s = 9.1"),
        ("answer = 'OK'\ncommand = 2", "answer = 'NONE'\ncommand = 2"),
        ("samples_lost = 0", "samples_lost = 1"),
        ("host = 'hellos'\nexactly = 1", "host = 'heartbeats'\nat_least = 1"),
    ],
)  # fmt: skip
def test_an_expectation_tells_what_is_so_from_what_is_not(
    seen: tuple[Scenario, Verdict], holds: str, fails: str
) -> None:
    _, result = seen
    for text, right in ((holds, PASS), (fails, FAIL)):
        one = scenario(f"{WORLD}\n[[expect]]\n{text}\n", 12.0)
        check = judge(one, result.record)[-1]
        assert check.outcome == right, check


def test_what_must_fail_today_is_known_and_what_holds_after_all_is_wrong() -> None:
    waiting = verdict('[[expect]]\nlengths = 1\nnot_yet = "nobody walks"')
    assert (waiting.checks[-1].outcome, waiting.checks[-1].why) == (NOT_YET, "nobody walks")
    assert waiting.is_passed
    arrived = verdict('[[expect]]\nlengths = 0\nnot_yet = "nobody walks"')
    assert (arrived.checks[-1].outcome, arrived.is_passed) == (TOO_GOOD, False)
    assert "remove the line not_yet" in arrived.checks[-1].why


def doctored(result: Verdict, **truth: float) -> Record:
    return result.record._replace(truth=result.record.truth._replace(**truth))


def failed(world: Scenario, record: Record) -> list[str]:
    return [check.what for check in judge(world, record) if check.outcome == FAIL]


def test_energy_that_does_not_add_up_fails(seen: tuple[Scenario, Verdict]) -> None:
    world, result = seen
    assert failed(world, result.record) == []
    work_J = result.record.truth.athlete_J
    assert failed(world, doctored(result, athlete_J=work_J * (1 + 0.9e-6))) == []
    assert failed(world, doctored(result, athlete_J=work_J * 1.0001)) == ["energy adds up: unexplained_J"]


def test_energy_put_in_fails_unless_the_scenario_says_why(seen: tuple[Scenario, Verdict]) -> None:
    world, result = seen
    assert failed(world, doctored(result, injected_J=0.49)) == []
    assert failed(world, doctored(result, injected_J=0.51)) == ["the brake puts no energy in"]
    allowed = world._replace(may_inject="a driver that keeps its sign")
    assert failed(allowed, doctored(result, injected_J=0.51)) == []


def test_a_figure_that_is_no_number_fails(seen: tuple[Scenario, Verdict]) -> None:
    world, result = seen
    assert "every figure is a number" in failed(world, doctored(result, kinetic_J=float("nan")))


def test_a_brake_that_rises_too_fast_fails() -> None:
    result = verdict(LOADED)
    brakes = result.record.host.boots[0].columns["brake_force_dN"]
    brakes[500], brakes[501] = 0, 51  # 5 N, and 0.1 N because both ends are rounded
    assert failed(scenario(LOADED), result.record) == []
    brakes[501] = 52
    assert failed(scenario(LOADED), result.record) == ["the brake never rises faster than 5 N per tick"]
    faster = scenario(
        LOADED + "[[command]]\nat_s = 0.1\ndo = 'set'\nsetting = 'slew_mN_per_s'\nvalue = 8_000_000"
    )
    assert failed(faster, result.record) == ["every command was accepted"]  # which was never sent


def test_a_brake_may_rise_as_long_as_samples_are_missing() -> None:
    result = verdict(LOADED)
    boot = result.record.host.boots[0]
    for column in (boot.index, *boot.columns.values()):
        del column[501:511]
    boot.lost += 10
    brakes = boot.columns["brake_force_dN"]
    brakes[500], brakes[501] = 0, 11 * 51
    assert failed(scenario(LOADED), result.record) == []
    brakes[501] += 1
    assert failed(scenario(LOADED), result.record) == ["the brake never rises faster than 5 N per tick"]


@pytest.mark.parametrize("harm", ["one is missing", "one came twice", "the rest never came"])
def test_a_sample_that_is_nowhere_fails(harm: str) -> None:
    result = verdict(LOADED)
    boot = result.record.host.boots[0]
    if harm == "one is missing":
        for column in (boot.index, *boot.columns.values()):
            del column[700]
    elif harm == "one came twice":
        boot.index[700] = 699
    else:
        boot.end += 5
    assert failed(scenario(LOADED), result.record) == ["every sample came or was declared lost"]


def test_an_event_that_never_came_fails() -> None:
    result = verdict("[athlete]\nkind = 'strong'\n[[event]]\nat_s = 0.5\ndo = 'stumble'")  # it never walks
    check = next(check for check in result.checks if "asked of the athlete" in check.what)
    assert (check.outcome, check.measured) == (FAIL, "did not come: stumble, asked for at 0.5 s")


def test_a_command_that_was_refused_fails_unless_an_expectation_speaks_of_it() -> None:
    refused = LOADED + "[[command]]\nat_s = 1.0\ndo = 'reboot'\n"
    check = next(check for check in verdict(refused).checks if check.what == "every command was accepted")
    assert (check.outcome, check.measured) == (FAIL, "reboot at 1 s: NOT_WHILE_ARMED")
    assert verdict(refused + "[[expect]]\nanswer = 'NOT_WHILE_ARMED'\ncommand = 2").is_passed
    nobody = verdict("[[fault]]\nat_s = 0.2\nname = 'unplug'\nfor_s = 2.0\n" + LOADED, 3.0)
    assert [check.measured for check in nobody.checks if not check.is_good] == [
        "set-load at 0.3 s: no answer"
    ]
    assert verdict(LOADED + "[[command]]\nat_s = 1.0\ndo = 'silence'\nfor_s = 0.1").is_passed


def test_only_the_last_of_several_events_of_a_kind_did_not_come(seen: tuple[Scenario, Verdict]) -> None:
    stumble = "[[event]]\nat_s = {}\ndo = 'stumble'\n"
    world = scenario(WORLD + stumble.format(4) + stumble.format(11), 12.0)
    checks = judge(world, seen[1].record._replace(waiting=("stumble",)))
    assert "did not come: stumble, asked for at 11 s" in [check.measured for check in checks]


def test_what_only_rounding_left_is_shown_as_nothing(seen: tuple[Scenario, Verdict]) -> None:
    world, result = seen
    tiny = judge(world, doctored(result, injected_J=5.7911e-155))
    assert "0 J, at most 0.5 J" in [check.measured for check in tiny]
    one = scenario(f"{WORLD}\n[[expect]]\ntotal = 'injected_J'\nat_most = 1\n", 12.0)
    assert judge(one, doctored(result, injected_J=-1e-9))[-1].measured == "0"


def test_the_distance_is_all_the_way_that_the_sled_rolled() -> None:
    push = "[[event]]\nat_s = {}\ndo = 'touch'\nforce_N = {}\nfor_s = 0.5\n"
    result = verdict(push.format(0.2, 60) + push.format(1.5, -60), 3.0)
    x_m = result.record.watch.column("x_m")
    assert result.figures["lengths"] == 0 and x_m[-1] < max(x_m) - 0.1
    assert result.figures["distance_m"] == pytest.approx(2 * max(x_m) - x_m[-1], abs=0.01)


def test_a_mean_force_is_the_work_over_the_way(seen: tuple[Scenario, Verdict]) -> None:
    (length,) = seen[1].record.truth.lengths
    assert length.mean_force_N == pytest.approx(length.work_J / abs(length.end_m - length.start_m))
    assert seen[1].figures["mean_pull_force_N"] == pytest.approx(length.mean_force_N, abs=0.001)


def test_a_fault_is_mended_when_its_time_is_over_and_at_the_end() -> None:
    text = "[[fault]]\nat_s = 0.2\nname = 'estop'\nfor_s = 0.3\n[[fault]]\nat_s = 1.9\nname = 'unplug'"
    result = verdict(text + "\n[[command]]\nat_s = 1.0\ndo = 'clear'\n[[expect]]\nanswer = 'OK'\ncommand = 1")
    assert result.is_passed, result.checks
    lines = [(entry.time_s, entry.text) for entry in result.entries if entry.kind == "fault"]
    assert lines == [(0.2, "estop, for_s 0.3: begins"), (0.5, "estop: ends"), (1.9, "unplug: begins")]


def test_a_hand_on_the_hitch_holds_as_long_as_it_says_and_several_add_up() -> None:
    touch = "[[event]]\nat_s = {}\ndo = 'touch'\nforce_N = {}\nfor_s = {}\n"
    text = touch.format(0.2, 3, 1.0) + touch.format(0.7, 4, 0.2)
    record = verdict(text, 1.5).record
    times_s, tow_N = record.watch.column("time_s"), record.watch.column("tow_N")
    tow = {round(time_s, 3): force_N for time_s, force_N in zip(times_s, tow_N, strict=True)}
    assert [tow[at_s] for at_s in (0.2, 0.6, 0.8, 1.0, 1.205)] == [0, 3, 7, 3, 0]


def test_the_truth_is_written_beside_what_was_measured_at_the_same_moment(
    seen: tuple[Scenario, Verdict],
) -> None:
    heading, rows = report.truth(seen[1].record)
    assert heading[:3] == ["time_s", "x_m", "v_m_per_s"] and "measured_position_m" in heading
    true, measured = heading.index("x_m"), heading.index("measured_position_m")
    moving = [row for row in rows if 0.5 < float(row[true]) < 2.0]
    assert len(moving) > 100
    # Speed 1 m/s: one tick off would be 1 mm, the encoder's own error is 1 in 50 000 of the way.
    assert max(abs(float(row[true]) - float(row[measured])) for row in moving) < 0.0006


_TWICE = """
import sys
from hashlib import sha256
from sim.scenario import report
from sim.scenario import running
from sim.scenario import reading as scenario
from host.commands.sim import load_in_wire_units
verdict = running.run(scenario.load("soak", load_in_wire_units), int(sys.argv[1]))
print(report.fields(verdict), [len(boot.index) for boot in verdict.record.host.boots])
for boot in verdict.record.host.boots:
    print({name: sha256(column.tobytes()).hexdigest() for name, column in boot.columns.items()})
"""


def test_the_same_seed_gives_the_same_verdict_and_samples_in_every_process() -> None:
    outputs = []
    for seed, hash_seed in (("3", "1"), ("3", "2"), ("4", "1")):
        variables = environment(PYTHONHASHSEED=hash_seed)
        done = subprocess.run(
            [sys.executable, "-c", _TWICE, seed],
            env=variables,
            capture_output=True,
            check=True,
            cwd=os.getcwd(),
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1] != outputs[2]


def test_a_verdict_can_be_printed_and_serialised(seen: tuple[Scenario, Verdict]) -> None:
    import json

    fields = json.loads(json.dumps(report.fields(seen[1]), allow_nan=False))
    assert fields["passed"] is True and fields["figures"]["lengths"] == 1
    assert report.lines(seen[1])[-1] == "test.toml passed: 9 checks hold"


def test_the_last_check_is_the_last_expectation() -> None:
    assert outcome(verdict("[[expect]]\nlengths = 0\n[[expect]]\nlengths = 3")) == (FAIL, "0")
