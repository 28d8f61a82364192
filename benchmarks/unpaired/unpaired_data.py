"""A detector learnt from measured events: Z -> mumu of CMS in 2011, with Pythia at 7 TeV.

Measured events have no known truth. The model learns in a control region, 80 to 100 GeV, from
generated and measured muons with the same cuts. It is tested outside this region, where it has seen
neither. The output has KS distances inside and outside the region: of simulated events and of
generated events from measured ones, and the 95% limit for equal distributions. ``--data`` is the
file of dimuons, https://opendata.cern.ch/record/5208.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import skjetsim
from benchmarks.shared.event_samples import load_event_sample
from skjetsim.compose import TransformedSimulator
from skjetsim.inspection import MarginalDisplay, TransportPlanDisplay
from skjetsim.metrics import ks_distance
from skjetsim.preprocessing import LogTransformer
from skjetsim.transport import FourMomentum, InvariantMass, OTUSSimulator

MUONS = ("muon", "antimuon")
COLUMNS = [f"{name}_{component}" for name in MUONS for component in ("pt", "eta", "phi")]
MUON_MASS = 0.10566
PT_MIN, ETA_MAX, ISOLATION = 20.0, 2.1, 0.15  # isolation over pT
CONTROL = (80.0, 100.0)
REGIONS = {"80-100": CONTROL, "60-80": (60.0, 80.0), "100-120": (100.0, 120.0), "60-120": (60, 120)}
DIMUONS = Path(__file__).parents[3] / "shared" / "data" / "events" / "Zmumu_Run2011A.csv"
FIGURES = Path(__file__).parents[1] / "results" / "unpaired"
KS_LIMIT = 1.358  # 95% of the Kolmogorov distribution


def measured_muons(path):
    """Isolated pairs of opposite charge, the negative muon first."""
    table = pd.read_csv(path)
    isolated = (table.iso1 < ISOLATION * table.pt1) & (table.iso2 < ISOLATION * table.pt2)
    table = table[isolated & (table.Q1 * table.Q2 < 0)]
    first = (table.Q1 < 0).to_numpy()
    columns = {}
    for name, is_first in zip(MUONS, (first, ~first), strict=True):
        for component in ("pt", "eta", "phi"):
            one, two = table[f"{component}1"], table[f"{component}2"]
            columns[f"{name}_{component}"] = np.where(is_first, one, two)
    return in_acceptance(pd.DataFrame(columns))


def generated_muons(n_events):
    """Muons before radiation, at 7 TeV."""
    data = load_event_sample("zmumu_7tev", n_events, n_detector=1).data
    columns = {}
    for name in MUONS:
        px, py, pz = (data[f"{name}_{c}"].to_numpy() for c in ("px", "py", "pz"))
        pt = np.hypot(px, py)
        own = {"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px)}
        columns |= {f"{name}_{key}": value for key, value in own.items()}
    return in_acceptance(pd.DataFrame(columns))


def in_acceptance(events):
    """Events whose muons pass the cuts."""
    good = np.ones(len(events), dtype=bool)
    for name in MUONS:
        good &= (events[f"{name}_pt"] > PT_MIN) & (events[f"{name}_eta"].abs() < ETA_MAX)
    return events[good].reset_index(drop=True)


def quantities(events):
    """Mass, pT and rapidity of the pair, and pT and eta of the muons."""
    (pt1, eta1, phi1), (pt2, eta2, phi2) = (
        [events[f"{name}_{c}"] for c in ("pt", "eta", "phi")] for name in MUONS
    )
    mass = np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2)))
    pt = np.hypot(pt1 * np.cos(phi1) + pt2 * np.cos(phi2), pt1 * np.sin(phi1) + pt2 * np.sin(phi2))
    pz = pt1 * np.sinh(eta1) + pt2 * np.sinh(eta2)
    shown = events[[column for column in COLUMNS if not column.endswith("phi")]]
    return shown.assign(mass=mass, pt_Z=pt, y_Z=np.arcsinh(pz / np.sqrt(mass**2 + pt**2)))


def within(events, region):
    """Events whose mass lies in a region."""
    mass = quantities(events).mass
    return events[(mass > region[0]) & (mass < region[1])].reset_index(drop=True)


def detector():
    """Muons as (log pT, eta, phi), with one response for both charges."""
    logs = LogTransformer([f"{name}_pt" for name in MUONS])
    simulator = OTUSSimulator(
        residual={"log_pt": 0.02, "eta": 0.001, "phi": 0.001},
        per_object=[MUONS],
        observables=[InvariantMass(*MUONS), *map(FourMomentum, MUONS)],
        observable_weight=5.0,
        marginal_weight=3.0,
        data_weight=0.0,
        anchor_weight=0.004,
        hidden_features=(64, 64, 64),
        learning_rate=6e-3,
        max_epochs=60,
        random_state=0,
    )
    return make_pipeline(logs, TransformedSimulator(simulator, [clone(logs)]))


def print_distances(theory, drawn, measured):
    """Print KS distances from measured events, for each region."""
    rows = {}
    for label, region in REGIONS.items():
        sides = [quantities(within(events, region)) for events in (measured, drawn, theory)]
        truth, model, identity = sides
        limit = KS_LIMIT * np.sqrt(1 / len(truth) + 1 / len(model))
        for name in truth:
            rows[label, name] = {
                "events": len(truth),
                "D(X)": ks_distance(truth[[name]], model[[name]])[0],
                "generated": ks_distance(truth[[name]], identity[[name]])[0],
                "95% limit": limit,
            }
    print(pd.DataFrame(rows).T.to_string(float_format="{:.4f}".format))


def draw_figures(theory, drawn, measured):
    """Mass and pT of the pair, and the transport of the pT of muons."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    FIGURES.mkdir(parents=True, exist_ok=True)
    truth, model = quantities(measured), quantities(in_acceptance(drawn))
    for name, axis, limits in (
        ("mass", "dimuon mass [GeV]", (60, 120)),
        ("pt_Z", "dimuon pT [GeV]", (0, 80)),
    ):
        display = MarginalDisplay.from_samples(
            truth[name], model[name], name=axis, bins=60, range=limits
        ).plot()
        display.figure_.savefig(FIGURES / f"cms_{name}.png", dpi=80)
        plt.close(display.figure_)
    display = TransportPlanDisplay.from_samples(
        theory.muon_pt.to_numpy(), drawn.muon_pt.to_numpy(), name="muon pT [GeV]", range=(20, 80)
    ).plot()
    display.figure_.savefig(FIGURES / "cms_plan_pt.png", dpi=80)
    plt.close(display.figure_)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DIMUONS, help="Zmumu_Run2011A.csv")
    parser.add_argument("--n-generated", type=int, default=75_000)
    options = parser.parse_args()
    measured, theory = measured_muons(options.data), generated_muons(options.n_generated)
    learnt = within(theory, CONTROL), within(measured, CONTROL)
    print(f"{len(theory)} generated and {len(measured)} measured events after the cuts")
    print(f"{len(learnt[0])} and {len(learnt[1])} of them in the control region, to train on\n")
    model = detector().fit(*learnt)
    drawn = skjetsim.sample(model, theory, random_state=1)
    drawn = pd.DataFrame(np.asarray(drawn), columns=measured.columns)
    print_distances(theory, in_acceptance(drawn), measured)
    draw_figures(theory, drawn, measured)


if __name__ == "__main__":
    main()
