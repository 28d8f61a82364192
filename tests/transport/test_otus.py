"""OTUSSimulator: learns the distributions of both levels, with each loss and in stages."""

import numpy as np
import pandas as pd
import pytest
import torch
from _instances import FEW_EPOCHS
from numpy.testing import assert_allclose, assert_array_equal
from otus_toys import cylindrical, learns, momenta, small, smeared, unpaired
from sklearn.exceptions import NotFittedError

from skjetsim.metrics import sliced_wasserstein_distance
from skjetsim.transport import InvariantMass

pytestmark = FEW_EPOCHS


@pytest.fixture(scope="module")
def events():
    return unpaired()


@pytest.fixture(scope="module")
def learnt(events):
    return learns().fit(*events)


def assert_like(drawn, true, mean=0.12, width=0.15):
    """Means agree within a fraction of the true width, and widths within another one."""
    assert (np.abs(drawn.mean(axis=0) - true.mean(axis=0)) < mean * true.std(axis=0)).all()
    assert_allclose(drawn.std(axis=0), true.std(axis=0), rtol=width)


# Distributions.


def test_both_directions_have_the_distribution_of_the_other_level(events, learnt):
    X, y = events
    assert len(X) != len(y)
    assert_like(learnt.sample(X, random_state=1), y)
    assert_like(learnt.sample_inverse(y, random_state=1), X)
    assert_like(learnt.transform(X), y)
    assert_like(learnt.inverse_transform(y), X)


def test_it_learns_the_distribution_and_not_the_rows(events):
    X, y = events
    model = learns().fit(X, y[np.random.default_rng(1).permutation(len(y))])
    assert_like(model.sample(X, random_state=1), y)


def test_reconstructed_events_are_distributed_as_measured_ones(events, learnt):
    y = events[1]
    again = learnt.reconstruct(y, random_state=0)
    assert again.shape == y.shape
    assert_like(again, y)
    assert_array_equal(again, learnt.reconstruct(y, random_state=0))
    assert not np.array_equal(again, learnt.reconstruct(y, random_state=1))


def test_data_weight_brings_each_event_back(events):
    y = events[1]

    def error(data_weight):
        model = learns(data_weight=data_weight).fit(*events)
        return np.square((model.reconstruct(y, random_state=0) - y) / y.std(axis=0)).mean()

    strong = error(5.0)
    assert strong < 0.3
    assert strong < 0.3 * error(0.0)  # it is 2 for two independent draws


def test_score_is_better_for_what_is_learnt(events, learnt):
    X, y = events
    assert -0.15 < learnt.score(X, y) < 0
    assert learnt.score(X, y) > small(max_epochs=1).fit(X, y).score(X, y) + 0.1
    weighted = learnt.score(X[:500], y[:500], np.ones(500))
    assert weighted == pytest.approx(learnt.score(X[:500], y[:500]))


def test_a_map_without_noise_is_deterministic(events):
    X, y = events
    model = learns(noise=None).fit(X, y)
    draws = model.sample(X[:50], n_samples=3)
    assert_array_equal(draws[:, 0], draws[:, 2])
    assert_array_equal(model.sample(X[:50]), draws[:, 1])
    assert_array_equal(model.sample_inverse(y[:50]), model.sample_inverse(y[:50]))
    assert_like(model.sample(X), y)


@pytest.mark.parametrize("noise", ["conditional", "standard", "additive"])
def test_each_noise_gives_another_event_in_each_draw(events, noise):
    X, y = events
    model = learns(noise=noise).fit(X, y)
    assert (np.ptp(model.sample(X[:50], n_samples=3), axis=1) > 0).all()
    assert (np.ptp(model.sample_inverse(y[:50], n_samples=3), axis=1) > 0).all()
    assert_like(model.sample(X, random_state=0), y, mean=0.2, width=0.25)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("scale", ["standard", "normal"])
def test_each_scale_and_power(events, p, scale):
    X, y = events
    model = learns(p=p, scale=scale, n_learned_slices=2, max_epochs=15).fit(X, y)
    assert_like(model.sample(X, random_state=0), y, mean=0.2, width=0.25)
    assert_like(model.sample_inverse(y, random_state=0), X, mean=0.2, width=0.25)


@pytest.mark.parametrize(
    ("latent_loss", "noise"),
    [("sliced_wasserstein", "standard"), ("mmd", "standard"), ("kl", "additive")],
)
def test_each_latent_loss_makes_the_theory_level(events, latent_loss, noise):
    X, y = events
    model = learns(latent_loss=latent_loss, noise=noise, train="encoder").fit(X, y)
    assert_like(model.sample_inverse(y, random_state=0), X, mean=0.2, width=0.25)


