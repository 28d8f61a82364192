"""Values that many events hold are drawn as such, with the other columns, by all flows."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skjetsim
from skjetsim.flows import (
    FlowGenerator,
    FlowMatchingGenerator,
    FlowMatchingSimulator,
    FlowSimulator,
    InvertibleUnfolder,
)

QUICK = {"max_epochs": 8, "random_state": 0}
SMALL = QUICK | {"n_transforms": 4, "hidden_features": (32, 32)}
MATCHING = QUICK | {"hidden_features": (32, 32)}
N = 4000


def events(n_events=N, seed=0):
    """Events with a jet that is there in half of them, more often in hard ones."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, n_events)
    there = rng.random(n_events) < 0.2 + 0.6 * x
    y = {
        "jet_pt": np.where(there, 20 + rng.exponential(20 * (1 + x)), 0.0),
        "jet_eta": np.where(there, rng.normal(0, 1, n_events), 0.0),
        "jet_phi": np.where(there, rng.uniform(-np.pi, np.pi, n_events), 0.0),
        "cell": np.minimum(rng.exponential(60 * (1 + x)), 255.0),
        "isolation": np.round(2 * rng.exponential(1 + x)) / 2,
        "met_px": rng.normal(0, 10, n_events),
    }
    return pd.DataFrame({"x": x}), pd.DataFrame(y)


def at(x, n_events=1):
    return pd.DataFrame({"x": np.full(n_events, x)})


GENERATORS = [FlowGenerator(**SMALL), FlowMatchingGenerator(**MATCHING)]
SIMULATORS = [FlowSimulator(**SMALL), FlowMatchingSimulator(**MATCHING)]


def drawn_by(model, X, y):
    if skjetsim.base.is_simulator(model):
        drawn = model.fit(X, y).sample(X, random_state=1)
    else:
        drawn = model.fit(y).sample(len(y), random_state=1)
    return pd.DataFrame(drawn, columns=y.columns)


def check_events(drawn, y):
    absent = drawn["jet_pt"] == 0
    assert absent.mean() == pytest.approx((y["jet_pt"] == 0).mean(), abs=0.04)
    assert_array_equal(drawn["jet_eta"] == 0, absent)
    assert_array_equal(drawn["jet_phi"] == 0, absent)
    assert drawn.loc[~absent, "jet_pt"].min() > 19.9
    assert drawn["cell"].max() == 255
    saturated = (y["cell"] == 255).mean()
    assert (drawn["cell"] == 255).mean() == pytest.approx(saturated, abs=0.02)
    assert_array_equal(drawn["isolation"] * 2, np.round(drawn["isolation"] * 2))
    assert drawn["isolation"].min() == 0


@pytest.mark.parametrize("model", GENERATORS + SIMULATORS, ids=lambda m: type(m).__name__)
def test_shares_gaps_and_steps(model):
    X, y = events()
    drawn = drawn_by(model, X, y)
    check_events(drawn, y)
    again = model.sample(X if skjetsim.base.is_simulator(model) else N, random_state=1)
    assert_array_equal(again, drawn)


@pytest.fixture(scope="module")
def simulator():
    return FlowSimulator(**SMALL).fit(*events())


def test_the_share_depends_on_the_event(simulator):
    low, high = (
        np.mean(simulator.sample(at(x), n_samples=4000, random_state=0)[0, :, 0] == 0)
        for x in (0.05, 0.95)
    )
    assert low == pytest.approx(0.77, abs=0.08)
    assert high == pytest.approx(0.23, abs=0.08)


def test_score_is_a_probability_at_atoms():
    """Of one column: the probability of the atom, and the density beside it, add up to one."""
    X, y = events()
    model = FlowSimulator(**SMALL | {"max_epochs": 3}).fit(X, y[["jet_pt"]])
    grid = np.r_[0.0, np.linspace(1e-3, 300, 15_001)]
    for x in (0.1, 0.9):
        log_p = model.score_samples(at(x, len(grid)), pd.DataFrame({"jet_pt": grid}))
        share = np.mean(model.sample(at(x), n_samples=20_000, random_state=0) == 0)
        assert np.exp(log_p[0]) == pytest.approx(share, abs=0.015)
        assert np.exp(log_p[1:]).sum() * 0.02 == pytest.approx(1 - np.exp(log_p[0]), abs=0.01)


@pytest.mark.parametrize("sentinel", [-999.0, -1.0])
def test_sentinels_next_to_rounded_values(sentinel):
    rng = np.random.default_rng(0)
    pt = np.round(20 + rng.exponential(20, N))
    y = pd.DataFrame({"pt": np.where(rng.random(N) < 0.17, sentinel, pt).astype(np.int64)})
    model = FlowGenerator(**SMALL | {"max_epochs": 2}).fit(y).set_output(transform="pandas")
    drawn = model.sample(N, random_state=1)["pt"]
    assert drawn.dtype == np.int64
    assert np.mean(drawn == sentinel) == pytest.approx(0.17, abs=0.03)
    assert drawn[drawn != sentinel].min() >= 20


