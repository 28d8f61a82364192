"""Energy of a part of the showers in each slice of the calorimeter, before the cells."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cascade:
    """One part of some showers; all arrays have the shape (n_showers, n_slices).

    In a slice, the fraction `core_fraction` of `energy` (GeV) falls off with the radius as
    2 r R^2 / (r^2 + R^2)^2 with R = `core`, the rest with R = `tail`, in mm. `n_spots` is the
    expected number of energy spots.
    """

    energy: np.ndarray
    n_spots: np.ndarray
    core_fraction: np.ndarray
    core: np.ndarray
    tail: np.ndarray

    def __add__(self, other):
        """Make one cascade of both. Its radii are means weighted by energy."""
        one, two = self.energy, other.energy
        core = one * self.core_fraction, two * other.core_fraction
        tail = one - core[0], two - core[1]
        return Cascade(
            energy=one + two,
            n_spots=self.n_spots + other.n_spots,
            core_fraction=_mean(1.0, core[0] + core[1], 0.0, one + two - core[0] - core[1]),
            core=_mean(self.core, core[0], other.core, core[1]),
            tail=_mean(self.tail, tail[0], other.tail, tail[1]),
        )


def _mean(one, weight_one, two, weight_two):
    """Weighted mean of both, or the plain mean if both weights are zero."""
    total = weight_one + weight_two
    mean = (one * weight_one + two * weight_two) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, mean, 0.5 * (one + two))


@dataclass(frozen=True)
class Development:
    """How some showers develop: their parts, and the rest of the energy.

    `leakage` and `invisible` are in GeV. `granularity` is the variance of the sampling over the
    variance for electromagnetic energy. All three have the shape (n_showers,). `track` is the
    energy left on the axis, shape (n_showers, n_slices), or None.
    """

    cascades: tuple
    leakage: np.ndarray
    invisible: np.ndarray
    granularity: np.ndarray
    track: np.ndarray | None = None
