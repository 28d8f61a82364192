"""OutlierDensity: what mismeasured events look like, as a kernel density of all columns together.

The density is a mixture with one component for each mismeasured event of the fit. In columns in
which this event is far from the core, a component has its distance, smeared by a factor. In other
columns it has the place and width of similar events, and a part of the event's own deviation. So
columns that are wrong together stay together. Components of events with a similar X have larger
shares. One more component has the share of one event: the background, in which columns are wrong on
their own.
"""

from itertools import product

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri
from sklearn.base import BaseEstimator

from skjetsim._encoders._outlier_background import LOG_ROOT, OutlierBackground
from skjetsim._encoders._outlier_rate import OutlierRate
from skjetsim._encoders._regression import PlaceAndWidth
from skjetsim.utils._angles import wrap_phi

FAR = 3.0  # in widths; values beyond are smeared by a factor
MOST_CENTRES = 1024  # more are thinned out
MOST_HELD_OUT = 256  # of them, in turn, when widths are learnt
ROWS_AT_ONCE = 1024
FEWEST_CENTRES = 10  # below, the widths of the kernels are not learnt
FACTORS = (0.2, 0.35, 0.5)  # widths of kernels in the logarithm of the distance
LARGEST_FACTOR = 0.7
BEYOND = 1.5  # no value is farther than this times the farthest of the fit
CORES = (0.3, 0.5, 0.7, 0.85, 1.0)  # widths of kernels in those of similar events
REACHES = (0.5, 1.0, 2.0, np.inf)  # widths of kernels in features of X
DEFAULT = (0.5, 1.0, np.inf)
ANGLE = 0.5  # width of kernels of angles, in radians
LEAST_T, EVENTS_PER_FEATURE, MOST_FEATURES = 4.0, 6, 3  # for each column
IMPOSSIBLE = 1e9  # minus the log-density on the other side, or beyond the limit


