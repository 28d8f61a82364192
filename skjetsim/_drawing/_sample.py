"""`sample`, `sample_inverse` and `log_prob` for anything: estimator, Pipeline or fitted search."""

import copy

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skjetsim._drawing._back import take_back
from skjetsim._drawing._inverts import check_draws_invert
from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.base._finite import check_density, check_drawn
from skjetsim.base._inside import explained
from skjetsim.base._shapes import as_target
from skjetsim.base._tags import unwrapped
from skjetsim.utils._seeds import as_seed_sequence, int_seed, numpy_rng
from skjetsim.utils._tables import take_rows
from skjetsim.utils._validation import check_same_events, refuse_count

SHUFFLED = 1  # branch of the seed of a call
N_TRIED = 64  # drawn events that show whether transformers invert


def sample(estimator, X=None, *, n_samples=None, random_state=None):
    """Draw events from an estimator, a Pipeline or a fitted search.

    Parameters
    ----------
    estimator : fitted generator or simulator
        On its own, last in a `Pipeline` or `GenerativePipeline`, or inside a fitted search.
        scikit-learn's `KernelDensity` and `GaussianMixture` count as generators.
    X : array-like of shape (n, n_features), optional
        Theory-level events that a simulator is given. A generator takes none. An empty table, for
        example after a cut, gives an empty result.
    n_samples : int, optional
        Number of events (generator, default 1), or of draws for each row of X (simulator).
    random_state : None, int, Generator or RandomState
        None gives new events at each call, an int the same ones.

    Returns
    -------
    ndarray or DataFrame
        A generator gives shape (n_samples, n_features). A simulator gives (n, n_targets), or
        (n, n_samples, n_targets) if `n_samples` is given.

    Raises
    ------
    TypeError
        If X is missing for a simulator or given to a generator, or the first argument is neither a
        generator nor a simulator.

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
    check_draws(estimator, X)
    steps, model = split_steps(estimator)
    if is_generator(estimator):
        return _generate(steps, model, 1 if n_samples is None else n_samples, random_state)
    if steps and np.shape(X)[:1] == (0,):
        return _no_events(model, n_samples)
    X = apply_steps(steps, X)
    with _behind(steps):
        return model.sample(X, n_samples=n_samples, random_state=random_state)


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
        Number of draws for each row.
    random_state : None, int, Generator or RandomState

    Returns
    -------
    ndarray or DataFrame
        Shape (n, n_features), or an ndarray of (n, n_samples, n_features) if `n_samples` is given.

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
    if steps and np.shape(y)[:1] != (0,):
        return _unfold(steps, model, y, n_samples, random_state)
    X = model.sample_inverse(y, n_samples=n_samples, random_state=random_state)
    if not steps:
        return X
    # Transformers refuse empty tables.
    return np.empty((*np.shape(X)[:-1], steps[0].n_features_in_))


def log_prob(estimator, X, y=None):
    """Log-density of events, in the units of X (or of y, for a simulator).

    A plain `Pipeline` scores its last step on transformed events. Here the log-determinants of the
    transformers are added, so that densities of different Pipelines can be compared.

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
        If the density, or the Jacobian of a transformer, is not known.
    ValueError
        If the indices of X and y show that their rows are not the same events.

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
        check_same_events(X, y)
        # A conditional density does not change with the coordinates of its condition.
        if is_unfolder(estimator) and steps:
            X, jacobian = _forward_with_jacobian(steps, X)
            with _behind(steps):
                return _product(model, model.score_samples(X, y), jacobian, "X and y")
        X = apply_steps(steps, X)
        with _behind(steps):
            return model.score_samples(X, y)
    X, jacobian = _forward_with_jacobian(steps, X)
    with _behind(steps):
        return _product(model, model.score_samples(X), jacobian, "X")


def _name(estimator):
    return type(estimator).__name__


def without_density(estimator):
    """End of a message: why an estimator has no density, and how else to score it."""
    if is_unfolder(estimator):
        inverse = '.set_params(direction="inverse")'
    elif is_simulator(estimator) or is_generator(estimator):
        inverse = ""
    else:
        return " (no score_samples)."
    return (
        f": {_name(_obstacle(estimator))} has neither density nor Jacobian. Score drawn events "
        f'with skjetsim.metrics.get_scorer("neg_energy_score"){inverse}.'
    )


def _obstacle(estimator):
    """Transformer or model, inside an estimator, that has no density."""
    model = unwrapped(estimator)
    for name in ("simulator", "unfolder"):
        inner = getattr(model, f"{name}_", None) or getattr(model, name, None)
        if inner is not None and not hasattr(inner, "score_samples"):
            return _obstacle(inner)
    steps = getattr(model, "transformers", [])
    if not is_simulator(estimator):
        steps = [*steps, *steps_before(estimator)]
    return next((step for step in steps if not has_jacobian(step)), model)


def steps_before(estimator):
    """Transformers in front of the model, of Pipelines that need not be fitted."""
    inner = getattr(estimator, "best_estimator_", getattr(estimator, "estimator", None))
    if not isinstance(estimator, Pipeline):
        return [] if inner is None else steps_before(inner)
    return _transformers(estimator) + steps_before(estimator.steps[-1][1])


