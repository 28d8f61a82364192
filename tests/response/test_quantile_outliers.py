"""QuantileSimulator: one mismeasured event does not change what is drawn for all others."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skjetsim
from skjetsim.response import QuantileSimulator

N_ROWS = 4000
SHORT = {"max_epochs": 5, "random_state": 0, "device": "cpu"}
MODELS = pytest.mark.parametrize("n_quantiles", [None, 9])


def energies(outlier=None):
    """Residuals in units of the resolution."""
    rng = np.random.default_rng(0)
    X, y = rng.uniform(20, 200, size=(N_ROWS, 1)), rng.normal(size=(N_ROWS, 1))
    if outlier is not None:
        y[7] = outlier
    return X, y


@MODELS
@pytest.mark.parametrize("outlier", [100.0, -1e5])
def test_one_outlier(n_quantiles, outlier):
    X, y = energies(outlier)
    model = QuantileSimulator(n_quantiles=n_quantiles, **SHORT).fit(X, y)
    drawn = model.sample(X, n_samples=10, random_state=1).ravel()
    assert_allclose(np.quantile(np.abs(drawn), 0.6827), 1, atol=0.05)
    assert (np.abs(drawn) > 6.5).mean() < 5 / N_ROWS  # 1.7% without a density of its own
    far = np.sign(outlier) * drawn
    assert far.max() <= 1.5 * abs(outlier) + 1
    assert far.min() > -7  # not on the other side
    assert np.isfinite(model.score(X, y))


@MODELS
def test_no_outlier_no_change(n_quantiles, monkeypatch):
    X, y = energies()
    one = QuantileSimulator(n_quantiles=n_quantiles, **SHORT).fit(X, y).sample(X, random_state=1)
    monkeypatch.setattr("skjetsim._encoders._far_events.MOST_FAR", 0.0)
    other = QuantileSimulator(n_quantiles=n_quantiles, **SHORT).fit(X, y).sample(X, random_state=1)
    assert_array_equal(one, other)


@MODELS
def test_jets_without_a_mass_in_x(n_quantiles):
    """Their residual of the log mass is 15. Other jets must not be drawn with it."""
    X, y = energies()
    X[:6], y[:6] = -300, 30.0
    model = QuantileSimulator(n_quantiles=n_quantiles, **SHORT).fit(X, y)
    drawn = model.sample(X[6:], n_samples=10, random_state=1)
    assert np.abs(drawn).max() < 8
    assert_allclose(drawn.std(), 1, atol=0.1)


def test_model_files(tmp_path):
    X, y = energies(100.0)
    model = QuantileSimulator(**SHORT).fit(X, y)
    skjetsim.save(model, tmp_path / "model.skjetsim")
    again = skjetsim.load(tmp_path / "model.skjetsim")
    assert_array_equal(
        again.sample(X, n_samples=3, random_state=1), model.sample(X, n_samples=3, random_state=1)
    )


@pytest.mark.parametrize("component", [np.cos, np.sin], ids=["cos", "sin"])
def test_both_components_of_an_angle_are_seen(component):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"muon_phi": rng.uniform(-np.pi, np.pi, 4000)})
    y = component(X) + 0.05 * rng.normal(size=X.shape)
    model = QuantileSimulator(learning_rate=1e-2, max_epochs=10, random_state=0).fit(X, y)
    assert_allclose(model.predict(X), component(X.to_numpy()), atol=0.25)
