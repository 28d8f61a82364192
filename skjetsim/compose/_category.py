"""CategorySimulator: discrete columns of y first, then the others."""

from collections.abc import Sequence
from numbers import Integral

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim._classifiers._training import check_classifier
from skjetsim.base._inside import check_simulator
from skjetsim.compose._chain import BaseChain
from skjetsim.compose._classifier_simulator import ClassifierSimulator
from skjetsim.compose._labels import LabelledTarget
from skjetsim.compose._tables import theory_table
from skjetsim.utils._seeds import Seed
from skjetsim.utils._with_parameters import with_parameters

CATEGORIES, OTHERS = "categories", "simulator"


@with_parameters
class CategorySimulator(LabelledTarget, BaseChain):
    r"""Draw the discrete columns of y with a classifier, and the others given them.

    A jet has a b-tag or not, a lepton has a charge of 1 or -1: a smooth density cannot describe
    such columns. A classifier learns the probability of each combination d of their values. A
    simulator learns the other columns c given X and d,

    .. math:: p(y | x) = P(d | x) \, p(c | x, d).

    Parameters
    ----------
    simulator : simulator
        Learns the other columns of y given X and the discrete ones.
    columns : sequence of str or int
        The discrete columns of y, by name or position.
    classifier : classifier or None
        Learns the combination. It has `predict_proba`, and is trained on the likelihood or
        calibrated. None takes gradient-boosted trees with early stopping. Trees cut one column at
        a time, so that X should have a column pT instead of px and py.
    random_state : int, RandomState, Generator or None
        Seed of the default trees, of parts whose own `random_state` is None, and of the noise of
        `transform` and `score`.

    Attributes
    ----------
    classifier_ : classifier or None
        Fitted clone. Its classes are rows of `categories_`. None if there is one combination.
    simulator_ : simulator
        Fitted clone.
    categories_ : ndarray of shape (n_categories, n_columns)
        The combinations that occur in y. A label is the number of its place in `labels_`.
    labels_ : Labels
        Only if discrete columns hold text or categories: `labels_.columns` has their positions in
        y, and `labels_.labels` the labels of each.
    simulators_ : dict of str to simulator
        Both steps of the chain: "categories", a `ClassifierSimulator`, and "simulator".
    columns_ : dict of str to list of int
        Positions of their columns in y.
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.

    See Also
    --------
    SimulatorChain : Any number of steps, with simulators of their own.
    EfficiencySimulator : Draws events and objects that may be absent.
    NearestAssignment : Its `matched_delta_r` makes such columns.

    Notes
    -----
    Only combinations that occur in the fit are drawn; all others have a density of zero. There may
    be at most 256 of them. Columns of numbers, such as the number of tracks, are for
    `integer_columns` of a flow. `simulator` is given the columns of X, followed by the discrete
    columns as numbers, with their names. If X has the same name, "measured" is put in front. Text
    and categories are numbered in alphabetical order, or in that of their categorical type. Drawn
    columns have the types of those of y.

    `predict` gives the most probable combination, and the point prediction of the others given it.

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

    simulator: BaseEstimator
    columns: Sequence[str | int]
    classifier: BaseEstimator | None = None
    random_state: Seed = None

    _columns_label = "columns"

    def fit(self, X, y, sample_weight=None):
        """Fit the classifier on the discrete columns, then the simulator on the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event. Discrete columns are numbers, booleans, text or
            categories.
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to both. Events of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `classifier` has no `predict_proba`, or `simulator` is not a simulator.
        ValueError
            If `columns` are not in y, are all of y, or have more than 256 combinations; on bad
            values (naming column and row), or different lengths or indices of X and y.
        """
        self._check_parts()
        return super().fit(X, self._read_labels(y), sample_weight)

    def _label_columns(self):
        return self.columns

    def _steps_of_fit(self):
        # Each use advances a generator: the chain derives the seed of this step from it.
        seed = self.random_state if isinstance(self.random_state, Integral) else None
        categories = ClassifierSimulator(self.classifier, random_state=seed)
        return [(CATEGORIES, categories, self.columns), (OTHERS, self.simulator, None)]

    def _check_parts(self):
        check_simulator(self.simulator)
        check_classifier(self.classifier, "predict_proba")
        if self.columns is None:
            raise ValueError("columns must be a list of names or positions, got None.")

    @property
    def classifier_(self):
        """The classifier; None if there is one combination."""
        return self._step(CATEGORIES).classifier_

    @property
    def categories_(self):
        """The combinations that occur in y."""
        return self._step(CATEGORIES).categories_

    @property
    def simulator_(self):
        """The simulator of the other columns."""
        return self._step(OTHERS)

    def _step(self, name):
        if not hasattr(self, "simulators_"):
            raise AttributeError(f"{type(self).__name__} is not fitted yet.")
        return self.simulators_[name]

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
        X = self._events(X)
        return self.simulators_[CATEGORIES].category_proba(theory_table(self, X))
