"""Every estimator of the package, small enough that a test fits it in a tenth of a second."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from skjetsim.compose import (
    EfficiencySimulator,
    EnsembleSimulator,
    IterativeUnfolder,
    ResidualTransformer,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.flows import (
    FlowGenerator,
    FlowMatchingGenerator,
    FlowMatchingSimulator,
    FlowSimulator,
    InvertibleUnfolder,
)
from skjetsim.pipeline import GenerativePipeline
from skjetsim.response import QuantileSimulator
from skjetsim.transport import OTUSSimulator

# Instances of the shared checks lose nothing, and tests train for a few epochs.
NOTHING_LOST = pytest.mark.filterwarnings("ignore:accepted=None, and in y:UserWarning")
FEW_EPOCHS = pytest.mark.filterwarnings("ignore:After .* epochs? the events:UserWarning")

SMALL_NETWORK = {
    "hidden_features": (8,),
    "max_epochs": 2,
    "device": "cpu",
    "random_state": 0,
}
SMALL = SMALL_NETWORK | {"n_transforms": 2, "n_bins": 4}


def generators(**params):
    settings = SMALL | params
    return [
        FlowGenerator(**settings),
        FlowGenerator(bijection="affine", structure="autoregressive", **settings),
        FlowGenerator(bijection="sylvester", **settings),
        FlowMatchingGenerator(**SMALL_NETWORK | params),
    ]


def simulators(**params):
    settings = SMALL | params
    network = SMALL_NETWORK | params
    return [
        FlowSimulator(**settings),
        FlowSimulator(structure="autoregressive", condition_network=(8, 4), **settings),
        FlowSimulator(bijection="planar", **settings),
        FlowMatchingSimulator(**network),
        QuantileSimulator(**network),
        QuantileSimulator(n_quantiles=4, **network),
        TransformedSimulator(FlowSimulator(**settings), [StandardScaler()]),
        EnsembleSimulator(
            FlowSimulator(**settings), n_estimators=2, random_state=settings["random_state"]
        ),
        EfficiencySimulator(
            FlowSimulator(**settings), accepted=None, random_state=settings["random_state"]
        ),
        OTUSSimulator(n_slices=4, **network),
    ]


def residual_simulators(**params):
    """Simulators that want the same columns in X and y."""
    settings = SMALL | params
    return [
        TransformedSimulator(FlowSimulator(**settings), [StandardScaler(), ResidualTransformer()]),
        TransformedSimulator(FlowSimulator(**settings), [ResidualTransformer(keep_truth=True)]),
    ]


def unfolders(**params):
    settings = SMALL | params
    unfolder = Unfolder(FlowSimulator(**settings))
    return [
        unfolder,
        IterativeUnfolder(unfolder, n_iterations=1),
        InvertibleUnfolder(**settings),
        InvertibleUnfolder(n_noise=1, **settings),
    ]


def pipelines(**params):
    settings = SMALL | params
    return [
        GenerativePipeline([("scale", StandardScaler()), ("flow", FlowGenerator(**settings))]),
        GenerativePipeline([("scale", StandardScaler()), ("flow", FlowSimulator(**settings))]),
    ]


def label(estimator):
    """Identifier of a parametrised test."""
    parts = [type(estimator).__name__]
    if getattr(estimator, "n_quantiles", None) is not None:
        parts.append("copula")
    if getattr(estimator, "bijection", "rqs") != "rqs":
        parts.append(estimator.bijection)
    if getattr(estimator, "structure", "coupling") != "coupling":
        parts.append(estimator.structure)
    if getattr(estimator, "n_noise", 0):
        parts.append("noise")
    if hasattr(estimator, "transformers"):
        parts += [type(step).__name__ for step in estimator.transformers]
    if hasattr(estimator, "steps"):
        parts.append(type(estimator.steps[-1][1]).__name__)
    return "-".join(parts)


def paired_events(n_events=240, seed=0):
    """Theory level (pt, eta) in GeV and units, detector level smeared by 10% and 0.05."""
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.uniform(20, 100, n_events), rng.normal(0, 1, n_events)])
    noise = rng.normal(size=(n_events, 2)) * np.column_stack(
        [0.1 * truth[:, 0], np.full(n_events, 0.05)]
    )
    return truth, truth + noise


def paired_frames(n_events=240, seed=0):
    columns = ["muon_pt", "muon_eta"]
    return tuple(pd.DataFrame(side, columns=columns) for side in paired_events(n_events, seed))


def fit(estimator, X, y):
    """Fit a generator on y, a simulator on the pair."""
    from skjetsim.base import is_generator

    return estimator.fit(y) if is_generator(estimator) else estimator.fit(X, y)


def draw(estimator, X, **params):
    """As many events of any estimator as X has rows."""
    from skjetsim import sample
    from skjetsim.base import is_generator

    if is_generator(estimator):
        return sample(estimator, n_samples=len(X), **params)
    return sample(estimator, X, **params)
