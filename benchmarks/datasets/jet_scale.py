"""Derive the jet energy scale of a DetectorCard, and the underlying density of its events.

``python -m benchmarks.datasets.jet_scale --detector atlas`` prints the numbers for the card.
"""

import argparse
from dataclasses import replace
from itertools import islice

import numpy as np
from scipy.optimize import least_squares

from skjetsim.datasets import DetectorCard, generate_wjet
from skjetsim.datasets._chain._events import selected_events
from skjetsim.datasets._chain._pileup import transverse_density
from skjetsim.datasets._chain._reconstruction import energy_flow
from skjetsim.datasets._wjet import WJET


def derive_jet_scale(n_jobs, detector, n_samples=40_000):
    """Fit the jet energy scale of a detector and print its coefficients and closure.

    The scale brings the mean raw pT of the jets in a bin of generated pT to the mean generated pT
    of that bin ("numerical inversion"). Bins of measured pT would be biased by the falling
    spectrum. Bins of generated pT are not.
    """
    card = getattr(DetectorCard, detector)()
    edges = card.jet_scale_eta_edges
    raw = replace(card, jet_scale=((1.0, 0.0),) * (len(edges) + 1), jet_pt_min=0.5)
    events = generate_wjet(n_samples, random_state=1, detector=raw, n_jobs=n_jobs, verbose=1)
    generated, measured = events.data[events.accepted], events.target[events.accepted]
    gen_pt = np.hypot(generated["jet_px"], generated["jet_py"]).to_numpy()
    raw_pt = np.hypot(measured["jet_px"], measured["jet_py"]).to_numpy()
    region = np.digitize(np.abs(np.arcsinh(generated["jet_pz"].to_numpy() / gen_pt)), edges)
    for index in range(len(edges) + 1):
        inside = region == index
        (a, b), closure = _fit_scale(gen_pt[inside], raw_pt[inside])
        print(f"eta region {index}: a = {a:.3f}, b = {b:.3f} sqrt(GeV), closure {closure.round(3)}")


def derive_underlying_density(detector, n_batches=40):
    """Print the mean of the median densities of events without pile-up."""
    card = getattr(DetectorCard, detector)()
    rng = np.random.default_rng(1)
    densities = []
    for events in islice(selected_events(WJET, 1), n_batches):
        flow, role = energy_flow(events, card, rng)
        densities.append(transverse_density(flow.select(role < 0), events.n_events, card))
    density = np.concatenate(densities)
    error = density.std(axis=0) / np.sqrt(len(density))
    print(f"underlying density {density.mean(axis=0).round(3)} +- {error.round(3)} GeV")


def _fit_scale(gen_pt, raw_pt):
    """Coefficients (a, b), and mean ratio of scaled to generated pT in bins of generated pT."""
    bin_edges = np.quantile(gen_pt, np.linspace(0, 1, 11))
    pt_bin = np.clip(np.searchsorted(bin_edges, gen_pt) - 1, 0, 9)
    count = np.bincount(pt_bin)
    mean_gen = np.bincount(pt_bin, gen_pt) / count
    mean_raw = np.bincount(pt_bin, raw_pt) / count

    def closure(coefficients):
        a, b = coefficients
        return np.sqrt(a**2 + b**2 / mean_raw) * mean_raw / mean_gen

    fit = least_squares(lambda coefficients: closure(coefficients) - 1, (1.0, 2.5))
    return fit.x, closure(fit.x)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--detector", choices=["cms", "atlas"], default="cms")
    options = parser.parse_args()
    derive_underlying_density(options.detector)
    derive_jet_scale(options.n_jobs, options.detector)


if __name__ == "__main__":
    main()
