"""OTUSSimulator as an estimator: seeds, files, names, scorers, pipelines, interruptions."""

import numpy as np
import pandas as pd
import pytest
from _instances import FEW_EPOCHS
from numpy.testing import assert_allclose, assert_array_equal
from otus_toys import SMALL, learns, momenta, small, unpaired
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import load, sample, sample_inverse, save
from skjetsim._nn import TrainingNet
from skjetsim.base import is_simulator
from skjetsim.compose import ResidualTransformer, TransformedSimulator
from skjetsim.metrics import WassersteinScorer
from skjetsim.preprocessing import CartesianToCylindrical
from skjetsim.transport import InvariantMass, OTUSSimulator

pytestmark = FEW_EPOCHS


@pytest.fixture(scope="module")
def events():
    return unpaired(300, 240)


@pytest.fixture(scope="module")
def model(events):
    return small().fit(*events)


# Seeds.


def test_same_seed_same_events(events, model):
    X, y = events
    again = small().fit(X, y)
    other = small(random_state=1).fit(X, y)
    expected = model.sample(X, random_state=0), model.sample_inverse(y, random_state=0)
    assert_array_equal(again.sample(X, random_state=0), expected[0])
    assert_array_equal(again.sample_inverse(y, random_state=0), expected[1])
    assert (other.sample(X, random_state=0) != expected[0]).any()
    assert_array_equal(model.transform(X), model.transform(X))
    assert_array_equal(model.inverse_transform(y), model.inverse_transform(y))
    assert (model.sample(X) != model.sample(X)).any()


@pytest.mark.parametrize("noise", ["conditional", None])
def test_events_do_not_depend_on_workers(events, noise):
    X, y = events
    model = small(noise=noise).fit(X, y)
    many_X, many_y = np.tile(X, (40, 1)), np.tile(y, (40, 1))
    drawn = []
    for n_jobs in (None, 1, 2):
        model.set_params(n_jobs=n_jobs)
        forth = model.sample(many_X, random_state=0)
        drawn.append((forth, model.sample_inverse(many_y, random_state=0)))
    for forth, back in drawn[1:]:
        assert_array_equal(forth, drawn[0][0])
        assert_array_equal(back, drawn[0][1])
    assert_array_equal(model.sample(X, random_state=0), drawn[0][0][: len(X)])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"latent_loss": "kl", "noise": "additive"},
        {"n_learned_slices": 2, "n_blocks": 1, "scale": "standard"},
        {"stages": [{"max_epochs": 1}, {"train": "decoder", "max_epochs": 1}]},
        {"train": "decoder"},
    ],
    ids=["default", "kl", "blocks", "stages", "decoder"],
)
def test_files_give_the_same_events(events, tmp_path, params):
    X, y = events
    model = small(**params).fit(X, y)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert_array_equal(again.sample(X, random_state=0), model.sample(X, random_state=0))
    if params.get("train") == "decoder":
        with pytest.raises(NotFittedError, match="no encoder"):
            again.sample_inverse(y)
    else:
        assert_array_equal(
            again.sample_inverse(y, random_state=0), model.sample_inverse(y, random_state=0)
        )
    assert again.history_ == model.history_
    assert again.get_params() == model.get_params()


def test_files_with_masses_and_observables(tmp_path):
    X, y = momenta()
    pair = InvariantMass("muon", "antimuon")
    model = small(masses=5.0, observables=[pair], per_object=True).fit(X, y)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert_array_equal(again.sample(X, random_state=0), model.sample(X, random_state=0))
    assert again.observables == [pair]


def test_clone_keeps_only_parameters(model):
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "net_")
    assert twin.set_params(p=2).p == 2
    with pytest.raises(NotFittedError):
        twin.sample([[60.0, 0.0]])


def test_it_is_a_simulator_of_unpaired_events(model):
    assert is_simulator(model)
    assert model.paired_ is False
    assert not hasattr(model, "score_samples")


# Names and shapes.


def test_both_directions_have_the_names_of_their_level(events):
    X = pd.DataFrame(events[0], columns=["muon_pt", "muon_eta"])
    y = pd.DataFrame(events[1], columns=["jet_pt", "jet_eta"])
    model = small().set_output(transform="pandas").fit(X, y)
    rows, seen = X.iloc[5:9], y.iloc[7:9]
    for drawn in (model.sample(rows), model.transform(rows)):
        assert list(drawn.columns) == list(y.columns)
        assert list(drawn.index) == list(rows.index)
    for drawn in (model.sample_inverse(seen), model.inverse_transform(seen)):
        assert list(drawn.columns) == list(X.columns)
        assert list(drawn.index) == list(seen.index)
    assert list(model.reconstruct(seen).columns) == list(y.columns)
    assert type(model.sample_inverse(seen, n_samples=2)) is np.ndarray
    assert list(model.sample_inverse(y.iloc[:0]).columns) == list(X.columns)


