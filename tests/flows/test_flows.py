"""Flows learn densities that integrate to one, and responses that depend on the event."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skjetsim.flows import FlowGenerator, FlowSimulator

QUICK = {
    "n_transforms": 4,
    "hidden_features": (32, 32),
    "n_bins": 8,
    "max_epochs": 12,
    "batch_size": 256,
    "learning_rate": 2e-3,
    "weight_decay": 0.0,  # the default is for larger samples
    "device": "cpu",
    "random_state": 0,
}


def spiky(n_events, seed=0):
    """A narrow core in wide tails, and a column that follows it."""
    rng = np.random.default_rng(seed)
    core = rng.normal(size=n_events) * np.where(rng.random(n_events) < 0.7, 0.2, 2.0)
    return np.column_stack([core, 0.5 * core + rng.normal(size=n_events)])


@pytest.fixture(scope="module")
def line():
    return FlowGenerator(**QUICK).fit(spiky(3000)[:, :1])


@pytest.fixture(scope="module")
def plane():
    return FlowGenerator(**QUICK).fit(spiky(3000))


def test_density_on_a_line_integrates_to_one(line):
    grid = np.linspace(-40, 40, 80001)[:, None]
    assert np.trapezoid(np.exp(line.score_samples(grid)), grid[:, 0]) == pytest.approx(1, abs=0.02)


def test_density_on_a_line_is_that_of_the_events(line):
    X = spiky(4000, seed=1)[:, :1]
    truth = 0.7 * stats.norm.pdf(X[:, 0], scale=0.2) + 0.3 * stats.norm.pdf(X[:, 0], scale=2.0)
    assert line.score(X) == pytest.approx(np.log(truth).mean(), abs=0.05)


def test_density_in_the_plane_integrates_to_one(plane):
    x, y = np.linspace(-16, 16, 1201), np.linspace(-14, 14, 301)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(plane.score_samples(grid)).reshape(len(x), len(y))
    assert np.trapezoid(np.trapezoid(density, y), x) == pytest.approx(1, abs=0.02)


def test_generated_events_look_like_the_events(plane):
    X, drawn = spiky(4000, seed=1), plane.sample(4000, random_state=0)
    for j in range(2):
        assert stats.ks_2samp(X[:, j], drawn[:, j]).statistic < 0.06
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(np.corrcoef(X.T)[0, 1], abs=0.08)


def test_latent_points_are_standard_normal_and_come_back(plane):
    X = spiky(2000, seed=2)
    latent = plane.transform(X)
    for j in range(2):
        assert stats.kstest(latent[:, j], "norm").statistic < 0.06
    assert_allclose(plane.inverse_transform(latent), X, rtol=1e-3, atol=2e-3)


def test_sampling_is_the_inverse_of_transform(plane):
    drawn = plane.sample(500, random_state=0)
    assert_allclose(plane.inverse_transform(plane.transform(drawn)), drawn, rtol=1e-3, atol=2e-3)


def test_density_changes_with_the_unit():
    X = spiky(1000)
    gev = FlowGenerator(**QUICK | {"max_epochs": 3}).fit(X)
    mev = FlowGenerator(**QUICK | {"max_epochs": 3}).fit(1000 * X)
    expected = gev.score_samples(X) - 2 * np.log(1000)
    assert_allclose(mev.score_samples(1000 * X), expected, atol=2e-2)


def test_rows_off_a_constant_have_no_density():
    X = np.column_stack([spiky(300)[:, 0], np.full(300, 0.5)])
    flow = FlowGenerator(**QUICK | {"max_epochs": 1}).fit(X)
    density = flow.score_samples(np.array([[0.1, 0.5], [0.1, 0.6]]))
    assert np.isfinite(density[0])
    assert density[1] == -np.inf


# Responses.


def smeared(n_events, seed=0):
    """Energies measured with a relative width that falls with energy, and shifted by 2 GeV."""
    rng = np.random.default_rng(seed)
    energy = rng.uniform(20, 200, n_events)
    width = np.hypot(1.0 * np.sqrt(energy), 0.05 * energy)
    return energy[:, None], (energy - 2 + width * rng.normal(size=n_events))[:, None]


@pytest.fixture(scope="module")
def calorimeters():
    """Three fits to different events. One alone is off by a tenth of the width at some energies."""
    settings = QUICK | {"max_epochs": 8, "learning_rate": 4e-3}
    return [
        FlowSimulator(**settings | {"random_state": seed}).fit(*smeared(10_000, seed=100 + seed))
        for seed in range(3)
    ]


@pytest.mark.parametrize(("low", "high"), [(20, 60), (60, 120), (120, 200)])
def test_response_has_the_mean_and_width_of_its_energy(calorimeters, low, high):
    energy = np.random.default_rng(5).uniform(low, high, (10_000, 1))
    width = np.hypot(np.sqrt(energy), 0.05 * energy)
    pulls = [(m.sample(energy, random_state=0) - energy + 2) / width for m in calorimeters]
    assert np.mean(pulls) == pytest.approx(0, abs=0.15)
    assert np.mean([pull.std() for pull in pulls]) == pytest.approx(1, abs=0.15)


def test_conditional_density_is_near_the_truth(calorimeters):
    X, y = smeared(4000, seed=1)
    width = np.hypot(np.sqrt(X), 0.05 * X)
    truth = stats.norm.logpdf(y, X - 2, width).mean()
    # The difference is the Kullback-Leibler divergence: half the squared pull, and more.
    for model in calorimeters:
        assert truth - 0.04 < model.score(X, y) < truth + 0.01
    grid = np.linspace(-200, 500, 20001)[:, None]
    density = np.exp(calorimeters[0].score_samples(np.full_like(grid, 60.0), grid))
    assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1, abs=0.02)


def test_a_response_in_phi_is_periodic():
    rng = np.random.default_rng(0)
    phi = rng.uniform(-np.pi, np.pi, 3000)
    X = pd.DataFrame({"jet_phi": phi})
    y = 10 + 5 * np.cos(phi) + 0.2 * rng.normal(size=3000)
    model = FlowSimulator(**QUICK).fit(X, y)
    edges = pd.DataFrame({"jet_phi": [np.pi - 1e-6, -np.pi + 1e-6]})
    drawn = model.sample(edges, n_samples=2000, random_state=0)
    assert_allclose(drawn.mean(axis=1), 5.0, atol=0.3)
    assert np.diff(model.score_samples(edges, [5.0, 5.0]))[0] == pytest.approx(0, abs=1e-3)


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_identity_off_the_training_range_stays_finite(calorimeters):
    far = np.array([[1e4], [-1e4], [1e9]])
    assert np.isfinite(calorimeters[0].sample(far, random_state=0)).all()
    assert np.isfinite(calorimeters[0].score_samples(far, far)).all()
