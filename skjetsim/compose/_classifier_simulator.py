"""Columns of few values, drawn by a classifier."""

from dataclasses import field

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim._classifiers._training import check_classifier
from skjetsim.compose._draw_classes import draw_classes, fitted_classifier, log_proba
from skjetsim.compose._labels import LabelledTarget
from skjetsim.compose._meta_simulator import MetaSimulator
from skjetsim.compose._tables import flat_table
from skjetsim.utils._seeds import Seed, as_seed_sequence
from skjetsim.utils._with_parameters import with_parameters

MOST_CATEGORIES = 256  # columns with more combinations are numbers


@with_parameters
class ClassifierSimulator(LabelledTarget, MetaSimulator):
    """Draw columns of few values with a classifier.

    A jet has a b-tag or not, a lepton has a charge of 1 or -1: a smooth density cannot describe
    such columns. A classifier learns the probability of each combination of their values, and
    combinations are drawn. In a `SimulatorChain`, later steps are given what this step has drawn.

    Parameters
    ----------
    classifier : classifier or None
        Learns the combination. It has `predict_proba`, and is trained on the likelihood or
        calibrated. None takes gradient-boosted trees with early stopping. Trees cut one column at
        a time, so that X should have a column pT instead of px and py.
    random_state : int, RandomState, Generator or None
        Seed of the default trees, and of the noise of `transform` and `score`.

    Attributes
    ----------
    classifier_ : classifier or None
        Fitted clone. Its classes are rows of `categories_`. None if there is one combination.
    categories_ : ndarray of shape (n_categories, n_targets)
        The combinations that occur in y. A label is the number of its place in `labels_`.
    labels_ : Labels
        Only if y has columns of text or categories: `labels_.columns` has their positions in y, and
        `labels_.labels` the labels of each.
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.

    See Also
    --------
    CategorySimulator : Draws the other columns of y, too.
    EfficiencySimulator : Draws events and objects that may be absent.

    Notes
    -----
    Drawn columns have the types of those of y: booleans, integers, text or a categorical type of
    pandas. Only combinations that occur in the fit are drawn. There may be at most 256 of them.
    Columns of numbers, such as the number of tracks, are for a flow.

    `predict` gives the most probable combination. `score_samples` gives the logarithm of a
    probability, which is minus infinity for a combination that does not occur in the fit.

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

    classifier: BaseEstimator | None = field(default=None, kw_only=False)
    random_state: Seed = None

    _learnt = "classifier_"
    _inside = ()

    def _label_columns(self):
        return None

    def fit(self, X, y, sample_weight=None):
        """Learn the probability of each combination of values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event. Columns are numbers, booleans, text or categories.
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to the classifier; events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `classifier` has no `predict_proba`.
        ValueError
            If y has more than 256 combinations, or there are weights and the classifier does not
            take them; on bad values (naming column and row), or different lengths or indices of X
            and y.
        """
        check_classifier(self.classifier, "predict_proba")
        X, y, weight, _ = self._read_used(X, self._read_labels(y), sample_weight)
        self.categories_, number = np.unique(y, axis=0, return_inverse=True)
        self._check_categories()
        self.classifier_ = fitted_classifier(
            self, flat_table(self, X), number.ravel(), len(self.categories_), weight
        )
        return self

    def _check_categories(self):
        """Raise ValueError if there are so many categories that a column must be a number."""
        if len(self.categories_) > MOST_CATEGORIES:
            counts = [len(np.unique(values)) for values in self.categories_.T]
            most = int(np.argmax(counts))
            names = list(self.target_names_in_)
            raise ValueError(
                f"Columns {names} of y have {len(self.categories_)} combinations of values, and "
                f"{MOST_CATEGORIES} is the most. {names[most]!r} has {counts[most]} values: leave "
                "columns of numbers to another simulator."
            )

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
        # A Generator continues from its state, as in numpy.
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
        result = log_proba(self.classifier_, len(self.categories_), flat_table(self, X))
        return result - np.log(np.exp(result).sum(axis=1, keepdims=True))
