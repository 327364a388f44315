"""An athlete on a sled whose brake holds a set force: no firmware, no sensors."""

from sim.people.athlete import Athlete
from sim.people.bodies import Body
from sim.world.parameters import Sled
from sim.world.plant import Plant


def half_weight_N(body: Body) -> float:
    """Brake for half a body weight on turf: 0.5 m g * 0.33, less what the sled's own friction makes of it."""
    return 0.5 * body.body_mass_kg * 9.80665 * 0.33 - 12.0


class Walk:
    """One athlete on one sled; `speeds[n]` is the sled's velocity after tick n."""

    def __init__(self, athlete: Athlete, brake_N: float | None = None, holds_at_rest: bool = False) -> None:
        self.athlete = athlete
        crawl_N_s_per_m = None if holds_at_rest else 4200.0
        self.plant = Plant(Sled(), athlete.body.body_mass_kg, crawl_N_s_per_m)
        self.brake_N = half_weight_N(athlete.body) if brake_N is None else brake_N
        self.is_enabled = True
        self.speeds: list[float] = []

    @property
    def now_s(self) -> float:
        return len(self.speeds) * 0.001

    def tick(self) -> None:
        self.athlete.act(self.plant, len(self.speeds) * 0.001, self.is_enabled)
        self.plant.advance(self.brake_N if self.is_enabled else 0.0)
        self.speeds.append(self.plant.v_m_per_s)

    def run(self, seconds: float, *until: str) -> None:
        """So long, or until the athlete is in one of these states."""
        for _ in range(round(seconds * 1000)):
            self.tick()
            if self.athlete.state in until:
                return

    def reach_m(self, way_m: float) -> None:
        """Until the sled is that far from where it began."""
        while abs(self.plant.x_m) < way_m:
            self.tick()
            assert self.now_s < 300.0
