"""Events to compare: drawn from an estimator, in the coordinates of a transformer."""

import numbers
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.base import clone

from skjetsim._drawing._sample import (
    apply_steps,
    sample,
    sample_inverse,
    split_steps,
    unwrap_search,
)
from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.base._inside import is_fitted
from skjetsim.base._tags import is_paired
from skjetsim.inspection._labels import units_of
from skjetsim.utils._comparison import check_table
from skjetsim.utils._containers import refuse_masked
from skjetsim.utils._tables import as_table, given_names, with_rows
from skjetsim.utils._validation import (
    check_int,
    check_names_match,
    check_option,
    check_same_events,
    check_same_length,
    column_names,
    counted,
)

DIRECTIONS = ("forward", "inverse")


@dataclass
class Drawn:
    """True events and those that an estimator draws. The last axis is that of the columns."""

    truth: np.ndarray | None  # (n, d)
    generated: np.ndarray  # (..., d); (n_members, ..., d) if these are "members"
    names: list | None
    keyword: str  # "members" if `generated` holds those of an ensemble, else "generated"
    paired: bool  # whether row i of both is the same event, with the same weight
    what: str  # "X" or "y": the level of the truth
    transformer: object  # fitted, or None
    columns: list | None  # names before the transformer
    refits: bool  # whether the transformer was fitted here, so that a clone may be fitted again
    units: dict  # by column, as the tables state them

    @property
    def table(self):
        """The truth, as a DataFrame with its units if its columns have names."""
        return with_units(as_table(self.truth, self.names), self.units)

    def column(self, feature):
        """Return label and truth of a column, and its draws as a keyword of `from_samples`."""
        position = feature_position(feature, self.names, self.truth.shape[1], self.what)
        name = position if self.names is None else self.names[position]
        return name, self.truth[:, position], {self.keyword: self.generated[..., position]}

    def same_coordinates(self, table, what):
        """Apply the transformer to other events, which may have more columns."""
        rows, names = check_table(table, what=what)
        if self.transformer is None:
            return as_table(rows, names)
        if names is not None and self.columns is not None:
            missing = [name for name in self.columns if name not in names]
            if missing:
                raise ValueError(
                    f"{what} has no column {missing[0]!r}, which the transformer takes: it has "
                    f"{names}."
                )
            rows, names = rows[:, [names.index(name) for name in self.columns]], self.columns
        return as_table(*in_coordinates(self.transformer, rows, names))

    def other_level(self, table, what):
        """Apply the transformer, or a clone fitted on that level, to the other level (X or y).

        A clone is used if the level lacks columns that the transformer was fitted on here, and if
        a fit learns nothing but columns: the pT of either level's momenta is the same quantity.
        """
        rows, names = check_table(table, what=what)
        known = None not in (names, self.columns)
        if self.refits and known and not set(self.columns) <= set(names):
            parts = (rows, rows[::2])
            fits = [clone(self.transformer).fit(as_table(part, names)) for part in parts]
            own, other = (in_coordinates(fit, rows, names) for fit in fits)
            if np.array_equal(own[0], other[0]):  # unlike those of a scaler
                return as_table(*own)
        return self.same_coordinates(table, what)


def with_units(table, units):
    """The table with its units in `attrs`, where `units_of` finds them; an array has none."""
    if units and isinstance(table, (pd.DataFrame, pd.Series)):
        table.attrs["units"] = units
    return table


def weight_of(table, sample_weight):
    """Weights of the events of a table as an array without an index, or None."""
    if sample_weight is None:
        return None
    check_same_events(table, sample_weight, names=("the table of events", "sample_weight"))
    return np.asarray(sample_weight)


def feature_position(feature, names, n_columns, what):
    """Return the position of a column given by name or position, or raise listing the columns."""
    if isinstance(feature, str):
        if names is None:
            raise ValueError(
                f"feature={feature!r} is a name, but {what} has no column names: pass a DataFrame, "
                f"or the position of one of its {n_columns} columns."
            )
        if feature not in names:
            raise ValueError(f"feature={feature!r} is not a column of {what}: {names}.")
        return names.index(feature)
    if isinstance(feature, numbers.Integral) and not isinstance(feature, (bool, np.bool_)):
        if not 0 <= feature < n_columns:
            raise ValueError(f"feature={feature} is not a column of {what}, which has {n_columns}.")
        return int(feature)
    raise TypeError(f"feature must be a column's name or position, got {feature!r}.")


def as_rows(values, row_ndim):
    """Array of (..., d) from events whose rows have `row_ndim` dimensions."""
    array = np.asarray(refuse_masked(values, "events"), dtype=np.float64)
    lead = array.shape[: array.ndim - row_ndim]
    return array.reshape(*lead, -1) if row_ndim else array[..., None]


