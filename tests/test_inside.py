"""Estimators inside estimators: a density of codes that is fitted inside a model."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skjetsim
from skjetsim.base import BaseGenerator, check_sample
from skjetsim.base._inside import check_generator, explained, fit_inside, set_seeds
from skjetsim.flows import FlowGenerator
from skjetsim.utils._seeds import as_seed_sequence, child_seed


class Principal(BaseGenerator):
    """Codes are principal components, and `latent` is their density."""

    def __init__(self, latent, *, random_state=None):
        self.latent = latent
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        check_generator(self.latent, "latent")
        X, weight = check_sample(self, X, sample_weight, reset=True)
        self.mean_ = np.average(X, axis=0, weights=weight)
        self.axes_ = np.linalg.svd(X - self.mean_, full_matrices=False)[2][:1]
        codes = (X - self.mean_) @ self.axes_.T
        seed = child_seed(as_seed_sequence(self.random_state), 1)
        fit_inside(self, "latent", codes, weight=weight, seed=seed)
        return self

    def _draw_events(self, n_samples, random_state):
        codes = skjetsim.sample(self.latent_, n_samples=n_samples, random_state=random_state)
        return np.asarray(codes) @ self.axes_ + self.mean_


SMALL = {"n_transforms": 1, "hidden_features": (4,), "max_epochs": 1, "device": "cpu"}


def events(n_events=100):
    return np.random.default_rng(0).normal(90, 2, (n_events, 1)) * [1.0, 2.0]


def test_a_latent_density_is_seeded_searched_and_saved(tmp_path):
    X = events()
    model = Principal(FlowGenerator(**SMALL), random_state=0)
    one, two = clone(model).fit(X), clone(model).fit(X)
    assert one.latent.random_state is None
    assert one.latent_.random_state is not None
    assert_array_equal(one.sample(5, random_state=1), two.sample(5, random_state=1))
    other = clone(model).set_params(random_state=1).fit(X)
    assert not np.array_equal(one.sample(5, random_state=1), other.sample(5, random_state=1))
    kept = clone(model).set_params(latent__random_state=7).fit(X)
    assert kept.latent_.random_state == 7

    search = GridSearchCV(model, {"latent__n_bins": [4, 5]}, cv=2, scoring=lambda *_: 0.0)
    assert search.fit(X).best_estimator_.latent_.n_bins == 4
    assert_array_equal(skjetsim.sample(one, n_samples=3, random_state=2).shape, (3, 2))


def test_the_density_may_be_any_generator():
    pipe = make_pipeline(StandardScaler(), GaussianMixture())
    model = Principal(pipe, random_state=0).fit(events())
    assert model.latent_[-1].random_state is not None
    assert model.sample(2000, random_state=0).mean(axis=0) == pytest.approx([90, 180], rel=0.01)
    with pytest.raises(TypeError, match="latent must be a generator, got LinearRegression"):
        Principal(LinearRegression()).fit(events())
    with pytest.raises(ValueError, match="GaussianMixture does not take sample_weight"):
        model.fit(events(), sample_weight=np.arange(100.0))


class Stops(FlowGenerator):
    """Ctrl-C or another error after the fit."""

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        raise KeyboardInterrupt if self.max_epochs == 1 else RuntimeError("diverged")


def test_ctrl_c_keeps_what_was_learnt():
    model = Principal(Stops(**SMALL), random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(events())
    assert model.sample(3).shape == (3, 2)
    with pytest.raises(RuntimeError, match="diverged"):
        model.set_params(latent__max_epochs=2).fit(events())
    assert not hasattr(model, "latent_")


def test_seeds_of_all_or_of_those_that_are_none():
    pipe = make_pipeline(FlowGenerator(random_state=3))
    root = as_seed_sequence(0)
    assert set_seeds(clone(pipe), root)[0].random_state == 3
    first = set_seeds(clone(pipe), root, 1, replace=True)[0].random_state
    assert first == set_seeds(clone(pipe), root, 1, replace=True)[0].random_state
    assert first not in (3, set_seeds(clone(pipe), root, 2, replace=True)[0].random_state)


def test_notes_give_the_row_in_each_nested_table():
    notes = r"^row 1 is bad\nof y\n.* row 3\.\n.* row 30\.$"
    outer, inner = np.array([0, 10, 20, 30]), np.array([0, 3])
    with pytest.raises(ValueError, match=notes), explained(rows=outer), explained("of y", inner):
        raise ValueError("row 1 is bad")
    with pytest.raises(ValueError, match=r"^bad$"), explained(rows=np.arange(3)):
        raise ValueError("bad")
