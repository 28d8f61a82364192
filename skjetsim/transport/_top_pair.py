"""A model of semileptonic top pairs from unpaired events, and its observable."""

from itertools import combinations

import numpy as np
from sklearn.pipeline import make_pipeline

from skjetsim.compose import TransformedSimulator
from skjetsim.preprocessing import (
    BoundTransformer,
    CartesianToCylindrical,
    EnergyToMass,
    LogTransformer,
    MassShellTransformer,
    TopPairAssignment,
)
from skjetsim.transport._observables import (
    LEAST_SQUARE,
    InvariantMass,
    OfObjects,
    OrderedMomenta,
    ScalarSum,
    four_momentum,
)
from skjetsim.transport._otus import OTUSSimulator
from skjetsim.transport._published import ELECTRON_MASS
from skjetsim.utils._four_vectors import array_namespace, energy, mass_of
from skjetsim.utils._top_pairs import RESOLUTIONS, TOP_MASS, W_MASS, assign_jets, neutrino_pz

LEPTONIC = ("electron", "antineutrino", "antib")
W_QUARKS = ("u", "antid")
QUARKS = ("antib", "b", *W_QUARKS)
# The masses of Pythia, in GeV.
MASSES = {"b": 4.8, "antib": 4.8, "u": 0.33, "antid": 0.33}
JET_PT, JET_ETA, ELECTRON_PT, ELECTRON_ETA = 20.0, 5.0, 5.0, 2.4
SOFTNESS = 0.05  # in log pT and in eta: events nearer to a threshold are stretched
LEAST_DISCRIMINANT = 1.0  # GeV^4: the slope of a root is infinite at zero


class TopPairMasses(OfObjects):
    """Masses of a top pair whose jets are not assigned to quarks, in GeV.

    They are the masses of the hadronic W, the hadronic top and the leptonic top in the best of 12
    assignments, and of the pair, as in `TopPairFeatures`.

    Parameters
    ----------
    *objects : str
        Lepton, missing momentum, and four jets.

    See Also
    --------
    skjetsim.preprocessing.TopPairFeatures : The same for tables.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import TopPairMasses
    >>> momenta = {"electron": (40, 0, 0), "met": (-40.4, 0, 0), "jet1": (70, 0, 60),
    ...            "jet2": (-60, 40, 0), "jet3": (0, -70, 20), "jet4": (0, 30, -50)}
    >>> event = {f"{name}_{component}": torch.tensor([float(value)])
    ...          for name, momentum in momenta.items()
    ...          for component, value in zip(("px", "py", "pz"), momentum)}
    >>> TopPairMasses(*momenta)(event).round(decimals=1)[0, 3].item()
    374.5
    """

    def __init__(self, *objects):
        super().__init__(*objects)
        if len(objects) != 6:
            raise ValueError(
                f"TopPairMasses takes lepton, missing momentum and four jets, got {objects!r}."
            )

    def __call__(self, events):
        """Masses of hadronic W, hadronic top, leptonic top and pair, shape (n_rows, 4)."""
        lepton, met, *jets = map(four_momentum, self._read(events))
        xp = array_namespace(lepton)
        px, py = met[0], met[1]
        pz, _ = neutrino_pz(lepton, px, py, W_MASS, least_discriminant=LEAST_DISCRIMINANT)
        neutrino = xp.stack([px, py, pz, energy(px, py, pz, 0.0)])
        expected = (W_MASS, TOP_MASS, TOP_MASS)
        _, _, (w, leptonic, hadronic) = assign_jets(
            lepton, neutrino, jets, expected, RESOLUTIONS, least_square=LEAST_SQUARE
        )
        pair = mass_of(lepton + neutrino + sum(jets), least_square=LEAST_SQUARE)
        return xp.stack([w, hadronic, leptonic, pair]).T


