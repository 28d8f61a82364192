"""FlowSimulator: the density of a detector's response, learnt from pairs of events."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skjetsim._column_maps import (
    check_condition_reach,
    check_reach,
    encode_condition,
    learn_condition,
    n_inputs,
)
from skjetsim._network_estimator import weighted_events
from skjetsim._validation import (
    check_int,
    check_same_events,
    check_sample_weight,
    refuse_count,
    validate_events,
    validate_target,
)
from skjetsim.base import SimulatorMixin
from skjetsim.flows._base import BaseFlow


class FlowSimulator(SimulatorMixin, BaseFlow):
    """Simulate y given X with a conditional normalizing flow.

    A stack of rational-quadratic spline couplings [1]_ maps y, given X, to a standard normal and is
    trained on the exact likelihood; simulating is one pass back. Columns are scaled inside: each
    column of y and X is standardised, or mapped through its quantiles to a normal where it has
    heavy tails or a narrow core, with the log-determinant kept; columns of X named `phi` or
    `..._phi` enter as (cos, sin). Columns of y that never vary are returned as they were.

    Parameters
    ----------
    n_transforms : int, default=6
        Number of couplings; each column is transformed by half of them.
    hidden_features : sequence of int, default=(128, 128)
        Widths of the network in each coupling.
    n_bins : int, default=8
        Bins of each spline.
    learning_rate : float, default=4e-3
        Of AdamW, at its largest.
    batch_size : int or "auto", default="auto"
        Rows of a training step; "auto" makes some 64 steps an epoch, of 64 to 2048 rows. Sampling
        does not depend on it.
    max_epochs : int, default=40
    weight_decay : float, default=2.0
        Of AdamW, times the learning rate: a prior on the weights, without which a flow of this
        size memorises the noise of 10,000 events within ten epochs. It also holds conditional
        widths back by some per cent where the response is narrow and simple: lower it there.
    schedule : {"cosine", "constant", "inverse_epoch"}, default="cosine"
        The learning rate falls to zero over `max_epochs`, or not at all, or is divided by the
        number of the epoch.
    gradient_clip : float or None, default=5.0
        Largest norm of the gradient.
    ema_decay : float or None, default=None
        Keep a running average of the weights with this decay per step.
    validation_fraction : float, default=0.05
        Share of the events held back to choose the best epoch; 0 keeps the last epoch.
    patience : int or None, default=None
        Stop after this many epochs without a better validation loss.
    checkpoint : str or None, default=None
        File written after each epoch, from which a killed `fit` with the same data and
        parameters resumes, to the same result.
    device : str, default="auto"
        "auto" takes CUDA where there is one at fit time.
    n_jobs : int or None, default=None
        Threads that sample; the events do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Governs `fit`, and the noise of `transform` and `score`.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        Where X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... where it had no names.
    history_ : list of dict
        Losses of each epoch.
    best_epoch_ : int
        The epoch whose weights were kept.
    net_ : skorch.NeuralNet or None
        None where no column of y varies.

    References
    ----------
    .. [1] C. Durkan, A. Bekasov, I. Murray and G. Papamakarios, "Neural Spline Flows",
       arXiv:1906.04032; conditioned on the event as in arXiv:2006.06685.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> simulator = FlowSimulator(max_epochs=2, random_state=0).fit(energy, measured)
    >>> simulator.sample([[50.0], [100.0]], random_state=1).shape
    (2, 1)
    >>> simulator.sample([[50.0]], n_samples=1000, random_state=1).shape
    (1, 1000, 1)
    """

    def fit(self, X, y, sample_weight=None):
        """Learn p(y given X) from pairs of events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events; row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On NaN or infinity (naming column and row), different lengths or indices of X and y,
            negative or all-zero weights, parameters out of range, or a loss that is not finite in
            the first epoch.
        """
        check_same_events(X, y, sample_weight)
        X = validate_events(self, X, reset=True, min_samples=2)
        y = validate_target(self, y, n_samples=len(X), reset=True)
        weight = check_sample_weight(sample_weight, len(X))
        weight, X, y = weighted_events(weight, X, y)
        names = getattr(self, "feature_names_in_", None)
        check_reach(X, None, range(X.shape[1]) if names is None else names, "X")
        check_reach(y, None, self.target_names_in_, "y")
        self.condition_ = learn_condition(X, names, weight)
        self._fit_flow(y, encode_condition(self.condition_, X), weight)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        """Simulate detector-level events.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Theory-level events; none at all give none.
        n_samples : int, optional
            Draws for each event; one, without an axis of its own, where it is not given.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
            In the units of the fitted y. A table under `set_output`, without `n_samples`.
        """
        check_is_fitted(self)
        refuse_count(self, X)
        events = validate_events(self, X, reset=False, min_samples=0)
        repeats = 1 if n_samples is None else check_int(n_samples, "n_samples")
        check_condition_reach(self.condition_, events)
        drawn = self._draw(
            len(events) * repeats,
            random_state,
            inputs=np.repeat(events, repeats, axis=0) if repeats > 1 else events,
            to_context=lambda chunk: encode_condition(self.condition_, chunk),
        )
        if n_samples is not None:
            return self._as_target(drawn.reshape(len(events), repeats, self.n_targets_))
        return self._as_target(drawn, X)

    def score_samples(self, X, y):
        """Log p(y given X) of each event, in the units of y.

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
        check_condition_reach(self.condition_, X)
        self._check_reach(y, self.target_names_in_, "y")
        return self._log_density(y, encode_condition(self.condition_, X))

    def _n_context(self):
        return n_inputs(self.condition_)
