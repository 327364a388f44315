"""People who help with a calibration instead of training: one who shoves, one who hangs a weight.

They are named in an address as athletes are, but walk no lengths and have no body.
"""

from collections.abc import Callable
from random import Random

from sim.people.athlete import Person
from sim.world.parameters import GRAVITY_m_per_s2
from sim.world.plant import Plant

_PAUSE_s = 1.0
_SHOVE_N = (110.0, 170.0)
_SPEED_m_per_s = (1.4, 2.2)
_WEIGHT_kg = 20.0
_HANG_FROM_s = 1.0
_HANG_FOR_s = 1.0  # until the whole weight hangs
_CHOCK_N = 2_000.0


class Coaster:
    """Shoves the sled to a brisk walk and lets it roll until it stands, then the other way; for ever.

    Keeps the hands off while the driver is enabled.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._direction = 1.0
        self._is_shoving = False
        self._still_s: float | None = None
        self._force_N = self._speed_m_per_s = 0.0

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Put the hands on or take them off, for the next tick."""
        if is_enabled:
            self._is_shoving = False
            self._still_s = None
        elif self._is_shoving:
            if plant.v_m_per_s * self._direction < self._speed_m_per_s:
                return
            self._is_shoving = False
            self._direction = -self._direction
        elif plant.v_m_per_s == 0.0:
            if self._still_s is None:
                self._still_s = now_s
            if now_s - self._still_s >= _PAUSE_s:
                self._still_s = None
                self._is_shoving = True
                self._force_N = self._random.uniform(*_SHOVE_N)
                self._speed_m_per_s = self._random.uniform(*_SPEED_m_per_s)
                plant.touch_N = self._direction * self._force_N
                return
        plant.touch_N = 0.0


class Hanger:
    """Puts wedges under the wheels, and hangs 20 kg from the hitch over a pulley without friction."""

    def __init__(self, seed: int) -> None:
        """Takes a seed as all helpers do; nothing here is random."""

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Lower the weight within a second, then leave it."""
        plant.chock_N = _CHOCK_N
        part = min(max((now_s - _HANG_FROM_s) / _HANG_FOR_s, 0.0), 1.0)
        plant.touch_N = part * _WEIGHT_kg * GRAVITY_m_per_s2


#: Helpers by name; each takes a seed.
HELPERS: dict[str, Callable[[int], Person]] = {"coaster": Coaster, "hanger": Hanger}
