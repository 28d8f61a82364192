"""OutlierRate: the probability that an event is mismeasured, given features of X."""

import numpy as np
from scipy.special import expit, logit
from sklearn.base import BaseEstimator

FEWEST_FAR = 50  # with fewer mismeasured events, their rate is a constant
RIDGE = 1.0  # in events; features have unit width
N_STEPS = 20
STANDARD_ERRORS = 4.0  # by which the likelihood must rise for a rate that depends on X
LARGEST_FACTOR = 10.0  # of the odds about their mean


class OutlierRate(BaseEstimator):
    """Logistic regression of the rate, or a constant if X does not say more.

    Attributes
    ----------
    constant_ : bool
    coefficients_ : ndarray of shape (n_features,)
        Coefficients of the logarithm of the odds. The first one is that of the constant feature.
    """

    def fit(self, core_basis, far_basis, weights, straight):
        """Learn the rate.

        Parameters
        ----------
        core_basis, far_basis : ndarray of shape (n_samples, n_features)
            Features of X for both kinds of events. The first one is constant.
        weights : tuple of ndarray
            Weights of both.
        straight : ndarray of int
            Features that the rate may depend on.

        Returns
        -------
        self
        """
        share = weights[1].sum() / (weights[0].sum() + weights[1].sum())
        self.coefficients_ = np.zeros(core_basis.shape[1])
        self.coefficients_[0] = logit(share)
        self.constant_ = True
        if len(straight) and len(far_basis) >= FEWEST_FAR:
            weight = np.concatenate(weights)
            weight = weight * weight.sum() / np.sum(weight**2)  # in events
            inputs = np.concatenate([core_basis, far_basis])[:, [0, *straight]]
            far = np.arange(len(inputs)) >= len(core_basis)
            beta, rise = _logistic(inputs, far, weight, logit(share))
            n = len(straight)
            if 2 * rise > n + STANDARD_ERRORS * np.sqrt(2 * n):
                self.constant_ = False
                self.coefficients_[[0, *straight]] = beta
                # The limits of the odds must not change the mean rate.
                mean = weight @ self(np.concatenate([core_basis, far_basis])) / weight.sum()
                self.coefficients_[0] += np.log(share / mean)
        return self

    def __call__(self, basis):
        """Probability for each row of features."""
        if self.constant_:
            return np.full(len(basis), expit(self.coefficients_[0]))
        odds = basis @ self.coefficients_ - self.coefficients_[0]
        limit = np.log(LARGEST_FACTOR)
        return expit(self.coefficients_[0] + np.clip(odds, -limit, limit))


def _logistic(inputs, far, weight, start):
    """Coefficients, by Newton's method with a ridge, and the rise of the log-likelihood."""
    beta = np.zeros(inputs.shape[1])
    beta[0] = start
    ridge = RIDGE * (np.arange(len(beta)) > 0)

    def likelihood(beta):
        odds = inputs @ beta
        return weight @ (far * odds - np.logaddexp(0.0, odds))

    first = likelihood(beta)
    for _ in range(N_STEPS):
        p = expit(inputs @ beta)
        slope = inputs.T @ (weight * (far - p)) - ridge * beta
        curvature = (inputs * (weight * p * (1 - p))[:, None]).T @ inputs + np.diag(ridge + 1e-9)
        step = np.linalg.solve(curvature, slope)
        beta = beta + step / max(1.0, np.abs(step).max())
    return beta, likelihood(beta) - first
