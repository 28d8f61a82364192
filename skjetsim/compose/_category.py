"""Discrete columns of the response first, then the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._drawing._sample import log_prob, sample
from skjetsim.compose._class_probabilities import (
    alone_as_halves,
    check_classifier,
    default_classifier,
    draw_classes,
    fit_classifier,
    log_proba,
    used_events,
)
from skjetsim.compose._inner import check_simulator, fit_simulator, inner_has, rows_of
from skjetsim.compose._meta_simulator import MetaSimulator
from skjetsim.compose._tables import theory_table
from skjetsim.utils._seeds import as_seed_sequence, child_seed, numpy_rng
from skjetsim.utils._validation import column_names, first_duplicate, validate_target

__all__ = ["CategorySimulator"]

# Branches of a seed: of `fit` the first, of a draw the others.
CLASSIFIER, CATEGORY, COLUMNS = range(3)
MOST_CATEGORIES = 256  # more are no categories, but a number


class CategorySimulator(MetaSimulator):
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
        calibrated. None takes gradient-boosted trees with early stopping, which cut one column at
        a time: they want pT as a column, not px and py.
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
    NearestAssignment : Its `matched_delta_r` makes such columns.

    Notes
    -----
    Only combinations that the fit has seen are drawn. Columns of numbers, such as the number of
    tracks, are for `integer_columns` of a flow. X and y need column names. The discrete columns
    are told to `simulator` as numbers, by their names, behind those of X.

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
            Passed on to both; events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            Where `classifier` gives no probabilities, or `simulator` is none.
        ValueError
            Where one of `columns` is not in y, or is in X too; where they are all columns of y, or
            have more than 256 combinations; where the classifier takes no weights; on tables
            without names, bad values (naming column and row), or different lengths or indices of
            X and y.
        """
        self._check_parts()
        vars(self).pop("simulator_", None)  # of an earlier fit: from here on there is none
        x_names, y_names = column_names(X), column_names(y)
        X, y, weight = self._read_events(X, y, sample_weight, min_samples=2)
        self._find_columns(x_names, y_names)
        used = np.arange(len(X))
        if weight is not None:
            used = used_events(weight)
            X, y, weight = X[used], y[used], weight[used]
        values = y[:, self._discrete]
        self.categories_, number = np.unique(values, axis=0, return_inverse=True)
        self._check_categories()
        self._fit_classifier(X, number.ravel(), weight)
        with rows_of(used):
            fit_simulator(self, self._condition(X, values), self._other_columns(y), weight)
        return self

    def _check_parts(self):
        check_simulator(self.simulator)
        check_classifier(self.classifier)
        columns = self.columns
        if isinstance(columns, str):
            raise ValueError(f"columns must be a list of names: give [{columns!r}].")
        if (
            not np.iterable(columns)
            or not all(isinstance(name, str) for name in columns)
            or not len(columns)
            or first_duplicate(columns) is not None
        ):
            raise ValueError(f"columns must be a list of different names, got {columns!r}.")

    def _find_columns(self, x_names, y_names):
        """Positions of the discrete columns in y, and of the others."""
        if x_names is None or y_names is None:
            lacks = "X" if x_names is None else "y"
            raise ValueError(
                f"CategorySimulator finds columns by name, and {lacks} has none: pass a DataFrame."
            )
        for name in self.columns:
            if name not in y_names:
                raise ValueError(f"columns names {name!r}, which is no column of y: {y_names}.")
            if name in x_names:
                raise ValueError(
                    f"Both X and y have a column {name!r}: rename one, since the simulator is told "
                    "that of y beside the columns of X."
                )
        self._discrete = [y_names.index(name) for name in self.columns]
        self._others = [i for i in range(len(y_names)) if i not in self._discrete]
        if not self._others:
            raise ValueError("columns names all columns of y: a classifier alone will do.")

    def _check_categories(self):
        """Raise where there are too many, which is what columns of numbers look like."""
        if len(self.categories_) > MOST_CATEGORIES:
            counts = [len(np.unique(values)) for values in self.categories_.T]
            most = int(np.argmax(counts))
            raise ValueError(
                f"columns={list(self.columns)} have {len(self.categories_)} combinations of "
                f"values, and {MOST_CATEGORIES} is the most. {self.columns[most]!r} has "
                f"{counts[most]} values: leave columns of numbers to the simulator."
            )

    def _fit_classifier(self, X, number, weight):
        self.classifier_ = None
        if len(self.categories_) == 1:
            return
        if self.classifier is not None:
            classifier = clone(self.classifier)
        else:
            seed = child_seed(as_seed_sequence(self.random_state), CLASSIFIER)
            classifier = default_classifier(len(X), seed, len(self.categories_))
            rows, weight = alone_as_halves(number, weight)
            X, number = X[rows], number[rows]
        self.classifier_ = fit_classifier(classifier, self._table(X), number, weight)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "simulator_")

    def _draw_targets(self, rows, n_samples, random_state):
        repeats = 1 if n_samples is None else n_samples
        root = as_seed_sequence(random_state)
        proba = np.exp(self._log_proba(rows))
        values = self.categories_[draw_classes(proba, repeats, numpy_rng(root, CATEGORY))]
        at = np.repeat(np.arange(len(rows)), repeats)
        condition = self._condition(rows[at], values)
        with rows_of(at):
            others = sample(self.simulator_, condition, random_state=numpy_rng(root, COLUMNS))
        drawn = np.empty((len(values), self.n_targets_))
        drawn[:, self._discrete] = values
        drawn[:, self._others] = np.asarray(others).reshape(len(drawn), -1)
        return drawn

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
        return np.exp(self._log_proba(self._events(X)))

    @available_if(inner_has("score_samples"))
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
        X = self._events(X)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        values = y[:, self._discrete]
        number = self._numbers(values)
        known = number >= 0
        total = np.full(len(X), -np.inf)
        if known.any():
            condition = self._condition(X[known], values[known])
            with rows_of(np.flatnonzero(known)):
                total[known] = log_prob(self.simulator_, condition, self._other_columns(y[known]))
            total[known] += self._log_proba(X)[known, number[known]]
        return total

    def _numbers(self, values):
        """Row of `categories_` of each event, or -1."""
        known = {tuple(row): number for number, row in enumerate(self.categories_.tolist())}
        found, index = np.unique(values, axis=0, return_inverse=True)
        numbers = np.array([known.get(tuple(row), -1) for row in found.tolist()])
        return numbers[index.ravel()]

    def _log_proba(self, X):
        result = log_proba(self.classifier_, len(self.categories_), X, self._table)
        return result - np.log(np.exp(result).sum(axis=1, keepdims=True))

    def _table(self, rows):
        return theory_table(self, rows)

    def _condition(self, rows, values):
        """Rows of X, and the discrete columns beside them."""
        names = self.target_names_in_[self._discrete]
        return self._table(rows).assign(**dict(zip(names, values.T, strict=True)))

    def _other_columns(self, y):
        return pd.DataFrame(y[:, self._others], columns=self.target_names_in_[self._others])
