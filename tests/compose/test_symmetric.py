"""SymmetricSimulator: draws and densities turn with the event, by rules written down twice."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skjetsim
from skjetsim.base import SimulatorMixin, is_simulator
from skjetsim.compose import (
    EfficiencySimulator,
    EnsembleSimulator,
    ResidualTransformer,
    SymmetricSimulator,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import AngleEncoder, CartesianToCylindrical, KinematicFeatures

FLOW = {
    "n_transforms": 2,
    "hidden_features": (8,),
    "n_bins": 4,
    "max_epochs": 2,
    "device": "cpu",
    "random_state": 0,
}


class Lopsided(SimulatorMixin, BaseEstimator):
    """Shifts every column by its number, a different way in each direction, and adds noise."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self.seen_ = X, y, sample_weight
        self.target_names_in_ = np.asarray(y.columns, dtype=object)
        return self

    def _centre(self, X):
        return X[list(self.target_names_in_)].to_numpy() + 0.1 * np.arange(X.shape[1])

    def sample(self, X, *, n_samples=None, random_state=None):
        centre = self._centre(X)
        if n_samples is not None:
            centre = np.repeat(centre[:, None], n_samples, axis=1)
        return centre + 0.05 * np.random.default_rng(random_state).normal(size=centre.shape)

    def predict(self, X):
        return self._centre(X)

    def score_samples(self, X, y):
        return norm.logpdf(np.asarray(y), self._centre(X), 0.05).sum(axis=1)


def cylindrical(n_events=300, seed=0):
    rng = np.random.default_rng(seed)
    table = {}
    for obj in ("muon", "jet"):
        table[f"{obj}_pt"] = rng.uniform(20, 60, n_events)
        table[f"{obj}_eta"] = rng.normal(0, 1, n_events)
        table[f"{obj}_phi"] = rng.uniform(-np.pi, np.pi, n_events)
    table["jet_mass"] = rng.uniform(5, 10, n_events)
    table["met_pt"] = rng.uniform(10, 30, n_events)
    table["met_phi"] = rng.uniform(-np.pi, np.pi, n_events)
    return pd.DataFrame(table)


def cartesian(n_events=300, seed=0):
    events = cylindrical(n_events, seed)
    table = {}
    for obj in ("muon", "jet", "met"):
        table[f"{obj}_px"] = events[f"{obj}_pt"] * np.cos(events[f"{obj}_phi"])
        table[f"{obj}_py"] = events[f"{obj}_pt"] * np.sin(events[f"{obj}_phi"])
        if obj != "met":
            table[f"{obj}_pz"] = events[f"{obj}_pt"] * np.sinh(events[f"{obj}_eta"])
    momentum2 = sum(table[f"jet_{c}"] ** 2 for c in ("px", "py", "pz"))
    table["jet_E"] = np.sqrt(momentum2 + events["jet_mass"] ** 2)
    return pd.DataFrame(table)


def mixed(n_events=300, seed=0):
    """Every kind of column that turns, and some that must not."""
    events, momenta = cylindrical(n_events, seed), cartesian(n_events, seed)
    return pd.DataFrame(
        {
            "n_tracks": np.arange(n_events) % 7,
            "muon_cos_phi": np.cos(events["muon_phi"]),
            "muon_sin_phi": np.sin(events["muon_phi"]),
            "muon_eta": events["muon_eta"],
            "jet_px": momenta["jet_px"],
            "jet_py": momenta["jet_py"],
            "jet_rapidity": events["jet_eta"] / 2,
            "jet_abs_eta": events["jet_eta"].abs(),
            "met_pt": events["met_pt"],
            "met_phi": events["met_phi"],
            "muon_jet_delta_eta": events["muon_eta"] - events["jet_eta"],
            "muon_jet_delta_phi": np.sin(events["muon_phi"] - events["jet_phi"]),
            "muon_met_delta_cos_phi": np.cos(events["muon_phi"] - events["met_phi"]),
            "muon_met_delta_sin_phi": np.sin(events["muon_phi"] - events["met_phi"]),
        }
    )


