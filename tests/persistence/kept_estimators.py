"""Estimators with kept model files: all public ones, and all ways to compose them."""

import numpy as np
import pandas as pd
from _instances import (
    SMALL,
    SMALL_NETWORK,
    generators,
    label,
    paired_frames,
    pipelines,
    residual_simulators,
    simulators,
    unfolders,
)
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler

from skjetsim import metrics
from skjetsim.compose import (
    CategorySimulator,
    ClassifierSimulator,
    GeneratorChain,
    NearestAssignment,
    ResidualTransformer,
    SimulatorChain,
    SymmetricSimulator,
    TransformedSimulator,
)
from skjetsim.datasets import load_ttbar, load_wjet, load_zee
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.preprocessing import (
    AngleEncoder,
    BoundTransformer,
    CartesianToCylindrical,
    EnergyToMass,
    InvertibleColumnTransformer,
    KinematicFeatures,
    LogMassTransformer,
    LogTransformer,
    MassShellTransformer,
    PairMassTransformer,
    PhiRotation,
    TopPairAssignment,
    TopPairFeatures,
    TransverseMassTransformer,
)
from skjetsim.transport import InvariantMass, OTUSSimulator

N_EVENTS = 240
SIMULATOR = FlowSimulator(**SMALL)
LEPTONS = ["electron", "positron"]
COORDINATES = [CartesianToCylindrical(["muon", "jet"]), LogMassTransformer(["jet_mass"])]


def tables():
    """Pairs of theory and detector level, by name."""
    X, y = paired_frames(N_EVENTS)
    azimuth = np.random.default_rng(0).uniform(-3, 3, N_EVENTS)
    partons, jets = load_ttbar(return_X_y=True)
    bundled = {
        "ttbar": (partons, jets.drop(columns="met_E")),
        "wjet": load_wjet(return_X_y=True),
        "zee": load_zee(return_X_y=True),
    }
    return {
        "muon": (X, y),
        "mismeasured": mismeasured(),
        "tagged": (X, y.assign(tag=(y["muon_pt"] > 60).astype(float))),
        "padded": (X, _padded(y, azimuth)),
        "labelled": (X, pd.DataFrame({"flavour": np.where(y["muon_pt"] > 60, "b", "light")})),
        "azimuth": tuple(side.assign(muon_phi=azimuth) for side in (X, y)),
        **{name: [side.head(N_EVENTS) for side in pair] for name, pair in bundled.items()},
    }


def _padded(y, azimuth):
    """Events of which half have no muon, whose isolation comes in steps, and an angle in towers."""
    there = (np.arange(N_EVENTS) % 2)[:, None]
    towers = np.round(azimuth, 1) * (azimuth > 0)
    steps = np.round(2 * np.random.default_rng(1).exponential(2, N_EVENTS)) / 2
    missing = np.where(there[:, 0], steps, -999.0)
    return (y * there).assign(isolation=steps, activity=missing, tower_phi=towers)


def mismeasured():
    """More pairs, among which twelve muons are those of other events."""
    X, y = paired_frames(1200)
    y.iloc[:12] = 20 * y.iloc[12:24] + 500
    return X, y


def estimators():
    """Pairs (table, estimator) by the name of the file."""
    instances = [
        *generators(),
        *simulators(),
        *residual_simulators(),
        *unfolders(),
        *pipelines(),
        make_pipeline(StandardScaler(), SIMULATOR),
        make_pipeline(PowerTransformer(), KernelDensity(bandwidth=0.3)),
    ]
    found = {label(estimator): ("muon", estimator) for estimator in instances}
    return found | compositions() | transformers() | scorers()


def compositions():
    search = GridSearchCV(
        FlowGenerator(**SMALL), {"n_bins": [3, 4]}, cv=2, scoring=metrics.WassersteinScorer()
    )
    inner = TransformedSimulator(SIMULATOR, [*COORDINATES, ResidualTransformer()])
    forest = RandomForestRegressor(2, max_depth=3, random_state=0)
    category = CategorySimulator(
        SIMULATOR, ["tag"], classifier=LogisticRegression(), random_state=0
    )
    labels = ClassifierSimulator(LogisticRegression(), random_state=0)
    otus = OTUSSimulator(
        n_slices=4, scale="standard", observables=[InvariantMass(*LEPTONS)], **SMALL_NETWORK
    )
    chain = SimulatorChain(
        [("pt", SIMULATOR, ["muon_pt"]), ("rest", SIMULATOR, None)], random_state=0
    )
    layers = GeneratorChain(FlowGenerator(**SMALL), SIMULATOR, columns=["muon_pt"])
    return {
        "SimulatorChain": ("muon", chain),
        "GeneratorChain": ("muon", layers),
        "FlowGenerator-atoms": ("padded", FlowGenerator(**SMALL)),
        "ClassifierSimulator-labels": ("labelled", labels),
        "CategorySimulator": ("tagged", category),
        "FlowSimulator-outliers": ("mismeasured", SIMULATOR),
        "GridSearchCV": ("muon", search),
        "OTUSSimulator-observables": ("zee", otus),
        "Pipeline-RandomForestRegressor": ("muon", make_pipeline(StandardScaler(), forest)),
        "Pipeline-TransformedSimulator": ("wjet", make_pipeline(*COORDINATES, inner)),
        "SymmetricSimulator": ("azimuth", SymmetricSimulator(SIMULATOR, "muon")),
    }


def transformers():
    """Transformers of physics. All except the assignment take the detector level."""
    columns = InvertibleColumnTransformer(
        [("pt", MinMaxScaler(), ["muon_pt"]), ("eta", StandardScaler(), ["muon_eta"])]
    )
    shell = MassShellTransformer(dict.fromkeys(LEPTONS, 0.000511))
    pairs = [
        ("azimuth", AngleEncoder()),
        ("azimuth", PhiRotation("muon")),
        ("muon", BoundTransformer({"muon_pt": (0.0, None)})),
        ("muon", LogTransformer(["muon_pt"])),
        ("muon", columns),
        ("ttbar", NearestAssignment(["jet1", "jet2"], ["b", "antib"])),
        ("ttbar", EnergyToMass(["jet1", "jet2"])),
        ("ttbar", TopPairFeatures()),
        ("ttbar", TopPairAssignment()),
        ("wjet", CartesianToCylindrical(["muon", "jet"])),
        ("wjet", KinematicFeatures(["mt(muon, met)"])),
        ("wjet", LogMassTransformer(["jet_mass"])),
        ("wjet", make_pipeline(COORDINATES[0], TransverseMassTransformer("muon"))),
        ("zee", shell),
        ("zee", make_pipeline(shell, CartesianToCylindrical(), PairMassTransformer(*LEPTONS))),
    ]

    def name(transformer):
        return type(transformer[-1] if isinstance(transformer, Pipeline) else transformer).__name__

    return {name(transformer): (table, transformer) for table, transformer in pairs}


def scorers():
    classes = [getattr(metrics, name) for name in metrics.__all__ if name.endswith("Scorer")]
    arguments = {metrics.GenerativeScorer: (metrics.ks_distance,)}
    return {cls.__name__: ("muon", cls(*arguments.get(cls, ()))) for cls in classes}
