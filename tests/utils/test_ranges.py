"""Events outside the range of the fit: honest ones never warn, other units always."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim.base import BaseSimulator, check_pairs
from skjetsim.compose import EnsembleSimulator, SimulatorChain, Unfolder
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.utils._ranges import remember_ranges, warn_outside

OUTSIDE = "outside the range that {} was fitted on: column {}"
NAMES = ["pt", "eta"]


class Model:
    pass


def fitted(rows, names=NAMES, drawn="y"):
    model = Model()
    remember_ranges(model, drawn=drawn, X=(rows, names, True))
    return model


def events(rng, n):
    """A falling spectrum with a tail of power five, and eta."""
    return np.column_stack([20 * (1 + rng.pareto(5, n)), rng.normal(0, 1.5, n)])


@pytest.mark.parametrize("n_fit", [30, 1000, 20000])
@pytest.mark.parametrize("n", [1, 3, 30, 1000, 20000])
def test_honest_events_do_not_warn(n_fit, n):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        model = fitted(events(rng, n_fit))
        rows = events(rng, n)
        warn_outside(model, rows, "X", NAMES)
        warn_outside(model, np.repeat(rows[:5], 200, axis=0), "X", NAMES)  # draws of a few events
        warn_outside(model, rows[np.abs(rows[:, 1]) < 0.3], "X", NAMES)  # a part of the phase space


def test_heavy_tails_do_not_warn():
    for seed in range(300):
        rng = np.random.default_rng(seed)
        model = fitted(rng.standard_cauchy((500, 2)))
        warn_outside(model, rng.standard_cauchy((500, 2)), "X", NAMES)


@pytest.mark.parametrize("n", [1, 5, 2000])
def test_other_units_warn(n):
    rng = np.random.default_rng(0)
    rows = events(rng, 3000)
    with pytest.warns(UserWarning, match=OUTSIDE.format("Model", "'pt'")):
        warn_outside(fitted(rows), events(rng, n) * [1000, 1], "X", NAMES)
    with pytest.warns(UserWarning, match=OUTSIDE.format("Model", "0")):
        warn_outside(fitted(rows * [1000, 1], None), events(rng, n), "X", None)


def test_shares_and_ranges_are_told():
    model = fitted(np.column_stack([np.linspace(20, 100, 500), np.linspace(-2, 2, 500)]))
    rows = np.column_stack([np.linspace(90, 110, 200), np.linspace(-1, 1, 200)])
    told = r"'pt' in 50% of the 200 events \(20 to 100 in the fit, 90 to 110 here\)\. What"
    with pytest.warns(UserWarning, match=told):
        warn_outside(model, rows, "X", NAMES)
    with pytest.warns(UserWarning, match=r"'pt' \(20 to 100 in the fit, 5e\+04 here\)"):
        warn_outside(model, np.array([[5e4, 0.0]]), "X", NAMES)
    warn_outside(model, np.array([[110.0, 0.0]]), "X", NAMES)  # one event may be an extreme


def test_a_grid_for_a_density_does_not_warn():
    rows = np.linspace(20, 100, 500)[:, None]
    grid = np.linspace(0, 900, 1000)[:, None]
    model = fitted(rows, ["pt"], drawn="X")
    warn_outside(model, grid, "X", ["pt"])
    with pytest.warns(UserWarning, match="100% of the 500 events"):
        warn_outside(model, 1000 * rows, "X", ["pt"])


def test_many_columns_are_not_all_listed():
    rows = np.random.default_rng(0).normal(size=(50, 9))
    with pytest.warns(UserWarning, match=r"; and 5 more columns\. What"):
        warn_outside(fitted(rows, None), rows * 1e4, "X", None)


def test_a_thousandth_inside_the_range():
    """GeV for a model of MeV: px is inside the range, but much too small."""
    rng = np.random.default_rng(0)
    px = rng.normal(0, 40, (3000, 2))
    with pytest.warns(UserWarning, match="about a thousandth .* Model was fitted on: 'px'; 'py'"):
        warn_outside(fitted(1000 * px, ["px", "py"]), px[:500], "X", ["px", "py"])
    warn_outside(fitted(100 * px, ["px", "py"]), px[:500], "X", ["px", "py"])


def test_angles_constants_and_sparse_columns():
    names = ["phi", "mass", "cell"]
    rng = np.random.default_rng(0)
    cell = np.where(np.arange(1000) % 100, 0.0, 0.1)
    rows = np.column_stack([rng.uniform(-1, 1, 1000), np.full(1000, 0.1057), cell])
    model = fitted(rows, names)
    other = rows[:20].copy()
    other[:, 0] += np.pi  # angles have no range
    other[:, 1] = np.float32(0.1057)
    other[3, 2] = 7.0  # a cell that is seldom hit
    warn_outside(model, other, "X", names)
    other[:, 1] = 105.7
    with pytest.warns(UserWarning, match=r"column 'mass' in 100% of the 20 events"):
        warn_outside(model, other, "X", names)
    with pytest.warns(UserWarning, match="column 'mass'"):
        warn_outside(model, other[:1], "X", names)


def test_events_of_weight_zero_do_not_count():
    rows = np.linspace(0, 100, 1000)[:, None]
    model = Smear()
    check_pairs(model, rows, rows, (rows[:, 0] < 50).astype(float), reset=True)
    with pytest.warns(UserWarning, match="0 to 49.95 in the fit"):
        model.sample(rows)


RNG = np.random.default_rng(1)
X = pd.DataFrame({"pt": 20 + RNG.exponential(30, 1000), "eta": RNG.normal(0, 1, 1000)})
Y = X * RNG.normal(1, 0.1, (1000, 2))
MEV = X.assign(pt=1000 * X["pt"])
SMALL = {"n_transforms": 1, "max_epochs": 1, "random_state": 0}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (FlowSimulator(**SMALL), "FlowSimulator"),
        (EnsembleSimulator(FlowSimulator(**SMALL), n_estimators=2), "EnsembleSimulator"),
        (make_pipeline("passthrough", FlowSimulator(**SMALL)), "FlowSimulator"),
        (SimulatorChain([("a", FlowSimulator(**SMALL), ["eta"])]), "SimulatorChain"),
    ],
    ids=["flow", "ensemble", "Pipeline", "chain"],
)
def test_models_warn_once(model, name):
    y = Y[["eta"]]
    model.fit(X, y)
    for use in (model.transform, lambda rows: model.score(rows, y)):
        use(X)
        with pytest.warns(UserWarning, match=f"X .* outside .* that {name} was fitted") as found:
            use(MEV)
        assert len(found) == 1
        assert found[0].filename == __file__  # the user's line


def test_every_side_of_every_model():
    far = "outside the range"
    flow = FlowSimulator(**SMALL).fit(X, Y)
    with pytest.warns(UserWarning, match=f"y has events {far}"):
        flow.score_samples(X, MEV)
    with pytest.warns(UserWarning, match=f"X has events {far}"):
        FlowGenerator(**SMALL).fit(X).score_samples(MEV)
    unfolder = Unfolder(FlowSimulator(**SMALL)).fit(X, Y)
    with pytest.warns(UserWarning, match=f"y has events {far} that Unfolder"):
        unfolder.sample_inverse(MEV)


def test_only_the_side_that_is_drawn_may_be_a_grid():
    grid = X.assign(pt=np.linspace(0, 1000, len(X)))
    flow = FlowSimulator(**SMALL).fit(X, Y)
    flow.score_samples(X, grid)
    with pytest.warns(UserWarning, match="X has events outside"):
        flow.score_samples(grid, Y)
    unfolder = Unfolder(FlowSimulator(**SMALL)).fit(X, Y)
    unfolder.score_samples(grid, Y)
    with pytest.warns(UserWarning, match="y has events outside"):
        unfolder.score_samples(X, grid)


class Smear(BaseSimulator):
    def fit(self, X, y):
        check_pairs(self, X, y, reset=True)
        return self

    def partial_fit(self, X, y):
        check_pairs(self, X, y, reset=False)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        return rows


def test_a_stream_widens_the_range():
    model = Smear().fit(X, Y)
    with pytest.warns(UserWarning, match="X has events outside"):
        model.partial_fit(X.assign(eta=X["eta"] + 100), Y)
    model.sample(X.assign(eta=X["eta"] + 100))
    model.sample(X)


def test_a_new_fit_forgets_the_range():
    model = Smear().fit(MEV, MEV)
    model.fit(X, Y)
    model.sample(X)
    with pytest.warns(UserWarning, match="X has events outside"):
        model.sample(MEV)


def test_scaled_conditions_in_a_pipeline():
    """The model in a Pipeline sees scaled events; those of the fit do not warn."""
    model = make_pipeline(StandardScaler(), FlowSimulator(**SMALL)).fit(X[:800], Y[:800])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(X[800:])


def test_a_range_of_few_events_tells_little():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        warn_outside(fitted(events(rng, 2)), events(rng, 200), "X", NAMES)
        warn_outside(fitted(events(rng, 5)), events(rng, 1), "X", NAMES)
