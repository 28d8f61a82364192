"""Scorers of any metric, made as by scikit-learn's `make_scorer`."""

import inspect
from collections.abc import Callable
from dataclasses import field

import numpy as np
import pandas as pd

from skjetsim.metrics._scoring_task import BaseGenerativeScorer, compared_columns, mean_over_bins
from skjetsim.utils._docs import documented_as
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class GenerativeScorer(BaseGenerativeScorer):
    """Score an estimator by any `metric(truth, generated)`, see `make_generative_scorer`.

    Parameters
    ----------
    metric : callable
        `metric(truth, generated, *, sample_weight=None, generated_weight=None, ...)`. If it
        returns one value per feature, they are averaged.
    greater_is_better : bool
        False changes the sign, so that higher scores are better.
    metric_params : dict or None
        Keyword arguments of the metric.
    bins : int
        Number of quantile bins of each column of X in which the y of a simulator is compared.
    residuals : bool
        Whether y - X is compared, too, as `<name>_residual`, for columns that y and X share. They
        are matched by name, or by position if there are no names and the widths agree.

    Notes
    -----
    A simulator is never judged by its marginal distributions, which can be perfect even if it
    ignores X. Instead y is compared in quantile bins of each column of X, and the metric is
    averaged over bins and columns. Only estimators that learn from unpaired samples, and say so by
    `paired_ = False`, are scored by marginal distributions.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import GenerativeScorer, ks_distance
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> scorer = GenerativeScorer(ks_distance)
    >>> -0.2 < scorer(GaussianMixture().fit(X), X) < 0.0
    True
    """

    metric: Callable = field(kw_only=False)
    greater_is_better: bool = False
    metric_params: dict | None = None
    bins: int = 4
    residuals: bool = True

    def _score(self, task):
        params = dict(self.metric_params or {})
        if "random_state" in inspect.signature(self.metric).parameters:
            params.setdefault("random_state", int(task.rng.integers(2**31)))
        sign = 1.0 if self.greater_is_better else -1.0

        def measure(truth, generated, **weights):
            if names is not None:
                truth, generated = (pd.DataFrame(t, columns=names) for t in (truth, generated))
            return np.mean(self.metric(truth, generated, **weights, **params))

        columns = compared_columns(task, residuals=self.residuals)
        names = columns.names
        return sign * mean_over_bins(measure, columns.truth, columns.generated, task, self.bins)


@documented_as(GenerativeScorer)
def make_generative_scorer(
    metric,
    *,
    greater_is_better=False,
    bins=4,
    residuals=True,
    n_samples=None,
    random_state=0,
    direction="forward",
    **metric_params,
):
    """Make a scorer of any `metric(truth, generated)`, as scikit-learn's `make_scorer` does.

    Parameters
    ----------
    metric : callable
        `metric(truth, generated, *, sample_weight=None, generated_weight=None, ...)`. If it
        returns one value per feature, they are averaged. It is given weights only if there are
        any, and the seed of the scorer if it has a parameter `random_state`.
    %(greater_is_better)s
    %(bins)s
    %(residuals)s
    %(n_samples)s
    %(random_state)s
    %(direction)s
    **metric_params
        Further keyword arguments of the metric.

    Returns
    -------
    GenerativeScorer

    Examples
    --------
    >>> from skjetsim.metrics import chi2_per_dof, make_generative_scorer
    >>> make_generative_scorer(chi2_per_dof, bins=2, n_samples=1000).n_samples
    1000
    """
    return GenerativeScorer(
        metric,
        greater_is_better=greater_is_better,
        metric_params=metric_params or None,
        bins=bins,
        residuals=residuals,
        n_samples=n_samples,
        random_state=random_state,
        direction=direction,
    )
