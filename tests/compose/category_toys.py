"""Jets whose b-tag is logistic, and whose momentum given the tag is Gaussian."""

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

TAG = "jet_b_tag"
EDGES = (20, 35, 50, 80, 200)  # GeV
SHIFT = (0.0, -0.15)  # in log pT: tagged jets lose the momentum of neutrinos
WIDTH = 0.1


def tag_efficiency(log_pt):
    return expit(2 * (log_pt - np.log(50)))


def jets(n_events=3000, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "jet_log_pt": rng.uniform(np.log(20), np.log(200), n_events),
            "jet_eta": rng.normal(size=n_events),
        }
    )
    tagged = rng.uniform(size=n_events) < tag_efficiency(X["jet_log_pt"])
    y = X + rng.normal(0, WIDTH, X.shape)
    y["jet_log_pt"] += np.where(tagged, SHIFT[1], SHIFT[0])
    y.insert(1, TAG, tagged.astype(float))
    return X, y


def log_density(X, y):
    """The true efficiency of `jets`."""
    tagged = y[TAG].to_numpy() == 1
    efficiency = tag_efficiency(X["jet_log_pt"])
    residual = y - X[[*X]].reindex(columns=list(y), fill_value=0.0)
    total = np.log(np.where(tagged, efficiency, 1 - efficiency))
    total += norm.logpdf(residual["jet_log_pt"], np.where(tagged, SHIFT[1], SHIFT[0]), WIDTH)
    return total + norm.logpdf(residual["jet_eta"], 0, WIDTH)


def two_jets(n_events=600, seed=0):
    """Two discrete columns with four combinations; the first jet is a b jet above 60 GeV."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(20, 100, (n_events, 2)), columns=["jet1_pt", "jet2_pt"])
    combinations = np.array([[0, -1], [0, 1], [4, -1]])[rng.integers(0, 3, n_events)]
    combinations[X["jet1_pt"] > 60] = [5, 1]
    y = X * rng.normal(1, 0.1, X.shape)
    y.insert(0, "jet2_charge", combinations[:, 1])
    y["jet1_flavour"] = combinations[:, 0]
    return X, y
