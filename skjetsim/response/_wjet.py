"""Fast simulations of W + jet: the published one, and any simulator in better coordinates."""

from skjetsim.compose import ResidualTransformer, SymmetricSimulator, TransformedSimulator
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import (
    CartesianToCylindrical,
    LogMassTransformer,
    LogTransformer,
    PhiRotation,
)
from skjetsim.response._quantile import QuantileSimulator
from skjetsim.utils._validation import check_option


def make_wjet_quantile(**parameters):
    """Make the fast simulation of W + jet as published.

    Muon, jet and missing momentum stay Cartesian, and the jet mass becomes its logarithm. A
    `QuantileSimulator` with the published derived features learns the published target: the theory
    level plus the residual, scaled to the relative width of the residual of the log mass.

    Parameters
    ----------
    **parameters
        Parameters of `QuantileSimulator` that replace its defaults.

    Returns
    -------
    GenerativePipeline
        Takes and gives events as (px, py, pz), jet mass and missing (px, py), in GeV.

    See Also
    --------
    make_wjet_pipeline : Better coordinates for any simulator.

    Notes
    -----
    A Gaussian in each Cartesian component spreads the momentum of a muon alike in all directions.
    A tracker measures directions a hundred times better than sizes. In this the published model
    differs most from a detector that smears directions, too.

    References
    ----------
    .. [1] C. Chen et al., "Analysis-Specific Fast Simulation at the LHC with Deep Learning",
       Comput. Softw. Big Sci. 5 (2021) 15, arXiv:2010.01835.

    Examples
    --------
    >>> from skjetsim.datasets import load_wjet
    >>> from skjetsim.response import make_wjet_quantile
    >>> X, y = load_wjet(return_X_y=True)
    >>> model = make_wjet_quantile(max_epochs=1, random_state=0).fit(X[:2000], y[:2000])
    >>> model.sample(X[:3], random_state=0).shape
    (3, 9)
    """
    simulator = QuantileSimulator(**{"derived_features": "wjet"} | parameters)
    residual = ResidualTransformer(keep_truth=True, reference="jet_log_mass")
    return make_generative_pipeline(
        LogMassTransformer(), TransformedSimulator(simulator, [LogMassTransformer(), residual])
    )


def make_wjet_pipeline(simulator, *, met_reference="muon"):
    """Put a simulator into coordinates in which the response of W + jet is simple.

    Muon and jet become (log pT, eta, phi), and the jet mass becomes its logarithm. Events are
    rotated and reflected until the muon is along x and forward and the jet is to its left. The
    simulator learns the residual of each column.

    Parameters
    ----------
    simulator : simulator
        `FlowSimulator()`, `QuantileSimulator(n_quantiles=17)`, ...
    met_reference : {"muon", "jet"}, default="muon"
        The components of the missing momentum are along and across this object. Take the jet for
        `QuantileSimulator`: missing momentum has the mismeasurement of the jet, so that its columns
        depend less on each other. A flow learns the dependence, and is better with the muon.

    Returns
    -------
    GenerativePipeline
        Takes and gives events as (px, py, pz), jet mass and missing (px, py), in GeV.

    See Also
    --------
    make_wjet_quantile : The published model in its own coordinates.
    skjetsim.compose.SymmetricSimulator : Rotates and reflects the events.

    Examples
    --------
    >>> from skjetsim.datasets import load_wjet
    >>> from skjetsim.response import QuantileSimulator, make_wjet_pipeline
    >>> X, y = load_wjet(return_X_y=True)
    >>> simulator = QuantileSimulator(n_quantiles=5, max_epochs=1, random_state=0)
    >>> model = make_wjet_pipeline(simulator, met_reference="jet").fit(X[:2000], y[:2000])
    >>> model.sample(X[:3], random_state=0).shape
    (3, 9)
    """
    check_option(met_reference, "met_reference", ("muon", "jet"))

    def cylindrical():
        return [
            CartesianToCylindrical(["muon", "jet"]),
            LogTransformer(["muon_pt", "jet_pt", "jet_mass"]),
        ]

    def about_jet():
        return [PhiRotation("jet", objects=["met"])] if met_reference == "jet" else []

    response = TransformedSimulator(
        simulator, [*cylindrical(), *about_jet(), ResidualTransformer()]
    )
    if about_jet():
        # What is measured from the jet must not rotate again with the event.
        response = make_generative_pipeline(*about_jet(), response)
    return make_generative_pipeline(
        *cylindrical(), SymmetricSimulator(response, "muon", second_object="jet")
    )
