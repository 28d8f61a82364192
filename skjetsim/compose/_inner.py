"""Questions that meta-estimators ask of the estimator inside."""

from __future__ import annotations

from sklearn import get_config
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

__all__ = ["is_fitted", "weight_name"]


def is_fitted(estimator):
    """Whether an estimator can be used: also one whose fit was interrupted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def weight_name(estimator):
    """Keyword by which `fit` hands weights to the simulator inside a Pipeline."""
    prefix = ""
    while not get_config()["enable_metadata_routing"]:
        if isinstance(estimator, Pipeline):
            name, estimator = estimator.steps[-1]
            prefix += f"{name}__"
        elif hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions"):
            estimator = estimator.estimator
        else:
            break
    return f"{prefix}sample_weight"