def test_one_more_count_than_in_the_fit_is_probable():
    """Numbers of b jets: 4,000 events have few different ones, but a larger one is possible."""
    n_b = np.random.default_rng(0).poisson(0.1, N)[:, None]
    model = FlowGenerator(**SMALL | {"max_epochs": 3}).fit(n_b)
    p = np.exp(model.score_samples(np.arange(n_b.max() + 20.0)[:, None]))
    assert p[n_b.max() + 1] > 0
    assert p.sum() == pytest.approx(1, abs=0.04)  # nine of ten events are in the lowest cell
    drawn = model.sample(N, random_state=1)
    assert np.mean(drawn == 0) == pytest.approx(np.mean(n_b == 0), abs=0.03)
    assert np.mean(drawn == 0) == pytest.approx(p[0], abs=0.04)


def test_scores_of_events(simulator):
    X, y = events(500, seed=2)
    log_p = simulator.score_samples(X, y)
    assert np.isfinite(log_p).all()
    assert_array_equal(simulator.score_samples(X, y), log_p)
    broken = y.assign(jet_eta=np.where(y["jet_pt"] == 0, 0.5, y["jet_eta"]))
    assert_array_equal(np.isneginf(simulator.score_samples(X, broken)), y["jet_pt"] == 0)
    negative = y.assign(jet_pt=-5.0)
    assert np.isneginf(simulator.score_samples(X, negative)).all()


def test_columns_with_atoms_are_no_response():
    """A pT that is measured to a few percent, or is zero: the zeros must not become residuals."""
    rng = np.random.default_rng(0)
    X = 20 + rng.exponential(40, (N, 1))
    y = X * rng.normal(1, 0.05, (N, 1))
    assert FlowSimulator(**SMALL | {"max_epochs": 1}).fit(X, y).response_.encoded_.all()
    y[rng.random(N) < 0.05] = 0.0
    model = FlowSimulator(**SMALL).fit(X, y)
    assert not model.response_.encoded_.any()
    drawn = model.sample(X, random_state=1)
    assert np.mean(drawn == 0) == pytest.approx(0.05, abs=0.02)
    assert drawn.min() == 0
    assert np.median(np.abs(drawn[drawn > 0] / X[drawn > 0] - 1)) < 0.1


def test_there_and_back_through_the_latent_space():
    _, y = events()
    model = FlowGenerator(**SMALL | {"max_epochs": 1}).fit(y)
    latent = model.transform(y)
    assert_array_equal(model.transform(y), latent)
    assert latent.shape == y.shape
    back = model.inverse_transform(latent)
    assert_allclose(back, y, atol=0.01)
    assert_array_equal(back[:, 0] == 0, y["jet_pt"] == 0)


def test_model_files_keep_atoms(simulator, tmp_path):
    skjetsim.save(simulator, tmp_path / "model")
    again, (X, y) = skjetsim.load(tmp_path / "model"), events(300, seed=3)
    assert_array_equal(again.sample(X, random_state=2), simulator.sample(X, random_state=2))
    assert_allclose(again.score_samples(X, y), simulator.score_samples(X, y))


def test_weights_change_shares():
    _, y = events()
    weight = np.where(y["jet_pt"] == 0, 0.25, 1.0)
    drawn = FlowGenerator(**SMALL).fit(y, sample_weight=weight).sample(N, random_state=0)
    share = np.average(y["jet_pt"] == 0, weights=weight)
    assert np.mean(drawn[:, 0] == 0) == pytest.approx(share, abs=0.04)


def test_streams_with_new_values_are_refused():
    _, y = events(1000)
    model = FlowGenerator(**SMALL).partial_fit(y).partial_fit(y)
    with pytest.raises(ValueError, match=r"'jet_eta' is 0\.5 in row 3"):
        model.partial_fit(y.assign(jet_pt=0.0, jet_phi=0.0, jet_eta=np.where(y.index == 3, 0.5, 0)))
    with pytest.raises(ValueError, match=r"'isolation' is 0\.3 in row 0"):
        model.partial_fit(y.assign(isolation=0.3))
    assert len(model.history_) == 2


def test_both_sides_of_an_unfolder_may_have_atoms():
    _, y = events(2000)
    X = y[["jet_pt", "met_px"]].rename(columns={"jet_pt": "parton_pt", "met_px": "nu_px"})
    model = InvertibleUnfolder(**SMALL, n_noise=2).fit(X, y)
    drawn = model.sample_inverse(y, random_state=0)
    assert np.mean(drawn[:, 0] == 0) == pytest.approx((X["parton_pt"] == 0).mean(), abs=0.05)
    assert drawn[:, 0].min() == 0
    assert np.mean((drawn[:, 0] == 0) == (y["jet_pt"] == 0)) > 0.9
    draws = model.sample_inverse(y[:2], n_samples=500, random_state=0)
    assert len(np.unique(draws[0, :, 1])) == 500
