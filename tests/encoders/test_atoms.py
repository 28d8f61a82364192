"""Atoms: slots of the normal for values that many events hold, alone and together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skjetsim._encoders._table import TableEncoder

N = 6000
NAMES = ["jet2_pt", "jet3_pt", "jet3_eta", "jet3_phi", "cell", "tag", "isolation", "eta"]
CIRCULAR = [name.endswith("phi") for name in NAMES]


def events(n_events=N, seed=0):
    rng = np.random.default_rng(seed)
    no_jet2 = rng.random(n_events) < 0.3
    no_jet3 = no_jet2 | (rng.random(n_events) < 0.4)
    return np.column_stack(
        [
            np.where(no_jet2, -999.0, 20 + rng.exponential(40, n_events)),
            np.where(no_jet3, 0.0, 20 + rng.exponential(20, n_events)),
            np.where(no_jet3, 0.0, rng.normal(0, 1.5, n_events)),
            np.where(no_jet3, 0.0, rng.uniform(-np.pi, np.pi, n_events)),
            np.minimum(rng.exponential(100, n_events), 255.0),
            np.where(no_jet2, -1.0, rng.random(n_events) < 0.4),
            np.round(rng.exponential(2.0, n_events) * 2) / 2,
            rng.normal(size=n_events),
        ]
    )


def noise(n_events, encoder, seed=5):
    """What a perfect flow without correlations draws."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n_events, encoder.n_outputs_))
    angles = encoder.circular_
    inputs[:, angles] = rng.uniform(-np.pi, np.pi, (n_events, angles.sum()))
    return inputs


def log_prob(encoder):
    """Log-density of that noise."""

    def function(inputs, rows):
        angles = encoder.circular_
        normal = stats.norm.logpdf(inputs[:, ~angles]).sum(axis=1)
        return normal - angles.sum() * np.log(2 * np.pi)

    return function


@pytest.fixture(scope="module")
def encoder():
    return TableEncoder(NAMES, circular=CIRCULAR).fit(events())


def test_columns_are_normal_and_come_back(encoder):
    X = events(seed=1)
    inputs = encoder.encode(X, np.random.default_rng(0))
    back = encoder.decode(inputs)
    assert_allclose(back, X, rtol=1e-7, atol=1e-9)
    discrete = encoder.atoms_.is_discrete(X)
    assert_array_equal(back[discrete], X[discrete])
    assert_array_equal(back[:, 6], X[:, 6])  # steps of 0.5
    for j in np.flatnonzero(~np.array(CIRCULAR)):
        assert stats.kstest(inputs[:, j], "norm").statistic < 0.035, NAMES[j]


@pytest.mark.parametrize("spread", [True, False])
def test_the_default_noise_is_the_same_in_each_call(encoder, spread):
    X = events(300, seed=1)
    inputs = encoder.encode(X, spread=spread)
    assert_array_equal(encoder.encode(X, spread=spread), inputs)
    assert_allclose(encoder.decode(inputs), X, rtol=1e-9, atol=1e-9)
    slots = inputs[X[:, 0] == -999, 0]
    assert (len(np.unique(slots)) > 50) == spread


def test_shares_of_draws(encoder):
    X, drawn = events(), encoder.decode(noise(60_000, encoder))
    for j, atoms in enumerate([[-999], [0], [0], [0], [255], [-1, 0, 1], [0, 0.5, 1], []]):
        for value in atoms:
            true, share = np.mean(X[:, j] == value), np.mean(drawn[:, j] == value)
            assert share == pytest.approx(true, abs=0.012), (NAMES[j], value)
    assert_array_equal(np.unique(drawn[:, 5]), [-1, 0, 1])
    assert drawn[:, 4].max() == 255


def test_gaps_are_empty(encoder):
    pt = encoder.decode(noise(200_000, encoder, seed=6))[:, :2]
    least = [X[X > 0].min() for X in events()[:, :2].T]
    assert_array_equal(pt[:, 0] < least[0], pt[:, 0] == -999)
    assert_array_equal(pt[:, 1] < least[1], pt[:, 1] == 0)


