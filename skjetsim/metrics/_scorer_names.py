"""Names of scorers.

scikit-learn knows the names of its own scorers only, so ours are passed as objects,
`GridSearchCV(model, grid, scoring=get_scorer("neg_wasserstein_distance"))`.
"""

from sklearn.base import clone

from skjetsim.metrics._scorers import (
    ClassifierAUCScorer,
    EMDSumScorer,
    EnergyScorer,
    LogLikelihoodScorer,
    QuantileMSEScorer,
    ResponseScorer,
    WassersteinScorer,
)

_SCORERS = {
    "log_likelihood": LogLikelihoodScorer(),
    "neg_abs_auc_minus_half": ClassifierAUCScorer(),
    "neg_emd_sum": EMDSumScorer(),
    "neg_energy_score": EnergyScorer(),
    "neg_quantile_mse": QuantileMSEScorer(),
    "neg_response_difference": ResponseScorer(),
    "neg_wasserstein_distance": WassersteinScorer(),
}


def get_scorer_names():
    """Names that `get_scorer` knows, and explains.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from skjetsim.metrics import get_scorer_names
    >>> get_scorer_names()[0]
    'log_likelihood'
    """
    return sorted(_SCORERS)


def get_scorer(scoring):
    """Scorer of a name, for `scoring=` of scikit-learn's searches and cross-validation.

    Parameters
    ----------
    scoring : str or callable
        One of the names below. As in scikit-learn, "neg_" says that the metric's sign is changed so
        that higher is better. A callable is returned as it is.

        ========================== ==========================================================
        name                       score
        ========================== ==========================================================
        "log_likelihood"           mean log-likelihood, `LogLikelihoodScorer`
        "neg_abs_auc_minus_half"   -abs(AUC - 0.5) of a classifier, `ClassifierAUCScorer`
        "neg_emd_sum"              minus EMD_sum of histograms, `EMDSumScorer`
        "neg_energy_score"         minus the energy score of draws, `EnergyScorer`
        "neg_quantile_mse"         minus the quantile error MSE*, `QuantileMSEScorer`
        "neg_response_difference"  minus the error of bias and widths, `ResponseScorer`
        "neg_wasserstein_distance" minus the mean Wasserstein distance, `WassersteinScorer`
        ========================== ==========================================================

    Returns
    -------
    scorer
        A new object at each call; `set_params` changes its seed, sample size or direction.

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    >>> from skjetsim.metrics import get_scorer
    >>> get_scorer("neg_wasserstein_distance").set_params(n_samples=10_000)
    WassersteinScorer(n_samples=10000)
    """
    if callable(scoring):
        return scoring
    if scoring not in _SCORERS:
        lines = (f"  {name!r}: {_summary(_SCORERS[name])}" for name in get_scorer_names())
        raise ValueError(f"{scoring!r} is not a scorer. There are\n" + "\n".join(lines))
    return clone(_SCORERS[scoring])


def _summary(scorer):
    """First line of the description of a scorer."""
    return type(scorer).__doc__.split("\n", 1)[0]
