"""GeneratorChain: some columns first, and the others given them."""

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from unfolding_toys import GaussianRegression, NoDensity

import skjetsim
from skjetsim.base import is_generator
from skjetsim.compose import GeneratorChain, SimulatorChain
from skjetsim.flows import FlowGenerator, FlowSimulator


def showers(n_events=3000, seed=0):
    """Incident energy, and the energy in two layers."""
    rng = np.random.default_rng(seed)
    energy = rng.normal(50, 5, n_events)
    layers = energy[:, None] * [0.6, 0.3] + rng.normal(0, [2.0, 1.0], (n_events, 2))
    return pd.DataFrame(np.c_[layers[:, :1], energy, layers[:, 1:]], columns=["a", "energy", "b"])


def model(generator=None, simulator=None, columns=("energy",)):
    generator = generator or GaussianMixture(random_state=0)
    return GeneratorChain(generator, simulator or GaussianRegression(), columns=columns)


def test_density_of_a_normal_distribution():
    X = showers()
    whole = GaussianMixture(random_state=0).fit(X)
    assert_allclose(model().fit(X).score_samples(X), whole.score_samples(X), atol=0.01)
    assert model().fit(X).score(X) == pytest.approx(whole.score(X), abs=1e-4)


def test_draws_have_the_correlations():
    X = showers(20_000)
    drawn = model().fit(X).set_output(transform="pandas").sample(20_000, random_state=0)
    assert list(drawn) == list(X)
    assert_allclose(drawn.mean(), X.mean(), rtol=0.01)
    assert_allclose(np.cov(drawn, rowvar=False), np.cov(X, rowvar=False), rtol=0.08)


def test_seeds_and_numbers():
    fitted = model().fit(showers(100))
    assert_array_equal(fitted.sample(7, random_state=1), fitted.sample(7, random_state=1))
    assert not np.array_equal(fitted.sample(7), fitted.sample(7))
    assert fitted.sample().shape == (1, 3)
    with pytest.raises(ValueError, match="n_samples must be at least 1"):
        fitted.sample(0)


def test_what_the_parts_are_given():
    X = showers(50)
    weight = np.arange(50.0)
    fitted = model(FlowGenerator(**SMALL), Smear()).fit(X, sample_weight=weight)
    assert list(fitted.generator_.feature_names_in_) == ["energy"]
    seen_X, seen_y, seen_weight = fitted.simulator_.seen_
    assert (list(seen_X), list(seen_y)) == (["energy"], ["a", "b"])
    assert_array_equal(seen_weight, weight[1:])
    numbers = model(simulator=Smear(), columns=[-2]).fit(X.to_numpy())
    assert numbers.columns_ == [1]
    assert_array_equal(numbers.simulator_.seen_[1], X[["a", "b"]])
    with pytest.raises(ValueError, match="GaussianMixture does not take sample_weight in fit"):
        model().fit(X, sample_weight=weight)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"generator": LinearRegression()}, TypeError, "generator must be a generator, got Lin"),
        ({"generator": FlowGenerator}, TypeError, "generator must be a generator"),
        ({"simulator": FlowGenerator()}, TypeError, "simulator must be a simulator"),
        ({"columns": "energy"}, ValueError, r"columns must be a list of names: give \['energy'\]"),
        ({"columns": ["pt"]}, ValueError, "columns: X has no column 'pt'"),
        (
            {"columns": [0, 1, 2]},
            ValueError,
            r"all of X, 3 feature\(s\): none is left for the simulator",
        ),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        model().set_params(**params).fit(showers(20))


def test_after_ctrl_c():
    X = showers(20)
    fitted = model(simulator=Smear(interrupt="after"))
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X)
    assert fitted.sample(3).shape == (3, 3)
    with pytest.raises(KeyboardInterrupt):
        fitted.set_params(simulator__interrupt="before").fit(X)
    with pytest.raises(NotFittedError):
        fitted.sample()


def test_densities_pipelines_and_chains():
    X = showers(200)
    assert is_generator(model())
    for estimator in (model(simulator=NoDensity()), model(simulator=NoDensity()).fit(X)):
        assert not hasattr(estimator, "score_samples")
    layers = SimulatorChain([("a", Smear(), ["a"]), ("b", Smear(), None)])
    scaled = make_pipeline(StandardScaler(), GaussianMixture(random_state=0))
    composed = model(scaled, layers).fit(X)
    assert composed.sample(5).shape == (5, 3)
    plain = model(simulator=clone(layers)).fit(X)
    assert_allclose(composed.score_samples(X), plain.score_samples(X), atol=1e-3)


def test_searches_and_model_files(tmp_path):
    X = showers(200)
    estimator = model(FlowGenerator(**SMALL), FlowSimulator(**SMALL))
    grid = {"generator__learning_rate": [1e-6, 0.03], "simulator__n_bins": [4]}
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(X)
    assert search.best_params_["generator__learning_rate"] == 0.03
    skjetsim.save(search.best_estimator_, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    drawn = skjetsim.sample(search, n_samples=20, random_state=0)
    assert_array_equal(again.sample(20, random_state=0), drawn)
    assert_array_equal(again.score_samples(X), search.best_estimator_.score_samples(X))
