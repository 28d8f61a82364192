"""FlowGenerator: the density of events, to be sampled, scored, and mapped to a latent space."""

from __future__ import annotations

from skjetsim.flows._density_generator import DensityGenerator
from skjetsim.flows._spline_flow import circular_columns, flow_settings
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class FlowGenerator(DensityGenerator):
    """Learn the density of events with a normalizing flow, and sample it.

    A stack of rational-quadratic spline couplings [1]_ maps events to a standard normal and is
    trained on the exact likelihood. `transform` gives the latent point of an event and
    `inverse_transform` brings it back. Columns are scaled inside: standardised, or mapped through
    their quantiles to a normal where they have heavy tails or a narrow core, with the
    log-determinant kept. Columns that never vary are returned as they were.

    Parameters
    ----------
    n_transforms : int
        Number of layers; each column is transformed by half of the couplings.
    hidden_features : sequence of int
        Widths of the network in each layer.
    n_bins : int
        Bins of each spline.
    bijection : str or dict
        What transforms a column: "rqs", a rational-quadratic spline; "affine", shift and scale
        (RealNVP [2]_); "circular", a spline of the circle [3]_, for angles in radians. A dict gives
        it by column. Columns named `phi` or `..._phi` are "circular" unless a dict says otherwise,
        and are drawn in (-pi, pi]. "planar" [4]_ and "sylvester" [5]_ move all columns together,
        angles as plain numbers; they are sampled by solving an equation for each event.
    structure : {"coupling", "autoregressive"}
        Half of the columns steer the others in turn; or each column is steered by all before it,
        which describes more and is sampled column by column, several times slower.
    permutation : {"random", "reverse"}
        Order of columns from layer to layer.
    integer_columns : sequence of str or int
        Columns of counts, by name or position: spread over [n, n + 1) in the fit, and rounded down
        when drawn, to no less than the fit has seen; `score_samples` has their probability, zero
        below.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X had names.
    input_shape_ : tuple of int
        Shape of one event, as `sample` returns it.
    history_ : list of dict
        Losses of each epoch.
    best_epoch_ : int
        The epoch whose weights were kept.
    net_ : skorch.NeuralNet or None
        None where no column varies.

    References
    ----------
    .. [1] C. Durkan, A. Bekasov, I. Murray and G. Papamakarios, "Neural Spline Flows",
       arXiv:1906.04032.
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
    >>> from skjetsim.flows import FlowGenerator
    >>> X = np.random.default_rng(0).normal(size=(512, 2))
    >>> flow = FlowGenerator(max_epochs=2, random_state=0).fit(X)
    >>> flow.sample(3, random_state=1).shape
    (3, 2)
    >>> bool(np.allclose(flow.inverse_transform(flow.transform(X)), X, atol=1e-3))
    True
    """

    n_transforms: int = 6
    hidden_features: tuple[int, ...] = (128, 128)
    n_bins: int = 8
    bijection: str | dict = "rqs"
    structure: str = "coupling"
    permutation: str = "random"
    integer_columns: tuple = ()
    learning_rate: float = 4e-3
    max_epochs: int = 40

    def _circular(self, names):
        return circular_columns(self, names)

    def _settings(self, names, root):
        return flow_settings(self, names, root)

    def _make_network(self, **settings):
        from skjetsim._nn import Flow

        return Flow(self.encoder_.n_outputs_, 0, **settings)
