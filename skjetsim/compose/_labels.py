"""Columns of text and categories of y, as numbers for an estimator that draws categories."""

import copy

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if

from skjetsim.utils._columns import find_column


class Labels:
    """Labels of the columns of a table that hold text or categories.

    A label is known by its position among all labels of its column: in alphabetical order, or in
    that of a categorical type.

    Attributes
    ----------
    columns : list of int
        Positions of the columns in the table.
    labels : list of ndarray
        Labels of each of them.
    kinds : list of str
        Type of each in a table: "category", "ordered", or the name of a type of text.
    n_columns : int
        Number of columns of the table.
    """

    def __init__(self, table, allowed):
        self.n_columns = table.shape[1]
        self.columns, self.labels, self.kinds = [], [], []
        for j in allowed:
            values = table.iloc[:, j]
            if is_label(values):
                self.columns.append(j)
                self.labels.append(_labels_of(values))
                self.kinds.append(_kind_of(values.dtype))

    def encode(self, table):
        """Table with positions in place of labels; -1 for a label that the fit did not have."""
        if table.shape[1] != self.n_columns:
            return table  # which the check of the number of columns refuses
        columns = [table.iloc[:, j] for j in range(table.shape[1])]
        for j, labels in zip(self.columns, self.labels, strict=True):
            place = pd.Index(labels).get_indexer(pd.Index(columns[j].astype(object)))
            columns[j] = pd.Series(place.astype(float), index=table.index, name=columns[j].name)
        encoded = pd.concat(columns, axis=1)
        encoded.columns = table.columns
        return encoded

    def decode(self, rows):
        """Array of objects, of shape (..., n_columns), in which positions are labels again."""
        decoded = rows.astype(object)
        for j, labels in zip(self.columns, self.labels, strict=True):
            decoded[..., j] = labels[rows[..., j].astype(np.intp)]
        return decoded

    def decode_frame(self, frame):
        """Table of pandas or polars in which positions are labels again."""
        names = list(frame.columns)
        columns = {name: frame[name] for name in names}
        for j, labels, kind in zip(self.columns, self.labels, self.kinds, strict=True):
            place = frame[names[j]].to_numpy().astype(np.intp)
            if not isinstance(frame, pd.DataFrame):
                columns[names[j]] = labels[place].tolist()
            elif kind in ("category", "ordered"):
                values = pd.Categorical.from_codes(place, labels, ordered=kind == "ordered")
                columns[names[j]] = pd.Series(values, index=frame.index)
            else:
                columns[names[j]] = pd.Series(labels[place], index=frame.index, dtype=kind)
        return type(frame)(columns)


def is_label(values):
    """Whether a Series has a categorical type, or holds text."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return True
    if pd.api.types.is_numeric_dtype(dtype):
        return False
    return any(isinstance(value, str) for value in values)


def _labels_of(values):
    if values.isna().any():
        row = int(np.flatnonzero(values.isna())[0])
        raise ValueError(
            f"y column {values.name!r} has no category in row {row}. Give such events a category "
            "of their own, or leave them out."
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        labels = np.asarray(values.dtype.categories)
    else:
        labels = np.array(sorted(set(values.astype(object)), key=_order), dtype=object)
    if labels.dtype == object and not all(isinstance(label, str) for label in labels):
        raise ValueError(
            f"y column {values.name!r} holds text and other values. Convert all of it to text."
        )
    return labels


def _order(label):
    return isinstance(label, str), str(label)


def _kind_of(dtype):
    if isinstance(dtype, pd.CategoricalDtype):
        return "ordered" if dtype.ordered else "category"
    return str(dtype)


class LabelledTarget:
    """Mixin of simulators whose y may hold text and categories.

    `_label_columns()` names the columns that may, or is None for all of them.
    """

    def _read_labels(self, y):
        """Learn the labels of y, and return y as numbers."""
        vars(self).pop("labels_", None)
        table = _label_table(y)
        if table is not None:
            names = [name for name in table.columns if isinstance(name, str)]
            names = names if len(names) == table.shape[1] else None
            labels = Labels(table, _positions(self._label_columns(), names, table.shape[1]))
            if labels.columns:
                self.labels_ = labels
        return self._as_numbers(y)

    def _as_numbers(self, y):
        """Return y with positions in place of labels."""
        table = _label_table(y) if hasattr(self, "labels_") else None
        if table is None:
            return y
        encoded = self.labels_.encode(table)
        if isinstance(y, pd.Series):
            return encoded.iloc[:, 0].rename(y.name)
        if isinstance(y, pd.DataFrame) or hasattr(y, "get_column"):
            return encoded
        values = encoded.to_numpy()
        return values if np.ndim(y) == 2 else values[:, 0]

    def _with_labels(self, drawn):
        """Events as users see them: tables with labels, or arrays of objects."""
        if not hasattr(self, "labels_"):
            return drawn
        if hasattr(drawn, "columns"):
            return self.labels_.decode_frame(drawn)
        rows = np.asarray(drawn).reshape(*drawn.shape[: drawn.ndim - len(self.target_shape_)], -1)
        return self.labels_.decode(rows).reshape(drawn.shape)

    def sample(self, X, *, n_samples=None, random_state=None):
        """Simulate detector-level events.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Theory-level events. An empty X gives an empty result.
        n_samples : int, optional
            Number of draws per event, along a second axis. None is one draw without that axis.
        random_state : None, int, Generator or RandomState
            None draws other events at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
            In the units and the types of the fitted y. An array of objects if y has labels. A table
            under `set_output`, if `n_samples` is None.

        Raises
        ------
        ValueError
            On NaN or infinity in X, or columns that differ from those of the fit.
        """
        return self._with_labels(super().sample(X, n_samples=n_samples, random_state=random_state))

    def predict(self, X):
        """Point prediction of each column of y, the same at each call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
        """
        return self._with_labels(super().predict(X))

    @available_if(lambda self: hasattr(self, "_log_density"))
    def score_samples(self, X, y):
        """Log p(y given X) of each event, in the units of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
            It is minus infinity for a combination of values that does not occur in the fit. For
            columns that are not categories, it is a density.
        """
        return super().score_samples(X, self._as_numbers(y))

    def score(self, X, y, sample_weight=None):
        """Mean log p(y given X) if it is tractable, else minus the energy score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            Higher is better. The energy score compares labels by their positions.
        """
        if not hasattr(self, "labels_"):
            return super().score(X, y, sample_weight)
        plain = copy.copy(self)
        del plain.labels_
        return plain.score(X, self._as_numbers(y), sample_weight)


def _label_table(y):
    """Table of y if it may hold labels, else None."""
    if isinstance(y, pd.DataFrame):
        return y
    if isinstance(y, pd.Series):
        return y.to_frame("y" if y.name is None else y.name)
    if hasattr(y, "get_column"):  # polars
        return pd.DataFrame({name: y.get_column(name).to_numpy() for name in y.columns})
    if not isinstance(y, (np.ndarray, list, tuple)):
        return None
    array = np.asarray(y)
    if array.dtype.kind in "SU":
        array = np.asarray(y, dtype=object)
    if array.dtype != object or array.ndim not in (1, 2):
        return None
    return pd.DataFrame(array if array.ndim == 2 else array[:, None])


def _positions(columns, names, n_columns):
    """Positions of columns that exist; the estimator refuses the others."""
    if columns is None:
        return range(n_columns)
    found = []
    for column in columns if np.iterable(columns) else ():
        try:
            found.append(find_column(column, names, n_columns, "columns", "y"))
        except (TypeError, ValueError):
            continue
    return found