def wrapped(angle):
    return np.angle(np.exp(1j * angle))


def move(table, angle=0.0, *, along=False, across=False):
    """Reflect events along the beam, or in y, and then rotate them."""
    out = table.copy()
    for name in table:
        if along and name.endswith(("_pz", "_eta", "_rapidity")) and "abs" not in name:
            out[name] = -table[name]
        if name.endswith(("_delta_phi", "_delta_sin_phi")):
            out[name] = -table[name] if across else table[name]
        elif name.endswith(("_px", "_cos_phi")) and "delta" not in name:
            other = name.replace("_px", "_py").replace("_cos_phi", "_sin_phi")
            vector = table[name] + 1j * table[other]
            vector = (np.conj(vector) if across else vector) * np.exp(1j * angle)
            out[name], out[other] = vector.to_numpy().real, vector.to_numpy().imag
        elif name.endswith("_phi") and not name.endswith(("cos_phi", "sin_phi")):
            out[name] = wrapped((-table[name] if across else table[name]) + angle)
    return out


def assert_same_events(one, two, atol=1e-9):
    difference = pd.DataFrame(np.asarray(one) - np.asarray(two), columns=two.columns)
    for name in two:
        angle = name.endswith("phi") and not name.endswith(("cos_phi", "sin_phi"))
        values = wrapped(difference[name]) if angle else difference[name]
        assert_allclose(values, 0, atol=atol, err_msg=name)


def frames(model):
    return model.set_output(transform="pandas")


TABLES = [cartesian, cylindrical, mixed]
MOVES = {
    "rotation": {"angle": 2.0},
    "reflection of z": {"along": True},
    "both": {"angle": -1.3, "along": True},
}
HANDED = {
    "reflection of y": {"across": True},
    "all": {"angle": 0.7, "along": True, "across": True},
}


# The symmetries.


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("how", [*MOVES, *HANDED])
def test_draws_turn_with_the_event(table, how):
    X, moves = table(), MOVES | HANDED
    second = "jet" if how in HANDED else None
    model = frames(SymmetricSimulator(Lopsided(), "muon", second=second).fit(X, X))
    drawn = model.sample(X, random_state=1)
    assert_same_events(
        model.sample(move(X, **moves[how]), random_state=1), move(drawn, **moves[how])
    )
    many = model.sample(X, n_samples=3, random_state=1)
    again = model.sample(move(X, **moves[how]), n_samples=3, random_state=1)
    for k in range(3):
        column = pd.DataFrame(many[:, k], columns=X.columns)
        assert_same_events(again[:, k], move(column, **moves[how]))
    assert_same_events(
        model.predict(move(X, **moves[how])),
        move(pd.DataFrame(model.predict(X), columns=X.columns), **moves[how]),
    )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("second", [None, "jet"])
def test_density_is_that_of_the_turned_event(table, second):
    X, y = table(seed=0), table(seed=0) + 0.01
    model = SymmetricSimulator(Lopsided(), "muon", second=second).fit(X, y)
    seen_X, seen_y, _ = model.simulator_.seen_
    density = model.simulator_.score_samples(seen_X, seen_y)
    assert_array_equal(model.score_samples(X, y), density)
    assert np.ptp(density) > 1
    for how in [*MOVES.values(), *(HANDED.values() if second else [])]:
        moved = model.score_samples(move(X, **how), move(y, **how))
        assert_allclose(moved, density, rtol=1e-9)


@pytest.mark.parametrize("table", TABLES)
def test_without_a_second_object_the_way_round_stays(table):
    X = table()
    model = frames(SymmetricSimulator(Lopsided(), "muon").fit(X, X))
    drawn = model.sample(X, random_state=1)
    mirrored = model.sample(move(X, across=True), random_state=1)
    with pytest.raises(AssertionError):
        assert_same_events(mirrored, move(drawn, across=True), atol=0.05)


