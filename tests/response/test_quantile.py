"""QuantileSimulator: toys with known answers, and errors."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skjetsim
from skjetsim.response import QuantileSimulator

FAST = {"hidden_features": (32,), "batch_size": 256, "random_state": 0, "device": "cpu"}
COPULA = {
    "n_quantiles": 9,
    "schedule": "cosine",
    "learning_rate": 5e-3,
    "gradient_clip": 5.0,
    "weight_decay": 0.5,
}


def skewed_pairs(n_events=10_000, seed=0):
    """Two residuals, one skewed, whose width and correlation depend on X."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n_events, 2))
    one, two = rng.normal(size=(2, n_events))
    correlation = 0.95 * np.sin(0.5 * np.pi * X[:, 0])
    two = correlation * one + np.sqrt(1 - correlation**2) * two
    width = 0.1 + 0.05 * X[:, 1]
    y = np.column_stack([width * np.expm1(0.8 * one), width * two])
    return X, y


@pytest.fixture(scope="module")
def copula():
    X, y = skewed_pairs()
    return QuantileSimulator(**FAST, **COPULA, max_epochs=12).fit(X, y)


@pytest.fixture(scope="module")
def published():
    X, y = skewed_pairs()
    return QuantileSimulator(**FAST, learning_rate=1e-2, schedule="cosine", max_epochs=12).fit(X, y)


@pytest.mark.parametrize("x", [(-0.5, -0.8), (0.5, 0.0), (0.5, 0.8)])
def test_quantiles_of_skewed_noise(copula, x):
    drawn = copula.sample([x], n_samples=20_000, random_state=0)[0]
    width = 0.1 + 0.05 * x[1]
    levels = np.array([0.05, 0.16, 0.5, 0.84, 0.95])
    z = np.array([-1.645, -0.994, 0, 0.994, 1.645])
    assert_allclose(np.quantile(drawn[:, 0], levels), width * np.expm1(0.8 * z), atol=0.2 * width)
    assert_allclose(np.quantile(drawn[:, 1], levels), width * z, atol=0.2 * width)


@pytest.mark.parametrize(("x", "sign"), [((-0.7, 0.0), -1), ((0.7, 0.0), 1)])
def test_correlations_follow_the_event(copula, published, x, sign):
    drawn = copula.sample([x], n_samples=5000, random_state=0)[0]
    rank = np.argsort(np.argsort(drawn, axis=0), axis=0)
    assert sign * np.corrcoef(rank.T)[0, 1] > 0.75
    independent = published.sample([x], n_samples=5000, random_state=0)[0]
    assert abs(np.corrcoef(independent.T)[0, 1]) < 0.05


def test_the_published_draw_is_median_plus_upper_width(published):
    drawn = published.sample([[0.0, 0.0]], n_samples=20_000, random_state=0)[0]
    # abs(q - mu) of width (exp(0.8 z) - 1) at z = 1, on both sides
    assert_allclose(np.median(drawn, axis=0), [0, 0], atol=0.02)
    assert_allclose(drawn.std(axis=0), [0.1 * np.expm1(0.8), 0.1], rtol=0.15)
    skewness = ((drawn - drawn.mean(axis=0)) ** 3).mean(axis=0) / drawn.std(axis=0) ** 3
    assert_allclose(skewness, 0, atol=0.1)


def test_the_copula_has_the_better_likelihood(copula, published):
    X, y = skewed_pairs(4000, seed=1)
    assert copula.score(X, y) > published.score(X, y) + 0.3


def test_predict_is_the_median(copula, published):
    for model in (copula, published):
        drawn = model.sample([[0.3, -0.4]], n_samples=20_000, random_state=0)[0]
        assert_allclose(model.predict([[0.3, -0.4]])[0], np.median(drawn, axis=0), atol=0.005)


def test_the_density_integrates_to_one():
    X, y = skewed_pairs(2000)
    y = 40 + 5 * y[:, :1]
    for settings in (COPULA, {}):
        model = QuantileSimulator(**FAST | settings, max_epochs=2).fit(X, y)
        grid = np.linspace(0, 80, 20_001)[:, None]
        density = np.exp(model.score_samples(np.tile(X[:1], (len(grid), 1)), grid))
        assert_allclose(np.trapezoid(density, grid[:, 0]), 1, atol=0.01)


def test_the_same_events_on_any_number_of_threads(copula):
    X, _ = skewed_pairs(10_000, seed=2)
    one = copula.sample(X, random_state=5)
    two = QuantileSimulator(n_jobs=2)
    vars(two).update({k: v for k, v in vars(copula).items() if k != "n_jobs"})
    assert_array_equal(one, two.sample(X, random_state=5))
    assert_array_equal(one[:5000], copula.sample(X[:5000], random_state=5))


