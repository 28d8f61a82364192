"""Classifiers are fitted on one thread if there are few events."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from skjetsim._classifiers._ratio import log_ratio
from skjetsim._nn import BinaryClassifier
from skjetsim.compose import ClassifierSimulator, _draw_classes
from skjetsim.metrics import classifier_two_sample_auc
from skjetsim.utils import _threads


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
    monkeypatch.setattr(_threads, "ONE_THREAD_ROWS", most)
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
    monkeypatch.setattr(_threads, "ONE_THREAD_ROWS", most)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        classifier_two_sample_auc(*samples, classifier="network", random_state=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {threads}


def fit_category(classifier, X):
    ClassifierSimulator(classifier, random_state=0).fit(X, (X[:, :1] > 0) * 1.0)


def fit_default(classifier, X):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_draw_classes, "boosted_trees", lambda *arguments, **settings: classifier)
        fit_category(None, X)


def fit_ratio(classifier, X):
    log_ratio(classifier, X, X + 1, (None, None), n_folds=2, seed=0)


@pytest.mark.parametrize("fit", [fit_category, fit_default, fit_ratio])
@pytest.mark.parametrize(("most", "threads"), [(200_000, 1), (0, 2)])
def test_simulators_and_unfolders(samples, monkeypatch, fit, most, threads):
    monkeypatch.setattr(_threads, "ONE_THREAD_ROWS", most)
    with threadpool_limits(2, user_api="openmp"):
        fit(Recorder(), samples[0])
        assert openmp_threads() == 2
    assert Recorder.seen == threads


TORCH = """
import sys
import numpy as np
from skjetsim.metrics import classifier_two_sample_auc

classifier_two_sample_auc(*np.random.default_rng(0).normal(size=(2, 100, 2)), classifier="trees")
sys.exit("torch" in sys.modules)
"""


def test_trees_do_not_load_torch():
    assert (
        subprocess.run([sys.executable, "-W", "ignore", "-c", TORCH], check=False).returncode == 0
    )