def test_atoms_go_together(encoder):
    """The third jet is there or not as a whole, and never without the second one."""
    drawn = encoder.decode(noise(20_000, encoder))
    absent = drawn[:, 1] == 0
    assert_array_equal(drawn[:, 2] == 0, absent)
    assert_array_equal(drawn[:, 3] == 0, absent)
    assert absent[drawn[:, 0] == -999].all()
    assert_array_equal(drawn[:, 0] == -999, drawn[:, 5] == -1)


def test_implied_columns_carry_no_atom_of_their_own(encoder):
    """If the third jet is there, its eta and phi are real numbers."""
    inputs = noise(20_000, encoder)
    there = encoder.decode(inputs)[:, 1] != 0
    assert len(np.unique(encoder.decode(inputs)[there, 2])) == there.sum()
    assert_allclose(encoder.decode(inputs)[there, 3], inputs[there, 3], atol=1e-12)


def test_probabilities_of_atoms_and_densities(encoder):
    """Importance sampling: the mean of (density of the fit / density of the draws) is one."""
    drawn = encoder.decode(noise(4000, encoder))
    own = encoder.log_density(drawn, log_prob(encoder))
    assert np.isfinite(own).all()
    column = TableEncoder(["pt"]).fit(events()[:, 1:2])
    grid = np.r_[0.0, np.linspace(1e-3, 400, 200_001)]
    density = np.exp(column.log_density(grid[:, None], log_prob(column)))
    share = np.mean(events()[:, 1] == 0)
    assert density[0] == pytest.approx(share, rel=1e-3)
    assert np.sum(density[1:]) * 400 / 200_000 == pytest.approx(1 - share, abs=2e-3)


def test_probabilities_of_steps_and_categories():
    X = events()[:, [5, 6]]
    encoder = TableEncoder(["tag", "isolation"]).fit(X)
    grid = np.stack(np.meshgrid([-1.0, 0.0, 1.0], np.arange(60) / 2), axis=-1).reshape(-1, 2)
    probability = np.exp(encoder.log_density(grid, log_prob(encoder))).reshape(60, 3)
    assert probability.sum() == pytest.approx(1, abs=0.01)
    assert_allclose(probability.sum(axis=0), [np.mean(X[:, 0] == v) for v in (-1, 0, 1)], atol=0.01)
    assert np.isneginf(encoder.log_density(grid + np.array([0.5, 0]), log_prob(encoder))).all()
    assert np.isneginf(encoder.log_density(grid + np.array([0, 0.2]), log_prob(encoder))).all()


def test_probability_of_an_angle():
    uniform = np.random.default_rng(0).uniform(-np.pi, np.pi, N)
    phi = np.where(np.arange(N) % 5 < 2, 0.5, uniform)
    phi[:300] = -2.0
    encoder = TableEncoder(["phi"], circular=[True]).fit(phi[:, None])
    inputs = np.linspace(-np.pi, np.pi, 40_001)[:-1, None]
    drawn = encoder.decode(inputs)
    for value in (0.5, -2.0):
        share = np.mean(phi == value)
        assert np.mean(drawn == value) == pytest.approx(share, abs=1e-4)
        (log_p,) = encoder.log_density(np.array([[value]]), log_prob(encoder))
        assert np.exp(log_p) == pytest.approx(share)
    rest = (drawn != 0.5) & (drawn != -2) & (np.abs(inputs) < 3.14)
    assert_allclose(encoder.encode(drawn)[rest], inputs[rest], atol=1e-12)
    rest = encoder.log_density(np.array([[1.0]]), log_prob(encoder))
    assert np.exp(rest[0]) * 2 * np.pi == pytest.approx(np.mean((phi != 0.5) & (phi != -2)))


