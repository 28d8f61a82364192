"""Fast simulation of W + jet: the default FlowSimulator in the canonical pipeline.

Trains on 140,000 events and simulates 100,000 others. Prints, each beside its floor (the same
events through the detector twice): joint AUC by trees and by a network, W1 of the response in four
bins of generated jet pT, and the yield after the final selection; and the same for the peer, a
bare zuko loop that trains for as long.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
from wjet_sample import load_wjet_sample
from zuko_loop import ZukoLoop

import skjetsim
from skjetsim.demo import canonical_model
from skjetsim.metrics import classifier_two_sample_auc, residual_wasserstein
from skjetsim.preprocessing import CartesianToCylindrical, KinematicFeatures
from skjetsim.selection import wjet_selection

N_TRAIN, N_TEST = 140_000, 100_000
GOALS = {"auc": 0.52, "response": 0.05, "yield": 0.005}


def judge(name, X, y, generated):
    """Joint AUC with derived columns, and the response table, in cylindrical coordinates."""
    cylindrical = CartesianToCylindrical().fit(X)
    derived = KinematicFeatures(
        ["delta_r(muon, jet)", "delta_phi(muon, met)", "mt(muon, met)", "st(muon, jet, met)"],
        passthrough=False,
    )
    X, y, generated = (cylindrical.transform(side) for side in (X, y, generated))
    auc, aucs = classifier_two_sample_auc(
        y,
        generated,
        X=X,
        features=lambda side, X: derived.fit_transform(side),
        random_state=0,
        return_all=True,
    )
    response = residual_wasserstein(y, generated, X=X, by="jet_pt", bins=4)
    print(f"\n{name}")
    print(f"  joint AUC {auc:.4f}  ({', '.join(f'{k} {v:.4f}' for k, v in aucs.items())})")
    worst = response.max(axis=None)
    print(f"  response W1 / std, largest of nine features and four bins: {worst:.4f}")
    print(response.to_string(float_format=lambda value: f"{value:.4f}"))
    return auc, response


def yields(y, generated):
    """Relative difference of the yields after the final selection."""
    true, drawn = wjet_selection(y).sum(), wjet_selection(generated).sum()
    return drawn / true - 1, true


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--max-epochs", type=int, default=None, help="instead of the default")
    options = parser.parse_args()

    events = load_wjet_sample(options.n_train + options.n_test)
    train = slice(options.n_train)
    test = slice(options.n_train, options.n_train + options.n_test)
    X, y = (side[test].reset_index(drop=True) for side in (events.data, events.target))
    second = events.repeats[0]
    accepted = second.accepted[test]

    extra = {} if options.max_epochs is None else {"max_epochs": options.max_epochs}
    model = canonical_model(random_state=0, verbose=1, **extra)
    start = time.perf_counter()
    model.fit(events.data[train], events.target[train])
    minutes = (time.perf_counter() - start) / 60
    generated = pd.DataFrame(skjetsim.sample(model, X, random_state=1), columns=y.columns)
    many = np.tile(X.to_numpy(), (5, 1))
    start = time.perf_counter()
    skjetsim.sample(model, pd.DataFrame(many, columns=X.columns), random_state=1)
    rate = len(many) / (time.perf_counter() - start)

    print(f"\n{options.n_train} events to train on, {options.n_test} a side to judge by")
    print(f"threads: {torch.get_num_threads()}; fit {minutes:.2f} minutes (goal: within 5)")
    best = min(epoch["valid_loss"] for epoch in model[-1].simulator_.history_)
    print(f"best validation loss {best:.4f}, epoch {model[-1].simulator_.best_epoch_}")
    print(f"sampling: {rate:,.0f} events/s on one thread")
    auc, response = judge("model", X, y, generated)
    peer = ZukoLoop(60 * minutes).fit(events.data[train], events.target[train])
    peer_generated = peer.sample(X)
    peer_auc, peer_response = judge(f"peer: zuko loop, {peer.epochs} epochs", X, y, peer_generated)
    peer_shift, _ = yields(y, peer_generated)
    both = np.flatnonzero(accepted)
    twice = [side.iloc[both].reset_index(drop=True) for side in (X, y, second.target[test])]
    floor_auc, floor_response = judge("floor: the detector once more", *twice)
    shift, n_selected = yields(y, generated)
    floor_shift, _ = yields(*twice[1:])
    rows = {
        "joint AUC": (GOALS["auc"], auc, floor_auc, peer_auc),
        "response W1 / std": (
            GOALS["response"],
            *(table.max(axis=None) for table in (response, floor_response, peer_response)),
        ),
        "yield / true - 1": (GOALS["yield"], shift, floor_shift, peer_shift),
    }
    print()
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["goal", "reached", "floor", "peer"]
    )
    print(table.to_string(float_format=lambda value: f"{value:.4f}"))
    print(f"{n_selected} true events pass the final selection")


if __name__ == "__main__":
    main()
