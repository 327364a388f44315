"""Small scenarios for tests."""

from host.commands.sim import load_in_wire_units
from sim.scenario.reading import Scenario, parse
from sim.scenario.running import Verdict, run

LOADED = """
[[command]]
at_s = 0.3
do = "set-load"
load = { force_N = 100, inertia_kg = 30 }
"""


def scenario(text: str = "", duration_s: float = 2.0) -> Scenario:
    """A scenario from the text behind `duration_s`."""
    head = f'about = "a test"\nduration_s = {duration_s}\n'
    return parse((head + text).encode(), "test.toml", load_in_wire_units)


def verdict(text: str = "", duration_s: float = 2.0, seed: int | None = None) -> Verdict:
    """The verdict of `scenario(text, duration_s)`."""
    return run(scenario(text, duration_s), seed)


def outcome(result: Verdict) -> tuple[str, str]:
    """Outcome and measured value of the last check, which is the scenario's last expectation."""
    return result.checks[-1].outcome, result.checks[-1].measured
