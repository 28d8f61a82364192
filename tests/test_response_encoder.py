"""ResponseEncoder: place and width of each column of y given X."""

import numpy as np
import pytest

from skjetsim import load, save
from skjetsim._encoders._response import ResponseEncoder
from skjetsim.flows import FlowSimulator

N = 2000


def fit(X, y, x_names=None, y_names=None, **options):
    x_names = x_names or [f"x{i}" for i in range(X.shape[1])]
    y_names = y_names or [f"y{j}" for j in range(y.shape[1])]
    return ResponseEncoder().fit(X, y, x_names, y_names, **options)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def spectrum(rng):
    return 20 + rng.exponential(30, size=(N, 1))


def narrow(X, rng, width=0.01):
    """Response to the first column, with a width that is a share of it."""
    return X[:, :1] * (1 + width * rng.normal(size=(len(X), 1)))


def numeric_log_det(encoder, x, y):
    """log|det| of one event, by finite differences."""
    n = len(y)
    step = np.diag(1e-5 * np.maximum(1.0, np.abs(y)))
    X = np.repeat(x[None], n, axis=0)
    rise = encoder.encode(X, y + step) - encoder.encode(X, y - step)
    return np.linalg.slogdet(rise / (2 * np.diag(step)[:, None]))[1]


def momenta(rng, n=N):
    pt, eta, phi = rng.uniform(20, 200, n), rng.normal(0, 1.5, n), rng.uniform(-np.pi, np.pi, n)
    return np.column_stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])


def test_width_follows_X(spectrum, rng):
    y = spectrum + (0.1 + 0.02 * spectrum) * rng.normal(size=(N, 1))
    left = fit(spectrum, y).encode(spectrum, y)[:, 0]
    order = np.argsort(spectrum[:, 0])
    widths = [left[rows].std() for rows in np.array_split(order, 5)]
    assert np.ptp(widths) < 0.15 * np.mean(widths)


