"""ResponseEncoder: place and width of each column of y given X, found before a network is trained.

A detector changes an event little: the response is a hundred times narrower than the spectrum. A
network would first have to learn the identity to a thousandth. Here, a robust regression in double
precision learns the place and the width of each column. A network then learns the residuals, which
are of order one. For each X, the map from y to the residuals is a bijection with an exact
log-determinant.
"""

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim._encoders._regression import (
    CORE,
    MOST,
    MOST_ROWS,
    NARROW,
    ROUNDING,
    Regression,
    core_width,
)
from skjetsim._encoders._smooth_features import LEAST_SIZE, SmoothFeatures, momentum_size
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._weighted import weighted_quantile

# A column is encoded if its residuals are narrower than this share of the column. Widths are
# distances within which two thirds of the events lie, for events that the regression has not seen.
# A detector blurs a resonance or an edge by about its width. It is in one place only in the
# original column, so that column is not encoded. Nine tenths of the events must be as narrow: a
# column that often holds another object, such as a jet of the wrong parton, is not a response.
FEWEST_ROWS = 100
FEW_BEHIND = 0.01  # share of events over a quarter turn away, below which an angle is a number


class ResponseEncoder(BaseEstimator):
    """Residuals of y from its place given X, in units of their width given X.

    Columns of y whose residuals are not narrow stay as they are. Momenta (`muon_px`, `muon_py`,
    `muon_pz`) that X and y share are compared in the frame of the momentum in X, in units of its
    size. An angle is measured from the nearest angle of X. If hardly any event is more than a
    quarter of a turn away from it, the difference is treated as a number.

    Attributes
    ----------
    features_ : SmoothFeatures
    momenta_ : ndarray of int, shape (n_objects, 2, 3)
        Columns of X and of y of each momentum.
    least_sizes_ : ndarray of shape (n_objects,)
        Least size of each momentum of X in the fit. Units are never smaller than this.
    turned_by_ : ndarray of int, shape (n_targets,)
        Column of X that an angle is measured from. -1 if there is none.
    encoded_ : ndarray of bool, shape (n_targets,)
        Which columns have a place and a width.
    circular_ : ndarray of bool, shape (n_targets,)
        Which columns are still angles after encoding.
    place_, width_ : ndarray of shape (n_features_out, n_targets)
        Coefficients of place and of log width.
    log_width_range_ : ndarray of shape (2, n_targets)
        Least and largest log width in the fit.
    """

    def fit(self, X, y, x_names, y_names, weight=None, keep=None):
        """Find the columns of y with narrow residuals, and learn their place and width.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        y : ndarray of shape (n_samples, n_targets)
        x_names, y_names : list of str
        weight : ndarray of shape (n_samples,), optional
        keep : ndarray of bool, shape (n_targets,), optional
            Columns that stay as they are, such as integers.

        Returns
        -------
        self
        """
        step = -(-len(X) // MOST_ROWS)
        weight = np.ones(len(X)) if weight is None else weight
        X, y, weight = _distinct(X[::step], y[::step], weight[::step])
        x_names, y_names = [str(name) for name in x_names], [str(name) for name in y_names]
        n_targets = y.shape[1]
        kept = np.zeros(n_targets, dtype=bool) if keep is None else np.asarray(keep)
        kept = kept | (y == y[0]).all(axis=0)
        angles = np.array([is_angle(name) for name in y_names])
        self.momenta_ = _shared_momenta(X, y, x_names, y_names, kept, weight)
        self.least_sizes_ = np.array([momentum_size(X[:, x]).min() for x, _ in self.momenta_])
        self.turned_by_ = _nearest_angles(X, y, x_names, angles & ~kept, weight)
        self.features_ = SmoothFeatures().fit(X, x_names, self.momenta_[:, 0], weight)
        start = self._start(X, y)
        behind = np.average(np.abs(start) > np.pi / 2, axis=0, weights=weight)
        self.circular_ = angles & ~((self.turned_by_ >= 0) & (behind < FEW_BEHIND))
        self._fit_columns(X, start, y, weight, kept | self.circular_)
        return self

    def _fit_columns(self, X, start, y, weight, left_alone):
        n_rows, n_targets = y.shape
        basis = self.features_.transform(X)
        self.encoded_ = np.zeros(n_targets, dtype=bool)
        self.place_, self.width_ = np.zeros((2, basis.shape[1], n_targets))
        self.log_width_range_ = np.zeros((2, n_targets))
        if n_rows < FEWEST_ROWS:
            return
        middle = [weighted_quantile(column, [0.5], weight)[0] for column in y.T]
        units = core_width(y - middle, weight)
        reaches = core_width(y - middle, weight, MOST)
        # Momenta are already relative to those of X.
        units[self.momenta_[:, 1]], reaches[self.momenta_[:, 1]] = 1.0, np.inf
        for_width = self.features_.for_width(n_rows)
        for j in np.flatnonzero(~left_alone & (units > 0)):
            regression = Regression(basis, for_width, start[:, j], weight, units[j], reaches[j])
            for_place = regression.narrowest(self.features_.for_place(n_rows))
            if for_place is not None:
                self.encoded_[j] = True
                place, width = regression.fit(for_place)
                self.place_[for_place, j], self.width_[for_width, j] = place, width
                log_width = basis @ self.width_[:, j]
                self.log_width_range_[:, j] = log_width.min(), log_width.max()

    def encode(self, X, y):
        """Residuals of y, in units of their width.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        y : ndarray of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        place, log_width = self._place_and_width(X)
        return (self._start(X, y) - place) * np.exp(-log_width)

    def decode(self, X, left):
        """Inverse of `encode`. Angles are in (-pi, pi].

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        left : ndarray of shape (n_samples, n_targets)
            Residuals, from `encode`.

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        place, log_width = self._place_and_width(X)
        y = left * np.exp(log_width) + place
        columns, p, size = self._momenta(X)
        y[:, columns] = p + size * np.einsum("noij,noi->noj", _frame(p), y[:, columns])
        turned = np.flatnonzero(self.turned_by_ >= 0)
        y[:, turned] = wrap_phi(y[:, turned] + X[:, self.turned_by_[turned]])
        return y

    def log_det(self, X):
        """log|det| of `encode` with respect to y, for each row. It does not depend on y.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        result = -self._place_and_width(X)[1].sum(axis=1)
        return result - 3 * np.log(self._momenta(X)[2]).sum(axis=(1, 2))

    def _momenta(self, X):
        """Columns of y that are momenta, the same momenta in X, and the sizes that are units."""
        x_columns, y_columns = np.moveaxis(self.momenta_, 1, 0)
        p = X[:, x_columns]
        return y_columns, p, np.maximum(momentum_size(p), self.least_sizes_)[..., None]

    def _place_and_width(self, X):
        if not self.encoded_.any():
            return np.zeros((2, len(X), len(self.encoded_)))
        basis = self.features_.transform(X)
        log_width = np.clip(basis @ self.width_, *self.log_width_range_)
        return basis @ self.place_, log_width

    def _start(self, X, y):
        """Return y with momenta in the frame of those in X, and angles from those in X."""
        start = y.astype(np.float64)
        columns, p, size = self._momenta(X)
        moved = (y[:, columns] - p) / size
        start[:, columns] = np.einsum("noij,noj->noi", _frame(p), moved)
        turned = np.flatnonzero(self.turned_by_ >= 0)
        start[:, turned] = wrap_phi(start[:, turned] - X[:, self.turned_by_[turned]])
        return start


def _distinct(X, y, weight):
    """Merge equal events into one, with the sum of their weights.

    An event of weight two is then the same as two equal events. Otherwise the rows that are held
    out and the number of coefficients would differ.
    """
    rows = np.concatenate([X, y], axis=1)
    _, first, number = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return X, y, weight
    order = np.argsort(first)
    return X[first[order]], y[first[order]], np.bincount(number.ravel(), weight)[order]


def _frame(p):
    """Unit vectors along each momentum, its polar angle and its azimuth, as rows."""
    pt = np.hypot(p[..., 0], p[..., 1])
    on_axis = pt == 0
    safe = np.where(on_axis, 1.0, pt)
    cosine, sine = np.where(on_axis, 1.0, p[..., 0] / safe), p[..., 1] / safe
    frame = np.zeros((*p.shape[:-1], 3, 3))
    frame[..., 0, :] = p / momentum_size(p)[..., None]
    frame[on_axis, 0] = 0.0, 0.0, 1.0
    x, y, z = np.moveaxis(frame[..., 0, :], -1, 0)
    frame[..., 1, 0], frame[..., 1, 1] = cosine * z, sine * z
    frame[..., 1, 2] = -sine * y - cosine * x
    frame[..., 2, 0], frame[..., 2, 1] = -sine, cosine
    return frame


def _shared_momenta(X, y, x_names, y_names, kept, weight):
    """Columns of the momenta that X and y share and that the detector changes little."""
    found = []
    for name in y_names:
        if not (name == "px" or name.endswith("_px")):
            continue
        names = [name[:-2] + axis for axis in ("px", "py", "pz")]
        if not all(n in x_names and n in y_names for n in names):
            continue
        columns = [[side.index(n) for n in names] for side in (x_names, y_names)]
        p, size = X[:, columns[0]], momentum_size(X[:, columns[0]])
        if kept[columns[1]].any() or size.min() <= LEAST_SIZE:
            continue
        if (core_width((y[:, columns[1]] - p) / size[:, None], weight) < NARROW).all():
            found.append(columns)
    return np.array(found, dtype=int).reshape(-1, 2, 3)


def _nearest_angles(X, y, x_names, angles, weight):
    """For each angle of y, the nearest angle of X. -1 if none is near."""
    nearest = np.full(y.shape[1], -1)
    candidates = [i for i, name in enumerate(x_names) if is_angle(name)]
    for j in np.flatnonzero(angles) if candidates else ():
        distance = core_width(wrap_phi(y[:, [j]] - X[:, candidates]), weight)
        best = int(np.argmin(distance))
        if ROUNDING < distance[best] < NARROW * CORE * np.pi:
            nearest[j] = candidates[best]
    return nearest