def fitted_transformer(transformer, rows, names):
    """Return the transformer itself if it is fitted, else a clone fitted on these events."""
    if transformer is None or is_fitted(transformer):
        return transformer
    return clone(transformer).fit(as_table(rows, names))


def in_coordinates(transformer, rows, names):
    """Apply a fitted transformer to events of shape (..., d); None leaves them as they are.

    Returns
    -------
    rows : ndarray of shape (..., d_out)
    names : list of str or None
    """
    if transformer is None:
        return rows, names
    out = transformer.transform(as_table(rows.reshape(-1, rows.shape[-1]), names))
    out_names = column_names(out)
    if out_names is None and names is not None and hasattr(transformer, "get_feature_names_out"):
        out_names = [str(name) for name in transformer.get_feature_names_out(names)]
    return np.asarray(out, dtype=np.float64).reshape(*rows.shape[:-1], -1), out_names


def draw_events(
    estimator,
    X,
    y,
    *,
    direction=None,
    transformer=None,
    n_samples=None,
    random_state=None,
    members=False,
    paired=None,
):
    """True events and those of an estimator, validated, in the transformer's coordinates.

    Parameters
    ----------
    estimator : fitted generator, simulator or unfolder, Pipeline or search
    X : array-like of shape (n, n_features)
        Theory level, or the truth of a generator.
    y : array-like of shape (n, n_targets) or None
        Detector level; None for a generator.
    direction : {"forward", "inverse"} or None
        Whether y is drawn for X, or X for y; by default what the estimator learns.
    transformer : transformer, optional
    n_samples : int, optional
        Draws for each event; a generator gives len(X) times as many events.
    random_state : int, Generator, RandomState or None
    members : bool
        Whether an ensemble draws with each of its members.
    paired : bool or None
        Whether row i of X and y is the same event; by default what the estimator learns from.
        It is ignored for a generator.

    Returns
    -------
    Drawn
    """
    model, name = unwrap_search(estimator), type(estimator).__name__
    direction = direction_of(model, direction)
    X, y = with_rows(X), with_rows(y, "y")
    if n_samples is not None:
        check_int(n_samples, "n_samples")
    if is_generator(model):
        if y is not None:
            raise TypeError(f"{name} is a generator: its events are compared with X. Leave y out.")
        n_events = len(X) * (n_samples or 1)
        generated = sample(model, n_samples=n_events, random_state=random_state)
        return _compared(model, X, generated, "X", transformer, paired=False, units=units_of(X))
    paired = is_paired(model) if paired is None else paired
    check_pairs(X, y, name, "an unfolder" if is_unfolder(model) else "a simulator", paired=paired)
    settings = {"n_samples": n_samples, "random_state": random_state}
    if direction == "inverse":
        generated = sample_inverse(model, y, **settings)
        units = units_of(y, X)
        return _compared(model, X, generated, "X", transformer, paired=paired, units=units)
    keyword = "generated"
    steps, innermost = split_steps(model)
    if members and hasattr(innermost, "sample_members"):
        keyword = "members"
        generated = innermost.sample_members(apply_steps(steps, X), **settings)
    else:
        generated = sample(model, X, **settings)
    settings = {"paired": paired, "keyword": keyword, "units": units_of(X, y)}
    return _compared(model, y, generated, "y", transformer, **settings)


def direction_of(estimator, direction=None):
    """Direction in which an estimator draws; None for a generator.

    Parameters
    ----------
    estimator : fitted generator, simulator or unfolder
    direction : {"forward", "inverse"} or None
        By default "inverse" for an unfolder and "forward" for a simulator.

    Raises
    ------
    TypeError
        If the estimator does not draw, or not in this direction.
    ValueError
        If there is no such direction.
    """
    name = type(estimator).__name__
    check_option(direction, "direction", (None, *DIRECTIONS))
    if is_generator(estimator):
        if direction is not None:
            raise TypeError(f"{name} is a generator: it has no direction={direction!r}.")
        return None
    if is_unfolder(estimator):
        if direction == "forward":
            raise TypeError(
                f"{name} is an unfolder: it draws X for a given y. Leave direction out, or pass "
                'direction="inverse".'
            )
        return "inverse"
    if not is_simulator(estimator):
        raise TypeError(
            f"{name} is neither a generator nor a simulator nor an unfolder: it draws no events."
        )
    return "forward" if direction is None else direction


def draw_several(estimator, X, y, *, n_samples, **settings):
    """True events and several draws for each: y simulated from X, or X unfolded from y.

    Parameters
    ----------
    estimator : fitted simulator or unfolder, Pipeline or search
    X : array-like of shape (n, n_features)
    y : array-like of shape (n, n_targets)
    n_samples : int
        Draws for each event.
    **settings
        As in `draw_events`.

    Returns
    -------
    Drawn
    """
    if not (is_unfolder(estimator) or is_simulator(estimator)):
        raise TypeError(
            f"{type(estimator).__name__} is neither an unfolder nor a simulator: only those "
            "make several draws per event."
        )
    n_samples = check_int(n_samples, "n_samples")
    return draw_events(estimator, X, y, n_samples=n_samples, paired=True, **settings)