@pytest.mark.parametrize("table", TABLES)
def test_inside_all_images_are_one_event(table):
    X = table()
    model = SymmetricSimulator(Lopsided(), "muon", second="jet")
    seen, target, _ = model.fit(X, X).simulator_.seen_
    for how in HANDED.values():
        image = clone(model).fit(move(X, **how), X).simulator_.seen_[0]
        assert_same_events(image, seen)
    # Exactly along x: rounding in a column that is all equal would be scaled up to noise.
    if "muon_phi" in X:
        assert (seen["muon_phi"] == 0).all()
    if "muon_py" in X:
        assert (seen["muon_py"] == 0).all()
        assert_allclose(seen["muon_px"], np.hypot(X["muon_px"], X["muon_py"]))
    if "muon_cos_phi" in X:
        assert (seen["muon_cos_phi"] == 1).all()
        assert (seen["muon_sin_phi"] == 0).all()
    assert (seen["muon_pz" if "muon_pz" in X else "muon_eta"] >= 0).all()
    assert (seen["jet_phi" if "jet_phi" in X else "jet_py"] > 0).all()
    for name in set(X) & {"n_tracks", "jet_mass", "jet_E", "met_pt", "jet_abs_eta"}:
        assert_array_equal(seen[name], X[name])
    assert_same_events(target, seen)  # y turns as X does


def test_angles_come_back_inside_the_circle():
    X = cylindrical()
    drawn = frames(SymmetricSimulator(Lopsided(), "muon").fit(X, X)).sample(X, random_state=0)
    for name in ("muon_phi", "jet_phi", "met_phi"):
        assert (drawn[name] <= np.pi).all()
        assert (drawn[name] > -np.pi).all()
        assert np.abs(drawn[name]).max() > 3


def test_masses_and_relative_angles_are_those_that_were_drawn():
    X = cartesian()
    model = frames(SymmetricSimulator(Lopsided(), "muon", second="jet").fit(X, X))
    drawn = model.sample(X, random_state=1)
    inside = pd.DataFrame(
        model.simulator_.sample(model.simulator_.seen_[0], random_state=1), columns=X.columns
    )
    features = KinematicFeatures(
        ["mass(jet)", "mass(muon, jet)", "mt(muon, met)", "delta_r(muon, jet)"], passthrough=False
    )
    assert_allclose(features.fit_transform(drawn), features.fit_transform(inside), rtol=1e-9)


def test_names_as_the_transformers_make_them():
    """Cosine and sine of an encoded difference of angles are no vector."""
    features = make_pipeline(
        KinematicFeatures(["delta_phi(muon, jet)"]), AngleEncoder(["muon_jet_delta_phi"])
    )
    X = features.fit_transform(cylindrical())
    assert "muon_jet_delta_sin_phi" in X
    model = SymmetricSimulator(Lopsided(), "muon", second="jet").fit(X, X)
    seen = model.simulator_.seen_[0]
    assert_allclose(seen["muon_jet_delta_cos_phi"], np.cos(seen["jet_phi"]))
    assert_allclose(seen["muon_jet_delta_sin_phi"], -np.sin(seen["jet_phi"]))


def test_a_reference_without_a_side_is_not_reflected_along_the_beam():
    X = cylindrical()
    model = frames(SymmetricSimulator(Lopsided(), "met").fit(X, X))
    assert_array_equal(model.simulator_.seen_[0]["jet_eta"], X["jet_eta"])
    drawn = model.sample(X, random_state=1)
    assert_same_events(model.sample(move(X, 2.0), random_state=1), move(drawn, 2.0))


