"""SymmetricSimulator as an estimator: bad input, weights, searches, model files, wrappers."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from symmetric_toys import FLOW, Lopsided, assert_same_events, cartesian, cylindrical, frames, move

import skjetsim
from skjetsim.base import is_simulator
from skjetsim.compose import (
    EnsembleSimulator,
    ResidualTransformer,
    SymmetricSimulator,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import CartesianToCylindrical


# Bad input.
@pytest.mark.parametrize(
    ("change", "parameters", "message"),
    [
        ({}, {"reference": "electron"}, "no object 'electron'.*X; objects found: 'muon', 'jet'"),
        ({}, {"second_object": "electron"}, "no object 'electron'"),
        ({}, {"second_object": "muon"}, "second_object must not be the reference"),
        ({"drop": "muon_phi"}, {}, "'muon' has neither phi nor px and py in X.*'eta', 'pt'"),
        ({"drop": "jet_phi"}, {"second_object": "jet"}, "'jet' has neither phi nor px and py"),
        ({"add": "tau_px"}, {}, "'tau' has a column 'tau_px' in X but no 'tau_py'.*half a vector"),
        ({"add": "tau_sin_phi"}, {}, "'tau_sin_phi' in X but no 'tau_cos_phi'"),
        ({"add": "muon_theta"}, {}, "'muon_theta' of X has a direction, .* by eta"),
        ({"add": "muon_d0"}, {}, "'muon_d0' of X has a direction"),
    ],
)
def test_bad_columns(change, parameters, message):
    X = cylindrical()
    X = X.drop(columns=change.get("drop", [])).assign(**{change.get("add", "n_tracks"): 1.0})
    model = SymmetricSimulator(Lopsided(), **{"reference": "muon"} | parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, cylindrical())
    assert not hasattr(model, "simulator_")


def test_half_a_vector_in_the_target():
    X = cartesian()
    with pytest.raises(ValueError, match="'jet_py' in y but no 'jet_px'"):
        SymmetricSimulator(Lopsided(), "muon").fit(X, X.drop(columns="jet_px"))


@pytest.mark.parametrize("table", [cartesian, cylindrical])
def test_an_event_without_the_reference(table):
    X = table()
    bad = X.copy()
    bad.loc[[5, 7], [name for name in X if name.startswith("muon")]] = 0.0
    model = SymmetricSimulator(Lopsided(), "muon")
    message = r"Row 5 of X has only zeros for the reference 'muon'.*\(2 such rows"
    with pytest.raises(ValueError, match=message):
        model.fit(bad, X)
    model.fit(X, X)
    with pytest.raises(ValueError, match=message):
        model.sample(bad)


def test_tables_without_names():
    X = cartesian()
    model = SymmetricSimulator(Lopsided(), "muon")
    with pytest.raises(ValueError, match="and X has none"):
        model.fit(X.to_numpy(), X)
    with pytest.raises(ValueError, match="and y has none"):
        model.fit(X, X.to_numpy())
    with pytest.raises(ValueError, match="target y is None"):
        model.fit(X, None)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [((["muon"],), "reference"), ((None,), "reference"), (("muon", 3), "second_object")],
    ids=["list", "none", "number"],
)
def test_objects_are_names(parameters, name):
    reference, second = (*parameters, None)[:2]
    with pytest.raises(TypeError, match=f"{name} must be the name of an object of X, got"):
        SymmetricSimulator(Lopsided(), reference, second_object=second).fit(
            cartesian(), cartesian()
        )


@pytest.mark.parametrize("simulator", [FlowGenerator(), StandardScaler(), FlowSimulator, "flow"])
def test_the_simulator_must_be_a_simulator(simulator):
    with pytest.raises(TypeError, match="must be a simulator, got"):
        SymmetricSimulator(simulator, "muon").fit(cartesian(), cartesian())


def test_bad_values_and_different_rows():
    X = cartesian()
    model = SymmetricSimulator(Lopsided(), "muon")
    with pytest.raises(ValueError, match="NaN in column 'jet_px', first bad row 3"):
        model.fit(X.mask((X.index == 3)[:, None] & (X.columns == "jet_px")), X)
    with pytest.raises(ValueError, match="indices differ from row 0"):
        model.fit(X, X[::-1])
    model.fit(X, X)
    with pytest.raises(TypeError, match="given the integer 5"):
        model.sample(5)
    with pytest.raises(ValueError, match="n_samples"):
        model.sample(X, n_samples=0)
    with pytest.raises(ValueError, match="at position 0"):
        model.score_samples(X, X[X.columns[::-1]])


# As an estimator.


def test_shapes_names_and_containers():
    X = cartesian().set_index(np.arange(300)[::-1])
    y = X[["jet_px", "jet_py"]]
    model = SymmetricSimulator(FlowSimulator(**FLOW), "muon")
    assert is_simulator(model)
    with pytest.raises(NotFittedError):
        model.sample(X)
    model.fit(X, y)
    assert type(model.sample(X)) is np.ndarray
    assert model.sample(X, n_samples=4).shape == (300, 4, 2)
    assert model.sample(X[:0]).shape == (0, 2)
    assert model.sample(X[:0], n_samples=4).shape == (0, 4, 2)
    # The seed is that of the simulator inside.
    assert_array_equal(model.transform(X), model.transform(X))
    assert list(model.get_feature_names_out()) == ["jet_px", "jet_py"]
    assert list(model.feature_names_in_) == list(X)
    drawn = frames(model).sample(X)
    assert list(drawn) == ["jet_px", "jet_py"]
    assert drawn.index.equals(X.index)
    assert list(model.sample(X[:0])) == ["jet_px", "jet_py"]
    again = clone(model)
    assert not hasattr(again, "simulator_")
    assert repr(again).startswith("SymmetricSimulator(reference='muon',")


def test_methods_are_those_of_the_simulator_inside():
    flow = SymmetricSimulator(FlowSimulator(), "muon")
    assert hasattr(flow, "score_samples")
    assert not hasattr(flow, "sample_inverse")
    piped = SymmetricSimulator(make_pipeline(StandardScaler(), Lopsided()), "muon")
    assert hasattr(piped, "score_samples")


def test_parameters_are_cloned_and_not_fitted():
    simulator = Lopsided()
    SymmetricSimulator(simulator, "muon").fit(cartesian(), cartesian())
    assert not hasattr(simulator, "seen_")


@pytest.mark.parametrize("piped", [False, True])
def test_weights_arrive(piped):
    X, weight = cartesian(), np.linspace(0, 2, 300)
    inside = make_generative_pipeline(CartesianToCylindrical(["muon"]), Smear())
    model = SymmetricSimulator(inside if piped else Smear(), "muon").fit(X, X, sample_weight=weight)
    fitted = model.simulator_[-1] if piped else model.simulator_
    assert_array_equal(fitted.seen_[2], weight)


def test_after_ctrl_c():
    X = cartesian()
    model = SymmetricSimulator(Smear(interrupt="after"), "muon")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, X)
    assert model.sample(X).shape == X.shape
    model.set_params(simulator__interrupt="before")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, X)
    with pytest.raises(NotFittedError):
        model.sample(X)


def coordinates():
    return CartesianToCylindrical(["muon", "jet"])


def canonical():
    response = TransformedSimulator(FlowSimulator(**FLOW), [coordinates(), ResidualTransformer()])
    return make_generative_pipeline(
        coordinates(), SymmetricSimulator(response, "muon", second_object="jet")
    )


def test_searches_pipelines_and_model_files(tmp_path):
    X = cartesian().drop(columns="jet_E")
    y = X * np.random.default_rng(1).normal(1, 0.05, X.shape)
    grid = {"symmetricsimulator__simulator__simulator__n_bins": [4, 5]}
    search = GridSearchCV(canonical(), grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    model = search.best_estimator_
    drawn = skjetsim.sample(model, X, random_state=1)
    residual = model[-1].simulator_
    assert list(residual.simulator_.target_names_in_[:3]) == [
        "muon_pt_residual",
        "muon_eta_residual",
        "muon_phi_residual",
    ]
    path = tmp_path / "model"
    skjetsim.save(model, path)
    again = skjetsim.load(path)
    assert_array_equal(skjetsim.sample(again, X, random_state=1), drawn)
    assert_array_equal(skjetsim.log_prob(again, X, y), skjetsim.log_prob(model, X, y))
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["training"]["epochs"] == 2
    assert manifest["columns"]["target_names_in_"] == list(y)


def test_transformers_may_be_outside_or_inside():
    X = cartesian().drop(columns="jet_E")
    y = X * np.random.default_rng(1).normal(1, 0.05, X.shape)
    outside = canonical().fit(X, y)
    response = outside[-1].simulator
    inside = SymmetricSimulator(
        make_generative_pipeline(coordinates(), response), "muon", second_object="jet"
    ).fit(X, y)
    assert_allclose(
        skjetsim.log_prob(inside, X, y), skjetsim.log_prob(outside, X, y), rtol=1e-3, atol=1e-3
    )


def test_unfolding_is_symmetric():
    X = cartesian()
    y = X + 1.0
    unfolder = Unfolder(SymmetricSimulator(Lopsided(), "muon")).fit(X, y)
    drawn = pd.DataFrame(unfolder.sample_inverse(y, random_state=1), columns=X.columns)
    moved = unfolder.sample_inverse(move(y, 1.0, along=True), random_state=1)
    assert_same_events(moved, move(drawn, 1.0, along=True))
    density = unfolder.score_samples(X, y)
    assert_allclose(unfolder.score_samples(move(X, 1.0), move(y, 1.0)), density, rtol=1e-9)


def test_ensembles_of_it():
    X = cartesian()
    member = SymmetricSimulator(FlowSimulator(**FLOW), "muon")
    ensemble = EnsembleSimulator(member, n_estimators=2, random_state=0).fit(X, X + 1.0)
    seeds = {fitted.random_state for fitted in ensemble.estimators_}
    assert len(seeds) == 2
    assert ensemble.sample_members(X, random_state=0).shape == (2, 300, 9)
    assert np.isfinite(ensemble.score_samples(X, X + 1.0)).all()