def test_log_det_is_the_determinant(encoder):
    X, step = events(4000, seed=2), 1e-6
    numeric = np.full(len(X), np.nan)
    there = ~encoder.atoms_.is_discrete(X).any(axis=1)
    X = X[there][:50]
    pairs = TableEncoder(NAMES[:5], circular=CIRCULAR[:5]).fit(events()[:, :5])
    numeric = np.zeros(len(X))
    for j in range(5):
        shift = step * (np.arange(5) == j)
        change = pairs.encode(X[:, :5] + shift) - pairs.encode(X[:, :5] - shift)
        numeric += np.log(change[:, j] / (2 * step))
    assert_allclose(pairs.log_det(X[:, :5]), numeric, atol=1e-4)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (0, -5000.0),  # below the lowest atom
        (1, -1.0),
        (4, 300.0),  # beyond saturation
        (5, 0.5),
        (5, 7.0),
        (2, 0.3),  # a jet of no pT
        (6, 0.25),
        (6, -0.5),
    ],
)
def test_what_never_occurs_has_no_probability(encoder, column, value):
    X = events(400, seed=3)
    X = X[(X[:, 1] == 0) & (X[:, 0] != -999)][:9]
    assert np.isfinite(encoder.log_density(X, log_prob(encoder))).all()
    encoder.check_training(X)
    X[4, column] = value
    finite = np.isfinite(encoder.log_density(X, log_prob(encoder)))
    assert_array_equal(finite, np.arange(9) != 4)
    assert np.isfinite(encoder.encode(X)).all()
    if (column, value) != (6, -0.5):
        with pytest.raises(ValueError, match=f"{NAMES[column]!r} is .* in row 4"):
            encoder.check_training(X)


def test_a_value_in_the_gap_is_improbable_but_possible(encoder):
    """An event a little below the least of the fit must not make the mean log-density infinite."""
    X = events(400, seed=3)
    X = X[X[:, 1] > 0][:2]
    X[0, 1], X[1, 1] = 5.0, 25.0
    low, usual = encoder.log_density(X, log_prob(encoder))
    assert np.isfinite(low)
    assert low < usual - 8
    assert_allclose(encoder.decode(encoder.encode(X)), X, rtol=1e-6, atol=1e-6)


def test_weights_are_shares():
    X, rng = events(), np.random.default_rng(4)
    weight = np.where(X[:, 1] == 0, 0.2, 1.0) * rng.uniform(0.5, 1.5, N)
    encoder = TableEncoder(NAMES, circular=CIRCULAR).fit(X, weight)
    drawn = encoder.decode(noise(50_000, encoder))
    for j, value in [(0, -999), (1, 0), (4, 255), (5, 1)]:
        share = np.average(X[:, j] == value, weights=weight)
        assert np.mean(drawn[:, j] == value) == pytest.approx(share, abs=0.012), NAMES[j]
    assert share != pytest.approx(np.mean(X[:, 5] == 1), abs=0.02)
    pt = drawn[drawn[:, 0] > 0, 0]
    there = X[:, 0] > 0
    mean = np.average(X[there, 0], weights=weight[there])
    assert pt.mean() == pytest.approx(mean, rel=0.02)


def test_weights_count_as_events():
    X, counts = events(1500), np.arange(1500) % 4
    weighted = TableEncoder(NAMES, circular=CIRCULAR).fit(X[counts > 0], counts[counts > 0] * 1.0)
    repeated = TableEncoder(NAMES, circular=CIRCULAR).fit(np.repeat(X, counts, axis=0))
    for name in ("below_", "edges_", "bounds_"):
        one, other = (getattr(e.atoms_.line_maps_, name) for e in (weighted, repeated))
        assert_allclose(one, other, atol=2e-4)
    assert_array_equal(weighted.atoms_.pairs_, repeated.atoms_.pairs_)


