"""Position of the truth among the draws of its event: coverage of quantiles, and ranks."""

import numpy as np
import pandas as pd

from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._comparison import check_ensemble, check_weight, rng_from
from skjetsim.utils._scores import event_blocks
from skjetsim.utils._validation import check_same_events
from skjetsim.utils._weighted import effective_size

# What messages call the arguments of the functions below.
NAMES = {"what": "X", "other": "posterior_draws"}


def quantile_coverage(truth, generated, levels=None, *, sample_weight=None, central=False):
    """How often the truth falls below each quantile of its event's draws.

    Parameters
    ----------
    truth : array-like of shape (n, n_features)
        Columns named as angles (`phi`) are taken relative to the direction of the event's draws.
    generated : array-like of shape (n, n_draws, n_features)
        Posterior (or simulated) draws for each event; (n, n_draws) for one feature.
    levels : array-like of shape (n_levels,), optional
        Probabilities in (0, 1); by default 0.1, 0.2, ..., 0.9.
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    central : bool, default=False
        True counts the truth inside the central interval of each level instead.

    Returns
    -------
    ndarray of shape (n_levels, n_features)
        Equal to `levels` for a calibrated model, up to sqrt(q (1 - q) / n). Draws from the prior
        are calibrated, too, so show the coverage next to the CRPS.

    Raises
    ------
    ValueError
        On NaN, infinity, levels outside (0, 1), unequal numbers of events or columns, or too few
        draws for a level: (n_draws + 1) times its tail must reach one.

    See Also
    --------
    posterior_coverage : The same for unfolded events, with its error.
    sbc_ranks : Ranks of the truth; coverage is their cumulative distribution.

    Notes
    -----
    This is the check of the conditional INN in [1]_. The truth lies below the quantile q if at most
    q (n_draws + 1) - 1 draws lie below it. Between two ranks the fraction counts, and among draws
    that equal the truth each rank counts alike. Coverage is therefore exact for any number of
    draws.

    References
    ----------
    .. [1] M. Bellagente et al., "Invertible networks or partons to detector and back again",
       SciPost Phys. 9 (2020) 074, arXiv:2006.06685.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import quantile_coverage
    >>> rng = np.random.default_rng(0)
    >>> truth, draws = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 99))
    >>> quantile_coverage(truth, draws, [0.5]).round(1)
    array([[0.5]])
    """
    levels = np.linspace(0.1, 0.9, 9) if levels is None else levels
    return _Calibration(truth, generated, sample_weight).coverage(levels, central)


def posterior_coverage(
    X, posterior_draws, levels=(0.1, 0.25, 0.5, 0.75, 0.9), *, sample_weight=None, central=False
):
    """Coverage of the quantiles of unfolded events, and its standard error.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        True theory-level events. Columns named as angles (`phi`) are taken relative to the
        direction of the event's draws.
    posterior_draws : array-like of shape (n, n_draws, n_features)
        From `sample_inverse(y, n_samples=n_draws)`; 99 draws reach all percentiles.
    levels : array-like of shape (n_levels,), default=(0.1, 0.25, 0.5, 0.75, 0.9)
        Probabilities in (0, 1).
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    central : bool, default=False
        True counts the truth inside the central interval of each level instead.

    Returns
    -------
    coverage : DataFrame or ndarray of shape (n_levels, n_features)
        Fraction of events whose truth lies below the quantile, which is the level for a calibrated
        posterior. A DataFrame indexed by level if the columns have names.
    error : ndarray of shape (n_levels,)
        Standard error of a calibrated posterior's coverage, sqrt(q (1 - q) / n) for n events. If
        events are weighted, n is their effective number.

    Raises
    ------
    ValueError
        On NaN, infinity, levels outside (0, 1), unequal numbers of events or columns, or too few
        draws for a level.

    See Also
    --------
    quantile_coverage : The same fractions for any draws.
    skjetsim.inspection.CalibrationDisplay : Draws them.

    Notes
    -----
    This is the check of [1]_. Draws from the prior, which ignore y, pass it, so show the coverage
    next to the energy score. Levels of one column use the same events, so their deviations are
    correlated.

    References
    ----------
    .. [1] M. Bellagente et al., "Invertible networks or partons to detector and back again",
       SciPost Phys. 9 (2020) 074, arXiv:2006.06685.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import posterior_coverage
    >>> rng = np.random.default_rng(0)
    >>> measured = rng.normal(size=(2000, 1))
    >>> truth = 0.5 * measured + rng.normal(0, 0.5, size=(2000, 1))
    >>> draws = 0.5 * measured + rng.normal(0, 0.5, size=(2000, 99))
    >>> coverage, error = posterior_coverage(truth, draws)
    >>> error.round(3)
    array([0.007, 0.01 , 0.011, 0.01 , 0.007])
    >>> bool((np.abs(coverage[:, 0] - [0.1, 0.25, 0.5, 0.75, 0.9]) < 4 * error).all())
    True
    """
    calibration = _Calibration(X, posterior_draws, sample_weight, **NAMES)
    coverage = calibration.coverage(levels, central)
    if calibration.names is not None:
        index = pd.Index(levels, name="level", dtype=np.float64)
        coverage = pd.DataFrame(coverage, index=index, columns=calibration.names)
    return coverage, calibration.error(levels)


