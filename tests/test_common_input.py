"""What every estimator does with weights, odd tables and bad input."""

import copy
import io

import joblib
import numpy as np
import pytest
from _contract import (
    ALL_SIMULATORS,
    DRAWN_BY_WEIGHT,
    NO_DENSITY,
    NO_ROWS,
    NOTHING_TO_MOVE,
    but_for_unpaired,
    every_estimator,
    every_simulator,
    ours,
)
from _instances import (
    SMALL,
    draw,
    fit,
    generators,
    label,
    paired_events,
    paired_frames,
    residual_simulators,
    simulators,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skjetsim.base import is_generator
from skjetsim.compose import EnsembleSimulator
from skjetsim.flows import (
    FlowGenerator,
    FlowMatchingGenerator,
    FlowMatchingSimulator,
    FlowSimulator,
)

# Weights.

FULL_BATCH = {"batch_size": 10_000, "validation_fraction": 0.0, "max_epochs": 15}


def _fit_weighted(estimator, X, y, weight=None):
    arguments = (y,) if is_generator(estimator) else (X, y)
    return clone(estimator).fit(*arguments, sample_weight=weight)


def _log_density(model, X, y):
    if not hasattr(model, "score_samples"):
        return np.array([model.score(X, y)])
    density = model.score_samples(y) if is_generator(model) else model.score_samples(X, y)
    return np.maximum(density, -1e4)  # far out in a Gaussian tail nothing is exact


FULL_BATCH_ESTIMATORS = [
    *generators(**FULL_BATCH),
    *simulators(**FULL_BATCH),
    *residual_simulators(**FULL_BATCH),
]
full_batch_estimators = but_for_unpaired(FULL_BATCH_ESTIMATORS, DRAWN_BY_WEIGHT)
# The members of an ensemble share out rows, whatever their weights; a repeated event of flow
# matching is drawn with other noise.
BY_ROWS = (EnsembleSimulator, FlowMatchingGenerator, FlowMatchingSimulator)
full_batch_models = but_for_unpaired(
    [model for model in FULL_BATCH_ESTIMATORS if not isinstance(model, BY_ROWS)], DRAWN_BY_WEIGHT
)


@full_batch_models
def test_weights_equal_duplicates_at_full_batch(estimator, events):
    X, y = events
    counts = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = _fit_weighted(estimator, X, y, counts.astype(float))
    repeated = _fit_weighted(estimator, np.repeat(X, counts, 0), np.repeat(y, counts, 0))
    plain = _fit_weighted(estimator, X, y)
    expected = _log_density(repeated, X, y)
    assert_allclose(_log_density(weighted, X, y), expected, rtol=1e-3, atol=1e-3)
    assert np.abs(_log_density(plain, X, y) - expected).max() > 0.02


@full_batch_estimators
def test_scale_of_weights_does_not_matter(estimator, events):
    X, y = events
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    one = _log_density(_fit_weighted(estimator, X, y, weight), X, y)
    other = _log_density(_fit_weighted(estimator, X, y, 1e-3 * weight), X, y)
    assert_allclose(other, one, rtol=1e-3, atol=1e-3)


@ours
def test_events_of_weight_zero_play_no_part(estimator, events):
    X, y = events
    far = 1e6 + np.zeros((3, 2))
    weight = np.r_[np.ones(len(X)), np.zeros(3)]
    model = _fit_weighted(estimator, np.r_[X, far], np.r_[y, far], weight)
    clean = _fit_weighted(estimator, X, y, np.ones(len(X)))
    expected = draw(clean, X, random_state=0)
    assert_allclose(draw(model, X, random_state=0), expected, rtol=1e-4, atol=1e-4)


@ours
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: np.where(np.arange(len(w)) == 3, -0.5, w), "negative in row 3 .*-0.5"),
        (np.zeros_like, "zero for every event"),
        (lambda w: w[:-1], "sample_weight has shape"),
        (lambda w: np.where(np.arange(len(w)) == 2, np.nan, w), "NaN .*row 2"),
        (lambda w: (np.arange(len(w)) == 0) * 1.0, "two events of positive weight"),
    ],
    ids=["negative", "all zero", "short", "nan", "one event"],
)
def test_bad_weights(estimator, events, change, message):
    X, y = events
    with pytest.raises(ValueError, match=message):
        _fit_weighted(estimator, X, y, change(np.ones(len(X))))


