"""`warm_start`: a fit goes on from the present weights, also inside compositions."""

import numpy as np
import pandas as pd
import pytest
import torch
from _instances import FEW_EPOCHS
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import load, sample, sample_inverse, save
from skjetsim.compose import (
    EfficiencySimulator,
    EnsembleSimulator,
    GeneratorChain,
    IterativeUnfolder,
    ResidualTransformer,
    SimulatorChain,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.flows import (
    FlowGenerator,
    FlowMatchingSimulator,
    FlowSimulator,
    InvertibleUnfolder,
)
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.response import QuantileSimulator
from skjetsim.transport import OTUSSimulator

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))
Y = X + 0.3 * RNG.normal(size=X.shape)
WARM = {"max_epochs": 3, "warm_start": True, "random_state": 0, "device": "cpu"}
FLOW = {"n_transforms": 2, "hidden_features": (8,), "n_bins": 4, **WARM}

MODELS = [
    FlowSimulator(**FLOW),
    FlowSimulator(**FLOW | {"random_state": None}),  # orders of columns are drawn
    FlowMatchingSimulator(hidden_features=(16,), **WARM),
    InvertibleUnfolder(n_transforms=2, hidden_features=(8,), **WARM),
    QuantileSimulator(**WARM),
    QuantileSimulator(n_quantiles=5, **WARM),
    OTUSSimulator(hidden_features=(8,), n_slices=4, validation_fraction=0.1, **WARM),
]


def weights(model):
    return torch.cat(
        [value.flatten().double() for value in model.net_.module_.state_dict().values()]
    )


@FEW_EPOCHS
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_next_fit_starts_at_the_present_weights(model):
    model = clone(model).fit(X, Y)
    first, before = list(model.history_), weights(model)
    # Steps of no size leave the weights as they were.
    model.set_params(learning_rate=1e-30, weight_decay=0.0, ema_decay=None, max_epochs=2).fit(X, Y)
    moving = [name for name in model.net_.module_.state_dict() if "running" in name]
    if not moving:
        np.testing.assert_allclose(weights(model), before, atol=1e-12)
    assert model.n_epochs_ == len(model.history_) == 5
    assert model.history_[:3] == first
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3, 4, 5]
    assert model.best_epoch_ in (4, 5)
    cold = model.set_params(warm_start=False).fit(X, Y)
    assert cold.n_epochs_ == 2


def test_going_on_is_better_than_starting_anew():
    settings = FLOW | {"max_epochs": 10}
    model = FlowSimulator(**settings).fit(X, Y)
    first = model.score(X, Y)
    for _ in range(3):
        model.fit(X, Y)
    assert model.n_epochs_ == 40
    assert model.score(X, Y) > first + 0.02


def test_a_loaded_model_goes_on(tmp_path):
    model = FlowSimulator(**FLOW).fit(X, Y)
    save(model, tmp_path / "model.skjetsim")
    again = load(tmp_path / "model.skjetsim").fit(X, Y)
    assert_array_equal(again.sample(X, random_state=0), model.fit(X, Y).sample(X, random_state=0))
    assert again.history_ == model.history_