class OutlierDensity(BaseEstimator):
    """Rate of mismeasured events, and their density, given features of X.

    Attributes
    ----------
    rate_ : OutlierRate
    location_ : PlaceAndWidth
        Place and width of the core. Place zero and width one for angles.
    circular_ : ndarray of bool, shape (n_columns,)
    centres_ : ndarray of shape (n_centres, n_columns)
        Distances of mismeasured events from the place, in the units of the table.
    basis_ : ndarray of shape (n_centres, n_features)
        Their features of X.
    weight_ : ndarray of shape (n_centres,)
        Share of each. The sum is one.
    width_ : ndarray of shape (n_centres, n_columns)
        Widths of the core given their X.
    far_ : ndarray of bool, shape (n_centres, n_columns)
        Columns in which they are far from the core.
    middle_, spread_ : ndarray of shape (n_centres, n_columns)
        Place and width of similar events, in columns in which they are not far.
    limits_ : ndarray of shape (2, n_columns)
        Farthest distance on either side that is possible.
    sparse_ : ndarray of shape (n_centres, 1)
        Factor by which kernels are wider, because few events are similar.
    told_ : ndarray of int
        Features of X that far values depend on.
    factor_, core_, reach_ : float
        Widths of the kernels.
    background_ : OutlierBackground
    """

    def fit(self, core, core_basis, far, far_basis, weights, circular, straight):
        """Learn what the mismeasured events look like.

        Parameters
        ----------
        core, far : ndarray of shape (n_samples, n_columns)
            Encoded events.
        core_basis, far_basis : ndarray of shape (n_samples, n_features)
            Features of X. The first one is constant.
        weights : tuple of ndarray
            Weights of both.
        circular : ndarray of bool, shape (n_columns,)
        straight : ndarray of int
            Features that the rate and far values may depend on.

        Returns
        -------
        self
        """
        self.circular_ = np.array(circular, dtype=bool)
        columns = np.flatnonzero(~self.circular_)
        self.location_ = PlaceAndWidth().fit(core, core_basis, weights[0], columns)
        self.rate_ = OutlierRate().fit(core_basis, far_basis, weights, straight)
        self._keep(far, far_basis, weights[1] / weights[1].sum())
        self.told_ = self._find_features(straight)
        self._find_widths()
        return self

    def extend(self, far, far_basis, share):
        """Add mismeasured events, which have these shares of all."""
        place, _ = self.location_.locate(self.basis_)
        self._keep(
            np.concatenate([self.centres_ + place, far]),
            np.concatenate([self.basis_, far_basis]),
            np.concatenate([self.weight_ * (1 - share.sum()), share]),
        )
        self._find_widths()

    def _keep(self, far, basis, share):
        rows = np.arange(0, len(far), -(-len(far) // MOST_CENTRES))
        place, self.width_ = self.location_.locate(basis[rows])
        self.centres_, self.basis_ = far[rows] - place, basis[rows]
        self.weight_ = share[rows] / share[rows].sum()
        self.far_ = (np.abs(self.centres_) > FAR * self.width_) & ~self.circular_
        sides = [np.where(self.far_, side * self.centres_, 0.0) for side in (-1, 1)]
        self.limits_ = BEYOND * np.max(sides, axis=1)
        self._learn_spread()
        self.background_ = OutlierBackground().fit(
            self.centres_, self.far_, self.width_, self.limits_, self.circular_, FAR
        )

    @property
    def _background_share(self):
        return 1 / (len(self.centres_) + 1)

    def _learn_spread(self):
        """Place and width of each column among events that are far in the same columns."""
        t, near = self.centres_ / self.width_, (~self.far_).astype(float)
        far = self.far_.astype(float)
        common, number = far @ far.T, far.sum(axis=1)
        # Events that are far in angles alone are similar, too.
        alike = (common + 1e-3) / (number + number[:, None] - common + 1e-3) * self.weight_
        # One event more, of the core.
        own = self.weight_.mean()
        share = alike.sum(axis=1, keepdims=True)
        self.sparse_ = share ** (-1 / (4 + number.mean()))
        total = alike @ near + own
        self.middle_ = alike @ (near * t) / total
        square = (alike @ (near * t**2) + own) / total
        self.spread_ = np.sqrt(np.maximum(square - self.middle_**2, 0.1))

    def _find_features(self, straight):
        """Features of X on which the far values of a column depend significantly.

        The difference of a wrongly matched object from the right one falls with the latter.
        """
        told = set()
        for j in range(self.centres_.shape[1]):
            rows = self.far_[:, j]
            most = min(MOST_FEATURES, rows.sum() // EVENTS_PER_FEATURE - 1)
            chosen = []
            while len(chosen) < most:
                t = _t_values(self.basis_[rows], self.centres_[rows, j], chosen, straight)
                if np.abs(t).max(initial=0.0) < LEAST_T:
                    break
                chosen.append(int(straight[np.argmax(np.abs(t))]))
            told.update(chosen)
        return np.array(sorted(told), dtype=int)

    def _find_widths(self):
        """Widths of the kernels for which each event is most probable given the others."""
        self.factor_, self.core_, self.reach_ = DEFAULT
        n_centres = len(self.centres_)
        if n_centres < FEWEST_CENTRES:
            return
        rows = np.arange(0, n_centres, -(-n_centres // MOST_HELD_OUT))
        basis = self.basis_[rows]
        place, _ = self.location_.locate(basis)
        inputs, itself = self.centres_[rows] + place, rows[:, None] == np.arange(n_centres)
        reaches = REACHES if len(self.told_) else REACHES[-1:]
        best, most = DEFAULT, -np.inf
        for self.factor_, self.core_ in product(FACTORS, CORES):
            parts = self._log_parts(inputs, basis)
            for self.reach_ in reaches:
                shares = self._log_shares(basis, itself)
                found = self.weight_[rows] @ logsumexp(parts + shares, axis=1)
                if found > most:
                    best, most = (self.factor_, self.core_, self.reach_), found
        self.factor_, self.core_, self.reach_ = best

    def _log_shares(self, basis, left_out=None):
        """Logarithm of the share of each component at each row of features."""
        told = self.told_ if np.isfinite(self.reach_) else self.told_[:0]
        sides = basis[:, told] / self.reach_, self.basis_[:, told] / self.reach_
        shares = (
            sides[0] @ sides[1].T + np.log(self.weight_) - 0.5 * np.square(sides[1]).sum(axis=1)
        )
        if left_out is not None:
            shares[left_out] = -np.inf
        return shares - logsumexp(shares, axis=1, keepdims=True)

    def log_prob(self, inputs, basis):
        """Log-density of each row, given that it is mismeasured.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, n_columns)
        basis : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        parts = [np.zeros(0)]
        for start in range(0, len(inputs), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            both = self._log_parts(inputs[rows], basis[rows]) + self._log_shares(basis[rows])
            place, width = self.location_.locate(basis[rows])
            background = self.background_.log_prob(inputs[rows] - place, width)
            share = self._background_share
            kernels = np.log1p(-share) + logsumexp(both, axis=1)
            parts.append(np.logaddexp(kernels, np.log(share) + background))
        return np.concatenate(parts)

    def _log_parts(self, inputs, basis):
        """Log-density of each component at each row: products of functions of row and component."""
        place, width = self.location_.locate(basis)
        plain = ~self.circular_
        distance = np.where(plain, inputs - place, 0.0)
        t, log_width = distance / width, np.log(width)
        near, narrow = self._kernels()
        inverse = np.where(self.far_ | ~plain, 0.0, 1 / narrow**2)
        parts = (t * t) @ (-0.5 * inverse.T) + t @ (inverse * near).T
        constant = -0.5 * (inverse * near**2).sum(axis=1)
        is_near = (~self.far_ & plain).astype(float)
        parts -= log_width @ is_near.T
        constant -= (is_near * np.log(narrow)).sum(axis=1)

        far, smear = self.far_.astype(float), self._smear()
        log = np.log(np.maximum(np.abs(distance), np.finfo(float).tiny))
        centre = np.log(np.where(self.far_, np.abs(self.centres_), 1.0))
        inverse = far / smear**2
        parts += (log * log) @ (-0.5 * inverse.T) + log @ (inverse * centre - far).T
        constant -= 0.5 * (inverse * centre**2).sum(axis=1)
        constant -= (far * (np.log(smear) + log_ndtr(self._log_limits() / smear))).sum(axis=1)
        for side, limit in zip((-1, 1), self.limits_, strict=True):
            away = (side * distance <= 0) | (side * distance > limit)
            here = self.far_ & (side * self.centres_ > 0)
            parts -= IMPOSSIBLE * (away.astype(float) @ here.T)
        constant -= LOG_ROOT * plain.sum()
        for j in np.flatnonzero(self.circular_):
            parts += _log_wrapped_normal(inputs[:, [j]] - self.centres_[:, j])
        return parts + constant

    def _log_limits(self):
        """How far the logarithm of each distance may rise."""
        limit = np.where(self.centres_ > 0, self.limits_[1], self.limits_[0])
        return np.log(np.where(self.far_, limit / np.abs(self.centres_), 1.0))

    def _smear(self):
        """Width of the kernels in the logarithm of the distance."""
        return np.minimum(self.factor_ * self.sparse_, LARGEST_FACTOR)

    def _kernels(self):
        """Centres and widths of the kernels in columns in which events are not far."""
        own = np.sqrt(1 - self.core_**2) * (self.centres_ / self.width_ - self.middle_)
        return self.middle_ + own, self.core_ * self.spread_

    def draw(self, basis, noise):
        """Mismeasured events.

        Parameters
        ----------
        basis : ndarray of shape (n_samples, n_features)
        noise : ndarray of shape (n_samples, n_columns + 1)
            Standard normal. The first column chooses the component.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        shares = np.cumsum(np.exp(self._log_shares(basis)), axis=1)
        chance, noise = ndtr(noise[:, :1]), noise[:, 1:]
        alone = chance < self._background_share
        chance = (chance - self._background_share) / (1 - self._background_share)
        chosen = (shares < chance * shares[:, -1:]).sum(axis=1)
        place, width = self.location_.locate(basis)
        centres, far = self.centres_[chosen], self.far_[chosen]
        near, narrow = (kernels[chosen] for kernels in self._kernels())
        smear, limit = self._smear()[chosen], self._log_limits()[chosen]
        z = ndtri(ndtr(noise) * ndtr(limit / smear))  # at most the limit
        smeared = centres * np.exp(smear * z)
        result = place + np.where(far, smeared, width * (near + narrow * noise))
        angles = self.circular_
        result[:, angles] = wrap_phi(centres[:, angles] + ANGLE * noise[:, angles])
        return np.where(alone, place + self.background_.draw(width, noise), result)


def _t_values(basis, target, chosen, straight):
    """Significance of each straight feature next to the chosen ones; zero if it depends on them."""
    t = np.zeros(len(straight))
    for index, feature in enumerate(straight):
        inputs = np.column_stack([np.ones(len(basis)), basis[:, [*chosen, feature]]])
        gram = inputs.T @ inputs
        if feature in chosen or np.linalg.cond(gram) > 1e8:
            continue
        slopes = np.linalg.solve(gram, inputs.T @ target)
        variance = np.sum((target - inputs @ slopes) ** 2) / (len(target) - len(gram))
        error = np.sqrt(variance * np.linalg.inv(gram)[-1, -1])
        t[index] = slopes[-1] / max(error, np.finfo(float).tiny)
    return t


def _log_wrapped_normal(angle):
    """Log-density of a normal angle."""
    turns = wrap_phi(angle)[..., None] + 2 * np.pi * np.array([-1.0, 0.0, 1.0])
    return logsumexp(-0.5 * (turns / ANGLE) ** 2, axis=-1) - LOG_ROOT - np.log(ANGLE)
