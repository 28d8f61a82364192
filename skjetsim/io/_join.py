"""Tables of several files as one, and one table as its two levels."""

import pandas as pd

from skjetsim.io._units import GEN, RECO, WEIGHT


def join(frames):
    """Join the tables of all files."""
    frames = list(frames)
    if len(frames) == 1:
        return frames[0]
    joined = pd.concat(frames, ignore_index=True)
    joined.attrs = frames[0].attrs
    return joined


def check_alike(frame, path, first, first_path):
    """Return a table with its columns in the order of the first one, or raise if they differ.

    Raises
    ------
    ValueError
        If columns, dtypes or units differ.
    """
    for name in [*first, *frame]:
        if name not in frame or name not in first:
            lacks = "no" if name in first else "a"
            other = "has" if name in first else "does not have"
            raise ValueError(
                f"{path} has {lacks} column {name!r}, which {first_path} {other}. Name the columns "
                "that all files share in columns=."
            )
    for name in first:
        one, other = (
            (f"dtype {table[name].dtype}", f"unit {table.attrs['units'].get(name)!r}")
            for table in (frame, first)
        )
        for here, there in zip(one, other, strict=True):
            if here != there:
                raise ValueError(
                    f"{path} has {here} in column {name!r}, and {first_path} has {there}: read "
                    "them one by one and convert."
                )
    return frame if list(frame) == list(first) else frame[list(first)]


def levels(frame):
    """Generator and detector level of a table, and its weights if it has any.

    Raises
    ------
    ValueError
        If one of both levels is missing, or a column belongs to neither.
    """
    sides = {
        level: [name for name in frame if name.startswith(level) and name != level]
        for level in (GEN, RECO)
    }
    for level, names in sides.items():
        if not names:
            raise ValueError(
                f"return_X_y=True needs columns named {GEN}... and {RECO}..., and none is named "
                f"{level}...; there are {list(frame)[:10]}. Read without it, and select X and y."
            )
    others = set(frame).difference(*sides.values(), [WEIGHT])
    if others:
        raise ValueError(
            f"return_X_y=True has no place for column {min(others)!r}, which is named neither "
            f"{GEN}..., {RECO}... nor {WEIGHT}. Leave it out by columns=, or read without it."
        )
    parts = [_side(frame, level, names) for level, names in sides.items()]
    return (*parts, frame[WEIGHT]) if WEIGHT in frame else tuple(parts)


def _side(frame, level, names):
    units = frame.attrs["units"]
    side = frame[names].rename(columns=lambda name: name.removeprefix(level))
    side.attrs = {
        "units": {name.removeprefix(level): units[name] for name in names if name in units},
        "description": frame.attrs["description"],
    }
    return side
