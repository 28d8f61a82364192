"""Processes that are learnt from unpaired events: models, observables, published figures, goals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.shared.processes import JETS, QUARKS
from skjetsim.preprocessing import KinematicFeatures, TopPairFeatures
from skjetsim.transport import (
    make_ttbar_otus,
    make_ttbar_unpaired,
    make_zee_otus,
    make_zee_unpaired,
)

LEPTONS = ("electron", "positron")
SINGLE_GOAL = 0.010
# Fewer slices than the 1000 published, in a tenth of the time: the gradient is as good on average.
PRESET = {"n_slices": 100, "random_state": 0}
JET_PT = 20.0  # GeV


@dataclass(frozen=True)
class Model:
    """A model and its training events.

    Attributes
    ----------
    make : callable
        Makes the model. Its arguments replace parameters.
    share_of_pairs : float
        Share of the training events whose rows correspond.
    massless : bool
        Whether jet energies are set to the size of the momentum, in training and in the truth.
    """

    make: Callable
    share_of_pairs: float = 0.0
    massless: bool = False


@dataclass(frozen=True)
class UnpairedProcess:
    """A process that is learnt, and how it is judged.

    Attributes
    ----------
    n_train, n_test : int
        Numbers of accepted events. Nothing was tuned on the test events.
    theory, measured : callable
        Observables of a table of events of either level.
    models : dict of str to Model
    shown : tuple of str
        Models that are compared by default.
    published : dict of (str, str) to tuple
        Published W2 squared, chi2 per degree of freedom and KS by level and observable, for other
        events.
    goals : dict of (str, str) to float
        Goals of KS by level and observable.
    mass : (str, str, tuple)
        Names of the masses of theory and detector level that are drawn, and their range.
    massive : tuple of str
        Objects of the detector level with a mass. Events without that mass are left out.
    passes : callable or None
        Which events of the detector level are above its thresholds.
    """

    n_train: int
    n_test: int
    theory: Callable
    measured: Callable
    models: dict
    shown: tuple
    published: dict
    goals: dict
    mass: tuple
    massive: tuple = ()
    passes: Callable | None = None


def _momentum(events, name):
    return np.array([events[f"{name}_{c}"].to_numpy() for c in ("px", "py", "pz", "E")])


def _mass(momentum):
    """Mass with a sign. It is negative if E is less than the momentum."""
    square = momentum[3] ** 2 - np.square(momentum[:3]).sum(axis=0)
    return np.sign(square) * np.sqrt(np.abs(square))


def _single(events, names):
    """Momenta of each object."""
    columns = {}
    for name in names:
        px, py, pz, energy = _momentum(events, name)
        pt = np.hypot(px, py)
        own = {"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px)}
        own |= {"px": px, "py": py, "pz": pz, "E": energy}
        columns |= {f"{name}_{key}": value for key, value in own.items()}
    return columns


def dielectron(events):
    """Momenta of each electron, and the pair in the Collins-Soper frame."""
    parts = [_momentum(events, name) for name in LEPTONS]
    total, way = parts[0] + parts[1], parts[0] - parts[1]
    pt, mass = np.hypot(*total[:2]), _mass(total)
    transverse_mass = np.hypot(mass, pt)
    plus, minus = ((p[3] + p[2], p[3] - p[2]) for p in parts)
    cosine = (plus[0] * minus[1] - plus[1] * minus[0]) / (mass * transverse_mass)
    ux, uy = total[:2] / pt
    along, across = way[0] * ux + way[1] * uy, way[1] * ux - way[0] * uy
    pair = {
        "mass": mass,
        "pt_Z": pt,
        "y_Z": np.arctanh(np.clip(total[2] / total[3], -1 + 1e-12, 1 - 1e-12)),
        "cos_star": cosine * np.sign(total[2]),
        "phi_star": np.arctan2(transverse_mass * across, mass * along),
    }
    return pd.DataFrame(pair | _single(events, LEPTONS))


def top_pair_partons(events):
    """Masses of W, tops and pair, and momenta of each parton."""
    names = ["electron", "antineutrino", *QUARKS]
    p = {name: _momentum(events, name) for name in names}
    leptonic, hadronic = p["electron"] + p["antineutrino"], p["u"] + p["antid"]
    masses = {
        "hadronic_w_mass": hadronic,
        "leptonic_w_mass": leptonic,
        "hadronic_top_mass": hadronic + p["b"],
        "leptonic_top_mass": leptonic + p["antib"],
        "top_pair_mass": sum(p.values()),
        "quarks_mass": sum(p[name] for name in QUARKS),
    }
    columns = {name: _mass(momentum) for name, momentum in masses.items()}
    return pd.DataFrame(columns | _single(events, names))


def top_pair_objects(events):
    """Masses of the best assignment, of the pair and of jets, and momenta of each object."""
    masses = TopPairFeatures().fit_transform(events)
    masses = masses.drop(columns=["neutrino_pz", "assignment_chi2"]).reset_index(drop=True)
    met = pd.Series(np.hypot(events["met_px"], events["met_py"]).to_numpy(), name="met_pt")
    single = pd.DataFrame(_single(events, ["electron", *JETS]))
    return pd.concat([masses, met, single], axis=1)


def four_jets(events):
    """Whether all four jets have at least 20 GeV."""
    pt = KinematicFeatures([f"pt({jet})" for jet in JETS], passthrough=False)
    return (pt.fit_transform(events) > JET_PT).all(axis=1).to_numpy()


def massless(events):
    """Events with jet energies equal to the size of the momentum, so that jets have no mass."""
    changed = {}
    for jet in JETS:
        changed[f"{jet}_E"] = np.sqrt(
            sum(events[f"{jet}_{component}"] ** 2 for component in ("px", "py", "pz"))
        )
    return events.assign(**changed)


def _preset(make, **settings):
    return lambda **p: make(**PRESET | settings | p)


def _ours(make, **settings):
    return lambda **p: make(random_state=0, **settings | p)


ZEE = UnpairedProcess(
    n_train=140_000,
    n_test=104_000,
    theory=dielectron,
    measured=dielectron,
    models={
        "preset": Model(_preset(make_zee_otus)),
        "improved": Model(_ours(make_zee_unpaired)),
        "improved, 1% pairs": Model(_ours(make_zee_unpaired), share_of_pairs=0.01),
        "improved, whole event": Model(_ours(make_zee_unpaired, per_object=False)),
        "learnt slices": Model(_ours(make_zee_unpaired, n_learned_slices=16)),
        "kl": Model(_ours(make_zee_unpaired, latent_loss="kl", noise="additive")),
        "mmd": Model(_ours(make_zee_unpaired, latent_loss="mmd", batch_size=1024)),
        "squares": Model(_ours(make_zee_unpaired, p=2)),
        "mass shell off": Model(_preset(make_zee_otus, masses=None)),
        "anchor off": Model(_preset(make_zee_otus, stages=[{"max_epochs": 880}])),
    },
    shown=("preset", "improved", "improved, 1% pairs", "improved, whole event"),
    # arXiv:2101.08944, table 1.
    published={
        ("z", "mass"): (27.3, 823.0, 0.246),
        ("z", "electron_E"): (1.29, 8.8, 0.015),
        ("x", "mass"): (0.72, 12.8, 0.031),
        ("x", "electron_E"): (3.64, 9.4, 0.020),
        ("x", "electron_py"): (1.05, 37.6, 0.012),
    },
    goals={
        ("z", "mass"): 0.015,
        ("x", "mass"): 0.010,
        **{
            (level, name): 0.015
            for level in "zx"
            for name in ("pt_Z", "y_Z", "cos_star", "phi_star")
        },
        **{
            (level, f"{name}_{key}"): SINGLE_GOAL
            for level in "zx"
            for name in LEPTONS
            for key in ("pt", "eta", "phi", "px", "py", "pz", "E")
        },
    },
    mass=("mass", "mass", (60, 120)),
)

TTBAR = UnpairedProcess(
    n_train=100_000,
    n_test=50_000,
    theory=top_pair_partons,
    measured=top_pair_objects,
    models={
        "preset": Model(_preset(make_ttbar_otus), massless=True),
        "improved": Model(_ours(make_ttbar_unpaired)),
        "residual off": Model(_preset(make_ttbar_otus, residual=False), massless=True),
    },
    shown=("preset", "improved", "residual off"),
    # arXiv:2101.08944, table 2.
    published={
        ("x", "leading_jet_E"): (324.0, 50.0, 0.048),
        ("x", "top_pair_mass"): (1030.0, 55.0, 0.103),
        ("x", "hadronic_w_mass"): (104.0, 68.0, 0.109),
        ("x", "leptonic_top_mass"): (74.0, 93.0, 0.131),
        ("x", "hadronic_top_mass"): (1110.0, 161.0, 0.235),
    },
    goals={
        ("x", name): 0.02
        for name in (
            "leading_jet_E",
            "top_pair_mass",
            "hadronic_w_mass",
            "leptonic_top_mass",
            "hadronic_top_mass",
            "jets_ht",
            "jets_mass",
        )
    },
    mass=("hadronic_top_mass", "hadronic_top_mass", (60, 450)),
    massive=tuple(JETS),
    passes=four_jets,
)

PROCESSES = {"zee": ZEE, "ttbar": TTBAR}
