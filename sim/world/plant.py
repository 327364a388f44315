"""Dynamics of sled and athlete's body: stick-slip, rolling friction, brake, and the hitch between them.

Karnopp's friction with the instant of stopping found inside the step; each step is trapezoidal in
position and in the speed-proportional forces, so work equals change of energy to rounding. SI units.
"""

from sim.world.parameters import Sled

TICK_s = 0.001

SLACK = 0
TETHER = 1  # tension only: pulls the sled to +x
HANDLES = -1  # compression only: pushes the sled to -x


class Plant:
    """Sled (`x_m`, `v_m_per_s`) and body (`body_x_m`, `body_v_m_per_s`), advanced one tick at a time.

    Inputs, constant over a tick: `hitch` and `propulsion_N` (ground on the body), `touch_N` (a hand
    on the hitch, without the body's mass), and the arguments of `advance`. Work since the start is
    in `athlete_J`, `friction_J`, `brake_J` (taken from the sled) and `injected_J` (put into it by
    the brake). `copper_J` is the heat in the motors; what of `brake_J` is not, reaches the bus.
    `chock_N` is what wedges under the wheels hold on top of friction, of a sled at rest; none as it starts.
    `brake_N` is the magnitude of the driver's force that really acted, mean over the last tick: at a
    crawl less than it was told, and none of a brake's on a sled at rest.
    `crawl_N_s_per_m`, the greatest brake force per speed, may change at any time: `Supply` sets it to
    that of the windings' temperature, from `cold_crawl_N_s_per_m` at 25 degrees C.
    """

    __slots__ = (
        "_body_mass_kg",
        "_breakaway_N",
        "_dt_s",
        "_handle_N_per_m",
        "_handle_N_s_per_m",
        "_holds_at_rest",
        "_mass_kg",
        "_rolling_N",
        "_rolling_N_s_per_m",
        "_steps",
        "_tether_N_per_m",
        "_tether_N_s_per_m",
        "athlete_J",
        "body_v_m_per_s",
        "body_x_m",
        "brake_J",
        "brake_N",
        "chock_N",
        "cold_crawl_N_s_per_m",
        "copper_J",
        "crawl_N_s_per_m",
        "friction_J",
        "hitch",
        "hitch_N",
        "injected_J",
        "propulsion_N",
        "sled",
        "touch_N",
        "v_m_per_s",
        "x_m",
    )

    def __init__(
        self,
        sled: Sled,
        body_mass_kg: float = 80.0,
        crawl_N_s_per_m: float | None = None,
        substeps: int = 2,
    ) -> None:
        """`crawl_N_s_per_m`: greatest brake force per speed at 25 degrees C, K_F^2 / R of shorted phases;
        None for an ideal brake, which also holds at rest and loses nothing in copper."""
        self.sled = sled
        self.x_m = self.v_m_per_s = 0.0
        self.body_x_m = self.body_v_m_per_s = 0.0
        self.hitch = SLACK
        self.hitch_N = self.propulsion_N = self.touch_N = self.brake_N = self.chock_N = 0.0
        self.athlete_J = self.friction_J = self.brake_J = self.injected_J = self.copper_J = 0.0
        self._mass_kg = sled.mass_kg
        self._body_mass_kg = body_mass_kg
        self._rolling_N = sled.rolling_N
        self._rolling_N_s_per_m = sled.rolling_N_s_per_m
        self._breakaway_N = sled.rolling_N * sled.breakaway_ratio
        self._tether_N_per_m = sled.tether_N_per_m
        self._tether_N_s_per_m = sled.tether_N_s_per_m
        self._handle_N_per_m = sled.handle_N_per_m
        self._handle_N_s_per_m = sled.handle_N_s_per_m
        self._holds_at_rest = crawl_N_s_per_m is None
        self.cold_crawl_N_s_per_m = 1e12 if crawl_N_s_per_m is None else crawl_N_s_per_m
        self.crawl_N_s_per_m = self.cold_crawl_N_s_per_m
        self._dt_s = TICK_s / substeps
        self._steps = (None,) * substeps

    @property
    def kinetic_J(self) -> float:
        """Kinetic energy of the sled."""
        return 0.5 * self._mass_kg * self.v_m_per_s * self.v_m_per_s

    def advance(self, brake_N: float, signed_N: float = 0.0) -> None:
        """One tick. `brake_N` >= 0 opposes whatever motion there is; `signed_N` has a sign of its own,
        which only a driver without brake mode, or a broken one, can give."""
        x = self.x_m
        v = self.v_m_per_s
        body_x = self.body_x_m
        body_v = self.body_v_m_per_s
        hitch = self.hitch
        touch = self.touch_N
        propulsion = self.propulsion_N
        mass = self._mass_kg
        body_mass = self._body_mass_kg
        dt = self._dt_s
        rolling = self._rolling_N
        rolling_slope = self._rolling_N_s_per_m
        crawl = self.crawl_N_s_per_m
        if hitch > 0:
            stiffness = self._tether_N_per_m
            damping = self._tether_N_s_per_m
        else:
            stiffness = self._handle_N_per_m
            damping = self._handle_N_s_per_m
        tow_sum = brake_Ns = 0.0
        tow_J = friction_J = brake_J = signed_J = copper_J = 0.0
        for _ in self._steps:
            tow = touch
            if hitch:
                stretch = body_x - x
                if stretch * hitch > 0.0:
                    pulled = stiffness * stretch + damping * (body_v - v)
                    if pulled * hitch > 0.0:
                        tow += pulled
                    else:
                        pulled = 0.0
                else:
                    pulled = 0.0
                body_change = (propulsion - pulled) / body_mass * dt
                body_x += (body_v + 0.5 * body_change) * dt
                body_v += body_change
            tow_sum += tow
            along = tow + signed_N
            if v > 0.0:
                sign = 1.0
            elif v < 0.0:
                sign = -1.0
            else:
                hold = self._breakaway_N + self.chock_N
                if self._holds_at_rest:
                    hold += brake_N
                if -hold <= along <= hold:
                    continue
                sign = 1.0 if along > 0.0 else -1.0

            # The brake is either at its command or, at a crawl, proportional to the speed.
            speed = v * sign
            slope = rolling_slope
            constant = along - sign * rolling
            crawls = speed * crawl < brake_N and not self._holds_at_rest
            if crawls:
                slope += crawl
            else:
                constant -= sign * brake_N
            half = 0.5 * slope * dt
            v_next = (v * (mass - half) + constant * dt) / (mass + half)
            t = dt
            if v_next * sign < 0.0 or (v_next == 0.0 and v != 0.0):
                # It comes to rest inside this step, and stays there until the next one.
                t = v * mass / (0.5 * v * slope - constant)
                v_next = 0.0
            mean = 0.5 * (v + v_next)
            way = mean * t
            path = way * sign
            brake = crawl * mean * sign if crawls else brake_N
            x += way
            v = v_next
            tow_J += tow * way
            friction_J += (rolling + rolling_slope * mean * sign) * path
            brake_J += brake * path
            brake_Ns += brake * t
            signed_J += signed_N * way
            # Copper loss is F^2 / (K_F^2 / R): what is left of the braking power reaches the bus.
            copper_J += brake * brake / crawl * t
        self.x_m = x
        self.v_m_per_s = v
        self.body_x_m = body_x
        self.body_v_m_per_s = body_v
        self.hitch_N = tow_sum / len(self._steps)
        self.brake_N = brake_Ns / TICK_s
        self.athlete_J += tow_J
        self.friction_J += friction_J
        self.brake_J += brake_J - signed_J
        if signed_N:
            self.brake_N += abs(signed_N)
            # A driver with a sign of its own drives current also through a wheel that stands.
            copper_J += signed_N * signed_N / crawl * TICK_s
            if signed_J > 0.0:
                self.injected_J += signed_J
        self.copper_J += copper_J
