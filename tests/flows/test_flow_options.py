"""Angles, counts, bijections by column, streams of events, and a network before the couplings."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from skorch.callbacks import EarlyStopping

import skjetsim
from skjetsim.flows import FlowGenerator, FlowSimulator

QUICK = {
    "n_transforms": 4,
    "hidden_features": (32, 32),
    "n_bins": 6,
    "max_epochs": 8,
    "batch_size": 128,
    "device": "cpu",
    "random_state": 0,
}
TINY = QUICK | {"n_transforms": 2, "hidden_features": (8,), "max_epochs": 1}


def jets(n_events=3000, seed=0):
    """An angle that peaks where the circle closes, an energy that follows it, and a count."""
    rng = np.random.default_rng(seed)
    phi = rng.vonmises(np.pi, 3, n_events)
    energy = rng.exponential(3, n_events) + 2 * np.cos(phi)
    count = rng.poisson(np.exp(0.3 * np.sin(phi) + 1))
    return pd.DataFrame({"phi": phi, "energy": energy, "n_jets": count})


@pytest.fixture(scope="module")
def learnt():
    return FlowGenerator(integer_columns=("n_jets",), **QUICK).fit(jets())


# Angles.


def test_an_angle_is_drawn_on_the_circle_across_its_seam(learnt):
    drawn = learnt.sample(4000, random_state=1)[:, 0]
    assert np.abs(drawn).max() <= np.pi
    far = np.abs(drawn) > np.pi - 0.2
    assert far.mean() == pytest.approx((np.abs(jets()["phi"]) > np.pi - 0.2).mean(), abs=0.04)
    # The density is the same on both sides of the seam. On a line it would have an edge there.
    assert (drawn[far] > 0).mean() == pytest.approx(0.5, abs=0.08)


def test_another_turn_does_not_change_the_density(learnt):
    X = jets(200, seed=2)
    turned = X.assign(phi=X["phi"] + 2 * np.pi)
    assert_allclose(learnt.score_samples(turned), learnt.score_samples(X), atol=1e-4)
    back = learnt.inverse_transform(learnt.transform(turned))
    assert_allclose(np.cos(back[:, 0]), np.cos(X["phi"]), atol=2e-3)


def test_density_of_an_angle_is_continuous_and_integrates_to_one():
    X, fresh = (
        pd.DataFrame({"phi": np.random.default_rng(seed).vonmises(3.0, 4, 3000)}) for seed in (0, 1)
    )
    flow = FlowGenerator(**QUICK | {"max_epochs": 60}).fit(X)
    grid = pd.DataFrame({"phi": np.linspace(-np.pi, np.pi, 2001)})
    density = np.exp(flow.score_samples(grid))
    assert np.trapezoid(density, grid["phi"]) == pytest.approx(1, abs=2e-3)
    assert density[0] == pytest.approx(density[-1], rel=1e-3)
    truth = stats.vonmises.logpdf(fresh["phi"], 4, loc=3.0).mean()
    assert flow.score(fresh) == pytest.approx(truth, abs=0.02)


def test_the_energy_follows_the_angle(learnt):
    drawn, true = learnt.sample(4000, random_state=1), jets(4000, seed=3).to_numpy()
    for table in (drawn, true):
        near = np.abs(np.abs(table[:, 0]) - np.pi) < 0.5
        assert table[~near, 1].mean() - table[near, 1].mean() == pytest.approx(0.75, abs=0.5)


# Counts.


def test_counts_are_whole_and_their_probabilities_add_up(learnt):
    drawn = learnt.sample(4000, random_state=1)[:, 2]
    assert_array_equal(drawn, np.round(drawn))
    assert drawn.min() >= 0
    share = np.bincount(drawn.astype(int), minlength=8)[:8] / len(drawn)
    true = np.bincount(jets(20_000, seed=4)["n_jets"], minlength=8)[:8] / 20_000
    assert_allclose(share, true, atol=0.04)
    only = jets()[["n_jets"]].assign(n_jets=lambda table: table["n_jets"].astype(float))
    flow = FlowGenerator(integer_columns=("n_jets",), **QUICK).fit(only)
    counts = pd.DataFrame({"n_jets": np.arange(-3.0, 60.0)})
    probability = np.exp(flow.score_samples(counts))
    assert probability.sum() == pytest.approx(1, abs=0.02)
    assert_allclose(probability[3:9], true[:6], atol=0.04)


def test_a_fraction_of_a_jet_has_no_probability(learnt):
    X = jets(3, seed=5).assign(n_jets=[1.0, 1.5, 2.0])
    assert_array_equal(np.isneginf(learnt.score_samples(X)), [False, True, False])
    with pytest.raises(ValueError, match=r"'n_jets' is 1\.5 in row 1, not an integer"):
        FlowGenerator(integer_columns=("n_jets",), **TINY).fit(X)


def test_counts_come_back_through_the_latent_space(learnt):
    X = jets(300, seed=6)
    back = learnt.inverse_transform(learnt.transform(X))
    assert (back[:, 2] == X["n_jets"]).mean() > 0.99


def test_integers_need_not_be_named():
    X = jets()
    named, found = (
        FlowGenerator(integer_columns=columns, **TINY).fit(X) for columns in (("n_jets",), ())
    )
    assert_array_equal(named.encoder_.integers_, found.encoder_.integers_)
    drawn = found.sample(2000, random_state=0)[:, 2]
    assert_array_equal(drawn, np.round(drawn))
    assert drawn.min() == X["n_jets"].min()


def test_unknown_columns_are_named():
    X = jets(100)
    with pytest.raises(ValueError, match="no column 'n_muons'"):
        FlowGenerator(integer_columns=("n_muons",), **TINY).fit(X)
    with pytest.raises(ValueError, match="no column 'n_muons'"):
        FlowGenerator(bijection={"n_muons": "affine"}, **TINY).fit(X)
    with pytest.raises(ValueError, match="bijection"):
        FlowGenerator(bijection={"energy": "cubic"}, **TINY).fit(X)
    with pytest.raises(ValueError, match="no structure"):
        FlowGenerator(bijection="planar", structure="autoregressive", **TINY).fit(X)


def test_a_column_may_be_named_by_position():
    X = jets().to_numpy()
    flow = FlowGenerator(integer_columns=(2,), bijection={0: "circular"}, **TINY).fit(X)
    drawn = flow.sample(500, random_state=0)
    assert np.abs(drawn[:, 0]).max() <= np.pi
    assert_array_equal(drawn[:, 2], np.round(drawn[:, 2]))


# Bijections.


def test_a_dict_overrides_the_name():
    X = jets()[["phi", "energy"]]
    flow = FlowGenerator(bijection={"phi": "rqs", "energy": "affine"}, **TINY).fit(X)
    turned = X.assign(phi=X["phi"] + 2 * np.pi)
    assert not np.allclose(flow.score_samples(turned), flow.score_samples(X), atol=0.1)


BENT = [
    ("rqs", "coupling"),
    ("rqs", "autoregressive"),
    ("affine", "coupling"),
    ("affine", "autoregressive"),
    ("planar", "coupling"),
    ("sylvester", "coupling"),
]


@pytest.mark.parametrize(("bijection", "structure"), BENT)
def test_density_in_the_plane_integrates_to_one(bijection, structure):
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    X = np.column_stack([x, 0.5 * x**2 + 0.5 * rng.normal(size=2000)])
    settings = QUICK | {"max_epochs": 6, "learning_rate": 2e-3}
    flow = FlowGenerator(bijection=bijection, structure=structure, **settings).fit(X)
    axis = np.linspace(-12, 14, 521)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = np.exp(flow.score_samples(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert density == pytest.approx(1, abs=0.01)
    gaussian = stats.multivariate_normal(X.mean(0), np.cov(X.T)).logpdf(X).mean()
    assert flow.score(X) > gaussian + 0.1
    back = flow.inverse_transform(flow.transform(X))
    assert np.quantile(np.abs(back - X), 0.99) < 1e-3


# A network before the couplings.


def test_condition_network_is_trained_with_the_flow():
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, size=(2000, 2))
    y = X[:, :1] * X[:, 1:] + 0.1 * rng.normal(size=(2000, 1))
    model = FlowSimulator(condition_network=(16, 6), **QUICK).fit(X, y)
    weights = {name for name, _ in model.net_.module_.named_parameters()}
    assert any(name.startswith("summary.") for name in weights)
    drawn = model.sample([[1.5, 2.0]], n_samples=2000, random_state=0)[0]
    assert drawn.mean() == pytest.approx(3, abs=0.15)
    with pytest.raises(TypeError, match="condition_network"):
        FlowSimulator(condition_network=8, **TINY).fit(X, y)


# Streams.


def test_partial_fit_learns_from_a_stream():
    flow = FlowGenerator(integer_columns=("n_jets",), **QUICK | {"learning_rate": 2e-3})
    test = jets(1000, seed=9)
    scores = []
    for number in range(6):
        flow.partial_fit(jets(1500, seed=20 + number))
        scores.append(flow.score(test))
    assert len(flow.history_) == 6
    assert scores[-1] > scores[0] + 0.05
    again = FlowGenerator(integer_columns=("n_jets",), **QUICK | {"learning_rate": 2e-3})
    for number in range(6):
        again.partial_fit(jets(1500, seed=20 + number))
    assert_array_equal(again.sample(10, random_state=0), flow.sample(10, random_state=0))


def test_partial_fit_continues_a_fit_and_a_model_file(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.uniform(20, 100, size=(1000, 1))
    y = X * rng.choice([0.3, 1.0], size=X.shape) * rng.normal(1, 0.1, size=X.shape)
    model = FlowSimulator(**TINY).fit(X, y)
    before = model.score(X, y)
    skjetsim.save(model, tmp_path / "model.skjetsim")
    for each in (model, skjetsim.load(tmp_path / "model.skjetsim")):
        for _ in range(5):
            each.partial_fit(X, y)
        assert each.score(X, y) > before + 0.05
        assert len(each.history_) == 6


def test_a_refused_callback_leaves_the_model_as_it_was():
    X = np.random.default_rng(0).normal(size=(200, 2))
    model = FlowGenerator(max_epochs=1, ema_decay=0.99, random_state=0).fit(X).partial_fit(X)
    before = model.sample(5, random_state=1)
    model.set_params(callbacks=[EarlyStopping()])
    with pytest.raises(ValueError, match="partial_fit holds no events back: call fit"):
        model.partial_fit(X)
    assert_array_equal(model.sample(5, random_state=1), before)
    again = clone(model).set_params(callbacks=None).fit(X).partial_fit(X)
    model.set_params(callbacks=None)
    assert_array_equal(
        model.partial_fit(X).sample(5, random_state=1),
        again.partial_fit(X).sample(5, random_state=1),
    )


def test_partial_fit_refuses_what_it_cannot_learn():
    X = np.column_stack([np.random.default_rng(0).normal(size=100), np.full(100, 5.0)])
    flow = FlowGenerator(**TINY).partial_fit(X)
    X[7, 1] = 6.0
    with pytest.raises(ValueError, match=r"Column 1 was 5 in every event .* and is 6 in row 7"):
        flow.partial_fit(X)
    with pytest.raises(ValueError, match="features"):
        flow.partial_fit(X[:, :1])


def test_weight_decay_follows_columns_and_rows():
    decays = []
    for n_columns, n_rows in ((2, 200), (8, 200), (8, 800)):
        X = np.random.default_rng(0).normal(size=(n_rows, n_columns))
        decays.append(FlowGenerator(**TINY).fit(X).net_.plan.weight_decay)
    assert_allclose(decays, [0.1, 2.0, 2.0])
    assert FlowGenerator(weight_decay=0.3, **TINY).fit(X).net_.plan.weight_decay == 0.3
    with pytest.raises(ValueError, match="weight_decay"):
        FlowGenerator(weight_decay="none", **TINY).fit(X)
