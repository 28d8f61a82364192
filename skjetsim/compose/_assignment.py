"""Objects of the detector level put into the order of those of the theory level."""

import numbers
import warnings
from itertools import permutations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim.compose._conditional import ConditionalTransformerMixin, read_sides
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._event_columns import refuse_duplicates
from skjetsim.utils._event_objects import EventObject
from skjetsim.utils._object_order import ObjectOrder, columns_of
from skjetsim.utils._validation import check_names_match, first_duplicate

LARGEST_NUMBER = 6  # of objects, whose orders are all tried
# Beyond this distance one jet is as little a quark's as another, and nearly no matter how far.
LARGEST_DELTA_R, FARTHER = 1.0, 1e-3
# Quarks and jets of unrelated directions have a median of about 1, their own jets one below 0.1.
SUSPECT_DELTA_R = 0.5


class NearestAssignment(ConditionalTransformerMixin, BaseEstimator):
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
    matched_delta_r : float or None, default=None
        Append for each reference a column `b_matched`, 1 if its object is nearer than this and
        0 if it comes from elsewhere. A jet near its quark and one of other radiation are two
        things that no smooth density turns into each other: `CategorySimulator` learns first which
        it is. The columns are dropped on the way back. None appends nothing.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_, target_names_in_ : ndarray of str
        Columns of X and of y.
    columns_ : ndarray of int, shape (n_objects, n_columns)
        Columns of y that belong to each object, in one order.
    delta_r_ : ndarray of shape (n_objects,)
        Median distance of each reference to its object, over the fitted events.

    Warns
    -----
    UserWarning
        If each of `delta_r_` is above 0.5: directions of X and y are then measured from
        different axes.

    See Also
    --------
    ResidualTransformer : Comes next, since the columns of both sides are now called alike.
    CategorySimulator : Learns the columns of `matched_delta_r`.

    Notes
    -----
    All columns that begin with an object's name go with it, and are renamed from `jet1_...` to
    `b_...`; all others stay. Columns must have names. On both sides directions come from `eta` and
    `phi` or from Cartesian columns. They must be measured from the same axis: behind a
    `PhiRotation` of X there has to be one of y, before this step. Order comes from the pT of y, or
    `log_pt`. An order has no density: there is no `log_det_target`, and
    simulators behind this one have no `score_samples`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.compose import NearestAssignment
    >>> X = pd.DataFrame({"b_eta": [0.0], "b_phi": [0.0], "u_eta": [1.0], "u_phi": [2.0]})
    >>> y = pd.DataFrame({"jet1_pt": [50.0], "jet1_eta": [1.1], "jet1_phi": [2.1],
    ...                   "jet2_pt": [40.0], "jet2_eta": [0.1], "jet2_phi": [0.2]})
    >>> assignment = NearestAssignment(["jet1", "jet2"], ["b", "u"]).fit(X, y)
    >>> assignment.transform_target(X, y)
    array([[40. ,  0.1,  0.2, 50. ,  1.1,  2.1]])
    >>> assignment.get_target_names_out(list(y))[:2]
    ['b_pt', 'b_eta']
    >>> assignment.delta_r_.round(3)
    array([0.224, 0.141])
    """

    def __init__(self, objects, references, *, matched_delta_r=None):
        self.objects = objects
        self.references = references
        self.matched_delta_r = matched_delta_r

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
            If tables have no names, an object is missing or has other columns than the first
            one, or the objects of an event have no direction or do not fall in pT.
        """
        (X, y), (x_names, y_names) = read_sides(self, X, y)
        if x_names is None or y_names is None:
            raise ValueError(
                "NearestAssignment needs named columns, by which objects are found: pass X and "
                "y as DataFrames."
            )
        self._check_objects()
        self.feature_names_in_ = np.asarray(x_names, dtype=object)
        self.target_names_in_ = np.asarray(y_names, dtype=object)
        self.n_features_in_, self.n_targets_ = X.shape[1], y.shape[1]
        self._find_columns(x_names, y_names)
        refuse_duplicates(self._names_out(), type(self).__name__)
        squared = self._distances(X, y)
        self._order.check_falling(y, "y")
        self._check_axis(squared)
        return self

    def _check_objects(self):
        for name in ("objects", "references"):
            chosen = getattr(self, name)
            if (
                isinstance(chosen, str)
                or not np.iterable(chosen)
                or not all(isinstance(obj, str) and obj for obj in chosen)
                or first_duplicate(chosen) is not None
            ):
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
        nearest = self.matched_delta_r
        real = isinstance(nearest, numbers.Real) and not isinstance(nearest, bool)
        if nearest is not None and not (real and 0 < nearest < np.inf):
            raise ValueError(
                f"matched_delta_r must be a finite number above 0, or None, got {nearest!r}."
            )

    def _find_columns(self, x_names, y_names):
        """Learn which columns each object has, and that those of y can change places."""
        self._references = columns_of(self.references, x_names, type(self).__name__)
        self._order = ObjectOrder(self.objects, y_names, type(self).__name__)
        self.columns_ = self._order.columns

    def _distances(self, X, y):
        """Squared distances, shape (n_references, n_objects, n_samples)."""
        references, objects = self._read(X), self._order.read(y)
        for side, what in ((references, "X"), (objects, "y")):
            for obj in side:
                self._check_direction(obj, what)
        return np.array(
            [
                [(a.eta - b.eta) ** 2 + wrap_phi(a.phi - b.phi) ** 2 for b in objects]
                for a in references
            ]
        )

    def _read(self, X):
        """References, from which directions are read."""
        return [
            EventObject(obj, {part: X[:, i] for part, i in parts.items()}, type(self).__name__)
            for obj, parts in self._references.items()
        ]

    def _check_direction(self, obj, what):
        bad = ~np.isfinite(obj.eta)
        if bad.any():
            raise ValueError(
                f"NearestAssignment: {obj.name!r} of {what} has pT = 0 and so no direction, "
                f"first bad row {np.argmax(bad)} ({bad.sum()} bad rows in all). Select events with "
                "a pT above zero (skjetsim.selection.select_pt)."
            )

    def _check_axis(self, squared):
        """Learn how near the objects are to their references; warn if they are not."""
        best = self._best_orders(squared)
        place, rows = np.arange(len(self.objects)), np.arange(len(best))[:, None]
        self.delta_r_ = np.sqrt(np.median(squared[place, best, rows], axis=0))
        if self.delta_r_.min() > SUSPECT_DELTA_R:
            warnings.warn(
                "NearestAssignment: no object is near its reference, the medians of delta R "
                f"are {self.delta_r_.round(2).tolist()}. If one side has been rotated "
                "(PhiRotation), rotate the other before this step.",
                UserWarning,
                stacklevel=3,
            )

    def transform_target(self, X, y):
        """Y with its objects in the order of the references.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples, n_targets), or (n_samples, n_targets + n_objects)
            With the columns of `matched_delta_r`, if it is given.

        Raises
        ------
        ValueError
            On other columns than those of the fit, and if the objects of an event have no
            direction or do not fall in pT.
        """
        check_is_fitted(self)
        X, y = self._tables(X, y, self.target_names_in_)
        squared = self._distances(X, y)
        self._order.check_falling(y, "y")
        orders = self._best_orders(squared)
        ordered = self._order.in_order(y, orders)
        if self.matched_delta_r is None:
            return ordered
        place, rows = np.arange(len(squared)), np.arange(len(y))[:, None]
        matched = squared[place, orders, rows] < self.matched_delta_r**2
        return np.column_stack([ordered, matched.astype(float)])

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
        _, y = self._tables(X, y, self._names_out())
        y = y[:, : self.n_targets_]
        return self._order.by_pt(y)

    def _best_orders(self, squared):
        """For each row the numbers of the objects that go to each reference."""
        cost = np.minimum(squared, LARGEST_DELTA_R**2) + FARTHER * squared
        orders = np.array(list(permutations(range(len(cost)))))
        place = np.arange(len(cost))
        best, lowest = np.zeros(cost.shape[2], dtype=int), np.full(cost.shape[2], np.inf)
        # One order at a time: six objects have 720.
        for number, order in enumerate(orders):
            total = cost[place, order].sum(axis=0)
            better = total < lowest
            best[better], lowest[better] = number, total[better]
        return orders[best]

    def get_target_names_out(self, names):
        """Names with those of the objects replaced by those of the references, and flags.

        Parameters
        ----------
        names : list of str
            Those of the fitted y.

        Returns
        -------
        list of str
        """
        check_is_fitted(self)
        check_names_match(list(names), self.target_names_in_, what="names")
        return self._names_out()

    def _names_out(self):
        out = self._order.renamed(self.target_names_in_, self.references)
        if self.matched_delta_r is not None:
            out += [f"{reference}_matched" for reference in self.references]
        return out

    def _tables(self, X, y, y_names):
        """Both sides as arrays, compared with the columns they must have."""
        names = self.feature_names_in_, y_names
        return read_sides(self, X, y, tuple(map(len, names)), names)[0]
