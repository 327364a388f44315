"""Everything that can break in the simulated world, by name: one list for scenarios and for tests."""

from sim.faults.breaking import End, Fault, Value
from sim.faults.link import LINK_FAULTS
from sim.faults.machine import MACHINE_FAULTS
from sim.faults.sensors import SENSOR_FAULTS
from sim.faults.switches import SWITCH_FAULTS
from sim.faults.time import TIME_FAULTS
from sim.rig import Rig

__all__ = ["FAULTS", "End", "Fault", "Value", "begin"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (*SENSOR_FAULTS, *MACHINE_FAULTS, *SWITCH_FAULTS, *TIME_FAULTS, *LINK_FAULTS)
}


def begin(rig: Rig, name: str, **values: float) -> End:
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
