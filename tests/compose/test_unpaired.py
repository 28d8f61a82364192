"""Meta-simulators of a simulator that learns from unpaired events: scores, pairs and tables."""

import numpy as np
import pandas as pd
import pytest
from _instances import FEW_EPOCHS
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from unfolding_toys import GaussianRegression

from skjetsim import sample_inverse
from skjetsim.base import SimulatorMixin
from skjetsim.base._tags import is_paired
from skjetsim.compose import (
    EfficiencySimulator,
    EnsembleSimulator,
    SymmetricSimulator,
    TransformedSimulator,
)
from skjetsim.metrics import WassersteinScorer, energy_score, sliced_wasserstein_distance
from skjetsim.preprocessing import LogTransformer
from skjetsim.transport import OTUSSimulator, UnpairedMixin

pytestmark = FEW_EPOCHS

NAMES = ["muon_pt", "muon_mass"]


def otus(**params):
    settings = {"hidden_features": (8,), "n_slices": 4, "max_epochs": 1, "batch_size": 64}
    return OTUSSimulator(**settings | {"device": "cpu", "random_state": 0} | params)


def around(simulator):
    return make_pipeline(StandardScaler(), TransformedSimulator(simulator, [StandardScaler()]))


def ensemble(simulator):
    return EnsembleSimulator(simulator, n_estimators=2, random_state=0)


WRAPPERS = pytest.mark.parametrize(
    "wrap",
    [
        lambda simulator: TransformedSimulator(simulator, []),
        around,
        lambda simulator: around(make_pipeline(StandardScaler(), simulator)),
        lambda simulator: around(ensemble(simulator)),
        ensemble,
    ],
    ids=["transformed", "Pipeline", "Pipeline inside", "ensemble inside", "ensemble"],
)


def tables(n_events=300, seed=0):
    """Pairs of positive quantities, rows numbered from 1000."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(20, 100, (n_events, 2)), columns=NAMES)
    y = X * rng.normal(1.1, 0.1, X.shape)
    return X.set_axis(range(1000, 1000 + n_events)), y.set_axis(range(1000, 1000 + n_events))


class MeanSmear(UnpairedMixin, SimulatorMixin, BaseEstimator):
    """A simulator of unpaired events with a density, which would need pairs."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.n_features_in_ = 2
        self.target_names_in_ = np.array(["y0", "y1"], dtype=object)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        rows = np.asarray(X)
        return rows if n_samples is None else np.repeat(rows[:, None], n_samples, axis=1)

    def score_samples(self, X, y):
        return -((np.asarray(y) - np.asarray(X)) ** 2).sum(axis=1)


# Scores.


@WRAPPERS
def test_score_compares_distributions(wrap):
    X, y = tables()
    model = wrap(otus()).fit(X, y)
    assert not is_paired(model)
    score = model.score(X, y)
    drawn = np.asarray(model.transform(X))
    expected = sliced_wasserstein_distance(y, drawn, scale="std", random_state=0)
    assert score == pytest.approx(-expected)
    assert model.score(X, y.sample(frac=1, random_state=0)) == pytest.approx(score)
    assert model.score(X, y[:100]) < 0
    assert model.score(X[:100], y) < 0
    scorer = WassersteinScorer()
    shuffled = y.sample(frac=1, random_state=0)
    assert scorer(model, X, shuffled) == pytest.approx(scorer(model, X, y))


def test_score_is_that_of_the_simulator_inside():
    X, y = tables()
    for train in ("both", "decoder", "encoder"):
        alone = otus(train=train).fit(X, y[:200])
        model = TransformedSimulator(otus(train=train), []).fit(X, y[:200])
        assert model.score(X, y[:100]) == pytest.approx(alone.score(X, y[:100]))
        weight = np.linspace(0, 1, len(X))
        assert model.score(X, y, weight) == pytest.approx(alone.score(X, y, weight))


@WRAPPERS
def test_an_encoder_alone_is_scored_on_theory_level(wrap):
    X, y = tables()
    model = wrap(otus(train="encoder")).fit(X, y)
    drawn = np.asarray(sample_inverse(model, y, random_state=0))
    expected = sliced_wasserstein_distance(X, drawn, scale="std", random_state=0)
    assert model.score(X, y) == pytest.approx(-expected)


def test_score_refuses_other_columns():
    X, y = tables()
    model = TransformedSimulator(otus(), []).fit(X, y)
    with pytest.raises(ValueError, match="'muon_mass' at position 0"):
        model.score(X, y[NAMES[::-1]])


