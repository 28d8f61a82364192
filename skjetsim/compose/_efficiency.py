"""EfficiencySimulator: efficiency, lost and fake objects as part of the response."""

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._classifiers._training import check_classifier
from skjetsim._drawing._sample import log_prob, sample
from skjetsim._encoders._atoms import repeated_columns
from skjetsim.base._checks import used_events
from skjetsim.base._inside import check_simulator, explained, fit_weighted, number_checkpoints
from skjetsim.compose._balance import balance
from skjetsim.compose._draw_classes import draw_classes, fitted_classifier, log_proba
from skjetsim.compose._meta_simulator import MetaSimulator, all_have
from skjetsim.compose._patterns import Patterns, check_missing
from skjetsim.compose._tables import flat_rows, flat_table, target_columns, theory_table
from skjetsim.utils._seeds import Seed, as_seed_sequence, numpy_rng
from skjetsim.utils._validation import column_names, counted
from skjetsim.utils._warnings import warn_user
from skjetsim.utils._with_parameters import with_parameters

# Branches of the seed of a draw.
PATTERN, COLUMNS = 1, 2


@with_parameters
class EfficiencySimulator(MetaSimulator):
    """Simulate which events and objects the detector finds, and then what it measures.

    A classifier learns the probability of each pattern given X: the event is rejected, accepted,
    or accepted without an object that may be lost. For each pattern, a simulator learns the columns
    that are present. All other columns are missing: zero, or what `missing` says, in `fit` and in
    `sample`.

    Parameters
    ----------
    simulator : simulator
        Cloned for each pattern, whose columns of y it learns given X. Transformers of y go inside,
        in a `TransformedSimulator`: if the pT of absent objects is zero, it has no logarithm.
    classifier : classifier or None
        Learns the pattern. It has `predict_proba`, and is trained on the likelihood or calibrated.
        None takes gradient-boosted trees with early stopping, which can follow an efficiency that
        jumps at a threshold. Trees cut one column at a time, but a threshold in pT is a circle in
        px and py: put `CartesianToCylindrical` in front of this estimator or of the classifier.
    accepted : str, int or None
        Column of y, by name or position, that is 1 if the detector accepts the event and 0 if not.
        None means that y has no such column, and that all columns of rejected events are missing.
    objects : sequence of str
        Objects that may be absent from an accepted event, by the prefix of their columns: "jet2"
        for jet2_pt, jet2_eta, ... An object is absent if all its columns are missing.
    missing : float or dict of str to float
        What stands in columns of y that an event does not have. A number is for all columns, such
        as -999. A dict gives it by column, and all other columns have zero: {"jet2_b_tag": -1}.
        Columns of X with objects that are absent at theory level hold the same, or zero. Values
        are finite: replace NaN in events by a number first.
    random_state : int, RandomState, Generator or None
        Seed of the default trees, and of the noise of `transform` and `score`.

    Attributes
    ----------
    classifier_ : classifier or None
        Fitted clone. Its classes are positions in `patterns_`. None if there is one pattern.
    simulators_ : dict of str to simulator
        Fitted clones, by pattern. An object of y that is absent from X is a fake. Events with a
        fake have their own simulator: "fake jet2".
    patterns_ : list of str
        The patterns that occur in y: "rejected", "accepted", "without jet2", ...
    offsets_ : ndarray of shape (n_inputs, n_patterns)
        Added to the classifier's log-probabilities. Each row is a combination of objects that are
        absent from X; without `objects` there is one row. Patterns that do not occur with it have
        -inf.
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
    `predict` gives an event whose columns are all missing if it is rejected with a probability of
    one half or more. Otherwise it gives the point prediction of the most probable pattern.

    Few classifiers predict exactly the observed number of events. The offsets maximise the
    likelihood of the training events. Then the expected number of events of each pattern is the
    observed one, among events in which the same objects are absent from X. This also undoes
    `class_weight="balanced"`. It does not correct a turn-on of the wrong shape.

    Drawn events are accepted at random, with the efficiency as probability. If only the yield
    matters, the sum of `efficiency` has less noise.

    If `accepted` is a cut on y itself, the response ends at an edge, which smooth densities blur:
    some of the drawn events do not pass the cut. Unless only the yield matters, let `accepted` say
    whether the detector finds the event, and cut on the drawn events.

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

    simulator: BaseEstimator
    classifier: BaseEstimator | None = None
    accepted: str | int | None = "accepted"
    objects: Sequence[str] = ()
    missing: float | dict = 0.0
    random_state: Seed = None

    _learnt = "simulators_"

    def fit(self, X, y, sample_weight=None):
        """Fit the classifier on the patterns, then a simulator on the events of each.

        The simulator of the commonest pattern is the last one. After Ctrl-C in its fit, the
        estimator can be used if that simulator can be used.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events, both accepted and rejected.
        y : array-like of shape (n_samples, n_targets)
            Detector-level events; row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to classifier and simulators. Events of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `classifier` has no `predict_proba`, `simulator` is not a simulator, `objects` is not
            a list, or `missing` is not a number.
        ValueError
            If y has no column `accepted`, its values are not 0 or 1, a column of a rejected event
            is not missing, `missing` is not finite, no event is accepted, a pattern has fewer than
            5 events, or the classifier is certain of something wrong; on bad values (naming column
            and row), or different lengths or indices of X and y.
        """
        self._check_parts()
        x_names, y_names = column_names(X), column_names(y)
        X, y, weight = self._read_events(X, y, sample_weight, min_samples=2)
        self._reader = Patterns(
            y_names,
            x_names,
            y.shape[1],
            accepted=self.accepted,
            objects=self.objects,
            missing=self.missing,
        )
        pattern, absent = self._reader.of_targets(y), self._reader.of_inputs(X)
        used = np.arange(len(X))
        if weight is not None:
            used = used_events(self, weight)
            X, y, pattern, absent, weight = (rows[used] for rows in (X, y, pattern, absent, weight))
        groups = self._groups(pattern, absent)
        self._warn_if_nothing_is_lost(pattern, y)
        self._fit_classifier(X, pattern, absent, weight)
        with explained(rows=used):
            self._fit_simulators(X, y, groups, weight)
        return self

    @property
    def _inside(self):
        return list(getattr(self, "simulators_", {"": self.simulator}).values())

    def _draw_targets(self, rows, n_samples, random_state):
        repeats, root = n_samples or 1, as_seed_sequence(random_state)
        probability = np.exp(self._log_probabilities(rows))
        # The pattern of each draw; draws of one event are next to each other.
        pattern = self._codes[draw_classes(probability, repeats, numpy_rng(root, PATTERN))]

        def draw(simulator, table, *key):
            return sample(simulator, table, random_state=numpy_rng(root, COLUMNS, *key))

        return self._filled(rows, np.repeat(np.arange(len(rows)), repeats), pattern, draw)

    def _predict_inside(self, rows):
        """Nothing if the event is probably rejected, else those of the most probable pattern."""
        probability = np.exp(self._log_probabilities(rows))
        found = self._codes > 0
        code = self._codes[found][probability[:, found].argmax(axis=1)]
        pattern = np.where(probability[:, found].sum(axis=1) > 0.5, code, 0)
        every = np.arange(len(rows))
        return self._filled(rows, every, pattern, lambda simulator, X, *_: simulator.predict(X))

    def _filled(self, rows, at, pattern, respond):
        """Events of y with given patterns; `respond(simulator, X, pattern, fakes)` draws columns.

        `at` is the row of X of each event.
        """
        events = np.empty((len(at), self.n_targets_))
        events[:] = self._reader.missing
        if self._reader.flag is not None:
            events[:, self._reader.flag] = pattern > 0
        absent = self._reader.of_inputs(rows)[at]
        for (code, fakes), mine in self._reader.groups(pattern, absent).items():
            columns = self._reader.columns(code)
            if columns:
                simulator = self.simulators_[self._reader.name(code, fakes)]
                with explained(rows=at[mine]):
                    part = respond(simulator, theory_table(self, rows[at[mine]]), code, fakes)
                events[np.ix_(mine, columns)] = flat_rows(part, len(mine))
        return events

    def efficiency(self, X):
        """Probability that an event is accepted, with or without the objects that may be absent.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.pattern_proba(X)[:, self._codes > 0].sum(axis=1)

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
        check_missing(self.missing)
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

    def _warn_if_nothing_is_lost(self, pattern, y):
        """Warn if y cannot say that an event is rejected, and none is and no object is absent."""
        if self.accepted is not None or (pattern != 1).any():
            return
        text = (
            "accepted=None, and in y no event is rejected and no object is absent: nothing is ever "
            f"lost. An event is rejected if all its columns are {self.missing!r}."
        )
        repeated = repeated_columns(y)
        padded = [
            f"{self.target_names_in_[j]!r} is {values.atoms[0]:g}"
            for j, (_, values) in repeated.items()
            if len(values.atoms)
        ]
        if padded:
            text += (
                f" In many events {', '.join(padded[:3])}: if that stands for what is not there, "
                "name it in missing=, and its objects in objects=."
            )
        warn_user(text)

    def _fit_classifier(self, X, pattern, absent, weight):
        """Learn the patterns, and shift log-probabilities to the observed numbers of events."""
        self._codes, number = np.unique(pattern, return_inverse=True)
        self._absent, lacking = np.unique(absent, return_inverse=True)
        self.patterns_ = [self._reader.name(int(code)) for code in self._codes]
        self.classifier_ = fitted_classifier(
            self, flat_table(self, X), number, len(self._codes), weight
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

    def _fit_simulators(self, X, y, groups, weight):
        """Fit the rarest pattern first: Ctrl-C in the last and longest fit keeps all others."""
        keys = [key for key in groups if self._reader.columns(key[0])]
        clones = {self._reader.name(*key): clone(self.simulator) for key in keys}
        number_checkpoints(clones.values())

        def fit(number, name, simulator):
            rows = groups[keys[number]]
            columns = target_columns(self, y[rows], self._reader.columns(keys[number][0]))
            note = f"in the events of pattern {name!r}" if len(groups) > 1 else None
            own = None if weight is None else weight[rows]
            with explained(note, rows):
                fit_weighted(simulator, theory_table(self, X[rows]), columns, weight=own)

        self._fit_in_turn(clones, fit)

    def _classifier_log_proba(self, X):
        return log_proba(self.classifier_, len(self._codes), flat_table(self, X))

    def _log_probabilities(self, X):
        """Log-probability of each pattern."""
        absent = self._reader.of_inputs(X)
        index = np.minimum(np.searchsorted(self._absent, absent), len(self._absent) - 1)
        unknown = self._absent[index] != absent
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            lacks = self._reader.name(1 + int(absent[row]))
            raise ValueError(
                f"Row {row} of X is {lacks}, but no training event was "
                f"({counted(unknown.sum(), 'such row')} in all). Select events like those of the "
                "fit, or fit with such events."
            )
        log_p = self._classifier_log_proba(X) + self.offsets_[index]
        return log_p - logsumexp(log_p, axis=1, keepdims=True)
