"""Patterns of events in the detector: rejected, or accepted with or without objects."""

import numbers

import numpy as np

from skjetsim.utils._columns import find_column
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import counted

ACCEPTED, REJECTED = "accepted", "rejected"

# With fewer events, neither the rate of a pattern nor its columns can be learnt. For the commonest
# pattern, the simulator says how many events it needs.
MIN_EVENTS = 5


class Patterns:
    """Read patterns of events as integers: 0 is rejected, else 1 + the bits of lost objects.

    Parameters
    ----------
    names, x_names : list of str or None
        Columns of y and of X, None if they have no names.
    n_columns : int
        Number of columns of y.
    accepted : str, int or None
        Column of y that says whether an event is accepted. None if the columns of rejected events
        are all missing.
    objects : sequence of str
        Prefixes of the objects that may be absent from accepted events.
    missing : float or dict of str to float
        What stands in columns of y that an event does not have; a dict says it by column, and is
        completed by zeros.

    Attributes
    ----------
    flag : int or None
        Position of the column `accepted`.
    rest : list of int
        Positions of the other columns of y.
    object_columns, object_inputs : list of list of int
        Positions of the columns of each object in y, and in X, which may have none of them.
    missing, missing_inputs : ndarray
        What stands in columns of y, and of X, that an event does not have.
    """

    missing, missing_inputs = np.zeros(1), np.zeros(1)

    def __init__(self, names, x_names, n_columns, *, accepted, objects, missing=0.0):
        self.names, self.objects = names, list(objects)
        self.flag = _flag(accepted, names, n_columns)
        self.rest = [column for column in range(n_columns) if column != self.flag]
        self.object_columns = [_columns_of(prefix, names) for prefix in objects]
        self.object_inputs = [_positions(prefix, x_names or []) for prefix in objects]
        self._check_objects()
        self.missing = _missing(missing, names or [], n_columns)
        x_names = x_names or []
        self.missing_inputs = _missing(missing, x_names, len(x_names), known=names or [])

    def _check_objects(self):
        owner = {}
        for prefix, columns in zip(self.objects, self.object_columns, strict=True):
            for column in columns:
                if column == self.flag or column in owner:
                    other = "accepted=" if column == self.flag else f"object {owner[column]!r}"
                    raise ValueError(
                        f"Column {self.names[column]!r} of y belongs to object {prefix!r} and to "
                        f"{other}: name each object once, with its full prefix."
                    )
                owner[column] = prefix

    def of_targets(self, y):
        """Pattern of each row of y.

        Raises
        ------
        ValueError
            If the column `accepted` is not 0 or 1, or a rejected event is not missing.
        """
        there = y != self.missing
        if self.flag is None:
            accepted = there.any(axis=1)
        else:
            accepted = self._checked_flag(y[:, self.flag])
            self._check_rejected(y[:, self.rest], there[:, self.rest], accepted)
        return np.where(accepted, 1 + _absent(there, self.object_columns), 0)

    def of_inputs(self, X):
        """Bits of the objects that are absent from X; without columns in X they count as there.

        Their columns are all missing there, or all zero.
        """
        zero = _absent(X != 0, self.object_inputs)
        if not np.any(self.missing_inputs):
            return zero
        return zero | _absent(self.missing_inputs != X, self.object_inputs)

    def fakes(self, pattern, absent):
        """Bits of the objects that are in this pattern of y and absent from X."""
        return np.where(pattern > 0, absent & ~(pattern - 1), 0)

    def columns(self, pattern):
        """Positions of the columns of y that an event of this pattern has."""
        if pattern == 0:
            return []
        lost = set()
        for bit, columns in enumerate(self.object_columns):
            if (pattern - 1) >> bit & 1:
                lost.update(columns)
        return [column for column in self.rest if column not in lost]

    def name(self, pattern, fakes=0):
        """Pattern in words."""
        if pattern == 0:
            return REJECTED
        parts = []
        for word, bits in (("without", pattern - 1), ("fake", fakes)):
            chosen = [name for bit, name in enumerate(self.objects) if bits >> bit & 1]
            if chosen:
                parts.append(f"{word} {', '.join(chosen)}")
        return "; ".join(parts) or ACCEPTED

    def groups(self, pattern, absent):
        """Rows of each pattern, rarest first; events with fakes are patterns of their own.

        Returns
        -------
        dict of (int, int) to ndarray of int
            Rows by pattern and bits of the fakes.
        """
        keys = np.column_stack([pattern, self.fakes(pattern, absent)])
        found, index, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        return {
            (int(found[i, 0]), int(found[i, 1])): np.flatnonzero(index.ravel() == i)
            for i in np.argsort(counts, kind="stable")
        }

    def check_counts(self, groups):
        """Raise ValueError if a pattern is too rare to be learnt."""
        *rare, _ = groups.items()
        for (pattern, fakes), rows in rare:
            if len(rows) < MIN_EVENTS:
                cure = "Pass more events, or select them so that it does not occur"
                if pattern > 1 or fakes:
                    cure += ", or name fewer objects in objects="
                raise ValueError(
                    f"The pattern {self.name(pattern, fakes)!r} has too few events to learn from: "
                    f"{len(rows)}, and {MIN_EVENTS} are needed. {cure}."
                )

    def _checked_flag(self, flag):
        bad = (flag != 0) & (flag != 1)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(
                f"Column {self._label(self.flag)} of y says whether an event is accepted and must "
                f"be 0 or 1, but row {row} has {flag[row]:g} "
                f"({counted(bad.sum(), 'bad row')} in all). Name another column with accepted=, "
                "or pass accepted=None if all columns of rejected events are missing."
            )
        return flag == 1

    def _check_rejected(self, rest, there, accepted):
        bad = there & ~accepted[:, None]
        if bad.any():
            column = int(np.flatnonzero(bad.any(axis=0))[0])
            row = int(np.flatnonzero(bad[:, column])[0])
            wanted = np.broadcast_to(self.missing, (self.rest[-1] + 1,))[self.rest[column]]
            word = "zero" if wanted == 0 else f"{wanted:g}"
            raise ValueError(
                f"Row {row} of y is rejected but not {word}: column "
                f"{self._label(self.rest[column])} has {rest[row, column]:g} "
                f"({counted(bad.any(axis=1).sum(), 'bad row')} in all). Set the columns of "
                f"rejected events to {wanted:g}: y[accepted == 0] = {wanted:g}; or say by missing= "
                "what stands in them, such as missing=-999."
            )

    def _label(self, column):
        return column if self.names is None else repr(self.names[column])