def make_ttbar_unpaired(**parameters):
    """Make a model of semileptonic top pairs, from unpaired events.

    The masses of W and tops assign the detector's objects to partons, and objects take the names of
    the partons. Columns are directions and logarithms of pT and mass. No event is drawn beyond a
    threshold. Both maps start at the identity. Slices and networks also see masses of pairs,
    triples and tops, and jets by falling pT.

    Parameters
    ----------
    **parameters
        Parameters of `OTUSSimulator`, in place of those chosen here.

    Returns
    -------
    Pipeline
        Events are those of `generate_ttbar`: px, py, pz and E, in GeV, of six objects on both
        levels.

    See Also
    --------
    make_ttbar_otus : The published model.
    skjetsim.compose.EfficiencySimulator : Models which events are accepted. This model only has
        accepted events.

    Notes
    -----
    Quarks have the masses of Pythia, 4.8 and 0.33 GeV. Electrons have pT > 5 GeV and
    abs(eta) < 2.4, and jets have pT > 20 GeV and abs(eta) < 5. For other events, build a Pipeline
    of these steps with other numbers.

    Examples
    --------
    >>> from skjetsim.datasets import load_ttbar
    >>> from skjetsim.transport import make_ttbar_unpaired
    >>> X, y = load_ttbar(return_X_y=True)
    >>> model = make_ttbar_unpaired(max_epochs=1, random_state=0).fit(X, y)
    >>> model.transform(X[:3]).shape
    (3, 24)
    """
    chosen = {
        "residual": {
            "log_pt": 0.2,
            "eta": 0.15,
            "phi": 0.15,
            "px": 10.0,
            "py": 10.0,
            "pz": 20.0,
            "electron_log_pt": 0.02,
            "electron_eta": 0.001,
            "electron_phi": 0.001,
        },
        "observables": [InvariantMass(*QUARKS), ScalarSum(*QUARKS)],
        "theory_observables": _masses_of_partons(),
        "target_observables": [
            TopPairMasses("electron", "antineutrino", *QUARKS),
            OrderedMomenta(*QUARKS),
        ],
        "observable_weight": 10.0,
        "marginal_weight": 3.0,
        "data_weight": 0.0,
        "anchor_weight": 0.001,
        "hidden_features": (128, 128, 128),
        "learning_rate": 1e-2,
        "max_epochs": 120,
    }
    simulator = OTUSSimulator(**chosen | parameters)
    return make_pipeline(*_partons(), TransformedSimulator(simulator, _objects()))


def _masses_of_partons():
    """Masses of pairs and triples of quarks, and of the leptonic W and top.

    They are not used for jets: the masses might assign the jet that is drawn for a quark to another
    quark.
    """
    groups = [group for size in (2, 3) for group in combinations(QUARKS, size)]
    return [InvariantMass(*group) for group in (*groups, LEPTONIC[:2], LEPTONIC)]


def _partons():
    """Steps of the theory level: directions and log pT; energies follow from the masses."""
    masses = {"electron": ELECTRON_MASS, "antineutrino": 0.0, **MASSES}
    return [MassShellTransformer(masses), *_directions()]


def _objects():
    """Steps of the detector level, whose objects take the names of the partons."""
    bounds = {f"{name}_log_pt": (float(np.log(JET_PT)), None) for name in QUARKS}
    bounds |= {f"{name}_eta": (-JET_ETA, JET_ETA) for name in QUARKS}
    bounds["electron_log_pt"] = (float(np.log(ELECTRON_PT)), None)
    bounds["electron_eta"] = (-ELECTRON_ETA, ELECTRON_ETA)
    return [
        MassShellTransformer({"electron": ELECTRON_MASS, "met": 0.0}),
        TopPairAssignment(),
        EnergyToMass(list(QUARKS)),
        LogTransformer([f"{name}_mass" for name in QUARKS]),
        *_directions(),
        BoundTransformer(bounds, softness=SOFTNESS),
    ]


def _directions():
    charged = ["electron", *QUARKS]
    return [CartesianToCylindrical(charged), LogTransformer([f"{name}_pt" for name in charged])]
