"""Tags of generators, simulators and unfolders: what kind an estimator is."""

from sklearn.utils import get_tags


def _estimator_type(estimator):
    return get_tags(estimator).estimator_type


def with_pairs(tags, estimator_type=None):
    """Set the tags of an estimator that learns from X and y, and return them."""
    tags.estimator_type = estimator_type
    tags.target_tags.required = True
    tags.target_tags.multi_output = True
    tags.target_tags.single_output = False
    return tags


def is_generator(estimator):
    """Whether an estimator learns p(X) and draws from it.

    Parameters
    ----------
    estimator : estimator
        A Pipeline or a search counts as the estimator inside it.

    Returns
    -------
    bool
        True for generators of this package and for scikit-learn's density estimators.

    Examples
    --------
    >>> from sklearn.neighbors import KernelDensity
    >>> from skjetsim.base import is_generator
    >>> is_generator(KernelDensity())
    True
    """
    if _estimator_type(estimator) in {"generator", "density_estimator"}:
        return True
    from sklearn.neighbors import KernelDensity  # whose tag scikit-learn 1.9 leaves empty

    return isinstance(unwrapped(estimator), KernelDensity)


def unwrapped(estimator):
    """Model behind Pipelines and searches: the fitted one, if there is one.

    Meta-estimators count as models here. `skjetsim.innermost` also looks inside them.
    """
    while True:
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions"):
            estimator = estimator.estimator
        else:
            return estimator


def is_paired(estimator):
    """Whether row i of X and y is the same event: `paired_` of the model, or True without it."""
    return bool(getattr(unwrapped(estimator), "paired_", True))


def is_simulator(estimator):
    """Whether an estimator learns p(y given X) and simulates y for a given X.

    Parameters
    ----------
    estimator : estimator
        A Pipeline or a search counts as the estimator inside it.

    Returns
    -------
    bool

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skjetsim.base import is_simulator
    >>> is_simulator(LinearRegression())
    False
    """
    return _estimator_type(estimator) == "simulator"


def is_unfolder(estimator):
    """Whether an estimator learns p(X given y): theory level from detector level.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool

    Examples
    --------
    >>> from skjetsim.base import is_unfolder
    >>> from skjetsim.flows import FlowSimulator
    >>> is_unfolder(FlowSimulator())
    False
    """
    return _estimator_type(estimator) == "unfolder"
