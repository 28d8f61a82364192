"""QuantileSimulator: the fast simulation of arXiv:2010.01835, and quantiles joined by a copula."""

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from skjetsim._encoders._column_checks import check_columns
from skjetsim._encoders._condition import ConditionEncoder
from skjetsim._encoders._outliers import Outliers, enough_without
from skjetsim._encoders._smooth_features import SmoothFeatures
from skjetsim._encoders._table import TableEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim.base._checks import check_pairs
from skjetsim.base._simulator import BaseSimulator
from skjetsim.preprocessing import KinematicFeatures
from skjetsim.utils._angles import is_angle
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import check_int
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class QuantileSimulator(NetworkEstimator, BaseSimulator):
    """Simulate y given X from quantiles that a network predicts.

    The default is the published fast simulation [1]_. For each column of y, a network gives the
    conditional median mu (mean absolute error) and the 84.1% quantile q (pinball loss). A draw is
    mu + abs(q - mu) times a normal number. Given the event, columns are then independent and
    symmetric, which those of a detector are not. With `n_quantiles`, the network gives that many
    quantiles, which never cross, and the correlations of a Gaussian copula. Both are functions of
    the event. A draw inverts the quantile functions at correlated normal numbers, so that it has
    tails, skewness and correlations.

    Parameters
    ----------
    n_quantiles : int or None
        None is the published model. An int of 3 or more is the number of quantiles of each column,
        equally spaced on the axis of a normal: 17 reach from 0.7% to 99.3%. Beyond them, a column
        reaches as far as the events of the fit.
    derived_features : list of str, "wjet" or None
        What the network computes from X in addition to its columns, as in `KinematicFeatures`.
        "wjet" is the published list. The columns of X must have names.
    hidden_features : sequence of int
        Widths of the hidden layers, each with batch normalisation and a LeakyReLU of slope 0.05.
        The published widths are not known.
    schedule : {"cosine", "constant", "inverse_epoch"}
        The learning rate falls to zero over `max_epochs`, is constant, or is divided by the number
        of the epoch, as published.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
        Numbers of columns of X and y.
    feature_names_in_, target_names_in_ : ndarray of str
        Names of the columns. `feature_names_in_` exists only if X has names.
    input_shape_, target_shape_ : tuple of int
        Shapes of one row of X and of y in the fit.
    net_ : skorch net
        The trained network.
    history_ : list of dict
        Losses of each epoch.
    n_epochs_ : int
        Number of epochs.
    best_epoch_ : int
        Epoch whose weights were kept.
    stop_reason_ : str or None
        How the training ended: "max_epochs", "patience", "callback", "interrupted" or "not_finite".
        None after `partial_fit`.
    outliers_ : object or None
        Density of mismeasured events. None if no event of the fit is mismeasured.

    See Also
    --------
    make_wjet_quantile : The published W + jet model in its coordinates.
    skjetsim.flows.FlowSimulator : Learns the joint density, at more cost.
    skjetsim.compose.ResidualTransformer : Learn the change of the event, as published.

    Notes
    -----
    Columns of X are standardised. Those named `phi` or `..._phi` enter as (cos, sin). Columns of y
    are standardised, and columns that never vary are returned as they were. An angle of y is a
    number like any other.

    A few events of the fit may be mismeasured: their y lies behind the tail of all others. They do
    not count in scales and quantiles, and have a density of their own, as in `FlowSimulator`. No
    value is drawn at more than 1.5 times the distance of the farthest of them. Events whose X is
    far from that of all others do not count in scales either.

    Learn residuals, in coordinates in which the resolution of the detector is simple, by
    `TransformedSimulator` and `ResidualTransformer` as `make_wjet_pipeline` does. A network that
    has to learn y itself spends its precision on repeating X, and has little left for the width,
    which is the difference of two predicted quantiles. `ResidualTransformer` also takes care of
    angles.

    The defaults are the published ones, which train too briefly for many quantiles. Many quantiles
    need a wider network and a schedule that ends: ``hidden_features=(192, 192), batch_size=512,
    schedule="cosine", learning_rate=4e-3, weight_decay=0.5, gradient_clip=5.0``.

    In the Gaussian tails of the published model, a single outlier can decide the mean of
    `score_samples`. Compare that model by the energy score.

    References
    ----------
    .. [1] C. Chen et al., "Analysis-Specific Fast Simulation at the LHC with Deep Learning",
       Comput. Softw. Big Sci. 5 (2021) 15, arXiv:2010.01835.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.response import QuantileSimulator
    >>> rng = np.random.default_rng(0)
    >>> from skjetsim.compose import ResidualTransformer, TransformedSimulator
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> simulator = TransformedSimulator(
    ...     QuantileSimulator(max_epochs=2, random_state=0), [ResidualTransformer()]
    ... ).fit(energy, measured)
    >>> simulator.sample([[50.0], [100.0]], random_state=1).shape
    (2, 1)
    >>> simulator.sample([[50.0]], n_samples=1000, random_state=1).shape
    (1, 1000, 1)
    >>> simulator.predict([[50.0]]).shape
    (1, 1)
    """

    n_quantiles: int | None = None
    derived_features: list[str] | str | None = None
    hidden_features: tuple[int, ...] = (100, 100)
    learning_rate: float = 1e-3
    batch_size: int | str = 128
    weight_decay: float | str = 0.0
    schedule: str = "inverse_epoch"
    gradient_clip: float | None = None
    validation_fraction: float = 0.1

    def fit(self, X, y, sample_weight=None):
        """Learn the quantiles of y given X from pairs of events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events. Row i of X and row i of y are the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the events. Events of weight zero do not count.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X or y has NaN or infinity (column and row are named), lengths or indices of X and y
            differ, a weight is negative or all are zero, a parameter is out of range, X lacks the
            columns for a derived feature, or the loss is not finite in the first epoch.
        """
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
        names = list(getattr(self, "feature_names_in_", range(X.shape[1])))
        check_columns(X, names, "X", weight=weight, circular=list(map(is_angle, names)))
        check_columns(y, self.target_names_in_, "y", weight=weight)
        self._fit_response(X, y, weight)
        return self

    def _fit_response(self, X, y, weight):
        plan = self._training_plan(len(X), X.shape[1] + y.shape[1])
        n_quantiles = self.n_quantiles
        if n_quantiles is not None:
            n_quantiles = check_int(n_quantiles, "n_quantiles", minimum=3)
        # Kept for a saved network: parameters that are set later belong to the next fit.
        settings = {
            "n_quantiles": n_quantiles,
            "hidden_features": check_widths(self.hidden_features, "hidden_features"),
        }
        self._forget_fit()
        self._set_architecture(settings)
        outliers = Outliers(self._smooth_features(X, weight))
        far = outliers.find(y, X, weight, np.arange(y.shape[1]))
        distant = outliers.find_far_x(X, weight)
        everything = X, y, weight
        X, y, weight, distant = _rows(~far, X, y, weight, distant)
        self._learn_features(X)
        quantities = self._quantities(X)
        self.condition_encoder_ = ConditionEncoder(
            self._quantity_names(), scale="standard", n_least=1, dtype=np.float32
        ).fit(quantities, weight)
        self.encoder_ = TableEncoder(self.target_names_in_, what="y", scale="standard")
        # An event whose X is far from all others must not decide the scale of y.
        distant &= enough_without(y, distant)
        inside, inside_weight = _rows(~distant, y, weight)
        self.encoder_.fit(inside, inside_weight)
        self.encoder_.extend_reach(y)
        self._learn_outliers(outliers, everything[1], everything[0], everything[2], far)
        if not self.encoder_.n_outputs_:
            self.net_ = None
            return
        target = self.encoder_.encode(y)
        if n_quantiles is not None:
            self._learn_marginal(self.encoder_.encode(inside), inside_weight)
        inputs = self.condition_encoder_.encode(quantities)
        self._train(plan, as_seed_sequence(self.random_state), (target, inputs), weight)

    # Inputs of the network.

    def _smooth_features(self, X, weight):
        names = [str(name) for name in getattr(self, "feature_names_in_", range(X.shape[1]))]
        weight = np.ones(len(X)) if weight is None else weight
        return SmoothFeatures().fit(X, names, np.zeros((0, 3), dtype=int), weight)

    def _learn_features(self, X):
        self.features_ = None
        if self.derived_features is not None:
            self._check_derived()
            names = getattr(self, "feature_names_in_", None)
            one = X[:1] if names is None else pd.DataFrame(X[:1], columns=names)
            self.features_ = KinematicFeatures(self.derived_features)
            self.features_.set_output(transform="default").fit(one)

    def _check_derived(self):
        if isinstance(self.derived_features, str) and self.derived_features != "wjet":
            raise ValueError(
                'derived_features must be a list of features, such as ["pt(muon)"], or "wjet", '
                f"got {self.derived_features!r}."
            )

    def _quantities(self, X):
        """Columns of X, followed by the derived ones."""
        return X if self.features_ is None else self.features_._forward(X)

    def _quantity_names(self):
        if self.features_ is not None:
            return self.features_.get_feature_names_out()
        return getattr(self, "feature_names_in_", range(self.n_features_in_))

    def _given(self, rows):
        return (self.condition_encoder_.encode(self._quantities(rows)),)

    # Outputs of the network.

    def _learn_marginal(self, target, weight):
        """Quantile functions of the columns for all X together, from which the network starts."""
        from skjetsim._nn import normal_knots

        levels = ndtr(normal_knots(self._architecture["n_quantiles"]).numpy())
        marginals = [_marginal(column, levels, weight) for column in target.T]
        self.marginal_, self.reach_ = map(np.array, zip(*marginals, strict=True))

    def _make_network(self, n_quantiles, hidden_features):
        from skjetsim._nn import GaussianResponse, QuantileResponse

        n_context = self.condition_encoder_.n_outputs_
        if n_quantiles is None:
            return GaussianResponse(self.encoder_.n_outputs_, n_context, hidden_features)
        return QuantileResponse(n_context, hidden_features, self.marginal_, self.reach_)

    def _draw_targets(self, rows, n_samples, random_state):
        try:
            return super()._draw_targets(rows, n_samples, random_state)
        except ValueError:
            self._quantities(rows)  # raises the same error with the row that the user knows
            raise

    def _predict(self, rows):
        median = np.zeros((len(rows), 0))
        if self.net_ is not None:
            median = self._module_call("median", *self._given(rows))
        return self.encoder_.decode(median)

    def _log_density(self, X, y):
        return self._table_log_density(y, *self._given(X), X=X)


def _rows(mask, *arrays):
    """Some rows of arrays. An array may be None."""
    if mask.all():
        return arrays
    return tuple(None if array is None else array[mask] for array in arrays)


def _marginal(values, levels, weight):
    """Minimum, quantiles and maximum, and the places of the extremes on the axis of a normal.

    Quantiles are values of events, not between them, so that a weight is a repeated event.
    """
    order = np.argsort(values, kind="stable")
    values = values[order]
    share = np.full(len(values), 1.0) if weight is None else weight[order]
    cumulative = np.cumsum(share) / share.sum()
    index = np.searchsorted(cumulative, levels - 1e-12)  # rounding must not choose the event
    ends = values[[0, -1]]
    reach = [-ndtri(0.5 * share[values == end].sum() / share.sum()) for end in ends]
    return [ends[0], *values[index], ends[1]], reach
