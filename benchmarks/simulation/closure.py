"""Closure: simulations that are trained on W + jet and judged on Z + jet, by region.

The same models, trained on the same 140,000 W + jet events, are judged on new W + jet events and on
Z + jet events. In the latter they see the mu-, the jet and the missing momentum. Regions are bins
of generated jet pT, and barrel and endcaps for the muon. The floor of each response is a second
detector pass of the same events.
"""

import argparse
from itertools import pairwise

from benchmarks.shared.event_samples import load_event_sample
from benchmarks.shared.processes import PROCESSES
from benchmarks.simulation.wjet import models
from skjetsim.inspection import closure_report
from skjetsim.preprocessing import CartesianToCylindrical
from skjetsim.selection import select_abs_eta, wjet_selection

N_TRAIN, N_TEST = 140_000, 40_000


def regions(X):
    """Masks by name, for jet pT and for the direction of the muon."""
    cylindrical = CartesianToCylindrical(["muon", "jet"]).fit_transform(X)
    masks = {}
    for low, high in pairwise(PROCESSES["wjet"].by[1]):
        name = f"jet pT {low:.0f}-{high:.0f}" if high < 1000 else f"jet pT > {low:.0f}"
        masks[name] = ((cylindrical.jet_pt >= low) & (cylindrical.jet_pt < high)).to_numpy()
    barrel = select_abs_eta(cylindrical, "muon", maximum=1.0)
    return masks | {"muon |eta| < 1": barrel, "muon |eta| > 1": ~barrel}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("simulators", nargs="*", default=["published", "copula", "flow"])
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    options = parser.parse_args()
    w = load_event_sample("wjet", N_TRAIN + options.n_test)
    z = load_event_sample("zjet", options.n_test)
    columns = list(w.data.columns)
    second_w, second_z = w.repeats[0], z.repeats[0]
    test = slice(N_TRAIN, N_TRAIN + options.n_test)
    samples = {
        "W + jet": (w.data[test], w.target[test], second_w.target[test], second_w.accepted[test]),
        "Z + jet": (z.data[columns], z.target[columns], second_z.target, second_z.accepted),
    }
    for name, model in models().items():
        if name not in options.simulators:
            continue
        model.fit(w.data[: options.n_train], w.target[: options.n_train])
        for process, (X, y, second, accepted) in samples.items():
            X, y, second = (side.reset_index(drop=True) for side in (X, y, second[columns]))
            found = closure_report(
                model,
                X,
                y,
                by=regions(X),
                second_pass=(second, accepted),
                selection=wjet_selection,
                transformer=CartesianToCylindrical(),
                random_state=0,
            )
            print(f"\n{name}, trained on W + jet, on {process}")
            print(found.table.to_string(float_format=lambda value: f"{value:.4f}"))
            print("response W1 / std of all events, feature by feature")
            print(found.responses.loc[["all"]].round(4).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
