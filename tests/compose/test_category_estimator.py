"""CategorySimulator as an estimator: bad input, weights, searches, model files, compositions."""

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from category_toys import TAG, jets, two_jets
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from unfolding_toys import GaussianRegression

import skjetsim
from skjetsim.base import is_simulator
from skjetsim.compose import (
    CategorySimulator,
    NearestAssignment,
    ResidualTransformer,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.datasets import load_ttbar
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import get_scorer
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import CartesianToCylindrical, EnergyToMass, LogTransformer, PhiRotation

LOGISTIC = LogisticRegression()


def simple(**params):
    return CategorySimulator(Smear(), [TAG], classifier=LOGISTIC).set_params(**params)


# What is refused.


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"simulator": FlowGenerator()}, TypeError, "simulator must be a simulator, got FlowGen"),
        ({"simulator": Smear}, TypeError, "simulator must be a simulator"),
        ({"simulator": "flow"}, TypeError, "simulator must be a simulator, got 'flow'"),
        ({"classifier": LinearSVC()}, TypeError, "classifier with predict_proba, or None, got Lin"),
        ({"classifier": LogisticRegression}, TypeError, "classifier with predict_proba"),
        ({"columns": TAG}, ValueError, r"must be a list of names: give \['jet_b_tag'\]"),
        ({"columns": []}, ValueError, r"list of names or positions, got \[\]"),
        ({"columns": [TAG, TAG]}, ValueError, "columns: the column 'jet_b_tag' is given twice"),
        ({"columns": [TAG, 1]}, ValueError, "columns: the column .jet_b_tag. is given twice"),
        ({"columns": [3]}, ValueError, r"columns: y has 3 column\(s\), so there is no column 3"),
        ({"columns": [True]}, ValueError, r"list of names or positions, got \[True\]"),
        ({"columns": 1}, ValueError, "list of names or positions, got 1"),
        ({"columns": None}, ValueError, "list of names or positions, got None"),
        (
            {"columns": ["jet_c_tag"]},
            ValueError,
            r"columns: y has no column 'jet_c_tag'. Its columns are \['jet_l",
        ),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        simple(**params).fit(*jets(50))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, y.to_numpy()), "y has no column names. Pass a DataFrame"),
        (lambda X, y: (X, None), "target y is None"),
        (lambda X, y: (X, y[[TAG]]), "No column of y is left for 'simulator'"),
        (lambda X, y: (X, y[TAG]), "No column of y is left for 'simulator'"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples: 300 and 299"),
        (lambda X, y: (X, y[::-1]), "indices differ from row 0"),
        (lambda X, y: (X[:1], y[:1]), "1 sample"),
        (lambda X, y: (X, y.assign(**{TAG: np.nan})), "NaN in column 'jet_b_tag', first bad row 0"),
        (lambda X, y: (X.assign(jet_eta=np.inf), y), "infinity .* 'jet_eta', first bad row 0"),
        (lambda X, y: (X, y.assign(jet_pt="b")), "'jet_pt' .*row 0 holds 'b', which is text"),
        (
            lambda X, y: (X, y.assign(**{TAG: np.arange(300.0)})),
            r"have 300 combinations of values, and 256 is the most. 'jet_b_tag' has 300 values",
        ),
    ],
)
def test_bad_tables(change, message):
    model = simple()
    with pytest.raises(ValueError, match=message):
        model.fit(*change(*jets(300)))
    assert not model.__sklearn_is_fitted__()


def test_a_column_with_too_many_values_is_named():
    X, y = two_jets(600)
    columns = ["jet1_flavour", "pt"]
    with pytest.raises(ValueError, match=r"have 600 combinations .* 'pt' has 600 values"):
        simple(columns=columns).fit(X, y.assign(pt=y["jet1_pt"]))


def test_other_events_than_those_of_the_fit():
    X, y = jets(100)
    model = simple()
    with pytest.raises(NotFittedError):
        model.sample(X)
    model.fit(X, y)
    for method in (model.sample, model.category_proba):
        with pytest.raises(TypeError, match="given the integer 5"):
            method(5)
        with pytest.raises(ValueError, match="NaN in column 'jet_eta', first bad row 2"):
            method(X.mask((X.index == 2)[:, None] & (X.columns == "jet_eta")))
        with pytest.raises(ValueError, match="feature names should match"):
            method(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        model.sample(X, n_samples=0)
    with pytest.raises(ValueError, match="y has column 'jet_eta' at position 0"):
        model.score_samples(X, y[y.columns[::-1]])


# Weights.


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_weights_reach_classifier_and_simulator():
    X, y = jets(500)
    weight = (X["jet_eta"] > 0).to_numpy() * np.linspace(0.5, 1.5, len(X))
    pipe = make_pipeline(StandardScaler(), LOGISTIC)
    model = simple(classifier=pipe).fit(X, y, sample_weight=weight)
    used = weight > 0
    by_hand = clone(pipe).fit(X[used], y[TAG][used], logisticregression__sample_weight=weight[used])
    assert_allclose(model.category_proba(X), by_hand.predict_proba(X))
    assert_array_equal(model.simulator_.seen_[2], weight[used])
    assert simple().fit(X, y).simulator_.seen_[2] is None


def test_events_of_weight_zero_are_left_out():
    X, y = jets(300)
    other = y[:3].assign(**{TAG: 7.0})
    weight = np.r_[np.ones(300), np.zeros(3)]
    model = CategorySimulator(Smear(), [TAG], random_state=0)
    model.fit(pd.concat([X, X[:3]]), pd.concat([y, other]), sample_weight=weight)
    alone = clone(model).fit(X, y, sample_weight=np.ones(300))
    assert_array_equal(model.categories_, [[0], [1]])
    assert_array_equal(model.sample(X, random_state=0), alone.sample(X, random_state=0))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.eye(1, 50)[0], "needs two events of positive weight, got n_samples = 1"),
        (np.zeros(50), "zero for every event"),
        (-np.ones(50), "negative in row 0"),
        (np.ones(49), "sample_weight has shape"),
    ],
)
def test_bad_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        simple().fit(*jets(50), sample_weight=weight)


