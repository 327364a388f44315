"""Heat in the two motors, as one winding and one case between copper loss and the air around.

Two-node network; steps of 10 ms against time constants of 6 s and more, so that a plain step is
exact to 0.1 %. The winding's resistance follows its temperature (copper, 0.00393 per K from 25 C).
"""

from sim.world.parameters import Power

COPPER_PER_K = 0.00393
COPPER_REFERENCE_C = 25.0


class Heat:
    """`winding_C` and `case_C` may be set; the heat that this adds or takes is booked in `given_J`.

    Fault: `cooling` is the part that is left of the way from the case to the air; 0 blocks it.
    """

    __slots__ = (
        "_ambient_C",
        "_case_C",
        "_case_J_per_K",
        "_case_K_per_W",
        "_winding_C",
        "_winding_J_per_K",
        "_winding_K_per_W",
        "cooling",
        "given_J",
        "lost_J",
    )

    def __init__(self, power: Power) -> None:
        self._ambient_C = power.ambient_C
        self._winding_J_per_K = power.winding_J_per_K
        self._winding_K_per_W = power.winding_K_per_W
        self._case_J_per_K = power.case_J_per_K
        self._case_K_per_W = power.case_K_per_W
        self._winding_C = self._case_C = power.ambient_C
        self.cooling = 1.0
        self.lost_J = 0.0  #: to the air since the start
        self.given_J = 0.0  #: by whoever set a temperature

    @property
    def winding_C(self) -> float:
        """Temperature of the windings."""
        return self._winding_C

    @winding_C.setter
    def winding_C(self, value: float) -> None:
        self.given_J += (value - self._winding_C) * self._winding_J_per_K
        self._winding_C = value

    @property
    def case_C(self) -> float:
        """Temperature of the motors' cases."""
        return self._case_C

    @case_C.setter
    def case_C(self, value: float) -> None:
        self.given_J += (value - self._case_C) * self._case_J_per_K
        self._case_C = value

    @property
    def stored_J(self) -> float:
        """Heat in winding and case, from that of the air on."""
        winding_J = (self._winding_C - self._ambient_C) * self._winding_J_per_K
        return winding_J + (self._case_C - self._ambient_C) * self._case_J_per_K

    @property
    def resistance_ratio(self) -> float:
        """Resistance of the windings over that at 25 degrees C."""
        return 1.0 + COPPER_PER_K * (self._winding_C - COPPER_REFERENCE_C)

    def warm(self, copper_J: float, time_s: float) -> None:
        """So much heat came into the windings in `time_s`, which should be 0.1 s or less."""
        through_J = (self._winding_C - self._case_C) / self._winding_K_per_W * time_s
        lost_J = (self._case_C - self._ambient_C) * self.cooling / self._case_K_per_W * time_s
        self._winding_C += (copper_J - through_J) / self._winding_J_per_K
        self._case_C += (through_J - lost_J) / self._case_J_per_K
        self.lost_J += lost_J
