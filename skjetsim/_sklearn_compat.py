"""The one place that touches scikit-learn's private API.

Everything here has a public behaviour behind it (`set_output`, `sample_weight` validation); only
the helpers that implement it are private, so a change in scikit-learn is mended in this file.
"""

from sklearn.utils._set_output import _get_output_config, _wrap_data_with_container
from sklearn.utils.metaestimators import _BaseComposition

# Estimators whose parameters are those of named estimators too, `name__parameter`.
BaseComposition = _BaseComposition


def output_container(estimator):
    """Name of the container `set_output` asks of `estimator`: "default", "pandas" or "polars"."""
    return _get_output_config("transform", estimator)["dense"]


def set_output_container(estimator, container):
    """Do `set_output` for an estimator without `transform`, to which scikit-learn gives none."""
    if container is not None:
        estimator._sklearn_output_config = {"transform": container}
    return estimator


def wrap_like_transform(estimator, data, columns, original=None):
    """Put a 2-D array into the container that `set_output` asks for.

    scikit-learn wraps `transform` alone, always with `get_feature_names_out`; `sample`,
    `predict` and `inverse_transform` give columns of another side and are wrapped here.
    """
    if output_container(estimator) == "default":
        return data
    named = _Named(estimator, columns)
    return _wrap_data_with_container("transform", data, original, named)


class _Named:
    """Stands in for an estimator whose output columns are `columns`."""

    _sklearn_auto_wrap_output_keys = frozenset({"transform"})

    def __init__(self, estimator, columns):
        self._columns = list(columns)
        config = getattr(estimator, "_sklearn_output_config", None)
        if config is not None:
            self._sklearn_output_config = config

    def get_feature_names_out(self):
        return self._columns
