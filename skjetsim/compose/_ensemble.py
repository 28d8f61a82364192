"""EnsembleSimulator: several copies of a simulator, each trained on other events."""

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skjetsim._drawing._sample import log_prob, sample, sample_inverse
from skjetsim.base._inside import (
    check_simulator,
    checkpoints_inside,
    explained,
    fit_weighted,
    going_on,
    number_checkpoints,
    set_seeds,
)
from skjetsim.base._inverse import InverseSampling
from skjetsim.base._shapes import as_target
from skjetsim.base._tags import is_paired, unwrapped
from skjetsim.compose._meta_simulator import MetaSimulator, all_have
from skjetsim.compose._tables import flat_rows, target_table, theory_table
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._seeds import Seed, as_seed_sequence, int_seed, numpy_rng
from skjetsim.utils._tables import has_target_names
from skjetsim.utils._threads import single_threaded
from skjetsim.utils._validation import check_int, check_n_jobs, check_option
from skjetsim.utils._warnings import warn_user
from skjetsim.utils._with_parameters import with_parameters

RESAMPLINGS = ("disjoint", "bootstrap", "folds")

# Branches of a seed: the first two are for `fit`, the others for a draw.
RESAMPLE, MEMBER, CHOICE, DRAW = range(4)


def _can_unfold(self):
    return all(hasattr(unwrapped(member), "sample_inverse") for member in self._inside)