# Awkward events.


@ours
def test_constant_columns_pass_through(estimator, events):
    X, y = (np.c_[side, np.full(len(side), 0.1057)] for side in events)
    model = fit(clone(estimator), X, y)
    drawn = draw(model, X)
    assert_allclose(drawn[:, 2], 0.1057, rtol=1e-12)
    assert (np.ptp(drawn[:, :2], axis=0) > 0).all()
    assert np.isfinite(_log_density(model, X, y)).all()


@but_for_unpaired([*generators(), *ALL_SIMULATORS], NOTHING_TO_MOVE)
def test_nothing_varies(estimator):
    X = np.tile([50.0, 0.5], (20, 1))
    model = fit(clone(estimator), X, X)
    assert_allclose(draw(model, X), X, rtol=1e-12)
    assert_allclose(_log_density(model, X, X), 0.0, atol=1e-12)


@but_for_unpaired(ALL_SIMULATORS, NOTHING_TO_MOVE)
def test_condition_that_says_nothing(estimator, events):
    y = events[1]
    X = np.ones_like(y)
    drawn = clone(estimator).fit(X, y).sample(X)
    assert (np.ptp(drawn, axis=0) > 0).all()


@ours
def test_duplicate_rows(estimator, events):
    X, y = (np.repeat(side[:20], 10, axis=0) for side in events)
    model = fit(clone(estimator), X, y)
    assert np.isfinite(draw(model, X)).all()
    assert np.isfinite(_log_density(model, X, y)).all()


@pytest.mark.parametrize(
    "estimator",
    [
        FlowGenerator(**SMALL | {"max_epochs": 10, "batch_size": 128}),
        FlowSimulator(**SMALL | {"max_epochs": 10, "batch_size": 128}),
    ],
    ids=label,
)
def test_an_outlier_of_a_million_sigma_leaves_the_bulk(estimator):
    X, y = paired_events(1500)
    y[7] = 1e6 * y.std(axis=0)
    model = fit(clone(estimator), X, y)
    assert all(np.isfinite(list(epoch.values())).all() for epoch in model.history_)
    bulk = np.delete(y, 7, axis=0)
    drawn = draw(model, X, random_state=0)
    assert np.isfinite(drawn).all()
    quantiles = [0.1, 0.25, 0.5, 0.75, 0.9]
    wanted, got = (np.quantile(table, quantiles, axis=0) for table in (bulk, drawn))
    assert (np.abs(got - wanted) < 0.35 * bulk.std(axis=0)).all()


# Bad input.


def _bad(side, position, value):
    side = side.astype(object if isinstance(value, str) else float)
    side[position] = value
    return side


