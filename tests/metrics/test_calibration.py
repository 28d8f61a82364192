import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.neighbors import NearestNeighbors

from skjetsim.metrics import crps, energy_score, nearest_neighbour_ratio, quantile_coverage


@pytest.fixture(scope="module")
def normal():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4000, 2)), rng.normal(size=(4000, 40, 2))


@pytest.mark.parametrize("fair", [True, False])
def test_scores_agree_with_their_definition(fair):
    rng = np.random.default_rng(0)
    y, draws = rng.normal(size=(5, 3)), rng.normal(size=(5, 6, 3))
    pairs = draws[:, :, None] - draws[:, None]
    n_pairs = 30 if fair else 36
    accuracy = np.abs(draws - y[:, None]).mean(axis=1)
    expected = accuracy - np.abs(pairs).sum(axis=(1, 2)) / n_pairs / 2
    assert_allclose(crps(y, draws, fair=fair), expected.mean(axis=0))
    norm = np.linalg.norm(draws - y[:, None], axis=2).mean(axis=1)
    norm -= np.linalg.norm(pairs, axis=3).sum(axis=(1, 2)) / n_pairs / 2
    w = np.arange(1.0, 6.0)
    assert energy_score(y, draws, fair=fair) == pytest.approx(norm.mean())
    weighted = energy_score(y, draws, fair=fair, sample_weight=w)
    assert weighted == pytest.approx(np.average(norm, weights=w))


def test_scores_are_smallest_for_the_true_model(normal):
    y, draws = normal
    for score in (energy_score, lambda *a: crps(*a, multioutput="uniform_average")):
        best = score(y, draws)
        assert best < min(score(y, draws * 0.7), score(y, draws * 1.4), score(y, draws + 0.3))
    # CRPS of a standard normal: 1 / sqrt(pi)
    assert_allclose(crps(y, draws), 1 / np.sqrt(np.pi), atol=0.02)


def test_fair_scores_do_not_depend_on_the_number_of_draws(normal):
    y, draws = normal
    assert energy_score(y, draws[:, :2]) == pytest.approx(energy_score(y, draws), abs=0.03)
    assert energy_score(y, draws[:, :2], fair=False) > energy_score(y, draws) + 0.2


def test_scale_and_shapes(normal):
    y, draws = normal
    assert energy_score(y * 50, draws * 50, scale="std") == pytest.approx(
        energy_score(y, draws, scale="std")
    )
    assert_allclose(crps(y[:, 0], draws[..., 0]), crps(y[:, :1], draws[..., :1]))
    clouds, cloud_draws = y[:200].reshape(50, 4, 2), draws[:200].reshape(50, 4, 40, 2)
    cloud_draws = cloud_draws.swapaxes(1, 2)
    flat = energy_score(clouds.reshape(50, 8), cloud_draws.reshape(50, 40, 8))
    assert energy_score(clouds, cloud_draws) == pytest.approx(flat)


def test_blocks_do_not_matter(normal, monkeypatch):
    y, draws = normal
    whole = crps(y, draws), energy_score(y, draws), quantile_coverage(y, draws)
    monkeypatch.setattr("skjetsim.utils._scores._BLOCK", 10_000)
    for one, two in zip(
        whole, (crps(y, draws), energy_score(y, draws), quantile_coverage(y, draws)), strict=True
    ):
        assert_allclose(one, two, rtol=1e-12)


def test_coverage_of_a_calibrated_model(normal):
    y, draws = normal
    levels = np.array([0.05, 0.25, 0.5, 0.9])
    assert_allclose(quantile_coverage(y, draws, levels), levels[:, None] * [1, 1], atol=0.03)
    assert quantile_coverage(y, draws).shape == (9, 2)
    central = quantile_coverage(y, draws, [0.5, 0.8], central=True)
    assert_allclose(central, [[0.5] * 2, [0.8] * 2], atol=0.03)
    narrow = quantile_coverage(y, draws * 0.5, [0.8], central=True)
    assert (narrow < 0.6).all()
    assert (quantile_coverage(y + 1, draws, [0.5]) < 0.3).all()


