"""Figures of merit of a simulation: responses, joint AUC, marginals and a selected yield."""

from itertools import pairwise

import numpy as np
import pandas as pd

from skjetsim.metrics import (
    classifier_two_sample_auc,
    metric_floor,
    residual_wasserstein,
    wasserstein_distance,
)
from skjetsim.preprocessing import CartesianToCylindrical, wrap_phi

N_SPLITS = 100  # of true events, for the distribution of the largest distance


def judge(process, X, y, generated, *, with_auc=True):
    """Figures of one simulation, as a dict of floats, and the table of its responses.

    Parameters
    ----------
    process : Process
    X, y, generated : DataFrame of shape (n_samples, n_columns)
        Cartesian events. Row i of all three is the same event.
    with_auc : bool
        Whether to train the classifiers.

    Returns
    -------
    figures : dict
    response : DataFrame or None
        W1 / std of y - X in bins of the generated events, for each feature. None if the levels
        have different columns.
    """
    true, drawn = process.features.fit(y).transform(y), process.features.transform(generated)
    figures, response = {}, None
    if process.by is None:
        theory = X
    else:
        theory = process.features.transform(X)
        response = response_of(process, true, drawn, theory)
        figures |= {f"response {edges(row)}": value for row, value in response.max(axis=1).items()}
        figures["response, worst"] = response.max(axis=None)
    if with_auc:
        _, aucs = classifier_two_sample_auc(true, drawn, X=theory, random_state=0, return_all=True)
        figures |= {f"AUC, {name}": value for name, value in aucs.items()}
        figures["AUC, joint"] = max(aucs.values())
    figures["marginal"] = wasserstein_distance(true, drawn, scale="std").max()
    if process.selection is not None:
        kept = [process.selection(side) for side in (y, generated)]
        after = wasserstein_distance(true[kept[0]], drawn[kept[1]], scale="std")
        figures["marginal, after cuts"] = after.max()
        figures["yield / true - 1"] = kept[1].sum() / kept[0].sum() - 1
        # Of both draws: events that one keeps and the other does not are their fluctuations.
        figures["yield, error"] = np.sqrt(np.sum(kept[0] != kept[1])) / kept[0].sum()
    return figures, response


def response_of(process, true, drawn, theory):
    """W1 / std of the residuals of features, in bins of a generated feature."""
    by, bins = process.by
    columns = list(process.residuals)
    return residual_wasserstein(
        true[columns], drawn[columns], X=theory[columns], by=theory[by].to_numpy(), bins=bins
    )


def response_limit(process, X, y, n_samples):
    """The 95th percentile of the worst distance of a perfect simulation.

    Simulation and truth are represented by two disjoint sets of `n_samples` other events. Two
    detector passes of the same events would be more alike than that, because some losses happen
    before the detector.
    """
    theory, true = (process.features.fit(y).transform(side) for side in (X, y))
    by, bins = process.by
    columns = list(process.residuals)
    floor = metric_floor(
        response_distance,
        pd.concat([theory[columns], true[columns].add_prefix("reco_")], axis=1),
        n_samples=n_samples,
        n_repeats=N_SPLITS,
        random_state=0,
        metric_params={"columns": columns, "by": by, "bins": bins},
    )
    worst = floor.samples.reshape(N_SPLITS, -1).max(axis=1)
    return float(np.quantile(worst, 0.95))


def response_distance(truth, generated, *, columns, by, bins):
    """W1 / std of residuals of two sets of events, in bins of a generated quantity."""
    rows = []
    for low, high in pairwise(bins):
        sides = []
        for table in (truth, generated):
            table = pd.DataFrame(np.asarray(table), columns=[*columns, *columns])
            chosen = table[table.iloc[:, columns.index(by)].between(low, high)].to_numpy()
            difference = chosen[:, len(columns) :] - chosen[:, : len(columns)]
            for j, name in enumerate(columns):
                if name.endswith("phi"):
                    difference[:, j] = wrap_phi(difference[:, j])
            sides.append(difference)
        rows.append(wasserstein_distance(*sides, scale="std"))
    return np.array(rows)


def edges(interval):
    """Name of a bin of pT."""
    return f"{interval.left:.0f}-{interval.right:.0f} GeV"


def print_response(name, response, by):
    """Print the response table of one simulation."""
    table = response.rename(index=edges)
    table.index.name = by
    print(f"\n{name}: response W1 / std")
    print(table.to_string(float_format=lambda value: f"{value:.4f}"), flush=True)


def correlations(y, generated):
    """Correlation of each feature with its true value in the same event; phi as a unit vector."""
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
    """Print the figures of several simulations, one column for each, goals first."""
    table = pd.DataFrame(columns)
    table.insert(0, "goal", pd.Series(goals))
    print()
    print(table.to_string(float_format=lambda value: f"{value:.4f}", na_rep=""), flush=True)


def both_passes(events, rows):
    """Pairs of theory and detector level, of both detector passes."""
    again = events.twice[rows]
    X = pd.concat([events.X[rows], events.X[rows][again]], ignore_index=True)
    y = pd.concat([events.y[rows], events.second[rows][again]], ignore_index=True)
    return X, y
