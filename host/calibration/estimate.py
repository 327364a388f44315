"""A number with its standard error, and errors from the scatter between repetitions.

Samples of one run share whatever was wrong with that run, so a formula that counts samples would
promise far too much. What counts here is how much the answer moves from one repetition to another.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom.
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
_NORMAL = 1.960


def student(freedom: int) -> float:
    """Half width of a two-sided 95 % interval, in standard errors. Raises ValueError below 1 degree."""
    if freedom < 1:
        raise ValueError(f"no interval from {freedom} degrees of freedom")
    # The next term of the quantile's expansion; right to 0.001 from here on.
    return _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _NORMAL + 2.372 / freedom + 2.8 / freedom**2


class Estimate(NamedTuple):
    """A value, its standard error, and from how many repetitions (less what was fitted) that is known."""

    value: float
    standard_error: float
    freedom: int

    @property
    def half_width(self) -> float:
        """Of the 95 % confidence interval."""
        return student(self.freedom) * self.standard_error

    def scaled(self, factor: float) -> "Estimate":
        """The same in another unit."""
        return Estimate(self.value * factor, self.standard_error * abs(factor), self.freedom)

    def blurred(self, deviation: float) -> "Estimate":
        """With another, independent cause of error of that standard deviation, known for certain."""
        return self._replace(standard_error=sqrt(self.standard_error**2 + deviation**2))


def mean_of_blocks(values: Array, block: int) -> Estimate:
    """Mean of a record, its error from the scatter of the means of blocks of so many values.

    Honest as long as whatever is wrong changes within a block or from one to the next. The rest of a
    block at the end is left out. Raises ValueError for fewer than two blocks.
    """
    means = block_means(values, block)
    if len(means) < 2:
        raise ValueError(f"{len(values)} values are not two blocks of {block}")
    return Estimate(float(means.mean()), float(means.std(ddof=1)) / sqrt(len(means)), len(means) - 1)


def block_means(values: Array, block: int) -> Array:
    """Means of consecutive blocks of so many values; the rest at the end is left out."""
    count = len(values) // block
    means: Array = values[: count * block].reshape(count, block).mean(axis=1)
    return means


def jackknife(groups: int, solve: Callable[[list[int]], Array]) -> tuple[Array, Array]:
    """What `solve` makes of all groups, and its covariance from leaving out one group after the other.

    `solve` takes the numbers of the groups it may use. Efron and Stein 1981; exact for a mean.
    Raises ValueError for fewer than two groups.
    """
    if groups < 2:
        raise ValueError("one group has no scatter")
    everyone = list(range(groups))
    whole = solve(everyone)
    without = np.array([solve(everyone[:n] + everyone[n + 1 :]) for n in everyone])
    moved = without - without.mean(axis=0)
    covariance: Array = (groups - 1) / groups * moved.T @ moved
    return whole, covariance
