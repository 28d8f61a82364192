"""Closure of unfolding for a hidden spectrum that differs by 30% from the simulated one.

The processes are Z -> ee and W + jet. Pseudo-data are events that are not in the training sample.
They are kept at random, so that a spectrum (pT, rapidity or mass of the Z; pT of the jet) is
reweighted by 1 +- 30%. They are unfolded by the unfolder of the benchmark `unfolding.py`, which
knows the simulated spectrum, and by `IterativeUnfolder`, which corrects its prior. The hidden truth
is a third set of events, reweighted.

The output has ratios to the hidden truth in bins of the spectrum: of the simulated spectrum; of the
unfolded one after each iteration; of the simulated events with the weights from the last iteration;
of the truth of the pseudo-data, which is the floor; and of the peer. It also has chi2 per degree of
freedom of each, and the change in each iteration. The peer is binned iterative unfolding of this
one spectrum by D'Agostini (Nucl. Instrum. Meth. A 362 (1995) 487), with the same training events
and number of iterations. Statistical errors are those of counts. True errors are somewhat larger,
because unfolding correlates bins, and the training events have errors, too.
"""

import argparse
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from benchmarks.shared.processes import PROCESSES
from benchmarks.unfolding.unfolding import SETTINGS
from skjetsim import sample_inverse
from skjetsim.compose import IterativeUnfolder
from skjetsim.flows import FlowSimulator
from skjetsim.preprocessing import KinematicFeatures

N_TRAIN, N_MEASURED = 140_000, 50_000
N_BINS = 12
N_TRUE_BINS, N_MEASURED_BINS = 3 * N_BINS, 60  # of the peer
STRENGTH = 0.3
SPECTRA = {
    "zee": ["pt(electron, positron)", "rapidity(electron, positron)", "mass(electron, positron)"],
    "wjet": ["pt(jet)"],
}


@dataclass
class Spectrum:
    """Shares of a spectrum in bins, and their variances."""

    share: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, values, edges, weight=None):
        """Spectrum of weighted events."""
        weight = np.ones(len(values)) if weight is None else weight
        index = np.searchsorted(edges, values)
        sums = [np.bincount(index, w, minlength=len(edges) + 1) for w in (weight, weight**2)]
        return cls(sums[0] / weight.sum(), sums[1] / weight.sum() ** 2)

    def ratio(self, other):
        """Ratio to another spectrum, and its error."""
        ratio = self.share / other.share
        relative = self.variance / self.share**2 + other.variance / other.share**2
        return ratio, ratio * np.sqrt(relative)

    def chi2(self, other):
        """Chi2 per degree of freedom. The shares add up to one."""
        terms = (self.share - other.share) ** 2 / (self.variance + other.variance)
        return terms.sum() / (len(terms) - 1)


def value_of(X, feature):
    """A derived quantity of each event."""
    derived = KinematicFeatures([feature], passthrough=False)
    return np.asarray(derived.fit_transform(X)).ravel()


