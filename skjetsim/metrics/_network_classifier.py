"""A small neural classifier for the two-sample test; the only metric that loads torch."""

import numpy as np
from sklearn.preprocessing import QuantileTransformer

from skjetsim.utils._threads import fit_threads

_PLAN = {"batch_size": 1024, "max_epochs": 20, "learning_rate": 2e-3}


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
    # Columns are made normal by their quantiles, so that no tail, spike or outlier sets a scale.
    scaler = QuantileTransformer(
        n_quantiles=min(1000, len(train[0])),
        output_distribution="normal",
        subsample=100_000,
        random_state=int(random_state.integers(2**31)),
    ).fit(train[0])
    import torch

    from skjetsim._nn import BinaryClassifier, PrivateRandom, Rows, TrainingNet, TrainingPlan

    def tensor(array):
        return torch.from_numpy(array.astype(np.float32))

    def rows(X, label, weight):
        return Rows((tensor(scaler.transform(X)), tensor(label)), tensor(weight))

    generator = torch.Generator().manual_seed(int(random_state.integers(2**62)))
    with PrivateRandom(generator):
        classifier = BinaryClassifier(train[0].shape[1])
    net = TrainingNet(classifier, plan=TrainingPlan(**_PLAN), generator=generator)
    with fit_threads(len(train[0])):
        net.fit(rows(*train), rows(*validation))
    with torch.inference_mode():
        return net.module_.log_odds(tensor(scaler.transform(test))).double().numpy()