@with_parameters
class EnsembleSimulator(InverseSampling, MetaSimulator):
    """Train copies of a simulator on different events, and use their spread as an error.

    A simulator learns from a finite sample, and therefore has an error that its draws do not show.
    The spread of ten models that are trained on disjoint samples shows it [1]_. In that paper it is
    the error band of a histogram, for five times as many events as each model was trained on.
    `skjetsim.metrics.histogram_band` makes the band from the draws of `sample_members`.

    Parameters
    ----------
    simulator : simulator
        Cloned for each member. It may be a Pipeline or a search that ends in a simulator.
    n_estimators : int
        Number of members, at least two.
    resampling : {"disjoint", "bootstrap", "folds"}
        Events that each member learns from:

        - "disjoint": a random 1 / n_estimators of all events, shared with no other member.
        - "bootstrap": as many as there are, drawn with replacement. If the simulator holds back
          events for validation, copies of an event can be in both parts: memorised events then
          look like learnt ones.
        - "folds": all events except a random 1 / n_estimators.
    n_jobs : int or None
        Processes that fit members, each on one thread. The result does not depend on it. The first
        start of the processes takes some seconds.
    random_state : int, RandomState, Generator or None
        Seed of the choice of events, of the members, and of the noise of `transform` and `score`.

    Attributes
    ----------
    estimators_ : list of simulators
        The fitted members.
    estimators_samples_ : list of ndarray of int
        Rows of X that each member has learnt from.
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.
    target_shape_ : tuple of int
        Shape of one row of y.
    paired_ : bool
        That of the members. If it is False, `score` compares distributions.

    See Also
    --------
    skjetsim.metrics.histogram_band : Statistical and systematic error of each bin.
    sklearn.ensemble.BaggingRegressor : The same for regressors.

    Notes
    -----
    Members on disjoint parts are independent. Their spread is the error of *one* model with
    1 / n_estimators of the events. `sample` draws from the mean of the members, whose error is
    smaller: differences between the members average out by a factor of sqrt(n_estimators). Errors
    that all members have in common, such as those of a network that is too small, are not in the
    spread. Each bootstrap member sees about 63% of the events, some of them several times. The
    spread is that of models with as many events as there are. Members that leave out a fold share
    most of their events. The statistical part of their spread is smaller by a factor of
    sqrt(n_estimators) - 1 / sqrt(n_estimators), as in a jackknife.

    `predict` is the mean of the members' point predictions. Azimuths (columns named `phi`) are
    averaged on the circle.

    `sample` and `sample_inverse` draw each event from a random member. Several draws of one event
    have an axis of their own, so that errors of a histogram can count them as one event.

    If the simulator has `warm_start`, each member goes on from its weights in the fit before.

    If the simulator has a `checkpoint`, each member has its own file, with its number appended.

    References
    ----------
    .. [1] arXiv:2010.01835, analysis-specific fast simulation.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.compose import EnsembleSimulator
    >>> from skjetsim.flows import FlowSimulator
    >>> from skjetsim.metrics import histogram_band
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> flow = FlowSimulator(max_epochs=2)
    >>> ensemble = EnsembleSimulator(flow, n_estimators=3, random_state=0).fit(energy, measured)
    >>> ensemble.sample([[50.0], [100.0]], random_state=1).shape
    (2, 1)
    >>> members = ensemble.sample_members(energy, n_samples=4, random_state=1)
    >>> members.shape
    (3, 512, 4, 1)
    >>> histogram_band(members[..., 0], [0, 50, 100, 150, 200]).total.shape
    (4,)
    """

    simulator: BaseEstimator
    n_estimators: int = 10
    resampling: str = "disjoint"
    n_jobs: int | None = None
    random_state: Seed = None

    _needs_pairs = False
    _learnt = "estimators_"

    @property
    def _inside(self):
        return getattr(self, "estimators_", [self.simulator])

    def fit(self, X, y, sample_weight=None):
        """Fit every member on its events.

        After Ctrl-C the members that are finished are the ensemble, if there are at least two.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events. Row i of both is the same event, except for a simulator that
            learns from unpaired events.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the events. Those of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `simulator` is not a simulator, or `n_estimators` is not an integer.
        ValueError
            On bad values (naming column and row), different lengths, different indices of pairs,
            fewer events than the members need, members whose columns are not those of y, or a
            checkpoint without a seed.
        """
        self._check_parameters()
        paired = is_paired(self.simulator)
        X, y, weight = self._read_events(X, y, sample_weight, paired=paired)
        self._check_equally_many(X, y)
        root = as_seed_sequence(self.random_state)
        rows = np.arange(len(X)) if weight is None else np.flatnonzero(weight)
        samples = self._resample(rows, numpy_rng(root, RESAMPLE))
        members = [clone(self.simulator) for _ in range(self.n_estimators)]
        for number, member in enumerate(members):
            set_seeds(member, root, MEMBER, number, replace=True)
        number_checkpoints(members)
        members = going_on(self, "estimators", members)
        fitted = []
        try:
            self._fit_members(members, (X, y, weight), samples, fitted)
        except KeyboardInterrupt:
            self._keep_finished(fitted, samples)
            raise
        self._check_targets(fitted)
        self.estimators_, self.estimators_samples_ = fitted, samples
        return self

    def _fit_members(self, members, events, samples, fitted):
        """Fit the members, and append each to `fitted` when it is finished."""
        with single_threaded():  # for members that are fitted in this process or its threads
            finished = Parallel(n_jobs=self.n_jobs, return_as="generator")(
                delayed(_fit_member)(self, member, *events, part)
                for member, part in zip(members, samples, strict=True)
            )
            for member in finished:
                fitted.append(member)

    def _keep_finished(self, fitted, samples):
        """After Ctrl-C, make an ensemble of the members that are finished."""
        if len(fitted) < 2:
            return
        self._check_targets(fitted)
        self.estimators_, self.estimators_samples_ = fitted, samples[: len(fitted)]
        warn_user(
            f"EnsembleSimulator was interrupted and keeps the {len(fitted)} members, of "
            f"{self.n_estimators}, that were finished."
        )

    def _draw_targets(self, rows, n_samples, random_state):
        width = self.n_targets_
        return self._mixture(sample, theory_table, rows, n_samples, width, random_state)

    @available_if(_can_unfold)
    def _draw_inverse(self, rows, n_samples, random_state):
        width = self.n_features_in_
        return self._mixture(sample_inverse, target_table, rows, n_samples, width, random_state)

    def sample_members(self, X, *, n_samples=None, random_state=None):
        """Simulate the events once with each member.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        n_samples : int, optional
            Draws for each event.
        random_state : None, int, Generator or RandomState

        Returns
        -------
        y : ndarray of shape (n_members, n, n_targets), or (n_members, n, n_samples, n_targets)
        """
        check_is_fitted(self)
        events = self._events(X, min_samples=0)
        draws = () if n_samples is None else (check_int(n_samples, "n_samples"),)
        drawn = np.empty((len(self.estimators_), len(events), *draws, self.n_targets_))
        root = as_seed_sequence(random_state)
        if len(events):
            table = theory_table(self, events)
            for number, member in enumerate(self.estimators_):
                seed = int_seed(root, DRAW, number)
                rows = sample(member, table, n_samples=n_samples, random_state=seed)
                drawn[number] = np.asarray(rows).reshape(drawn.shape[1:])
        return as_target(self, drawn)

    def _predict_inside(self, rows):
        return self._predictions(rows)[0]

    @available_if(all_have("predict"))
    def predict_std(self, X):
        """Standard deviation of the members' point predictions: the error of one member.

        `QuantileSimulator` has point predictions of its own. Those of other simulators are medians
        of draws, and their noise is part of the spread.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
            With n_members - 1 in the denominator. It is not the resolution of the detector: that
            is the spread of `sample`.
        """
        check_is_fitted(self)
        return as_target(self, self._predictions(self._events(X))[1], X, keep_dtypes=False)

    @available_if(all_have("score_samples"))
    def _log_density(self, X, y):
        X, y = theory_table(self, X), target_table(self, y)
        densities = [log_prob(member, X, y) for member in self.estimators_]
        return logsumexp(densities, axis=0) - np.log(len(densities))

    def _check_parameters(self):
        check_simulator(self.simulator)
        check_int(self.n_estimators, "n_estimators", minimum=2)
        check_option(self.resampling, "resampling", RESAMPLINGS)
        check_n_jobs(self.n_jobs)
        files = checkpoints_inside(self.simulator)
        if files and self.random_state is None:
            raise ValueError(
                f"{min(files)} needs an int as random_state of EnsembleSimulator, which gives the "
                "members their seeds: with None each fit has other seeds, and cannot resume from "
                "its file."
            )

    def _check_equally_many(self, X, y):
        """Raise ValueError unless X and y are equally long: members get the same rows of both."""
        if len(X) == len(y):
            return
        longer, least = ("X", len(y)) if len(X) > len(y) else ("y", len(X))
        raise ValueError(
            f"X has {len(X)} rows and y {len(y)}: EnsembleSimulator resamples rows of both levels "
            "together and needs equally many, also if the simulator learns from unpaired events. "
            f"Choose {least} random rows of {longer}, for example with "
            f"sklearn.utils.resample({longer}, replace=False, n_samples={least})."
        )

    def _resample(self, rows, rng):
        """Rows of each member; `rows` are those that have a weight."""
        n_members = self.n_estimators
        needed = {"disjoint": 2 * n_members, "bootstrap": 2, "folds": max(n_members, 4)}
        if len(rows) < needed[self.resampling]:
            raise ValueError(
                f"{n_members} members with resampling={self.resampling!r} need "
                f"{needed[self.resampling]} events, so that each has at least two events of "
                f"positive weight, got n_samples = {len(rows)}. Lower n_estimators, or pass more "
                "events."
            )
        if self.resampling == "bootstrap":
            return [np.sort(rng.choice(rows, size=len(rows))) for _ in range(n_members)]
        parts = [np.sort(part) for part in np.array_split(rng.permutation(rows), n_members)]
        if self.resampling == "disjoint":
            return parts
        return [np.setdiff1d(rows, fold, assume_unique=True) for fold in parts]

    def _check_targets(self, members):
        """Raise ValueError if a member that was fitted before simulates other columns than y."""
        for number, member in enumerate(members):
            model = unwrapped(member)
            found = getattr(model, "target_names_in_", None)
            if found is None:
                continue
            compared = has_target_names(self) and has_target_names(model)
            wrong = compared and list(found) != list(self.target_names_in_)
            if wrong or len(found) != self.n_targets_:
                raise ValueError(
                    f"member {number}, a {type(member).__name__}, simulates the columns "
                    f"{list(found)}, but y has {list(self.target_names_in_)}. Fit with the "
                    "columns it was made for, or pass a simulator that was not fitted before."
                )

    def _mixture(self, draw, to_table, rows, n_samples, width, random_state):
        """Draw `n_samples` events for each row, each from a random member."""
        at = np.repeat(np.arange(len(rows)), n_samples or 1)
        root = as_seed_sequence(random_state)
        chosen = numpy_rng(root, CHOICE).integers(len(self.estimators_), size=len(at))
        drawn = np.empty((len(at), width))
        for number, member in enumerate(self.estimators_):
            mine = np.flatnonzero(chosen == number)
            if len(mine):
                seed = int_seed(root, DRAW, number)
                with explained(rows=at[mine]):
                    part = draw(member, to_table(self, rows[at[mine]]), random_state=seed)
                drawn[mine] = flat_rows(part, len(mine))
        return drawn

    def _predictions(self, rows):
        """Mean and standard deviation of the members' predictions."""
        table = theory_table(self, rows)
        each = np.stack([member.predict(table) for member in self.estimators_])
        each = each.reshape(*each.shape[:2], -1).astype(np.float64)
        angles = [is_angle(name) for name in self.target_names_in_]
        offset = each - each[0]
        offset[..., angles] = wrap_phi(offset[..., angles])
        mean = each[0] + offset.mean(axis=0)
        mean[:, angles] = wrap_phi(mean[:, angles])
        return mean, offset.std(axis=0, ddof=1)


def _fit_member(ensemble, member, X, y, weight, rows):
    """Fit one member on `rows`; X, y and weight have all events, and processes share them."""
    X, y = theory_table(ensemble, X[rows]), target_table(ensemble, y[rows])
    own = None if weight is None else weight[rows]
    with single_threaded(), explained(rows=rows):
        return fit_weighted(member, X, y, weight=own)
