"""Scorers: metrics of generated against true events, as scikit-learn's model selection calls them.

Each is an estimator, with `clone`, `get_params`, pickling and `set_score_request`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skjetsim._drawing._sample import log_prob
from skjetsim.base import is_generator
from skjetsim.metrics._calibration import energy_score
from skjetsim.metrics._classifier import classifier_two_sample_auc
from skjetsim.metrics._histograms import default_range, histogram_distances, per_column
from skjetsim.metrics._one_dimension import distances_1d
from skjetsim.metrics._quantiles import quantile_cell_shares
from skjetsim.metrics._response import differences
from skjetsim.metrics._scoring_task import (
    BaseGenerativeScorer,
    BaseScorer,
    compared_columns,
    condition_columns,
    marginal_energy_score,
    mean_over_bins,
)
from skjetsim.utils._circle import circular_std, on_circle
from skjetsim.utils._comparison import Pair, check_pair, check_weight
from skjetsim.utils._tables import with_rows
from skjetsim.utils._validation import check_int, check_same_events
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class WassersteinScorer(BaseGenerativeScorer):
    """Minus the mean Wasserstein-1 distance of the features, in the truth's standard deviations.

    A simulator is compared in y and, for columns that X has too, in the residual y - X, in quantile
    bins of each column of X.

    Parameters
    ----------
    bins : int
        Number of quantile bins of each column of X, for simulators.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import WassersteinScorer
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> -0.2 < WassersteinScorer().score(GaussianMixture().fit(X), X) < 0.0
    True
    """

    _made = 'get_scorer("neg_wasserstein_distance")'
    bins: int = 4

    def _score(self, task):
        columns = compared_columns(task)
        unit = circular_std(columns.truth, columns.circular, task.weight)
        # Angles are compared in radians, and their distances divided afterwards.
        before, after = np.where(columns.circular, 1, unit), np.where(columns.circular, unit, 1)

        def measure(truth, generated, sample_weight=None, generated_weight=None):
            pair = Pair(truth, generated, sample_weight, generated_weight, None)
            return np.mean(distances_1d(pair, columns.circular) / after)

        truth, generated = columns.truth / before, columns.generated / before
        return -mean_over_bins(measure, truth, generated, task, self.bins)


@with_parameters
class EMDSumScorer(BaseGenerativeScorer):
    """Minus EMD_sum, the sum over features of the histograms' earth mover's distances.

    A simulator is compared in y and, for columns that X has too, in the residual y - X, and the
    distance is averaged over quantile bins of each column of X.

    Parameters
    ----------
    histogram_bins : int
    ranges : sequence of (low, high), or mapping from column name to (low, high), or None
        Axis ranges of the target's columns; by default the truth's central 99.8%.
    positions : bool
        False repeats the published code, see `emd_sum`.
    bins : int
        Number of quantile bins of each column of X, for simulators.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import EMDSumScorer
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> -0.1 < EMDSumScorer().score(GaussianMixture().fit(X), X) < 0.0
    True
    """

    _made = 'get_scorer("neg_emd_sum")'
    histogram_bins: int = 100
    ranges: Sequence | Mapping | None = None
    positions: bool = True
    bins: int = 4

    def _score(self, task):
        columns = compared_columns(task)
        bins = check_int(self.histogram_bins, "histogram_bins")
        circular = columns.circular & self.positions
        # All bins of X share an axis, so that their distances have one unit.
        given = per_column(self.ranges, columns.names, len(circular), "ranges", fewer=True)
        ranges = [
            default_range(column, task.weight, angle) if limits is None else limits
            for column, limits, angle in zip(columns.truth.T, given, circular, strict=True)
        ]

        def measure(truth, generated, sample_weight=None, generated_weight=None):
            pair = Pair(truth, generated, sample_weight, generated_weight, columns.names)
            return histogram_distances(pair, circular, ranges, bins, self.positions).sum()

        return -mean_over_bins(measure, columns.truth, columns.generated, task, self.bins)


@with_parameters
class QuantileMSEScorer(BaseGenerativeScorer):
    """Minus the quantile mean squared error MSE*, averaged over pairs of columns.

    A generator is compared on the two-dimensional equal-probability grid of every pair of
    features. For a simulator the pairs are every column of X with every column of y, and of the
    residual y - X if X has the column too; the grid is the quantiles of y in quantile bins of X.

    Parameters
    ----------
    n_quantiles : int
        Number of quantiles of a compared column.
    bins : int
        Number of quantile bins of the other column of the pair.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import QuantileMSEScorer
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> -0.1 < QuantileMSEScorer().score(GaussianMixture().fit(X), X) < 0.0
    True
    """

    _made = 'get_scorer("neg_quantile_mse")'
    n_quantiles: int = 10
    bins: int = 4

    def _score(self, task):
        columns = compared_columns(task)
        truth, generated = columns.truth, columns.generated
        bins = check_int(self.bins, "bins")
        quantiles = check_int(self.n_quantiles, "n_quantiles", minimum=2)
        if bins * quantiles > len(truth):
            raise ValueError(
                f"{bins} bins of {quantiles} quantiles are more cells than the {len(truth)} events "
                "to score on: use fewer."
            )
        if task.condition is not None:
            pairs = [
                (np.column_stack([c, t]), np.column_stack([c, g]))
                for c in condition_columns(task)
                for t, g in zip(truth.T, generated.T, strict=True)
            ]
            grid = [bins, quantiles]
        elif truth.shape[1] == 1:
            pairs, grid = [(truth, generated)], [quantiles]
        else:
            columns = zip(*np.triu_indices(truth.shape[1], k=1), strict=True)
            pairs = [(truth[:, [i, j]], generated[:, [i, j]]) for i, j in columns]
            grid = [bins, quantiles]
        errors = []
        for one, two in pairs:
            expected, share = quantile_cell_shares(
                one, two, grid, task.weight, task.generated_weight
            )
            errors.append(np.sum((share - expected) ** 2))
        return -np.mean(errors)


@with_parameters
class EnergyScorer(BaseGenerativeScorer):
    """Minus the energy score, in the truth's standard deviations.

    For a simulator the score of y given X, from several draws for each event (`energy_score`); for
    a generator that of its events as an ensemble for every true one, the energy distance but for a
    constant.

    Parameters
    ----------
    n_draws : int
        Draws for each event of a simulator, at least 2.
    n_samples : int or None
        Rows of X simulated, by default all; events drawn from a generator, by default as many as X
        has, at most 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import EnergyScorer
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> round(EnergyScorer().score(GaussianMixture().fit(X), X), 1)
    -0.9
    """

    _made = 'get_scorer("neg_energy_score")'
    n_draws: int = 16

    def _score(self, task):
        if task.condition is None:
            pair = check_pair(task.target, task.draw_ensemble(), sample_weight=task.weight)
            unit = circular_std(pair.truth, pair.circular, pair.weight)
            sides = (on_circle(y, pair.circular, unit) for y in (pair.truth, pair.generated))
            return -marginal_energy_score(*sides, pair.weight)
        draws = task.draw(check_int(self.n_draws, "n_draws", minimum=2))
        return -energy_score(task.target, draws, sample_weight=task.weight, scale="std")


@with_parameters
class ClassifierAUCScorer(BaseGenerativeScorer):
    """Minus |AUC - 0.5| of a classifier that tells generated from true events.

    For a simulator the joint (X, y) is compared, and both versions of an event are on the same side
    of the split.

    Parameters
    ----------
    classifier : {"both", "trees", "network"} or classifier
    features : callable, transformer or None
        Derives further columns, see `classifier_two_sample_auc`.
    test_size : float

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import ClassifierAUCScorer
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> scorer = ClassifierAUCScorer(classifier=LogisticRegression())
    >>> -0.2 < scorer.score(GaussianMixture().fit(X), X) <= 0.0
    True
    """

    _made = 'get_scorer("neg_abs_auc_minus_half")'
    classifier: Any = "both"
    features: Any = None
    test_size: float = 0.4

    def _score(self, task):
        auc = classifier_two_sample_auc(
            task.target,
            task.draw(),
            sample_weight=task.weight,
            generated_weight=task.generated_weight,
            X=task.condition,
            features=self.features,
            classifier=self.classifier,
            test_size=self.test_size,
            random_state=task.rng,
        )
        return -abs(auc - 0.5)


@with_parameters
class ResponseScorer(BaseGenerativeScorer):
    """Minus the difference of bias and widths of the response, in half-widths of the truth's.

    Columns that y and X share are compared in the residual y - X, and other columns of y as they
    are, in quantile bins of each column of X. For a generator the columns themselves are compared.
    A single event that is far off does not decide the score, see `response_difference`.

    Parameters
    ----------
    bins : int
        Number of quantile bins of each column of X, for simulators.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import ResponseScorer
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> -0.2 < ResponseScorer().score(GaussianMixture().fit(X), X) < 0.0
    True
    """

    _made = 'get_scorer("neg_response_difference")'
    bins: int = 4

    def _score(self, task):
        columns = compared_columns(task)
        chosen = columns.responses

        def measure(truth, generated, sample_weight=None, generated_weight=None):
            values = differences(
                truth, generated, sample_weight, generated_weight, columns.circular[chosen]
            )
            return np.mean(values)

        truth, generated = columns.truth[:, chosen], columns.generated[:, chosen]
        return -mean_over_bins(measure, truth, generated, task, self.bins)


class LogLikelihoodScorer(BaseScorer):
    """Mean log-likelihood: log p(X) of a generator, log p(y given X) of a simulator.

    It is `skjetsim.log_prob`, in the units of the data handed in: unlike `Pipeline.score` it adds
    the transformers' Jacobians, so that a search cannot win by changing a scaler.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.metrics import LogLikelihoodScorer
    >>> X = np.random.default_rng(0).normal(size=(500, 1))
    >>> round(LogLikelihoodScorer().score(GaussianMixture().fit(X), X), 1)
    -1.4
    """

    def score(self, estimator, X, y=None, sample_weight=None):
        """Mean log-density of the events.

        Parameters
        ----------
        estimator : fitted generator, simulator or unfolder with a density
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), optional
            Required by simulators.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float

        Raises
        ------
        TypeError
            If the density, or a transformer's Jacobian, is not known.
        """
        X, y = with_rows(X), with_rows(y, "y")
        check_same_events(X, None, sample_weight)
        weight = check_weight(sample_weight, len(X), "sample_weight")
        density = log_prob(estimator, X, None if is_generator(estimator) else y)
        return float(np.average(density, weights=weight))
