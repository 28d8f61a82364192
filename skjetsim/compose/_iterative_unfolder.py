"""Unfolding whose prior is taken, step by step, from the measured events."""

import warnings

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._classifiers._ratio import log_ratio
from skjetsim._classifiers._training import boosted_trees
from skjetsim._drawing._sample import has_jacobian, log_prob, sample_inverse, steps_before
from skjetsim.base import is_unfolder
from skjetsim.base._inside import fit_weighted, forget, is_fitted, seed_inside, set_seeds
from skjetsim.base._inverse import BaseUnfolder
from skjetsim.base._tags import innermost
from skjetsim.compose._tables import measured_table, read_events, theory_table
from skjetsim.utils._parameters import check_fraction, check_real
from skjetsim.utils._seeds import as_seed_sequence, int_seed
from skjetsim.utils._validation import (
    check_int,
    check_sample_weight,
    validate_events,
    validate_target,
)

# Branches of the seed of `unfold`. Every iteration has the same draws, folds and classifiers, so
# that its weights differ from the last one's by what was learnt and not by noise.
DRAW, SIMULATED, FOLDS, CLASSIFIER = range(4)
# Fewer say nothing about a spectrum that the simulation does not say better.
MIN_MEASURED = 50
# Share of the simulated events at a bound of the ratio from which on it is a warning.
BOUNDED_SHARE = 0.01


def _can_score(self):
    unfolder = vars(self).get("unfolders_", [self.unfolder])[-1]
    if not hasattr(innermost(unfolder), "score_samples"):
        return False
    return all(has_jacobian(step) for step in steps_before(unfolder))


