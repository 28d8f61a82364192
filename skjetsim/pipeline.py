"""A Pipeline that ends in a generator or simulator, can be sampled, and keeps its Jacobians."""

import numbers

from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.metaestimators import available_if

from skjetsim._drawing._sample import log_prob, sample, without_density
from skjetsim.base import is_generator, is_simulator
from skjetsim.utils._weighted import weighted_mean

__all__ = ["GenerativePipeline", "make_generative_pipeline"]


def _can_score(pipeline):
    """Whether the last step has a density and every step before it a Jacobian."""
    from skjetsim.preprocessing import has_log_det

    if not hasattr(pipeline._final_estimator, "score_samples"):
        return False
    if is_simulator(pipeline):
        return True  # the transformers act on the condition, where no Jacobian is due
    return all(has_log_det(step) for _, step in pipeline.steps[:-1])


class GenerativePipeline(Pipeline):
    """Transformers and a generator, as one generator.

    A scikit-learn `Pipeline` that can also be sampled: events are drawn from the last step and
    taken back through the transformers. `score_samples` and `score` add the transformers'
    log|det J|, so that densities are in the units of X and a search over a transformer's
    parameters compares like with like; they are absent if a step has no known Jacobian. With a
    simulator in last place the transformers act on X, the condition.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers with `inverse_transform`, then a generator or simulator.
    transform_input : list of str, optional
        As in `sklearn.pipeline.Pipeline`.
    memory : str or joblib.Memory, optional
        Caches fitted transformers.
    verbose : bool, default=False
        Print the time each step takes to fit.

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
        # Asked where `available_if` has refused, in words that do not say why.
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
            For a generator the number of events, the same as `n_samples`; for a simulator the
            theory-level events.
        n_samples : int, optional
            Number of events (generator, default 1), or draws for each row of X (simulator).
        random_state : None, int, Generator or RandomState
            None is fresh at each call.

        Returns
        -------
        ndarray or DataFrame
            As `skjetsim.sample`.

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
        return weighted_mean(self.score_samples(X, y), sample_weight)


def make_generative_pipeline(*steps, memory=None, transform_input=None, verbose=False):
    """Build a `GenerativePipeline`, naming the steps after their classes.

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
