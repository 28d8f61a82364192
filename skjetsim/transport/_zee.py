"""A model of Z -> ee from unpaired events, in coordinates of the detector."""

from sklearn.pipeline import make_pipeline

from skjetsim.compose import TransformedSimulator
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer, MassShellTransformer
from skjetsim.transport._observables import FourMomentum, InvariantMass
from skjetsim.transport._otus import OTUSSimulator
from skjetsim.transport._published import ELECTRON_MASS, LEPTONS


def make_zee_unpaired(**parameters):
    """Make a model of Z -> ee from unpaired events, in coordinates of the detector.

    Electrons are described by (log pT, eta, phi). Both maps start at the identity, and move an
    event in steps of about the resolution. Slices and networks also see the mass of the pair and
    the Cartesian momenta. The decoder draws each lepton from the same lepton alone, with one
    network for electrons and positrons: the peak of the Z then tells the width of the response.

    Parameters
    ----------
    **parameters
        Parameters of `OTUSSimulator`, in place of those chosen here.

    Returns
    -------
    Pipeline
        Events have px, py, pz and E, in GeV, of electron and positron on both levels.

    See Also
    --------
    make_zee_otus : The published model.

    Examples
    --------
    >>> from skjetsim.datasets import load_zee
    >>> from skjetsim.transport import make_zee_unpaired
    >>> X, y = load_zee(return_X_y=True)
    >>> model = make_zee_unpaired(max_epochs=1, random_state=0).fit(X, y)
    >>> model.transform(X[:3]).shape
    (3, 8)
    """
    chosen = {
        "residual": {"log_pt": 0.05, "eta": 0.001, "phi": 0.001},
        "per_object": [LEPTONS],
        "observables": [InvariantMass(*LEPTONS), *map(FourMomentum, LEPTONS)],
        "observable_weight": 5.0,
        "marginal_weight": 3.0,
        "data_weight": 0.0,
        "anchor_weight": 0.004,
        "hidden_features": (64, 64, 64),
        "learning_rate": 6e-3,
        "max_epochs": 120,
    }
    simulator = OTUSSimulator(**chosen | parameters)
    return make_pipeline(*_directions(), TransformedSimulator(simulator, _directions()))


def _directions():
    """Electrons as (log pT, eta, phi); energies follow from their mass."""
    return [
        MassShellTransformer(dict.fromkeys(LEPTONS, ELECTRON_MASS)),
        CartesianToCylindrical(),
        LogTransformer([f"{lepton}_pt" for lepton in LEPTONS]),
    ]
