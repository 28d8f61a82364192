"""GenerativePipeline: transformers and a generator or simulator, with samples and densities."""

import numbers
import warnings

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from skjetsim._drawing._back import take_back
from skjetsim._drawing._inverts import check_inverts, some_rows
from skjetsim._drawing._sample import (
    has_jacobian,
    log_prob,
    sample,
    sample_inverse,
    split_steps,
    steps_before,
    way_back,
    without_density,
)
from skjetsim.base import is_generator, is_simulator
from skjetsim.base._finite import check_drawn
from skjetsim.base._inside import check_takes_weight, weight_name
from skjetsim.utils._validation import check_same_events
from skjetsim.utils._weighted import weighted_mean

__all__ = ["GenerativePipeline", "make_generative_pipeline"]


def _can_score(pipeline):
    """Whether the last step has a density, and all steps before it a Jacobian."""
    if not hasattr(pipeline._final_estimator, "score_samples"):
        return False
    # Transformers in front of a simulator act on the condition, which needs no Jacobian.
    return is_simulator(pipeline) or all(map(has_jacobian, steps_before(pipeline)))


def _can_invert(pipeline):
    """Whether the last step, and all steps before it, can be undone."""
    steps = [*steps_before(pipeline), pipeline._final_estimator]
    return all(hasattr(step, "inverse_transform") for step in steps)


class GenerativePipeline(Pipeline):
    """Transformers and a generator, as one generator.

    It is a scikit-learn `Pipeline` that also draws events: the last step draws them, and the
    transformers take them back. `score_samples` and `score` add log|det J| of the transformers.
    Densities are then in the units of X, and a search over parameters of a transformer can compare
    them. Both methods are absent if the Jacobian of a step is not known. If the last step is a
    simulator, the transformers act on its condition X.

    `fit` checks with some events that the transformers of a generator take events back. Events that
    are drawn where a transformer has no inverse are drawn again; `score` does not know of it.

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

    def fit(self, X, y=None, **params):
        """Fit the transformers, then the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), optional
            For a simulator.
        **params
            ``sample_weight`` is for the model, and for each transformer whose `fit` takes weights.
            Other parameters have the name of their step in front: ``step__parameter``. Under
            metadata routing, steps get what they have requested, as in `sklearn.pipeline.Pipeline`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a transformer does not take events back, so that drawn ones would mean nothing; or
            if there are weights, and the model does not take them.
        """
        if not is_simulator(self):
            self._check_inverses(X, y)
        weight = params.pop("sample_weight", None)
        if weight is not None:
            params |= self._weights_of_steps(weight)
        return super().fit(X, y, **params)

    def _check_inverses(self, X, y):
        """Raise unless the transformers, fitted on some events, take these events back."""
        if len(self.steps) < 2 or not getattr(X, "shape", (0,))[:1] > (1,):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit gives the same ones
            try:
                steps = self._fitted_on(some_rows(X), y if y is None else some_rows(y))
            except Exception:  # the fit says what is wrong
                return
        for step, events in steps:
            if hasattr(step, "inverse_transform"):
                check_inverts(step, events, lambda X, step=step: _there_and_back(step, X))

    def _fitted_on(self, X, y):
        """Clones of the transformers, fitted on some events, and the events that each was given."""
        steps = []
        for _, step in self.steps[:-1]:
            if step in (None, "passthrough"):
                continue
            if is_generator(step):  # whose fit takes long
                break
            fitted = clone(step)
            steps.append((fitted, X))
            X = fitted.fit(X, y).transform(X)
        return steps

    def _weights_of_steps(self, weight):
        """Parameters that hand weights to the steps of the Pipeline."""
        if get_config()["enable_metadata_routing"]:
            return {"sample_weight": weight}
        check_takes_weight(self)
        taking = [
            f"{name}__sample_weight"
            for name, step in self.steps[:-1]
            if step not in (None, "passthrough") and has_fit_parameter(step, "sample_weight")
        ]
        return dict.fromkeys([*taking, weight_name(self)], weight)

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

    @available_if(_can_invert)
    def inverse_transform(self, X):
        """Events of latent points, or one theory-level event for each detector-level event.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            Latent points of a generator; detector-level events for a model that unfolds. Without
            rows, the result has none.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_features)
            In the coordinates of X in `fit`.

        Raises
        ------
        ValueError
            If an event is not finite. The message names the row.
        """
        steps, model = split_steps(self)
        if hasattr(model, "sample_inverse"):
            return sample_inverse(self, X, random_state=model.random_state)

        def check(events):
            check_drawn(model, events, X, "Z", "events")

        events = model.inverse_transform(X)
        if not len(events):  # transformers refuse empty tables
            return np.empty((0, self.n_features_in_))
        return take_back(way_back(steps), events, check)

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


def _there_and_back(step, X):
    return step.inverse_transform(step.transform(X))


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
