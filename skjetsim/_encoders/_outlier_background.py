"""OutlierBackground: mismeasured events that are wrong in other columns than those of the fit.

A few dozen mismeasured events do not show every combination of columns and signs that can go
wrong. Kernels around them give a combination that is missing no probability at all, and one such
event would decide a mean score. Here each column is wrong on its own.
"""

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator

LOG_ROOT = 0.5 * np.log(2 * np.pi)
TINY = np.finfo(float).tiny


class OutlierBackground(BaseEstimator):
    """Density of independent columns: near the core, or far from it on a side.

    Far distances are uniform in their logarithm, between the cut and the limit. No column is far on
    a side on which no event of the fit is. If events are far on both sides, each side reaches as
    far as the other.

    Attributes
    ----------
    far_share_ : ndarray of shape (2, n_columns)
        Probability of a far value on the lower and on the upper side.
    limits_ : ndarray of shape (2, n_columns)
        Farthest distance on either side.
    spread_ : ndarray of shape (n_columns,)
        Width of near values, in widths of the core.
    cut_ : float
        Distance, in widths of the core, from which on values are far.
    circular_ : ndarray of bool, shape (n_columns,)
        Columns that are uniform on the circle.
    """

    def fit(self, centres, far, widths, limits, circular, cut):
        """Learn from distances `centres`, of shape (n_centres, n_columns), and which are far."""
        self.circular_, self.cut_ = circular, cut
        # One event more is not far, so that each column may be near.
        n_far = [(far & (side * centres > 0)).sum(axis=0) for side in (-1, 1)]
        self.far_share_ = np.array(n_far) / (len(centres) + 1)
        self.limits_ = np.where(self.far_share_.all(axis=0), limits.max(axis=0), limits)
        square = np.where(far, 0.0, centres / widths) ** 2
        near = np.maximum((~far).sum(axis=0), 1)
        self.spread_ = np.sqrt(np.maximum(square.sum(axis=0) / near, 0.1))
        return self

    def _sides(self, width):
        """Probability and length in the logarithm of far values, for each side."""
        start = np.log(self.cut_ * width)
        for share, limit in zip(self.far_share_, self.limits_, strict=True):
            length = np.log(np.maximum(limit, TINY)) - start
            # The core may be wider at this X than the limit.
            yield np.where(length > 0, share, 0.0), np.maximum(length, TINY), start

    def log_prob(self, distance, width):
        """Log-density of distances from the place of the core, of shape (n_samples, n_columns)."""
        t = distance / (width * self.spread_)
        total = np.zeros(distance.shape)
        near = 1.0
        for side, (share, length, start) in zip((-1, 1), self._sides(width), strict=True):
            reach = side * distance
            log = np.log(np.maximum(reach, TINY)) - start
            inside = (log > 0) & (log <= length)
            total += np.where(inside, share / length / np.where(inside, reach, 1.0), 0.0)
            near = near - share
        log_near = np.log(np.maximum(near, TINY)) - 0.5 * t * t - LOG_ROOT
        log_near -= np.log(width * self.spread_)
        log_far = np.log(np.maximum(total, TINY))
        result = np.where(total > 0, np.logaddexp(log_near, log_far), log_near)
        return np.where(self.circular_, -np.log(2 * np.pi), result).sum(axis=1)

    def draw(self, width, noise):
        """Distances from the place of the core, of standard normal noise of the same shape."""
        u = ndtr(noise)
        (low, low_length, start), (high, high_length, _) = self._sides(width)
        near = np.maximum(1 - low - high, TINY)
        below, above = u < low, u > 1 - high
        t = ndtri(np.clip((u - low) / near, 1e-12, 1 - 1e-12)) * self.spread_ * width
        t = np.where(below, -np.exp(start + low_length * u / np.maximum(low, TINY)), t)
        rise = high_length * (1 - u) / np.maximum(high, TINY)
        t = np.where(above, np.exp(start + rise), t)
        return np.where(self.circular_, (2 * u - 1) * np.pi, t)
