"""`sample`, `sample_inverse` and `log_prob` for anything: estimator, Pipeline or fitted search."""

import copy

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.base._shapes import as_target
from skjetsim.base._tags import innermost
from skjetsim.utils._seeds import as_seed_sequence, int_seed
from skjetsim.utils._validation import refuse_count


def sample(estimator, X=None, *, n_samples=None, random_state=None):
    """Draw events from an estimator, a Pipeline or a fitted search.

    Parameters
    ----------
    estimator : fitted generator or simulator
        On its own, last in a `Pipeline` or `GenerativePipeline`, or inside a fitted search.
        scikit-learn's `KernelDensity` and `GaussianMixture` count as generators.
    X : array-like of shape (n, n_features), optional
        Theory-level events a simulator is asked about; a generator takes none. No events at all,
        of a file that a cut has emptied, give none.
    n_samples : int, optional
        Number of events (generator, default 1), or of draws for each row of X (simulator).
    random_state : None, int, Generator or RandomState
        None is fresh at each call, an int repeats the same events.

    Returns
    -------
    ndarray or DataFrame
        (n_samples, n_features) from a generator; (n, n_targets) from a simulator, or
        (n, n_samples, n_targets) if `n_samples` is given.

    Raises
    ------
    TypeError
        If X is missing for a simulator or given to a generator, or the first argument is
        neither.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim import sample
    >>> model = GaussianMixture(random_state=0).fit(np.array([[0.0], [1.0], [2.0]]))
    >>> sample(model, n_samples=5, random_state=0).shape
    (5, 1)
    """
    estimator = unwrap_search(estimator)
    if is_simulator(estimator):
        _check_condition(estimator, X)
        steps, model = split_steps(estimator)
        if steps and np.shape(X)[:1] == (0,):
            return _no_events(model, n_samples)
        X = apply_steps(steps, X)
        return model.sample(X, n_samples=n_samples, random_state=random_state)
    if is_generator(estimator):
        if X is not None:
            raise TypeError(
                f"{_name(estimator)} is a generator: it draws p(X) and takes no X. Ask for "
                "sample(estimator, n_samples=...)."
            )
        n_samples = 1 if n_samples is None else n_samples
        steps, model = split_steps(estimator)
        events = _sample_generator(model, n_samples, random_state)
        return _backward(steps, events)
    if is_unfolder(estimator):
        raise TypeError(
            f"{_name(estimator)} is an unfolder: it draws X for a given y. Call "
            "skjetsim.sample_inverse(unfolder, y)."
        )
    raise TypeError(
        f"{_name(estimator)} is neither a generator nor a simulator: its tag estimator_type says "
        f"{estimator.__sklearn_tags__().estimator_type!r}."
    )


def sample_inverse(estimator, y, *, n_samples=None, random_state=None):
    """Unfold: draw theory-level events for detector-level ones.

    Parameters
    ----------
    estimator : fitted unfolder, or simulator with `sample_inverse`
        On its own, last in a Pipeline, or inside a fitted search. Through a Pipeline the drawn
        events are taken back through its transformers.
    y : array-like of shape (n, n_targets)
        An empty y gives an empty result.
    n_samples : int, optional
        Draws for each row.
    random_state : None, int, Generator or RandomState

    Returns
    -------
    ndarray or DataFrame
        (n, n_features), or an ndarray (n, n_samples, n_features) if `n_samples` is given.

    Raises
    ------
    TypeError
        If the estimator cannot unfold.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim import sample_inverse
    >>> from skjetsim.compose import Unfolder
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(20, 100, size=(200, 1))                             # GeV
    >>> y = rng.normal(X, 5.0)
    >>> unfolder = Unfolder(FlowSimulator(max_epochs=1, random_state=0))
    >>> model = make_pipeline(StandardScaler(), unfolder).fit(X, y)
    >>> sample_inverse(model, y[:3], n_samples=2, random_state=0).shape
    (3, 2, 1)
    """
    estimator = unwrap_search(estimator)
    if not (is_simulator(estimator) or is_unfolder(estimator)):
        raise TypeError(f"{_name(estimator)} is neither a simulator nor an unfolder.")
    steps, model = split_steps(estimator)
    if not hasattr(model, "sample_inverse"):
        raise TypeError(
            f"{_name(model)} cannot unfold: it has no sample_inverse. Unfolder(simulator) of "
            "skjetsim.compose learns the way back from the same pairs."
        )
    X = model.sample_inverse(y, n_samples=n_samples, random_state=random_state)
    if steps and not len(X):  # transformers refuse to transform nothing
        return np.empty((*np.shape(X)[:-1], steps[0].n_features_in_))
    return _backward_draws(steps, X) if n_samples is not None else _backward(steps, X)


def log_prob(estimator, X, y=None):
    """Log-density of events, in the units they are given in.

    A plain `Pipeline` scores its last step on transformed events; here the transformers'
    log-determinants are added, so that densities of different Pipelines compare.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search with `score_samples`
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples, n_targets), optional
        Required by simulators.

    Returns
    -------
    ndarray of shape (n_samples,)
        log p(X) of a generator, log p(y given X) of a simulator.

    Raises
    ------
    TypeError
        If the density or a transformer's Jacobian is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim import log_prob
    >>> X = np.array([[0.0], [100.0], [200.0]])
    >>> model = GaussianMixture().fit(X)
    >>> scaled = make_pipeline(StandardScaler(), GaussianMixture()).fit(X)
    >>> bool(np.allclose(log_prob(model, X), log_prob(scaled, X), atol=1e-3))
    True
    """
    estimator = unwrap_search(estimator)
    steps, model = split_steps(estimator)
    if not hasattr(model, "score_samples"):
        raise TypeError(f"{_name(model)} has no tractable density{without_density(estimator)}")
    if is_simulator(estimator) or is_unfolder(estimator):
        if y is None:
            raise TypeError(f"{_name(model)} gives log p(y given X): pass y too.")
        # A conditional density does not change with the coordinates of its condition.
        if is_unfolder(estimator) and steps:
            X, jacobian = _forward_with_jacobian(steps, X)
            return model.score_samples(X, y) + jacobian
        return model.score_samples(apply_steps(steps, X), y)
    X, jacobian = _forward_with_jacobian(steps, X)
    return model.score_samples(X) + jacobian


