"""OTUSSimulator: simulate and unfold with one model, learnt from unpaired samples."""

from collections.abc import Callable

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skjetsim._encoders._column_checks import check_reach
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._estimators._unpaired_score import unpaired_score
from skjetsim.base._finite import check_drawn
from skjetsim.base._inverse import InverseSampling
from skjetsim.base._shapes import as_target
from skjetsim.base._simulator import BaseSimulator
from skjetsim.transport._table import read_tables
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._four_vectors import energy
from skjetsim.utils._seeds import as_seed_sequence, child_seed
from skjetsim.utils._validation import validate_target
from skjetsim.utils._with_parameters import with_parameters

LARGEST_BATCH = 4096
# Branch of the constructor's random_state, in addition to those of NetworkEstimator.
COMPARED = 300


@with_parameters
class OTUSSimulator(InverseSampling, NetworkEstimator, BaseSimulator):
    """Simulate and unfold with two maps that are learnt from unpaired events.

    An encoder E maps detector-level events y to theory level, and a decoder D maps theory-level
    events X to detector level. Pairs are not needed. Encoded events should be distributed as X,
    decoding them should give y again, and decoded events X should be distributed as y [1]_.
    Distributions are compared by sliced Wasserstein distances, along random directions and, if
    asked for, along single columns and observables. `transform` simulates the detector, and
    `inverse_transform` unfolds.

    Parameters
    ----------
    masses : None, float or dict of str to float
        Masses in GeV, one for all objects with columns px, py, pz and E, or by name of the object.
        The maps then give momenta, and energies are computed from the mass.
    noise : {"conditional", "standard", "additive", None}
        Noise of the maps. "conditional" is an input, whose mean and width come from a network that
        sees the event. "standard" is an input, and standard normal. "additive" is added to the
        output, with a width for each column. With None, both maps are deterministic.
    n_noise : int or None
        Columns of noise of each map. None means as many as output columns.
    residual : bool or dict of str to float
        True adds the output of a map, in standard deviations, to the input column of the same name.
        In equally wide tables it also adds to the column at the same position, if both are the same
        component, such as px of a quark and of a jet, or if X and y have no name in common. A dict
        does so for some columns, by name or component, in steps of the typical response, such as
        ``{"log_pt": 0.05, "eta": 0.001, "phi": 0.001}``.
    per_object : bool or list of list of str
        Draw each object of y (`muon_pt`, ...) from the same object of X alone, with its own network
        and noise, as detectors measure particles. A sinh stretches the output of the network, for
        tails far outside the core. In a list of lists of objects, such as
        ``[["electron", "positron"]]``, the objects of a list share a network: a mass peak then
        tells the resolution. The encoder always sees the whole event.
    hidden_features : sequence of int
        Widths of the layers of each network.
    n_blocks : int
        Number of residual blocks with batch normalisation, after these layers.
    activation : {"relu", "silu"}
    scale : {"standard", "normal"}
        Scale of columns and observables before networks and slices see them: with mean and standard
        deviation, or with their quantiles to a normal, which gives core and tails equal weight.
    observables : sequence of callable
        Quantities of both levels, such as `InvariantMass("electron", "positron")`, that networks
        and slices see in addition to the columns. Any function that takes a mapping from column
        names to tensors can be used.
    theory_observables : sequence of callable
        Further observables of X alone.
    target_observables : sequence of callable
        Further observables of y alone.
    data_weight : float
        Weight of the squared error of D(E(y)), in steps of the decoder's columns.
    latent_weight : float
        Weight of the distance of E(y) from X.
    simulated_weight : float
        Weight of the distance of D(X) from y.
    latent_loss : {"sliced_wasserstein", "mmd", "kl"}
        Distance of E(y) from X: that of slices, the maximum mean discrepancy, or the
        Kullback-Leibler divergence of a variational autoencoder. The latter compares the Gaussian
        of each encoded event with a flow fitted to X, and needs the noise "additive".
    p : {1, 2}
        Power of the distances along slices.
    n_slices : int
        Number of random directions in each step.
    n_learned_slices : int
        Number of further directions, which each step turns towards the largest distance.
    marginal_weight : float
        Weight of the mean distance of single columns, in addition to the slices.
    observable_weight : float
        Weight of the mean distance of single observables.
    anchor_weight : float
        Weight of the anchors, which keep an event near its input.
    anchors : None, callable, or list of (str or sequence of str)
        A list has vectors, as objects with px, py and pz or as lists of columns. Their cost is
        1 - cos of the angle between both levels. A callable takes the mappings of columns of both
        levels, and returns a cost for each event. None is the mean squared step of the columns with
        the same name.
    thresholds : None or dict of str to float
        Smallest transverse momentum of objects at detector level, in GeV. Reconstructed events
        below it are not in the squared error, which is divided by the share of those above. Drawn
        events may be below it: use `BoundTransformer` to prevent that.
    paired_weight : float
        Weight of the energy score of the pairs that `paired` marks in `fit`.
    train : {"both", "decoder", "encoder"}
        Maps that are trained. A decoder alone simulates, an encoder alone unfolds.
    stages : None or sequence of dict
        Parameters that each of several consecutive trainings changes: `train`, the weights,
        `max_epochs`, `learning_rate`, `batch_size` and `schedule`.
    batch_size : int or "auto"
        Rows of each level in a training step. "auto" makes about 16 steps an epoch, of 64 to 4096
        rows. The training hardly sees errors of a distribution below about 1 / sqrt(batch_size).
    validation_fraction : float
        Share of the smaller level's events that are held back to choose the best epoch, with as
        many events of the other level. 0 keeps the last epoch.
    checkpoint : str or None
        File written after each epoch. A killed `fit` with the same data and parameters resumes from
        it, to the same result. It needs a `random_state`. Each stage has its own file.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.
    paired_ : bool
        False: `score` and scorers compare distributions, not events.
    history_ : list of dict
        Losses of each epoch of each stage, and the share of reconstructed events above the
        thresholds.
    n_epochs_ : int
        Epochs of all stages.
    stop_reason_ : str
        How the last stage ended: "max_epochs", "patience", "callback", "interrupted" or
        "not_finite".
    best_epoch_ : int
        The epoch of the last stage whose weights were kept.
    net_ : skorch.NeuralNet

    See Also
    --------
    make_zee_otus, make_ttbar_otus : The published models.
    make_zee_unpaired : Better coordinates and settings.
    skjetsim.inspection.TransportPlanDisplay : Shows where events are moved to.
    skjetsim.flows.FlowSimulator : Learns from pairs, also the width of the response.

    Notes
    -----
    Let d be the squared error, W the distance along slices, and c the cost of the anchors. The loss
    is

    data_weight d(y, D(E(y))) + latent_weight W(X, E(y)) + simulated_weight W(y, D(X))
    + anchor_weight (c(E(y), y) + c(X, D(X))).

    Encoded events are distributed as X for any y. The unfolded spectrum is therefore that of the
    simulation. If nature has another spectrum, the decoder takes the difference for a detector
    effect. The draws of `sample_inverse` are not from the posterior of the truth.

    Unpaired samples determine distributions, but not which event belongs to which. If a narrow and
    a wide response give the same spectra, this loss cannot tell them apart. The mean response is
    right if the maps start at the identity (`residual`). Its width is only right with `per_object`
    and a mass peak that shows it, or with some pairs (`paired`).

    Slices are compared rank by rank, so that batches of both levels are equally large. With `p=2`
    the tails, whose distances are largest, have most of the gradient.

    References
    ----------
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.transport import OTUSSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.normal(60, 10, size=(512, 1))               # GeV
    >>> measured = rng.normal(60, 10, size=(400, 1)) * rng.normal(0.9, 0.1, size=(400, 1))
    >>> simulator = OTUSSimulator(max_epochs=2, random_state=0).fit(energy, measured)
    >>> simulator.transform(energy).shape, simulator.inverse_transform(measured).shape
    ((512, 1), (400, 1))
    >>> simulator.sample_inverse(measured, n_samples=10, random_state=1).shape
    (400, 10, 1)
    """

    masses: float | dict | None = None
    noise: str | None = "standard"
    n_noise: int | None = None
    residual: bool | dict = False
    per_object: bool | list = False
    hidden_features: tuple[int, ...] = (128, 128)
    n_blocks: int = 0
    activation: str = "silu"
    scale: str = "normal"
    observables: tuple = ()
    theory_observables: tuple = ()
    target_observables: tuple = ()
    data_weight: float = 0.02
    latent_weight: float = 1.0
    simulated_weight: float = 1.0
    latent_loss: str = "sliced_wasserstein"
    p: int = 1
    n_slices: int = 48
    n_learned_slices: int = 0
    marginal_weight: float = 1.0
    observable_weight: float = 1.0
    anchor_weight: float = 0.0
    anchors: Callable | list | None = None
    thresholds: dict | None = None
    paired_weight: float = 1.0
    train: str = "both"
    stages: tuple | list | None = None
    max_epochs: int = 100
    weight_decay: float | str = 0.0
    validation_fraction: float = 0.0

    paired_ = False
    score = unpaired_score

    def fit(self, X, y, sample_weight=None, *, paired=None):
        """Learn both maps.

        Parameters
        ----------
        X : array-like of shape (n_theory, n_features)
            Theory-level events.
        y : array-like of shape (n_measured, n_targets) or (n_measured,)
            Detector-level events, in any number and any order.
        sample_weight : array-like of shape (n_theory,), optional
            Weights of the rows of X and of y, which must be equally long. Rows are drawn by weight.
        paired : array-like of bool, shape (n_theory,), optional
            Rows in which X and y, which must be equally long, are the same event. They also train
            the maps as pairs.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On NaN or infinity (naming column and row), different lengths with `paired` or weights,
            a mask that is not boolean, a level that does not vary, missing columns of masses,
            thresholds, anchors or observables, energies off the mass shell, fewer events than
            `batch_size`, thresholds that no event passes, a map without a loss, parameters out of
            range, or a loss that is not finite in the first epoch.
        """
        self._announce_torch()
        from skjetsim._nn import resolve_device
        from skjetsim.transport._identity import warn_if_worse
        from skjetsim.transport._settings import course, lay_out
        from skjetsim.transport._training import StagedTraining, check_losses, read_stages

        theory, measured, mask = read_tables(self, X, y, paired, sample_weight, self.masses)
        self._forget_fit()
        n_rows, n_longest = sorted((len(theory.values), len(measured.values)))
        plan = self._training_plan(n_longest, self.n_features_in_ + self.n_targets_)
        stages = read_stages(self, plan, n_rows, min(self._auto_batch(n_longest), n_rows))
        root = as_seed_sequence(self.random_state)
        self._set_architecture(lay_out(self, theory, measured, root))
        check_losses(
            stages, self._architecture, has_pairs=mask.any(), several=self.stages is not None
        )
        self.reach_ = [theory.reach(), measured.reach()]
        training = StagedTraining(
            self._make_net(plan, root).module,
            (theory, measured),
            mask,
            validation_fraction=self.validation_fraction,
            root=root,
            device=resolve_device(self.device),
        )
        for number, (stage, plan) in enumerate(stages):
            net = training.net(number, stage, plan, course(self._architecture))
            self._train_stage(net, number, training)
        warn_if_worse(self, theory, measured, child_seed(root, COMPARED))
        return self

    @staticmethod
    def _auto_batch(n_rows):
        """Batches are large, since distributions are compared."""
        return int(np.clip(n_rows // 16, min(64, n_rows), LARGEST_BATCH))

    def _make_network(self, **settings):
        from skjetsim.transport._settings import make_network

        return make_network(settings)

    def _train_stage(self, net, number, training):
        learnt = {name: value.clone() for name, value in net.module.state_dict().items()}
        try:
            net.fit(training.training, training.validation)
        except Exception:
            self._forget_fit(go_on=False)
            raise
        except KeyboardInterrupt:  # what has been learnt is a fitted model
            if net.best_epoch_ == 0:
                net.module.load_state_dict(learnt)
            self._keep_stage(net, number)
            raise
        self._keep_stage(net, number)

    def _keep_stage(self, net, number):
        if net.best_epoch_ == 0:
            return
        before, trained = self.history_, net.module_.stage.train
        # A map that an earlier stage has trained is kept.
        self.trained_ = trained if not before or trained == self.trained_ else "both"
        self._keep(net)
        self.history_ = before + [{"stage": number, **epoch} for epoch in self.history_]

    def _draw_targets(self, rows, n_samples, random_state):
        return self._move("decoder", np.repeat(rows, n_samples or 1, axis=0), random_state)

    def _draw_inverse(self, rows, n_samples, random_state):
        return self._move("encoder", np.repeat(rows, n_samples or 1, axis=0), random_state)

    def _move(self, name, rows, random_state):
        """Map rows to the other level."""
        self._require(name)
        what, side, function, n_columns = {
            "decoder": ("X", "theory", "simulate", self.n_targets_),
            "encoder": ("y", "measured", "unfold", self.n_features_in_),
        }[name]
        reach = self.reach_[0 if what == "X" else 1]
        check_reach(rows, reach, self._architecture[side]["names"], what)
        n_noise = getattr(self.net_.module_, name).n_noise

        def draw(chunk):
            drawn = self._module_call(function, chunk.inputs, chunk.normal(n_noise))
            return _finish(drawn, self._architecture[name])

        return self._draw(len(rows), n_columns, random_state, rows, draw)

    def _require(self, name):
        """Raise NotFittedError unless the map of this name was trained."""
        if self.trained_ not in ("both", name):
            raise NotFittedError(
                f"This {type(self).__name__} was fitted with train={self.trained_!r}: it has no "
                f'{name}. Fit it with train="both".'
            )

    def reconstruct(self, y, *, random_state=None):
        """Unfold detector-level events and simulate them again: D(E(y)).

        For a Pipeline, call ``skjetsim.sample(model, skjetsim.sample_inverse(model, y))``.

        Parameters
        ----------
        y : array-like of shape (n, n_targets)
        random_state : None, int, Generator or RandomState

        Returns
        -------
        y : ndarray of shape (n, n_targets)
        """
        check_is_fitted(self)
        self._require("decoder")
        rows = validate_target(self, y, n_samples=None, reset=False)
        there, back = as_seed_sequence(random_state).spawn(2)
        theory = self._move("encoder", rows, there)
        check_drawn(self, theory, rows, "y")
        again = self._move("decoder", theory, back)
        check_drawn(self, again, rows, "y")
        return as_target(self, again, y)


def _finish(rows, layout):
    """Set constants, angles and energies of `rows` in double precision."""
    for column, value in layout.constants.items():
        rows[:, column] = value
    angles = [i for i, angle in zip(layout.free, layout.angle, strict=True) if angle]
    rows[:, angles] = wrap_phi(rows[:, angles])
    for *momentum, column, mass in layout.shells:
        rows[:, column] = energy(*rows[:, momentum].T, mass)
    return rows
