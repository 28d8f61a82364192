"""TransformedSimulator: a simulator of transformed columns of y."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from skjetsim._drawing._back import take_back
from skjetsim._drawing._inverts import check_inverts, some_rows
from skjetsim._drawing._sample import has_jacobian, log_prob, sample, sample_inverse
from skjetsim.base._finite import check_drawn
from skjetsim.base._inside import check_simulator, explained, fit_inside, seed_inside
from skjetsim.base._inverse import InverseSampling
from skjetsim.base._tags import is_paired, unwrapped
from skjetsim.compose._conditional import ConditionalTransformerMixin
from skjetsim.compose._meta_simulator import MetaSimulator, all_have
from skjetsim.compose._tables import flat_rows, theory_table
from skjetsim.utils._tables import as_table
from skjetsim.utils._validation import check_same_events, column_names
from skjetsim.utils._with_parameters import with_parameters


def _is_conditional(transformer):
    return isinstance(transformer, ConditionalTransformerMixin)


def _can_score(self):
    transformers = getattr(self, "transformers_", self.transformers)
    return all_have("score_samples")(self) and all(map(has_jacobian, transformers))


def _can_invert(self):
    # A residual needs the theory level, which is not known yet.
    if any(map(_is_conditional, self.transformers)):
        return False
    return hasattr(unwrapped(self._inside[0]), "sample_inverse")


@with_parameters
class TransformedSimulator(InverseSampling, MetaSimulator):
    """Simulate transformed columns of y, and transform what is drawn back.

    Parameters
    ----------
    simulator : simulator
        Learns the transformed y given X. It may be a Pipeline that ends in a simulator.
    transformers : list of transformers
        Applied to y in order. A plain transformer is given y alone. A conditional one
        (`ConditionalTransformerMixin`, such as `ResidualTransformer`) is also given X, as this
        estimator receives it.

    Attributes
    ----------
    simulator_ : simulator
        Fitted clone.
    transformers_ : list of transformers
        Fitted clones.
    n_features_in_, n_targets_ : int
    target_names_in_ : ndarray of str
    paired_ : bool
        That of the simulator inside. It is False for `OTUSSimulator`: `score` then compares
        distributions, not events.

    See Also
    --------
    sklearn.compose.TransformedTargetRegressor : The same for regressors.

    Notes
    -----
    `predict` transforms the point prediction of the simulator inside back to the coordinates of y.
    Under monotone transformers of single columns, a conditional median remains a median. A mean
    does not remain a mean.

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

    simulator: BaseEstimator
    transformers: Sequence[BaseEstimator]

    random_state = seed_inside("simulator")
    _needs_pairs = False

    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit the transformers on y, then the simulator on the transformed y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            As many rows as X, except for a simulator that learns from unpaired events.
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
            On bad values (naming column and row), different lengths or indices of pairs, or
            transformers that need pairs if the simulator learns from unpaired events.
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
                fitted.set_output(transform="pandas")  # keeps names between steps
            takes_weight = weight is not None and has_fit_parameter(fitted, "sample_weight")
            weights = {"sample_weight": weight} if takes_weight else {}
            with _of_step(fitted, len(self.transformers_)):
                fitted.fit(X, y, **weights) if _is_conditional(fitted) else fitted.fit(y, **weights)
                self._check_inverse(fitted, X, y)
                y = _apply(fitted, X, y)
            self.transformers_.append(fitted)
            self.stage_names_.append(column_names(y))
        fit_inside(self, "simulator", X, y, weight=weight, **fit_params)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        repeats = n_samples or 1
        drawn = sample(
            self.simulator_,
            theory_table(self, rows),
            n_samples=n_samples,
            random_state=random_state,
        )

        def again(numbers, seed):
            table = theory_table(self, rows[numbers // repeats])
            return flat_rows(sample(self.simulator_, table, random_state=seed), len(numbers))

        return self._back(rows, drawn, repeats, again, random_state)

    def _predict_inside(self, rows):
        return self._back(rows, self.simulator_.predict(theory_table(self, rows)))

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
                f"{type(conditional[0]).__name__} needs pairs of X and y, but "
                f"{type(unwrapped(self.simulator)).__name__} learns from unpaired events. Its "
                "parameter residual takes the place of a ResidualTransformer."
            )

    def _check_inverse(self, transformer, X, y):
        """Raise unless a fitted transformer gives events of the fit back."""
        given = some_rows(X) if _is_conditional(transformer) else None

        def there_and_back(y):
            names = column_names(y)
            there = _apply(transformer, given, y)
            if given is None:
                return as_table(np.asarray(transformer.inverse_transform(there)), names)
            return as_table(np.asarray(transformer.inverse_transform_target(given, there)), names)

        check_inverts(transformer, some_rows(y), there_and_back)

    def _back(self, rows, drawn, repeats=1, again=None, random_state=None):
        """Undo the transformers on what the simulator draws, `repeats` times for each row of X."""

        def undoing(transformer, names):
            def undo(y, numbers):
                y = as_table(y, names)
                if _is_conditional(transformer):
                    X = theory_table(self, rows[numbers // repeats])
                    y = transformer.inverse_transform_target(X, y)
                else:
                    y = transformer.inverse_transform(y)
                return np.asarray(y, dtype=np.float64)

            return transformer, undo

        def check(y):
            check_drawn(self, y, rows)

        drawn = flat_rows(drawn, len(rows) * repeats)
        check(drawn)
        stages = zip(reversed(self.transformers_), reversed(self.stage_names_[1:]), strict=True)
        stages = [undoing(*stage) for stage in stages]
        return take_back(stages, drawn, check, again, random_state)


def _of_step(transformer, number):
    """Say in errors of a step that the values are those of y."""
    return explained(f"in y, transformers[{number}] ({type(transformer).__name__})")


def _marks_pairs(fit_params):
    """Whether `fit` of the simulator inside, or of its last step, is given `paired`."""
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
