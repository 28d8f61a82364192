"""Columns of two levels that belong together, and checks of parameters that name columns."""

from collections.abc import Mapping

import numpy as np

from skjetsim.utils._event_columns import COMPONENTS, event_objects, split_name
from skjetsim.utils._parameters import check_positive, check_real
from skjetsim.utils._validation import first_duplicate

MOMENTUM = ("px", "py", "pz")
PT = (("pt",), ("log_pt",), ("px", "py"))  # what a transverse momentum is read from


def partners(source, target):
    """Column of `source` that corresponds to each column of `target`, or None.

    Columns correspond by name. If both tables are equally wide and no name is at another position,
    columns also correspond by position: if both are the same component, such as px of a quark and
    of a jet, or if the tables have no name in common.
    """
    place = {name: i for i, name in enumerate(source.names)}
    same_width = len(source.names) == len(target.names)
    if not same_width or any(place.get(name, i) != i for i, name in enumerate(target.names)):
        return [place.get(name) for name in target.names]
    strangers = not set(source.names) & set(target.names)
    return [
        i if strangers or one == other or _alike(one, other) else None
        for i, (one, other) in enumerate(zip(source.names, target.names, strict=True))
    ]


def _component(name):
    return split_name(name)[1]


def _alike(name, other):
    """Whether two columns are the same component of different objects."""
    return _component(name) is not None and _component(name) == _component(other)


def check_residual(residual, tables):
    """Raise unless `residual` is a bool, None, or has steps for columns of the tables."""
    if residual is None or isinstance(residual, bool):
        return
    if not isinstance(residual, Mapping):
        raise TypeError(
            "residual must be True, False, or a dict with the typical step of columns, such as "
            f"{{'pt': 1.0, 'eta': 0.001}}, got {residual!r}."
        )
    known = {part for table in tables for name in table.names for part in (name, _component(name))}
    for key, size in residual.items():
        check_positive(size, f"residual[{key!r}]")
        if key not in known:
            raise ValueError(
                f"residual has a step of {key!r}, which is neither a column of X or y nor a "
                f"component of one. Components are {', '.join(COMPONENTS)}."
            )


def find_steps(residual, source, target):
    """Step of each output of a map, and the column of the source that it is added to.

    Parameters
    ----------
    residual : bool, None, or dict of str to float
        A dict has columns or components, and steps in their units.

    Returns
    -------
    step : ndarray of shape (n_columns,)
    partner : list of int or None
    """
    step, partner = target.width.copy(), [None] * len(target.names)
    if residual is False or residual is None:
        return step, partner
    # Nothing is added to a constant.
    found = [i if i is None or source.varying[i] else None for i in partners(source, target)]
    if residual is True:
        if all(i is None for i in found):
            raise ValueError(
                "residual=True adds to the columns that X and y share, but no shared column "
                f"varies. Columns of both levels: {source.names} and {target.names}."
            )
        return step, found
    for key, size in residual.items():
        for i, name in enumerate(target.names):
            if key in (name, _component(name)) and found[i] is not None:
                step[i], partner[i] = size, found[i]
    return step, partner


def shared_columns(theory, measured, decoder):
    """Columns of both levels: positions, step of the decoder, and whether they are angles."""
    partner = partners(theory, measured)
    return [
        (partner[i], i, step, angle)
        for i, step, angle in zip(decoder.free, decoder.step, decoder.angle, strict=True)
        if partner[i] is not None and theory.varying[partner[i]]
    ]


def find_thresholds(thresholds, target, other_names):
    """Positions of the transverse momenta that have a threshold, from {object: GeV}."""
    found = []
    objects, others = event_objects(target.names), event_objects(other_names)
    for obj, least in (thresholds or {}).items():
        least = check_real(least, f"thresholds[{obj!r}]", unit="GeV")
        parts = objects.get(obj, {})
        names = _pt_components(parts)
        if not names:
            swapped = _pt_components(others.get(obj, {}))
            cure = "X has it: were X and y swapped?" if swapped else f"Objects: {list(objects)}."
            raise ValueError(
                f"thresholds name {obj!r}, but y has no pT of it: neither '{obj}_pt' or "
                f"'{obj}_log_pt' nor '{obj}_px' and '{obj}_py'. {cure}"
            )
        if names == ("log_pt",):
            name = f"thresholds[{obj!r}], for a logarithm of pT,"
            least = float(np.log(check_real(least, name, above=0, unit="GeV")))
        first, second = [*(parts[name] for name in names), None][:2]
        found.append((first, second, least))
    return tuple(found)


def _pt_components(parts):
    """Components that the transverse momentum of an object is read from, or ()."""
    return next((names for names in PT if set(names) <= set(parts)), ())


def find_anchors(anchors, tables):
    """Positions of the vectors whose directions are kept, on both levels.

    Parameters
    ----------
    anchors : None, callable, or list of (str or sequence of str)
        Objects with px, py and pz, or the columns of a vector, on both levels.
    tables : list of Table
    """
    if anchors is None or callable(anchors):
        return anchors
    groups = []
    for group in [anchors] if isinstance(anchors, str) else anchors:
        columns = [f"{group}_{c}" for c in MOMENTUM] if isinstance(group, str) else list(group)
        for table in tables:
            missing = [column for column in columns if column not in table.names]
            if missing:
                raise ValueError(
                    f"anchors={anchors!r}: {table.what} has no column {missing[0]!r}. An anchor is "
                    "an object with px, py and pz on both levels, a list of columns, or a callable."
                )
        groups.append(tuple([table.names.index(c) for c in columns] for table in tables))
    return groups


def check_per_object(per_object, tables):
    """Raise if the objects of a group cannot share a network.

    Parameters
    ----------
    per_object : bool, or list of list of str
        Groups of objects that share a network.
    """
    if isinstance(per_object, bool):
        return
    if isinstance(per_object, str) or any(isinstance(names, str) for names in per_object):
        raise TypeError(
            "per_object must be True, False, or a list of lists of objects that share a network, "
            f"such as [['electron', 'positron']], got {per_object!r}."
        )
    named = [name for names in per_object for name in names]
    twice = first_duplicate(named)
    if twice is not None:
        raise ValueError(f"per_object names {twice!r} twice.")
    for table in tables:
        parts = {obj: set(found) for obj, found in event_objects(table.names).items()}
        for names in per_object:
            missing = [name for name in names if name not in parts]
            if missing:
                raise ValueError(
                    f"per_object names {missing[0]!r}, but {table.what} has no column of it. "
                    f"Objects: {list(parts)}."
                )
            other = next((name for name in names if parts[name] != parts[names[0]]), None)
            if other is not None:
                raise ValueError(
                    f"per_object: {names[0]!r} and {other!r} cannot share a network, since "
                    f"{table.what} has {sorted(parts[names[0]])} of the first and "
                    f"{sorted(parts[other])} of the second."
                )
