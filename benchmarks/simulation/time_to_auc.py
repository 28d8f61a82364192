"""Time to a joint AUC of 0.52 on W + jet: the flow and a bare zuko loop.

Flows are trained for more and more epochs, each from scratch, because the learning rate falls over
the number of epochs. The zuko loop is trained on the same events, for as long as the first flow
that reaches the AUC, and for longer. AUCs and their floor are those of `simulation.py`.
"""

import argparse

import pandas as pd
import torch

from benchmarks.shared.judging import both_passes, judge
from benchmarks.shared.processes import PROCESSES
from benchmarks.shared.zuko_loop import ZukoLoop
from benchmarks.simulation.simulation import N_TEST, N_TRAIN, fit_and_sample
from skjetsim.flows import FlowSimulator

GOAL = 0.52
EPOCHS = (3, 5, 8, 12, 18, 28)
TIMES_AS_LONG = (1, 2, 4, 8)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN["wjet"])
    parser.add_argument("--n-test", type=int, default=N_TEST["wjet"])
    options = parser.parse_args()
    process = PROCESSES["wjet"]
    events = process.load("wjet", options.n_train + options.n_test)
    train = both_passes(events, slice(options.n_train))
    X, y = (side[options.n_train :].reset_index(drop=True) for side in (events.X, events.y))
    print(f"{len(train[0])} pairs to train on, {len(X)} a side to judge by")
    print(f"threads: {torch.get_num_threads()}; goal: joint AUC of at most {GOAL}\n")
    print(f"{'model':12s} {'epochs':>6s} {'fit, min':>8s} {'AUC':>7s}")

    def report(name, epochs, minutes, drawn):
        auc = judge(process, X, y, drawn)[0]["AUC, joint"]
        print(f"{name:12s} {epochs:6d} {minutes:8.2f} {auc:7.4f}", flush=True)
        return auc

    for epochs in EPOCHS:
        model = process.simulator(FlowSimulator(max_epochs=epochs, random_state=0))
        drawn, minutes, _ = fit_and_sample(model, *train, X)
        if report("flow", epochs, minutes, drawn) <= GOAL:
            break
    for factor in TIMES_AS_LONG:
        peer = ZukoLoop(60 * factor * minutes).fit(*train)
        drawn = pd.DataFrame(peer.sample(X), columns=y.columns)
        if report("zuko loop", peer.epochs, factor * minutes, drawn) <= GOAL:
            break


if __name__ == "__main__":
    main()
