"""Columns of few values, drawn by a classifier."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skjetsim._classifiers._training import (
    boosted_trees,
    check_classifier,
    fit_classifier,
    ones_per_class,
)
from skjetsim.compose._draw_classes import draw_classes, log_proba
from skjetsim.compose._meta_simulator import MetaSimulator
from skjetsim.compose._tables import flat_table
from skjetsim.utils._seeds import as_seed_sequence, int_seed

CLASSIFIER = 0  # branch of the seed of `fit`
MOST_CATEGORIES = 256  # more are no categories, but a number


class ClassifierSimulator(MetaSimulator):
    """Draw columns of few values with a classifier.

    A jet has a b-tag or not, a lepton a charge, a quark its own jet or not: what an event is one
    of, no smooth density blends. A classifier learns the probability of each combination of the
    values that y has, and combinations are drawn. It is a step of a `SimulatorChain`, whose other
    steps are told what was drawn.

    Parameters
    ----------
    classifier : classifier or None, default=None
        Learns the combination; has `predict_proba` and is trained on the likelihood, or
        calibrated. None takes gradient-boosted trees with early stopping, which cut one column at
        a time: they want pT as a column, not px and py.
    random_state : int, RandomState, Generator or None, default=None
        Governs the classifier that None stands for, and the noise of `transform` and `score`.

    Attributes
    ----------
    classifier_ : classifier or None
        Fitted clone; its classes are rows of `categories_`. None if there is one combination.
    categories_ : ndarray of shape (n_categories, n_targets)
        The combinations that occur in y.
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.

    See Also
    --------
    CategorySimulator : With a simulator of the other columns of y.
    EfficiencySimulator : Events and objects that may be absent, columns and all.

    Notes
    -----
    Only combinations that the fit has seen are drawn, 256 at most. Columns of numbers, such as the
    number of tracks, are for `integer_columns` of a flow.

    `predict` gives the most probable combination, and `score_samples` the logarithm of a
    probability: minus infinity for a combination that the fit has not seen.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.compose import ClassifierSimulator
    >>> rng = np.random.default_rng(0)
    >>> jet_pt = rng.uniform(20, 200, (1000, 1))                            # GeV
    >>> tagged = (rng.uniform(size=(1000, 1)) < jet_pt / 200).astype(float)
    >>> model = ClassifierSimulator(random_state=0).fit(jet_pt, tagged)
    >>> model.category_proba(jet_pt).shape
    (1000, 2)
    >>> sorted(set(model.sample(jet_pt, random_state=1).ravel().tolist()))
    [0.0, 1.0]
    """

    _learnt = "classifier_"
    _inside = ()

    def __init__(self, classifier=None, *, random_state=None):
        self.classifier = classifier
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Learn the probability of each combination of values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to the classifier; events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `classifier` gives no probabilities.
        ValueError
            If y has more than 256 combinations, or the classifier takes no weights; on bad values
            (naming column and row), or different lengths or indices of X and y.
        """
        check_classifier(self.classifier, "predict_proba")
        X, y, weight, _ = self._read_used(X, y, sample_weight)
        self.categories_, number = np.unique(y, axis=0, return_inverse=True)
        self._check_categories()
        self.classifier_ = self._fitted_classifier(X, number.ravel(), weight)
        return self

    def _check_categories(self):
        """Raise if there are too many, which is what columns of numbers look like."""
        if len(self.categories_) > MOST_CATEGORIES:
            counts = [len(np.unique(values)) for values in self.categories_.T]
            most = int(np.argmax(counts))
            names = list(self.target_names_in_)
            raise ValueError(
                f"Columns {names} of y have {len(self.categories_)} combinations of values, and "
                f"{MOST_CATEGORIES} is the most. {names[most]!r} has {counts[most]} values: leave "
                "columns of numbers to another simulator."
            )

    def _fitted_classifier(self, X, number, weight):
        if len(self.categories_) == 1:
            return None
        if self.classifier is not None:
            classifier = clone(self.classifier)
        else:
            classifier = boosted_trees(
                "probabilities",
                int_seed(as_seed_sequence(self.random_state), CLASSIFIER),
                n_rows=len(X),
                n_classes=len(self.categories_),
            )
            rows, weight = ones_per_class(number, weight)
            X, number = X[rows], number[rows]
        return fit_classifier(classifier, flat_table(self, X), number, weight)

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

    def _draw_targets(self, rows, n_samples, random_state):
        # A Generator goes on where it is, as numpy's own would.
        known = isinstance(random_state, np.random.Generator)
        rng = random_state if known else np.random.default_rng(as_seed_sequence(random_state))
        proba = np.exp(self._log_proba(rows))
        return self.categories_[draw_classes(proba, n_samples or 1, rng)]

    def _predict_inside(self, rows):
        return self.categories_[self._log_proba(rows).argmax(axis=1)]

    def _log_density(self, X, y):
        number = self._numbers(y)
        log_p = self._log_proba(X)[np.arange(len(X)), number]
        return np.where(number >= 0, log_p, -np.inf)

    def _numbers(self, values):
        """Row of `categories_` of each event, or -1."""
        known = {tuple(row): number for number, row in enumerate(self.categories_.tolist())}
        found, index = np.unique(values, axis=0, return_inverse=True)
        numbers = np.array([known.get(tuple(row), -1) for row in found.tolist()])
        return numbers[index.ravel()]

    def _log_proba(self, X):
        names = getattr(self, "feature_names_in_", None)
        result = log_proba(self.classifier_, len(self.categories_), X, names)
        return result - np.log(np.exp(result).sum(axis=1, keepdims=True))
