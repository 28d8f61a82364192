"""Every estimator of the package keeps scikit-learn's rules and the contract of this package."""

import importlib
import inspect

import numpy as np
import pytest
import torch
from _instances import (
    FEW_EPOCHS,
    NOTHING_LOST,
    SMALL,
    draw,
    fit,
    generators,
    label,
    paired_events,
    paired_frames,
    pipelines,
    residual_simulators,
    simulators,
    unfolders,
)
from _named import named_estimators
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from test_public_api import public_modules

from skjetsim.flows import (
    FlowGenerator,
    FlowMatchingGenerator,
    FlowMatchingSimulator,
    FlowSimulator,
    InvertibleUnfolder,
)
from skjetsim.response import QuantileSimulator
from skjetsim.utils._contract import _any_table
from skjetsim.utils._contract._events import paired_events as paired_table
from skjetsim.utils._contract._kinds import checks_of
from skjetsim.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

pytestmark = [FEW_EPOCHS, NOTHING_LOST]

OTHER_NOISE = "an event that comes twice is drawn with other noise each time"
OURS = [*generators(), *simulators(), *residual_simulators()]
TAKE_ANY_TABLE = [*generators(), *simulators(), *unfolders(), *pipelines()]
NAMED = [
    # scikit-learn's tables are not for those that want the same columns in X and y.
    *((estimator, paired_table) for estimator in residual_simulators()),
    *named_estimators(),
]

ours = pytest.mark.parametrize("estimator", OURS, ids=label)


def expected_failed_checks(estimator):
    if isinstance(estimator, QuantileSimulator) and estimator.n_quantiles is None:
        return {"check_true_pairs_score_higher": "an outlier decides the mean in Gaussian tails"}
    if isinstance(estimator, (FlowMatchingGenerator, FlowMatchingSimulator)) or (
        isinstance(estimator, InvertibleUnfolder) and estimator.n_noise
    ):
        return {"check_weights_equal_duplicates": OTHER_NOISE}
    return {}


@parametrize_with_checks(TAKE_ANY_TABLE, expected_failed_checks=expected_failed_checks)
def test_contract(estimator, check):
    check(estimator)


def identifier(value):
    return label(value) if hasattr(value, "get_params") else value.func.__name__


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        case
        for estimator, events in NAMED
        for case in estimator_checks_generator(estimator, events=events, mark="xfail")
    ],
    ids=identifier,
)
def test_contract_of_named_columns(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", checks_of(_any_table), ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", residual_simulators(), ids=label)
def test_contract_of_any_table(estimator, check):
    check(type(estimator).__name__, estimator, paired_table)


def classes_inside(estimator):
    """Class of an estimator and of all that are its parameters, in lists too."""
    yield type(estimator)
    for value in estimator.get_params(deep=False).values():
        for part in value if isinstance(value, list) else [value]:
            for one in part if isinstance(part, tuple) else [part]:
                if hasattr(one, "get_params"):
                    yield from classes_inside(one)


def test_every_estimator_is_in_a_list():
    from preprocessing.test_common_preprocessing import TRANSFORMERS

    listed = [*TAKE_ANY_TABLE, *(estimator for estimator, _ in [*NAMED, *TRANSFORMERS])]
    checked = {cls.__name__ for estimator in listed for cls in classes_inside(estimator)}
    public = set()
    for module in map(importlib.import_module, public_modules()):
        for value in (getattr(module, name) for name in module.__all__):
            if inspect.isclass(value) and hasattr(value, "fit") and hasattr(value, "get_params"):
                public.add(value.__name__)
    missing = public - checked
    assert not missing, f"in no list of the common tests: {sorted(missing)}"


# What holds for the estimators with a network, and could not for any other.


@pytest.fixture(scope="module")
def events():
    return paired_events()


@ours
def test_another_seed_gives_another_fit(estimator, events):
    drawn = [
        draw(fit(clone(estimator).set_params(**params), *events), events[0], random_state=0)
        for params in (
            {key: seed for key in estimator.get_params() if key.endswith("random_state")}
            for seed in (0, 1)
        )
    ]
    assert not np.array_equal(*drawn)


def test_same_bytes_for_any_number_of_workers_and_rows(events):
    X = np.tile(events[0], (40, 1))  # three chunks of rows, the last not full
    model = FlowSimulator(**SMALL).fit(*events)
    one = model.set_params(n_jobs=1).sample(X, random_state=0)
    assert_array_equal(one, model.set_params(n_jobs=2).sample(X, random_state=0))
    assert_array_equal(one, model.set_params(n_jobs=None).sample(X, random_state=0))
    for n_rows in (1, 100, 4096, 4097):
        drawn = model.sample(X[:n_rows], random_state=0)
        assert_allclose(drawn, one[:n_rows], rtol=1e-5, atol=1e-6)  # the rounding of a last chunk
    many = model.sample(X[:3000], n_samples=3, random_state=0)
    assert_allclose(many.reshape(-1, 2)[0], one[0], rtol=1e-5)


def test_generator_prefix_and_workers(events):
    model = FlowGenerator(**SMALL).fit(events[1])
    one = model.sample(9000, random_state=0)
    assert_array_equal(one, model.set_params(n_jobs=2).sample(9000, random_state=0))
    for n_rows in (1, 4096, 5000):
        assert_allclose(one[:n_rows], model.sample(n_rows, random_state=0), rtol=1e-5, atol=1e-6)
    assert len(np.unique(one, axis=0)) == 9000  # no chunk repeats another's noise


def test_threads_come_back_after_parallel_draws(events):
    torch.set_num_threads(2)
    X = np.tile(events[0], (40, 1))
    try:
        FlowSimulator(n_jobs=2, **SMALL).fit(*events).sample(X, random_state=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_series_as_y_gives_its_name():
    X, y = paired_frames()
    model = FlowSimulator(**SMALL).fit(X, y["muon_pt"])
    assert list(model.target_names_in_) == ["muon_pt"]
    model.set_output(transform="pandas")
    assert list(model.transform(X[:3]).columns) == ["muon_pt"]


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
