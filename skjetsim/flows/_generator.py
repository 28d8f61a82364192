"""FlowGenerator: the density of events, to be sampled, scored, and mapped to a latent space."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skjetsim._column_maps import apply_maps, check_reach
from skjetsim._network_estimator import weighted_events
from skjetsim._sklearn_compat import wrap_like_transform
from skjetsim._validation import check_events, check_int, check_sample_weight, validate_events
from skjetsim.base import GeneratorMixin
from skjetsim.flows._base import BaseFlow


class FlowGenerator(GeneratorMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseFlow):
    """Learn the density of events with a normalizing flow, and sample it.

    A stack of rational-quadratic spline couplings [1]_ maps events to a standard normal and is
    trained on the exact likelihood. `transform` gives the latent point of an event and
    `inverse_transform` brings it back. Columns are scaled inside: standardised, or mapped through
    their quantiles to a normal where they have heavy tails or a narrow core, with the
    log-determinant kept. Columns that never vary are returned as they were.

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
        Governs `fit`.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X had names.
    input_shape_ : tuple of int
        Shape of one event, as `sample` returns it.
    history_ : list of dict
        Losses of each epoch.
    best_epoch_ : int
        The epoch whose weights were kept.
    net_ : skorch.NeuralNet or None
        None where no column varies.

    References
    ----------
    .. [1] C. Durkan, A. Bekasov, I. Murray and G. Papamakarios, "Neural Spline Flows",
       arXiv:1906.04032.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.flows import FlowGenerator
    >>> X = np.random.default_rng(0).normal(size=(512, 2))
    >>> flow = FlowGenerator(max_epochs=2, random_state=0).fit(X)
    >>> flow.sample(3, random_state=1).shape
    (3, 2)
    >>> bool(np.allclose(flow.inverse_transform(flow.transform(X)), X, atol=1e-3))
    True
    """

    def fit(self, X, y=None, sample_weight=None):
        """Learn p(X).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On NaN or infinity (naming column and row), negative or all-zero weights, parameters
            out of range, or a loss that is not finite in the first epoch.
        """
        X = validate_events(self, X, reset=True, min_samples=2)
        weight = check_sample_weight(sample_weight, len(X))
        weight, X = weighted_events(weight, X)
        check_reach(X, None, self._names(), "X")
        self._fit_flow(X, None, weight)
        return self

    def sample(self, n_samples=1, *, random_state=None):
        """Draw events.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        ndarray of shape (n_samples, n_features), or a table under `set_output`
        """
        check_is_fitted(self)
        n_samples = check_int(n_samples, "n_samples")
        return self._as_events(self._draw(n_samples, random_state))

    def transform(self, X):
        """Latent point of each event: standard normal if the density is right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            Zero in columns that did not vary in the fit.
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        self._check_reach(X, self._names(), "X")
        latent = np.zeros_like(X)
        if self.net_ is not None:
            mapped, _ = apply_maps(self.column_maps_, X[:, self.varying_])
            latent[:, self.varying_] = self._module_call("to_latent", mapped)
        return latent

    def inverse_transform(self, Z):
        """Bring latent points back to events.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_features)

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or a table under `set_output`
        """
        check_is_fitted(self)
        latent, _ = check_events(Z, what="Z", estimator=self)
        if latent.shape[1] != self.n_features_in_:
            raise ValueError(
                f"Z has {latent.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return self._as_events(self._from_base(latent[:, self.varying_], None))

    def score_samples(self, X):
        """Log-density of each event, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        self._check_reach(X, self._names(), "X")
        return self._log_density(X, None)

    @property
    def _n_features_out(self):
        return self.n_features_in_

    def _names(self):
        return getattr(self, "feature_names_in_", range(self.n_features_in_))

    def _as_events(self, rows):
        if len(self.input_shape_) > 1:
            return rows.reshape(len(rows), *self.input_shape_)
        default = [f"x{i}" for i in range(self.n_features_in_)]
        return wrap_like_transform(self, rows, getattr(self, "feature_names_in_", default))
