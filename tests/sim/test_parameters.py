"""Every simulated value has a range and a source, and is none of the firmware's."""

import ast
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.settings import SETTINGS
from sim.people.bodies import ATHLETES
from sim.world import parameters
from sim.world.parameters import CELL_OPEN_V, FACTS, Driver, Power, Sensors, Sled, check, perturbed

GROUPS = [Sled(), Driver(), Sensors(), Power(), *ATHLETES.values()]


@pytest.mark.parametrize("group", GROUPS)
def test_every_parameter_has_a_range_that_holds_it_and_a_source(group):
    facts = FACTS[type(group)]
    assert set(facts) == set(group._fields)
    for name, fact in facts.items():
        assert fact.minimum <= getattr(group, name) <= fact.maximum
        assert len(fact.source) > 5
    check(group)


@pytest.mark.parametrize("group", GROUPS[:5])
def test_a_value_outside_its_range_is_refused_by_name(group):
    for name, fact in FACTS[type(group)].items():
        with pytest.raises(ValueError, match=name):
            check(group._replace(**{name: fact.maximum + 1.0}))


@given(st.sampled_from(GROUPS), st.floats(0.0, 0.5), st.integers(0, 2**40))
def test_a_perturbed_instance_is_off_by_the_spread_at_most_and_within_range(group, spread, seed):
    other = perturbed(group, spread, Random(seed))
    check(other)
    for name, fact in FACTS[type(group)].items():
        width = abs(getattr(group, name)) or (fact.maximum - fact.minimum) / 2
        assert abs(getattr(other, name) - getattr(group, name)) <= spread * width + 1e-9


def test_perturbing_changes_what_the_firmware_must_calibrate():
    other = perturbed(Sled(), 0.3, Random(1))
    assert other.rolling_N != Sled().rolling_N and other.mass_kg != Sled().mass_kg


@given(st.integers(0, 2**40))
def test_no_perturbed_driver_trips_on_a_sound_bus(seed):
    """Trips lie above the chopper and below an empty battery, however far a parameter is off."""
    driver, power = perturbed(Driver(), 0.5, Random(seed)), Power()
    assert driver.overvoltage_V - driver.hysteresis_V >= 55.0 > power.cells * CELL_OPEN_V[-1]
    assert driver.overvoltage_V > power.chopper_end_V
    assert driver.undervoltage_V + driver.hysteresis_V <= power.cells * CELL_OPEN_V[0]


def test_the_truth_differs_from_the_firmwares_assumptions():
    setting = {row.name: row.default for row in SETTINGS}
    assert Sled().rolling_N * 1000 != setting["rolling_mN"]
    assert Driver().full_scale_N * 1000 != setting["brake_full_scale_mN"]
    assert Sensors().cell_scale != 1.0


SIM = Path(parameters.__file__).parents[1]
PHYSICS = sorted(
    path.relative_to(SIM).as_posix() for path in (*SIM.glob("world/*.py"), *SIM.glob("people/*.py"))
)


@pytest.mark.parametrize("name", PHYSICS)
def test_the_physics_knows_nothing_of_firmware_and_wire(name):
    source = (SIM / name).read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module)
        elif isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
    assert not [module for module in imported if module.split(".")[0] in ("device", "protocol", "host")]