def test_few_events_and_one_sided_columns():
    rng = np.random.default_rng(0)
    for n in (60, 200):
        X = np.column_stack(
            [
                np.where(np.arange(n) % 2, 0.0, rng.normal(size=n)),  # in the middle
                np.where(np.arange(n) < n // 2, 0.0, -rng.exponential(size=n)),
                np.where(
                    np.arange(n) < 25, 7.0, np.where(np.arange(n) < 27, 8.0 + rng.random(n), 3)
                ),
            ]
        )
        encoder = TableEncoder(["a", "b", "c"]).fit(X)
        assert_allclose(encoder.decode(encoder.encode(X)), X, atol=1e-12)
        drawn = encoder.decode(noise(20_000, encoder))
        for j, value in enumerate([0.0, 0.0, 7.0]):
            share = np.mean(X[:, j] == value)
            assert np.mean(drawn[:, j] == value) == pytest.approx(share, abs=0.015)
        assert drawn[:, 1].max() == 0


def test_many_atoms_in_a_column_and_many_columns():
    rng = np.random.default_rng(0)
    X = rng.exponential(size=(3000, 6))
    for k in range(9):  # more atoms than are compared one by one
        X[100 * k : 100 * (k + 1), 1] = k / 3
    X[rng.random(X.shape) < 0.5] = 0.0
    encoder = TableEncoder(range(6)).fit(X)
    assert encoder.atoms_.line_maps_.n_atoms_.max() == 9
    assert len(encoder.atoms_.pairs_) == 0
    assert_allclose(encoder.decode(encoder.encode(X)), X, atol=1e-12)
    drawn = encoder.decode(noise(40_000, encoder))
    assert_allclose((drawn == 0).mean(axis=0), (X == 0).mean(axis=0), atol=0.01)
    assert np.mean(drawn[:, 1] == 2 / 3) == pytest.approx(np.mean(X[:, 1] == 2 / 3), abs=0.004)


def test_an_accident_is_not_an_implication():
    """Twenty sentinels may all be among the 95% zeros of another column by chance."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=N), np.where(rng.random(N) < 0.95, 0.0, rng.normal(size=N))
    a[np.flatnonzero(b == 0)[:25]] = -999.0
    encoder = TableEncoder(["a", "b"]).fit(np.column_stack([a, b]))
    assert len(encoder.atoms_.pairs_) == 0
    b[:] = np.where(rng.random(N) < 0.3, 0.0, rng.normal(size=N))
    a[:] = rng.normal(size=N)
    a[np.flatnonzero(b == 0)[:25]] = -999.0
    encoder = TableEncoder(["a", "b"]).fit(np.column_stack([a, b]))
    assert_array_equal(encoder.atoms_.pairs_, [[0, -999, 1, 0]])


def test_tables_without_atoms_have_none():
    X = np.random.default_rng(0).standard_cauchy((3000, 4))
    encoder = TableEncoder(range(4)).fit(X)
    assert encoder.atoms_ is None
    assert encoder.grids_ is None
    assert "atoms_" not in vars(encoder) or vars(encoder)["atoms_"] is None


def test_decimals_beyond_those_of_the_fit():
    column = np.round(np.random.default_rng(0).exponential(30, 20_000), 1)
    for X in (column, column.astype(np.float32).astype(float)):
        encoder = TableEncoder(["a"]).fit(X[:, None])
        drawn = np.unique(encoder.decode(noise(40_000, encoder)))
        new = drawn[~np.isin(drawn, X)]
        assert len(new) > 10
        assert_array_equal(new, np.round(new, 1))
        assert np.isfinite(encoder.log_density(new[:, None], log_prob(encoder))).all()


def test_named_integers_may_be_implied():
    rng = np.random.default_rng(0)
    absent = rng.random(N) < 0.4
    pt = np.where(absent, 0.0, 20 + rng.exponential(30, N))
    tracks = np.where(absent, 0.0, 1 + rng.poisson(8, N))
    encoder = TableEncoder(["pt", "n"], integers=[False, True]).fit(np.column_stack([pt, tracks]))
    drawn = encoder.decode(noise(20_000, encoder))
    assert (drawn[drawn[:, 0] == 0, 1] == 0).all()
    assert np.isfinite(encoder.log_density(drawn[:500], log_prob(encoder))).all()
    assert_array_equal(encoder.decode(encoder.encode(np.column_stack([pt, tracks])))[:, 1], tracks)


def test_another_convention_of_angles():
    """An atom at phi = 4 is one at 4 - 2 pi, and is drawn there, as all angles are."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 2 * np.pi, (N, 2))
    X[:2000] = 4.0, 0.0
    encoder = TableEncoder(["phi", "eta"], circular=[True, False]).fit(X)
    back = encoder.decode(encoder.encode(X))
    assert_allclose(back[:2000], np.tile([4 - 2 * np.pi, 0.0], (2000, 1)), atol=1e-12)
    assert_array_equal(encoder.atoms_.pairs_[:, [0, 2]], [[0, 1]])
