"""IterativeUnfolder: takes its prior, step by step, from the measured events."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._classifiers._ratio import log_ratio
from skjetsim._classifiers._training import boosted_trees
from skjetsim._drawing._sample import has_jacobian, log_prob, sample_inverse, steps_before
from skjetsim.base import is_unfolder
from skjetsim.base._checks import read_events
from skjetsim.base._inside import (
    fit_weighted,
    forget,
    going_on,
    is_estimator,
    is_fitted,
    seed_inside,
    set_seeds,
)
from skjetsim.base._inverse import BaseUnfolder
from skjetsim.base._shapes import as_events
from skjetsim.base._tags import unwrapped
from skjetsim.compose._tables import flat_rows, measured_table, theory_table
from skjetsim.utils._parameters import check_fraction, check_real
from skjetsim.utils._seeds import as_seed_sequence, int_seed
from skjetsim.utils._validation import check_int, check_sample_weight, validate_target
from skjetsim.utils._with_parameters import with_parameters

# Branches of the seed of `unfold`. All iterations have the same seeds of draws, folds and
# classifiers: their weights then differ by what was learnt, and not by noise.
DRAW, SIMULATED, FOLDS, CLASSIFIER = range(4)
MIN_MEASURED = 50  # fewer events say less about the spectrum than the simulation does
BOUNDED_SHARE = 0.01  # of the simulated weight at a bound of the ratio: more is a warning


def _can_score(self):
    unfolder = vars(self).get("unfolders_", [self.unfolder])[-1]
    scores = hasattr(unwrapped(unfolder), "score_samples")
    return scores and all(map(has_jacobian, steps_before(unfolder)))


@with_parameters
class IterativeUnfolder(BaseUnfolder):
    r"""Unfold measured events with a prior that is learnt from them.

    The posterior of an unfolder depends on the spectrum of the training events. Here the measured
    events correct that spectrum, as in [1]_. In each iteration they are unfolded, and a classifier
    learns how they differ from the simulated events. Its likelihood ratio gives the simulated pairs
    new weights, with which the unfolder is trained again. In the limit of many events this is the
    iterative Bayesian unfolding of [2]_ without bins.

    `fit` does not take measured events: they have no truth, and cross-validation would split them.

    Parameters
    ----------
    unfolder : unfolder
        `Unfolder(simulator)`, or a Pipeline that ends in one. Its `fit` must take `sample_weight`.
    classifier : classifier or None
        Separates unfolded from simulated events by the columns of X. A Pipeline may add better
        columns (`KinematicFeatures`). Its scores are calibrated, and need not be probabilities.
        None takes gradient-boosted trees with eight leaves.
    n_iterations : int
        Largest number of iterations, in each of which the unfolder is trained again.
    tol : float
        `unfold` stops if a new iteration would move less than this share of the weight of the
        simulated events. 0 always makes `n_iterations`.
    n_folds : int
        Folds of the events. The ratio of a simulated event comes from a classifier that was
        trained on the other folds.
    max_ratio : float
        Largest ratio; its inverse is the smallest one. If more than 1% of the simulated weight is
        at a bound, `unfold` warns.

    Attributes
    ----------
    unfolder_ : unfolder
        The last one of `unfolders_`. It draws and scores.
    unfolders_ : list of unfolders
        The unfolder of `fit`, and that of each iteration of the last `unfold`.
    weights_ : ndarray of shape (n_samples,)
        Weights of the training events that `unfolder_` was trained with. Their sum is that of
        `prior_weights_`.
    prior_weights_ : ndarray of shape (n_samples,)
        The weights that were given to `fit`, or ones.
    iterations_ : list of dict of float
        Figures of each iteration of the last `unfold`:

        - `moved`: the share of the simulated weight that it moved, which is half the sum of the
          absolute changes over the sum of the weights.
        - `auc`: the area under the curve of the classifier, with the weights of the prior.
        - `bounded`: the share of the simulated weight at a bound of the ratio.
        - `effective_size`: the number of unweighted events with the statistical power of the
          weighted ones.
    X_train_ : ndarray of shape (n_samples, n_features)
        The training events. Each iteration needs them.
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
    Each iteration brings the spectrum nearer to the one that explains the measured events best,
    including their noise. After few iterations the result is biased towards the simulation; after
    many it follows fluctuations. Their number is the regularisation, as in [2]_. Two choices
    reduce the noise: small trees make a smooth ratio, and each iteration learns the ratio to the
    simulated events anew, since a product of ratios would add up their noise. `tol` ends the
    iterations when they change little. If the detector smears more than the width of the
    structures in the spectrum, more iterations are needed.

    The classifier compares the unfolded measured events with unfolded simulated events, not with
    their truth. Errors of the network are in both, so that they are not taken for a difference of
    the spectra. The log-odds are calibrated by a logistic regression with two parameters, on events
    that the classifier was not trained on. Each iteration trains from scratch.

    `X_train_` with `weights_` is a second estimate of the unfolded spectrum, in which no event was
    drawn by a network. The measured columns show the gain: `y_train_` with `weights_` should come
    nearer to the measured events. If they do not agree in the end, there were too few iterations,
    events or epochs, or the measured events have another response, which no prior corrects.

    While the iterations approach the spectrum of the measured events, `moved` falls, and `auc`
    rises more and more slowly. If `auc` continues to rise and `moved` does not fall, the iterations
    follow fluctuations: make fewer. For n simulated and m measured events of the same spectrum,
    `auc` is 0.5 with a standard error of sqrt((1 / n + 1 / m) / 12). To find the floor of both
    figures, unfold as many simulated events as were measured, which were not in `fit`.

    Model files contain the training events, too. `unfolder_` can be saved without them.

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

    unfolder: BaseEstimator
    classifier: BaseEstimator | None = None
    n_iterations: int = 4
    tol: float = 0.01
    n_folds: int = 5
    max_ratio: float = 10.0

    random_state = seed_inside("unfolder")

    @property
    def unfolder_(self):
        """The unfolder of the last iteration."""
        check_is_fitted(self)
        return self.unfolders_[-1]

    def fit(self, X, y, sample_weight=None):
        """Learn p(X given y) from simulated pairs, whose spectrum is the prior.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events; row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the simulated events.

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
        # Copies: the user may change the arrays before `unfold`.
        self.X_train_, self.y_train_ = np.array(X), np.array(y)
        self.prior_weights_ = np.ones(len(X)) if weight is None else weight.copy()
        self.weights_, self.iterations_ = self.prior_weights_, []
        (unfolder,) = going_on(self, "unfolders", [clone(self.unfolder)])
        try:
            self._train(unfolder, weight)
        finally:  # after Ctrl-C, too, what was learnt can be used
            if is_fitted(unfolder):
                self.unfolders_ = [unfolder]
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "unfolders_")

    def unfold(self, y_measured, sample_weight=None, *, random_state=None):
        """Correct the prior with measured events, and unfold them.

        It starts from the unfolder of `fit`, also if other events were unfolded before. Ctrl-C
        keeps the iterations that are complete.

        Parameters
        ----------
        y_measured : array-like of shape (n, n_targets)
            Measured events, at least 50.
        sample_weight : array-like of shape (n,), optional
            Weights of the measured events.
        random_state : None, int, Generator or RandomState
            Seed of the draws, folds and classifiers. None is another seed at each call. An int
            repeats the result if the unfolder's own `random_state` is an int, too.

        Returns
        -------
        X : ndarray of shape (n, n_features)
            One unfolded event for each measured one, with the same weight.

        Raises
        ------
        ValueError
            On NaN, columns that differ from those of y in `fit`, fewer than 50 events of positive
            weight, or weights that the classifier does not take.
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
        return as_events(self, drawn, y_measured)

    def _draw_inverse(self, rows, n_samples, random_state):
        measured = measured_table(self, rows)
        draws = {"n_samples": n_samples, "random_state": random_state}
        return sample_inverse(self.unfolder_, measured, **draws)

    @available_if(_can_score)
    def _log_density(self, X, y):
        """Log p(X given y), with the prior of the last `unfold`."""
        return log_prob(self.unfolder_, theory_table(self, X), measured_table(self, y))

    def _check_parameters(self):
        if not is_estimator(self.unfolder, is_unfolder):
            raise TypeError(
                f"unfolder must be an unfolder, got {self.unfolder!r}. A simulator becomes one as "
                "Unfolder(simulator)."
            )
        if self.classifier is not None and not is_estimator(self.classifier, is_classifier):
            raise TypeError(f"classifier must be a classifier or None, got {self.classifier!r}.")
        check_int(self.n_iterations, "n_iterations")
        check_int(self.n_folds, "n_folds", minimum=2)
        check_fraction(self.tol, "tol")
        check_real(self.max_ratio, "max_ratio", above=1)

    def _check_enough(self, rows, weight):
        """Raise ValueError if there are too few events for the folds of a classifier."""
        n_measured = len(rows) if weight is None else int((weight > 0).sum())
        n_simulated = int((self.prior_weights_ > 0).sum())
        needed = max(MIN_MEASURED, 2 * self.n_folds)
        for n_events, what in ((n_measured, "y_measured"), (n_simulated, "the simulation")):
            if n_events < needed:
                raise ValueError(
                    f"{what} has {n_events} events of positive weight, and at least {needed} are "
                    "needed to learn how the measured spectrum differs. Unfold fewer events with "
                    "Unfolder, which keeps the prior of the simulation."
                )

    def _train(self, unfolder, weight):
        """Fit an unfolder on the simulated pairs."""
        X, y = theory_table(self, self.X_train_), measured_table(self, self.y_train_)
        return fit_weighted(unfolder, X, y, weight=weight)

    def _draw(self, measured, seed):
        """One unfolded event for each measured one, by the last unfolder."""
        return flat_rows(sample_inverse(self.unfolder_, measured, random_state=seed), len(measured))

    def _reweight(self, simulated, drawn, drawn_weight, root):
        """Weights that give the simulated events the unfolded spectrum, and figures of them.

        `simulated` are unfolded simulated events, `drawn` unfolded measured ones.
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
                "simulation has few events in the range of the measured ones, or many outside of "
                "it. Simulate a spectrum nearer to the measured one, or raise max_ratio.",
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
        """Clone of the classifier, with a seed in place of None."""
        classifier = boosted_trees("ratio") if self.classifier is None else self.classifier
        return set_seeds(clone(classifier), root, CLASSIFIER)
