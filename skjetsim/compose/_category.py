"""Discrete columns of the response first, then the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from skjetsim._draw import log_prob, sample
from skjetsim._sampling import as_seed_sequence, child_seed, numpy_rng
from skjetsim._validation import (
    check_int,
    check_same_events,
    check_sample_weight,
    column_names,
    first_duplicate,
    refuse_count,
    validate_events,
    validate_target,
)
from skjetsim.base import SimulatorMixin, innermost, is_simulator
from skjetsim.compose._class_probabilities import (
    check_classifier,
    default_classifier,
    draw_classes,
    log_proba,
)
from skjetsim.compose._inner import is_fitted, weight_name

__all__ = ["CategorySimulator"]

# Branches of a seed: of `fit` the first, of a draw the others.
CLASSIFIER, CATEGORY, COLUMNS = range(3)
MOST_CATEGORIES = 256  # more are no categories, but a number


class CategorySimulator(SimulatorMixin, BaseEstimator):
    r"""Draw the discrete columns of y with a classifier, and the others given them.

    A jet has a b-tag or none, a lepton a charge, a quark its own jet or not: what an event is one
    of, no smooth density blends. A classifier learns the probability of each combination d of the
    values in these columns, and one simulator the other columns c, to which X and d are told,

    .. math:: p(y | x) = P(d | x) \, p(c | x, d).

    Parameters
    ----------
    simulator : simulator
        Learns the other columns of y given X and the discrete ones.
    columns : sequence of str
        The discrete columns of y.
    classifier : classifier or None, default=None
        Learns the combination; has `predict_proba` and is trained on the likelihood, or
        calibrated. None takes gradient-boosted trees with early stopping.
    random_state : int, RandomState, Generator or None, default=None
        Governs the classifier that None stands for, and the noise of `transform` and `score`.

    Attributes
    ----------
    classifier_ : classifier or None
        Fitted clone; its classes are rows of `categories_`. None where there is one combination.
    simulator_ : simulator
        Fitted clone.
    categories_ : ndarray of shape (n_categories, n_columns)
        The combinations that occur in y.
    n_features_in_, n_targets_ : int
    feature_names_in_, target_names_in_ : ndarray of str

    See Also
    --------
    EfficiencySimulator : Events and objects that may be absent, columns and all.
    AssignmentTransformer : Its `matched_delta_r` makes such columns.

    Notes
    -----
    Only combinations that the fit has seen are drawn. Columns of numbers, such as the number of
    tracks, are for `integer_columns` of a flow. X and y need column names.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.compose import CategorySimulator
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"jet_pt": rng.uniform(20, 200, 1000)})            # GeV
    >>> tagged = rng.uniform(size=1000) < 0.7
    >>> pt = X["jet_pt"] * rng.normal(np.where(tagged, 0.9, 1.0), 0.1)
    >>> y = pd.DataFrame({"jet_pt": pt, "jet_b_tag": tagged.astype(float)})
    >>> flow = FlowSimulator(max_epochs=2, random_state=0)
    >>> model = CategorySimulator(flow, ["jet_b_tag"], random_state=0).fit(X, y)
    >>> model.category_proba(X).shape
    (1000, 2)
    >>> sorted(set(model.sample(X, random_state=1)[:, 1].tolist()))
    [0.0, 1.0]
    """

    def __init__(self, simulator, columns, *, classifier=None, random_state=None):
        self.simulator = simulator
        self.columns = columns
        self.classifier = classifier
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit the classifier on the discrete columns, then the simulator on the others.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
        y : DataFrame of shape (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to both.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            Where `classifier` gives no probabilities, or `simulator` is none.
        ValueError
            Where one of `columns` is not in y or in X too, or all are; where they have more than
            256 combinations; on bad values (naming column and row), or different lengths or
            indices of X and y.
        """
        self._check_parts()
        vars(self).pop("simulator_", None)  # of an earlier fit: from here on there is none
        check_same_events(X, y, sample_weight)
        x_names, y_names = column_names(X), column_names(y)
        X = validate_events(self, X, reset=True, min_samples=2)
        y = validate_target(self, y, n_samples=len(X), reset=True)
        self._find_columns(x_names, y_names)
        weight = check_sample_weight(sample_weight, len(X))
        self.categories_, number = np.unique(y[:, self._discrete], axis=0, return_inverse=True)
        if len(self.categories_) > MOST_CATEGORIES:
            raise ValueError(
                f"columns={list(self.columns)} have {len(self.categories_)} combinations of "
                f"values, and {MOST_CATEGORIES} is the most: columns of numbers are none of these."
            )
        self._fit_classifier(X, number.ravel(), weight)
        self._fit_simulator(X, y, weight)
        return self

    def _check_parts(self):
        if isinstance(self.simulator, type) or not is_simulator(self.simulator):
            raise TypeError(
                f"simulator must be a simulator, got {self.simulator!r}, which would not learn y "
                "given X."
            )
        check_classifier(self.classifier)
        columns = self.columns
        if isinstance(columns, str) or not len(columns) or first_duplicate(columns) is not None:
            raise ValueError(f"columns must be a list of different names, got {columns!r}.")

    def _find_columns(self, x_names, y_names):
        """Positions of the discrete columns in y, and of the others."""
        if x_names is None or y_names is None:
            raise ValueError(
                "CategorySimulator finds columns by name, and X or y has none. Pass DataFrames."
            )
        for name in self.columns:
            if name not in y_names:
                raise ValueError(f"columns names {name!r}, which is no column of y: {y_names}.")
            if name in x_names:
                raise ValueError(
                    f"Both X and y have a column {name!r}: rename one, since X is told that of y."
                )
        self._discrete = [y_names.index(name) for name in self.columns]
        self._others = [i for i in range(len(y_names)) if i not in self._discrete]
        if not self._others:
            raise ValueError("columns names all columns of y: a classifier alone will do.")

    def _fit_classifier(self, X, number, weight):
        self.classifier_ = None
        if len(self.categories_) == 1:
            return
        if self.classifier is not None:
            classifier = clone(self.classifier)
        else:
            seed = child_seed(as_seed_sequence(self.random_state), CLASSIFIER)
            classifier = default_classifier(len(X), seed)
        weights = {} if weight is None else {weight_name(classifier): weight}
        if weights and not has_fit_parameter(innermost(classifier), "sample_weight"):
            raise ValueError(
                f"{type(innermost(classifier)).__name__} does not take sample_weight in fit: take "
                "another classifier, or unweight the events first."
            )
        self.classifier_ = classifier.fit(self._table(X), number, **weights)

    def _fit_simulator(self, X, y, weight):
        """Fit the clone in its place, so that what it had learnt by Ctrl-C can be used."""
        self.simulator_ = clone(self.simulator)
        weights = {} if weight is None else {weight_name(self.simulator_): weight}
        try:
            self.simulator_.fit(
                self._condition(X, y[:, self._discrete]), self._other_columns(y), **weights
            )
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt) or not is_fitted(self.simulator_):
                del self.simulator_
            raise

    def __sklearn_is_fitted__(self):
        return hasattr(self, "simulator_")

    def sample(self, X, *, n_samples=None, random_state=None):
        """Simulate detector-level events.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        n_samples : int, optional
            Draws for each event, each with discrete values of its own.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
        """
        check_is_fitted(self)
        refuse_count(self, X)
        rows = validate_events(self, X, reset=False, min_samples=0)
        repeats = 1 if n_samples is None else check_int(n_samples, "n_samples")
        drawn = np.empty((len(rows) * repeats, self.n_targets_))
        if len(rows):
            root = as_seed_sequence(random_state)
            proba = np.exp(self._log_proba(rows))
            values = self.categories_[draw_classes(proba, repeats, numpy_rng(root, CATEGORY))]
            condition = self._condition(np.repeat(rows, repeats, axis=0), values)
            seed = numpy_rng(root, COLUMNS)
            others = np.asarray(sample(self.simulator_, condition, random_state=seed))
            drawn[:, self._discrete] = values
            drawn[:, self._others] = others.reshape(len(drawn), -1)
        if n_samples is None:
            return self._as_target(drawn, X)
        return self._as_target(drawn.reshape(len(rows), repeats, self.n_targets_))

    def category_proba(self, X):
        """Probability of each combination.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_categories)
            Columns are in the order of `categories_`.
        """
        check_is_fitted(self)
        return np.exp(self._log_proba(validate_events(self, X, reset=False)))

    @available_if(lambda self: hasattr(self.simulator, "score_samples"))
    def score_samples(self, X, y):
        """Log-probability of the discrete columns, plus log p of the others given them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
            -inf where the fit has seen no such combination.
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        values = y[:, self._discrete]
        same = (values[:, None] == self.categories_).all(axis=2)
        known, number = same.any(axis=1), same.argmax(axis=1)
        total = np.full(len(X), -np.inf)
        if known.any():
            condition = self._condition(X[known], values[known])
            total[known] = log_prob(self.simulator_, condition, self._other_columns(y[known]))
            total[known] += self._log_proba(X[known])[np.arange(known.sum()), number[known]]
        return total

    def _log_proba(self, X):
        result = log_proba(self.classifier_, len(self.categories_), X, self._table)
        return result - np.log(np.exp(result).sum(axis=1, keepdims=True))

    def _table(self, rows):
        return pd.DataFrame(rows, columns=list(self.feature_names_in_))

    def _condition(self, rows, values):
        """Rows of X, and the discrete columns beside them."""
        return self._table(rows).assign(**dict(zip(self.columns, values.T, strict=True)))

    def _other_columns(self, y):
        return pd.DataFrame(y[:, self._others], columns=self.target_names_in_[self._others])
