"""A small neural classifier for the two-sample test; the only metric code that loads torch."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import QuantileTransformer

_HIDDEN = 128
_BATCH = 1024
_EPOCHS = 20
_LEARNING_RATE = 2e-3


def network_scores(train, validation, test, random_state):
    """Train on `train`, keep the epoch best on `validation`, score `test`.

    Parameters
    ----------
    train, validation : tuple of ndarray (X, label, weight)
        X of shape (n, n_columns), label 0 or 1, weight positive.
    test : ndarray of shape (n, n_columns)
    random_state : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n,)
        Log-odds of label 1.
    """
    # Columns become normal by their quantiles: tails and spikes of either sample then stay within
    # the reach of a network, and no outlier sets the scale.
    scaler = QuantileTransformer(
        n_quantiles=min(1000, len(train[0])),
        output_distribution="normal",
        subsample=100_000,
        random_state=int(random_state.integers(2**31)),
    ).fit(train[0])
    return _Network(train[0].shape[1], random_state).fit(
        *_tensors(scaler, *train), *_tensors(scaler, *validation)
    )(_tensors(scaler, test)[0])


def _tensors(scaler, X, *others):
    import torch

    scaled = torch.from_numpy(scaler.transform(X).astype(np.float32))
    return [scaled, *(torch.from_numpy(other.astype(np.float32)) for other in others)]


class _Network:
    """Two hidden layers, log-odds out; private random numbers only."""

    def __init__(self, n_columns, random_state):
        import torch

        self._generator = torch.Generator().manual_seed(int(random_state.integers(2**62)))
        self._parameters = []
        for n_in, n_out in ((n_columns, _HIDDEN), (_HIDDEN, _HIDDEN), (_HIDDEN, 1)):
            weight = torch.randn(n_in, n_out, generator=self._generator) * (2.0 / n_in) ** 0.5
            self._parameters += [weight.requires_grad_(), torch.zeros(n_out, requires_grad=True)]

    def _log_odds(self, X):
        import torch

        *hidden, last_weight, last_bias = self._parameters
        for weight, bias in zip(hidden[::2], hidden[1::2], strict=True):
            X = torch.relu(torch.addmm(bias, X, weight))
        return torch.addmm(last_bias, X, last_weight)[:, 0]

    def _loss(self, X, label, weight):
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(self._log_odds(X), label, weight)

    def fit(self, X, label, weight, X_validation, label_validation, weight_validation):
        """Adam with a cosine schedule; the parameters of the best epoch are kept."""
        import torch

        adam = torch.optim.Adam(self._parameters, lr=_LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, _EPOCHS)
        best, best_loss = [p.detach().clone() for p in self._parameters], np.inf
        for _ in range(_EPOCHS):
            for rows in torch.randperm(len(X), generator=self._generator).split(_BATCH):
                adam.zero_grad()
                self._loss(X[rows], label[rows], weight[rows]).backward()
                adam.step()
            schedule.step()
            with torch.no_grad():
                loss = float(self._loss(X_validation, label_validation, weight_validation))
            if loss < best_loss:
                best_loss, best = loss, [p.detach().clone() for p in self._parameters]
        self._parameters = best
        return self

    def __call__(self, X):
        import torch

        with torch.no_grad():
            return self._log_odds(X).numpy().astype(np.float64)