def hidden_ratio(values, strength):
    """1 +- strength: falls along the spectrum around its median, within its width."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return 1 - strength * np.tanh((values - median) / (0.5 * (high - low)))


def unfold_binned(truth, measured, data, edges, n_iterations):
    """Spectrum by iterative unfolding in bins. Each interval between `edges` has three of them.

    Parameters
    ----------
    truth, measured : ndarray of shape (n_train,)
        The derived quantity of the training events on both levels.
    data : ndarray of shape (n,)
        The same quantity of the pseudo-data, as measured.
    edges : ndarray of shape (N_BINS - 1,)
        Quantiles of `truth`.
    n_iterations : int

    Returns
    -------
    Spectrum
    """
    true_edges = np.quantile(truth, np.arange(1, N_TRUE_BINS) / N_TRUE_BINS)
    measured_edges = np.quantile(measured, np.arange(1, N_MEASURED_BINS) / N_MEASURED_BINS)
    response = np.zeros((N_MEASURED_BINS, N_TRUE_BINS))
    rows, columns = np.searchsorted(measured_edges, measured), np.searchsorted(true_edges, truth)
    np.add.at(response, (rows, columns), 1.0)
    share = response.sum(axis=0) / len(truth)
    response /= response.sum(axis=0)
    counts = np.bincount(np.searchsorted(measured_edges, data), minlength=N_MEASURED_BINS)
    for _ in range(n_iterations):
        share = share * (response.T @ (counts / (response @ share))) / len(data)
    share = share.reshape(N_BINS, -1).sum(axis=1)
    return Spectrum(share, share / len(data))


def iterative_unfolder(process, n_iterations, max_epochs):
    """Unfolder of the process, with trees that see its derived quantities."""
    trees = HistGradientBoostingClassifier(
        max_iter=300, max_leaf_nodes=8, min_samples_leaf=50, early_stopping=True
    )
    process = PROCESSES[process]
    return IterativeUnfolder(
        process.unfolder(FlowSimulator(**SETTINGS | {"max_epochs": max_epochs})),
        classifier=make_pipeline(process.features, trees),
        n_iterations=n_iterations,
    )


def close(model, X, y, feature, strength):
    """Unfold pseudo-data of a hidden spectrum. Returns spectra by name, and the hidden truth."""
    simulated = value_of(pd.DataFrame(model.X_train_, columns=X.columns), feature)
    edges = np.quantile(simulated, np.arange(1, N_BINS) / N_BINS)
    values = value_of(X, feature)
    ratio = hidden_ratio(values, strength)
    half = np.arange(len(X)) < len(X) // 2
    truth = Spectrum.of(values[~half], edges, ratio[~half])
    kept = half & (np.random.default_rng(0).uniform(0, 1 + strength, len(X)) < ratio)
    measured = y[kept].reset_index(drop=True)
    start = time.perf_counter()
    model.unfold(measured, random_state=1)
    minutes = (time.perf_counter() - start) / 60
    print(f"\n{feature}: {kept.sum()} pseudo-events, unfolded in {minutes:.1f} min")
    print(pd.DataFrame(model.iterations_).to_string(float_format=lambda value: f"{value:.4f}"))
    spectra = {"simulated": Spectrum.of(simulated, edges)}
    for number, unfolder in enumerate(model.unfolders_):
        drawn = sample_inverse(unfolder, measured, random_state=2)
        unfolded = value_of(pd.DataFrame(np.asarray(drawn), columns=X.columns), feature)
        spectra[f"iteration {number}"] = Spectrum.of(unfolded, edges)
    spectra["weighted"] = Spectrum.of(simulated, edges, model.weights_)
    training = value_of(pd.DataFrame(model.y_train_, columns=y.columns), feature)
    spectra["binned"] = unfold_binned(
        simulated, training, value_of(measured, feature), edges, len(model.unfolders_)
    )
    spectra["floor"] = Spectrum.of(values[kept], edges)
    return spectra, truth, edges


def print_closure(spectra, truth, edges):
    """Print ratios to the hidden truth in bins, and chi2 per degree of freedom."""
    bounds = [-np.inf, *edges, np.inf]
    table = pd.DataFrame(
        {name: spectrum.ratio(truth)[0] for name, spectrum in spectra.items()},
        index=[f"{low:.2f} to {high:.2f}" for low, high in pairwise(bounds)],
    )
    table["error"] = spectra["floor"].ratio(truth)[1]
    table.loc["largest |ratio - 1|"] = (table.drop(columns="error") - 1).abs().max()
    table.loc["chi2 / dof"] = {name: each.chi2(truth) for name, each in spectra.items()}
    print("ratio to the hidden truth")
    print(table.to_string(float_format=lambda value: f"{value:.3f}", na_rep=""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("processes", nargs="*", default=["zee", "wjet"])
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-measured", type=int, default=N_MEASURED, help="before the reweighting")
    parser.add_argument("--n-iterations", type=int, default=4)
    parser.add_argument("--strength", type=float, default=STRENGTH)
    parser.add_argument("--max-epochs", type=int, default=20)
    parser.add_argument("--spectra", nargs="*", help="some of the process's; all by default")
    options = parser.parse_args()
    for process in options.processes:
        events = PROCESSES[process].load(process, options.n_train + 2 * options.n_measured)
        X, y = events.X, events.y
        model = iterative_unfolder(process, options.n_iterations, options.max_epochs)
        start = time.perf_counter()
        model.fit(X[: options.n_train], y[: options.n_train])
        minutes = (time.perf_counter() - start) / 60
        print(f"\n{process}: {options.n_train} events to train on, in {minutes:.1f} min")
        rest = [side[options.n_train :].reset_index(drop=True) for side in (X, y)]
        for feature in options.spectra or SPECTRA[process]:
            print_closure(*close(model, *rest, feature, options.strength))


if __name__ == "__main__":
    main()
