"""Made-up recordings with a truth that is known in closed form."""

from typing import NamedTuple

import numpy as np

from host.calibration.coasting import Roll
from host.calibration.estimate import Array
from host.calibration.recording import Recording

PERIOD_s = 0.001
QUANTUM_m = 0.000_126_55


class Truth(NamedTuple):
    mass_kg: float = 30.0
    rolling_N: float = 11.2
    slope_N_s_per_m: float = 1.1
    floor_N: float = 0.0  #: along +x


def way(truth: Truth, direction: int, v0_m_per_s: float, until_m_per_s: float = 0.15) -> tuple[Array, Array]:
    """Time and way along the direction of a free roll, closed form, down to that speed."""
    alpha = (truth.rolling_N - direction * truth.floor_N) / truth.mass_kg
    beta = truth.slope_N_s_per_m / truth.mass_kg
    end_s = np.log((v0_m_per_s + alpha / beta) / (until_m_per_s + alpha / beta)) / beta
    time_s = np.arange(int(end_s / PERIOD_s)) * PERIOD_s
    return time_s, (v0_m_per_s + alpha / beta) * -np.expm1(-beta * time_s) / beta - alpha * time_s / beta


def roll(truth: Truth, direction: int, v0_m_per_s: float, start_m: float = 0.0) -> Roll:
    """A free roll as the encoder tells it."""
    time_s, exact = way(truth, direction, v0_m_per_s)
    counted = np.floor((start_m + direction * exact) / QUANTUM_m) * QUANTUM_m
    return Roll(direction, time_s, (counted - counted[0]) * direction, v0_m_per_s, 0.15)


def uneven_roll(truth: Truth, direction: int, v0_m_per_s: float, random: np.random.Generator) -> Roll:
    """On a floor that disturbs: a force of 0.4 N rms that changes every quarter of a second."""
    tau_s = np.arange(250) * PERIOD_s
    beta = max(truth.slope_N_s_per_m, 1e-3) / truth.mass_kg
    v, x = v0_m_per_s, 0.0
    ways = []
    while v > 0.15:
        end = (truth.rolling_N - direction * truth.floor_N + random.normal(0.0, 0.4)) / truth.mass_kg / beta
        ways.append(x + (v + end) * -np.expm1(-beta * tau_s) / beta - end * tau_s)
        x += float((v + end) * -np.expm1(-beta * 0.25) / beta - end * 0.25)
        v = float((v + end) * np.exp(-beta * 0.25) - end)
    counted = np.floor(np.concatenate(ways) / QUANTUM_m) * QUANTUM_m
    return Roll(direction, np.arange(len(counted)) * PERIOD_s, counted, v0_m_per_s, 0.15)


def recording(position_m: Array, tow_N: Array, brake_N: Array | float = 0.0) -> Recording:
    """What telemetry shows of such a motion."""
    velocity = np.gradient(position_m, PERIOD_s)
    return Recording(
        PERIOD_s,
        np.floor(position_m / QUANTUM_m) * QUANTUM_m,
        np.round(velocity, 3),
        np.round(tow_N, 1),
        np.broadcast_to(np.round(brake_N, 1), position_m.shape),
    )