def test_place_is_not_moved_by_outliers(spectrum, rng):
    y = 1.1 * spectrum - 3 + 0.1 * rng.normal(size=(N, 1))
    y[:: N // 40] += 50.0
    left = fit(spectrum, y).encode(spectrum, y)[:, 0]
    assert abs(np.median(left)) < 0.1


@pytest.mark.parametrize("names", [None, ("e_px", "e_py", "e_pz")])
def test_round_trip_and_determinant(names, rng):
    X = momenta(rng)
    y = X * (1 + 0.02 * rng.normal(size=(N, 1))) + 0.01 * rng.normal(size=(N, 3))
    encoder = fit(X, y, names, names)
    assert encoder.encoded_.all()
    assert len(encoder.momenta_) == (names is not None)
    left = encoder.encode(X, y)
    np.testing.assert_allclose(encoder.decode(X, left), y, rtol=1e-12, atol=1e-11)
    expected = [numeric_log_det(encoder, X[row], y[row]) for row in (0, 1, 2)]
    np.testing.assert_allclose(encoder.log_det(X[:3]), expected, atol=1e-6)


def test_momenta_are_narrow_in_their_own_frame(rng):
    X = momenta(rng)
    size = np.linalg.norm(X, axis=1, keepdims=True)
    y = X * (1 + 0.05 * rng.normal(size=(N, 1))) + 1e-4 * size * rng.normal(size=(N, 3))
    names = ["e_px", "e_py", "e_pz"]
    left = fit(X, y, names, names).encode(X, y)
    assert np.abs(np.corrcoef(left.T) - np.eye(3)).max() < 0.15


def test_momentum_along_the_beam_and_none_at_all(rng):
    X = momenta(rng)
    y = X * (1 + 0.02 * rng.normal(size=(N, 1))) + 0.01 * rng.normal(size=(N, 3))
    names = ["px", "py", "pz"]
    encoder = fit(X, y, names, names)
    odd, seen = (
        np.array([[0.0, 0.0, 50.0], [0.0, 0.0, 0.0]]),
        np.array([[0.1, 0.0, 49.0], [1, 1, 1]]),
    )
    left = encoder.encode(odd, seen)
    assert np.isfinite(left).all()
    assert np.isfinite(encoder.log_det(odd)).all()
    np.testing.assert_allclose(encoder.decode(odd, left), seen, atol=1e-9)
    X[0] = 0.0
    assert len(fit(X, y, names, names).momenta_) == 0


def test_angle_turned_by_that_of_X(rng):
    X = rng.uniform(-np.pi, np.pi, size=(N, 2))
    y = np.angle(np.exp(1j * (X[:, 1:] + 0.001 * rng.normal(size=(N, 1)))))
    encoder = fit(X, y, ["a_phi", "b_phi"], ["phi"])
    assert encoder.turned_by_ == [1]
    assert not encoder.circular_[0]
    left = encoder.encode(X, y)
    assert np.abs(left).max() < 10
    np.testing.assert_allclose(encoder.decode(X, left), y, atol=1e-12)


def test_wide_angle_stays_on_the_circle(rng):
    X = rng.uniform(-np.pi, np.pi, size=(N, 1))
    y = np.angle(np.exp(1j * (X + 0.8 * rng.normal(size=(N, 1)))))
    encoder = fit(X, y, ["phi"], ["phi"])
    assert encoder.circular_[0]
    assert not encoder.encoded_[0]
    left = encoder.encode(X, y)
    assert np.cos(left).mean() > 0.6
    np.testing.assert_allclose(encoder.decode(X, left), y, atol=1e-12)
    np.testing.assert_array_equal(encoder.log_det(X), 0.0)


@pytest.mark.parametrize("case", ["independent", "two peaks", "few", "kept", "copy", "constant"])
def test_what_has_no_narrow_response_stays(case, spectrum, rng):
    X, y, options = spectrum, narrow(spectrum, rng), {}
    if case == "independent":
        y = rng.standard_cauchy(size=(N, 1))
    elif case == "two peaks":
        y = X * rng.choice([0.2, 1.0], size=(N, 1))
    elif case == "few":
        X, y = X[:50], y[:50]
    elif case == "kept":
        options["keep"] = np.array([True])
    elif case == "copy":
        y = 2 * X + 1
    else:
        y = np.full((N, 1), 3.0)
    encoder = fit(X, y, **options)
    np.testing.assert_array_equal(encoder.encode(X, y), y)
    np.testing.assert_array_equal(encoder.decode(X, y), y)
    np.testing.assert_array_equal(encoder.log_det(X), 0.0)


def test_few_hundred_events_are_not_memorised(rng):
    X = rng.normal(size=(1000, 10))
    y = X[:, :1] + 0.05 * rng.normal(size=(1000, 1))
    encoder = fit(X[:300], y[:300])
    left = [encoder.encode(X[rows], y[rows]).std() for rows in (slice(300), slice(300, None))]
    assert left[1] < 1.1 * left[0]


def test_columns_of_X_that_say_the_same_or_nothing(spectrum, rng):
    y = narrow(spectrum, rng)
    X = np.column_stack(
        [spectrum, spectrum, 2 * spectrum, np.ones(N), np.repeat([0.0, 1.0], N // 2)]
    )
    left = [fit(table, y).encode(table, y) for table in (spectrum, X)]
    assert np.corrcoef(left[0].T, left[1].T)[0, 1] > 0.99


def test_beyond_the_fit_places_go_on_and_widths_stay(spectrum, rng):
    encoder = fit(spectrum, narrow(spectrum, rng))
    far = np.array([[1e4], [-1e3]])
    np.testing.assert_allclose(encoder.decode(far, np.zeros((2, 1))), far, rtol=0.05)
    low, high = encoder.log_width_range_[:, 0]
    assert (-high <= encoder.log_det(far)).all()
    assert (encoder.log_det(far) <= -low).all()


def test_other_coordinates_by_curves(spectrum, rng):
    y = np.log(narrow(spectrum, rng))
    left = fit(spectrum, y).encode(spectrum, y)
    assert np.abs(np.median(left)) < 0.3
    assert fit(spectrum, y).log_det(spectrum).mean() > np.log(30)


def test_weights_are_repeated_events(spectrum, rng):
    y = narrow(spectrum, rng)
    weight = rng.integers(1, 4, size=N)
    weighted = fit(spectrum, y, weight=weight.astype(float))
    repeated = fit(np.repeat(spectrum, weight, axis=0), np.repeat(y, weight, axis=0))
    np.testing.assert_allclose(
        weighted.encode(spectrum, y), repeated.encode(spectrum, y), rtol=0.02, atol=0.05
    )


def test_simulator_has_a_narrow_response_by_its_defaults(spectrum, rng, tmp_path):
    y = narrow(spectrum, rng)
    simulator = FlowSimulator(max_epochs=3, hidden_features=(16,), random_state=0)
    simulator.fit(spectrum[:1500], y[:1500])
    truth = -np.log(0.01 * spectrum[1500:, 0] * np.sqrt(2 * np.pi)) - 0.5
    assert simulator.score(spectrum[1500:], y[1500:]) > truth.mean() - 0.1
    drawn = simulator.sample(spectrum, random_state=1)
    assert np.std(drawn / spectrum) == pytest.approx(0.01, rel=0.15)
    grid = np.linspace(40, 60, 2001)[:, None]
    density = np.exp(simulator.score_samples(np.full_like(grid, 50.0), grid))
    assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1, abs=1e-3)
    save(simulator, tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").sample(spectrum, random_state=1), drawn)


@pytest.mark.parametrize(("share", "encoded"), [(0.02, True), (0.3, False)])
def test_a_column_that_often_holds_another_object_stays_as_it_is(share, encoded):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 1))
    y = X + rng.normal(scale=0.02, size=X.shape)
    other = rng.random(len(X)) < share
    y[other] = rng.normal(size=(other.sum(), 1))
    found = ResponseEncoder().fit(X, y, ["jet_log_pt"], ["jet_log_pt"])
    assert found.encoded_[0] == encoded
