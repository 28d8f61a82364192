"""Models of Z -> ee and top pairs: the published parameters, and a short training of each."""

import numpy as np
import pandas as pd
import pytest
from _instances import FEW_EPOCHS
from numpy.testing import assert_allclose
from sklearn.base import clone

from skjetsim import sample, sample_inverse
from skjetsim._nn import TrainingWarning
from skjetsim.datasets import load_ttbar, load_zee
from skjetsim.transport import (
    OTUSSimulator,
    make_ttbar_otus,
    make_ttbar_unpaired,
    make_zee_otus,
    make_zee_unpaired,
)
from skjetsim.transport._top_pair import ELECTRON_PT, JET_PT

pytestmark = FEW_EPOCHS

SHORT = {"n_slices": 10, "batch_size": 500, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def zee():
    return tuple(side[:1500] for side in load_zee(return_X_y=True))


@pytest.fixture(scope="module")
def ttbar():
    X, y = (side[:1500].copy() for side in load_ttbar(return_X_y=True))
    for number in range(1, 5):
        momentum = y[[f"jet{number}_{component}" for component in ("px", "py", "pz")]]
        y[f"jet{number}_E"] = np.sqrt((momentum**2).sum(axis=1))
    return X, y


def masses(table, names):
    """Invariant mass of each object, in GeV; NaN if rounding makes its square negative."""
    found = {}
    for name in names:
        px, py, pz, energy = (table[f"{name}_{c}"].to_numpy() for c in ("px", "py", "pz", "E"))
        found[name] = energy**2 - px**2 - py**2 - pz**2
    return found


def test_few_epochs_are_worse_than_the_identity(zee):
    stages = [{"max_epochs": 1}]
    with pytest.warns(
        TrainingWarning, match=r"After 1 epoch the .* simulates are farther from y than"
    ):
        make_zee_otus(stages=stages, **SHORT).fit(*zee)
    with pytest.warns(TrainingWarning, match="unfolds are farther from X than those of y are"):
        make_zee_otus(stages=[{"max_epochs": 1, "train": "encoder"}], **SHORT).fit(*zee)
    unnamed = [side.to_numpy()[:, :2] for side in zee]
    with pytest.warns(TrainingWarning, match="farther from y"):
        OTUSSimulator(max_epochs=1, **SHORT).fit(*unnamed)
    weight = np.linspace(0, 1, len(zee[0]))
    with pytest.warns(TrainingWarning, match="farther from y"):
        make_zee_otus(stages=stages, **SHORT).fit(*zee, sample_weight=weight)


@pytest.mark.filterwarnings("error")
def test_maps_near_the_identity_do_not_warn(zee):
    make_zee_unpaired(max_epochs=1, **SHORT).fit(*zee)
    renamed = zee[1].rename(columns=lambda name: f"reco_{name}")
    parameters = {"masses": None, "anchors": None, "stages": None, "max_epochs": 1}
    make_zee_otus(**parameters, **SHORT).fit(zee[0], renamed)  # nothing to compare with


def test_published_z():
    model = make_zee_otus()
    assert isinstance(model, OTUSSimulator)
    assert (model.noise, model.n_noise) == ("conditional", 6)
    assert model.hidden_features == (128,)
    assert model.activation == "relu"
    assert model.scale == "standard"
    assert (model.p, model.n_slices, model.batch_size) == (2, 1000, 20_000)
    assert (model.data_weight, model.latent_weight, model.simulated_weight) == (1.0, 1.0, 0.0)
    assert (model.learning_rate, model.schedule) == (1e-3, "constant")
    assert [stage["max_epochs"] for stage in model.stages] == [80, 800]
    assert [stage["anchor_weight"] for stage in model.stages] == [50.0, 0.0]
    assert model.masses["electron"] == pytest.approx(0.511e-3)


def test_published_top_pairs():
    model = make_ttbar_otus()
    assert (model.noise, model.n_noise, model.residual) == ("standard", 18, True)
    assert (model.hidden_features, model.n_blocks) == ((64,), 1)
    assert (model.data_weight, model.latent_weight) == (1.0, 20.0)
    assert model.thresholds == {"jet1": 20.0, "jet2": 20.0, "jet3": 20.0, "jet4": 20.0}
    assert model.stages[-1]["train"] == "decoder"
    assert model.stages[-1]["simulated_weight"] == 1.0
    assert (model.stages[0]["max_epochs"], model.stages[-1]["max_epochs"]) == (1000, 10)


@pytest.mark.parametrize("make", [make_zee_otus, make_ttbar_otus])
def test_parameters_replace_published_ones(make):
    model = make(n_slices=7, p=1, verbose=1)
    assert (model.n_slices, model.p, model.verbose) == (7, 1, 1)
    assert clone(model).get_params() == model.get_params()
    assert make().get_params() != model.get_params()


def test_z_trains(zee):
    X, y = zee
    stages = [{"max_epochs": 2, "anchor_weight": 50.0}, {"max_epochs": 1}]
    model = make_zee_otus(stages=stages, **SHORT).set_output(transform="pandas").fit(X, y[:1200])
    for drawn in (model.sample(X), model.sample_inverse(y)):
        assert list(drawn.columns) == list(X.columns)
        for square in masses(drawn, ("electron", "positron")).values():
            assert_allclose(square, 0.0, atol=1e-6 * drawn["electron_E"].max() ** 2)


def test_top_pairs_train(ttbar):
    X, y = ttbar
    stages = [{"max_epochs": 1}, {"train": "decoder", "simulated_weight": 1.0, "max_epochs": 1}]
    model = make_ttbar_otus(stages=stages, **SHORT).set_output(transform="pandas").fit(X, y)
    drawn, back = model.sample(X), model.sample_inverse(y)
    assert list(drawn.columns) == list(y.columns)
    assert list(back.columns) == list(X.columns)
    assert_allclose(masses(back, ["b"])["b"], 4.7**2, rtol=1e-3)
    assert 0 < model.history_[0]["passing_rate"] < 1
    assert "passing_rate" not in model.history_[-1]


def test_the_better_model_of_z(zee):
    X, y = zee
    settings = {"max_epochs": 3, "hidden_features": (16, 16), "device": "cpu", "random_state": 0}
    model = make_zee_unpaired(**settings).set_output(transform="pandas").fit(X, y[:1200])
    drawn, back = sample(model, X, random_state=0), sample_inverse(model, y, random_state=0)
    assert list(drawn.columns) == list(y.columns)
    assert list(back.columns) == list(X.columns)
    assert_allclose(model.transform(X), drawn)
    # It starts at the identity, and steps are of the size of the resolution.
    ratio = np.hypot(drawn["electron_px"], drawn["electron_py"]) / np.hypot(
        X["electron_px"], X["electron_py"]
    )
    assert np.median(np.abs(ratio - 1)) < 0.05
    shift = np.arctan2(drawn["electron_py"], drawn["electron_px"]) - np.arctan2(
        X["electron_py"], X["electron_px"]
    )
    assert np.median(np.abs(shift)) < 0.01


def test_the_better_model_of_top_pairs():
    X, y = load_ttbar(return_X_y=True)
    settings = {"max_epochs": 2, "hidden_features": (16, 16), "device": "cpu", "random_state": 0}
    model = make_ttbar_unpaired(**settings).set_output(transform="pandas").fit(X, y[:5000])
    drawn, back = sample(model, X, random_state=0), sample_inverse(model, y, random_state=0)
    assert list(drawn.columns) == list(y.columns)
    assert list(back.columns) == list(X.columns)
    assert_allclose(model.transform(X), drawn)
    pt = np.array([np.hypot(drawn[f"jet{i}_px"], drawn[f"jet{i}_py"]) for i in range(1, 5)])
    assert (pt > 20.0).all()  # no event is below a threshold, by construction
    assert (np.diff(pt, axis=0) <= 1e-9).all()
    assert (masses(drawn, ["jet1"])["jet1"] > 0).all()
    assert (drawn["met_pz"] == 0).all()
    # It starts at the identity, and the electron is measured to per cent.
    ratio = np.hypot(drawn["electron_px"], drawn["electron_py"]) / np.hypot(
        X["electron_px"], X["electron_py"]
    )
    assert np.median(np.abs(ratio - 1)) < 0.05
    # The neutrino starts on the mass shell of the W.
    leptons = [
        sum(back[f"{name}_{c}"].to_numpy() for name in ("electron", "antineutrino"))
        for c in ("px", "py", "pz", "E")
    ]
    mass = np.sqrt(leptons[3] ** 2 - sum(p**2 for p in leptons[:3]))
    assert np.median(np.abs(mass - 80.4)) < 20.0


def test_thresholds_stretch_only_what_is_near_to_them(ttbar):
    """A step of five percent in pT is all that the bound of a jet changes."""
    bound = make_ttbar_unpaired()[-1].transformers[-1]
    jet = pd.DataFrame({name: [np.log(2 * ELECTRON_PT)] * 6 for name in bound.bounds})
    for name in bound.bounds:
        if name.endswith("_eta"):
            jet[name] = 0.0
    log_pt = np.log(JET_PT * np.array([1.02, 1.1, 1.25, 1.5, 2.0, 5.0]))
    jet["u_log_pt"] = jet["b_log_pt"] = jet["antib_log_pt"] = jet["antid_log_pt"] = log_pt
    moved = np.abs(bound.fit(jet).transform(jet)["u_log_pt"] - log_pt)
    assert moved[0] > 0.01
    assert moved[1] < 2e-3
    assert (moved[2:] < 1e-4).all()
