"""The mixture density network keeps the contract, and learns a resolution and its exact density."""

import numpy as np
import pandas as pd
import pytest
from mixture_density import MixtureDensitySimulator
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback, EarlyStopping

from skjetsim import load, sample, save
from skjetsim.utils.estimator_checks import parametrize_with_checks

SMALL = {"max_epochs": 2, "random_state": 0, "width": 8}


def jets(n_events=240, seed=0):
    """Energy and flavour of jets, and their energy measured to 0.5 or 1 sqrt(E)."""
    rng = np.random.default_rng(seed)
    energy, flavour = rng.uniform(20.0, 100.0, n_events), rng.choice([1.0, 5.0], n_events)
    X = pd.DataFrame({"jet_E": energy, "jet_flavour": flavour})
    measured = energy + stochastic(X) * rng.standard_normal(n_events)
    return X, pd.DataFrame({"jet_E": measured})


def stochastic(X):
    """Width of the response in GeV."""
    return np.where(X["jet_flavour"] == 5.0, 1.0, 0.5) * np.sqrt(X["jet_E"])


def jets_and_masses(n_events=240, seed=0):
    """Two columns of y, since the contract swaps them."""
    X, y = jets(n_events, seed)
    mass = np.random.default_rng(seed + 1).normal(0.1 * X["jet_E"], 1.0)
    return X, y.assign(jet_mass=mass)


@parametrize_with_checks([MixtureDensitySimulator(**SMALL)])
def test_contract(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [MixtureDensitySimulator(classes=("jet_flavour",), **SMALL | {"max_epochs": 10})],
    events=jets_and_masses,
)
def test_contract_with_classes(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def trained():
    simulator = MixtureDensitySimulator(
        classes=("jet_flavour",), n_components=2, learning_rate=1e-2, max_epochs=20, random_state=0
    )
    return simulator.fit(*jets(8000))


def test_width_of_an_energy_response(trained):
    X = pd.DataFrame({"jet_E": [30.0, 30.0, 60.0, 60.0, 90.0], "jet_flavour": [1, 5, 1, 5, 5]})
    drawn = trained.sample(X, n_samples=4000, random_state=1)[:, :, 0]
    assert_allclose(drawn.std(axis=1), stochastic(X), rtol=0.08)
    assert_array_equal(abs(drawn.mean(axis=1) - X["jet_E"]) < 0.2 * stochastic(X), True)


def test_density_is_exact_and_near_the_truth(trained):
    X, y = jets(5000, seed=1)
    truth = -0.5 * (np.log(2 * np.pi * stochastic(X) ** 2) + 1)
    assert trained.score(X, y) > truth.mean() - 0.03
    one = pd.DataFrame({"jet_E": [50.0], "jet_flavour": [5.0]})
    grid = np.linspace(0.0, 110.0, 2001)
    density = np.exp(trained.score_samples(one.iloc[np.zeros(len(grid), int)], grid[:, None]))
    assert_allclose(np.trapezoid(density, grid), 1.0, atol=1e-3)
    drawn = trained.sample(one, n_samples=50_000, random_state=0).ravel()
    assert_allclose(np.trapezoid(density * grid, grid), drawn.mean(), atol=0.15)
    below = np.trapezoid(np.where(grid < 45.0, density, 0.0), grid)
    assert_allclose((drawn < 45.0).mean(), below, atol=0.01)


def test_two_peaks_are_two_gaussians():
    rng = np.random.default_rng(0)
    X = rng.uniform(20.0, 100.0, (4000, 1))
    leaks = rng.random((4000, 1)) < 0.3  # a share of the showers that leaves the calorimeter
    y = X * np.where(leaks, 0.5, 1.0) + rng.normal(0, 1.0, X.shape)
    simulator = MixtureDensitySimulator(learning_rate=1e-2, max_epochs=20, random_state=0).fit(X, y)
    drawn = simulator.sample([[80.0]], n_samples=4000, random_state=0).ravel()
    assert abs((drawn < 60.0).mean() - 0.3) < 0.05
    assert ((drawn > 48.0) & (drawn < 72.0)).mean() < 0.02


@pytest.mark.parametrize("classes", [("jet_flavour",), (1,), (-1,)])
def test_classes_by_name_and_position(classes):
    X, y = jets()
    simulator = MixtureDensitySimulator(classes=classes, **SMALL).fit(X, y)
    with pytest.raises(ValueError, match="'jet_flavour', row 0: 4 is not a class"):
        simulator.sample(X.assign(jet_flavour=4.0))


class Killed(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            raise RuntimeError("killed")


def test_a_killed_fit_resumes_to_the_same_bits(tmp_path):
    X, y = jets()
    toy = MixtureDensitySimulator(**SMALL | {"max_epochs": 6})
    expected = toy.fit(X, y).sample(X, random_state=0)
    toy.set_params(checkpoint=str(tmp_path / "checkpoint"), callbacks=[Killed()])
    with pytest.raises(RuntimeError, match="killed"):
        toy.fit(X, y)
    toy.set_params(callbacks=None).fit(X, y)
    assert len(toy.history_) == 6
    assert_array_equal(toy.sample(X, random_state=0), expected)


def test_callbacks_stop_a_fit_and_the_model_is_saved(tmp_path):
    X, y = jets()
    stop = EarlyStopping(patience=1, threshold=10.0)  # nothing is so much better
    toy = MixtureDensitySimulator(**SMALL | {"max_epochs": 20, "callbacks": [stop]}).fit(X, y)
    assert len(toy.history_) < 5
    save(toy.set_params(callbacks=None), tmp_path / "toy")
    loaded = load(tmp_path / "toy", trusted=["mixture_density.MixtureDensitySimulator"])
    assert_array_equal(sample(loaded, X, random_state=1), sample(toy, X, random_state=1))
