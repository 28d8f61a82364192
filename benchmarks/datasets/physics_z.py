"""The Z peak: at parton level, as reconstructed, and in the collisions that CMS recorded."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pythia8mc
from scipy.optimize import minimize
from scipy.stats import cauchy, crystalball

from skjetsim.datasets import generate_zee, generate_zmumu

DIMUONS = Path(__file__).parents[3] / "shared" / "data" / "events" / "Zmumu_Run2011A.csv"
WINDOW = (80.0, 100.0)
PARTON_WINDOW = (86.0, 96.0)
MUON_PT_MIN, MUON_ETA_MAX = 20.0, 2.1
N_BOOTSTRAP = 20
# Powers of the tail beyond this cannot be told from an exponential.
MAX_LOG = 4.0


def section(n_events, n_jobs, folder):
    """Print and draw the peaks."""
    options = {"n_samples": n_events, "random_state": 3, "n_jobs": n_jobs}
    electrons = generate_zee(**options)
    muons = generate_zmumu(**options, settings=["Beams:eCM = 7000."])
    partons = pair_mass(electrons.data)
    print(f"{len(partons)} Z -> ee at 13 TeV, {len(muons.data)} Z -> mumu at 7 TeV\n")

    print("Breit-Wigner of the parton level, unbinned, 86 to 96 GeV     (goal 91.19 +- .1 GeV)")
    for name, mass in (("Z -> ee", partons), ("Z -> mumu", pair_mass(muons.data))):
        print_fit(name, fit_breit_wigner, mass, ("mass", "width"))
    z_mass, z_width = pythia_values()
    print(f"{'in Pythia':28s} mass {z_mass:8.3f}            width {z_width:8.3f}")
    shift = z_width**2 / (2 * z_mass)
    print(f"whose width grows with the mass: one of fixed width is {shift:.3f} GeV lower\n")

    print("Crystal Ball of the reconstructed peak, unbinned, 80 to 100 GeV")
    peaks = {
        "Z -> ee": pair_mass(electrons.target[electrons.accepted]),
        "Z -> mumu": pair_mass(muons.target[selected(muons)]),
    }
    if DIMUONS.exists():
        peaks["CMS 2011"] = recorded_mass()
    for name, mass in peaks.items():
        print_fit(name, fit_crystal_ball, mass, ("mean", "sigma"))
    print(
        "mumu: muons of opposite charge, pT > 20 GeV, abs(eta) < 2.1, in both; the detector of the"
        "\nevents has no misalignment and no background.\n"
    )
    draw(partons, peaks, z_mass, z_width, folder / "z_peak.png")


def pythia_values():
    """Mass and width of the Z in Pythia."""
    particles = pythia8mc.Pythia("", False).particleData
    return particles.m0(23), particles.mWidth(23)


def four_momenta(table):
    """Shape (n, 2, 4)."""
    return table.to_numpy().reshape(len(table), 2, 4)


def pair_mass(table):
    """Invariant mass of the pair in GeV."""
    p = four_momenta(table).sum(axis=1)
    return np.sqrt(np.maximum(p[:, 3] ** 2 - np.square(p[:, :3]).sum(axis=1), 0))


def selected(events):
    """Events whose muons pass the selection of the recorded events."""
    p = four_momenta(events.target)
    pt = np.maximum(np.hypot(p[..., 0], p[..., 1]), 1e-9)
    eta = np.arcsinh(p[..., 2] / pt)
    good = (pt > MUON_PT_MIN) & (np.abs(eta) < MUON_ETA_MAX)
    return events.accepted & good.all(axis=1)


def recorded_mass():
    """Masses of the recorded dimuons that pass the selection."""
    table = pd.read_csv(DIMUONS)
    good = table.Q1 * table.Q2 < 0
    for number in (1, 2):
        good &= (table[f"pt{number}"] > MUON_PT_MIN) & (table[f"eta{number}"].abs() < MUON_ETA_MAX)
    t = table[good]
    angle = np.cosh(t.eta1 - t.eta2) - np.cos(t.phi1 - t.phi2)
    return np.sqrt(2 * t.pt1 * t.pt2 * angle).to_numpy()


def fit_breit_wigner(mass):
    """Mass and width by maximum likelihood in the window."""

    def cost(parameters):
        shape = cauchy(parameters[0], np.exp(parameters[1]) / 2)
        return -(shape.logpdf(inside) - np.log(np.diff(shape.cdf(PARTON_WINDOW)))).mean()

    inside = mass[(mass > PARTON_WINDOW[0]) & (mass < PARTON_WINDOW[1])]
    mean, width = minimize(cost, (91.0, 1.0), method="Nelder-Mead").x
    return mean, np.exp(width)


def fit_crystal_ball(mass):
    """Mean and width by maximum likelihood in the window. The fitted tail is not returned."""

    def cost(parameters):
        mean, sigma, beta, m = (parameters[0], *np.exp(np.minimum(parameters[1:], MAX_LOG)))
        shape = crystalball(beta, 1 + m, mean, sigma)
        return -(shape.logpdf(inside) - np.log(np.diff(shape.cdf(WINDOW)))).mean()

    inside = mass[(mass > WINDOW[0]) & (mass < WINDOW[1])]
    start = (np.median(inside), np.log(2.0), 0.0, 1.0)
    mean, sigma = minimize(cost, start, method="Nelder-Mead", options={"maxiter": 2000}).x[:2]
    return mean, np.exp(sigma)


def print_fit(name, fit, mass, parameters):
    """Print one line: values with errors from resampled events."""
    rng = np.random.default_rng(0)
    values = fit(mass)
    errors = np.std([fit(rng.choice(mass, len(mass))) for _ in range(N_BOOTSTRAP)], axis=0)
    words = (
        f"{parameter} {value:8.3f} +- {error:5.3f}"
        for parameter, value, error in zip(parameters, values, errors, strict=True)
    )
    print(f"{name:28s}", "  ".join(words), f"  median {np.median(mass):7.3f}, N {len(mass)}")


def draw(partons, peaks, z_mass, z_width, path):
    """Draw peaks, each normalised to one."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    bins = np.linspace(60, 120, 61)
    axes[0].hist(partons, bins, density=True, histtype="step", label="Z -> ee, partons")
    grid = np.linspace(60, 120, 601)
    axes[0].plot(grid, cauchy(z_mass, z_width / 2).pdf(grid), lw=1, label="Breit-Wigner")
    for name, mass in peaks.items():
        if name == "CMS 2011":
            counts, _ = np.histogram(mass, bins, density=True)
            centres = (bins[1:] + bins[:-1]) / 2
            error = np.sqrt(counts / (len(mass) * np.diff(bins)))
            axes[1].errorbar(centres, counts, error, fmt="k.", label=name)
        else:
            axes[1].hist(mass, bins, density=True, histtype="step", label=name)
    for ax, title in zip(axes, ("parton level", "as reconstructed"), strict=True):
        ax.set(xlabel="pair mass [GeV]", ylabel="events / GeV", yscale="log", title=title)
        ax.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