def sbc_ranks(X, posterior_draws, *, random_state=0):
    """Rank of the truth among the draws of its event: simulation-based calibration.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        True theory-level events. Columns named as angles (`phi`) are taken relative to the
        direction of the event's draws.
    posterior_draws : array-like of shape (n, n_draws, n_features)
        From `sample_inverse(y, n_samples=n_draws)`. They must be independent, as the draws of all
        models of this package are.
    random_state : None, int, Generator or RandomState, default=0
        If the truth equals some of its draws, it gets one of their ranks at random.

    Returns
    -------
    ndarray of int, shape (n, n_features)
        Number of draws below the truth, from 0 to n_draws.

    Raises
    ------
    ValueError
        On NaN, infinity, or unequal numbers of events or columns.

    See Also
    --------
    posterior_coverage : Fractions below a few quantiles.
    skjetsim.inspection.CalibrationDisplay : Draws both.

    Notes
    -----
    If the draws are from the posterior, the ranks of each column are uniform [1]_. Posteriors are
    too wide if most ranks are in the middle, too narrow if most are at both ends, and shifted if
    the ranks have a slope. Draws from the prior pass, too. Angles are measured from the mean
    vector of draws and truth together, which treats them alike and keeps the ranks uniform.

    References
    ----------
    .. [1] S. Talts et al., "Validating Bayesian Inference Algorithms with Simulation-Based
       Calibration", arXiv:1804.06788.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.stats import chisquare
    >>> from skjetsim.metrics import sbc_ranks
    >>> rng = np.random.default_rng(0)
    >>> measured = rng.normal(size=(2000, 1))
    >>> truth = 0.5 * measured + rng.normal(0, 0.5, size=(2000, 1))
    >>> draws = 0.5 * measured + rng.normal(0, 0.5, size=(2000, 19))
    >>> ranks = sbc_ranks(truth, draws)[:, 0]
    >>> bool(chisquare(np.bincount(ranks, minlength=20)).pvalue > 0.01)
    True
    >>> narrow = sbc_ranks(truth, 0.5 * measured + 0.5 * (draws - 0.5 * measured))[:, 0]
    >>> bool(chisquare(np.bincount(narrow, minlength=20)).pvalue < 1e-10)
    True
    """
    calibration = _Calibration(X, posterior_draws, **NAMES)
    rng = rng_from(random_state)
    return calibration.below + rng.integers(calibration.ties, endpoint=True)


class _Calibration:
    """How many draws lie below the truth of their event, and how many equal it."""

    def __init__(self, truth, draws, sample_weight=None, **called):
        y, draws, self.names = check_ensemble(truth, draws, **called)
        check_same_events(truth, None, sample_weight, names=(called.get("what", "truth"), ""))
        self.weight = check_weight(sample_weight, len(y), "sample_weight")
        self.n_draws = draws.shape[1]
        angles = [i for i, name in enumerate(self.names or ()) if is_angle(name)]
        self.below, self.ties = np.zeros((2, *y.shape), dtype=np.int64)
        for rows in event_blocks(len(y), draws[0].size):
            block, truth = draws[rows], y[rows, None]
            if angles:
                block, truth = _about_their_direction(block, truth, angles)
            self.below[rows] = (block < truth).sum(axis=1)
            self.ties[rows] = (block == truth).sum(axis=1)

    def coverage(self, levels, central):
        """Fraction of events whose truth is below each level, or in its central interval."""
        levels = np.asarray(levels, dtype=np.float64)
        if levels.ndim != 1 or not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"levels must be probabilities between 0 and 1, got {levels!r}.")
        if central:
            return self._below((1 + levels) / 2) - self._below((1 - levels) / 2)
        return self._below(levels)

    def _below(self, levels):
        tail = min(levels.min(initial=0.5), 1 - levels.max(initial=0.5))
        if tail * (self.n_draws + 1) < 1 - 1e-9:
            raise ValueError(
                f"{self.n_draws} draws per event do not reach the quantile {tail:g} from the end: "
                f"at least {int(np.ceil(1 / tail - 1e-9)) - 1} are needed."
            )
        # The truth may have any rank from below to below + ties; the share of these under the cut.
        shares = (
            np.clip((level * (self.n_draws + 1) - self.below) / (self.ties + 1), 0, 1)
            for level in levels
        )
        fractions = [np.average(share, axis=0, weights=self.weight) for share in shares]
        return np.array(fractions).reshape(len(levels), self.below.shape[1])

    def error(self, levels):
        """Standard error of a calibrated model's fractions; weighted events count as fewer."""
        levels = np.asarray(levels, dtype=np.float64)
        return np.sqrt(levels * (1 - levels) / effective_size(len(self.below), self.weight))


def _about_their_direction(draws, truth, angles):
    """Draws and truth with angles measured from the mean direction of both in each event."""
    draws, truth = draws.copy(), truth.copy()
    phi = np.concatenate([draws[..., angles], truth[..., angles]], axis=1)
    direction = np.arctan2(np.sin(phi).sum(axis=1), np.cos(phi).sum(axis=1))[:, None]
    draws[..., angles] = wrap_phi(draws[..., angles] - direction)
    truth[..., angles] = wrap_phi(truth[..., angles] - direction)
    return draws, truth
