"""`warm_start`: a fit goes on from the present weights, also inside compositions."""

import numpy as np
import pytest
import torch
from _instances import FEW_EPOCHS
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import load, save
from skjetsim.compose import GeneratorChain, ResidualTransformer, TransformedSimulator, Unfolder
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


def test_another_network_is_an_error():
    model = FlowSimulator(**FLOW).fit(X, Y)
    with pytest.raises(ValueError, match=r"hidden_features changed. Set warm_start=False"):
        model.set_params(hidden_features=(9,)).fit(X, Y)
    assert "_earlier" not in vars(model)
    model.fit(X, Y)  # the failed fit is forgotten, as always
    with pytest.raises(ValueError, match=r"other columns, or other columns that vary"):
        model.fit(X, np.hstack([Y, Y[:, :1] ** 2]))


def test_ctrl_c_in_the_first_epoch_keeps_the_fit(monkeypatch):
    model = FlowGenerator(**FLOW).fit(X)
    expected, history = model.sample(5, random_state=0), model.history_
    from skjetsim._nn import TrainingNet

    def interrupted(self, *args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingNet, "train_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X)
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