def test_a_classifier_without_weights():
    X, y = jets(50)
    model = simple(classifier=KNeighborsClassifier()).fit(X, y)
    with pytest.raises(ValueError, match="KNeighborsClassifier does not take sample_weight in fit"):
        model.fit(X, y, sample_weight=np.ones(50))
    assert not model.__sklearn_is_fitted__()


# Conventions of scikit-learn.


def test_shapes_names_and_containers():
    X, y = jets(60)
    X, y = (side.set_index(np.arange(60)[::-1]) for side in (X, y))
    model = simple(random_state=0).fit(X, y)
    assert is_simulator(model)
    assert type(model.sample(X)) is np.ndarray
    assert (model.n_features_in_, model.n_targets_) == (2, 3)
    assert list(model.feature_names_in_) == list(X)
    assert list(model.get_feature_names_out()) == list(y)
    model.set_output(transform="pandas")
    for drawn in (model.sample(X[5:9]), model.transform(X[5:9])):
        assert list(drawn) == list(y)
        assert list(drawn.index) == list(X.index[5:9])
    assert list(model.sample(X[:0])) == list(y)
    assert type(model.sample(X, n_samples=2)) is np.ndarray
    with config_context(transform_output="pandas"):
        inner = simple(simulator=FlowSimulator(**SMALL)).fit(X, y)
        assert list(inner.transform(X)) == list(y)


def test_fitting_again_and_parameters():
    X, y = jets(200)
    simulator = Smear()
    model = CategorySimulator(simulator, [TAG], classifier=LOGISTIC, random_state=0)
    model.fit(X.assign(pile_up=1.0), y).fit(X, y)
    expected = clone(model).fit(X, y).transform(X)
    assert_array_equal(model.transform(X), expected)
    assert not hasattr(simulator, "seen_")
    model.set_params(columns=["n_tracks"])  # changes the next fit only
    assert_array_equal(model.transform(X), expected)
    constant = clone(model).set_params(columns=[TAG]).fit(X, y)
    assert constant.fit(X, y.assign(**{TAG: 1.0})).classifier_ is None


def test_after_ctrl_c():
    X, y = jets(50)
    model = simple(simulator__interrupt="after")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.sample(X).shape == (50, 3)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(simulator__interrupt="before").fit(X, y)
    with pytest.raises(NotFittedError):
        model.sample(X)