@pytest.mark.parametrize(
    ("model", "changes", "named"),
    [
        (FlowSimulator(**FLOW), {"hidden_features": (9,)}, "hidden_features"),
        (FlowSimulator(**FLOW), {"n_transforms": 3}, "n_transforms"),
        (FlowSimulator(**FLOW), {"n_transforms": 1, "random_state": None}, "n_transforms"),
        (FlowSimulator(**FLOW | {"n_transforms": 6}), {"permutation": "reverse"}, "permutation"),
        (FlowSimulator(**FLOW), {"bijection": "planar"}, "bijection or structure"),
        (FlowSimulator(**FLOW), {"structure": "autoregressive"}, "bijection or structure"),
        (FlowSimulator(**FLOW), {"bijection": "affine"}, "bijection or the names of angles"),
        (FlowGenerator(**FLOW), {"n_transforms": 5, "n_bins": 5}, "n_transforms and n_bins"),
        (InvertibleUnfolder(n_transforms=2, hidden_features=(8,), **WARM), {"n_transforms": 4}, ""),
        (MODELS[-1], {"hidden_features": (9,)}, "hidden_features"),
        (QuantileSimulator(**WARM), {"n_quantiles": 5}, "n_quantiles"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_another_network_is_an_error_that_names_the_parameter(model, changes, named):
    wide = np.hstack([X, X[:, :1] ** 2])
    generates = isinstance(model, FlowGenerator)
    data = (wide,) if generates else (X, np.hstack([Y, Y[:, :1] ** 2]))
    model = clone(model).fit(*data)
    state, kept = dict(vars(model)), model.get_params()
    with pytest.raises(ValueError, match=rf"but .*{named} changed. Set warm_start=False"):
        model.set_params(**changes).fit(*data)
    assert vars(model.set_params(**kept)) == state


WIDE = np.hstack([Y, Y[:, :1] ** 2])


@FEW_EPOCHS
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize(
    ("X_new", "Y_new"),
    [(X, WIDE), (WIDE, Y), (X * np.nan, Y), (X[:, :1], Y), (X, np.zeros_like(Y))],
    ids=["wide y", "wide X", "NaN", "narrow X", "constant y"],
)
def test_a_fit_that_fails_leaves_the_one_before(model, X_new, Y_new):
    model = clone(model).fit(X, Y)
    draw = sample_inverse if isinstance(model, InvertibleUnfolder) else sample
    given = Y[:50] if draw is sample_inverse else X[:50]
    before = draw(model, given, random_state=0)
    try:
        model.fit(X_new, Y_new)
    except ValueError:
        assert_array_equal(draw(model, given, random_state=0), before)
        assert model.fit(X, Y).n_epochs_ == 6


def test_other_columns_are_an_error():
    model = FlowSimulator(**FLOW).fit(X, Y)
    with pytest.raises(ValueError, match=r"other columns, or other columns that vary"):
        model.fit(X, WIDE)


def test_without_warm_start_a_fit_that_fails_is_forgotten():
    model = FlowSimulator(**FLOW | {"warm_start": False}).fit(X, Y)
    with pytest.raises(ValueError, match="n_bins"):
        model.set_params(n_bins=1).fit(X, Y)
    assert not hasattr(model, "net_")


def test_ctrl_c_in_the_first_epoch_keeps_the_fit(monkeypatch):
    model = FlowGenerator(**FLOW).fit(X)
    expected, history = model.sample(5, random_state=0), model.history_
    from skjetsim._nn import TrainingNet

    def interrupted(self, *args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingNet, "train_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(3 * X)  # which is scaled otherwise
    assert_array_equal(model.sample(5, random_state=0), expected)
    assert model.history_ == history
    assert model.fit(X).n_epochs_ == 6


def inside(model):
    while not hasattr(model, "net_"):
        model = getattr(model, "simulator_", None) or model.steps[-1][1]
    return model


COMPOSED = {
    "transformed": TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()]),
    "unfolder": Unfolder(TransformedSimulator(FlowSimulator(**FLOW), [StandardScaler()])),
    "inner pipeline": TransformedSimulator(
        make_pipeline(StandardScaler(), FlowSimulator(**FLOW)), []
    ),
    "pipeline": make_generative_pipeline(
        StandardScaler(), TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()])
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_compositions_go_on(name):
    model = clone(COMPOSED[name]).fit(X, Y)
    epochs = next(key for key in model.get_params() if key.endswith("max_epochs"))
    model.set_params(**{epochs: 2}).fit(X, Y)
    assert inside(model).n_epochs_ == 5
    assert not any("before" in attribute for attribute in vars(model))
    warm = next(key for key in model.get_params() if key.endswith("warm_start"))
    assert inside(model.set_params(**{warm: False}).fit(X, Y)).n_epochs_ == 2


def test_a_new_estimator_inside_starts_anew():
    model = TransformedSimulator(FlowSimulator(**FLOW), []).fit(X, Y)
    model.set_params(simulator=QuantileSimulator(**WARM)).fit(X, Y)
    assert model.simulator_.n_epochs_ == 3


def test_both_parts_of_a_chain_go_on():
    chain = GeneratorChain(FlowGenerator(**FLOW), FlowSimulator(**FLOW), columns=[0])
    chain.fit(X).fit(X)
    assert chain.generator_.n_epochs_ == chain.simulator_.n_epochs_ == 6


def test_all_steps_of_a_simulator_chain_go_on():
    steps = [("first", FlowSimulator(**FLOW), [0]), ("second", QuantileSimulator(**WARM), [1])]
    chain = SimulatorChain(steps).fit(X, Y)
    before = weights(chain.simulators_["first"])
    chain.set_params(first__max_epochs=1, first__learning_rate=1e-30, first__weight_decay=0.0)
    chain.fit(X, Y)
    assert [step.n_epochs_ for step in chain.simulators_.values()] == [4, 6]
    np.testing.assert_allclose(weights(chain.simulators_["first"]), before, atol=1e-12)
    assert not any("before" in attribute for attribute in vars(chain))
    chain.set_params(first__warm_start=False, second__max_epochs=2).fit(X, Y)
    assert [step.n_epochs_ for step in chain.simulators_.values()] == [1, 8]


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("seed", [0, None])
def test_members_of_ensembles_go_on(n_jobs, seed):
    flow = TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()])
    ensemble = EnsembleSimulator(flow, n_estimators=2, n_jobs=n_jobs, random_state=seed).fit(X, Y)
    before = [weights(inside(member)) for member in ensemble.estimators_]
    still = {"learning_rate": 1e-30, "weight_decay": 0.0, "max_epochs": 1}
    ensemble.set_params(**{f"simulator__simulator__{name}": still[name] for name in still})
    ensemble.set_params(n_estimators=3).fit(X, Y)
    members = list(map(inside, ensemble.estimators_))
    assert [member.n_epochs_ for member in members] == [4, 4, 1]
    for member, expected in zip(members, before, strict=False):
        np.testing.assert_allclose(weights(member), expected, atol=1e-12)
    assert not any("before" in attribute for attribute in vars(ensemble))


def test_patterns_of_events_go_on():
    y = pd.DataFrame(np.abs(Y) + 1, columns=["jet1_pt", "jet2_pt"]).assign(accepted=1.0)
    y.loc[::3, "jet2_pt"], y.loc[::4] = 0.0, 0.0
    model = EfficiencySimulator(FlowSimulator(**FLOW), objects=["jet2"], random_state=0)
    model.fit(X, y).fit(X, y)
    assert {part.n_epochs_ for part in model.simulators_.values()} == {6}
    assert len(model.simulators_) == 2


def test_the_unfolder_of_an_iterative_unfolder_goes_on():
    unfolder = Unfolder(FlowSimulator(**FLOW))
    model = IterativeUnfolder(unfolder, n_iterations=1, tol=0.0).fit(X, Y)
    model.unfold(Y + 0.5, random_state=0)
    assert [inside(part).n_epochs_ for part in model.unfolders_] == [3, 3]
    model.fit(X, Y)
    assert [inside(part).n_epochs_ for part in model.unfolders_] == [6]
    model.unfold(Y + 0.5, random_state=0)
    assert [inside(part).n_epochs_ for part in model.unfolders_] == [6, 3]