def _transformers(pipeline):
    return [step for _, step in pipeline.steps[:-1] if step not in (None, "passthrough")]


def has_jacobian(step):
    """Whether a transformer, of events or of y given X, has a log-determinant."""
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
    """Transformers and model of a Pipeline. Any other estimator has no transformers.

    If the last step is a Pipeline or a search again, its transformers follow.
    """
    estimator = unwrap_search(estimator)
    if not isinstance(estimator, Pipeline):
        return [], estimator
    inner, model = split_steps(estimator.steps[-1][1])
    return _transformers(estimator) + inner, model


def check_draws(estimator, X, call="sample", tables=""):
    """Raise TypeError unless an estimator draws events, and takes X if and only if it is given.

    Parameters
    ----------
    estimator : estimator
    X : object
    call : str
        Function that the user called.
    tables : str
        What else X may be, for messages.
    """
    name = _name(estimator)
    if is_simulator(estimator):
        if X is None:
            raise TypeError(
                f"{name} is a simulator: pass the theory-level events X that it simulates{tables}."
            )
        refuse_count(estimator, X)
    elif is_unfolder(estimator):
        raise TypeError(
            f"{name} is an unfolder: it draws X for a given y. Call "
            "skjetsim.sample_inverse(unfolder, y)."
        )
    elif not is_generator(estimator):
        raise TypeError(
            f"{name} is neither a generator nor a simulator: its tag estimator_type says "
            f"{estimator.__sklearn_tags__().estimator_type!r}."
        )
    elif X is not None:
        raise TypeError(
            f"{name} is a generator: it draws p(X) and takes no X. Ask for "
            f"{call}(estimator, n_samples=...)."
        )


def _no_events(model, n_samples):
    """Empty result of a simulator behind transformers, which refuse empty tables."""
    check_is_fitted(model)
    shape = (0,) if n_samples is None else (0, n_samples)
    rows = np.empty((*shape, len(model.target_names_in_)))
    return as_target(model, rows) if hasattr(model, "target_shape_") else rows


def _generate(steps, model, n_samples, random_state):
    """Draw events, and take them back through the steps in front of the model."""
    drawn = _sample_generator(model, n_samples, random_state)
    if not steps:
        return drawn

    def again(rows, seed):
        return _sample_generator(model, len(rows), seed)

    def check(events):
        check_drawn(model, events)

    _check_invertible(steps, drawn)
    return take_back(way_back(steps), drawn, check, again, random_state)


def _unfold(steps, model, y, n_samples, random_state):
    """Unfold, and take the events back through the steps in front of the model."""
    drawn = model.sample_inverse(y, n_samples=n_samples, random_state=random_state)
    if n_samples is not None:
        n, k = drawn.shape[:2]
        drawn = drawn.reshape(n * k, -1)

    def again(rows, seed):
        return model.sample_inverse(take_rows(y, rows // (n_samples or 1)), random_state=seed)

    def check(events):
        check_drawn(model, events, y, "y")

    _check_invertible(steps, drawn)
    X = take_back(way_back(steps), drawn, check, again, random_state)
    return X if n_samples is None else np.asarray(X).reshape(n, k, -1)


def way_back(steps):
    """Stages of `take_back` that undo transformers."""

    def undoing(step):
        return lambda events, rows: step.inverse_transform(events)

    return [(step, undoing(step)) for step in reversed(steps)]


def _check_invertible(steps, drawn):
    """Raise unless all transformers have an inverse that is one."""
    for step in reversed(steps):
        if not hasattr(step, "inverse_transform"):
            raise TypeError(
                f"{_name(step)} has no inverse_transform, so events drawn behind it cannot be "
                "taken back to the coordinates in front of it."
            )
    check_draws_invert(steps, drawn[:N_TRIED])


def _sample_generator(model, n_samples, random_state):
    if model.__sklearn_tags__().estimator_type == "generator":
        return model.sample(n_samples, random_state=random_state)
    root = as_seed_sequence(random_state)
    seed = int_seed(root)
    if hasattr(model, "random_state"):
        # Mixtures draw with the parameter random_state. The copy leaves theirs unchanged.
        model = copy.copy(model)
        model.random_state = seed
        # They draw one component after another, and events of a sample are in no order.
        return numpy_rng(root, SHUFFLED).permutation(model.sample(n_samples)[0])
    return model.sample(n_samples, random_state=seed)


def apply_steps(steps, X):
    for step in steps:
        X = step.transform(X)
    return X


def _product(model, log_density, log_det, given):
    """Log-density in the units in front of transformers, or raise if it is not a number."""
    with np.errstate(over="ignore", invalid="ignore"):
        return check_density(model, log_density + log_det, given)


def _behind(steps):
    """Say in errors of the model that its X is that behind the transformers of the Pipeline."""
    return explained(f"in X behind {', '.join(map(_name, steps))}" if steps else None)


def _forward_with_jacobian(steps, X):
    from skjetsim.preprocessing import log_det_jacobian

    total = 0.0
    for step in steps:
        total = total + log_det_jacobian(step, X)
        X = step.transform(X)
    return X, total
