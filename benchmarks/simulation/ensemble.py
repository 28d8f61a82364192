"""Ensemble of ten fast simulations: coverage and cost of its error band.

Ten members are trained on disjoint parts of 140,000 W + jet events. They are applied to 50,000
other generated events, more than three times as many as each was trained on. Their histograms of
nine features are compared with the detector level of 50,000 further events.

The band is the quadratic sum of two errors: the systematic error of one model, which is the rms
over the members, and the statistical error. The error of the truth is added. The output has the
share of bins in which the truth is within the band around one member, whose systematic error comes
from the others; around the mean of the members; and within the statistical error alone. The floor
compares the truth with an independent truth, within their statistical errors. The time of the fit
is compared with that of ten single fits.
"""

import argparse
import time

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from benchmarks.shared.event_samples import load_event_sample
from benchmarks.simulation.wjet import COPULA
from skjetsim._drawing._chunked import one_thread
from skjetsim.compose import EnsembleSimulator
from skjetsim.flows import FlowSimulator
from skjetsim.metrics import histogram_band
from skjetsim.preprocessing import CartesianToCylindrical
from skjetsim.response import QuantileSimulator, make_wjet_pipeline, make_wjet_quantile
from skjetsim.utils._weighted import clustered_histogram

N_TRAIN, N_TEST, N_BINS, N_MEMBERS = 140_000, 50_000, 30, 10
GOALS = {"coverage": (0.63, 0.73), "cost": 1.1}
SIMULATORS = {
    "published": make_wjet_quantile(random_state=0),
    "copula": make_wjet_pipeline(QuantileSimulator(**COPULA, random_state=0), met_reference="jet"),
    "flow": make_wjet_pipeline(FlowSimulator(random_state=0)),
}


def covered(difference, *errors):
    """Mask of bins in which the truth is within one standard error."""
    return np.abs(difference) <= np.sqrt(sum(error**2 for error in errors))


def coverages(members, truth):
    """Shares of covered bins, and the mean size of the band, for each feature."""
    rows = {}
    for column, name in enumerate(truth):
        values = truth[name].to_numpy()
        edges = np.linspace(*np.quantile(values, (0.005, 0.995)), N_BINS + 1)
        drawn = members[:, :, column]
        true, true_error = clustered_histogram(values, edges)
        band = histogram_band(drawn, edges)
        one = []
        for left_out, rows_of_member in enumerate(drawn):
            content, statistical = clustered_histogram(rows_of_member, edges)
            others = histogram_band(np.delete(drawn, left_out, axis=0), edges)
            one.append(covered(true - content, others.systematic, statistical, true_error))
        mean = true - band.content
        rows[name] = {
            "one member": np.mean(one),
            "mean of members": covered(mean, band.total, true_error).mean(),
            "mean, rms / sqrt(n)": covered(
                mean, band.systematic / np.sqrt(len(drawn)), band.statistical, true_error
            ).mean(),
            "statistical alone": covered(true - content, statistical, true_error).mean(),
            "systematic / content": np.median(band.systematic / band.content),
            "statistical / content": np.median(band.statistical / band.content),
        }
    return pd.DataFrame(rows).T


def floor(truth, other):
    """Share of bins in which two independent truths agree within their statistical errors."""
    shares = []
    for name in truth:
        edges = np.linspace(*np.quantile(truth[name], (0.005, 0.995)), N_BINS + 1)
        (one, one_error), (two, two_error) = (
            clustered_histogram(side[name].to_numpy(), edges) for side in (truth, other)
        )
        shares.append(covered(one - two, one_error, two_error).mean())
    return np.mean(shares)


def cost(simulator, X, y, n_jobs):
    """The fitted ensemble, its time, and the time of ten single fits on as many cores."""
    ensemble = EnsembleSimulator(simulator, n_estimators=N_MEMBERS, n_jobs=n_jobs, random_state=0)
    start = time.perf_counter()
    ensemble.fit(X, y)
    together = time.perf_counter() - start
    single = []
    for rows in ensemble.estimators_samples_[:3]:
        start = time.perf_counter()
        with one_thread(), threadpool_limits(1):
            clone(simulator).fit(X.iloc[rows], y.iloc[rows])
        single.append(time.perf_counter() - start)
    return ensemble, together, N_MEMBERS * np.mean(single) / effective_n_jobs(n_jobs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "simulators", nargs="*", default=["published", "copula", "flow"], help="of the table"
    )
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    events = load_event_sample("wjet", N_TRAIN + 2 * N_TEST)
    X, y = events.data[:N_TRAIN], events.target[:N_TRAIN]
    X_test = events.data[N_TRAIN : N_TRAIN + N_TEST].reset_index(drop=True)
    truth = events.target[N_TRAIN + N_TEST :]
    cylindrical = CartesianToCylindrical().fit(X)
    other = events.target[N_TRAIN : N_TRAIN + N_TEST]
    agreement = floor(cylindrical.transform(truth), cylindrical.transform(other))
    print(f"floor, truth against truth: {agreement:.3f} of the bins (goal of the band: {GOALS})")
    for name in options.simulators:
        ensemble, together, alone = cost(SIMULATORS[name], X, y, options.n_jobs)
        drawn = ensemble.sample_members(X_test, random_state=1)
        members = np.stack(
            [cylindrical.transform(pd.DataFrame(m, columns=X.columns)) for m in drawn]
        )
        table = coverages(members, cylindrical.transform(truth))
        print(f"\n{name}: {N_MEMBERS} members of {len(X) // N_MEMBERS} events, {N_BINS} bins")
        print(table.to_string(float_format=lambda value: f"{value:.3f}"))
        print(table.mean().to_string(float_format=lambda value: f"{value:.3f}"))
        print(
            f"fit {together:.1f} s; ten single fits over {options.n_jobs} cores {alone:.1f} s; "
            f"ratio {together / alone:.3f} (goal: at most {GOALS['cost']})",
            flush=True,
        )


if __name__ == "__main__":
    main()
