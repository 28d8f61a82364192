"""Checks of the arguments of the shower simulation."""

import numpy as np

from skjetsim.datasets._showers._simulate import Showers
from skjetsim.utils._validation import check_finite, check_int, counted
from skjetsim.utils._warnings import warn_user

# In GeV, somewhat beyond the 1 to 100 GeV of the fits: they change slowly, as logarithms do.
ENERGY_RANGE = (0.5, 500.0)


def check_showers(energy, theta, phi, position, n_samples, geometry):
    """Incident particles, one per shower, that hit the cells of a layer of the calorimeter."""
    energy = _check_energies(energy, n_samples)
    theta, phi = _one_each(theta, "theta", len(energy)), _one_each(phi, "phi", len(energy))
    if (bad := (theta < 0) | (theta >= np.pi / 2)).any():
        row, _ = _first(bad)
        raise ValueError(
            f"theta must be in [0, pi/2), but row {row} is {theta[row]:g}: the particle must "
            "enter through the front face."
        )
    position = _one_each(position, "position", len(energy), ("x", "y"))
    showers = Showers(energy, theta, phi, position)
    _check_impact(showers, geometry)
    _warn_energies(energy)
    return showers


def _check_energies(energy, n_samples):
    """Incident energies in GeV, one per shower."""
    array = _numbers(energy, "energy")
    if array.ndim > 1:
        raise ValueError(f"energy must be a number or one-dimensional, got shape {array.shape}.")
    if array.ndim == 1 and n_samples is not None:
        raise ValueError(
            f"n_samples goes with one energy for all showers, but energy has {len(array)} values. "
            "Leave n_samples out, or repeat the energies with numpy.repeat."
        )
    if array.ndim == 0:
        array = np.full(1 if n_samples is None else check_int(n_samples, "n_samples"), array)
    if len(array) == 0:
        raise ValueError("energy is empty: there is nothing to simulate.")
    check_finite(array[:, None], ["energy"], what="energy")
    if (bad := array <= 0).any():
        row, in_all = _first(bad)
        raise ValueError(f"energy must be positive, but row {row} is {array[row]:g} GeV {in_all}.")
    return array


def _warn_energies(energy):
    """Warn of energies outside the range of the fits."""
    low, high = ENERGY_RANGE
    if (bad := (energy < low) | (energy > high)).any():
        row, in_all = _first(bad)
        warn_user(
            f"energy is {energy[row]:g} GeV in row {row} {in_all}: the fits are for 1 to 100 GeV, "
            f"and showers below {low:g} or above {high:g} GeV are extrapolated."
        )


def _check_impact(showers, geometry):
    """Raise an error if a particle misses the cells of every layer.

    A tilted particle may start outside the cells: its line from the front face to the back counts.
    """
    start, path = showers.position, showers.slope * geometry.depth
    layers = [layer for layer in geometry.layers if layer.n_cells]
    missed = np.all([_misses(layer, start, path) for layer in layers], axis=0)
    if missed.any():
        row, in_all = _first(missed)
        x, y = start[row]
        across_x, across_y = 2.0 * np.max([_half_widths(layer) for layer in layers], axis=0)
        raise ValueError(
            f"position must be on the front face of the calorimeter, but row {row} is ({x:g}, "
            f"{y:g}) mm, outside the cells of every layer {in_all}. "
            f"The cells are {across_x:g} x {across_y:g} mm across, around (0, 0)."
        )


def _half_widths(layer):
    """Reach of the cells in x and in y, in mm."""
    if layer.is_grid:
        return 0.5 * layer.n_eta * layer.eta_size, 0.5 * layer.n_phi * layer.phi_size
    return layer.r_edges[-1], layer.r_edges[-1]


def _misses(layer, start, path):
    """Whether lines from `start` to `start + path` miss the cells of a layer."""
    if layer.is_grid:
        end = start + path
        gap = np.maximum(np.minimum(start, end), -np.maximum(start, end))
        return (gap > _half_widths(layer)).any(axis=1)
    # The point of the line nearest to the axis decides.
    square = np.maximum(np.square(path).sum(axis=1), np.finfo(float).tiny)
    along = np.clip(-(start * path).sum(axis=1) / square, 0.0, 1.0)
    return np.hypot(*(start + along[:, None] * path).T) > layer.r_edges[-1]


def _numbers(value, name):
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number or an array of numbers: {error}.") from error


def _one_each(value, name, n_showers, columns=()):
    """Array with a row for each shower, from one value for all or from one per shower."""
    array, shape = _numbers(value, name), (n_showers, *[len(columns)] * bool(columns))
    if array.shape == shape[1:]:
        array = np.broadcast_to(array, shape)
    if array.shape != shape:
        one = f"one ({', '.join(columns)})" if columns else "a number"
        raise ValueError(
            f"{name} must be {one} or one per shower, shape {shape}, got shape {array.shape}."
        )
    check_finite(array.reshape(n_showers, -1), columns or [name], what=name)
    return array


def _first(bad):
    """First bad row, and words for a message on how many there are."""
    return int(np.argmax(bad)), f"({counted(bad.sum(), 'such row')} in all)"