def _name(estimator):
    return type(estimator).__name__


def without_density(estimator):
    """Why an estimator has no density, and how else to score it, to end a message with."""
    if is_unfolder(estimator):
        inverse = '.set_params(direction="inverse")'
    elif is_simulator(estimator) or is_generator(estimator):
        inverse = ""
    else:
        return " (no score_samples)."
    return (
        f": {_name(_obstacle(estimator))} has neither density nor Jacobian. Score the events that "
        f'are drawn, with skjetsim.metrics.get_scorer("neg_energy_score"){inverse}.'
    )


def _obstacle(estimator):
    """Transformer or model inside which has no density of its own."""
    model = innermost(estimator)
    for name in ("simulator", "unfolder"):
        inner = getattr(model, f"{name}_", None) or getattr(model, name, None)
        if inner is not None and not hasattr(inner, "score_samples"):
            return _obstacle(inner)
    steps = getattr(model, "transformers", [])
    if not is_simulator(estimator):
        steps = [*steps, *steps_before(estimator)]
    return next((step for step in steps if not has_jacobian(step)), model)


def steps_before(estimator):
    """Transformers of Pipelines, fitted or not, in front of the model."""
    inner = getattr(estimator, "best_estimator_", getattr(estimator, "estimator", None))
    if not isinstance(estimator, Pipeline):
        return [] if inner is None else steps_before(inner)
    steps = [step for _, step in estimator.steps[:-1] if step not in (None, "passthrough")]
    return steps + steps_before(estimator.steps[-1][1])


def has_jacobian(step):
    """Whether a transformer, of y given X too, has a log-determinant."""
    from skjetsim.preprocessing import has_log_det

    conditional = hasattr(step, "transform_target")
    return hasattr(step, "log_det_target") if conditional else has_log_det(step)


def unwrap_search(estimator):
    """Return the best estimator of a search, else the estimator itself."""
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        what = repr(estimator) if isinstance(estimator, type) else f"a {_name(estimator)}"
        raise TypeError(
            f"The first argument must be a fitted estimator, got {what}. The order is "
            "sample(estimator, X), sample_inverse(estimator, y), log_prob(estimator, X)."
        )
    if hasattr(estimator, "best_estimator_"):
        return unwrap_search(estimator.best_estimator_)
    if hasattr(estimator, "param_distributions") or hasattr(estimator, "param_grid"):
        check_is_fitted(estimator)
        raise TypeError(
            f"{_name(estimator)} has no best_estimator_: fit it with refit=True to draw from it."
        )
    return estimator


def split_steps(estimator):
    """Transformers and model of a Pipeline; no transformers for any other estimator.

    The last step may be a Pipeline or a search again: its transformers follow.
    """
    estimator = unwrap_search(estimator)
    if not isinstance(estimator, Pipeline):
        return [], estimator
    steps = [step for _, step in estimator.steps[:-1] if step not in (None, "passthrough")]
    inner, model = split_steps(estimator.steps[-1][1])
    return steps + inner, model


def _check_condition(estimator, X):
    if X is None:
        raise TypeError(
            f"{_name(estimator)} is a simulator: pass the theory-level events X that it simulates."
        )
    refuse_count(estimator, X)


def _no_events(model, n_samples):
    """Empty result of a simulator behind transformers, which refuse to transform nothing."""
    check_is_fitted(model)
    shape = (0,) if n_samples is None else (0, n_samples)
    rows = np.empty((*shape, len(model.target_names_in_)))
    return as_target(model, rows) if hasattr(model, "target_shape_") else rows


def _sample_generator(model, n_samples, random_state):
    if is_generator(model) and model.__sklearn_tags__().estimator_type == "generator":
        return model.sample(n_samples, random_state=random_state)
    seed = int_seed(as_seed_sequence(random_state))
    if hasattr(model, "random_state"):
        # Mixtures draw with their constructor's state; a shallow copy leaves theirs alone.
        model = copy.copy(model)
        model.random_state = seed
        return model.sample(n_samples)[0]
    return model.sample(n_samples, random_state=seed)


def apply_steps(steps, X):
    for step in steps:
        X = step.transform(X)
    return X


def _backward(steps, events):
    for step in reversed(steps):
        if not hasattr(step, "inverse_transform"):
            raise TypeError(
                f"{_name(step)} has no inverse_transform, so events drawn behind it cannot be "
                "brought back to its input's coordinates."
            )
        events = step.inverse_transform(events)
    return events


def _backward_draws(steps, draws):
    """Take (n, k, d) draws back through 2-D transformers."""
    if not steps:
        return draws
    n, k = draws.shape[:2]
    flat = np.asarray(_backward(steps, draws.reshape(n * k, -1)))
    return flat.reshape(n, k, -1)


def _forward_with_jacobian(steps, X):
    from skjetsim.preprocessing import log_det_jacobian

    total = 0.0
    for step in steps:
        total = total + log_det_jacobian(step, X)
        X = step.transform(X)
    return X, total
