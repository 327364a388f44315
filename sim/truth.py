"""What really happened, beside what the sled measured: sums, steps, lengths, and a trace over time."""

from array import array
from typing import TYPE_CHECKING, NamedTuple

from sim.people.gait import Step
from sim.people.lengths import Length

if TYPE_CHECKING:
    from sim.rig import Rig


class Truth(NamedTuple):
    """What really happened since the start. Energies in J."""

    time_s: float
    athlete_J: float  #: work at the hitch
    brake_J: float  #: taken from the sled by the brake
    friction_J: float
    kinetic_J: float
    injected_J: float  #: positive work of the brake on the sled; 0 with a driver in brake mode
    supplied_J: float  #: what the supply has seen of the brake's work: it looks every 10 ms
    copper_J: float  #: of that: heat in the motors
    chopper_J: float  #: heat in the brake resistor
    battery_J: float  #: into the cells; negative when they gave more
    battery_heat_J: float
    electronics_J: float
    capacitor_J: float  #: energy in the bus, from that at the start on
    stored_heat_J: float  #: of the copper's heat: still in the motors
    lost_heat_J: float  #: gone to the air
    given_heat_J: float  #: from outside, where a fault makes them hot
    x_m: float
    v_m_per_s: float
    tow_N: float
    state: str  #: of the athlete
    lengths: tuple[Length, ...]
    steps: tuple[Step, ...]

    @property
    def unexplained_J(self) -> float:
        """Work that became neither motion nor heat: rounding only, or the physics is wrong."""
        return self.athlete_J - self.kinetic_J - self.friction_J - self.brake_J

    @property
    def unexplained_brake_J(self) -> float:
        """Work of the brake that is in no account."""
        electric_J = self.chopper_J + self.battery_J + self.battery_heat_J + self.capacitor_J
        return self.supplied_J - self.copper_J - electric_J - self.electronics_J

    @property
    def unexplained_heat_J(self) -> float:
        """Heat of the motors that is neither in them nor in the air."""
        return self.copper_J + self.given_heat_J - self.stored_heat_J - self.lost_heat_J


class Moment(NamedTuple):
    """The world at one instant."""

    time_s: float
    x_m: float
    v_m_per_s: float
    tow_N: float  #: at the hitch, tension positive
    brake_N: float  #: magnitude that acted on the sled, mean over the last tick
    driver_N: float  #: magnitude that the driver would make; at a crawl and at rest less of it acts
    propulsion_N: float  #: ground on the athlete
    power_W: float  #: of the athlete at the hitch
    phase: float  #: part of the present step, 0 to 1
    bus_V: float
    winding_C: float


class Trace:
    """A `Moment` every few ticks, by column. Kept as doubles: 80 bytes for each moment."""

    def __init__(self, every_ticks: int = 5) -> None:
        self.every_ticks = every_ticks
        self._columns = [array("d") for _ in Moment._fields]

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, index: int) -> Moment:
        return Moment(*(column[index] for column in self._columns))

    def column(self, name: str) -> "array[float]":
        """All values of one field of `Moment`. Raises KeyError for a name it does not have."""
        return dict(zip(Moment._fields, self._columns, strict=True))[name]

    def note(self, rig: "Rig") -> None:
        """Write down this moment."""
        plant = rig.plant
        athlete = rig.athlete
        moment = (
            rig.ticks * 0.001,
            plant.x_m,
            plant.v_m_per_s,
            plant.hitch_N,
            plant.brake_N,
            rig.driver.force_N,
            plant.propulsion_N,
            plant.hitch_N * plant.v_m_per_s,
            athlete.phase if athlete is not None else 0.0,
            rig.supply.bus_V,
            rig.supply.winding_C,
        )
        for column, value in zip(self._columns, moment, strict=True):
            column.append(value)