def test_searches_and_model_files(tmp_path):
    X, y = jets(300)
    model = CategorySimulator(
        FlowSimulator(**SMALL | {"max_epochs": 1}),
        [TAG],
        classifier=HistGradientBoostingClassifier(max_iter=5),
    )
    grid = {"classifier__learning_rate": [1e-3, 0.3], "simulator__n_bins": [4]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["classifier__learning_rate"] == 0.3
    drawn = skjetsim.sample(search, X, random_state=0)
    skjetsim.save(search.best_estimator_, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    assert_array_equal(again.sample(X, random_state=0), drawn)
    assert_array_equal(again.score_samples(X, y), search.best_estimator_.score_samples(X, y))


def test_model_file_of_more_than_two_categories(tmp_path):
    """Trees of several classes have another loss."""
    X, y = two_jets(200)
    model = CategorySimulator(FlowSimulator(**SMALL), ["jet1_flavour", "jet2_charge"]).fit(X, y)
    skjetsim.save(model, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    assert_array_equal(again.sample(X, random_state=0), model.sample(X, random_state=0))
    assert_array_equal(again.category_proba(X), model.category_proba(X))


def test_flavour_of_a_measured_jet():
    """Unfold the flavour of a tagged and of an untagged jet."""
    rng = np.random.default_rng(0)
    flavour = rng.integers(0, 2, 4000)
    X = pd.DataFrame({"parton_log_pt": rng.normal(4, 0.3, 4000), "parton_is_b": flavour * 1.0})
    tagged = rng.uniform(size=4000) < np.where(flavour == 1, 0.7, 0.1)
    y = pd.DataFrame({"jet_log_pt": X["parton_log_pt"] + rng.normal(0, 0.1, 4000), "tag": tagged})
    inside = CategorySimulator(GaussianRegression(), ["parton_is_b"], classifier=LOGISTIC)
    unfolder = Unfolder(inside).fit(X, y)
    measured = y.iloc[[int(np.argmin(tagged)), int(np.argmax(tagged))]]
    draws = unfolder.sample_inverse(measured, n_samples=4000, random_state=0)
    assert draws.shape == (2, 4000, 2)
    assert_allclose(draws[..., 1].mean(axis=1), [0.3 / 1.2, 0.7 / 0.8], atol=0.04)
    assert unfolder.score_samples(X, y).shape == (4000,)
    wrong = Unfolder(CategorySimulator(GaussianRegression(), ["tag"]))
    with pytest.raises(ValueError, match="columns: y has no column 'tag'"):
        wrong.fit(X, y)


# Top pairs whose quarks may have a near jet.

QUARKS, JETS = ["b", "antib", "u", "antid"], [f"jet{i}" for i in range(1, 5)]
CHARGED = ["electron", *QUARKS]
FLAGS = [f"{name}_matched" for name in QUARKS]


def top_pair_model(simulator, **params):
    def cylindrical():
        return [CartesianToCylindrical(CHARGED), LogTransformer([f"{q}_pt" for q in CHARGED])]

    directions = [f"{name}_{angle}" for name in CHARGED for angle in ("eta", "phi")]
    target = [
        PhiRotation("electron"),
        NearestAssignment(JETS, QUARKS, matched_delta_r=0.4),
        EnergyToMass(QUARKS),
        LogTransformer([f"{name}_mass" for name in QUARKS]),
        *cylindrical(),
        ResidualTransformer(columns=directions),
    ]
    return make_generative_pipeline(
        PhiRotation("electron"),
        *cylindrical(),
        TransformedSimulator(CategorySimulator(simulator, FLAGS, **params), target),
    )


def top_pairs():
    X, y = load_ttbar(return_X_y=True)
    momenta = [f"{name}_{axis}" for name in CHARGED for axis in ("px", "py", "pz")]
    jets = [name for name in y if name.startswith("jet")]
    return X[momenta], y[[*momenta[:3], *jets]]


def test_top_pairs(tmp_path):
    X, y = top_pairs()
    model = top_pair_model(
        FlowSimulator(**SMALL), classifier=make_pipeline(StandardScaler(), LOGISTIC)
    )
    model.fit(X[:2000], y[:2000])
    drawn = skjetsim.sample(model, X[:2000], random_state=0)
    drawn = pd.DataFrame(drawn, columns=list(y))  # has no flags
    pt = np.column_stack([np.hypot(drawn[f"{jet}_px"], drawn[f"{jet}_py"]) for jet in JETS])
    assert (np.diff(pt, axis=1) <= 1e-9 * pt[:, 1:]).all()
    assert not hasattr(model, "score_samples")

    inside = model[-1].simulator_
    assert list(inside.target_names_in_[inside.columns_["categories"]]) == FLAGS
    assert list(inside.simulator_.target_names_in_) == [
        name for name in inside.target_names_in_ if name not in FLAGS
    ]
    test_X, test_y = X[2000:4000], y[2000:4000]
    condition = model[:-1].transform(test_X)
    flags = inside.sample(condition, random_state=0)[:, inside.columns_["categories"]]
    rotated = [PhiRotation("electron").fit_transform(side) for side in (test_X, test_y)]
    true = NearestAssignment(JETS, QUARKS, matched_delta_r=0.4).fit(*rotated)
    true = true.transform_target(*rotated)[:, -4:]
    assert_allclose(flags.mean(axis=0), true.mean(axis=0), atol=0.05)
    # The number of quarks without a near jet is right, too.
    lost = [np.bincount((1 - rows).sum(axis=1).astype(int), minlength=5) for rows in (flags, true)]
    assert_allclose(lost[0] / 2000, lost[1] / 2000, atol=0.05)

    skjetsim.save(model, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    assert_array_equal(skjetsim.sample(again, X[:2000], random_state=0), drawn)


def test_parameters_of_top_pairs_in_a_search():
    X, y = (side[:300] for side in top_pairs())
    model = top_pair_model(GaussianRegression(), classifier=DummyClassifier(), random_state=0)
    inside = "transformedsimulator__simulator"
    grid = {
        f"{inside}__classifier__strategy": ["prior"],
        "transformedsimulator__transformers": [model[-1].transformers],
        f"{inside}__simulator__random_state": [0, 1],
    }
    search = GridSearchCV(
        model, grid, cv=2, scoring=get_scorer("neg_energy_score"), error_score="raise"
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert skjetsim.sample(search, X[:4], n_samples=3).shape == (4, 3, y.shape[1])