def move_events(
    estimator,
    X,
    y,
    *,
    inverse=False,
    paired=True,
    transformer=None,
    n_samples=None,
    random_state=None,
):
    """Events before and after an estimator moves them to the other level, and the truth.

    Parameters
    ----------
    estimator : fitted simulator or unfolder, Pipeline or search
    X : array-like of shape (n, n_features), or None if `inverse` and unknown
    y : array-like of shape (n, n_targets), or None if not `inverse` and unknown
    inverse : bool
        Whether X is drawn for y, instead of y for X.
    paired : bool
        Whether row i of X and y is the same event.
    transformer : transformer, optional
        Applied to both levels. It is fitted on the truth, or on the drawn events if there is no
        truth. The source may get a clone (`Drawn.other_level`).
    n_samples : int, optional
        Draws for each event.
    random_state : int, Generator, RandomState or None

    Returns
    -------
    source : ndarray or DataFrame of shape (n, d)
        What was moved: y if `inverse`, else X.
    drawn : Drawn
        Its truth is None if it is unknown.
    """
    model, name = unwrap_search(estimator), type(estimator).__name__
    X, y = with_rows(X), with_rows(y, "y")
    if inverse and y is None:
        raise ValueError(f'direction="inverse" draws X for y with {name}: pass y.')
    if paired and X is not None and y is not None:
        check_pairs(X, y, name)
    if y is not None:
        refuse_rejected(y, "y")
    if n_samples is not None:
        check_int(n_samples, "n_samples")
    start, goal, source, truth = ("y", "X", y, X) if inverse else ("X", "y", X, y)
    draw = sample_inverse if inverse else sample
    generated = draw(model, source, n_samples=n_samples, random_state=random_state)
    stand_in = truth
    if truth is None:
        stand_in = np.asarray(generated if n_samples is None else generated[:, 0])
        names = _fitted_names(model, goal)
        if names is not None and stand_in.ndim == 1:
            stand_in = pd.Series(stand_in, name=names[0])
        elif stand_in.ndim == 2:
            stand_in = as_table(stand_in, names)
    settings = {"paired": paired, "units": units_of(source, truth)}
    drawn = _compared(model, stand_in, generated, goal, transformer, **settings)
    source = drawn.other_level(source, start)
    return source, drawn if truth is not None else replace(drawn, truth=None)


def _compared(model, truth, generated, what, transformer, *, paired, units, keyword="generated"):
    """Validate the truth and drawn events, and take both to the transformer's coordinates."""
    row_ndim = np.ndim(truth) - 1
    truth, names = check_table(truth, what=what)
    fitted_names = _fitted_names(model, what)
    if fitted_names is not None:
        check_names_match(names, fitted_names, what=what)
    generated = as_rows(generated, row_ndim)
    if generated.shape[-1] != truth.shape[1]:
        raise ValueError(
            f"{type(model).__name__} draws {generated.shape[-1]} columns, but the truth has "
            f"{truth.shape[1]}: pass the columns it was fitted with."
        )
    # Fitted on the truth alone: one scaler for each side would hide how they differ.
    fitted = fitted_transformer(transformer, truth, names)
    truth, out_names = in_coordinates(fitted, truth, names)
    generated, _ = in_coordinates(fitted, generated, names)
    refits = fitted is not transformer
    return Drawn(truth, generated, out_names, keyword, paired, what, fitted, names, refits, units)


def _fitted_names(model, what):
    """Names of the columns of X or y that a model was fitted with, or None."""
    if what == "X":
        return getattr(model, "feature_names_in_", None)
    return given_names(getattr(split_steps(model)[1], "target_names_in_", None))


def check_pairs(X, y, name, kind="a simulator", *, paired=True):
    """Raise if y is missing, or if X and y are `paired` and not the same events on two levels."""
    if y is None:
        raise ValueError(f"{name} is {kind}: pass the detector level y as well as X.")
    if paired:
        check_same_length(len(X), len(y))
        check_same_events(X, y)


def refuse_rejected(table, what):
    """Raise if a table holds the zeros of events that the detector did not accept."""
    if column_names(table) is None or np.ndim(table) != 2 or np.shape(table)[1] < 2:
        return
    rejected = ~np.asarray(table, dtype=np.float64).any(axis=1)
    if rejected.any():
        raise ValueError(
            f"{what} is zero in all columns of row {int(np.flatnonzero(rejected)[0])} "
            f"({counted(rejected.sum(), 'such row')} in all): the detector did not accept these "
            "events, and a simulator is only for accepted ones. Pass the accepted rows of all "
            "tables."
        )
