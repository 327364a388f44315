"""The brake's true force over its command, from pulling a braked sled steadily past the load cell.

Over a while, the tow force less the sled's own inertia and rolling friction is the brake's force:

    mean(T) - m (v2 - v1)/time - F0 - b mean(v) = scale * mean(command)

The line goes through the origin, since cell and friction were calibrated before.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from host.calibration.estimate import Estimate, jackknife
from host.calibration.recording import Recording, runs_of

WINDOW_s = 1.0
_SPEED_HALF_s = 0.025  # speed at an instant: from the way of so long before and after
_SLOWEST_m_per_s = 0.3  # slower, a brake of shorted phases may not reach its command
_COMMAND_MIN_N = 20.0
LOADS_MIN = 3


class Own(NamedTuple):
    """What the sled does by itself."""

    mass_kg: float
    rolling_N: float
    slope_N_s_per_m: float


class Pull(NamedTuple):
    """Means over one window of steady motion, pull or push, along the motion."""

    command_N: float  #: what the brake was told
    brake_N: float  #: what it did, as the load cell tells
    speed_m_per_s: float


class Brake(NamedTuple):
    """True force over commanded force, and what it was found from."""

    scale: Estimate
    loads: int
    pulls: int
    lightest_N: float
    heaviest_N: float
    residual_N: float  #: rms of the force of a window that the scale leaves over


def find_pulls(recording: Recording, own: Own) -> list[Pull]:
    """Windows of a gapless recording in which the sled moved one way, never slowly, with the brake on."""
    period_s = recording.period_s
    half = round(_SPEED_HALF_s / period_s)
    length = round(WINDOW_s / period_s)
    x = recording.position_m
    pulls = []
    for direction in (1, -1):
        for first, end in runs_of(recording.velocity_m_per_s * direction > _SLOWEST_m_per_s):
            begin = first + half
            while begin + length + half < end:
                stop = begin + length
                window = slice(begin, stop)
                command_N = float(recording.brake_force_N[window].mean())
                v1, v2 = (
                    (x[at + half] - x[at - half]) * direction / (2 * half * period_s) for at in (begin, stop)
                )
                speed = float(x[stop] - x[begin]) * direction / (length * period_s)
                tow_N = float(recording.tow_force_N[window].mean()) * direction
                inertia_N = own.mass_kg * float(v2 - v1) / (length * period_s)
                brake_N = tow_N - inertia_N - own.rolling_N - own.slope_N_s_per_m * speed
                if command_N > _COMMAND_MIN_N:
                    pulls.append(Pull(command_N, brake_N, speed))
                begin = stop
    return pulls


def fit(loads: list[list[Pull]]) -> Brake:
    """Scale of the brake from the windows of each load, its error from the scatter between loads.

    Windows of one load share the place on the converter's bent scale, so only the scatter between
    loads tells of that. Raises ValueError for fewer than `LOADS_MIN` loads with windows.
    """
    groups = [np.array([pull[:2] for pull in pulls]) for pulls in loads if pulls]
    if len(groups) < LOADS_MIN:
        raise ValueError(f"{len(groups)} loads are too few; {LOADS_MIN} at least")
    # Each load counts once, however long it was pulled.
    means = np.array([group.mean(axis=0) for group in groups])

    def solve(numbers: list[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        command, brake = means[numbers].T
        return np.array([command @ brake / (command @ command)])

    values, covariance = jackknife(len(groups), solve)
    scale = float(values[0])
    every = np.vstack(groups)
    return Brake(
        scale=Estimate(scale, sqrt(float(covariance[0, 0])), len(groups) - 1),
        loads=len(groups),
        pulls=len(every),
        lightest_N=float(means[:, 0].min()),
        heaviest_N=float(means[:, 0].max()),
        residual_N=float(np.sqrt(np.mean((every[:, 1] - scale * every[:, 0]) ** 2))),
    )