def test_bad_ensembles(normal):
    y, draws = normal
    table = pd.DataFrame(y, columns=["pt", "eta"])
    with pytest.raises(ValueError, match="several draws for each event"):
        energy_score(y, draws[:, 0])
    with pytest.raises(ValueError, match="4000 events but generated has draws for 3999"):
        crps(y, draws[1:])
    with pytest.raises(ValueError, match="1 draws per event, but at least 2"):
        energy_score(y, draws[:, :1])
    with pytest.raises(ValueError, match="generated has 1 columns, but truth has 2"):
        crps(table, draws[..., :1])
    with pytest.raises(ValueError, match="truth contains NaN in column 'eta'"):
        crps(table.assign(eta=np.nan), draws)
    with pytest.raises(ValueError, match="generated contains infinity"):
        crps(y, np.where(draws == draws.max(), np.inf, draws))
    with pytest.raises(ValueError, match="at least 99 are needed"):
        quantile_coverage(y, draws, [0.01])
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_coverage(y, draws, [1.0])
    with pytest.raises(ValueError, match="negative in row 0"):
        energy_score(y, draws, sample_weight=-np.ones(len(y)))


def test_memorisation():
    rng = np.random.default_rng(0)
    train, held_out, fresh = rng.normal(size=(3, 4000, 3))
    fair = nearest_neighbour_ratio(train, fresh, held_out=held_out)
    assert fair == pytest.approx(1.0, abs=0.05)
    assert nearest_neighbour_ratio(train, train, held_out=held_out) == 0.0
    copied = fresh.copy()
    copied[:800] = train[:800]
    assert nearest_neighbour_ratio(train, copied, held_out=held_out) < 0.8
    copied[-1] = 1e6  # one outlier hides nothing
    assert nearest_neighbour_ratio(train, copied, held_out=held_out) < 0.8


def test_memorisation_with_samples_of_different_length():
    rng = np.random.default_rng(0)
    train, held_out, fresh = (rng.normal(size=(n, 2)) for n in (8000, 2000, 3000))
    options = {"held_out": held_out, "random_state": 0}
    ratio = nearest_neighbour_ratio(train, fresh, **options)
    assert ratio == pytest.approx(1.0, abs=0.07)
    assert ratio == nearest_neighbour_ratio(train, fresh, **options)
    assert nearest_neighbour_ratio(train, fresh, n_samples=100, **options) != ratio
    with pytest.raises(ValueError, match="held_out has 1 columns, but train has 2"):
        nearest_neighbour_ratio(train, fresh, held_out=held_out[:, :1])
    with pytest.raises(ValueError, match="generated contains NaN"):
        nearest_neighbour_ratio(train, fresh * np.nan, held_out=held_out)
    same = np.ones((10, 1))
    assert nearest_neighbour_ratio(same, same, held_out=same) == 1.0


def test_nearest_neighbours_of_many_columns():
    """Beyond the columns of a tree: as exact, and as fast for a subset of the events."""
    train, held_out, fresh = np.random.default_rng(0).normal(size=(3, 3000, 12))
    shifted = [table + 1e4 for table in (train, held_out)]
    assert nearest_neighbour_ratio(shifted[0], shifted[0], held_out=shifted[1]) == 0.0
    tree = NearestNeighbors(n_neighbors=1, algorithm="kd_tree")
    near, far = (tree.fit(table).kneighbors(fresh)[0][:, 0] for table in (train, held_out))
    share = near / (near + far)
    options = {"held_out": held_out, "scale": None}
    whole = nearest_neighbour_ratio(train, fresh, n_samples=None, **options)
    assert whole == pytest.approx(share.sum() / (1 - share).sum(), rel=1e-12)
    parts = [
        nearest_neighbour_ratio(train, fresh, n_samples=300, random_state=seed, **options)
        for seed in range(20)
    ]
    assert np.std(parts) < 0.8 / np.sqrt(300)
