"""Correlation matrices of truth and model, and their difference."""

import numpy as np

from skjetsim.inspection import _style as style
from skjetsim.inspection._events import draw_events, weight_of
from skjetsim.inspection._labels import column_labels
from skjetsim.utils._circle import on_circle
from skjetsim.utils._comparison import check_pair
from skjetsim.utils._validation import check_same_events
from skjetsim.utils._weighted import weighted_std

N_ERRORS = 3  # a difference of more standard errors is framed


class CorrelationDisplay:
    """Linear correlation matrices of truth and generated events, and their difference.

    Make one with `from_samples` or `from_estimator`. Differences of more than three standard
    errors are framed: two samples of the same distribution hardly have any. Columns that
    are angles by their names enter by their cosine and their sine, since a linear coefficient of
    the angle itself depends on where the circle is cut.

    Parameters
    ----------
    truth, generated : ndarray of shape (n_rows, n_rows)
        Correlation coefficients. There is a row for each column, and one more for each angle.
    truth_error, generated_error : ndarray of shape (n_rows, n_rows)
        Their standard errors.
    names : list of str
        Names of the rows, for the axes. The sines of angles come last.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like `axes_`.
    axes_ : tuple of matplotlib Axes
        Truth, generated and difference.

    See Also
    --------
    skjetsim.metrics.correlation_difference : The difference as a number.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import CorrelationDisplay
    >>> truth = np.random.default_rng(0).normal(size=(1000, 2))
    >>> display = CorrelationDisplay.from_samples(truth, truth @ [[1.0, 1.0], [0.0, 1.0]])
    >>> display.difference.round(1)
    array([[0. , 0.7],
           [0.7, 0. ]])
    """

    def __init__(self, *, truth, generated, truth_error, generated_error, names):
        self.truth = truth
        self.generated = generated
        self.truth_error = truth_error
        self.generated_error = generated_error
        self.names = names

    @classmethod
    def from_samples(cls, truth, generated, *, sample_weight=None, generated_weight=None):
        """Correlate the columns of two samples.

        Parameters
        ----------
        truth : array-like of shape (n_truth, n_features)
            At least two columns.
        generated : array-like of shape (n_generated, n_features)
        sample_weight, generated_weight : array-like, optional
            Weights of truth and of generated. Negative weights are an error.

        Returns
        -------
        CorrelationDisplay

        Raises
        ------
        ValueError
            On NaN, infinity, one event, one column, different columns, negative weights, or a
            column of the truth that is constant and has no correlations. A column that is
            constant only in the model counts as uncorrelated.
        """
        check_same_events(truth, sample_weight, names=("truth", "sample_weight"))
        check_same_events(generated, generated_weight, names=("generated", "generated_weight"))
        pair = check_pair(
            truth,
            generated,
            sample_weight=sample_weight,
            generated_weight=generated_weight,
            min_samples=2,
        )
        if pair.n_columns < 2:
            raise ValueError("correlations need at least two columns, got one.")
        constant = np.flatnonzero(np.ptp(pair.truth, axis=0) == 0)
        if len(constant):
            raise ValueError(
                f"column {pair.label(constant[0])} of truth is constant and has no correlation "
                "with any other: leave it out of both samples."
            )
        truth, generated = (on_circle(t, pair.circular) for t in (pair.truth, pair.generated))
        matrix, error = correlation_matrix(truth, pair.weight)
        drawn_matrix, drawn_error = correlation_matrix(generated, pair.generated_weight)
        return cls(
            truth=matrix,
            generated=drawn_matrix,
            truth_error=error,
            generated_error=drawn_error,
            names=_labels(pair),
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        direction=None,
        transformer=None,
        random_state=None,
        sample_weight=None,
    ):
        """Draw from an estimator and correlate its columns.

        Parameters
        ----------
        estimator : fitted generator, simulator or unfolder
            On its own, in a Pipeline, or a fitted search.
        X : array-like of shape (n, n_features)
            Theory-level events; for a generator the true events.
        y : array-like of shape (n, n_targets), optional
            The detector level; None for a generator.
        direction : {"forward", "inverse"}, optional
            "forward" draws y for X, "inverse" draws X for y. By default it is what the estimator
            learns. A simulator with `sample_inverse`, such as `OTUSSimulator`, can do both.
        transformer : transformer, optional
            Applied to true and to generated events; an unfitted one is fitted on the truth.
        random_state : int, Generator, RandomState or None
        sample_weight : array-like of shape (n,), optional
            Weights of the true events. Events that are drawn for them have the same weights.
            Those of a generator, or of a simulator of unpaired events, count equally.

        Returns
        -------
        CorrelationDisplay
        """
        settings = {"transformer": transformer, "random_state": random_state}
        drawn = draw_events(estimator, X, y, direction=direction, **settings)
        sample_weight = weight_of(y if drawn.what == "y" else X, sample_weight)
        return cls.from_samples(
            drawn.table,
            drawn.generated,
            sample_weight=sample_weight,
            generated_weight=sample_weight if drawn.paired else None,
        )

    @property
    def difference(self):
        """Generated minus truth."""
        return self.generated - self.truth

    @property
    def pull(self):
        """Difference divided by its standard error; zero on the diagonal."""
        error = np.hypot(self.truth_error, self.generated_error)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.difference == 0, 0.0, self.difference / error)

    def plot(self, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional
            For truth, generated and their difference; made by default.

        Returns
        -------
        self
        """
        side = float(np.clip(0.5 * len(self.names), 2.6, 5.5))
        size = {"figsize": (3 * side + 3, side + 1), "sharey": True}
        with style.house_style():
            axes = style.make_axes(axes, "truth, generated and difference", 1, 3, **size)
            # At least a unit of the second decimal: a perfect model would have no colour scale.
            limit = max(0.01, float(np.abs(self.difference).max()))
            for ax, matrix in zip(axes, (self.truth, self.generated), strict=False):
                mesh = style.draw_matrix(ax, matrix, self.names, 1)
            axes[0].figure.colorbar(mesh, ax=list(axes[:2]), label="correlation")
            mesh = style.draw_matrix(axes[2], self.difference, self.names, limit)
            axes[2].figure.colorbar(mesh, ax=axes[2], label="difference")
            self._frame_significant(axes[2])
            titles = ("truth", "model", rf"difference, framed: > {N_ERRORS} $\sigma$")
            for ax, title in zip(axes, titles, strict=True):
                ax.set_title(title)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _frame_significant(self, ax):
        from matplotlib.patches import Rectangle

        for row, column in np.argwhere(np.abs(self.pull) > N_ERRORS):
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, linewidth=1.2))


def _labels(pair):
    """Labels of the columns; an angle has one for its cosine, and one at the end for its sine."""
    labels = column_labels(pair.names, pair.n_columns)
    sides = list(zip(labels, pair.circular, strict=True))
    cosines = [f"cos {label}" if angle else label for label, angle in sides]
    return cosines + [f"sin {label}" for label, angle in sides if angle]


def correlation_matrix(array, weight=None):
    """Linear correlation coefficients of the columns, and their standard errors.

    The error is that of the coefficient's linearisation, psi = z_i z_j - r (z_i^2 + z_j^2) / 2
    for standardised z, which holds for any distribution; for a normal one it is
    (1 - r^2) / sqrt(n).

    Parameters
    ----------
    array : ndarray of shape (n, d)
    weight : ndarray of shape (n,), optional

    Returns
    -------
    matrix, error : ndarray of shape (d, d)
    """
    share = np.full(len(array), 1.0 / len(array)) if weight is None else weight / weight.sum()
    z = array - share @ array
    z /= weighted_std(array, weight)
    matrix = (z * share[:, None]).T @ z
    np.fill_diagonal(matrix, 1.0)
    # Sum over events of share^2 psi^2, multiplied out into products of matrices.
    scaled = z * share[:, None]
    even = (scaled**2).T @ z**2
    odd = (z * scaled**2).T @ z
    diagonal = np.diag(even)
    variance = even - matrix * (odd + odd.T)
    variance += matrix**2 / 4 * (diagonal + diagonal[:, None] + 2 * even)
    return matrix, np.sqrt(variance.clip(min=0))