def _absent(there, objects):
    """Bits of the objects, given by their columns, that have nothing there in each row."""
    bits = np.zeros(len(there), dtype=np.int64)
    for bit, columns in enumerate(objects):
        if columns:
            bits |= (~there[:, columns].any(axis=1)).astype(np.int64) << bit
    return bits


def check_missing(missing):
    """Raise unless all values that stand for missing columns are finite numbers."""
    named = missing.items() if isinstance(missing, dict) else [(None, missing)]
    for column, value in named:
        name = "missing" if column is None else f"missing[{column!r}]"
        if isinstance(value, numbers.Real) and not np.isfinite(value):
            raise ValueError(
                f"{name} must be a finite number, got {value}: events must not have NaN or "
                "infinity. Replace it in X and y by a number that no event has, such as -999, and "
                "pass that: y.fillna(-999) and missing=-999."
            )
        check_real(value, name)


def _missing(missing, names, n_columns, known=()):
    """What stands in each column that an event does not have."""
    if not isinstance(missing, dict):
        return np.full(n_columns, check_real(missing, "missing"))
    result = np.zeros(n_columns)
    for name, value in missing.items():
        if name in names:
            result[names.index(name)] = check_real(value, f"missing[{name!r}]")
        elif name not in known:
            raise ValueError(f"missing: y has no column {name!r}. The columns are {names}.")
    return result


def _flag(accepted, names, n_columns):
    """Position of the column that says whether an event is accepted."""
    if accepted is None:
        return None
    if isinstance(accepted, str) and names is None:
        raise ValueError(
            f"accepted names {accepted!r}, but y has no column names: pass a DataFrame, the "
            "position of the column, or None if all columns of rejected events are missing."
        )
    if isinstance(accepted, str) and accepted not in names:
        raise ValueError(
            f"y has no column {accepted!r}, which says whether an event is accepted: {names}. Add "
            "it, 1 or 0, with zeros in the other columns of rejected events; name it with "
            "accepted=; or pass accepted=None if all columns of rejected events are zero, or as "
            "missing= says."
        )
    return find_column(accepted, names, n_columns, "accepted", "y")


def _columns_of(prefix, names):
    """Positions of an object's columns in y."""
    if names is None:
        raise ValueError(
            f"objects={prefix!r} names columns, but y has no column names: pass a DataFrame."
        )
    columns = _positions(prefix, names)
    if not columns:
        raise ValueError(
            f"y has no columns of object {prefix!r}, whose names start with {prefix + '_'!r}: "
            f"{names}."
        )
    return columns


def _positions(prefix, names):
    return [i for i, name in enumerate(names) if name.startswith(f"{prefix}_")]
