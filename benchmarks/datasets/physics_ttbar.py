"""Top pairs: masses of the partons and of the jets, acceptance, and what Pythia leaves out.

The chi2 assignment finds a W and tops in any four jets. As a control, it is also applied to mixed
events, which contain no tops.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import cauchy

from skjetsim.datasets import DetectorCard, generate_ttbar
from skjetsim.datasets._chain._pythia import start
from skjetsim.datasets._ttbar import N_JETS, PARTONS, QUARKS, TopPair, _boost, nearest_jets
from skjetsim.preprocessing import TopPairFeatures
from skjetsim.utils._top_pairs import ASSIGNMENTS, assign_jets, neutrino_pz

N_BOOTSTRAP = 20
# Masses in GeV, each with the window of its fit and Pythia's number of the particle.
RESONANCES = {
    "hadronic W": (("u", "antid"), (75.0, 86.0), 24),
    "leptonic W": (("electron", "antineutrino"), (75.0, 86.0), 24),
    "hadronic top": (("b", "u", "antid"), (168.0, 178.0), 6),
    "leptonic top": (("antib", "electron", "antineutrino"), (168.0, 178.0), 6),
}
# Rows of ASSIGNMENTS and columns of the features: W, leptonic top, hadronic top.
RECONSTRUCTED = ("hadronic_w_mass", "leptonic_top_mass", "hadronic_top_mass")
HALF_WINDOW = {"hadronic_w_mass": 10.0, "leptonic_top_mass": 10.0, "hadronic_top_mass": 20.0}


def section(n_events, n_jobs, folder):
    """Print and draw the top pairs."""
    began = time.perf_counter()
    events = generate_ttbar(n_events, random_state=4, n_jobs=n_jobs)
    seconds = time.perf_counter() - began
    print(f"{n_events} top pairs, {n_events / seconds:.0f} rows / s in {n_jobs} processes\n")
    print(f"{'quantity':46s} {'goal':>9s} {'reached':>9s} {'error':>7s}  beside it")
    print_partons(events)
    print_acceptance(events)
    matched = events.matched
    X, y = four_momenta(events.data[matched]), four_momenta(events.target[matched])
    print_response(X, y)
    masses = reconstructed_masses(events)
    print_assignment(X, y, masses)
    draw_masses(events, masses, folder / "ttbar_masses.png")
    draw_jets(events, X, y, folder / "ttbar_jets.png")


def row(name, goal, value, error, beside=""):
    """One line of the table."""
    print(f"{name:46s} {goal:>9s} {value:9.3f} {error:7.3f}  {beside}")


def four_momenta(table):
    """Shape (n_events, 6, 4)."""
    return table.to_numpy().reshape(len(table), 6, 4)


def mass(p):
    """Masses in GeV."""
    return np.sqrt(np.maximum(p[..., 3] ** 2 - np.square(p[..., :3]).sum(axis=-1), 0))


def pt(p):
    """Transverse momenta in GeV."""
    return np.hypot(p[..., 0], p[..., 1])


def of(partons, *names):
    """Sum of the four-momenta of partons."""
    return partons[:, [list(PARTONS).index(name) for name in names]].sum(axis=1)


def resampled(function, *arrays):
    """A value and its error from resampled events."""
    rng = np.random.default_rng(0)
    n = len(arrays[0])
    draws = [rng.integers(n, size=n) for _ in range(N_BOOTSTRAP)]
    return function(*arrays), np.std([function(*(a[i] for a in arrays)) for i in draws], axis=0)


def fraction(mask):
    """Fraction of events and its error."""
    return mask.mean(), np.sqrt(mask.mean() * (1 - mask.mean()) / len(mask))


def fit_breit_wigner(masses, window):
    """Mass and width by maximum likelihood in the window."""

    def cost(parameters):
        shape = cauchy(parameters[0], np.exp(parameters[1]) / 2)
        return -(shape.logpdf(inside) - np.log(np.diff(shape.cdf(window)))).mean()

    inside = masses[(masses > window[0]) & (masses < window[1])]
    mean, width = minimize(cost, (np.mean(window), 0.5), method="Nelder-Mead").x
    return np.array([mean, np.exp(width)])


def print_partons(events):
    """Print Breit-Wigner fits of the decays, and spins."""
    particles = start(TopPair.settings, seed=1).particleData
    partons = four_momenta(events.data)
    for name, (daughters, window, number) in RESONANCES.items():
        masses = mass(of(partons, *daughters))
        (mean, width), errors = resampled(lambda m, w=window: fit_breit_wigner(m, w), masses)
        row(f"{name}, mass [GeV]", f"{particles.m0(number):.3f}", mean, errors[0])
        row(f"{name}, width [GeV]", f"{particles.mWidth(number):.3f}", width, errors[1])
    cosine = w_cosine(partons)
    m_w, m_t = particles.m0(24), particles.m0(6)
    left = 2 * m_w**2 / (m_t**2 + 2 * m_w**2)
    row(
        "left-handed W, -2 <cos> of the anti-d",
        f"{left:.3f}",
        -2 * cosine.mean(),
        2 * cosine.std() / np.sqrt(len(cosine)),
        "leading order; the b massless",
    )
    cosine = spin_cosine(partons)
    row(
        "spin correlation D = -3 <cos(e, anti-d)>",
        "-0.24",
        -3 * cosine.mean(),
        3 * cosine.std() / np.sqrt(len(cosine)),
        "measured, arXiv:1907.03729; Pythia has none",
    )
    for name, value in (
        ("pT of a top, median [GeV]", pt(of(partons, "b", "u", "antid"))),
        ("mass of the pair, median [GeV]", mass(partons.sum(axis=1))),
    ):
        row(name, "", *resampled(np.median, value))


def at_rest(momentum, frame):
    """Unit vectors of momenta in the rest frame of another momentum."""
    rest = np.zeros_like(frame)
    rest[:, 3] = mass(frame)
    moved = _boost(momentum, frame, rest)[:, :3]
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def w_cosine(partons):
    """Cosine between anti-d and the direction of the W in the top, in the rest frame of the W."""
    frame = of(partons, "u", "antid")
    b, antid = (at_rest(of(partons, name), frame) for name in ("b", "antid"))
    return -(b * antid).sum(axis=1)


def spin_cosine(partons):
    """Cosine between electron and anti-d, each in the rest frame of its top."""
    electron, antid = (
        at_rest(of(partons, name), of(partons, *RESONANCES[top][0]))
        for name, top in (("electron", "leptonic top"), ("antid", "hadronic top"))
    )
    return (electron * antid).sum(axis=1)


def print_acceptance(events):
    """Print accepted fractions of events, and numbers of jets."""
    found = events.n_jets > 0
    row("rows with a reconstructed electron and a jet", "", *fraction(found))
    row("rows accepted: exactly four jets above 20 GeV", "", *fraction(events.accepted))
    row(
        "accepted, each quark with a jet of its own", "", *fraction(events.matched[events.accepted])
    )
    counts = np.bincount(np.minimum(events.n_jets[found], 8), minlength=9)[1:] / found.sum()
    numbers = ", ".join(f"{count:.3f}" for count in counts)
    print(f"  jets above 20 GeV, 1 to 8 and more: {numbers}")


def matched_jets(X, y):
    """The jet of each quark, shape (n_events, 4, 4), in the order of the quarks."""
    index = nearest_jets(X[:, QUARKS], y[:, 2:], DetectorCard().match_delta_r)
    return np.take_along_axis(y[:, 2:], index[:, :, None], axis=1), index


def half_width(values):
    """Half of the central 68% interval."""
    return np.diff(np.quantile(values, [0.16, 0.84]))[0] / 2


def print_response(X, y):
    """Print jets over quarks, electrons, and missing momentum in matched events."""
    jets, _ = matched_jets(X, y)
    ratios = {
        "b jets": (pt(jets) / pt(X[:, QUARKS]))[:, :2].ravel(),
        "u and d jets": (pt(jets) / pt(X[:, QUARKS]))[:, 2:].ravel(),
        "electron": pt(y[:, 0]) / pt(X[:, 0]),
    }
    for name, ratio in ratios.items():
        row(f"{name}, median pT / parton", "", *resampled(np.median, ratio))
        row(f"{name}, half of the central 68%", "", *resampled(half_width, ratio))
    miss = (y[:, 1, :2] - X[:, 1, :2]).ravel()
    row("missing momentum - neutrino, rms of x, y [GeV]", "", *resampled(np.std, miss))


def reconstructed_masses(events):
    """Tables of the three masses for each assignment of jets."""
    features = TopPairFeatures()
    y = events.target[events.accepted]
    p = four_momenta(events.target[events.matched])
    jets, _ = matched_jets(four_momenta(events.data[events.matched]), p)
    neutrino = p[:, 1].copy()
    neutrino[:, 2] = neutrino_pz(p[:, 0].T, *p[:, 1, :2].T, features.w_mass)[0]
    neutrino[:, 3] = np.linalg.norm(neutrino[:, :3], axis=1)
    b, antib, u, antid = np.moveaxis(jets, 1, 0)
    true = {
        "hadronic_w_mass": mass(u + antid),
        "leptonic_top_mass": mass(p[:, 0] + neutrino + antib),
        "hadronic_top_mass": mass(b + u + antid),
    }
    mixed = four_momenta(y).copy()
    for number in range(N_JETS):
        mixed[:, 2 + number] = np.roll(mixed[:, 2 + number], number, axis=0)
    mixed = pd.DataFrame(mixed.reshape(len(mixed), -1), columns=y.columns)
    return {
        "matched": pd.DataFrame(true),
        "chi2": features.fit_transform(y),
        "chi2, mixed events": features.fit_transform(mixed),
    }


def print_assignment(X, y, masses):
    """Print peaks by matching and by chi2, and how often the chi2 is right."""
    expected = {"hadronic_w_mass": 80.4, "leptonic_top_mass": 172.5, "hadronic_top_mass": 172.5}
    for name in RECONSTRUCTED:
        words = name.replace("_mass", "").replace("_", " ").replace(" w", " W")
        values = masses["matched"][name].to_numpy()
        row(f"{words}, matched jets, median [GeV]", "", *resampled(np.median, values))
        row(f"{words}, matched jets, half of 68% [GeV]", "", *resampled(half_width, values))
        near = {
            how: fraction(np.abs(table[name].to_numpy() - expected[name]) < HALF_WINDOW[name])
            for how, table in masses.items()
        }
        row(
            f"{words}, chi2, within {HALF_WINDOW[name]:.0f} GeV of the peak",
            "",
            *near["chi2"],
            f"matched {near['matched'][0]:.3f}, mixed {near['chi2, mixed events'][0]:.3f}",
        )
    _, index = matched_jets(X, y)
    features = TopPairFeatures()
    p = [y[:, number].T for number in range(6)]
    neutrino = p[1].copy()
    neutrino[2] = neutrino_pz(p[0], *p[1][:2], features.w_mass)[0]
    neutrino[3] = np.linalg.norm(neutrino[:3], axis=0)
    top = features.top_mass
    best, *_ = assign_jets(p[0], neutrino, p[2:], (features.w_mass, top, top), features.resolutions)
    b, antib = index[:, 0], index[:, 1]
    right = (np.array(ASSIGNMENTS)[best, :2] == np.column_stack([antib, b])).all(axis=1)
    row("chi2 right, of matched events", "", *fraction(right), "by chance 1 / 12")
    near = np.abs(neutrino[2] - X[:, 1, 2])
    row("neutrino pz, median distance to the true one [GeV]", "", *resampled(np.median, near))


def draw_masses(events, masses, path):
    """Breit-Wigners with their ratio, and reconstructed peaks for each assignment."""
    figure, axes = plt.subplots(
        2, 3, figsize=(14, 6), height_ratios=(3, 1), layout="constrained", sharex="col"
    )
    particles = start(TopPair.settings, seed=1).particleData
    partons = four_momenta(events.data)
    for column, (name, bins) in enumerate(
        {"hadronic W": np.linspace(70, 91, 43), "hadronic top": np.linspace(165, 181, 41)}.items()
    ):
        daughters, _, number = RESONANCES[name]
        shape = cauchy(particles.m0(number), particles.mWidth(number) / 2)
        leptonic = RESONANCES[name.replace("hadronic", "leptonic")][0]
        for label, group in ((name, daughters), (name.replace("hadronic", "leptonic"), leptonic)):
            values = mass(of(partons, *group))
            counts, _ = np.histogram(values, bins)
            curve = len(values) * np.diff(shape.cdf(bins))
            axes[0, column].stairs(counts, bins, label=label)
            error = np.sqrt(counts) / curve
            centres = (bins[1:] + bins[:-1]) / 2
            axes[1, column].errorbar(centres, counts / curve, error, fmt=".", ms=3)
        axes[0, column].stairs(curve, bins, color="k", lw=1, label="Breit-Wigner")
        axes[0, column].set(ylabel="events", title=f"partons: {name.split()[1]}")
        axes[1, column].axhline(1, color="k", lw=1)
        axes[1, column].set(xlabel="mass [GeV]", ylabel="ratio", ylim=(0.6, 1.4))
    bins = np.linspace(30, 150, 31)
    heights = {
        how: np.histogram(table["hadronic_w_mass"], bins, density=True)[0]
        for how, table in masses.items()
    }
    for how, height in heights.items():
        axes[0, 2].stairs(height, bins, label=how)
        # The last one is the denominator.
        axes[1, 2].stairs(height / heights["chi2, mixed events"], bins)
    axes[0, 2].set(ylabel="1 / GeV", title="hadronic W of jets, by assignment")
    axes[1, 2].set(xlabel="mass [GeV]", ylabel="over mixed", ylim=(0, 3))
    for ax in axes[0]:
        ax.legend(fontsize=8, loc="upper right")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_jets(events, X, y, path):
    """Jets of tops, number of jets, and response of jets to their quarks."""
    jets, _ = matched_jets(X, y)
    figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
    found = events.n_jets > 0
    axes[0].hist(events.n_jets[found], np.arange(0.5, 13), density=True, histtype="step")
    axes[0].set(xlabel="jets above 20 GeV", ylabel="fraction of events with an electron")
    axes[1].set(xlabel="pT of jet / pT of quark", ylabel="matched quarks, normalised")
    axes[2].set(xlabel="quark pT [GeV]", ylabel="median pT of jet / pT of quark")
    edges = np.array([20, 30, 40, 55, 75, 100, 150, 250])
    for label, which in (("b", slice(0, 2)), ("u and d", slice(2, 4))):
        quark = pt(X[:, QUARKS][:, which]).ravel()
        ratio = pt(jets[:, which]).ravel() / quark
        axes[1].hist(ratio, np.linspace(0, 2, 41), density=True, histtype="step", label=label)
        bins = np.digitize(quark, edges)
        points = [resampled(np.median, ratio[bins == k]) for k in range(1, len(edges))]
        centres = np.sqrt(edges[1:] * edges[:-1])
        axes[2].errorbar(centres, *np.transpose(points), fmt="o", ms=3, label=label)
    axes[2].axhline(1, color="k", lw=1)
    for ax in axes[1:]:
        ax.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
