"""EfficiencySimulator on toys whose efficiency, losses and fakes are known."""

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from efficiency_toys import InterruptedIn, Smear, TurnOn, jets, turn_on, two_jets
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skjetsim
from skjetsim.base import is_simulator
from skjetsim.compose import EfficiencySimulator, ResidualTransformer, TransformedSimulator
from skjetsim.datasets import load_wjet
from skjetsim.flows import FlowSimulator
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer


@pytest.fixture(scope="module")
def model():
    return EfficiencySimulator(Smear(), random_state=0).fit(*jets())


@pytest.fixture(scope="module")
def lossy():
    return EfficiencySimulator(Smear(), objects=["jet2"], random_state=0).fit(*two_jets())


# What is learnt.


def test_turn_on_of_known_shape():
    X, y = jets(20_000)
    model = EfficiencySimulator(Smear(), random_state=0).fit(X, y)
    pt = np.linspace(12, 58, 47)
    found = model.efficiency(pd.DataFrame({"jet_pt": pt, "jet_eta": 0.0}))
    assert np.abs(found - turn_on(pt)).max() < 0.08
    assert np.abs(found - turn_on(pt)).mean() < 0.02
    X, _ = jets(20_000, seed=1)
    drawn = model.sample(X, random_state=0)[:, 1]
    for low, high in ((10, 20), (20, 30), (30, 40), (40, 60)):
        rows = X["jet_pt"].between(low, high)
        error = np.sqrt(0.25 / rows.sum())
        assert abs(drawn[rows].mean() - turn_on(X["jet_pt"][rows]).mean()) < 0.01 + 4 * error


