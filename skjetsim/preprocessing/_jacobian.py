"""log |det| of any transformer: its own method, or a registry for scikit-learn's."""

from functools import singledispatch

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from skjetsim.utils._validation import check_events


@singledispatch
def _registered(transformer):
    """Return (function, condition) of the nearest registered base class, or None."""
    return None


def register_log_det(cls, function, *, condition=None):
    """Register the log-determinant of another package's transformer for `log_det_jacobian`.

    Parameters
    ----------
    cls : type
        Class of the transformer. Its subclasses are covered, too. A later registration replaces
        an earlier one.
    function : callable
        `function(transformer, values) -> ndarray of shape (n_samples,)`: the logarithm of the
        absolute Jacobian determinant of the fitted transformer at the rows of the float64 array
        `values`.
    condition : callable, optional
        `condition(transformer) -> bool`: whether the transformer, fitted or not, has a
        log-determinant. By default it always has.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skjetsim.preprocessing import log_det_jacobian, register_log_det
    >>> class Double(FunctionTransformer):
    ...     def __init__(self):
    ...         super().__init__(lambda X: 2 * X, lambda X: X / 2)
    >>> register_log_det(Double, lambda t, X: np.full(len(X), X.shape[1] * np.log(2)))
    >>> X = np.ones((1, 3))
    >>> log_det_jacobian(Double().fit(X), X).round(4)
    array([2.0794])
    """
    if not isinstance(cls, type):
        raise TypeError(f"cls must be a class, got {cls!r}.")
    _registered.register(cls, lambda transformer: (function, condition))


def has_log_det(transformer):
    """Whether `log_det_jacobian` knows a transformer; it need not be fitted.

    Parameters
    ----------
    transformer : transformer, Pipeline or "passthrough"

    Returns
    -------
    bool

    Examples
    --------
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from skjetsim.preprocessing import has_log_det
    >>> has_log_det(MinMaxScaler()), has_log_det(MinMaxScaler(clip=True))
    (True, False)
    """
    if transformer is None or isinstance(transformer, str):
        return transformer in (None, "passthrough")
    if isinstance(transformer, Pipeline):
        return all(has_log_det(step) for _, step in transformer.steps)
    if hasattr(transformer, "log_det_jacobian"):
        return True
    known = _registered(transformer)
    return known is not None and (known[1] is None or bool(known[1](transformer)))


def log_det_jacobian(transformer, X):
    """Logarithm of the absolute Jacobian determinant of `transformer.transform`, row by row.

    It turns the density of transformed events into that of the events themselves:
    log p(x) = log p(z) + log |det dz/dx|.

    Parameters
    ----------
    transformer : fitted transformer, Pipeline of such, or "passthrough"
        One with a method `log_det_jacobian`, or scikit-learn's StandardScaler, MinMaxScaler (not
        with `clip=True`), MaxAbsScaler, RobustScaler, PowerTransformer, QuantileTransformer, or
        one given to `register_log_det`.
    X : DataFrame or array-like of shape (n_samples, n_features)
        Events before the transformation.

    Returns
    -------
    ndarray of float64, shape (n_samples,)

    Raises
    ------
    TypeError
        If no log-determinant is known, naming the transformer.
    ValueError
        On bad input, and if a value of X is a repeated quantile of a QuantileTransformer, where
        the map jumps and has no derivative.

    Notes
    -----
    A QuantileTransformer maps everything beyond the range it was fitted on to one point. No model
    of the transformed events can produce such a value, so its log-determinant is -inf, and so is
    its log-density. At both ends of the range the one-sided slope is used.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim.preprocessing import log_det_jacobian
    >>> X = np.array([[-2.0], [2.0]])
    >>> log_det_jacobian(StandardScaler().fit(X), X).round(4)
    array([-0.6931, -0.6931])
    """
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return np.zeros(len(check_events(X)[0]))
    if isinstance(transformer, Pipeline):
        return _pipeline(transformer, X)
    if hasattr(transformer, "log_det_jacobian"):
        return transformer.log_det_jacobian(X)
    if not has_log_det(transformer):
        raise TypeError(
            f"No log-determinant is known for {transformer!r}. Give it a method "
            "log_det_jacobian(X), or teach it with skjetsim.preprocessing.register_log_det."
        )
    check_is_fitted(transformer)
    values, _ = check_events(X, estimator=transformer)
    if values.shape[1] != transformer.n_features_in_:
        raise ValueError(
            f"X has {values.shape[1]} features, but {type(transformer).__name__} is expecting "
            f"{transformer.n_features_in_} features as input."
        )
    function, _ = _registered(transformer)
    return function(transformer, values)


