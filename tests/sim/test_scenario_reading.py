"""A scenario that cannot be meant is refused with file, table and key, whatever is in the file."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sled import commands
from host.commands.sim import load_in_wire_units
from sim.people import athlete
from sim.scenario import reading as scenarios
from sim.scenario.reading import Scenario, ScenarioError, parse
from sim.scenario.running import run
from tests.sim.scenarios import scenario

GOOD = '''about = "all there is"
duration_s = 20.0
seed = 5
surface = "turf"
perturb = 0.1
may_inject = "a test"
[athlete]
kind = "recreational"
body_mass_kg = 75
lane_m = 6
lengths = 3
first = "pull"
body = { steps_per_s = 2.0 }
[sled]
mass_kg = 32
[driver]
lag_s = 0.004
[sensors]
cell_noise_N = 1.0
[power]
bus_F = 0.02
[[command]]
at_s = 0.5
do = "set-load"
load = "50%bw"
push = { force_N = 100 }
lease_s = 2.0
[[command]]
at_s = 1.0
do = "set"
setting = "hold_s"
value = 60
[[command]]
at_s = 1.5
do = "silence"
for_s = 0.5
[[event]]
at_s = 2.0
do = "stumble"
for_s = 0.3
[[event]]
at_s = 3.0
do = "touch"
force_N = -50
for_s = 0.5
[[event]]
at_s = 4.0
do = "press"
button = "down"
[[fault]]
at_s = 5.0
name = "cell_jump"
force_N = 30
for_s = 1.0
[[expect]]
quantity = "brake_N"
from_s = 1.0
to_s = 2.0
statistic = "rms"
at_most = 300
note = "a note"
[[expect]]
fault = "ESTOP"
after_s = 1.0
within_s = 0.5
not_yet = "nobody pressed it"
[[expect]]
faults = ["ESTOP", "DRIVER"]
at_s = 3.0
[[expect]]
mode = "IDLE"
[[expect]]
answer = "OK"
command = 2
'''.splitlines()  # fmt: skip


def test_everything_the_format_has_is_read() -> None:
    read = parse("\n".join(GOOD).encode(), "good.toml", load_in_wire_units)
    assert (read.config.seed, read.config.first, read.config.lengths) == (5, "pull", 3)
    assert read.config.body is not None
    assert (read.config.body.body_mass_kg, read.config.body.steps_per_s) == (75.0, 2.0)
    assert (read.config.sled.mass_kg, read.config.driver.lag_s, read.config.power.bus_F) == (
        32.0,
        0.004,
        0.02,
    )
    load = read.commands[0].fields
    assert (load["hold"], load["lease_ms"], load["push"]["force_mN"]) == (1, 2000, 100_000)
    assert load["pull"]["force_mN"] == round(0.33 * 37.5 * 9806.65)
    assert [event.do for event in read.events] == ["stumble", "touch", "press"]
    assert (read.breaks[0].name, read.breaks[0].values, read.breaks[0].for_s) == (
        "cell_jump", {"force_N": 30.0}, 1.0
    )  # fmt: skip
    assert [expect.kind for expect in read.expects] == ["quantity", "fault", "faults", "mode", "answer"]
    assert read.expects[1].not_yet == "nobody pressed it"
    assert read.expects[2].values["faults"] == ("ESTOP", "DRIVER")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seeed = 3", r"test.toml: there is no key 'seeed' here; did you mean 'seed'\? Known are: about"),
        ("perturb = 0.7", r"perturb must be from 0 to 0.5, not 0.7"),
        ("[athlete]", r"test.toml: \[athlete\]: kind is missing"),
        ("[athlete]\nkind = 'strnog'", r"kind has no 'strnog'; did you mean 'strong'\? Known are: elderly"),
        ("[athlete]\nkind = 'strong'\nlane_m = 1", r"lane_m must be from 2 to 1000, not 1"),
        ("[athlete]\nkind = 'strong'\nbody = { steps = 2 }", r"did you mean 'steps_per_s'"),
        ("[sled]\nmass = 30", r"\[sled\]: there is no key 'mass' here; did you mean 'mass_kg'"),
        ("[sled]\nmass_kg = 300", r"\[sled\]: mass_kg must be from 20 to 60, not 300"),
        ("command = 3", r"command must be written \[\[command\]\], one for each, not 3"),
        ("[[command]]\nat = 3\ndo = 'arm'", r"\[\[command\]\] 1: at_s is missing; is 'at' meant for it\?"),
        ("[[command]]\nat_s = 1\ndo = 'amr'", r"do has no 'amr'; did you mean 'arm'\? Known are"),
        ("[[command]]\nat_s = 9\ndo = 'arm'", r"\[\[command\]\] 1: at_s = 9 is after the end"),
        ("[[command]]\nat_s = 1\ndo = 'set-load'\nload = '50%'", r"load: '50%' does not say percent of what"),
        ("[[command]]\nat_s = 1\ndo = 'set-load'\nload = '50%bw'", r"needs a body mass"),
        ("[[command]]\nat_s = 1\ndo = 'set-load'\nload = { force = 1 }", r"did you mean 'force_N'"),
        ("[[command]]\nat_s = 1\ndo = 'set-load'\nload = { force_N = -1 }", r"force_N = -1 is outside 0"),
        ("[[command]]\nat_s = 1\ndo = 'set'\nsetting = 'hold'\nvalue = 1", r"did you mean 'hold_s'"),
        ("[[event]]\nat_s = 1\ndo = 'stumble'", r"stumble is something an athlete does, and there is none"),
        ("[[event]]\nat_s = 1\ndo = 'touch'\nforce_N = 9", r"\[\[event\]\] 1: for_s is missing"),
        ("[[fault]]\nat_s = 1\nname = 'e_stop'", r"name has no 'e_stop'; did you mean 'estop'"),
        ("[[fault]]\nat_s = 1\nname = 'estop'\nforce_N = 3", r"there is no key 'force_N' here"),
        ("[[fault]]\nat_s = 1\nname = 'cell_noise'\nrms_N = 9000", r"rms_N must be from 0.1 to 500"),
        ("[[expect]]\nat_s = 1", r"does not say what is expected; .*Known are: answer"),
        ("[[expect]]\nquantitty = 1", r"did you mean 'quantity'"),
        ("[[expect]]\nlengths = 1\nfaults = []", r"it expects several things, faults and lengths"),
        ("[[expect]]\nfault = 'ESTOPP'", r"fault has no 'ESTOPP'; did you mean 'ESTOP'"),
        ("[[expect]]\nfault = 'ESTOP'\nat_s = 1", r"there is no key 'at_s' here"),
        ("[[expect]]\nquantity = 'brake_N'", r"it compares with nothing: give at_most, at_least"),
        ("[[expect]]\nquantity = 'brake_N'\nabout = 3", r"about goes with one of within and within_percent"),
        ("[[expect]]\nquantity = 'brake_N'\nat_most = 3\nfrom_s = 2\nto_s = 1", r"must be later than from_s"),
        ("[[expect]]\nanswer = 'OK'\ncommand = 1", r"1: there is no \[\[command\]\] 1, only 0"),
        ("[[expect]]\nfaults = []\nat_s = 99", r"\[\[expect\]\] 1: at_s = 99 is after the end"),
        ("[[expect]]\nfaults = 'ESTOP'", r"faults must be a list such as \[\]"),
        ("seed = 1\nseed = 2", r"test.toml: it is not TOML"),
        ("seed = true", r"seed must be a whole number, not True"),
        ("[athlet]\nkind = 'strong'\n[[command]]\nat_s = 1\ndo = 'set-load'\nload = '50%bw'",
         r"there is no key 'athlet' here; did you mean 'athlete'"),
        ("[[command]]\nat_s = 1\ndo = 'set-load'\nload = '50%bw'", r"give \[athlete\] kind, and body"),
        ("[sled]\nseed = 3", r"\[sled\]: 'seed' belongs above the first table"),
        ("[[fault]]\nat_s = 1\ndo = 'estop'", r"\[\[fault\]\] 1: it is named by name =, not by do ="),
        ("[athlete]\nkind = 'strong'\nlengths = 0", r"lengths must be 1 or more, not 0"),
        ("[[command]]\nat_s = 1\ndo = 'set-load'\nload = '5kg'\nlease_s = 0", r"must be from 0.1 to 10"),
        ("[[command]]\nat_s = 1\ndo = 'set-load'\nload = '5kg'\nlease_s = 11", r"must be from 0.1 to 10"),
        ("[[fault]]\nat_s = 0.0005\nname = 'estop'", r"at_s must be whole milliseconds"),
        ("[[expect]]\nlimit = 'slew'\nto_s = 99", r"\[\[expect\]\] 1: to_s = 99 is after the end"),
        ("[[expect]]\nfault = 'ESTOP'\nafter_s = 99", r"\[\[expect\]\] 1: after_s = 99 is after the end"),
        ("[[expect]]\nstate = 'goo'", r"state has no 'goo'; did you mean 'go'\? Known are: aside"),
        ("surface = 'moss'", r"there is no surface 'moss'; known are"),
        ("surface = turf", r"it is not TOML.*; words need quotes"),
        ("[[command]]\nload = 50%bw", r"it is not TOML.*; words need quotes"),
        ("perturb = nan", r"perturb must be from 0 to 0.5, not nan"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_is_known(text: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says) as caught:
        scenario(text)
    assert str(caught.value).startswith("test.toml: ")


def test_what_every_scenario_needs_is_asked_for() -> None:
    for text, missing in ((b"", "about"), (b'about = "x"', "duration_s")):
        with pytest.raises(ScenarioError, match=f"{missing} is missing"):
            parse(text, "x.toml")


def test_a_scenario_is_found_by_name_or_by_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('about = "mine"\nduration_s = 1')
    assert scenarios.load(str(file)).about == "mine"
    assert scenarios.load("up_and_back").config.lengths == 4
    with pytest.raises(ScenarioError, match=r"there is no scenario 'up_and_bakc'.*near it is 'up_and_back'"):
        scenarios.load("up_and_bakc")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("estop", "there is no scenario 'estop'; near it is 'faults/estop'"),
        ("faults/estpo", "there is no scenario 'faults/estpo'; near it are 'faults/estop', "),
        ("none/walk.toml", r"there is no file 'none/walk.toml' \(looked in .*none\); near it is 'walk'"),
        ("zzzz", "there is no scenario 'zzzz'$"),
        (scenarios.FOLDER, "is a folder, not a scenario"),
    ],
)
def test_a_name_that_is_none_is_answered_with_the_nearest_three_at_most(name: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says) as caught:
        scenarios.load(name)
    assert str(caught.value).count(", ") <= 2


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    assert parse('\ufeffabout = "x"\nduration_s = 1'.encode(), "x.toml").about == "x"


def test_leases_are_what_the_firmware_takes() -> None:
    assert (scenarios.LEASE_MIN_s, scenarios.LEASE_MAX_s) == (
        commands._LEASE_MIN_ms / 1000, commands._LEASE_MAX_ms / 1000
    )  # fmt: skip


def test_states_are_those_an_athlete_can_have() -> None:
    words = {value for name, value in vars(athlete).items() if name.isupper() and isinstance(value, str)}
    assert set(scenarios.STATES) == {*words, "nobody"}


EXAMPLES = re.findall(
    r"```toml\n(.*?)```", (Path(scenarios.FOLDER) / "README.md").read_text("utf-8"), re.DOTALL
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_the_readme_passes_as_it_stands(text: str) -> None:
    verdict = run(parse(text.encode(), "README.md", load_in_wire_units))
    assert verdict.is_passed, [check for check in verdict.checks if not check.is_good]


def test_without_a_reader_of_loads_a_scenario_is_read_all_the_same() -> None:
    assert scenarios.load("up_and_back").commands[0].fields["pull"]["force_mN"] == 0


VALUES = st.one_of(
    st.integers().map(str),
    st.sampled_from(["nan", "inf", "-inf", "1e400", "-1", "0", "true", "1979-05-27", "''", "'x'", "'50%bw'"]),
    st.floats().map(repr),
    st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="'"), max_size=12).map(repr),
    st.sampled_from(["[]", "{}", "[1, 'ESTOP']", "{ force_N = 'x' }", "{ x = { y = 1 } }", "9" * 5000]),
)  # fmt: skip


def _is_read_or_refused(text: bytes) -> None:
    try:
        assert isinstance(parse(text, "broken.toml", load_in_wire_units), Scenario)
    except ScenarioError as error:
        assert str(error).startswith("broken.toml: ")


@given(st.sampled_from([line for line in GOOD if " = " in line]), VALUES)
def test_any_value_is_read_or_refused_in_words(line: str, value: str) -> None:
    changed = f"{line.split(' = ')[0]} = {value}"
    _is_read_or_refused("\n".join(changed if each == line else each for each in GOOD).encode())


@given(
    st.sampled_from(GOOD),
    st.sampled_from(["", "x = 1", "[x]", "[[x]]", "[sled]", "athlete = 3", "[[expect]]"]),
)
def test_any_line_lost_or_added_is_read_or_refused_in_words(line: str, instead: str) -> None:
    _is_read_or_refused("\n".join(instead if each == line else each for each in GOOD).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    _is_read_or_refused(data)


def test_deeply_nested_text_is_refused_in_words() -> None:
    _is_read_or_refused(b"x = " + b"[" * 100_000)
