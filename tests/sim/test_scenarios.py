"""Every built-in scenario has the verdict it should have, and can be told from the others."""

import pytest

from host.commands.sim import load_in_wire_units
from sim.people.bodies import ATHLETES
from sim.scenario import reading as scenario
from sim.scenario import report
from sim.scenario.running import run


@pytest.mark.parametrize("name", scenario.names())
def test_a_built_in_scenario_passes(name: str) -> None:
    verdict = run(scenario.load(name, load_in_wire_units))
    told = [report.entry_line(entry) for entry in verdict.entries]
    has_passed = verdict.is_passed
    assert has_passed, "\n".join([*told, *report.lines(verdict)])


def test_each_kind_of_athlete_has_a_workout_among_them() -> None:
    kinds = {scenario.load(name).config.athlete for name in scenario.names() if name.startswith("athlete_")}
    assert kinds == set(ATHLETES)


def test_every_built_in_scenario_expects_something_and_says_what_it_is_about() -> None:
    read = [scenario.load(name) for name in scenario.names()]
    assert not [each.name for each in read if not each.expects]
    assert len({each.about for each in read}) == len(read)