class IterativeUnfolder(BaseUnfolder):
    r"""Unfold measured events with the prior that they themselves suggest.

    The posterior of an unfolder contains the spectrum it was trained on. Here, as in [1]_, the
    measured events correct it: they are unfolded, a classifier learns how they differ from
    simulated events, the simulated pairs are given its likelihood ratio as weights, and the
    unfolder is trained again. In the limit of many events this is the iterative Bayesian unfolding
    of [2]_ without bins.

    Measured events are never an argument of `fit`: they have no truth, and cross-validation would
    split them.

    Parameters
    ----------
    unfolder : unfolder
        `Unfolder(simulator)`, or a Pipeline that ends in one; its `fit` has to take
        `sample_weight`.
    classifier : classifier or None, default=None
        Tells unfolded from simulated events, in the columns of X; a Pipeline may derive better
        ones (`KinematicFeatures`). Its scores need not be probabilities, they are calibrated. None
        is gradient-boosted trees of eight leaves.
    n_iterations : int, default=4
        Most times the unfolder is trained again.
    tol : float, default=0.01
        `unfold` stops if a new iteration would move less than this share of the weight of the
        simulated events; 0 always makes `n_iterations`.
    n_folds : int, default=5
        The ratio of a simulated event comes from a classifier that was trained without it, on the
        other folds of the events.
    max_ratio : float, default=10.0
        The ratio is held between its inverse and this. If more than 1% of the simulated weight
        is at a bound, `unfold` warns.

    Attributes
    ----------
    unfolder_ : unfolder
        The last one of `unfolders_`, which draws and scores.
    unfolders_ : list of unfolders
        As fitted, and after each iteration of the last `unfold`.
    weights_ : ndarray of shape (n_samples,)
        Of the training events, for `unfolder_`. Their sum is that of `prior_weights_`.
    prior_weights_ : ndarray of shape (n_samples,)
        As they were given to `fit`, or ones.
    iterations_ : list of dict of float
        For each iteration of the last `unfold`: `moved`, the share of the simulated weight that
        it moved (half the sum of the absolute changes over the sum); `auc`, the area of the
        classifier, with the prior's weights; `bounded`, the share
        of the simulated weight at a bound of the ratio; `effective_size`, the number of unweighted
        events that say as much as the weighted ones.
    X_train_ : ndarray of shape (n_samples, n_features)
        The training events, which each iteration needs.
    y_train_ : ndarray of shape (n_samples, n_targets)
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
    input_shape_, target_shape_ : tuple of int

    See Also
    --------
    Unfolder : Unfolds with the prior of the simulation.

    Notes
    -----
    An iteration takes the spectrum nearer to the one that explains the measured events best, noise
    included: few iterations are drawn to the simulation, many follow the fluctuations. Their
    number is the regularisation, as in [2]_, with two aids. The classifier is as smooth as its
    trees are small, and each iteration learns the ratio to the simulated events anew instead of
    multiplying the last one, whose noise would add up. `tol` ends the iterations where they no
    longer matter. What the detector smears by more than the structures of the spectrum needs more
    iterations.

    The classifier compares the unfolded measured events with simulated ones that the unfolder of
    `fit` has unfolded, not with their truth: what a network gets wrong is in both, and is not
    taken for a spectrum. Its log-odds are calibrated by a logistic regression of two parameters on
    events that it was not trained on. Every iteration trains from scratch.

    `X_train_` with `weights_` is a second estimate of the unfolded spectrum, in which no event was
    drawn by a network. What is gained can be seen in the measured columns: `y_train_` with
    `weights_` has to come nearer to the measured events. If it does not agree with them in the
    end, iterations, events or training were too few, or the response differs, too, which no prior
    mends.

    On the way to the spectrum that explains the measured events `moved` falls, and `auc` rises
    less and less. If `auc` goes on rising while `moved` stays what it is, the iterations follow
    fluctuations: make fewer. The floor of `auc`, n simulated against m measured events of one
    spectrum, is 0.5 with a standard error of sqrt((1 / n + 1 / m) / 12); that of both figures is
    what `unfold` records for as many simulated events, held out from `fit`, as were measured.

    The training events are kept, in model files too. `unfolder_` is an unfolder of its own and can
    be saved without them.

    References
    ----------
    .. [1] M. Backes, A. Butter, M. Dunford, B. Malaescu, "An unfolding method based on conditional
       invertible neural networks (cINN) using iterative training", SciPost Phys. Core 7 (2024) 007,
       arXiv:2212.08674.
    .. [2] G. D'Agostini, "A multidimensional unfolding method based on Bayes' theorem", Nucl.
       Instrum. Meth. A 362 (1995) 487.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.compose import IterativeUnfolder, Unfolder
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> simulated = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> measured = rng.triangular(20, 20, 200, size=(200, 1)) * rng.normal(1, 0.1, size=(200, 1))
    >>> flow = FlowSimulator(max_epochs=2, random_state=0)
    >>> unfolder = IterativeUnfolder(Unfolder(flow), n_iterations=1).fit(energy, simulated)
    >>> unfolder.unfold(measured, random_state=0).shape
    (200, 1)
    >>> bool(unfolder.weights_[energy[:, 0] > 150].mean() < 1)
    True
    """

    def __init__(
        self, unfolder, *, classifier=None, n_iterations=4, tol=0.01, n_folds=5, max_ratio=10.0
    ):
        self.unfolder = unfolder
        self.classifier = classifier
        self.n_iterations = n_iterations
        self.tol = tol
        self.n_folds = n_folds
        self.max_ratio = max_ratio

    random_state = seed_inside("unfolder")

    @property
    def unfolder_(self):
        """The unfolder of the last iteration."""
        check_is_fitted(self)
        return self.unfolders_[-1]

    def fit(self, X, y, sample_weight=None):
        """Learn p(X given y) from simulated pairs, with their prior.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events; row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Of the simulated events.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `unfolder` is not an unfolder, or `classifier` not a classifier.
        ValueError
            On bad values (naming column and row), different lengths or indices of X and y, or
            parameters out of range.
        """
        self._check_parameters()
        forget(self, "unfolders_")
        X, y, weight = read_events(self, X, y, sample_weight)
        # Copies, of what the user may change before `unfold`.
        self.X_train_, self.y_train_ = np.array(X), np.array(y)
        self.prior_weights_ = np.ones(len(X)) if weight is None else weight.copy()
        self.weights_, self.iterations_ = self.prior_weights_, []
        unfolder = clone(self.unfolder)
        try:
            self._train(unfolder, weight)
        finally:  # what had been learnt by Ctrl-C can be used
            if is_fitted(unfolder):
                self.unfolders_ = [unfolder]
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "unfolders_")

    def unfold(self, y_measured, sample_weight=None, *, random_state=None):
        """Correct the prior by measured events, and unfold them.

        Starts from the unfolder that was fitted, whatever was unfolded before. Ctrl-C leaves the
        iterations that were complete.

        Parameters
        ----------
        y_measured : array-like of shape (n, n_targets)
            Measured events, at least 50.
        sample_weight : array-like of shape (n,), optional
            Of the measured events.
        random_state : None, int, Generator or RandomState
            Of the draws, folds and classifiers. None is fresh at each call; an int repeats the
            result if the unfolder's own `random_state` is an int, too.

        Returns
        -------
        X : ndarray of shape (n, n_features)
            One unfolded event for each measured one, whose weights are theirs.

        Raises
        ------
        ValueError
            On NaN, columns that differ from those of y in `fit`, fewer than 50 events of positive
            weight, or a classifier that takes no weights if there are some.
        """
        check_is_fitted(self)
        self._check_parameters()
        rows = validate_target(self, y_measured, n_samples=None, reset=False)
        weight = check_sample_weight(sample_weight, len(rows))
        self._check_enough(rows, weight)
        root = as_seed_sequence(random_state)
        measured = measured_table(self, rows)
        self.unfolders_, self.iterations_ = self.unfolders_[:1], []
        self.weights_ = self.prior_weights_
        simulated = self._draw(measured_table(self, self.y_train_), int_seed(root, SIMULATED))
        drawn = self._draw(measured, int_seed(root, DRAW))
        for _ in range(self.n_iterations):
            weights, record = self._reweight(simulated, drawn, weight, root)
            self.iterations_.append(record)
            if record["moved"] < self.tol:
                break
            unfolder = self._train(clone(self.unfolder), weights)
            self.unfolders_.append(unfolder)
            self.weights_ = weights
            drawn = self._draw(measured, int_seed(root, DRAW))
        return self._as_events(drawn, y_measured)

    def _draw_inverse(self, rows, n_samples, random_state):
        measured = measured_table(self, rows)
        return sample_inverse(
            self.unfolder_, measured, n_samples=n_samples, random_state=random_state
        )

    @available_if(_can_score)
    def score_samples(self, X, y):
        """Log p(X given y) of each event, with the prior of the last `unfold`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        return log_prob(self.unfolder_, theory_table(self, X), measured_table(self, y))

    def _check_parameters(self):
        unfolder, classifier = self.unfolder, self.classifier
        if isinstance(unfolder, type) or not hasattr(unfolder, "fit") or not is_unfolder(unfolder):
            raise TypeError(
                f"unfolder must be an unfolder, got {unfolder!r}. A simulator becomes one as "
                "Unfolder(simulator)."
            )
        if classifier is not None and (
            isinstance(classifier, type)
            or not hasattr(classifier, "fit")
            or not is_classifier(classifier)
        ):
            raise TypeError(f"classifier must be a classifier or None, got {classifier!r}.")
        check_int(self.n_iterations, "n_iterations")
        check_int(self.n_folds, "n_folds", minimum=2)
        check_fraction(self.tol, "tol")
        check_real(self.max_ratio, "max_ratio", above=1)

    def _check_enough(self, rows, weight):
        """Refuse samples too small for the folds of a classifier."""
        n_measured = len(rows) if weight is None else int((weight > 0).sum())
        n_simulated = int((self.prior_weights_ > 0).sum())
        needed = max(MIN_MEASURED, 2 * self.n_folds)
        for n_events, what in ((n_measured, "y_measured"), (n_simulated, "the simulation")):
            if n_events < needed:
                raise ValueError(
                    f"{what} has {n_events} events of positive weight, and at least {needed} are "
                    "needed to learn how the measured spectrum differs. Unfold fewer with "
                    "Unfolder, which keeps the prior of the simulation."
                )

    def _train(self, unfolder, weight):
        """Fit an unfolder on the simulated pairs."""
        X, y = theory_table(self, self.X_train_), measured_table(self, self.y_train_)
        return fit_weighted(unfolder, X, y, weight=weight)

    def _draw(self, measured, seed):
        """One unfolded event for each measured one, by the last unfolder."""
        drawn = sample_inverse(self.unfolder_, measured, random_state=seed)
        return np.asarray(drawn, dtype=np.float64).reshape(len(measured), -1)

    def _reweight(self, simulated, drawn, drawn_weight, root):
        """Weights that give the simulated events the unfolded spectrum, and a record of them.

        `simulated` and `drawn` are unfolded simulated and measured events.
        """
        prior = self.prior_weights_
        used = prior > 0
        learnt, auc = log_ratio(
            self._classifier(root),
            simulated[used],
            drawn,
            (prior[used], drawn_weight),
            n_folds=self.n_folds,
            seed=int_seed(root, FOLDS),
            names=getattr(self, "feature_names_in_", None),
            at=self.X_train_[used],
        )
        bound = np.log(self.max_ratio)
        bounded = float(np.average(np.abs(learnt) > bound, weights=prior[used]))
        if bounded > BOUNDED_SHARE:
            warnings.warn(
                f"The ratio of unfolded to simulated events is at its bounds, 1/{self.max_ratio:g} "
                f"and {self.max_ratio:g}, for {bounded:.1%} of the simulated events: the "
                "simulation has few events where the measured ones are, or many where they are "
                "not. Simulate a spectrum nearer to them, or raise max_ratio.",
                UserWarning,
                stacklevel=3,
            )
        weights = np.zeros(len(prior))
        weights[used] = prior[used] * np.exp(np.clip(learnt, -bound, bound))
        weights *= prior.sum() / weights.sum()
        return weights, {
            "moved": float(np.abs(weights - self.weights_).sum() / (2 * prior.sum())),
            "auc": auc,
            "bounded": bounded,
            "effective_size": float(weights.sum() ** 2 / (weights**2).sum()),
        }

    def _classifier(self, root):
        """Clone of the classifier, with a seed if it has none."""
        classifier = boosted_trees("ratio") if self.classifier is None else self.classifier
        return set_seeds(clone(classifier), root, CLASSIFIER)
