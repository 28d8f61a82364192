"""Mismeasured events are drawn at their rate, with all columns together, and do no harm."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skjetsim
from skjetsim._encoders import _far_events
from skjetsim.flows import (
    FlowGenerator,
    FlowMatchingGenerator,
    FlowMatchingSimulator,
    FlowSimulator,
)

TINY = {"hidden_features": (16,), "random_state": 0, "device": "cpu"}
SHORT = TINY | {"n_transforms": 2, "max_epochs": 3}
WIDTHS = np.array([0.02, 0.001, 0.002])
N_ROWS, N_WRONG = 6000, 24


def muons(n_rows=N_ROWS, n_wrong=N_WRONG, seed=0):
    """Residuals of (log pT, eta, phi). In the first rows the muon is that of another event."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.exponential(0.4, n_rows) + 3, rng.uniform(-2.4, 2.4, n_rows)])
    y = rng.normal(size=(n_rows, 3)) * WIDTHS
    y[:n_wrong, :2] = X[rng.integers(n_rows, size=n_wrong)] - X[:n_wrong]
    y[:n_wrong, 2] = rng.uniform(-np.pi, np.pi, n_wrong)
    names = ["muon_log_pt", "muon_eta", "muon_phi_residual"]
    return pd.DataFrame(X, columns=names[:2]), pd.DataFrame(y, columns=names)


@pytest.fixture(scope="module")
def pairs():
    return muons()


@pytest.fixture(scope="module")
def flow(pairs):
    return FlowSimulator(**SHORT).fit(*pairs)


def far(y):
    return np.abs(np.asarray(y)) > 20 * WIDTHS


def test_rate_and_columns_together(flow, pairs):
    """The flow alone drew the columns one at a time: eta and phi were never far together."""
    X, y = pairs
    drawn = flow.sample(X, n_samples=20, random_state=1).reshape(-1, 3)
    true, found = far(y), far(drawn)
    error = np.sqrt(1 / true.sum(axis=0) + 1 / found.sum(axis=0))
    assert_allclose(found.mean(axis=0) / true.mean(axis=0), 1, atol=3 * error.max())
    together = (found[:, 1] & found[:, 2]).sum() / found[:, 1].sum()
    assert together > 0.9
    momentum = (found[:, 0] & found[:, 1]).sum() / found[:, 1].sum()
    assert_allclose(momentum, true[:, 0].sum() / true[:, 1].sum(), atol=0.25)


def test_core_is_that_of_a_fit_without_them(flow, pairs):
    X, y = (side[N_WRONG:].reset_index(drop=True) for side in pairs)
    clean = FlowSimulator(**SHORT).fit(X, y)
    assert clean.outliers_ is None
    assert_array_equal(flow.encoder_.maps_["std"], clean.encoder_.maps_["std"])
    same = flow.score_samples(X, y) - clean.score_samples(X, y)
    assert np.median(np.abs(same)) < 0.2


def test_a_fit_without_mismeasured_events_is_bitwise_unchanged(pairs, monkeypatch):
    X, y = (side[N_WRONG:].reset_index(drop=True) for side in pairs)
    one = FlowSimulator(**SHORT).fit(X, y).sample(X, random_state=1)
    monkeypatch.setattr(_far_events, "MOST_FAR", 0.0)
    other = FlowSimulator(**SHORT).fit(X, y).sample(X, random_state=1)
    assert_array_equal(one, other)


def test_density_is_that_of_the_draws(flow, pairs):
    """Mismeasured events that were not in the fit are probable, at their rate."""
    X, y = muons(seed=1)
    log_p = flow.score_samples(X, y)
    assert np.isfinite(log_p).all()
    wrong = log_p[:N_WRONG]
    assert np.median(wrong) > -14
    # A flow alone, for which they are thousands of standard deviations away.
    assert np.median(wrong) > np.median(log_p) - 30
    drawn = flow.sample(X, random_state=1)
    assert_allclose(
        np.median(flow.score_samples(X, drawn)[far(drawn).any(axis=1)]), np.median(wrong), atol=4
    )


def test_seeds_workers_and_neighbours(flow, pairs):
    X, _ = pairs
    drawn = flow.sample(X, random_state=3)
    assert far(drawn).any()
    assert_array_equal(drawn, flow.sample(X, random_state=3))
    flow.set_params(n_jobs=2)
    try:
        assert_array_equal(drawn, flow.sample(X, random_state=3))
    finally:
        flow.set_params(n_jobs=None)
    short = flow.sample(X[:5000], random_state=3)
    assert_allclose(short, drawn[:5000], rtol=1e-4, atol=1e-6)


def test_model_files_keep_them(flow, pairs, tmp_path):
    X, y = pairs
    skjetsim.save(flow, tmp_path / "flow.skjetsim")
    again = skjetsim.load(tmp_path / "flow.skjetsim")
    assert_array_equal(again.sample(X, random_state=3), flow.sample(X, random_state=3))
    assert_array_equal(again.score_samples(X, y), flow.score_samples(X, y))


def test_weights_are_their_rate(pairs):
    X, y = pairs
    weight = np.where(np.arange(N_ROWS) < N_WRONG, 5.0, 1.0)
    flow = FlowSimulator(**SHORT).fit(X, y, sample_weight=weight)
    drawn = flow.sample(X, n_samples=5, random_state=1)
    rate = far(drawn).any(axis=-1).mean()
    expected = 5 * N_WRONG / weight.sum()
    assert_allclose(rate, expected, rtol=0.15)