def wjet_like(n_events=300):
    rng = np.random.default_rng(0)
    names = ["muon_px", "muon_py", "muon_pz", "met_px", "met_py"]
    return pd.DataFrame(rng.normal(0, 30, (n_events, 5)), columns=names)


def test_derived_features_are_seen():
    """If the transverse mass is given, a target that equals it is learnt in two epochs."""
    X = wjet_like(3000)
    pt = [np.hypot(X[f"{o}_px"], X[f"{o}_py"]) for o in ("muon", "met")]
    cos = (X.muon_px * X.met_px + X.muon_py * X.met_py) / (pt[0] * pt[1])
    y = np.sqrt(2 * pt[0] * pt[1] * (1 - cos)).to_frame("mt")
    error = {}
    for features in (None, ["mt(muon, met)"]):
        model = QuantileSimulator(
            derived_features=features, max_epochs=8, learning_rate=1e-2, **FAST
        ).fit(X, y)
        error[features is None] = np.abs(model.predict(X) - y.to_numpy()).mean()
    assert error[False] < 0.5 * error[True]


def test_an_undefined_derived_feature_names_the_row():
    X = wjet_like(9000)
    model = QuantileSimulator(derived_features=["eta(muon)"], max_epochs=1, **FAST).fit(
        X, X[["muon_px"]]
    )
    X.loc[8000, ["muon_px", "muon_py"]] = 0.0
    with pytest.raises(ValueError, match=r"muon_eta.*row 8000"):
        model.sample(X)


def test_derived_features_need_their_columns():
    X = wjet_like()
    with pytest.raises(ValueError, match="jet"):
        QuantileSimulator(derived_features="wjet", **FAST).fit(X, X)
    with pytest.raises(ValueError, match="muon"):
        QuantileSimulator(derived_features=["pt(muon)"], **FAST).fit(X.to_numpy(), X.to_numpy())


def test_angles_of_the_condition_are_periodic():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"jet_phi": rng.uniform(-np.pi, np.pi, 500), "jet_pt": rng.uniform(20, 50, 500)}
    )
    model = QuantileSimulator(max_epochs=2, **FAST).fit(X, np.cos(X[["jet_phi"]]))
    turned = X.assign(jet_phi=X.jet_phi + 2 * np.pi)
    assert_allclose(model.predict(X), model.predict(turned), atol=1e-5)


@pytest.mark.parametrize("n_quantiles", [None, 5])
def test_constant_and_tied_targets(n_quantiles):
    X, y = skewed_pairs(500)
    y = np.column_stack([y, np.full(500, 105.66), np.round(y[:, 0])])
    model = QuantileSimulator(n_quantiles=n_quantiles, max_epochs=2, **FAST).fit(X, y)
    drawn = model.sample(X, random_state=0)
    assert np.isfinite(drawn).all()
    assert (drawn[:, 2] == 105.66).all()
    assert np.isfinite(model.score_samples(X, y)).all()
    assert model.score_samples(X[:1], y[:1] + np.eye(4)[2])[0] == -np.inf
    all_equal = QuantileSimulator(n_quantiles=n_quantiles, **FAST).fit(X, np.ones((500, 2)))
    assert (all_equal.sample(X, n_samples=3) == 1).all()
    assert (all_equal.predict(X) == 1).all()


def test_weights_shift_the_median():
    X, _ = skewed_pairs(4000)
    y = np.repeat([[0.0], [1.0]], 2000, axis=0) + 0.1 * X[:, :1]
    weight = np.repeat([1.0, 9.0], 2000)
    model = QuantileSimulator(max_epochs=10, **FAST).fit(X, y, sample_weight=weight)
    assert model.predict(X).mean() > 0.8
    model.fit(X, y, sample_weight=weight[::-1])
    assert model.predict(X).mean() < 0.2


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"n_quantiles": 2}, ValueError),
        ({"n_quantiles": 4.5}, TypeError),
        ({"hidden_features": 100}, TypeError),
        ({"schedule": "linear"}, ValueError),
        ({"derived_features": "zjet"}, ValueError),
        ({"validation_fraction": 1.0}, ValueError),
        ({"batch_size": 0}, ValueError),
    ],
)
def test_parameters_out_of_range(parameters, error):
    X, y = skewed_pairs(50)
    X = pd.DataFrame(X, columns=["muon_px", "muon_py"])
    name = next(iter(parameters)).replace("derived_", "")
    with pytest.raises(error, match=name):
        QuantileSimulator(**FAST | parameters).fit(X, y)


def test_a_copula_survives_saving(copula, tmp_path):
    skjetsim.save(copula, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    X, y = skewed_pairs(100)
    assert_array_equal(copula.sample(X, random_state=1), again.sample(X, random_state=1))
    assert_array_equal(copula.score_samples(X, y), again.score_samples(X, y))