def test_rapidity_says_the_side():
    X = mixed()
    seen = SymmetricSimulator(Lopsided(), "jet").fit(X, X).simulator_.seen_[0]
    assert_array_equal(seen["jet_rapidity"], X["jet_rapidity"].abs())
    assert_array_equal(seen["muon_eta"], X["muon_eta"] * np.sign(X["jet_rapidity"]))


def test_objects_without_a_prefix():
    X = cylindrical()[["muon_pt", "muon_eta", "muon_phi"]]
    X.columns = ["pt", "eta", "phi"]
    seen = SymmetricSimulator(Lopsided(), "").fit(X, X).simulator_.seen_[0]
    assert (seen["phi"] == 0).all()
    assert_array_equal(seen["eta"], X["eta"].abs())


def test_targets_need_no_object_of_the_condition():
    X = cylindrical()
    y = X[["met_pt", "met_phi"]].rename(columns=lambda name: name.replace("met", "recoil"))
    y["n_tracks"] = 3.0
    seen = SymmetricSimulator(Lopsided(), "muon").fit(X, y).simulator_.seen_[1]
    assert list(seen) == list(y)
    assert (seen["n_tracks"] == 3).all()
    assert_allclose(wrapped(seen["recoil_phi"] + X["muon_phi"] - y["recoil_phi"]), 0, atol=1e-9)


def test_flow_by_hand():
    X = cartesian()
    y = X * np.random.default_rng(1).normal(1, 0.05, X.shape)
    model = SymmetricSimulator(FlowSimulator(**FLOW), "muon").fit(X, y)
    phi = np.arctan2(X["muon_py"], X["muon_px"])
    side = np.sign(X["muon_pz"])

    def by_hand(table):
        out = table.copy()
        for obj in ("muon", "jet", "met"):
            x, y = table[f"{obj}_px"], table[f"{obj}_py"]
            out[f"{obj}_px"] = np.cos(phi) * x + np.sin(phi) * y
            out[f"{obj}_py"] = np.cos(phi) * y - np.sin(phi) * x
        return out.assign(muon_pz=side * table["muon_pz"], jet_pz=side * table["jet_pz"])

    into = by_hand(X).assign(muon_py=0.0)
    flow = FlowSimulator(**FLOW).fit(into, by_hand(y))
    assert_allclose(model.score_samples(X, y), flow.score_samples(into, by_hand(y)), atol=1e-4)
    turned = move(X, 1.0, along=True), move(y, 1.0, along=True)
    assert_allclose(model.score_samples(*turned), model.score_samples(X, y), atol=1e-4)
    assert model.score(X, y) == pytest.approx(model.score_samples(X, y).mean())
    drawn = frames(model).sample(X, random_state=1)
    assert_allclose(by_hand(drawn), flow.sample(into, random_state=1), rtol=1e-4, atol=1e-3)


# What is not there.


def lost(n_events=300):
    """A quarter of the events is rejected, and half of them have a jet."""
    X = cylindrical(n_events)
    X.loc[X.index % 2 == 0, [name for name in X if name.startswith("jet")]] = 0.0
    y = X.copy()
    y["accepted"] = (X.index % 4 != 3).astype(float)
    y[y["accepted"] == 0] = 0.0
    return X, y


def test_zeros_stay_zeros():
    X, y = lost()
    model = SymmetricSimulator(Lopsided(), "muon", second="jet").fit(X, y.drop(columns="accepted"))
    seen_X, seen_y, _ = model.simulator_.seen_
    absent = X.index % 2 == 0
    assert (seen_X.loc[absent, "jet_phi"] == 0).all()
    assert (seen_X.loc[~absent, "jet_phi"] > 0).all()
    # Without the second object the way round is as it was.
    ahead = wrapped(X["met_phi"] - X["muon_phi"])
    assert_allclose(seen_X.loc[absent, "met_phi"], ahead[absent], atol=1e-9)
    rejected = (y == 0).all(axis=1)
    assert rejected.any()
    assert (seen_y[rejected] == 0).all(axis=None)


