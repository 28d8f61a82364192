"""InvertibleUnfolder: a bijection between theory and detector level, run backwards."""

import numbers

import numpy as np

from skjetsim._encoders._column_checks import check_columns
from skjetsim._encoders._table import TableEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim.base._checks import check_pairs
from skjetsim.base._inverse import BaseUnfolder
from skjetsim.flows._density import ORDERS
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng
from skjetsim.utils._validation import check_int
from skjetsim.utils._with_parameters import with_parameters

# Branch of the constructor's random_state in addition to those of NetworkEstimator.
NOISE = 10


@with_parameters
class InvertibleUnfolder(NetworkEstimator, BaseUnfolder):
    """Unfold with a bijection between theory and detector level, trained in both directions.

    One invertible network maps theory-level events to detector-level events, and its inverse maps
    them back. It minimises the squared errors of both predictions, plus `mmd_weight` times the
    maximum mean discrepancies between predicted and true events on both sides. Its two variants,
    with and without noise, are the networks that [1]_ starts from. [1]_ replaces them by a
    conditional network, `Unfolder(FlowSimulator())`, because their posteriors are wrong. They are
    here for comparison.

    With ``n_noise=0``, a detector-level event has one theory-level event and no posterior: all
    draws are equal. With ``n_noise=k``, both sides are extended by noise, (x, r_x) <-> (y, r_y),
    and each r_y gives another x.

    Parameters
    ----------
    n_noise : int
        Columns of noise in addition to those of the wider side. The narrower side gets more, so
        that both are equally wide. With 0, the narrower side is padded with zeros.
    mmd_weight : float
        Weight of the discrepancies. Squared errors, in units of standard deviations, have weight 1.
    n_transforms : int
        Number of couplings. Each transforms half of the columns.
    hidden_features : sequence of int
        Widths of the layers of the network in each coupling.
    n_bins : int
        Number of bins of each spline.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
        Number of columns of X and of y.
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
        The trained network. None if no column of X varies.

    See Also
    --------
    skjetsim.compose.Unfolder : Unfolds with a conditional network, whose posteriors are calibrated.
    skjetsim.inspection.CalibrationDisplay : Shows whether posteriors are calibrated.

    Notes
    -----
    Of all maps with the right marginals, the one with the smallest squared error ignores the noise.
    The posteriors of ``n_noise=k`` are therefore far too narrow. For example, let x and y be normal
    with unit variance and correlation c, and let the map be y = a x + b r with a^2 + b^2 = 1. The
    mean squared error is 2 - 2 a c. It is smallest for b = 0, but the posterior requires a = c.

    Columns are scaled inside, as in `FlowSimulator`. Columns of X that never vary are returned as
    they were. Angles are treated as numbers, which is wrong at the seam at pi, so use momenta in
    Cartesian coordinates. Column i of X starts as column i of y. The network therefore learns
    faster if both sides have the same order.

    References
    ----------
    .. [1] M. Bellagente et al., "Invertible networks or partons to detector and back again",
       SciPost Phys. 9 (2020) 074, arXiv:2006.06685. Here, the couplings are splines, and the
       kernel of the discrepancy is a mean of inverse multiquadrics.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.flows import InvertibleUnfolder
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> unfolder = InvertibleUnfolder(n_noise=1, max_epochs=2, random_state=0)
    >>> unfolder.fit(energy, measured).inverse_transform([[50.0], [100.0]]).shape
    (2, 1)
    >>> unfolder.sample_inverse([[50.0]], n_samples=1000, random_state=1).shape
    (1, 1000, 1)
    """

    n_noise: int = 0
    mmd_weight: float = 1.0
    n_transforms: int = 6
    hidden_features: tuple[int, ...] = (128, 128)
    n_bins: int = 8
    max_epochs: int = 20
    weight_decay: float | str = 0.0

    def fit(self, X, y, sample_weight=None):
        """Learn the bijection from pairs of events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events. Row i of X and row i of y are the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the events. Those of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X or y has NaN or infinity (the message names column and row), or a column that
            varies by rounding only. If lengths or indices of X and y differ, weights are negative
            or all zero, a parameter is out of range, or the loss is not finite in the first epoch.
        """
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        check_columns(X, names, "X", weight=weight)
        check_columns(y, self.target_names_in_, "y", weight=weight)
        self.encoder_ = TableEncoder(names).fit(X, weight)
        self.measured_encoder_ = TableEncoder(self.target_names_in_, what="y").fit(y, weight)
        self._fit_map(X, y, weight)
        return self

    def _fit_map(self, X, y, weight):
        from skjetsim._nn import column_orders

        plan = self._training_plan(len(X), X.shape[1] + y.shape[1])
        n_transforms = check_int(self.n_transforms, "n_transforms")
        if not isinstance(self.mmd_weight, numbers.Real) or not self.mmd_weight >= 0:
            raise ValueError(f"mmd_weight must not be negative, got {self.mmd_weight!r}.")
        # Settings are kept with the fit: parameters that are set later belong to the next fit.
        self._forget_fit()
        settings = {
            "n_noise": check_int(self.n_noise, "n_noise", minimum=0),
            "mmd_weight": float(self.mmd_weight),
            "hidden_features": check_widths(self.hidden_features, "hidden_features"),
            "n_bins": check_int(self.n_bins, "n_bins", minimum=2),
        }
        self._architecture = settings
        if not self.encoder_.n_outputs_:
            self.net_ = None
            return
        root = as_seed_sequence(self.random_state)
        width = self.encoder_.n_outputs_ + self._paddings()[0]
        rng = numpy_rng(root, ORDERS)
        orders = column_orders(width, n_transforms, "random", rng)
        self._set_architecture(settings | {"orders": orders})
        theory, measured = self.encoder_.encode(X), self.measured_encoder_.encode(y)
        inputs = (theory, measured, self._training_padding(len(X), root))
        self._train(plan, root, inputs, weight)

    def _paddings(self):
        """Numbers of columns that must be added to X and to y to make them equally wide."""
        from skjetsim._nn import invertible_width

        sides = self.encoder_.n_outputs_, self.measured_encoder_.n_outputs_
        width = invertible_width(*sides, self._architecture["n_noise"])
        return [width - side for side in sides]

    def _training_padding(self, n_rows, root):
        shape = (n_rows, sum(self._paddings()))
        noisy = self._architecture["n_noise"] > 0
        return numpy_rng(root, NOISE).normal(size=shape) if noisy else np.zeros(shape)

    def _make_network(self, **settings):
        from skjetsim._nn import InvertibleMap

        widths = self.encoder_.n_outputs_, self.measured_encoder_.n_outputs_
        return InvertibleMap(*widths, **settings)

    def _draw_inverse(self, rows, n_samples, random_state):
        self.measured_encoder_.check(rows)
        rows = np.repeat(rows, n_samples or 1, axis=0)
        return self._draw(len(rows), self.n_features_in_, random_state, rows)

    def _draw_chunk(self, chunk):
        if self.net_ is None:
            return self.encoder_.decode(np.zeros((chunk.n_rows, 0)))
        padding = np.zeros((chunk.n_rows, self._paddings()[1]))
        if self._architecture["n_noise"]:
            padding = chunk.normal(padding.shape[1])
        rng = np.random.default_rng(chunk.generator().initial_seed())
        measured = self.measured_encoder_.encode(chunk.inputs, rng)
        return self.encoder_.decode(self._module_call("unfold", measured, padding))
