"""GenerativePipeline: transformers and a generator or simulator, with samples and densities."""

import numbers

from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.metaestimators import available_if

from skjetsim._drawing._sample import (
    has_jacobian,
    log_prob,
    sample,
    steps_before,
    without_density,
)
from skjetsim.base import is_generator, is_simulator
from skjetsim.utils._validation import check_same_events
from skjetsim.utils._weighted import weighted_mean

__all__ = ["GenerativePipeline", "make_generative_pipeline"]


def _can_score(pipeline):
    """Whether the last step has a density, and all steps before it a Jacobian."""
    if not hasattr(pipeline._final_estimator, "score_samples"):
        return False
    # Transformers in front of a simulator act on the condition, which needs no Jacobian.
    return is_simulator(pipeline) or all(map(has_jacobian, steps_before(pipeline)))


class GenerativePipeline(Pipeline):
    """Transformers and a generator, as one generator.

    It is a scikit-learn `Pipeline` that also draws events: the last step draws them, and the
    transformers take them back. `score_samples` and `score` add log|det J| of the transformers.
    Densities are then in the units of X, and a search over parameters of a transformer can compare
    them. Both methods are absent if the Jacobian of a step is not known. If the last step is a
    simulator, the transformers act on its condition X.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers with `inverse_transform`, then a generator or simulator.
    transform_input : list of str, optional
        As in `sklearn.pipeline.Pipeline`.
    memory : str or joblib.Memory, optional
        Cache of fitted transformers.
    verbose : bool, default=False
        Print the time that the fit of each step takes.

    See Also
    --------
    make_generative_pipeline : Names the steps for you.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim.pipeline import GenerativePipeline
    >>> X = np.random.default_rng(0).normal(90.0, 2.5, size=(200, 1))
    >>> model = GenerativePipeline([("scale", StandardScaler()), ("mix", GaussianMixture())])
    >>> model.fit(X).sample(1000, random_state=0).mean().round()
    np.float64(90.0)
    """

    def __getattr__(self, name):
        # Called after `available_if` has refused a method. Its message does not say why.
        try:
            return super().__getattribute__(name)
        except AttributeError as error:
            if name not in ("score", "score_samples"):
                raise
            raise AttributeError(f"{error}{without_density(self)}") from None

    def sample(self, X=None, *, n_samples=None, random_state=None):
        """Draw events, in the coordinates of X.

        Parameters
        ----------
        X : int or array-like of shape (n, n_features), optional
            For a generator the number of events, as `n_samples`; for a simulator the theory-level
            events.
        n_samples : int, optional
            Number of events (generator, default 1), or draws for each row of X (simulator).
        random_state : None, int, Generator or RandomState
            None draws other events at each call.

        Returns
        -------
        ndarray or DataFrame
            As from `skjetsim.sample`.

        Raises
        ------
        TypeError
            If X is missing for a simulator or given to a generator, or a transformer has no
            inverse.
        """
        if is_generator(self) and isinstance(X, numbers.Integral):
            if n_samples is not None:
                raise TypeError("sample got the number of events twice.")
            X, n_samples = None, X
        return sample(self, X, n_samples=n_samples, random_state=random_state)

    @available_if(_can_score)
    def score_samples(self, X, y=None):
        """Log-density of each event in the units of X; of y given X for a simulator.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), optional
            For a simulator.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return log_prob(self, X, y)

    @available_if(_can_score)
    def score(self, X, y=None, sample_weight=None):
        """Mean of `score_samples`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), optional
            For a simulator; ignored by a generator.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        check_same_events(X, None, sample_weight)
        return weighted_mean(self.score_samples(X, y), sample_weight)


def make_generative_pipeline(*steps, memory=None, transform_input=None, verbose=False):
    """Build a `GenerativePipeline` whose steps are named after their classes.

    Parameters
    ----------
    *steps : estimators
        Transformers, then a generator or simulator.
    memory : str or joblib.Memory, optional
    transform_input : list of str, optional
    verbose : bool, default=False

    Returns
    -------
    GenerativePipeline

    Examples
    --------
    >>> from sklearn.neighbors import KernelDensity
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim.pipeline import make_generative_pipeline
    >>> list(make_generative_pipeline(StandardScaler(), KernelDensity()).named_steps)
    ['standardscaler', 'kerneldensity']
    """
    return GenerativePipeline(
        make_pipeline(*steps).steps, memory=memory, transform_input=transform_input, verbose=verbose
    )
