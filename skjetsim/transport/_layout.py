"""Which columns of two levels belong together, with errors that say what does not fit."""

from collections.abc import Mapping

import numpy as np

from skjetsim.utils._event_columns import COMPONENTS, event_objects, split_name
from skjetsim.utils._parameters import check_positive, check_real
from skjetsim.utils._validation import first_duplicate

MOMENTUM = ("px", "py", "pz")
PT = (("pt",), ("log_pt",), ("px", "py"))  # what a transverse momentum is read from


def partners(source, target):
    """Column of `source` that each column of `target` corresponds to, or None.

    Columns correspond by name. Those of two equally wide tables, in which no name stands elsewhere,
    also correspond by position: if both columns are the same component of something, such as px of
    a quark and of a jet, or if the tables have no name in common.
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


def _alike(name, other):
    """Whether two columns are the same component of different objects."""
    component = split_name(name)[1]
    return component is not None and component == split_name(other)[1]


def check_residual(residual, tables):
    """Raise unless `residual` is a bool, None, or has steps of columns of the tables."""
    if residual is None or isinstance(residual, bool):
        return
    if not isinstance(residual, Mapping):
        raise TypeError(
            "residual must be True, False, or the typical step of columns, such as "
            f"{{'pt': 1.0, 'eta': 0.001}}, got {residual!r}."
        )
    known = {part for table in tables for name in table.names for part in (name, _component(name))}
    for key, size in residual.items():
        check_positive(size, f"residual[{key!r}]")
        if key not in known:
            raise ValueError(
                f"residual has a step of {key!r}, which is not a column of X or y and not a "
                f"component of one. Components are {', '.join(COMPONENTS)}."
            )


def _component(name):
    return split_name(name)[1]


def find_steps(residual, source, target):
    """Steps of the map's outputs, and the source's column each is added to, by target column.

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
    # A map does not start from a constant.
    found = [i if i is None or source.varying[i] else None for i in partners(source, target)]
    if residual is True:
        if all(i is None for i in found):
            raise ValueError(
                "residual=True adds to the columns that X and y share, but they share none that "
                f"varies: X has {source.names}, y {target.names}, or the other way round."
            )
        return step, found
    for key, size in residual.items():
        for i, name in enumerate(target.names):
            if key in (name, _component(name)) and found[i] is not None:
                step[i], partner[i] = size, found[i]
    return step, partner


def shared_columns(theory, measured, decoder):
    """Columns on both levels: positions, step of the decoder, and whether they are angles."""
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
                f"thresholds name {obj!r}, for which y has neither '{obj}_pt' or '{obj}_log_pt' "
                f"nor '{obj}_px' and '{obj}_py'. {cure}"
            )
        if names == ("log_pt",):
            if least <= 0:
                raise ValueError(
                    f"thresholds[{obj!r}] is {least!r} GeV, but y has the logarithm of pT: it must "
                    "be above zero."
                )
            least = float(np.log(least))
        first, second = [*(parts[name] for name in names), None][:2]
        found.append((first, second, least))
    return tuple(found)


def _pt_components(parts):
    """Components that the transverse momentum of an object is read from; () if it has none."""
    return next((names for names in PT if set(names) <= set(parts)), ())


def find_anchors(anchors, tables):
    """Positions of the vectors whose directions are kept, on both levels.

    Parameters
    ----------
    anchors : None, callable, or list of (str or sequence of str)
        Objects with px, py and pz, or the columns of a vector; both levels have them.
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
    """Raise if objects cannot be drawn one by one, or not by one network together.

    Parameters
    ----------
    per_object : bool, or list of list of str
        Objects that share a network.
    """
    if isinstance(per_object, bool):
        return
    if isinstance(per_object, str) or any(isinstance(names, str) for names in per_object):
        raise TypeError(
            "per_object must be True, False, or a list of lists of objects that are measured "
            f"alike, such as [['electron', 'positron']], got {per_object!r}."
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
                    f"per_object names {missing[0]!r}, of which {table.what} has no column. "
                    f"Objects: {list(parts)}."
                )
            other = next((name for name in names if parts[name] != parts[names[0]]), None)
            if other is not None:
                raise ValueError(
                    f"per_object: {names[0]!r} and {other!r} cannot share a network, since "
                    f"{table.what} has {sorted(parts[names[0]])} of one and "
                    f"{sorted(parts[other])} of the other."
                )
