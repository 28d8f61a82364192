"""What all physics transformers share: validation, containers, names, errors by column and row."""

from abc import ABCMeta, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skjetsim._sklearn_compat import output_container, wrap_like_transform
from skjetsim.utils._angle_checks import check_turns
from skjetsim.utils._columns import column_positions
from skjetsim.utils._containers import table_like
from skjetsim.utils._event_columns import (
    event_objects,
    find_object,
    join_name,
    label,
    names_by_position,
    refuse_duplicates,
    split_name,
)
from skjetsim.utils._event_objects import EventObject
from skjetsim.utils._validation import check_events, counted, first_difference, validate_events
from skjetsim.utils._warnings import warn_user


class EventTransformer(TransformerMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class of transformers that act on each event (row) alone.

    Subclasses give `_resolve(names)`, which learns the roles of the columns once and returns the
    names of the output columns, and `_forward(values)`; bijections derive from
    `InvertibleEventTransformer`. All see float64 arrays and never a container.

    A table of pandas or polars comes back as one, that of pandas with its index. An array comes
    back as an array, and any other container with names as a table of pandas. If `set_output` was
    called, it decides. Names therefore survive an ordinary Pipeline.
    """

    # Whether a table without names is read as consecutive (px, py, pz) triples.
    _reads_triples = False

    def fit(self, X, y=None):
        """Learn which column is what.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Events.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted transformer.

        Raises
        ------
        ValueError
            On NaN, infinity, text, missing columns or unphysical events.
        """
        values = validate_events(self, X, reset=True)
        check_turns(values, getattr(self, "feature_names_in_", None), "X", every=True)
        self._names_out = list(self._resolve(self._names_in()))
        refuse_duplicates(self._names_out, type(self).__name__)
        self._check(values)
        return self

    def transform(self, X):
        """Transform events.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Events, with the columns of `fit`.

        Returns
        -------
        DataFrame or ndarray of shape (n_samples, n_features_out)
            A table of pandas or polars if X is one, unless `set_output` asks for something else.

        Raises
        ------
        ValueError
            On wrong columns, NaN, infinity or unphysical events.
        """
        return self._same_container(self._forward(self._validated(X)), X)

    def get_feature_names_out(self, input_features=None):
        """Names of the output columns.

        Parameters
        ----------
        input_features : array-like of str, optional
            Compared with the names seen in `fit`. If `fit` saw no names, columns that pass
            through take these.

        Returns
        -------
        ndarray of str objects, shape (n_features_out,)
        """
        check_is_fitted(self)
        names = self._names_out
        if input_features is not None:
            input_features = np.asarray(input_features, dtype=object)
            if len(input_features) != self.n_features_in_:
                raise ValueError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(input_features)}"
                )
            fitted = getattr(self, "feature_names_in_", None)
            if fitted is None:
                given = dict(zip(self._names_in(), input_features, strict=True))
                names = [given.get(name, name) for name in names]
            elif not np.array_equal(fitted, input_features):
                raise ValueError("input_features is not equal to feature_names_in_")
        return np.asarray(names, dtype=object)

    def _validated(self, X):
        """X as a float64 array of physical events with the columns of `fit`."""
        check_is_fitted(self)
        values = validate_events(self, X, reset=False)
        self._check(values)
        return values

    def _resolve(self, names):
        """Learn the roles of the columns from their names; return the names of the output."""
        return names

    def _check(self, values):
        """Raise or warn if the events are not physical."""

    @abstractmethod
    def _forward(self, values):
        """Transform a validated array."""

    def _require_triple(self):
        """Raise if a table without names holds no (px, py, pz)."""
        if not hasattr(self, "feature_names_in_") and self.n_features_in_ < 3:
            raise ValueError(
                f"{type(self).__name__}: X has no column names and {self.n_features_in_} "
                "feature(s), while a minimum of 3 is required: such tables are read as "
                "consecutive (px, py, pz). Pass a DataFrame with names such as 'muon_px'."
            )

    def _require_names(self, what):
        """Raise if a table has no names, by which something is found."""
        if not hasattr(self, "feature_names_in_"):
            raise ValueError(
                f"{type(self).__name__} needs named columns, and X with {self.n_features_in_} "
                f"feature(s) has none: {what} by name. Pass a DataFrame."
            )

    def _names_in(self):
        """Names of the input columns; if they have none, names that stand for their positions."""
        if hasattr(self, "feature_names_in_"):
            return list(self.feature_names_in_)
        return names_by_position(self.n_features_in_, triples=self._reads_triples)

    def _same_container(self, values, X):
        """Return a table for a table, unless `set_output` asks for another container."""
        if output_container(self) != "default":
            return values
        return table_like(X, values, self._names_out)

    def _positions(self, columns):
        """Positions of the columns that the user asked for by name or position."""
        names = list(self.feature_names_in_) if hasattr(self, "feature_names_in_") else None
        return column_positions(columns, names, self.n_features_in_, type(self).__name__)

    def _components(self, obj):
        """{component: position} of an object, or raise naming the objects that there are."""
        return find_object(event_objects(self._names_in()), obj, type(self).__name__)

    def _need(self, obj, components, cure=None):
        """Positions of components of an object, or raise naming the first one that it lacks."""
        parts = self._components(obj)
        for component in components:
            if component not in parts:
                if cure and f"log_{component}" in parts:
                    cure = "put LogTransformer behind this step"
                raise ValueError(
                    f"{type(self).__name__}: {label(obj)} has no column "
                    f"{join_name(obj, component)!r}{f'; {cure}' if cure else ''}."
                )
        return [parts[component] for component in components]

    def _chosen(self, columns, names, components, what):
        """Positions of the columns asked for, or of all with these components; at least one."""
        if columns is not None:
            found = self._positions(columns)
        else:
            found = [i for i, name in enumerate(names) if split_name(name)[1] in components]
        if not found:
            raise ValueError(
                f"{type(self).__name__} found no {what} among the {self.n_features_in_} feature(s) "
                f"of X: columns named {components[0]!r} or '*_{components[0]}' are taken; give "
                "others in `columns`."
            )
        return found

    def _require_two(self, first, second, parameters):
        """Raise if two parameters name the same object."""
        if first == second:
            raise ValueError(
                f"{type(self).__name__}: {parameters} must be two objects, got {first!r} twice."
            )

    def _event_object(self, obj, parts, values):
        """Read any quantity of an object from its columns in a table."""
        return EventObject.read(obj, parts, values, type(self).__name__)

    def _place(self, position):
        """How a column is called in messages."""
        if isinstance(position, str):
            return position
        named = hasattr(self, "feature_names_in_")
        return repr(self._names_in()[position]) if named else str(position)

    def _refuse(self, bad, position, problem, *, warn=False, **values):
        """Raise or warn for the rows `bad`, naming the column and the first of them.

        Parameters
        ----------
        bad : ndarray of bool, shape (n_samples,)
        position : int or str
            The column to name.
        problem : str
            What is wrong and how to cure it, with a place such as {mass:.6g} for each of `values`.
        warn : bool
        **values : object or ndarray of shape (n_samples,)
            Printed in the places. Of an array, the value in the first bad row is printed.
        """
        if not bad.any():
            return
        row = int(np.argmax(bad))
        printed = {k: v[row] if isinstance(v, np.ndarray) else v for k, v in values.items()}
        message = (
            f"{type(self).__name__}: column {self._place(position)}, first bad row {row} "
            f"({counted(bad.sum(), 'bad row')} in all): {problem.format(**printed)}"
        )
        if not warn:
            raise ValueError(message)
        warn_user(message)

    def _refuse_momenta(self, values, column):
        """Raise for transverse momenta that are not above zero."""
        self._refuse(
            values[:, column] <= 0,
            column,
            "pT {pt:.6g} GeV, but it must be positive. Select events with a value above zero "
            "(skjetsim.selection.select_pt).",
            pt=values[:, column],
        )

    def _refuse_drawn(self, bad, column, values, sign, cure, printed="{value:.6g}"):
        """Raise for transformed values that no event has, but that a model may draw."""
        self._refuse(
            bad,
            repr(self._names_out[column]),
            f"{printed}, but transform gives {sign} values only. Put {cure} behind "
            f"{type(self).__name__}, so that no other value is drawn.",
            value=values,
        )


class InverseMixin(metaclass=ABCMeta):
    """`inverse_transform` for transformers that give `_inverse(values)`."""

    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features_out)
            Transformed events. Names of a DataFrame are compared; an array is read by position.

        Returns
        -------
        DataFrame or ndarray of shape (n_samples, n_features_in_)
            Events with the columns of `fit`, in the same container as from `transform`.

        Raises
        ------
        ValueError
            On NaN, infinity, and wrong columns or a wrong order; the first one is named.
        """
        check_is_fitted(self)
        values = self._inverse(self._check_output_side(X))
        names = self._names_in()
        if output_container(self) != "default":
            return wrap_like_transform(self, values, names, X)
        return table_like(X, values, names)

    @abstractmethod
    def _inverse(self, values):
        """Undo `_forward` on a validated array."""

    def _check_output_side(self, X):
        """Validate a table of transformed events and compare it with the output columns."""
        values, names = check_events(X, estimator=self)
        expected = self._names_out
        if names is not None and len(names) == len(expected) and names != expected:
            i = first_difference(names, expected)
            raise ValueError(
                f"{type(self).__name__}.inverse_transform: column {i} is {names[i]!r}, expected "
                f"{expected[i]!r}. Columns must be those of transform, in its order: {expected}."
            )
        if values.shape[1] != len(expected):
            raise ValueError(
                f"{type(self).__name__}.inverse_transform: X has {values.shape[1]} features, but "
                f"transform gives {len(expected)}: {expected}."
            )
        return values


class InvertibleEventTransformer(InverseMixin, EventTransformer):
    """A bijection between equal dimensions: adds `inverse_transform` and `log_det_jacobian`."""

    def log_det_jacobian(self, X):
        """Logarithm of the absolute Jacobian determinant of `transform`, event by event.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Events before the transformation.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            log |det d transform(X) / d X|.
        """
        return self._log_det(self._validated(X))

    def _log_det(self, values):
        """Log-determinant for a validated array; 0 for rotations and permutations."""
        return np.zeros(len(values))
