"""FlowSimulator: a normalizing flow of the detector response."""

import numpy as np

from skjetsim.flows._density_simulator import DensitySimulator
from skjetsim.flows._spline_flow import SplineFlow
from skjetsim.utils._angles import is_angle
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class FlowSimulator(SplineFlow, DensitySimulator):
    """Simulate y given X with a conditional normalizing flow.

    A stack of rational-quadratic spline couplings [1]_ maps y, given X, to a standard normal. It is
    trained on the exact likelihood. Simulating is one pass through its inverse.

    Columns are scaled inside. Each column of y and X is standardised, or mapped to a normal through
    its quantiles if it has heavy tails or a narrow core. Densities include the log-determinant of
    this. Columns of X named `phi` or `..._phi` enter as (cos, sin). Columns of y that never vary
    are returned as they were.

    If X predicts a column of y to better than half its spread, as in a detector response, a
    regression first finds place and width of the column given X. The flow then learns the
    residual. Momenta that X and y share (`muon_px`, `muon_py`, `muon_pz`) are compared along and
    across the momentum in X.

    Values of y that many events hold, such as zeros of padding, -999, a saturated reading or steps
    of 0.5, are found and drawn exactly, with their share and together with the other columns.

    A few events of the fit may be mismeasured: their residual lies behind the tail of all others,
    as that of a wrongly matched muon. A smooth density cannot learn them, and the network is
    trained without them. They have a density of their own, in which columns that are wrong
    together stay together. `sample` and `score_samples` mix both densities at the rate of the fit.

    Parameters
    ----------
    condition_network : sequence of int
        Widths of the layers of a network that X passes before all couplings. It is trained with
        them, as the f(x) of the conditional INN is. There is none by default, because each coupling
        has a network of its own.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        Column names seen in `fit`, if X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.
    history_ : list of dict
        Losses of each epoch.
    n_epochs_ : int
        Number of epochs.
    best_epoch_ : int
        Epoch whose weights were kept.
    stop_reason_ : str or None
        How the training ended: "max_epochs", "patience", "callback", "interrupted" or "not_finite".
        None after `partial_fit`.
    net_ : skorch.NeuralNet or None
        The trained network. None if no column of y varies.
    outliers_ : object or None
        Density of mismeasured events. None if no event of the fit is mismeasured.

    References
    ----------
    .. [1] C. Durkan, A. Bekasov, I. Murray and G. Papamakarios, "Neural Spline Flows",
       arXiv:1906.04032; conditioned on the event as in arXiv:2006.06685.
    .. [2] L. Dinh, J. Sohl-Dickstein and S. Bengio, "Density estimation using Real NVP",
       arXiv:1605.08803.
    .. [3] D. J. Rezende et al., "Normalizing Flows on Tori and Spheres", arXiv:2002.02428.
    .. [4] D. J. Rezende and S. Mohamed, "Variational Inference with Normalizing Flows",
       arXiv:1505.05770.
    .. [5] R. van den Berg et al., "Sylvester Normalizing Flows for Variational Inference",
       arXiv:1803.05649.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> simulator = FlowSimulator(max_epochs=2, random_state=0).fit(energy, measured)
    >>> simulator.sample([[50.0], [100.0]], random_state=1).shape
    (2, 1)
    >>> simulator.sample([[50.0]], n_samples=1000, random_state=1).shape
    (1, 1000, 1)
    """

    condition_network: tuple[int, ...] = ()

    def _settings(self, names, root):
        widths = check_widths(self.condition_network, "condition_network")
        return super()._settings(names, root) | {"condition_network": widths}

    def _kept_columns(self, names):
        kept = super()._kept_columns(names)
        if self.bijection == "circular":  # angles, whatever they are called
            return np.ones_like(kept)
        if isinstance(self.bijection, dict):
            for column, kind in self.bijection.items():
                if kind == "circular" or is_angle(str(column)):
                    kept |= np.isin(names, [str(column)])
        return kept
