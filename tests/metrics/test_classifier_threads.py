"""The classifiers of the two-sample test use one thread for few events."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from skjetsim._nn import BinaryClassifier
from skjetsim.metrics import _classifier, _network_classifier, classifier_two_sample_auc


def openmp_threads():
    """Largest number of threads of the OpenMP libraries."""
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp")


class Recorder(LogisticRegression):
    """Writes down the number of threads during the fit."""

    seen = None

    def fit(self, X, y, sample_weight=None):
        Recorder.seen = openmp_threads()
        return super().fit(X, y, sample_weight)


@pytest.fixture
def samples():
    return np.random.default_rng(0).normal(size=(2, 200, 2))


@pytest.mark.parametrize(("most", "threads"), [(200_000, 1), (0, 2)])
def test_classifiers_of_scikit_learn(samples, monkeypatch, most, threads):
    monkeypatch.setattr(_classifier, "ONE_THREAD_ROWS", most)
    with threadpool_limits(2, user_api="openmp"):
        classifier_two_sample_auc(*samples, classifier=Recorder(), random_state=0)
        assert openmp_threads() == 2
    assert Recorder.seen == threads


@pytest.mark.parametrize(("most", "threads"), [(200_000, 1), (0, 2)])
def test_the_network(samples, monkeypatch, most, threads):
    seen, losses = [], BinaryClassifier.losses

    def recorded(self, *arguments):
        seen.append(torch.get_num_threads())
        return losses(self, *arguments)

    monkeypatch.setattr(BinaryClassifier, "losses", recorded)
    monkeypatch.setattr(_network_classifier, "ONE_THREAD_ROWS", most)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        classifier_two_sample_auc(*samples, classifier="network", random_state=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {threads}