def _pipeline(pipeline, X):
    """Sum over the steps, each at the output of the one before."""
    unknown = [step for _, step in pipeline.steps if not has_log_det(step)]
    if unknown:
        raise TypeError(f"No log-determinant is known for the step {unknown[0]!r} of the pipeline.")
    total = np.zeros(len(check_events(X)[0]))
    for i, (_, step) in enumerate(pipeline.steps):
        total += log_det_jacobian(step, X)
        if i + 1 < len(pipeline.steps) and step is not None and not isinstance(step, str):
            X = step.transform(X)
    return total


def _divided(transformer, values):
    """Columns divided by `scale_`; None if the scaler only shifts."""
    scale = getattr(transformer, "scale_", None)
    return np.full(len(values), 0.0 if scale is None else -np.log(np.abs(scale)).sum())


def _power(transformer, values):
    """Return the log-slope of the power function over the deviation it is divided by."""
    lambdas = transformer.lambdas_
    if transformer.method == "yeo-johnson":
        total = ((lambdas - 1) * np.sign(values) * np.log1p(np.abs(values))).sum(axis=1)
    else:
        if (values <= 0).any():
            row, column = np.argwhere(values <= 0)[0]
            raise ValueError(
                f"PowerTransformer: column {column}, first bad row {row}: "
                f"{values[row, column]:.6g} is not positive, as Box-Cox needs."
            )
        total = ((lambdas - 1) * np.log(values)).sum(axis=1)
    if transformer.standardize:
        total -= np.log(_power_scale(transformer, values)).sum()
    return total


def _power_scale(transformer, values):
    """Return the standard deviations a PowerTransformer divides by.

    They are not an attribute. The bare power function and the map differ by them, so they are the
    ratio of both functions' differences between two probes far apart. Probes are the ends of
    `values` and points around the mean, which help if there are few events.
    """
    names = getattr(transformer, "feature_names_in_", None)

    def table(probes):
        return probes if names is None else pd.DataFrame(probes, columns=names)

    around = np.array([[-0.5], [0.0], [0.5]]) * np.ones(values.shape[1])
    with np.errstate(all="ignore"):
        around = transformer.inverse_transform(table(around))
        probes = np.vstack([values.min(axis=0), values.max(axis=0), around])
        bare = clone(transformer).set_params(standardize=False).set_output(transform="default")
        bare.lambdas_, bare.n_features_in_ = transformer.lambdas_, transformer.n_features_in_
        scaled, raw = np.asarray(transformer.transform(table(probes))), bare.transform(probes)
    every = np.arange(values.shape[1])
    low, high = np.nanargmin(scaled, axis=0), np.nanargmax(scaled, axis=0)
    return (raw[high, every] - raw[low, every]) / (scaled[high, every] - scaled[low, every])


def _quantile(transformer, values):
    """Slope of the piecewise linear map to [0, 1], and of the normal quantile function after it."""
    return sum(_quantile_column(transformer, x, column) for column, x in enumerate(values.T))


def _quantile_column(transformer, x, column):
    quantiles, references = transformer.quantiles_[:, column], transformer.references_
    widths = np.diff(quantiles)
    on_knot = np.isin(x, quantiles[1:][widths == 0])
    if on_knot.any():
        row = int(np.argmax(on_knot))
        raise ValueError(
            f"QuantileTransformer: column {column}, first bad row {row}: {x[row]:.6g} is a "
            "repeated quantile, where the map jumps and has no Jacobian. Smear discrete values, "
            "or leave this column out."
        )
    segment = np.clip(np.searchsorted(quantiles, x, side="right") - 1, 0, len(widths) - 1)
    inside = (x >= quantiles[0]) & (x <= quantiles[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.diff(references)[segment] / widths[segment]
        if transformer.output_distribution == "normal":
            share = (x - quantiles[segment]) / widths[segment]
            uniform = references[segment] + share * np.diff(references)[segment]
            # scikit-learn cuts the normal quantile function off at +-5.2.
            slope /= norm.pdf(norm.ppf(np.clip(uniform, 1e-7, 1 - 1e-7)))
        return np.where(inside, np.log(slope), -np.inf)


for _scaler in (StandardScaler, MaxAbsScaler, RobustScaler):
    register_log_det(_scaler, _divided)
register_log_det(  # which multiplies by its scale
    MinMaxScaler, lambda scaler, values: -_divided(scaler, values), condition=lambda s: not s.clip
)
register_log_det(PowerTransformer, _power)
register_log_det(QuantileTransformer, _quantile)
