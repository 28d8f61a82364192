"""ResidualTransformer: scaled residuals of the detector level against the theory level."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim.compose._conditional import ConditionalTransformerMixin, read_sides
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._columns import find_column, find_columns
from skjetsim.utils._validation import check_names_match, check_sample_weight
from skjetsim.utils._weighted import weighted_std
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class ResidualTransformer(ConditionalTransformerMixin, BaseEstimator):
    r"""Replace y by its scaled residual against X.

    A detector changes an event little, and a model of the change is easier to learn. If s is the
    standard deviation over the fitted events, each column of y becomes

    .. math:: (y_i - x_i) / s(y_i - x_i)

    or, with ``keep_truth=True``, the published target [1]_

    .. math:: x_i + r \, (y_i - x_i) \, s(x_i) / s(y_i - x_i), \quad
              r = s(y_{ref} - x_{ref}) / s(x_{ref}),

    in which the residuals of all columns have the same relative width as those of the reference
    column. Differences of angles (columns named `phi` or `..._phi`) are wrapped into (-pi, pi].

    Parameters
    ----------
    keep_truth : bool
        Return the published target instead of the residual alone.
    reference : str, int or None
        Column that sets r. It is the logarithm of the jet mass in the paper. With None, r = 1. It
        is used with `keep_truth`, and must be one of `columns`.
    columns : list of str or int, or None
        Columns of y that are replaced. A position is the same in X and in y. All other columns are
        kept, and need not be in X. None replaces all columns. Keep a column with a threshold or a
        resonance, such as a mass that is unfolded: the residual has no edge or peak in one place.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of X.
    scale_ : ndarray of shape (n_targets,)
        Factors of the residuals; 1 for columns that are kept.
    columns_ : ndarray of int
        Column of X for each column of y; -1 if the column is kept.
    angles_ : ndarray of bool
        Which columns are residuals of angles.

    References
    ----------
    .. [1] arXiv:2010.01835, analysis-specific fast simulation.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.compose import ResidualTransformer
    >>> X = np.array([[30.0], [50.0], [70.0]])
    >>> y = np.array([[31.0], [48.0], [71.0]])
    >>> residual = ResidualTransformer().fit(X, y)
    >>> residual.transform_target(X, y).ravel().round(3)
    array([ 0.707, -1.414,  0.707])
    >>> residual.inverse_transform_target(X, residual.transform_target(X, y)).ravel()
    array([31., 48., 71.])
    """

    keep_truth: bool = False
    reference: str | int | None = None
    columns: Sequence[str | int] | None = None

    def fit(self, X, y, sample_weight=None):
        """Learn the widths of the residuals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Each column that is replaced must be in X, too. Without names, both have the same
            columns.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a column of y is not in X, or the reference or one of `columns` is unknown.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: it "
                "learns how y differs from X."
            )
        (X, y), (x_names, y_names) = read_sides(self, X, y)
        self.columns_, self.names_ = _match_columns(
            (X.shape[1], x_names), (y.shape[1], y_names), self.columns
        )
        self.n_features_in_ = X.shape[1]
        weight = check_sample_weight(sample_weight, len(X))
        names = self.names_ or [""] * y.shape[1]
        replaced = self.columns_ >= 0
        self.angles_ = replaced & np.array([is_angle(name) for name in names])
        self.scale_ = np.ones(y.shape[1])
        width = weighted_std(self._difference(X, y), weight)
        if not self.keep_truth:
            self.scale_[replaced] = 1 / width[replaced]
            return self
        spread = weighted_std(self._truth(X), weight)
        ratio = 1.0
        if self.reference is not None:
            reference = self._reference_index()
            ratio = width[reference] / spread[reference]
        self.scale_[replaced] = (ratio * spread / width)[replaced]
        return self

    def transform_target(self, X, y):
        """Scaled residuals, or the published target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        X, y = self._tables(X, y)
        residual = self._difference(X, y) * self.scale_
        return residual + self._truth(X) if self.keep_truth else residual

    def inverse_transform_target(self, X, y):
        """Detector level from scaled residuals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            What `transform_target` returns.

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        X, y = self._tables(X, _without_names(y))
        truth = self._truth(X)
        observed = truth + (y - truth if self.keep_truth else y) / self.scale_
        observed[:, self.angles_] = wrap_phi(observed[:, self.angles_])
        return observed

    def log_det_target(self, X, y):
        """log|det| of `transform_target` with respect to y, which is the same for every row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X, _ = self._tables(X, y)
        return np.full(len(X), np.log(self.scale_).sum())

    def get_target_names_out(self, names):
        """Append `_residual` to the names, except with `keep_truth`.

        With `keep_truth` an angle gets `_scaled` appended, since its target is not an angle.
        Columns that are kept have the same names as before.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        list of str
        """
        check_is_fitted(self)
        marked = [self.columns_[i] >= 0 for i in range(len(names))]
        if self.keep_truth:
            marked = [own and is_angle(name) for own, name in zip(marked, names, strict=True)]
        ending = "scaled" if self.keep_truth else "residual"
        return [f"{name}_{ending}" if m else name for name, m in zip(names, marked, strict=True)]

    def _tables(self, X, y):
        """Both levels as arrays, compared with the columns of the fit."""
        check_is_fitted(self)
        widths = self.n_features_in_, len(self.columns_)
        (X, y), (x_names, _) = read_sides(self, X, y, widths, (None, self.names_))
        if self.names_ is not None and x_names is not None:
            replaced = np.flatnonzero(self.columns_ >= 0)
            check_names_match(
                [x_names[self.columns_[j]] for j in replaced],
                [self.names_[j] for j in replaced],
                what="X",
            )
        return X, y

    def _truth(self, X):
        """Column of X for each column of y; zeros for columns that are kept."""
        return np.where(self.columns_ >= 0, X[:, self.columns_], 0.0)

    def _difference(self, X, y):
        difference = y - self._truth(X)
        difference[:, self.angles_] = wrap_phi(difference[:, self.angles_])
        return difference

    def _reference_index(self):
        reference = find_column(self.reference, self.names_, len(self.columns_), "reference", "y")
        if self.columns_[reference] < 0:
            raise ValueError(
                f"reference={self.reference!r} is kept and has no residual, whose width is needed: "
                f"name it in columns={self.columns!r}, too."
            )
        return reference


def _without_names(table):
    """Array of a transformed y, whose names are not those of the fit."""
    return table.to_numpy() if hasattr(table, "to_numpy") else table


def _match_columns(X, y, chosen):
    """Column of X for each column of y (-1: not chosen), and the names of y if both have names.

    X and y are (number of columns, names or None).
    """
    (n_features, x_names), (n_targets, y_names) = X, y
    named = x_names is not None and y_names is not None
    if chosen is None:
        replaced = list(range(n_targets))
        if not named and n_features != n_targets:
            raise ValueError(
                f"Residuals need the same columns on both levels: X has {n_features}, y has "
                f"{n_targets}. Give both as DataFrames, so that columns are matched by name."
            )
    else:
        replaced = find_columns(chosen, y_names, n_targets, "columns", "y")
        if x_names is None and any(isinstance(column, str) for column in chosen):
            raise ValueError("columns are given by name, but X has none: pass a DataFrame.")
    columns = np.full(n_targets, -1)
    for column in replaced:
        columns[column] = _partner(column, n_features, x_names if named else None, y_names)
    return columns, y_names if named else None


def _partner(column, n_features, x_names, y_names):
    """Column of X for a column of y: by name, or at the same position."""
    if x_names is not None and y_names[column] in x_names:
        return x_names.index(y_names[column])
    if x_names is None and column < n_features:
        return column
    what = column if x_names is None else repr(y_names[column])
    raise ValueError(
        f"Residuals need the same columns on both levels: y has {what}, X has only "
        f"{x_names or n_features}. Put X and y into the same coordinates first."
    )