@pytest.mark.parametrize("table", [cartesian, cylindrical])
def test_efficiency_inside_is_symmetric_too(table):
    X = table()
    y = (X * np.random.default_rng(1).normal(1, 0.05, X.shape)).assign(accepted=1.0)
    y[X.index % 4 == 0] = 0.0
    inside = EfficiencySimulator(None, Smear(), random_state=0)
    model = frames(SymmetricSimulator(inside, "muon").fit(X, y))
    assert np.isfinite(model.score_samples(X, y)).all()
    X = table(seed=1)  # the trees' thresholds are values of the training events
    drawn = model.sample(X, random_state=1)
    assert set(drawn["accepted"]) == {0.0, 1.0}
    rejected = drawn[drawn["accepted"] == 0].to_numpy()
    assert (rejected == 0).all()
    assert not np.signbit(rejected).any()
    assert (drawn.loc[drawn["accepted"] == 1, X.columns] != 0).all(axis=None)
    moved = model.sample(move(X, 1.0, along=True), random_state=1)
    assert_same_events(moved, move(drawn, 1.0, along=True) * drawn[["accepted"]].to_numpy())


def test_inside_an_efficiency():
    X, y = lost(1200)
    response = SymmetricSimulator(Smear(), "muon")
    model = EfficiencySimulator(None, response, objects=["jet"], random_state=0).fit(X, y)
    seen = model.simulators_["without jet"].simulator_.seen_[0]
    assert (seen["muon_phi"] == 0).all()
    assert (seen["jet_phi"] == 0).all()
    assert model.sample(X, random_state=0).shape == y.shape


# Bad input.


@pytest.mark.parametrize(
    ("change", "parameters", "message"),
    [
        ({}, {"reference": "electron"}, "no object 'electron'.*X; objects found: 'muon', 'jet'"),
        ({}, {"second": "electron"}, "no object 'electron'"),
        ({}, {"second": "muon"}, "second must be another object"),
        ({"drop": "muon_phi"}, {}, "'muon' has neither phi nor px and py in X.*'eta', 'pt'"),
        ({"drop": "jet_phi"}, {"second": "jet"}, "'jet' has neither phi nor px and py"),
        ({"add": "tau_px"}, {}, "'tau' has a column 'tau_px' in X but no 'tau_py'.*half a vector"),
        ({"add": "tau_sin_phi"}, {}, "'tau_sin_phi' in X but no 'tau_cos_phi'"),
    ],
)
def test_columns_that_do_not_do(change, parameters, message):
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
    message = r"Row 5 of X has zeros for the reference 'muon'.*\(2 such rows"
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


@pytest.mark.parametrize("simulator", [FlowGenerator(), StandardScaler(), FlowSimulator, "flow"])
def test_parts_of_other_kinds(simulator):
    with pytest.raises(TypeError, match="must be a simulator, got"):
        SymmetricSimulator(simulator, "muon").fit(cartesian(), cartesian())


def test_bad_values_and_rows_that_do_not_belong_together():
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
    assert_array_equal(model.transform(X), model.transform(X))  # the seed inside is found
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
    assert not hasattr(flow, "predict")
    assert not hasattr(flow, "sample_inverse")
    assert hasattr(SymmetricSimulator(Lopsided(), "muon"), "predict")
    piped = SymmetricSimulator(make_pipeline(StandardScaler(), Lopsided()), "muon")
    assert hasattr(piped, "score_samples")


def test_parameters_are_cloned_never_fitted():
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
        coordinates(), SymmetricSimulator(response, "muon", second="jet")
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


def test_coordinates_may_stand_on_either_side():
    X = cartesian().drop(columns="jet_E")
    y = X * np.random.default_rng(1).normal(1, 0.05, X.shape)
    outside = canonical().fit(X, y)
    response = outside[-1].simulator
    inside = SymmetricSimulator(
        make_generative_pipeline(coordinates(), response), "muon", second="jet"
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
