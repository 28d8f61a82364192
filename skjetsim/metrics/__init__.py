"""Metrics of generated against true events, their floors, and scorers made of them.

Every metric is `metric(truth, generated, *, sample_weight=None, generated_weight=None, ...)`, and
smaller is better. `sample_weight` holds the weights of the truth. Tables may be arrays or
DataFrames; column names of DataFrames are compared, and columns that are angles by their names are
compared on the circle. Arrays of three or four dimensions are
flattened to rows. `transport_cost(source, target)` compares two levels of the same events instead.
"""

from skjetsim.metrics._band import histogram_band
from skjetsim.metrics._calibration import crps, energy_score
from skjetsim.metrics._classifier import classifier_two_sample_auc
from skjetsim.metrics._dependence import correlation_difference, residual_wasserstein
from skjetsim.metrics._distances import (
    ks_distance,
    sliced_wasserstein_distance,
    wasserstein_distance,
)
from skjetsim.metrics._floor import MetricFloor
from skjetsim.metrics._generative_scorer import GenerativeScorer, make_generative_scorer
from skjetsim.metrics._histograms import chi2_per_dof, emd_sum
from skjetsim.metrics._measured_floor import metric_floor
from skjetsim.metrics._memorisation import nearest_neighbour_ratio
from skjetsim.metrics._posterior import posterior_coverage, quantile_coverage, sbc_ranks
from skjetsim.metrics._quantiles import equivalent_sample_size, quantile_mse
from skjetsim.metrics._response import response_difference, response_quantiles
from skjetsim.metrics._scorer_names import get_scorer, get_scorer_names
from skjetsim.metrics._scorers import (
    ClassifierAUCScorer,
    EMDSumScorer,
    EnergyScorer,
    LogLikelihoodScorer,
    QuantileMSEScorer,
    ResponseScorer,
    WassersteinScorer,
)
from skjetsim.metrics._transport import transport_cost

__all__ = [
    "ClassifierAUCScorer",
    "EMDSumScorer",
    "EnergyScorer",
    "GenerativeScorer",
    "LogLikelihoodScorer",
    "MetricFloor",
    "QuantileMSEScorer",
    "ResponseScorer",
    "WassersteinScorer",
    "chi2_per_dof",
    "classifier_two_sample_auc",
    "correlation_difference",
    "crps",
    "emd_sum",
    "energy_score",
    "equivalent_sample_size",
    "get_scorer",
    "get_scorer_names",
    "histogram_band",
    "ks_distance",
    "make_generative_scorer",
    "metric_floor",
    "nearest_neighbour_ratio",
    "posterior_coverage",
    "quantile_coverage",
    "quantile_mse",
    "residual_wasserstein",
    "response_difference",
    "response_quantiles",
    "sbc_ranks",
    "sliced_wasserstein_distance",
    "transport_cost",
    "wasserstein_distance",
]
