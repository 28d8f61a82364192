"""Processes that benchmarks simulate and unfold: their columns, coordinates and features."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.pipeline import FeatureUnion
from sklearn.utils import Bunch

from benchmarks.shared.event_samples import load_event_sample
from skjetsim.compose import (
    CategorySimulator,
    NearestAssignment,
    ResidualTransformer,
    SymmetricSimulator,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import (
    BoundTransformer,
    CartesianToCylindrical,
    EnergyToMass,
    KinematicFeatures,
    LogTransformer,
    PairMassTransformer,
    TopPairFeatures,
    TransverseMassTransformer,
    pair_and_triple_masses,
)
from skjetsim.response import make_wjet_pipeline
from skjetsim.selection import select_pt, wjet_selection

ELECTRONS = ["electron", "positron"]
DILEPTON = [f"{quantity}(electron, positron)" for quantity in ("mass", "pt", "rapidity")]
ELECTRON_FEATURES = [f"{q}({name})" for name in ELECTRONS for q in ("pt", "eta", "phi")]
WJET = [
    *("pt(muon)", "eta(muon)", "phi(muon)", "pt(jet)", "eta(jet)", "phi(jet)"),
    *("mass(jet)", "pt(met)", "phi(met)"),
]
WJET_DERIVED = ["delta_r(muon, jet)", "delta_phi(muon, met)", "mt(muon, met)", "st(muon, jet, met)"]
COMPONENTS = ("px", "py", "pz", "E")
SPARE = 20  # events more than asked for
QUARKS = ["b", "antib", "u", "antid"]
MATCHED = 0.4  # delta R
JETS = ["jet1", "jet2", "jet3", "jet4"]


@dataclass(frozen=True)
class Process:
    """A process, the coordinates in which it is simulated or unfolded, and its figures of merit.

    Attributes
    ----------
    columns, target : list of str
        Columns of theory level and of detector level. Columns that follow from others are left out,
        such as energies of massless particles.
    features : transformer
        Derived quantities of the detector level, and of the theory level if `by` is given.
    simulator, unfolder : callable
        Put a simulator into the coordinates of the process.
    by : tuple or None
        A feature of the theory level and its edges, for bins of the response. None if the levels
        have different columns.
    residuals : tuple of str
        Features whose responses are judged.
    selection : callable or None
        Final selection, for the comparison of yields.
    shown : tuple of str
        Features whose posteriors are drawn.
    """

    columns: list
    target: list
    features: object
    simulator: Callable
    unfolder: Callable | None = None
    by: tuple | None = None
    residuals: tuple = ()
    selection: Callable | None = None
    shown: tuple = ()

    def load(self, name, n_accepted):
        """Load accepted events: X, y, and for the second detector pass y and acceptance.

        Single precision can give fast jets of small mass E <= p. Such events are left out.
        """
        events = load_event_sample(name, n_accepted + SPARE)
        second = events.repeats[0]
        rows = np.flatnonzero(massive(events.target[self.target]))[:n_accepted]
        y, again = (side.target[self.target].iloc[rows] for side in (events, second))
        return Bunch(
            X=_renamed(events.data)[self.columns].iloc[rows].reset_index(drop=True),
            y=y.reset_index(drop=True),
            second=again.reset_index(drop=True),
            twice=second.accepted[rows] & massive(again),
        )


def massive(table):
    """Whether all objects that have an energy have a mass."""
    good = np.ones(len(table), dtype=bool)
    for name in [column.removesuffix("_E") for column in table if column.endswith("_E")]:
        px, py, pz, e = (table[f"{name}_{component}"].to_numpy() for component in COMPONENTS)
        good &= e**2 > px**2 + py**2 + pz**2
    return good


def _renamed(data):
    """Rename the neutrino to missing momentum, which is its detector level."""
    return data.rename(columns=lambda name: name.replace("antineutrino_", "met_"))


def momenta(*objects):
    """Names of the Cartesian momenta of some objects."""
    return [f"{name}_{axis}" for name in objects for axis in ("px", "py", "pz")]


def wjet_unfolder(simulator):
    """Log transverse mass unchanged, and residuals of all other coordinates.

    The edge at the mass of the W is then at one value of one column.
    """

    def coordinates():
        return [
            CartesianToCylindrical(["muon", "jet"]),
            TransverseMassTransformer("muon"),
            LogTransformer(["muon_pt", "jet_pt", "jet_mass", "muon_met_mt"]),
        ]

    objects = [f"{name}_{part}" for name in ("muon", "jet") for part in ("log_pt", "eta", "phi")]
    residual = ResidualTransformer(columns=[*objects, "jet_log_mass", "muon_met_opposite_mt"])
    response = TransformedSimulator(simulator, [*coordinates(), residual])
    return Unfolder(
        make_generative_pipeline(
            KinematicFeatures(["pt(muon, met)", "pt(muon, jet, met)"]),
            *coordinates(),
            SymmetricSimulator(response, "muon", second_object="jet"),
        )
    )


def dielectron_coordinates():
    """(log pT, eta, phi) of both electrons."""
    return [CartesianToCylindrical(ELECTRONS), LogTransformer(["electron_pt", "positron_pt"])]


def dielectron_simulator(simulator):
    """Residuals of log pT, eta and phi of each electron."""
    residuals = [*dielectron_coordinates(), ResidualTransformer()]
    response = TransformedSimulator(simulator, residuals)
    return make_generative_pipeline(
        *dielectron_coordinates(), SymmetricSimulator(response, "electron")
    )


def dielectron_unfolder(simulator):
    """Log mass of the pair unchanged, and residuals of log pT ratio, eta and phi.

    The resonance is then a peak at one value of one column.
    """
    pair = "electron_positron"

    def coordinates():
        return [
            CartesianToCylindrical(ELECTRONS),
            PairMassTransformer(*ELECTRONS),
            LogTransformer([f"{pair}_mass", f"{pair}_pt_ratio"]),
        ]

    directions = [f"{name}_{angle}" for name in ELECTRONS for angle in ("eta", "phi")]
    residual = ResidualTransformer(columns=[f"{pair}_log_pt_ratio", *directions])
    response = TransformedSimulator(simulator, [*coordinates(), residual])
    return Unfolder(
        make_generative_pipeline(
            KinematicFeatures(DILEPTON[1:]),
            *coordinates(),
            LogTransformer([f"{pair}_pt"]),
            SymmetricSimulator(response, "electron"),
        )
    )


def top_pair_simulator(simulator):
    """Which quarks have a jet of their own, then jets in their order, with residuals of directions.

    Conditions are log pT, eta and phi of the partons, and distances: quarks near each other make
    one jet, and jets near the electron are not found.
    """
    charged = ["electron", *QUARKS]
    distances = [f"delta_r({a}, {b})" for a, b in combinations(charged, 2)]

    def cylindrical():
        return [
            CartesianToCylindrical(charged),
            LogTransformer([f"{name}_pt" for name in charged]),
        ]

    directions = [f"{name}_{angle}" for name in charged for angle in ("eta", "phi")]
    bounds = {"electron_eta": (-2.4, 2.4)}
    for name in QUARKS:
        bounds |= {f"{name}_log_pt": (np.log(20), None), f"{name}_eta": (-5.0, 5.0)}
    target = [
        NearestAssignment(JETS, QUARKS, matched_delta_r=MATCHED),
        EnergyToMass(QUARKS),
        LogTransformer([f"{name}_mass" for name in QUARKS]),
        *cylindrical(),
        BoundTransformer(bounds, softness=0.3),
        ResidualTransformer(columns=["electron_log_pt", *directions, "met_px", "met_py"]),
    ]
    matched = [f"{name}_matched" for name in QUARKS]
    response = TransformedSimulator(CategorySimulator(simulator, matched, random_state=0), target)
    return make_generative_pipeline(
        KinematicFeatures(distances), *cylindrical(), SymmetricSimulator(response, "electron")
    )


def four_momenta(*objects):
    """Names of the Cartesian four-momenta of some objects."""
    return [f"{name}_{component}" for name in objects for component in COMPONENTS]


def top_pair_features():
    """Momenta of all objects, masses of all pairs and triples, of W and tops."""
    visible = ["electron", *JETS]
    return FeatureUnion(
        [
            ("objects", CartesianToCylindrical()),
            ("masses", KinematicFeatures(pair_and_triple_masses(visible), passthrough=False)),
            ("tops", TopPairFeatures()),
        ]
    ).set_output(transform="pandas")


def dielectron_selection(events):
    """Two electrons of pT > 25 GeV with a mass of 66 to 116 GeV."""
    mass = KinematicFeatures(DILEPTON[:1], passthrough=False).fit_transform(events)
    hard = [select_pt(events, name, minimum=25) for name in ELECTRONS]
    return hard[0] & hard[1] & mass.iloc[:, 0].between(66, 116).to_numpy()


def joined(feature):
    """Column name of a feature: `jet_pt` of `pt(jet)`."""
    quantity, objects = feature.rstrip(")").split("(")
    return "_".join([*objects.split(", "), quantity])


PROCESSES = {
    "wjet": Process(
        columns=[*momenta("muon", "jet"), "jet_mass", "met_px", "met_py"],
        target=[*momenta("muon", "jet"), "jet_mass", "met_px", "met_py"],
        features=KinematicFeatures([*WJET, *WJET_DERIVED], passthrough=False),
        simulator=make_wjet_pipeline,
        unfolder=wjet_unfolder,
        by=("jet_pt", (10.0, 16.0, 23.0, 38.0, 13_000.0)),  # about quartiles
        residuals=tuple(joined(feature) for feature in WJET),
        selection=wjet_selection,
        shown=("muon_pt", "jet_pt", "jet_eta", "jet_mass", "met_pt"),
    ),
    "zee": Process(
        columns=momenta(*ELECTRONS),
        target=momenta(*ELECTRONS),
        features=KinematicFeatures(
            [*ELECTRON_FEATURES, *DILEPTON],
            passthrough=False,
        ),
        simulator=dielectron_simulator,
        unfolder=dielectron_unfolder,
        residuals=tuple(joined(feature) for feature in [*ELECTRON_FEATURES, *DILEPTON]),
        by=("electron_pt", (0.0, 30.0, 40.0, 48.0, 13_000.0)),
        selection=dielectron_selection,
        shown=("electron_pt", "electron_eta", "electron_positron_mass", "electron_positron_pt"),
    ),
    "ttbar": Process(
        columns=[*momenta("electron", "met", *QUARKS)],
        target=[*momenta("electron"), "met_px", "met_py", *four_momenta(*JETS)],
        features=top_pair_features(),
        simulator=top_pair_simulator,
    ),
}
