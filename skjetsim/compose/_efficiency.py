"""Efficiency, lost and fake objects as part of the response."""

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._classifiers._training import (
    boosted_trees,
    check_classifier,
    fit_classifier,
    used_events,
)
from skjetsim._drawing._sample import log_prob, sample
from skjetsim.base._inside import check_simulator, explained, fit_weighted, numbered_checkpoints
from skjetsim.compose._balance import balance
from skjetsim.compose._draw_classes import draw_classes, log_proba
from skjetsim.compose._meta_simulator import MetaSimulator, all_have
from skjetsim.compose._patterns import REJECTED, Patterns
from skjetsim.compose._tables import flat_table, target_columns, theory_table
from skjetsim.utils._seeds import as_seed_sequence, int_seed, numpy_rng
from skjetsim.utils._validation import column_names

# Branches of a seed: of `fit` the first, of a draw the others.
CLASSIFIER, PATTERN, COLUMNS = range(3)


class EfficiencySimulator(MetaSimulator):
    """Simulate which events, and which objects, the detector finds, and then what it measures.

    A classifier learns the probability of each pattern given X: rejected; accepted; accepted
    without an object that may be lost. A simulator for each pattern learns the columns that are
    there. The columns of what is not there are zeros, in `fit` and in `sample`.

    Parameters
    ----------
    simulator : simulator
        Cloned for each pattern; learns its columns of y given X. Transformers of y belong in here,
        in a `TransformedSimulator`: absent objects have zero pT, which has no logarithm.
    classifier : classifier or None, default=None
        Learns the pattern; has `predict_proba` and is trained on the likelihood, or calibrated.
        None takes gradient-boosted trees with early stopping: an efficiency that jumps at a
        threshold is what trees follow and smooth functions do not. Trees cut one column at a time,
        and a threshold in pT is a circle in px and py: put `CartesianToCylindrical` in front of
        this estimator, or of the classifier.
    accepted : str, int or None, default="accepted"
        Column of y, by name or position, that is 1 for events the detector accepts and 0 for the
        others. None: y has no such column, and events that are zero throughout are rejected.
    objects : sequence of str, default=()
        Objects that may be absent on their own, by the prefix of their columns: "jet2" for
        jet2_pt, jet2_eta, ... One is absent if all its columns are zero.
    random_state : int, RandomState, Generator or None, default=None
        Governs the classifier that None stands for, and the noise of `transform` and `score`.

    Attributes
    ----------
    classifier_ : classifier or None
        Fitted clone; its classes are numbers of `patterns_`. None if there is one pattern.
    simulators_ : dict of str to simulator
        Fitted clones by pattern. An object that X lacks and y has is a fake, and events with a
        fake have a simulator of their own: "fake jet2".
    patterns_ : list of str
        The patterns that occur in y: "rejected", "accepted", "without jet2", ...
    offsets_ : ndarray of shape (n_inputs, n_patterns)
        Added to the classifier's log-probabilities. Rows are the combinations of objects that X
        lacks (one without `objects`); patterns that never occur with one have -inf.
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.

    See Also
    --------
    TransformedSimulator : Coordinates in which the columns of an accepted event are simple.

    Notes
    -----
    `predict` gives zeros for an event that is rejected with a probability of one half or more. To
    any other it gives the likeliest pattern, and the point prediction of its simulator.

    Few classifiers predict exactly as many events as they have seen. The offsets are those that
    maximise the likelihood of the training events; then the expected number of events of each
    pattern is the observed one, among events that lack the same objects in X. This also undoes
    `class_weight="balanced"`. It does not mend a turn-on of the wrong shape.

    An event drawn at random follows the efficiency; for a yield alone, the sum of `efficiency` has
    less noise.

    If `accepted` is a cut on y itself, the response ends at an edge, which smooth densities
    blur: some drawn events are accepted and would not pass the cut again. Let `accepted` be what
    the detector finds and cut on what is drawn, unless only the yield matters.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from scipy.special import erf
    >>> from skjetsim.compose import EfficiencySimulator
    >>> from skjetsim.flows import FlowSimulator
    >>> from skjetsim.pipeline import make_generative_pipeline
    >>> from skjetsim.preprocessing import CartesianToCylindrical
    >>> rng = np.random.default_rng(0)
    >>> pt, phi = rng.uniform(10, 60, 2000), rng.uniform(-np.pi, np.pi, 2000)      # GeV
    >>> X = pd.DataFrame({"jet_px": pt * np.cos(phi), "jet_py": pt * np.sin(phi)})
    >>> accepted = rng.uniform(size=2000) < 0.5 * (1 + erf((pt - 30) / 8))
    >>> y = pd.DataFrame({"jet_pt": pt * rng.normal(1, 0.1, 2000), "accepted": 1.0})
    >>> y[~accepted] = 0.0
    >>> response = FlowSimulator(max_epochs=2, random_state=0)
    >>> model = make_generative_pipeline(
    ...     CartesianToCylindrical(["jet"]), EfficiencySimulator(response, random_state=0)
    ... ).set_output(transform="pandas").fit(X, y)
    >>> low, high = model[-1].efficiency(pd.DataFrame({"jet_pt": [15.0, 50.0], "jet_phi": 0.0}))
    >>> bool(low < 0.1), bool(high > 0.9)
    (True, True)
    >>> drawn = model.sample(X, random_state=1)
    >>> bool((drawn.loc[drawn["accepted"] == 0, "jet_pt"] == 0).all())
    True
    """

    _learnt = "simulators_"

    def __init__(
        self, simulator, *, classifier=None, accepted="accepted", objects=(), random_state=None
    ):
        self.simulator = simulator
        self.classifier = classifier
        self.accepted = accepted
        self.objects = objects
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit the classifier on the patterns, then a simulator on the events of each.

        After Ctrl-C in the fit of the last simulator, that of the commonest pattern, the estimator
        can be used if that simulator can.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events, whether they are accepted or not.
        y : array-like of shape (n_samples, n_targets)
            Detector-level events; row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to classifier and simulators; events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `classifier` gives no probabilities, `simulator` is not a simulator, or `objects` not
            a list.
        ValueError
            If y has no column `accepted`, its values are not 0 or 1, a rejected event is not
            zero, no event is accepted, a pattern has fewer than 5 events, or the classifier
            excludes what occurs; on bad values (naming column and row), or different lengths or
            indices of X and y.
        """
        self._check_parts()
        x_names, y_names = column_names(X), column_names(y)
        X, y, weight = self._read_events(X, y, sample_weight, min_samples=2)
        self._reader = Patterns(
            y_names, x_names, y.shape[1], accepted=self.accepted, objects=self.objects
        )
        pattern, absent = self._reader.of_targets(y), self._reader.of_inputs(X)
        used = np.arange(len(X))
        if weight is not None:
            used = used_events(weight)
            X, y, pattern, absent, weight = (rows[used] for rows in (X, y, pattern, absent, weight))
        groups = self._groups(pattern, absent)
        self._fit_classifier(X, pattern, absent, weight)
        with explained(rows=used):
            self._fit_simulators(X, y, groups, weight)
        return self

    @property
    def _inside(self):
        return list(getattr(self, "simulators_", {"": self.simulator}).values())

    def _draw_targets(self, rows, n_samples, random_state):
        repeats = 1 if n_samples is None else n_samples
        root = as_seed_sequence(random_state)
        pattern = self._draw_patterns(rows, repeats, numpy_rng(root, PATTERN))

        def draw(simulator, table, *key):
            return sample(simulator, table, random_state=numpy_rng(root, COLUMNS, *key))

        return self._filled(rows, np.repeat(np.arange(len(rows)), repeats), pattern, draw)

    def _predict_inside(self, rows):
        """Rejected if that is more likely than not, else the likeliest way of being accepted."""
        probability = np.exp(self._log_probabilities(rows))
        found = self._codes > 0
        code = self._codes[found][probability[:, found].argmax(axis=1)]
        pattern = np.where(probability[:, found].sum(axis=1) > 0.5, code, 0)
        every = np.arange(len(rows))
        return self._filled(rows, every, pattern, lambda simulator, X, *_: simulator.predict(X))

    def _filled(self, rows, at, pattern, respond):
        """Events of y, given their patterns: `respond(simulator, X, pattern, fakes)` fills each.

        `at` are the rows of X that they belong to.
        """
        events = np.zeros((len(at), self.n_targets_))
        if self._reader.flag is not None:
            events[:, self._reader.flag] = pattern > 0
        absent = self._reader.of_inputs(rows)[at]
        for (code, fakes), mine in self._reader.groups(pattern, absent).items():
            columns = self._reader.columns(code)
            if columns:
                simulator = self.simulators_[self._reader.name(code, fakes)]
                with explained(rows=at[mine]):
                    part = respond(simulator, theory_table(self, rows[at[mine]]), code, fakes)
                events[np.ix_(mine, columns)] = np.asarray(part).reshape(len(mine), -1)
        return events

    def efficiency(self, X):
        """Probability that an event is accepted, with or without the objects that may be lost.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        probability = self.pattern_proba(X)
        found = [number for number, name in enumerate(self.patterns_) if name != REJECTED]
        return probability[:, found].sum(axis=1)

    def pattern_proba(self, X):
        """Probability of each pattern.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_patterns)
            Columns are in the order of `patterns_`.
        """
        check_is_fitted(self)
        return np.exp(self._log_probabilities(self._events(X)))

    @available_if(all_have("score_samples"))
    def _log_density(self, X, y):
        pattern, absent = self._reader.of_targets(y), self._reader.of_inputs(X)
        by_pattern = self._log_probabilities(X)
        total = np.full(len(X), -np.inf)
        for (code, fakes), rows in self._reader.groups(pattern, absent).items():
            number = np.flatnonzero(self._codes == code)
            if not len(number):
                continue
            total[rows] = by_pattern[rows, number[0]]
            simulator = self.simulators_.get(self._reader.name(code, fakes))
            if simulator is not None:
                columns = target_columns(self, y[rows], self._reader.columns(code))
                with explained(rows=rows):
                    total[rows] += log_prob(simulator, theory_table(self, X[rows]), columns)
        return total

    def _check_parts(self):
        check_simulator(self.simulator)
        check_classifier(self.classifier, "predict_proba")
        if not isinstance(self.objects, (list, tuple)) or not all(
            isinstance(name, str) and name for name in self.objects
        ):
            raise TypeError(
                f'objects must be a list of prefixes such as ["jet2"], got {self.objects!r}.'
            )

    def _groups(self, pattern, absent):
        """Rows of each pattern, checked."""
        if not pattern.any():
            raise ValueError("No event of y is accepted: there is no response to learn.")
        groups = self._reader.groups(pattern, absent)
        self._reader.check_counts(groups)
        return groups

    def _fit_classifier(self, X, pattern, absent, weight):
        """Learn the pattern, and shift its log-probabilities to the observed numbers of events."""
        self._codes, number = np.unique(pattern, return_inverse=True)
        self._absent, lacking = np.unique(absent, return_inverse=True)
        self.patterns_ = [self._reader.name(int(code)) for code in self._codes]
        self.classifier_ = None
        if len(self._codes) > 1:
            self.classifier_ = fit_classifier(
                self._make_classifier(len(X)), flat_table(self, X), number, weight
            )
        weight = np.ones(len(X)) if weight is None else weight
        observed = np.zeros((len(self._absent), len(self._codes)))
        np.add.at(observed, (lacking, number), weight)
        log_p = self._classifier_log_proba(X)
        offsets = np.where(observed > 0, 0.0, -np.inf)
        for row, wanted in enumerate(observed):
            mine, seen = lacking == row, wanted > 0
            offsets[row, seen] = balance(
                log_p[np.ix_(mine, seen)],
                weight[mine],
                wanted[seen],
                [name for name, here in zip(self.patterns_, seen, strict=True) if here],
            )
        self.offsets_ = offsets

    def _make_classifier(self, n_rows):
        if self.classifier is not None:
            return clone(self.classifier)
        seed = int_seed(as_seed_sequence(self.random_state), CLASSIFIER)
        return boosted_trees("probabilities", seed, n_rows=n_rows)

    def _fit_simulators(self, X, y, groups, weight):
        """Fit the rarest pattern first: Ctrl-C in the last and longest fit leaves them all."""
        keys = [key for key in groups if self._reader.columns(key[0])]
        clones = {self._reader.name(*key): clone(self.simulator) for key in keys}
        if len(keys) > 1:
            for number, simulator in enumerate(clones.values()):
                own = numbered_checkpoints(simulator, number)
                if own:  # a FrozenEstimator takes none
                    simulator.set_params(**own)

        def fit(number, name, simulator):
            rows = groups[keys[number]]
            columns = target_columns(self, y[rows], self._reader.columns(keys[number][0]))
            note = f"in the events of pattern {name!r}" if len(groups) > 1 else None
            own = None if weight is None else weight[rows]
            with explained(note, rows):
                fit_weighted(simulator, theory_table(self, X[rows]), columns, weight=own)

        self._fit_in_turn(clones, fit)

    def _classifier_log_proba(self, X):
        return log_proba(
            self.classifier_, len(self._codes), X, getattr(self, "feature_names_in_", None)
        )

    def _log_probabilities(self, X):
        """Log-probability of each pattern."""
        absent = self._reader.of_inputs(X)
        index = np.minimum(np.searchsorted(self._absent, absent), len(self._absent) - 1)
        unknown = self._absent[index] != absent
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            lacks = self._reader.name(1 + int(absent[row]))
            raise ValueError(
                f"Row {row} of X is {lacks}, as no training event is ({int(unknown.sum())} such "
                "rows in all). Select events like those of the fit, or fit with such events."
            )
        log_p = self._classifier_log_proba(X) + self.offsets_[index]
        return log_p - logsumexp(log_p, axis=1, keepdims=True)

    def _draw_patterns(self, events, repeats, rng):
        """Pattern of each draw, those of one event side by side."""
        probability = np.exp(self._log_probabilities(events))
        return self._codes[draw_classes(probability, repeats, rng)]