def test_a_stream_adds_to_them(pairs):
    X, y = pairs
    flow = FlowSimulator(**SHORT).partial_fit(X, y)
    flow.partial_fit(*muons(seed=1))
    assert len(flow.outliers_.density_.weight_) == 2 * N_WRONG
    # A batch without them halves their rate.
    X, y = muons(seed=2)
    flow.partial_fit(X[N_WRONG:], y[N_WRONG:])
    drawn = flow.sample(X, n_samples=5, random_state=1)
    assert_allclose(far(drawn).any(axis=-1).mean(), 2 / 3 * N_WRONG / N_ROWS, rtol=0.3)


def test_a_tail_on_one_side_stays_there(pairs):
    X, y = (side[N_WRONG:].reset_index(drop=True) for side in pairs)
    y = y.copy()
    y.iloc[:5, 0] -= [2.0, 3.0, 3.5, 5.0, 6.0]
    drawn = FlowSimulator(**SHORT).fit(X, y).sample(X, n_samples=20, random_state=1)
    assert drawn[..., 0].max() < 0.2
    assert drawn[..., 0].min() > -1.51 * 6
    assert 30 < (drawn[..., 0] < -1).sum() < 200  # 5 * 20 expected


def test_an_event_whose_x_is_far_belongs_to_the_core(pairs):
    """X of a jet without a mass: its response is not that of other jets."""
    X, y = (side[N_WRONG:].reset_index(drop=True) for side in pairs)
    X, y = X.copy(), y.copy()
    X.iloc[:5, 0] -= 20
    y.iloc[:5, 0] += 20
    assert FlowSimulator(**SHORT).fit(X, y).outliers_ is None


def test_a_column_that_only_they_vary_is_still_learnt(pairs):
    X, y = pairs
    y = y.assign(matched=np.where(np.arange(N_ROWS) < N_WRONG, 0.25, 0.75))
    flow = FlowSimulator(**SHORT).fit(X, y)
    assert flow.encoder_.varying_.all()
    assert flow.outliers_ is None


def test_raw_columns(pairs):
    """The same muons without residuals: a regression inside finds the narrow response."""
    X, y = pairs
    y = (y[["muon_log_pt", "muon_eta"]] + X).assign(phi=y["muon_phi_residual"])
    drawn = FlowSimulator(**SHORT).fit(X, y).sample(X, n_samples=20, random_state=1)
    found = np.abs(drawn[..., :2] - X.to_numpy()[:, None]) > 20 * WIDTHS[:2]
    assert_allclose(found[..., 1].mean(), N_WRONG / N_ROWS, rtol=0.35)
    together = (found[..., 0] & found[..., 1]).sum() / found[..., 1].sum()
    assert_allclose(together, far(pairs[1])[:N_WRONG, 0].mean(), atol=0.25)


def test_flow_matching(pairs):
    X, y = pairs
    model = FlowMatchingSimulator(**TINY, max_epochs=3, n_steps=2).fit(X, y)
    found = far(model.sample(X, n_samples=10, random_state=1))
    assert_allclose(found[..., 1].mean(), N_WRONG / N_ROWS, rtol=0.35)
    assert (found[..., 1] & found[..., 2]).sum() > 0.9 * found[..., 1].sum()


@pytest.mark.parametrize(
    "generator", [FlowGenerator(**SHORT), FlowMatchingGenerator(**TINY, max_epochs=2, n_steps=2)]
)
def test_generators(pairs, generator):
    _, y = pairs
    y = y.to_numpy()
    generator.fit(y)
    found = far(generator.sample(60_000, random_state=1))
    assert_allclose(found[:, 1].mean(), N_WRONG / N_ROWS, rtol=0.35)
    assert (found[:, 1] & found[:, 2]).sum() > 0.9 * found[:, 1].sum()
    assert np.isfinite(generator.score(y))


def test_integers_and_angles_go_along():
    """Columns that are never far are drawn with those that are."""
    X, y = muons()
    rng = np.random.default_rng(3)
    wrong = np.arange(N_ROWS) < N_WRONG
    y = y.assign(
        n_hits=np.where(wrong, 2, rng.integers(10, 15, N_ROWS)),
        met_phi=np.where(wrong, 3.1, rng.uniform(-1, 1, N_ROWS)),
    )
    flow = FlowSimulator(**SHORT, integer_columns=("n_hits",)).fit(X, y)
    drawn = flow.sample(X, n_samples=20, random_state=1).reshape(-1, 5)
    found = far(drawn[:, :3])[:, 1]
    assert np.median(drawn[found, 3]) <= 6
    assert np.median(drawn[~found, 3]) >= 11
    assert (np.abs(drawn[found, 4]) > 1.5).mean() > 0.9
    assert np.isfinite(flow.score_samples(X, y)).all()


def test_missing_values_are_not_mismeasured(pairs):
    """One muon in 200 has no isolation, which is written as -999."""
    X, y = pairs
    y = y.assign(isolation=np.random.default_rng(2).exponential(1, len(y)))
    y.loc[y.index % 200 == 100, "isolation"] = -999.0
    flow = FlowSimulator(**SHORT).fit(X, y)
    assert not np.isfinite(flow.outliers_.far_.cuts_[:, 3]).any()
    drawn = flow.sample(X, n_samples=5, random_state=1).reshape(-1, 4)
    missing = drawn[:, 3] == -999
    assert_allclose(missing.mean(), 1 / 200, rtol=0.4)
    assert (drawn[~missing, 3] > -1).all()
    assert far(drawn[:, :3])[:, 1].sum() > 0
    alone = FlowSimulator(**SHORT).fit(X[N_WRONG:], y[N_WRONG:])
    assert alone.outliers_ is None
