"""A simulator behind transformations of its target."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from skjetsim._drawing._sample import has_jacobian, log_prob, sample, sample_inverse
from skjetsim.base._inside import check_simulator, explained, fit_inside, seed_inside
from skjetsim.base._inverse import InverseSampling
from skjetsim.base._tags import innermost, is_paired
from skjetsim.compose._conditional import ConditionalTransformerMixin
from skjetsim.compose._meta_simulator import MetaSimulator, all_have
from skjetsim.compose._tables import theory_table
from skjetsim.utils._tables import as_table
from skjetsim.utils._validation import check_same_events, column_names


def _is_conditional(transformer):
    return isinstance(transformer, ConditionalTransformerMixin)


def _can_score(self):
    transformers = getattr(self, "transformers_", self.transformers)
    return all_have("score_samples")(self) and all(map(has_jacobian, transformers))


def _can_invert(self):
    # A residual cannot be formed before the theory level is known.
    if any(_is_conditional(step) for step in self.transformers):
        return False
    return hasattr(innermost(self._inside[0]), "sample_inverse")


class TransformedSimulator(InverseSampling, MetaSimulator):
    """Transform y, simulate it there, and come back.

    Parameters
    ----------
    simulator : simulator
        Learns the transformed y given X; a Pipeline that ends in one will do.
    transformers : list of transformers
        Applied to y in order. A plain transformer sees y alone; a conditional one
        (`ConditionalTransformerMixin`, such as `ResidualTransformer`) sees X too, as it reaches
        this estimator.

    Attributes
    ----------
    simulator_ : simulator
        Fitted clone.
    transformers_ : list of transformers
        Fitted clones.
    n_features_in_, n_targets_ : int
    target_names_in_ : ndarray of str
    paired_ : bool
        That of the simulator inside: False for `OTUSSimulator`, for which `score` compares
        distributions, not events.

    See Also
    --------
    sklearn.compose.TransformedTargetRegressor : The like for regressors.

    Notes
    -----
    `predict` takes the point prediction of the simulator inside back to the coordinates of y. A
    conditional median stays one under monotone transformers of single columns, a mean does not.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.compose import ResidualTransformer, TransformedSimulator
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> flow = FlowSimulator(max_epochs=2, random_state=0)
    >>> simulator = TransformedSimulator(flow, [ResidualTransformer()]).fit(energy, measured)
    >>> simulator.sample([[50.0], [100.0]], random_state=1).shape
    (2, 1)
    """

    def __init__(self, simulator, transformers):
        self.simulator = simulator
        self.transformers = transformers

    random_state = seed_inside("simulator")
    _needs_pairs = False

    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit the transformers on y, then the simulator on what they make of it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            As many rows as X, but for a simulator that learns from unpaired events.
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to the simulator, and to each transformer whose `fit` takes it.
        **fit_params
            Passed on to the simulator's `fit`, such as `paired` of `OTUSSimulator`.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `simulator` is not a simulator, or `transformers` not a list.
        ValueError
            On bad values (naming column and row), different lengths or indices of X and y if
            their rows belong together, or transformers that need pairs around a simulator that
            learns from unpaired events.
        """
        self._check_parts()
        y_names = column_names(y)
        paired = is_paired(self.simulator)
        if _marks_pairs(fit_params):  # here, since the simulator inside may see no index
            check_same_events(X, y)
        X, y, weight = self._read_events(X, y, sample_weight, paired=paired)
        X, y = theory_table(self, X), as_table(y, y_names)
        self.transformers_, self.stage_names_ = [], [y_names]
        for transformer in self.transformers:
            fitted = clone(transformer)
            if y_names is not None and hasattr(fitted, "set_output"):
                fitted.set_output(transform="pandas")  # names must not be lost between steps
            takes_weight = weight is not None and has_fit_parameter(fitted, "sample_weight")
            weights = {"sample_weight": weight} if takes_weight else {}
            with _of_step(fitted, len(self.transformers_)):
                fitted.fit(X, y, **weights) if _is_conditional(fitted) else fitted.fit(y, **weights)
                y = _apply(fitted, X, y)
            self.transformers_.append(fitted)
            self.stage_names_.append(column_names(y))
        fit_inside(self, "simulator", X, y, weight=weight, **fit_params)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        drawn = sample(
            self.simulator_,
            theory_table(self, rows),
            n_samples=n_samples,
            random_state=random_state,
        )
        if n_samples is not None:
            rows = np.repeat(rows, n_samples, axis=0)
        return self._back(theory_table(self, rows), drawn)

    def _predict_inside(self, rows):
        table = theory_table(self, rows)
        return self._back(table, self.simulator_.predict(table))

    @available_if(_can_score)
    def _log_density(self, X, y):
        from skjetsim.preprocessing import log_det_jacobian

        table, y = theory_table(self, X), as_table(y, self.stage_names_[0])
        total = np.zeros(len(table))
        for number, transformer in enumerate(self.transformers_):
            with _of_step(transformer, number):
                if _is_conditional(transformer):
                    total += transformer.log_det_target(table, y)
                else:
                    total += log_det_jacobian(transformer, y)
                y = _apply(transformer, table, y)
        return total + log_prob(self.simulator_, table, y)

    @available_if(_can_invert)
    def _draw_inverse(self, rows, n_samples, random_state):
        y = as_table(rows, self.stage_names_[0])
        for number, transformer in enumerate(self.transformers_):
            with _of_step(transformer, number):
                y = transformer.transform(y)
        return sample_inverse(self.simulator_, y, n_samples=n_samples, random_state=random_state)

    def _check_parts(self):
        check_simulator(self.simulator)
        if not isinstance(self.transformers, (list, tuple)):
            raise TypeError(
                f"transformers must be a list of transformers, got {self.transformers!r}."
            )
        conditional = [step for step in self.transformers if _is_conditional(step)]
        if conditional and not is_paired(self.simulator):
            raise ValueError(
                f"{type(conditional[0]).__name__} needs to know which X belongs to y, but "
                f"{type(innermost(self.simulator)).__name__} learns from unpaired events. Its "
                "residual= does what a ResidualTransformer would."
            )

    def _back(self, X, drawn):
        """Undo the transformers on rows drawn by the simulator."""
        y = np.asarray(drawn).reshape(len(X), -1)
        stages = zip(reversed(self.transformers_), reversed(self.stage_names_[1:]), strict=True)
        for transformer, names in stages:
            y = as_table(np.asarray(y), names)
            if _is_conditional(transformer):
                y = transformer.inverse_transform_target(X, y)
            else:
                y = transformer.inverse_transform(y)
        return np.asarray(y, dtype=np.float64)


def _of_step(transformer, number):
    """Say in the errors of a step that the bad values are those of y."""
    return explained(f"in y, transformers[{number}] ({type(transformer).__name__})")


def _marks_pairs(fit_params):
    """Whether rows are marked as pairs to the simulator inside, or to the last step of one."""
    return any(
        name.split("__")[-1] == "paired" and marks is not None for name, marks in fit_params.items()
    )


def _apply(transformer, X, y):
    if not _is_conditional(transformer):
        return transformer.transform(y)
    names = column_names(y)
    transformed = transformer.transform_target(X, y)
    if names is None:
        return transformed
    return as_table(np.asarray(transformed), transformer.get_target_names_out(names))
