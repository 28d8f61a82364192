"""Acceptance for an unpaired model of top pairs, and measured values of accepted events.

The maps of `make_ttbar_unpaired` know only accepted events, and thresholds beyond which they do not
draw events. An `EfficiencySimulator` around them learns from all generated events which are
accepted. The output has the number of accepted events divided by the true number, with its
statistical error, in total and in bins of two generated quantities; the share of drawn events above
the thresholds; and the KS distances of drawn from measured events, with their 95% limit for equal
distributions.
"""

import argparse
import time
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

import skjetsim
from benchmarks.shared.event_samples import load_event_sample
from benchmarks.shared.processes import JETS, four_momenta, massive
from benchmarks.unpaired.unpaired_processes import TTBAR, four_jets, top_pair_objects
from skjetsim.compose import EfficiencySimulator
from skjetsim.metrics import ks_distance
from skjetsim.preprocessing import CartesianToCylindrical
from skjetsim.transport import make_ttbar_unpaired

N_TRAIN, N_TEST = 440_000, 220_000
TREES = {"learning_rate": 0.1, "max_iter": 500, "early_stopping": True, "random_state": 0}
BINS = {"antib": (0, 30, 50, 75, 110, 1000), "electron": (10, 20, 30, 45, 70, 1000)}  # pT in GeV
KS_LIMIT = 1.358  # 95% of the Kolmogorov distribution


def load(n_events):
    """Generated events and their detector level. Rejected events have zeros there."""
    events = load_event_sample("ttbar", n_generated=n_events)
    y = events.target.assign(accepted=events.accepted.astype(float))
    # Single precision can give fast jets of small mass E <= p.
    kept = ~events.accepted | massive(y[four_momenta(*JETS)])
    return [side[kept].reset_index(drop=True) for side in (events.data, y)]


def print_acceptance(X, y, probability):
    """Print the number of accepted events, learnt over true, minus one."""
    accepted = y["accepted"].to_numpy() == 1
    print(f"\n{'accepted events':24} {'true':>8} {'learnt / true - 1':>18} {'error':>8}")
    rows = {"all": np.ones(len(X), dtype=bool)}
    for name, edges in BINS.items():
        pt = np.hypot(X[f"{name}_px"], X[f"{name}_py"])
        for low, high in pairwise(edges):
            rows[f"pT({name}) {low}-{high}"] = ((pt >= low) & (pt < high)).to_numpy()
    for name, chosen in rows.items():
        n_true, expected = accepted[chosen].sum(), probability[chosen]
        error = np.sqrt((expected * (1 - expected)).sum()) / n_true
        print(f"{name:24} {n_true:8d} {expected.sum() / n_true - 1:+18.4f} {error:8.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--max-epochs", type=int)
    options = parser.parse_args()
    X, y = load(N_TRAIN + options.n_test)
    train, test = slice(options.n_train), slice(N_TRAIN, None)
    epochs = {} if options.max_epochs is None else {"max_epochs": options.max_epochs}
    trees = make_pipeline(CartesianToCylindrical(), HistGradientBoostingClassifier(**TREES))
    response = make_ttbar_unpaired(random_state=0, **epochs)
    model = EfficiencySimulator(response, classifier=trees, random_state=0)
    start = time.perf_counter()
    model.fit(X[train], y[train])
    print(f"fitted in {(time.perf_counter() - start) / 60:.1f} min")
    X, y = (side[test].reset_index(drop=True) for side in (X, y))
    print_acceptance(X, y, model.efficiency(X))
    drawn = pd.DataFrame(np.asarray(skjetsim.sample(model, X, random_state=1)), columns=y.columns)
    tables = [side[side["accepted"] == 1].drop(columns="accepted") for side in (y, drawn)]
    print(
        f"\n{four_jets(tables[1]).mean():.4f} of {len(tables[1])} drawn events pass the thresholds"
    )
    limit = KS_LIMIT * np.sqrt(sum(1 / len(table) for table in tables))
    truth, simulated = map(top_pair_objects, tables)
    print(f"\nKS of drawn from measured events; 95% limit {limit:.4f}")
    for level, name in TTBAR.goals:
        if level == "x":
            distance = ks_distance(truth[[name]], simulated[[name]])[0]
            print(f"{name:20} {distance:.4f}")


if __name__ == "__main__":
    main()
