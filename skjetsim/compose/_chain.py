"""SimulatorChain: each step learns some columns of y, given X and those of the steps before."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if

from skjetsim._drawing._sample import log_prob, sample
from skjetsim._sklearn_compat import BaseComposition
from skjetsim.base._inside import (
    check_simulator,
    explained,
    fit_weighted,
    number_checkpoints,
    set_seeds,
)
from skjetsim.compose._meta_simulator import MetaSimulator, all_have
from skjetsim.compose._tables import flat_rows, target_columns, theory_table
from skjetsim.utils._columns import find_columns, other_columns
from skjetsim.utils._seeds import Seed, as_seed_sequence, numpy_rng
from skjetsim.utils._tables import as_table, has_target_names
from skjetsim.utils._with_parameters import with_parameters

GIVEN = "measured"  # put in front of a column of y that a later step is given, if X has its name


class BaseChain(MetaSimulator):
    """Chain of simulators.

    A subclass defines ``_steps_of_fit()``, a list of (name, simulator, columns), and
    ``_check_parts()``, which raises if a parameter is wrong.
    """

    _learnt = "simulators_"
    _columns_label = "columns of step {!r}"  # in messages

    @property
    def _inside(self):
        fitted = vars(self).get("simulators_")
        if fitted is not None:
            return list(fitted.values())
        return [simulator for _, simulator, _ in self._steps_of_fit()]

    def fit(self, X, y, sample_weight=None):
        """Fit the steps in order, each given X and the true columns of the steps before.

        After Ctrl-C in the last step, the chain can be used if that step can be used.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to each step; events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If a step is not a simulator.
        ValueError
            If columns of a step are not in y or also belong to another step, or no step takes a
            column; on bad values (naming column and row), or different lengths or indices of X
            and y.
        """
        self._check_parts()
        steps = self._steps_of_fit()
        X, y, weight, used = self._read_used(X, y, sample_weight)
        self.columns_ = self._find_columns(steps)

        def fit(number, name, simulator):
            own = target_columns(self, y, self.columns_[name])
            with explained(f"in step {name!r}", used):
                fit_weighted(simulator, self._condition(X, y, number), own, weight=weight)

        self._fit_in_turn(self._clones(steps), fit)
        return self

    def _clones(self, steps):
        """Clones to fit, with seeds in place of None, and numbered checkpoints."""
        clones = {name: clone(simulator) for name, simulator, _ in steps}
        if self.random_state is not None:
            root = as_seed_sequence(self.random_state)
            for number, simulator in enumerate(clones.values()):
                set_seeds(simulator, root, 0, number)
        number_checkpoints(clones.values())
        return clones

    def _find_columns(self, steps):
        """Positions in y of the columns of each step."""
        names = list(self.target_names_in_) if has_target_names(self) else None
        found, owner = {}, {}
        for step, _, columns in steps:
            if columns is None:
                continue
            label = self._columns_label.format(step)
            found[step] = find_columns(columns, names, self.n_targets_, label, "y")
            for column in found[step]:
                if column in owner:
                    raise ValueError(
                        f"Column {self.target_names_in_[column]!r} of y is in the steps "
                        f"{owner[column]!r} and {step!r}: give it to one of them."
                    )
                owner[column] = step
        rest = other_columns(owner, self.n_targets_)
        taking = [step for step, _, columns in steps if columns is None]
        if taking and not rest:
            raise ValueError(f"No column of y is left for {taking[0]!r}, which takes the others.")
        if len(taking) > 1:
            raise ValueError(
                f"The steps {taking} all have the columns None, which takes the columns that no "
                "other step has. Only one step can take them: list the columns of the others."
            )
        if rest and not taking:
            raise ValueError(
                f"The columns {list(self.target_names_in_[rest])} of y are in no step. List them "
                "in a step, or set the columns of one step to None, so that it takes them."
            )
        found |= dict.fromkeys(taking, rest)
        return {step: found[step] for step, _, _ in steps}

    def _condition(self, rows, y, number):
        """What a step is given: X, followed by the columns of y of the steps before."""
        before = [column for own in list(self.columns_.values())[:number] for column in own]
        if not before:
            return theory_table(self, rows)
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            names = list(names)
            for name in self.target_names_in_[before]:
                while name in names:
                    name = f"{GIVEN}_{name}"
                names.append(name)
        return as_table(np.column_stack([rows, y[:, before]]), names)

    def _draw_targets(self, rows, n_samples, random_state):
        root, repeats = as_seed_sequence(random_state), n_samples or 1
        drawn = np.empty((len(rows) * repeats, self.n_targets_))
        at = np.repeat(np.arange(len(rows)), repeats)
        for number, (name, simulator) in enumerate(self.simulators_.items()):
            # The first step draws several times for each row. All others draw once for each draw.
            given, draws, source = (rows[at], None, at) if number else (rows, n_samples, None)
            table = self._condition(given, drawn, number)
            with explained(f"in step {name!r}", source):
                rng = numpy_rng(root, 1 + number)
                part = sample(simulator, table, n_samples=draws, random_state=rng)
            drawn[:, self.columns_[name]] = flat_rows(part, len(drawn))
        return drawn

    def _predict_inside(self, rows):
        """Predictions of the steps, each given those before."""
        predicted = np.empty((len(rows), self.n_targets_))
        for number, (name, simulator) in enumerate(self.simulators_.items()):
            part = simulator.predict(self._condition(rows, predicted, number))
            predicted[:, self.columns_[name]] = flat_rows(part, len(rows))
        return predicted

    @available_if(all_have("score_samples"))
    def _log_density(self, X, y):
        total = np.zeros(len(X))
        for number, (name, simulator) in enumerate(self.simulators_.items()):
            # A later step may refuse events that an earlier one excludes.
            left = np.flatnonzero(~np.isneginf(total))
            if len(left):
                condition = self._condition(X[left], y[left], number)
                own = target_columns(self, y[left], self.columns_[name])
                with explained(f"in step {name!r}", left):
                    total[left] += log_prob(simulator, condition, own)
        return total


@with_parameters
class SimulatorChain(BaseChain, BaseComposition):
    r"""Simulate some columns of y first, and the others given them.

    The density of all columns is that of the first ones times that of the others given them,

    .. math:: p(y | x) = p(y_1 | x) \, p(y_2 | x, y_1) \dots

    Each step is a simulator that suits its columns of y. A flow with `integer_columns` draws the
    number of jets, and another one their momenta given that number. One draws the energy that a
    shower deposits in each layer, and another one the energy in the cells of the layers.

    Parameters
    ----------
    simulators : list of (str, simulator, list or None)
        Name, simulator and columns of y, by name or position, of each step in order. A step whose
        columns are None takes those that no other step takes.
    random_state : int, RandomState, Generator or None
        Seed of steps whose own `random_state` is None, and of the noise of `transform` and `score`.

    Attributes
    ----------
    simulators_ : dict of str to simulator
        Fitted clones, by the name of the step.
    columns_ : dict of str to list of int
        Positions in y of the columns of each step.
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.

    See Also
    --------
    ClassifierSimulator : A step for columns with few values.
    CategorySimulator : A chain of such a step and another one.
    GeneratorChain : The same for p(X): a generator first, then a simulator.
    sklearn.multioutput.RegressorChain : The same for regressors.

    Notes
    -----
    A step is given the columns of X, followed by the columns of y of the steps before. In `fit`
    these are the columns of the training events, in `sample` the drawn ones. They keep their names.
    If X has the same name, "measured" is put in front: `measured_jet_pt`. If X has no names, there
    are only positions.

    `predict` takes the point prediction of each step, given those of the steps before.

    A search finds parameters of a step by its name: `multiplicity__n_bins`. If several steps have
    a `checkpoint`, the number of the step is appended to the file.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.compose import SimulatorChain
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"parton_pt": rng.uniform(20, 200, 1000)})         # GeV
    >>> n_jets = rng.poisson(X["parton_pt"] / 50)
    >>> met = rng.normal(10.0 + 5.0 * n_jets, 2.0)
    >>> y = pd.DataFrame({"met_pt": met, "n_jets": n_jets})
    >>> flow = FlowSimulator(max_epochs=2)
    >>> counted = FlowSimulator(max_epochs=2, integer_columns=["n_jets"])
    >>> chain = SimulatorChain(
    ...     [("multiplicity", counted, ["n_jets"]), ("rest", flow, None)], random_state=0
    ... ).fit(X, y)
    >>> drawn = chain.set_output(transform="pandas").sample(X, random_state=1)
    >>> list(drawn)
    ['met_pt', 'n_jets']
    >>> list(chain.simulators_["rest"].feature_names_in_)
    ['parton_pt', 'n_jets']
    """

    simulators: Sequence[tuple[str, BaseEstimator, Sequence[str | int] | None]]
    random_state: Seed = None

    @property
    def _named(self):
        try:
            return [(name, simulator) for name, simulator, _ in self.simulators]
        except (TypeError, ValueError):  # `fit` says what is wrong
            return self.simulators

    @_named.setter
    def _named(self, named):
        columns = [step[2] for step in self.simulators]
        self.simulators = [(*pair, own) for pair, own in zip(named, columns, strict=True)]

    def get_params(self, deep=True):
        """Parameters of the chain and, if `deep`, its simulators by name and their parameters.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict of str to object
        """
        return self._get_params("_named", deep=deep)

    def set_params(self, **params):
        """Set parameters of the chain, and those of a simulator as ``name__parameter``.

        Parameters
        ----------
        **params
            The name of a step replaces its simulator.

        Returns
        -------
        self
        """
        return self._set_params("_named", **params)

    def _steps_of_fit(self):
        steps = self.simulators
        if not isinstance(steps, (list, tuple)) or not len(steps):
            raise TypeError(
                'simulators must be a list such as [("first", simulator, ["n_jets"]), ("rest", '
                f"simulator, None)], got {steps!r}."
            )
        for step in steps:
            if not isinstance(step, (list, tuple)) or len(step) != 3:
                raise TypeError(f"A step is (name, simulator, columns), got {step!r}.")
        return list(steps)

    def _check_parts(self):
        for name, simulator, _ in self._steps_of_fit():
            check_simulator(simulator, f"Step {name!r}")
        self._validate_names([name for name, *_ in self.simulators])
