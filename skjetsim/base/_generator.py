"""BaseGenerator: draws events with the shape and the names of the fitted X."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._sklearn_compat import set_output_container
from skjetsim.base._finite import check_density, check_drawn
from skjetsim.base._mixins import GeneratorMixin
from skjetsim.base._shapes import as_events, fitting_memory
from skjetsim.utils._validation import check_int, validate_events


class BaseGenerator(GeneratorMixin, BaseEstimator):
    """Base class of generators: gives drawn events the shape and the names of the fitted X.

    A subclass defines `fit`, which calls `validate_events` (or `check_sample`) with ``reset=True``,
    and

    - ``_draw_events(n_samples, random_state)``: an array of shape (n_samples, n_features).
    - ``_log_density(X)``, if it has a density: log p(X) of checked rows. The class then has
      `score_samples` and its mean, `score`.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.base import BaseGenerator, check_sample
    >>> class Normal(BaseGenerator):
    ...     def fit(self, X, y=None, sample_weight=None):
    ...         X, weight = check_sample(self, X, sample_weight, reset=True)
    ...         self.mean_ = np.average(X, axis=0, weights=weight)
    ...         self.width_ = np.sqrt(np.average((X - self.mean_) ** 2, axis=0, weights=weight))
    ...         return self
    ...     def _draw_events(self, n_samples, random_state):
    ...         rng = np.random.default_rng(random_state)
    ...         return rng.normal(self.mean_, self.width_, size=(n_samples, self.n_features_in_))
    >>> Normal().fit([[80.0], [100.0]]).sample(5, random_state=0).shape
    (5, 1)
    """

    def sample(self, n_samples=1, *, random_state=None):
        """Draw events.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : None, int, Generator or RandomState
            None draws other events at each call; an int repeats the same events.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            In the units of the fitted X, and in single precision if it was. Under `set_output`, a
            table, in which integers and booleans come back as such, too.

        Raises
        ------
        ValueError
            If a drawn event is not finite.
        """
        check_is_fitted(self)
        n_samples = check_int(n_samples, "n_samples")
        with fitting_memory((n_samples, self.n_features_in_)):
            drawn = np.asarray(self._draw_events(n_samples, random_state), dtype=np.float64)
        check_drawn(self, drawn)
        return as_events(self, drawn)

    @available_if(lambda self: hasattr(self, "_log_density"))
    def score_samples(self, X):
        """Log-density of each event, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            For integers and at atoms, which are values that many events of the fit hold, it is a
            probability. For all other values it is a density. It is minus infinity if a column that
            was constant in the fit has another value, or if a value is never drawn, such as an
            integer below the smallest of the fit or a value between two atoms.
        """
        check_is_fitted(self)
        return check_density(self, self._log_density(validate_events(self, X, reset=False)))

    def set_output(self, *, transform=None):
        """Choose the container of drawn events.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Container of what `sample` returns, with the column names of X. None changes nothing.

        Returns
        -------
        self
        """
        return set_output_container(self, transform)
