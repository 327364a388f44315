"""`sim://?scenario=...` is the scenario's sled with its athlete, events and faults; the caller commands."""

from pathlib import Path
from urllib.parse import quote

import pytest

from device.sled import layout
from sim.address import config_of, parse, rig_from, rig_of
from sim.rig import ESTOP
from sim.scenario.reading import load

TEXT = """
about = "an e-stop"
duration_s = 5
seed = 9

[athlete]
kind = "strong"
body_mass_kg = 100
lane_m = 6
body = { steps_per_s = 2.5 }

[sled]
mass_kg = 35

[[command]]
at_s = 0.1
do = "arm"

[[fault]]
at_s = 0.5
name = "estop"
for_s = 0.25
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "an e&stop.toml"
    path.write_text(TEXT)
    return quote(str(path), safe="")


def test_a_scenario_brings_sled_athlete_and_seed(file: str) -> None:
    rig = rig_from(f"sim://?scenario={file}")
    assert (rig.config.seed, rig.config.lane_m, rig.sled.mass_kg) == (9, 6.0, 35.0)
    assert rig.athlete is not None
    assert (rig.athlete.body.body_mass_kg, rig.athlete.body.steps_per_s) == (100.0, 2.5)


def test_its_faults_come_by_its_clock_and_its_commands_do_not(file: str) -> None:
    rig = rig_from(f"sim://?scenario={file}")
    pressed, modes = [], []
    for _ in range(20):
        rig.step(50)
        pressed.append(bool(rig.switches & ESTOP))
        modes.append(rig.app.mode)
    assert [at for at, is_pressed in enumerate(pressed) if is_pressed] == [10, 11, 12, 13, 14]
    assert modes == [layout.MODE_IDLE] * 10 + [layout.MODE_FAULT] * 10, "nobody has armed it"


def test_what_the_address_says_itself_counts_more(file: str) -> None:
    config = parse(f"sim://?seed=3&scenario={file}&lane_m=20&body_mass_kg=70&first=pull")
    assert (config.seed, config.lane_m, config.first, config.sled.mass_kg) == (3, 20.0, "pull", 35.0)
    rig = rig_from(f"sim://?scenario={file}&athlete=elderly")
    assert rig.athlete is not None and rig.athlete.body == rig_from("sim://?athlete=elderly").athlete.body


def test_an_athletes_event_comes_on_the_rig_of_a_scenario_and_nobody_walks_in_its_place() -> None:
    rig = rig_of(load("stumble"), {"seed": 2})
    rig.step(6100)
    assert rig.athlete is not None and rig.athlete.waiting == ("stumble",)


def test_an_unknown_scenario_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"there is no scenario 'stumbel'.*near it is 'stumble'"):
        rig_from("sim://?scenario=stumbel")


def test_without_a_scenario_the_wishes_are_the_config() -> None:
    assert config_of(None, {"seed": 4, "athlete": "strong"}).athlete == "strong"
    with pytest.raises(ValueError, match="there is no athlete 'bob'"):
        config_of(None, {"athlete": "bob"})


def test_the_time_line_of_a_served_scenario_is_told_and_nothing_is_kept() -> None:
    told: list[str] = []
    rig = rig_of(load("faults/estop"), {}, lambda time_s, kind, text: told.append(f"{kind} {text}"))
    rig.step(9000)
    assert "fault estop: begins" in told and "firmware latched ESTOP" in told
    assert rig.trace is not None and len(rig.trace) == 0
