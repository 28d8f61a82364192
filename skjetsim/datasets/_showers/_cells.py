"""The cell of a point, and the part of a round profile in each cell."""

import numpy as np

# Points that represent a profile off the axis of rings: radii times angles.
RING_RADII, RING_ANGLES = 32, 24


class Cells:
    """Columns of energy: the cells of a geometry, then for each layer one outside its cells."""

    def __init__(self, geometry):
        self.geometry = geometry
        self.n_columns = geometry.n_cells + geometry.n_layers
        layers = geometry.layers
        # Dead layers and rings have grids without cells: every point is outside.
        size = [(layer.eta_size or 1.0, layer.phi_size or 1.0) for layer in layers]
        count = [(layer.n_eta, layer.n_phi) for layer in layers]
        self._inverse_size = (1.0 / np.array(size)).astype(np.float32)
        self._half = (0.5 * np.array(count)).astype(np.float32)
        self._count = np.array(count, dtype=np.int32)
        self._offset = geometry.cell_offsets.astype(np.int32)
        self._outside = geometry.n_cells + np.arange(geometry.n_layers, dtype=np.int32)

    def columns(self, layer, x, y):
        """Columns of points (x, y) in mm in the given layers, all of shape (n_points,)."""
        column = self._grid_columns(layer, x, y)
        layers = self.geometry.layers
        for edges in {one.r_edges for one in layers if one.r_edges}:
            same = np.array([one.r_edges == edges for one in layers])
            points = np.flatnonzero(same[layer])
            column[points] = self._ring_columns(edges, layer[points], x[points], y[points])
        return column

    def along_axis(self, energy, showers, slices):
        """Energy in the columns, if the `energy` of each slice is on the axis of the shower."""
        middle = 0.5 * (slices.depth[1:] + slices.depth[:-1])
        place = showers.position[:, None, :] + showers.slope[:, None, :] * middle[:, None]
        x, y = place.reshape(-1, 2).T
        column = self.columns(np.tile(slices.layer, len(energy)), x, y)
        shape = len(energy), self.n_columns
        return sum_by_column(column, slices.n_slices, shape, energy.ravel())

    def _grid_columns(self, layer, x, y):
        i = np.floor(x * self._inverse_size[layer, 0] + self._half[layer, 0])
        j = np.floor(y * self._inverse_size[layer, 1] + self._half[layer, 1])
        n_x, n_y = self._count[layer, 0], self._count[layer, 1]
        inside = (i >= 0) & (i < n_x) & (j >= 0) & (j < n_y)
        i, j = (np.where(inside, k, 0.0).astype(np.int32) for k in (i, j))
        return np.where(inside, self._offset[layer] + j * n_x + i, self._outside[layer])

    def _ring_columns(self, edges, layer, x, y):
        n_rings = len(edges) - 1
        sectors = np.array([one.n_alpha for one in self.geometry.layers])[layer]
        ring = np.searchsorted(np.array(edges), np.hypot(x, y), side="right") - 1
        turn = np.mod(np.arctan2(y, x) / (2.0 * np.pi), 1.0)
        sector = np.minimum((turn * sectors).astype(np.int32), sectors - 1)
        inside = (ring >= 0) & (ring < n_rings)
        column = self._offset[layer] + sector * n_rings + ring
        return np.where(inside, column, self._outside[layer])

    def fractions(self, index, x, y, radius):
        """Fraction of profiles 2 r R^2 / (r^2 + R^2)^2 in the cells of one layer.

        Parameters
        ----------
        index : int
            Position of the layer.
        x, y, radius : ndarray of shape (n,)
            Axis of the profile, and R, in mm.

        Returns
        -------
        ndarray of shape (n, n_cells of the layer)
        """
        layer = self.geometry.layers[index]
        if layer.is_grid:
            return _grid_fractions(layer, x, y, radius)
        result = _ring_fractions(layer, radius)
        off_axis = np.flatnonzero((x != 0) | (y != 0))
        at = x[off_axis], y[off_axis], radius[off_axis]
        result[off_axis] = self._sampled_fractions(index, *at)
        return result

    def _sampled_fractions(self, index, x, y, radius):
        """Fractions of evenly spread points, each of which is an equal part of a profile."""
        n_cells = self.geometry.layers[index].n_cells
        quantile = (np.arange(RING_RADII) + 0.5) / RING_RADII
        r = np.sqrt(quantile / (1.0 - quantile))[:, None]
        # Rotated from ring to ring by the golden angle, so that points do not line up.
        angle = 2.0 * np.pi * np.arange(RING_ANGLES) / RING_ANGLES
        angle = angle + np.arange(RING_RADII)[:, None] * np.pi * (3.0 - np.sqrt(5.0))
        px = x[:, None] + radius[:, None] * (r * np.cos(angle)).ravel()
        py = y[:, None] + radius[:, None] * (r * np.sin(angle)).ravel()
        column = self.columns(np.full(px.size, index), px.ravel(), py.ravel())
        outside = column >= self.geometry.n_cells
        local = np.where(outside, n_cells, column - self._offset[index])
        return sum_by_column(local, px.shape[1], (len(x), n_cells + 1))[:, :-1] / px.shape[1]


def sum_by_column(column, per_row, shape, energy=None):
    """Sums of energies, or numbers of points, of the given `shape`.

    The points of one row come after those of another. `per_row` is their number in each row.
    """
    n_rows, n_columns = shape
    key = np.repeat(np.arange(n_rows) * n_columns, per_row) + column
    return np.bincount(key, energy, n_rows * n_columns).reshape(shape)


def _grid_fractions(layer, x, y, radius):
    """Integrals over rectangles: differences of the integrals up to their corners."""
    edges_x = layer.eta_size * (np.arange(layer.n_eta + 1) - 0.5 * layer.n_eta)
    edges_y = layer.phi_size * (np.arange(layer.n_phi + 1) - 0.5 * layer.n_phi)
    # Single precision is much faster. Its error of 1e-7 of the energy is less than a spot.
    dx, dy = (edges_x - x[:, None]).astype(np.float32), (edges_y - y[:, None]).astype(np.float32)
    square = np.square(radius[:, None].astype(np.float32))
    reach_x, reach_y = (1.0 / np.sqrt(np.square(d) + square) for d in (dx, dy))
    corner = (dx * reach_x)[:, None, :] * np.arctan(dy[:, :, None] * reach_x[:, None, :])
    corner += (dy * reach_y)[:, :, None] * np.arctan(dx[:, None, :] * reach_y[:, :, None])
    cells = np.diff(np.diff(corner, axis=1), axis=2).reshape(len(x), -1)
    return np.maximum(cells / np.float32(2.0 * np.pi), 0.0)


def _ring_fractions(layer, radius):
    """Fractions of a profile on the axis of the rings."""
    square = np.square(np.array(layer.r_edges))
    within = square / (square + np.square(radius[:, None]))
    return np.tile(np.diff(within, axis=1) / layer.n_alpha, (1, layer.n_alpha))
