"""What an estimator gives is finite, or an error names the row of the events it was given."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skjetsim import sample_chunks
from skjetsim._drawing import _sample_chunks
from skjetsim.base import (
    BaseGenerator,
    BaseSimulator,
    BaseUnfolder,
    InverseSampling,
    check_pairs,
    check_sample,
)
from skjetsim.compose import EnsembleSimulator, Unfolder

# Events that far away are outside the range of every fit, which warns.
pytestmark = pytest.mark.filterwarnings("ignore:.* events outside the range")
FAR = 1e6
BAD = 7  # row that is far away


class Overflows(InverseSampling, BaseSimulator):
    """Draws the other level, which is infinite far away; log p is `density` there."""

    def __init__(self, random_state=None, value=np.inf, density=np.nan):
        self.random_state = random_state
        self.value = value
        self.density = density

    def fit(self, X, y, sample_weight=None):
        check_pairs(self, X, y, sample_weight, reset=True)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        drawn = np.repeat(rows, n_samples or 1, axis=0)
        drawn[:, -1:][drawn[:, :1] > FAR] = self.value
        return drawn

    def _draw_inverse(self, rows, n_samples, random_state):
        return self._draw_targets(rows, n_samples, random_state)

    def _log_density(self, X, y):
        return np.where(X[:, 0] > FAR, self.density, -1.0)


class UnfolderThatOverflows(BaseUnfolder):
    """Draws the other level backwards, which is NaN far away."""

    random_state, value = None, np.nan
    fit = Overflows.fit

    def _draw_inverse(self, rows, n_samples, random_state):
        return Overflows._draw_targets(self, rows, n_samples, random_state)

    def _log_density(self, X, y):
        return np.where(y[:, 0] > FAR, np.inf, -1.0)


class GeneratorThatOverflows(BaseGenerator):
    """Row `BAD` of what it draws is infinite."""

    def fit(self, X, y=None, sample_weight=None):
        check_sample(self, X, sample_weight, reset=True)
        return self

    def _draw_events(self, n_samples, random_state):
        drawn = np.ones((n_samples, self.n_features_in_))
        drawn[BAD:] = -np.inf
        return drawn

    def _log_density(self, X):
        return np.where(X[:, 0] > FAR, np.nan, -1.0)


def events(n_events=20):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(20, 100, (n_events, 3)), columns=["px", "py", "pz"])
    return X, X.add_prefix("reco_")


def far_events():
    X, y = events()
    X.iloc[BAD, :2], y.iloc[BAD, :2] = (2 * FAR, -3 * FAR), (2 * FAR, -3 * FAR)
    return X, y


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_samples", [None, 1, 3])
def test_draws_that_are_not_finite_name_the_row_and_its_largest_value(value, n_samples):
    model, (X, y) = Overflows(value=value).fit(*events()), far_events()
    with pytest.raises(ValueError, match=r"Overflows: row 7 of X .*1 such row .*3e\+06 .*'py'\."):
        model.sample(X, n_samples=n_samples)
    with pytest.raises(ValueError, match=r"Overflows: row 7 of y .*3e\+06 .*'reco_py'\."):
        model.sample_inverse(y, n_samples=n_samples)


def test_all_that_draws_is_checked():
    (X, y), far = events(), far_events()
    model = Overflows(random_state=0).fit(X, y)
    row = "row 7 of X lies too far"
    for call in (model.transform, model.predict):
        with pytest.raises(ValueError, match=row):
            call(far[0])
    with pytest.raises(ValueError, match="the predictions for it are not finite"):
        model.predict(far[0])
    with pytest.raises(ValueError, match=r"row 7 of X and y lies too far .* log-density is nan"):
        model.score(far[0], y)
    unfolder = UnfolderThatOverflows().fit(X, y)
    with pytest.raises(ValueError, match="row 7 of y lies too far"):
        unfolder.inverse_transform(far[1])
    with pytest.raises(ValueError, match=r"row 7 of X and y lies too far .* log-density is inf"):
        unfolder.score(X, far[1])


def test_arrays_without_names_have_positions():
    X, y = (side.to_numpy() for side in events())
    X_far = far_events()[0].to_numpy()
    with pytest.raises(ValueError, match=r"row 7 of X .*value is -3e\+06 in column 1\."):
        Overflows().fit(X, y).sample(X_far)


def test_generators():
    model = GeneratorThatOverflows().fit(events()[0])
    assert np.isfinite(model.sample(BAD)).all()
    with pytest.raises(ValueError, match=r"not finite, row 7 of 10 \(3 such rows in all"):
        model.sample(10)
    with pytest.raises(ValueError, match=r"row 7 of X lies too far .* log-density is nan"):
        model.score(far_events()[0])


def test_probability_zero_is_not_an_error():
    (X, y), (far, _) = events(), far_events()
    density = Overflows(density=-np.inf).fit(X, y).score_samples(far, y)
    assert_array_equal(np.flatnonzero(np.isneginf(density)), [BAD])


def test_numbers_that_are_large_are_drawn():
    X, y = events()
    large = np.full((4, 3), 1e308)
    assert_array_equal(Overflows(value=1e308).fit(X.to_numpy(), y).sample(large), large)


def test_rows_of_estimators_inside_are_those_of_the_user():
    X, y = events(100)
    inside = r"(?s)row (\d+) of X .*In the table that was passed on it is row 7\."
    ensemble = EnsembleSimulator(Overflows(), n_estimators=2, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=inside):
        ensemble.sample(far_events()[0], n_samples=2, random_state=0)
    swapped = r"(?s)row 7 of X .*'reco_py'.*whose X is the measured y"
    with pytest.raises(ValueError, match=swapped):
        Unfolder(Overflows()).fit(X, y).sample_inverse(far_events()[1])


def test_rows_of_chunks_are_counted_through(monkeypatch):
    monkeypatch.setattr(_sample_chunks, "BLOCK_ROWS", 16)
    model, near = Overflows().fit(*events()), events()[0]
    chunks = sample_chunks(model, pd.concat([near, far_events()[0]]))
    assert len(next(chunks)) == 16
    with pytest.raises(ValueError, match=r"(?s)row 11 of X .*passed on it is row 27\."):
        next(chunks)
