"""The two W + jet models: the coordinates they learn in."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import cross_val_score

import skjetsim
from skjetsim.datasets import load_wjet
from skjetsim.metrics import get_scorer
from skjetsim.response import QuantileSimulator, make_wjet_pipeline, make_wjet_quantile

FAST = {"hidden_features": (32,), "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def events():
    X, y = load_wjet(return_X_y=True)
    return X[:3000], y[:3000]


@pytest.mark.parametrize(
    "model",
    [make_wjet_quantile(**FAST), make_wjet_pipeline(QuantileSimulator(n_quantiles=5, **FAST))],
    ids=["published", "wjet"],
)
def test_events_come_back_as_they_went_in(model, events):
    X, y = events
    model.fit(X, y).set_output(transform="pandas")
    drawn = skjetsim.sample(model, X, random_state=0)
    assert list(drawn.columns) == list(y.columns)
    assert (drawn.jet_mass > 0).all()
    # A detector changes an event little, so that drawn events are close to it.
    assert np.corrcoef(drawn.jet_px, X.jet_px)[0, 1] > 0.8
    assert np.corrcoef(drawn.muon_pz, X.muon_pz)[0, 1] > 0.95


def moved(table, angle, along, across):
    """Events reflected along the beam and in y, and then rotated."""
    out = table.copy()
    for obj in ("muon", "jet", "met"):
        vector = table[f"{obj}_px"] + (-1j if across else 1j) * table[f"{obj}_py"]
        vector = vector.to_numpy() * np.exp(1j * angle)
        out[f"{obj}_px"], out[f"{obj}_py"] = vector.real, vector.imag
    return out.assign(**{name: along * table[name] for name in ("muon_pz", "jet_pz")})


@pytest.mark.parametrize("met_reference", ["muon", "jet"])
@pytest.mark.parametrize(
    "move", [(2.0, 1, False), (0.0, -1, False), (0.0, 1, True), (-1.0, -1, True)]
)
def test_it_has_the_symmetries_of_the_detector(met_reference, move, events, fitted_wjet):
    X, y = (side[:500] for side in events)
    model = fitted_wjet(met_reference)
    drawn = moved(skjetsim.sample(model, X, random_state=1), *move)
    again = skjetsim.sample(model, moved(X, *move), random_state=1)
    # The network computes in single precision, so that rotated events differ by a rounding.
    assert_allclose(again, drawn, rtol=1e-4, atol=1e-3)
    assert_allclose(
        skjetsim.log_prob(model, moved(X, *move), moved(y, *move)),
        skjetsim.log_prob(model, X, y),
        atol=1e-2,
    )


@pytest.fixture(scope="module")
def fitted_wjet(events):
    @cache
    def fit(met_reference):
        simulator = QuantileSimulator(n_quantiles=5, **FAST | {"max_epochs": 1})
        model = make_wjet_pipeline(simulator, met_reference=met_reference)
        return model.fit(*events).set_output(transform="pandas")

    return fit


def test_missing_momentum_is_given_along_the_jet(fitted_wjet, events):
    X, _ = events
    inside = fitted_wjet("jet")[-1].simulator_
    phi = np.arctan2(X["jet_py"], X["jet_px"])
    along = X["met_px"] * np.cos(phi) + X["met_py"] * np.sin(phi)
    turned, _ = fitted_wjet("jet")[-1]._turned(fitted_wjet("jet")[:-1].transform(X).to_numpy())
    assert_allclose(inside[0].transform(turned)["met_px"], along, atol=1e-9)


def test_the_published_network_computes_the_published_features(events):
    model = make_wjet_quantile(**FAST).fit(*events)
    names = model[-1].simulator_.features_.get_feature_names_out()
    assert len(names) == 9 + 11  # of eleven that the talk lists
    assert {"muon_pt", "jet_mass", "met_pt", "muon_met_mt", "muon_jet_met_st"} <= set(names)


def test_only_the_jet_mass_changes_its_coordinate(events):
    """The published target is learnt in GeV: X stays as it is, except for the mass."""
    X, y = events
    model = make_wjet_quantile(**FAST).fit(X, y)
    seen = model[:-1].transform(X)
    assert [name for name in X if name not in list(seen)] == ["jet_mass"]
    assert_allclose(seen["jet_log_mass"], np.log(X.jet_mass))


def test_it_is_cross_validated_and_scored(events):
    X, y = events
    model = make_wjet_pipeline(QuantileSimulator(n_quantiles=5, **FAST))
    scores = cross_val_score(
        model, X, y, cv=2, scoring=get_scorer("neg_wasserstein_distance"), error_score="raise"
    )
    assert (scores < 0).all()
    assert np.isfinite(scores).all()
