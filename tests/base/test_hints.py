"""Warnings of a fit: units that differ between X and y, and angles that are not read as angles."""

import numpy as np
import pandas as pd
import pytest

from skjetsim.base import BaseGenerator, BaseSimulator, check_pairs, check_sample
from skjetsim.compose import EnsembleSimulator, ResidualTransformer, TransformedSimulator
from skjetsim.datasets import load_wjet, load_zee
from skjetsim.flows import FlowSimulator

RNG = np.random.default_rng(0)
PT = 20 + RNG.exponential(30, 1000)
X = pd.DataFrame({"jet_pt": PT, "jet_eta": RNG.normal(0, 1, 1000), "jet_log_pt": np.log(PT)})
Y = X + RNG.normal(0, 0.1, X.shape)
SMALL = {"n_transforms": 1, "max_epochs": 1, "random_state": 0}


class Simulator(BaseSimulator):
    def fit(self, X, y):
        check_pairs(self, X, y, reset=True)
        return self


class Generator(BaseGenerator):
    def fit(self, X, y=None):
        check_sample(self, X, reset=True)
        return self


@pytest.mark.parametrize("factor", [700, 1000, 1300])
def test_mev_beside_gev(factor):
    mev = X.assign(jet_pt=factor * X["jet_pt"])
    message = r"{} are about 1,000 times those in {}, in columns of the same name: 'jet_pt'\. Give"
    with pytest.warns(UserWarning, match=message.format("X", "y")) as found:
        Simulator().fit(mev, Y)
    assert len(found) == 1
    assert found[0].filename == __file__
    with pytest.warns(UserWarning, match=message.format("y", "X")):
        Simulator().fit(Y, mev)
    logarithm = X.assign(jet_log_pt=X["jet_log_pt"] + np.log(factor))
    with pytest.warns(UserWarning, match="'jet_log_pt'"):
        Simulator().fit(logarithm, Y)


def test_other_differences_are_not_units():
    for factor in (1, 10, 100, 1e4, 1e6, -1):
        Simulator().fit(X.assign(jet_pt=factor * X["jet_pt"]), Y)
    Simulator().fit(X.assign(jet_eta=1000 * X["jet_eta"]), Y)  # has no unit
    Simulator().fit(X.assign(jet_pt=0.0), Y)
    renamed = (1000 * Y[["jet_pt"]]).rename(columns={"jet_pt": "jet_energy"})
    Simulator().fit(X, renamed)
    Simulator().fit(X[:9] * [1000, 1, 1], Y[:9])  # too few
    Simulator().fit(X.to_numpy() * [1000, 1, 1], Y.to_numpy())  # without names


@pytest.mark.parametrize("load", [load_wjet, load_zee])
def test_bundled_events_give_no_hint(load):
    Simulator().fit(*load(return_X_y=True))


def test_composed_models_warn_once():
    mev = X.assign(jet_pt=1000 * X["jet_pt"])
    columns = ["jet_pt", "jet_eta"]
    ensemble = EnsembleSimulator(FlowSimulator(**SMALL), n_estimators=2, random_state=0)
    with pytest.warns(UserWarning, match="1,000 times") as found:
        ensemble.fit(mev[columns], Y[columns])
    assert len(found) == 1
    # Residuals are a thousandth of the momentum, in the same unit.
    narrow = X[["jet_pt"]] * (1 + RNG.normal(0, 0.001, (1000, 1)))
    model = TransformedSimulator(FlowSimulator(**SMALL), [ResidualTransformer(keep_truth=True)])
    model.fit(X[["jet_pt"]], narrow)


AZIMUTH = RNG.uniform(-np.pi, np.pi, 1000)


def test_an_azimuth_under_another_name():
    x = X.assign(direction=AZIMUTH)
    for model, tables in [(Simulator(), (x, Y)), (Generator(), (x,))]:
        with pytest.warns(UserWarning, match=r"X has columns that look like azimuths.*'direction'"):
            model.fit(*tables)
    with pytest.warns(UserWarning, match=r"y has columns that look like azimuths.*'direction'"):
        Simulator().fit(X, x)
    with pytest.warns(UserWarning, match=r"say so: 3\."):
        Simulator().fit(x.to_numpy(), Y)
    Simulator().fit(x.rename(columns={"direction": "jetPhi"}), Y)


def test_users_who_have_decided_get_no_hint():
    y = pd.DataFrame({"direction": AZIMUTH, "jet_pt": PT})
    with pytest.warns(UserWarning, match="look like azimuths"):
        FlowSimulator(**SMALL).fit(X, y)
    for bijection in ({"direction": "circular"}, {"direction": "rqs"}):
        flow = FlowSimulator(bijection=bijection, **SMALL)
        flow.fit(X, y)
        EnsembleSimulator(flow, n_estimators=2).fit(X, y)
    FlowSimulator(bijection="circular", **SMALL).fit(X, y[["direction"]])


def test_scaled_angles():
    x = X.assign(jet_phi=(AZIMUTH - AZIMUTH.mean()) / AZIMUTH.std())
    with pytest.warns(
        UserWarning, match="X has angles that look as if they were scaled: 'jet_phi'"
    ):
        Simulator().fit(x, Y)
    with pytest.warns(UserWarning, match="y has angles that look as if they were scaled"):
        Simulator().fit(X, x)
