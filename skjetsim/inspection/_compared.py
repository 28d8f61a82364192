"""What a report compares: events of an estimator and the truth, in one set of coordinates."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from skjetsim._drawing._sample import split_steps, unwrap_search
from skjetsim.base import is_generator
from skjetsim.inspection._events import (
    draw_events,
    fitted_transformer,
    in_coordinates,
    refuse_rejected,
    with_units,
)
from skjetsim.utils._comparison import check_table
from skjetsim.utils._seeds import int_seed
from skjetsim.utils._tables import given_names, take_rows, with_rows
from skjetsim.utils._validation import check_names_match, check_same_events, column_names

# Branches of a report's seed.
DRAW, MEMBERS, SHUFFLE, FLOOR, AUC, COVERAGE, RATE, NEIGHBOURS = range(8)


@dataclass
class Compared:
    """Tables of events after the transformer. Row i of every table is the same event."""

    truth: pd.DataFrame
    generated: pd.DataFrame  # rows differ from truth for generators and unpaired events
    direction: str | None = None  # "inverse" if X is drawn for y; None for a generator
    given: pd.DataFrame | None = None  # the level that the model is given; None if not paired
    given_input: object = None  # that level as it was passed
    inputs: object = None  # its columns that the model was fitted with
    members: np.ndarray | None = None  # (n_members, n, d) of an ensemble
    second_pass: pd.DataFrame | None = None  # the second detector pass
    accepted: np.ndarray | None = None  # which rows of `second_pass` hold an event
    handed: dict = field(default_factory=dict)  # tables before the transformer, for a selection
    transformer: object = None  # fitted, or None
    names: list | None = None  # columns of the truth before the transformer
    notes: list = field(default_factory=list)

    @property
    def shared(self):
        """Columns that both levels have, and that so have a response."""
        if self.given is None:
            return []
        return [name for name in self.truth.columns if name in set(self.given.columns)]

    @property
    def given_name(self):
        """What messages call the level that the model is given."""
        return "y" if self.direction == "inverse" else "X"

    def take(self, mask):
        """The events of a boolean mask."""
        rows = np.flatnonzero(mask)

        kinds = ("truth", "generated", "given", "second_pass")
        tables = {key: getattr(self, key) for key in kinds}
        return replace(
            self,
            **{key: _cut(table, rows) for key, table in tables.items() if table is not None},
            members=None if self.members is None else self.members[:, rows],
            accepted=None if self.accepted is None else self.accepted[rows],
            handed={key: take_rows(table, rows) for key, table in self.handed.items()},
        )

    def both(self):
        """Truth, second pass and given level of the events that both passes accept."""
        rows = np.flatnonzero(self.accepted)
        return [_cut(table, rows) for table in (self.truth, self.second_pass, self.given)]


def _cut(table, rows):
    return table.iloc[rows].reset_index(drop=True)


def compare(estimator, X, y, *, transformer, second_pass, root, paired=True, direction="forward"):
    """Draw one event for each true one, and apply the transformer to all levels.

    Parameters
    ----------
    estimator : fitted generator, simulator or unfolder, Pipeline or search
    X, y : array-like
        y is None for a generator.
    transformer : transformer or None
        Fitted on the truth if it is not fitted yet.
    second_pass : (target, accepted), Bunch of both, or None
    root : SeedSequence
    paired : bool
        Whether row i of X and y is the same event; ignored for a generator.
    direction : {"forward", "inverse"} or None
        Whether y is drawn for X, or X for y; None for a generator.

    Returns
    -------
    Compared
    """
    notes = []
    X, y = with_rows(X), with_rows(y, "y")
    inputs, targets = _of_the_fit(estimator, X, y, notes)
    seed = int_seed(root, DRAW)
    settings = {"direction": direction, "paired": paired}
    drawn = draw_events(estimator, inputs, targets, random_state=seed, **settings)
    given, own, goal = (X, inputs, targets) if drawn.what == "y" else (y, targets, inputs)
    names = drawn.names
    if drawn.paired and names is None and np.shape(inputs)[1:] == np.shape(targets)[1:]:
        names = column_names(own)  # matched by position, as residuals are
    transformer = fitted_transformer(transformer, drawn.truth, names)
    rows, out_names = in_coordinates(transformer, drawn.truth, names)
    columns = out_names or [f"column {i}" for i in range(rows.shape[1])]

    def table(events):
        return pd.DataFrame(in_coordinates(transformer, events, names)[0], columns=columns)

    def handed(events):
        """Events in the form of the caller's table: DataFrame, or array of shape (n, *shape)."""
        shape = np.shape(goal)[1:]
        if names is None:
            return events.reshape(-1, *shape)
        return pd.DataFrame(events, columns=names)

    compared = Compared(
        truth=with_units(pd.DataFrame(rows, columns=columns), drawn.units),
        generated=table(drawn.generated),
        handed={"truth": handed(drawn.truth), "generated": handed(drawn.generated)},
        direction=direction,
        inputs=inputs if direction is None else own,
        transformer=transformer,
        names=names,
        notes=notes,
    )
    if drawn.paired:
        compared.given = _given(given, compared.given_name, names, columns, rows.shape[1], table)
        compared.given_input = given
        if direction == "forward" and hasattr(split_steps(estimator)[1], "sample_members"):
            seed = int_seed(root, MEMBERS)
            members = draw_events(
                estimator, inputs, targets, random_state=seed, members=True, **settings
            )
            compared.members, _ = in_coordinates(transformer, members.generated, names)
    if second_pass is not None:
        _check_has_second_pass(drawn)
        target, compared.accepted = _second_pass(
            second_pass, targets, drawn.names, drawn.truth.shape
        )
        compared.second_pass = _filled(table, target, compared.accepted, columns)
        compared.handed["second_pass"] = handed(target)
    return compared


