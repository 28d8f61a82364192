"""Chunks of showers: development, cells, readout."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from joblib import Parallel, delayed

from skjetsim.datasets._showers._cells import Cells
from skjetsim.datasets._showers._electromagnetic import electrons, photons
from skjetsim.datasets._showers._hadronic import pions
from skjetsim.datasets._showers._profile import layer_sums, profile
from skjetsim.datasets._showers._slices import cut
from skjetsim.datasets._showers._spots import spots
from skjetsim.utils._seeds import numpy_rng

DEVELOP = {"electron": electrons, "photon": photons, "pion": pions}

# Function that fills cells, thickness of slices in radiation lengths, and showers per chunk.
# Chunks fit in the cache of a processor; spots take most of it.
METHODS = {"spots": (spots, 0.5, 16), "profile": (profile, 1.0, 128)}

STREAMS = (
    *("start", "share", "late", "response", "longitudinal", "profile"),
    *("n_spots", "radius", "angle", "depth", "cells", "quanta", "signal"),
)


@dataclass(frozen=True)
class Showers:
    """Incident particles: energy in GeV, angles, impact point in mm; one row each."""

    energy: np.ndarray
    theta: np.ndarray
    phi: np.ndarray
    position: np.ndarray

    @property
    def cosine(self):
        return np.cos(self.theta)

    @property
    def slope(self):
        """Millimetres across per millimetre of depth, shape (n_showers, 2)."""
        direction = np.stack([np.cos(self.phi), np.sin(self.phi)], axis=1)
        return np.tan(self.theta)[:, None] * direction

    def __getitem__(self, rows):
        return Showers(self.energy[rows], self.theta[rows], self.phi[rows], self.position[rows])

    def __len__(self):
        return len(self.energy)


def simulate(showers, particle, geometry, method, root, n_jobs):
    """Arrays of :func:`make_showers`; rows are the same for any number of workers."""
    fill, step, chunk = METHODS[method]
    slices, cells = cut(geometry, step), Cells(geometry)
    starts = range(0, len(showers), chunk)
    result = {
        "target": np.empty((len(showers), geometry.n_cells)),
        "deposited": np.empty((len(showers), geometry.n_layers)),
        "overflow": np.empty((len(showers), geometry.n_layers)),
        "leakage": np.empty(len(showers)),
        "invisible": np.empty(len(showers)),
    }

    def run(number, start):
        rows, streams = slice(start, start + chunk), _streams(root, number)
        made = _chunk(showers[rows], DEVELOP[particle], fill, slices, cells, streams)
        for name, values in made.items():
            result[name][rows] = values

    work = (delayed(run)(number, start) for number, start in enumerate(starts))
    Parallel(n_jobs=n_jobs, backend="threading")(work)
    return result


def _streams(root, chunk):
    """Make a function that gives a generator for each kind of draw of a chunk of showers.

    Each generator draws for one shower after another. So the draws of a shower do not depend on how
    many others follow in its chunk, even if the number of draws is random.
    """

    @cache
    def stream(name, part=0):
        return numpy_rng(root, chunk, STREAMS.index(name), part)

    return stream


def _chunk(showers, develop, fill, slices, cells, streams):
    """Arrays of some showers."""
    geometry = cells.geometry
    development = develop(showers.energy, showers.cosine, slices, geometry, streams)
    parts = enumerate(development.cascades)
    columns = sum(fill(cascade, part, showers, slices, cells, streams) for part, cascade in parts)
    if development.track is not None:
        columns = columns + cells.along_axis(development.track, showers, slices)
    target = _read_out(columns[:, : geometry.n_cells], development.granularity, geometry, streams)
    return {
        "target": target,
        "overflow": columns[:, geometry.n_cells :],
        "deposited": layer_sums(columns, geometry),
        "leakage": development.leakage,
        "invisible": development.invisible,
    }


def _read_out(energy, granularity, geometry, streams):
    """Measured energies: a Poisson number of crossings, each with an exponential signal.

    The mean is the deposited energy E. The variance is c^2 E with the resolution c at 1 GeV, as for
    the gamma density of GFlash. But a cell that is not crossed measures nothing.
    """
    term = np.array([layer.material.resolution_term for layer in geometry.layers])
    variance = np.square(term)[geometry.cell_layers] * granularity[:, None]
    hit = np.nonzero((energy > 0) & (variance > 0))
    quantum = 0.5 * variance[hit]
    crossings = streams("quanta").poisson(energy[hit] / quantum)
    measured = energy.copy()
    measured[hit] = streams("signal").standard_gamma(crossings) * quantum
    return measured
