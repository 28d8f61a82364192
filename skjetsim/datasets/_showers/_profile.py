"""Showers whose cells get their part of the mean profile, and fluctuate one by one."""

import numpy as np


def profile(cascade, part, showers, slices, cells, streams):
    """Energies in the columns of `cells`, as :func:`spots` gives them, without places of spots.

    The longitudinal fluctuations are those of the spots. Radii are averaged over a layer, and the
    axis in a layer is where it is at the mean depth. Cells fluctuate as the numbers of spots in
    them would, and are scaled to the energy of the layer.

    Parameters
    ----------
    cascade, part, showers, slices, cells, streams
        As for :func:`spots`.

    Returns
    -------
    ndarray of shape (n_showers, cells.n_columns)
    """
    geometry = cells.geometry
    sums = _layer_means(cascade, slices, geometry.n_layers)
    result = np.zeros((len(cascade.energy), cells.n_columns))
    slope = showers.slope
    # The circle has the area of the ellipse in which a layer cuts a tilted shower.
    stretch = 1.0 / np.sqrt(showers.cosine)
    for index, layer in enumerate(geometry.layers):
        if layer.depth == 0:
            continue
        energy, depth, fraction, core, tail = (values[:, index] for values in sums)
        x, y = (showers.position + slope * depth[:, None]).T
        start = geometry.cell_offsets[index]
        inside = result[:, start : start + layer.n_cells]
        if layer.n_cells:
            inside += fraction[:, None] * cells.fractions(index, x, y, core * stretch)
            if (fraction < 1.0).any():
                outer = cells.fractions(index, x, y, tail * stretch)
                inside += (1.0 - fraction)[:, None] * outer
            # Rounding may put a little more than all of the energy into the cells.
            inside *= (energy / np.maximum(inside.sum(axis=1), 1.0))[:, None]
        result[:, geometry.n_cells + index] = np.maximum(energy - inside.sum(axis=1), 0.0)
    return _fluctuate(result, sums[0], cascade, cells, streams("cells", part))


def _layer_means(cascade, slices, n_layers):
    """Energy of each layer, and energy-weighted means of its depth, core fraction and radii."""
    energy = slices.layer_sums(cascade.energy, n_layers)
    core_energy = cascade.energy * cascade.core_fraction
    tail_energy = cascade.energy - core_energy
    middle = 0.5 * (slices.depth[1:] + slices.depth[:-1])

    def mean(values, weights):
        total = slices.layer_sums(weights, n_layers)
        sums = slices.layer_sums(values * weights, n_layers)
        # Without energy, any radius is right.
        return np.divide(sums, total, out=np.ones_like(total), where=total > 0)

    depth, fraction = mean(middle, cascade.energy), mean(cascade.core_fraction, cascade.energy)
    core = np.exp(mean(np.log(cascade.core), core_energy))
    tail = np.exp(mean(np.log(cascade.tail), tail_energy))
    return energy, depth, fraction, core, tail


def _fluctuate(expected, layer_energy, cascade, cells, rng):
    """Poisson numbers of spots in cells, scaled to the energy of their layer."""
    spot = cascade.energy.sum(axis=1) / np.maximum(cascade.n_spots.sum(axis=1), 1.0)
    spot = np.where(spot > 0, spot, 1.0)[:, None]
    drawn = rng.poisson(expected / spot) * spot
    column_layer = np.concatenate([cells.geometry.cell_layers, np.arange(cells.geometry.n_layers)])
    sums = layer_sums(drawn, cells.geometry)
    scale = np.divide(layer_energy, sums, out=np.zeros_like(sums), where=sums > 0)
    return np.where((sums > 0)[:, column_layer], drawn * scale[:, column_layer], expected)


def layer_sums(columns, geometry):
    """Energy of each layer, inside and outside its cells, from the columns of cells."""
    sums = columns[:, geometry.n_cells :].copy()
    for index, layer in enumerate(geometry.layers):
        start = geometry.cell_offsets[index]
        sums[:, index] += columns[:, start : start + layer.n_cells].sum(axis=1)
    return sums