@pytest.mark.parametrize("per_object", [True, [["muon", "jet"]]], ids=["own", "shared"])
def test_objects_are_drawn_from_themselves(per_object):
    X, y = cylindrical()
    model = small(per_object=per_object, residual=True, n_blocks=1).fit(X, y)
    other = X.copy()
    other[["jet_pt", "jet_eta", "jet_phi"]] = X[["jet_pt", "jet_eta", "jet_phi"]].to_numpy()[::-1]
    drawn, changed = (model.sample(table, random_state=0) for table in (X, other))
    assert_allclose(drawn[:, :3], changed[:, :3], rtol=1e-6)
    assert (drawn[:, 3:] != changed[:, 3:]).any()


def test_angles_are_in_the_circle():
    X, y = cylindrical()
    for residual in (False, True, {"phi": 3.0}):
        model = small(residual=residual, max_epochs=4).fit(X, y)
        for drawn in (model.sample(X, random_state=0), model.sample_inverse(y, random_state=0)):
            angle = drawn[:, [2, 5]]
            assert (angle > -np.pi).all()
            assert (angle <= np.pi).all()
            assert np.ptp(angle) > 3


def test_energies_are_on_the_mass_shell():
    X, y = momenta()
    model = small(masses={"muon": 5.0, "antimuon": 5.0}).fit(X, y)
    for drawn in (model.sample(X), model.sample_inverse(y), model.reconstruct(y)):
        for start in (0, 4):
            p, energy = drawn[:, start : start + 3], drawn[:, start + 3]
            assert_allclose(energy**2 - (p**2).sum(axis=1), 25.0, rtol=1e-6)


def test_masses_without_names():
    X, y = (table.to_numpy() for table in momenta())
    drawn = small(masses=5.0).fit(X, y).sample(X)
    assert_allclose(drawn[:, 7] ** 2 - (drawn[:, 4:7] ** 2).sum(axis=1), 25.0, rtol=1e-6)


def test_constant_columns_keep_their_value(events):
    X, y = events
    X, y = np.c_[X, np.full(len(X), 0.1057)], np.c_[np.full(len(y), -3.3), y]
    model = small().fit(X, y)
    assert_array_equal(model.sample(X)[:, 0], -3.3)
    assert_array_equal(model.sample_inverse(y)[:, 2], 0.1057)


# Pairs.


def test_some_pairs_tell_the_width_of_the_response():
    X, y, paired = smeared()
    assert 50 < paired.sum() < 150

    def width(mask):
        model = learns(residual=True).fit(X, y, paired=mask)
        return (model.sample(X, random_state=0) - X).std()

    assert width(paired) == pytest.approx(5.0, rel=0.2)
    # Without pairs, another width with the same spectrum is learnt.
    assert abs(width(None) - 5.0) > 2.0


def test_pairs_tell_the_posterior():
    X, y, paired = smeared()
    model = learns(residual=True, train="encoder").fit(X, y, paired=paired)
    width = model.sample_inverse(y, n_samples=20, random_state=0).std(axis=1).mean()
    assert width == pytest.approx(np.sqrt(1 / (1 / 10**2 + 1 / 5**2)), rel=0.25)


def test_pairs_of_weight_zero_change_nothing():
    X, y, paired = smeared(300)
    plain, none, free = (
        small(**params).fit(X, y, paired=mask)
        for params, mask in (({}, None), ({}, np.zeros(300, bool)), ({"paired_weight": 0}, paired))
    )
    expected = plain.sample(X, random_state=0)
    assert_array_equal(none.sample(X, random_state=0), expected)
    assert np.isfinite(free.sample(X)).all()


# Single maps and stages.


def test_a_decoder_alone(events):
    X, y = events
    model = learns(train="decoder").fit(X, y)
    assert_like(model.sample(X, random_state=0), y)
    assert np.isfinite(model.score(X, y))
    for method in (model.sample_inverse, model.inverse_transform, model.reconstruct):
        with pytest.raises(NotFittedError, match=r'no encoder. Fit it with train="both"'):
            method(y)


def test_an_encoder_alone(events):
    X, y = events
    model = learns(train="encoder").fit(X, y)
    assert_like(model.sample_inverse(y, random_state=0), X)
    assert -0.15 < model.score(X, y) < 0
    for method in (model.sample, model.transform):
        with pytest.raises(NotFittedError, match=r'no decoder. Fit it with train="both"'):
            method(X)
    with pytest.raises(NotFittedError, match="no decoder"):
        model.reconstruct(y)


def test_stages_follow_one_another(events):
    X, y = events
    stages = [{"max_epochs": 3}, {"train": "decoder", "learning_rate": 1e-4, "max_epochs": 2}]
    model = small(stages=stages).fit(X, y)
    assert [row["stage"] for row in model.history_] == [0, 0, 0, 1, 1]
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 1, 2]
    assert model.best_epoch_ == 2
    assert np.isfinite(model.sample_inverse(y)).all()  # the encoder of the first stage is kept
    first = small(max_epochs=3).fit(X, y)
    assert_array_equal(
        model.sample_inverse(y, random_state=0), first.sample_inverse(y, random_state=0)
    )
    assert (model.sample(X, random_state=0) != first.sample(X, random_state=0)).any()