@pytest.mark.parametrize(
    "classifier",
    [
        None,
        LogisticRegression(class_weight="balanced"),
        KNeighborsClassifier(20),
        DummyClassifier(),
        TurnOn(0.6),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_expected_yield_is_the_observed_one(classifier, weighted):
    X, y = jets(2000)
    weight = np.random.default_rng(0).uniform(0, 2, len(X)) if weighted else None
    if weighted and isinstance(classifier, KNeighborsClassifier):
        with pytest.raises(ValueError, match="KNeighborsClassifier does not take sample_weight"):
            EfficiencySimulator(Smear(), classifier=classifier).fit(X, y, sample_weight=weight)
        return
    model = EfficiencySimulator(Smear(), classifier=classifier).fit(X, y, sample_weight=weight)
    expected = np.average(model.efficiency(X), weights=weight)
    assert expected == pytest.approx(np.average(y["accepted"], weights=weight), rel=1e-6)


def test_right_probabilities_stay_as_they_are():
    X, y = jets(4000)
    model = EfficiencySimulator(Smear(), classifier=TurnOn()).fit(X, y)
    assert_allclose(model.efficiency(X), turn_on(X["jet_pt"]), atol=0.02)
    assert np.abs(model.offsets_).max() < 0.2
    off = EfficiencySimulator(Smear(), classifier=TurnOn(0.6)).fit(X, y)
    assert np.abs(off.offsets_).max() > 0.3


def test_losses_and_fakes_in_every_region(lossy):
    X, y = two_jets()
    assert lossy.patterns_ == ["rejected", "accepted", "without jet2"]
    assert set(lossy.simulators_) == {"accepted", "without jet2", "fake jet2"}
    drawn = pd.DataFrame(lossy.sample(X, random_state=0), columns=y.columns)
    there = X["jet2_pt"] > 0
    for region in (there, ~there):
        for count in (
            lambda table: table["accepted"].mean(),
            lambda table: (table["jet2_pt"] != 0).mean(),
        ):
            assert count(drawn[region]) == pytest.approx(count(y[region]), abs=0.03)
            expected = lossy.pattern_proba(X[region])
        assert_allclose(expected.mean(axis=0), _shares(y[region]), atol=1e-6)
    fakes = drawn[~there & (drawn["jet2_pt"] != 0)]
    assert fakes["jet2_pt"].mean() == pytest.approx(8, abs=0.2)  # not the 40 GeV of a jet
    assert ((drawn["jet2_pt"] != 0) == (drawn["jet2_mass"] != 0)).all()


def _shares(y):
    """Shares of events that are rejected, complete, and without the second jet."""
    lost = y["accepted"].eq(1) & y["jet2_pt"].eq(0)
    return [1 - y["accepted"].mean(), (y["accepted"].eq(1) & ~lost).mean(), lost.mean()]


def test_simulators_see_only_their_columns(lossy):
    X, y = two_jets()
    seen_X, seen_y, _ = lossy.simulators_["without jet2"].seen_
    rows = y["accepted"].eq(1) & y["jet2_pt"].eq(0)
    assert list(seen_y.columns) == ["jet1_pt"]
    assert_array_equal(seen_y["jet1_pt"], y.loc[rows, "jet1_pt"])
    assert_array_equal(seen_X, X[rows])
    assert list(lossy.simulators_["accepted"].seen_[1].columns) == [
        "jet1_pt",
        "jet2_pt",
        "jet2_mass",
    ]


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_no_fakes_if_the_fit_had_none():
    X, y = two_jets()
    y.loc[X["jet2_pt"] == 0, ["jet2_pt", "jet2_mass"]] = 0.0
    # A classifier that ignores X would draw fakes in all events.
    model = EfficiencySimulator(Smear(), classifier=DummyClassifier(), objects=["jet2"]).fit(X, y)
    drawn = model.sample(X, random_state=0)
    assert (drawn[X["jet2_pt"] == 0, 1] == 0).all()
    assert (drawn[X["jet2_pt"] > 0, 1] != 0).any()
    X, y = X[X["jet2_pt"] > 0], y[X["jet2_pt"] > 0]
    model = EfficiencySimulator(Smear(), objects=("jet2",)).fit(X, y)
    unlike = X.iloc[:6].copy()
    unlike.iloc[2:4, 1:] = 0.0
    for method in (model.sample, model.efficiency):
        with pytest.raises(ValueError, match=r"Row 2 of X is without jet2.*\(2 such rows"):
            method(unlike)


def test_objects_that_X_does_not_have():
    X, y = two_jets()
    model = EfficiencySimulator(Smear(), objects=["jet2"]).fit(X[["jet1_pt"]], y)
    assert set(model.simulators_) == {"accepted", "without jet2"}
    assert model.offsets_.shape == (1, 3)


def test_two_objects_that_are_lost_independently():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(20, 60, (400, 2)), columns=["a_pt", "b_pt"])
    y = X.copy()
    for name in y:
        y.loc[rng.uniform(size=400) < 0.4, name] = 0.0
    y["accepted"] = 1.0
    model = EfficiencySimulator(Smear(), objects=["a", "b"]).fit(X, y)
    assert model.patterns_ == ["accepted", "without a", "without b", "without a, b"]
    assert set(model.simulators_) == {"accepted", "without a", "without b"}  # others are all zero
    drawn = model.sample(X, random_state=0)
    assert_allclose((drawn[:, :2] == 0).mean(axis=0), 0.4, atol=0.1)
    assert (drawn[:, 2] == 1).all()
    assert_allclose(model.efficiency(X), 1.0)
    assert np.isfinite(model.score_samples(X, y)).all()


# What is drawn.


def test_rejected_events_are_zero_and_the_column_is_in_its_place(model):
    X, y = jets()
    drawn = model.sample(X, random_state=0)
    assert drawn.dtype == np.float64
    assert set(drawn[:, 1]) == {0.0, 1.0}
    assert (drawn[drawn[:, 1] == 0] == 0).all()
    assert (drawn[drawn[:, 1] == 1] != 0).all()
    assert list(model.get_feature_names_out()) == list(y.columns)
    table = clone(model).fit(X, y).set_output(transform="pandas").transform(X.iloc[5:9])
    assert list(table.columns) == list(y.columns)
    assert list(table.index) == [5, 6, 7, 8]


def test_draws_do_not_depend_on_workers_or_later_rows():
    X, y = jets(600)
    net = MLPClassifier((4,), tol=0.1, random_state=0)  # its rounding depends on the rows
    many = pd.concat([X] * 8, ignore_index=True)  # two chunks of rows
    model = EfficiencySimulator(FlowSimulator(**SMALL), classifier=net).fit(X, y)
    one = model.sample(many, random_state=0)
    assert_array_equal(one, model.set_params(simulator__n_jobs=2).sample(many, random_state=0))
    model.simulators_["accepted"].set_params(n_jobs=2)
    assert_array_equal(one, model.sample(many, random_state=0))
    for n_rows in (1, 4097):
        assert_allclose(one[:n_rows], model.sample(many[:n_rows], random_state=0), rtol=1e-5)
    probability = model.efficiency(many)
    assert_array_equal(probability[:7], model.efficiency(many[:7]))


def test_draws_of_one_event_have_patterns_of_their_own(model):
    X, _ = jets()
    drawn = model.sample(X[:2000], n_samples=20, random_state=0)
    assert drawn.shape == (2000, 20, 3)
    assert_allclose(drawn[..., 1].mean(), model.efficiency(X[:2000]).mean(), atol=0.01)
    turning = X[:2000]["jet_pt"].between(25, 35)
    assert (drawn[turning][..., 1].std(axis=1) > 0).mean() > 0.9
    assert model.sample(X[:0]).shape == (0, 3)
    assert model.sample(X[:0], n_samples=2).shape == (0, 2, 3)


class Point(Smear):
    """Predicts the mean."""

    def predict(self, X):
        return np.tile(self.mean_, (len(X), 1))


def test_predictions_have_the_most_probable_pattern():
    X, y = two_jets()
    model = EfficiencySimulator(Point(), objects=["jet2"], random_state=0).fit(X, y)
    predicted = pd.DataFrame(model.predict(X), columns=list(y))
    assert_array_equal(predicted["accepted"], model.efficiency(X) > 0.5)
    assert (predicted["accepted"] == 1).mean() > 0.99
    there = (X["jet2_pt"] > 0) & (predicted["accepted"] == 1)
    proba = pd.DataFrame(model.pattern_proba(X), columns=model.patterns_)
    lost = proba["without jet2"] > proba["accepted"]
    assert_array_equal(predicted["jet2_pt"] == 0, lost | (predicted["accepted"] == 0))
    kept = there & ~lost
    assert_allclose(predicted.loc[kept, "jet1_pt"], model.simulators_["accepted"].mean_[0])
    none = EfficiencySimulator(Point(), classifier=TurnOn()).fit(*jets())
    X, _ = jets()
    assert_array_equal(none.predict(X)[none.efficiency(X) <= 0.5], 0.0)


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_density_is_that_of_pattern_and_columns(lossy):
    X, y = two_jets()
    density = lossy.score_samples(X, y)
    proba = np.log(lossy.pattern_proba(X))
    rejected = (y["accepted"] == 0).to_numpy()
    assert_allclose(density[rejected], proba[rejected, 0])
    fake = (y["jet2_pt"].ne(0) & X["jet2_pt"].eq(0)).to_numpy()
    columns = lossy.simulators_["fake jet2"].score_samples(None, y.drop(columns="accepted")[fake])
    assert_allclose(density[fake], proba[fake, 1] + columns)
    assert lossy.score(X, y) == pytest.approx(density.mean())
    # The probabilities of all patterns of an event sum to one.
    assert_allclose(np.exp(proba).sum(axis=1), 1.0)
    X, y = jets(200)
    plain = EfficiencySimulator(Smear()).fit(X[y["accepted"] == 1], y[y["accepted"] == 1])
    assert plain.classifier_ is None
    assert_array_equal(np.isneginf(plain.score_samples(X, y)), y["accepted"] == 0)


def test_density_is_absent_if_the_simulator_has_none():
    class Draws(Smear):
        score_samples = property()

    model = EfficiencySimulator(Draws(random_state=0), random_state=0)
    assert not hasattr(model, "score_samples")
    X, y = jets(300)
    assert model.fit(X, y).score(X, y) == pytest.approx(model.score(X, y))


# Forms of y.


def test_without_a_column_events_of_zeros_are_rejected():
    X, y = jets()
    flagged = EfficiencySimulator(Smear(), random_state=0).fit(X, y)
    bare = y.drop(columns="accepted")
    model = EfficiencySimulator(Smear(), accepted=None, random_state=0).fit(X, bare)
    assert_array_equal(model.efficiency(X), flagged.efficiency(X))
    drawn = flagged.sample(X, random_state=0)
    assert_array_equal(model.sample(X, random_state=0), drawn[:, [0, 2]])


def test_a_column_by_position():
    X, y = (side.to_numpy() for side in jets())
    order = [0, 2, 1]
    model = EfficiencySimulator(Smear(), accepted=-1, random_state=0).fit(X, y[:, order])
    assert type(model.sample(X)) is np.ndarray
    assert set(model.sample(X)[:, 2]) == {0.0, 1.0}
    assert list(model.target_names_in_) == ["y0", "y1", "y2"]


def test_the_column_alone_is_an_efficiency():
    X, y = jets()
    model = EfficiencySimulator(Smear(), random_state=0).fit(X, y["accepted"].astype(bool))
    assert model.simulators_ == {}
    drawn = model.sample(X, random_state=0)
    assert drawn.shape == (3000,)
    assert drawn.mean() == pytest.approx(y["accepted"].mean(), abs=0.03)
    assert (model.score_samples(X, y["accepted"]) < 0).all()


def test_clouds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4, 3))
    y = X + 0.1
    y[::3] = 0.0
    model = EfficiencySimulator(FlowSimulator(**SMALL), accepted=None).fit(X, y)
    drawn = model.sample(X, random_state=0)
    assert drawn.shape == (60, 4, 3)
    assert set((drawn == 0).all(axis=(1, 2))) == {False, True}
    assert model.simulators_["accepted"].target_shape_ == (4, 3)


