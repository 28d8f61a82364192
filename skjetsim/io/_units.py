"""Units of columns, from their names where the package's conventions give them."""

import re

from skjetsim.io._files import did_you_mean

GEN, RECO, WEIGHT = "gen_", "reco_", "sample_weight"

KNOWN = {
    **dict.fromkeys(("px", "py", "pz", "pt", "et", "E", "energy", "mass", "met", "ht"), "GeV"),
    **dict.fromkeys(("phi", "theta"), "rad"),
    **dict.fromkeys(("eta", "rapidity"), ""),
}


def known_unit(name):
    """Unit that the last word of a name says, numbers aside: GeV for `jet_pt_0`; else None."""
    words = [word for word in re.split(r"[_.]", name) if not word.isdigit()]
    if not words or "log" in words:
        return None
    return KNOWN.get(words[-1])


def resolve_units(names, stated, given):
    """Unit of each column of a file: as given, else as the table states.

    Parameters
    ----------
    names : list of str
        Columns of the file, with `gen_` and `reco_`.
    stated : dict of str to str
        Units that the table states, by name in the file.
    given : dict or None
        Units that the user gives, by name with or without the level.

    Returns
    -------
    dict of str to str
        Columns whose unit is not known are left out.
    """
    given = _check_given(given, names)
    units = {}
    for name in names:
        candidates = (given.get(name), given.get(_base_name(name)), stated.get(name))
        unit = next((unit for unit in candidates if unit is not None), None)
        if unit is not None:
            units[name] = unit
    return units


def _base_name(name):
    return re.sub(f"^({GEN}|{RECO})", "", name)


def _check_given(given, names):
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise TypeError(f"units must be a dict of column name to unit, got {type(given).__name__}.")
    possible = {*names, *map(_base_name, names)}
    for name, unit in given.items():
        if not isinstance(unit, str):
            raise TypeError(f"The unit of {name!r} must be a str, such as 'GeV', got {unit!r}.")
        if name not in possible:
            hint = did_you_mean(str(name), possible) or "."
            raise ValueError(f"units: there is no column {name!r}{hint}")
    return given