def test_one_column_of_y_and_clouds(events):
    X, y = events
    flat = small().fit(X, y[:, 0])
    assert flat.sample(X[:4]).shape == (4,)
    assert flat.sample_inverse(y[:4, 0], n_samples=3).shape == (4, 3, 2)
    rng = np.random.default_rng(0)
    clouds, images = rng.normal(size=(80, 4, 3)), rng.normal(size=(70, 2, 2))
    model = small().fit(clouds, images)
    assert model.sample(clouds, n_samples=2).shape == (80, 2, 2, 2)
    assert model.sample_inverse(images).shape == (70, 4, 3)


def test_no_events_give_an_empty_result(model):
    assert model.sample(np.empty((0, 2))).shape == (0, 2)
    assert model.sample_inverse(np.empty((0, 2)), n_samples=3).shape == (0, 3, 2)


# Scores.


def test_scorers_compare_distributions(events):
    X, y = events
    X = X[:240]
    folds = KFold(2, shuffle=True, random_state=0)
    settings = {"cv": folds, "scoring": WassersteinScorer()}
    scores = cross_val_score(small(), X, y, **settings)
    assert (scores < 0).all()
    model, scorer = small().fit(X, y), WassersteinScorer()
    order = np.random.default_rng(0).permutation(len(y))
    assert scorer(model, X, y[order]) == pytest.approx(scorer(model, X, y), rel=1e-12)
    piped = make_pipeline(StandardScaler(), TransformedSimulator(small(), [StandardScaler()]))
    piped.fit(X, y)
    assert scorer(piped, X, y[order]) == pytest.approx(scorer(piped, X, y), rel=1e-12)


# Transformers and Pipelines.


def test_transformers_of_both_levels(events):
    X, y = unpaired(600, 500)
    model = make_pipeline(StandardScaler(), TransformedSimulator(learns(), [StandardScaler()]))
    model.fit(X, y)
    drawn, back = sample(model, X, random_state=0), sample_inverse(model, y, random_state=0)
    for table, true in ((drawn, y), (back, X)):
        assert table.shape == (len(X if true is y else y), 2)
        assert (np.abs(table.mean(axis=0) - true.mean(axis=0)) < 0.25 * true.std(axis=0)).all()
    assert model.transform(X).shape == (600, 2)
    assert model.inverse_transform(y).shape == (500, 2)


def test_coordinates_of_both_levels():
    X, y = momenta(200)
    X, y = X.drop(columns=["muon_E", "antimuon_E"]), y.drop(columns=["muon_E", "antimuon_E"])
    model = make_pipeline(
        CartesianToCylindrical(), TransformedSimulator(small(), [CartesianToCylindrical()])
    ).set_output(transform="pandas")
    model.fit(X, y.iloc[:150])
    assert list(model.transform(X).columns) == list(y.columns)
    assert list(sample_inverse(model, y, random_state=0).columns) == list(X.columns)


def test_pairs_reach_it_through_a_pipeline(events):
    X, y = events[0][:240], events[1]
    mask = np.arange(240) < 50

    def drawn(**fit_params):
        model = make_pipeline(StandardScaler(), TransformedSimulator(small(), [StandardScaler()]))
        return sample(model.fit(X, y, **fit_params), X, random_state=0)

    paired = drawn(transformedsimulator__paired=mask)
    assert (paired != drawn()).any()
    assert_array_equal(paired, drawn(transformedsimulator__paired=mask))
    with pytest.raises(ValueError, match="paired has shape"):
        drawn(transformedsimulator__paired=mask[1:])


def test_residuals_need_pairs(events):
    X, y = events
    model = TransformedSimulator(small(), [StandardScaler(), ResidualTransformer()])
    with pytest.raises(ValueError, match=r"ResidualTransformer needs .*OTUSSimulator learns from"):
        model.fit(X, y)


# Weights.


def test_weights_are_those_of_drawn_rows():
    X, y = unpaired(600, 600)
    weight = (X[:, 0] > 60) * 0.95 + 0.05  # the same for both levels: y is independent of X
    weight[y[:, 0] > 80] *= 3
    model = learns().fit(X, y, sample_weight=weight)
    drawn = model.sample(np.repeat(X, 2, axis=0), random_state=0)
    back = model.sample_inverse(y, random_state=0)
    assert np.average(y[:, 0], weights=weight) > y[:, 0].mean() + 2
    # Training events are drawn by weight, and encoded events have their distribution.
    expected = np.average(X[:, 0], weights=weight)
    got = np.average(back[:, 0], weights=weight)
    assert expected > X[:, 0].mean() + 3
    assert got == pytest.approx(expected, abs=1.5)
    assert np.isfinite(drawn).all()


