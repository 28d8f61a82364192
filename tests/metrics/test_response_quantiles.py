import numpy as np
import pandas as pd
import pytest
from metrics_toys import smear
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from skjetsim.metrics import (
    metric_floor,
    residual_wasserstein,
    response_difference,
    response_quantiles,
)


def muons(n, seed, width=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"muon_pt": rng.uniform(20, 100, n), "muon_phi": rng.uniform(-3.14, 3.14, n)})
    move = rng.normal(size=(n, 2)) * [2.0, 0.01] * width + np.array([2.0, 0.01]) * shift
    return X, X + move


def test_quantities_of_gaussian_responses():
    X, truth = muons(40_000, 0)
    generated = X + (muons(40_000, 1, width=1.5, shift=0.4)[1] - muons(40_000, 1)[0])
    table = response_quantiles(truth, generated, X=X)
    assert list(table.columns) == ["truth", "generated", "difference", "error"]
    for name, unit in (("muon_pt", 2.0), ("muon_phi", 0.01)):
        part = table.loc[name] / unit
        assert_allclose(part["truth"][:3], [0, 1, norm.ppf(0.975)], atol=0.03)
        assert_allclose(part["generated"][:3], [0.4, 1.5, 1.5 * norm.ppf(0.975)], atol=0.05)
        assert_allclose(part["difference"], part["generated"] - part["truth"])
    far = table.xs("beyond_5", level="quantity")
    assert (far["truth"] == 0).all()
    same = response_quantiles(truth, truth, X=X).xs("beyond_5", level="quantity")
    assert_allclose(same["error"], 1 / len(X))  # one event
    expected = norm.sf((5 - 0.4) / 1.5) + norm.sf((5 + 0.4) / 1.5)
    assert_allclose(far["generated"], expected, rtol=0.35)
    difference = response_difference(truth, generated, X=X)
    assert_allclose(difference, np.mean([0.4, 0.5, 0.5 * norm.ppf(0.975)]), atol=0.04)


def test_one_event_decides_a_distance_but_no_quantile():
    X, truth = muons(7500, 0)
    generated = X + (muons(7500, 1)[1] - muons(7500, 1)[0])
    far = generated.copy()
    far.loc[7, "muon_phi"] = X.loc[7, "muon_phi"] + 2.0  # 200 standard deviations
    far.loc[7, "muon_pt"] = 4000.0
    options = {"X": X, "by": np.zeros(len(X)), "bins": 1, "return_largest": True}
    (before, little), (after, largest) = (
        residual_wasserstein(truth, y, **options) for y in (generated, far)
    )
    assert (after > before + 0.02).all(axis=None)
    assert (little < 0.2 * before).all(axis=None)
    assert_allclose(after - largest, before, atol=0.004)  # without it, what it was
    assert_allclose(largest["muon_pt"], 4000 / 7500 / 2.0, rtol=0.05)
    same, other = (response_difference(truth, y, X=X) for y in (generated, far))
    assert_allclose(other, same, atol=0.002)


@pytest.mark.parametrize("weighted", [False, True])
def test_largest_part_of_angles_crosses_the_seam(weighted):
    X = pd.DataFrame({"jet_phi": np.zeros(100)})
    truth = pd.DataFrame({"jet_phi": np.r_[np.linspace(-3, 3, 99), 3.1]})
    generated = truth.copy()
    generated.iloc[-1] = -3.1
    weight = np.ones(100) if weighted else None
    _, largest = residual_wasserstein(
        truth,
        generated,
        X=X,
        by=np.zeros(100),
        scale=None,
        return_largest=True,
        sample_weight=weight,
    )
    assert largest.to_numpy().item() < (2 * np.pi - 6.2 + 1e-9) / 100