# Composition.


def canonical(classifier=None):
    names = ["muon", "jet"]
    coordinates = [CartesianToCylindrical(names), LogTransformer(["jet_mass"])]
    return make_pipeline(
        *coordinates,
        EfficiencySimulator(
            TransformedSimulator(
                FlowSimulator(**SMALL), [*clone(coordinates), ResidualTransformer()]
            ),
            classifier=classifier,
            random_state=0,
        ),
    )


def test_canonical_model_of_all_generated_events(tmp_path):
    X, y = load_wjet(selection="all", return_X_y=True)
    X, y = X[:2000], y[:2000]
    model = canonical().fit(X, y)
    assert is_simulator(model)
    drawn = pd.DataFrame(skjetsim.sample(model, X, random_state=0), columns=y.columns)
    assert drawn["accepted"].mean() == pytest.approx(y["accepted"].mean(), abs=0.03)
    assert (drawn[drawn["accepted"] == 0] == 0).all(axis=None)
    assert (drawn.loc[drawn["accepted"] == 1, "jet_mass"] > 0).all()
    assert np.isfinite(skjetsim.log_prob(model, X, y)).all()
    skjetsim.save(model, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    assert_array_equal(skjetsim.sample(again, X, random_state=0), drawn)


def test_search_over_nested_parameters():
    X, y = jets(300)
    model = EfficiencySimulator(
        FlowSimulator(**SMALL | {"max_epochs": 1}),
        classifier=HistGradientBoostingClassifier(max_iter=5),
    )
    grid = {"classifier__learning_rate": [1e-3, 0.3], "simulator__n_bins": [4]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["classifier__learning_rate"] == 0.3
    assert search.score(X, y) > -10
    assert skjetsim.sample(search, X[:3]).shape == (3, 3)
    assert clone(search.best_estimator_).classifier.learning_rate == 0.3


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_weights_reach_classifier_and_simulators():
    X, y = jets()
    weight = (X["jet_eta"] > 0).to_numpy() * np.linspace(0.5, 1.5, len(X))
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    model = EfficiencySimulator(Smear(), classifier=pipe).fit(X, y, sample_weight=weight)
    used = weight > 0
    by_hand = clone(pipe).fit(
        X[used], y["accepted"][used], logisticregression__sample_weight=weight[used]
    )
    assert_allclose(model.efficiency(X), by_hand.predict_proba(X)[:, 1], rtol=1e-3)
    kept = used & (y["accepted"] == 1)
    assert_array_equal(model.simulators_["accepted"].seen_[2], weight[kept])
    assert (
        EfficiencySimulator(Smear(), classifier=pipe).fit(X, y).simulators_["accepted"].seen_[2]
        is None
    )


def test_fit_repeats_for_a_seed():
    X, y = jets(500)
    one, two = (
        EfficiencySimulator(FlowSimulator(**SMALL), random_state=0).fit(X, y) for _ in range(2)
    )
    assert_array_equal(one.transform(X), two.transform(X))
    assert_array_equal(one.transform(X), one.transform(X))
    assert not np.array_equal(one.sample(X), one.sample(X))
    other = clone(one).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(other.transform(X), one.transform(X))
    # In larger samples the trees draw events for early stopping.
    X, y = jets(1500)
    one, two, other = (
        EfficiencySimulator(Smear(), random_state=seed).fit(X, y).efficiency(X)
        for seed in (0, 0, 1)
    )
    assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_checkpoints_are_the_patterns_own():
    model = EfficiencySimulator(
        Smear(checkpoint="a.pt"), classifier=DummyClassifier(), objects=["jet2"]
    ).fit(*two_jets())
    files = {part.checkpoint for part in model.simulators_.values()}
    assert files == {"a.pt.0", "a.pt.1", "a.pt.2"}
    alone = EfficiencySimulator(Smear(checkpoint="a.pt"), classifier=DummyClassifier()).fit(*jets())
    assert alone.simulators_["accepted"].checkpoint == "a.pt"


COMMONEST = "without jet2"


@pytest.mark.parametrize(
    ("name", "when", "usable"),
    [(COMMONEST, "after", True), (COMMONEST, "before", False), ("fake jet2", "after", False)],
)
def test_ctrl_c_keeps_what_is_complete(lossy, name, when, usable):
    X, y = two_jets()
    sizes = {key: len(part.seen_[0]) for key, part in lossy.simulators_.items()}
    assert max(sizes, key=sizes.get) == COMMONEST
    interrupted = InterruptedIn(sizes[name], when)
    model = EfficiencySimulator(interrupted, classifier=DummyClassifier(), objects=["jet2"])
    model.fit(X[:3000], y[:3000])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.__sklearn_is_fitted__() == usable
    if usable:
        assert model.sample(X[:5]).shape == (5, 4)
