"""Objects of an event that change places: jets by falling pT, or in the order of partons."""

import numpy as np

from skjetsim.utils._event_columns import event_objects, find_object
from skjetsim.utils._event_objects import EventObject
from skjetsim.utils._validation import counted

ROUNDING = 1e-6  # of pT computed from files in float32


def columns_of(objects, names, owner):
    """{object: {rest of the name: column}}; the longest object that a name begins with has it."""
    known = event_objects(names)
    for obj in objects:
        find_object(known, obj, owner)
    found = {obj: {} for obj in objects}
    for column, name in enumerate(names):
        fitting = [obj for obj in objects if name.startswith(f"{obj}_")]
        if fitting:
            obj = max(fitting, key=len)
            found[obj][name[len(obj) + 1 :]] = column
    return found


class ObjectOrder:
    """Columns of objects that can change places, since all have the same components.

    Parameters
    ----------
    objects : sequence of str
    names : list of str
        All columns of the table.
    owner : str
        Named in messages.

    Attributes
    ----------
    parts : dict of str to dict of str to int
        {object: {rest of the name: column}}.
    columns : ndarray of int, shape (n_objects, n_columns)
    """

    def __init__(self, objects, names, owner):
        self.objects, self.owner = list(objects), owner
        self.parts = columns_of(objects, names, owner)
        first, *others = self.parts.items()
        for obj, parts in others:
            differing = sorted(set(parts) ^ set(first[1]))
            if differing:
                raise ValueError(
                    f"{owner}: {first[0]!r} and {obj!r} must have the same columns to change "
                    f"places, but only one of them has '*_{differing[0]}'. Give it to both, or "
                    "drop it."
                )
        self.columns = np.array(
            [[parts[name] for name in first[1]] for parts in self.parts.values()]
        )

    def renamed(self, names, others):
        """Names of all columns, with those of other objects in place of these."""
        out = list(names)
        for parts, other in zip(self.parts.values(), others, strict=True):
            for part, i in parts.items():
                out[i] = f"{other}_{part}"
        return out

    def read(self, values):
        """Objects of a table, which give directions and pT."""
        return [
            EventObject.read(obj, parts, values, self.owner) for obj, parts in self.parts.items()
        ]

    def pt(self, values):
        """Transverse momenta, shape (n_objects, n_samples)."""
        return np.array([obj.pt for obj in self.read(values)])

    def check_falling(self, values, what):
        """Raise if objects are not sorted by falling pT, the order in which they are given back."""
        pt = self.pt(values)
        rising = pt[1:] > pt[:-1] * (1 + ROUNDING)
        bad = rising.any(axis=0)
        if bad.any():
            row = int(np.argmax(bad))
            first = int(np.argmax(rising[:, row]))
            raise ValueError(
                f"{self.owner}: objects of {what} must fall in pT, but "
                f"{self.objects[first]!r} has {pt[first, row]:.6g} GeV and "
                f"{self.objects[first + 1]!r} {pt[first + 1, row]:.6g} GeV, first bad row {row} "
                f"({counted(bad.sum(), 'bad row')} in all). Sort the objects of each event."
            )

    def in_order(self, values, order):
        """Rows whose i-th object is the one of number order[:, i]."""
        out = values.copy()
        rows = np.arange(len(values))[:, None]
        for place, target in enumerate(self.columns):
            out[:, target] = values[rows, self.columns[order[:, place]]]
        return out

    def by_pt(self, values):
        """Rows whose objects are sorted by falling pT."""
        return self.in_order(values, np.argsort(-self.pt(values), axis=0, kind="stable").T)
