"""Everything that can break in the simulated world, by name: one list for scenarios and for tests."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from sim.rig import ESTOP

if TYPE_CHECKING:
    from sim.rig import Rig

End = Callable[[], None]


class Value(NamedTuple):
    """The one number of a fault."""

    name: str  #: with its unit, such as force_N
    default: float
    minimum: float
    maximum: float


class Fault(NamedTuple):
    """One thing that breaks. `begin` makes it so and returns what mends it."""

    name: str
    group: str  #: sensor, driver, power, heat, switch, time or link
    sentence: str
    begin: Callable[["Rig", float], End]
    value: Value | None = None


def _estop(rig: "Rig", _: float) -> End:
    rig.switches |= ESTOP

    def end() -> None:
        rig.switches &= ~ESTOP

    return end


def _encoder_stuck(rig: "Rig", _: float) -> End:
    counts = rig.encoder.counts(rig.plant.x_m)

    def stuck(_: int) -> int:
        return counts

    rig.filters["counts"].append(stuck)
    return lambda: rig.filters["counts"].remove(stuck)


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("estop", "switch", "The emergency stop is pressed.", _estop),
        Fault("encoder_stuck", "sensor", "The encoder's count stays where it is.", _encoder_stuck),
    )
}


def begin(rig: "Rig", name: str, **values: float) -> End:
    """Break it now; the result mends it. Raises ValueError naming what is known."""
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}; known are: {', '.join(sorted(FAULTS))}")
    fault = FAULTS[name]
    known = fault.value
    for given, value in values.items():
        if known is None or given != known.name:
            takes = f"only {known.name}" if known is not None else "nothing more"
            raise ValueError(f"fault {name} has no {given!r}; it takes {takes}")
        if not known.minimum <= value <= known.maximum:
            raise ValueError(
                f"{given} of {name} must be from {known.minimum:g} to {known.maximum:g}, not {value:g}"
            )
    value = next(iter(values.values())) if values else known.default if known is not None else 0.0
    return fault.begin(rig, value)
