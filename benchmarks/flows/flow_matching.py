"""Flow matching and the flow on W + jet: fidelity, density, and the cost of fewer steps.

`FlowSimulator`, and `FlowMatchingSimulator` without a student and with students of one and two
jumps, are trained on the same events. Simulated events are judged by the joint AUC of trees and of
a network. The floor is a second detector pass. Log-likelihoods are those of the judged events. For
each solver and number of steps, and for the students, the output also has the rate of events on one
thread and the sliced Wasserstein distance to true responses, with the floor of a second detector
pass.
"""

import argparse
import time

import numpy as np
import pandas as pd

import skjetsim
from benchmarks.shared.judging import (
    both_accepted,
    both_passes,
    judge,
    print_figures,
    print_response,
)
from benchmarks.shared.processes import PROCESSES
from skjetsim._drawing._chunked import one_thread
from skjetsim.flows import FlowMatchingSimulator, FlowSimulator
from skjetsim.metrics import sliced_wasserstein_distance

N_TRAIN, N_TEST = 140_000, 100_000
PROCESS = PROCESSES["wjet"]
SOLVERS = ("midpoint", "heun", "rk4")
STEPS = (4, 8, 16)
JUMPS = (1, 2)
GOALS = {"AUC, joint": 0.51, "fit, min": 4.0}


def inner(model):
    """The simulator at the end of a W + jet pipeline."""
    return model[-1].simulator_.simulator_


def responses(X, y):
    """Residuals of momenta and log mass, the columns in which distances of responses are taken."""
    to_log = {}
    for side, table in (("X", X), ("y", y)):
        columns = {
            f"{name}_pt": np.log(np.hypot(table[f"{name}_px"], table[f"{name}_py"]))
            for name in ("muon", "jet")
        }
        columns |= {
            f"{name}_eta": np.arcsinh(table[f"{name}_pz"] * np.exp(-columns[f"{name}_pt"]))
            for name in ("muon", "jet")
        }
        columns |= {"mass": np.log(table["jet_mass"])}
        columns |= {name: table[name] for name in ("met_px", "met_py")}
        to_log[side] = pd.DataFrame(columns)
    return to_log["y"] - to_log["X"]


def distance(X, y, drawn):
    """Sliced Wasserstein distance of responses, in standard deviations of the true response."""
    return sliced_wasserstein_distance(
        responses(X, y), responses(X, drawn), scale="std", random_state=0
    )


def simulate(model, X):
    """Events of a model, and their rate on one thread."""
    start = time.perf_counter()
    with one_thread():
        drawn = skjetsim.sample(model, X, random_state=1)
    return pd.DataFrame(drawn, columns=X.columns), len(X) / (time.perf_counter() - start)


def fitted(simulator, X, y):
    """Fitted pipeline, and the minutes of its fit."""
    model = PROCESS.simulator(simulator)
    start = time.perf_counter()
    model.fit(X, y)
    return model, (time.perf_counter() - start) / 60


def fidelity(models, X, y):
    """Figures of each model."""
    figures = {}
    for name, (model, minutes) in models.items():
        drawn, rate = simulate(model, X)
        figures[name], response = judge(PROCESS, X, y, drawn)
        print_response(name, response, PROCESS.by[0])
        figures[name] |= {
            "log-likelihood": skjetsim.log_prob(model, X, y).mean(),
            "fit, min": minutes,
            "events / s": rate,
        }
    return figures


def speed_and_loss(students, X, y):
    """Rate of events, and distance from the truth, for each way to sample flow matching."""
    rows = {}
    model = students[JUMPS[0]]
    for solver in SOLVERS:
        for n_steps in STEPS:
            inner(model).set_params(solver=solver, n_steps=n_steps, n_distill_steps=None)
            drawn, rate = simulate(model, X)
            rows[f"{solver}, {n_steps} steps"] = {
                "events / s": rate,
                "sliced W1 / std": distance(X, y, drawn),
            }
    for n_jumps, student in students.items():
        inner(student).set_params(n_distill_steps=n_jumps)
        drawn, rate = simulate(student, X)
        rows[f"student, {n_jumps} jumps"] = {
            "events / s": rate,
            "sliced W1 / std": distance(X, y, drawn),
            **inner(student).distillation_loss_,
        }
    return pd.DataFrame(rows).T


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--validate", action="store_true", help="judge by the last training rows")
    parser.add_argument("--max-epochs", type=int, help="of flow matching")
    parser.add_argument("--flow-epochs", type=int, help="of the flow")
    options = parser.parse_args()

    events = PROCESS.load("wjet", N_TRAIN if options.validate else N_TRAIN + options.n_test)
    first = N_TRAIN - options.n_test if options.validate else N_TRAIN
    if options.n_train > first:
        parser.error(f"rows {first} on are judged by: --n-train must not exceed {first}")
    test = slice(first, first + options.n_test)
    X, y, second = (
        side[test].reset_index(drop=True) for side in (events.X, events.y, events.second)
    )
    pairs = both_passes(events, slice(options.n_train))
    print(f"{len(pairs[0])} pairs to train on, {options.n_test} a side to judge by")

    length = {} if options.max_epochs is None else {"max_epochs": options.max_epochs}
    flow = {} if options.flow_epochs is None else {"max_epochs": options.flow_epochs}
    models = {"flow": fitted(FlowSimulator(**flow, random_state=0), *pairs)}
    students = {}
    for n_jumps in JUMPS:
        # The same network both times: what a student adds to the time of the fit is seen.
        simulator = FlowMatchingSimulator(**length, n_distill_steps=n_jumps, random_state=0)
        students[n_jumps], minutes = fitted(simulator, *pairs)
        models[f"{n_jumps} jumps"] = students[n_jumps], minutes
    plain = FlowMatchingSimulator(**length, random_state=0)
    models["matching"] = fitted(plain, *pairs)
    figures = fidelity(models, X, y)

    twice = both_accepted(X, y, second, events.twice[test])
    figures["floor"], response = judge(PROCESS, *twice)
    print_response("floor: the detector once more", response, PROCESS.by[0])
    print_figures(figures, GOALS)
    print(f"\nsliced W1 / std of responses, floor {distance(*twice):.5f}")
    print(speed_and_loss(students, X, y).to_string(float_format=lambda value: f"{value:.5f}"))


if __name__ == "__main__":
    main()
