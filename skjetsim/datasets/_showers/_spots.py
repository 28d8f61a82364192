"""Showers made of energy spots, each with a place of its own."""

import numpy as np

from skjetsim.datasets._showers._cells import sum_by_column

LARGEST_QUANTILE = np.float32(1.0 - 2.0**-23)


def spots(cascade, part, showers, slices, cells, streams):
    """Energies in the columns of `cells`, from spots drawn for one part of the showers.

    The number of spots in a layer fluctuates by less than one about its mean. Their energies add up
    to that of the layer. So spots make only the radius fluctuate.

    Parameters
    ----------
    cascade : Cascade
    part : int
        Number of the part.
    showers : Showers
        Incident particles.
    slices : Slices
    cells : Cells
    streams : callable
        Generator of each kind of draw.

    Returns
    -------
    ndarray of shape (n_showers, cells.n_columns)
    """
    offset = streams("n_spots", part).random(len(cascade.energy))
    counts = _counts(cascade, offset, slices)
    weights = _weights(cascade, counts, slices, cells.geometry.n_layers)
    flat, per_shower = counts.ravel(), counts.sum(axis=1)
    x, y = _offsets(cascade, flat, part, streams)
    where = np.tile(np.arange(slices.n_slices), len(counts))
    if showers.theta.any():
        x, y = _tilt(x, y, per_shower, showers)
        depth = _depths(flat, where, slices, streams("depth", part))
        x = x + np.repeat(showers.slope[:, 0], per_shower) * depth
        y = y + np.repeat(showers.slope[:, 1], per_shower) * depth
    x = x + _repeat(showers.position[:, 0], per_shower)
    y = y + _repeat(showers.position[:, 1], per_shower)
    layer = np.repeat(slices.layer[where], flat)
    column = cells.columns(layer, x, y)
    shape = len(counts), cells.n_columns
    return sum_by_column(column, per_shower, shape, np.repeat(weights.ravel(), flat))


def _counts(cascade, offset, slices):
    """Number of spots in each slice: a comb of step one, laid over the expected numbers."""
    expected = np.cumsum(cascade.n_spots, axis=1) + offset[:, None]
    counts = np.diff(np.floor(expected), axis=1, prepend=0.0).astype(np.int64)
    # A layer with energy must have a spot for it.
    ends = np.append(slices.first[1:], slices.n_slices)
    for first, end in zip(slices.first, ends, strict=True):
        energy = cascade.energy[:, first:end]
        lonely = np.flatnonzero((counts[:, first:end].sum(axis=1) == 0) & energy.any(axis=1))
        counts[lonely, first + energy[lonely].argmax(axis=1)] = 1
    return counts


def _weights(cascade, counts, slices, n_layers):
    """Energy of a spot in each slice, so that each layer gets its energy."""
    few = np.finfo(float).tiny
    weight = cascade.energy / np.maximum(cascade.n_spots, few)
    weight = np.where(cascade.n_spots > few, weight, 1.0)
    drawn = slices.layer_sums(weight * counts, n_layers)
    energy = slices.layer_sums(cascade.energy, n_layers)
    scale = np.divide(energy, drawn, out=np.zeros_like(energy), where=drawn > 0)
    return weight * scale[:, slices.layer]


def _offsets(cascade, flat, part, streams):
    """Distances of the spots from the axis, both ways across it, in mm."""
    profile = cascade.core_fraction, cascade.core, cascade.tail
    fraction, core, tail = (_repeat(values.ravel(), flat) for values in profile)
    uniform = streams("radius", part).random(len(fraction), dtype=np.float32)
    in_core = uniform < fraction
    # What is left of a number that chose core or tail is uniform again.
    rest = np.where(in_core, uniform, uniform - fraction)
    rest /= np.maximum(np.where(in_core, fraction, 1.0 - fraction), np.float32(1e-7))
    rest = np.minimum(rest, LARGEST_QUANTILE)
    r = np.where(in_core, core, tail) * np.sqrt(rest / (1.0 - rest))
    angle = streams("angle", part).random(len(r), dtype=np.float32) * np.float32(2.0 * np.pi)
    return r * np.cos(angle), r * np.sin(angle)


def _tilt(along, across, per_shower, showers):
    """Rotate offsets to the azimuth of the shower. A layer cuts the shower in an ellipse."""
    # Upright showers are not changed, so that they do not depend on others in the chunk.
    phi = np.where(showers.theta > 0, showers.phi, 0.0)
    factors = np.cos(phi), np.sin(phi), 1.0 / showers.cosine
    cosine, sine, stretch = (_repeat(values, per_shower) for values in factors)
    along = along * stretch
    return along * cosine - across * sine, along * sine + across * cosine


def _depths(flat, where, slices, rng):
    """Depths of spots in mm, uniform within their slices."""
    low, width = (_repeat(d[where], flat) for d in (slices.depth[:-1], np.diff(slices.depth)))
    return low + width * rng.random(len(low), dtype=np.float32)


def _repeat(values, counts):
    """Values for each spot, in single precision, from values for each slice or shower."""
    return np.repeat(values.astype(np.float32), counts)