def test_errors_cover_the_truth():
    weight = np.random.default_rng(1).uniform(0.2, 2.0, size=1000)
    pulls = []
    for seed in range(80):
        X, truth = muons(1000, seed)
        again = X + (muons(1000, 1000 + seed)[1] - muons(1000, 1000 + seed)[0])
        table = response_quantiles(truth, again, X=X, sample_weight=weight)
        pulls.append((table["difference"] / table["error"]).to_numpy())
    for k in (0, 1, 2):
        assert_allclose(np.std(pulls, axis=0)[k::4], 1.0, atol=0.3)
    # True and generated response of an event are a pair: a common part has no error.
    table = response_quantiles(truth, truth.add([1.0, 0.002]), X=X)
    bias = table.xs("bias", level="quantity")
    assert_allclose(bias["difference"], [1.0, 0.002])
    assert (bias["error"] < 1e-9).all()


def test_weights_act_as_repeated_events():
    X, truth = muons(500, 0)
    generated = X + (muons(500, 1)[1] - muons(500, 1)[0])
    repeats = np.arange(500) % 3 + 1
    rows = np.repeat(np.arange(500), repeats)
    weighted = response_quantiles(truth, generated, X=X, sample_weight=repeats)
    repeated = response_quantiles(
        *(t.iloc[rows].reset_index(drop=True) for t in (truth, generated)),
        X=X.iloc[rows].reset_index(drop=True),
    )
    columns = ["truth", "generated"]
    assert_allclose(weighted[columns], repeated[columns], atol=0.02)


def test_bins_arrays_and_angles(smeared):
    X, y = smeared
    generated = smear(X, 7)
    table = response_quantiles(y, generated, X=X, by="jet_pt", bins=3)
    assert table.index.names == ["jet_pt", "column", "quantity"]
    assert len(table) == 3 * 2 * 4
    values = response_difference(y, generated, X=X, by="jet_pt", bins=3)
    assert values.shape == (3, 2)
    assert values.index.name == "jet_pt"
    arrays = [t.to_numpy() for t in (y, generated, X)]
    assert_array_equal(
        response_difference(*arrays[:2], X=arrays[2], by=0, bins=3), values.to_numpy()
    )
    plain = response_quantiles(*arrays[:2], X=arrays[2])
    assert_array_equal(plain.loc[1], response_quantiles(y, generated, X=X).loc["jet_eta"])
    assert response_difference(y, generated, X=X, multioutput="max") == max(
        response_difference(y, generated, X=X)
    )
    # A response about pi: its median is not the middle of the line.
    far = pd.DataFrame({"jet_phi": np.zeros(1000)})
    around = pd.DataFrame({"jet_phi": np.pi + 0.1 * norm.ppf((np.arange(1000) + 0.5) / 1000)})
    part = response_quantiles(around, around, X=far).loc["jet_phi"]["truth"]
    assert_allclose(np.abs(part["bias"]), np.pi, atol=1e-3)
    assert_allclose(part["half_width_68"], 0.1, rtol=0.01)
    lines = response_quantiles(around, around, X=far, angles=[]).loc["jet_phi"]["truth"]
    assert_allclose(lines["bias"], np.pi, atol=1e-3)


def test_response_without_width():
    X = pd.DataFrame({"n": np.arange(100.0)})
    assert response_difference(X, X, X=X) == [0.0]
    assert response_difference(X, X + 2.0, X=X) == [2.0 / 3]
    wide = X + np.r_[np.zeros(90), np.full(10, 8.0)][:, None]
    assert response_difference(wide, X, X=X) == pytest.approx([1 / 3])


def test_floor_of_response_difference(smeared):
    X, y = smeared
    floor = metric_floor(
        response_difference, y, replica=smear(X, 3), X=X, n_repeats=40, random_state=0
    )
    assert floor.samples.shape == (40, 2)
    assert floor.at_floor(response_difference(y, smear(X, 5), X=X))
    assert not floor.at_floor(response_difference(y, X + 1.2 * (smear(X, 5) - X), X=X))


def test_bad_input(smeared):
    X, y = smeared
    with pytest.raises(ValueError, match="which X lacks"):
        response_quantiles(y, y, X=X[["jet_pt"]])
    with pytest.raises(ValueError, match="multioutput"):
        response_difference(y, y, X=X, multioutput="rms")
    with pytest.raises(ValueError, match="indices differ from row 0"):
        response_quantiles(y, y.iloc[::-1], X=X)
