"""TableEncoder: constants, angles, integers and densities of a table."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skjetsim._encoders._table import TableEncoder

NAMES = ["pt", "phi", "mass", "n_jets", "eta"]


def events(n_rows=800, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            20 + rng.exponential(30, n_rows),
            rng.uniform(-np.pi, np.pi, n_rows),
            np.full(n_rows, 0.1057),
            rng.poisson(2, n_rows) + 1.0,
            rng.normal(size=n_rows),
        ]
    )


@pytest.fixture
def encoder():
    encoder = TableEncoder(
        NAMES, circular=[name == "phi" for name in NAMES], integers=[n == "n_jets" for n in NAMES]
    )
    return encoder.fit(events(), rng=np.random.default_rng(0))


def test_round_trip(encoder):
    X = events(seed=1)
    inputs = encoder.encode(X)
    assert inputs.shape == (800, encoder.n_outputs_) == (800, 4)
    assert_array_equal(encoder.circular_, [False, True, False, False])
    assert_allclose(encoder.decode(inputs), X, rtol=1e-12, atol=1e-12)
    spread = encoder.encode(X, np.random.default_rng(3))
    assert_allclose(encoder.decode(spread), X, rtol=1e-12, atol=1e-12)
    assert len(np.unique(spread[:, 2])) == 800


def test_integers_are_lifted_to_the_least(encoder):
    low = encoder.encode(events())
    low[:, 2] = -9.0
    assert_array_equal(encoder.decode(low)[:, 3], encoder.least_[0])
    encoder.extend(np.array([[30.0, 0.0, 0.1057, -4.0, 0.0]]))
    assert encoder.decode(low)[:, 3].min() < 1
    assert_array_equal(encoder.least_, [-4])


def test_log_det_is_the_determinant(encoder):
    X, step = events(20, seed=2), 1e-6
    numeric = np.zeros(20)
    for j in (0, 1, 4):
        shift = step * (np.arange(5) == j)
        k = [0, 1, None, 2, 3][j]
        change = encoder.encode(X + shift)[:, k] - encoder.encode(X - shift)[:, k]
        numeric += np.log(change / (2 * step))
    of_count = TableEncoder(["n"], integers=[True]).fit(
        events()[:, 3:4], rng=np.random.default_rng(0)
    )
    numeric += of_count.log_det(X[:, 3:4])
    assert_allclose(encoder.log_det(X), numeric, atol=1e-5)


def test_log_density_of_a_normal():
    X = np.random.default_rng(0).normal(5, 2, size=(400, 2))
    encoder = TableEncoder([0, 1]).fit(X)
    density = encoder.log_density(X, lambda inputs, rows: stats.norm.logpdf(inputs).sum(axis=1))
    expected = stats.norm.logpdf(X, X.mean(axis=0), X.std(axis=0)).sum(axis=1)
    assert_allclose(density, expected)


def test_probabilities_of_integers_add_up():
    counts = np.random.default_rng(0).poisson(3.0, size=(900, 1)) * 1.0
    encoder = TableEncoder(["n"], integers=[True]).fit(counts, rng=np.random.default_rng(1))
    seen = []

    def log_prob(inputs, rows):
        seen.append(rows)
        return stats.norm.logpdf(inputs)[:, 0]

    grid = np.arange(-2.0, 40.0)[:, None]
    probability = np.exp(encoder.log_density(grid, log_prob))
    assert probability.sum() == pytest.approx(1, abs=2e-3)
    assert_array_equal(probability[:2], 0)
    assert all(rows.shape == (42,) for rows in seen)
    assert encoder.log_density(grid + 0.5, log_prob).max() == -np.inf


def test_rows_that_differ_in_a_constant_have_no_density(encoder):
    X = events(5)
    X[3, 2] = 0.2
    density = encoder.log_density(X, lambda inputs, rows: np.zeros(len(inputs)))
    assert_array_equal(np.isfinite(density), [True, True, True, False, True])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, 1e20, r"X column 'pt', row 4: 1e\+20 lies too far"),
        (1, 1e101, r"X column 'phi', row 4: .* is too large"),
    ],
)
def test_what_cannot_be_encoded(encoder, column, value, message):
    X = events(9)
    encoder.check(X)
    X[4, column] = value
    with pytest.raises(ValueError, match=message):
        encoder.check(X)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (1, 180.0, "'phi', row 4: 180 is more than a turn"),
        (2, 0.5, r"'mass' was 0\.1057 in every .* is 0\.5 in row 4"),
        (3, 2.5, "'n_jets' is 2.5 in row 4, not an integer"),
    ],
)
def test_what_cannot_be_learnt_from_in_addition(encoder, column, value, message):
    X = events(9)
    encoder.check_training(X)
    X[4, column] = value
    with pytest.raises(ValueError, match=message):
        encoder.check_training(X)


def test_standard_scale_takes_no_quantiles():
    X = np.random.default_rng(0).standard_cauchy((900, 2))
    encoder = TableEncoder([0, 1], scale="standard").fit(X)
    assert_allclose(encoder.encode(X), (X - X.mean(axis=0)) / X.std(axis=0))


def test_weights_count_as_events():
    X, counts = events(300), np.arange(300) % 4
    weighted = TableEncoder(NAMES).fit(X, counts.astype(float))
    repeated = TableEncoder(NAMES).fit(np.repeat(X, counts, axis=0))
    others = [0, 1, 3]  # the number of jets is spread at random
    for one, other in zip(weighted.encode(X).T[others], repeated.encode(X).T[others], strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_a_table_that_never_varies():
    X = np.tile([1.0, 2.0], (6, 1))
    encoder = TableEncoder(["a", "b"]).fit(X)
    assert encoder.encode(X).shape == (6, 0)
    assert_array_equal(encoder.decode(np.zeros((3, 0))), X[:3])
    assert_array_equal(encoder.log_density(X + np.array([[0, 1]]), None), -np.inf)