@ours
@pytest.mark.parametrize(
    ("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test_not_finite_names_column_and_row(estimator, value, kind):
    X, y = paired_frames()
    y.iloc[[11, 17], 1] = value
    with pytest.raises(ValueError, match=f"{kind}.* 'muon_eta', first bad row 11 .2 bad rows"):
        fit(clone(estimator), X, y)


@every_simulator
def test_not_finite_condition(estimator, fitted, events):
    X = events[0].copy()
    X[4, 0] = np.nan
    with pytest.raises(ValueError, match="NaN in column 0, first bad row 4"):
        fitted(estimator).sample(X)
    with pytest.raises(ValueError, match="NaN in column 0, first bad row 4"):
        clone(estimator).fit(X, events[1])


@ours
def test_text_names_column_and_row(estimator):
    X, y = (side.astype(object) for side in paired_frames())
    fit(clone(estimator), X, y)  # numbers in object columns are numbers
    y.loc[3, "muon_pt"] = "missing"
    with pytest.raises(ValueError, match="'muon_pt' has dtype object and row 3 holds 'missing'"):
        fit(clone(estimator), X, y)


@ours
def test_too_few_rows(estimator, events):
    X, y = events
    with pytest.raises(ValueError, match=r"1 sample|n_samples ?= ?1"):
        fit(clone(estimator), X[:1], y[:1])
    with pytest.raises(ValueError, match=r"0 sample"):
        fit(clone(estimator), X[:0], y[:0])


@ours
def test_wrong_width(estimator, fitted, events):
    model = fitted(estimator)
    with pytest.raises(ValueError, match=r"has 3 features, but .* is expecting 2 features"):
        model.transform(np.c_[events[0], events[0][:, :1]])
    with pytest.raises(ValueError, match=r"3 (columns|features)"):
        _log_density(model, events[0], np.c_[events[1], events[1][:, :1]])


@but_for_unpaired(ALL_SIMULATORS, NO_ROWS)
def test_y_has_to_be_there_and_as_long(estimator, events):
    X, y = events
    with pytest.raises(ValueError, match="requires y to be passed"):
        clone(estimator).fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 240 and 239"):
        clone(estimator).fit(X, y[:-1])
    model = clone(estimator).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 240 and 239"):
        model.score_samples(X, y[:-1])


@ours
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_transforms", 0),
        ("n_bins", 1),
        ("hidden_features", (0,)),
        ("batch_size", 0),
        ("max_epochs", 0),
        ("patience", 0),
        ("learning_rate", 0.0),
        ("gradient_clip", -1.0),
        ("weight_decay", -0.1),
        ("schedule", "linear"),
        ("validation_fraction", 1.0),
        ("ema_decay", 1.5),
    ],
)
def test_parameters_out_of_range(estimator, events, parameter, value):
    name = next((key for key in estimator.get_params() if key.split("__")[-1] == parameter), None)
    if name is None:  # splines are the flows' alone
        assert parameter in ("n_transforms", "n_bins")
        return
    with pytest.raises(ValueError, match=parameter):
        fit(clone(estimator).set_params(**{name: value}), *events)


# scikit-learn habits.


@every_estimator
def test_clone_copy_and_joblib(estimator, fitted, events):
    model, X = fitted(estimator), events[0]
    expected = draw(model, X, random_state=0)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    for twin in (joblib.load(buffer), copy.deepcopy(model)):
        assert_array_equal(draw(twin, X, random_state=0), expected)
    unfitted = clone(model)
    assert repr(unfitted) == repr(estimator)
    assert not [name for name in vars(unfitted) if name.endswith("_") and name[0] != "_"]


@every_estimator
def test_unfitted_is_said_so(estimator, events):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        draw(clone(estimator), events[0])


@but_for_unpaired(
    [
        *simulators(max_epochs=20, batch_size=64, learning_rate=1e-2),
        *residual_simulators(max_epochs=20, batch_size=64, learning_rate=1e-2),
    ],
    NO_ROWS,
)
def test_permuting_y_worsens_the_score(estimator):
    X, y = paired_events(600)
    X_test, y_test = paired_events(300, seed=1)
    model = clone(estimator).fit(X, y)
    order = np.random.default_rng(0).permutation(len(y_test))
    assert model.score(X_test, y_test) > model.score(X_test, y_test[order]) + 0.3
    untaught = clone(estimator).fit(X, np.random.default_rng(0).permutation(y))
    assert model.score(X_test, y_test) > untaught.score(X_test, y_test) + 0.1


@but_for_unpaired([*generators(), *ALL_SIMULATORS], NO_DENSITY)
def test_score_is_the_weighted_mean_of_score_samples(estimator, fitted, events):
    X, y = events
    weight = np.random.default_rng(0).uniform(size=len(X))
    model = fitted(estimator)
    arguments = (y,) if is_generator(model) else (X, y)
    density = model.score_samples(*arguments)
    assert model.score(*arguments) == pytest.approx(density.mean())
    scored = model.score(*arguments, sample_weight=weight)
    assert scored == pytest.approx(np.average(density, weights=weight))
