"""innermost: the model inside any composition."""

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import innermost
from skjetsim.base._composition import models_inside
from skjetsim.compose import (
    EnsembleSimulator,
    IterativeUnfolder,
    ResidualTransformer,
    SimulatorChain,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import get_scorer
from skjetsim.pipeline import make_generative_pipeline


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(20, 100, (300, 2)), columns=["jet_pt", "muon_pt"])  # GeV
    return X, X + rng.normal(0, 3, X.shape)


def flow(**settings):
    return FlowSimulator(**SMALL, **settings)


def search(model):
    scoring = get_scorer("neg_wasserstein_distance")
    return GridSearchCV(model, {}, cv=2, scoring=scoring)


COMPOSITIONS = {
    "alone": flow,
    "pipeline": lambda: make_pipeline(StandardScaler(), flow()),
    "generative": lambda: make_generative_pipeline(StandardScaler(), flow()),
    "search": lambda: search(flow()),
    "search of a pipeline": lambda: search(make_pipeline(StandardScaler(), flow())),
    "transformed": lambda: TransformedSimulator(flow(), [ResidualTransformer()]),
    "unfolder": lambda: make_pipeline(StandardScaler(), Unfolder(flow())),
    "iterative": lambda: IterativeUnfolder(Unfolder(flow())),
    "all": lambda: make_pipeline(
        StandardScaler(), search(TransformedSimulator(flow(), [ResidualTransformer()]))
    ),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_model_is_found(name, events):
    model = COMPOSITIONS[name]().fit(*events)
    found = innermost(model)
    assert type(found) is FlowSimulator
    assert len(found.history_) == found.max_epochs
    assert innermost(FrozenEstimator(model)) is found


def test_a_generator_and_models_of_scikit_learn(events):
    X, _ = events
    model = make_generative_pipeline(StandardScaler(), FlowGenerator(**SMALL)).fit(X)
    assert type(innermost(model)) is FlowGenerator
    mixture = GaussianMixture().fit(X)
    assert innermost(make_pipeline(StandardScaler(), mixture)) is mixture


def test_several_models_are_named(events):
    ensemble = make_pipeline(EnsembleSimulator(flow(), n_estimators=2, random_state=0)).fit(*events)
    message = "'member 0', 'member 1'. Pass .* such as EnsembleSimulator.estimators_"
    with pytest.raises(ValueError, match=f"Pipeline has 2 models inside: {message}"):
        innermost(ensemble)
    assert list(models_inside(ensemble)) == ["member 0", "member 1"]
    steps = [("first", flow(), ["jet_pt"]), ("rest", flow(), None)]
    chain = SimulatorChain(steps).fit(*events)
    with pytest.raises(ValueError, match=r"'first', 'rest'.*SimulatorChain.simulators_\['first'\]"):
        innermost(chain)


def test_what_has_no_model_inside(events):
    with pytest.raises(NotFittedError, match="TransformedSimulator"):
        innermost(TransformedSimulator(flow(), [ResidualTransformer()]))
    with pytest.raises(NotFittedError, match="GridSearchCV"):
        innermost(search(flow()))
    unrefitted = search(flow()).set_params(refit=False).fit(*events)
    with pytest.raises(NotFittedError, match="fit it with refit=True"):
        innermost(unrefitted)
    with pytest.raises(TypeError, match="A fitted estimator is needed, got 3"):
        innermost(3)
    with pytest.raises(TypeError, match="A fitted estimator is needed"):
        innermost(FlowSimulator)
    line = LinearRegression()
    assert innermost(line) is line
