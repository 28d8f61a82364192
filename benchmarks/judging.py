"""How a simulation of W + jet is judged: responses, joint AUC, marginals and yield after cuts."""

import numpy as np
import pandas as pd

from skjetsim.metrics import (
    classifier_two_sample_auc,
    residual_wasserstein,
    wasserstein_distance,
)
from skjetsim.preprocessing import CartesianToCylindrical, KinematicFeatures
from skjetsim.selection import wjet_selection

PT_EDGES = (10.0, 16.0, 23.0, 38.0, 13_000.0)  # about the quartiles of the generated jets
DERIVED = [
    "delta_r(muon, jet)",
    "delta_phi(muon, met)",
    "mt(muon, met)",
    "st(muon, jet, met)",
]


def judge(X, y, generated, *, with_auc=True):
    """Figures of one simulation, as a dict of floats, and the table of its responses.

    Parameters
    ----------
    X, y, generated : DataFrame of shape (n_samples, 9)
        Cartesian events; row i of all three is the same event.
    with_auc : bool
        Whether to train the classifiers.

    Returns
    -------
    figures : dict
    response : DataFrame
        W1 / std of y - X in four bins of generated jet pT, feature by feature.
    """
    cylindrical = CartesianToCylindrical().fit(X)
    Xc, yc, gc = (cylindrical.transform(side) for side in (X, y, generated))
    response = residual_wasserstein(yc, gc, X=Xc, by="jet_pt", bins=PT_EDGES)
    figures = {f"response {edges(row)}": value for row, value in response.max(axis=1).items()}
    figures["response, worst"] = response.max(axis=None)
    if with_auc:
        derived = KinematicFeatures(DERIVED, passthrough=False)
        _, aucs = classifier_two_sample_auc(
            yc,
            gc,
            X=Xc,
            features=lambda side, X: derived.fit_transform(side),
            random_state=0,
            return_all=True,
        )
        figures |= {f"AUC, {name}": value for name, value in aucs.items()}
        figures["AUC, joint"] = max(aucs.values())
    true, drawn = wjet_selection(y), wjet_selection(generated)
    figures["marginal, before cuts"] = wasserstein_distance(yc, gc, scale="std").max()
    figures["marginal, after cuts"] = wasserstein_distance(yc[true], gc[drawn], scale="std").max()
    figures["yield / true - 1"] = drawn.sum() / true.sum() - 1
    return figures, response


def edges(interval):
    """Name of a bin of pT."""
    return f"{interval.left:.0f}-{interval.right:.0f} GeV"


def print_response(name, response):
    """Print the response table of one simulation."""
    table = response.rename(index=edges)
    table.index.name = "jet pT"
    print(f"\n{name}: response W1 / std")
    print(table.to_string(float_format=lambda value: f"{value:.4f}"), flush=True)


def correlations(y, generated):
    """Correlation of each feature with the true one of the same event; phi as a unit vector."""
    to_cylindrical = CartesianToCylindrical().fit(y)
    true, drawn = to_cylindrical.transform(y), to_cylindrical.transform(generated)
    rows = {}
    for name in true:
        pair = [side[name].to_numpy() for side in (true, drawn)]
        if name.endswith("phi"):
            pair = [np.concatenate([np.cos(phi), np.sin(phi)]) for phi in pair]
        rows[name] = np.corrcoef(*pair)[0, 1]
    return pd.Series(rows)


def both_accepted(X, y, second, accepted):
    """Events that both detector passes accept: (X, y, y of the second pass)."""
    rows = np.flatnonzero(accepted)
    return [side.iloc[rows].reset_index(drop=True) for side in (X, y, second)]


def print_figures(columns, goals):
    """Print the figures of several simulations, one column each, goals first."""
    table = pd.DataFrame(columns)
    table.insert(0, "goal", pd.Series(goals))
    print()
    print(table.to_string(float_format=lambda value: f"{value:.4f}", na_rep=""), flush=True)
