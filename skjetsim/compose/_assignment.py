"""NearestAssignment: puts objects of the detector level into the order of the theory level."""

import warnings
from collections.abc import Sequence
from itertools import permutations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim.compose._conditional import ConditionalTransformerMixin, read_sides
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._event_columns import refuse_duplicates
from skjetsim.utils._event_objects import EventObject
from skjetsim.utils._object_order import ObjectOrder, columns_of
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_names_match, counted, first_duplicate
from skjetsim.utils._with_parameters import with_parameters

LARGEST_NUMBER = 6  # of objects: all their orders are tried
# A jet beyond this distance does not come from the quark. Its distance then hardly matters.
LARGEST_DELTA_R, FARTHER = 1.0, 1e-3
# The median is about 1 for quarks and jets in unrelated directions, and below 0.1 for their own.
SUSPECT_DELTA_R = 0.5


@with_parameters
class NearestAssignment(ConditionalTransformerMixin, BaseEstimator):
    r"""Put the objects of y into the order of the objects of X that they come from.

    Jets are ordered by falling pT. A small fluctuation can exchange the second and the third jet,
    and a model has to learn in each event which quark each jet comes from. In the order of the
    quarks, each jet is near its own quark, and residuals are narrow. The chosen order has the
    smallest

    .. math:: \sum_i \min(\Delta R_i^2, 1) + 0.001 \, \Delta R_i^2,

    so that a jet from elsewhere does not move the others. The inverse orders the objects by pT
    again.

    Parameters
    ----------
    objects : sequence of str
        Names of the objects of y, by falling pT, such as "jet1", "jet2".
    references : sequence of str
        Names of as many objects of X, such as "b", "antib". At most six.
    matched_delta_r : float or None
        Append a column `b_matched` for each reference. It is 1 if its object is nearer than this
        distance, and 0 if it comes from elsewhere. A smooth density cannot describe both a jet near
        its quark and one from other radiation: `CategorySimulator` first learns which it is. The
        inverse drops the columns. None appends no columns.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_, target_names_in_ : ndarray of str
        Columns of X and of y.
    columns_ : ndarray of int, shape (n_objects, n_columns)
        Columns of y that belong to each object, in the same order for all objects.
    delta_r_ : ndarray of shape (n_objects,)
        Median distance of each reference from its object, over the fitted events.

    Warns
    -----
    UserWarning
        If each of `delta_r_` is above 0.5. Directions of X and y are then probably measured from
        different axes.

    See Also
    --------
    ResidualTransformer : Comes next, since columns of both levels now have the same names.
    CategorySimulator : Learns the columns of `matched_delta_r`.

    Notes
    -----
    All columns that begin with an object's name belong to it, and are renamed from `jet1_...` to
    `b_...`. All other columns stay. Columns must have names. On both levels, directions are read
    from `eta` and `phi` or from Cartesian columns. They must be measured from the same axis: if a
    `PhiRotation` has turned X, another one must turn y before this step. The pT of y is read from
    `pt`, `log_pt` or Cartesian columns. An order has no density: there is no `log_det_target`, and
    simulators of the result have no `score_samples`.

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

    objects: Sequence[str]
    references: Sequence[str]
    matched_delta_r: float | None = None

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
            one, or the objects of an event have no direction or are not ordered by falling pT.
        """
        (X, y), (x_names, y_names) = read_sides(self, X, y)
        if x_names is None or y_names is None:
            raise ValueError(
                "NearestAssignment needs named columns, by which it finds objects: pass X and y as "
                "DataFrames."
            )
        self._check_objects()
        self.feature_names_in_ = np.asarray(x_names, dtype=object)
        self.target_names_in_ = np.asarray(y_names, dtype=object)
        self.n_features_in_, self.n_targets_ = X.shape[1], y.shape[1]
        self._find_columns(x_names, y_names)
        refuse_duplicates(self._names_out(), type(self).__name__)
        _, nearest = self._assigned(X, y)
        self.delta_r_ = np.sqrt(np.median(nearest, axis=0))
        self._check_axis()
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
                f"references and objects must be equally many, got {len(self.references)} and "
                f"{len(self.objects)}."
            )
        if not 2 <= len(self.objects) <= LARGEST_NUMBER:
            raise ValueError(
                f"There must be 2 to {LARGEST_NUMBER} objects, since all their orders are tried, "
                f"got {len(self.objects)}."
            )
        if self.matched_delta_r is not None:
            check_real(self.matched_delta_r, "matched_delta_r", above=0)

    def _find_columns(self, x_names, y_names):
        """Learn the columns of each object, and check that objects of y can change places."""
        self._references = columns_of(self.references, x_names, type(self).__name__)
        self._order = ObjectOrder(self.objects, y_names, type(self).__name__)
        self.columns_ = self._order.columns

    def _distances(self, X, y):
        """Squared distances, shape (n_references, n_objects, n_samples)."""
        owner = type(self).__name__
        references = [
            EventObject.read(obj, parts, X, owner) for obj, parts in self._references.items()
        ]
        objects = self._order.read(y)
        for side, what in ((references, "X"), (objects, "y")):
            for obj in side:
                self._check_direction(obj, what)
        return np.array(
            [
                [(a.eta - b.eta) ** 2 + wrap_phi(a.phi - b.phi) ** 2 for b in objects]
                for a in references
            ]
        )

    def _check_direction(self, obj, what):
        bad = ~np.isfinite(obj.eta)
        if bad.any():
            raise ValueError(
                f"NearestAssignment: {obj.name!r} of {what} has pT = 0 and no direction, "
                f"first bad row {np.argmax(bad)} ({counted(bad.sum(), 'bad row')} in all). "
                "Select events with a pT above zero (skjetsim.selection.select_pt)."
            )

    def _check_axis(self):
        """Warn if objects are far from their references."""
        if self.delta_r_.min() > SUSPECT_DELTA_R:
            warnings.warn(
                "NearestAssignment: no object is near its reference, the medians of delta R "
                f"are {self.delta_r_.round(2).tolist()}. If one level has been rotated "
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
            It has columns of `matched_delta_r`, if that is given.

        Raises
        ------
        ValueError
            On other columns than those of the fit, and if the objects of an event have no
            direction or are not ordered by falling pT.
        """
        check_is_fitted(self)
        X, y = self._tables(X, y, self.target_names_in_)
        orders, nearest = self._assigned(X, y)
        ordered = self._order.in_order(y, orders)
        if self.matched_delta_r is None:
            return ordered
        return np.column_stack([ordered, nearest < self.matched_delta_r**2])

    def inverse_transform_target(self, X, y):
        """Y with its objects by falling pT.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            What `transform_target` returns.

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        check_is_fitted(self)
        _, y = self._tables(X, y, self._names_out())
        y = y[:, : self.n_targets_]
        return self._order.by_pt(y)

    def _assigned(self, X, y):
        """For each row, the object of each reference, and the square of its distance."""
        squared = self._distances(X, y)
        self._order.check_falling(y, "y")
        orders = self._best_orders(squared)
        place, rows = np.arange(len(squared)), np.arange(len(y))[:, None]
        return orders, squared[place, orders, rows]

    def _best_orders(self, squared):
        """For each row, the number of the object of each reference."""
        cost = np.minimum(squared, LARGEST_DELTA_R**2) + FARTHER * squared
        orders = np.array(list(permutations(range(len(cost)))))
        place = np.arange(len(cost))
        best, lowest = np.zeros(cost.shape[2], dtype=int), np.full(cost.shape[2], np.inf)
        # One order at a time takes less memory: six objects have 720.
        for number, order in enumerate(orders):
            total = cost[place, order].sum(axis=0)
            better = total < lowest
            best[better], lowest[better] = number, total[better]
        return orders[best]

    def get_target_names_out(self, names):
        """Names in which references replace objects, and those of the columns `..._matched`.

        Parameters
        ----------
        names : list of str
            Names of the fitted y.

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
        """Both levels as arrays, compared with the columns that they must have."""
        names = self.feature_names_in_, y_names
        return read_sides(self, X, y, tuple(map(len, names)), names)[0]
