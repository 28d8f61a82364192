"""Estimators that need columns of their own, each with a source of such events."""

import numpy as np
import pandas as pd
from _instances import SMALL, SMALL_NETWORK
from sklearn.linear_model import LogisticRegression

from skjetsim.compose import (
    CategorySimulator,
    ClassifierSimulator,
    EfficiencySimulator,
    EnsembleSimulator,
    GeneratorChain,
    NearestAssignment,
    ResidualTransformer,
    SimulatorChain,
    SymmetricSimulator,
    TransformedSimulator,
)
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.transport import OTUSSimulator


def tagged_jets(n_events=240, seed=0):
    """Jets of some log pT and eta; y has a b-tag too."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {"jet_log_pt": rng.uniform(3, 5, n_events), "jet_eta": rng.normal(size=n_events)}
    )
    y = X[["jet_eta", "jet_log_pt"]] + rng.normal(0, 0.1, X.shape)
    y["jet_b_tag"] = (rng.uniform(size=n_events) < 0.5).astype(float)
    return X, y


def accepted_jets(n_events=240, seed=0):
    """Jets that are found where their pT is large enough; y says which."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {"jet_pt": rng.uniform(10, 60, n_events), "jet_eta": rng.normal(size=n_events)}
    )
    y = X[["jet_eta", "jet_pt"]] * rng.normal(1, 0.1, X.shape)
    y["accepted"] = (rng.normal(X["jet_pt"], 10) > 25).astype(float)
    y[y["accepted"] == 0] = 0.0
    return X, y


def muon_and_jet(n_events=240, seed=0):
    """Two objects in pt, eta and phi."""
    rng = np.random.default_rng(seed)
    X = {}
    for name in ("muon", "jet"):
        X[f"{name}_pt"] = rng.uniform(20, 60, n_events)
        X[f"{name}_eta"] = rng.normal(size=n_events)
        X[f"{name}_phi"] = rng.uniform(-3, 3, n_events)
    X = pd.DataFrame(X)
    return X, X * rng.normal(1, 0.02, X.shape)


def electron_pairs(n_events=240, seed=0):
    """Four-momenta of electron and positron, smeared by 2%."""
    rng = np.random.default_rng(seed)
    sides = [{}, {}]
    for name in ("electron", "positron"):
        p = rng.normal(0, 30, (n_events, 3))
        measured = p * rng.normal(1, 0.02, (n_events, 1))
        for side, momentum in zip(sides, (p, measured), strict=True):
            side |= {f"{name}_{c}": momentum[:, i] for i, c in enumerate(("px", "py", "pz"))}
            side[f"{name}_E"] = np.hypot(np.linalg.norm(momentum, axis=1), 0.000511)
    return tuple(map(pd.DataFrame, sides))


def quarks_and_jets(n_events=240, seed=0):
    """Two quarks, and their jets by falling pT."""
    rng = np.random.default_rng(seed)
    quarks = rng.uniform([20, -2, -3], [90, 2, 3], (n_events, 2, 3))
    jets = quarks + rng.normal(0, [2.0, 0.03, 0.03], quarks.shape)
    jets = np.take_along_axis(jets, np.argsort(-jets[..., :1], axis=1), axis=1)

    def table(objects, rows):
        names = [f"{name}_{c}" for name in objects for c in ("pt", "eta", "phi")]
        return pd.DataFrame(rows.reshape(n_events, 6), columns=names)

    return table(("b", "antib"), quarks), table(("jet1", "jet2"), jets)


def named_estimators():
    """Pairs of an estimator and what makes events for it."""
    flow = FlowSimulator(**SMALL)
    category = CategorySimulator(
        flow, ["jet_b_tag"], classifier=LogisticRegression(C=np.inf), random_state=0
    )
    assignment = NearestAssignment(["jet1", "jet2"], ["b", "antib"])
    likely = LogisticRegression(C=np.inf)
    efficiency = EfficiencySimulator(flow, classifier=likely, random_state=0)
    tag = ClassifierSimulator(likely)
    chain = SimulatorChain(
        [("tag", tag, ["jet_b_tag"]), ("eta", flow, [0]), ("rest", flow, None)], random_state=0
    )
    layers = GeneratorChain(FlowGenerator(**SMALL), flow, columns=["jet_eta"])
    masses = dict.fromkeys(("electron", "positron"), 0.000511)
    return [
        (category, tagged_jets),
        (chain, tagged_jets),
        (layers, muon_and_jet),
        (efficiency, accepted_jets),
        (SymmetricSimulator(flow, "muon", second_object="jet"), muon_and_jet),
        (EnsembleSimulator(category, n_estimators=2, random_state=0), tagged_jets),
        (OTUSSimulator(masses=masses, n_slices=4, **SMALL_NETWORK), electron_pairs),
        (TransformedSimulator(flow, [assignment, ResidualTransformer()]), quarks_and_jets),
        (ResidualTransformer(), muon_and_jet),
        (ResidualTransformer(keep_truth=True, reference="jet_pt"), muon_and_jet),
        (assignment, quarks_and_jets),
    ]
