from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from metrics_toys import smear
from numpy.testing import assert_allclose

from skjetsim.metrics import residual_wasserstein, wasserstein_distance
from skjetsim.utils._weighted import weighted_quantile


@pytest.fixture
def wide(smeared):
    """Theory level with a column more than detector level."""
    X, y = smeared
    return X.assign(beam=1.0), y


def test_identity_and_shuffle_fail_where_a_second_detector_pass_does_not(wide):
    X, y = wide
    columns = list(y.columns)
    again = smear(X[columns], 3)
    shuffled = again.sample(frac=1, random_state=0).reset_index(drop=True)
    # All three pass a marginal test,
    for generated in (again, shuffled, X[columns]):
        assert wasserstein_distance(y, generated, scale="std", multioutput="max") < 0.1
    # only the honest one that of residuals.
    floor = residual_wasserstein(y, again, X=X, by="jet_pt")
    assert floor.shape == (4, 2)
    assert list(floor.columns) == columns
    assert floor.index.name == "jet_pt"
    assert floor.to_numpy().max() < 0.2
    assert residual_wasserstein(y, X[columns], X=X, by="jet_pt").to_numpy().min() > 0.6
    assert residual_wasserstein(y, shuffled, X=X, by="jet_pt").to_numpy().min() > 1


def test_shift_in_units_and_arrays(smeared):
    X, y = (table.to_numpy() for table in smeared)
    by, shift = np.arange(len(X)), np.array([0.3, 0.0])
    table = residual_wasserstein(y, y + shift, X=X, by=by, bins=[0, 1000, 2000], scale=None)
    assert_allclose(table, [[0.3, 0.0]] * 2, atol=1e-12)
    in_std = residual_wasserstein(y, y + shift, X=X, by=0, bins=1)
    assert_allclose(in_std, [[0.3 / np.std((y - X)[:, 0]), 0.0]], atol=1e-12)


def test_phi_is_periodic():
    X = pd.DataFrame({"muon_phi": [3.1, -3.1, 0.0, 0.1]})
    y = pd.DataFrame({"muon_phi": [-3.1, 3.1, 0.1, 0.2]})
    moved = y - 0.01
    distance = residual_wasserstein(y, moved, X=X, by="muon_phi", bins=1, scale=None)
    assert distance.iloc[0, 0] == pytest.approx(0.01)
    turned = y + 2 * np.pi
    assert residual_wasserstein(y, turned, X=X, by=0, bins=1, scale=None).iloc[0, 0] < 1e-12
    options = {"by": 0, "bins": 1, "scale": None}
    straight = residual_wasserstein(y, turned, X=X, angles=[], **options)
    assert straight.iloc[0, 0] == pytest.approx(2 * np.pi)
    arrays = residual_wasserstein(
        y.to_numpy(), turned.to_numpy(), X=X.to_numpy(), angles=[0], **options
    )
    assert_allclose(arrays, 0, atol=1e-12)


def test_weights_belong_to_both_versions_of_an_event(smeared):
    X, y = smeared
    w = np.random.default_rng(0).uniform(size=len(X))
    keep = w > 0.5
    weight = keep.astype(float)
    again = smear(X, 3)
    options = {"bins": [-2.0, 0.0, 2.0], "by": "jet_eta"}
    weighted = residual_wasserstein(y, again, X=X, sample_weight=weight, **options)
    cut = residual_wasserstein(y[keep], again[keep], X=X[keep], **options)
    assert_allclose(weighted, cut, atol=1e-12)


def test_discrete_and_constant_binning(smeared):
    X, y = smeared
    flavour = np.where(np.arange(len(X)) < 100, 1.0, 0.0)
    assert len(residual_wasserstein(y, y, X=X, by=flavour)) >= 1
    assert len(residual_wasserstein(y, y, X=X, by=np.ones(len(X)))) == 1


@pytest.mark.parametrize("unit", [1e-7, 1.0, 1234.5])
@pytest.mark.parametrize("bins", [1, 4, 30])
def test_edges_are_short_and_have_the_events_of_the_quantiles(wide, unit, bins):
    X, y = wide
    values = unit * X["jet_pt"].to_numpy()
    table = residual_wasserstein(y, smear(X[list(y)], 3), X=X, by=values, bins=bins)
    edges = np.append(table.index.left, table.index.right[-1])
    exact = weighted_quantile(values, np.linspace(0, 1, bins + 1))
    exact[0], exact[-1] = values.min(), values.max()
    assert edges[0] <= exact[0]
    assert edges[-1] >= exact[-1]
    inner = np.searchsorted(edges[1:-1], values, side="right")
    np.testing.assert_array_equal(inner, np.searchsorted(exact[1:-1], values, side="right"))
    assert max(len(Decimal(repr(float(edge))).as_tuple().digits) for edge in edges) <= 8
    expected = residual_wasserstein(y, smear(X[list(y)], 3), X=X, by=values, bins=exact)
    assert_allclose(table, expected, rtol=1e-12)


def test_bad_input_is_named(wide):
    X, y = wide
    options = {"X": X, "by": "jet_pt"}
    with pytest.raises(ValueError, match="truth has column 'extra', which X lacks"):
        residual_wasserstein(y.assign(extra=1.0), y.assign(extra=1.0), **options)
    with pytest.raises(ValueError, match="the widths must agree"):
        residual_wasserstein(y.to_numpy(), y.to_numpy(), X=X.to_numpy(), by=0)
    with pytest.raises(ValueError, match="row i of all three"):
        residual_wasserstein(y, y.iloc[:-1], **options)
    with pytest.raises(ValueError, match="by: X has no column 'pt'"):
        residual_wasserstein(y, y, X=X, by="pt")
    with pytest.raises(ValueError, match=r"by: X has .*, so there is no column 7"):
        residual_wasserstein(y, y, X=X, by=7)
    with pytest.raises(ValueError, match="one value per event"):
        residual_wasserstein(y, y, X=X, by=np.ones(3))
    with pytest.raises(ValueError, match=r"no event has jet_pt in bin \[1000, 2000\)"):
        residual_wasserstein(y, y, **options, bins=[0, 1000, 2000])
    with pytest.raises(ValueError, match="bin edges of jet_pt must increase"):
        residual_wasserstein(y, y, **options, bins=[1, 0])
    with pytest.raises(ValueError, match="angles: truth has no column 'phi'"):
        residual_wasserstein(y, y, **options, angles=["phi"])
    with pytest.raises(ValueError, match="negative in row 0"):
        residual_wasserstein(y, y, **options, sample_weight=-np.ones(len(y)))
