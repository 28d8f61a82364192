"""A model of Z -> ee from unpaired events, in coordinates of a detector."""

from sklearn.pipeline import make_pipeline

from skjetsim.compose import TransformedSimulator
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer, MassShellTransformer
from skjetsim.transport._observables import FourMomentum, InvariantMass
from skjetsim.transport._otus import OTUSSimulator
from skjetsim.transport._published import ELECTRON_MASS, LEPTONS


def make_zee_unpaired(**parameters):
    """Make a model of Z -> ee, from unpaired events, in the coordinates of a detector.

    Electrons become (log pT, eta, phi), and both maps start at the identity, from which they move
    an event in steps of a resolution. Slices and networks see the mass of the pair and the
    Cartesian momenta, too. The decoder draws each electron from itself alone, and positrons as
    electrons: the peak of the Z then tells how wide the response is.

    Parameters
    ----------
    **parameters
        Parameters of `OTUSSimulator`, in place of those chosen here.

    Returns
    -------
    Pipeline
        Takes and gives events as px, py, pz and E, in GeV, of electron and positron.

    See Also
    --------
    make_zee_otus : As published.

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