def _of_the_fit(estimator, X, y, notes):
    """X and y with the columns that the estimator was fitted with."""
    model = unwrap_search(estimator)
    fitted = getattr(model, "feature_names_in_", None)
    inputs = _fitted_columns(X, fitted, estimator, "X", notes)
    if y is None or is_generator(model):
        return inputs, y
    fitted = getattr(split_steps(model)[1], "target_names_in_", None)
    targets = _fitted_columns(y, fitted, estimator, "y", notes)
    refuse_rejected(targets, "y")
    return inputs, targets


def _fitted_columns(table, fitted, estimator, what, notes):
    """Select the columns that the estimator was fitted with, or raise naming one that is missing.

    Other columns are allowed, since they may define the regions of a closure test.
    """
    names = column_names(table)
    if names is None or given_names(fitted) is None or not hasattr(table, "columns"):
        return table
    missing = [name for name in fitted if name not in names]
    if missing:
        raise ValueError(
            f"{what} has no column {missing[0]!r}, which {type(estimator).__name__} was fitted "
            f"with ({len(missing)} missing in all). It needs {list(fitted)}; {what} has {names}."
        )
    if extra := [name for name in names if name not in set(fitted)]:
        use = "not given to it" if what == "X" else "not judged"
        notes.append(f"Columns of {what} that the model was not fitted with are {use}: {extra}.")
    return table[list(fitted)]


def _given(events, what, names, columns, n_columns, table):
    """The level that is given: the columns of the truth, transformed, and then the others."""
    rows, own = check_table(events, what=what)
    if names is None or own is None:
        width = n_columns if names is None else len(names)
        same = list(range(width)) if width == rows.shape[1] else None
    else:
        same = [own.index(name) for name in names] if set(names) <= set(own) else None
    if same is None:
        if own is None:  # no column of X corresponds to one of the truth
            own = [f"{what} column {i}" for i in range(rows.shape[1])]
        return pd.DataFrame(rows, columns=own)
    given = table(rows[:, same])
    rest = [i for i in range(rows.shape[1]) if i not in set(same) and own[i] not in columns]
    for i in rest:
        given[own[i]] = rows[:, i]
    return given


def _check_has_second_pass(drawn):
    """Raise ValueError unless a simulator of pairs is judged."""
    if drawn.paired and drawn.what == "y":
        return
    raise ValueError(
        "second_pass holds the same events after another detector pass. Neither a generator, nor "
        "an unfolder, nor a simulator of unpaired events has such a pass: leave it out."
    )


def _second_pass(second_pass, y, names, shape):
    """Rows of the second pass, and which of them hold an event."""
    if hasattr(second_pass, "target") and hasattr(second_pass, "accepted"):
        second_pass = (second_pass.target, second_pass.accepted)
    if not (isinstance(second_pass, (tuple, list)) and len(second_pass) == 2):
        raise TypeError(
            "second_pass must be the same events after another detector pass, as (target, "
            f"accepted) or a Bunch of both, got a {type(second_pass).__name__}."
        )
    target, accepted = second_pass
    target = with_rows(target, "second_pass")
    for part, what in ((target, "second_pass"), (accepted, "the mask of second_pass")):
        check_same_events(y, part, names=("y", what))
    found = column_names(target)
    if names is not None and found is not None and set(names) <= set(found):
        target, found = target[names] if hasattr(target, "columns") else target, names
    rows, _ = check_table(target, what="second_pass")
    if names is not None:
        check_names_match(found, names, what="second_pass")
    accepted = np.asarray(accepted)
    if rows.shape != shape or accepted.shape != shape[:1] or accepted.dtype != bool:
        raise ValueError(
            f"second_pass must hold events of shape {shape} and a boolean mask of shape "
            f"{shape[:1]}, row i the same event as in y; got {rows.shape} and {accepted.dtype} of "
            f"shape {accepted.shape}."
        )
    if accepted.sum() < 2:
        raise ValueError("second_pass accepts fewer than two events: there is no floor to measure.")
    return rows, accepted


def _filled(table, target, accepted, columns):
    """Second pass after the transformer, which never sees the rows without an event."""
    filled = np.full((len(target), len(columns)), np.nan)
    filled[accepted] = table(target[accepted])
    return pd.DataFrame(filled, columns=columns)