def test_weights_of_zero_and_of_another_scale(events):
    X, y = events[0][:240], events[1]
    weight = np.random.default_rng(0).uniform(0.5, 2, 240)
    weight[:20] = 0
    weighted = small().fit(X, y, sample_weight=weight)
    expected = weighted.sample(X, random_state=0)
    fewer = small().fit(X[20:], y[20:], sample_weight=weight[20:])
    assert_array_equal(fewer.sample(X, random_state=0), expected)
    scaled = small().fit(X, y, sample_weight=1e-3 * weight)
    assert_allclose(scaled.sample(X, random_state=0), expected, rtol=1e-3)
    model = small(validation_fraction=0.2).fit(X, y, weight, paired=np.arange(240) < 50)
    assert np.isfinite(model.sample(X)).all()


# Interruptions.


@pytest.fixture
def stops(monkeypatch):
    """Make the training raise at its `after`-th step."""

    def install(after, error):
        original, calls = TrainingNet.train_step, []

        def train_step(self, batch):
            calls.append(1)
            if len(calls) == after:
                raise error
            return original(self, batch)

        monkeypatch.setattr(TrainingNet, "train_step", train_step)

    return install


STAGES = [{"max_epochs": 3}, {"train": "decoder", "max_epochs": 3, "learning_rate": 1e-3}]


@pytest.mark.parametrize(  # four steps per epoch
    ("after", "stages"), [(6, None), (6, STAGES), (14, STAGES), (22, STAGES)]
)
def test_a_killed_training_resumes_to_the_same_events(events, tmp_path, stops, after, stages):
    X, y = events
    y = pd.DataFrame(y, columns=["muon_pt", "muon_eta"])
    settings = {"stages": stages, "max_epochs": 6, "thresholds": {"muon": 60.0}}
    whole = small(**settings).fit(X, y)
    settings["checkpoint"] = str(tmp_path / "training")
    stops(after, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        small(**settings).fit(X, y)
    resumed = small(**settings).fit(X, y)
    assert_array_equal(resumed.sample(X, random_state=0), whole.sample(X, random_state=0))
    assert resumed.history_ == whole.history_
    again = small(**settings).fit(X, y)  # the training was complete
    assert_array_equal(
        again.sample_inverse(y, random_state=0), whole.sample_inverse(y, random_state=0)
    )
    assert again.history_ == whole.history_
    assert again.best_epoch_ == whole.best_epoch_


def test_ctrl_c_keeps_what_was_learnt(events, stops):
    X, y = events
    expected = small(max_epochs=3, schedule="constant").fit(X, y).sample(X, random_state=0)
    stops(14, KeyboardInterrupt())
    model = small(max_epochs=6, schedule="constant")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.best_epoch_ == 3
    assert len(model.history_) == 3
    assert_array_equal(model.sample(X, random_state=0), expected)


def test_a_map_that_ctrl_c_kept_from_training_draws_nothing(events, stops):
    X, y = events
    stops(14, KeyboardInterrupt())
    model = small(stages=[{"train": "encoder", "max_epochs": 3}, {"train": "decoder"}])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert np.isfinite(model.sample_inverse(y)).all()
    with pytest.raises(NotFittedError, match="no decoder"):
        model.sample(X)


def test_ctrl_c_early_in_a_later_stage_keeps_the_stage_before(events, stops):
    X, y = events
    expected = small(max_epochs=3).fit(X, y).sample(X, random_state=0)
    stops(14, KeyboardInterrupt())
    model = small(stages=STAGES)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.best_epoch_ == 3
    assert [row["stage"] for row in model.history_] == [0, 0, 0]
    assert_array_equal(model.sample(X, random_state=0), expected)


@pytest.mark.parametrize(
    ("after", "error"), [(2, KeyboardInterrupt()), (2, ValueError("x")), (14, ValueError("x"))]
)
def test_nothing_learnt_or_an_error_leaves_nothing_fitted(events, stops, after, error):
    X, y = events
    model = small(stages=STAGES).fit(X, y)
    stops(after, error)
    with pytest.raises(type(error)):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.sample(X)


def test_a_checkpoint_of_other_losses_is_another_training(events, tmp_path):
    path = str(tmp_path / "training")
    small(checkpoint=path).fit(*events)
    for changed in (
        {"latent_weight": 2.0},
        {"p": 2},
        {"train": "decoder"},
        {"marginal_weight": 0.5},
    ):
        with pytest.raises(ValueError, match="belongs to another training"):
            OTUSSimulator(**SMALL | changed, checkpoint=path).fit(*events)
