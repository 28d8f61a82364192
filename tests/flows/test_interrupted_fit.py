"""State of an estimator after an interrupted or failed `fit`."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import sample
from skjetsim._nn import Flow, TrainingNet, TrainingWarning
from skjetsim.compose import TransformedSimulator
from skjetsim.flows import FlowGenerator, FlowSimulator

SMALL = {"n_transforms": 2, "hidden_features": (8,), "n_bins": 4, "device": "cpu"}


def nan(losses):
    return losses * float("nan")


def interrupt(_):
    raise KeyboardInterrupt


@pytest.fixture
def flow_stops(monkeypatch):
    """Replace the loss of every flow by a bad one, from training step `after` on."""

    def install(after, then):
        original, calls = Flow.losses, []

        def losses(self, step, batch, generator):
            found = original(self, step, batch, generator)
            if not self.training:
                return found
            calls.append(1)
            return {"loss": then(found["loss"])} if len(calls) >= after else found

        monkeypatch.setattr(Flow, "losses", losses)

    return install


def events(n_events=200):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_events, 2))
    return X, X + rng.normal(size=X.shape)  # wide: the network must learn it


def estimator(cls, **params):
    settings = {"max_epochs": 6, "batch_size": 64, "random_state": 0, "schedule": "constant"}
    settings |= {"learning_rate": 5e-4, "weight_decay": 0.0}  # slow: the second epoch is better
    return cls(**SMALL | settings | params)


@pytest.mark.parametrize("cls", [FlowGenerator, FlowSimulator])
def test_interrupted_fit_leaves_a_usable_estimator(cls, flow_stops):
    X, y = events()
    arguments = (y,) if cls is FlowGenerator else (X, y)
    flow_stops(8, interrupt)  # three steps per epoch: this is in the third epoch
    model = estimator(cls)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*arguments)
    assert model.best_epoch_ == 2
    assert len(model.history_) == 2
    assert np.isfinite(model.score_samples(*arguments)).all()
    drawn = model.sample(5) if cls is FlowGenerator else model.sample(X[:5])
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("piped", [False, True], ids=["alone", "in a Pipeline"])
def test_interrupted_fit_behind_transformers_leaves_a_usable_model(piped, flow_stops):
    X, y = events()
    model = TransformedSimulator(estimator(FlowSimulator), [StandardScaler()])
    model = make_pipeline(StandardScaler(), model) if piped else model
    flow_stops(8, interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert np.isfinite(sample(model, X[:5])).all()
    assert np.isfinite(model.score(X, y))


@pytest.mark.parametrize("refit", [False, True], ids=["first fit", "refit"])
@pytest.mark.parametrize("where", ["initialisation", "first epoch"])
@pytest.mark.parametrize("transformed", [False, True])
def test_interrupted_before_anything_was_learnt(transformed, where, refit, flow_stops, monkeypatch):
    X, y = events()
    model = estimator(FlowSimulator, max_epochs=1)
    model = TransformedSimulator(model, [StandardScaler()]) if transformed else model
    if refit:
        model.fit(X, y)
    if where == "initialisation":
        monkeypatch.setattr(TrainingNet, "initialize", interrupt)
    else:
        flow_stops(2, interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        model.fit(X, y)
    assert caught.value.__context__ is None
    with pytest.raises(NotFittedError):
        model.sample(X)


def test_an_error_behind_transformers_leaves_nothing_fitted(flow_stops):
    X, y = events()
    model = TransformedSimulator(estimator(FlowSimulator, max_epochs=1), [StandardScaler()])
    model.fit(X, y)
    flow_stops(2, nan)
    with pytest.raises(ValueError, match="nothing was learnt"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.sample(X)


def test_fit_warns_the_caller_of_nan(flow_stops):
    X, y = events()
    flow_stops(8, nan)
    model = estimator(FlowSimulator)
    with pytest.warns(TrainingWarning, match="in epoch 3") as record:
        model.fit(X, y)
    assert record[0].filename == __file__
    assert model.best_epoch_ == 2
    assert np.isfinite(model.score(X, y))


def test_fit_with_nan_from_the_start(flow_stops):
    flow_stops(1, nan)
    with pytest.raises(ValueError, match="nothing was learnt"):
        estimator(FlowSimulator).fit(*events())
