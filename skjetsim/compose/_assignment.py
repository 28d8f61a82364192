"""Objects of the detector level put into the order of those of the theory level."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim._angles import wrap_phi
from skjetsim._validation import check_events, check_names_match, first_duplicate
from skjetsim.compose._conditional import ConditionalTransformerMixin

__all__ = ["AssignmentTransformer"]

LARGEST_NUMBER = 6  # of objects, whose orders are all tried
# Beyond this distance one jet is as little a quark's as another, and nearly no matter how far.
LARGEST_DELTA_R, FARTHER = 1.0, 1e-3


class AssignmentTransformer(ConditionalTransformerMixin, BaseEstimator):
    r"""Put the objects of y into the order of the objects of X that they come from.

    Jets come by falling pT, in which order a small fluctuation makes the third jet the second: a
    model then has to learn which quark each jet stands for in each event. Put into the order of
    the quarks, each jet is near its own, and the residuals are narrow. Of all orders it takes the
    one of the smallest

    .. math:: \sum_i \min(\Delta R_i^2, 1) + 0.001 \, \Delta R_i^2,

    so that a jet from elsewhere does not shift the others. On the way back the objects are ordered
    by pT again.

    Parameters
    ----------
    objects : sequence of str
        Names of the objects of y, by falling pT, such as "jet1", "jet2".
    references : sequence of str
        Names of as many objects of X, such as "b", "antib". At most six.

    Attributes
    ----------
    n_features_in_, n_targets_ : int

    See Also
    --------
    ResidualTransformer : Comes next, since the columns of both sides are now called alike.

    Notes
    -----
    The columns of y are renamed from `jet1_...` to `b_...`, and so on. Columns must have names; on
    both sides directions come from `eta` and `phi` or from Cartesian columns, measured in the same
    frame, and pT on the side of y. An order is no function that has a density: there is no
    `log_det_target`, and simulators behind this one have no `score_samples`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.compose import AssignmentTransformer
    >>> X = pd.DataFrame({"b_eta": [0.0], "b_phi": [0.0], "u_eta": [1.0], "u_phi": [2.0]})
    >>> y = pd.DataFrame({"jet1_pt": [50.0], "jet1_eta": [1.1], "jet1_phi": [2.1],
    ...                   "jet2_pt": [40.0], "jet2_eta": [0.1], "jet2_phi": [0.2]})
    >>> assignment = AssignmentTransformer(["jet1", "jet2"], ["b", "u"]).fit(X, y)
    >>> assignment.transform_target(X, y)
    array([[40. ,  0.1,  0.2, 50. ,  1.1,  2.1]])
    >>> assignment.get_target_names_out(list(y))[:2]
    ['b_pt', 'b_eta']
    """

    def __init__(self, objects, references):
        self.objects = objects
        self.references = references

    def fit(self, X, y):
        """Find the columns of the objects.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
        y : DataFrame of shape (n_samples, n_targets)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where tables have no names, or an object is missing or has other components than the
            first one.
        """
        X, x_names = check_events(X, what="X", estimator=self)
        y, y_names = check_events(y, what="y", estimator=self)
        if x_names is None or y_names is None:
            raise ValueError(
                "AssignmentTransformer needs named columns, by which objects are found: pass X and "
                "y as DataFrames."
            )
        self._check_objects()
        self.x_names_, self.y_names_ = x_names, y_names
        self.n_features_in_, self.n_targets_ = X.shape[1], y.shape[1]
        self._positions()
        self._distances(X, y)
        return self

    def _check_objects(self):
        for name in ("objects", "references"):
            chosen = getattr(self, name)
            if isinstance(chosen, str) or first_duplicate(chosen) is not None:
                raise ValueError(f"{name} must be a list of different names, got {chosen!r}.")
        if len(self.objects) != len(self.references):
            raise ValueError(
                f"As many references as objects are needed, got {len(self.references)} and "
                f"{len(self.objects)}."
            )
        if not 2 <= len(self.objects) <= LARGEST_NUMBER:
            raise ValueError(
                f"All orders of 2 to {LARGEST_NUMBER} objects are tried, got {len(self.objects)}."
            )

    def _positions(self):
        """Columns of y, one row of them for each object, in one order of components."""
        # Not at import: preprocessing imports nothing of compose, but its column names are there.
        from skjetsim.preprocessing._columns import event_objects, find_object, join_name

        found = event_objects(self.y_names_)
        parts = [find_object(found, obj, type(self).__name__) for obj in self.objects]
        for obj, components in zip(self.objects, parts, strict=True):
            differing = sorted(set(components) ^ set(parts[0]))
            if differing:
                raise ValueError(
                    f"{self.objects[0]!r} and {obj!r} must have the same columns to change "
                    f"places, but only one of them has {join_name('*', differing[0])!r}."
                )
        return np.array([[components[name] for name in parts[0]] for components in parts])

    def _objects(self, table, names, chosen):
        """Objects of a table, from which directions and pT are read."""
        from skjetsim.preprocessing._columns import event_objects, find_object
        from skjetsim.preprocessing._objects import EventObject

        found = event_objects(names)
        owner = type(self).__name__
        return [
            EventObject(
                name, {c: table[:, i] for c, i in find_object(found, name, owner).items()}, owner
            )
            for name in chosen
        ]

    def _distances(self, X, y):
        """Squared distances, shape (n_references, n_objects, n_samples)."""
        references = self._objects(X, self.x_names_, self.references)
        objects = self._objects(y, self.y_names_, self.objects)
        return np.array(
            [
                [(a.eta - b.eta) ** 2 + wrap_phi(a.phi - b.phi) ** 2 for b in objects]
                for a in references
            ]
        )

    def transform_target(self, X, y):
        """Y with its objects in the order of the references.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        X, y = self._tables(X, y)
        squared = self._distances(X, y)
        cost = np.minimum(squared, LARGEST_DELTA_R**2) + FARTHER * squared
        orders = np.array(list(permutations(range(len(self.objects)))))
        place = np.arange(len(self.objects))
        best = np.argmin([cost[place, order].sum(axis=0) for order in orders], axis=0)
        return self._in_order(y, orders[best])

    def inverse_transform_target(self, X, y):
        """Y with its objects by falling pT.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            As `transform_target` returns it.

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        check_is_fitted(self)
        y, _ = check_events(y, what="y", estimator=self)
        pt = np.array([obj.pt for obj in self._objects(y, self.y_names_, self.objects)])
        return self._in_order(y, np.argsort(-pt, axis=0, kind="stable").T)

    def _in_order(self, y, order):
        """Rows whose i-th object is the one of number order[:, i]."""
        columns = self._positions()
        out = y.copy()
        rows = np.arange(len(y))[:, None]
        for place, target in enumerate(columns):
            out[:, target] = y[rows, columns[order[:, place]]]
        return out

    def get_target_names_out(self, names):
        """Names with those of the objects replaced by those of the references.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        list of str
        """
        columns = self._positions()
        out = list(names)
        for obj, reference, row in zip(self.objects, self.references, columns, strict=True):
            for i in row:
                out[i] = reference + out[i][len(obj) :]
        return out

    def _tables(self, X, y):
        """Both sides as arrays, compared with the columns of the fit."""
        check_is_fitted(self)
        X, x_names = check_events(X, what="X", estimator=self)
        y, y_names = check_events(y, what="y", estimator=self)
        for names, expected, what in ((x_names, self.x_names_, "X"), (y_names, self.y_names_, "y")):
            if names is not None:
                check_names_match(names, expected, what=what)
        return X, y
