"""GeneratorChain: a generator of some columns, and a simulator of the others given them."""

from collections.abc import Sequence
from dataclasses import field

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from skjetsim._drawing._sample import log_prob, sample
from skjetsim.base._checks import check_sample
from skjetsim.base._generator import BaseGenerator
from skjetsim.base._inside import (
    check_generator,
    check_simulator,
    explained,
    fit_inside,
    forget,
    parts_have,
)
from skjetsim.compose._tables import flat_rows
from skjetsim.utils._columns import find_columns, other_columns
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng
from skjetsim.utils._tables import as_table
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class GeneratorChain(BaseGenerator):
    r"""Generate some columns first, and simulate the others given them.

    It is a conditional or two-step generator. The first step draws the energy of a particle or the
    mass of a jet and its number of constituents, the second step the shower or the momenta of the
    constituents. If x_1 are the columns of the generator,

    .. math:: p(x) = p(x_1) \, p(x_2 | x_1).

    Parameters
    ----------
    generator : generator
        Learns `columns`. It may be a density of scikit-learn.
    simulator : simulator
        Learns the other columns, given those of the generator.
    columns : sequence of str or int
        Columns of X that the generator learns, by name or position.

    Attributes
    ----------
    generator_ : generator
    simulator_ : simulator
        Fitted clones.
    columns_ : list of int
        Positions of the generator's columns.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If X had names.

    See Also
    --------
    SimulatorChain : The same for p(y given X), in any number of steps. It may be the simulator.
    skjetsim.pipeline.GenerativePipeline : Changes to coordinates in which columns are simple.

    Notes
    -----
    After Ctrl-C in the fit of the simulator, the chain can be used if the simulator can be used.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.compose import GeneratorChain
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.normal(50.0, 5.0, 1000)                                # GeV
    >>> X = pd.DataFrame({"energy": energy, "visible": energy * rng.normal(0.9, 0.05, 1000)})
    >>> shower = FlowSimulator(max_epochs=2, random_state=0)
    >>> model = GeneratorChain(GaussianMixture(), shower, columns=["energy"]).fit(X)
    >>> model.sample(5, random_state=1).shape
    (5, 2)
    >>> model.score_samples(X).shape
    (1000,)
    """

    generator: BaseEstimator
    simulator: BaseEstimator
    columns: Sequence[str | int] = field(kw_only=True)

    def fit(self, X, y=None, sample_weight=None):
        """Fit the generator on its columns, then the simulator on the others given them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to both. Events of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `generator` is not a generator, or `simulator` not a simulator.
        ValueError
            If `columns` are not in X, or are all of its columns; on bad values (naming column and
            row), or if there are weights and one of the two does not take them.
        """
        check_generator(self.generator)
        check_simulator(self.simulator)
        forget(self, "generator_", "simulator_")
        X, weight = check_sample(self, X, sample_weight, reset=True)
        names = getattr(self, "feature_names_in_", None)
        names = None if names is None else list(names)
        self.columns_ = find_columns(self.columns, names, X.shape[1], "columns", "X")
        if len(self.columns_) == X.shape[1]:
            raise ValueError(
                f"columns has all of X, {X.shape[1]} feature(s): none is left for the simulator."
            )
        first = self._part(X, self.columns_)
        fit_inside(self, "generator", first, weight=weight)
        fit_inside(self, "simulator", first, self._part(X, self._others), weight=weight)
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "simulator_")

    @property
    def _others(self):
        return other_columns(self.columns_, self.n_features_in_)

    def _part(self, X, columns):
        names = getattr(self, "feature_names_in_", None)
        return as_table(X[:, columns], None if names is None else names[columns])

    def _draw_events(self, n_samples, random_state):
        root = as_seed_sequence(random_state)
        drawn = np.empty((n_samples, self.n_features_in_))
        first = sample(self.generator_, n_samples=n_samples, random_state=numpy_rng(root, 0))
        drawn[:, self.columns_] = flat_rows(first, n_samples)
        given = self._part(drawn, self.columns_)
        with explained("in the simulator, whose X was drawn by the generator"):
            others = sample(self.simulator_, given, random_state=numpy_rng(root, 1))
        drawn[:, self._others] = flat_rows(others, n_samples)
        return drawn

    @available_if(parts_have("score_samples", "generator", "simulator"))
    def _log_density(self, X):
        first = self._part(X, self.columns_)
        conditional = log_prob(self.simulator_, first, self._part(X, self._others))
        return log_prob(self.generator_, first) + conditional