def test_stages_of_one_map_do_not_train_the_other(events):
    X, y = events
    model = small(stages=[{"train": "decoder"}, {"train": "decoder"}]).fit(X, y)
    with pytest.raises(NotFittedError, match="no encoder"):
        model.sample_inverse(y)


def cosine(a, b, name):
    p, q = (table[[f"{name}_px", f"{name}_py", f"{name}_pz"]].to_numpy() for table in (a, b))
    return (p * q).sum(axis=1) / np.linalg.norm(p, axis=1) / np.linalg.norm(q, axis=1)


def test_anchors_hold_directions():
    X, y = momenta(1000)
    settings = {"masses": 5.0, "noise": None, "anchors": ["muon"], "max_epochs": 15}
    model = learns(**settings, anchor_weight=50.0).set_output(transform="pandas").fit(X, y)
    free = learns(**settings).set_output(transform="pandas").fit(X, y)
    for table, moved in ((X, "sample"), (y, "sample_inverse")):
        assert np.median(cosine(table, getattr(model, moved)(table), "muon")) > 0.95
        assert np.median(cosine(table, getattr(free, moved)(table), "muon")) < 0.8


@pytest.mark.parametrize(
    "anchors",
    [None, lambda theory, measured: (theory["muon_px"] - measured["muon_px"]).square()],
    ids=["steps", "callable"],
)
def test_anchors_keep_events_near_their_input(anchors):
    X, y = momenta(600)
    model = learns(masses=5.0, noise=None, anchors=anchors, anchor_weight=100.0, max_epochs=15)
    drawn = model.fit(X, y).sample(X)[:, 0]
    assert (drawn - X["muon_px"]).std() < 0.4 * X["muon_px"].std()


def test_thresholds_and_the_rate_that_passes_them(events):
    X, y = (pd.DataFrame(np.abs(side), columns=["muon_pt", "muon_eta"]) for side in events)
    low, high = (
        learns(thresholds={"muon": least}, max_epochs=3).fit(X, y) for least in (0.0, 80.0)
    )
    assert all(row["passing_rate"] > 0.99 for row in low.history_)
    assert 0.3 < high.history_[-1]["passing_rate"] < 0.7
    assert "passing_rate" not in learns(max_epochs=1).fit(X, y).history_[0]
    with pytest.raises(ValueError, match=r"passes the thresholds.*passing rate 0"):
        learns(thresholds={"muon": 1e4}, max_epochs=3).fit(X, y)


def test_validation_chooses_the_best_epoch(events):
    X, y = events
    model = learns(validation_fraction=0.2, max_epochs=8).fit(X, y)
    losses = [row["valid_loss"] for row in model.history_]
    assert model.best_epoch_ == 1 + int(np.argmin(losses))
    # Both are means of the same loss, and do not depend on the number of rows.
    assert 0.5 < losses[-1] / model.history_[-1]["train_loss"] < 2


# Distributions of any shape.


def ring(n_events, rng):
    radius = 2 + 0.1 * rng.normal(size=(n_events, 1))
    phi = rng.uniform(-np.pi, np.pi, n_events)
    return radius * np.column_stack([np.cos(phi), np.sin(phi)])


def two_normals(n_events, rng):
    side = np.where(rng.random((n_events, 1)) < 0.5, 2.0, -2.0)
    return 0.3 * rng.normal(size=(n_events, 2)) + side * [1.0, 0.5]


@pytest.mark.parametrize("law", [ring, two_normals])
def test_the_encoder_learns_any_distribution(law):
    rng = np.random.default_rng(0)
    X, y = law(1500, rng), rng.normal(size=(1500, 2)) * [2.0, 1.0]
    model = learns(hidden_features=(32, 32), scale="standard", train="encoder").fit(X, y)
    drawn = model.sample_inverse(y, random_state=0)
    normal = X.mean(axis=0) + X.std(axis=0) * rng.normal(size=X.shape)
    far, near = (
        sliced_wasserstein_distance(X, other, scale="std", random_state=0)
        for other in (normal, drawn)
    )
    assert near < 0.4 * far
    center = np.abs(drawn).max(axis=1) < 0.5  # neither distribution has events there
    assert center.mean() < 0.1 < (np.abs(normal).max(axis=1) < 0.5).mean() + 0.08


# Observables.


def test_an_observable_is_learnt():
    X, y = momenta(1000)
    pair = InvariantMass("muon", "antimuon")
    model = learns(masses=5.0, observables=[pair], observable_weight=5.0, max_epochs=20)
    drawn = model.set_output(transform="pandas").fit(X, y).sample_inverse(y, random_state=0)

    def mass(table):
        columns = {name: torch.tensor(values.to_numpy()) for name, values in table.items()}
        return pair(columns).numpy()

    quantiles = np.linspace(0.1, 0.9, 9)
    assert_allclose(np.quantile(mass(drawn), quantiles), np.quantile(mass(X), quantiles), rtol=0.15)
