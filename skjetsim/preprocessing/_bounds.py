"""Columns with a threshold or an acceptance, stretched so that no value lies beyond it."""

from collections.abc import Mapping

import numpy as np

from skjetsim.preprocessing._base import InvertibleEventTransformer
from skjetsim.utils._angles import is_angle
from skjetsim.utils._parameters import check_real

SMALLEST = np.nextafter(0.0, 1.0)


class BoundTransformer(InvertibleEventTransformer):
    r"""Stretch columns near their bounds, so that every number stands for a value inside.

    Jets above a threshold in pT, or leptons within abs(eta) < 2.4, end at an edge, and a model of
    smooth densities draws events beyond it. Here the edge is moved to infinity. Values away from it
    stay nearly as they are, unlike those of a logit. With s the softness,

    .. math:: u = a + s \log(e^{(v - a) / s} - 1)

    for a lower bound a, and likewise for an upper bound b. For both together it is the inverse of

    .. math:: v = a + s \log(1 + e^{(u - a) / s}) - s \log(1 + e^{(u - b) / s}).

    Parameters
    ----------
    bounds : dict
        Column, by name or position -> (low, high); None is an open end. For example
        `{"jet_pt": (20.0, None), "jet_eta": (-5.0, 5.0)}`.
    softness : float, default=0.1
        s, in standard deviations of the column in the fit. A density that ends at a bound becomes
        one with an exponential tail of this length.

    Attributes
    ----------
    columns_ : list of int
        Positions of the columns.
    bounds_ : ndarray of shape (n_columns, 2)
        Bounds of each column, in its unit; infinite if there is no bound.
    scale_ : ndarray of shape (n_columns,)
        s of each column, in its unit. If a column has one value only, the standard deviation is
        replaced by its distance to the nearest bound.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    See Also
    --------
    LogTransformer : For positive columns that stretch over orders of magnitude. A threshold at
        20 GeV is one at log(20) after it.
    skjetsim.compose.ResidualTransformer : May follow, since columns keep their names and, except
        near the bounds, their values.

    Notes
    -----
    Columns keep their names. A value on a bound or beyond it is a ValueError in `fit` and
    `transform`; `inverse_transform` takes any number to a value strictly inside. Angles are
    an error, since they have no ends. log |det| is the sum of
    log(1 / (1 - exp((a - v) / s)) + 1 / (exp((b - v) / s) - 1)).

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import BoundTransformer
    >>> events = pd.DataFrame({"jet_pt": [20.1, 21.0, 35.0, 80.0]})
    >>> bound = BoundTransformer({"jet_pt": (20.0, None)}).fit(events)
    >>> bound.transform(events).round(2)["jet_pt"].tolist()
    [12.26, 18.34, 34.99, 80.0]
    >>> bound.inverse_transform([[-100.0], [20.0], [50.0]]).round(2).ravel().tolist()
    [20.0, 21.69, 50.0]
    """

    def __init__(self, bounds, *, softness=0.1):
        self.bounds = bounds
        self.softness = softness

    def fit(self, X, y=None):
        """Learn the widths of the columns.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Events.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted transformer.

        Raises
        ------
        ValueError
            On NaN, infinity, text, missing columns, angles, wrong bounds, and values that
            are not inside them.
        """
        super().fit(X)
        values = self._validated(X)[:, self.columns_]
        low, high = self.bounds_.T
        # The range tells, since rounding of the mean gives equal values a standard deviation.
        varies = np.ptp(values, axis=0) > 0
        nearest = np.minimum(values[0] - low, high - values[0])
        self.scale_ = self.softness * np.where(varies, values.std(axis=0), nearest)
        return self

    def _resolve(self, names):
        if not isinstance(self.bounds, Mapping) or not self.bounds:
            raise ValueError(
                "BoundTransformer: bounds must be a dict, column -> (low, high), got "
                f"{self.bounds!r}."
            )
        check_real(self.softness, "BoundTransformer: softness", above=0)
        self.columns_ = self._positions(list(self.bounds))
        self.bounds_ = np.array([_pair(*item) for item in self.bounds.items()])
        for column in self.columns_:
            if is_angle(names[column]):
                raise ValueError(
                    f"BoundTransformer: column {names[column]!r} is an angle, for which pi and -pi "
                    "are one direction and no bounds. Leave it out of `bounds`, or give a folded "
                    "one, from 0 to pi, a name without 'phi'."
                )
        return names

    def _check(self, values):
        for column, (low, high) in zip(self.columns_, self.bounds_, strict=True):
            value = values[:, column]
            self._refuse(
                ~((low < value) & (value < high)),
                column,
                "{value:.6g} is not inside ({low:g}, {high:g}); the bounds themselves are outside. "
                "Select the events that are inside, or widen the bounds.",
                value=value,
                low=low,
                high=high,
            )

    def _log_rises(self, values):
        """log(1 - exp(-t)) for the distances t from the lower and the upper bound.

        Distances are in units of s. They are kept above zero, to which subnormal ones may round.
        """
        low, high = self.bounds_.T
        inside = values[:, self.columns_]
        above, below = (
            np.maximum(distance / self.scale_, SMALLEST)
            for distance in (inside - low, high - inside)
        )
        return np.log(-np.expm1(-above)), np.log(-np.expm1(-below)), below

    def _forward(self, values):
        out = values.copy(order="K")
        rise, fall, _ = self._log_rises(values)
        # log(exp(t) - 1) = t + log(1 - exp(-t)), and the second term vanishes far from a bound.
        out[:, self.columns_] += self.scale_ * (rise - fall)
        return out

    def _inverse(self, values):
        out = values.copy(order="K")
        u = values[:, self.columns_]
        low, high = self.bounds_.T
        above, below = (u - low) / self.scale_, (high - u) / self.scale_
        # Distance to the nearer bound, as a sum of positive terms, which keeps all of its digits.
        near = np.minimum(above, below)
        width = (high - low) / self.scale_
        both = np.log(-np.expm1(-width)) - np.logaddexp(0, near - width)
        distance = self.scale_ * np.logaddexp(0, near + both)
        result = np.where(above <= below, low + distance, high - distance)
        inside = np.nextafter(low, np.inf), np.nextafter(high, -np.inf)
        out[:, self.columns_] = np.clip(result, *inside)
        return out

    def _log_det(self, values):
        rise, fall, below = self._log_rises(values)
        return np.logaddexp(-rise, -below - fall).sum(axis=1)


def _pair(column, bounds):
    """Bounds as two floats, infinite if there is no bound."""
    try:
        low, high = (None, None) if isinstance(bounds, str) else bounds
        low = -np.inf if low is None else float(low)
        high = np.inf if high is None else float(high)
    except (TypeError, ValueError):
        low = high = np.nan
    if not low < high or np.isinf([low, high]).all():
        raise ValueError(
            f"BoundTransformer: bounds of {column!r} must be (low, high), rising; one of them may "
            f"be None, got {bounds!r}."
        )
    return low, high