def test_a_density_of_unpaired_events_is_not_the_score():
    X, y = (table.to_numpy() for table in tables())
    model = MeanSmear().fit(X, y)
    expected = sliced_wasserstein_distance(y, X, scale="std", random_state=0)
    assert model.score(X, y[::-1]) == pytest.approx(-expected)


def test_estimators_that_match_rows_are_scored_on_pairs():
    X, y = tables()
    X["muon_phi"], y["muon_phi"] = 0.1, 0.2
    accepted = y.assign(accepted=1.0)
    accepted[X["muon_pt"] < 50] = 0.0
    for model, target in (
        (SymmetricSimulator(otus(), "muon"), y),
        (EfficiencySimulator(otus(), random_state=0), accepted),
    ):
        target = target + 1e-3 * np.arange(300)[:, None] * (target != 0) * (target != 1)
        model.fit(X.assign(muon_phi=np.linspace(-3, 3, 300)), target)
        assert is_paired(model)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            TransformedSimulator(model, []).fit(X, target[:200])
    drawn = model.sample(X, n_samples=10, random_state=0)
    assert model.score(X, target) == pytest.approx(-energy_score(target, drawn, scale="std"))


# Rows that are pairs.


def test_pairs_have_the_same_index():
    X, y = tables()
    mask, other = np.arange(300) < 50, y.sample(frac=1, random_state=0)
    simulator = TransformedSimulator(otus(), [StandardScaler()])  # which makes arrays
    simulator.fit(X, other)
    simulator.fit(X, other, paired=None)
    simulator.fit(X, other[:200])
    for marks in ({"paired": mask}, {"sample_weight": np.ones(300)}):
        with pytest.raises(ValueError, match="indices differ from row 0 on: 1000 in X"):
            simulator.fit(X, other, **marks)
        simulator.fit(X, y, **marks)
    inside = make_pipeline(StandardScaler(), otus())
    with pytest.raises(ValueError, match="indices differ from row 0 on: 1000 in X"):
        TransformedSimulator(inside, []).fit(X, other, otussimulator__paired=mask)
    piped = make_pipeline(LogTransformer(["muon_pt"]), simulator)
    with pytest.raises(ValueError, match="indices differ from row 0 on: 1000 in X"):
        piped.fit(X, other, transformedsimulator__paired=mask)


def test_an_ensemble_needs_equally_many():
    X, y = tables()
    message = r"X has 300 rows and y 200: Ensemble.* resamples .* Choose 200 random rows of X"
    with pytest.raises(ValueError, match=message):
        ensemble(otus()).fit(X, y[:200])
    with pytest.raises(ValueError, match="Choose 250 random rows of y"):
        around(ensemble(otus())).fit(X[:250], y)
    ensemble(otus()).fit(X, y.sample(frac=1, random_state=0))  # their indices may differ


# Tables.


@pytest.mark.parametrize("transformers", [[], [StandardScaler()], [LogTransformer(["muon_pt"])]])
def test_unfolded_tables_have_the_index_of_what_was_unfolded(transformers):
    X, y = tables()
    model = TransformedSimulator(otus(), transformers).fit(X, y)
    arrays = model.inverse_transform(y[100:105])
    assert isinstance(arrays, np.ndarray)
    model.set_output(transform="pandas")
    piped = make_pipeline(LogTransformer(["muon_pt"]), clone(model))
    for each in (model, piped.set_output(transform="pandas").fit(X, y)):
        for unfold in (each.inverse_transform, lambda y, each=each: sample_inverse(each, y)):
            table = unfold(y[100:105])
            assert list(table.columns) == NAMES
            assert list(table.index) == list(range(1100, 1105))
            assert list(unfold(y[100:105].to_numpy()).index) == list(range(5))
    assert_allclose(model.inverse_transform(y[100:105]), arrays)
    assert model.sample_inverse(y[:4], n_samples=3).shape == (4, 3, 2)
    assert list(model.sample_inverse(y[:0]).columns) == NAMES


@pytest.mark.parametrize("wrap", [ensemble, lambda simulator: around(ensemble(simulator)), around])
def test_no_events_unfold_to_an_empty_result(wrap):
    X, y = tables()
    model = wrap(otus()).fit(X, y)
    assert sample_inverse(model, y[:0]).shape == (0, 2)
    assert sample_inverse(model, y[:0], n_samples=3).shape == (0, 3, 2)


def test_an_ensemble_unfolds_if_its_members_do():
    assert hasattr(ensemble(otus()), "inverse_transform")
    plain = ensemble(TransformedSimulator(otus(), [])).set_params(simulator=GaussianRegression())
    for name in ("sample_inverse", "inverse_transform"):
        assert not hasattr(plain, name)
